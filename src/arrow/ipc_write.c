/*
 * ipc_write.c - a batch builder's rows as messages of Arrow's IPC format.
 *
 * In:   an IdcBatchBuilder
 * Out:  the schema message, then dictionary and record batch messages, in memory of the caller
 * Next: ipc_read.c on the other side
 *
 * Preparing writes the heads (they say where each buffer will be) and notes where the buffers are;
 * emitting copies each buffer once. A PostgreSQL backend links this: where memory runs out there,
 * idc_malloc does not return, and what was prepared is simply forgotten.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "arrow/ipc_format.h"
#include "arrow/ipc_writer.h"
#include "base/memory.h"

const uint8_t idc_ipc_end[IDC_IPC_END_SIZE] = { 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0 };

/* Arrays for the biggest batch there can be: they never grow. */
static bool
allocate(IdcIpcWriter *writer)
{
    const IdcIpcOptions *options = &writer->options;
    const IdcBatchBuilder *builder = writer->builder;
    size_t nodes = 0, dictionaries = 0;

    writer->column_count = options->columns != NULL ? options->column_count : builder->column_count;
    writer->columns = idc_calloc(writer->column_count + 1, sizeof *writer->columns);
    if (writer->columns == NULL)
        return false;
    for (size_t i = 0; i < writer->column_count; i++) {
        writer->columns[i] = &builder->columns[options->columns != NULL ? options->columns[i] : i];
        idc_ipc_count(writer->columns[i], &nodes, &dictionaries);
    }
    writer->messages = idc_calloc(dictionaries + 1, sizeof *writer->messages);
    /* One for each array, which is a column or the labels of one; three buffers each. */
    writer->nodes = idc_calloc(nodes + dictionaries + 1, sizeof *writer->nodes);
    writer->buffers = idc_calloc((nodes + dictionaries) * 3 + 1, sizeof *writer->buffers);
    writer->dictionaries = idc_calloc(dictionaries + 1, sizeof *writer->dictionaries);
    return writer->messages != NULL && writer->nodes != NULL && writer->buffers != NULL &&
           writer->dictionaries != NULL;
}

IdcStatus
idc_ipc_writer_new(IdcBatchBuilder *builder, const IdcIpcOptions *options, IdcIpcWriter **writer,
                   IdcError *err)
{
    IdcIpcWriter *made;

    if (!idc_ipc_can_compress(options->compression))
        return idc_fail(err, IDC_UNSUPPORTED, "this build cannot compress with %s",
                        options->compression == IDC_IPC_LZ4 ? "lz4" : "zstd");
    made = idc_calloc(1, sizeof *made);
    if (made == NULL)
        return idc_fail_no_memory(err);
    made->builder = builder;
    made->options = *options;
    if (!allocate(made)) {
        idc_ipc_writer_free(made);
        return idc_fail_no_memory(err);
    }
    *writer = made;
    return IDC_OK;
}

void
idc_ipc_writer_free(IdcIpcWriter *writer)
{
    if (writer == NULL)
        return;
    idc_flat_done(&writer->flat);
    idc_free(writer->columns);
    idc_free(writer->messages);
    idc_free(writer->nodes);
    idc_free(writer->buffers);
    idc_free(writer->dictionaries);
    idc_free(writer->frames);
    idc_free(writer->narrow);
    idc_free(writer);
}

/* Metadata of one pair, the value in decimal digits. */
static void
write_count(IdcFlat *flat, size_t slot, const char *key, int64_t count)
{
    char digits[24];

    (void) snprintf(digits, sizeof digits, "%" PRId64, count);
    idc_ipc_write_metadata(flat, slot, key, digits);
}

static void
forget_prepared(IdcIpcWriter *writer)
{
    idc_flat_clear(&writer->flat);
    writer->message_count = writer->node_count = writer->buffer_count = 0;
    writer->is_batch = false;
}

/* The bytes of all messages; too many only where memory is broken. */
static IdcStatus
prepared_size(IdcIpcWriter *writer, size_t *size, IdcError *err)
{
    size_t sum = writer->flat.len;

    if (writer->flat.is_broken)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < writer->buffer_count; i++)
        sum += idc_ipc_padded(idc_ipc_stored_size(writer, &writer->buffers[i]));
    *size = sum;
    return IDC_OK;
}

IdcStatus
idc_ipc_prepare_schema(IdcIpcWriter *writer, size_t *size, IdcError *err)
{
    IdcStatus status = idc_batch_settle_dictionaries(writer->builder, err);

    if (status != IDC_OK)
        return status;
    forget_prepared(writer);
    idc_ipc_schema_head(writer);
    writer->messages[writer->message_count++] = (IdcIpcMessage){ .head = { 0, writer->flat.len } };
    writer->has_schema = true;
    return prepared_size(writer, size, err);
}

