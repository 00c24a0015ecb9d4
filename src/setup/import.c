/*
 * import.c - what a source says about its own tables.
 *
 * In:   a server of the hub, a remote schema, names of tables
 * Out:  IdcTable with the source's columns
 * Next: wanted.c, validate_source.c
 *
 * Everything is asked through the hub's wrapper inside a savepoint that is rolled back. For MySQL
 * and MariaDB information_schema is read instead of IMPORT FOREIGN SCHEMA: mysql_fdw's import drops
 * the precision of decimals, makes int of int unsigned and stops at the first enum.
 */
#include "setup/model.h"

#include <string.h>

#define SCRATCH_SCHEMA "instant_import"

const char *
idc_import_default_schema(const IdcConfigSource *source)
{
    if (idc_wrapper_is_postgres(source->wrapper))
        return "public";
    if (strcmp(source->wrapper, "instant_sqlite") == 0)
        return "main";
    if (idc_wrapper_is_mysql(source->wrapper))
        return source->database == NULL ? "" : source->database;
    /* An API has one schema, and no name for it. */
    if (idc_wrapper_is_ours(source->wrapper))
        return "default";
    return source->database == NULL ? "" : source->database;
}

static IdcStatus
open_scratch(IdcSetup *setup, IdcError *err)
{
    const char *sql = idc_arena_printf(
        setup->arena, "SAVEPOINT instant_import; CREATE SCHEMA " SCRATCH_SCHEMA "%s",
        setup->scratch);

    return sql == NULL ? idc_fail_no_memory(err) : idc_setup_sql(setup, sql, err);
}

static IdcStatus
close_scratch(IdcSetup *setup, IdcError *err)
{
    return idc_setup_sql(
        setup, "ROLLBACK TO SAVEPOINT instant_import; RELEASE SAVEPOINT instant_import", err);
}

/* ---- any wrapper: IMPORT FOREIGN SCHEMA ---- */

static IdcStatus
import_statement(IdcSetup *setup, const IdcConfigSource *source, const char *server_name,
                 const char *remote_schema, const char *const *names, size_t name_count,
                 IdcStatement *statement, IdcError *err)
{
    IdcDdl ddl;

    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "IMPORT FOREIGN SCHEMA ");
    idc_ddl_name(&ddl, remote_schema);
    for (size_t i = 0; i < name_count; i++) {
        idc_ddl_add(&ddl, i == 0 ? " LIMIT TO (" : ", ");
        idc_ddl_name(&ddl, names[i]);
    }
    idc_ddl_add(&ddl, name_count > 0 ? ") FROM SERVER " : " FROM SERVER ");
    idc_ddl_name(&ddl, server_name);
    idc_ddl_add(&ddl, " INTO " SCRATCH_SCHEMA);
    idc_ddl_add(&ddl, setup->scratch);
    if (idc_wrapper_is_ours(source->wrapper))
        idc_ddl_add(&ddl, " OPTIONS (comments 'true')");
    return idc_ddl_take(&ddl, setup->arena, statement);
}

static void
add_import_hint(IdcError *err)
{
    if (err == NULL)
        return;
    if (err->hint[0] != '\0')
        return;
    if (strcmp(err->sqlstate, "42704") == 0)
        idc_error_set_hint(
            err, "make that type in the hub first, or list the tables with their columns");
    else if (strcmp(err->sqlstate, "HV00P") == 0 || strcmp(err->sqlstate, "0A000") == 0)
        idc_error_set_hint(
            err, "this wrapper cannot describe its source: list the tables with their columns");
}

/* Our wrappers say a comment as an option, since an import can make no COMMENT. */
static const char *
take_comment(IdcOptionList *options)
{
    const IdcOption *option = idc_option_find(options, "comment");
    const char *comment = option == NULL ? NULL : option->value;
    size_t at;

    if (option == NULL)
        return NULL;
    at = (size_t) (option - options->items);
    memmove(&options->items[at], &options->items[at + 1],
            (options->count - at - 1) * sizeof *options->items);
    options->count--;
    return comment;
}

static void
take_comments(IdcTableList *tables)
{
    for (size_t i = 0; i < tables->count; i++) {
        IdcTable *table = &tables->items[i];

        table->comment = take_comment(&table->options);
        for (size_t k = 0; k < table->count; k++)
            table->columns[k].comment = take_comment(&table->columns[k].options);
    }
}

