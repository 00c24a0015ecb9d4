/*
 * query.h - a query whose executor stays open over several calls of a function.
 *
 * In:   a query's text and its arguments
 * Out:  its rows, one slot at a time
 * Next: fdw/arrow.c makes batches of them
 */
#ifndef IDC_FDW_QUERY_H
#define IDC_FDW_QUERY_H

#include "fdw/arguments.h"

#include <access/tupdesc.h>
#include <executor/tuptable.h>
#include <nodes/execnodes.h>

typedef struct FdwQuery FdwQuery;

/*
 * Open the query with the snapshot of the statement that calls. Memory is of the current context,
 * which belongs to the caller. What is not memory belongs to the current resource owner, so nothing
 * needs to be closed when the transaction fails.
 */
extern FdwQuery *fdw_query_open(const char *text, const FdwArguments *arguments,
                                bool may_be_parallel);

/* Good until the query is closed. */
extern TupleDesc fdw_query_descriptor(const FdwQuery *query);
extern List *fdw_query_target_list(const FdwQuery *query);

/* Its plan as it runs, if its rows are the plan's and need nothing else; else NULL. */
extern PlanState *fdw_query_plan(const FdwQuery *query);
/* So many rows were had from the plan by another way than fdw_query_next. */
extern void fdw_query_note_rows(FdwQuery *query, int64 count);

/* Around the rows of one call: the query's snapshot is the active one between the two. */
extern void fdw_query_enter(FdwQuery *query);
extern void fdw_query_leave(FdwQuery *query);

/*
 * The next row, good until the next call, or NULL at the end, when the executor has let go of
 * workers and scans. Cancelling acts here.
 */
extern TupleTableSlot *fdw_query_next(FdwQuery *query);

/* At the end or before it; not inside enter and leave. */
extern void fdw_query_close(FdwQuery *query);

/*
 * Whether nothing but the call itself runs until its query has ended: then the query may have
 * parallel workers, which forbid writing meanwhile.
 */
extern bool fdw_query_has_statement_alone(const ExprContext *econtext);

#endif
