/*
 * ipc_reader.h - what the files that read Arrow IPC share. Private to this folder.
 *
 * In:   bytes that nobody has checked
 * Out:  ArrowSchema and ArrowArrays that hold what they promise
 *
 * ipc_read_table.c reads flatbuffers, ipc_read_schema.c makes the schema of them, ipc_layout.c says
 * which buffers a type has, ipc_read_batch.c makes arrays, ipc_read_check.c proves them, and
 * ipc_read.c is the stream around all that.
 */
#ifndef IDC_ARROW_IPC_READER_H
#define IDC_ARROW_IPC_READER_H

#include <endian.h>
#include <stdatomic.h>
#include <string.h>

#include "arrow/ipc.h"
#include "arrow/ipc_layout.h"

/* ---- flatbuffers (ipc_read_table.c) ---- */

/*
 * The metadata of one message. An offset that leads outside, or a table or a vector that does not
 * end inside, sets is_broken and reads as absent; whoever reads asks at the end.
 */
typedef struct IpcMetadata {
    const uint8_t *bytes;
    size_t len;
    bool is_broken;
} IpcMetadata;

/* position 0: there is no such table. */
typedef struct IpcTable {
    IpcMetadata *metadata;
    size_t position, size, vtable, vtable_size;
} IpcTable;

/* count elements of `width` bytes each, all inside the metadata. */
typedef struct IpcVector {
    IpcMetadata *metadata;
    size_t position, count;
} IpcVector;

typedef struct IpcString {
    const char *data;
    size_t len;
    bool is_present;
} IpcString;

static inline bool
idc_ipc_table_exists(const IpcTable *table)
{
    return table->position != 0;
}

IpcTable idc_ipc_table_root(IpcMetadata *metadata);
/* A number of 1, 2, 4 or 8 bytes; signed. */
int64_t idc_ipc_table_number(const IpcTable *table, unsigned field, unsigned width,
                             int64_t otherwise);
IpcTable idc_ipc_table_table(const IpcTable *table, unsigned field);
IpcString idc_ipc_table_string(const IpcTable *table, unsigned field);
/* Of structs or numbers of `width` bytes, or of offsets (4). */
IpcVector idc_ipc_table_vector(const IpcTable *table, unsigned field, size_t width);
IpcTable idc_ipc_vector_table(const IpcVector *vector, size_t i);
/* The int64 number `part` of the struct of two, number i. */
int64_t idc_ipc_vector_int64(const IpcVector *vector, size_t i, size_t part);

/* ---- the schema (ipc_read_schema.c) ---- */

/* ids: of the fields with a dictionary, in the order of idc_layout_new; the caller's (idc_free). */
IDC_CHECKED IdcStatus idc_ipc_schema_read(const IpcTable *table, struct ArrowSchema *schema,
                                          int64_t **ids, size_t *id_count, IdcError *err);

/* ---- arrays (ipc_read_batch.c) ---- */

/* An array that many look at: the values of a dictionary. */
typedef struct IpcShared {
    atomic_size_t ref_count;
    struct ArrowArray array;
} IpcShared;

void idc_ipc_shared_drop(IpcShared *shared);

/* values: NULL until a dictionary message came. */
typedef struct IpcDictionary {
    int64_t id;
    const IdcLayout *layout;
    const struct ArrowSchema *type;
    IpcShared *values;
} IpcDictionary;

/* One buffer of a message: where it lies, or where its copy will. */
typedef struct IpcBuffer {
    const uint8_t *data;
    size_t len;
    const uint8_t *source; /* what is to be copied or decompressed; NULL: nothing */
    size_t source_len;
    bool is_compressed;
} IpcBuffer;

/* What all buffers of one message may be when uncompressed, if nobody says less. */
#define IDC_IPC_MAX_UNCOMPRESSED (INT64_C(8) << 30)

struct IdcIpcReader {
    struct ArrowSchema schema; /* release is NULL before the schema message */
    IdcLayout *layout;
    IpcDictionary *dictionaries;
    size_t dictionary_count;
    IpcBuffer *buffers; /* room for those of one message */
    size_t buffer_capacity;
    int64_t uncompressed_limit; /* idc_ipc_reader_set_limit */
    int64_t unrepresentable;
    bool is_complete;
    bool is_broken; /* an error happened: what follows has no meaning */
};

/* A RecordBatch table and what surrounds it. */
typedef struct IpcBatchSource {
    IpcTable table;
    const uint8_t *body;
    size_t body_len;
    bool is_copied;    /* all buffers are copied, wherever they lie */
    IdcIpcOwner owner; /* its release is NULL: nobody */
} IpcBatchSource;

/*
 * The columns of the layout (a struct) as an array. Takes the owner (sets source->owner.release to
 * NULL) only where the array points into the body.
 */
IDC_CHECKED IdcStatus idc_ipc_batch_read(IdcIpcReader *reader, const IdcLayout *layout,
                                         IpcBatchSource *source, struct ArrowArray *batch,
                                         IdcError *err);

/* ---- proofs (ipc_read_check.c) ---- */

/* True if the offsets begin at 0 or later, never fall and end at `limit` or before. */
bool idc_ipc_offsets_are_valid(const void *offsets, unsigned width, int64_t length, int64_t limit);
/* True if each row that is not NULL is an index below `limit`. validity: NULL, or its bits. */
bool idc_ipc_indices_are_valid(const void *indices, unsigned width, bool is_signed, int64_t length,
                               const uint8_t *validity, int64_t limit);

#endif
