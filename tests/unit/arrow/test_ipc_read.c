/*
 * test_ipc_read.c - Arrow IPC of our own writer and of Arrow's, whole and damaged.
 */
#include <pthread.h>
#include <stdio.h>

#include "every_kind.h"
#include "ipc_stream.h"
#include "pyarrow_streams.h"

typedef struct Stream {
    uint8_t bytes[262144];
    size_t len;
} Stream;

static void
stream_put(Stream *stream, IdcIpcWriter *writer, size_t size)
{
    assert_true(size % 8 == 0 && size <= sizeof stream->bytes - stream->len);
    idc_ipc_emit(writer, stream->bytes + stream->len);
    stream->len += size;
}

/* Batches of every kind of column, as the hub sends them. */
static Stream *
every_kind_stream(int batch_count, int row_count, const IdcIpcOptions *ipc)
{
    IdcBatchOptions options = { .batch_rows = 100000 };
    Wire row = { 0 }, nulls = { 0 };
    IdcBatchBuilder *builder;
    IdcIpcWriter *writer;
    IdcError err;
    size_t size;
    Stream *stream = calloc(1, sizeof *stream);

    assert_non_null(stream);
    wire_every_kind(&row, false);
    wire_every_kind(&nulls, true);
    assert_int_equal(idc_batch_builder_new(every_kind, EVERY_KIND_COUNT, &options, &builder, &err),
                     IDC_OK);
    assert_int_equal(idc_ipc_writer_new(builder, ipc, &writer, &err), IDC_OK);
    assert_int_equal(idc_ipc_prepare_schema(writer, &size, &err), IDC_OK);
    stream_put(stream, writer, size);
    for (int i = 0; i < batch_count; i++) {
        for (int j = 0; j < row_count; j++)
            assert_int_equal(idc_batch_append_copy_row(builder, j % 3 == 1 ? nulls.data : row.data,
                                                       j % 3 == 1 ? nulls.len : row.len, &err),
                             IDC_OK);
        assert_int_equal(idc_ipc_prepare_batch(writer, &size, &err), IDC_OK);
        stream_put(stream, writer, size);
    }
    memcpy(stream->bytes + stream->len, idc_ipc_end, IDC_IPC_END_SIZE);
    stream->len += IDC_IPC_END_SIZE;
    idc_ipc_writer_free(writer);
    idc_batch_builder_free(builder);
    wire_done(&row);
    wire_done(&nulls);
    return stream;
}

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
        assert_string_equal(schema->dictionary->format, expected->dictionary->format);
    for (int64_t i = 0; i < expected->n_children; i++)
        assert_schemas_equal(schema->children[i], expected->children[i]);
}

/* The rows of the stream in our own words: each batch as lines of JSON. */
static void
read_as_values(const Stream *stream, size_t shift, int batch_count, int64_t row_count)
{
    struct ArrowSchema expected;
    struct ArrowArrayView view;
    IdcIpcReader *reader;
    IdcError err;
    size_t position = 0;

    assert_int_equal(idc_columns_schema(every_kind, EVERY_KIND_COUNT, &expected, &err), IDC_OK);
    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    assert_null(idc_ipc_reader_schema(reader));
    for (int i = 0; i < batch_count; i++) {
        size_t len = ipc_piece_len(stream->bytes + position, stream->len - position);
        struct ArrowArray batch;

        assert_int_equal(ipc_read_piece(reader, stream->bytes + position, len, shift, &batch, &err),
                         IDC_OK);
        assert_false(idc_ipc_reader_is_complete(reader));
        assert_non_null(batch.release);
        assert_schemas_equal(idc_ipc_reader_schema(reader), &expected);
        assert_int_equal(batch.length, row_count);
        assert_true(ipc_array_is_valid(&expected, &batch));
        assert_int_equal(ArrowArrayViewInitFromSchema(&view, &expected, NULL), NANOARROW_OK);
        assert_int_equal(ArrowArrayViewSetArray(&view, &batch, NULL), NANOARROW_OK);
        for (int64_t j = 0; j < row_count; j++) {
            for (int64_t k = 0; k < EVERY_KIND_COUNT; k++)
                assert_int_equal(ArrowArrayViewIsNull(view.children[k], j), j % 3 == 1);
            if (j % 3 == 1)
                continue;
            assert_int_equal(ArrowArrayViewGetIntUnsafe(view.children[2], j), INT32_MIN);
            assert_int_equal(ArrowArrayViewGetStringUnsafe(view.children[11], j).size_bytes, 7);
        }
        ArrowArrayViewReset(&view);
        batch.release(&batch);
        position += len;
    }
    assert_int_equal(stream->len - position, IDC_IPC_END_SIZE);
    assert_int_equal(
        ipc_read_piece(reader, stream->bytes + position, 8, 0, &(struct ArrowArray){ 0 }, &err),
        IDC_OK);
    assert_true(idc_ipc_reader_is_complete(reader));
    expected.release(&expected);
    idc_ipc_reader_free(reader);
    assert_int_equal(ipc_pieces_made, ipc_pieces_released);
}

