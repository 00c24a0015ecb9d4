/*
 * test_schema_make.c - schemas of our own making: as nanoarrow understands them, and where each
 * allocation fails in turn.
 */
#include <stdio.h>

#include "every_kind.h"
#include "ipc_stream.h"
#include "arrow/schema_make.h"
#include "../counted_memory.h"

static void
test_parts_and_metadata(void **state)
{
    struct ArrowStringView value = { 0 };
    struct ArrowSchema schema, moved;
    IdcText metadata;

    (void) state;
    idc_schema_init(&schema);
    assert_true(idc_schema_set_format(&schema, "+l"));
    assert_true(idc_schema_set_format(&schema, "+s"));
    assert_true(idc_schema_set_name(&schema, "first"));
    assert_true(idc_schema_set_name(&schema, "second"));
    assert_true(idc_schema_add_children(&schema, 2));
    assert_true(idc_schema_add_dictionary(schema.children[1]));
    idc_metadata_begin(&metadata, 2);
    idc_metadata_append(&metadata, "a", 1, "one", 3);
    idc_metadata_append(&metadata, "bb", 2, "t\0o", 3);
    assert_true(idc_schema_give_metadata(&schema, &metadata));
    assert_null(metadata.data);
    assert_string_equal(schema.format, "+s");
    assert_string_equal(schema.name, "second");
    assert_int_equal(schema.n_children, 2);
    assert_int_equal(schema.children[0]->flags, ARROW_FLAG_NULLABLE);
    assert_int_equal(ArrowMetadataSizeOf(schema.metadata), 4 + (4 + 1 + 4 + 3) + (4 + 2 + 4 + 3));
    assert_int_equal(ArrowMetadataGetValue(schema.metadata, ArrowCharView("bb"), &value), 0);
    assert_int_equal(value.size_bytes, 3);
    assert_memory_equal(value.data, "t\0o", 3);
    /* A part that a consumer took stays when the rest goes. */
    moved = *schema.children[1];
    schema.children[1]->release = NULL;
    schema.release(&schema);
    assert_null(schema.release);
    assert_non_null(moved.dictionary);
    moved.release(&moved);
    assert_int_equal(kept, 0);
}

/* What nanoarrow understands of each column. */
static void
test_columns_as_nanoarrow_sees_them(void **state)
{
    static const enum ArrowType types[] = {
        NANOARROW_TYPE_BOOL,
        NANOARROW_TYPE_INT16,
        NANOARROW_TYPE_INT32,
        NANOARROW_TYPE_INT64,
        NANOARROW_TYPE_UINT32,
        NANOARROW_TYPE_UINT64,
        NANOARROW_TYPE_FLOAT,
        NANOARROW_TYPE_DOUBLE,
        NANOARROW_TYPE_DOUBLE,
        NANOARROW_TYPE_DECIMAL128,
        NANOARROW_TYPE_LARGE_STRING,
        NANOARROW_TYPE_LARGE_STRING,
        NANOARROW_TYPE_LARGE_STRING,
        NANOARROW_TYPE_LARGE_BINARY,
        NANOARROW_TYPE_DATE32,
        NANOARROW_TYPE_TIME64,
        NANOARROW_TYPE_TIMESTAMP,
        NANOARROW_TYPE_TIMESTAMP,
        NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO,
        NANOARROW_TYPE_LARGE_STRING,
        NANOARROW_TYPE_DICTIONARY,
        NANOARROW_TYPE_MAP,
        NANOARROW_TYPE_LARGE_LIST,
    };
    struct ArrowSchemaView view;
    struct ArrowSchema schema;
    IdcError err;

    (void) state;
    assert_int_equal(idc_columns_schema(every_kind, EVERY_KIND_COUNT, &schema, &err), IDC_OK);
    assert_int_equal(ArrowSchemaViewInit(&view, &schema, NULL), NANOARROW_OK);
    assert_int_equal(view.type, NANOARROW_TYPE_STRUCT);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_int_equal(ArrowSchemaViewInit(&view, schema.children[i], NULL), NANOARROW_OK);
        assert_int_equal(view.type, types[i]);
        assert_string_equal(schema.children[i]->name, every_kind[i].name);
        if (types[i] == NANOARROW_TYPE_TIME64 || types[i] == NANOARROW_TYPE_TIMESTAMP)
            assert_int_equal(view.time_unit, NANOARROW_TIME_UNIT_MICRO);
        if (types[i] == NANOARROW_TYPE_TIMESTAMP)
            assert_string_equal(view.timezone,
                                every_kind[i].kind == IDC_KIND_TIMESTAMPTZ ? "UTC" : "");
        if (types[i] == NANOARROW_TYPE_DECIMAL128)
            assert_true(view.decimal_precision == 12 && view.decimal_scale == 3);
    }
    schema.release(&schema);
    assert_int_equal(kept, 0);
}

