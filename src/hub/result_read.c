/*
 * result_read.c - from the socket into the batch builder.
 *
 * The end counts only when the server says so: the trailer of a COPY and its CommandComplete, or
 * the end of the rows. Anything else is an error, never fewer rows.
 */
#include <poll.h>

#include "hub/conn_private.h"
#include "hub/result_arrow.h"

static IdcStatus
fail_cut_off(IdcResult *result, IdcError *err)
{
    result->conn->is_broken = true;
    return idc_fail(err, IDC_CONNECTION_FAILED, "the answer of the hub was cut off after %lld rows",
                    (long long) result->stats.rows);
}

/* Nothing may follow; then the connection is free for others. */
static IdcStatus
finish(IdcResult *result, IdcError *err)
{
    IdcStatus status = idc_conn_end_statement(result->conn, result->call, err);

    if (status != IDC_OK)
        return status;
    idc_statement_note_rows(result->statement,
                            result->stats.rows + idc_batch_row_count(result->builder));
    result->mode = RESULT_ENDED;
    idc_result_release_conn(result);
    return IDC_OK;
}

static IdcStatus
finish_copy(IdcResult *result, IdcError *err)
{
    PGresult *answer = NULL;
    IdcStatus status = idc_conn_next_result(result->conn, result->call, &answer, err);

    if (status != IDC_OK)
        return status;
    if (answer == NULL || PQresultStatus(answer) != PGRES_COMMAND_OK) {
        status = idc_conn_fail(result->conn, answer, err);
        PQclear(answer);
        return status;
    }
    idc_conn_note_command(result->conn, result->sql, answer);
    PQclear(answer);
    return idc_copy_reader_is_complete(result->reader) ? finish(result, err)
                                                       : fail_cut_off(result, err);
}

/*
 * What was remembered of the columns may be older than the values: an array column that got another
 * depth. The next run asks for it anew.
 */
static IdcStatus
forget_description(IdcResult *result, IdcStatus status)
{
    if (status != IDC_OK)
        idc_statement_cache_forget(result->conn->statements, result->statement);
    return status;
}

static IdcStatus
wait_readable(IdcResult *result, IdcError *err)
{
    PGconn *libpq = result->conn->libpq;
    IdcStatus status = idc_call_wait(result->call, PQsocket(libpq), POLLIN, -1, err);

    if (status != IDC_OK)
        return status;
    return PQconsumeInput(libpq) == 1 ? IDC_OK : idc_conn_fail(result->conn, NULL, err);
}

static IdcStatus
read_copy(IdcResult *result, int64_t *bytes, IdcError *err)
{
    PGconn *libpq = result->conn->libpq;

    while (!idc_batch_is_full(result->builder)) {
        char *message = NULL;
        int len = PQgetCopyData(libpq, &message, 1);
        IdcStatus status;

        if (len > 0) {
            status =
                idc_copy_reader_feed(result->reader, (const uint8_t *) message, (size_t) len, err);
            *bytes += len;
            PQfreemem(message);
            status = forget_description(result, status);
        } else if (len == 0) {
            status = wait_readable(result, err);
        } else {
            return len == -1 ? finish_copy(result, err) : idc_conn_fail(result->conn, NULL, err);
        }
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

static IdcStatus
append_row(IdcResult *result, const PGresult *row, int number, int64_t *bytes, IdcError *err)
{
    size_t count = result->statement->description.column_count;

    if ((size_t) PQnfields(row) != count)
        return idc_fail(err, IDC_QUERY_FAILED, "the result has %d columns where %zu were described",
                        PQnfields(row), count);
    for (size_t i = 0; i < count; i++) {
        bool is_null = PQgetisnull(row, number, (int) i);
        int len = is_null ? -1 : PQgetlength(row, number, (int) i);
        IdcStatus status = idc_batch_append(
            result->builder, i, (const uint8_t *) PQgetvalue(row, number, (int) i), len, err);

        if (status != IDC_OK)
            return status;
        *bytes += len > 0 ? len : 0;
    }
    idc_batch_end_row(result->builder);
    return IDC_OK;
}

static IdcStatus
read_rows(IdcResult *result, int64_t *bytes, IdcError *err)
{
    while (!idc_batch_is_full(result->builder)) {
        PGresult *answer = result->first;
        IdcStatus status = IDC_OK;

        result->first = NULL;
        if (answer == NULL)
            status = idc_conn_next_result(result->conn, result->call, &answer, err);
        if (status != IDC_OK)
            return status;
        switch (answer != NULL ? PQresultStatus(answer) : PGRES_FATAL_ERROR) {
        case PGRES_SINGLE_TUPLE:
            status = forget_description(result, append_row(result, answer, 0, bytes, err));
            PQclear(answer);
            break;
        case PGRES_TUPLES_OK:
            idc_conn_note_command(result->conn, result->sql, answer);
            PQclear(answer);
            return finish(result, err);
        default:
            status = idc_conn_fail(result->conn, answer, err);
            PQclear(answer);
        }
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

IdcStatus
idc_result_read(IdcResult *result, IdcError *err)
{
    int64_t bytes = 0;
    IdcStatus status;

    if (idc_call_is_cancelled(result->call))
        status = idc_fail(err, IDC_CANCELED, "the query was cancelled");
    else if (idc_call_remaining_ms(result->call, -1) == 0)
        status = idc_fail(err, IDC_TIMEOUT, "timed out");
    else if (result->mode == RESULT_ARROW)
        status = idc_arrow_read(result, &bytes, err);
    else
        status = result->mode == RESULT_COPY ? read_copy(result, &bytes, err)
                                             : read_rows(result, &bytes, err);
    pthread_mutex_lock(&result->mutex);
    result->stats.bytes += bytes;
    pthread_mutex_unlock(&result->mutex);
    return status;
}
