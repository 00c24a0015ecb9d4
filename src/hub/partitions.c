/*
 * partitions.c - a thread a connection; a bounded queue between them and who reads.
 *
 * A worker takes the next chunk, runs it, and queues its batches. The reader takes batches of the
 * current chunk (is_ordered), or of any. After the first error, or a cancel, all workers stop.
 */
#include "hub/partitions.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/ipc.h"
#include "arrow/schema_copy.h"
#include "hub/conn_private.h"
#include "hub/result_private.h"

#define QUEUE_BYTES (INT64_C(64) << 20)
#define MORE_CONNECTIONS_MS 1000

typedef struct Batch {
    struct ArrowArray array;
    int64_t bytes;
    struct Batch *next;
} Batch;

typedef struct Chunk {
    const char *sql;
    Batch *first, *last;
    bool is_done;
} Chunk;

typedef struct Worker {
    struct Partitions *partitions;
    IdcConn *conn;
    IdcResult *running; /* guarded by the mutex, against a cancel */
    pthread_t thread;
    bool has_thread;
} Worker;

/* mutex guards everything from next_chunk on; changed tells both sides of any change. */
typedef struct Partitions {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    IdcArena *arena;
    IdcPool *pool;
    IdcResultOptions options; /* of the chunks: batches, never a single one */
    bool is_ordered, is_single_batch;
    int64_t until_ms; /* -1: no limit */
    struct ArrowSchema schema;
    IdcGather *gather;
    Chunk *chunks;
    size_t chunk_count;
    Worker *workers;
    size_t worker_count;
    size_t next_chunk, current_chunk, done_chunks;
    int64_t queued_bytes;
    bool is_stopping;
    IdcError err;
    IdcResultStats stats;
} Partitions;

/* ---- the workers ---- */

static void
stop_with(Partitions *partitions, const IdcError *err)
{
    if (partitions->err.status == IDC_OK)
        partitions->err = *err;
    partitions->is_stopping = true;
    for (size_t i = 0; i < partitions->worker_count; i++)
        if (partitions->workers[i].running != NULL)
            idc_result_cancel(partitions->workers[i].running);
    pthread_cond_broadcast(&partitions->changed);
}

static int64_t
array_bytes(const struct ArrowArray *array, int64_t rows)
{
    int64_t bytes = 0;

    for (int64_t i = 0; i < array->n_children; i++)
        bytes += array_bytes(array->children[i], rows) + rows * 8;
    return bytes;
}

/* Wait for room; false when all is to stop. The chunk that is being read always has room. */
static bool
queue_batch(Partitions *partitions, size_t number, struct ArrowArray *array, int64_t bytes)
{
    Chunk *chunk = &partitions->chunks[number];
    Batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL) {
        IdcError err;

        (void) idc_fail_no_memory(&err);
        stop_with(partitions, &err);
        return false;
    }
    while (!partitions->is_stopping && partitions->queued_bytes > 0 &&
           partitions->queued_bytes + bytes > QUEUE_BYTES &&
           !(partitions->is_ordered && number == partitions->current_chunk))
        pthread_cond_wait(&partitions->changed, &partitions->mutex);
    if (partitions->is_stopping) {
        free(batch);
        return false;
    }
    *batch = (Batch){ .array = *array, .bytes = bytes };
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
add_stats(Partitions *partitions, const IdcResult *result)
{
    IdcResultStats stats;

    idc_result_stats(result, &stats);
    partitions->stats.bytes += stats.bytes;
    partitions->stats.unrepresentable += stats.unrepresentable;
}

/* Read a chunk to its end into the queue. False when all is to stop. */
static bool
read_chunk(Worker *worker, size_t number, IdcResult *result)
{
    Partitions *partitions = worker->partitions;
    struct ArrowArrayStream stream = { 0 };
    IdcResultStats before = { 0 }, after;
    IdcError err;
    IdcStatus status = idc_result_stream(result, &stream, &err);
    bool is_going_on = status == IDC_OK;

    while (is_going_on) {
        struct ArrowArray array = { 0 };
        int code = stream.get_next(&stream, &array);
        int64_t bytes;

        idc_result_stats(result, &after);
        bytes = after.bytes - before.bytes;
        before = after;
        if (code != 0) {
            idc_result_error(result, &err);
            status = err.status;
            break;
        }
        if (array.release == NULL)
            break;
        if (bytes <= 0)
            bytes = array_bytes(&array, array.length);
        pthread_mutex_lock(&partitions->mutex);
        is_going_on = queue_batch(partitions, number, &array, bytes);
        pthread_mutex_unlock(&partitions->mutex);
        if (array.release != NULL)
            array.release(&array);
    }
    if (stream.release != NULL)
        stream.release(&stream);
    pthread_mutex_lock(&partitions->mutex);
    if (status != IDC_OK) {
        stop_with(partitions, &err);
        is_going_on = false;
    }
    add_stats(partitions, result);
    worker->running = NULL;
    partitions->chunks[number].is_done = true;
    partitions->done_chunks++;
    pthread_cond_broadcast(&partitions->changed);
    pthread_mutex_unlock(&partitions->mutex);
    idc_result_free(result);
    return is_going_on;
}

