/*
 * test_pool.c - connections and their pool: limits, waits, replacement, cancel, errors that help.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include "session.h"

static IdcConn *
take(IdcPool *pool)
{
    IdcConn *conn = NULL;
    IdcError err;

    assert_ok(idc_pool_acquire(pool, NULL, &conn, &err), &err);
    return conn;
}

static void
value_of(IdcConn *conn, const char *sql, char *text, size_t size)
{
    IdcArena *arena = idc_arena_new(0);
    IdcTextRows rows;
    IdcError err;

    assert_ok(idc_conn_query(conn, NULL, arena, sql, NULL, 0, &rows, &err), &err);
    (void) snprintf(text, size, "%s", rows.values[0] != NULL ? rows.values[0] : "NULL");
    idc_arena_free(arena);
}

static void
test_limit(void **state)
{
    Session *session = *state;
    IdcPool *pool = NULL;
    IdcConn *first, *second, *third = NULL;
    IdcPoolStatus status;
    IdcError err;
    int64_t started_ms = idc_clock_ms();

    assert_ok(idc_pool_new(session->hub, 2, 300, NULL, &pool, &err), &err);
    first = take(pool);
    second = take(pool);
    started_ms = idc_clock_ms();
    assert_int_equal(idc_pool_acquire(pool, NULL, &third, &err), IDC_TIMEOUT);
    assert_true(idc_clock_ms() - started_ms >= 290);
    assert_non_null(strstr(err.message, "all 2"));
    assert_non_null(strstr(err.hint, "pool_size"));
    idc_pool_release(pool, first);
    third = take(pool);
    assert_ptr_equal(third, first);
    idc_pool_release(pool, third);
    idc_pool_release(pool, second);
    idc_pool_status(pool, &status);
    assert_int_equal(status.idle, 2);
    assert_int_equal(status.waiting, 0);
    idc_pool_free(pool);
}

typedef struct Worker {
    IdcPool *pool;
    pthread_t thread;
    IdcStatus status;
} Worker;

static void *
work(void *argument)
{
    Worker *worker = argument;

    for (int i = 0; i < 20; i++) {
        IdcConn *conn = NULL;

        worker->status = idc_pool_acquire(worker->pool, NULL, &conn, NULL);
        if (worker->status == IDC_OK)
            worker->status = idc_conn_execute(conn, NULL, "SELECT 1", NULL);
        idc_pool_release(worker->pool, conn);
        if (worker->status != IDC_OK)
            break;
    }
    return NULL;
}

static void
test_many_threads(void **state)
{
    Session *session = *state;
    Worker workers[12];
    IdcPool *pool = NULL;
    IdcPoolStatus status;
    IdcError err;

    assert_ok(idc_pool_new(session->hub, 3, 20000, NULL, &pool, &err), &err);
    for (size_t i = 0; i < 12; i++) {
        workers[i].pool = pool;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < 12; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].status, IDC_OK);
    }
    idc_pool_status(pool, &status);
    assert_true(status.open <= 3);
    assert_int_equal(status.open, status.idle);
    idc_pool_free(pool);
}

static void
test_replaced(void **state)
{
    Session *session = *state;
    char before[32], after[32], sql[128];
    IdcConn *conn = take(session->pool), *killer = take(session->pool);

    value_of(conn, "SELECT pg_backend_pid()", before, sizeof before);
    idc_pool_release(session->pool, conn);
    (void) snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%s, 2000)", before);
    value_of(killer, sql, after, sizeof after);
    assert_string_equal(after, "t");
    conn = take(session->pool);
    value_of(conn, "SELECT pg_backend_pid()", after, sizeof after);
    assert_string_not_equal(before, after);
    idc_pool_release(session->pool, conn);
    idc_pool_release(session->pool, killer);
    assert_all_idle(session);
}

static void
test_reset(void **state)
{
    Session *session = *state;
    char text[64];
    IdcConn *conn = take(session->pool), *again;
    IdcError err;

    assert_ok(idc_conn_execute(conn, NULL, "BEGIN; CREATE TABLE not_kept (a int)", &err), &err);
    assert_ok(idc_conn_execute(conn, NULL, "SET TimeZone = 'Asia/Tokyo'", &err), &err);
    idc_pool_release(session->pool, conn);
    again = take(session->pool);
    assert_ptr_equal(conn, again);
    value_of(again, "SELECT to_regclass('not_kept')", text, sizeof text);
    assert_string_equal(text, "NULL");
    value_of(again, "SHOW TimeZone", text, sizeof text);
    assert_string_equal(text, "UTC");
    assert_ok(idc_conn_execute(again, NULL, "SET TimeZone = 'Asia/Tokyo'", &err), &err);
    idc_pool_release(session->pool, again);
    again = take(session->pool);
    value_of(again, "SHOW TimeZone", text, sizeof text);
    assert_string_equal(text, "UTC");
    idc_pool_release(session->pool, again);
}

static void *
close_later(void *pool)
{
    (void) poll(NULL, 0, 100);
    idc_pool_close(pool);
    return NULL;
}

static void
test_closed(void **state)
{
    Session *session = *state;
    IdcPool *pool = NULL;
    IdcConn *conn, *other = NULL;
    pthread_t thread;
    IdcError err;

    assert_ok(idc_pool_new(session->hub, 1, 10000, NULL, &pool, &err), &err);
    conn = take(pool);
    assert_int_equal(pthread_create(&thread, NULL, close_later, pool), 0);
    assert_int_equal(idc_pool_acquire(pool, NULL, &other, &err), IDC_MISUSE);
    pthread_join(thread, NULL);
    idc_pool_free(pool);
    idc_pool_release(pool, conn); /* the last one holds the memory */
}

