/*
 * partitions.c - a thread a connection; a bounded queue between them and who reads.
 *
 * A worker takes the next chunk, runs it, and queues its batches; with no chunk left it gives its
 * connection back. The reader takes batches of the current chunk (is_ordered), or of any. After
 * the first error, or a cancel, all workers stop.
 */
#include <stdlib.h>

#include "arrow/measure.h"
#include "arrow/schema_copy.h"
#include "hub/conn_private.h"
#include "hub/partitions_private.h"

#define QUEUE_BYTES (INT64_C(64) << 20)

/* ---- the workers ---- */

void
idc_partitions_name_limit(const IdcPartitions *partitions, IdcError *err)
{
    if (err->status == IDC_TIMEOUT && partitions->until_ms >= 0 &&
        idc_clock_ms() >= partitions->until_ms)
        (void) idc_result_fail_timeout(partitions->limit_ms, err);
}

/* The mutex is held. The first reason counts. */
static void
stop_with(IdcPartitions *partitions, const IdcError *err)
{
    if (partitions->err.status == IDC_OK) {
        partitions->err = *err;
        idc_partitions_name_limit(partitions, &partitions->err);
    }
    partitions->is_stopping = true;
    for (size_t i = 0; i < partitions->worker_count; i++) {
        IdcPartitionWorker *worker = &partitions->workers[i];

        /* A worker that opens a chunk waits with its call, one that reads with its result. */
        idc_call_cancel(worker->call);
        if (worker->running != NULL)
            idc_result_cancel(worker->running);
    }
    pthread_cond_broadcast(&partitions->changed);
}

/*
 * Whether a batch has to wait: what is queued is too much with it. The reader may need a batch of
 * the chunk that it reads, whatever is queued of others.
 */
static bool
is_too_much(const IdcPartitions *partitions, size_t number, int64_t bytes)
{
    if (partitions->queued_bytes == 0 || partitions->queued_bytes + bytes <= QUEUE_BYTES)
        return false;
    return !partitions->is_ordered || number != partitions->current_chunk ||
           partitions->chunks[number].first != NULL;
}

/* Wait for room, take the array; false when all is to stop. */
static bool
queue_batch(IdcPartitions *partitions, size_t number, struct ArrowArray *array, int64_t bytes)
{
    /* Where the order is free, all stand in one queue. */
    IdcChunk *chunk = &partitions->chunks[partitions->is_ordered ? number : 0];
    IdcChunkBatch *batch = calloc(1, sizeof *batch);

    if (batch == NULL) {
        IdcError err;

        (void) idc_fail_no_memory(&err);
        stop_with(partitions, &err);
        return false;
    }
    while (!partitions->is_stopping && is_too_much(partitions, number, bytes))
        pthread_cond_wait(&partitions->changed, &partitions->mutex);
    if (partitions->is_stopping) {
        free(batch);
        return false;
    }
    *batch = (IdcChunkBatch){ .array = *array, .bytes = bytes };
    array->release = NULL;
    if (chunk->last != NULL)
        chunk->last->next = batch;
    else
        chunk->first = batch;
    chunk->last = batch;
    partitions->queued_bytes += bytes;
    pthread_cond_broadcast(&partitions->changed);
    return true;
}

/* The rest of what a chunk took part in, once its stream is over. */
static void
add_stats(IdcPartitions *partitions, const IdcResult *result)
{
    IdcResultStats stats;

    idc_result_stats(result, &stats);
    partitions->stats.bytes += stats.bytes;
    partitions->stats.unrepresentable += stats.unrepresentable;
}

/* The reader is told one type for all, that of the first chunk. */
static IdcStatus
check_schema(IdcPartitions *partitions, const IdcResult *result, IdcError *err)
{
    struct ArrowSchema schema = { 0 };
    bool is_stopping;
    IdcStatus status;

    pthread_mutex_lock(&partitions->mutex);
    while (!partitions->has_schema && !partitions->is_stopping)
        pthread_cond_wait(&partitions->changed, &partitions->mutex);
    is_stopping = partitions->is_stopping;
    pthread_mutex_unlock(&partitions->mutex);
    if (is_stopping)
        return idc_fail(err, IDC_CANCELED, "the query was cancelled");
    status = idc_result_schema(result, &schema, err);
    if (status == IDC_OK && !idc_schema_fits(&partitions->chunk_schema, &schema))
        status = idc_fail(err, IDC_QUERY_FAILED, "the types of the columns changed meanwhile");
    if (schema.release != NULL)
        schema.release(&schema);
    return status;
}

