/*
 * plan_window.c - window functions above what a source answers by itself.
 */
#include "fdw/handler.h"
#include "fdw/plan.h"
#include "fdw/plan_aggregate.h"

#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <optimizer/pathnode.h>
#include <optimizer/planner.h>
#include <optimizer/tlist.h>

#include "fdw/backend.h"
#include "fdw/foreign.h"

/* Each once; true if there is something that needs more. */
static bool
collect_windows(Node *node, void *functions)
{
    if (node == NULL)
        return false;
    if (!IsA(node, WindowFunc))
        return expression_tree_walker(node, collect_windows, functions);
    *(List **) functions = list_append_unique(*(List **) functions, node);
    return false;
}

static bool
collect_keys_of(const WindowClause *clause, List *tlist, FdwWindow *window)
{
    ListCell *cell;

    foreach (cell, clause->partitionClause) {
        SortGroupClause *group = lfirst_node(SortGroupClause, cell);
        Expr *expr = (Expr *) get_sortgroupclause_expr(group, tlist);

        if (!fdw_is_plain_group(group, expr))
            return false;
        window->partition = lappend(window->partition, expr);
    }
    foreach (cell, clause->orderClause) {
        SortGroupClause *order = lfirst_node(SortGroupClause, cell);
        FdwSortKey *key = palloc0(sizeof *key);

        if (!fdw_sort_key_of(order, (Expr *) get_sortgroupclause_expr(order, tlist), key))
            return false;
        window->order = lappend(window->order, key);
    }
    return true;
}

/*
 * Conditions on window functions that the planner has taken out of a query around this one: what
 * they are false for must not come out.
 */
static List *
run_conditions(const FdwWindow *window)
{
#if PG_VERSION_NUM >= 170000
    List *conditions = NIL;
    ListCell *cell;

    foreach (cell, window->function->runCondition) {
        WindowFuncRunCondition *condition = lfirst_node(WindowFuncRunCondition, cell);
        Expr *function = (Expr *) window->function;

        conditions =
            lappend(conditions, make_opclause(condition->opno, BOOLOID, false,
                                              condition->wfunc_left ? function : condition->arg,
                                              condition->wfunc_left ? condition->arg : function,
                                              InvalidOid, condition->inputcollid));
    }
    return conditions;
#else
    return list_copy(window->clause->runCondition);
#endif
}

/* NULL: one of them is not to be said. */
static List *
windows_of(const PlannerInfo *root, List *functions)
{
    List *windows = NIL;
    ListCell *cell, *clauses;

    foreach (cell, functions) {
        FdwWindow *window = palloc0(sizeof *window);

        window->function = lfirst_node(WindowFunc, cell);
        foreach (clauses, root->parse->windowClause)
            if (lfirst_node(WindowClause, clauses)->winref == window->function->winref)
                window->clause = lfirst_node(WindowClause, clauses);
        if (window->clause == NULL ||
            !collect_keys_of(window->clause, root->processed_tlist, window))
            return NIL;
        windows = lappend(windows, window);
    }
    return windows;
}

/* False for the query whose planning loaded this library: its plan will not pass by below. */
static bool
can_print_windows(void)
{
    return PG_VERSION_NUM < 180000 || fdw_backend.sees_plans;
}

/* NULL: the source does not answer one of them exactly. */
static const FdwLayer *
with_run_conditions(const FdwServer *server, const FdwLayer *layer)
{
    List *conditions = NIL;
    const FdwLayer *filtered;
    ListCell *cell;

    foreach (cell, layer->windows)
        conditions = list_concat_unique(conditions, run_conditions(lfirst(cell)));
    foreach (cell, fdw_push_clauses(server, layer, conditions, true, NULL, &filtered))
        if (((FdwVerdict *) lfirst(cell))->push != IDC_PUSH_EXACT)
            return NULL;
    return filtered;
}

