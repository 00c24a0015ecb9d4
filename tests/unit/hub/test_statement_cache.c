/*
 * test_statement_cache.c - round trips of statements that run again, and columns that change
 * between two runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/statement.h"
#include "session.h"

/* One connection, so that what it remembers is seen; its protocol is written to trace. */
typedef struct Wire {
    IdcPool *pool;
    FILE *trace;
    char *bytes;
    size_t len, start; /* all of it, and where the last statement begins */
    IdcTransfer transfer;
} Wire;

/*
 * IDC_TRANSFER_COPY: as with a hub that has no extension, whatever this one has; IDC_TRANSFER_AUTO:
 * through the extension if the build has it.
 */
static void
wire_open(Session *session, IdcTransfer transfer, Wire *wire)
{
    IdcConn *conn = NULL;
    IdcError err;

    *wire = (Wire){ .transfer = transfer };
    assert_ok(idc_pool_new(session->hub, 1, 1000, NULL, &wire->pool, &err), &err);
    wire->trace = open_memstream(&wire->bytes, &wire->len);
    assert_non_null(wire->trace);
    assert_ok(idc_pool_acquire(wire->pool, NULL, &conn, &err), &err);
    PQtrace(idc_conn_libpq(conn), wire->trace);
    PQsetTraceFlags(idc_conn_libpq(conn), PQTRACE_SUPPRESS_TIMESTAMPS);
    idc_pool_release(wire->pool, conn);
}

static void
wire_close(Wire *wire)
{
    idc_pool_free(wire->pool);
    (void) fclose(wire->trace);
    free(wire->bytes);
}

/* What the last statement sent and got. */
static int
wire_count(Wire *wire, const char *message)
{
    int count = 0;

    (void) fflush(wire->trace);
    for (const char *at = wire->bytes + wire->start; (at = strstr(at, message)) != NULL; at++)
        count++;
    return count;
}

typedef struct Answer {
    int64_t rows;
    int trips;
    char format[64];
    char type[64];
} Answer;

/* The value of the field's only metadata: a count, then key and value, each after its length. */
static void
type_of(const struct ArrowSchema *field, char *type, size_t size)
{
    size_t at = 2 * sizeof(int32_t) + strlen("postgresql:type");
    int32_t len;

    assert_non_null(field->metadata);
    (void) memcpy(&len, field->metadata + at, sizeof len);
    (void) snprintf(type, size, "%.*s", (int) len, field->metadata + at + sizeof len);
}

static Answer
ask_with(Wire *wire, const char *sql, const IdcSqlParameter *parameters, size_t count)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    IdcResultOptions options = plain_options;
    IdcResult *result = NULL;
    Answer answer = { 0 };
    IdcError err;

    options.transfer = wire->transfer;
    (void) fflush(wire->trace);
    wire->start = wire->len;
    if (idc_result_open(wire->pool, NULL, sql, parameters, count, &options, &result, &err) !=
        IDC_OK)
        fail_msg("%.200s: %s (%s)", sql, err.message, err.sqlstate);
    assert_ok(idc_result_stream(result, &stream, &err), &err);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    if (schema.n_children > 0) {
        (void) snprintf(answer.format, sizeof answer.format, "%s", schema.children[0]->format);
        type_of(schema.children[0], answer.type, sizeof answer.type);
    }
    schema.release(&schema);
    for (;;) {
        if (stream.get_next(&stream, &batch) != 0)
            fail_msg("%.200s: %s", sql, stream.get_last_error(&stream));
        if (batch.release == NULL)
            break;
        answer.rows += batch.length;
        batch.release(&batch);
    }
    stream.release(&stream);
    idc_result_free(result);
    answer.trips = wire_count(wire, "ReadyForQuery");
    return answer;
}

static Answer
ask(Wire *wire, const char *sql)
{
    return ask_with(wire, sql, NULL, 0);
}

static void
assert_trips(Wire *wire, const char *sql, const IdcSqlParameter *parameters, size_t count,
             const int *trips, int64_t rows)
{
    for (int i = 0; trips[i] != 0; i++) {
        Answer answer = ask_with(wire, sql, parameters, count);

        if (answer.trips != trips[i])
            fail_msg("run %d of %s took %d round trips, not %d:\n%s", i, sql, answer.trips,
                     trips[i], wire->bytes + wire->start);
        assert_int_equal(answer.rows, rows);
    }
}

