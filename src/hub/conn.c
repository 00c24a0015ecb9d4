/*
 * conn.c - one session of the hub: its settings, statements, and getting out of a statement.
 */
#include "hub/conn.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include "hub/conn_private.h"
#include "hub/statement_cache.h"

#define ABANDON_MS 2000
#define SETTLE_MS 500
#define ATTEMPTS 6
#define RETRY_MS 40

/* Whether what the hub sends travels over a network. */
static bool
is_remote(const PGconn *libpq)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof address;
    const struct sockaddr_in *ip4 = (const struct sockaddr_in *) &address;
    const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *) &address;

    if (getpeername(PQsocket(libpq), (struct sockaddr *) &address, &len) != 0)
        return false;
    if (address.ss_family == AF_INET)
        return ntohl(ip4->sin_addr.s_addr) >> 24 != 127;
    return address.ss_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&ip6->sin6_addr);
}

/* Settings, and whether the extension is there, in one round trip. */
static IdcStatus
set_and_ask(IdcConn *conn, IdcCall *call, const char *settings, IdcError *err)
{
    IdcArena *arena = idc_arena_new(0);
    IdcTextRows rows = { 0 };
    IdcText sql;
    IdcStatus status;

    idc_text_init(&sql, 0);
    idc_text_append(&sql, settings);
    idc_text_append(&sql, idc_extension_sql);
    status = arena == NULL ? idc_fail_no_memory(err) : idc_text_check(&sql, err);
    if (status == IDC_OK)
        status = idc_conn_query(conn, call, arena, idc_text_string(&sql), NULL, 0, &rows, err);
    if (status == IDC_OK)
        conn->extension = idc_extension_state(&rows, &conn->hub->log);
    idc_text_done(&sql);
    idc_arena_free(arena);
    return status;
}

/* Everything that the text or the meaning of an answer depends on. */
static IdcStatus
conn_settings(IdcConn *conn, IdcCall *call, IdcError *err)
{
    char sql[512];
    IdcError ignored;
    IdcStatus status;

    (void) snprintf(sql, sizeof sql,
                    "SET DateStyle = ISO; SET IntervalStyle = postgres; SET TimeZone = 'UTC';"
                    "SET extra_float_digits = 1; SET bytea_output = hex;"
                    "SET standard_conforming_strings = on; SET statement_timeout = %lld;",
                    (long long) conn->hub->query_timeout_ms);
    status = set_and_ask(conn, call, sql, err);
    if (status != IDC_OK || conn->hub->embedded != NULL || PQserverVersion(conn->libpq) < 140000)
        return status;
    /* Some operating systems cannot do this one; the session is good without. */
    status = idc_conn_execute(conn, call, "SET client_connection_check_interval = 250", &ignored);
    if (status == IDC_OK || !conn->is_broken)
        return IDC_OK;
    if (err != NULL)
        *err = ignored;
    return status;
}

/* The server's last words on an idle connection come as a notice; others are for nobody. */
static void
take_notice(void *owner, const PGresult *notice)
{
    IdcConn *conn = owner;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
        conn->is_broken = true;
}

static IdcStatus
conn_start(IdcConn *conn, IdcCall *call, IdcError *err)
{
    int version = PQserverVersion(conn->libpq);
    IdcStatus status;

    if (version < 120000)
        return idc_fail(err, IDC_UNSUPPORTED,
                        "the hub is PostgreSQL %d, version 12 or later is needed", version / 10000);
    if (PQsetnonblocking(conn->libpq, 1) != 0)
        return idc_conn_fail(conn, NULL, err);
    PQsetNoticeReceiver(conn->libpq, take_notice, conn);
    conn->canceller = idc_canceller_new(conn->libpq);
    conn->types = idc_type_cache_new();
    conn->is_remote = is_remote(conn->libpq);
    if (conn->canceller == NULL || conn->types == NULL)
        return idc_fail_no_memory(err);
    status = idc_statement_cache_new(&conn->statements, err);
    if (status == IDC_OK)
        status = conn_settings(conn, call, err);
    conn->is_dirty = false;
    return status;
}

