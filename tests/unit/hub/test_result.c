/*
 * test_result.c - queries to Arrow: every type, every kind of statement, ends that come too early.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "session.h"

static IdcStatus
open_result(Session *session, const char *sql, IdcResult **result, IdcError *err)
{
    return idc_result_open(session->pool, NULL, sql, NULL, 0, &plain_options, result, err);
}

/* Open, read to the end; the rows. */
static int64_t
read_all(IdcResult *result, IdcError *err)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    int64_t rows = 0;

    assert_ok(idc_result_stream(result, &stream, err), err);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    schema.release(&schema);
    for (;;) {
        if (stream.get_next(&stream, &batch) != 0) {
            idc_result_error(result, err);
            assert_int_not_equal(err->status, IDC_OK);
            assert_string_equal(stream.get_last_error(&stream), err->message);
            rows = -1;
            break;
        }
        if (batch.release == NULL)
            break;
        rows += batch.length;
        batch.release(&batch);
    }
    stream.release(&stream);
    return rows;
}

static int64_t
count_rows(Session *session, const char *sql)
{
    IdcResult *result = NULL;
    IdcResultStats stats;
    IdcError err;
    int64_t rows;

    if (open_result(session, sql, &result, &err) != IDC_OK)
        fail_msg("%.200s: %s (%s)", sql, err.message, err.sqlstate);
    rows = read_all(result, &err);
    if (rows < 0)
        fail_msg("%.200s: %s", sql, err.message);
    idc_result_stats(result, &stats);
    idc_result_free(result);
    assert_all_idle(session);
    return rows > 0 ? rows : stats.rows;
}

/* The first value of the first column, which must arrive as text; "NULL" for NULL. */
static void
text_of(Session *session, const char *sql, char *text, size_t size)
{
    IdcResult *result = NULL;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    IdcError err;

    if (open_result(session, sql, &result, &err) != IDC_OK)
        fail_msg("%s: %s", sql, err.message);
    assert_ok(idc_result_stream(result, &stream, &err), &err);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_string_equal(schema.children[0]->format, "U");
    schema.release(&schema);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_non_null(batch.release);
    assert_int_equal(batch.length, 1);
    if (batch.children[0]->null_count != 0) {
        (void) snprintf(text, size, "NULL");
    } else {
        const int64_t *offsets = batch.children[0]->buffers[1];

        (void) snprintf(text, size, "%.*s", (int) (offsets[1] - offsets[0]),
                        (const char *) batch.children[0]->buffers[2] + offsets[0]);
    }
    batch.release(&batch);
    stream.release(&stream);
    idc_result_free(result);
}

/* NULL and, where the server can make one, a value of every type, alone and in an array. */
static void
test_every_type(void **state)
{
    Session *session = *state;
    IdcArena *arena = idc_arena_new(0);
    IdcConn *conn = NULL;
    IdcTextRows types;
    IdcError err;
    char sql[512];

    assert_ok(idc_pool_acquire(session->pool, NULL, &conn, &err), &err);
    assert_ok(idc_conn_query(conn, NULL, arena,
                             "SELECT format_type(oid, NULL), typtype FROM pg_type"
                             " WHERE typtype <> 'p' AND typisdefined ORDER BY oid",
                             NULL, 0, &types, &err),
              &err);
    idc_pool_release(session->pool, conn);
    assert_true(types.row_count > 200);
    for (size_t i = 0; i < types.row_count; i++) {
        (void) snprintf(sql, sizeof sql, "SELECT NULL::%s AS a, 1 AS b", types.values[2 * i]);
        assert_int_equal(count_rows(session, sql), 1);
    }
    idc_arena_free(arena);
}