/* The next batch of a chunk to the queue; is_over at its end, or when all is to stop. */
static IdcStatus
pass_batch(IdcPartitions *partitions, size_t number, const IdcResult *result,
           struct ArrowArrayStream *stream, bool *is_over, IdcError *err)
{
    struct ArrowArray array = { 0 };
    int64_t bytes = 0;
    IdcStatus status;

    if (stream->get_next(stream, &array) != 0) {
        idc_result_error(result, err);
        return err->status;
    }
    if (array.release == NULL) {
        *is_over = true;
        return IDC_OK;
    }
    status = idc_array_measure(&partitions->chunk_schema, &array, &bytes, err);
    if (status == IDC_OK) {
        pthread_mutex_lock(&partitions->mutex);
        *is_over = !queue_batch(partitions, number, &array, bytes);
        pthread_mutex_unlock(&partitions->mutex);
    }
    if (array.release != NULL)
        array.release(&array);
    return status;
}

/* Read a chunk to its end into the queue. False when all is to stop. */
static bool
read_chunk(IdcPartitionWorker *worker, size_t number, IdcResult *result)
{
    IdcPartitions *partitions = worker->partitions;
    struct ArrowArrayStream stream = { 0 };
    bool is_over = false, is_going_on;
    IdcError err;
    IdcStatus status = check_schema(partitions, result, &err);

    if (status == IDC_OK)
        status = idc_result_stream(result, &stream, &err);
    while (status == IDC_OK && !is_over)
        status = pass_batch(partitions, number, result, &stream, &is_over, &err);
    if (stream.release != NULL)
        stream.release(&stream);
    pthread_mutex_lock(&partitions->mutex);
    if (status != IDC_OK)
        stop_with(partitions, &err);
    add_stats(partitions, result);
    worker->running = NULL;
    if (!partitions->is_stopping) {
        partitions->chunks[number].is_done = true;
        partitions->done_chunks++;
    }
    is_going_on = !partitions->is_stopping;
    pthread_cond_broadcast(&partitions->changed);
    pthread_mutex_unlock(&partitions->mutex);
    idc_result_free(result);
    return is_going_on;
}

IdcStatus
idc_partitions_open_chunk(IdcPartitionWorker *worker, IdcCall *call, size_t number,
                          IdcResult **result, IdcError *err)
{
    IdcPartitions *partitions = worker->partitions;
    IdcResultOptions options = partitions->options;
    IdcResult *made = NULL;
    IdcStatus status;

    /* The whole load begins with a small batch, not each chunk. */
    if (number > 0)
        options.batch.first_batch_rows = 0;
    if (partitions->until_ms >= 0) {
        options.timeout_ms = partitions->until_ms - idc_clock_ms();
        if (options.timeout_ms <= 0)
            return idc_result_fail_timeout(partitions->limit_ms, err);
    }
    status = idc_result_open_on(worker->conn, call, partitions->chunks[number].sql, &options, &made,
                                err);
    if (status != IDC_OK)
        return status;
    *result = made;
    pthread_mutex_lock(&partitions->mutex);
    worker->running = made;
    if (partitions->is_stopping)
        idc_result_cancel(made);
    pthread_mutex_unlock(&partitions->mutex);
    return IDC_OK;
}

/* The number of a chunk that nobody has begun, or chunk_count. */
static size_t
take_chunk(IdcPartitions *partitions)
{
    size_t number = partitions->chunk_count;

    pthread_mutex_lock(&partitions->mutex);
    if (!partitions->is_stopping && partitions->next_chunk < partitions->chunk_count)
        number = partitions->next_chunk++;
    pthread_mutex_unlock(&partitions->mutex);
    return number;
}

