/*
 * test_rows_memory.c - rows where each allocation fails in turn: an error, nothing lost, and no row
 * that is not whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "adapters/common/rows.h"
#include "base/buffer.h"
#include "../counted_memory.h"
#include "column_text.h"

/* Here base/buffer.c takes from it too. */

void *
idc_buffer_resize(void *buffer, size_t size)
{
    return idc_realloc(buffer, size + 1);
}

void *
idc_buffer_resize_in_heap(void *buffer, size_t size)
{
    return idc_realloc(buffer, size + 1);
}

void
idc_buffer_free(void *buffer)
{
    idc_free(buffer);
}

static const IdcRowsColumn columns[] = {
    { "id", { { IDC_TYPE_INT8, -1 }, 0, false }, NULL },
    { "escaped", { { IDC_TYPE_TEXT, -1 }, 0, false }, NULL },
    { "exact", { { IDC_TYPE_NUMERIC, -1 }, 0, false }, "id" },
    { "list", { { 1009, -1 }, 0, false }, NULL },
    { "bytes", { { IDC_TYPE_BYTEA, -1 }, 0, true }, NULL },
    { "at", { { IDC_TYPE_TIMESTAMPTZ, -1 }, IDC_EPOCH_SECONDS, false }, NULL },
    { "real", { { IDC_TYPE_FLOAT8, -1 }, 0, false }, "at" },
};

enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

static const char json[] =
    "{\"data\":[{\"id\":1e2,\"esc\\u0061ped\":\"a\\u00e9\",\"list\":[\"a\\n\",null],\"bytes\":\"YQ="
    "=\","
    "\"at\":1700000000.1234567e0},{\"id\":123456789012345678000e-3,\"list\":[],\"at\":\"1e-300\"}],"
    "\"next\":\"\\u00e9\",\"\\u0062\":[1]}";
static const char csv[] =
    "id,escaped,list,bytes,at\n100,\"a,\"\"b\",{a},YQ==,1700000000.1234567e0\n7,,,,\n";

static IdcStatus
read_body(const IdcRowsOptions *options, const char *body, size_t len, size_t piece, IdcError *err)
{
    IdcColumnSpec specs[COLUMN_COUNT];
    IdcBatchOptions batch = { .batch_rows = 100 };
    IdcBatchBuilder *builder = NULL;
    IdcArena *arena = idc_arena_new(0);
    IdcRows *rows = NULL;
    IdcStatus status = arena == NULL ? idc_fail_no_memory(err) : IDC_OK;

    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        specs[i] = (IdcColumnSpec){ .name = columns[i].name };
        idc_type_column(columns[i].form.type, &specs[i]);
    }
    if (status == IDC_OK)
        status = idc_batch_builder_new(specs, COLUMN_COUNT, &batch, &builder, err);
    if (status == IDC_OK)
        status = idc_rows_new(arena, options, columns, COLUMN_COUNT, &rows, err);
    for (size_t at = 0; at < len && status == IDC_OK; at += piece) {
        size_t used;
        bool is_full;

        status = idc_rows_feed(rows, body + at, len - at < piece ? len - at : piece, builder, &used,
                               &is_full, err);
    }
    if (status == IDC_OK)
        status = idc_rows_finish(rows, builder, err);
    if (status == IDC_OK)
        assert_int_equal(idc_batch_row_count(builder), 2);
    idc_batch_builder_free(builder);
    idc_arena_free(arena);
    return status;
}

static void
fail_each(const IdcRowsOptions *options, const char *body, size_t len, size_t piece)
{
    IdcStatus status = IDC_NO_MEMORY;
    long refused = 0;

    for (; status != IDC_OK; refused++) {
        IdcError err;

        idc_error_init(&err);
        calls_left = refused;
        status = read_body(options, body, len, piece, &err);
        calls_left = -1;
        assert_int_equal(kept, 0);
        if (status != IDC_OK && status != IDC_NO_MEMORY)
            fail_msg("allocation %ld: %s", refused, err.message);
        assert_true(refused < 10000);
    }
    /* All that are there were refused once. */
    assert_true(refused > 20);
}

static void
test_json(void **state)
{
    IdcRowsCapture captures[] = { { "/next", false }, { "escaped", true }, { "/b/0", false } };
    IdcRowsOptions options = { .path = "$.data", .captures = captures, .capture_count = 3 };

    (void) state;
    for (size_t piece = 1; piece < sizeof json + 10; piece += 13)
        fail_each(&options, json, sizeof json - 1, piece);
}

static void
test_csv(void **state)
{
    IdcRowsOptions options = { .format = IDC_ROWS_CSV };

    (void) state;
    for (size_t piece = 1; piece < sizeof csv + 10; piece += 13)
        fail_each(&options, csv, sizeof csv - 1, piece);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_csv),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
