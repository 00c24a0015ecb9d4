/*
 * ipc.h - Arrow's IPC streaming format: what a batch builder holds as bytes, and bytes as arrays.
 *
 * Both are linked into a PostgreSQL backend too, so they use base/memory.h and nothing of
 * nanoarrow. Reading trusts no byte. (Gathering is for libinstant alone.)
 *
 * Format: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format, metadata
 * version V5; the flatbuffers are those of Schema.fbs and Message.fbs.
 */
#ifndef IDC_ARROW_IPC_H
#define IDC_ARROW_IPC_H

#include "arrow/column.h"

/* ---- writing ---- */

typedef enum IdcIpcCompression { IDC_IPC_PLAIN, IDC_IPC_LZ4, IDC_IPC_ZSTD } IdcIpcCompression;

typedef struct IdcIpcOptions {
    bool small_offsets; /* utf8, binary and list with 32-bit offsets instead of large_… with 64 */
    IdcIpcCompression compression; /* of the buffers of record batches and dictionaries */
    const uint32_t *columns; /* which of the builder's are written, in order; NULL: all of them */
    size_t column_count;
    bool decimals_are_float64; /* columns of kind NUMERIC_DECIMAL, each value the nearest double */
} IdcIpcOptions;

typedef struct IdcIpcWriter IdcIpcWriter;

/* True if this build can compress so. */
bool idc_ipc_can_compress(IdcIpcCompression compression);

/* builder is borrowed and outlives the writer; the specs are its own. */
IDC_CHECKED IdcStatus idc_ipc_writer_new(IdcBatchBuilder *builder, const IdcIpcOptions *options,
                                         IdcIpcWriter **writer, IdcError *err);
void idc_ipc_writer_free(IdcIpcWriter *writer);

/*
 * Each prepare_… says how many bytes its messages take; idc_ipc_emit then writes exactly these to
 * target, which must be 8-byte aligned for the reader's sake, not for ours. A message is
 * encapsulated (continuation, length, metadata padded to 8, body with buffers padded to 8).
 *
 * The schema message: each field is nullable and has PostgreSQL's type name as metadata
 * "postgresql:type". Columns of kind IDC_KIND_TEXT with spec.can_be_dictionary that turned out
 * repetitive in the rows so far are dictionary<int32, (large_)utf8>, others plain: so rows may be
 * appended before, and should be if there are such columns (idc_batch_settle_dictionaries).
 *
 * A batch: its dictionary messages first (all values the first time, then a delta of those that
 * are new, or a replacement where the dictionary was begun again), then the record batch, whose
 * message has custom metadata "instant:unrepresentable" (decimal digits: values of the builder so
 * far that became NULL, see column.h) if that count is not 0. Emitting it empties the builder,
 * which keeps its memory. IDC_UNSUPPORTED where 32-bit offsets do not reach (the batch has 2 GiB
 * of text in one column): make batches smaller, or use 64-bit ones.
 */
IDC_CHECKED IdcStatus idc_ipc_prepare_schema(IdcIpcWriter *writer, size_t *size, IdcError *err);
IDC_CHECKED IdcStatus idc_ipc_prepare_batch(IdcIpcWriter *writer, size_t *size, IdcError *err);
void idc_ipc_emit(IdcIpcWriter *writer, uint8_t *target);

/*
 * A batch that did not come from the builder, with the buffers that the writer's schema promises,
 * as one of the builder's would be written (idc_ipc_emit then leaves the builder as it is). Without
 * dictionaries. idc_ipc_is_prepared: bytes of this batch are what emitting would make of it, so
 * that there is no need to.
 */
IDC_CHECKED IdcStatus idc_ipc_prepare_array(IdcIpcWriter *writer, const struct ArrowArray *batch,
                                            size_t *size, IdcError *err);
bool idc_ipc_is_prepared(const IdcIpcWriter *writer, const uint8_t *bytes, size_t len);

/* The end of a stream: a continuation and a length of 0. */
enum { IDC_IPC_END_SIZE = 8 };
extern const uint8_t idc_ipc_end[IDC_IPC_END_SIZE];

/* ---- reading ---- */

/* Bytes that arrays may point into: release is called exactly once, from any thread. */
typedef struct IdcIpcOwner {
    void (*release)(void *handle);
    void *handle;
} IdcIpcOwner;

/*
 * In a PostgreSQL backend no function of a reader returns IDC_NO_MEMORY: running out of memory is
 * raised past it, and neither the owner's release nor a clean-up of what was half made is called
 * then. Nothing leaks nevertheless if the current memory context is one and the same in all calls
 * for a reader, no longer-lived than who uses it, and the owners' bytes are of that context or of
 * one below it. A reader that was raised past is not to be used or freed; its context takes it.
 */
typedef struct IdcIpcReader IdcIpcReader;

IDC_CHECKED IdcStatus idc_ipc_reader_new(IdcIpcReader **reader, IdcError *err);
void idc_ipc_reader_free(IdcIpcReader *reader);

/*
 * How many bytes may be made of the compressed buffers of one message, 8 GiB unless said here; what
 * claims more is damaged. 0: whoever sends has no reason to compress, and what is compressed is
 * IDC_UNSUPPORTED.
 */
void idc_ipc_reader_set_limit(IdcIpcReader *reader, int64_t uncompressed_bytes);

/*
 * Read whole messages (any number; at most one of them a record batch). Takes the owner also on
 * failure. batch->release is NULL if there was no record batch; otherwise it is a struct array
 * whose buffers lie in `bytes` where they are aligned to 8 (else, or compressed: copies), kept by
 * the owner until the last of them is released. Lengths, offsets (monotonic, inside their data),
 * dictionary indices and every flatbuffer field are checked: damage is IDC_SOURCE_FAILED. Unknown
 * types are IDC_UNSUPPORTED.
 */
IDC_CHECKED IdcStatus idc_ipc_read(IdcIpcReader *reader, const uint8_t *bytes, size_t len,
                                   IdcIpcOwner owner, struct ArrowArray *batch, IdcError *err);

/* NULL before the schema message; good as long as the reader. */
const struct ArrowSchema *idc_ipc_reader_schema(const IdcIpcReader *reader);
bool idc_ipc_reader_is_complete(const IdcIpcReader *reader); /* the end was seen */
/* The newest "instant:unrepresentable". */
int64_t idc_ipc_reader_unrepresentable(const IdcIpcReader *reader);

/* ---- many batches as one ---- */

/*
 * One growing chunk a column: what a DataFrame is made of. Text, binary and lists become large_…
 * (64-bit offsets), dictionaries are joined into one, all else keeps its type.
 */
typedef struct IdcGather IdcGather;

/* schema: what a reader has; borrowed only during the call. */
IDC_CHECKED IdcStatus idc_gather_new(const struct ArrowSchema *schema, IdcGather **gather,
                                     IdcError *err);
void idc_gather_free(IdcGather *gather);
/* The type of the gathered rows: a new schema, the caller's. Equal to idc_columns_schema of the
 * same columns. */
IDC_CHECKED IdcStatus idc_gather_schema(const IdcGather *gather, struct ArrowSchema *schema,
                                        IdcError *err);
/* Copies; the batch stays the caller's. */
IDC_CHECKED IdcStatus idc_gather_append(IdcGather *gather, const struct ArrowArray *batch,
                                        IdcError *err);
/* All rows so far as one struct array; buffers trimmed to their size; the gather is empty after. */
IDC_CHECKED IdcStatus idc_gather_finish(IdcGather *gather, struct ArrowArray *batch, IdcError *err);

#endif