static void
read_chunks(IdcPartitionWorker *worker)
{
    IdcPartitions *partitions = worker->partitions;
    IdcResult *opened = worker->running; /* the first chunk may be open already */

    if (opened != NULL && !read_chunk(worker, 0, opened))
        return;
    for (;;) {
        size_t number = take_chunk(partitions);
        IdcError err;

        if (number == partitions->chunk_count)
            return;
        if (idc_partitions_open_chunk(worker, worker->call, number, &opened, &err) != IDC_OK) {
            pthread_mutex_lock(&partitions->mutex);
            stop_with(partitions, &err);
            pthread_mutex_unlock(&partitions->mutex);
            return;
        }
        if (!read_chunk(worker, number, opened))
            return;
    }
}

/* Others may wait for the connection, and its transaction keeps the hub from cleaning up. */
static void
give_back(IdcPartitionWorker *worker)
{
    if (worker->conn != NULL)
        idc_pool_release(worker->partitions->pool, worker->conn);
    worker->conn = NULL;
}

void *
idc_partitions_work(void *argument)
{
    IdcPartitionWorker *worker = argument;

    read_chunks(worker);
    give_back(worker);
    return NULL;
}

/* ---- the end ---- */

static void
batch_free(IdcChunkBatch *batch)
{
    if (batch->array.release != NULL)
        batch->array.release(&batch->array);
    free(batch);
}

/* Wait until no worker runs and every connection was given back. */
static void
join_workers(IdcPartitions *partitions)
{
    for (size_t i = 0; i < partitions->worker_count; i++) {
        IdcPartitionWorker *worker = &partitions->workers[i];

        if (worker->has_thread) {
            pthread_join(worker->thread, NULL);
            worker->has_thread = false;
        }
        if (worker->conn != NULL) {
            /* It never ran. */
            idc_result_free(worker->running);
            worker->running = NULL;
            give_back(worker);
        }
    }
}

static void
partitions_cancel(void *handle)
{
    IdcPartitions *partitions = handle;
    IdcError err;

    (void) idc_fail(&err, IDC_CANCELED, "the query was cancelled");
    pthread_mutex_lock(&partitions->mutex);
    stop_with(partitions, &err);
    pthread_mutex_unlock(&partitions->mutex);
}

static void
partitions_stop(void *handle)
{
    partitions_cancel(handle);
    join_workers(handle);
}

void
idc_partitions_free(IdcPartitions *partitions)
{
    partitions_stop(partitions);
    for (size_t i = 0; i < partitions->worker_count; i++)
        idc_call_free(partitions->workers[i].call);
    for (size_t i = 0; i < partitions->chunk_count; i++)
        while (partitions->chunks[i].first != NULL) {
            IdcChunkBatch *batch = partitions->chunks[i].first;

            partitions->chunks[i].first = batch->next;
            batch_free(batch);
        }
    if (partitions->schema.release != NULL)
        partitions->schema.release(&partitions->schema);
    if (partitions->chunk_schema.release != NULL)
        partitions->chunk_schema.release(&partitions->chunk_schema);
    idc_gather_free(partitions->gather);
    idc_arena_free(partitions->arena);
    pthread_cond_destroy(&partitions->changed);
    pthread_mutex_destroy(&partitions->mutex);
    free(partitions);
}

/* ---- the stream ---- */

/* The chunk with a batch that may be read now, or NULL. */
static IdcChunk *
readable_chunk(IdcPartitions *partitions)
{
    IdcChunk *chunk = &partitions->chunks[partitions->current_chunk];

    while (partitions->is_ordered && chunk->first == NULL && chunk->is_done &&
           partitions->current_chunk + 1 < partitions->chunk_count) {
        chunk = &partitions->chunks[++partitions->current_chunk];
        pthread_cond_broadcast(&partitions->changed);
    }
    return chunk->first != NULL ? chunk : NULL;
}

/* What ends a result that is read as one query ends this one too, also between two batches. */
static IdcStatus
check_state(IdcPartitions *partitions, IdcError *err)
{
    IdcStatus status = IDC_OK;
    bool is_closed = idc_pool_is_closed(partitions->pool);

    pthread_mutex_lock(&partitions->mutex);
    if (partitions->done_chunks < partitions->chunk_count && partitions->err.status == IDC_OK) {
        if (is_closed)
            status =
                idc_fail(err, IDC_MISUSE, "the connector was closed while the result was read");
        else if (partitions->until_ms >= 0 && idc_clock_ms() >= partitions->until_ms)
            status = idc_result_fail_timeout(partitions->limit_ms, err);
        if (status != IDC_OK)
            stop_with(partitions, err);
    }
    pthread_mutex_unlock(&partitions->mutex);
    return status;
}

