/*
 * ipc_read.c - an Arrow IPC stream, message by message.
 *
 * In:   encapsulated messages of unknown origin
 * Out:  the schema, dictionaries that stay until they are replaced, record batches
 * Next: hub/result.c, gather.c
 */
#include "arrow/ipc_reader.h"

#include "arrow/gather.h"
#include "arrow/ipc_format.h"
#include "base/memory.h"
#include "base/text.h"

/* Before the length, except in streams of Arrow 0.14 and older. */
#define CONTINUATION UINT32_C(0xFFFFFFFF)

/* One message: its metadata, and the body that follows. */
typedef struct IpcMessage {
    IpcMetadata metadata;
    IpcTable table;
    IpcTable header;
    const uint8_t *body;
    size_t body_len;
} IpcMessage;

static IdcStatus
damaged(IdcError *err, const char *what)
{
    return idc_fail(err, IDC_SOURCE_FAILED, "damaged Arrow stream: %s", what);
}

IdcStatus
idc_ipc_reader_new(IdcIpcReader **reader, IdcError *err)
{
    IdcIpcReader *made = idc_calloc(1, sizeof *made);

    if (made == NULL)
        return idc_fail_no_memory(err);
    made->uncompressed_limit = IDC_IPC_MAX_UNCOMPRESSED;
    *reader = made;
    return IDC_OK;
}

void
idc_ipc_reader_set_limit(IdcIpcReader *reader, int64_t uncompressed_bytes)
{
    reader->uncompressed_limit = uncompressed_bytes;
}

void
idc_ipc_reader_free(IdcIpcReader *reader)
{
    if (reader == NULL)
        return;
    for (size_t i = 0; i < reader->dictionary_count; i++)
        idc_ipc_shared_drop(reader->dictionaries[i].values);
    idc_free(reader->dictionaries);
    idc_layout_free(reader->layout);
    if (reader->schema.release != NULL)
        reader->schema.release(&reader->schema);
    idc_free(reader->buffers);
    idc_free(reader);
}

const struct ArrowSchema *
idc_ipc_reader_schema(const IdcIpcReader *reader)
{
    return reader->schema.release != NULL ? &reader->schema : NULL;
}

bool
idc_ipc_reader_is_complete(const IdcIpcReader *reader)
{
    return reader->is_complete && !reader->is_broken;
}

int64_t
idc_ipc_reader_unrepresentable(const IdcIpcReader *reader)
{
    return reader->unrepresentable;
}

/* ---- schema ---- */

/* The same walk as idc_layout_new's, which numbered the dictionaries. */
static void
dictionaries_place(IdcIpcReader *reader, const struct ArrowSchema *schema, const IdcLayout *layout)
{
    if (layout->dictionary != NULL) {
        IpcDictionary *dictionary = &reader->dictionaries[layout->dictionary_number];

        dictionary->layout = layout->dictionary;
        dictionary->type = schema->dictionary;
        dictionaries_place(reader, schema->dictionary, layout->dictionary);
    }
    for (size_t i = 0; i < layout->child_count; i++)
        dictionaries_place(reader, schema->children[i], &layout->children[i]);
}

/* The first entry of the id; NULL: no field has it. */
static IpcDictionary *
dictionary_of(IdcIpcReader *reader, int64_t id)
{
    for (size_t i = 0; i < reader->dictionary_count; i++)
        if (reader->dictionaries[i].id == id)
            return &reader->dictionaries[i];
    return NULL;
}

static IdcStatus
dictionaries_init(IdcIpcReader *reader, const int64_t *ids, size_t id_count, IdcError *err)
{
    if (id_count == 0)
        return IDC_OK;
    if (id_count != reader->layout->dictionary_count)
        return damaged(err, "another number of dictionaries than it says");
    reader->dictionaries = idc_calloc(id_count, sizeof *reader->dictionaries);
    if (reader->dictionaries == NULL)
        return idc_fail_no_memory(err);
    reader->dictionary_count = id_count;
    for (size_t i = 0; i < id_count; i++)
        reader->dictionaries[i].id = ids[i];
    dictionaries_place(reader, &reader->schema, reader->layout);
    for (size_t i = 0; i < id_count; i++)
        if (!idc_layout_equals(reader->dictionaries[i].layout,
                               dictionary_of(reader, ids[i])->layout))
            return damaged(err, "one dictionary with two types");
    return IDC_OK;
}

static IdcStatus
read_schema(IdcIpcReader *reader, const IpcMessage *message, IdcError *err)
{
    int64_t *ids = NULL;
    size_t id_count = 0;
    IdcStatus status;

    if (reader->schema.release != NULL)
        return damaged(err, "a second schema");
    status = idc_ipc_schema_read(&message->header, &reader->schema, &ids, &id_count, err);
    if (status == IDC_OK)
        status = idc_layout_new(&reader->schema, &reader->layout, err);
    if (status == IDC_OK)
        status = dictionaries_init(reader, ids, id_count, err);
    idc_free(ids);
    return status;
}

