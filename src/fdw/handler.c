/*
 * handler.c - the table of functions that PostgreSQL calls for our foreign tables.
 */
#include "fdw/handler.h"

FDW_SQL_FUNCTION(instant_fdw_handler);

/*
 * Not there, on purpose: IsForeignScanParallelSafe (a source process belongs to one backend).
 */
Datum
instant_fdw_handler(PG_FUNCTION_ARGS)
{
    FdwRoutine *routine = makeNode(FdwRoutine);

    (void) fcinfo;
    routine->GetForeignRelSize = fdw_plan_size;
    routine->GetForeignPaths = fdw_plan_paths;
    routine->GetForeignPlan = fdw_plan_make;
    routine->GetForeignJoinPaths = fdw_plan_join_paths;
    routine->GetForeignUpperPaths = fdw_plan_upper_paths;
    routine->IsForeignPathAsyncCapable = fdw_plan_is_async;
    routine->BeginForeignScan = fdw_foreign_begin;
    routine->IterateForeignScan = fdw_foreign_iterate;
    routine->ReScanForeignScan = fdw_foreign_rescan;
    routine->EndForeignScan = fdw_foreign_end;
    routine->ForeignAsyncRequest = fdw_async_request;
    routine->ForeignAsyncConfigureWait = fdw_async_configure_wait;
    routine->ForeignAsyncNotify = fdw_async_notify;
    routine->AddForeignUpdateTargets = fdw_modify_add_targets;
    routine->PlanForeignModify = fdw_modify_plan;
    routine->BeginForeignModify = fdw_modify_begin;
    routine->BeginForeignInsert = fdw_modify_begin_insert;
    routine->ExecForeignInsert = fdw_modify_insert;
    routine->ExecForeignBatchInsert = fdw_modify_insert_batch;
    routine->GetForeignModifyBatchSize = fdw_modify_batch_size;
    routine->ExecForeignUpdate = fdw_modify_update;
    routine->ExecForeignDelete = fdw_modify_delete;
    routine->EndForeignModify = fdw_modify_end;
    routine->EndForeignInsert = fdw_modify_end_insert;
    routine->PlanDirectModify = fdw_direct_plan;
    routine->BeginDirectModify = fdw_direct_begin;
    routine->IterateDirectModify = fdw_direct_iterate;
    routine->EndDirectModify = fdw_direct_end;
    routine->ExplainDirectModify = fdw_direct_explain;
    routine->ExecForeignTruncate = fdw_truncate;
    routine->IsForeignRelUpdatable = fdw_modify_is_updatable;
    routine->ExplainForeignScan = fdw_explain_scan;
    routine->ExplainForeignModify = fdw_explain_modify;
    routine->AnalyzeForeignTable = fdw_sample_analyze;
    routine->ImportForeignSchema = fdw_import_schema;
    PG_RETURN_POINTER(routine);
}
