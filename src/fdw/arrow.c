/*
 * arrow.c - instant.arrow: the result of a query as an Arrow IPC stream, one message group a row.
 *
 * In:   a query, its parameters and options
 * Out:  rows of type bytea: the schema, a record batch each (with its dictionaries), end of stream
 * Next: the client puts them one after the other and has an Arrow stream
 *
 * In a target list it is called once a row, and between two calls only its builder holds memory:
 * one batch. All that it holds is of a memory context below the function's, and of the resource
 * owner.
 */
#include "fdw/pg.h"

#include "arrow/ipc.h"
#include "fdw/arguments.h"
#include "fdw/backend.h"
#include "fdw/columns.h"
#include "fdw/options.h"
#include "fdw/query.h"
#include "fdw/raise.h"
#include "fdw/relay.h"
#include <funcapi.h>
#include <nodes/memnodes.h>
#include <pgstat.h>
#include <utils/builtins.h>
#include <utils/memutils.h>

/* Detoasted values and texts of rows are thrown away after so many rows or bytes. */
enum { SCRATCH_ROWS = 1024, SCRATCH_BYTES = 256 * 1024 };

/* A row of the result travels in one message of at most 1 GB too, with a few bytes around it. */
#define MAX_BYTEA ((size_t) MaxAllocSize - 1024)

typedef enum Phase { SCHEMA, BATCHES, DONE } Phase;

typedef struct Stream {
    FmgrInfo *function; /* its fn_extra is this stream */
    MemoryContext context;
    MemoryContext scratch;
    FdwOptions options;
    FdwQuery *query;
    FdwColumns *columns;
    IdcBatchBuilder *builder;
    IdcIpcWriter *writer;
    FdwRelay *relay; /* batches come as they are; NULL: rows come */
    bytea *message;  /* the row that was returned last: its memory serves the next one too */
    size_t message_capacity;
    int scratch_rows; /* since scratch was emptied */
    bool has_batch;   /* the builder is filled and not sent */
    Phase phase;
} Stream;

FDW_SQL_FUNCTION(instant_arrow);
FDW_SQL_FUNCTION(instant_arrow_with);

static void
prepare_builder(Stream *stream)
{
    const FdwOptions *options = &stream->options;
    IdcBatchOptions batch = { .batch_rows = options->batch_rows,
                              .first_batch_rows = options->first_batch_rows,
                              .batch_bytes = options->batch_bytes,
                              .fail_unrepresentable = options->fail_unrepresentable };
    IdcIpcOptions ipc = { .small_offsets = options->small_offsets,
                          .compression = options->compression };
    const IdcColumnSpec *specs;
    size_t count;
    IdcError err;

    stream->columns =
        fdw_columns_plan(fdw_query_descriptor(stream->query), fdw_query_target_list(stream->query),
                         options->numeric, options->can_be_dictionary);
    specs = fdw_columns_specs(stream->columns, &count);
    fdw_check(idc_batch_builder_new(specs, count, &batch, &stream->builder, &err), &err);
    fdw_check(idc_ipc_writer_new(stream->builder, &ipc, &stream->writer, &err), &err);
    if (fdw_query_plan(stream->query) != NULL)
        stream->relay = fdw_relay_new(fdw_query_plan(stream->query), specs, count, options);
}

/* The executor ends with the statement that calls, however that ends, unless by an error. */
static void
close_stream(Datum arg)
{
    Stream *stream = (Stream *) DatumGetPointer(arg);

    stream->function->fn_extra = NULL;
    fdw_query_close(stream->query);
    MemoryContextDelete(stream->context);
}

/*
 * A block of this size that was freed tells malloc of glibc to take blocks up to this size from its
 * heap, and to keep twice as much of it: else each row of the result, which is sent from a copy,
 * would be new pages from the kernel. Nothing is written to the block.
 */
static void
keep_pages(void)
{
    /* Volatile, or the compiler sees that it is for nothing. */
    void *volatile block = malloc(16 * 1024 * 1024);

    free(block);
}

