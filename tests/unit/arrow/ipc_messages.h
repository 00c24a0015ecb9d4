/*
 * ipc_messages.h - what idc_ipc_emit wrote, read back with nanoarrow: another implementation.
 */
#ifndef TESTS_UNIT_ARROW_IPC_MESSAGES_H
#define TESTS_UNIT_ARROW_IPC_MESSAGES_H

#include <errno.h>
#include <lz4frame.h>
#include <zstd.h>

#include "arrow/ipc.h"
#include "wire.h"

#include "nanoarrow_ipc.h"

enum { MAX_DICTIONARIES = 8 };

/* The labels of a dictionary: nanoarrow cannot append a delta, so they are kept here. */
typedef struct Labels {
    char **texts;
    size_t count;
    int deltas, replacements;
} Labels;

typedef struct Messages {
    struct ArrowIpcDecoder decoder;
    struct ArrowSchema schema;
    struct ArrowIpcDictionaryEncodings encodings;
    struct ArrowIpcDictionaries dictionaries;
    Labels labels[MAX_DICTIONARIES];
    struct ArrowArray batch; /* the newest */
    struct ArrowArrayView view;
    int64_t body_size; /* of its message */
    bool is_compressed;
    bool is_complete;
} Messages;

static inline void
assert_nano(ArrowErrorCode code, const struct ArrowError *why)
{
    if (code != NANOARROW_OK)
        fail_msg("nanoarrow: %d %s", code, why->message);
}

static inline ArrowErrorCode
unzstd(struct ArrowBufferView source, uint8_t *target, int64_t size, struct ArrowError *why)
{
    (void) why;
    return ZSTD_decompress(target, (size_t) size, source.data.data, (size_t) source.size_bytes) ==
                   (size_t) size
               ? NANOARROW_OK
               : EIO;
}

static inline ArrowErrorCode
unlz4(struct ArrowBufferView source, uint8_t *target, int64_t size, struct ArrowError *why)
{
    size_t target_size = (size_t) size, source_size = (size_t) source.size_bytes, rest;
    LZ4F_dctx *context;

    (void) why;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        return ENOMEM;
    rest = LZ4F_decompress(context, target, &target_size, source.data.data, &source_size, NULL);
    (void) LZ4F_freeDecompressionContext(context);
    return rest == 0 && target_size == (size_t) size ? NANOARROW_OK : EIO;
}

static inline void
messages_init(Messages *messages)
{
    struct ArrowIpcDecompressor decompressor;

    *messages = (Messages){ 0 };
    assert_int_equal(ArrowIpcDecoderInit(&messages->decoder), NANOARROW_OK);
    assert_int_equal(ArrowIpcSerialDecompressor(&decompressor), NANOARROW_OK);
    assert_int_equal(ArrowIpcSerialDecompressorSetFunction(
                         &decompressor, NANOARROW_IPC_COMPRESSION_TYPE_ZSTD, unzstd),
                     NANOARROW_OK);
    assert_int_equal(ArrowIpcSerialDecompressorSetFunction(
                         &decompressor, NANOARROW_IPC_COMPRESSION_TYPE_LZ4_FRAME, unlz4),
                     NANOARROW_OK);
    assert_int_equal(ArrowIpcDecoderSetDecompressor(&messages->decoder, &decompressor),
                     NANOARROW_OK);
}

static inline void
labels_clear(Labels *labels)
{
    for (size_t i = 0; i < labels->count; i++)
        free(labels->texts[i]);
    free(labels->texts);
    labels->texts = NULL;
    labels->count = 0;
}

static inline void
messages_forget_batch(Messages *messages)
{
    if (messages->batch.release == NULL)
        return;
    ArrowArrayViewReset(&messages->view);
    ArrowArrayRelease(&messages->batch);
}

static inline void
messages_done(Messages *messages)
{
    messages_forget_batch(messages);
    for (size_t i = 0; i < MAX_DICTIONARIES; i++)
        labels_clear(&messages->labels[i]);
    if (messages->schema.release != NULL) {
        ArrowIpcDictionariesReset(&messages->dictionaries);
        ArrowIpcDictionaryEncodingsReset(&messages->encodings);
        ArrowSchemaRelease(&messages->schema);
    }
    ArrowIpcDecoderReset(&messages->decoder);
}

static inline void
messages_schema(Messages *messages)
{
    struct ArrowError why = { { 0 } };

    assert_null(messages->schema.release);
    assert_nano(ArrowIpcDecoderDecodeSchemaWithDictionaries(&messages->decoder, &messages->schema,
                                                            &messages->encodings, &why),
                &why);
    assert_nano(ArrowIpcDictionariesInit(&messages->dictionaries, &messages->encodings, &why),
                &why);
    assert_nano(ArrowIpcDecoderSetSchemaWithDictionaries(&messages->decoder, &messages->schema,
                                                         &messages->encodings, &why),
                &why);
}