static void
test_round_trips(void **state)
{
    const IdcSqlParameter three[] = { { 23, "3", 1, 0 } };
    Wire wire;

    wire_open(*state, IDC_TRANSFER_COPY, &wire);
    assert_trips(&wire, "SELECT 1 AS a, 'x' AS b", NULL, 0, (int[]){ 2, 2, 1, 1, 0 }, 1);
    assert_int_equal(wire_count(&wire, "CopyOutResponse"), 0);
    assert_trips(&wire, "SELECT i FROM generate_series(1, $1) i", three, 1, (int[]){ 2, 1, 1, 0 },
                 3);
    assert_trips(&wire, "SELECT i FROM generate_series(1, 5) i LIMIT 4", NULL, 0,
                 (int[]){ 2, 1, 1, 0 }, 4);
    assert_int_equal(wire_count(&wire, "CopyOutResponse"), 0);
    assert_trips(&wire, "SELECT i, 'x' FROM generate_series(1, 2000) i", NULL, 0,
                 (int[]){ 2, 2, 1, 1, 0 }, 2000);
    assert_int_equal(wire_count(&wire, "CopyOutResponse"), 1);
    /* The first of its type is looked up. */
    (void) ask(&wire, "SELECT '1.1.1.1'::inet");
    assert_trips(&wire, "SELECT '1.2.3.4'::inet, $1", three, 1, (int[]){ 2, 1, 1, 0 }, 1);
    assert_trips(&wire, "SELECT '1.2.3.4'::inet FROM generate_series(1, 2000)", NULL, 0,
                 (int[]){ 2, 2, 1, 1, 0 }, 2000);
    assert_int_equal(wire_count(&wire, "CopyOutResponse"), 1);
    wire_close(&wire);
}

/* A table whose only column changes; each way to read it must see the new one at once. */
static void
check_changes(Wire *wire, Session *session, const char *sql, int64_t rows)
{
    static const struct {
        const char *change, *format, *type;
    } changes[] = {
        { "ALTER COLUMN a TYPE float4", "f", "real" },
        { "ALTER COLUMN a TYPE int4", "i", "integer" },
        { "ALTER COLUMN a TYPE int4range USING int4range(1, 2)", "U", "int4range" },
        { "ALTER COLUMN a TYPE numrange USING numrange(1, 2)", "U", "numrange" },
        { "ALTER COLUMN a TYPE numeric(10, 2) USING 1", "g", "numeric(10,2)" },
        { "ALTER COLUMN a TYPE numeric(12, 4)", "g", "numeric(12,4)" },
        { "ALTER COLUMN a TYPE int4", "i", "integer" },
    };

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char ddl[256];

        for (int turn = 0; turn < 4; turn++)
            (void) ask(wire, sql);
        (void) snprintf(ddl, sizeof ddl, "ALTER TABLE changing %s", changes[i].change);
        run(session, ddl);
        for (int turn = 0; turn < 4; turn++) {
            Answer answer = ask(wire, sql);

            assert_int_equal(answer.rows, rows);
            assert_string_equal(answer.format, changes[i].format);
            if (strcmp(answer.type, changes[i].type) != 0)
                fail_msg("%s after %s: type %s, turn %d", sql, ddl, answer.type, turn);
        }
    }
}

static void
test_columns_change(void **state)
{
    static const IdcTransfer ways[] = { IDC_TRANSFER_COPY, IDC_TRANSFER_AUTO };

    run(*state, "CREATE TABLE changing AS SELECT 1 AS a FROM generate_series(1, 1500)");
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        Wire wire;

        wire_open(*state, ways[i], &wire);
        check_changes(&wire, *state, "SELECT a FROM changing LIMIT 5", 5);
        check_changes(&wire, *state, "SELECT a FROM changing", 1500);
        check_changes(&wire, *state, "TABLE changing FETCH FIRST 7 ROWS ONLY", 7);
        wire_close(&wire);
    }
}

static void
test_lost_statements(void **state)
{
    const char *ranges = "SELECT a, r FROM lost LIMIT 3";
    Wire wire;

    run(*state, "CREATE TABLE lost AS SELECT 1 AS a, int4range(1, 2) AS r");
    run(*state, "CREATE FUNCTION lose_statements() RETURNS int LANGUAGE plpgsql"
                " AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 1; END $$");
    wire_open(*state, IDC_TRANSFER_COPY, &wire);
    assert_string_equal(ask(&wire, ranges).format, "i");
    for (int turn = 0; turn < 6; turn++) {
        const char *sql = "SELECT 5 AS five LIMIT 1";

        for (int i = 0; i < 3; i++)
            assert_int_equal(ask(&wire, sql).rows, 1);
        /* As a pooler in front of the hub does. */
        (void) ask(&wire, "SELECT lose_statements()");
        assert_int_equal(ask(&wire, sql).rows, 1);
    }
    /* Names are given up where they do not last. */
    assert_int_equal(ask(&wire, "SELECT 5 AS five LIMIT 1").trips, 2);
    /* What is known of a statement from before is confirmed there too. */
    run(*state, "ALTER TABLE lost ALTER a TYPE float4");
    assert_string_equal(ask(&wire, ranges).format, "f");
    wire_close(&wire);
}

