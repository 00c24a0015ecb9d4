/*
 * test_gather.c - batches as one: the same rows, wider offsets, one dictionary.
 */
#include <stdio.h>

#include "every_kind.h"
#include "ipc_stream.h"
#include "pyarrow_streams.h"

#include "arrow/gather.h"

static void
assert_schemas_equal(const struct ArrowSchema *schema, const struct ArrowSchema *expected)
{
    assert_string_equal(schema->format, expected->format);
    assert_string_equal(schema->name == NULL ? "" : schema->name,
                        expected->name == NULL ? "" : expected->name);
    assert_int_equal(schema->flags, expected->flags);
    assert_int_equal(schema->n_children, expected->n_children);
    assert_int_equal(schema->metadata == NULL, expected->metadata == NULL);
    if (expected->metadata != NULL)
        assert_memory_equal(schema->metadata, expected->metadata,
                            (size_t) ArrowMetadataSizeOf(expected->metadata));
    assert_int_equal(schema->dictionary == NULL, expected->dictionary == NULL);
    if (expected->dictionary != NULL)
        assert_schemas_equal(schema->dictionary, expected->dictionary);
    for (int64_t i = 0; i < expected->n_children; i++)
        assert_schemas_equal(schema->children[i], expected->children[i]);
}

/* Both are of large_…, and hold the same; offsets begin at 0 in both. */
static void
assert_arrays_equal(const struct ArrowArrayView *view, const struct ArrowArrayView *expected)
{
    assert_int_equal(view->length, expected->length);
    assert_int_equal(view->null_count, expected->null_count);
    for (int64_t i = 0; i < expected->length; i++)
        assert_int_equal(ArrowArrayViewIsNull(view, i), ArrowArrayViewIsNull(expected, i));
    for (int i = 1; i < 3; i++) {
        if (view->layout.buffer_type[i] == NANOARROW_BUFFER_TYPE_NONE)
            continue;
        /* The last byte of bits may have others behind them. */
        if (view->layout.element_size_bits[i] == 1) {
            for (int64_t j = 0; j < view->length; j++)
                assert_int_equal(ArrowBitGet(view->buffer_views[i].data.as_uint8, j),
                                 ArrowBitGet(expected->buffer_views[i].data.as_uint8, j));
            continue;
        }
        assert_int_equal(view->buffer_views[i].size_bytes, expected->buffer_views[i].size_bytes);
        assert_memory_equal(view->buffer_views[i].data.data, expected->buffer_views[i].data.data,
                            (size_t) view->buffer_views[i].size_bytes);
    }
    for (int64_t i = 0; i < expected->n_children; i++)
        assert_arrays_equal(view->children[i], expected->children[i]);
    if (expected->dictionary != NULL)
        assert_arrays_equal(view->dictionary, expected->dictionary);
}

/* Row i of the test: the value, or NULL. */
static void
add_row(IdcBatchBuilder *builder, int64_t i, bool has_nulls)
{
    Wire row = { 0 };
    IdcError err;

    wire_every_kind(&row, has_nulls && i % 3 == 1);
    assert_int_equal(idc_batch_append_copy_row(builder, row.data, row.len, &err), IDC_OK);
    wire_done(&row);
}

/* Rows by a stream of batches of these sizes; small_offsets also has the gather widen them. */
static void
gather_rows(const int *sizes, size_t count, bool has_nulls, bool small_offsets, IdcGather **gather)
{
    IdcBatchOptions options = { .batch_rows = 100000 };
    IdcBatchBuilder *builder;
    IdcIpcWriter *writer;
    IdcIpcReader *reader;
    IdcError err;
    size_t size;
    int64_t row = 0;

    *gather = NULL;
    assert_int_equal(idc_batch_builder_new(every_kind, EVERY_KIND_COUNT, &options, &builder, &err),
                     IDC_OK);
    assert_int_equal(idc_ipc_writer_new(builder, &(IdcIpcOptions){ .small_offsets = small_offsets },
                                        &writer, &err),
                     IDC_OK);
    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    for (size_t i = 0; i <= count; i++) {
        struct ArrowArray batch = { 0 };
        uint8_t *message;

        for (int j = 0; i > 0 && j < sizes[i - 1]; j++)
            add_row(builder, row++, has_nulls);
        if (i == 0)
            assert_int_equal(idc_ipc_prepare_schema(writer, &size, &err), IDC_OK);
        else
            assert_int_equal(idc_ipc_prepare_batch(writer, &size, &err), IDC_OK);
        message = malloc(size);
        assert_non_null(message);
        idc_ipc_emit(writer, message);
        assert_int_equal(ipc_read_piece(reader, message, size, 0, &batch, &err), IDC_OK);
        free(message);
        if (i == 0) {
            assert_int_equal(idc_gather_new(idc_ipc_reader_schema(reader), gather, &err), IDC_OK);
            continue;
        }
        assert_int_equal(idc_gather_append(*gather, &batch, &err), IDC_OK);
        batch.release(&batch);
    }
    /* Nothing that was gathered lies in a message. */
    idc_ipc_reader_free(reader);
    assert_int_equal(ipc_pieces_made, ipc_pieces_released);
    idc_ipc_writer_free(writer);
    idc_batch_builder_free(builder);
}