/* The embedded server may be going down just now, or be killed: then it is started again. */
static IdcStatus
conn_reach(IdcConn *conn, IdcCall *call, IdcError *err)
{
    IdcError local;

    if (err == NULL)
        err = &local;
    for (int attempt = 1;; attempt++) {
        IdcStatus status = idc_hub_ensure(conn->hub, call, err);

        if (status == IDC_OK)
            status = idc_connect(conn->hub, call, &conn->libpq, err);
        else
            return status;
        if (status != IDC_CONNECTION_FAILED || conn->hub->embedded == NULL || attempt == ATTEMPTS ||
            (strcmp(err->sqlstate, "08006") != 0 && strncmp(err->sqlstate, "57P", 3) != 0))
            return status;
        status = idc_call_wait(call, -1, 0, (int64_t) RETRY_MS * attempt, NULL);
        if (status != IDC_TIMEOUT || idc_call_remaining_ms(call, -1) == 0)
            return err->status;
    }
}

IdcStatus
idc_conn_open(IdcHub *hub, IdcCall *call, IdcConn **conn, IdcError *err)
{
    IdcConn *made = calloc(1, sizeof *made);
    IdcStatus status;

    if (made == NULL)
        return idc_fail_no_memory(err);
    made->hub = idc_hub_hold(hub);
    status = conn_reach(made, call, err);
    if (status == IDC_OK)
        status = conn_start(made, call, err);
    if (status != IDC_OK) {
        idc_conn_close(made);
        return status;
    }
    *conn = made;
    return IDC_OK;
}

void
idc_conn_close(IdcConn *conn)
{
    if (conn == NULL)
        return;
    PQfinish(conn->libpq);
    idc_canceller_free(conn->canceller);
    idc_type_cache_free(conn->types);
    idc_statement_cache_free(conn->statements);
    idc_hub_free(conn->hub);
    free(conn);
}

bool
idc_conn_is_usable(const IdcConn *conn)
{
    return !conn->is_broken && PQstatus(conn->libpq) == CONNECTION_OK;
}

int
idc_conn_server_version(const IdcConn *conn)
{
    return PQserverVersion(conn->libpq);
}

PGconn *
idc_conn_libpq(IdcConn *conn)
{
    return conn->libpq;
}

void
idc_conn_request_cancel(IdcConn *conn)
{
    idc_canceller_request(conn->canceller);
}

/* Whatever is no plain query may change the session; so may these functions inside one. */
void
idc_conn_note_command(IdcConn *conn, const char *sql, const PGresult *result)
{
    static const char *const harmless[] = { "SELECT",    "COPY",     "INSERT", "UPDATE",  "DELETE",
                                            "MERGE",     "FETCH",    "SHOW",   "BEGIN",   "EXPLAIN",
                                            "COMMIT",    "ROLLBACK", "VALUES", "ANALYZE", "VACUUM",
                                            "SAVEPOINT", "RELEASE",  "START" };
    const char *tag = PQcmdStatus((PGresult *) result);

    if (strcasestr(sql, "set_config") != NULL || strcasestr(sql, "pg_advisory") != NULL)
        conn->is_dirty = true;
    /* SELECT INTO TEMP, which gives no rows. */
    if (PQresultStatus(result) == PGRES_COMMAND_OK && strncmp(tag, "SELECT", 6) == 0)
        conn->is_dirty = true;
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (strncmp(tag, harmless[i], strlen(harmless[i])) == 0)
            return;
    conn->is_dirty = true;
}

static IdcStatus
conn_consume(IdcConn *conn, IdcError *err)
{
    return PQconsumeInput(conn->libpq) == 1 ? IDC_OK : idc_conn_fail(conn, NULL, err);
}

/* A wait that failed because of the call leaves an idle session behind, or an unusable one. */
static IdcStatus
conn_wait(IdcConn *conn, IdcCall *call, short events, IdcError *err)
{
    IdcStatus status = idc_call_wait(call, PQsocket(conn->libpq), events, -1, err);

    if (status == IDC_OK)
        return conn_consume(conn, err);
    idc_conn_abandon(conn);
    return status;
}

IdcStatus
idc_conn_flush(IdcConn *conn, IdcCall *call, IdcError *err)
{
    for (;;) {
        int left = PQflush(conn->libpq);
        IdcStatus status;

        if (left == 0)
            return IDC_OK;
        if (left < 0)
            return idc_conn_fail(conn, NULL, err);
        status = conn_wait(conn, call, POLLIN | POLLOUT, err);
        if (status != IDC_OK)
            return status;
    }
}

