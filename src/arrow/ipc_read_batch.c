/*
 * ipc_read_batch.c - a RecordBatch table and its body as a struct array.
 *
 * In:   a layout, a table and the bytes behind it, of unknown origin
 * Out:  an array whose children, buffers and pointers to both are one block of memory, counted by
 *       the arrays in it: a consumer may move any of them elsewhere
 */
#include <limits.h>

#include "arrow/compress.h"
#include "arrow/ipc_format.h"
#include "arrow/ipc_reader.h"
#include "base/buffer.h"
#include "base/memory.h"

/* Fields of the table RecordBatch. */
enum { BATCH_LENGTH, BATCH_NODES, BATCH_BUFFERS, BATCH_COMPRESSION };

enum { MAX_OWN_BUFFERS = 3, COPY_ALIGNMENT = 64 };

/*
 * How far one byte may expand: a sequence of LZ4 makes 255 of a byte at most, a block of ZSTD
 * 128 KiB of four.
 */
#define MAX_LZ4_RATIO 256
#define MAX_ZSTD_RATIO 65536

/*
 * What the arrays of a message lie in. array_count of them are counted in ref_count, until each is
 * released; then the rest goes.
 */
typedef struct IpcBlock {
    atomic_size_t ref_count;
    IdcIpcOwner owner;
    void *copies;     /* a buffer of base/buffer.h */
    IpcShared **held; /* dictionaries that arrays point into; never freed before */
    size_t held_count;
    struct ArrowArray *arrays;
    struct ArrowArray **pointers;
    const void **buffers;
} IpcBlock;

/* Where the next array of a block, and what is in it, comes from. */
typedef struct BatchReading {
    IdcIpcReader *reader;
    IpcBlock *block;
    IpcVector nodes;
    size_t node, buffer, array, pointer, own_buffer;
    IdcError *err;
} BatchReading;

/* For buffers without a byte: some consumers insist on a pointer. */
static const union {
    max_align_t alignment;
    uint8_t bytes[COPY_ALIGNMENT];
} nothing;

static IdcStatus
damaged(IdcError *err, const char *what)
{
    return idc_fail(err, IDC_SOURCE_FAILED, "damaged Arrow record batch: %s", what);
}

void
idc_ipc_shared_drop(IpcShared *shared)
{
    if (shared == NULL ||
        atomic_fetch_sub_explicit(&shared->ref_count, 1, memory_order_acq_rel) > 1)
        return;
    if (shared->array.release != NULL)
        shared->array.release(&shared->array);
    idc_free(shared);
}

static void
block_free(IpcBlock *block)
{
    if (block->owner.release != NULL)
        block->owner.release(block->owner.handle);
    for (size_t i = 0; i < block->held_count; i++)
        idc_ipc_shared_drop(block->held[i]);
    idc_buffer_free(block->copies);
    idc_free(block);
}

static void
array_release(struct ArrowArray *array)
{
    IpcBlock *block = array->private_data;

    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release != NULL)
            array->children[i]->release(array->children[i]);
    if (array->dictionary != NULL && array->dictionary->release != NULL)
        array->dictionary->release(array->dictionary);
    array->release = NULL;
    if (atomic_fetch_sub_explicit(&block->ref_count, 1, memory_order_acq_rel) == 1)
        block_free(block);
}

static IpcBlock *
block_new(const IdcLayout *layout)
{
    size_t held_size = layout->dictionary_count * sizeof(IpcShared *);
    size_t arrays_size = layout->array_count * sizeof(struct ArrowArray);
    size_t pointers_size = layout->pointer_count * sizeof(struct ArrowArray *);
    size_t buffers_size = layout->array_count * MAX_OWN_BUFFERS * sizeof(void *);
    size_t size;
    IpcBlock *block;
    char *memory;

    /* Sizes of a schema that is in memory already, in which each array takes more than here. */
    if (__builtin_add_overflow(sizeof *block + held_size, arrays_size, &size) ||
        __builtin_add_overflow(size, pointers_size + buffers_size, &size))
        return NULL;
    memory = idc_malloc(size);
    if (memory == NULL)
        return NULL;
    block = (IpcBlock *) memory;
    *block = (IpcBlock){ .arrays = (struct ArrowArray *) (memory + sizeof *block) };
    atomic_init(&block->ref_count, layout->array_count);
    block->pointers = (struct ArrowArray **) (memory + sizeof *block + arrays_size);
    block->buffers = (const void **) (memory + sizeof *block + arrays_size + pointers_size);
    block->held =
        (IpcShared **) (memory + sizeof *block + arrays_size + pointers_size + buffers_size);
    return block;
}