static Stream *
open_stream(FunctionCallInfo fcinfo, Jsonb *options, const char *text, int first_argument)
{
    ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
    MemoryContext context =
        AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "instant.arrow", ALLOCSET_DEFAULT_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(context);
    Stream *stream = palloc0(sizeof *stream);
    FdwArguments arguments;
    bool is_alone;

    stream->function = fcinfo->flinfo;
    stream->context = context;
    stream->scratch = AllocSetContextCreate(context, "instant.arrow rows", ALLOCSET_DEFAULT_SIZES);
    fdw_options_read(options, &stream->options);
    fdw_arguments_read(fcinfo, first_argument, &arguments);
    fdw_count(FDW_QUERIES, 1);
    keep_pages();
    is_alone = fdw_query_has_statement_alone(result->econtext);
    /* Whoever looks at the running statements wants to see this one, not the call around it. */
    if (is_alone)
        pgstat_report_activity(STATE_RUNNING, text);
    stream->query = fdw_query_open(text, &arguments, is_alone);
    RegisterExprContextCallback(result->econtext, close_stream, PointerGetDatum(stream));
    stream->function->fn_extra = stream;
    prepare_builder(stream);
    MemoryContextSwitchTo(caller);
    return stream;
}

static inline void
tidy_scratch(Stream *stream)
{
    if (++stream->scratch_rows < SCRATCH_ROWS && stream->scratch->mem_allocated < SCRATCH_BYTES)
        return;
    MemoryContextReset(stream->scratch);
    stream->scratch_rows = 0;
}

/* Rows until the batch is full or there are no more; CurrentMemoryContext is the stream's. */
static void
fill_batch(Stream *stream)
{
    TupleTableSlot *slot;

    fdw_query_enter(stream->query);
    while ((slot = fdw_query_next(stream->query)) != NULL) {
        fdw_columns_append(stream->columns, stream->builder, slot, stream->scratch);
        tidy_scratch(stream);
        stream->has_batch = true;
        if (idc_batch_is_full(stream->builder) ||
            (stream->relay != NULL && !fdw_relay_has_rows(stream->relay)))
            break;
    }
    fdw_query_leave(stream->query);
    MemoryContextReset(stream->scratch);
    stream->scratch_rows = 0;
}

static void
check_size(size_t size)
{
    if (size > MAX_BYTEA)
        ereport(ERROR,
                (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                 errmsg("cannot send a batch of %zu bytes: a value of PostgreSQL has at most 1 GB",
                        size),
                 errhint("Make batches smaller with the option \"batch_bytes\", or select less of "
                         "the longest values.")));
}

/*
 * The next row to return, good until the one after it. A row that was returned is not looked at
 * again once the next one is asked for, and fresh memory of such a size would be new pages from the
 * kernel each time.
 */
static bytea *
new_message(Stream *stream, size_t size)
{
    check_size(size);
    if (VARHDRSZ + size > stream->message_capacity) {
        size_t capacity = Min(VARHDRSZ + size + size / 8, MaxAllocSize);

        if (stream->message != NULL)
            pfree(stream->message);
        stream->message = NULL;
        stream->message_capacity = 0;
        stream->message = MemoryContextAlloc(stream->context, capacity);
        stream->message_capacity = capacity;
    }
    SET_VARSIZE(stream->message, VARHDRSZ + size);
    return stream->message;
}

/* What the writer has prepared, as the next row. */
static bytea *
emit_message(Stream *stream, size_t size)
{
    bytea *result = new_message(stream, size);

    idc_ipc_emit(stream->writer, (uint8 *) VARDATA(result));
    return result;
}

static bytea *
schema_message(Stream *stream)
{
    size_t size;
    IdcError err;

    /* Which columns are dictionaries is decided by the first rows. */
    if (stream->options.can_be_dictionary) {
        fill_batch(stream);
        fdw_check(idc_batch_settle_dictionaries(stream->builder, &err), &err);
    }
    fdw_check(idc_ipc_prepare_schema(stream->writer, &size, &err), &err);
    stream->phase = BATCHES;
    return emit_message(stream, size);
}

static void
count_batch(int64 rows, size_t size)
{
    fdw_count(FDW_BATCHES, 1);
    fdw_count(FDW_ROWS, (uint64) rows);
    fdw_count(FDW_BYTES, size);
}

