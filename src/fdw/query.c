/*
 * query.c - running a query of our own inside a function that returns many times.
 *
 * The server's own precedent is the executor of SQL functions (executor/functions.c). The rows are
 * taken from the plan itself and not by ExecutorRun, which runs a plan without parallel workers if
 * it may be called again.
 */
#include "fdw/query.h"

#include <access/parallel.h>
#include <access/xact.h>
#include <executor/executor.h>
#include "fdw/plan_cache.h"
#include <miscadmin.h>
#include <nodes/plannodes.h>
#include <tcop/dest.h>
#include <tcop/pquery.h>
#include <utils/memutils.h>
#include <utils/portal.h>
#include <utils/snapmgr.h>

struct FdwQuery {
    const char *text;
    FdwPlan plan;
    QueryDesc *desc;
    ErrorContextCallback context;
    bool may_be_parallel;
    bool is_parallel; /* the transaction is in parallel mode because of us */
    bool is_over;     /* the plan has no more rows */
};

/* As SPI does: the position of an error is one in our query, not in the statement around it. */
static void
add_query_context(void *arg)
{
    const char *text = arg;
    int position = geterrposition();

    if (position > 0) {
        errposition(0);
        internalerrposition(position);
        internalerrquery(text);
    } else {
        errcontext("SQL statement \"%s\"", text);
    }
}

static void
push_context(FdwQuery *query)
{
    query->context.callback = add_query_context;
    query->context.arg = unconstify(char *, query->text);
    query->context.previous = error_context_stack;
    error_context_stack = &query->context;
}

static void
pop_context(FdwQuery *query)
{
    error_context_stack = query->context.previous;
}

FdwQuery *
fdw_query_open(const char *text, const FdwArguments *arguments, bool may_be_parallel)
{
    FdwQuery *query = palloc0(sizeof *query);

    query->text = pstrdup(text);
    query->may_be_parallel = may_be_parallel;
    push_context(query);
    PushActiveSnapshot(ActiveSnapshotSet() ? GetActiveSnapshot() : GetTransactionSnapshot());
    fdw_plan_acquire(query->text, arguments, may_be_parallel, &query->plan);
    query->desc = CreateQueryDesc(query->plan.statement, query->text, GetActiveSnapshot(),
                                  InvalidSnapshot, None_Receiver, query->plan.params, NULL, 0);
    /* It only reads, so no trigger can be queued. */
    ExecutorStart(query->desc, EXEC_FLAG_SKIP_TRIGGERS);
    PopActiveSnapshot();
    pop_context(query);
    return query;
}

TupleDesc
fdw_query_descriptor(const FdwQuery *query)
{
    return query->desc->tupDesc;
}

List *
fdw_query_target_list(const FdwQuery *query)
{
    return query->plan.statement->planTree->targetlist;
}

PlanState *
fdw_query_plan(const FdwQuery *query)
{
    return query->desc->estate->es_junkFilter == NULL ? query->desc->planstate : NULL;
}

void
fdw_query_note_rows(FdwQuery *query, int64 count)
{
    query->desc->estate->es_processed += (uint64) count;
}

void
fdw_query_enter(FdwQuery *query)
{
    EState *estate = query->desc->estate;

    PushActiveSnapshot(query->desc->snapshot);
    push_context(query);
    if (query->may_be_parallel && !query->is_parallel && !query->is_over &&
        query->plan.statement->parallelModeNeeded) {
        estate->es_use_parallel_mode = true;
        EnterParallelMode();
        query->is_parallel = true;
    }
}

void
fdw_query_leave(FdwQuery *query)
{
    pop_context(query);
    PopActiveSnapshot();
}

/* Workers end here, and with them the need of parallel mode. */
static void
shut_down(FdwQuery *query)
{
    query->is_over = true;
    (void) ExecShutdownNode(query->desc->planstate);
    if (query->is_parallel)
        ExitParallelMode();
    query->is_parallel = false;
}

TupleTableSlot *
fdw_query_next(FdwQuery *query)
{
    EState *estate = query->desc->estate;
    MemoryContext caller;
    TupleTableSlot *slot;

    if (query->is_over)
        return NULL;
    CHECK_FOR_INTERRUPTS();
    caller = MemoryContextSwitchTo(estate->es_query_cxt);
    ResetPerTupleExprContext(estate);
    slot = ExecProcNode(query->desc->planstate);
    if (TupIsNull(slot)) {
        slot = NULL;
        shut_down(query);
    } else if (estate->es_junkFilter != NULL) {
        slot = ExecFilterJunk(estate->es_junkFilter, slot);
    }
    if (slot != NULL)
        estate->es_processed++;
    MemoryContextSwitchTo(caller);
    return slot;
}

void
fdw_query_close(FdwQuery *query)
{
    fdw_query_enter(query);
    if (!query->is_over)
        shut_down(query);
    ExecutorFinish(query->desc);
    ExecutorEnd(query->desc);
    fdw_query_leave(query);
    FreeQueryDesc(query->desc);
    fdw_plan_release(&query->plan);
}

/*
 * True for a plain SELECT of one call at the top of the unnamed portal, or as the source of a COPY:
 * nobody can run another statement before it is finished, and it has no other expression that might
 * write. Its text is the portal's by pointer, which the query of a function inside never is. Only
 * an Execute message with a limit of rows leaves it open to others, and nothing tells so here.
 */
bool
fdw_query_has_statement_alone(const ExprContext *econtext)
{
    EState *estate = econtext == NULL ? NULL : econtext->ecxt_estate;
    PlannedStmt *outer = estate == NULL ? NULL : estate->es_plannedstmt;
    PlannedStmt *statement;

    if (outer == NULL || ActivePortal == NULL || ActivePortal->name[0] != '\0' ||
        estate->es_sourceText != ActivePortal->sourceText || IsInParallelMode() ||
        list_length(ActivePortal->stmts) != 1)
        return false;
    if (outer->commandType != CMD_SELECT || outer->rowMarks != NIL || outer->hasModifyingCTE ||
        !IsA(outer->planTree, ProjectSet) || list_length(outer->planTree->targetlist) != 1 ||
        !IsA(outerPlan(outer->planTree), Result))
        return false;
    statement = linitial_node(PlannedStmt, ActivePortal->stmts);
    if (statement->commandType == CMD_UTILITY)
        return IsA(statement->utilityStmt, CopyStmt) &&
               !((CopyStmt *) statement->utilityStmt)->is_from;
    return ActivePortal->strategy == PORTAL_ONE_SELECT;
}
