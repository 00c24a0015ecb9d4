/*
 * merge.c - the tables of a second file, and names that collide.
 */
#include "config/reader.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* ---- the schema file ---- */

/* By their names; of two with one name, the first in the file comes first. */
static int
compare_sources(const void *left, const void *right)
{
    const IdcConfigSource *a = *(IdcConfigSource *const *) left;
    const IdcConfigSource *b = *(IdcConfigSource *const *) right;
    int order = strcmp(a->name, b->name);

    return order != 0 ? order : a < b ? -1 : a > b;
}

/* sources_by_name and source_names, once: a file may have as many tables as the other has sources.
 */
static bool
sort_sources(Reader *reader)
{
    IdcConfig *config = reader->config;
    IdcConfigSource **sorted;

    if (reader->sources_by_name != NULL)
        return true;
    sorted = idc_reader_alloc(reader, config->source_count, sizeof(IdcConfigSource *));
    reader->source_names = idc_reader_alloc(reader, config->source_count, sizeof(const char *));
    if (sorted == NULL || reader->source_names == NULL)
        return false;
    for (size_t i = 0; i < config->source_count; i++) {
        sorted[i] = &config->sources[i];
        reader->source_names[i] = config->sources[i].name;
    }
    qsort(sorted, config->source_count, sizeof(IdcConfigSource *), compare_sources);
    reader->sources_by_name = sorted;
    return true;
}