static void
gather_check(const int *sizes, size_t count, bool has_nulls, bool small_offsets)
{
    IdcBatchOptions options = { .single_batch = true };
    struct ArrowArrayView view, expected_view;
    struct ArrowSchema schema, expected_schema;
    struct ArrowArray batch, expected;
    IdcBatchBuilder *builder;
    IdcGather *gather;
    IdcError err;
    int64_t rows = 0;

    gather_rows(sizes, count, has_nulls, small_offsets, &gather);
    assert_int_equal(idc_batch_builder_new(every_kind, EVERY_KIND_COUNT, &options, &builder, &err),
                     IDC_OK);
    for (size_t i = 0; i < count; i++)
        for (int j = 0; j < sizes[i]; j++)
            add_row(builder, rows++, has_nulls);
    assert_int_equal(idc_batch_finish(builder, &expected, &err), IDC_OK);
    assert_int_equal(idc_columns_schema(every_kind, EVERY_KIND_COUNT, &expected_schema, &err),
                     IDC_OK);
    assert_int_equal(idc_gather_schema(gather, &schema, &err), IDC_OK);
    assert_schemas_equal(&schema, &expected_schema);
    assert_int_equal(idc_gather_finish(gather, &batch, &err), IDC_OK);
    assert_true(ipc_array_is_valid(&schema, &batch));
    assert_int_equal(ArrowArrayViewInitFromSchema(&view, &schema, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayViewInitFromSchema(&expected_view, &schema, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayViewSetArray(&view, &batch, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayViewSetArray(&expected_view, &expected, NULL), NANOARROW_OK);
    assert_arrays_equal(&view, &expected_view);
    ArrowArrayViewReset(&view);
    ArrowArrayViewReset(&expected_view);
    batch.release(&batch);
    /* The gather is empty again, and can go on (with what has the offsets that it knows). */
    if (!small_offsets)
        assert_int_equal(idc_gather_append(gather, &expected, &err), IDC_OK);
    assert_int_equal(idc_gather_finish(gather, &batch, &err), IDC_OK);
    assert_int_equal(batch.length, small_offsets ? 0 : rows);
    batch.release(&batch);
    expected.release(&expected);
    schema.release(&schema);
    expected_schema.release(&expected_schema);
    idc_batch_builder_free(builder);
    idc_gather_free(gather);
}

static void
test_batches_of_every_kind(void **state)
{
    static const int sizes[] = { 3, 0, 1, 64, 7, 129, 2, 8 };

    (void) state;
    for (int has_nulls = 0; has_nulls < 2; has_nulls++) {
        gather_check(sizes, 8, has_nulls, false);
        gather_check(sizes, 8, has_nulls, true);
        gather_check(sizes, 1, has_nulls, false);
        gather_check(sizes + 1, 1, has_nulls, false);
    }
}

static void
test_bits_from_anywhere_to_anywhere(void **state)
{
    uint8_t source[40], target[40], expected[40];

    (void) state;
    for (size_t i = 0; i < sizeof source; i++)
        source[i] = (uint8_t) (i * 73 + 41);
    for (int64_t from = 0; from < 17; from++)
        for (int64_t to = 0; to < 17; to++)
            for (int64_t count = 0; count < 290; count += count < 140 ? 1 : 13) {
                int64_t set = 0;

                memset(target, 0xA5, sizeof target);
                memset(expected, 0xA5, sizeof expected);
                for (int64_t i = 0; i < count; i++) {
                    set += ArrowBitGet(source, from + i);
                    ArrowBitSetTo(expected, to + i, (uint8_t) ArrowBitGet(source, from + i));
                }
                idc_bits_copy(target, to, source, from, count);
                assert_memory_equal(target, expected, sizeof target);
                assert_int_equal(idc_bits_count(source, from, count), set);
            }
}

/* One column of the type with these texts ("-" for NULL), as a struct array. */
static void
texts_make(enum ArrowType type, const char *const *texts, size_t count, struct ArrowArray *batch,
           struct ArrowSchema *schema)
{
    ArrowSchemaInit(schema);
    assert_int_equal(ArrowSchemaSetTypeStruct(schema, 1), NANOARROW_OK);
    assert_int_equal(ArrowSchemaSetType(schema->children[0], type), NANOARROW_OK);
    assert_int_equal(ArrowSchemaSetName(schema->children[0], "t"), NANOARROW_OK);
    assert_int_equal(ArrowArrayInitFromSchema(batch, schema, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayStartAppending(batch), NANOARROW_OK);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(texts[i], "-") == 0)
            assert_int_equal(ArrowArrayAppendNull(batch->children[0], 1), NANOARROW_OK);
        else
            assert_int_equal(ArrowArrayAppendString(batch->children[0], ArrowCharView(texts[i])),
                             NANOARROW_OK);
        assert_int_equal(ArrowArrayFinishElement(batch), NANOARROW_OK);
    }
    assert_int_equal(ArrowArrayFinishBuildingDefault(batch, NULL), NANOARROW_OK);
}

/* Parts of arrays, in both ways in which an array can begin later than its buffers. */
static void
test_offsets_of_arrays(void **state)
{
    static const char *const texts[] = { "a", "-", "bc", "", "def", "-", "g", "hi", "j" };
    static const char *const expected[] = { "bc", "", "def", "-", "g", "a", "-", "bc", "g" };
    struct ArrowArray batch, rows;
    struct ArrowSchema schema, wide;
    struct ArrowArrayView view;
    IdcGather *gather;
    IdcError err;

    (void) state;
    texts_make(NANOARROW_TYPE_STRING, texts, 9, &batch, &schema);
    assert_int_equal(idc_gather_new(&schema, &gather, &err), IDC_OK);
    batch.offset = 2;
    batch.length = 5;
    assert_int_equal(idc_gather_append(gather, &batch, &err), IDC_OK);
    batch.offset = 0;
    batch.length = 3;
    batch.children[0]->null_count = -1;
    assert_int_equal(idc_gather_append(gather, &batch, &err), IDC_OK);
    batch.length = 1;
    batch.offset = 4;
    batch.children[0]->offset = 2;
    assert_int_equal(idc_gather_append(gather, &batch, &err), IDC_OK);
    batch.children[0]->offset = 0;
    assert_int_equal(idc_gather_schema(gather, &wide, &err), IDC_OK);
    assert_string_equal(wide.children[0]->format, "U");
    assert_int_equal(idc_gather_finish(gather, &rows, &err), IDC_OK);
    assert_int_equal(rows.length, 9);
    assert_int_equal(rows.children[0]->null_count, 2);
    assert_true(ipc_array_is_valid(&wide, &rows));
    assert_int_equal(ArrowArrayViewInitFromSchema(&view, &wide, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayViewSetArray(&view, &rows, NULL), NANOARROW_OK);
    for (int64_t i = 0; i < 9; i++) {
        struct ArrowStringView text;

        assert_int_equal(ArrowArrayViewIsNull(view.children[0], i), strcmp(expected[i], "-") == 0);
        if (ArrowArrayViewIsNull(view.children[0], i))
            continue;
        text = ArrowArrayViewGetStringUnsafe(view.children[0], i);
        assert_int_equal(text.size_bytes, strlen(expected[i]));
        assert_memory_equal(text.data, expected[i], strlen(expected[i]));
    }
    ArrowArrayViewReset(&view);
    rows.release(&rows);
    batch.release(&batch);
    wide.release(&wide);
    schema.release(&schema);
    idc_gather_free(gather);
}

/* The rows of a stream with one dictionary column, gathered; "-" is NULL. */
static void
assert_gathered(const uint8_t *bytes, size_t len, const char *labels, const char *expected)
{
    struct ArrowSchema schema;
    struct ArrowArray rows;
    const struct ArrowArray *column;
    IdcIpcReader *reader;
    IdcGather *gather = NULL;
    size_t position = 0;
    IdcError err;

    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    while (!idc_ipc_reader_is_complete(reader)) {
        size_t piece_len = ipc_piece_len(bytes + position, len - position);
        struct ArrowArray batch;

        assert_int_equal(ipc_read_piece(reader, bytes + position, piece_len, 0, &batch, &err),
                         IDC_OK);
        position += piece_len;
        if (batch.release == NULL)
            continue;
        if (gather == NULL)
            assert_int_equal(idc_gather_new(idc_ipc_reader_schema(reader), &gather, &err), IDC_OK);
        assert_int_equal(idc_gather_append(gather, &batch, &err), IDC_OK);
        batch.release(&batch);
    }
    idc_ipc_reader_free(reader);
    assert_int_equal(idc_gather_schema(gather, &schema, &err), IDC_OK);
    assert_string_equal(schema.children[0]->format, "i");
    assert_int_equal(idc_gather_finish(gather, &rows, &err), IDC_OK);
    assert_true(ipc_array_is_valid(&schema, &rows));
    column = rows.children[0];
    assert_int_equal(column->dictionary->length, strlen(labels));
    assert_memory_equal(column->dictionary->buffers[2], labels, strlen(labels));
    assert_int_equal(rows.length, strlen(expected));
    for (int64_t i = 0; i < rows.length; i++)
        if (expected[i] != '-')
            assert_int_equal(labels[((const int32_t *) column->buffers[1])[i]], expected[i]);
        else
            assert_false(ArrowBitGet(column->buffers[0], i));
    rows.release(&rows);
    schema.release(&schema);
    idc_gather_free(gather);
}

static void
test_dictionaries_are_joined(void **state)
{
    (void) state;
    assert_gathered(pyarrow_delta, sizeof pyarrow_delta, "abcd", "ab-cbaad");
    assert_gathered(pyarrow_replacement, sizeof pyarrow_replacement, "abxy", "abxyx");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_of_every_kind),
        cmocka_unit_test(test_bits_from_anywhere_to_anywhere),
        cmocka_unit_test(test_offsets_of_arrays),
        cmocka_unit_test(test_dictionaries_are_joined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
