/*
 * scan.c - one relation asked of a source process: batches in, rows out.
 *
 * The source may send CREDIT batches ahead: while one is turned into rows, the next is made and
 * another is on its way. What a scan has outside of memory (its talk, its place at the server) is
 * the talk's, and that is closed by the memory context of the scan, by the end of the
 * (sub)transaction, or by fdw_scan_close, whichever comes first.
 */
#include "fdw/foreign.h"

#include "arrow/ipc.h"
#include "fdw/convert.h"
#include "fdw/server_limits.h"
#include "fdw/process.h"
#include "fdw/raise.h"
#include "fdw/transaction.h"
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <utils/memutils.h>

enum { CREDIT = IDC_SHARED_CREDIT, FIRST_BATCH_ROWS = 512 };
#define BATCH_BYTES (INT64CONST(2) * 1024 * 1024)
/* More than 1,600 columns take; of each of its bytes the reader may make seventeen. */
#define MAX_SCHEMA_BYTES (1024 * 1024)

/*
 * row < row_count: the batch has a row more. talk is NULL once it was closed; without is_done that
 * is the end of a transaction's scan, which nobody may read any more.
 */
struct FdwScan {
    MemoryContext context;
    MemoryContext stream_context; /* what the reader makes */
    MemoryContextCallback callback;
    FdwTalk *talk;
    IdcIpcReader *reader;
    FdwConvert *convert;
    struct ArrowArray batch;
    uint8_t *bytes; /* of the message that the batch came in */
    size_t len, capacity;
    int64 row, row_count;
    bool is_done;
    const char *server_name, *table_name;
    IdcScanStats stats;
};

/* ---- whose error it is ---- */

static void
say_scan(void *arg)
{
    const FdwScan *scan = arg;

    if (scan->table_name != NULL)
        errcontext("foreign table \"%s\" on server \"%s\"", scan->table_name, scan->server_name);
    else
        errcontext("request to server \"%s\"", scan->server_name);
}

#define BEGIN_SAYING(scan)                                                                         \
    ErrorContextCallback saying = { .previous = error_context_stack,                               \
                                    .callback = say_scan,                                          \
                                    .arg = (scan) };                                               \
    error_context_stack = &saying
#define END_SAYING() error_context_stack = saying.previous

/* ---- opening ---- */

static void
at_context_end(void *arg)
{
    FdwScan *scan = arg;

    /* Memory of contexts below is gone already: only the talk is left to be closed. */
    if (scan->talk != NULL)
        fdw_talk_close(scan->talk);
}

static const IdcOptionSet *
table_options(const IdcRelation *relation)
{
    return &idc_relation_base(relation)->options;
}

static int64
option_number(const FdwServer *server, const char *name)
{
    return idc_adapter_option_number(server->declaration, &server->options, name);
}

/* Conjuncts that the source answers. */
static int64
pushed_count(const IdcRelation *relation)
{
    int64 count = 0;

    for (; relation != NULL; relation = relation->input) {
        if (relation->kind == IDC_REL_FILTER || relation->kind == IDC_REL_JOIN)
            count += (int64) relation->expr_count;
        if (relation->right != NULL)
            count += pushed_count(relation->right);
    }
    return count;
}

static int64
batch_rows(const FdwServer *server, const IdcRelation *relation)
{
    const char *rows = fdw_common_option(server, table_options(relation), "fetch_rows");
    int64 count;

    return rows != NULL && idc_int64_parse(rows, &count) && count > 0 ? count : 8192;
}

/* What is passed on is of the size that the reader wants, unless the table says less. */
static void
take_order(const FdwServer *server, const FdwBatchOrder *order, IdcOpen *open)
{
    bool is_said = idc_option_value(table_options(open->relation), "fetch_rows") != NULL ||
                   idc_option_value(&server->options, "fetch_rows") != NULL;

    open->layout = order->layout;
    open->batch_rows = is_said ? Min(order->batch_rows, open->batch_rows) : order->batch_rows;
    open->first_batch_rows = Min(order->first_batch_rows, open->batch_rows);
    open->batch_bytes = order->batch_bytes;
}

static void
send_open(FdwScan *scan, const FdwServer *server, Oid user, const IdcRelation *relation,
          const IdcValue *values, size_t value_count, const FdwBatchOrder *order)
{
    int64 rows = batch_rows(server, relation);
    IdcOpen open = { .relation = relation,
                     .values = values,
                     .value_count = value_count,
                     .batch_rows = rows,
                     .batch_bytes = BATCH_BYTES,
                     .first_batch_rows = Min(rows, FIRST_BATCH_ROWS),
                     .credit = CREDIT,
                     .timeout_ms = option_number(server, "timeout") };
    FdwProcess *process = fdw_process_get(server->oid, user);
    IdcText payload;

    if (order != NULL)
        take_order(server, order, &open);
    /* Locks are undone with a subtransaction, as what is written is. */
    fdw_transaction_join(process, server, idc_relation_base(relation)->lock != IDC_LOCK_NONE, 0,
                         &open.transaction);
    fdw_talk_new(process, IDC_MSG_OPEN, CREDIT, &scan->talk);
    open.pair = fdw_talk_take_pair(scan->talk);
    idc_text_init(&payload, 0);
    idc_open_write(&open, &payload);
    fdw_scan_count(scan->talk->counts, FDW_SCANS, 1);
    fdw_scan_count(scan->talk->counts, FDW_SCAN_PUSHED, pushed_count(relation));
    fdw_talk_take_place(scan->talk, option_number(server, "max_concurrent"));
    fdw_talk_send(scan->talk, &payload);
    idc_text_done(&payload);
}

