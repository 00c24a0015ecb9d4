/*
 * document.c - JSON as a tree, and looking things up in trees.
 */
#include "adapters/rest/document.h"

#include <string.h>

#include "adapters/common/json.h"
#include "base/text.h"

/* Text that was checked to be JSON, and where its reader is. */
typedef struct Reader {
    IdcArena *arena;
    const char *at;
    IdcText scratch;
    size_t node_count;
    int depth;
    IdcError *err;
} Reader;

static void
skip_blanks(Reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

static IdcStatus
read_text(Reader *reader, const char **text)
{
    const char *begin = ++reader->at;

    while (*reader->at != '"')
        reader->at += *reader->at == '\\' ? 2 : 1;
    idc_text_clear(&reader->scratch);
    if (idc_json_unescape(begin, (size_t) (reader->at - begin), &reader->scratch) != IDC_JSON_TEXT)
        return idc_fail(reader->err, IDC_SOURCE_FAILED,
                        "the document has a text with a NUL or half a character");
    reader->at++;
    *text = idc_arena_strdup(reader->arena, idc_text_string(&reader->scratch));
    return *text != NULL ? IDC_OK : idc_fail_no_memory(reader->err);
}

static IdcStatus read_node(Reader *reader, IdcNode **node);

/* Behind the bracket or brace. */
static IdcStatus
read_items(Reader *reader, IdcNode *parent, char end)
{
    IdcNode **link = &parent->first;

    for (skip_blanks(reader); *reader->at != end; skip_blanks(reader)) {
        const char *key = NULL;
        IdcStatus status = IDC_OK;

        if (*reader->at == ',') {
            reader->at++;
            skip_blanks(reader);
        }
        if (end == '}') {
            status = read_text(reader, &key);
            skip_blanks(reader);
            reader->at += *reader->at == ':';
        }
        if (status == IDC_OK)
            status = read_node(reader, link);
        if (status != IDC_OK)
            return status;
        (*link)->key = key;
        link = &(*link)->next;
    }
    reader->at++;
    return IDC_OK;
}

static IdcStatus
read_node(Reader *reader, IdcNode **node)
{
    IdcNode *made = idc_arena_alloc(reader->arena, sizeof *made);
    IdcStatus status = IDC_OK;
    size_t len;

    if (made == NULL)
        return idc_fail_no_memory(reader->err);
    if (++reader->node_count > IDC_DOCUMENT_MAX_NODES || ++reader->depth > IDC_DOCUMENT_MAX_DEPTH)
        return idc_fail(reader->err, IDC_SOURCE_FAILED, "the document is too big or too deep");
    *node = made;
    skip_blanks(reader);
    if (*reader->at == '{' || *reader->at == '[') {
        made->kind = *reader->at == '{' ? IDC_NODE_MAP : IDC_NODE_LIST;
        reader->at++;
        status = read_items(reader, made, made->kind == IDC_NODE_MAP ? '}' : ']');
    } else if (*reader->at == '"') {
        made->is_quoted = true;
        status = read_text(reader, &made->text);
    } else {
        len = strcspn(reader->at, " \t\r\n,]}");
        made->text = idc_arena_strndup(reader->arena, reader->at, len);
        reader->at += len;
        if (made->text == NULL)
            status = idc_fail_no_memory(reader->err);
    }
    reader->depth--;
    return status;
}

static IdcStatus
read_json(IdcArena *arena, const char *bytes, size_t len, const IdcNode **root, IdcError *err)
{
    Reader reader = { .arena = arena, .err = err };
    IdcNode *node;
    IdcStatus status;

    if (!idc_json_is_valid(bytes, len))
        return idc_fail(err, IDC_SOURCE_FAILED, "the document is no JSON");
    reader.at = idc_arena_strndup(arena, bytes, len);
    if (reader.at == NULL)
        return idc_fail_no_memory(err);
    idc_text_init(&reader.scratch, 0);
    status = read_node(&reader, &node);
    idc_text_done(&reader.scratch);
    if (status == IDC_OK)
        *root = node;
    return status;
}

IdcStatus
idc_document_read(IdcArena *arena, const char *bytes, size_t len, const IdcNode **root,
                  IdcError *err)
{
    size_t i = 0;

    if (len > IDC_DOCUMENT_MAX_BYTES)
        return idc_fail(err, IDC_SOURCE_FAILED, "the document is bigger than %d MiB",
                        IDC_DOCUMENT_MAX_BYTES >> 20);
    if (len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        bytes += 3;
        len -= 3;
    }
    while (i < len && (bytes[i] == ' ' || bytes[i] == '\t' || bytes[i] == '\r' || bytes[i] == '\n'))
        i++;
    if (i < len && bytes[i] == '{')
        return read_json(arena, bytes, len, root, err);
    return idc_document_read_yaml(arena, bytes, len, root, err);
}

/* ---- looking up ---- */

const IdcNode *
idc_node_get(const IdcNode *map, const char *key)
{
    if (!idc_node_is_map(map))
        return NULL;
    for (const IdcNode *item = map->first; item != NULL; item = item->next)
        if (strcmp(item->key, key) == 0)
            return item;
    return NULL;
}

const char *
idc_node_text(const IdcNode *map, const char *key)
{
    const IdcNode *node = idc_node_get(map, key);

    return node != NULL && node->kind == IDC_NODE_SCALAR ? node->text : NULL;
}

bool
idc_node_is(const IdcNode *map, const char *key, const char *text)
{
    const char *found = idc_node_text(map, key);

    return found != NULL && strcmp(found, text) == 0;
}

bool
idc_node_is_true(const IdcNode *map, const char *key)
{
    return idc_node_is(map, key, "true");
}

bool
idc_node_is_map(const IdcNode *node)
{
    return node != NULL && node->kind == IDC_NODE_MAP;
}

bool
idc_node_is_list(const IdcNode *node)
{
    return node != NULL && node->kind == IDC_NODE_LIST;
}
