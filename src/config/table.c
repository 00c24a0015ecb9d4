/*
 * table.c - a table of a source, and its columns.
 */
#include "config/reader.h"

#include <string.h>

enum { MAX_COLUMNS = 1600 }; /* PostgreSQL's MaxHeapAttributeNumber */

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/*
 * A type goes into DDL as it is written, so only what types consist of may be in it: words, a
 * modifier in parentheses, [] and quoted names.
 */
static bool
is_type_text(const char *text)
{
    bool is_quoted = false;
    int depth = 0;

    if (text[0] == '\0')
        return false;
    for (const char *c = text; *c != '\0'; c++) {
        bool is_word = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                       (*c >= '0' && *c <= '9') || *c == '_' || *c == ' ' || *c == '.' ||
                       (unsigned char) *c >= 0x80;

        if (*c == '"')
            is_quoted = !is_quoted;
        else if (is_quoted || is_word)
            continue;
        else if (*c == '(' || *c == '[')
            depth++;
        else if (*c == ')' || *c == ']')
            depth--;
        else if (!(depth > 0 && (*c == ',' || *c == '-')))
            return false;
        if (depth < 0 || depth > 1)
            return false;
    }
    return !is_quoted && depth == 0;
}

static void
read_column(Reader *reader, const IdcYamlNode *node, const IdcConfigSource *source,
            IdcConfigColumn *column)
{
    static const char *const keys[] = { "name",    "type",        "not_null",
                                        "default", "description", "options" };
    const IdcYamlNode *type;
    IdcConfigOptions raw = { NULL, 0 };
    size_t problems = reader->problems->count;

    column->position = node->position;
    if (!idc_reader_is_map(reader, node, "column"))
        return;
    idc_reader_check_keys(reader, node, "a column", keys, COUNT_OF(keys));
    column->name = idc_reader_name(reader, node, "name");
    if (idc_yaml_get(node, "name") == NULL)
        idc_problems_add(reader->problems, node->position,
                         "a column without a name, expected name: and type:");
    type = idc_yaml_get(node, "type");
    if (type == NULL)
        idc_problems_add(
            reader->problems, node->position,
            "column \"%s\" has no type, expected type: (or no columns at all, then the "
            "source is asked)",
            idc_problems_shown(reader->problems, column->name == NULL ? "" : column->name));
    column->type = idc_reader_text(reader, node, "type");
    if (column->type != NULL && !type->is_unset && !is_type_text(column->type))
        idc_problems_add(
            reader->problems, type->position,
            "type: \"%s\" is not a type, expected one such as integer or numeric(10,2)",
            idc_problems_shown(reader->problems, column->type));
    column->not_null = idc_reader_bool(reader, node, "not_null", false);
    column->default_value = idc_reader_text(reader, node, "default");
    column->description = idc_reader_text(reader, node, "description");
    idc_options_gather(reader, idc_yaml_get(node, "options"), "options", &raw);
    idc_options_accept(reader, &raw, source->wrapper, OPTION_COLUMN, &column->options);
    if (reader->problems->count == problems)
        idc_adapter_options_whole(reader, source->wrapper, OPTION_COLUMN, &column->options,
                                  column->position);
}

static void
check_column_names(Reader *reader, const IdcConfigTable *table)
{
    for (size_t i = 1; i < table->column_count; i++) {
        const IdcConfigColumn *column = &table->columns[i];

        for (size_t k = 0; k < i && column->name != NULL; k++) {
            const IdcConfigColumn *other = &table->columns[k];

            if (other->name == NULL || strcmp(other->name, column->name) != 0)
                continue;
            idc_problems_add(reader->problems, column->position,
                             "column \"%s\" is there twice, the first time at %s:%d:%d",
                             idc_problems_shown(reader->problems, column->name),
                             other->position.file, other->position.line, other->position.column);
            break;
        }
    }
}

static void
read_columns(Reader *reader, const IdcYamlNode *list, const IdcConfigSource *source,
             IdcConfigTable *table)
{
    if (!idc_reader_is_list(reader, list, "columns"))
        return;
    if (list->count > MAX_COLUMNS) {
        idc_problems_add(reader->problems, list->position,
                         "found %zu columns, expected at most 1600", list->count);
        return;
    }
    table->columns = idc_reader_alloc(reader, list->count, sizeof *table->columns);
    if (table->columns == NULL)
        return;
    table->column_count = list->count;
    for (size_t i = 0; i < list->count; i++)
        read_column(reader, list->items[i], source, &table->columns[i]);
    check_column_names(reader, table);
}

/* What a wrapper calls a table's schema (MySQL: database) and its name there. */
static const struct {
    const char *wrapper, *schema, *name;
} remote_names[] = {
    { "mysql_fdw", "dbname", "table_name" },
    { "instant_mysql", "database", "table" },
    { "instant_postgres", "schema", "table" },
    { "instant_sqlite", "schema", "table" },
};