static void
test_texts(void **state)
{
    static const char *const cases[][2] = {
        { "SELECT '10.0.0.1'::inet", "10.0.0.1" },
        { "SELECT '10.0.0.0/8'::inet", "10.0.0.0/8" },
        { "SELECT '10.1'::cidr", "10.1.0.0/16" },
        { "SELECT '08:00:2b:01:02:03'::macaddr", "08:00:2b:01:02:03" },
        { "SELECT '101'::bit(3)", "101" },
        { "SELECT '[1,5)'::int4range", "[1,5)" },
        { "SELECT '{[1,3),[7,9)}'::int4multirange", "{[1,3),[7,9)}" },
        { "SELECT 'ab'::char(4)", "ab  " },
        { "SELECT '12:30+02'::timetz", "12:30:00+02" },
        { "SELECT '(1,2)'::point", "(1,2)" },
        { "SELECT '<a/>'::xml", "<a/>" },
        { "SELECT '{\"a\": 1}'::jsonb", "{\"a\": 1}" },
        { "SELECT '{\"a\":1}'::json", "{\"a\":1}" },
        { "SELECT 'pg_class'::regclass", "pg_class" },
        { "SELECT '0/16'::pg_lsn", "0/16" },
        { "SELECT '1 2 3'::int2vector", "1 2 3" },
        { "SELECT '1 2'::oidvector", "1 2" },
        { "SELECT 'a & b'::tsquery", "'a' & 'b'" },
        { "SELECT '$.a'::jsonpath", "$.\"a\"" },
        { "SELECT row(1, 'x')", "(1,x)" },
        { "SELECT 'x'::\"char\"", "x" },
        { "SELECT ''::\"char\"", "" },
        { "SELECT pg_sleep(0)", "" },
        { "SELECT NULL::int4range", "NULL" },
        { "SELECT '8a4f9d6e-0c2b-4b57-9f0e-3f6f5a1c2d3e'::uuid",
          "8a4f9d6e-0c2b-4b57-9f0e-3f6f5a1c2d3e" },
        { "SHOW server_encoding", "UTF8" },
        { "SELECT 'it''s; -- no comment' /* ; */; -- the end", "it's; -- no comment" },
        { "SELECT $a$;'$a$ ;;", ";'" },
        { "SELECT E'\\';' ; ", "';" },
    };
    char text[256];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        text_of(*state, cases[i][0], text, sizeof text);
        if (strcmp(text, cases[i][1]) != 0)
            fail_msg("%s gave \"%s\", not \"%s\"", cases[i][0], text, cases[i][1]);
    }
    assert_all_idle(*state);
}

static void
format_of(Session *session, const char *sql, IdcNumericMode numeric, char *format, size_t size)
{
    IdcResultOptions options = plain_options;
    IdcResult *result = NULL;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    IdcError err;

    options.numeric = numeric;
    assert_ok(idc_result_open(session->pool, NULL, sql, NULL, 0, &options, &result, &err), &err);
    assert_ok(idc_result_stream(result, &stream, &err), &err);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    (void) snprintf(format, size, "%s", schema.children[0]->format);
    if (schema.children[0]->n_children > 0)
        (void) snprintf(format + strlen(format), size - strlen(format), " %s",
                        schema.children[0]->children[0]->format);
    schema.release(&schema);
    stream.release(&stream);
    idc_result_free(result);
}

static void
test_schemas(void **state)
{
    static const struct {
        const char *sql;
        IdcNumericMode numeric;
        const char *format;
    } cases[] = {
        { "SELECT 1.5::numeric(10,2)", IDC_NUMERIC_FLOAT64, "g" },
        { "SELECT 1.5::numeric(10,2)", IDC_NUMERIC_DECIMAL, "d:10,2" },
        { "SELECT 1.5::numeric", IDC_NUMERIC_DECIMAL, "U" },
        { "SELECT 1.5::numeric(10,2)", IDC_NUMERIC_STRING, "U" },
        { "SELECT '$1.50'::money", IDC_NUMERIC_FLOAT64, "g" },
        { "SELECT p FROM domains", IDC_NUMERIC_DECIMAL, "d:6,2" },
        { "SELECT f FROM domains", IDC_NUMERIC_FLOAT64, "i" },
        { "SELECT ARRAY[1,2]", IDC_NUMERIC_FLOAT64, "+L i" },
        { "SELECT deep FROM domains", IDC_NUMERIC_FLOAT64, "+L +L" },
        { "SELECT ARRAY['1.2.3.4'::inet]", IDC_NUMERIC_FLOAT64, "+L U" },
        { "SELECT ARRAY[box '((1,2),(3,4))', box '((0,0),(1,1))']", IDC_NUMERIC_FLOAT64, "+L U" },
        { "SELECT mood FROM domains", IDC_NUMERIC_FLOAT64, "i" },
        { "SELECT now()", IDC_NUMERIC_FLOAT64, "tsu:UTC" },
    };
    char format[128];

    run(*state,
        "CREATE TYPE mood AS ENUM ('sad', 'ok, fine', 'happy');"
        "CREATE DOMAIN price AS numeric(6,2); CREATE DOMAIN small AS int CHECK (VALUE < 10);"
        "CREATE TABLE domains (p price, f small, deep int[][], mood mood)");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        format_of(*state, cases[i].sql, cases[i].numeric, format, sizeof format);
        if (strcmp(format, cases[i].format) != 0)
            fail_msg("%s has format %s, not %s", cases[i].sql, format, cases[i].format);
    }
    assert_all_idle(*state);
}

