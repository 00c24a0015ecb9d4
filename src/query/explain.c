/*
 * explain.c - what a source runs, read from the hub's EXPLAIN (VERBOSE).
 *
 * The text form is read because it needs no JSON reader: a node is a line that starts with "->" (or
 * the first line), and its properties follow, indented, as "Key: value".
 */
#include "query/query.h"

#include <string.h>
#include <strings.h>

/* A list that grows in the arena, and the node that properties belong to now. */
typedef struct Reader {
    IdcArena *arena;
    IdcRemotePiece *pieces;
    size_t count, capacity;
    IdcRemotePiece node;
    bool is_foreign, has_node;
    size_t node_indent;
    bool is_in_remote_sql; /* the last line was the remote SQL, or went on with it */
} Reader;

static size_t
indent_of(const char *line)
{
    return strspn(line, " ");
}

static bool
flush_node(Reader *reader)
{
    bool is_wanted = reader->has_node && (reader->is_foreign || reader->node.remote_sql != NULL);

    if (is_wanted && reader->count == reader->capacity) {
        size_t capacity = reader->capacity == 0 ? 8 : reader->capacity * 2;
        IdcRemotePiece *pieces = idc_arena_alloc_array(reader->arena, capacity, sizeof *pieces);

        if (pieces == NULL)
            return false;
        if (reader->count > 0)
            memcpy(pieces, reader->pieces, reader->count * sizeof *pieces);
        reader->pieces = pieces;
        reader->capacity = capacity;
    }
    if (is_wanted)
        reader->pieces[reader->count++] = reader->node;
    reader->node = (IdcRemotePiece){ 0 };
    reader->has_node = reader->is_foreign = false;
    return true;
}

/* "Foreign Scan on public.ft a  (cost=…)": the relation is between " on " and the two blanks. */
static bool
start_node(Reader *reader, const char *text, size_t indent)
{
    const char *end = strstr(text, "  ("), *on;

    if (!flush_node(reader))
        return false;
    if (end == NULL)
        end = text + strlen(text);
    reader->has_node = true;
    reader->node_indent = indent;
    reader->is_foreign =
        strncmp(text, "Foreign ", 8) == 0 || strncmp(text, "Async Foreign ", 14) == 0;
    on = strstr(text, " on ");
    if (on == NULL || on > end)
        return true;
    reader->node.relation = idc_arena_strndup(reader->arena, on + 4, (size_t) (end - on) - 4);
    return reader->node.relation != NULL;
}

/* The value when the line is this property, in any case. */
static const char *
property_value(const char *line, const char *key)
{
    size_t len = strlen(key);

    return strncasecmp(line, key, len) == 0 && line[len] == ':' && line[len + 1] == ' '
               ? line + len + 2
               : NULL;
}

/* A remote statement may hold a text constant with a line break; EXPLAIN then goes on at the
 * margin. */
static bool
append_to_remote_sql(Reader *reader, const char *line)
{
    reader->node.remote_sql =
        idc_arena_printf(reader->arena, "%s\n%s", reader->node.remote_sql, line);
    return reader->node.remote_sql != NULL;
}

static bool
read_property(Reader *reader, const char *line)
{
    static const char *const remote_keys[] = { "Remote SQL", "Remote query", "Remote request" };
    const char *value;

    reader->is_in_remote_sql = false;
    for (size_t i = 0; i < sizeof remote_keys / sizeof *remote_keys; i++)
        if ((value = property_value(line, remote_keys[i])) != NULL) {
            /* Our own wrappers say a request in several of these. */
            if (reader->node.remote_sql != NULL)
                return append_to_remote_sql(reader, value);
            reader->is_in_remote_sql = true;
            reader->node.remote_sql = idc_arena_strdup(reader->arena, value);
            return reader->node.remote_sql != NULL;
        }
    if ((value = property_value(line, "Filter")) != NULL) {
        reader->node.local_filter = idc_arena_strdup(reader->arena, value);
        return reader->node.local_filter != NULL;
    }
    if ((value = property_value(line, "Server")) != NULL) {
        reader->node.server = idc_arena_strdup(reader->arena, value);
        return reader->node.server != NULL;
    }
    if ((value = property_value(line, "Relations")) != NULL) {
        reader->node.relation = idc_arena_strdup(reader->arena, value);
        return reader->node.relation != NULL;
    }
    return true;
}

static bool
is_summary(const char *line)
{
    static const char *const starts[] = {
        "Planning",          "Execution Time:", "JIT:",    "Trigger ",
        "Query Identifier:", "Settings:",       "Buffers:"
    };

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(line, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static bool
read_line(Reader *reader, const char *line, bool is_first)
{
    size_t indent = indent_of(line);
    const char *text = line + indent;

    if (strncmp(text, "->", 2) == 0) {
        reader->is_in_remote_sql = false;
        return start_node(reader, text + 2 + indent_of(text + 2), indent + 2);
    }
    if (is_first)
        return start_node(reader, text, indent);
    if (!reader->has_node)
        return true;
    if (reader->is_in_remote_sql && indent <= reader->node_indent && !is_summary(text) &&
        strncmp(text, "SubPlan ", 8) != 0 && strncmp(text, "InitPlan ", 9) != 0)
        return append_to_remote_sql(reader, line);
    return read_property(reader, text);
}

IdcStatus
idc_explain_pieces(IdcArena *arena, const char *const *lines, size_t line_count,
                   IdcRemotePiece **pieces, size_t *piece_count, IdcError *err)
{
    Reader reader = { .arena = arena };

    for (size_t i = 0; i < line_count; i++)
        if (!read_line(&reader, lines[i], i == 0))
            return idc_fail_no_memory(err);
    if (!flush_node(&reader))
        return idc_fail_no_memory(err);
    *pieces = reader.pieces;
    *piece_count = reader.count;
    return IDC_OK;
}
