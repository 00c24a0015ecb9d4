/*
 * objects.c - GetObjects: the hub's catalogue as catalogs > schemas > tables > columns.
 *
 * In:   one query that answers a line an object, in order, each below the line it belongs to
 * Out:  the nested table that ADBC prescribes, closed level by level as the lines go by
 */
#include <stdlib.h>
#include <string.h>

#include "adbc/calls.h"
#include "adbc/cells.h"
#include "adbc/run.h"
#include "adbc/table.h"

/* ---- the prescribed columns ---- */

static const AdbcField usage_fields[] = {
    { "fk_catalog", "u", false, NULL, 0 },
    { "fk_db_schema", "u", false, NULL, 0 },
    { "fk_table", "u", true, NULL, 0 },
    { "fk_column_name", "u", true, NULL, 0 },
};
static const AdbcField usage = { "item", "+s", false, usage_fields, 4 };
static const AdbcField constraint_column = { "item", "u", false, NULL, 0 };
static const AdbcField constraint_fields[] = {
    { "constraint_name", "u", false, NULL, 0 },
    { "constraint_type", "u", true, NULL, 0 },
    { "constraint_column_names", "+l", true, &constraint_column, 1 },
    { "constraint_column_usage", "+l", false, &usage, 1 },
};
static const AdbcField constraint = { "item", "+s", false, constraint_fields, 4 };
static const AdbcField column_fields[] = {
    { "column_name", "u", true, NULL, 0 },
    { "ordinal_position", "i", false, NULL, 0 },
    { "remarks", "u", false, NULL, 0 },
    { "xdbc_data_type", "s", false, NULL, 0 },
    { "xdbc_type_name", "u", false, NULL, 0 },
    { "xdbc_column_size", "i", false, NULL, 0 },
    { "xdbc_decimal_digits", "s", false, NULL, 0 },
    { "xdbc_num_prec_radix", "s", false, NULL, 0 },
    { "xdbc_nullable", "s", false, NULL, 0 },
    { "xdbc_column_def", "u", false, NULL, 0 },
    { "xdbc_sql_data_type", "s", false, NULL, 0 },
    { "xdbc_datetime_sub", "s", false, NULL, 0 },
    { "xdbc_char_octet_length", "i", false, NULL, 0 },
    { "xdbc_is_nullable", "u", false, NULL, 0 },
    { "xdbc_scope_catalog", "u", false, NULL, 0 },
    { "xdbc_scope_schema", "u", false, NULL, 0 },
    { "xdbc_scope_table", "u", false, NULL, 0 },
    { "xdbc_is_autoincrement", "b", false, NULL, 0 },
    { "xdbc_is_generatedcolumn", "b", false, NULL, 0 },
};
enum { COLUMN_FIELD_COUNT = sizeof column_fields / sizeof *column_fields };
static const AdbcField column = { "item", "+s", false, column_fields, COLUMN_FIELD_COUNT };
static const AdbcField table_fields[] = {
    { "table_name", "u", true, NULL, 0 },
    { "table_type", "u", true, NULL, 0 },
    { "table_columns", "+l", false, &column, 1 },
    { "table_constraints", "+l", false, &constraint, 1 },
};
static const AdbcField table = { "item", "+s", false, table_fields, 4 };
static const AdbcField schema_fields[] = {
    { "db_schema_name", "u", false, NULL, 0 },
    { "db_schema_tables", "+l", false, &table, 1 },
};
static const AdbcField schema = { "item", "+s", false, schema_fields, 2 };
static const AdbcField catalog_fields[] = {
    { "catalog_name", "u", false, NULL, 0 },
    { "catalog_db_schemas", "+l", false, &schema, 1 },
};
static const AdbcField root_field = { "", "+s", true, catalog_fields, 2 };

/* ---- the query ---- */

/* $1 depth, $2 to $6 the filters; a filter that is NULL lets everything through. The lines' columns
 * are those of the enum below. A foreign key's columns stand in pairs, so conkey and confkey are
 * unnested together. */
