/*
 * foreign_scan.c - a ForeignScan node: its private state, its parameters, its rows.
 */
#include "fdw/foreign_scan.h"

#include "fdw/foreign.h"
#include "fdw/handler.h"
#include "fdw/raise.h"
#include <executor/executor.h>
#include <foreign/foreign.h>
#include <miscadmin.h>
#include <nodes/nodeFuncs.h>
#include <utils/memutils.h>

Oid
fdw_scan_user(const ForeignScanState *node)
{
    const ForeignScan *plan = (const ForeignScan *) node->ss.ps.plan;
    Oid user;

#if PG_VERSION_NUM >= 160000
    user = plan->checkAsUser;
#else
    int index = plan->scan.scanrelid > 0 ? (int) plan->scan.scanrelid
                                         : bms_next_member(plan->fs_relids, -1);

    user = exec_rt_fetch((Index) index, node->ss.ps.state)->checkAsUser;
#endif
    return OidIsValid(user) ? user : GetUserId();
}

const IdcRelation *
fdw_plan_relation(const ForeignScan *plan)
{
    Const *serial = list_nth_node(Const, plan->fdw_private, FDW_PRIVATE_RELATION);
    bytea *bytes = DatumGetByteaPP(serial->constvalue);
    const IdcRelation *relation = NULL;
    IdcError err;

    idc_error_init(&err);
    fdw_check(idc_relation_read(idc_arena_new(0), VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes),
                                &relation, &err),
              &err);
    return relation;
}

void
fdw_foreign_begin(ForeignScanState *node, int eflags)
{
    ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
    FdwForeignScan *state = palloc0(sizeof *state);

    node->fdw_state = state;
    state->relation = fdw_plan_relation(plan);
    state->server = plan->fs_server;
    if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
        return;
    state->user = fdw_scan_user(node);
    state->expressions = ExecInitExprList(plan->fdw_exprs, &node->ss.ps);
    state->scan_context = AllocSetContextCreate(node->ss.ps.state->es_query_cxt, "instant scan",
                                                ALLOCSET_DEFAULT_SIZES);
}

IdcValue *
fdw_evaluate(List *expressions, List *lists, ExprContext *context, size_t *count)
{
    IdcValue *values = palloc0(sizeof *values * (size_t) (list_length(expressions) + 1));
    ListCell *cell;

    *count = 0;
    foreach (cell, expressions) {
        ExprState *expression = lfirst(cell);
        Oid type = exprType((Node *) expression->expr);
        int32 modifier = exprTypmod((Node *) expression->expr);
        bool is_null;
        Datum datum = ExecEvalExprSwitchContext(expression, context, &is_null);

        values[*count] =
            fdw_value(type, modifier, datum, is_null, list_nth_int(lists, (int) *count) != 0);
        ++*count;
    }
    return values;
}

static void
open_scan(ForeignScanState *node)
{
    FdwForeignScan *state = node->fdw_state;
    List *fdw_private = ((ForeignScan *) node->ss.ps.plan)->fdw_private;
    List *attributes = list_nth_node(List, fdw_private, FDW_PRIVATE_ATTRIBUTES);
    List *lists = list_nth_node(List, fdw_private, FDW_PRIVATE_LISTS);
    MemoryContext old = MemoryContextSwitchTo(state->scan_context);
    size_t count;
    IdcValue *values = fdw_evaluate(state->expressions, lists, node->ss.ps.ps_ExprContext, &count);

    state->scan = fdw_scan_open(state->server, state->user, state->relation, values, count,
                                node->ss.ss_ScanTupleSlot->tts_tupleDescriptor, attributes,
                                state->order, state->scan_context);
    state->values = values;
    state->value_count = count;
    state->is_fresh = true;
    MemoryContextSwitchTo(old);
}

FdwScan *
fdw_foreign_open(ForeignScanState *node)
{
    FdwForeignScan *state = node->fdw_state;

    if (state->scan == NULL)
        open_scan(node);
    return state->scan;
}

TupleTableSlot *
fdw_foreign_iterate(ForeignScanState *node)
{
    FdwForeignScan *state = node->fdw_state;
    TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
    FdwScan *scan = fdw_foreign_open(node);

    /* Somebody waits for several of us: async.c asks again when there is something. */
    if (node->ss.ps.async_capable && !fdw_scan_is_ready(scan)) {
        state->must_wait = true;
        return ExecClearTuple(slot);
    }
    state->must_wait = false;
    state->is_fresh = false;
    if (fdw_scan_next(scan, slot))
        state->row_count++;
    return slot;
}

static void
add_stats(IdcScanStats *sum, const IdcScanStats *stats)
{
    sum->rows += stats->rows;
    sum->requests += stats->requests;
    sum->retries += stats->retries;
    sum->bytes += stats->bytes;
    sum->cache_hits += stats->cache_hits;
    sum->wait_us += stats->wait_us;
    sum->nulled += stats->nulled;
}

void
fdw_foreign_finish(FdwForeignScan *state)
{
    if (state->scan == NULL)
        return;
    fdw_scan_finish(state->scan);
    add_stats(&state->stats, fdw_scan_stats(state->scan));
    fdw_scan_close(state->scan);
    state->scan = NULL;
    MemoryContextReset(state->scan_context);
}

void
fdw_foreign_rescan(ForeignScanState *node)
{
    FdwForeignScan *state = node->fdw_state;

    /* Asked but not read, with the same parameters: the answer is as good as a new one. */
    if (state->scan == NULL || (state->is_fresh && node->ss.ps.chgParam == NULL))
        return;
    if (node->ss.ps.instrument != NULL) {
        fdw_foreign_finish(state);
        return;
    }
    fdw_scan_close(state->scan);
    state->scan = NULL;
    MemoryContextReset(state->scan_context);
}

void
fdw_foreign_end(ForeignScanState *node)
{
    FdwForeignScan *state = node->fdw_state;

    if (state != NULL && state->scan != NULL)
        fdw_scan_close(state->scan);
}