/* The nodes of a table RecordBatch. */
static void
write_nodes(IdcIpcWriter *writer, size_t slot, IdcIpcRange nodes)
{
    IdcFlat *flat = &writer->flat;
    size_t at = idc_flat_vector(flat, slot, nodes.count, 16, 8);

    for (size_t i = 0; i < nodes.count; i++, at += 16) {
        const IdcIpcNode *node = &writer->nodes[nodes.first + i];

        idc_flat_set(flat, at, 8, node->length);
        idc_flat_set(flat, at + 8, 8, node->null_count);
    }
}

/* Its buffers, each where the one before ends; returns where the last one does. */
static size_t
write_buffers(IdcIpcWriter *writer, size_t slot, IdcIpcRange buffers)
{
    IdcFlat *flat = &writer->flat;
    size_t at = idc_flat_vector(flat, slot, buffers.count, 16, 8), end = 0;

    for (size_t i = 0; i < buffers.count; i++, at += 16) {
        size_t size = idc_ipc_stored_size(writer, &writer->buffers[buffers.first + i]);

        idc_flat_set(flat, at, 8, (int64_t) end);
        idc_flat_set(flat, at + 8, 8, (int64_t) size);
        end += idc_ipc_padded(size);
    }
    return end;
}

/* The table RecordBatch; returns the size of the body. */
static size_t
write_batch(IdcIpcWriter *writer, size_t slot, const IdcIpcMessage *message, int64_t length)
{
    IdcFlat *flat = &writer->flat;
    bool is_compressed = writer->options.compression != IDC_IPC_PLAIN;
    IdcFlatTable batch = idc_flat_table(flat, slot, is_compressed ? "8444" : "844");
    size_t body_size;

    idc_flat_set(flat, batch.fields[0], 8, length);
    write_nodes(writer, batch.fields[1], message->nodes);
    body_size = write_buffers(writer, batch.fields[2], message->buffers);
    if (is_compressed) {
        IdcFlatTable compression = idc_flat_table(flat, batch.fields[3], "11");

        idc_flat_set(flat, compression.fields[0], 1,
                     writer->options.compression == IDC_IPC_ZSTD ? CODEC_ZSTD : CODEC_LZ4_FRAME);
    }
    return body_size;
}

/* A dictionary's message, or the batch's. */
static void
write_head(IdcIpcWriter *writer, IdcIpcMessage *message)
{
    IdcFlat *flat = &writer->flat;
    size_t begin = idc_flat_begin(flat), body_size;
    int64_t unrepresentable = idc_batch_unrepresentable_count(writer->builder);
    bool has_metadata = message->dictionary == NULL && writer->is_batch && unrepresentable > 0;
    IdcFlatTable table =
        idc_flat_table(flat, begin + IDC_FLAT_ROOT, has_metadata ? "21484" : "2148");

    idc_flat_set(flat, table.fields[MESSAGE_VERSION], 2, VERSION_5);
    if (message->dictionary != NULL) {
        IdcFlatTable dictionary = idc_flat_table(flat, table.fields[MESSAGE_HEADER], "841");

        idc_flat_set(flat, table.fields[MESSAGE_TYPE], 1, HEADER_DICTIONARY_BATCH);
        idc_flat_set(flat, dictionary.fields[0], 8, message->dictionary - writer->dictionaries);
        idc_flat_set(flat, dictionary.fields[2], 1, message->is_delta);
        body_size = write_batch(writer, dictionary.fields[1], message,
                                writer->nodes[message->nodes.first].length);
    } else {
        idc_flat_set(flat, table.fields[MESSAGE_TYPE], 1, HEADER_RECORD_BATCH);
        body_size = write_batch(writer, table.fields[MESSAGE_HEADER], message, writer->row_count);
    }
    idc_flat_set(flat, table.fields[MESSAGE_BODY_LENGTH], 8, (int64_t) body_size);
    if (has_metadata)
        write_count(flat, table.fields[MESSAGE_METADATA], "instant:unrepresentable",
                    unrepresentable);
    idc_flat_end(flat, begin);
    message->head = (IdcIpcRange){ begin, flat->len - begin };
}

/* A message whose nodes and buffers come next. */
static IdcIpcMessage *
message_begin(IdcIpcWriter *writer)
{
    IdcIpcMessage *message = &writer->messages[writer->message_count++];

    *message = (IdcIpcMessage){ .nodes = { writer->node_count, 0 },
                                .buffers = { writer->buffer_count, 0 } };
    return message;
}

static void
message_end(const IdcIpcWriter *writer, IdcIpcMessage *message)
{
    message->nodes.count = writer->node_count - message->nodes.first;
    message->buffers.count = writer->buffer_count - message->buffers.first;
}

