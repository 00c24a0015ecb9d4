/*
 * handler.h - every function that PostgreSQL calls for our foreign tables.
 *
 * In:   PostgreSQL's planner and executor
 * Out:  handler.c puts them in one table
 */
#ifndef IDC_FDW_HANDLER_H
#define IDC_FDW_HANDLER_H

#include "fdw/pg.h"

#include <foreign/fdwapi.h>

/* ---- planning: these talk to nobody ---- */

/* plan_scan.c */
extern void fdw_plan_size(PlannerInfo *root, RelOptInfo *rel, Oid table);
extern void fdw_plan_paths(PlannerInfo *root, RelOptInfo *rel, Oid table);
/* plan_make.c: for scans, joins and upper relations */
extern ForeignScan *fdw_plan_make(PlannerInfo *root, RelOptInfo *rel, Oid table, ForeignPath *path,
                                  List *tlist, List *clauses, Plan *outer_plan);
/* plan_join.c */
extern void fdw_plan_join_paths(PlannerInfo *root, RelOptInfo *joined, RelOptInfo *outer,
                                RelOptInfo *inner, JoinType jointype, JoinPathExtraData *extra);
/* plan_upper.c */
extern void fdw_plan_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input,
                                 RelOptInfo *output, void *extra);
/* plan_window.c */
extern void fdw_windows_init(void);
/* plan_scan.c: the options async_capable of server and table */
extern bool fdw_plan_is_async(ForeignPath *path);

/* ---- a scan (scan.c) ---- */

extern void fdw_foreign_begin(ForeignScanState *node, int eflags);
extern TupleTableSlot *fdw_foreign_iterate(ForeignScanState *node);
extern void fdw_foreign_rescan(ForeignScanState *node);
extern void fdw_foreign_end(ForeignScanState *node);

/* ---- several scans at once (async.c) ---- */

extern void fdw_async_request(AsyncRequest *request);
extern void fdw_async_configure_wait(AsyncRequest *request);
extern void fdw_async_notify(AsyncRequest *request);

/* ---- writing (modify.c) ---- */

extern int fdw_modify_is_updatable(Relation table);
extern void fdw_modify_add_targets(PlannerInfo *root, Index index, RangeTblEntry *entry,
                                   Relation table);
extern List *fdw_modify_plan(PlannerInfo *root, ModifyTable *plan, Index index, int subplan);
extern void fdw_modify_begin(ModifyTableState *state, ResultRelInfo *info, List *fdw_private,
                             int subplan, int eflags);
extern void fdw_modify_begin_insert(ModifyTableState *state, ResultRelInfo *info);
extern TupleTableSlot *fdw_modify_insert(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
                                         TupleTableSlot *plan_slot);
extern TupleTableSlot **fdw_modify_insert_batch(EState *estate, ResultRelInfo *info,
                                                TupleTableSlot **slots, TupleTableSlot **plan_slots,
                                                int *count);
extern int fdw_modify_batch_size(ResultRelInfo *info);
extern TupleTableSlot *fdw_modify_update(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
                                         TupleTableSlot *plan_slot);
extern TupleTableSlot *fdw_modify_delete(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
                                         TupleTableSlot *plan_slot);
/* modify_direct.c */
extern bool fdw_direct_plan(PlannerInfo *root, ModifyTable *plan, Index index, int subplan);
extern void fdw_direct_begin(ForeignScanState *node, int eflags);
extern TupleTableSlot *fdw_direct_iterate(ForeignScanState *node);
extern void fdw_direct_end(ForeignScanState *node);
extern void fdw_direct_explain(ForeignScanState *node, struct ExplainState *es);
/* modify_truncate.c */
extern void fdw_truncate(List *tables, DropBehavior behavior, bool restarts_identity);
extern void fdw_modify_end(EState *estate, ResultRelInfo *info);
extern void fdw_modify_end_insert(EState *estate, ResultRelInfo *info);

/* ---- EXPLAIN (explain.c), ANALYZE (sample.c), IMPORT FOREIGN SCHEMA (import.c) ---- */

extern void fdw_explain_scan(ForeignScanState *node, struct ExplainState *es);
extern void fdw_explain_modify(ModifyTableState *state, ResultRelInfo *info, List *fdw_private,
                               int subplan, struct ExplainState *es);
extern bool fdw_sample_analyze(Relation table, AcquireSampleRowsFunc *function,
                               BlockNumber *page_count);
extern List *fdw_import_schema(ImportForeignSchemaStmt *statement, Oid server);

#endif