static IdcConfigSource *
find_source(Reader *reader, const char *name, IdcPosition position)
{
    size_t low = 0, high = reader->config->source_count;

    if (!sort_sources(reader))
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(reader->sources_by_name[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < reader->config->source_count && strcmp(reader->sources_by_name[low]->name, name) == 0)
        return reader->sources_by_name[low];
    idc_problems_add_hint(reader->problems, position, name, reader->source_names,
                          reader->config->source_count, "unknown source \"%s\"%s",
                          idc_problems_shown(reader->problems, name),
                          reader->config->source_count == 0 ? ", the configuration has none" : "");
    return NULL;
}

/* The same table, for a hub without our wrapper. */
static void
add_otherwise(Reader *reader, IdcConfigSource *source, const IdcYamlNode *node, bool has_source_key)
{
    Reader again;

    if (source->otherwise == NULL || !idc_reader_again(reader, &again))
        return;
    source->otherwise->import_all = false;
    idc_table_read(&again, node, source->otherwise, has_source_key);
    source->why_alone = idc_reader_end_again(reader, &again);
    if (source->why_alone != NULL)
        source->otherwise = NULL;
}

/* Tables that are listed take the place of the import of everything. */
static void
add_table(Reader *reader, IdcConfigSource *source, const IdcYamlNode *node, bool has_source_key)
{
    if (source->import_schema_count > 0)
        idc_problems_add(reader->problems, node->position,
                         "source \"%s\" has import:, expected no tables beside it",
                         idc_problems_shown(reader->problems, source->name));
    source->import_all = false;
    idc_table_read(reader, node, source, has_source_key);
    add_otherwise(reader, source, node, has_source_key);
}

static void
merge_table(Reader *reader, const IdcYamlNode *node)
{
    const IdcYamlNode *key = idc_yaml_get(node, "source");
    IdcConfigSource *source = NULL;

    if (!idc_reader_is_map(reader, node, "table"))
        return;
    if (idc_reader_is_text(reader, key, "source"))
        source = find_source(reader, key->text, key->position);
    else if (key == NULL && reader->config->source_count == 1)
        source = &reader->config->sources[0];
    else if (key == NULL)
        idc_problems_add(reader->problems, node->position,
                         "a table without a source, expected source:");
    if (source != NULL)
        add_table(reader, source, node, true);
}

static void
merge_source(Reader *reader, const IdcYamlPair *pair)
{
    static const char *const keys[] = { "tables" };
    IdcConfigSource *source = find_source(reader, pair->key, pair->key_position);
    const IdcYamlNode *tables;

    if (!idc_reader_is_map(reader, pair->value, "source"))
        return;
    idc_reader_check_keys(reader, pair->value, "a source of the schema file", keys, COUNT_OF(keys));
    tables = idc_yaml_get(pair->value, "tables");
    if (source == NULL || !idc_reader_is_list(reader, tables, "tables"))
        return;
    for (size_t i = 0; i < tables->count; i++)
        add_table(reader, source, tables->items[i], false);
}

void
idc_merge_tables(Reader *reader, const IdcYamlNode *root)
{
    static const char *const keys[] = { "tables", "sources", "version", "metadata", "description" };
    const IdcYamlNode *sources = idc_yaml_get(root, "sources");
    const IdcYamlNode *tables = idc_yaml_get(root, "tables");

    if (!idc_reader_is_map(reader, root, "the schema file"))
        return;
    idc_reader_check_keys(reader, root, "the schema file", keys, COUNT_OF(keys));
    if (idc_reader_is_map(reader, sources, "sources"))
        for (size_t i = 0; i < sources->count; i++)
            merge_source(reader, &sources->pairs[i]);
    if (idc_reader_is_list(reader, tables, "tables"))
        for (size_t i = 0; i < tables->count; i++)
            merge_table(reader, tables->items[i]);
}

/* ---- names that collide ---- */

/* schema is "" for servers; order is that of the files. */
typedef struct Name {
    const char *schema, *name;
    const char *source;
    IdcPosition position;
    size_t order;
} Name;

static int
compare_names(const void *left, const void *right)
{
    const Name *a = left, *b = right;
    int order = strcmp(a->schema, b->schema);

    if (order == 0)
        order = strcmp(a->name, b->name);
    if (order == 0)
        order = a->order < b->order ? -1 : a->order > b->order;
    return order;
}

static void
report_collisions(Reader *reader, Name *names, size_t count, bool are_tables)
{
    const Name *first = names;

    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i].schema, first->schema) != 0 || strcmp(names[i].name, first->name) != 0)
            first = &names[i];
        else if (are_tables)
            idc_problems_add(reader->problems, names[i].position,
                             "table \"%s\" is in schema \"%s\" twice, the first time at %s:%d:%d, "
                             "expected another name or a schema: of its own",
                             idc_problems_shown(reader->problems, names[i].name),
                             idc_problems_shown(reader->problems, first->schema),
                             first->position.file, first->position.line, first->position.column);
        else if (strcmp(names[i].source, first->source) != 0) /* else its key is there twice */
            idc_problems_add(reader->problems, names[i].position,
                             "server \"%s\" is there twice, the first time at %s:%d:%d, expected "
                             "another name in server:",
                             idc_problems_shown(reader->problems, names[i].name),
                             first->position.file, first->position.line, first->position.column);
    }
}

void
idc_check_collisions(Reader *reader)
{
    const IdcConfig *config = reader->config;
    Name *servers, *tables;
    size_t server_count = 0, table_count = 0, capacity = 0;

    for (size_t i = 0; i < config->source_count; i++)
        capacity += config->sources[i].table_count;
    servers = idc_reader_alloc(reader, config->source_count, sizeof *servers);
    tables = idc_reader_alloc(reader, capacity, sizeof *tables);
    if (servers == NULL || tables == NULL)
        return;
    for (size_t i = 0; i < config->source_count; i++) {
        const IdcConfigSource *source = &config->sources[i];

        if (!source->is_enabled)
            continue;
        servers[server_count] =
            (Name){ "", source->server_name, source->name, source->position, server_count };
        server_count++;
        for (size_t k = 0; k < source->table_count; k++, table_count++)
            tables[table_count] = (Name){ source->tables[k].schema, source->tables[k].name,
                                          source->name, source->tables[k].position, table_count };
    }
    report_collisions(reader, servers, server_count, false);
    report_collisions(reader, tables, table_count, true);
}