static IdcStatus
import_with_wrapper(IdcSetup *setup, const IdcConfigSource *source, const char *server_name,
                    const char *remote_schema, const char *const *names, size_t name_count,
                    IdcTableList *tables, IdcError *err)
{
    IdcStatement statement = { 0 };
    IdcStatus status = import_statement(setup, source, server_name, remote_schema, names,
                                        name_count, &statement, err);

    if (status == IDC_OK)
        status = open_scratch(setup, err);
    if (status != IDC_OK)
        return status;
    status = idc_setup_execute(setup, &statement, err);
    if (status != IDC_OK) {
        add_import_hint(err);
        return status;
    }
    status = idc_actual_tables(
        setup, idc_arena_printf(setup->arena, SCRATCH_SCHEMA "%s", setup->scratch), tables, err);
    if (status == IDC_OK && idc_wrapper_is_ours(source->wrapper))
        take_comments(tables);
    if (status == IDC_OK)
        status = close_scratch(setup, err);
    return status;
}

/* ---- MySQL and MariaDB: information_schema ---- */

typedef struct MysqlType {
    const char *name, *type, *unsigned_type;
} MysqlType;

/* As format_type prints them, so that they compare equal to what the hub has. */
static const MysqlType mysql_types[] = {
    { "tinyint", "smallint", "smallint" },
    { "smallint", "smallint", "integer" },
    { "mediumint", "integer", "integer" },
    { "int", "integer", "bigint" },
    { "integer", "integer", "bigint" },
    { "bigint", "bigint", "numeric(20,0)" },
    { "year", "integer", "integer" },
    { "float", "real", "real" },
    { "double", "double precision", "double precision" },
    { "date", "date", "date" },
    { "datetime", "timestamp without time zone", "timestamp without time zone" },
    { "timestamp", "timestamp without time zone", "timestamp without time zone" },
    { "time", "time without time zone", "time without time zone" },
    { "binary", "bytea", "bytea" },
    { "varbinary", "bytea", "bytea" },
    { "tinyblob", "bytea", "bytea" },
    { "blob", "bytea", "bytea" },
    { "mediumblob", "bytea", "bytea" },
    { "longblob", "bytea", "bytea" },
    { "geometry", "bytea", "bytea" },
    { "point", "bytea", "bytea" },
    { "linestring", "bytea", "bytea" },
    { "polygon", "bytea", "bytea" },
    { "multipoint", "bytea", "bytea" },
    { "multilinestring", "bytea", "bytea" },
    { "multipolygon", "bytea", "bytea" },
    { "geometrycollection", "bytea", "bytea" },
};

static const char *
sized_type(IdcArena *arena, const char *name, const char *column_type)
{
    const char *open = strchr(column_type, '(');
    const char *close = open == NULL ? NULL : strchr(open, ')');
    int64_t size;
    char *text;

    if (close == NULL ||
        (text = idc_arena_strndup(arena, open + 1, (size_t) (close - open - 1))) == NULL ||
        !idc_int64_parse(text, &size) || size < 1)
        return "text";
    return idc_arena_printf(arena, "%s(%lld)", name, (long long) size);
}

const char *
idc_mysql_type(IdcArena *arena, const char *data_type, const char *column_type,
               const char *precision, const char *scale)
{
    bool is_unsigned = strstr(column_type, "unsigned") != NULL;

    for (size_t i = 0; i < sizeof mysql_types / sizeof mysql_types[0]; i++)
        if (strcmp(mysql_types[i].name, data_type) == 0)
            return is_unsigned ? mysql_types[i].unsigned_type : mysql_types[i].type;
    if (strcmp(data_type, "decimal") == 0 && precision != NULL)
        return idc_arena_printf(arena, "numeric(%s,%s)", precision, scale == NULL ? "0" : scale);
    if (strcmp(data_type, "decimal") == 0)
        return "numeric";
    if (strcmp(data_type, "varchar") == 0)
        return sized_type(arena, "character varying", column_type);
    if (strcmp(data_type, "char") == 0)
        return sized_type(arena, "character", column_type);
    if (strcmp(data_type, "bit") == 0)
        return sized_type(arena, "bit", column_type);
    /* Text of any length, enum, set, and what is not known: their text. */
    return "text";
}

