/*
 * session.h - a hub in a scratch folder for a whole test program, and short ways to ask it.
 */
#ifndef TEST_HUB_SESSION_H
#define TEST_HUB_SESSION_H

#include "arrow/abi.h"
#include "harness.h"
#include "hub/pool.h"
#include "hub/result.h"

/* What the tests of a program share. */
typedef struct Session {
    char *home;
    IdcHub *hub;
    IdcPool *pool;
} Session;

static inline void
assert_ok(IdcStatus status, const IdcError *err)
{
    if (status != IDC_OK)
        fail_msg("%s (%s) %s", err->message, err->hint, err->sqlstate);
}

static inline int
session_open(void **state)
{
    Session *session = calloc(1, sizeof *session);
    IdcHubOptions options = { .kind = IDC_HUB_EMBEDDED, .application_name = "unit" };
    IdcError err;

    session->home = scratch_new("session");
    options.home = session->home;
    assert_ok(idc_hub_new(&options, NULL, &session->hub, &err), &err);
    assert_ok(idc_pool_new(session->hub, 3, 2000, NULL, &session->pool, &err), &err);
    *state = session;
    return 0;
}

static inline int
session_close(void **state)
{
    Session *session = *state;

    idc_pool_free(session->pool);
    (void) !idc_hub_destroy(session->hub, NULL);
    idc_hub_free(session->hub);
    scratch_free(session->home);
    free(session);
    return 0;
}

static inline void
run(Session *session, const char *sql)
{
    IdcConn *conn = NULL;
    IdcError err;

    assert_ok(idc_pool_acquire(session->pool, NULL, &conn, &err), &err);
    assert_ok(idc_conn_execute(conn, NULL, sql, &err), &err);
    idc_pool_release(session->pool, conn);
}

/* Every connection came back. */
static inline void
assert_all_idle(Session *session)
{
    IdcPoolStatus status;

    idc_pool_status(session->pool, &status);
    assert_int_equal(status.open, status.idle);
}

static const IdcResultOptions plain_options = { .batch = { .batch_rows = 65536,
                                                           .batch_bytes = 1 << 24 } };

#endif
