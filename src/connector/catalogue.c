/*
 * catalogue.c - two catalogue queries, and what to say when a name is unknown.
 */
#include "connector/catalogue.h"

#include <string.h>

/* Tables that can be loaded: every relation with rows outside the system's own schemas and ours. */
#define LOADABLE_TABLES                                                                            \
    " FROM pg_catalog.pg_class c"                                                                  \
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"                                    \
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"                                                \
    " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'instant')"                        \
    " AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp\\_%'"                 \
    " AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')"                                         \
    " AND pg_catalog.has_table_privilege(c.oid, 'SELECT')"

/* The columns are those of the enum in catalogue.h. */
static const char list_sql[] =
    "WITH loadable AS (SELECT c.oid, n.nspname, c.relname, c.reltuples,"
    " count(*) OVER (PARTITION BY c.relname) AS namesakes" LOADABLE_TABLES "),"
    " base AS (WITH RECURSIVE step AS ("
    "SELECT t.oid AS type, t.oid AS below, t.typbasetype FROM pg_catalog.pg_type t"
    " UNION ALL SELECT s.type, t.oid, t.typbasetype FROM step s"
    " JOIN pg_catalog.pg_type t ON t.oid = s.typbasetype WHERE s.typbasetype <> 0)"
    " SELECT type, below FROM step WHERE typbasetype = 0)"
    " SELECT CASE WHEN l.namesakes = 1 THEN l.relname::text"
    " ELSE l.nspname || '.' || l.relname END,"
    " l.nspname, s.srvname, s.srvname, w.fdwname,"
    " (SELECT o.option_value FROM pg_catalog.pg_options_to_table(f.ftoptions) o"
    " WHERE o.option_name IN ('schema_name', 'schema', 'dbname', 'database') LIMIT 1),"
    " coalesce((SELECT o.option_value FROM pg_catalog.pg_options_to_table(f.ftoptions) o"
    " WHERE o.option_name IN ('table_name', 'table', 'collection') LIMIT 1),"
    " CASE WHEN s.oid IS NOT NULL THEN l.relname END),"
    " CASE WHEN l.reltuples >= 0 AND NOT (l.reltuples = 0 AND s.oid IS NOT NULL)"
    " THEN l.reltuples::bigint ELSE (SELECT o.option_value::bigint"
    " FROM pg_catalog.pg_options_to_table(f.ftoptions) o"
    " WHERE o.option_name = 'row_count' AND o.option_value ~ '^[0-9]{1,18}$') END,"
    " pg_catalog.obj_description(l.oid, 'pg_class'), a.attname, a.attnum::int,"
    " CASE WHEN y.typtype = 'd' AND y.typnamespace = pg_catalog.to_regnamespace('instant')"
    " THEN pg_catalog.format_type(y.typbasetype, y.typtypmod)"
    " ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END, a.attnotnull,"
    " pg_catalog.pg_get_expr(d.adbin, d.adrelid), pg_catalog.col_description(l.oid, a.attnum),"
    " t.typname, t.typcategory, l.relname"
    " FROM loadable l"
    " LEFT JOIN pg_catalog.pg_foreign_table f ON f.ftrelid = l.oid"
    " LEFT JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver"
    " LEFT JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = l.oid AND a.attnum > 0"
    " AND NOT a.attisdropped"
    " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = l.oid AND d.adnum = a.attnum"
    " JOIN pg_catalog.pg_type y ON y.oid = a.atttypid"
    " JOIN base b ON b.type = a.atttypid"
    " JOIN pg_catalog.pg_type t ON t.oid = b.below"
    " WHERE $1::text IS NULL OR l.relname = $1 OR l.nspname || '.' || l.relname = $1"
    " ORDER BY l.nspname, l.relname, a.attnum";

static const char names_sql[] =
    "SELECT c.relname, n.nspname || '.' || c.relname" LOADABLE_TABLES " LIMIT 10000";

static const char servers_sql[] = "SELECT pg_catalog.quote_ident(n.nspname) || '.' || "
                                  "pg_catalog.quote_ident(c.relname), s.srvname"
                                  " FROM pg_catalog.pg_foreign_table f"
                                  " JOIN pg_catalog.pg_class c ON c.oid = f.ftrelid"
                                  " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                                  " JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver"
                                  " ORDER BY length(c.relname) DESC";