static const char mysql_scratch_sql[] =
    "CREATE FOREIGN TABLE " SCRATCH_SCHEMA "%2$s.schemata (schema_name text)"
    " SERVER %1$s OPTIONS (dbname 'information_schema', table_name 'SCHEMATA');\n"
    "CREATE FOREIGN TABLE " SCRATCH_SCHEMA "%2$s.tables (table_schema text, table_name text,"
    " table_type text, table_comment text)"
    " SERVER %1$s OPTIONS (dbname 'information_schema', table_name 'TABLES');\n"
    "CREATE FOREIGN TABLE " SCRATCH_SCHEMA "%2$s.columns (table_schema text, table_name text,"
    " ordinal_position bigint, column_name text, data_type text, column_type text, is_nullable "
    "text,"
    " numeric_precision bigint, numeric_scale bigint, column_comment text)"
    " SERVER %1$s OPTIONS (dbname 'information_schema', table_name 'COLUMNS')";

static IdcStatus
mysql_scratch(IdcSetup *setup, const char *server_name, IdcError *err)
{
    IdcStatement name = { 0 };
    IdcStatus status;
    IdcDdl ddl;
    char *sql;

    idc_ddl_init(&ddl, err);
    idc_ddl_name(&ddl, server_name);
    status = idc_ddl_take(&ddl, setup->arena, &name);
    if (status != IDC_OK)
        return status;
    sql = idc_arena_printf(setup->arena, mysql_scratch_sql, name.sql, setup->scratch);
    if (sql == NULL)
        return idc_fail_no_memory(err);
    return idc_setup_sql(setup, sql, err);
}

/* Literals, not parameters: only those are sent to the source. */
static void
add_mysql_condition(IdcDdl *ddl, const char *schema, const char *const *names, size_t name_count)
{
    idc_ddl_add(ddl, " WHERE table_schema = ");
    idc_ddl_literal(ddl, schema);
    for (size_t i = 0; i < name_count; i++) {
        idc_ddl_add(ddl, i == 0 ? " AND table_name IN (" : ", ");
        idc_ddl_literal(ddl, names[i]);
    }
    if (name_count > 0)
        idc_ddl_add(ddl, ")");
}

static IdcStatus
mysql_query(IdcSetup *setup, const char *select, const char *table, const char *schema,
            const char *const *names, size_t name_count, const char *order, IdcTextRows *rows,
            IdcError *err)
{
    IdcStatement statement = { 0 };
    IdcStatus status;
    IdcDdl ddl;

    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, select);
    idc_ddl_add(&ddl, " FROM " SCRATCH_SCHEMA);
    idc_ddl_add(&ddl, setup->scratch);
    idc_ddl_add(&ddl, table);
    add_mysql_condition(&ddl, schema, names, name_count);
    idc_ddl_add(&ddl, order);
    status = idc_ddl_take(&ddl, setup->arena, &statement);
    if (status != IDC_OK)
        return status;
    return idc_setup_query(setup, statement.sql, NULL, 0, rows, err);
}

static const char *
text_or_null(const char *text)
{
    return text == NULL || *text == '\0' ? NULL : text;
}

