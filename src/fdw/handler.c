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
    PG_RETURN_POINTER(routine);
}