static void
test_reset(void **state)
{
    static const IdcTransfer ways[] = { IDC_TRANSFER_COPY, IDC_TRANSFER_AUTO };

    run(*state, "CREATE SCHEMA one; CREATE SCHEMA two; CREATE TABLE one.t AS SELECT 1 AS a;"
                "CREATE TABLE two.t AS SELECT 'x'::text AS a FROM generate_series(1, 2);"
                "CREATE FUNCTION use_path(text) RETURNS text LANGUAGE sql"
                " AS $$ SELECT set_config('search_path', $1, false) $$");
    for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++) {
        Wire wire;

        wire_open(*state, ways[way], &wire);
        (void) ask(&wire, "SET search_path = one");
        /* The setting went with the session that the pool got back. */
        assert_int_equal(ask(&wire, "SELECT count(*) FROM pg_prepared_statements LIMIT 1").rows, 1);
        for (int i = 0; i < 4; i++) {
            (void) ask(&wire, "SELECT use_path('one, public') LIMIT 1");
            assert_string_equal(ask(&wire, "SELECT a FROM t LIMIT 9").format, "i");
            (void) ask(&wire, "SELECT use_path('two, public') LIMIT 1");
            assert_string_equal(ask(&wire, "SELECT a FROM t LIMIT 9").format, "U");
            if (i == 2)
                (void) ask(&wire, "SET work_mem = '5MB'");
            (void) ask(&wire, "SELECT public.use_path('public') LIMIT 1");
        }
        wire_close(&wire);
    }
}

static void
test_many(void **state)
{
    const IdcSqlParameter one[] = { { 25, "x", 1, 0 } };
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    IdcResult *result = NULL;
    IdcError err;
    Wire wire;
    char sql[128];

    wire_open(*state, IDC_TRANSFER_COPY, &wire);
    for (int i = 0; i < 500; i++) {
        (void) snprintf(sql, sizeof sql, "SELECT %d, $1", i);
        assert_int_equal(ask_with(&wire, sql, one, 1).rows, 1);
        assert_int_equal(ask_with(&wire, "SELECT $1", one, 1).rows, 1);
    }
    assert_int_equal(ask_with(&wire, "SELECT $1", one, 1).trips, 1);
    assert_int_equal(ask_with(&wire, sql, one, 1).trips, 1);
    assert_ok(idc_result_open(wire.pool, NULL, "SELECT count(*) FROM pg_prepared_statements", NULL,
                              0, &plain_options, &result, &err),
              &err);
    assert_ok(idc_result_stream(result, &stream, &err), &err);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_in_range(((const int64_t *) batch.children[0]->buffers[1])[0], 100, 200);
    batch.release(&batch);
    stream.release(&stream);
    idc_result_free(result);
    wire_close(&wire);
}

/* A description that a result still reads with outlives its place in the cache. */
static void
test_description_is_kept(void **state)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    IdcResult *result = NULL;
    IdcError err;
    Wire wire;

    wire_open(*state, IDC_TRANSFER_COPY, &wire);
    assert_ok(idc_result_open(wire.pool, NULL, "SELECT 1 AS kept LIMIT 1", NULL, 0, &plain_options,
                              &result, &err),
              &err);
    assert_ok(idc_result_stream(result, &stream, &err), &err);
    idc_result_free(result);
    idc_pool_free(wire.pool);
    wire.pool = NULL;
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_string_equal(schema.children[0]->name, "kept");
    schema.release(&schema);
    stream.release(&stream);
    wire_close(&wire); /* the connection, which the stream had, writes to it until now */
}

static void
test_limits(void **state)
{
    static const struct {
        const char *sql;
        int64_t limit;
    } cases[] = {
        { "SELECT 1", -1 },
        { "SELECT * FROM t LIMIT 10", 10 },
        { "SELECT * FROM t limit 10;", 10 },
        { "SELECT * FROM t LIMIT /* a */ 10 OFFSET 5 -- LIMIT 7", 10 },
        { "SELECT * FROM (SELECT * FROM t LIMIT 10) q", -1 },
        { "SELECT * FROM t WHERE a = 'LIMIT 3' LIMIT 20", 20 },
        { "SELECT \"limit\" 5", -1 },
        { "SELECT * FROM t LIMIT ALL", -1 },
        { "SELECT * FROM t LIMIT $1", -1 },
        { "SELECT * FROM t LIMIT 99999999999999999999", -1 },
        { "SELECT * FROM t LIMIT", -1 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (idc_statement_limit(cases[i].sql) != cases[i].limit)
            fail_msg("%s", cases[i].sql);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_columns_change),
        cmocka_unit_test(test_lost_statements),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_description_is_kept),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, session_open, session_close);
}