/* What the reader does not know of a dictionary yet: all of it, or what was added. */
static IdcStatus
lay_out_dictionary(IdcIpcWriter *writer, const IdcIpcDictionary *sent, IdcError *err)
{
    const IdcDictionary *dictionary = sent->column->dictionary;
    bool is_known = sent->is_sent && sent->sent_generation == dictionary->generation;
    IdcIpcMessage *message;
    IdcStatus status;

    if (is_known && sent->sent_count == dictionary->count)
        return IDC_OK;
    message = message_begin(writer);
    message->dictionary = sent;
    message->is_delta = is_known;
    status = idc_ipc_lay_out_labels(writer, sent->column, is_known ? sent->sent_count : 0, err);
    message_end(writer, message);
    return status;
}

static IdcStatus
lay_out_batch(IdcIpcWriter *writer, IdcError *err)
{
    IdcStatus status = IDC_OK;
    IdcIpcMessage *message;

    for (size_t i = 0; status == IDC_OK && i < writer->dictionary_count; i++)
        status = lay_out_dictionary(writer, &writer->dictionaries[i], err);
    message = message_begin(writer);
    for (size_t i = 0; status == IDC_OK && i < writer->column_count; i++) {
        assert(writer->columns[i]->length == writer->row_count);
        status = idc_ipc_lay_out(writer, writer->columns[i], err);
    }
    message_end(writer, message);
    return status;
}

/* What was laid out gets its heads. */
static IdcStatus
finish_prepared(IdcIpcWriter *writer, IdcStatus status, size_t *size, IdcError *err)
{
    if (status == IDC_OK)
        status = idc_ipc_compress(writer, err);
    if (status != IDC_OK) {
        forget_prepared(writer);
        return status;
    }
    for (size_t i = 0; i < writer->message_count; i++)
        write_head(writer, &writer->messages[i]);
    return prepared_size(writer, size, err);
}

IdcStatus
idc_ipc_prepare_batch(IdcIpcWriter *writer, size_t *size, IdcError *err)
{
    if (!writer->has_schema)
        return idc_fail(err, IDC_MISUSE, "cannot write a batch before the schema");
    if (writer->builder->is_broken)
        return idc_fail(err, IDC_MISUSE, "cannot finish a batch after a row of it has failed");
    forget_prepared(writer);
    writer->row_count = writer->builder->row_count;
    writer->is_batch = true;
    return finish_prepared(writer, lay_out_batch(writer, err), size, err);
}

IdcStatus
idc_ipc_prepare_array(IdcIpcWriter *writer, const struct ArrowArray *batch, size_t *size,
                      IdcError *err)
{
    IdcIpcMessage *message;

    if (!writer->has_schema || batch->n_children != (int64_t) writer->column_count)
        return idc_fail(err, IDC_MISUSE, "cannot write a batch of another schema");
    forget_prepared(writer);
    writer->row_count = batch->length;
    message = message_begin(writer);
    for (size_t i = 0; i < writer->column_count; i++)
        idc_ipc_lay_out_array(writer, writer->columns[i], batch->children[i]);
    message_end(writer, message);
    return finish_prepared(writer, IDC_OK, size, err);
}

bool
idc_ipc_is_prepared(const IdcIpcWriter *writer, const uint8_t *bytes, size_t len)
{
    const IdcIpcRange *head = &writer->messages[0].head;
    size_t size = writer->flat.len;

    if (writer->message_count != 1 || writer->options.compression != IDC_IPC_PLAIN)
        return false;
    for (size_t i = 0; i < writer->buffer_count; i++)
        size += idc_ipc_padded(writer->buffers[i].size);
    return size == len && memcmp(bytes, writer->flat.bytes + head->first, head->count) == 0;
}

void
idc_ipc_emit(IdcIpcWriter *writer, uint8_t *target)
{
    assert(!writer->flat.is_broken);
    for (size_t i = 0; i < writer->message_count; i++) {
        const IdcIpcMessage *message = &writer->messages[i];

        memcpy(target, writer->flat.bytes + message->head.first, message->head.count);
        target += message->head.count;
        for (size_t j = 0; j < message->buffers.count; j++)
            target = idc_ipc_store(writer, &writer->buffers[message->buffers.first + j], target);
    }
    if (writer->is_batch) {
        for (size_t i = 0; i < writer->dictionary_count; i++) {
            IdcIpcDictionary *sent = &writer->dictionaries[i];

            sent->is_sent = true;
            sent->sent_count = sent->column->dictionary->count;
            sent->sent_generation = sent->column->dictionary->generation;
        }
        idc_batch_clear(writer->builder);
    }
    forget_prepared(writer);
}