static void
test_streams_of_our_writer(void **state)
{
    (void) state;
    for (IdcIpcCompression compression = IDC_IPC_PLAIN; compression <= IDC_IPC_ZSTD;
         compression++) {
        Stream *stream = every_kind_stream(3, 100, &(IdcIpcOptions){ .compression = compression });

        for (size_t shift = 0; shift <= 8; shift += 4)
            read_as_values(stream, shift, 3, 100);
        free(stream);
        stream = every_kind_stream(2, 0, &(IdcIpcOptions){ .compression = compression });
        read_as_values(stream, 0, 2, 0);
        free(stream);
    }
}

/* Reads whatever it is, and looks at all of what was accepted; true if the stream is complete. */
static bool
read_anything(const uint8_t *bytes, size_t len, IdcStatus *status, int64_t *row_count)
{
    IdcIpcReader *reader;
    IdcError err;
    size_t position = 0;
    bool is_complete;

    *row_count = 0;
    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    do {
        size_t piece_len = ipc_piece_len(bytes + position, len - position);
        struct ArrowArray batch = { 0 };

        *status = ipc_read_piece(reader, bytes + position, piece_len, 0, &batch, &err);
        position += piece_len;
        if (*status != IDC_OK || batch.release == NULL)
            continue;
        *row_count += batch.length;
        assert_true(ipc_array_is_valid(idc_ipc_reader_schema(reader), &batch));
        batch.release(&batch);
    } while (*status == IDC_OK && position < len);
    is_complete = idc_ipc_reader_is_complete(reader);
    idc_ipc_reader_free(reader);
    assert_int_equal(ipc_pieces_made, ipc_pieces_released);
    return is_complete;
}

/* Cut at each byte: never complete. Each byte another one: an error, or something valid. */
static void
damage(const uint8_t *bytes, size_t len, size_t step)
{
    uint8_t *copy = malloc(len);
    IdcStatus status;
    int64_t rows, all_rows;

    assert_non_null(copy);
    assert_true(read_anything(bytes, len, &status, &all_rows));
    assert_int_equal(status, IDC_OK);
    for (size_t i = 0; i < len; i += step)
        assert_false(read_anything(bytes, i, &status, &rows));
    for (size_t i = 0; i < len; i += step) {
        static const uint8_t masks[] = { 0xFF, 0x01, 0x80 };

        memcpy(copy, bytes, len);
        for (size_t j = 0; j < sizeof masks; j++) {
            copy[i] = (uint8_t) (bytes[i] ^ masks[j]);
            (void) read_anything(copy, len, &status, &rows);
            assert_true(status == IDC_OK || status == IDC_SOURCE_FAILED ||
                        status == IDC_UNSUPPORTED);
        }
    }
    free(copy);
}

static void
test_damage_of_our_streams(void **state)
{
    Stream *stream = every_kind_stream(1, 4, &(IdcIpcOptions){ 0 });

    (void) state;
    damage(stream->bytes, stream->len, 1);
    free(stream);
    stream = every_kind_stream(2, 4, &(IdcIpcOptions){ .compression = IDC_IPC_ZSTD });
    damage(stream->bytes, stream->len, 7);
    free(stream);
}

