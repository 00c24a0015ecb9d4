/*
 * test_partitions.c - chunks over several connections: every row, in order, or an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/partitions.h"
#include "session.h"

#define WHOLE "SELECT i FROM generate_series(1, 3000) AS i"

static const char *const chunks[] = { "SELECT i FROM generate_series(1, 1000) AS i",
                                      "SELECT i FROM generate_series(1001, 2000) AS i",
                                      "SELECT i FROM generate_series(2001, 3000) AS i" };

/* Read to the end; the rows are 1, 2, … where they are in order, and always sum up. */
static void
read_all(IdcResult *result, bool is_ordered)
{
    struct ArrowArrayStream stream = { 0 };
    int64_t rows = 0, sum = 0;
    IdcError err;

    assert_ok(idc_result_stream(result, &stream, &err), &err);
    for (;;) {
        struct ArrowArray batch = { 0 };

        assert_int_equal(stream.get_next(&stream, &batch), 0);
        if (batch.release == NULL)
            break;
        for (int64_t i = 0; i < batch.length; i++) {
            int32_t value = ((const int32_t *) batch.children[0]->buffers[1])[i];

            sum += value;
            rows++;
            if (is_ordered)
                assert_int_equal(value, rows);
        }
        batch.release(&batch);
    }
    assert_int_equal(rows, 3000);
    assert_int_equal(sum, 3000 * 3001 / 2);
    stream.release(&stream);
}

static void
test_every_row(void **state)
{
    Session *session = *state;

    for (size_t connections = 1; connections <= 5; connections++)
        for (int kind = 0; kind < 4; kind++) {
            IdcPartitionOptions how = { .connections = connections,
                                        .is_ordered = (kind & 1) != 0,
                                        .started_ms = idc_clock_ms() };
            IdcResultOptions options = plain_options;
            IdcResultStats stats;
            IdcResult *result = NULL;
            IdcError err;

            options.batch.batch_rows = 100;
            options.batch.single_batch = (kind & 2) != 0;
            assert_ok(idc_partitions_open(session->pool, NULL, WHOLE, chunks, 3, &how, &options,
                                          &result, &err),
                      &err);
            read_all(result, how.is_ordered);
            assert_all_idle(session);
            idc_result_stats(result, &stats);
            assert_int_equal(stats.rows, 3000);
            idc_result_free(result);
        }
}

static void
test_failing_chunk(void **state)
{
    Session *session = *state;
    const char *const bad[] = { chunks[0], "SELECT 1 / (i - 1500) FROM generate_series(1, 2000) i",
                                chunks[2] };
    IdcPartitionOptions how = { .connections = 2, .started_ms = idc_clock_ms() };
    struct ArrowArrayStream stream = { 0 };
    IdcResult *result = NULL;
    int code = 0;
    IdcError err;

    assert_ok(idc_partitions_open(session->pool, NULL, WHOLE, bad, 3, &how, &plain_options, &result,
                                  &err),
              &err);
    assert_ok(idc_result_stream(result, &stream, &err), &err);
    for (;;) {
        struct ArrowArray batch = { 0 };

        code = stream.get_next(&stream, &batch);
        if (code != 0 || batch.release == NULL)
            break;
        batch.release(&batch);
    }
    assert_int_not_equal(code, 0);
    idc_result_error(result, &err);
    assert_string_equal(err.sqlstate, "22012");
    stream.release(&stream);
    idc_result_free(result);
    assert_all_idle(session);
}

static void
test_other_types(void **state)
{
    Session *session = *state;
    const char *const other[] = { chunks[0], "SELECT i::text FROM generate_series(1, 5) AS i" };
    IdcPartitionOptions how = { .connections = 2,
                                .is_ordered = true,
                                .started_ms = idc_clock_ms() };
    struct ArrowArrayStream stream = { 0 };
    struct ArrowArray batch = { 0 };
    IdcResult *result = NULL;
    int code;
    IdcError err;

    assert_ok(idc_partitions_open(session->pool, NULL, WHOLE, other, 2, &how, &plain_options,
                                  &result, &err),
              &err);
    assert_ok(idc_result_stream(result, &stream, &err), &err);
    while ((code = stream.get_next(&stream, &batch)) == 0 && batch.release != NULL)
        batch.release(&batch);
    assert_int_not_equal(code, 0);
    assert_non_null(strstr(stream.get_last_error(&stream), "types of the columns changed"));
    stream.release(&stream);
    idc_result_free(result);
    assert_all_idle(session);
}

static void
test_cancel_and_release(void **state)
{
    Session *session = *state;
    const char *const slow[] = { chunks[0], "SELECT 1 FROM pg_sleep(30)",
                                 "SELECT 2 FROM pg_sleep(30)" };
    IdcPartitionOptions how = { .connections = 3,
                                .is_ordered = true,
                                .started_ms = idc_clock_ms() };
    IdcError err;

    for (int kind = 0; kind < 3; kind++) {
        struct ArrowArrayStream stream = { 0 };
        struct ArrowArray batch = { 0 };
        IdcResult *result = NULL;
        int64_t start_ms = idc_clock_ms();

        assert_ok(idc_partitions_open(session->pool, NULL, WHOLE, slow, 3, &how, &plain_options,
                                      &result, &err),
                  &err);
        assert_ok(idc_result_stream(result, &stream, &err), &err);
        if (kind > 0) {
            assert_int_equal(stream.get_next(&stream, &batch), 0);
            batch.release(&batch);
        }
        if (kind == 2)
            idc_result_cancel(result);
        stream.release(&stream);
        assert_all_idle(session);
        idc_result_free(result);
        assert_true(idc_clock_ms() - start_ms < 5000);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row),
        cmocka_unit_test(test_failing_chunk),
        cmocka_unit_test(test_other_types),
        cmocka_unit_test(test_cancel_and_release),
    };

    return cmocka_run_group_tests(tests, session_open, session_close);
}
