/*
 * test_builder.c - a builder that is emptied and used again, and one whose memory runs out at any
 * moment.
 */
#include <stdio.h>

#include "arrow/ipc.h"
#include "base/memory.h"
#include "every_kind.h"

/* This program's base/memory.c: it can refuse from some call on. -1: it refuses nothing. */
static long calls_left = -1;

static bool
is_refused(void)
{
    if (calls_left < 0)
        return false;
    if (calls_left == 0)
        return true;
    calls_left--;
    return false;
}

void *
idc_malloc(size_t size)
{
    return is_refused() ? NULL : malloc(size);
}

void *
idc_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : calloc(count, size);
}

void *
idc_realloc(void *memory, size_t size)
{
    return is_refused() ? NULL : realloc(memory, size);
}

void
idc_free(void *memory)
{
    free(memory);
}

/* Every kind, and two columns of texts: one that repeats them, one that does not. */
enum { COLUMN_COUNT = EVERY_KIND_COUNT + 2, ROW_COUNT = 300 };
static IdcColumnSpec specs[COLUMN_COUNT];
static Wire values[EVERY_KIND_COUNT];

static int
make_values(void **state)
{
    static const IdcColumnSpec text = {
        .name = "t", .type_name = "text", .kind = IDC_KIND_TEXT, .can_be_dictionary = true
    };

    (void) state;
    for (size_t i = 0; i < EVERY_KIND_COUNT; i++) {
        specs[i] = every_kind[i];
        wire_value(&values[i], &every_kind[i]);
    }
    specs[EVERY_KIND_COUNT] = specs[EVERY_KIND_COUNT + 1] = text;
    return 0;
}

static int
free_values(void **state)
{
    (void) state;
    for (size_t i = 0; i < EVERY_KIND_COUNT; i++)
        wire_done(&values[i]);
    return 0;
}

static IdcStatus
append_row(IdcBatchBuilder *builder, int number, int different, IdcError *err)
{
    IdcStatus status = IDC_OK;
    char text[32];

    for (size_t i = 0; status == IDC_OK && i < EVERY_KIND_COUNT; i++)
        status = idc_batch_append(builder, i, values[i].data,
                                  number % 5 == 1 ? -1 : (int32_t) values[i].len, err);
    for (size_t i = EVERY_KIND_COUNT; status == IDC_OK && i < COLUMN_COUNT; i++) {
        int len = snprintf(text, sizeof text, "text %d",
                           i == EVERY_KIND_COUNT ? number % different : number);

        status = idc_batch_append(builder, i, (const uint8_t *) text, len, err);
    }
    if (status == IDC_OK)
        idc_batch_end_row(builder);
    return status;
}

static void
emit(IdcIpcWriter *writer, size_t size)
{
    uint8_t *target = malloc(size);

    assert_non_null(target);
    idc_ipc_emit(writer, target);
    free(target);
}

static IdcStatus
write_batches(IdcBatchBuilder *builder, IdcIpcWriter *writer, IdcError *err)
{
    IdcStatus status = IDC_OK;
    size_t size = 0;

    for (int batch = 0; batch < 2; batch++) {
        for (int i = 0; status == IDC_OK && i < ROW_COUNT; i++)
            status = append_row(builder, batch * ROW_COUNT + i, 100 + batch * 100, err);
        if (status == IDC_OK && batch == 0) {
            status = idc_ipc_prepare_schema(writer, &size, err);
            if (status == IDC_OK)
                emit(writer, size);
        }
        if (status == IDC_OK)
            status = idc_ipc_prepare_batch(writer, &size, err);
        if (status != IDC_OK)
            return status;
        emit(writer, size);
    }
    return IDC_OK;
}

/* A stream by IPC, then a batch by the C interface, and all of it given back. */
static IdcStatus
write_stream(IdcIpcCompression compression)
{
    static const IdcBatchOptions batches = { .batch_rows = ROW_COUNT };
    const IdcIpcOptions options = { .compression = compression };
    IdcBatchBuilder *builder = NULL;
    IdcIpcWriter *writer = NULL;
    struct ArrowArray batch;
    IdcError err;
    IdcStatus status = idc_batch_builder_new(specs, COLUMN_COUNT, &batches, &builder, &err);

    if (status == IDC_OK)
        status = idc_ipc_writer_new(builder, &options, &writer, &err);
    if (status == IDC_OK)
        status = write_batches(builder, writer, &err);
    if (status == IDC_OK)
        status = append_row(builder, 0, 1, &err);
    if (status == IDC_OK)
        status = idc_batch_finish(builder, &batch, &err);
    if (status == IDC_OK)
        batch.release(&batch);
    idc_ipc_writer_free(writer);
    idc_batch_builder_free(builder);
    return status;
}

