/*
 * test_ipc_write.c - what the IPC writer writes is what nanoarrow reads, and equals the same rows
 * handed over by the C data interface.
 */
#include <stdio.h>

#include "arrow/builder.h"
#include "arrow/compress.h"
#include "every_kind.h"
#include "ipc_messages.h"

static const IdcBatchOptions big_batches = { .batch_rows = 1000000 };

/* A builder, its writer, and what a reader makes of it. */
typedef struct Stream {
    IdcBatchBuilder *builder;
    IdcIpcWriter *writer;
    Messages messages;
    IdcText bytes; /* of the newest messages */
    IdcError err;
} Stream;

static void
stream_init(Stream *stream, const IdcColumnSpec *specs, size_t count, const IdcIpcOptions *options)
{
    *stream = (Stream){ 0 };
    idc_text_init(&stream->bytes, 0);
    messages_init(&stream->messages);
    stream->messages.is_compressed = options->compression != IDC_IPC_PLAIN;
    assert_int_equal(
        idc_batch_builder_new(specs, count, &big_batches, &stream->builder, &stream->err), IDC_OK);
    assert_int_equal(idc_ipc_writer_new(stream->builder, options, &stream->writer, &stream->err),
                     IDC_OK);
}

static void
stream_done(Stream *stream)
{
    messages_done(&stream->messages);
    idc_ipc_writer_free(stream->writer);
    idc_batch_builder_free(stream->builder);
    idc_text_done(&stream->bytes);
}

/* Emit what was prepared into memory that the sanitizer knows the end of, and read it. */
static void
stream_emit(Stream *stream, IdcStatus status, size_t size)
{
    uint8_t *target;

    if (status != IDC_OK)
        fail_msg("%s", stream->err.message);
    assert_int_equal(size % 8, 0);
    target = malloc(size);
    assert_non_null(target);
    idc_ipc_emit(stream->writer, target);
    messages_read(&stream->messages, target, size);
    idc_text_clear(&stream->bytes);
    idc_text_append_len(&stream->bytes, (const char *) target, size);
    free(target);
}

static void
stream_schema(Stream *stream)
{
    size_t size = 0;
    IdcStatus status = idc_ipc_prepare_schema(stream->writer, &size, &stream->err);

    stream_emit(stream, status, size);
}

static void
stream_batch(Stream *stream)
{
    size_t size = 0;
    IdcStatus status = idc_ipc_prepare_batch(stream->writer, &size, &stream->err);

    stream_emit(stream, status, size);
    assert_int_equal(idc_batch_row_count(stream->builder), 0);
}

static void
add_row(IdcBatchBuilder *builder, const Wire *row)
{
    IdcError err;

    if (idc_batch_append_copy_row(builder, row->data, row->len, &err) != IDC_OK)
        fail_msg("%s", err.message);
}

/* A row of one or more texts; NULL is NULL. */
static void
add_texts(IdcBatchBuilder *builder, size_t count, const char *const *texts)
{
    Wire row = { 0 };

    wire_int16(&row, (int) count);
    for (size_t i = 0; i < count; i++)
        if (texts[i] == NULL)
            wire_int32(&row, -1);
        else
            wire_field(&row, texts[i], strlen(texts[i]));
    add_row(builder, &row);
    wire_done(&row);
}

static bool
text_equals(const char *left, const char *right)
{
    return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}

/* The same type, name, flags and metadata; recursive. */
static void
assert_same_schema(const struct ArrowSchema *left, const struct ArrowSchema *right)
{
    struct ArrowStringView value = { 0 }, other = { 0 };

    assert_string_equal(left->format, right->format);
    assert_true(
        text_equals(left->name == NULL ? "" : left->name, right->name == NULL ? "" : right->name));
    assert_int_equal(left->flags, right->flags);
    (void) ArrowMetadataGetValue(left->metadata, ArrowCharView("postgresql:type"), &value);
    (void) ArrowMetadataGetValue(right->metadata, ArrowCharView("postgresql:type"), &other);
    assert_int_equal(value.size_bytes, other.size_bytes);
    assert_memory_equal(value.data == NULL ? "" : value.data, other.data == NULL ? "" : other.data,
                        (size_t) value.size_bytes);
    assert_int_equal(left->n_children, right->n_children);
    for (int64_t i = 0; i < left->n_children; i++)
        assert_same_schema(left->children[i], right->children[i]);
    assert_int_equal(left->dictionary == NULL, right->dictionary == NULL);
    if (left->dictionary != NULL)
        assert_string_equal(left->dictionary->format, right->dictionary->format);
}

