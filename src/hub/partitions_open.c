/*
 * partitions_open.c - connections that see the same rows, and the first chunk.
 *
 * In:   the SQL of the whole and of the chunks
 * Out:  workers in transactions that share a snapshot and hold the locks of all chunks
 * Next: hub/partitions.c
 *
 * Every connection plans the whole before anything is read. That takes the locks that any chunk
 * needs. Taken later, one could wait behind a statement that itself waits for another of our
 * transactions, and nobody would ever find that deadlock.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/schema_copy.h"
#include "hub/conn_private.h"
#include "hub/hub_private.h"
#include "hub/partitions_private.h"

#define MORE_CONNECTIONS_MS 1000
#define LOCK_MS "500"

static IdcStatus
partitions_new(IdcPool *pool, const char *const *chunks, size_t chunk_count,
               const IdcPartitionOptions *how, const IdcResultOptions *options,
               IdcPartitions **partitions, IdcError *err)
{
    IdcPartitions *made = calloc(1, sizeof *made);
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
    /* Each chunk would choose for itself, and all are of one type. */
    made->options.dictionary = IDC_DICTIONARY_OFF;
    made->limit_ms = options->timeout_ms;
    made->until_ms = options->timeout_ms > 0 ? how->started_ms + options->timeout_ms : -1;
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
        idc_partitions_free(made);
        return idc_fail_no_memory(err);
    }
    *partitions = made;
    return IDC_OK;
}

/* The lock comes before the snapshot, so that rows which were there when it was granted are seen.
 */