static void
test_statements(void **state)
{
    run(*state, "CREATE TABLE t (a int, r int4range)");
    assert_int_equal(
        count_rows(*state,
                   "INSERT INTO t SELECT i, int4range(i, i + 1) FROM generate_series(1, 10) i"),
        10);
    assert_int_equal(count_rows(*state, "SELECT * FROM t"), 10);
    assert_int_equal(count_rows(*state, "TABLE t"), 10);
    assert_int_equal(count_rows(*state, " /* a /* b */ */ ( (SELECT * FROM t ORDER BY a)) -- x"),
                     10);
    assert_int_equal(count_rows(*state, "VALUES (1), (2)"), 2);
    assert_int_equal(count_rows(*state, "SELECT FROM t"), 10);
    assert_int_equal(count_rows(*state, "SELECT * FROM t WHERE false"), 0);
    assert_int_equal(count_rows(*state, "SELECT a AS x, a AS x, r AS x FROM t"), 10);
    assert_int_equal(count_rows(*state, "SELECT r FROM t FOR UPDATE"), 10);
    assert_int_equal(count_rows(*state, "WITH x AS (SELECT * FROM t) SELECT r FROM x"), 10);
    assert_int_equal(
        count_rows(*state, "WITH x AS (DELETE FROM t WHERE a = 1 RETURNING *) SELECT r FROM x"), 1);
    assert_int_equal(count_rows(*state, "INSERT INTO t VALUES (1, '[1,2)') RETURNING r"), 1);
    assert_int_equal(count_rows(*state, "UPDATE t SET a = a RETURNING a"), 10);
    assert_int_equal(count_rows(*state, "SELECT * INTO t2 FROM t"), 10);
    assert_int_equal(count_rows(*state, "WITH x AS (SELECT 1) INSERT INTO t2 SELECT * FROM t"), 10);
    assert_int_equal(count_rows(*state, "DELETE FROM t2"), 20);
    assert_int_equal(count_rows(*state, "SET work_mem = '5MB'"), 0);
    assert_int_equal(count_rows(*state, "BEGIN"), 0);
    assert_true(count_rows(*state, "EXPLAIN SELECT * FROM t") > 0);
    assert_int_equal(count_rows(*state, "CREATE INDEX ON t (a)"), 0);
    assert_int_equal(count_rows(*state, "DO $$ BEGIN NULL; END $$"), 0);
    assert_all_idle(*state);
}

static void
test_wide(void **state)
{
    IdcText sql;

    idc_text_init(&sql, 0);
    idc_text_append(&sql, "SELECT ");
    for (int i = 0; i < 1600; i++)
        idc_text_append(&sql, i == 0 ? "0" : i % 2 != 0 ? ",NULL::int4range" : ",1");
    assert_int_equal(count_rows(*state, idc_text_string(&sql)), 1);
    idc_text_done(&sql);
}