/* ---- buffers ---- */

/* What the bytes before a compressed buffer say: how long it is. */
static IdcStatus
buffer_expand(IpcBuffer *buffer, IdcIpcCompression compression, int64_t limit, IdcError *err)
{
    int64_t ratio = compression == IDC_IPC_LZ4 ? MAX_LZ4_RATIO : MAX_ZSTD_RATIO, size;
    uint64_t prefix;

    if (buffer->len == 0)
        return IDC_OK;
    if (buffer->len < IDC_COMPRESS_PREFIX)
        return damaged(err, "a compressed buffer without its length");
    memcpy(&prefix, buffer->data, sizeof prefix);
    size = (int64_t) le64toh(prefix);
    buffer->data += IDC_COMPRESS_PREFIX;
    buffer->len -= IDC_COMPRESS_PREFIX;
    if (size == -1)
        return IDC_OK;
    if (size < 0 || size > limit || size / ratio > (int64_t) buffer->len)
        return damaged(err, "a compressed buffer that claims an impossible length");
    buffer->source = buffer->data;
    buffer->source_len = buffer->len;
    buffer->len = (size_t) size;
    buffer->is_compressed = true;
    return IDC_OK;
}

static IdcStatus
compression_of(const IdcIpcReader *reader, const IpcTable *batch, IdcIpcCompression *compression,
               IdcError *err)
{
    IpcTable table = idc_ipc_table_table(batch, BATCH_COMPRESSION);
    int64_t codec;

    *compression = IDC_IPC_PLAIN;
    if (!idc_ipc_table_exists(&table))
        return IDC_OK;
    if (reader->uncompressed_limit == 0)
        return idc_fail(err, IDC_UNSUPPORTED, "compressed Arrow batches are not accepted here");
    codec = idc_ipc_table_number(&table, 0, 1, 0);
    if ((codec != CODEC_LZ4_FRAME && codec != CODEC_ZSTD) ||
        idc_ipc_table_number(&table, 1, 1, 0) != 0)
        return idc_fail(err, IDC_UNSUPPORTED, "this compression of Arrow is not supported");
    *compression = codec == CODEC_LZ4_FRAME ? IDC_IPC_LZ4 : IDC_IPC_ZSTD;
    if (!idc_ipc_can_compress(*compression))
        return idc_fail(err, IDC_UNSUPPORTED, "this build cannot decompress %s",
                        codec == 0 ? "LZ4" : "ZSTD");
    return IDC_OK;
}

/* Where each buffer lies, and how many bytes of copies there will be. */
static IdcStatus
buffers_find(IdcIpcReader *reader, const IpcBatchSource *source, IdcIpcCompression compression,
             size_t *copied, IdcError *err)
{
    IpcVector found = idc_ipc_table_vector(&source->table, BATCH_BUFFERS, 16);
    size_t source_left = source->body_len;
    int64_t total = 0;
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < found.count; i++) {
        int64_t offset = idc_ipc_vector_int64(&found, i, 0);
        int64_t len = idc_ipc_vector_int64(&found, i, 1);
        IpcBuffer *buffer = &reader->buffers[i];

        if (offset < 0 || len < 0 || (uint64_t) offset > source->body_len ||
            (uint64_t) len > source->body_len - (uint64_t) offset)
            return damaged(err, "a buffer that is not in its body");
        *buffer = (IpcBuffer){ .data = source->body + offset, .len = (size_t) len };
        if (compression != IDC_IPC_PLAIN)
            status = buffer_expand(buffer, compression, reader->uncompressed_limit, err);
        if (buffer->source == NULL && buffer->len > 0 &&
            (source->is_copied || (uintptr_t) buffer->data % 8 != 0)) {
            buffer->source = buffer->data;
            buffer->source_len = buffer->len;
        }
        if (buffer->source == NULL)
            continue;
        /* Buffers may lie on one another, but not where that multiplies what they take. */
        if (buffer->source_len > source_left)
            return damaged(err, "more buffers than its body can hold");
        source_left -= buffer->source_len;
        if (buffer->is_compressed && (total += (int64_t) buffer->len) > reader->uncompressed_limit)
            return damaged(err, "compressed buffers that claim an impossible length");
        *copied += (buffer->len + COPY_ALIGNMENT - 1) / COPY_ALIGNMENT * COPY_ALIGNMENT;
    }
    return status;
}