static inline void
labels_append(Labels *labels, const struct ArrowArray *array, bool is_large)
{
    struct ArrowArrayView view;

    ArrowArrayViewInitFromType(&view,
                               is_large ? NANOARROW_TYPE_LARGE_STRING : NANOARROW_TYPE_STRING);
    assert_int_equal(ArrowArrayViewSetArray(&view, array, NULL), NANOARROW_OK);
    labels->texts =
        realloc(labels->texts, (labels->count + (size_t) array->length + 1) * sizeof(char *));
    assert_non_null(labels->texts);
    for (int64_t i = 0; i < array->length; i++) {
        struct ArrowStringView text = ArrowArrayViewGetStringUnsafe(&view, i);

        labels->texts[labels->count] = strndup(text.data, (size_t) text.size_bytes);
        assert_non_null(labels->texts[labels->count++]);
    }
    ArrowArrayViewReset(&view);
}

static inline void
messages_dictionary(Messages *messages, struct ArrowBufferView body)
{
    struct ArrowIpcDictionaryBatch batch = *messages->decoder.dictionary;
    Labels *labels = &messages->labels[batch.id];
    const struct ArrowIpcDictionaryEncoding *encoding =
        ArrowIpcDictionaryEncodingsFindById(&messages->encodings, batch.id);
    struct ArrowIpcDictionaries one, *into = &messages->dictionaries;
    const struct ArrowArray *value;
    struct ArrowError why = { { 0 } };

    assert_true(batch.id < MAX_DICTIONARIES);
    /* nanoarrow 0.9 takes every dictionary for one that is not compressed. */
    if (messages->is_compressed) {
        batch.is_delta ? labels->deltas++ : labels->replacements++;
        return;
    }
    if (batch.is_delta) {
        assert_nano(ArrowIpcDictionariesInit(&one, &messages->encodings, &why), &why);
        into = &one;
        labels->deltas++;
    } else {
        labels->replacements++;
        labels_clear(labels);
    }
    assert_nano(ArrowIpcDecoderDecodeDictionary(&messages->decoder, body,
                                                NANOARROW_VALIDATION_LEVEL_FULL, into, &why),
                &why);
    assert_nano(ArrowIpcDictionariesFindCurrentValue(into, batch.id, &value, &why), &why);
    labels_append(labels, value, strcmp(encoding->schema->dictionary->format, "U") == 0);
    if (batch.is_delta)
        ArrowIpcDictionariesReset(&one);
}

static inline void
messages_batch(Messages *messages, struct ArrowBufferView body)
{
    struct ArrowError why = { { 0 } };

    messages_forget_batch(messages);
    messages->body_size = messages->decoder.body_size_bytes;
    /* Not more: a delta may have labels that nanoarrow's dictionary has not. */
    assert_nano(ArrowIpcDecoderDecodeArrayWithDictionaries(
                    &messages->decoder, body, -1, &messages->dictionaries, &messages->batch,
                    NANOARROW_VALIDATION_LEVEL_DEFAULT, &why),
                &why);
    assert_nano(ArrowArrayViewInitFromSchema(&messages->view, &messages->schema, &why), &why);
    assert_nano(ArrowArrayViewSetArray(&messages->view, &messages->batch, &why), &why);
}

/* Messages, whole ones. */
static inline void
messages_read(Messages *messages, const uint8_t *bytes, size_t len)
{
    struct ArrowBufferView rest = { .data.as_uint8 = bytes, .size_bytes = (int64_t) len }, body;
    struct ArrowError why = { { 0 } };

    while (rest.size_bytes > 0) {
        ArrowErrorCode code = ArrowIpcDecoderVerifyHeader(&messages->decoder, rest, &why);

        if (code == ENODATA) {
            messages->is_complete = true;
            assert_int_equal(rest.size_bytes, IDC_IPC_END_SIZE);
            return;
        }
        assert_nano(code, &why);
        assert_nano(ArrowIpcDecoderDecodeHeader(&messages->decoder, rest, &why), &why);
        assert_int_equal(messages->decoder.header_size_bytes % 8, 0);
        assert_int_equal(messages->decoder.body_size_bytes % 8, 0);
        rest.data.as_uint8 += messages->decoder.header_size_bytes;
        rest.size_bytes -= messages->decoder.header_size_bytes;
        body = rest;
        body.size_bytes = messages->decoder.body_size_bytes;
        assert_true(body.size_bytes <= rest.size_bytes);
        if (messages->decoder.message_type == NANOARROW_IPC_MESSAGE_TYPE_SCHEMA)
            messages_schema(messages);
        else if (messages->decoder.message_type == NANOARROW_IPC_MESSAGE_TYPE_DICTIONARY_BATCH)
            messages_dictionary(messages, body);
        else
            messages_batch(messages, body);
        rest.data.as_uint8 += body.size_bytes;
        rest.size_bytes -= body.size_bytes;
    }
}

/* The text of a row in a column that is a dictionary's. */
static inline const char *
messages_label(const Messages *messages, int64_t column, size_t dictionary, int64_t row)
{
    const struct ArrowArrayView *view = messages->view.children[column];
    int64_t number;

    if (ArrowArrayViewIsNull(view, row))
        return NULL;
    number = ArrowArrayViewGetIntUnsafe(view, row);
    assert_in_range(number, 0, messages->labels[dictionary].count - 1);
    return messages->labels[dictionary].texts[number];
}

#endif