static void
test_errors(void **state)
{
    static const struct {
        const char *sql;
        IdcStatus status;
        const char *sqlstate, *words;
    } cases[] = {
        { "SELEC 1", IDC_QUERY_FAILED, "42601", "syntax error" },
        { "SELECT 1; SELECT 2", IDC_QUERY_FAILED, "42601", "multiple commands" },
        { "SELECT * FROM nowhere", IDC_QUERY_FAILED, "42P01", "nowhere" },
        { "SELECT $1::int", IDC_BAD_VALUE, "22023", "1 parameters, 0 were given" },
        { "", IDC_BAD_VALUE, "22023", "empty" },
        { "-- nothing", IDC_BAD_VALUE, "22023", "empty" },
        { "COPY pg_class TO STDOUT", IDC_UNSUPPORTED, "0A000", "COPY" },
        { "INSERT INTO unique_one VALUES (5)", IDC_QUERY_FAILED, "23505", "unique" },
    };
    IdcResult *result = NULL;
    IdcError err;

    run(*state, "CREATE TABLE unique_one (a int PRIMARY KEY); INSERT INTO unique_one VALUES (5)");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (open_result(*state, cases[i].sql, &result, &err) != cases[i].status)
            fail_msg("%s: %s", cases[i].sql, err.message);
        assert_string_equal(err.sqlstate, cases[i].sqlstate);
        assert_non_null(strstr(err.message, cases[i].words));
        assert_null(strstr(err.message, "(5)"));
        assert_all_idle(*state);
    }
    /* In the middle of the rows. */
    assert_ok(open_result(*state, "SELECT 1 / (i - 5000) FROM generate_series(1, 10000) i", &result,
                          &err),
              &err);
    assert_int_equal(read_all(result, &err), -1);
    assert_int_equal(err.status, IDC_QUERY_FAILED);
    assert_string_equal(err.sqlstate, "22012");
    idc_result_free(result);
    assert_all_idle(*state);
}

static void
test_parameters(void **state)
{
    Session *session = *state;
    const IdcSqlParameter parameters[] = { { 23, "7", 1, 0 },
                                           { 0, NULL, 0, 0 },
                                           { 25, "x", 1, 0 } };
    IdcResult *result = NULL;
    IdcError err;

    assert_ok(idc_result_open(session->pool, NULL,
                              "SELECT i, $2::int4range, $3 FROM generate_series(1, $1) i",
                              parameters, 3, &plain_options, &result, &err),
              &err);
    assert_int_equal(read_all(result, &err), 7);
    idc_result_free(result);
    assert_all_idle(session);
}

/* The memory of a big result is that of a batch. */
static void
test_million_rows(void **state)
{
    struct rusage before, after;

    getrusage(RUSAGE_SELF, &before);
    assert_int_equal(
        count_rows(*state,
                   "SELECT i, i::text AS t, i * 1.5 AS f FROM generate_series(1, 1000000) i"),
        1000000);
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 200 * 1024);
}

static void
test_early_release(void **state)
{
    IdcResult *result = NULL;
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    IdcError err;
    int64_t started_ms;

    assert_ok(open_result(*state, "SELECT generate_series(1, 100000000)", &result, &err), &err);
    assert_ok(idc_result_stream(result, &stream, &err), &err);
    assert_int_equal(idc_result_stream(result, &stream, &err), IDC_MISUSE);
    idc_result_free(result);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_int_equal(batch.length, 65536);
    batch.release(&batch);
    started_ms = idc_clock_ms();
    stream.release(&stream);
    assert_true(idc_clock_ms() - started_ms < 1000);
    assert_all_idle(*state);
    assert_int_equal(count_rows(*state, "SELECT 1"), 1);
}

static void *
cancel_later(void *result)
{
    (void) poll(NULL, 0, 200);
    idc_result_cancel(result);
    return NULL;
}

static void
test_cancel(void **state)
{
    Session *session = *state;
    IdcResultOptions options = plain_options;
    IdcResult *result = NULL;
    pthread_t thread;
    IdcError err;
    int64_t started_ms;

    /* The first rows are a batch of their own, which the server sends at once. */
    options.batch.batch_rows = 5;
    assert_ok(idc_result_open(session->pool, NULL,
                              "SELECT repeat('x', 9000),"
                              " pg_sleep(CASE WHEN i > 10 THEN 30 ELSE 0 END)"
                              " FROM generate_series(1, 20) i",
                              NULL, 0, &options, &result, &err),
              &err);
    started_ms = idc_clock_ms();
    assert_int_equal(pthread_create(&thread, NULL, cancel_later, result), 0);
    assert_int_equal(read_all(result, &err), -1);
    assert_int_equal(err.status, IDC_CANCELED);
    assert_true(idc_clock_ms() - started_ms < 450 + 500);
    pthread_join(thread, NULL);
    idc_result_free(result);
    assert_all_idle(*state);
    assert_int_equal(count_rows(*state, "SELECT 1"), 1);
}