static void
test_columns_without_memory(void **state)
{
    struct ArrowSchema schema = { 0 };
    IdcStatus status;
    IdcError err;
    long limit;

    (void) state;
    for (limit = 0; limit < 10000; limit++) {
        calls_left = limit;
        status = idc_columns_schema(every_kind, EVERY_KIND_COUNT, &schema, &err);
        calls_left = -1;
        if (status == IDC_OK)
            break;
        assert_int_equal(status, IDC_NO_MEMORY);
        assert_null(schema.release);
        assert_int_equal(kept, 0);
    }
    assert_true(limit > 50 && limit < 10000);
    schema.release(&schema);
    assert_int_equal(kept, 0);
}

/* A schema and a batch of a row, in memory that the writer did not count. */
static uint8_t *
stream_of_every_kind(size_t *len)
{
    IdcBatchOptions options = { .batch_rows = 10 };
    Wire row = { 0 };
    IdcBatchBuilder *builder;
    IdcIpcWriter *writer;
    size_t schema_size, size;
    uint8_t *bytes;
    IdcError err;

    wire_every_kind(&row, false);
    assert_int_equal(idc_batch_builder_new(every_kind, EVERY_KIND_COUNT, &options, &builder, &err),
                     IDC_OK);
    assert_int_equal(idc_ipc_writer_new(builder, &(IdcIpcOptions){ 0 }, &writer, &err), IDC_OK);
    assert_int_equal(idc_ipc_prepare_schema(writer, &schema_size, &err), IDC_OK);
    bytes = malloc(1 << 20);
    assert_non_null(bytes);
    idc_ipc_emit(writer, bytes);
    assert_int_equal(idc_batch_append_copy_row(builder, row.data, row.len, &err), IDC_OK);
    assert_int_equal(idc_ipc_prepare_batch(writer, &size, &err), IDC_OK);
    assert_true(schema_size + size < 1 << 20);
    idc_ipc_emit(writer, bytes + schema_size);
    *len = schema_size + size;
    idc_ipc_writer_free(writer);
    idc_batch_builder_free(builder);
    wire_done(&row);
    return bytes;
}

static void
test_reader_without_memory(void **state)
{
    size_t len;
    uint8_t *bytes = stream_of_every_kind(&len);
    long limit;

    (void) state;
    assert_int_equal(kept, 0);
    for (limit = 0; limit < 10000; limit++) {
        struct ArrowArray batch = { 0 };
        IdcIpcReader *reader = NULL;
        IdcStatus status;
        IdcError err;

        calls_left = limit;
        status = idc_ipc_reader_new(&reader, &err);
        if (status == IDC_OK)
            status = ipc_read_piece(reader, bytes, len, 0, &batch, &err);
        calls_left = -1;
        if (status == IDC_OK)
            batch.release(&batch);
        idc_ipc_reader_free(reader);
        assert_int_equal(kept, 0);
        assert_int_equal(ipc_pieces_made, ipc_pieces_released);
        if (status == IDC_OK)
            break;
        assert_int_equal(status, IDC_NO_MEMORY);
        assert_null(batch.release);
    }
    assert_true(limit > 50 && limit < 10000);
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_and_metadata),
        cmocka_unit_test(test_columns_as_nanoarrow_sees_them),
        cmocka_unit_test(test_columns_without_memory),
        cmocka_unit_test(test_reader_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
