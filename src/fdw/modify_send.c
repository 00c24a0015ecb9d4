/*
 * modify_send.c - MODIFY and its answer; rows that wait to be sent.
 */
#include "fdw/modify.h"

#include <utils/builtins.h>

#include <access/xact.h>
#include <executor/tuptable.h>
#include <mb/pg_wchar.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>

#include "fdw/exchange.h"
#include "fdw/foreign.h"
#include "fdw/process.h"
#include "fdw/raise.h"
#include "fdw/transaction.h"

/* Those that have rows, in the order in which they got the first. */
static dlist_head waiting = DLIST_STATIC_INIT(waiting);

void
fdw_modify_send(const FdwServer *server, Oid user, int level, IdcModify *message,
                IdcModified *modified)
{
    FdwProcess *process = fdw_process_get(server->oid, user);
    const void *answer;
    IdcText payload;
    IdcError err;
    size_t len;

    idc_error_init(&err);
    idc_text_init(&payload, 0);
    fdw_transaction_join(process, server, true, level, &message->transaction);
    idc_modify_write(message, &payload);
    answer = fdw_exchange(process, server, IDC_MSG_MODIFY, &payload, IDC_MSG_MODIFIED,
                          message->table->name, &len);
    idc_text_done(&payload);
    fdw_check(idc_modified_read(idc_arena_new(0), answer, len, modified, &err), &err);
    if (modified->row_count > 0 &&
        (message->returning == NULL || modified->column_count != message->returning->column_count))
        ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
                        errmsg("the source returned %zu columns that were not asked for",
                               modified->column_count)));
}

/* ---- rows that wait ---- */

static bool
is_waiting(const FdwModify *modify)
{
    return modify->row_count > 0;
}

static void
at_context_end(void *arg)
{
    FdwModify *modify = arg;

    if (is_waiting(modify))
        dlist_delete(&modify->node);
    modify->row_count = 0;
}

void
fdw_modify_gather_begin(FdwModify *modify, MemoryContext context)
{
    modify->is_gathering = true;
    modify->gathered_context =
        AllocSetContextCreate(context, "instant gathered rows", ALLOCSET_DEFAULT_SIZES);
    modify->rows = MemoryContextAlloc(context, sizeof *modify->rows * (size_t) modify->batch_rows *
                                                   modify->relation->column_count);
    modify->callback.func = at_context_end;
    modify->callback.arg = modify;
    MemoryContextRegisterResetCallback(context, &modify->callback);
}

static void
refuse_failed(const FdwModify *modify)
{
    if (modify->has_failed)
        ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
                        errmsg("rows of foreign table \"%s\" could not be written before",
                               modify->relation->name)));
}

void
fdw_modify_gather(FdwModify *modify, const char *const *row)
{
    size_t width = modify->relation->column_count;
    const char **target = modify->rows + (size_t) modify->row_count * width;

    refuse_failed(modify);
    for (size_t i = 0; i < width; i++) {
        target[i] = row[i] == NULL ? NULL : MemoryContextStrdup(modify->gathered_context, row[i]);
        modify->byte_count += row[i] == NULL ? 0 : strlen(row[i]);
    }
    if (modify->row_count++ == 0) {
        modify->level = GetCurrentTransactionNestLevel();
        dlist_push_tail(&waiting, &modify->node);
    }
    if (modify->row_count == modify->batch_rows || modify->byte_count >= FDW_MESSAGE_BYTES)
        fdw_modify_flush(modify);
}

void
fdw_modify_flush(FdwModify *modify)
{
    IdcModify message = { .kind = modify->kind,
                          .table = modify->relation,
                          .key_count = (size_t) list_length(modify->keys),
                          .rows = modify->rows,
                          .row_count = (size_t) modify->row_count };
    MemoryContext old;
    IdcModified modified;

    refuse_failed(modify);
    if (!is_waiting(modify))
        return;
    /* If this raises, and somebody catches it who does not know of these rows, their own statement
     * must not go on. */
    modify->has_failed = true;
    dlist_delete(&modify->node);
    modify->row_count = 0;
    modify->byte_count = 0;
    old = MemoryContextSwitchTo(modify->context);
    fdw_modify_send(modify->server, modify->user, modify->level, &message, &modified);
    MemoryContextSwitchTo(old);
    MemoryContextReset(modify->context);
    MemoryContextReset(modify->gathered_context);
    modify->has_failed = false;
}

void
fdw_modify_flush_server(Oid server)
{
    dlist_iter i;

    dlist_foreach(i, &waiting)
    {
        FdwModify *modify = dlist_container(FdwModify, node, i.cur);

        if (modify->server->oid != server)
            continue;
        fdw_modify_flush(modify);
        fdw_modify_flush_server(server); /* the list is another one now */
        return;
    }
}

/* ---- rows that come back ---- */

static Datum
datum_of(Form_pg_attribute attribute, const char *text, bool *is_null)
{
    Oid input, parameter;

    *is_null = text == NULL;
    if (text != NULL)
        text = pg_any_to_server(text, (int) strlen(text), PG_UTF8);
    /* Domains want to see NULLs too. */
    getTypeInputInfo(attribute->atttypid, &input, &parameter);
    if (text == NULL && get_typtype(attribute->atttypid) != 'd')
        return (Datum) 0;
    return OidInputFunctionCall(input, unconstify(char *, text), parameter, attribute->atttypmod);
}

void
fdw_modify_store(TupleTableSlot *slot, List *attributes, const char *const *texts,
                 bool keeps_others, MemoryContext context)
{
    MemoryContext old = MemoryContextSwitchTo(context);
    TupleDesc descriptor = slot->tts_tupleDescriptor;
    Datum *values = palloc0(sizeof *values * (size_t) descriptor->natts);
    bool *nulls = palloc(sizeof *nulls * (size_t) descriptor->natts);
    const char *ctid = NULL;
    ListCell *cell;

    for (int i = 0; i < descriptor->natts; i++) {
        Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

        nulls[i] = true;
        if (!keeps_others || list_member_int(attributes, i + 1))
            continue;
        values[i] = slot_getattr(slot, i + 1, &nulls[i]);
        if (!nulls[i])
            values[i] = datumCopy(values[i], attribute->attbyval, attribute->attlen);
    }
    foreach (cell, attributes) {
        int i = lfirst_int(cell) - 1;

        if (i < 0)
            ctid = *texts++;
        else
            values[i] = datum_of(TupleDescAttr(descriptor, i), *texts++, &nulls[i]);
    }
    ExecClearTuple(slot);
    memcpy(slot->tts_values, values, sizeof *values * (size_t) descriptor->natts);
    memcpy(slot->tts_isnull, nulls, sizeof *nulls * (size_t) descriptor->natts);
    (void) ExecStoreVirtualTuple(slot);
    if (ctid != NULL)
        slot->tts_tid =
            *(ItemPointer) DatumGetPointer(DirectFunctionCall1(tidin, CStringGetDatum(ctid)));
    MemoryContextSwitchTo(old);
}