static void
test_damage_of_arrows_streams(void **state)
{
    (void) state;
    damage(pyarrow_delta, sizeof pyarrow_delta, 1);
    damage(pyarrow_replacement, sizeof pyarrow_replacement, 1);
    damage(pyarrow_lz4, sizeof pyarrow_lz4, 3);
    damage(pyarrow_zstd, sizeof pyarrow_zstd, 3);
}

/* expected: the values of the batches' rows, "|" between batches, "-" for NULL. */
static void
assert_dictionary_rows(const uint8_t *bytes, size_t len, const char *expected)
{
    struct ArrowArray batches[4];
    struct ArrowArrayView view;
    size_t position = 0, count = 0;
    IdcIpcReader *reader;
    IdcError err;
    char found[64] = "";

    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    while (!idc_ipc_reader_is_complete(reader)) {
        size_t piece_len = ipc_piece_len(bytes + position, len - position);

        assert_int_equal(
            ipc_read_piece(reader, bytes + position, piece_len, 0, &batches[count], &err), IDC_OK);
        position += piece_len;
        count += batches[count].release != NULL;
    }
    assert_int_equal(ArrowArrayViewInitFromSchema(&view, idc_ipc_reader_schema(reader), NULL), 0);
    idc_ipc_reader_free(reader);
    /* The batches outlive the reader, and each has the dictionary of its time. */
    for (size_t i = 0; i < count; i++) {
        const struct ArrowArrayView *indices = view.children[0];

        assert_int_equal(ArrowArrayViewSetArray(&view, &batches[i], NULL), NANOARROW_OK);
        for (int64_t j = 0; j < batches[i].length; j++) {
            int64_t index = ArrowArrayViewGetIntUnsafe(indices, j);
            const char *value = "-";

            if (!ArrowArrayViewIsNull(indices, j))
                value = ArrowArrayViewGetStringUnsafe(indices->dictionary, index).data;
            found[strlen(found)] = *value;
        }
        batches[i].release(&batches[i]);
        if (i + 1 < count)
            found[strlen(found)] = '|';
    }
    assert_string_equal(found, expected);
    ArrowArrayViewReset(&view);
}

static void
test_dictionaries_grow_and_change(void **state)
{
    (void) state;
    assert_dictionary_rows(pyarrow_delta, sizeof pyarrow_delta, "ab-|cba|ad");
    assert_dictionary_rows(pyarrow_replacement, sizeof pyarrow_replacement, "ab|xyx");
}

static void
compressed_check(const uint8_t *bytes, size_t len)
{
    struct ArrowArrayView view;
    struct ArrowArray batch;
    IdcIpcReader *reader;
    IdcError err;

    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    assert_int_equal(ipc_read_piece(reader, bytes, ipc_piece_len(bytes, len), 0, &batch, &err),
                     IDC_OK);
    /* Nothing lies in the message, which so is not kept. */
    assert_int_equal(ipc_pieces_made, ipc_pieces_released);
    assert_int_equal(batch.length, 400);
    assert_int_equal(ArrowArrayViewInitFromSchema(&view, idc_ipc_reader_schema(reader), NULL), 0);
    assert_int_equal(ArrowArrayViewSetArray(&view, &batch, NULL), NANOARROW_OK);
    for (int64_t i = 0; i < 400; i++) {
        assert_int_equal(ArrowArrayViewIsNull(view.children[0], i), i % 3 == 0);
        if (i % 3 != 0)
            assert_int_equal(ArrowArrayViewGetIntUnsafe(view.children[0], i), i % 5);
        assert_memory_equal(ArrowArrayViewGetStringUnsafe(view.children[1], i).data, "row", 3);
        assert_int_equal(ArrowArrayViewListChildOffset(view.children[2], i + 1), 2 * i + 2);
        assert_int_equal(ArrowArrayViewGetIntUnsafe(view.children[2]->children[0], 2 * i), 7);
    }
    ArrowArrayViewReset(&view);
    batch.release(&batch);
    idc_ipc_reader_free(reader);
}