static void
assert_same_value(const struct ArrowArrayView *left, const struct ArrowArrayView *right,
                  int64_t row)
{
    struct ArrowBufferView bytes, others;

    switch (left->storage_type) {
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING:
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_LARGE_BINARY:
        bytes = ArrowArrayViewGetBytesUnsafe(left, row);
        others = ArrowArrayViewGetBytesUnsafe(right, row);
        assert_int_equal(bytes.size_bytes, others.size_bytes);
        if (bytes.size_bytes > 0)
            assert_memory_equal(bytes.data.data, others.data.data, (size_t) bytes.size_bytes);
        break;
    case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
    case NANOARROW_TYPE_DECIMAL128:
        assert_memory_equal(left->buffer_views[1].data.as_uint8 + row * 16,
                            right->buffer_views[1].data.as_uint8 + row * 16, 16);
        break;
    case NANOARROW_TYPE_FLOAT:
    case NANOARROW_TYPE_DOUBLE:
        assert_true(ArrowArrayViewGetDoubleUnsafe(left, row) ==
                    ArrowArrayViewGetDoubleUnsafe(right, row));
        break;
    case NANOARROW_TYPE_LIST:
    case NANOARROW_TYPE_LARGE_LIST:
    case NANOARROW_TYPE_MAP:
        assert_int_equal(ArrowArrayViewListChildOffset(left, row + 1),
                         ArrowArrayViewListChildOffset(right, row + 1));
        break;
    case NANOARROW_TYPE_STRUCT:
        break;
    default:
        assert_int_equal(ArrowArrayViewGetIntUnsafe(left, row),
                         ArrowArrayViewGetIntUnsafe(right, row));
    }
}

static void
assert_same_array(const struct ArrowArrayView *left, const struct ArrowArrayView *right)
{
    assert_int_equal(left->length, right->length);
    for (int64_t row = 0; row < left->length; row++) {
        int8_t is_null = ArrowArrayViewIsNull(left, row);

        assert_int_equal(is_null, ArrowArrayViewIsNull(right, row));
        if (!is_null)
            assert_same_value(left, right, row);
    }
    assert_int_equal(left->n_children, right->n_children);
    for (int64_t i = 0; i < left->n_children; i++)
        assert_same_array(left->children[i], right->children[i]);
}

/* The newest batch is what another builder hands over by the C data interface. */
static void
assert_same_batch(const Stream *stream, IdcBatchBuilder *other)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct ArrowArrayView view;
    IdcError err;

    assert_int_equal(idc_columns_schema(every_kind, EVERY_KIND_COUNT, &schema, &err), IDC_OK);
    assert_int_equal(idc_batch_finish(other, &batch, &err), IDC_OK);
    assert_int_equal(ArrowArrayViewInitFromSchema(&view, &schema, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayViewSetArray(&view, &batch, NULL), NANOARROW_OK);
    assert_same_array(&stream->messages.view, &view);
    ArrowArrayViewReset(&view);
    ArrowArrayRelease(&batch);
    ArrowSchemaRelease(&schema);
}