/* ---- dictionaries ---- */

/* A batch of one column, and that column alone as an array. */
static IdcStatus
read_values(IdcIpcReader *reader, const IpcMessage *message, const IdcLayout *layout,
            struct ArrowArray *values, IdcError *err)
{
    /* A field of a struct that only reads it: nothing is freed through it. */
    union {
        const IdcLayout *original;
        IdcLayout *child;
    } only = { .original = layout };
    IdcLayout root = { .kind = IDC_LAYOUT_STRUCT,
                       .child_count = 1,
                       .children = only.child,
                       .array_count = 1 + layout->array_count,
                       .pointer_count = 1 + layout->pointer_count,
                       .node_count = 1 + layout->node_count,
                       .buffer_count = 1 + layout->buffer_count,
                       .dictionary_count = layout->dictionary_count };
    IpcBatchSource source = { .table = idc_ipc_table_table(&message->header, 1),
                              .body = message->body,
                              .body_len = message->body_len,
                              .is_copied = true };
    struct ArrowArray batch;
    IdcStatus status = idc_ipc_batch_read(reader, &root, &source, &batch, err);

    if (status != IDC_OK)
        return status;
    *values = *batch.children[0];
    batch.children[0]->release = NULL;
    batch.release(&batch);
    return IDC_OK;
}

/* What is known already, and the new values behind it. Batches read before keep what they have. */
static IdcStatus
join_delta(const IpcDictionary *dictionary, struct ArrowArray *values, IdcError *err)
{
    const struct ArrowArray *parts[] = { &dictionary->values->array, values };
    struct ArrowArray joined;
    IdcStatus status;

    status = idc_arrays_concat(dictionary->type, parts, 2, &joined, err);
    if (status != IDC_OK)
        return status;
    values->release(values);
    *values = joined;
    return IDC_OK;
}

static IdcStatus
read_dictionary(IdcIpcReader *reader, const IpcMessage *message, IdcError *err)
{
    int64_t id = idc_ipc_table_number(&message->header, 0, 8, 0);
    bool is_delta = idc_ipc_table_number(&message->header, 2, 1, 0) != 0;
    IpcDictionary *dictionary = dictionary_of(reader, id);
    struct ArrowArray values = { 0 };
    IpcShared *shared = NULL;
    IdcStatus status;

    if (dictionary == NULL)
        return damaged(err, "a dictionary that no column has");
    status = read_values(reader, message, dictionary->layout, &values, err);
    if (status == IDC_OK && is_delta && dictionary->values != NULL)
        status = join_delta(dictionary, &values, err);
    if (status == IDC_OK && (shared = idc_malloc(sizeof *shared)) == NULL)
        status = idc_fail_no_memory(err);
    if (status != IDC_OK) {
        if (values.release != NULL)
            values.release(&values);
        return status;
    }
    shared->array = values;
    atomic_init(&shared->ref_count, 1);
    for (size_t i = 0; i < reader->dictionary_count; i++) {
        if (reader->dictionaries[i].id != id)
            continue;
        idc_ipc_shared_drop(reader->dictionaries[i].values);
        reader->dictionaries[i].values = shared;
        (void) atomic_fetch_add_explicit(&shared->ref_count, 1, memory_order_relaxed);
    }
    idc_ipc_shared_drop(shared);
    return IDC_OK;
}

/* ---- record batches ---- */

static IdcStatus
read_unrepresentable(IdcIpcReader *reader, const IpcMessage *message, IdcError *err)
{
    static const char key[] = "instant:unrepresentable";
    IpcVector pairs = idc_ipc_table_vector(&message->table, MESSAGE_METADATA, 4);

    for (size_t i = 0; i < pairs.count; i++) {
        IpcTable pair = idc_ipc_vector_table(&pairs, i);
        IpcString name = idc_ipc_table_string(&pair, 0), value = idc_ipc_table_string(&pair, 1);
        char digits[24] = "";
        int64_t count;

        if (name.len != strlen(key) || memcmp(name.data, key, name.len) != 0)
            continue;
        if (value.len < sizeof digits)
            memcpy(digits, value.data, value.len);
        if (strlen(digits) != value.len || !idc_int64_parse(digits, &count) || count < 0)
            return damaged(err, "a count that is no number");
        reader->unrepresentable = count;
    }
    return message->metadata.is_broken ? damaged(err, "metadata outside of the message") : IDC_OK;
}

static IdcStatus
read_batch(IdcIpcReader *reader, const IpcMessage *message, IdcIpcOwner *owner,
           struct ArrowArray *batch, IdcError *err)
{
    IpcBatchSource source = { .table = message->header,
                              .body = message->body,
                              .body_len = message->body_len,
                              .owner = *owner };
    IdcStatus status;