IdcStatus
idc_conn_next_result(IdcConn *conn, IdcCall *call, PGresult **result, IdcError *err)
{
    IdcStatus status = idc_conn_flush(conn, call, err);

    while (status == IDC_OK && PQisBusy(conn->libpq))
        status = conn_wait(conn, call, POLLIN, err);
    if (status == IDC_OK)
        *result = PQgetResult(conn->libpq);
    return status;
}

/* The end of what was sent: no answer, or outside a pipeline the missing one. */
static bool
is_statement_end(IdcConn *conn, PGresult *answer)
{
    bool is_pipeline = PQpipelineStatus(conn->libpq) != PQ_PIPELINE_OFF;

    if (answer == NULL)
        return !is_pipeline || PQstatus(conn->libpq) != CONNECTION_OK;
    if (PQresultStatus(answer) != PGRES_PIPELINE_SYNC)
        return false;
    if (PQexitPipelineMode(conn->libpq) != 1)
        conn->is_broken = true;
    return true;
}

IdcStatus
idc_conn_fail_statement(IdcConn *conn, IdcCall *call, PGresult *failed, IdcError *err)
{
    IdcStatus status = idc_conn_fail(conn, failed, err);
    bool is_end = failed == NULL;

    while (!is_end && PQstatus(conn->libpq) == CONNECTION_OK) {
        PQclear(failed);
        failed = NULL;
        if (idc_conn_next_result(conn, call, &failed, NULL) != IDC_OK)
            break;
        is_end = is_statement_end(conn, failed);
    }
    PQclear(failed);
    return status;
}

IdcStatus
idc_conn_end_statement(IdcConn *conn, IdcCall *call, IdcError *err)
{
    for (;;) {
        PGresult *answer = NULL;
        IdcStatus status = idc_conn_next_result(conn, call, &answer, err);

        if (status != IDC_OK)
            return status;
        if (is_statement_end(conn, answer)) {
            PQclear(answer);
            return PQstatus(conn->libpq) == CONNECTION_OK ? IDC_OK : idc_conn_fail(conn, NULL, err);
        }
        if (answer != NULL)
            return idc_conn_fail_statement(conn, call, answer, err);
    }
}

/* Read until the session is idle; false when time is up or the connection is gone. */
static bool
conn_drain(IdcConn *conn, int64_t until_ms)
{
    bool is_copying = false;

    while (PQstatus(conn->libpq) == CONNECTION_OK) {
        int64_t left = until_ms - idc_clock_ms();
        char *copied = NULL;
        int got = is_copying              ? PQgetCopyData(conn->libpq, &copied, 1)
                  : PQisBusy(conn->libpq) ? 0
                                          : 1;
        ExecStatusType state;
        PGresult *result;

        PQfreemem(copied);
        if (left <= 0)
            return false;
        if (got == 0) {
            int unsent = PQflush(conn->libpq);

            if (idc_call_wait(NULL, PQsocket(conn->libpq), unsent > 0 ? POLLIN | POLLOUT : POLLIN,
                              left, NULL) != IDC_OK ||
                PQconsumeInput(conn->libpq) != 1)
                return false;
            continue;
        }
        if (is_copying && got > 0)
            continue;
        is_copying = false;
        result = PQgetResult(conn->libpq);
        state = result != NULL ? PQresultStatus(result) : PGRES_EMPTY_QUERY;
        PQclear(result);
        if (result == NULL && PQpipelineStatus(conn->libpq) == PQ_PIPELINE_OFF)
            return PQtransactionStatus(conn->libpq) != PQTRANS_ACTIVE;
        if (state == PGRES_COPY_OUT)
            is_copying = true;
        else if (state == PGRES_COPY_IN && PQputCopyEnd(conn->libpq, "abandoned") < 0)
            return false;
        else if (state == PGRES_PIPELINE_SYNC)
            (void) PQexitPipelineMode(conn->libpq);
    }
    return false;
}

void
idc_conn_abandon(IdcConn *conn)
{
    int64_t until_ms = idc_clock_ms() + ABANDON_MS;

    if (PQtransactionStatus(conn->libpq) == PQTRANS_ACTIVE) {
        idc_canceller_request(conn->canceller);
        if (!conn_drain(conn, until_ms))
            conn->is_broken = true;
    }
    if (!idc_canceller_settle(conn->canceller, SETTLE_MS))
        conn->is_broken = true;
}