static void
write_every_kind(const IdcIpcOptions *options)
{
    static const int row_counts[] = { 0, 1000, 1, 0, 77, 1000 };
    Wire row = { 0 }, nulls = { 0 };
    struct ArrowSchema schema;
    IdcBatchBuilder *other;
    Stream stream;

    wire_every_kind(&row, false);
    wire_every_kind(&nulls, true);
    stream_init(&stream, every_kind, EVERY_KIND_COUNT, options);
    assert_int_equal(
        idc_batch_builder_new(every_kind, EVERY_KIND_COUNT, &big_batches, &other, &stream.err),
        IDC_OK);
    stream_schema(&stream);
    assert_int_equal(idc_columns_schema(every_kind, EVERY_KIND_COUNT, &schema, &stream.err),
                     IDC_OK);
    for (int64_t i = 0; i < EVERY_KIND_COUNT && !options->small_offsets; i++)
        assert_same_schema(stream.messages.schema.children[i], schema.children[i]);
    ArrowSchemaRelease(&schema);
    for (size_t i = 0; i < sizeof row_counts / sizeof row_counts[0]; i++) {
        for (int j = 0; j < row_counts[i]; j++) {
            const Wire *next = (size_t) j % 3 == i % 2 ? &nulls : &row;

            add_row(stream.builder, next);
            add_row(other, next);
        }
        stream_batch(&stream);
        assert_same_batch(&stream, other);
        assert_int_equal(stream.messages.labels[0].replacements, 1);
        assert_int_equal(stream.messages.labels[0].deltas, 0);
    }
    messages_read(&stream.messages, idc_ipc_end, IDC_IPC_END_SIZE);
    assert_true(stream.messages.is_complete);
    idc_batch_builder_free(other);
    stream_done(&stream);
    wire_done(&row);
    wire_done(&nulls);
}

static void
test_every_kind(void **state)
{
    (void) state;
    for (int small = 0; small < 2; small++)
        for (int codec = IDC_IPC_PLAIN; codec <= IDC_IPC_ZSTD; codec++) {
            assert_true(idc_ipc_can_compress((IdcIpcCompression) codec));
            write_every_kind(&(IdcIpcOptions){ .small_offsets = small != 0,
                                               .compression = (IdcIpcCompression) codec });
        }
}

static void
test_no_columns_and_many(void **state)
{
    static const IdcIpcOptions plain = { 0 };
    IdcColumnSpec *specs = calloc(1600, sizeof *specs);
    Wire row = { 0 };
    Stream stream;

    (void) state;
    stream_init(&stream, specs, 0, &plain);
    stream_schema(&stream);
    assert_int_equal(stream.messages.schema.n_children, 0);
    wire_int16(&row, 0);
    for (int i = 0; i < 5; i++)
        add_row(stream.builder, &row);
    stream_batch(&stream);
    assert_int_equal(stream.messages.batch.length, 5);
    stream_done(&stream);
    wire_done(&row);

    wire_int16(&row, 1600);
    for (int i = 0; i < 1600; i++) {
        specs[i] = i % 2 == 0 ? every_kind[2] : every_kind[11];
        wire_field(&row, "\0\0\0\7", 4);
    }
    stream_init(&stream, specs, 1600, &plain);
    stream_schema(&stream);
    for (int i = 0; i < 3; i++)
        add_row(stream.builder, &row);
    stream_batch(&stream);
    assert_int_equal(stream.messages.batch.length, 3);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(stream.messages.view.children[1598], 2), 7);
    assert_int_equal(
        ArrowArrayViewGetBytesUnsafe(stream.messages.view.children[1599], 2).size_bytes, 4);
    stream_done(&stream);
    wire_done(&row);
    free(specs);
}

static const IdcColumnSpec texts[] = {
    { .name = "few", .type_name = "text", .kind = IDC_KIND_TEXT, .can_be_dictionary = true },
    { .name = "own", .type_name = "text", .kind = IDC_KIND_TEXT, .can_be_dictionary = true },
};

/* Rows from number `from` on: the first column repeats itself, each value of the second is new. */
static void
add_repeating(IdcBatchBuilder *builder, int from, int count, int different)
{
    for (int i = from; i < from + count; i++) {
        char few[32], own[32];
        const char *row[] = { i % 7 == 3 ? NULL : few, i % 11 == 5 ? NULL : own };

        (void) snprintf(few, sizeof few, "value %d", i % different);
        (void) snprintf(own, sizeof own, "row %d", i);
        add_texts(builder, 2, row);
    }
}