static IdcStatus
open_chunk(Worker *worker, IdcCall *call, size_t number, IdcResult **result, IdcError *err)
{
    Partitions *partitions = worker->partitions;
    IdcResultOptions options = partitions->options;
    IdcStatus status;

    if (partitions->until_ms >= 0) {
        options.timeout_ms = partitions->until_ms - idc_clock_ms();
        if (options.timeout_ms <= 0)
            return idc_fail(err, IDC_TIMEOUT, "the query did not finish in time");
    }
    status = idc_result_open_on(worker->conn, call, partitions->chunks[number].sql, &options,
                                result, err);
    if (status != IDC_OK)
        return status;
    pthread_mutex_lock(&partitions->mutex);
    worker->running = *result;
    if (partitions->is_stopping)
        idc_result_cancel(*result);
    pthread_mutex_unlock(&partitions->mutex);
    return IDC_OK;
}

/* The number of a chunk that nobody has begun, or chunk_count. */
static size_t
take_chunk(Partitions *partitions)
{
    size_t number = partitions->chunk_count;

    pthread_mutex_lock(&partitions->mutex);
    if (!partitions->is_stopping && partitions->next_chunk < partitions->chunk_count)
        number = partitions->next_chunk++;
    pthread_mutex_unlock(&partitions->mutex);
    return number;
}

/* worker->running may be the first chunk, opened already. */
static void *
worker_run(void *argument)
{
    Worker *worker = argument;
    Partitions *partitions = worker->partitions;
    IdcResult *opened = worker->running;

    if (opened != NULL && !read_chunk(worker, 0, opened))
        return NULL;
    for (;;) {
        size_t number = take_chunk(partitions);
        IdcError err;

        if (number == partitions->chunk_count)
            return NULL;
        if (open_chunk(worker, NULL, number, &opened, &err) != IDC_OK) {
            pthread_mutex_lock(&partitions->mutex);
            stop_with(partitions, &err);
            pthread_mutex_unlock(&partitions->mutex);
            return NULL;
        }
        if (!read_chunk(worker, number, opened))
            return NULL;
    }
}

/* ---- the end ---- */

static void
batch_free(Batch *batch)
{
    if (batch->array.release != NULL)
        batch->array.release(&batch->array);
    free(batch);
}

static void
partitions_free(Partitions *partitions)
{
    IdcError err;

    (void) idc_fail(&err, IDC_CANCELED, "the query was cancelled");
    pthread_mutex_lock(&partitions->mutex);
    stop_with(partitions, &err);
    pthread_mutex_unlock(&partitions->mutex);
    for (size_t i = 0; i < partitions->worker_count; i++) {
        Worker *worker = &partitions->workers[i];

        if (worker->has_thread)
            pthread_join(worker->thread, NULL);
        else
            idc_result_free(worker->running);
        if (worker->conn != NULL)
            idc_pool_release(partitions->pool, worker->conn);
    }
    for (size_t i = 0; i < partitions->chunk_count; i++)
        while (partitions->chunks[i].first != NULL) {
            Batch *batch = partitions->chunks[i].first;

            partitions->chunks[i].first = batch->next;
            batch_free(batch);
        }
    if (partitions->schema.release != NULL)
        partitions->schema.release(&partitions->schema);
    idc_gather_free(partitions->gather);
    idc_arena_free(partitions->arena);
    pthread_cond_destroy(&partitions->changed);
    pthread_mutex_destroy(&partitions->mutex);
    free(partitions);
}

/* ---- the stream ---- */

/* A chunk with a batch that may be read now, or chunk_count. */
static size_t
readable_chunk(Partitions *partitions)
{
    if (partitions->is_ordered) {
        while (partitions->current_chunk < partitions->chunk_count &&
               partitions->chunks[partitions->current_chunk].first == NULL &&
               partitions->chunks[partitions->current_chunk].is_done) {
            partitions->current_chunk++;
            pthread_cond_broadcast(&partitions->changed);
        }
        return partitions->current_chunk < partitions->chunk_count &&
                       partitions->chunks[partitions->current_chunk].first != NULL
                   ? partitions->current_chunk
                   : partitions->chunk_count;
    }
    for (size_t i = 0; i < partitions->next_chunk; i++)
        if (partitions->chunks[i].first != NULL)
            return i;
    return partitions->chunk_count;
}

