/*
 * partitions_private.h - what partitions.c (running) and partitions_open.c (the beginning) share.
 */
#ifndef IDC_HUB_PARTITIONS_PRIVATE_H
#define IDC_HUB_PARTITIONS_PRIVATE_H

#include <pthread.h>

#include "arrow/ipc.h"
#include "hub/partitions.h"
#include "hub/result_private.h"

typedef struct IdcChunkBatch {
    struct ArrowArray array;
    int64_t bytes;
    struct IdcChunkBatch *next;
} IdcChunkBatch;

typedef struct IdcChunk {
    const char *sql;
    IdcChunkBatch *first, *last;
    bool is_done;
} IdcChunk;

/* conn belongs to the thread, once there is one; call cancels what the thread opens. */
typedef struct IdcPartitionWorker {
    struct IdcPartitions *partitions;
    IdcConn *conn;
    IdcCall *call;
    IdcResult *running; /* guarded by the mutex, against a cancel */
    pthread_t thread;
    bool has_thread;
} IdcPartitionWorker;

/*
 * mutex guards everything from next_chunk on; changed tells both sides of any change. It is taken
 * with the outer result's mutex held, and the mutex of a chunk's result inside it.
 */
typedef struct IdcPartitions {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    IdcArena *arena;
    IdcPool *pool;
    IdcResultOptions options; /* of the chunks: batches, never a single one */
    bool is_ordered, is_single_batch;
    int64_t limit_ms, until_ms; /* of all; until -1: no limit */
    struct ArrowSchema schema, chunk_schema;
    IdcGather *gather;
    IdcChunk *chunks;
    size_t chunk_count;
    IdcPartitionWorker *workers;
    size_t worker_count;
    size_t next_chunk, current_chunk, done_chunks;
    int64_t queued_bytes;
    bool has_schema, is_stopping;
    IdcError err;
    IdcResultStats stats;
} IdcPartitions;

extern const IdcBatchMaker idc_partitions_maker;

/* Open a chunk on the worker's connection; worker->running is then the result too. */
IDC_CHECKED IdcStatus idc_partitions_open_chunk(IdcPartitionWorker *worker, IdcCall *call,
                                                size_t number, IdcResult **result, IdcError *err);

/* A chunk knows the time limit only as what was left of it; the error names the whole one. */
void idc_partitions_name_limit(const IdcPartitions *partitions, IdcError *err);

/* A worker's thread: chunks, until there are no more. */
void *idc_partitions_work(void *worker);

/* Stops what runs. */
void idc_partitions_free(IdcPartitions *partitions);

#endif
