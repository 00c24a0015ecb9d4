/*
 * compress.h - the buffers of Arrow IPC smaller: LZ4 frames and ZSTD, one buffer at a time.
 *
 * In:   bytes of one buffer
 * Out:  a frame of it, or the other way round; the int64 length before a frame is the callers'
 *
 * A build without one of the libraries knows the codec but cannot use it: IDC_HAVE_LZ4 and
 * IDC_HAVE_ZSTD are 1 or 0, and follow the headers where nobody says which.
 */
#ifndef IDC_ARROW_COMPRESS_H
#define IDC_ARROW_COMPRESS_H

#include "arrow/ipc.h"

/* The length before a frame; -1 there says that the bytes follow as they are. */
enum { IDC_COMPRESS_PREFIX = 8 };

/*
 * What several buffers are compressed with. It may hold memory of the library, which no
 * PostgreSQL memory context knows: between init and done nothing may be called that can raise an
 * error there, such as idc_malloc.
 */
typedef struct IdcCompressor {
    IdcIpcCompression codec;
    void *context;
} IdcCompressor;

/* False if out of memory, or the build cannot compress so. */
bool idc_compressor_init(IdcCompressor *compressor, IdcIpcCompression codec);
void idc_compressor_done(IdcCompressor *compressor);

/* The most that idc_compress needs for `len` bytes; SIZE_MAX if so many cannot be compressed. */
size_t idc_compress_bound(IdcIpcCompression codec, size_t len);

/* The frame's size, or 0 if it failed or the frame has no room in `capacity` bytes. */
size_t idc_compress(IdcCompressor *compressor, const uint8_t *source, size_t len, uint8_t *target,
                    size_t capacity);

/*
 * Exactly target_len bytes from one whole frame; false if the frame is damaged, holds another
 * number of bytes, memory ran out or the build cannot decompress so. target may be partly written
 * then.
 */
IDC_CHECKED bool idc_decompress(IdcIpcCompression codec, const uint8_t *source, size_t len,
                                uint8_t *target, size_t target_len);

#endif