static IdcStatus
buffers_copy(IdcIpcReader *reader, size_t count, IdcIpcCompression compression, size_t size,
             IpcBlock *block, IdcError *err)
{
    uint8_t *target;

    block->copies = idc_buffer_resize(NULL, size + COPY_ALIGNMENT);
    if (block->copies == NULL)
        return idc_fail_no_memory(err);
    target = (uint8_t *) block->copies +
             (COPY_ALIGNMENT - (uintptr_t) block->copies % COPY_ALIGNMENT) % COPY_ALIGNMENT;
    for (size_t i = 0; i < count; i++) {
        IpcBuffer *buffer = &reader->buffers[i];

        if (buffer->source == NULL)
            continue;
        if (!buffer->is_compressed)
            memcpy(target, buffer->source, buffer->len);
        else if (!idc_decompress(compression, buffer->source, buffer->source_len, target,
                                 buffer->len))
            return damaged(err, "a compressed buffer cannot be decompressed");
        buffer->data = target;
        target += (buffer->len + COPY_ALIGNMENT - 1) / COPY_ALIGNMENT * COPY_ALIGNMENT;
    }
    return IDC_OK;
}

static IdcStatus
buffers_resolve(IdcIpcReader *reader, const IdcLayout *layout, IpcBatchSource *source,
                IpcBlock *block, IdcError *err)
{
    size_t count = layout->buffer_count - 1, copied = 0; /* without the root's own */
    IpcVector found = idc_ipc_table_vector(&source->table, BATCH_BUFFERS, 16);
    IdcIpcCompression compression;
    IdcStatus status = compression_of(reader, &source->table, &compression, err);

    if (status != IDC_OK)
        return status;
    if (found.count != count || source->table.metadata->is_broken)
        return damaged(err, "a number of buffers that does not fit its schema");
    if (count > reader->buffer_capacity) {
        IpcBuffer *buffers = idc_realloc(reader->buffers, count * sizeof *buffers);

        if (buffers == NULL)
            return idc_fail_no_memory(err);
        reader->buffers = buffers;
        reader->buffer_capacity = count;
    }
    status = buffers_find(reader, source, compression, &copied, err);
    if (status == IDC_OK && copied > 0)
        status = buffers_copy(reader, count, compression, copied, block, err);
    return status;
}

/* True if a buffer points into the body. */
static bool
is_body_used(const IdcIpcReader *reader, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (reader->buffers[i].len > 0 && reader->buffers[i].source == NULL)
            return true;
    return false;
}

/* ---- arrays ---- */

static struct ArrowArray *
next_array(BatchReading *reading, int buffer_count, size_t child_count)
{
    IpcBlock *block = reading->block;
    struct ArrowArray *array = &block->arrays[reading->array++];

    *array = (struct ArrowArray){ .n_buffers = buffer_count,
                                  .buffers = &block->buffers[reading->own_buffer],
                                  .n_children = (int64_t) child_count,
                                  .private_data = block,
                                  .release = array_release };
    for (int i = 0; i < buffer_count; i++)
        array->buffers[i] = NULL;
    reading->own_buffer += MAX_OWN_BUFFERS;
    if (child_count > 0)
        array->children = &block->pointers[reading->pointer];
    reading->pointer += child_count;
    return array;
}

/* Another array with the same buffers; the block holds what they lie in. */
static struct ArrowArray *
array_share(BatchReading *reading, const struct ArrowArray *original)
{
    struct ArrowArray *array =
        next_array(reading, (int) original->n_buffers, (size_t) original->n_children);

    array->length = original->length;
    array->null_count = original->null_count;
    array->offset = original->offset;
    for (int64_t i = 0; i < original->n_buffers; i++)
        array->buffers[i] = original->buffers[i];
    for (int64_t i = 0; i < original->n_children; i++)
        array->children[i] = array_share(reading, original->children[i]);
    if (original->dictionary != NULL)
        array->dictionary = array_share(reading, original->dictionary);
    return array;
}

/* Values of a dictionary that never came: all rows are NULL, or the message is damaged. */
static struct ArrowArray *
array_empty(BatchReading *reading, const IdcLayout *layout)
{
    int buffer_count = idc_layout_own_buffers(layout);
    struct ArrowArray *array = next_array(reading, buffer_count, layout->child_count);

    for (int i = 1; i < buffer_count; i++)
        array->buffers[i] = nothing.bytes;
    for (size_t i = 0; i < layout->child_count; i++)
        array->children[i] = array_empty(reading, &layout->children[i]);
    if (layout->dictionary != NULL)
        array->dictionary = array_empty(reading, layout->dictionary);
    return array;
}