static void
assert_repeating(const Stream *stream, int from, int count, int different)
{
    assert_int_equal(stream->messages.batch.length, count);
    for (int i = from; i < from + count; i++) {
        char few[32], own[32];
        const char *label = messages_label(&stream->messages, 0, 0, i - from);
        struct ArrowStringView text =
            ArrowArrayViewGetStringUnsafe(stream->messages.view.children[1], i - from);

        (void) snprintf(few, sizeof few, "value %d", i % different);
        (void) snprintf(own, sizeof own, "row %d", i);
        assert_true(text_equals(label, i % 7 == 3 ? NULL : few));
        assert_int_equal(ArrowArrayViewIsNull(stream->messages.view.children[1], i - from),
                         i % 11 == 5);
        if (i % 11 != 5) {
            assert_int_equal(text.size_bytes, strlen(own));
            assert_memory_equal(text.data, own, strlen(own));
        }
    }
}

static void
write_dictionaries(const IdcIpcOptions *options)
{
    Stream stream;
    const Labels *labels = &stream.messages.labels[0];

    stream_init(&stream, texts, 2, options);
    add_repeating(stream.builder, 0, 1000, 50);
    stream_schema(&stream);
    assert_true(idc_batch_column_is_dictionary(stream.builder, 0));
    assert_false(idc_batch_column_is_dictionary(stream.builder, 1));
    assert_string_equal(stream.messages.schema.children[0]->dictionary->format,
                        options->small_offsets ? "u" : "U");
    assert_int_equal(stream.messages.schema.children[0]->flags & ARROW_FLAG_DICTIONARY_ORDERED, 0);
    assert_null(stream.messages.schema.children[1]->dictionary);
    stream_batch(&stream);
    assert_repeating(&stream, 0, 1000, 50);
    assert_true(labels->replacements == 1 && labels->deltas == 0 && labels->count == 50);
    /* Nothing new, then something new. */
    add_repeating(stream.builder, 1000, 1000, 50);
    stream_batch(&stream);
    assert_repeating(&stream, 1000, 1000, 50);
    assert_true(labels->replacements == 1 && labels->deltas == 0);
    add_repeating(stream.builder, 2000, 1000, 400);
    stream_batch(&stream);
    assert_repeating(&stream, 2000, 1000, 400);
    assert_true(labels->replacements == 1 && labels->deltas == 1 && labels->count == 400);
    /* A batch that has more than a dictionary keeps: the next one begins it again. */
    add_repeating(stream.builder, 3000, 80000, 80000);
    stream_batch(&stream);
    assert_repeating(&stream, 3000, 80000, 80000);
    assert_true(labels->replacements == 1 && labels->deltas == 2);
    add_repeating(stream.builder, 83000, 1000, 50);
    stream_batch(&stream);
    assert_repeating(&stream, 83000, 1000, 50);
    assert_true(labels->replacements == 2 && labels->deltas == 2 && labels->count == 50);
    stream_done(&stream);
}

static void
test_dictionaries(void **state)
{
    (void) state;
    write_dictionaries(&(IdcIpcOptions){ 0 });
    write_dictionaries(&(IdcIpcOptions){ .small_offsets = true });
}

static void
release_bytes(void *handle)
{
    free(handle);
}