    if (batch->release != NULL)
        return damaged(err, "two record batches where one was due");
    status = idc_ipc_batch_read(reader, reader->layout, &source, batch, err);
    *owner = source.owner;
    return status == IDC_OK ? read_unrepresentable(reader, message, err) : status;
}

/* ---- messages ---- */

static IdcStatus
read_message(IdcIpcReader *reader, IpcMessage *message, IdcIpcOwner *owner,
             struct ArrowArray *batch, IdcError *err)
{
    int64_t type = idc_ipc_table_number(&message->table, MESSAGE_TYPE, 1, 0);

    message->header = idc_ipc_table_table(&message->table, MESSAGE_HEADER);
    /* What the table's own reader saw is in its metadata, which the message holds. */
    if (message->metadata.is_broken || !idc_ipc_table_exists(&message->header))
        return damaged(err, "an offset leads outside of the message");
    if (type == HEADER_SCHEMA)
        return read_schema(reader, message, err);
    if (type != HEADER_DICTIONARY_BATCH && type != HEADER_RECORD_BATCH)
        return idc_fail(err, IDC_UNSUPPORTED, "an Arrow message of kind %d is not supported",
                        (int) type);
    if (reader->schema.release == NULL)
        return damaged(err, "data before its schema");
    if (type == HEADER_DICTIONARY_BATCH)
        return read_dictionary(reader, message, err);
    return read_batch(reader, message, owner, batch, err);
}

/*
 * The length of the metadata at the beginning of bytes, and where it begins; length 0 is the end of
 * the stream.
 */
static bool
prefix_parse(const uint8_t *bytes, size_t len, size_t *prefix_len, size_t *metadata_len)
{
    uint32_t word;

    *prefix_len = sizeof word;
    if (len < sizeof word)
        return false;
    memcpy(&word, bytes, sizeof word);
    word = le32toh(word);
    if (word == CONTINUATION) {
        *prefix_len = 2 * sizeof word;
        if (len < 2 * sizeof word)
            return false;
        memcpy(&word, bytes + sizeof word, sizeof word);
        word = le32toh(word);
    }
    *metadata_len = word;
    return word <= INT32_MAX && word <= len - *prefix_len;
}

/* The message at the beginning of bytes; *used says where the next begins. */
static IdcStatus
next_message(IdcIpcReader *reader, const uint8_t *bytes, size_t len, size_t *used,
             IdcIpcOwner *owner, struct ArrowArray *batch, IdcError *err)
{
    size_t prefix_len, metadata_len;
    IpcMessage message = { 0 };
    int64_t body_len, version;

    if (reader->is_complete)
        return damaged(err, "bytes after its end");
    if (!prefix_parse(bytes, len, &prefix_len, &metadata_len))
        return damaged(err, "a message is cut off");
    *used = prefix_len + metadata_len;
    if (metadata_len == 0) {
        if (reader->schema.release == NULL)
            return damaged(err, "it ends before its schema");
        reader->is_complete = true;
        return IDC_OK;
    }
    message.metadata = (IpcMetadata){ .bytes = bytes + prefix_len, .len = metadata_len };
    message.table = idc_ipc_table_root(&message.metadata);
    body_len = idc_ipc_table_number(&message.table, MESSAGE_BODY_LENGTH, 8, 0);
    version = idc_ipc_table_number(&message.table, MESSAGE_VERSION, 2, 0);
    if (message.metadata.is_broken || body_len < 0)
        return damaged(err, "an offset leads outside of the message");
    if (version != VERSION_4 && version != VERSION_5)
        return idc_fail(err, IDC_UNSUPPORTED, "this version of Arrow's metadata is not supported");
    if ((uint64_t) body_len > len - *used)
        return damaged(err, "a message is cut off");
    message.body = bytes + *used;
    message.body_len = (size_t) body_len;
    *used += message.body_len;
    return read_message(reader, &message, owner, batch, err);
}

IdcStatus
idc_ipc_read(IdcIpcReader *reader, const uint8_t *bytes, size_t len, IdcIpcOwner owner,
             struct ArrowArray *batch, IdcError *err)
{
    struct ArrowArray made = { 0 };
    size_t position = 0, used = 0;
    IdcStatus status = IDC_OK;

    if (reader->is_broken)
        status = idc_fail(err, IDC_MISUSE, "the Arrow stream failed before");
    for (; status == IDC_OK && position < len; position += used)
        status = next_message(reader, bytes + position, len - position, &used, &owner, &made, err);
    if (status == IDC_OK) {
        *batch = made;
    } else {
        reader->is_broken = true;
        if (made.release != NULL)
            made.release(&made);
    }
    if (owner.release != NULL)
        owner.release(owner.handle);
    return status;
}