static void
test_compressed_by_arrow(void **state)
{
    (void) state;
    compressed_check(pyarrow_lz4, sizeof pyarrow_lz4);
    compressed_check(pyarrow_zstd, sizeof pyarrow_zstd);
}

static IdcStatus
read_limited(const uint8_t *bytes, size_t len, int64_t limit)
{
    struct ArrowArray batch = { 0 };
    IdcIpcReader *reader;
    IdcStatus status;
    IdcError err;

    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    idc_ipc_reader_set_limit(reader, limit);
    status = ipc_read_piece(reader, bytes, ipc_piece_len(bytes, len), 0, &batch, &err);
    if (status == IDC_OK)
        batch.release(&batch);
    idc_ipc_reader_free(reader);
    return status;
}

/* Who reads may say how much memory a message may ask for, or that nothing is decompressed. */
static void
test_limit_of_what_is_decompressed(void **state)
{
    Stream *plain = every_kind_stream(1, 50, &(IdcIpcOptions){ 0 });

    (void) state;
    assert_int_equal(read_limited(pyarrow_zstd, sizeof pyarrow_zstd, 1 << 20), IDC_OK);
    /* Its offsets alone are more than this. */
    assert_int_equal(read_limited(pyarrow_zstd, sizeof pyarrow_zstd, 1600), IDC_SOURCE_FAILED);
    assert_int_equal(read_limited(pyarrow_zstd, sizeof pyarrow_zstd, 0), IDC_UNSUPPORTED);
    assert_int_equal(read_limited(pyarrow_lz4, sizeof pyarrow_lz4, 0), IDC_UNSUPPORTED);
    assert_int_equal(read_limited(plain->bytes, plain->len, 0), IDC_OK);
    free(plain);
}

/* A consumer may take a column and let the rest go; then the bytes stay for it alone. */
static void
test_columns_are_moved_out(void **state)
{
    Stream *stream = every_kind_stream(1, 50, &(IdcIpcOptions){ 0 });
    struct ArrowArray batch, column, label;
    IdcIpcReader *reader;
    IdcError err;
    int32_t value;

    (void) state;
    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    assert_int_equal(ipc_read_piece(reader, stream->bytes,
                                    ipc_piece_len(stream->bytes, stream->len), 0, &batch, &err),
                     IDC_OK);
    idc_ipc_reader_free(reader);
    column = *batch.children[2];
    batch.children[2]->release = NULL;
    label = *batch.children[20]->dictionary;
    batch.children[20]->dictionary->release = NULL;
    batch.release(&batch);
    assert_null(batch.release);
    assert_int_equal(ipc_pieces_made, ipc_pieces_released + 1);
    memcpy(&value, (const char *) column.buffers[1] + 49 / 3 * 3 * 4, sizeof value);
    assert_int_equal(value, INT32_MIN);
    column.release(&column);
    assert_memory_equal(label.buffers[2], "sadokhappy", 10);
    label.release(&label);
    assert_int_equal(ipc_pieces_made, ipc_pieces_released);
    free(stream);
}

static void
test_values_that_became_null_are_counted(void **state)
{
    IdcColumnSpec spec = { .name = "d", .type_name = "date", .kind = IDC_KIND_DATE };
    IdcBatchOptions options = { .batch_rows = 100 };
    Wire infinity = { 0 };
    IdcBatchBuilder *builder;
    IdcIpcWriter *writer;
    IdcIpcReader *reader;
    struct ArrowArray batch;
    Stream *stream = calloc(1, sizeof *stream);
    IdcError err;
    size_t size;

    (void) state;
    assert_non_null(stream);
    wire_int32(&infinity, INT32_MAX);
    assert_int_equal(idc_batch_builder_new(&spec, 1, &options, &builder, &err), IDC_OK);
    assert_int_equal(idc_ipc_writer_new(builder, &(IdcIpcOptions){ 0 }, &writer, &err), IDC_OK);
    assert_int_equal(idc_ipc_prepare_schema(writer, &size, &err), IDC_OK);
    stream_put(stream, writer, size);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(idc_batch_append(builder, 0, infinity.data, 4, &err), IDC_OK);
        idc_batch_end_row(builder);
    }
    assert_int_equal(idc_ipc_prepare_batch(writer, &size, &err), IDC_OK);
    stream_put(stream, writer, size);
    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    assert_int_equal(ipc_read_piece(reader, stream->bytes, stream->len, 0, &batch, &err), IDC_OK);
    assert_int_equal(idc_ipc_reader_unrepresentable(reader), 3);
    assert_int_equal(batch.children[0]->null_count, 3);
    batch.release(&batch);
    idc_ipc_reader_free(reader);
    idc_ipc_writer_free(writer);
    idc_batch_builder_free(builder);
    wire_done(&infinity);
    free(stream);
}