void
fdw_plan_windows(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output)
{
    PathTarget *target = root->upper_targets[UPPERREL_WINDOW];
    FdwPlan *below = input->fdw_private, *plan;
    List *functions = NIL;
    const char *why = NULL;
    const FdwLayer *filtered;
    FdwLayer *layer;
    FdwCost cost;

    if (!can_print_windows())
        return;
    (void) collect_windows((Node *) target->exprs, &functions);
    layer = fdw_layer_over(IDC_REL_WINDOW, below->layer);
    layer->windows = windows_of(root, functions);
    layer->columns = list_concat_copy(below->layer->columns, functions);
    if (layer->windows == NIL || !fdw_layer_is_pushed(below->server, layer, &why)) {
        fdw_plan_note(input->fdw_private, "window functions are computed",
                      why == NULL ? "windows that sources do not know" : why);
        return;
    }
    filtered = with_run_conditions(below->server, layer);
    if (filtered == NULL || !fdw_layer_has(layer, target->exprs))
        return;
    plan = fdw_plan_over(below, filtered, below->rows);
    output->fdw_private = plan;
    fdw_backend.has_windows = true;
    cost = fdw_cost(root, plan, filtered, plan->selectivity, plan->rows, NIL);
    add_path(output, (Path *) fdw_upper_path(root, output, target, filtered, &cost, NIL, NIL));
}

/* ---- for EXPLAIN ---- */

#if PG_VERSION_NUM >= 180000

/*
 * PostgreSQL 18 looks for the WindowAgg of every WindowFunc that EXPLAIN prints, and fails if there
 * is none. A finished plan needs them no longer: they become calls of the same functions.
 */
static Node *
as_calls(Node *node, void *context)
{
    const WindowFunc *function = (const WindowFunc *) node;
    FuncExpr *call;

    if (node == NULL || !IsA(node, WindowFunc))
        return node == NULL ? NULL : expression_tree_mutator(node, as_calls, context);
    call = makeNode(FuncExpr);
    call->funcid = function->winfnoid;
    call->funcresulttype = function->wintype;
    call->funccollid = function->wincollid;
    call->inputcollid = function->inputcollid;
    call->args = (List *) as_calls((Node *) function->args, context);
    call->location = -1;
    return (Node *) call;
}

static void forget_windows(Plan *plan);

static void
forget_windows_of(List *plans)
{
    ListCell *cell;

    foreach (cell, plans)
        forget_windows(lfirst(cell));
}

static void
forget_windows(Plan *plan)
{
    if (plan == NULL)
        return;
    check_stack_depth();
    if (IsA(plan, ForeignScan) && ((ForeignScan *) plan)->scan.scanrelid == 0)
        ((ForeignScan *) plan)->fdw_scan_tlist =
            (List *) as_calls((Node *) ((ForeignScan *) plan)->fdw_scan_tlist, NULL);
    else if (IsA(plan, Append))
        forget_windows_of(((Append *) plan)->appendplans);
    else if (IsA(plan, MergeAppend))
        forget_windows_of(((MergeAppend *) plan)->mergeplans);
    else if (IsA(plan, SubqueryScan))
        forget_windows(((SubqueryScan *) plan)->subplan);
    else if (IsA(plan, CustomScan))
        forget_windows_of(((CustomScan *) plan)->custom_plans);
    forget_windows(outerPlan(plan));
    forget_windows(innerPlan(plan));
}

static PlannedStmt *
plan_query(Query *query, const char *text, int options, ParamListInfo params)
{
    planner_hook_type plan_as_before =
        fdw_backend.next_planner != NULL ? fdw_backend.next_planner : standard_planner;
    bool has_outer = fdw_backend.has_windows;
    PlannedStmt *statement;

    fdw_backend.sees_plans = true;
    fdw_backend.has_windows = false;
    statement = plan_as_before(query, text, options, params);
    if (fdw_backend.has_windows) {
        forget_windows(statement->planTree);
        forget_windows_of(statement->subplans);
    }
    fdw_backend.has_windows = has_outer;
    return statement;
}

void
fdw_windows_init(void)
{
    fdw_backend.next_planner = planner_hook;
    planner_hook = plan_query;
}

#else

void
fdw_windows_init(void)
{
}

#endif
