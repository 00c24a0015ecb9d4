/*
 * lock.c - FOR UPDATE and FOR SHARE, as far as this server has them.
 *
 * A row that was to be locked and is not would be worse than an error.
 */
#include "adapters/mysql/work.h"

/* MySQL since 8.0.1, and with it what may follow. */
static bool
has_for_share(const IdcMysqlConn *conn)
{
    return !conn->is_mariadb && conn->version >= 80001;
}

static bool
has_wait(const IdcMysqlConn *conn, IdcLockWait wait)
{
    switch (wait) {
    case IDC_LOCK_SKIP:
        return conn->is_mariadb ? conn->version >= 100600 : has_for_share(conn);
    case IDC_LOCK_FAIL:
        return conn->is_mariadb ? conn->version >= 100300 : has_for_share(conn);
    default:
        return true;
    }
}

static void
append_of_mysql_8(const IdcSql *sql, const IdcRelation *scan, IdcText *text)
{
    (void) sql;
    idc_mysql_append_lock(scan, "FOR SHARE", text);
}

void
idc_mysql_lock_dialect(const IdcMysqlConn *conn, IdcSqlDialect *dialect)
{
    if (has_for_share(conn))
        dialect->lock = append_of_mysql_8;
}

/* MyISAM and its like lock a table for a statement. What is below a view nobody tells. */
static IdcStatus
check_engine(IdcMysqlWait *wait, IdcMysqlConn *conn, const IdcRelation *scan, IdcError *err)
{
    MYSQL_RES *result = NULL;
    MYSQL_ROW row;
    IdcText sql;
    IdcStatus status;

    idc_text_init(&sql, 0);
    idc_text_append(&sql, "SELECT t.ENGINE FROM information_schema.TABLES t JOIN "
                          "information_schema.ENGINES e ON e.ENGINE = t.ENGINE WHERE "
                          "COALESCE(e.TRANSACTIONS, 'NO') <> 'YES' AND ");
    idc_mysql_append_is_table(conn, scan, &sql);
    status = idc_text_check(&sql, err);
    if (status == IDC_OK)
        status = idc_mysql_query(wait, conn, idc_text_string(&sql), &result, err);
    idc_text_done(&sql);
    if (status != IDC_OK)
        return status;
    row = mysql_fetch_row(result);
    if (row != NULL)
        status = idc_fail(err, IDC_UNSUPPORTED,
                          "cannot lock rows of table \"%s\": its engine %s has no such locks",
                          scan->name, row[0]);
    mysql_free_result(result);
    return status;
}

IdcStatus
idc_mysql_lock_check(IdcMysqlWait *wait, IdcMysqlConn *conn, const IdcRelation *scan, IdcError *err)
{
    /* Who writes is not stopped by it. */
    if (scan->lock == IDC_LOCK_WRITE)
        return IDC_OK;
    if (!has_wait(conn, scan->lock_wait))
        return idc_fail(err, IDC_UNSUPPORTED, "a server of version %s has no %s",
                        mysql_get_server_info(conn->mysql),
                        scan->lock_wait == IDC_LOCK_SKIP ? "SKIP LOCKED" : "NOWAIT");
    return check_engine(wait, conn, scan, err);
}