static const char objects_sql[] =
    "WITH s AS (SELECT n.oid, n.nspname::text AS name FROM pg_catalog.pg_namespace n"
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    " AND ($3::text IS NULL OR n.nspname LIKE $3)),"
    " t AS (SELECT c.oid, s.name AS schema, c.relname::text AS name, y.type"
    " FROM pg_catalog.pg_class c JOIN s ON s.oid = c.relnamespace"
    " JOIN (VALUES ('r', 'table'), ('p', 'partitioned_table'), ('v', 'view'),"
    " ('m', 'materialized_view'), ('f', 'foreign_table')) AS y (kind, type)"
    " ON y.kind = c.relkind::text"
    " WHERE ($4::text IS NULL OR c.relname LIKE $4)"
    " AND ($5::text[] IS NULL OR y.type = ANY ($5))),"
    " k AS (SELECT t.schema, t.name, o.conname::text AS conname, o.contype, o.conrelid,"
    " o.confrelid, u.position, u.here, u.there FROM pg_catalog.pg_constraint o"
    " JOIN t ON t.oid = o.conrelid,"
    " unnest(o.conkey, o.confkey) WITH ORDINALITY AS u (here, there, position)"
    " WHERE o.contype IN ('p', 'u', 'f', 'c')),"
    " lines AS ("
    "SELECT '1' AS kind, NULL::text AS schema, NULL::text AS tab, NULL::text AS sort,"
    " 0::bigint AS place, pg_catalog.current_database()::text AS a, NULL::text AS b,"
    " NULL::text AS c, NULL::text AS d, NULL::text AS e, NULL::text AS f"
    " UNION ALL SELECT '2', name, NULL, NULL, 0, name, NULL, NULL, NULL, NULL, NULL FROM s"
    " WHERE $1::int >= 2"
    " UNION ALL SELECT '3', schema, name, NULL, 0, name, type, NULL, NULL, NULL, NULL FROM t"
    " WHERE $1::int >= 3"
    " UNION ALL SELECT '4', t.schema, t.name, NULL, a.attnum, a.attname::text,"
    " pg_catalog.col_description(t.oid, a.attnum),"
    " pg_catalog.format_type(a.atttypid, a.atttypmod), (NOT a.attnotnull)::text,"
    " pg_catalog.pg_get_expr(d.adbin, d.adrelid),"
    " CASE WHEN a.attgenerated <> '' THEN 'generated' WHEN a.attidentity <> ''"
    " OR pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' THEN 'counted' END"
    " FROM t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0"
    " AND NOT a.attisdropped"
    " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " WHERE $1::int >= 4 AND ($6::text IS NULL OR a.attname LIKE $6)"
    " UNION ALL SELECT '5', k.schema, k.name, k.conname, k.position, k.conname,"
    " CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE'"
    " WHEN 'f' THEN 'FOREIGN KEY' ELSE 'CHECK' END, a.attname::text,"
    " fn.nspname::text, fc.relname::text, fa.attname::text"
    " FROM k JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.here"
    " LEFT JOIN pg_catalog.pg_class fc ON fc.oid = k.confrelid"
    " LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace"
    " LEFT JOIN pg_catalog.pg_attribute fa ON fa.attrelid = k.confrelid AND fa.attnum = k.there"
    " WHERE $1::int >= 4)"
    " SELECT kind, a, b, c, d, e, f, place::text FROM lines"
    " WHERE $2::text IS NULL OR pg_catalog.current_database()::text LIKE $2"
    " ORDER BY schema COLLATE \"C\" NULLS FIRST, tab COLLATE \"C\" NULLS FIRST, kind,"
    " sort COLLATE \"C\" NULLS FIRST, place";

enum { LINE_KIND, LINE_A, LINE_B, LINE_C, LINE_D, LINE_E, LINE_F, LINE_PLACE };

/* ---- from lines to the nested table ---- */

/* depth: 1 catalogs to 4 columns. is_open[k]: a line of kind k was read and its children may still
 * come. constraint: the name of the open one. */
typedef struct Nest {
    AdbcColumn *root, *schemas, *tables, *columns, *constraints;
    int depth;
    bool has_catalog, has_schema, has_table;
    char *constraint;
} Nest;

static void
constraint_end(Nest *nest)
{
    if (nest->constraint == NULL)
        return;
    idc_adbc_append_end(idc_adbc_child(nest->constraints, 2));
    idc_adbc_append_end(idc_adbc_child(nest->constraints, 3));
    idc_adbc_append_end(nest->constraints);
    free(nest->constraint);
    nest->constraint = NULL;
}

/* A list with what was appended to it, NULL where the depth does not reach it. */
static void
list_end(AdbcColumn *list, bool is_wanted)
{
    if (is_wanted)
        idc_adbc_append_end(list);
    else
        idc_adbc_append_null(list);
}

static void
table_end(Nest *nest)
{
    constraint_end(nest);
    if (!nest->has_table)
        return;
    list_end(idc_adbc_child(nest->tables, 2), nest->depth >= 4);
    list_end(idc_adbc_child(nest->tables, 3), nest->depth >= 4);
    idc_adbc_append_end(nest->tables);
    nest->has_table = false;
}

static void
schema_end(Nest *nest)
{
    table_end(nest);
    if (!nest->has_schema)
        return;
    list_end(idc_adbc_child(nest->schemas, 1), nest->depth >= 3);
    idc_adbc_append_end(nest->schemas);
    nest->has_schema = false;
}

