/*
 * foreign.h - what the planner's side of our foreign tables hands to the executor's side.
 *
 * In:   plan_*.c build a ForeignScan whose fdw_private and fdw_exprs are as said here
 * Out:  scan.c runs it; explain.c shows it
 */
#ifndef IDC_FDW_FOREIGN_H
#define IDC_FDW_FOREIGN_H

#include "fdw/pg.h"

#include <executor/tuptable.h>
#include <nodes/pg_list.h>
#include "relation/message.h"
#include "relation/relation.h"

/*
 * ForeignScan.fdw_private, a list of these in order. fdw_exprs: one expression for each PARAMETER
 * of the relation, by index; the executor evaluates them when the scan begins (and at each rescan).
 */
typedef enum FdwPrivate {
    FDW_PRIVATE_RELATION,   /* Const of type bytea: idc_relation_write */
    FDW_PRIVATE_ATTRIBUTES, /* IntList: for each column of the relation the attribute (from 1) of
                               the scan's tuple; attributes that are not in it are not needed and
                               come as NULL */
    FDW_PRIVATE_LISTS, /* IntList of 0 and 1: fdw_exprs[i] is an array whose elements are the list
                        */
    FDW_PRIVATE_NOTES, /* list of String: what was not pushed and why, and what is checked again */
    FDW_PRIVATE_COUNT
} FdwPrivate;

/* ---- a running scan (scan.c), also for plan nodes of our own that are not a ForeignScan ---- */

typedef struct FdwScan FdwScan;

/* How somebody wants the batches who passes them on (fdw/relay.h). */
typedef struct FdwBatchOrder {
    IdcBatchLayout layout; /* columns: not NULL */
    int64 batch_rows, first_batch_rows, batch_bytes;
} FdwBatchOrder;

/*
 * Ask the source process of (server, user) for a relation: sends OPEN and does not wait for an
 * answer. attributes as FDW_PRIVATE_ATTRIBUTES; slots given to fdw_scan_next have this descriptor.
 * order: NULL, or borrowed as long as the scan. Everything is of `context`, and is closed when that
 * is reset or deleted, at the latest.
 */
extern FdwScan *fdw_scan_open(Oid server, Oid user, const IdcRelation *relation,
                              const IdcValue *values, size_t value_count, TupleDesc descriptor,
                              List *attributes, const FdwBatchOrder *order, MemoryContext context);
/* The next row as a virtual tuple, good until the next call; false at the end. Waits; can be
 * cancelled. */
extern bool fdw_scan_next(FdwScan *scan, TupleTableSlot *slot);
/* Of a scan with an order: wait for the next batch; false at the end. The rows before it that were
 * not asked for are lost. */
extern bool fdw_scan_next_batch(FdwScan *scan);
/* Rows of the batch that fdw_scan_next will return. */
extern int64 fdw_scan_rows_left(const FdwScan *scan);
/*
 * The batch as it came, if each of its values is the very one that conversion would make of it;
 * else NULL, and it has to be read row by row. The message is good until the next batch, its rows
 * count as read, and FDW_MESSAGE_HEAD bytes before it may be written to.
 */
extern const struct ArrowArray *fdw_scan_take_batch(FdwScan *scan, uint8_t **bytes, size_t *len);
/* True if fdw_scan_next would not wait. Never waits itself. */
extern bool fdw_scan_is_ready(FdwScan *scan);
/* The descriptor to wait on for reading until fdw_scan_is_ready may have become true. */
extern int fdw_scan_descriptor(FdwScan *scan);
/* Part of a request had no room in the socket: that it can be written is worth waiting for too. */
extern bool fdw_scan_is_unsent(const FdwScan *scan);
/* One that can always be read; for a scan that is ready among others that are waited for. */
extern int fdw_scan_ready_descriptor(FdwScan *scan);
/* No more rows; waits a moment for what the source says of its work. */
extern void fdw_scan_finish(FdwScan *scan);
extern void fdw_scan_close(FdwScan *scan);
extern const IdcScanStats *fdw_scan_stats(const FdwScan *scan);

/* A Datum as an IdcValue, memory of the current context (value.c). array: its elements are a list.
 */
extern IdcValue fdw_value(Oid type, int32 modifier, Datum datum, bool is_null, bool is_list);

/* The relation's type for a type of the hub: domains are looked through, see IdcType (value.c). */
extern IdcType fdw_type(Oid type, int32 modifier);
extern IdcCollation fdw_collation(Oid collation);

#endif
