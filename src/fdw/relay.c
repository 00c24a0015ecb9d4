/*
 * relay.c - which plans are one scan of ours and nothing else, and their batches.
 */
#include "fdw/relay.h"

#include <executor/tuptable.h>
#include <nodes/plannodes.h>
#include <nodes/primnodes.h>

#include "fdw/convert.h"
#include "fdw/foreign_scan.h"
#include "fdw/handler.h"

struct FdwRelay {
    ForeignScanState *node;
    FdwBatchOrder order;
};

/* A scan whose tuples nobody filters, counts or changes. */
static ForeignScanState *
bare_scan(PlanState *plan)
{
    ForeignScanState *node = (ForeignScanState *) plan;

    if (!IsA(plan, ForeignScanState) || plan->qual != NULL || plan->instrument != NULL ||
        node->fdwroutine->IterateForeignScan != fdw_foreign_iterate || plan->async_capable)
        return NULL;
    return node;
}

/* The attribute of the scan's tuple that an entry of the target list is, or 0. */
static int
attribute_of(const ForeignScan *plan, const TargetEntry *entry)
{
    const Var *var = (const Var *) entry->expr;
    int scanned = plan->scan.scanrelid > 0 && plan->fdw_scan_tlist == NIL
                      ? (int) plan->scan.scanrelid
                      : INDEX_VAR;

    return !entry->resjunk && IsA(var, Var) && (int) var->varno == scanned ? var->varattno : 0;
}

/* Which of the relation's columns that attribute is, or -1. */
static int
column_of(const ForeignScan *plan, int attribute)
{
    List *attributes = list_nth_node(List, plan->fdw_private, FDW_PRIVATE_ATTRIBUTES);
    ListCell *cell;

    foreach (cell, attributes)
        if (attribute > 0 && lfirst_int(cell) == attribute)
            return foreach_current_index(cell);
    return -1;
}

/* The column of the relation for each of the result's; NULL: one of them is something else. */
static uint32_t *
columns_of(const ForeignScanState *node, const IdcColumnSpec *specs, size_t count)
{
    const ForeignScan *plan = (const ForeignScan *) node->ss.ps.plan;
    const FdwForeignScan *state = node->fdw_state;
    TupleDesc descriptor = node->ss.ss_ScanTupleSlot->tts_tupleDescriptor;
    uint32_t *columns = palloc((count + 1) * sizeof *columns);
    ListCell *cell;

    if (count == 0 || (size_t) list_length(plan->scan.plan.targetlist) != count)
        return NULL;
    foreach (cell, plan->scan.plan.targetlist) {
        size_t i = (size_t) foreach_current_index(cell);
        int attribute = attribute_of(plan, lfirst_node(TargetEntry, cell));
        int column = attribute > 0 ? column_of(plan, attribute) : -1;

        if (column < 0 ||
            !fdw_convert_may_pass(&state->relation->columns[column],
                                  TupleDescAttr(descriptor, attribute - 1), &specs[i]))
            return NULL;
        columns[i] = (uint32_t) column;
    }
    return columns;
}

FdwRelay *
fdw_relay_new(PlanState *plan, const IdcColumnSpec *specs, size_t count, const FdwOptions *options)
{
    ForeignScanState *node = bare_scan(plan);
    uint32_t *columns = node == NULL ? NULL : columns_of(node, specs, count);
    FdwRelay *relay;

    if (columns == NULL)
        return NULL;
    relay = palloc0(sizeof *relay);
    relay->node = node;
    relay->order.layout.columns = columns;
    relay->order.layout.column_count = count;
    relay->order.layout.has_small_offsets = options->small_offsets;
    relay->order.layout.decimals_are_float64 = options->numeric == FDW_NUMERIC_FLOAT64;
    relay->order.batch_rows = options->batch_rows;
    relay->order.first_batch_rows = options->first_batch_rows;
    relay->order.batch_bytes = options->batch_bytes;
    ((FdwForeignScan *) node->fdw_state)->order = &relay->order;
    return relay;
}

bool
fdw_relay_has_rows(const FdwRelay *relay)
{
    const FdwForeignScan *state = relay->node->fdw_state;

    return state->scan != NULL && fdw_scan_rows_left(state->scan) > 0;
}

const struct ArrowArray *
fdw_relay_next(FdwRelay *relay, uint8_t **bytes, size_t *len)
{
    FdwForeignScan *state = relay->node->fdw_state;
    FdwScan *scan = fdw_foreign_open(relay->node);
    const struct ArrowArray *batch = NULL;

    state->is_fresh = false;
    if (fdw_scan_next_batch(scan))
        batch = fdw_scan_take_batch(scan, bytes, len);
    if (batch != NULL)
        state->row_count += batch->length;
    return batch;
}