static void *
cancel_later(void *call)
{
    (void) poll(NULL, 0, 200);
    idc_call_cancel(call);
    return NULL;
}

static void
test_cancel(void **state)
{
    Session *session = *state;
    IdcConn *conn = take(session->pool);
    IdcCall *call = idc_call_new();
    pthread_t thread;
    int64_t started_ms = idc_clock_ms();
    IdcError err;

    assert_int_equal(pthread_create(&thread, NULL, cancel_later, call), 0);
    assert_int_equal(idc_conn_execute(conn, call, "SELECT pg_sleep(30)", &err), IDC_CANCELED);
    assert_true(idc_clock_ms() - started_ms < 200 + 500);
    pthread_join(thread, NULL);
    assert_true(idc_conn_is_usable(conn));
    assert_ok(idc_conn_execute(conn, NULL, "SELECT 1", &err), &err);
    idc_call_free(call);

    call = idc_call_new();
    idc_call_set_timeout(call, 200);
    assert_int_equal(idc_conn_execute(conn, call, "SELECT pg_sleep(30)", &err), IDC_TIMEOUT);
    assert_ok(idc_conn_execute(conn, NULL, "SELECT 1", &err), &err);
    idc_call_free(call);
    idc_pool_release(session->pool, conn);
}

static void
test_statement_timeout(void **state)
{
    Session *session = *state;
    IdcHubOptions options = { .kind = IDC_HUB_EMBEDDED,
                              .home = session->home,
                              .query_timeout_ms = 200 };
    IdcHub *hub = NULL;
    IdcConn *conn = NULL;
    IdcError err;

    assert_ok(idc_hub_new(&options, NULL, &hub, &err), &err);
    assert_ok(idc_conn_open(hub, NULL, &conn, &err), &err);
    assert_int_equal(idc_conn_execute(conn, NULL, "SELECT pg_sleep(10)", &err), IDC_TIMEOUT);
    assert_non_null(strstr(err.hint, "200 ms"));
    idc_conn_close(conn);
    idc_hub_free(hub);
}

static IdcStatus
open_external(const char *url, const IdcKeyword *keywords, size_t count, IdcError *err)
{
    IdcHubOptions options = { .kind = IDC_HUB_EXTERNAL,
                              .url = url,
                              .keywords = keywords,
                              .keyword_count = count,
                              .connect_timeout_ms = 1000 };
    IdcHub *hub = NULL;
    IdcConn *conn = NULL;
    IdcStatus status = idc_hub_new(&options, NULL, &hub, err);

    if (status == IDC_OK)
        status = idc_conn_open(hub, NULL, &conn, err);
    idc_conn_close(conn);
    idc_hub_free(hub);
    return status;
}

static void
test_external(void **state)
{
    Session *session = *state;
    char socket[256];
    IdcKeyword keywords[] = { { "host", socket },
                              { "database", "instant" },
                              { "username", "instant" } };
    IdcError err;

    (void) snprintf(socket, sizeof socket, "%s/hub/socket", session->home);
    assert_ok(open_external(NULL, keywords, 3, &err), &err);
    keywords[1].value = "nowhere";
    assert_int_equal(open_external(NULL, keywords, 3, &err), IDC_CONNECTION_FAILED);
    assert_string_equal(err.sqlstate, "3D000");
    keywords[0].name = "hots";
    assert_int_equal(open_external(NULL, keywords, 3, &err), IDC_BAD_CONFIG);
    assert_non_null(strstr(err.hint, "host"));
    assert_int_equal(open_external("postgresql://u:sec%ret@h/db", NULL, 0, &err), IDC_BAD_CONFIG);
    assert_null(strstr(err.message, "ret@"));
}

/* Somebody accepts and says nothing. */
static void
test_silent_server(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char url[128];
    int64_t started_ms;
    IdcError err;

    (void) state;
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &len), 0);
    (void) snprintf(url, sizeof url, "postgresql://u:topsecret@127.0.0.1:%d/d",
                    ntohs(address.sin_port));
    assert_int_equal(open_external(url, NULL, 0, &err), IDC_CONNECTION_FAILED);
    assert_non_null(strstr(err.message, "refused"));
    assert_int_equal(listen(fd, 4), 0);
    started_ms = idc_clock_ms();
    assert_int_equal(open_external(url, NULL, 0, &err), IDC_TIMEOUT);
    assert_true(idc_clock_ms() - started_ms < 2000);
    assert_null(strstr(err.message, "topsecret"));
    close(fd);
}

static void
test_server_errors(void **state)
{
    IdcConn *conn = take(((Session *) *state)->pool);
    IdcError err;

    assert_int_equal(idc_conn_execute(conn, NULL, "SELECT nosuch(1)", &err), IDC_QUERY_FAILED);
    assert_string_equal(err.sqlstate, "42883");
    assert_int_equal(idc_conn_execute(conn, NULL, "COPY pg_class FROM STDIN", &err),
                     IDC_UNSUPPORTED);
    assert_true(idc_conn_is_usable(conn));
    idc_pool_release(((Session *) *state)->pool, conn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_statement_timeout),
        cmocka_unit_test(test_external),
        cmocka_unit_test(test_silent_server),
        cmocka_unit_test(test_server_errors),
    };

    return cmocka_run_group_tests(tests, session_open, session_close);
}