/* The next buffer of the message; what has no bytes is somewhere nevertheless. */
static const uint8_t *
next_buffer(BatchReading *reading, size_t *len)
{
    const IpcBuffer *buffer = &reading->reader->buffers[reading->buffer++];

    *len = buffer->len;
    return buffer->len == 0 ? nothing.bytes : buffer->data;
}

static int64_t
count_set(const uint8_t *bits, int64_t length)
{
    int64_t count = 0, i = 0;

    for (; i + 64 <= length; i += 64) {
        uint64_t word;

        memcpy(&word, bits + i / 8, sizeof word);
        count += __builtin_popcountll(word);
    }
    for (; i < length; i++)
        count += bits[i / 8] >> (i % 8) & 1;
    return count;
}

static bool
holds(size_t len, int64_t count, size_t width)
{
    size_t needed;

    return !__builtin_mul_overflow((size_t) count, width, &needed) && needed <= len;
}

static bool
holds_bits(size_t len, int64_t count)
{
    return len >= (size_t) count / 8 + (count % 8 != 0);
}

static IdcStatus
read_validity(BatchReading *reading, struct ArrowArray *array)
{
    size_t len;
    const uint8_t *bits = next_buffer(reading, &len);

    if (array->null_count == 0)
        return IDC_OK;
    if (!holds_bits(len, array->length))
        return damaged(reading->err, "NULLs without their bits");
    if (count_set(bits, array->length) != array->length - array->null_count)
        return damaged(reading->err, "another number of NULLs than it says");
    array->buffers[0] = bits;
    return IDC_OK;
}

/* What offsets of lists lead into is not read yet: check_children proves them. */
static IdcStatus
read_offsets(BatchReading *reading, const IdcLayout *layout, struct ArrowArray *array)
{
    size_t len, bytes_len = 0;

    array->buffers[1] = next_buffer(reading, &len);
    if (layout->kind == IDC_LAYOUT_BYTES)
        array->buffers[2] = next_buffer(reading, &bytes_len);
    /* No rows may have no offsets at all. */
    if (array->length == 0 && len == 0)
        return IDC_OK;
    if (array->length == INT64_MAX || !holds(len, array->length + 1, layout->width))
        return damaged(reading->err, "fewer offsets than values");
    if (layout->kind == IDC_LAYOUT_BYTES &&
        !idc_ipc_offsets_are_valid(array->buffers[1], layout->width, array->length,
                                   bytes_len > INT64_MAX ? INT64_MAX : (int64_t) bytes_len))
        return damaged(reading->err, "offsets that fall or lead outside");
    return IDC_OK;
}

static IdcStatus
read_values(BatchReading *reading, const IdcLayout *layout, struct ArrowArray *array)
{
    size_t len;

    switch (layout->kind) {
    case IDC_LAYOUT_BITS:
        array->buffers[1] = next_buffer(reading, &len);
        if (!holds_bits(len, array->length))
            return damaged(reading->err, "a buffer shorter than its values");
        return IDC_OK;
    case IDC_LAYOUT_FIXED:
        array->buffers[1] = next_buffer(reading, &len);
        if (!holds(len, array->length, layout->width))
            return damaged(reading->err, "a buffer shorter than its values");
        return IDC_OK;
    case IDC_LAYOUT_BYTES:
    case IDC_LAYOUT_LIST:
        return read_offsets(reading, layout, array);
    default:
        return IDC_OK;
    }
}

/* How long children must be for their parent. */
static IdcStatus
check_children(BatchReading *reading, const IdcLayout *layout, const struct ArrowArray *array)
{
    int64_t needed;

    switch (layout->kind) {
    case IDC_LAYOUT_LIST:
        if (array->buffers[1] != (const void *) nothing.bytes &&
            !idc_ipc_offsets_are_valid(array->buffers[1], layout->width, array->length,
                                       array->children[0]->length))
            return damaged(reading->err, "offsets that fall or lead outside");
        if (layout->is_map && (array->children[0]->null_count != 0 ||
                               array->children[0]->children[0]->null_count != 0))
            return damaged(reading->err, "a map with a key that is NULL");
        return IDC_OK;
    case IDC_LAYOUT_FIXED_LIST:
        if (__builtin_mul_overflow(array->length, layout->list_size, &needed) ||
            array->children[0]->length < needed)
            return damaged(reading->err, "fewer items than its lists have");
        return IDC_OK;
    case IDC_LAYOUT_STRUCT:
        for (int64_t i = 0; i < array->n_children; i++)
            if (array->children[i]->length != array->length)
                return damaged(reading->err, "columns of different lengths");
        return IDC_OK;
    default:
        return IDC_OK;
    }
}