/* The next batch of any worker; NULL at the end. */
static IdcStatus
next_batch(Partitions *partitions, Batch **batch, IdcError *err)
{
    IdcStatus status = IDC_OK;
    size_t number;

    *batch = NULL;
    pthread_mutex_lock(&partitions->mutex);
    while (partitions->err.status == IDC_OK &&
           (number = readable_chunk(partitions)) == partitions->chunk_count &&
           partitions->done_chunks < partitions->chunk_count)
        pthread_cond_wait(&partitions->changed, &partitions->mutex);
    if (partitions->err.status != IDC_OK) {
        *err = partitions->err;
        status = err->status;
    } else if ((number = readable_chunk(partitions)) < partitions->chunk_count) {
        Chunk *chunk = &partitions->chunks[number];

        *batch = chunk->first;
        chunk->first = chunk->first->next;
        if (chunk->first == NULL)
            chunk->last = NULL;
        partitions->queued_bytes -= (*batch)->bytes;
        partitions->stats.rows += (*batch)->array.length;
        partitions->stats.batches++;
        pthread_cond_broadcast(&partitions->changed);
    }
    pthread_mutex_unlock(&partitions->mutex);
    return status;
}

/* All rows as one batch. */
static IdcStatus
gather_all(Partitions *partitions, struct ArrowArray *array, IdcError *err)
{
    IdcStatus status = IDC_OK;
    Batch *batch = NULL;

    while (status == IDC_OK && (status = next_batch(partitions, &batch, err)) == IDC_OK &&
           batch != NULL) {
        status = idc_gather_append(partitions->gather, &batch->array, err);
        batch_free(batch);
    }
    if (status == IDC_OK && partitions->stats.rows > 0)
        status = idc_gather_finish(partitions->gather, array, err);
    return status;
}

static IdcStatus
partitions_next(void *handle, struct ArrowArray *array, IdcError *err)
{
    Partitions *partitions = handle;
    Batch *batch = NULL;
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
    Partitions *partitions = handle;

    return idc_schema_copy(&partitions->schema, schema, err);
}

static void
partitions_cancel(void *handle)
{
    Partitions *partitions = handle;
    IdcError err;

    (void) idc_fail(&err, IDC_CANCELED, "the query was cancelled");
    pthread_mutex_lock(&partitions->mutex);
    stop_with(partitions, &err);
    pthread_mutex_unlock(&partitions->mutex);
}

static void
partitions_stats(void *handle, IdcResultStats *stats)
{
    Partitions *partitions = handle;

    pthread_mutex_lock(&partitions->mutex);
    stats->rows = partitions->stats.rows;
    stats->bytes = partitions->stats.bytes;
    stats->batches = partitions->stats.batches;
    stats->unrepresentable = partitions->stats.unrepresentable;
    pthread_mutex_unlock(&partitions->mutex);
}

static void
partitions_release(void *handle)
{
    partitions_free(handle);
}

/* ---- the beginning ---- */

static IdcStatus
partitions_new(IdcPool *pool, const char *const *chunks, size_t chunk_count,
               const IdcPartitionOptions *how, const IdcResultOptions *options,
               Partitions **partitions, IdcError *err)
{
    Partitions *made = calloc(1, sizeof *made);
    size_t workers = how->connections < chunk_count ? how->connections : chunk_count;

    if (made == NULL)
        return idc_fail_no_memory(err);
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, NULL);
    idc_error_init(&made->err);
    made->pool = pool;
    made->is_ordered = how->is_ordered;
    made->is_single_batch = options->batch.single_batch;
    made->options = *options;
    made->options.batch.single_batch = false;
    made->until_ms = options->timeout_ms > 0 ? idc_clock_ms() + options->timeout_ms : -1;
    made->arena = idc_arena_new(0);
    if (made->arena != NULL) {
        made->chunks = idc_arena_alloc_array(made->arena, chunk_count, sizeof *made->chunks);
        made->workers = idc_arena_alloc_array(made->arena, workers, sizeof *made->workers);
    }
    for (size_t i = 0; made->chunks != NULL && i < chunk_count; i++) {
        made->chunks[i].sql = idc_arena_strdup(made->arena, chunks[i]);
        if (made->chunks[i].sql == NULL)
            break;
        made->chunk_count++;
    }
    if (made->workers == NULL || made->chunk_count < chunk_count) {
        partitions_free(made);
        return idc_fail_no_memory(err);
    }
    *partitions = made;
    return IDC_OK;
}