/* The newest messages by our own reader: what nanoarrow cannot read. */
static void
assert_read_repeating(const Stream *stream, IdcIpcReader *reader, int from, int count,
                      int different)
{
    uint8_t *bytes = malloc(stream->bytes.len);
    struct ArrowArray batch = { 0 };
    struct ArrowArrayView view;
    IdcError err;

    assert_non_null(bytes);
    memcpy(bytes, stream->bytes.data, stream->bytes.len);
    if (idc_ipc_read(reader, bytes, stream->bytes.len, (IdcIpcOwner){ release_bytes, bytes },
                     &batch, &err) != IDC_OK)
        fail_msg("%s", err.message);
    if (batch.release == NULL)
        return;
    assert_int_equal(batch.length, count);
    assert_int_equal(ArrowArrayViewInitFromSchema(&view, idc_ipc_reader_schema(reader), NULL),
                     NANOARROW_OK);
    assert_int_equal(ArrowArrayViewSetArray(&view, &batch, NULL), NANOARROW_OK);
    for (int i = from; i < from + count; i++) {
        const struct ArrowArrayView *column = view.children[0];
        struct ArrowStringView label;
        char few[32];

        assert_int_equal(ArrowArrayViewIsNull(column, i - from), i % 7 == 3);
        if (i % 7 == 3)
            continue;
        label = ArrowArrayViewGetStringUnsafe(column->dictionary,
                                              ArrowArrayViewGetIntUnsafe(column, i - from));
        (void) snprintf(few, sizeof few, "value %d", i % different);
        assert_int_equal(label.size_bytes, strlen(few));
        assert_memory_equal(label.data, few, strlen(few));
    }
    ArrowArrayViewReset(&view);
    batch.release(&batch);
}

static void
test_compressed_dictionaries(void **state)
{
    (void) state;
    for (int codec = IDC_IPC_LZ4; codec <= IDC_IPC_ZSTD; codec++) {
        const IdcIpcOptions options = { .compression = (IdcIpcCompression) codec };
        const int different[] = { 50, 400, 80000, 50 }, counts[] = { 1000, 1000, 80000, 1000 };
        IdcIpcReader *reader;
        Stream stream;
        int from = 0;

        stream_init(&stream, texts, 2, &options);
        assert_int_equal(idc_ipc_reader_new(&reader, &stream.err), IDC_OK);
        for (int i = 0; i < 4; i++) {
            add_repeating(stream.builder, from, counts[i], different[i]);
            if (i == 0) {
                stream_schema(&stream);
                assert_read_repeating(&stream, reader, 0, 0, 1);
            }
            stream_batch(&stream);
            assert_read_repeating(&stream, reader, from, counts[i], different[i]);
            from += counts[i];
        }
        assert_int_equal(stream.messages.labels[0].deltas, 2);
        assert_int_equal(stream.messages.labels[0].replacements, 2);
        idc_ipc_reader_free(reader);
        stream_done(&stream);
    }
}

static void
test_dictionary_by_c_interface(void **state)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct ArrowArrayView view;
    IdcBatchBuilder *builder;
    IdcColumnSpec specs[2] = { texts[0], texts[1] };
    IdcError err;

    (void) state;
    assert_int_equal(idc_batch_builder_new(specs, 2, &big_batches, &builder, &err), IDC_OK);
    add_repeating(builder, 0, 1000, 3);
    assert_int_equal(idc_batch_settle_dictionaries(builder, &err), IDC_OK);
    for (size_t i = 0; i < 2; i++)
        specs[i].can_be_dictionary = idc_batch_column_is_dictionary(builder, i);
    assert_int_equal(idc_columns_schema(specs, 2, &schema, &err), IDC_OK);
    assert_string_equal(schema.children[0]->format, "i");
    assert_string_equal(schema.children[0]->dictionary->format, "U");
    assert_string_equal(schema.children[1]->format, "U");
    for (int round = 0; round < 2; round++) {
        assert_int_equal(idc_batch_finish(builder, &batch, &err), IDC_OK);
        assert_int_equal(ArrowArrayViewInitFromSchema(&view, &schema, NULL), NANOARROW_OK);
        assert_int_equal(ArrowArrayViewSetArray(&view, &batch, NULL), NANOARROW_OK);
        assert_int_equal(ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, NULL),
                         NANOARROW_OK);
        assert_int_equal(batch.children[0]->dictionary->length, 3 + round);
        assert_int_equal(batch.children[1]->null_count, 91);
        ArrowArrayViewReset(&view);
        ArrowArrayRelease(&batch);
        add_repeating(builder, 0, 1000, 4);
    }
    ArrowSchemaRelease(&schema);
    idc_batch_builder_free(builder);
}

