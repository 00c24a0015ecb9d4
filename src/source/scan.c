/*
 * scan.c - a relation with its values in, record batches out.
 *
 * In:   what the hub asks for, bound here; rows from the adapter
 * Out:  messages of an Arrow IPC stream, to a sink
 */
#include "source/source.h"

#include "arrow/ipc.h"
#include "base/buffer.h"

enum {
    BATCH_ROWS = 65536,
    BATCH_ROWS_MAX = 1 << 20,
    BATCH_BYTES = 8 << 20,
    BATCH_BYTES_MAX = 256 << 20
};

/* A scan at work; what it holds ends with run_scan. */
typedef struct Run {
    const IdcAdapter *adapter;
    IdcSourceScan *scan;
    const IdcScanSink *sink;
    IdcBatchBuilder *builder;
    IdcIpcWriter *writer;
    IdcSpool *spool;  /* NULL: batches are sent at once; else all that are left are kept first */
    uint8_t *message; /* of the batch before: its memory serves the next one too */
    size_t message_capacity;
} Run;

static int64_t
bounded(int64_t given, int64_t fallback, int64_t most)
{
    return given <= 0 ? fallback : given < most ? given : most;
}

static IdcStatus
prepare(Run *run, const IdcOpen *request, IdcError *err)
{
    const IdcRelation *relation = run->scan->relation;
    IdcBatchOptions batch = {
        .batch_rows = bounded(request->batch_rows, BATCH_ROWS, BATCH_ROWS_MAX),
        .first_batch_rows = bounded(request->first_batch_rows, 0, BATCH_ROWS_MAX),
        .batch_bytes = bounded(request->batch_bytes, BATCH_BYTES, BATCH_BYTES_MAX),
        .is_wire = true,
    };
    const IdcBatchLayout *layout = &request->layout;
    IdcIpcOptions ipc = { .compression = IDC_IPC_PLAIN,
                          .columns = layout->columns,
                          .column_count = layout->column_count,
                          .small_offsets = layout->has_small_offsets,
                          .decimals_are_float64 = layout->decimals_are_float64 };
    IdcColumnSpec *specs =
        idc_arena_alloc_array(run->scan->arena, relation->column_count + 1, sizeof *specs);
    IdcStatus status;

    if (specs == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < relation->column_count; i++) {
        specs[i].name = relation->columns[i].name;
        idc_type_column(relation->columns[i].type, &specs[i]);
        if (layout->decimals_are_float64 && run->adapter->has_binary_numerics &&
            specs[i].kind == IDC_KIND_NUMERIC_DECIMAL)
            specs[i].kind = IDC_KIND_NUMERIC_FLOAT64;
    }
    status = idc_batch_builder_new(specs, relation->column_count, &batch, &run->builder, err);
    if (status == IDC_OK)
        status = idc_ipc_writer_new(run->builder, &ipc, &run->writer, err);
    return status;
}

static IdcStatus
reserve_message(Run *run, size_t size, IdcError *err)
{
    uint8_t *message;

    if (size > (size_t) IDC_MESSAGE_MAX_BYTES) {
        (void) idc_fail(err, IDC_UNSUPPORTED, "a batch of %zu bytes is too big to be sent", size);
        idc_error_set_hint(err, "make batches smaller, or select less of the longest values");
        return IDC_UNSUPPORTED;
    }
    if (size <= run->message_capacity)
        return IDC_OK;
    message = idc_buffer_resize(run->message, size + size / 8);
    if (message == NULL)
        return idc_fail_no_memory(err);
    run->message = message;
    run->message_capacity = size + size / 8;
    return IDC_OK;
}

static IdcStatus
send_schema(Run *run, IdcError *err)
{
    size_t size = 0;
    IdcStatus status = idc_ipc_prepare_schema(run->writer, &size, err);

    if (status == IDC_OK)
        status = reserve_message(run, size, err);
    if (status != IDC_OK)
        return status;
    idc_ipc_emit(run->writer, run->message);
    return run->sink->schema(run->sink->host, run->message, size, err);
}

