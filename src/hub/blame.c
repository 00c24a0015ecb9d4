/*
 * blame.c - which source a failed statement failed at, from the hub's catalogue.
 *
 * In:   a failed statement, its error, the session that it ran in
 * Out:  err->source
 *
 * postgres_fdw names its server only where it cannot connect, and mysql_fdw never.
 */
#include "hub/blame.h"

#include <string.h>

#define LIMIT_MS 2000

/* A server whose table stands in the remote SQL comes before one whose table the statement names.
 */
static const char server_sql[] =
    "WITH known AS (SELECT s.srvname,"
    " CASE WHEN $2 <> '' AND pg_catalog.strpos($2, coalesce((SELECT o.option_value"
    "   FROM pg_catalog.pg_options_to_table(f.ftoptions) o WHERE o.option_name = 'table_name'),"
    "   c.relname::text)) > 0 THEN 2 ELSE 0 END"
    " + CASE WHEN pg_catalog.strpos(pg_catalog.lower($1), pg_catalog.lower(c.relname)) > 0"
    "   THEN 1 ELSE 0 END AS rank"
    " FROM pg_catalog.pg_foreign_table f"
    " JOIN pg_catalog.pg_class c ON c.oid = f.ftrelid"
    " JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver"
    " JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw"
    " WHERE CASE WHEN $3 LIKE '%MySQL%' THEN w.fdwname = 'mysql_fdw'"
    "   WHEN $2 <> '' THEN w.fdwname = 'postgres_fdw' ELSE true END),"
    " best AS (SELECT DISTINCT srvname FROM known WHERE rank = (SELECT max(rank) FROM known))"
    " SELECT CASE WHEN count(*) = 1 THEN min(srvname)::text END FROM best";

void
idc_conn_blame(IdcConn *conn, const char *sql, IdcError *err)
{
    const char *parameters[3];
    IdcTextRows rows = { 0 };
    IdcArena *arena;
    IdcCall *call;

    if (err == NULL || err->status != IDC_SOURCE_FAILED || err->source[0] != '\0')
        return;
    idc_conn_abandon(conn);
    if (!idc_conn_is_usable(conn) || PQtransactionStatus(idc_conn_libpq(conn)) != PQTRANS_IDLE)
        return;
    parameters[0] = sql;
    parameters[1] = err->remote_sql;
    parameters[2] = err->message;
    arena = idc_arena_new(0);
    call = idc_call_new();
    if (arena != NULL && call != NULL) {
        idc_call_set_timeout(call, LIMIT_MS);
        if (idc_conn_query(conn, call, arena, server_sql, parameters, 3, &rows, NULL) == IDC_OK &&
            rows.row_count == 1 && rows.values[0] != NULL)
            idc_error_set_source(err, rows.values[0]);
    }
    idc_call_free(call);
    idc_arena_free(arena);
}