static void
catalog_end(Nest *nest)
{
    schema_end(nest);
    if (!nest->has_catalog)
        return;
    list_end(idc_adbc_child(nest->root, 1), nest->depth >= 2);
    idc_adbc_append_end(nest->root);
    nest->has_catalog = false;
}

static void
append_column(AdbcColumn *columns, const AdbcCells *line)
{
    const char *kind = idc_adbc_cell(line, LINE_F);
    bool is_nullable = strcmp(idc_adbc_cell(line, LINE_D), "true") == 0;

    idc_adbc_append_text(idc_adbc_child(columns, 0), idc_adbc_cell(line, LINE_A));
    idc_adbc_append_int(idc_adbc_child(columns, 1),
                        strtol(idc_adbc_cell(line, LINE_PLACE), NULL, 10));
    idc_adbc_append_text(idc_adbc_child(columns, 2), idc_adbc_cell(line, LINE_B));
    idc_adbc_append_null(idc_adbc_child(columns, 3));
    idc_adbc_append_text(idc_adbc_child(columns, 4), idc_adbc_cell(line, LINE_C));
    for (size_t i = 5; i <= 7; i++)
        idc_adbc_append_null(idc_adbc_child(columns, i));
    idc_adbc_append_int(idc_adbc_child(columns, 8), is_nullable);
    idc_adbc_append_text(idc_adbc_child(columns, 9), idc_adbc_cell(line, LINE_E));
    for (size_t i = 10; i <= 12; i++)
        idc_adbc_append_null(idc_adbc_child(columns, i));
    idc_adbc_append_text(idc_adbc_child(columns, 13), is_nullable ? "YES" : "NO");
    for (size_t i = 14; i <= 16; i++)
        idc_adbc_append_null(idc_adbc_child(columns, i));
    idc_adbc_append_int(idc_adbc_child(columns, 17), kind != NULL && kind[0] == 'c');
    idc_adbc_append_int(idc_adbc_child(columns, 18), kind != NULL && kind[0] == 'g');
    idc_adbc_append_end(columns);
}

/* A line a column of the constraint; false: out of memory. */
static bool
append_constraint(Nest *nest, const AdbcCells *line, const char *catalog)
{
    const char *name = idc_adbc_cell(line, LINE_A);
    AdbcColumn *names = idc_adbc_child(idc_adbc_child(nest->constraints, 2), 0);
    AdbcColumn *usages = idc_adbc_child(idc_adbc_child(nest->constraints, 3), 0);

    if (nest->constraint == NULL || strcmp(nest->constraint, name) != 0) {
        constraint_end(nest);
        nest->constraint = strdup(name);
        if (nest->constraint == NULL)
            return false;
        idc_adbc_append_text(idc_adbc_child(nest->constraints, 0), name);
        idc_adbc_append_text(idc_adbc_child(nest->constraints, 1), idc_adbc_cell(line, LINE_B));
    }
    idc_adbc_append_text(names, idc_adbc_cell(line, LINE_C));
    if (idc_adbc_cell(line, LINE_F) == NULL)
        return true;
    idc_adbc_append_text(idc_adbc_child(usages, 0), catalog);
    idc_adbc_append_text(idc_adbc_child(usages, 1), idc_adbc_cell(line, LINE_D));
    idc_adbc_append_text(idc_adbc_child(usages, 2), idc_adbc_cell(line, LINE_E));
    idc_adbc_append_text(idc_adbc_child(usages, 3), idc_adbc_cell(line, LINE_F));
    idc_adbc_append_end(usages);
    return true;
}

static bool
append_line(Nest *nest, const AdbcCells *line, const char *catalog)
{
    const char *name = idc_adbc_cell(line, LINE_A);

    switch (idc_adbc_cell(line, LINE_KIND)[0]) {
    case '1':
        idc_adbc_append_text(idc_adbc_child(nest->root, 0), name);
        nest->has_catalog = true;
        return true;
    case '2':
        schema_end(nest);
        idc_adbc_append_text(idc_adbc_child(nest->schemas, 0), name);
        nest->has_schema = true;
        return true;
    case '3':
        table_end(nest);
        idc_adbc_append_text(idc_adbc_child(nest->tables, 0), name);
        idc_adbc_append_text(idc_adbc_child(nest->tables, 1), idc_adbc_cell(line, LINE_B));
        nest->has_table = true;
        return true;
    case '4':
        append_column(nest->columns, line);
        return true;
    default:
        return append_constraint(nest, line, catalog);
    }
}

static AdbcStatusCode
read_lines(AdbcCells *lines, const char *catalog, int depth, AdbcColumn *root,
           struct AdbcError *error)
{
    Nest nest = { .root = root, .depth = depth };
    bool has_row = true;
    AdbcStatusCode code = ADBC_STATUS_OK;

