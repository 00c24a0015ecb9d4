/*
 * read.c - the rows of a COPY, from the socket into a batch without a stop.
 *
 * The end counts only when the server says so: the trailer of the COPY, and ReadyForQuery. Anything
 * else is an error, never fewer rows.
 */
#include <inttypes.h>

#include "adapters/postgres/work.h"

static IdcStatus
fail_cut_off(IdcPostgresRead *read, IdcError *err)
{
    read->session->is_lost = true;
    return idc_fail(err, IDC_CONNECTION_FAILED, "the answer of the server was cut off");
}

static IdcStatus
end(IdcPostgresRead *read, IdcError *err)
{
    if (!idc_copy_reader_is_complete(read->reader))
        return fail_cut_off(read, err);
    read->is_over = true;
    return IDC_OK;
}

/* To the answer that begins the rows. */
IdcStatus
idc_postgres_read_begin(IdcPostgresRead *read, IdcSourceScan *scan, IdcError *err)
{
    while (!read->has_begun) {
        IdcAnswer answer;
        int64_t since = idc_clock_us();
        IdcStatus status = idc_postgres_answer(read->session, scan->call, &answer, err);

        scan->stats.wait_us += idc_clock_us() - since;
        if (status != IDC_OK)
            return status;
        if (answer.kind == IDC_ANSWER_END)
            return fail_cut_off(read, err);
        read->has_begun = answer.kind == IDC_ANSWER_COPY_OUT;
    }
    return IDC_OK;
}

/* What lies in the buffer; *is_empty: nothing does. */
static IdcStatus
take(IdcPostgresRead *read, IdcSourceScan *scan, const IdcBatchBuilder *builder, bool *is_empty,
     IdcError *err)
{
    IdcPostgresSession *session = read->session;
    IdcMessage message;

    while (!idc_batch_is_full(builder)) {
        bool is_there;
        IdcStatus status = idc_wire_take(&session->wire, &message, &is_there, err);

        if (status != IDC_OK)
            return status;
        if (!is_there) {
            *is_empty = true;
            return IDC_OK;
        }
        if (message.kind == 'd')
            status = idc_copy_reader_feed(read->reader, message.body, message.len, err);
        else if (message.kind == 'E')
            status = idc_postgres_fail_message(session, scan->call, &message, err);
        else if (message.kind == 'Z') {
            idc_postgres_ready(session, &message);
            return end(read, err);
        }
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

static IdcStatus
read_raw(IdcPostgresRead *read, IdcSourceScan *scan, IdcBatchBuilder *builder, bool *is_dry,
         IdcError *err)
{
    IdcPostgresWire *wire = &read->session->wire;

    while (!read->is_over && !idc_batch_is_full(builder)) {
        bool is_empty = false;
        size_t count = 0;
        IdcStatus status = take(read, scan, builder, &is_empty, err);

        if (status != IDC_OK || !is_empty)
            return status;
        status = idc_wire_read(wire, PQsocket(read->session->libpq), &count, err);
        scan->stats.bytes += (int64_t) count;
        if (status != IDC_OK) {
            read->session->is_lost = true;
            return status;
        }
        if (count == 0) {
            *is_dry = true;
            return IDC_OK;
        }
    }
    return IDC_OK;
}

/* Behind the rows: the tag, and the end of everything. */
static IdcStatus
end_libpq(IdcPostgresRead *read, IdcSourceScan *scan, IdcError *err)
{
    IdcAnswer answer = { 0 };

    while (answer.kind != IDC_ANSWER_END) {
        IdcStatus status = idc_postgres_answer(read->session, scan->call, &answer, err);

        if (status != IDC_OK)
            return status;
    }
    return end(read, err);
}

static IdcStatus
read_libpq(IdcPostgresRead *read, IdcSourceScan *scan, IdcBatchBuilder *builder, bool *is_dry,
           IdcError *err)
{
    PGconn *libpq = read->session->libpq;
    bool has_read = false;

    while (!read->is_over && !idc_batch_is_full(builder)) {
        char *row = NULL;
        int len = PQgetCopyData(libpq, &row, 1);
        IdcStatus status = IDC_OK;

        if (len > 0) {
            has_read = false;
            scan->stats.bytes += len;
            status = idc_copy_reader_feed(read->reader, (const uint8_t *) row, (size_t) len, err);
            PQfreemem(row);
        } else if (len < 0) {
            status = end_libpq(read, scan, err);
        } else if (has_read) {
            *is_dry = true;
            return IDC_OK;
        } else if (PQconsumeInput(libpq) != 1) {
            status = idc_postgres_fail_lost(read->session, err);
        } else {
            has_read = true;
        }
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

IdcStatus
idc_postgres_read(IdcPostgresRead *read, IdcSourceScan *scan, IdcBatchBuilder *builder,
                  bool *is_dry, IdcError *err)
{
    IdcStatus status = idc_postgres_read_begin(read, scan, err);

    *is_dry = false;
    if (status != IDC_OK)
        return status;
    return read->session->is_raw ? read_raw(read, scan, builder, is_dry, err)
                                 : read_libpq(read, scan, builder, is_dry, err);
}
