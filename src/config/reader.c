/*
 * reader.c - one key of a mapping as a checked value.
 */
#include "config/reader.h"

#include <string.h>

enum { NAME_BYTES = 63 };

void *
idc_reader_alloc(Reader *reader, size_t count, size_t size)
{
    void *memory = idc_arena_alloc_array(reader->arena, count == 0 ? 1 : count, size);

    if (memory == NULL)
        reader->problems->is_out_of_memory = true;
    return memory;
}

const char *
idc_reader_copy(Reader *reader, const char *text, size_t len)
{
    char *copy = idc_arena_strndup(reader->arena, text, len);

    if (copy == NULL)
        reader->problems->is_out_of_memory = true;
    return copy;
}

void *
idc_reader_grow(Reader *reader, void *items, size_t count, size_t size)
{
    void *grown;

    if (count != 0 && (count < 4 || (count & (count - 1)) != 0))
        return items;
    grown = idc_reader_alloc(reader, count == 0 ? 4 : count * 2, size);
    if (grown != NULL && count > 0)
        memcpy(grown, items, count * size);
    return grown;
}

static bool
is_kind(Reader *reader, const IdcYamlNode *node, IdcYamlKind kind, const char *kind_name,
        const char *what)
{
    if (node == NULL)
        return false;
    if (node->kind == kind && !node->is_null)
        return true;
    idc_problems_add(reader->problems, node->position, "%s: found %s, expected %s", what,
                     idc_yaml_kind_name(node), kind_name);
    return false;
}

bool
idc_reader_again(Reader *reader, Reader *again)
{
    const IdcProblems *problems = reader->problems;

    if (reader->aside == NULL)
        reader->aside = idc_reader_alloc(reader, 1, sizeof *reader->aside);
    if (reader->aside == NULL)
        return false;
    *reader->aside = (IdcProblems){ .arena = problems->arena,
                                    .first_file = problems->first_file,
                                    .hidden = problems->hidden,
                                    .hidden_count = problems->hidden_count,
                                    .hidden_capacity = problems->hidden_capacity };
    *again = *reader;
    again->problems = reader->aside;
    return true;
}

const char *
idc_reader_end_again(Reader *reader, const Reader *again)
{
    idc_problems_share(reader->problems, again->problems);
    return again->problems->count == 0 ? NULL : again->problems->items[0].message;
}

bool
idc_reader_is_map(Reader *reader, const IdcYamlNode *node, const char *what)
{
    return is_kind(reader, node, IDC_YAML_MAP, "a mapping", what);
}

bool
idc_reader_is_list(Reader *reader, const IdcYamlNode *node, const char *what)
{
    return is_kind(reader, node, IDC_YAML_LIST, "a list", what);
}

bool
idc_reader_is_text(Reader *reader, const IdcYamlNode *node, const char *what)
{
    return is_kind(reader, node, IDC_YAML_TEXT, "text", what);
}

void
idc_reader_check_keys(Reader *reader, const IdcYamlNode *map, const char *what,
                      const char *const *keys, size_t key_count)
{
    for (size_t i = 0; i < map->count; i++) {
        const char *key = map->pairs[i].key;
        bool is_known = key[0] == '\0' || strcmp(key, "<<") == 0; /* reported by the parser */

        for (size_t k = 0; k < key_count && !is_known; k++)
            is_known = strcmp(key, keys[k]) == 0;
        if (!is_known)
            idc_problems_add_hint(reader->problems, map->pairs[i].key_position, key, keys,
                                  key_count, "unknown key \"%s\" in %s",
                                  idc_problems_shown(reader->problems, key), what);
    }
}

const char *
idc_reader_text(Reader *reader, const IdcYamlNode *map, const char *key)
{
    const IdcYamlNode *node = idc_yaml_get(map, key);

    return idc_reader_is_text(reader, node, key) ? node->text : NULL;
}

bool
idc_reader_check_name(Reader *reader, const char *name, IdcPosition position, const char *what)
{
    size_t len = strlen(name);

    if (len == 0)
        idc_problems_add(reader->problems, position, "%s: found an empty name", what);
    else if (len > NAME_BYTES)
        idc_problems_add(reader->problems, position,
                         "%s: the name \"%s\" has %zu bytes, expected at most 63 (PostgreSQL would "
                         "cut it)",
                         what, idc_problems_shown(reader->problems, name), len);
    return len > 0 && len <= NAME_BYTES;
}

const char *
idc_reader_name(Reader *reader, const IdcYamlNode *map, const char *key)
{
    const IdcYamlNode *node = idc_yaml_get(map, key);

    if (!idc_reader_is_text(reader, node, key))
        return NULL;
    return idc_reader_check_name(reader, node->text, node->position, key) ? node->text : NULL;
}

const char *
idc_reader_schema(Reader *reader, const IdcYamlNode *map)
{
    const char *schema = idc_reader_name(reader, map, "schema");

    if (schema != NULL &&
        (strncmp(schema, "pg_", 3) == 0 || strcmp(schema, "information_schema") == 0))
        idc_problems_add(reader->problems, idc_yaml_get(map, "schema")->position,
                         "schema: \"%s\" is PostgreSQL's own, expected another name",
                         idc_problems_shown(reader->problems, schema));
    return schema;
}

bool
idc_reader_bool(Reader *reader, const IdcYamlNode *map, const char *key, bool otherwise)
{
    const IdcYamlNode *node = idc_yaml_get(map, key);
    bool value = otherwise;

    if (!idc_reader_is_text(reader, node, key) || node->is_unset)
        return otherwise;
    if (!idc_bool_parse(node->text, &value))
        idc_problems_add(reader->problems, node->position, "%s: found text, expected true or false",
                         key);
    return value;
}

int64_t
idc_reader_int(Reader *reader, const IdcYamlNode *map, const char *key, int64_t least, int64_t most)
{
    const IdcYamlNode *node = idc_yaml_get(map, key);
    int64_t value;

    if (!idc_reader_is_text(reader, node, key))
        return -1;
    if (idc_int64_parse(node->text, &value) && value >= least && value <= most)
        return value;
    idc_problems_add(reader->problems, node->position,
                     "%s: expected a whole number from %lld to %lld", key, (long long) least,
                     (long long) most);
    return -1;
}

/* 10, 0.25: by hand, since strtod follows the locale. A fraction of a millisecond is cut. */
static bool
parse_seconds_ms(const char *text, int64_t *result)
{
    static const int64_t most = INT64_C(31536000) * 1000; /* a year */
    int64_t ms = 0, unit = 1000;
    bool has_point = false;

    if (text[0] < '0' || text[0] > '9')
        return false;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '.' && !has_point && c[1] != '\0') {
            has_point = true;
        } else if (*c < '0' || *c > '9') {
            return false;
        } else if (has_point) {
            unit /= 10;
            ms += (*c - '0') * unit;
        } else {
            ms = ms * 10 + (*c - '0') * unit;
        }
        if (ms > most)
            return false;
    }
    *result = ms;
    return true;
}

int64_t
idc_reader_seconds_ms(Reader *reader, const IdcYamlNode *map, const char *key)
{
    const IdcYamlNode *node = idc_yaml_get(map, key);
    int64_t ms;

    if (!idc_reader_is_text(reader, node, key))
        return -1;
    if (parse_seconds_ms(node->text, &ms))
        return ms;
    idc_problems_add(reader->problems, node->position,
                     "%s: expected a number of seconds from 0 to 31536000", key);
    return -1;
}