static IdcStatus
add_mysql_tables(IdcSetup *setup, const char *server_name, const char *schema,
                 const IdcTextRows *rows, IdcTableList *tables, IdcError *err)
{
    for (size_t i = 0; i < rows->row_count; i++) {
        const char **row = &rows->values[i * rows->column_count];
        IdcTable *table = IDC_LIST_ADD(setup->arena, tables);
        bool is_view;
        IdcStatus status;

        if (table == NULL)
            return idc_fail_no_memory(err);
        is_view = strstr(row[1], "VIEW") != NULL;
        *table = (IdcTable){ .name = row[0],
                             .server = server_name,
                             .comment = is_view ? NULL : text_or_null(row[2]) };
        status = idc_option_set(setup->arena, &table->options, "dbname", schema, err);
        if (status == IDC_OK)
            status = idc_option_set(setup->arena, &table->options, "table_name", row[0], err);
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

static IdcStatus
add_mysql_columns(IdcSetup *setup, const IdcTextRows *rows, IdcTableList *tables, IdcError *err)
{
    for (size_t i = 0; i < rows->row_count; i++) {
        const char **row = &rows->values[i * rows->column_count];
        IdcTable *table = (IdcTable *) idc_table_find(tables, NULL, row[0]);
        IdcColumn *column;

        if (table == NULL)
            continue;
        column = idc_table_add_column(setup->arena, table);
        if (column == NULL)
            return idc_fail_no_memory(err);
        column->name = row[1];
        column->type = idc_mysql_type(setup->arena, row[2], row[3], row[5], row[6]);
        column->is_not_null = idc_same_text(row[4], "NO");
        column->comment = text_or_null(row[7]);
        column->is_long = strcmp(row[2], "mediumtext") == 0 || strcmp(row[2], "longtext") == 0 ||
                          strcmp(row[2], "json") == 0;
        if (column->type == NULL)
            return idc_fail_no_memory(err);
    }
    return IDC_OK;
}

static IdcStatus
check_mysql_schema(IdcSetup *setup, const IdcConfigSource *source, const char *schema,
                   IdcError *err)
{
    IdcStatement statement = { 0 };
    IdcTextRows rows = { 0 };
    IdcStatus status;
    IdcDdl ddl;

    idc_ddl_init(&ddl, err);
    idc_ddl_add(&ddl, "SELECT schema_name FROM " SCRATCH_SCHEMA);
    idc_ddl_add(&ddl, setup->scratch);
    idc_ddl_add(&ddl, ".schemata WHERE schema_name = ");
    idc_ddl_literal(&ddl, schema);
    status = idc_ddl_take(&ddl, setup->arena, &statement);
    if (status == IDC_OK)
        status = idc_setup_query(setup, statement.sql, NULL, 0, &rows, err);
    if (status != IDC_OK || rows.row_count > 0)
        return status;
    status =
        idc_fail(err, IDC_NOT_FOUND, "source \"%s\" has no database \"%s\"", source->name, schema);
    idc_error_set_sqlstate(err, "3D000");
    idc_error_set_hint(err, "check the name, and that the user of the source may see it");
    return status;
}

static IdcStatus
import_from_mysql(IdcSetup *setup, const IdcConfigSource *source, const char *server_name,
                  const char *schema, const char *const *names, size_t name_count,
                  IdcTableList *tables, IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcStatus status = open_scratch(setup, err);

    if (status == IDC_OK)
        status = mysql_scratch(setup, server_name, err);
    if (status == IDC_OK)
        status = check_mysql_schema(setup, source, schema, err);
    if (status == IDC_OK)
        status = mysql_query(setup, "SELECT table_name, table_type, table_comment", ".tables",
                             schema, names, name_count, " ORDER BY table_name", &rows, err);
    if (status == IDC_OK)
        status = add_mysql_tables(setup, server_name, schema, &rows, tables, err);
    if (status == IDC_OK)
        status = mysql_query(setup,
                             "SELECT table_name, column_name, data_type, column_type, is_nullable,"
                             " numeric_precision::text, numeric_scale::text, column_comment",
                             ".columns", schema, names, name_count,
                             " ORDER BY table_name, ordinal_position", &rows, err);
    if (status == IDC_OK)
        status = add_mysql_columns(setup, &rows, tables, err);
    if (status == IDC_OK)
        status = close_scratch(setup, err);
    return status;
}

IdcStatus
idc_import_tables(IdcSetup *setup, const IdcConfigSource *source, const char *server_name,
                  const char *remote_schema, const char *const *names, size_t name_count,
                  IdcTableList *tables, IdcError *err)
{
    IdcStatus status;

    if (*remote_schema == '\0')
        return idc_fail(err, IDC_BAD_CONFIG,
                        "source \"%s\" names no database to take its tables from", source->name);
    status = idc_knock_first(setup, source, err);
    if (status != IDC_OK)
        return status;
    if (strcmp(source->wrapper, "mysql_fdw") == 0)
        status = import_from_mysql(setup, source, server_name, remote_schema, names, name_count,
                                   tables, err);
    else
        status = import_with_wrapper(setup, source, server_name, remote_schema, names, name_count,
                                     tables, err);
    if (status != IDC_OK)
        idc_error_set_source(err, source->server_name);
    return status;
}
