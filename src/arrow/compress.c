/*
 * compress.c - LZ4 frames and ZSTD, as Arrow's BodyCompression says.
 *
 * In:   whole buffers: a batch is in memory anyway, so nothing is streamed
 * Out:  frames of them, or what was in them
 * Next: ipc_write.c, ipc_read.c
 *
 * Only the stable functions of both libraries are called, so that a newer library fits.
 */
#include "arrow/compress.h"

#ifndef IDC_HAVE_LZ4
#if __has_include(<lz4frame.h>)
#define IDC_HAVE_LZ4 1
#else
#define IDC_HAVE_LZ4 0
#endif
#endif

#ifndef IDC_HAVE_ZSTD
#if __has_include(<zstd.h>)
#define IDC_HAVE_ZSTD 1
#else
#define IDC_HAVE_ZSTD 0
#endif
#endif

#if IDC_HAVE_LZ4
#include <lz4frame.h>
#endif
#if IDC_HAVE_ZSTD
#include <zstd.h>
#endif

/* Both libraries count frames in size_t, but not buffers near its end. */
#define MAX_LEN ((size_t) PTRDIFF_MAX / 2)

#if IDC_HAVE_LZ4
static size_t
lz4_compress(const uint8_t *source, size_t len, uint8_t *target, size_t capacity)
{
    LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
    size_t size;

    preferences.frameInfo.contentSize = len;
    if (capacity < LZ4F_compressFrameBound(len, &preferences))
        return 0;
    size = LZ4F_compressFrame(target, capacity, source, len, &preferences);
    return LZ4F_isError(size) ? 0 : size;
}

static bool
lz4_decompress(const uint8_t *source, size_t len, uint8_t *target, size_t target_len)
{
    LZ4F_dctx *context = NULL;
    size_t read = 0, written = 0, more = 1;

    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        return false;
    while (more != 0 && read < len) {
        size_t source_size = len - read, target_size = target_len - written;

        more = LZ4F_decompress(context, target + written, &target_size, source + read, &source_size,
                               NULL);
        if (LZ4F_isError(more) || (target_size == 0 && source_size == 0))
            break;
        read += source_size;
        written += target_size;
    }
    (void) LZ4F_freeDecompressionContext(context);
    return more == 0 && read == len && written == target_len;
}
#endif

#if IDC_HAVE_ZSTD
/* The fastest of its standard levels: the network should wait for the hub, not the other way. */
enum { ZSTD_LEVEL = 1 };

static size_t
zstd_compress(ZSTD_CCtx *context, const uint8_t *source, size_t len, uint8_t *target,
              size_t capacity)
{
    size_t size = ZSTD_compressCCtx(context, target, capacity, source, len, ZSTD_LEVEL);

    return ZSTD_isError(size) ? 0 : size;
}

static bool
zstd_decompress(const uint8_t *source, size_t len, uint8_t *target, size_t target_len)
{
    size_t size = ZSTD_decompress(target, target_len, source, len);

    return !ZSTD_isError(size) && size == target_len;
}
#endif

bool
idc_ipc_can_compress(IdcIpcCompression compression)
{
    switch (compression) {
    case IDC_IPC_PLAIN:
        return true;
    case IDC_IPC_LZ4:
        return IDC_HAVE_LZ4;
    case IDC_IPC_ZSTD:
        return IDC_HAVE_ZSTD;
    }
    return false;
}

bool
idc_compressor_init(IdcCompressor *compressor, IdcIpcCompression codec)
{
    *compressor = (IdcCompressor){ .codec = codec };
#if IDC_HAVE_ZSTD
    if (codec == IDC_IPC_ZSTD) {
        compressor->context = ZSTD_createCCtx();
        return compressor->context != NULL;
    }
#endif
    return idc_ipc_can_compress(codec);
}

void
idc_compressor_done(IdcCompressor *compressor)
{
#if IDC_HAVE_ZSTD
    (void) ZSTD_freeCCtx(compressor->context);
#endif
    *compressor = (IdcCompressor){ 0 };
}

size_t
idc_compress_bound(IdcIpcCompression codec, size_t len)
{
    if (len > MAX_LEN)
        return SIZE_MAX;
#if IDC_HAVE_LZ4
    if (codec == IDC_IPC_LZ4) {
        LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;

        preferences.frameInfo.contentSize = len;
        return LZ4F_compressFrameBound(len, &preferences);
    }
#endif
#if IDC_HAVE_ZSTD
    if (codec == IDC_IPC_ZSTD)
        return ZSTD_compressBound(len);
#endif
    return codec == IDC_IPC_PLAIN ? len : SIZE_MAX;
}

size_t
idc_compress(IdcCompressor *compressor, const uint8_t *source, size_t len, uint8_t *target,
             size_t capacity)
{
#if IDC_HAVE_LZ4
    if (compressor->codec == IDC_IPC_LZ4)
        return lz4_compress(source, len, target, capacity);
#endif
#if IDC_HAVE_ZSTD
    if (compressor->codec == IDC_IPC_ZSTD)
        return zstd_compress(compressor->context, source, len, target, capacity);
#endif
    (void) compressor;
    (void) source;
    (void) len;
    (void) target;
    (void) capacity;
    return 0;
}

bool
idc_decompress(IdcIpcCompression codec, const uint8_t *source, size_t len, uint8_t *target,
               size_t target_len)
{
    if (len > MAX_LEN || target_len > MAX_LEN)
        return false;
#if IDC_HAVE_LZ4
    if (codec == IDC_IPC_LZ4)
        return lz4_decompress(source, len, target, target_len);
#endif
#if IDC_HAVE_ZSTD
    if (codec == IDC_IPC_ZSTD)
        return zstd_decompress(source, len, target, target_len);
#endif
    (void) codec;
    (void) source;
    (void) target;
    return false;
}