/* The columns of the relation as they come, and what becomes of each. */
static FdwConvert *
make_convert(const IdcRelation *relation, TupleDesc descriptor, List *attributes,
             const FdwBatchOrder *order, MemoryContext context)
{
    const IdcBatchLayout *layout = &order->layout;
    IdcRelationColumn *columns;
    List *arranged = NIL;

    if (order == NULL)
        return fdw_convert_new(relation->columns, relation->column_count, descriptor, attributes,
                               NULL, context);
    columns = palloc(layout->column_count * sizeof *columns);
    for (size_t i = 0; i < layout->column_count; i++) {
        columns[i] = relation->columns[layout->columns[i]];
        arranged = lappend_int(arranged, list_nth_int(attributes, (int) layout->columns[i]));
    }
    return fdw_convert_new(columns, layout->column_count, descriptor, arranged, layout, context);
}

FdwScan *
fdw_scan_open(Oid server_oid, Oid user, const IdcRelation *relation, const IdcValue *values,
              size_t value_count, TupleDesc descriptor, List *attributes,
              const FdwBatchOrder *order, MemoryContext context)
{
    MemoryContext old = MemoryContextSwitchTo(context);
    FdwServer *server = fdw_server(server_oid);
    FdwScan *scan = palloc0(sizeof *scan);
    const IdcRelation *base = idc_relation_base(relation);
    IdcError err;

    scan->context = context;
    scan->server_name = server->name;
    scan->table_name = base->name;
    scan->callback.func = at_context_end;
    scan->callback.arg = scan;
    MemoryContextRegisterResetCallback(context, &scan->callback);
    {
        BEGIN_SAYING(scan);
        idc_error_init(&err);
        scan->stream_context =
            AllocSetContextCreate(context, "instant stream", ALLOCSET_DEFAULT_SIZES);
        scan->convert = make_convert(relation, descriptor, attributes, order, context);
        MemoryContextSwitchTo(scan->stream_context);
        fdw_check(idc_ipc_reader_new(&scan->reader, &err), &err);
        /* Over a socketpair nobody compresses; and little that becomes much is an attack. */
        idc_ipc_reader_set_limit(scan->reader, 0);
        MemoryContextSwitchTo(context);
        send_open(scan, server, user, relation, values, value_count, order);
        END_SAYING();
    }
    MemoryContextSwitchTo(old);
    return scan;
}

/* ---- messages ---- */

static void
drop_batch(FdwScan *scan)
{
    /* Its bytes were the talk's: where that is gone, so are they. */
    if (scan->batch.release != NULL && scan->talk != NULL) {
        scan->batch.release(&scan->batch);
        fdw_talk_recycle(scan->talk, scan->bytes, scan->capacity);
    }
    scan->batch.release = NULL;
    scan->row = scan->row_count = 0;
}

/* The message's bytes are the batch's from here on. */
static void
read_stream(FdwScan *scan, FdwMessage *message)
{
    MemoryContext old = MemoryContextSwitchTo(scan->stream_context);
    IdcIpcOwner nobody = { 0 };
    IdcError err;

    idc_error_init(&err);
    scan->bytes = message->bytes;
    scan->len = message->len;
    scan->capacity = message->capacity;
    fdw_check(idc_ipc_read(scan->reader, message->bytes, message->len, nobody, &scan->batch, &err),
              &err);
    pfree(message);
    MemoryContextSwitchTo(old);
}

static void
take_schema(FdwScan *scan, FdwMessage *message)
{
    const struct ArrowSchema *schema;

    if (message->len > MAX_SCHEMA_BYTES)
        ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
                        errmsg("the source sent a schema of %zu bytes", message->len)));
    read_stream(scan, message);
    fdw_message_free_bytes(scan->bytes);
    schema = idc_ipc_reader_schema(scan->reader);
    if (schema == NULL || scan->batch.release != NULL)
        ereport(ERROR, (errcode(ERRCODE_FDW_ERROR), errmsg("the source sent no schema")));
    fdw_convert_schema(scan->convert, schema);
}

static void
take_batch(FdwScan *scan, FdwMessage *message)
{
    /* The source goes on with the next one meanwhile. */
    fdw_talk_give_credit(scan->talk, 1);
    read_stream(scan, message);
    if (scan->batch.release == NULL)
        ereport(ERROR, (errcode(ERRCODE_FDW_ERROR), errmsg("the source sent no record batch")));
    fdw_scan_count(scan->talk->counts, FDW_SCAN_ROWS, scan->batch.length);
    scan->row_count = scan->batch.length;
    fdw_convert_batch(scan->convert, &scan->batch);
}

