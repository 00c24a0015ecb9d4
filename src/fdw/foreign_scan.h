/*
 * foreign_scan.h - the state of a ForeignScan node, for those who run it, wait for it or show it.
 */
#ifndef IDC_FDW_FOREIGN_SCAN_H
#define IDC_FDW_FOREIGN_SCAN_H

#include "fdw/pg.h"

#include <nodes/execnodes.h>
#include "fdw/foreign.h"

/*
 * scan is NULL before the first row is asked for, and again after a rescan: all of it is of
 * scan_context. For EXPLAIN alone there is only the relation.
 */
typedef struct FdwForeignScan {
    const IdcRelation *relation;
    Oid server, user;
    List *expressions; /* ExprState, by parameter */
    MemoryContext scan_context;
    const FdwBatchOrder *order; /* NULL unless batches are passed on (relay.c) */
    FdwScan *scan;
    const IdcValue *values;
    size_t value_count;
    bool is_fresh;      /* no row of the scan was asked for */
    bool must_wait;     /* the last call had no row because none was there yet */
    int64 row_count;    /* of all scans */
    IdcScanStats stats; /* of scans that are over */
} FdwForeignScan;

/* The relation that a plan node was made with, memory of the current context. */
extern const IdcRelation *fdw_plan_relation(const ForeignScan *plan);
/* The parameters of a request as they are now, memory of the current context. expressions:
 * ExprState; lists: as FDW_PRIVATE_LISTS. */
extern IdcValue *fdw_evaluate(List *expressions, List *lists, ExprContext *context, size_t *count);
/* Whose user mapping it is. */
extern Oid fdw_scan_user(const ForeignScanState *node);
/* The scan, opened now if need be. */
extern FdwScan *fdw_foreign_open(ForeignScanState *node);
/* End the scan, and add what it did to state->stats. */
extern void fdw_foreign_finish(FdwForeignScan *state);

#endif
