/*
 * handler.c - the table of functions that PostgreSQL calls for our foreign tables.
 */
#include "fdw/handler.h"

FDW_SQL_FUNCTION(instant_fdw_handler);

/*
 * Not there, on purpose: IsForeignScanParallelSafe (a source process belongs to one backend),
 * direct modification and TRUNCATE.
 */
Datum
instant_fdw_handler(PG_FUNCTION_ARGS)
{
    FdwRoutine *routine = makeNode(FdwRoutine);

    (void) fcinfo;
    routine->BeginForeignScan = fdw_foreign_begin;
    routine->IterateForeignScan = fdw_foreign_iterate;
    routine->ReScanForeignScan = fdw_foreign_rescan;
    routine->EndForeignScan = fdw_foreign_end;
    routine->ForeignAsyncRequest = fdw_async_request;
    routine->ForeignAsyncConfigureWait = fdw_async_configure_wait;
    routine->ForeignAsyncNotify = fdw_async_notify;
    PG_RETURN_POINTER(routine);
}
