/*
 * result.c - the life of a result: opening, the Arrow stream over it, cancel, the end.
 */
#include "hub/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hub/blame.h"
#include "hub/conn_private.h"
#include "hub/result_arrow.h"

void
idc_result_release_conn(IdcResult *result)
{
    IdcConn *conn;

    pthread_mutex_lock(&result->mutex);
    conn = result->conn;
    result->conn = NULL;
    pthread_mutex_unlock(&result->mutex);
    if (conn == NULL)
        return;
    if (result->pool != NULL)
        idc_pool_release(result->pool, conn);
    else if (idc_conn_is_usable(conn))
        idc_conn_abandon(conn);
}

static void
result_leave(IdcResult *result)
{
    int left;

    pthread_mutex_lock(&result->mutex);
    left = --result->reference_count;
    pthread_mutex_unlock(&result->mutex);
    if (left > 0)
        return;
    idc_result_release_conn(result);
    PQclear(result->first);
    idc_copy_reader_free(result->reader);
    idc_batch_builder_free(result->builder);
    idc_statement_free(result->statement);
    idc_ipc_reader_free(result->ipc);
    idc_gather_free(result->gather);
    if (result->ready.release != NULL)
        result->ready.release(&result->ready);
    if (result->given.release != NULL)
        result->given.release(&result->given);
    if (result->maker != NULL)
        result->maker->release(result->maker_handle);
    idc_call_free(result->call);
    idc_arena_free(result->arena);
    pthread_mutex_destroy(&result->mutex);
    free(result);
}

static IdcStatus
result_new(const char *sql, IdcResult **result, IdcError *err)
{
    IdcResult *made = calloc(1, sizeof *made);

    if (made == NULL)
        return idc_fail_no_memory(err);
    pthread_mutex_init(&made->mutex, NULL);
    made->reference_count = 1;
    made->started_us = idc_clock_us();
    idc_error_init(&made->err);
    made->arena = idc_arena_new(0);
    made->call = idc_call_new();
    if (made->arena != NULL)
        made->sql = idc_arena_strdup(made->arena, sql);
    if (made->sql == NULL || made->call == NULL) {
        result_leave(made);
        return idc_fail_no_memory(err);
    }
    *result = made;
    return IDC_OK;
}

IdcStatus
idc_result_fail_timeout(int64_t limit_ms, IdcError *err)
{
    (void) idc_fail(err, IDC_TIMEOUT, "the query did not finish within %lld ms",
                    (long long) limit_ms);
    idc_error_set_hint(err, "raise the time limit, or ask for less");
    return IDC_TIMEOUT;
}

/* The time limit of the query holds for the caller's call too while it opens, and not after. */
static IdcStatus
open_within(IdcResult *result, IdcCall *call, const IdcSqlParameter *parameters,
            size_t parameter_count, IdcError *err)
{
    int64_t limit_ms = result->options.timeout_ms > 0 ? result->options.timeout_ms : -1;
    int64_t own_ms = idc_call_remaining_ms(call, -1);
    int64_t start_ms = idc_clock_ms();
    IdcCall *waiting = call != NULL ? call : result->call;
    IdcStatus status;

    idc_call_set_timeout(result->call, limit_ms);
    if (call != NULL && limit_ms > 0)
        idc_call_set_timeout(call, idc_call_remaining_ms(call, limit_ms));
    status =
        result->pool != NULL ? idc_pool_acquire(result->pool, waiting, &result->conn, err) : IDC_OK;
    result->stats.connect_us = idc_clock_us() - result->started_us;
    if (status == IDC_OK)
        status = idc_result_start(result, waiting, parameters, parameter_count, err);
    if (status == IDC_SOURCE_FAILED || status == IDC_QUERY_FAILED)
        idc_conn_blame(result->conn, result->sql, err);
    if (status == IDC_TIMEOUT && limit_ms > 0 && idc_clock_ms() - start_ms >= limit_ms &&
        (own_ms < 0 || own_ms > limit_ms))
        (void) idc_result_fail_timeout(result->options.timeout_ms, err);
    if (call != NULL && limit_ms > 0) {
        int64_t left = own_ms - (idc_clock_ms() - start_ms);

        idc_call_set_timeout(call, own_ms < 0 ? -1 : left > 0 ? left : 0);
    }
    return status;
}

/* One of pool and conn is NULL. */
static IdcStatus
result_open(IdcPool *pool, IdcConn *conn, IdcCall *call, const char *sql,
            const IdcSqlParameter *parameters, size_t parameter_count,
            const IdcResultOptions *options, IdcResult **result, IdcError *err)
{
    IdcResult *made = NULL;
    IdcError local;
    IdcStatus status;

    if (err == NULL)
        err = &local;
    status = result_new(sql, &made, err);
    if (status != IDC_OK)
        return status;
    made->pool = pool;
    made->conn = conn;
    made->options = *options;
    status = open_within(made, call, parameters, parameter_count, err);
    if (status != IDC_OK) {
        result_leave(made);
        return status;
    }
    if (made->mode == RESULT_ENDED) {
        idc_result_release_conn(made);
        made->stats.total_us = idc_clock_us() - made->started_us;
    }
    *result = made;
    return IDC_OK;
}