/* Nothing is known of the values where there are none. */
static void
test_no_rows_are_no_dictionary(void **state)
{
    static const IdcIpcOptions plain = { 0 };
    Stream stream;

    (void) state;
    stream_init(&stream, texts, 2, &plain);
    stream_schema(&stream);
    assert_null(stream.messages.schema.children[0]->dictionary);
    add_repeating(stream.builder, 0, 100, 3);
    stream_batch(&stream);
    assert_int_equal(stream.messages.batch.length, 100);
    stream_done(&stream);
}

/* The label of an enum that was added while the query ran; also of one inside a list. */
static void
test_new_labels(void **state)
{
    static const IdcIpcOptions plain = { 0 };
    static const char *const labels[] = { "sad", "ok" };
    static const IdcColumnSpec element = { .name = "item",
                                           .type_name = "mood",
                                           .kind = IDC_KIND_ENUM,
                                           .labels = labels,
                                           .label_count = 2 };
    static const IdcColumnSpec specs[] = {
        { .name = "list",
          .type_name = "mood[]",
          .kind = IDC_KIND_LIST,
          .dimensions = 1,
          .element = &element },
        { .name = "e",
          .type_name = "mood",
          .kind = IDC_KIND_ENUM,
          .labels = labels,
          .label_count = 2 },
    };
    static const char *const values[] = { "ok", "new" };
    Stream stream;

    (void) state;
    stream_init(&stream, specs, 2, &plain);
    stream_schema(&stream);
    assert_true(stream.messages.schema.children[1]->flags & ARROW_FLAG_DICTIONARY_ORDERED);
    for (int i = 0; i < 2; i++) {
        Wire row = { 0 }, list = { 0 };

        wire_array(&list, 1, (const int32_t[]){ 2 });
        wire_field(&list, "sad", 3);
        wire_field(&list, values[i], strlen(values[i]));
        wire_int16(&row, 2);
        wire_field(&row, list.data, list.len);
        wire_field(&row, values[i], strlen(values[i]));
        add_row(stream.builder, &row);
        stream_batch(&stream);
        for (size_t j = 0; j < 2; j++) {
            assert_int_equal(stream.messages.labels[j].replacements, 1);
            assert_int_equal(stream.messages.labels[j].deltas, i);
            assert_int_equal(stream.messages.labels[j].count, 2 + i);
        }
        assert_string_equal(messages_label(&stream.messages, 1, 1, 0), values[i]);
        wire_done(&row);
        wire_done(&list);
    }
    stream_done(&stream);
}

static void
test_unrepresentable_is_told(void **state)
{
    static const IdcIpcOptions plain = { 0 };
    static const IdcColumnSpec date = { .name = "d", .type_name = "date", .kind = IDC_KIND_DATE };
    Wire row = { 0 };
    Stream stream;

    (void) state;
    stream_init(&stream, &date, 1, &plain);
    stream_schema(&stream);
    stream_batch(&stream);
    assert_null(memmem(stream.bytes.data, stream.bytes.len, "instant:", 8));
    wire_int16(&row, 1);
    wire_field(&row, "\x7f\xff\xff\xff", 4);
    for (int i = 0; i < 12; i++)
        add_row(stream.builder, &row);
    stream_batch(&stream);
    assert_int_equal(ArrowArrayViewIsNull(stream.messages.view.children[0], 11), 1);
    assert_non_null(
        memmem(stream.bytes.data, stream.bytes.len, "\x17\0\0\0instant:unrepresentable", 28));
    assert_non_null(memmem(stream.bytes.data, stream.bytes.len,
                           "\2\0\0\0"
                           "12",
                           7));
    stream_done(&stream);
    wire_done(&row);
}