static IdcStatus
copy_rows(const PGresult *result, IdcArena *arena, IdcTextRows *rows, IdcError *err)
{
    IdcTextRows made = { .column_count = (size_t) PQnfields(result),
                         .row_count = (size_t) PQntuples(result) };
    size_t count;

    if (__builtin_mul_overflow(made.column_count, made.row_count, &count))
        return idc_fail_no_memory(err);
    made.columns = idc_arena_alloc_array(arena, made.column_count + 1, sizeof *made.columns);
    made.values = idc_arena_alloc_array(arena, count + 1, sizeof *made.values);
    if (made.columns == NULL || made.values == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < made.column_count; i++) {
        made.columns[i] = idc_arena_strdup(arena, PQfname(result, (int) i));
        if (made.columns[i] == NULL)
            return idc_fail_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        int row = (int) (i / made.column_count);
        int column = (int) (i % made.column_count);

        if (PQgetisnull(result, row, column))
            continue;
        made.values[i] = idc_arena_strndup(arena, PQgetvalue(result, row, column),
                                           (size_t) PQgetlength(result, row, column));
        if (made.values[i] == NULL)
            return idc_fail_no_memory(err);
    }
    *rows = made;
    return IDC_OK;
}

/* After the first error the rest is read and ignored. */
static IdcStatus
collect(IdcConn *conn, IdcCall *call, const char *sql, PGresult **last, IdcError *err)
{
    IdcStatus failed = IDC_OK;

    for (;;) {
        PGresult *result = NULL;
        IdcStatus status = idc_conn_next_result(conn, call, &result, failed == IDC_OK ? err : NULL);

        if (status != IDC_OK || result == NULL)
            return failed != IDC_OK ? failed : status;
        switch (PQresultStatus(result)) {
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK:
        case PGRES_EMPTY_QUERY:
            idc_conn_note_command(conn, sql, result);
            PQclear(*last);
            *last = result;
            break;
        case PGRES_COPY_IN:
        case PGRES_COPY_OUT:
        case PGRES_COPY_BOTH:
            PQclear(result);
            idc_conn_abandon(conn);
            return idc_fail(err, IDC_UNSUPPORTED,
                            "COPY from or to the client is not supported here");
        default:
            if (failed == IDC_OK)
                failed = idc_conn_fail(conn, result, err);
            PQclear(result);
        }
    }
}

IdcStatus
idc_conn_query(IdcConn *conn, IdcCall *call, IdcArena *arena, const char *sql,
               const char *const *parameters, size_t parameter_count, IdcTextRows *rows,
               IdcError *err)
{
    PGresult *last = NULL;
    IdcStatus status;
    int sent;

    if (parameter_count > UINT16_MAX)
        return idc_fail(err, IDC_BAD_VALUE, "%zu parameters, 65535 at most", parameter_count);
    sent = parameter_count == 0 ? PQsendQuery(conn->libpq, sql)
                                : PQsendQueryParams(conn->libpq, sql, (int) parameter_count, NULL,
                                                    parameters, NULL, NULL, 0);
    if (sent != 1)
        return idc_conn_fail(conn, NULL, err);
    status = collect(conn, call, sql, &last, err);
    if (status == IDC_OK && rows != NULL) {
        *rows = (IdcTextRows){ 0 };
        if (last != NULL)
            status = copy_rows(last, arena, rows, err);
    }
    PQclear(last);
    return status;
}

IdcStatus
idc_conn_execute(IdcConn *conn, IdcCall *call, const char *sql, IdcError *err)
{
    return idc_conn_query(conn, call, NULL, sql, NULL, 0, NULL, err);
}

IdcStatus
idc_conn_reset(IdcConn *conn, IdcCall *call, IdcError *err)
{
    IdcStatus status = IDC_OK;
    bool was_dirty = conn->is_dirty;

    if (PQtransactionStatus(conn->libpq) != PQTRANS_IDLE)
        status = idc_conn_execute(conn, call, "ROLLBACK", err);
    if (status == IDC_OK && was_dirty) {
        idc_statement_cache_clear(conn->statements);
        status = idc_conn_execute(conn, call, "DISCARD ALL", err);
        if (status == IDC_OK)
            status = conn_settings(conn, call, err);
    }
    if (status == IDC_OK)
        conn->is_dirty = false;
    return status;
}