static void
read_remote_names(const IdcConfigSource *source, IdcConfigTable *table)
{
    const char *schema = "schema_name", *name = "table_name";

    for (size_t i = 0; source->wrapper != NULL && i < COUNT_OF(remote_names); i++)
        if (strcmp(source->wrapper, remote_names[i].wrapper) == 0) {
            schema = remote_names[i].schema;
            name = remote_names[i].name;
        }
    table->remote_schema = idc_options_get(&table->options, schema);
    table->remote_name = idc_options_get(&table->options, name);
    if (table->remote_name == NULL)
        table->remote_name = table->name;
}

/* A server of PostgreSQL's has one database: a table's dbname can only repeat it. */
static void
drop_database(Reader *reader, const IdcConfigSource *source, IdcConfigOptions *raw)
{
    for (size_t i = 0; i < raw->count; i++) {
        const IdcConfigOption *option = &raw->items[i];

        if (strcmp(option->name, "dbname") != 0 && strcmp(option->name, "database") != 0)
            continue;
        if (source->database == NULL || strcmp(option->value, source->database) != 0)
            idc_problems_add(reader->problems, option->position,
                             "option \"%s\" of a %s table: a server has one database, "
                             "expected it in the server's options (and schema_name here)",
                             idc_problems_shown(reader->problems, option->name), source->wrapper);
        idc_options_remove(raw, option->name);
        i--;
    }
}

/*
 * MySQL has no schemas: its database is what others call the schema. mysql_fdw wants it at each
 * table, ours takes the server's for those that have none.
 */
static void
settle_table_options(Reader *reader, const IdcConfigSource *source, IdcConfigOptions *raw,
                     IdcConfigTable *table)
{
    bool is_mysql_fdw = source->wrapper != NULL && strcmp(source->wrapper, "mysql_fdw") == 0;
    IdcConfigOptions *options = &table->options;

    if (source->wrapper != NULL && idc_kind_is_same(source->wrapper, "postgres_fdw"))
        drop_database(reader, source, raw);
    idc_options_accept(reader, raw, source->wrapper, OPTION_TABLE, options);
    if (is_mysql_fdw && source->database != NULL && idc_options_get(options, "dbname") == NULL)
        idc_options_add(reader, options,
                        (IdcConfigOption){ "dbname", source->database, table->position });
    read_remote_names(source, table);
}

static void
read_table_map(Reader *reader, const IdcYamlNode *node, const IdcConfigSource *source,
               bool has_source_key, IdcConfigTable *table)
{
    static const char *const keys[] = { "name",   "columns",     "options",
                                        "schema", "description", "source" };
    IdcConfigOptions raw = { NULL, 0 };
    size_t problems = reader->problems->count;
    const char *schema;

    idc_reader_check_keys(reader, node, "a table", keys, COUNT_OF(keys) - !has_source_key);
    table->name = idc_reader_name(reader, node, "name");
    if (idc_yaml_get(node, "name") == NULL)
        idc_problems_add(reader->problems, node->position,
                         "a table without a name, expected name:");
    schema = idc_reader_schema(reader, node);
    if (schema != NULL)
        table->schema = schema;
    table->description = idc_reader_text(reader, node, "description");
    read_columns(reader, idc_yaml_get(node, "columns"), source, table);
    idc_options_gather(reader, idc_yaml_get(node, "options"), "options", &raw);
    settle_table_options(reader, source, &raw, table);
    /* Without columns the source says the options, too. */
    if (reader->problems->count == problems && table->column_count > 0)
        idc_adapter_options_whole(reader, source->wrapper, OPTION_TABLE, &table->options,
                                  table->position);
}

void
idc_table_read(Reader *reader, const IdcYamlNode *node, IdcConfigSource *source,
               bool has_source_key)
{
    IdcConfigOptions none = { NULL, 0 };
    IdcConfigTable table = { .schema = source->schema, .position = node->position };
    IdcConfigTable *tables;

    if (node->kind == IDC_YAML_TEXT && !node->is_null) {
        if (idc_reader_check_name(reader, node->text, node->position, "table"))
            table.name = node->text;
        settle_table_options(reader, source, &none, &table);
    } else if (idc_reader_is_map(reader, node, "table")) {
        read_table_map(reader, node, source, has_source_key, &table);
    }
    if (table.name == NULL)
        return;
    tables = idc_reader_grow(reader, source->tables, source->table_count, sizeof *tables);
    if (tables == NULL)
        return;
    tables[source->table_count++] = table;
    source->tables = tables;
}

void
idc_source_tables_read(Reader *reader, const IdcYamlNode *list, IdcConfigSource *source)
{
    if (!idc_reader_is_list(reader, list, "tables"))
        return;
    for (size_t i = 0; i < list->count; i++)
        idc_table_read(reader, list->items[i], source, false);
}