/* The mutex is held. */
static IdcChunkBatch *
take_batch(IdcPartitions *partitions, IdcChunk *chunk)
{
    IdcChunkBatch *batch = chunk->first;

    chunk->first = batch->next;
    if (chunk->first == NULL)
        chunk->last = NULL;
    partitions->queued_bytes -= batch->bytes;
    partitions->stats.rows += batch->array.length;
    partitions->stats.batches++;
    pthread_cond_broadcast(&partitions->changed);
    return batch;
}

/* The next batch of any worker; NULL at the end, when all connections were given back. */
static IdcStatus
next_batch(IdcPartitions *partitions, IdcChunkBatch **batch, IdcError *err)
{
    IdcStatus status = check_state(partitions, err);
    IdcChunk *chunk = NULL;

    *batch = NULL;
    if (status != IDC_OK)
        return status;
    pthread_mutex_lock(&partitions->mutex);
    while (partitions->err.status == IDC_OK && (chunk = readable_chunk(partitions)) == NULL &&
           partitions->done_chunks < partitions->chunk_count)
        pthread_cond_wait(&partitions->changed, &partitions->mutex);
    if (partitions->err.status != IDC_OK) {
        *err = partitions->err;
        status = err->status;
    } else if (chunk != NULL) {
        *batch = take_batch(partitions, chunk);
    }
    pthread_mutex_unlock(&partitions->mutex);
    if (status == IDC_OK && *batch == NULL)
        join_workers(partitions);
    return status;
}

/* All rows as one batch. */
static IdcStatus
gather_all(IdcPartitions *partitions, struct ArrowArray *array, IdcError *err)
{
    IdcStatus status = IDC_OK;
    IdcChunkBatch *batch = NULL;

    while (status == IDC_OK && (status = next_batch(partitions, &batch, err)) == IDC_OK &&
           batch != NULL) {
        status = idc_gather_append(partitions->gather, &batch->array, err);
        batch_free(batch);
    }
    if (status != IDC_OK || partitions->stats.rows == 0)
        return status;
    pthread_mutex_lock(&partitions->mutex);
    partitions->stats.batches = 1;
    pthread_mutex_unlock(&partitions->mutex);
    return idc_gather_finish(partitions->gather, array, err);
}

static IdcStatus
partitions_next(void *handle, struct ArrowArray *array, IdcError *err)
{
    IdcPartitions *partitions = handle;
    IdcChunkBatch *batch = NULL;
    IdcStatus status;

    array->release = NULL;
    if (partitions->is_single_batch) {
        if (partitions->gather == NULL)
            return IDC_OK;
        status = gather_all(partitions, array, err);
        idc_gather_free(partitions->gather);
        partitions->gather = NULL;
        return status;
    }
    status = next_batch(partitions, &batch, err);
    if (status == IDC_OK && batch != NULL) {
        *array = batch->array;
        batch->array.release = NULL;
        batch_free(batch);
    }
    return status;
}

static IdcStatus
partitions_schema(void *handle, struct ArrowSchema *schema, IdcError *err)
{
    IdcPartitions *partitions = handle;

    return idc_schema_copy(&partitions->schema, schema, err);
}

static void
partitions_stats(void *handle, IdcResultStats *stats)
{
    IdcPartitions *partitions = handle;

    pthread_mutex_lock(&partitions->mutex);
    stats->rows = partitions->stats.rows;
    stats->bytes = partitions->stats.bytes;
    stats->batches = partitions->stats.batches;
    stats->unrepresentable = partitions->stats.unrepresentable;
    stats->connect_us = partitions->stats.connect_us;
    pthread_mutex_unlock(&partitions->mutex);
}

static void
partitions_release(void *handle)
{
    idc_partitions_free(handle);
}

const IdcBatchMaker idc_partitions_maker = { .schema = partitions_schema,
                                             .next = partitions_next,
                                             .cancel = partitions_cancel,
                                             .stats = partitions_stats,
                                             .stop = partitions_stop,
                                             .release = partitions_release };