static void
test_memory_runs_out(void **state)
{
    (void) state;
    for (int i = IDC_IPC_PLAIN; i <= IDC_IPC_ZSTD; i++) {
        long calls = 0;
        IdcStatus status;

        do {
            calls_left = calls++;
            status = write_stream((IdcIpcCompression) i);
            if (status != IDC_OK)
                assert_int_equal(status, IDC_NO_MEMORY);
        } while (status != IDC_OK && calls < 100000);
        calls_left = -1;
        assert_int_equal(status, IDC_OK);
        assert_in_range(calls, 100, 99999);
    }
}

/* What fills a batch of a dictionary's column is the texts that are new. */
static void
test_new_texts_fill_a_batch(void **state)
{
    static const IdcBatchOptions batches = { .batch_rows = 1000000, .batch_bytes = 100000 };
    static const char *const samples[] = { "one", "two" };
    char big[60000];
    IdcBatchBuilder *builder;
    IdcError err;

    (void) state;
    memset(big, 'x', sizeof big);
    assert_int_equal(idc_batch_builder_new(&specs[EVERY_KIND_COUNT], 1, &batches, &builder, &err),
                     IDC_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(idc_batch_append(builder, 0, (const uint8_t *) samples[i % 2], 3, &err),
                         IDC_OK);
        idc_batch_end_row(builder);
    }
    assert_int_equal(idc_batch_settle_dictionaries(builder, &err), IDC_OK);
    assert_true(idc_batch_column_is_dictionary(builder, 0));
    assert_false(idc_batch_is_full(builder));
    for (int i = 0; i < 2; i++) {
        assert_false(idc_batch_is_full(builder));
        big[0] = (char) ('a' + i);
        assert_int_equal(idc_batch_append(builder, 0, (const uint8_t *) big, sizeof big, &err),
                         IDC_OK);
        idc_batch_end_row(builder);
    }
    assert_true(idc_batch_is_full(builder));
    idc_batch_clear(builder);
    assert_false(idc_batch_is_full(builder));
    assert_int_equal(idc_batch_row_count(builder), 0);
    idc_batch_builder_free(builder);
}

/* A row that failed is forgotten with the others. */
static void
test_clear_after_a_failed_row(void **state)
{
    static const IdcBatchOptions batches = { .batch_rows = 1000 };
    IdcBatchBuilder *builder;
    struct ArrowArray batch;
    IdcError err;

    (void) state;
    assert_int_equal(idc_batch_builder_new(specs, COLUMN_COUNT, &batches, &builder, &err), IDC_OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(append_row(builder, i, 3, &err), IDC_OK);
    assert_int_equal(idc_batch_append(builder, 0, values[0].data, 1, &err), IDC_OK);
    assert_int_equal(idc_batch_append(builder, 1, values[1].data, 1, &err), IDC_SOURCE_FAILED);
    assert_int_equal(idc_batch_finish(builder, &batch, &err), IDC_MISUSE);
    idc_batch_clear(builder);
    for (int i = 0; i < 4; i++)
        assert_int_equal(append_row(builder, i, 3, &err), IDC_OK);
    assert_int_equal(idc_batch_finish(builder, &batch, &err), IDC_OK);
    assert_int_equal(batch.length, 4);
    for (int64_t i = 0; i < COLUMN_COUNT; i++) {
        assert_int_equal(batch.children[i]->length, 4);
        assert_int_equal(batch.children[i]->null_count, i < EVERY_KIND_COUNT);
    }
    batch.release(&batch);
    idc_batch_builder_free(builder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_new_texts_fill_a_batch),
        cmocka_unit_test(test_clear_after_a_failed_row),
    };

    return cmocka_run_group_tests(tests, make_values, free_values);
}