static IdcStatus
begin_first(IdcPartitions *partitions, IdcCall *call, const char *sql, const char *lock_sql,
            const char **snapshot, IdcError *err)
{
    IdcConn *conn = partitions->workers[0].conn;
    bool was_dirty = conn->is_dirty;
    IdcTextRows rows = { 0 };
    IdcText text;
    IdcStatus status;

    idc_text_init(&text, 0);
    idc_text_append(&text, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;");
    if (lock_sql != NULL)
        idc_text_append_format(&text, "%s;", lock_sql);
    idc_text_append_format(&text, "EXPLAIN (COSTS OFF) %s\n;SELECT pg_catalog.pg_export_snapshot()",
                           sql);
    status = idc_text_check(&text, err);
    if (status == IDC_OK)
        status = idc_conn_query(conn, call, partitions->arena, idc_text_string(&text), NULL, 0,
                                &rows, err);
    idc_text_done(&text);
    conn->is_dirty = was_dirty; /* the transaction leaves nothing behind */
    if (status == IDC_OK &&
        (rows.row_count != 1 || rows.values[0] == NULL ||
         rows.values[0][strspn(rows.values[0], "0123456789ABCDEFabcdef-")] != '\0'))
        status = idc_fail(err, IDC_QUERY_FAILED, "the hub gave no snapshot");
    if (status == IDC_OK)
        *snapshot = rows.values[0];
    return status;
}

/* A transaction that sees what the first one sees. A lock that is not free is not waited for. */
static IdcStatus
begin_another(IdcConn *conn, IdcCall *call, const char *sql, const char *snapshot, IdcError *err)
{
    bool was_dirty = conn->is_dirty;
    IdcText text;
    IdcStatus status;

    idc_text_init(&text, 0);
    idc_text_append_format(&text,
                           "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                           "SET LOCAL lock_timeout = " LOCK_MS ";"
                           "SET TRANSACTION SNAPSHOT '%s';"
                           "EXPLAIN (COSTS OFF) %s\n;"
                           "SET LOCAL lock_timeout TO DEFAULT",
                           snapshot, sql);
    status = idc_text_check(&text, err);
    if (status == IDC_OK)
        status = idc_conn_execute(conn, call, idc_text_string(&text), err);
    idc_text_done(&text);
    conn->is_dirty = was_dirty;
    return status;
}

static IdcStatus
take_connection(IdcPartitions *partitions, IdcCall *call, IdcError *err)
{
    IdcPartitionWorker *worker = &partitions->workers[partitions->worker_count];
    IdcStatus status;

    worker->partitions = partitions;
    worker->call = idc_call_new();
    if (worker->call == NULL)
        return idc_fail_no_memory(err);
    status = idc_pool_acquire(partitions->pool, call, &worker->conn, err);
    if (status == IDC_OK) {
        partitions->worker_count++;
        return IDC_OK;
    }
    idc_call_free(worker->call);
    worker->call = NULL;
    return status;
}

static void
drop_last(IdcPartitions *partitions)
{
    IdcPartitionWorker *worker = &partitions->workers[--partitions->worker_count];

    idc_pool_release(partitions->pool, worker->conn);
    idc_call_free(worker->call);
    *worker = (IdcPartitionWorker){ 0 };
}

/* One connection more; the call's own limit holds as well, and is as before afterwards. */
static IdcStatus
add_another(IdcPartitions *partitions, IdcCall *call, const char *sql, const char *snapshot,
            IdcError *err)
{
    int64_t own_ms = idc_call_remaining_ms(call, -1);
    int64_t start_ms = idc_clock_ms(), left;
    size_t before = partitions->worker_count;
    IdcStatus status;

    idc_call_set_timeout(call, idc_call_remaining_ms(call, MORE_CONNECTIONS_MS));
    status = take_connection(partitions, call, err);
    if (status == IDC_OK)
        status = begin_another(partitions->workers[before].conn, call, sql, snapshot, err);
    if (status != IDC_OK && partitions->worker_count > before)
        drop_last(partitions);
    left = own_ms - (idc_clock_ms() - start_ms);
    idc_call_set_timeout(call, own_ms < 0 ? -1 : left > 0 ? left : 0);
    return status;
}

/*
 * The first one is needed. Others cannot always be had: the pool or the server may have no more of
 * them, or somebody may wait to change the table.
 */
static IdcStatus
add_workers(IdcPartitions *partitions, IdcCall *call, const char *sql,
            const IdcPartitionOptions *how, IdcError *err)
{
    const char *snapshot = NULL;
    size_t wanted =
        how->connections < partitions->chunk_count ? how->connections : partitions->chunk_count;
    IdcPoolStatus pool;
    int64_t limit_ms;
    IdcStatus status = take_connection(partitions, call, err);

    if (status == IDC_OK)
        status = begin_first(partitions, call, sql, how->lock_sql, &snapshot, err);
    if (status != IDC_OK)
        return status;
    /* The session's own limit is that of a statement; a load may not take it once a chunk. */
    limit_ms = partitions->workers[0].conn->hub->query_timeout_ms;
    if (partitions->until_ms < 0 && limit_ms > 0) {
        partitions->limit_ms = limit_ms;
        partitions->until_ms = how->started_ms + limit_ms;
    }
    idc_pool_status(partitions->pool, &pool);
    if (wanted > pool.size)
        wanted = pool.size;
    while (status == IDC_OK && partitions->worker_count < wanted)
        status = add_another(partitions, call, sql, snapshot, err);
    if (status == IDC_CANCELED || status == IDC_MISUSE || status == IDC_NO_MEMORY ||
        idc_call_remaining_ms(call, -1) == 0)
        return status;
    return IDC_OK;
}

/* What the rows look like is known once the first chunk is open. */
static IdcStatus
learn_schema(IdcPartitions *partitions, IdcCall *call, bool *is_refused, IdcError *err)
{
    IdcPartitionWorker *first = &partitions->workers[0];
    IdcResult *opened = NULL;
    IdcStatus status = idc_partitions_open_chunk(first, call, 0, &opened, err);

    *is_refused = status == IDC_QUERY_FAILED && first->conn->extension == IDC_EXTENSION_PRESENT;
    if (status == IDC_OK)
        status = idc_result_schema(opened, &partitions->chunk_schema, err);
    if (status != IDC_OK)
        return status;
    if (partitions->is_single_batch) {
        status = idc_gather_new(&partitions->chunk_schema, &partitions->gather, err);
        if (status == IDC_OK)
            status = idc_gather_schema(partitions->gather, &partitions->schema, err);
    } else {
        status = idc_schema_copy(&partitions->chunk_schema, &partitions->schema, err);
    }
    if (status != IDC_OK)
        return status;
    pthread_mutex_lock(&partitions->mutex);
    partitions->has_schema = true;
    pthread_cond_broadcast(&partitions->changed);
    pthread_mutex_unlock(&partitions->mutex);
    return IDC_OK;
}

static IdcStatus
start_thread(IdcPartitionWorker *worker, IdcError *err)
{
    sigset_t all, old;
    int code;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    code = pthread_create(&worker->thread, NULL, idc_partitions_work, worker);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    worker->has_thread = code == 0;
    return code == 0
               ? IDC_OK
               : idc_fail(err, IDC_NO_MEMORY, "cannot start a thread: %s", idc_errno_text(code));
}

/* The others begin at once: the first chunk may be long before it says what its rows look like.
 * One thread is needed; with fewer than wanted it only takes longer. */
static IdcStatus
start_all(IdcPartitions *partitions, IdcCall *call, bool *is_refused, IdcError *err)
{
    IdcStatus status = IDC_OK;

    partitions->next_chunk = 1;
    for (size_t i = 1; i < partitions->worker_count && status == IDC_OK; i++)
        status = start_thread(&partitions->workers[i], err);
    status = learn_schema(partitions, call, is_refused, err);
    if (status == IDC_OK)
        return start_thread(&partitions->workers[0], err);
    idc_partitions_name_limit(partitions, err);
    return status;
}

static IdcStatus
open_once(IdcPool *pool, IdcCall *call, const char *sql, const char *const *chunks,
          size_t chunk_count, const IdcPartitionOptions *how, const IdcResultOptions *options,
          bool *is_refused, IdcResult **result, IdcError *err)
{
    int64_t started_us = idc_clock_us();
    IdcPartitions *made = NULL;
    IdcStatus status = partitions_new(pool, chunks, chunk_count, how, options, &made, err);

    if (status != IDC_OK)
        return status;
    status = add_workers(made, call, sql, how, err);
    made->stats.connect_us = idc_clock_us() - started_us;
    if (status == IDC_OK)
        status = start_all(made, call, is_refused, err);
    if (status == IDC_OK)
        status = idc_result_from_maker(&idc_partitions_maker, made, sql, result, err);
    if (status == IDC_OK)
        (*result)->started_us = started_us;
    else
        idc_partitions_free(made);
    return status;
}

IdcStatus
idc_partitions_open(IdcPool *pool, IdcCall *call, const char *sql, const char *const *chunks,
                    size_t chunk_count, const IdcPartitionOptions *how,
                    const IdcResultOptions *options, IdcResult **result, IdcError *err)
{
    IdcCall *own = call == NULL ? idc_call_new() : NULL;
    IdcCall *waiting = call != NULL ? call : own;
    IdcResultOptions plain = *options;
    bool is_refused = false;
    IdcStatus status;

    if (waiting == NULL)
        return idc_fail_no_memory(err);
    status =
        open_once(pool, waiting, sql, chunks, chunk_count, how, options, &is_refused, result, err);
    /* What the extension refuses ends the transaction, so the other way needs new ones. */
    if (is_refused && options->transfer == IDC_TRANSFER_AUTO) {
        plain.transfer = IDC_TRANSFER_COPY;
        status = open_once(pool, waiting, sql, chunks, chunk_count, how, &plain, &is_refused,
                           result, err);
    }
    idc_call_free(own);
    return status;
}