static void
test_order_of_messages(void **state)
{
    Stream *stream = every_kind_stream(2, 3, &(IdcIpcOptions){ 0 });
    size_t first = ipc_piece_len(stream->bytes, stream->len);
    struct ArrowArray batch = { 0 };
    IdcIpcReader *reader;
    IdcError err;

    (void) state;
    /* Two record batches at once. */
    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    assert_int_equal(ipc_read_piece(reader, stream->bytes, stream->len, 0, &batch, &err),
                     IDC_SOURCE_FAILED);
    /* After an error there is nothing to be read, and nothing complete. */
    assert_int_equal(ipc_read_piece(reader, idc_ipc_end, 8, 0, &batch, &err), IDC_MISUSE);
    assert_false(idc_ipc_reader_is_complete(reader));
    idc_ipc_reader_free(reader);
    /* Data before the schema; an end before it; data after the end. */
    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    assert_int_equal(
        ipc_read_piece(reader, stream->bytes + first, stream->len - first, 0, &batch, &err),
        IDC_SOURCE_FAILED);
    idc_ipc_reader_free(reader);
    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    assert_int_equal(ipc_read_piece(reader, idc_ipc_end, 8, 0, &batch, &err), IDC_SOURCE_FAILED);
    idc_ipc_reader_free(reader);
    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    assert_int_equal(ipc_read_piece(reader, stream->bytes, first, 0, &batch, &err), IDC_OK);
    batch.release(&batch);
    assert_int_equal(ipc_read_piece(reader, idc_ipc_end, 8, 0, &batch, &err), IDC_OK);
    assert_int_equal(ipc_read_piece(reader, idc_ipc_end, 8, 0, &batch, &err), IDC_SOURCE_FAILED);
    idc_ipc_reader_free(reader);
    assert_int_equal(ipc_pieces_made, ipc_pieces_released);
    free(stream);
}

/* A schema of old: no continuation before the length. */
static void
test_prefix_of_old_streams(void **state)
{
    static const uint8_t end[4];
    struct ArrowArray batch;
    IdcIpcReader *reader;
    IdcError err;
    size_t len = ipc_piece_len(pyarrow_zstd, sizeof pyarrow_zstd);
    uint32_t schema_len;

    (void) state;
    memcpy(&schema_len, pyarrow_zstd + 4, sizeof schema_len);
    schema_len += 8;
    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    assert_int_equal(ipc_read_piece(reader, pyarrow_zstd + 4, schema_len - 4, 0, &batch, &err),
                     IDC_OK);
    assert_null(batch.release);
    assert_int_equal(ipc_read_piece(reader, pyarrow_zstd + schema_len + 4, len - schema_len - 4, 0,
                                    &batch, &err),
                     IDC_OK);
    assert_int_equal(batch.length, 400);
    batch.release(&batch);
    assert_int_equal(ipc_read_piece(reader, end, sizeof end, 0, &batch, &err), IDC_OK);
    assert_true(idc_ipc_reader_is_complete(reader));
    idc_ipc_reader_free(reader);
}

static void
test_types_that_are_not_read(void **state)
{
    struct ArrowArray batch;
    IdcIpcReader *reader;
    IdcError err;

    (void) state;
    assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
    assert_int_equal(ipc_read_piece(reader, pyarrow_view, sizeof pyarrow_view, 0, &batch, &err),
                     IDC_UNSUPPORTED);
    assert_string_equal(err.message, "column \"v\": the Arrow type utf8_view is not supported, "
                                     "or not with these parameters");
    assert_null(idc_ipc_reader_schema(reader));
    idc_ipc_reader_free(reader);
}

