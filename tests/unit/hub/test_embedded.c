/*
 * test_embedded.c - the private cluster: made, started, stopped, removed; races and kills.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "hub/cluster.h"
#include "hub/conn.h"
#include "hub/hub.h"

static IdcHub *
hub_at(const char *home)
{
    /* A server that recovers on a busy machine needs its time, and no test is about that. */
    IdcHubOptions options = { .kind = IDC_HUB_EMBEDDED,
                              .home = home,
                              .application_name = "unit",
                              .connect_timeout_ms = 60000 };
    IdcHub *hub = NULL;
    IdcError err;

    if (idc_hub_new(&options, NULL, &hub, &err) != IDC_OK)
        fail_msg("%s", err.message);
    return hub;
}

static void
assert_ok(IdcStatus status, const IdcError *err)
{
    if (status != IDC_OK)
        fail_msg("%s (%s)", err->message, err->hint);
}

static void
assert_answers(IdcHub *hub)
{
    IdcConn *conn = NULL;
    IdcArena *arena = idc_arena_new(0);
    IdcTextRows rows;
    IdcError err;

    assert_ok(idc_conn_open(hub, NULL, &conn, &err), &err);
    assert_ok(idc_conn_query(conn, NULL, arena, "SELECT current_database(), current_user, 41 + 1",
                             NULL, 0, &rows, &err),
              &err);
    assert_int_equal(rows.row_count, 1);
    assert_string_equal(rows.values[0], "instant");
    assert_string_equal(rows.values[1], "instant");
    assert_string_equal(rows.values[2], "42");
    idc_conn_close(conn);
    idc_arena_free(arena);
}

static int
setup(void **state)
{
    *state = scratch_new("embedded home");
    return 0;
}

/* To make a cluster takes seconds: tests that leave it sound use the same one. */
static int
setup_shared(void **state)
{
    static char *home;

    if (home == NULL)
        home = scratch_new("shared home");
    *state = home;
    return 0;
}

static int
teardown(void **state)
{
    IdcHub *hub = hub_at(*state);

    (void) !idc_hub_destroy(hub, NULL);
    idc_hub_free(hub);
    scratch_free(*state);
    return 0;
}

static void
test_life(void **state)
{
    IdcHub *hub = hub_at(*state);
    IdcHubStatus status;
    IdcError err;
    struct stat found;
    char path[512];

    assert_ok(idc_hub_status(hub, &status, &err), &err);
    assert_true(status.is_embedded);
    assert_false(status.exists);
    assert_false(status.is_running);
    assert_ok(idc_hub_ensure(hub, NULL, &err), &err);
    assert_answers(hub);
    assert_ok(idc_hub_status(hub, &status, &err), &err);
    assert_true(status.exists && status.is_running);
    assert_true(status.pid > 1);
    assert_true(status.server_version_num >= 120000);
    assert_int_equal(access(status.log_file, R_OK), 0);
    (void) snprintf(path, sizeof path, "%s/hub", (const char *) *state);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);

    assert_ok(idc_hub_stop(hub, &err), &err);
    assert_ok(idc_hub_stop(hub, &err), &err);
    assert_ok(idc_hub_status(hub, &status, &err), &err);
    assert_true(status.exists);
    assert_false(status.is_running);
    assert_answers(hub);
    assert_ok(idc_hub_destroy(hub, &err), &err);
    assert_int_equal(access(path, F_OK), -1);
    assert_ok(idc_hub_destroy(hub, &err), &err);
    idc_hub_free(hub);
}

static void
test_kill_of_the_server(void **state)
{
    IdcHub *hub = hub_at(*state);
    IdcHubStatus status;
    IdcConn *conn = NULL;
    IdcError err;

    assert_ok(idc_conn_open(hub, NULL, &conn, &err), &err);
    assert_ok(idc_conn_execute(conn, NULL, "CREATE TABLE kept AS SELECT 7 AS seven", &err), &err);
    for (int i = 0; i < 2; i++) {
        assert_ok(idc_hub_status(hub, &status, &err), &err);
        assert_int_equal(kill((pid_t) status.pid, SIGKILL), 0);
        assert_answers(hub);
    }
    assert_int_not_equal(idc_conn_execute(conn, NULL, "SELECT 1", &err), IDC_OK);
    assert_false(idc_conn_is_usable(conn));
    idc_conn_close(conn);
    assert_ok(idc_conn_open(hub, NULL, &conn, &err), &err);
    assert_ok(idc_conn_execute(conn, NULL, "SELECT seven FROM kept", &err), &err);
    idc_conn_close(conn);
    idc_hub_free(hub);
}

/* A number in postmaster.pid that is somebody else's now, as after the restart of a container. */
static void
test_stale_pid(void **state)
{
    IdcHub *hub = hub_at(*state);
    char path[512];
    IdcError err;
    FILE *file;

    assert_ok(idc_hub_ensure(hub, NULL, &err), &err);
    assert_ok(idc_hub_stop(hub, &err), &err);
    (void) snprintf(path, sizeof path, "%s/hub/data/postmaster.pid", (const char *) *state);
    file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "%ld\n/nowhere\n0\n5432\n/tmp\n\n0 0\n", (long) getpid());
    fclose(file);
    chown_to_server(path);
    assert_answers(hub);
    idc_hub_free(hub);
}

