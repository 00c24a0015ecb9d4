/*
 * table.c - what a table's columns are in the server.
 *
 * A transaction asks once for each of its connections: the scan that follows holds the table as it
 * is until the transaction ends, and if it was altered before that, then after the snapshot, which
 * is an error of the server's (1412).
 */
#include "adapters/mysql/work.h"

#include <string.h>

#include "base/memory.h"

struct IdcMysqlTable {
    const IdcMysqlTable *next;
    const char *statement; /* that it was asked by */
    const char **names;
    IdcMysqlRemote *columns;
    size_t count;
};

enum { FIELD_NAME = 0, FIELD_TYPE = 1, FIELD_COLLATION = 2 };

void
idc_mysql_append_table(const IdcRelation *scan, IdcText *text)
{
    const char *database = idc_mysql_option(&scan->options, "database");
    const char *table = idc_mysql_option(&scan->options, "table");
    const IdcSqlDialect quoting = { .quote = '`' };
    const IdcSql sql = { .dialect = &quoting };

    if (database != NULL) {
        idc_sql_identifier(&sql, database, text);
        idc_text_append_char(text, '.');
    }
    idc_sql_identifier(&sql, table == NULL ? scan->name : table, text);
}

static IdcStatus
copy_columns(IdcArena *arena, MYSQL_RES *result, IdcMysqlTable *table, IdcError *err)
{
    size_t rows = (size_t) mysql_num_rows(result);
    MYSQL_ROW row;

    table->names = idc_arena_alloc_array(arena, rows + 1, sizeof *table->names);
    table->columns = idc_arena_alloc_array(arena, rows + 1, sizeof *table->columns);
    if (table->names == NULL || table->columns == NULL)
        return idc_fail_no_memory(err);
    while (table->count < rows && (row = mysql_fetch_row(result)) != NULL) {
        const char *collation = NULL;

        if (row[FIELD_COLLATION] != NULL)
            collation = idc_arena_strdup(arena, row[FIELD_COLLATION]);
        table->names[table->count] = idc_arena_strdup(arena, row[FIELD_NAME]);
        if (table->names[table->count] == NULL ||
            (collation == NULL && row[FIELD_COLLATION] != NULL))
            return idc_fail_no_memory(err);
        if (!idc_mysql_remote_read(row[FIELD_TYPE], collation, &table->columns[table->count]))
            table->columns[table->count].kind = IDC_MYSQL_UNKNOWN;
        table->count++;
    }
    return IDC_OK;
}

void
idc_mysql_seen_forget(IdcMysqlConn *conn)
{
    idc_arena_free(conn->seen_arena);
    conn->seen_arena = NULL;
    conn->seen = NULL;
}

static IdcStatus
ask(IdcArena *arena, IdcMysqlWait *wait, IdcMysqlConn *conn, const char *sql, IdcMysqlTable **table,
    IdcError *err)
{
    IdcMysqlTable *made = idc_arena_alloc(arena, sizeof *made);
    MYSQL_RES *result = NULL;
    IdcStatus status;

    if (made == NULL || (made->statement = idc_arena_strdup(arena, sql)) == NULL)
        return idc_fail_no_memory(err);
    status = idc_mysql_query(wait, conn, sql, &result, err);
    if (status != IDC_OK)
        return status;
    status = copy_columns(arena, result, made, err);
    mysql_free_result(result);
    *table = made;
    return status;
}

/* Outside of a transaction nothing is kept. */
static IdcStatus
find_or_ask(IdcArena *arena, IdcMysqlWait *wait, IdcMysqlConn *conn, const char *sql,
            const IdcMysqlTable **table, IdcError *err)
{
    IdcMysqlTable *made = NULL;
    IdcStatus status;

    if (conn->is_in_transaction) {
        if (conn->seen_arena == NULL && (conn->seen_arena = idc_arena_new(0)) == NULL)
            return idc_fail_no_memory(err);
        arena = conn->seen_arena;
    }
    for (*table = conn->seen; *table != NULL; *table = (*table)->next)
        if (strcmp((*table)->statement, sql) == 0)
            return IDC_OK;
    status = ask(arena, wait, conn, sql, &made, err);
    if (status != IDC_OK)
        return status;
    if (conn->is_in_transaction) {
        made->next = conn->seen;
        conn->seen = made;
    }
    *table = made;
    return IDC_OK;
}

IdcStatus
idc_mysql_table_read(IdcArena *arena, IdcMysqlWait *wait, IdcMysqlConn *conn,
                     const IdcRelation *scan, const IdcMysqlTable **table, IdcError *err)
{
    IdcText sql;
    IdcStatus status;

    idc_text_init(&sql, 0);
    idc_text_append(&sql, "SHOW FULL COLUMNS FROM ");
    idc_mysql_append_table(scan, &sql);
    status = idc_text_check(&sql, err);
    if (status == IDC_OK)
        status = find_or_ask(arena, wait, conn, idc_text_string(&sql), table, err);
    idc_text_done(&sql);
    return status;
}

/* Names of columns do not know upper from lower case. */
const IdcMysqlRemote *
idc_mysql_table_column(const IdcMysqlTable *table, const char *column)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcasecmp(table->names[i], column) == 0)
            return &table->columns[i];
    return NULL;
}