/* The block has a reference for each field that points to the dictionary. */
static struct ArrowArray *
dictionary_share(BatchReading *reading, const IdcLayout *layout)
{
    IpcShared *values = reading->reader->dictionaries[layout->dictionary_number].values;

    if (values == NULL)
        return array_empty(reading, layout->dictionary);
    (void) atomic_fetch_add_explicit(&values->ref_count, 1, memory_order_relaxed);
    reading->block->held[reading->block->held_count++] = values;
    return array_share(reading, &values->array);
}

static IdcStatus
read_dictionary(BatchReading *reading, const IdcLayout *layout, struct ArrowArray *array)
{
    array->dictionary = dictionary_share(reading, layout);
    if (!idc_ipc_indices_are_valid(array->buffers[1], layout->width, layout->is_signed,
                                   array->length, array->buffers[0], array->dictionary->length))
        return damaged(reading->err, "an index outside of its dictionary");
    return IDC_OK;
}

/* The layout's depth is limited, and with it this recursion. */
static IdcStatus
read_array(BatchReading *reading, const IdcLayout *layout, struct ArrowArray **result)
{
    size_t node = reading->node++;
    struct ArrowArray *array =
        next_array(reading, idc_layout_own_buffers(layout), layout->child_count);
    IdcStatus status = IDC_OK;

    array->length = idc_ipc_vector_int64(&reading->nodes, node, 0);
    array->null_count = idc_ipc_vector_int64(&reading->nodes, node, 1);
    *result = array;
    if (array->length < 0 || array->null_count < 0 || array->null_count > array->length)
        return damaged(reading->err, "a number of values that cannot be");
    if (layout->kind == IDC_LAYOUT_NULL)
        array->null_count = array->length;
    else
        status = read_validity(reading, array);
    if (status == IDC_OK)
        status = read_values(reading, layout, array);
    for (size_t i = 0; status == IDC_OK && i < layout->child_count; i++)
        status = read_array(reading, &layout->children[i], &array->children[i]);
    if (status == IDC_OK)
        status = check_children(reading, layout, array);
    if (status == IDC_OK && layout->dictionary != NULL)
        status = read_dictionary(reading, layout, array);
    return status;
}

/* The root is a struct that the message does not mention: its length is the batch's. */
static IdcStatus
read_columns(BatchReading *reading, const IdcLayout *layout, int64_t length)
{
    struct ArrowArray *root = next_array(reading, 1, layout->child_count);
    IdcStatus status = IDC_OK;

    root->length = length;
    for (size_t i = 0; status == IDC_OK && i < layout->child_count; i++)
        status = read_array(reading, &layout->children[i], &root->children[i]);
    return status == IDC_OK ? check_children(reading, layout, root) : status;
}

IdcStatus
idc_ipc_batch_read(IdcIpcReader *reader, const IdcLayout *layout, IpcBatchSource *source,
                   struct ArrowArray *batch, IdcError *err)
{
    BatchReading reading = { .reader = reader, .err = err };
    int64_t length = idc_ipc_table_number(&source->table, BATCH_LENGTH, 8, 0);
    IdcStatus status;

    reading.nodes = idc_ipc_table_vector(&source->table, BATCH_NODES, 16);
    if (source->table.metadata->is_broken || !idc_ipc_table_exists(&source->table) || length < 0)
        return damaged(err, "an offset leads outside of the message");
    if (reading.nodes.count != layout->node_count - 1)
        return damaged(err, "a number of columns that does not fit its schema");
    reading.block = block_new(layout);
    if (reading.block == NULL)
        return idc_fail_no_memory(err);
    status = buffers_resolve(reader, layout, source, reading.block, err);
    if (status == IDC_OK)
        status = read_columns(&reading, layout, length);
    if (status != IDC_OK) {
        block_free(reading.block);
        return status;
    }
    if (is_body_used(reader, layout->buffer_count - 1)) {
        reading.block->owner = source->owner;
        source->owner.release = NULL;
    }
    *batch = reading.block->arrays[0];
    return IDC_OK;
}
