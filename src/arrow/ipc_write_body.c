/*
 * ipc_write_body.c - the bytes of a message's buffers: copied, narrowed or compressed.
 *
 * In:   buffers of ipc_write_layout.c
 * Out:  a body, each buffer padded to 8 bytes
 *
 * Arrow's BodyCompression: a buffer that is not empty begins with its length before compression
 * (int64, little-endian), or with -1 where the bytes follow as they are because compression does
 * not make them fewer.
 */
#include "arrow/compress.h"
#include "arrow/ipc_writer.h"
#include "arrow/numeric.h"
#include "base/memory.h"

/* Shorter ones do not shrink by more than a frame's own header. */
enum { WORTH_COMPRESSING = 64 };

/* Offsets counted from the first, at any address; eight at a time, which compilers vectorise. */
#define DEFINE_STORE_OFFSETS(name, type)                                                           \
    static void name(uint8_t *restrict target, const int64_t *restrict offsets, size_t count,      \
                     int64_t first)                                                                \
    {                                                                                              \
        typedef type __attribute__((aligned(1), may_alias)) Unaligned;                             \
        Unaligned *next = (Unaligned *) target;                                                    \
                                                                                                   \
        for (; count >= 8; count -= 8, offsets += 8, next += 8)                                    \
            for (size_t i = 0; i < 8; i++)                                                         \
                next[i] = (type) (offsets[i] - first);                                             \
        for (size_t i = 0; i < count; i++)                                                         \
            next[i] = (type) (offsets[i] - first);                                                 \
    }

DEFINE_STORE_OFFSETS(store_offsets_32, int32_t)
DEFINE_STORE_OFFSETS(store_offsets_64, int64_t)

/* The buffer as it is without compression. */
static void
store_plain(const IdcIpcBuffer *buffer, uint8_t *target)
{
    switch (buffer->copy) {
    case IDC_IPC_COPY:
        if (buffer->size > 0)
            memcpy(target, buffer->source, buffer->size);
        break;
    case IDC_IPC_OFFSETS_32:
        store_offsets_32(target, buffer->source, buffer->size / sizeof(int32_t), buffer->first);
        break;
    case IDC_IPC_OFFSETS_64:
        store_offsets_64(target, buffer->source, buffer->size / sizeof(int64_t), buffer->first);
        break;
    case IDC_IPC_FLOAT64:
        idc_decimals_to_float64(buffer->source, buffer->size / sizeof(double), (int) buffer->first,
                                target);
        break;
    }
}

static bool
is_compressed(const IdcIpcWriter *writer, const IdcIpcBuffer *buffer)
{
    return writer->options.compression != IDC_IPC_PLAIN && buffer->size > 0;
}

size_t
idc_ipc_stored_size(const IdcIpcWriter *writer, const IdcIpcBuffer *buffer)
{
    if (!is_compressed(writer, buffer))
        return buffer->size;
    return IDC_COMPRESS_PREFIX + (buffer->frame_size > 0 ? buffer->frame_size : buffer->size);
}

uint8_t *
idc_ipc_store(const IdcIpcWriter *writer, const IdcIpcBuffer *buffer, uint8_t *target)
{
    size_t size = idc_ipc_stored_size(writer, buffer);
    uint8_t *end = target + size;

    if (is_compressed(writer, buffer)) {
        uint64_t prefix = htole64(buffer->frame_size > 0 ? buffer->size : UINT64_MAX);

        memcpy(target, &prefix, sizeof prefix);
        target += sizeof prefix;
    }
    if (buffer->frame_size > 0)
        memcpy(target, writer->frames + buffer->frame, buffer->frame_size);
    else
        store_plain(buffer, target);
    memset(end, 0, idc_ipc_padded(size) - size);
    return end + (idc_ipc_padded(size) - size);
}

/* At least so much memory; what was in it is not needed any more. */
static bool
reserve(uint8_t **memory, size_t *capacity, size_t size)
{
    if (size <= *capacity)
        return true;
    idc_free(*memory);
    *memory = NULL;
    *capacity = 0;
    *memory = idc_malloc(size);
    if (*memory == NULL)
        return false;
    *capacity = size;
    return true;
}

/* Memory for the frames of all buffers, whatever becomes of them. */
static bool
reserve_frames(IdcIpcWriter *writer)
{
    size_t frames = 0, narrow = 0;

    for (size_t i = 0; i < writer->buffer_count; i++) {
        const IdcIpcBuffer *buffer = &writer->buffers[i];

        if (buffer->size < WORTH_COMPRESSING)
            continue;
        if (__builtin_add_overflow(
                frames, idc_compress_bound(writer->options.compression, buffer->size), &frames))
            return false;
        if (buffer->copy != IDC_IPC_COPY && buffer->size > narrow)
            narrow = buffer->size;
    }
    return frames <= PTRDIFF_MAX && reserve(&writer->frames, &writer->frames_capacity, frames) &&
           reserve(&writer->narrow, &writer->narrow_capacity, narrow);
}

IdcStatus
idc_ipc_compress(IdcIpcWriter *writer, IdcError *err)
{
    IdcCompressor compressor;
    size_t used = 0;

    if (writer->options.compression == IDC_IPC_PLAIN)
        return IDC_OK;
    /* All memory first: until the compressor is done there must be no error of a backend. */
    if (!reserve_frames(writer) || !idc_compressor_init(&compressor, writer->options.compression))
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < writer->buffer_count; i++) {
        IdcIpcBuffer *buffer = &writer->buffers[i];
        const uint8_t *source = buffer->source;

        if (buffer->size < WORTH_COMPRESSING)
            continue;
        if (buffer->copy != IDC_IPC_COPY) {
            store_plain(buffer, writer->narrow);
            source = writer->narrow;
        }
        buffer->frame = used;
        buffer->frame_size = idc_compress(&compressor, source, buffer->size, writer->frames + used,
                                          writer->frames_capacity - used);
        if (buffer->frame_size >= buffer->size)
            buffer->frame_size = 0;
        used += buffer->frame_size;
    }
    idc_compressor_done(&compressor);
    return IDC_OK;
}
