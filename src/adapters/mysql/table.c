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

enum { FIELD_NAME, FIELD_TYPE, FIELD_COLLATION, FIELD_TABLE };

void
idc_mysql_append_table(const IdcRelation *scan, IdcText *text)
{
    const char *database = idc_mysql_option(&scan->options, "database");
    const char *table = idc_mysql_option(&scan->options, "table");

    if (database != NULL) {
        idc_sql_quote('`', database, text);
        idc_text_append_char(text, '.');
    }
    idc_sql_quote('`', table == NULL ? scan->name : table, text);
}

/* Where names of tables know upper from lower case there may be others of nearly the same name. */
static bool
has_table(MYSQL_RES *result, const char *name)
{
    MYSQL_ROW row;
    bool is_there = false;

    while (!is_there && (row = mysql_fetch_row(result)) != NULL)
        is_there = strcmp(row[FIELD_TABLE], name) == 0;
    mysql_data_seek(result, 0);
    return is_there;
}

static IdcStatus
add_column(IdcArena *arena, MYSQL_ROW row, IdcMysqlTable *table, IdcError *err)
{
    const char *name = idc_arena_strdup(arena, row[FIELD_NAME]), *collation = NULL;
    IdcMysqlRemote *remote = &table->columns[table->count];

    if (row[FIELD_COLLATION] != NULL)
        collation = idc_arena_strdup(arena, row[FIELD_COLLATION]);
    if (name == NULL || (collation == NULL && row[FIELD_COLLATION] != NULL))
        return idc_fail_no_memory(err);
    if (!idc_mysql_remote_read(row[FIELD_TYPE], collation, remote))
        remote->kind = IDC_MYSQL_UNKNOWN;
    table->names[table->count++] = name;
    return IDC_OK;
}

static IdcStatus
copy_columns(IdcArena *arena, MYSQL_RES *result, const char *name, IdcMysqlTable *table,
             IdcError *err)
{
    size_t rows = (size_t) mysql_num_rows(result);
    bool is_exact = has_table(result, name);
    IdcStatus status = IDC_OK;
    MYSQL_ROW row;

    table->names = idc_arena_alloc_array(arena, rows + 1, sizeof *table->names);
    table->columns = idc_arena_alloc_array(arena, rows + 1, sizeof *table->columns);
    if (table->names == NULL || table->columns == NULL)
        return idc_fail_no_memory(err);
    while (status == IDC_OK && table->count < rows && (row = mysql_fetch_row(result)) != NULL)
        if (!is_exact || strcmp(row[FIELD_TABLE], name) == 0)
            status = add_column(arena, row, table, err);
    return status;
}

void
idc_mysql_seen_forget(IdcMysqlConn *conn)
{
    idc_arena_free(conn->seen_arena);
    conn->seen_arena = NULL;
    conn->seen = NULL;
}

static IdcStatus
ask(IdcArena *arena, IdcMysqlWait *wait, IdcMysqlConn *conn, const char *name, const char *sql,
    IdcMysqlTable **table, IdcError *err)
{
    IdcMysqlTable *made = idc_arena_alloc(arena, sizeof *made);
    MYSQL_RES *result = NULL;
    IdcStatus status;

    if (made == NULL || (made->statement = idc_arena_strdup(arena, sql)) == NULL)
        return idc_fail_no_memory(err);
    status = idc_mysql_query(wait, conn, sql, &result, err);
    if (status != IDC_OK)
        return status;
    status = copy_columns(arena, result, name, made, err);
    mysql_free_result(result);
    *table = made;
    return status;
}

/* Outside of a transaction nothing is kept. */
static IdcStatus
find_or_ask(IdcArena *arena, IdcMysqlWait *wait, IdcMysqlConn *conn, const char *name,
            const char *sql, const IdcMysqlTable **table, IdcError *err)
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
    status = ask(arena, wait, conn, name, sql, &made, err);
    if (status != IDC_OK)
        return status;
    if (conn->is_in_transaction) {
        made->next = conn->seen;
        conn->seen = made;
    }
    *table = made;
    return IDC_OK;
}

void
idc_mysql_append_is_table(const IdcMysqlConn *conn, const IdcRelation *scan, IdcText *sql)
{
    const char *database = idc_mysql_option(&scan->options, "database");
    const char *table = idc_mysql_option(&scan->options, "table");

    if (database == NULL)
        database = idc_mysql_server_option(conn->server, "database");
    idc_text_append(sql, "TABLE_SCHEMA = ");
    if (database == NULL)
        idc_text_append(sql, "DATABASE()");
    else
        idc_sql_literal(database, sql);
    idc_text_append(sql, " AND TABLE_NAME = ");
    idc_sql_literal(table == NULL ? scan->name : table, sql);
}

/* SHOW FULL COLUMNS would look up rights too, which takes the server ten times as long. */
static void
append_question(const IdcMysqlConn *conn, const IdcRelation *scan, IdcText *sql)
{
    idc_text_append(sql, "SELECT COLUMN_NAME, COLUMN_TYPE, COLLATION_NAME, TABLE_NAME "
                         "FROM information_schema.COLUMNS WHERE ");
    idc_mysql_append_is_table(conn, scan, sql);
}

IdcStatus
idc_mysql_table_read(IdcArena *arena, IdcMysqlWait *wait, IdcMysqlConn *conn,
                     const IdcRelation *scan, const IdcMysqlTable **table, IdcError *err)
{
    const char *name = idc_mysql_option(&scan->options, "table");
    IdcText sql;
    IdcStatus status;

    if (name == NULL)
        name = scan->name;
    idc_text_init(&sql, 0);
    append_question(conn, scan, &sql);
    status = idc_text_check(&sql, err);
    if (status == IDC_OK)
        status = find_or_ask(arena, wait, conn, name, idc_text_string(&sql), table, err);
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
