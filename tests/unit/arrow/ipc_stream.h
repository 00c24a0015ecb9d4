/*
 * ipc_stream.h - a stream cut into what idc_ipc_read takes at once, each piece in memory of its own
 * so that the sanitizer sees its end; for tests and the fuzz target.
 */
#ifndef TESTS_UNIT_ARROW_IPC_STREAM_H
#define TESTS_UNIT_ARROW_IPC_STREAM_H

#include <stdlib.h>
#include <string.h>

#include "arrow/ipc_reader.h"
#include "arrow/nano.h"

/* The end of the first record batch (or of the stream); damaged bytes are one piece. */
static inline size_t
ipc_piece_len(const uint8_t *bytes, size_t len)
{
    size_t position = 0;

    while (len - position >= 8) {
        uint32_t metadata_len;
        IpcMetadata metadata;
        IpcTable table;
        int64_t body_len, type;

        memcpy(&metadata_len, bytes + position + 4, sizeof metadata_len);
        if (metadata_len == 0 || metadata_len > len - position - 8)
            break;
        metadata = (IpcMetadata){ .bytes = bytes + position + 8, .len = metadata_len };
        table = idc_ipc_table_root(&metadata);
        type = idc_ipc_table_number(&table, 1, 1, 0);
        body_len = idc_ipc_table_number(&table, 3, 8, 0);
        position += 8 + metadata_len;
        if (metadata.is_broken || body_len < 0 || (uint64_t) body_len > len - position)
            break;
        position += (size_t) body_len;
        if (type == 3)
            return position;
    }
    return len;
}

/* How often owners were released. */
static size_t ipc_pieces_made, ipc_pieces_released;

static inline void
ipc_piece_release(void *piece)
{
    free(piece);
    ipc_pieces_released++;
}

/* Reads a copy of the piece; where shift is not 0 (nor 8) its buffers are not aligned. */
static inline IdcStatus
ipc_read_piece(IdcIpcReader *reader, const uint8_t *bytes, size_t len, size_t shift,
               struct ArrowArray *batch, IdcError *err)
{
    uint8_t *piece = malloc(len + shift + (len + shift == 0));

    if (piece == NULL)
        abort();
    memcpy(piece + shift, bytes, len);
    ipc_pieces_made++;
    return idc_ipc_read(reader, piece + shift, len, (IdcIpcOwner){ ipc_piece_release, piece },
                        batch, err);
}

/* nanoarrow looks at everything there is: true if it finds the array to be of the schema. */
static inline bool
ipc_array_is_valid(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    struct ArrowArrayView view;
    bool is_valid =
        ArrowArrayViewInitFromSchema(&view, schema, NULL) == NANOARROW_OK &&
        ArrowArrayViewSetArray(&view, array, NULL) == NANOARROW_OK &&
        ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, NULL) == NANOARROW_OK;

    ArrowArrayViewReset(&view);
    return is_valid;
}

#endif