/* setup keeps its own things in the schema "instant"; a user's table must not land there. */
static void
test_new_tables_are_public(void **state)
{
    IdcHub *hub = hub_at(*state);
    IdcArena *arena = idc_arena_new(0);
    IdcTextRows rows;
    IdcConn *conn = NULL;
    IdcError err;

    assert_ok(idc_conn_open(hub, NULL, &conn, &err), &err);
    assert_ok(idc_conn_execute(conn, NULL,
                               "CREATE SCHEMA IF NOT EXISTS instant; CREATE TABLE mine ()", &err),
              &err);
    assert_ok(idc_conn_query(conn, NULL, arena, "SELECT 'mine'::regclass = 'public.mine'::regclass",
                             NULL, 0, &rows, &err),
              &err);
    assert_string_equal(rows.values[0], "t");
    assert_ok(idc_conn_execute(conn, NULL, "DROP TABLE mine", &err), &err);
    idc_conn_close(conn);
    idc_arena_free(arena);
    idc_hub_free(hub);
}

static void
test_four_at_once(void **state)
{
    pid_t children[4];

    for (size_t i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            IdcHub *hub = hub_at(*state);
            IdcConn *conn = NULL;
            IdcError err;
            bool is_good = idc_conn_open(hub, NULL, &conn, &err) == IDC_OK;

            if (!is_good)
                fprintf(stderr, "%s\n", err.message);
            idc_conn_close(conn);
            idc_hub_free(hub);
            _exit(is_good ? 0 : 1);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        int status = 1;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
}

/* Many that find no home at the same moment: none sees a folder of the others half made. */
static void
test_folders_at_once(void **state)
{
    enum { ROUNDS = 30, PROCESSES = 8 };

    for (int round = 0; round < ROUNDS; round++) {
        IdcArena *arena = idc_arena_new(0);
        IdcEmbedded *embedded = NULL;
        pid_t children[PROCESSES];
        char home[300];
        IdcError err;
        int bad = 0;

        (void) snprintf(home, sizeof home, "%s/%d", (const char *) *state, round);
        assert_ok(idc_embedded_new(arena, home, NULL, &embedded, &err), &err);
        for (size_t i = 0; i < PROCESSES; i++) {
            children[i] = fork();
            if (children[i] == 0) {
                if (idc_cluster_folders(embedded, &err) == IDC_OK)
                    _exit(0);
                fprintf(stderr, "%s\n", err.message);
                _exit(1);
            }
        }
        for (size_t i = 0; i < PROCESSES; i++) {
            int status = 1;

            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            bad += status != 0;
        }
        assert_int_equal(bad, 0);
        idc_arena_free(arena);
    }
}

/* Killed while it makes the cluster: nothing half-made is in the way of the next one. */
static void
test_killed_maker(void **state)
{
    IdcHub *hub = hub_at(*state);
    char path[512];
    pid_t child = fork();

    if (child == 0) {
        (void) !idc_hub_ensure(hub, NULL, NULL);
        _exit(0);
    }
    (void) poll(NULL, 0, 400);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_answers(hub);
    (void) snprintf(path, sizeof path, "%s/hub/data.tmp.%ld", (const char *) *state, (long) child);
    assert_int_equal(access(path, F_OK), -1);
    idc_hub_free(hub);
}

static void
test_long_home(void **state)
{
    char home[300];
    IdcHub *hub;
    IdcHubStatus status;
    IdcError err;

    (void) snprintf(home, sizeof home, "%s/%0150d", (const char *) *state, 7);
    hub = hub_at(home);
    assert_answers(hub);
    assert_ok(idc_hub_status(hub, &status, &err), &err);
    assert_non_null(strstr(status.uri, "tmp%2Finstant-"));
    assert_ok(idc_hub_destroy(hub, &err), &err);
    idc_hub_free(hub);
}

static void
test_foreign_folder(void **state)
{
    IdcHub *hub = hub_at(*state);
    char path[512];
    IdcError err;

    (void) snprintf(path, sizeof path, "%s/hub", (const char *) *state);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(idc_hub_ensure(hub, NULL, &err), IDC_IO_FAILED);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(idc_hub_destroy(hub, &err), IDC_IO_FAILED);
    assert_int_equal(access(path, F_OK), 0);
    idc_hub_free(hub);
    (void) snprintf(path, sizeof path, "%s/hub/lock", (const char *) *state);
    (void) unlink(path);
    (void) snprintf(path, sizeof path, "%s/hub", (const char *) *state);
    assert_int_equal(rmdir(path), 0);
}

static void
test_wrong_version(void **state)
{
    IdcHub *hub = hub_at(*state);
    char path[512];
    IdcError err;
    FILE *file;

    assert_ok(idc_hub_ensure(hub, NULL, &err), &err);
    assert_ok(idc_hub_stop(hub, &err), &err);
    (void) snprintf(path, sizeof path, "%s/hub/data/PG_VERSION", (const char *) *state);
    file = fopen(path, "we");
    assert_non_null(file);
    fputs("99\n", file);
    fclose(file);
    assert_int_equal(idc_hub_ensure(hub, NULL, &err), IDC_NOT_FOUND);
    assert_non_null(strstr(err.message, "PostgreSQL 99"));
    assert_non_null(strstr(err.hint, "postgresql-99"));
    idc_hub_free(hub);
}

static void
test_no_programs(void **state)
{
    IdcHub *hub = hub_at(*state);
    IdcError err;

    setenv("INSTANT_PG_BINDIR", "/nowhere", 1);
    assert_int_equal(idc_hub_ensure(hub, NULL, &err), IDC_NOT_FOUND);
    unsetenv("INSTANT_PG_BINDIR");
    assert_non_null(strstr(err.message, "/nowhere"));
    idc_hub_free(hub);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup(test_kill_of_the_server, setup_shared),
        cmocka_unit_test_setup(test_stale_pid, setup_shared),
        cmocka_unit_test_setup(test_new_tables_are_public, setup_shared),
        cmocka_unit_test_setup_teardown(test_four_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folders_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_maker, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_home, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_version, setup_shared, teardown),
        cmocka_unit_test_setup_teardown(test_no_programs, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
