/*
 * link.c - a connection in a transaction of the hub.
 *
 * In:   links.h, which says when
 * Out:  START TRANSACTION, SAVEPOINT, COMMIT and the like
 *
 * A server of MySQL cannot share the snapshot of one connection with another. So each link that a
 * transaction reads on has its own, made when the link is begun.
 */
#include "adapters/mysql/work.h"

#include <poll.h>
#include <stdio.h>

static IdcStatus
connect_link(void *host, IdcCall *call, IdcLink *link, bool *is_full, IdcError *err)
{
    IdcMysqlConn *conn = NULL;
    IdcStatus status = idc_mysql_connect(host, call, is_full, &conn, err);

    if (status == IDC_OK)
        link->handle = conn;
    return status;
}

static void
close_link(void *host, IdcLink *link)
{
    IdcMysqlConn *conn = link->handle;

    (void) host;
    if (conn->is_busy)
        idc_mysql_kill(conn, idc_link_keep_slot(link));
    idc_mysql_close(conn);
    link->handle = NULL;
}

/* A server says nothing unasked but that it has closed, or why it will. */
static bool
is_link_alive(void *host, IdcLink *link)
{
    IdcMysqlConn *conn = link->handle;
    struct pollfd wanted = { .fd = (int) mysql_get_socket(conn->mysql), .events = POLLIN };

    (void) host;
    return !conn->is_busy && poll(&wanted, 1, 0) == 0;
}

static IdcStatus
run(IdcCall *call, IdcLink *link, const char *sql, IdcError *err)
{
    IdcMysqlConn *conn = link->handle;
    IdcMysqlWait wait;
    IdcStatus status;

    idc_mysql_wait_begin(&wait, call, conn->server->read_ms, NULL);
    status = idc_mysql_query(&wait, conn, sql, NULL, err);
    /* Where it failed nobody knows what holds on the connection. */
    if (status != IDC_OK)
        link->is_broken = true;
    return status;
}

static IdcStatus
begin_link(void *host, IdcCall *call, IdcLink *link, const IdcTransaction *transaction,
           IdcLink *first, IdcError *err)
{
    IdcMysqlConn *conn = link->handle;
    const char *sql = "START TRANSACTION WITH CONSISTENT SNAPSHOT";
    IdcStatus status = IDC_OK;

    (void) host;
    idc_mysql_seen_forget(conn);
    if (transaction->is_serializable) {
        status = run(call, link, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", err);
        sql = transaction->is_read_only ? "START TRANSACTION READ ONLY" : "START TRANSACTION";
    } else if (transaction->is_read_only) {
        sql = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    } else if (link->is_writer && first == NULL) {
        /* The first read that locks nothing makes it: after a wait for a lock it is not older than
         * the row. It is the only snapshot, for all later reads are on this link. */
        sql = "START TRANSACTION";
    }
    if (status == IDC_OK)
        status = run(call, link, sql, err);
    conn->is_in_transaction = status == IDC_OK;
    conn->is_read_only = transaction->is_read_only;
    conn->level = 1;
    return status;
}

static bool
promote_link(void *host, IdcLink *link)
{
    const IdcMysqlConn *conn = link->handle;

    (void) host;
    return !conn->is_read_only;
}

static IdcStatus
set_savepoint(void *host, IdcCall *call, IdcLink *link, int32_t level, IdcError *err)
{
    IdcMysqlConn *conn = link->handle;
    IdcStatus status = IDC_OK;

    (void) host;
    while (status == IDC_OK && conn->level < level) {
        char sql[40];

        (void) snprintf(sql, sizeof sql, "SAVEPOINT s%d", (int) conn->level + 1);
        status = run(call, link, sql, err);
        if (status == IDC_OK)
            conn->level++;
    }
    return status;
}

static IdcStatus
finish_link(void *host, IdcCall *call, IdcLink *link, const IdcFinish *finish, IdcError *err)
{
    IdcMysqlConn *conn = link->handle;
    char sql[60];
    IdcStatus status;

    (void) host;
    if (finish->level <= 1) {
        idc_mysql_seen_forget(conn);
        status = run(call, link, finish->is_commit ? "COMMIT" : "ROLLBACK", err);
        conn->is_in_transaction = false;
        conn->level = 1;
        return status;
    }
    if (conn->level < finish->level)
        return IDC_OK;
    (void) snprintf(sql, sizeof sql, "%s SAVEPOINT s%d",
                    finish->is_commit ? "RELEASE" : "ROLLBACK TO", (int) finish->level);
    status = run(call, link, sql, err);
    /* The savepoint outlives a ROLLBACK TO it; one of the same name takes its place. */
    conn->level = finish->level - 1;
    return status;
}

const IdcLinkMethods idc_mysql_link_methods = {
    .connect = connect_link,
    .close = close_link,
    .is_alive = is_link_alive,
    .begin = begin_link,
    .savepoint = set_savepoint,
    .finish = finish_link,
    .promote = promote_link,
};