    nest.schemas = idc_adbc_child(idc_adbc_child(root, 1), 0);
    nest.tables = idc_adbc_child(idc_adbc_child(nest.schemas, 1), 0);
    nest.columns = idc_adbc_child(idc_adbc_child(nest.tables, 2), 0);
    nest.constraints = idc_adbc_child(idc_adbc_child(nest.tables, 3), 0);
    while (code == ADBC_STATUS_OK) {
        code = idc_adbc_cells_next(lines, &has_row, error);
        if (code != ADBC_STATUS_OK || !has_row)
            break;
        if (!append_line(&nest, lines, catalog))
            code = idc_adbc_fail_no_memory(error);
    }
    catalog_end(&nest);
    return code;
}

/* ---- the call ---- */

static InstantParameter
filter_parameter(const char *pattern)
{
    return (InstantParameter){
        .value = { .kind = pattern != NULL ? INSTANT_TEXT : INSTANT_NULL,
                   .data = pattern,
                   .len = pattern != NULL ? strlen(pattern) : 0 },
    };
}

/* {"a","b"}; quotes and backslashes escaped. */
static char *
array_text(const char **words)
{
    size_t size = 3;
    char *text, *at;

    for (size_t i = 0; words[i] != NULL; i++)
        size += 2 * strlen(words[i]) + 3;
    text = at = malloc(size);
    if (text == NULL)
        return NULL;
    *at++ = '{';
    for (size_t i = 0; words[i] != NULL; i++) {
        if (i > 0)
            *at++ = ',';
        *at++ = '"';
        for (const char *c = words[i]; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\')
                *at++ = '\\';
            *at++ = *c;
        }
        *at++ = '"';
    }
    *at++ = '}';
    *at = '\0';
    return text;
}

static AdbcStatusCode
ask(Connection *made, const InstantParameter *parameters, size_t count, int depth,
    struct ArrowArrayStream *stream, struct AdbcError *error)
{
    AdbcOperation *operation = idc_adbc_operation_begin(made->session, NULL);
    struct ArrowArrayStream answer = { 0 };
    InstantResult *result = NULL;
    AdbcCells *lines = NULL;
    AdbcColumn *root = NULL;
    InstantError err = { 0 };
    AdbcStatusCode code;

    if (operation == NULL)
        return idc_adbc_fail_no_memory(error);
    err.status = instant_query(made->database->connector, objects_sql, parameters, count, NULL, 0,
                               idc_adbc_operation_call(operation), &result, &err);
    if (err.status == INSTANT_OK) {
        idc_adbc_operation_watch(operation, result);
        err.status = instant_result_stream(result, &answer, &err);
    }
    if (err.status != INSTANT_OK) {
        code = idc_adbc_fail_instant(error, &err);
        goto done;
    }
    code = ADBC_STATUS_INTERNAL;
    lines = idc_adbc_cells_open(&answer, error);
    if (lines == NULL)
        goto done;
    code = ADBC_STATUS_IO;
    root = idc_adbc_table_new(&root_field);
    if (root == NULL) {
        (void) idc_adbc_fail_no_memory(error);
        goto done;
    }
    code = read_lines(lines, made->catalog, depth, root, error);
    if (code == ADBC_STATUS_OK) {
        code = idc_adbc_table_stream(root, stream, error);
        root = NULL;
    }

done:
    idc_adbc_table_free(root);
    idc_adbc_cells_close(lines);
    idc_adbc_operation_end(operation);
    return code;
}

AdbcStatusCode
idc_adbc_connection_objects(struct AdbcConnection *connection, int depth, const char *catalog,
                            const char *db_schema, const char *table_name, const char **table_types,
                            const char *column_name, struct ArrowArrayStream *stream,
                            struct AdbcError *error)
{
    static const char *const levels[] = { "4", "1", "2", "3" };
    Connection *made = idc_adbc_connection(connection, true, error);
    char *types = NULL;
    AdbcStatusCode code;

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (depth < ADBC_OBJECT_DEPTH_ALL || depth > ADBC_OBJECT_DEPTH_TABLES)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, NULL, "unknown depth %d", depth);
    if (table_types != NULL && (types = array_text(table_types)) == NULL)
        return idc_adbc_fail_no_memory(error);
    code = ask(made,
               (InstantParameter[]){ filter_parameter(levels[depth]), filter_parameter(catalog),
                                     filter_parameter(db_schema), filter_parameter(table_name),
                                     filter_parameter(types), filter_parameter(column_name) },
               6, depth == ADBC_OBJECT_DEPTH_ALL ? 4 : depth, stream, error);
    free(types);
    return code;
}
