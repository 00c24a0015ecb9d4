/*
 * fuzz_copy.c - libFuzzer target: any bytes as the messages of a binary COPY over every kind of
 * column.
 *
 * In:   bytes; the first one says how the rest is cut into messages and which columns there are
 * Out:  nothing, or a crash; what the reader accepts must be a valid record batch that prints
 */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "arrow/copy_reader.h"
#include "arrow/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const labels[] = { "sad", "ok", "happy" };
static const IdcColumnSpec elements[] = {
    { .name = "item", .type_name = "integer", .kind = IDC_KIND_INT32 },
    { .name = "item", .type_name = "text", .kind = IDC_KIND_TEXT },
    { .name = "item",
      .type_name = "mood",
      .kind = IDC_KIND_ENUM,
      .labels = labels,
      .label_count = 3 },
    { .name = "item", .type_name = "numeric", .kind = IDC_KIND_NUMERIC_FLOAT64 },
    { .name = "item", .type_name = "hstore", .kind = IDC_KIND_HSTORE },
    { .name = "item", .type_name = "boolean", .kind = IDC_KIND_BOOL },
};

/* A column of the kind; what lists hold depends on how deep they are. */
static IdcColumnSpec
spec_of(int kind, int depth)
{
    IdcColumnSpec spec = { .name = "c",
                           .type_name = "t",
                           .kind = (IdcColumnKind) kind,
                           .precision = 12,
                           .scale = 3,
                           .labels = labels,
                           .label_count = 3 };

    if (spec.kind == IDC_KIND_LIST) {
        spec.dimensions = 1 + depth % 3;
        spec.element = &elements[depth % 6];
    }
    return spec;
}

/* The batch is valid for nanoarrow, and can be printed. */
static void
batch_check(const IdcColumnSpec *specs, size_t count, IdcBatchBuilder *builder, const char *format)
{
    IdcWriteOptions options = { .null_text = "", .has_header = true };
    struct ArrowArrayStream stream;
    struct ArrowArrayView view;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    IdcError err;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    assert(idc_batch_finish(builder, &batch, &err) == IDC_OK);
    assert(idc_columns_schema(specs, count, &schema, &err) == IDC_OK);
    assert(ArrowArrayViewInitFromSchema(&view, &schema, NULL) == NANOARROW_OK);
    assert(ArrowArrayViewSetArray(&view, &batch, NULL) == NANOARROW_OK);
    assert(ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, NULL) == NANOARROW_OK);
    ArrowArrayViewReset(&view);
    assert(ArrowBasicArrayStreamInit(&stream, &schema, 1) == NANOARROW_OK);
    ArrowBasicArrayStreamSetArray(&stream, 0, &batch);
    assert(idc_stream_write(&stream, format, null, &options, NULL, &err) == IDC_OK);
    stream.release(&stream);
    (void) close(null);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = { "table", "csv", "json", "ndjson", "arrow" };
    static const uint8_t header[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
    IdcBatchOptions options = { .batch_rows = 100 };
    IdcColumnSpec specs[4];
    IdcBatchBuilder *builder;
    IdcCopyReader *reader;
    IdcStatus status = IDC_OK;
    IdcError err;
    size_t count, step;

    if (size < 6)
        return 0;
    count = 1 + data[0] % 4;
    step = data[0] >= 128 ? size : 1 + data[0] / 4;
    options.fail_unrepresentable = data[1] % 2 == 1;
    for (size_t i = 0; i < count; i++)
        specs[i] = spec_of(data[2 + i] % (IDC_KIND_LIST + 1), data[2 + i] / (IDC_KIND_LIST + 1));
    if (idc_batch_builder_new(specs, count, &options, &builder, &err) != IDC_OK)
        abort();
    if (idc_copy_reader_new(builder, &reader, &err) != IDC_OK)
        abort();
    if (data[1] < 240)
        status = idc_copy_reader_feed(reader, header, sizeof header, &err);
    for (size_t i = 6; status == IDC_OK && i < size; i += step) {
        size_t len = size - i < step ? size - i : step;
        uint8_t *message = malloc(len);

        if (message == NULL)
            abort();
        __builtin_memcpy(message, data + i, len);
        status = idc_copy_reader_feed(reader, message, len, &err);
        free(message);
    }
    if (status == IDC_OK)
        batch_check(specs, count, builder, formats[data[1] / 2 % 5]);
    idc_copy_reader_free(reader);
    idc_batch_builder_free(builder);
    return 0;
}