static bytea *
batch_message(Stream *stream)
{
    int64 rows = idc_batch_row_count(stream->builder);
    bytea *result;
    size_t size;
    IdcError err;

    fdw_check(idc_ipc_prepare_batch(stream->writer, &size, &err), &err);
    result = emit_message(stream, size);
    stream->has_batch = false;
    count_batch(rows, size);
    return result;
}

/* The bytes as they came, if they are what the writer would make of the batch. */
static bytea *
passed_message(Stream *stream, const struct ArrowArray *batch, uint8_t *bytes, size_t len)
{
    bytea *result;
    size_t size;
    IdcError err;

    fdw_check(idc_ipc_prepare_array(stream->writer, batch, &size, &err), &err);
    if (idc_ipc_is_prepared(stream->writer, bytes, len)) {
        check_size(size);
        result = (bytea *) (bytes - VARHDRSZ);
        SET_VARSIZE(result, VARHDRSZ + size);
    } else {
        result = emit_message(stream, size);
    }
    fdw_query_note_rows(stream->query, batch->length);
    count_batch(batch->length, size);
    return result;
}

/* A batch of the source; NULL: there are rows to be read, or no more. */
static bytea *
relay_message(Stream *stream)
{
    const struct ArrowArray *batch;
    uint8_t *bytes;
    size_t len;

    if (stream->relay == NULL || stream->has_batch || fdw_relay_has_rows(stream->relay))
        return NULL;
    fdw_query_enter(stream->query);
    batch = fdw_relay_next(stream->relay, &bytes, &len);
    fdw_query_leave(stream->query);
    return batch == NULL ? NULL : passed_message(stream, batch, bytes, len);
}

static bytea *
end_message(Stream *stream)
{
    bytea *result = new_message(stream, IDC_IPC_END_SIZE);

    memcpy(VARDATA(result), idc_ipc_end, IDC_IPC_END_SIZE);
    fdw_count(FDW_UNREPRESENTABLE, (uint64) idc_batch_unrepresentable_count(stream->builder));
    fdw_count(FDW_COMPLETED, 1);
    stream->phase = DONE;
    return result;
}

static bytea *
next_message(Stream *stream)
{
    MemoryContext caller = MemoryContextSwitchTo(stream->context);
    bytea *result;

    if (stream->phase == SCHEMA) {
        result = schema_message(stream);
    } else if ((result = relay_message(stream)) == NULL) {
        if (!stream->has_batch)
            fill_batch(stream);
        result = stream->has_batch ? batch_message(stream) : end_message(stream);
    }
    MemoryContextSwitchTo(caller);
    return result;
}

static Datum
next_row(FunctionCallInfo fcinfo, Jsonb *(*read_options)(FunctionCallInfo), int query_argument)
{
    ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
    Stream *stream = fcinfo->flinfo->fn_extra;

    if (stream == NULL) {
        if (result == NULL || !IsA(result, ReturnSetInfo) ||
            (result->allowedModes & SFRM_ValuePerCall) == 0)
            ereport(ERROR,
                    (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                     errmsg("set-valued function called in context that cannot accept a set")));
        if (PG_ARGISNULL(query_argument))
            ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the query is NULL")));
        stream =
            open_stream(fcinfo, read_options == NULL ? NULL : read_options(fcinfo),
                        text_to_cstring(PG_GETARG_TEXT_PP(query_argument)), query_argument + 1);
    }
    if (stream->phase == DONE) {
        UnregisterExprContextCallback(result->econtext, close_stream, PointerGetDatum(stream));
        close_stream(PointerGetDatum(stream));
        result->isDone = ExprEndResult;
        PG_RETURN_NULL();
    }
    result->isDone = ExprMultipleResult;
    PG_RETURN_BYTEA_P(next_message(stream));
}

Datum
instant_arrow(PG_FUNCTION_ARGS)
{
    return next_row(fcinfo, NULL, 0);
}

static Jsonb *
first_argument_as_options(FunctionCallInfo fcinfo)
{
    return PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0);
}

Datum
instant_arrow_with(PG_FUNCTION_ARGS)
{
    return next_row(fcinfo, first_argument_as_options, 1);
}