IdcStatus
idc_result_open(IdcPool *pool, IdcCall *call, const char *sql, const IdcSqlParameter *parameters,
                size_t parameter_count, const IdcResultOptions *options, IdcResult **result,
                IdcError *err)
{
    return result_open(pool, NULL, call, sql, parameters, parameter_count, options, result, err);
}

IdcStatus
idc_result_open_on(IdcConn *conn, IdcCall *call, const char *sql, const IdcResultOptions *options,
                   IdcResult **result, IdcError *err)
{
    return result_open(NULL, conn, call, sql, NULL, 0, options, result, err);
}

IdcStatus
idc_result_from_maker(const IdcBatchMaker *maker, void *handle, const char *sql, IdcResult **result,
                      IdcError *err)
{
    IdcResult *made = NULL;
    IdcStatus status = result_new(sql, &made, err);

    if (status != IDC_OK)
        return status;
    made->mode = RESULT_MADE;
    made->maker = maker;
    made->maker_handle = handle;
    *result = made;
    return IDC_OK;
}

IdcStatus
idc_result_from_stream(struct ArrowArrayStream *stream, const char *sql, int64_t row_count,
                       IdcResult **result, IdcError *err)
{
    IdcResult *made = NULL;
    IdcStatus status = result_new(sql, &made, err);

    if (status != IDC_OK)
        return status;
    made->mode = RESULT_GIVEN;
    made->given = *stream;
    stream->release = NULL;
    made->stats.rows = row_count;
    *result = made;
    return IDC_OK;
}

/* ---- the stream ---- */

static int
errno_of(IdcStatus status)
{
    switch (status) {
    case IDC_OK:
        return 0;
    case IDC_NO_MEMORY:
        return ENOMEM;
    case IDC_BAD_VALUE:
    case IDC_MISUSE:
    case IDC_UNSUPPORTED:
        return EINVAL;
    case IDC_TIMEOUT:
        return ETIMEDOUT;
    case IDC_CANCELED:
        return ECANCELED;
    default:
        return EIO;
    }
}

/* Nothing more comes from the server: keep the reason, give the connection back. */
static int
stream_fail(IdcResult *result, IdcStatus status, IdcError *err)
{
    if (status == IDC_TIMEOUT && result->options.timeout_ms > 0 &&
        idc_call_remaining_ms(result->call, -1) == 0)
        (void) idc_result_fail_timeout(result->options.timeout_ms, err);
    else if (status == IDC_CANCELED && idc_call_is_cancelled(result->call))
        (void) idc_fail(err, IDC_CANCELED, "the query was cancelled");
    else if ((status == IDC_SOURCE_FAILED || status == IDC_QUERY_FAILED) && result->conn != NULL)
        idc_conn_blame(result->conn, result->sql, err);
    pthread_mutex_lock(&result->mutex);
    result->err = *err;
    result->stats.total_us = idc_clock_us() - result->started_us;
    pthread_mutex_unlock(&result->mutex);
    idc_result_release_conn(result);
    return errno_of(status);
}

IdcStatus
idc_result_schema(const IdcResult *result, struct ArrowSchema *schema, IdcError *err)
{
    const IdcDescription *description;

    if (result->maker != NULL)
        return result->maker->schema(result->maker_handle, schema, err);
    if (result->ipc != NULL)
        return idc_arrow_schema(result, schema, err);
    description = &result->statement->description;
    return idc_columns_schema(description->specs, description->column_count, schema, err);
}

static int
stream_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    IdcResult *result = stream->private_data;
    IdcError err;
    IdcStatus status = idc_result_schema(result, schema, &err);

    if (status == IDC_OK)
        return 0;
    pthread_mutex_lock(&result->mutex);
    result->err = err;
    pthread_mutex_unlock(&result->mutex);
    return errno_of(status);
}