/* One connection more, in a transaction that sees what the first one sees. */
static IdcStatus
add_worker(Partitions *partitions, IdcCall *call, const char *snapshot, IdcError *err)
{
    Worker *worker = &partitions->workers[partitions->worker_count];
    IdcStatus status = idc_pool_acquire(partitions->pool, call, &worker->conn, err);
    IdcText text;

    if (status != IDC_OK)
        return status;
    worker->partitions = partitions;
    partitions->worker_count++;
    idc_text_init(&text, 0);
    idc_text_append(&text, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    if (snapshot != NULL)
        idc_text_append_format(&text, "; SET TRANSACTION SNAPSHOT '%s'", snapshot);
    status = idc_text_check(&text, err);
    if (status == IDC_OK)
        status = idc_conn_execute(worker->conn, call, idc_text_string(&text), err);
    idc_text_done(&text);
    return status;
}

static IdcStatus
export_snapshot(Partitions *partitions, IdcCall *call, const char **snapshot, IdcError *err)
{
    IdcTextRows rows;
    IdcStatus status =
        idc_conn_query(partitions->workers[0].conn, call, partitions->arena,
                       "SELECT pg_catalog.pg_export_snapshot()", NULL, 0, &rows, err);

    if (status == IDC_OK)
        *snapshot = rows.values[0];
    return status;
}

/* The first one is needed; the pool may not have the others just now. */
static IdcStatus
add_workers(Partitions *partitions, IdcCall *call, size_t wanted, IdcError *err)
{
    IdcCall *patience = idc_call_new();
    const char *snapshot = NULL;
    IdcStatus status = patience != NULL ? IDC_OK : idc_fail_no_memory(err);

    if (status == IDC_OK)
        status = add_worker(partitions, call, NULL, err);
    if (status == IDC_OK && wanted > 1)
        status = export_snapshot(partitions, call, &snapshot, err);
    if (status == IDC_OK)
        idc_call_set_timeout(patience, MORE_CONNECTIONS_MS);
    while (status == IDC_OK && partitions->worker_count < wanted) {
        size_t before = partitions->worker_count;

        status = add_worker(partitions, patience, snapshot, err);
        if (status == IDC_TIMEOUT && partitions->worker_count == before) {
            status = IDC_OK;
            break;
        }
    }
    idc_call_free(patience);
    return status;
}

/* What the rows look like is known once the first chunk is open. */
static IdcStatus
learn_schema(Partitions *partitions, IdcCall *call, IdcError *err)
{
    IdcStatus status;

    partitions->next_chunk = 1;
    status = open_chunk(&partitions->workers[0], call, 0, &partitions->workers[0].running, err);
    if (status == IDC_OK)
        status = idc_result_schema(partitions->workers[0].running, &partitions->schema, err);
    if (status != IDC_OK || !partitions->is_single_batch)
        return status;
    status = idc_gather_new(&partitions->schema, &partitions->gather, err);
    if (status != IDC_OK)
        return status;
    partitions->schema.release(&partitions->schema);
    return idc_gather_schema(partitions->gather, &partitions->schema, err);
}

static IdcStatus
start_threads(Partitions *partitions, IdcError *err)
{
    sigset_t all, old;
    int code = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (size_t i = 0; i < partitions->worker_count && code == 0; i++) {
        Worker *worker = &partitions->workers[i];

        code = pthread_create(&worker->thread, NULL, worker_run, worker);
        worker->has_thread = code == 0;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return code == 0
               ? IDC_OK
               : idc_fail(err, IDC_NO_MEMORY, "cannot start a thread: %s", idc_errno_text(code));
}

IdcStatus
idc_partitions_open(IdcPool *pool, IdcCall *call, const char *sql, const char *const *chunks,
                    size_t chunk_count, const IdcPartitionOptions *how,
                    const IdcResultOptions *options, IdcResult **result, IdcError *err)
{
    static const IdcBatchMaker maker = { .schema = partitions_schema,
                                         .next = partitions_next,
                                         .cancel = partitions_cancel,
                                         .stats = partitions_stats,
                                         .release = partitions_release };
    Partitions *made = NULL;
    IdcStatus status = partitions_new(pool, chunks, chunk_count, how, options, &made, err);
    size_t wanted = how->connections < chunk_count ? how->connections : chunk_count;

    if (status == IDC_OK)
        status = add_workers(made, call, wanted, err);
    if (status == IDC_OK)
        status = learn_schema(made, call, err);
    if (status == IDC_OK)
        status = start_threads(made, err);
    if (status == IDC_OK)
        status = idc_result_from_maker(&maker, made, sql, result, err);
    if (status != IDC_OK && made != NULL)
        partitions_free(made);
    return status;
}