static void
test_what_does_not_shrink_is_stored(void **state)
{
    static const IdcColumnSpec bytes = { .name = "b",
                                         .type_name = "bytea",
                                         .kind = IDC_KIND_BYTES };
    static const IdcColumnSpec text = { .name = "t", .type_name = "text", .kind = IDC_KIND_TEXT };
    uint32_t random = 12345;
    uint8_t noise[100000], calm[100000];
    Wire row = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof noise; i++) {
        random = random * 1664525 + 1013904223;
        noise[i] = (uint8_t) (random >> 24);
        calm[i] = (uint8_t) (i % 26 + 'a');
    }
    for (int codec = IDC_IPC_LZ4; codec <= IDC_IPC_ZSTD; codec++) {
        const IdcIpcOptions options = { .compression = (IdcIpcCompression) codec };

        for (int is_calm = 0; is_calm < 2; is_calm++) {
            const uint8_t *value = is_calm ? calm : noise;
            struct ArrowBufferView read;
            Stream stream;

            stream_init(&stream, is_calm ? &text : &bytes, 1, &options);
            stream_schema(&stream);
            wire_int16(&row, 1);
            wire_field(&row, value, sizeof noise);
            add_row(stream.builder, &row);
            stream_batch(&stream);
            read = ArrowArrayViewGetBytesUnsafe(stream.messages.view.children[0], 0);
            assert_int_equal(read.size_bytes, sizeof noise);
            assert_memory_equal(read.data.data, value, sizeof noise);
            if (is_calm)
                assert_in_range(stream.messages.body_size, 1, 5000);
            else
                assert_in_range(stream.messages.body_size, sizeof noise, sizeof noise + 64);
            stream_done(&stream);
            wire_done(&row);
        }
    }
}

static void
test_decompress_trusts_nothing(void **state)
{
    uint8_t source[5000], frame[8000], target[5001];

    (void) state;
    for (size_t i = 0; i < sizeof source; i++)
        source[i] = (uint8_t) (i / 10);
    for (int i = IDC_IPC_LZ4; i <= IDC_IPC_ZSTD; i++) {
        IdcIpcCompression codec = (IdcIpcCompression) i;
        IdcCompressor compressor;
        size_t size;

        assert_in_range(idc_compress_bound(codec, sizeof source), 1, sizeof frame);
        assert_true(idc_compressor_init(&compressor, codec));
        size = idc_compress(&compressor, source, sizeof source, frame, sizeof frame);
        assert_in_range(size, 1, sizeof source - 1);
        assert_int_equal(idc_compress(&compressor, source, sizeof source, target, 10), 0);
        idc_compressor_done(&compressor);
        assert_true(idc_decompress(codec, frame, size, target, sizeof source));
        assert_memory_equal(target, source, sizeof source);
        assert_false(idc_decompress(codec, frame, size, target, sizeof source - 1));
        assert_false(idc_decompress(codec, frame, size, target, sizeof source + 1));
        for (size_t len = 0; len < size; len++) {
            uint8_t *cut = malloc(len + 1);

            assert_non_null(cut);
            memcpy(cut, frame, len);
            assert_false(idc_decompress(codec, cut, len, target, sizeof source));
            free(cut);
        }
        frame[0] ^= 0xFF;
        assert_false(idc_decompress(codec, frame, size, target, sizeof source));
    }
    assert_false(idc_decompress(IDC_IPC_PLAIN, source, 10, target, 10));
    assert_int_equal(idc_compress_bound(IDC_IPC_ZSTD, SIZE_MAX), SIZE_MAX);
}

