/*
 * blame.c - what the hub's catalogue knows about an error: the source that a statement failed at,
 * the table that was meant.
 *
 * In:   a failed statement, its error, the session that it ran in
 * Out:  err->source, err->hint
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

/* A name as it is asked for, and as it has to be written; a table that needs its schema comes under
 * its own name too. */
static const char names_sql[] =
    "SELECT CASE WHEN t.is_visible THEN t.relname ELSE t.nspname || '.' || t.relname END,"
    " t.relname, CASE WHEN t.is_visible THEN '' ELSE pg_catalog.quote_ident(t.nspname) || '.' END"
    " || pg_catalog.quote_ident(t.relname)"
    " FROM (SELECT c.relname::text, n.nspname::text, pg_catalog.pg_table_is_visible(c.oid)"
    "   AS is_visible FROM pg_catalog.pg_class c"
    "   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"
    "   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'instant')"
    "   AND n.nspname !~ '^pg_(toast|temp_)'"
    "   AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')) t ORDER BY t.is_visible DESC, 1 LIMIT "
    "10000";

/* Ask the session that failed, if it can be asked at once. */
static void
ask(IdcConn *conn, const char *sql, const char *const *parameters, size_t parameter_count,
    void (*answer)(const IdcTextRows *rows, IdcArena *arena, IdcError *err), IdcError *err)
{
    IdcTextRows rows = { 0 };
    IdcArena *arena;
    IdcCall *call;

    idc_conn_abandon(conn);
    if (!idc_conn_is_usable(conn) || PQtransactionStatus(idc_conn_libpq(conn)) != PQTRANS_IDLE)
        return;
    arena = idc_arena_new(0);
    call = idc_call_new();
    if (arena != NULL && call != NULL) {
        idc_call_set_timeout(call, LIMIT_MS);
        if (idc_conn_query(conn, call, arena, sql, parameters, parameter_count, &rows, NULL) ==
            IDC_OK)
            answer(&rows, arena, err);
    }
    idc_call_free(call);
    idc_arena_free(arena);
}

static void
take_source(const IdcTextRows *rows, IdcArena *arena, IdcError *err)
{
    (void) arena;
    if (rows->row_count == 1 && rows->values[0] != NULL)
        idc_error_set_source(err, rows->values[0]);
}

/* In double quotes, as all names in hints are, unless it has its own. */
static void
append_name(IdcText *text, const char *written)
{
    const char *quote = strchr(written, '"') == NULL ? "\"" : "";

    idc_text_append_format(text, "%s%s%s", quote, written, quote);
}

/* relation "x" does not exist */
static const char *
missing_name(const IdcError *err, IdcArena *arena)
{
    const char *start = strchr(err->message, '"');
    const char *end = strrchr(err->message, '"');

    return start == NULL || end == start
               ? NULL
               : idc_arena_strndup(arena, start + 1, (size_t) (end - start - 1));
}

static void
take_nearest(const IdcTextRows *rows, IdcArena *arena, IdcError *err)
{
    enum { NAME, OWN_NAME, WRITTEN, MOST = 3 };
    const char *name = missing_name(err, arena), *nearest;
    const char **words = idc_arena_alloc_array(arena, rows->row_count * 2 + 1, sizeof *words);
    size_t same_count = 0;
    IdcText text;

    if (name == NULL || words == NULL)
        return;
    idc_text_init(&text, sizeof err->hint);
    for (size_t row = 0; row < rows->row_count; row++) {
        const char *const *cells = &rows->values[row * rows->column_count];

        words[row * 2] = cells[NAME];
        words[row * 2 + 1] = cells[OWN_NAME];
        if (strcmp(cells[OWN_NAME], name) != 0 || same_count == MOST)
            continue;
        idc_text_append(&text, same_count++ == 0 ? "write " : " or ");
        append_name(&text, cells[WRITTEN]);
    }
    nearest = same_count > 0 ? NULL : idc_nearest_word(name, words, rows->row_count * 2);
    for (size_t i = 0; nearest != NULL && i < rows->row_count * 2; i++)
        if (words[i] == nearest) {
            idc_text_append(&text, "did you mean ");
            append_name(&text, rows->values[i / 2 * rows->column_count + WRITTEN]);
            idc_text_append(&text, "?");
        }
    if (rows->row_count == 0)
        idc_text_append(&text, "the hub has no tables yet: run setup first");
    if (text.len > 0)
        idc_error_set_hint(err, "%s", idc_text_string(&text));
    idc_text_done(&text);
}

void
idc_conn_blame(IdcConn *conn, const char *sql, IdcError *err)
{
    if (err == NULL)
        return;
    if (err->status == IDC_SOURCE_FAILED && err->source[0] == '\0') {
        const char *parameters[] = { sql, err->remote_sql, err->message };

        ask(conn, server_sql, parameters, 3, take_source, err);
    } else if (err->status == IDC_QUERY_FAILED && strcmp(err->sqlstate, "42P01") == 0 &&
               err->hint[0] == '\0') {
        ask(conn, names_sql, NULL, 0, take_nearest, err);
    }
}