static void *
columns_release(void *columns)
{
    for (int i = 0; i < EVERY_KIND_COUNT / 4; i++)
        ((struct ArrowArray *) columns)[i].release(&((struct ArrowArray *) columns)[i]);
    return NULL;
}

static void
test_columns_are_released_by_many_threads(void **state)
{
    Stream *stream = every_kind_stream(1, 10, &(IdcIpcOptions){ 0 });
    size_t len = ipc_piece_len(stream->bytes, stream->len);

    (void) state;
    for (int round = 0; round < 50; round++) {
        struct ArrowArray batch, columns[EVERY_KIND_COUNT];
        pthread_t threads[4];
        IdcIpcReader *reader;
        IdcError err;

        assert_int_equal(idc_ipc_reader_new(&reader, &err), IDC_OK);
        assert_int_equal(ipc_read_piece(reader, stream->bytes, len, 0, &batch, &err), IDC_OK);
        idc_ipc_reader_free(reader);
        for (size_t i = 0; i < EVERY_KIND_COUNT; i++) {
            columns[i] = *batch.children[i];
            batch.children[i]->release = NULL;
        }
        batch.release(&batch);
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, columns_release,
                                            &columns[i * (EVERY_KIND_COUNT / 4)]),
                             0);
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (int i = EVERY_KIND_COUNT / 4 * 4; i < EVERY_KIND_COUNT; i++)
            columns[i].release(&columns[i]);
        assert_int_equal(ipc_pieces_made, ipc_pieces_released);
    }
    free(stream);
}

static void
test_proofs_of_buffers(void **state)
{
    int32_t offsets[100];
    int64_t wide[100];
    uint8_t validity[2] = { 0xFF, 0xFE };
    int8_t indices[16] = { 0 };

    (void) state;
    for (int broken = -1; broken < 100; broken++) {
        for (int i = 0; i < 100; i++)
            wide[i] = offsets[i] = i == broken ? -1 : i / 2;
        assert_int_equal(idc_ipc_offsets_are_valid(offsets, 4, 99, 49), broken < 0);
        assert_int_equal(idc_ipc_offsets_are_valid(wide, 8, 99, 49), broken < 0);
        if (broken < 2 || broken == 99)
            continue;
        offsets[broken] = INT32_MAX;
        wide[broken] = INT64_MAX;
        assert_false(idc_ipc_offsets_are_valid(offsets, 4, 99, 49));
        assert_false(idc_ipc_offsets_are_valid(wide, 8, 99, 49));
    }
    assert_false(idc_ipc_offsets_are_valid((int32_t[]){ 0, 5 }, 4, 1, 4));
    assert_true(idc_ipc_indices_are_valid(indices, 1, true, 16, NULL, 1));
    assert_false(idc_ipc_indices_are_valid(indices, 1, true, 16, NULL, 0));
    indices[8] = -1; /* is NULL, so it may be anything */
    assert_true(idc_ipc_indices_are_valid(indices, 1, true, 16, validity, 1));
    assert_false(idc_ipc_indices_are_valid(indices, 1, true, 16, NULL, 300));
    assert_true(idc_ipc_indices_are_valid(indices, 1, false, 16, NULL, 300));
    indices[9] = 5;
    assert_false(idc_ipc_indices_are_valid(indices, 1, true, 16, validity, 5));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_of_our_writer),
        cmocka_unit_test(test_dictionaries_grow_and_change),
        cmocka_unit_test(test_compressed_by_arrow),
        cmocka_unit_test(test_limit_of_what_is_decompressed),
        cmocka_unit_test(test_columns_are_moved_out),
        cmocka_unit_test(test_values_that_became_null_are_counted),
        cmocka_unit_test(test_order_of_messages),
        cmocka_unit_test(test_prefix_of_old_streams),
        cmocka_unit_test(test_types_that_are_not_read),
        cmocka_unit_test(test_columns_are_released_by_many_threads),
        cmocka_unit_test(test_proofs_of_buffers),
        cmocka_unit_test(test_damage_of_our_streams),
        cmocka_unit_test(test_damage_of_arrows_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
