/*
 * ipc_writer.h - what the parts of the IPC writer share. Private to ipc_write*.c.
 *
 * In:   the columns of a builder
 * Out:  messages: a head (metadata) each, and the buffers that follow it
 */
#ifndef IDC_ARROW_IPC_WRITER_H
#define IDC_ARROW_IPC_WRITER_H

#include "arrow/builder.h"
#include "arrow/flatbuffer.h"
#include "arrow/ipc.h"

typedef enum IdcIpcCopy {
    IDC_IPC_COPY,       /* the bytes as they are */
    IDC_IPC_OFFSETS_32, /* int64 offsets, `first` taken off each, as int32 */
    IDC_IPC_OFFSETS_64, /* the same as int64 */
    IDC_IPC_FLOAT64     /* decimals of the scale `first` as doubles */
} IdcIpcCopy;

/* A buffer of a message's body. */
typedef struct IdcIpcBuffer {
    const void *source; /* memory of the builder */
    IdcIpcCopy copy;
    int64_t first; /* offset, or the scale of decimals */
    size_t size;   /* of the buffer, not compressed */
    size_t frame;  /* where its frame begins in writer->frames; frame_size 0: there is none */
    size_t frame_size;
} IdcIpcBuffer;

typedef struct IdcIpcNode {
    int64_t length, null_count;
} IdcIpcNode;

/* A dictionary; its number in writer->dictionaries is its id. */
typedef struct IdcIpcDictionary {
    const IdcColumn *column;
    size_t sent_count; /* labels that the reader has */
    uint32_t sent_generation;
    bool is_sent;
} IdcIpcDictionary;

/* A part of one of the writer's arrays. */
typedef struct IdcIpcRange {
    size_t first, count;
} IdcIpcRange;

/* A message: its head in writer->flat, and the nodes and buffers of its body. */
typedef struct IdcIpcMessage {
    IdcIpcRange head, nodes, buffers;
    const IdcIpcDictionary *dictionary; /* NULL: the record batch, or the schema */
    bool is_delta;
} IdcIpcMessage;

/*
 * The arrays are made with the writer and big enough for any batch of its builder. What is prepared
 * points into the builder, which must not change until it is emitted.
 */
struct IdcIpcWriter {
    IdcBatchBuilder *builder;
    IdcIpcOptions options;
    const IdcColumn **columns; /* the builder's that are written */
    size_t column_count;
    int64_t row_count; /* of the batch that is prepared */
    IdcFlat flat;
    IdcIpcMessage *messages;
    size_t message_count;
    IdcIpcNode *nodes;
    size_t node_count;
    IdcIpcBuffer *buffers;
    size_t buffer_count;
    IdcIpcDictionary *dictionaries;
    size_t dictionary_count;
    uint8_t *frames; /* compressed buffers */
    size_t frames_capacity;
    uint8_t *narrow; /* offsets that are to be compressed */
    size_t narrow_capacity;
    bool has_schema; /* the schema was prepared: dictionaries are known */
    bool is_batch;   /* what is prepared is the builder's batch */
};

/* ipc_write_schema.c: the schema message's head; dictionaries get their numbers. */
void idc_ipc_schema_head(IdcIpcWriter *writer);
/* A vector of one KeyValue. */
void idc_ipc_write_metadata(IdcFlat *flat, size_t slot, const char *key, const char *value);

/* ipc_write_layout.c: nodes and buffers of a column, added to the writer's. */
IDC_CHECKED IdcStatus idc_ipc_lay_out(IdcIpcWriter *writer, const IdcColumn *column, IdcError *err);
/* The same of an array that is laid out so already. */
void idc_ipc_lay_out_array(IdcIpcWriter *writer, const IdcColumn *column,
                           const struct ArrowArray *array);
/* True if the column's decimals are written as doubles. */
static inline bool
idc_ipc_is_float64(const IdcIpcWriter *writer, const IdcColumn *column)
{
    return column->kind == IDC_KIND_NUMERIC_DECIMAL && writer->options.decimals_are_float64;
}
/* The labels from number `from` on. */
IDC_CHECKED IdcStatus idc_ipc_lay_out_labels(IdcIpcWriter *writer, const IdcColumn *column,
                                             size_t from, IdcError *err);
/* How many nodes, and dictionaries, there are at and below a column. */
void idc_ipc_count(const IdcColumn *column, size_t *nodes, size_t *dictionaries);
/* The values of dictionary columns are utf8 with 32-bit offsets. */
bool idc_ipc_labels_are_small(const IdcIpcWriter *writer, const IdcColumn *column);

/* ipc_write_body.c: compress all buffers, where the options say so. */
IDC_CHECKED IdcStatus idc_ipc_compress(IdcIpcWriter *writer, IdcError *err);
/* The bytes of a buffer in the body, without padding. */
size_t idc_ipc_stored_size(const IdcIpcWriter *writer, const IdcIpcBuffer *buffer);
/* Writes them and the padding; returns where the next buffer begins. */
uint8_t *idc_ipc_store(const IdcIpcWriter *writer, const IdcIpcBuffer *buffer, uint8_t *target);

static inline size_t
idc_ipc_padded(size_t size)
{
    return (size + 7) & ~(size_t) 7;
}

#endif