/* The same bytes at any address, and again if they were prepared and not emitted. */
static void
test_emit_anywhere(void **state)
{
    static const IdcIpcOptions options = { .small_offsets = true };
    IdcBatchBuilder *builder;
    IdcIpcWriter *writer;
    Wire row = { 0 };
    uint8_t *targets[3];
    size_t sizes[3];
    IdcError err;

    (void) state;
    wire_every_kind(&row, false);
    assert_int_equal(
        idc_batch_builder_new(every_kind, EVERY_KIND_COUNT, &big_batches, &builder, &err), IDC_OK);
    assert_int_equal(idc_ipc_writer_new(builder, &options, &writer, &err), IDC_OK);
    assert_int_equal(idc_ipc_prepare_batch(writer, &sizes[0], &err), IDC_MISUSE);
    for (size_t i = 0; i < 3; i++) {
        for (int j = 0; j < 100; j++)
            add_row(builder, &row);
        /* The first batch has the dictionaries, so each stream is one of its own. */
        assert_int_equal(idc_ipc_prepare_schema(writer, &sizes[i], &err), IDC_OK);
        assert_int_equal(idc_ipc_prepare_batch(writer, &sizes[i], &err), IDC_OK);
        assert_int_equal(idc_ipc_prepare_batch(writer, &sizes[i], &err), IDC_OK);
        targets[i] = malloc(sizes[i] + i);
        assert_non_null(targets[i]);
        idc_ipc_emit(writer, targets[i] + i);
        assert_int_equal(sizes[i], sizes[0]);
        assert_memory_equal(targets[i] + i, targets[0], sizes[0]);
    }
    for (size_t i = 0; i < 3; i++)
        free(targets[i]);
    idc_ipc_writer_free(writer);
    idc_batch_builder_free(builder);
    wire_done(&row);
}

static void
test_small_offsets_do_not_reach(void **state)
{
    static const IdcIpcOptions small = { .small_offsets = true };
    static const IdcColumnSpec text = { .name = "t", .type_name = "text", .kind = IDC_KIND_TEXT };
    IdcBatchBuilder *builder;
    IdcIpcWriter *writer;
    size_t size;
    IdcError err;

    (void) state;
    assert_int_equal(idc_batch_builder_new(&text, 1, &big_batches, &builder, &err), IDC_OK);
    assert_int_equal(idc_ipc_writer_new(builder, &small, &writer, &err), IDC_OK);
    assert_int_equal(idc_ipc_prepare_schema(writer, &size, &err), IDC_OK);
    assert_int_equal(idc_batch_append(builder, 0, (const uint8_t *) "x", 1, &err), IDC_OK);
    idc_batch_end_row(builder);
    /* As if the text were so long: nothing of it is read before the check. */
    builder->columns[0].offsets[1] = INT64_C(1) << 31;
    assert_int_equal(idc_ipc_prepare_batch(writer, &size, &err), IDC_UNSUPPORTED);
    builder->columns[0].offsets[1] = 1;
    assert_int_equal(idc_ipc_prepare_batch(writer, &size, &err), IDC_OK);
    idc_ipc_writer_free(writer);
    idc_batch_builder_free(builder);
}

/* Once everything has its size, batches ask for no memory. */
static void
test_batches_keep_memory(void **state)
{
    static const IdcIpcOptions plain = { 0 };
    Wire row = { 0 }, nulls = { 0 };
    const void *values[EVERY_KIND_COUNT];
    Stream stream;

    (void) state;
    wire_every_kind(&row, false);
    wire_every_kind(&nulls, true);
    stream_init(&stream, every_kind, EVERY_KIND_COUNT, &plain);
    stream_schema(&stream);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++)
            add_row(stream.builder, i % 2 == 0 ? &row : &nulls);
        for (size_t i = 0; i < EVERY_KIND_COUNT; i++) {
            if (round > 0)
                assert_ptr_equal(values[i], stream.builder->columns[i].values);
            values[i] = stream.builder->columns[i].values;
        }
        stream_batch(&stream);
        assert_int_equal(stream.messages.batch.children[0]->null_count, 50);
    }
    stream_done(&stream);
    wire_done(&row);
    wire_done(&nulls);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_no_columns_and_many),
        cmocka_unit_test(test_dictionaries),
        cmocka_unit_test(test_compressed_dictionaries),
        cmocka_unit_test(test_dictionary_by_c_interface),
        cmocka_unit_test(test_no_rows_are_no_dictionary),
        cmocka_unit_test(test_new_labels),
        cmocka_unit_test(test_unrepresentable_is_told),
        cmocka_unit_test(test_what_does_not_shrink_is_stored),
        cmocka_unit_test(test_decompress_trusts_nothing),
        cmocka_unit_test(test_emit_anywhere),
        cmocka_unit_test(test_small_offsets_do_not_reach),
        cmocka_unit_test(test_batches_keep_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