static IdcStatus
fail_unknown_table(IdcConn *conn, IdcCall *call, IdcArena *arena, const char *name, IdcError *err)
{
    IdcTextRows names;
    IdcStatus status = idc_conn_query(conn, call, arena, names_sql, NULL, 0, &names, err);
    const char *nearest;

    if (status != IDC_OK)
        return status;
    nearest = idc_nearest_word(name, names.values, names.row_count * names.column_count);
    (void) idc_fail(err, IDC_NOT_FOUND, "table \"%s\" does not exist in the hub", name);
    idc_error_set_sqlstate(err, "42P01");
    if (nearest != NULL)
        idc_error_set_hint(err, "did you mean \"%s\"?", nearest);
    else if (names.row_count == 0)
        idc_error_set_hint(err, "the hub has no tables yet: run setup first");
    else
        idc_error_set_hint(err, "the hub has %zu tables: list them to see their names",
                           names.row_count);
    return IDC_NOT_FOUND;
}

static const char *
cell(const IdcTextRows *rows, size_t row, size_t column)
{
    return rows->values[row * rows->column_count + column];
}

IdcStatus
idc_catalogue_list(IdcConn *conn, IdcCall *call, IdcArena *arena, const char *table,
                   IdcTextRows *rows, IdcError *err)
{
    const char *parameters[] = { table };
    IdcStatus status = idc_conn_query(conn, call, arena, list_sql, parameters, 1, rows, err);

    if (status != IDC_OK || table == NULL)
        return status;
    if (rows->row_count == 0)
        return fail_unknown_table(conn, call, arena, table, err);
    for (size_t row = 1; row < rows->row_count; row++) {
        const char *first = cell(rows, 0, IDC_CATALOGUE_SCHEMA);
        const char *other = cell(rows, row, IDC_CATALOGUE_SCHEMA);

        if (strcmp(first, other) != 0) {
            (void) idc_fail(err, IDC_BAD_VALUE, "table \"%s\" stands in schemas \"%s\" and \"%s\"",
                            table, first, other);
            idc_error_set_hint(err, "write \"%s.%s\"", first, table);
            return IDC_BAD_VALUE;
        }
    }
    return IDC_OK;
}

IdcStatus
idc_catalogue_table(IdcConn *conn, IdcCall *call, IdcArena *arena, const char *name,
                    IdcTable *table, IdcError *err)
{
    IdcTextRows rows;
    IdcTableColumn *columns;
    IdcStatus status;

    if (name == NULL)
        return idc_fail(err, IDC_BAD_VALUE, "no table is named");
    status = idc_catalogue_list(conn, call, arena, name, &rows, err);
    if (status != IDC_OK)
        return status;
    columns = idc_arena_alloc_array(arena, rows.row_count, sizeof *columns);
    if (columns == NULL)
        return idc_fail_no_memory(err);
    for (size_t row = 0; row < rows.row_count; row++)
        columns[row] = (IdcTableColumn){
            .name = cell(&rows, row, IDC_CATALOGUE_COLUMN),
            .type_name = cell(&rows, row, IDC_CATALOGUE_TYPE),
            .base_type = cell(&rows, row, IDC_CATALOGUE_BASE_TYPE),
            .category = cell(&rows, row, IDC_CATALOGUE_CATEGORY)[0],
            .not_null = cell(&rows, row, IDC_CATALOGUE_NOT_NULL)[0] == 't',
        };
    *table = (IdcTable){ .schema = cell(&rows, 0, IDC_CATALOGUE_SCHEMA),
                         .name = cell(&rows, 0, IDC_CATALOGUE_NAME),
                         .columns = columns,
                         .column_count = rows.row_count };
    table->sends_any_order = cell(&rows, 0, IDC_CATALOGUE_WRAPPER) != NULL &&
                             strcmp(cell(&rows, 0, IDC_CATALOGUE_WRAPPER), "mysql_fdw") == 0;
    return IDC_OK;
}

const char *
idc_catalogue_source(const IdcConfig *config, const char *server)
{
    for (size_t i = 0; server != NULL && i < config->source_count; i++)
        if (strcmp(config->sources[i].server_name, server) == 0)
            return config->sources[i].name;
    return server;
}

IdcStatus
idc_catalogue_name_servers(IdcConn *conn, IdcCall *call, IdcArena *arena, const IdcConfig *config,
                           IdcRemotePiece *pieces, size_t piece_count, IdcError *err)
{
    IdcTextRows servers;
    IdcStatus status;

    if (piece_count == 0)
        return IDC_OK;
    status = idc_conn_query(conn, call, arena, servers_sql, NULL, 0, &servers, err);
    if (status != IDC_OK)
        return status;
    for (size_t i = 0; i < piece_count; i++)
        pieces[i].server = idc_catalogue_source(config, pieces[i].server);
    for (size_t i = 0; i < piece_count; i++)
        for (size_t row = 0; row < servers.row_count && pieces[i].server == NULL; row++)
            if (pieces[i].relation != NULL &&
                strstr(pieces[i].relation, cell(&servers, row, 0)) != NULL)
                pieces[i].server = idc_catalogue_source(config, cell(&servers, row, 1));
    return IDC_OK;
}
