/*
 * statement.c - a relation as a statement for the tables as they are now.
 *
 * In:   a bound relation, a connection to ask
 * Out:  SQL with all constants in it
 */
#include "adapters/mysql/work.h"

#include <string.h>

IdcMysqlZero
idc_mysql_zero(const IdcSourceServer *server, const IdcRelation *scan,
               const IdcRelationColumn *column)
{
    const char *word = idc_option_value(&column->options, "zero_date");

    if (word == NULL)
        word = idc_option_value(&scan->options, "zero_date");
    if (word == NULL)
        word = idc_adapter_option_text(&idc_declaration_mysql, &server->options, "zero_date");
    if (word == NULL || strcmp(word, "null") == 0)
        return IDC_MYSQL_NO_DATE_IS_NULL;
    return strcmp(word, "text") == 0 ? IDC_MYSQL_NO_DATE_IS_TEXT : IDC_MYSQL_NO_DATE_IS_ERROR;
}

/* ---- tables, each looked at once ---- */

typedef struct Seen {
    const IdcRelation *scan;
    const IdcMysqlTable *table;
} Seen;

typedef struct Look {
    IdcSourceScan *source;
    IdcMysqlWait *wait;
    IdcMysqlConn *conn;
    Seen *seen;
    size_t count, capacity;
    IdcStatus status;
    IdcError *err;
} Look;

static const IdcMysqlTable *
table_of(Look *look, const IdcRelation *scan)
{
    const IdcMysqlTable *table = NULL;

    for (size_t i = 0; i < look->count; i++)
        if (look->seen[i].scan == scan)
            return look->seen[i].table;
    if (look->count == look->capacity) {
        size_t capacity = 2 * look->capacity + 8;
        Seen *seen = idc_arena_alloc_array(look->source->arena, capacity, sizeof *seen);

        if (seen == NULL) {
            look->status = idc_fail_no_memory(look->err);
            return NULL;
        }
        if (look->count > 0)
            memcpy(seen, look->seen, look->count * sizeof *seen);
        look->seen = seen;
        look->capacity = capacity;
    }
    look->status =
        idc_mysql_table_read(look->source->arena, look->wait, look->conn, scan, &table, look->err);
    if (look->status == IDC_OK)
        look->seen[look->count++] = (Seen){ scan, table };
    return table;
}

static void
look_at_raw(void *host, IdcSqlRaw *raw)
{
    Look *look = host;
    const char *name = idc_mysql_option(&raw->column->options, "column");
    const IdcMysqlTable *table;
    const IdcMysqlRemote *found;
    IdcMysqlRemote *remote;

    if (look->status != IDC_OK || raw->scan->native != NULL)
        return;
    table = table_of(look, raw->scan);
    found = table == NULL ? NULL
                          : idc_mysql_table_column(table, name == NULL ? raw->column->name : name);
    if (found == NULL)
        return; /* the server says that there is no such column */
    remote = idc_arena_alloc(look->source->arena, sizeof *remote);
    if (remote == NULL) {
        look->status = idc_fail_no_memory(look->err);
        return;
    }
    *remote = *found;
    remote->keeps_zero_dates =
        idc_mysql_zero(look->source->server, raw->scan, raw->column) != IDC_MYSQL_NO_DATE_IS_NULL;
    raw->remote = remote;
}

IdcStatus
idc_mysql_write(IdcSourceScan *source, IdcMysqlWait *wait, IdcMysqlConn *conn,
                const char **statement, const IdcSqlColumn **columns, IdcError *err)
{
    Look look = { .source = source, .wait = wait, .conn = conn, .err = err };
    IdcSqlDialect dialect = idc_mysql_dialect;
    IdcSql sql = { .dialect = &dialect, .arena = source->arena, .host = &look };
    const IdcRelation *base = idc_relation_base(source->relation);
    IdcStatus status =
        base->lock == IDC_LOCK_NONE ? IDC_OK : idc_mysql_lock_check(wait, conn, base, err);

    if (status != IDC_OK)
        return status;
    idc_mysql_lock_dialect(conn, &dialect);

    /* Columns as they are, of one table: how they compare does not matter. */
    if (source->relation->kind != IDC_REL_SCAN)
        sql.on_raw = look_at_raw;
    status = idc_sql_write(&sql, source->relation, statement, columns, err);
    return look.status != IDC_OK ? look.status : status;
}