static IdcStatus
begin_spool(Run *run, IdcError *err)
{
    run->spool = idc_spool_new();
    return run->spool == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

/* Until the batch may be sent, or the rows that are left are to be kept. */
static IdcStatus
wait_for_turn(Run *run, IdcError *err)
{
    bool is_pressed = false;
    IdcStatus status = IDC_OK;

    if (run->spool == NULL && run->sink->turn != NULL)
        status = run->sink->turn(run->sink->host, &is_pressed, err);
    return status == IDC_OK && is_pressed ? begin_spool(run, err) : status;
}

static IdcStatus
send_batch(Run *run, IdcError *err)
{
    const IdcScanSink *sink = run->sink;
    size_t size = 0;
    int64_t rows = idc_batch_row_count(run->builder);
    uint8_t *target = NULL;
    IdcStatus status = idc_ipc_prepare_batch(run->writer, &size, err);

    if (status == IDC_OK)
        status = wait_for_turn(run, err);
    if (status == IDC_OK && sink->place != NULL && run->spool == NULL)
        status = sink->place(sink->host, size, &target, err);
    if (status == IDC_OK && target == NULL) {
        status = reserve_message(run, size, err);
        target = run->message;
    }
    if (status != IDC_OK)
        return status;
    idc_ipc_emit(run->writer, target);
    run->scan->stats.rows += rows;
    if (run->spool != NULL)
        return idc_spool_add(run->spool, target, size, err);
    return sink->batch(sink->host, target, size, err);
}

/* An adapter that returns early has a row and would wait for the next: let the row go. */
static IdcStatus
send_rows(Run *run, IdcError *err)
{
    bool is_end = false;

    while (!is_end) {
        IdcStatus status = run->adapter->next(run->scan, run->builder, &is_end, err);

        if (status != IDC_OK)
            return status;
        if (idc_call_is_cancelled(run->scan->call))
            return idc_fail(err, IDC_CANCELED, "the scan was closed");
        if (idc_batch_row_count(run->builder) == 0)
            continue;
        status = send_batch(run, err);
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

/* Nothing of the source is held any more, then what was kept goes out. */
static IdcStatus
send_spool(Run *run, IdcError *err)
{
    const uint8_t *bytes = NULL;
    size_t size;
    IdcStatus status;

    /* Both look at names of the arena. */
    idc_ipc_writer_free(run->writer);
    idc_batch_builder_free(run->builder);
    run->writer = NULL;
    run->builder = NULL;
    idc_arena_free(run->scan->arena);
    run->scan->arena = NULL;
    do {
        status = idc_spool_next(run->spool, &bytes, &size, err);
        if (status == IDC_OK && bytes != NULL)
            status = run->sink->batch(run->sink->host, bytes, size, err);
    } while (status == IDC_OK && bytes != NULL);
    return status;
}

IdcStatus
idc_scan_run(const IdcSource *source, IdcSourceScan *scan, const IdcOpen *request,
             const IdcScanSink *sink, IdcError *err)
{
    Run run = { .adapter = source->adapter, .scan = scan, .sink = sink };
    IdcStatus status = idc_source_check_relation(source, request->relation, err);

    scan->transaction = request->transaction;
    if (status == IDC_OK)
        status = idc_relation_bind(scan->arena, request->relation, request->values,
                                   request->value_count, &scan->relation, err);
    if (status != IDC_OK)
        return status;
    if (source->adapter->open == NULL || source->adapter->next == NULL)
        return idc_fail(err, IDC_UNSUPPORTED, "adapter %s has nothing to scan",
                        source->adapter->declaration->name);
    status = prepare(&run, request, err);
    if (status == IDC_OK)
        status = source->adapter->open(scan, err);
    if (status == IDC_OK)
        status = send_schema(&run, err);
    if (status == IDC_OK && scan->must_spool)
        status = begin_spool(&run, err);
    if (status == IDC_OK)
        status = send_rows(&run, err);
    if (status == IDC_OK && run.spool != NULL)
        status = send_spool(&run, err);
    idc_spool_free(run.spool);
    idc_ipc_writer_free(run.writer);
    idc_batch_builder_free(run.builder);
    idc_buffer_free(run.message);
    return status;
}