static void
test_timeout(void **state)
{
    Session *session = *state;
    IdcResultOptions options = plain_options;
    IdcResult *result = NULL;
    IdcCall *call = idc_call_new();
    IdcError err;

    options.timeout_ms = 300;
    /*
     * The server sends what it has in pieces of 8 kB, and opening waits for the first of them: here
     * that is the first row, also where rows come in batches.
     */
    options.batch.batch_rows = 1;
    assert_ok(
        idc_result_open(session->pool, call,
                        "SELECT repeat('x', 9000), pg_sleep(i - 1) FROM generate_series(1, 9) i",
                        NULL, 0, &options, &result, &err),
        &err);
    assert_int_equal(read_all(result, &err), -1);
    assert_int_equal(err.status, IDC_TIMEOUT);
    assert_non_null(strstr(err.message, "300 ms"));
    assert_non_null(strstr(err.hint, "time limit"));
    idc_result_free(result);
    assert_int_equal(idc_result_open(session->pool, NULL, "SELECT pg_sleep(10)", NULL, 0, &options,
                                     &result, &err),
                     IDC_TIMEOUT);
    assert_non_null(strstr(err.message, "300 ms"));
    assert_int_equal(idc_result_open(session->pool, call,
                                     "DO $$ BEGIN PERFORM pg_sleep(10); END $$", NULL, 0, &options,
                                     &result, &err),
                     IDC_TIMEOUT);
    assert_non_null(strstr(err.message, "300 ms"));
    assert_int_equal(idc_call_remaining_ms(call, -1), -1);
    idc_call_free(call);
    assert_all_idle(session);
    assert_int_equal(count_rows(session, "SELECT 1"), 1);
}

/* The server ends in the middle of a COPY: an error, and the next query works. */
static void
test_server_killed(void **state)
{
    Session *session = *state;
    IdcResult *result = NULL;
    IdcHubStatus status;
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    IdcError err;
    int code;

    assert_ok(open_result(session, "SELECT generate_series(1, 100000000), repeat('x', 100)",
                          &result, &err),
              &err);
    assert_ok(idc_result_stream(result, &stream, &err), &err);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    batch.release(&batch);
    assert_ok(idc_hub_status(session->hub, &status, &err), &err);
    assert_int_equal(kill((pid_t) status.pid, SIGQUIT), 0);
    while ((code = stream.get_next(&stream, &batch)) == 0) {
        assert_non_null(batch.release);
        batch.release(&batch);
    }
    idc_result_error(result, &err);
    assert_int_equal(err.status, IDC_CONNECTION_FAILED);
    stream.release(&stream);
    idc_result_free(result);
    assert_int_equal(count_rows(session, "SELECT 1"), 1);
}

static void
test_closed_meanwhile(void **state)
{
    Session *session = *state;
    IdcPool *pool = NULL;
    IdcResult *result = NULL;
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    IdcError err;

    assert_ok(idc_pool_new(session->hub, 1, 1000, NULL, &pool, &err), &err);
    assert_ok(idc_result_open(pool, NULL, "SELECT i FROM generate_series(1, 1000000) i", NULL, 0,
                              &plain_options, &result, &err),
              &err);
    assert_ok(idc_result_stream(result, &stream, &err), &err);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    batch.release(&batch);
    idc_pool_free(pool);
    assert_int_not_equal(stream.get_next(&stream, &batch), 0);
    idc_result_error(result, &err);
    assert_int_equal(err.status, IDC_MISUSE);
    idc_result_free(result);
    stream.release(&stream);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_schemas),
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_million_rows),
        cmocka_unit_test(test_early_release),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_server_killed),
        cmocka_unit_test(test_closed_meanwhile),
    };

    return cmocka_run_group_tests(tests, session_open, session_close);
}