/* Move what is ready, or the rows of the builder, out, if there are any. */
static IdcStatus
take_batch(IdcResult *result, struct ArrowArray *batch, IdcError *err)
{
    int64_t rows;
    IdcStatus status = IDC_OK;

    if (result->ipc != NULL) {
        rows = result->ready.release != NULL ? result->ready.length : 0;
        *batch = result->ready;
        result->ready.release = NULL;
    } else {
        rows = idc_batch_row_count(result->builder);
        if (rows > 0)
            status = idc_batch_finish(result->builder, batch, err);
    }
    if (status != IDC_OK)
        return status;
    pthread_mutex_lock(&result->mutex);
    if (rows > 0) {
        if (result->stats.batches++ == 0)
            result->stats.first_batch_us = idc_clock_us() - result->started_us;
        result->stats.rows += rows;
    }
    result->stats.unrepresentable = result->ipc != NULL
                                        ? idc_ipc_reader_unrepresentable(result->ipc)
                                        : idc_batch_unrepresentable_count(result->builder);
    if (result->mode == RESULT_ENDED)
        result->stats.total_us = idc_clock_us() - result->started_us;
    pthread_mutex_unlock(&result->mutex);
    return IDC_OK;
}

/* A batch of the maker's, and what it says of all of them so far. */
static IdcStatus
make_batch(IdcResult *result, struct ArrowArray *batch, IdcError *err)
{
    IdcStatus status = result->maker->next(result->maker_handle, batch, err);

    pthread_mutex_lock(&result->mutex);
    result->maker->stats(result->maker_handle, &result->stats);
    if (status == IDC_OK && batch->release != NULL && result->stats.first_batch_us == 0)
        result->stats.first_batch_us = idc_clock_us() - result->started_us;
    if (status == IDC_OK && batch->release == NULL)
        result->stats.total_us = idc_clock_us() - result->started_us;
    pthread_mutex_unlock(&result->mutex);
    return status;
}

static int
stream_get_next(struct ArrowArrayStream *stream, struct ArrowArray *batch)
{
    IdcResult *result = stream->private_data;
    IdcStatus status = IDC_OK;
    IdcError err;

    batch->release = NULL;
    if (result->err.status != IDC_OK)
        return errno_of(result->err.status);
    if (result->mode == RESULT_COPY || result->mode == RESULT_ROWS ||
        result->mode == RESULT_ARROW) {
        if (result->pool != NULL && idc_pool_is_closed(result->pool))
            status =
                idc_fail(&err, IDC_MISUSE, "the connector was closed while the result was read");
        else
            status = idc_result_read(result, &err);
    }
    if (status == IDC_OK)
        status = result->maker != NULL ? make_batch(result, batch, &err)
                                       : take_batch(result, batch, &err);
    return status == IDC_OK ? 0 : stream_fail(result, status, &err);
}

static const char *
stream_get_last_error(struct ArrowArrayStream *stream)
{
    IdcResult *result = stream->private_data;

    return result->err.status != IDC_OK ? result->err.message : NULL;
}

static void
stream_release(struct ArrowArrayStream *stream)
{
    IdcResult *result = stream->private_data;

    stream->release = NULL;
    idc_result_release_conn(result);
    if (result->maker != NULL)
        result->maker->stop(result->maker_handle);
    result_leave(result);
}

IdcStatus
idc_result_stream(IdcResult *result, struct ArrowArrayStream *stream, IdcError *err)
{
    if (result->is_streamed)
        return idc_fail(err, IDC_MISUSE, "the result was read already: run the query again");
    result->is_streamed = true;
    if (result->mode == RESULT_GIVEN) {
        *stream = result->given;
        result->given.release = NULL;
        return IDC_OK;
    }
    pthread_mutex_lock(&result->mutex);
    result->reference_count++;
    pthread_mutex_unlock(&result->mutex);
    *stream = (struct ArrowArrayStream){ .get_schema = stream_get_schema,
                                         .get_next = stream_get_next,
                                         .get_last_error = stream_get_last_error,
                                         .release = stream_release,
                                         .private_data = result };
    return IDC_OK;
}

const char *
idc_result_sql(const IdcResult *result)
{
    return result->sql;
}

void
idc_result_stats(const IdcResult *result, IdcResultStats *stats)
{
    pthread_mutex_t *mutex = &((IdcResult *) result)->mutex;

    pthread_mutex_lock(mutex);
    *stats = result->stats;
    pthread_mutex_unlock(mutex);
}

void
idc_result_error(const IdcResult *result, IdcError *err)
{
    pthread_mutex_t *mutex = &((IdcResult *) result)->mutex;

    pthread_mutex_lock(mutex);
    *err = result->err;
    pthread_mutex_unlock(mutex);
}

void
idc_result_cancel(IdcResult *result)
{
    pthread_mutex_lock(&result->mutex);
    idc_call_cancel(result->call);
    /* Under the lock: once the connection is given back, a cancel would hit somebody else's
     * statement. */
    if (result->conn != NULL)
        idc_canceller_request(result->conn->canceller);
    if (result->maker != NULL)
        result->maker->cancel(result->maker_handle);
    pthread_mutex_unlock(&result->mutex);
}

void
idc_result_free(IdcResult *result)
{
    if (result == NULL)
        return;
    if (!result->is_streamed)
        idc_result_release_conn(result);
    result_leave(result);
}