static void
take_end(FdwScan *scan, FdwMessage *message)
{
    IdcError err;

    idc_error_init(&err);
    fdw_check(idc_stats_read(message->bytes, message->len, &scan->stats, &err), &err);
    fdw_talk_free_message(message);
    fdw_talk_count(scan->talk, &scan->stats);
    scan->is_done = true;
    /* Its place is free for others though the plan may keep this node for long. */
    fdw_talk_close(scan->talk);
}

static void
take_message(FdwScan *scan, FdwMessage *message)
{
    switch (message->kind) {
    case IDC_MSG_SCHEMA:
        take_schema(scan, message);
        break;
    case IDC_MSG_BATCH:
        take_batch(scan, message);
        break;
    case IDC_MSG_END:
        take_end(scan, message);
        break;
    default:
        fdw_talk_raise(scan->talk, message);
    }
}

/* ---- rows ---- */

/* The next message is there, and it is the end. */
static bool
has_end(const FdwScan *scan)
{
    dlist_head *messages = scan->talk == NULL ? NULL : &scan->talk->messages;

    return messages != NULL && !dlist_is_empty(messages) &&
           dlist_container(FdwMessage, node, dlist_head_node(messages))->kind == IDC_MSG_END;
}

/*
 * Until there is a row or the end; false: that would take a wait. The end is left to whoever asks
 * for a row: until then the talk is there to be waited for.
 */
static bool
advance(FdwScan *scan, bool may_wait)
{
    /* With the talk went the bytes of its batch: also what was left of that is gone. */
    if (scan->talk == NULL && !scan->is_done)
        ereport(ERROR, (errcode(ERRCODE_INVALID_CURSOR_STATE),
                        errmsg("the scan ended with the transaction that began it")));
    while (scan->row == scan->row_count && !scan->is_done) {
        FdwMessage *message;

        drop_batch(scan);
        if (!may_wait && fdw_talk_is_ready(scan->talk) && has_end(scan))
            return true;
        message = fdw_talk_next(scan->talk, may_wait);
        if (message == NULL)
            return false;
        take_message(scan, message);
    }
    return true;
}

bool
fdw_scan_next(FdwScan *scan, TupleTableSlot *slot)
{
    BEGIN_SAYING(scan);
    (void) advance(scan, true);
    ExecClearTuple(slot);
    if (scan->row < scan->row_count) {
        fdw_convert_row(scan->convert, scan->row++, slot->tts_values, slot->tts_isnull);
        ExecStoreVirtualTuple(slot);
        slot->tts_tid = fdw_convert_place(scan->convert);
        /* Waits look for it, and rows that are there already have none. */
        if (scan->row % 1024 == 0)
            CHECK_FOR_INTERRUPTS();
    }
    END_SAYING();
    return !TupIsNull(slot);
}

bool
fdw_scan_next_batch(FdwScan *scan)
{
    BEGIN_SAYING(scan);
    CHECK_FOR_INTERRUPTS();
    scan->row = scan->row_count;
    (void) advance(scan, true);
    END_SAYING();
    return scan->row < scan->row_count;
}

int64
fdw_scan_rows_left(const FdwScan *scan)
{
    return scan->row_count - scan->row;
}

const struct ArrowArray *
fdw_scan_take_batch(FdwScan *scan, uint8_t **bytes, size_t *len)
{
    /* Where no buffer is in the message, it is gone already; and what has bytes after the end of
     * the stream, or the end in it, is nothing to be passed on. */
    if (scan->row > 0 || idc_ipc_reader_is_complete(scan->reader) ||
        !fdw_convert_is_plain(scan->convert))
        return NULL;
    scan->row = scan->row_count;
    *bytes = scan->bytes;
    *len = scan->len;
    return &scan->batch;
}

bool
fdw_scan_is_ready(FdwScan *scan)
{
    bool is_ready;
    BEGIN_SAYING(scan);

    is_ready = advance(scan, false);
    END_SAYING();
    return is_ready;
}

int
fdw_scan_descriptor(FdwScan *scan)
{
    return scan->talk == NULL ? -1 : fdw_talk_descriptor(scan->talk);
}

bool
fdw_scan_is_unsent(const FdwScan *scan)
{
    const FdwWire *wire = scan->talk == NULL ? NULL : &scan->talk->process->wire;

    return wire != NULL && wire->out_from < wire->out_len;
}

int
fdw_scan_ready_descriptor(FdwScan *scan)
{
    return scan->talk == NULL ? -1 : fdw_talk_ready_descriptor(scan->talk);
}

void
fdw_scan_finish(FdwScan *scan)
{
    if (scan->talk == NULL)
        return;
    fdw_talk_finish(scan->talk, &scan->stats);
    scan->is_done = true;
    scan->row = scan->row_count = 0;
}

void
fdw_scan_close(FdwScan *scan)
{
    drop_batch(scan);
    if (scan->talk != NULL)
        fdw_talk_close(scan->talk);
    scan->is_done = true;
}

const IdcScanStats *
fdw_scan_stats(const FdwScan *scan)
{
    return &scan->stats;
}
