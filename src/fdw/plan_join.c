/*
 * plan_join.c - joins of tables of one server, answered by that server.
 *
 * Only joins whose conditions are all answered exactly, and only where no row is read again
 * (UPDATE, FOR UPDATE): for those PostgreSQL wants a local plan of the join too.
 */
#include "fdw/handler.h"
#include "fdw/plan.h"

#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <optimizer/restrictinfo.h>

static bool
is_known_join(JoinType type, IdcJoinKind *kind)
{
    switch (type) {
    case JOIN_INNER:
        *kind = IDC_JOIN_INNER;
        return true;
    case JOIN_LEFT:
        *kind = IDC_JOIN_LEFT;
        return true;
    case JOIN_RIGHT:
        *kind = IDC_JOIN_RIGHT;
        return true;
    case JOIN_FULL:
        *kind = IDC_JOIN_FULL;
        return true;
    case JOIN_SEMI:
        *kind = IDC_JOIN_SEMI;
        return true;
    case JOIN_ANTI:
        *kind = IDC_JOIN_ANTI;
        return true;
    default:
        return false;
    }
}

/* Rows of both sides are only what they are, and nobody wants to lock or check them again. */
static bool
may_be_joined(const PlannerInfo *root, const RelOptInfo *joined, const FdwPlan *left,
              const FdwPlan *right)
{
    CmdType command = root->parse->commandType;

    return (command == CMD_SELECT || command == CMD_INSERT) && root->rowMarks == NIL &&
           bms_is_empty(joined->lateral_relids) && left != NULL && right != NULL &&
           left->is_exact && right->is_exact;
}

/* In one request conditions have no order: none may be evaluated before one that hides rows. */
static bool
is_secure(FdwPlan *plan, const FdwPlan *left, const FdwPlan *right, List *conditions)
{
    ListCell *cell;

    plan->least_security = Min(left->least_security, right->least_security);
    plan->most_leaky_security = Max(left->most_leaky_security, right->most_leaky_security);
    foreach (cell, conditions) {
        RestrictInfo *condition = lfirst_node(RestrictInfo, cell);

        plan->least_security = Min(plan->least_security, condition->security_level);
        if (!condition->leakproof)
            plan->most_leaky_security = Max(plan->most_leaky_security, condition->security_level);
    }
    return plan->most_leaky_security <= plan->least_security;
}

/* Of an outer join: conditions that decide what matches, and those that are asked afterwards. */
static void
split_conditions(const RelOptInfo *joined, JoinType type, List *conditions, List **of_join,
                 List **after)
{
    ListCell *cell;

    foreach (cell, conditions) {
        RestrictInfo *condition = lfirst_node(RestrictInfo, cell);

        if (condition->pseudoconstant)
            continue;
        if (IS_OUTER_JOIN(type) && RINFO_IS_PUSHED_DOWN(condition, joined->relids))
            *after = lappend(*after, condition);
        else
            *of_join = lappend(*of_join, condition);
    }
}

static const FdwLayer *
join_layer(const RelOptInfo *joined, const FdwPlan *left, const FdwPlan *right, IdcJoinKind kind,
           List *of_join)
{
    FdwLayer *layer = fdw_layer_over(IDC_REL_JOIN, left->layer);

    layer->right = right->layer;
    layer->join = kind;
    layer->clauses = of_join;
    layer->relids = bms_copy(joined->relids);
    if (kind != IDC_JOIN_SEMI && kind != IDC_JOIN_ANTI)
        layer->columns = list_concat_copy(left->layer->columns, right->layer->columns);
    return layer;
}

static bool
all_exact(List *verdicts)
{
    ListCell *cell;

    foreach (cell, verdicts)
        if (((FdwVerdict *) lfirst(cell))->push != IDC_PUSH_EXACT)
            return false;
    return true;
}

/* NULL and why. */
static const FdwLayer *
pushed_join(const FdwServer *server, const FdwLayer *joined, List *after, const char **why)
{
    const FdwLayer *filtered;

    if (!fdw_layer_is_pushed(server, joined, why))
        return NULL;
    return all_exact(fdw_push_clauses(server, joined, after, true, NULL, &filtered)) ? filtered
                                                                                     : NULL;
}

void
fdw_plan_join_paths(PlannerInfo *root, RelOptInfo *joined, RelOptInfo *outer, RelOptInfo *inner,
                    JoinType jointype, JoinPathExtraData *extra)
{
    FdwPlan *left = outer->fdw_private, *right = inner->fdw_private, *plan;
    List *of_join = NIL, *after = NIL;
    const char *why = NULL;
    IdcJoinKind kind;
    FdwCost cost;

    /* Other orders of the same join would ask for the same. */
    if (joined->fdw_private != NULL || !is_known_join(jointype, &kind) ||
        !may_be_joined(root, joined, left, right) || fdw_has_gate(extra->restrictlist))
        return;
    plan = palloc0(sizeof *plan);
    if (!is_secure(plan, left, right, extra->restrictlist))
        return;
    split_conditions(joined, jointype, extra->restrictlist, &of_join, &after);
    plan->server = left->server;
    plan->layer =
        pushed_join(plan->server, join_layer(joined, left, right, kind, of_join), after, &why);
    if (plan->layer == NULL) {
        fdw_plan_note(left, "joined", why);
        fdw_plan_note(right, "joined", why);
        return;
    }
    if (!fdw_layer_has(plan->layer, joined->reltarget->exprs))
        return;
    plan->is_exact = true;
    plan->table_rows = left->table_rows;
    plan->selectivity = left->selectivity;
    plan->rows = joined->rows;
    joined->fdw_private = plan;
    cost = fdw_cost(root, plan, plan->layer, plan->selectivity, joined->rows, NIL);
    fdw_add_join_path(root, joined, plan->layer, &cost);
}
