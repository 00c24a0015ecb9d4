/*
 * plan_upper.c - grouping, DISTINCT, ORDER BY and LIMIT above what a source answers by itself.
 *
 * All of it only where everything below is exact: one row too many below is a wrong sum here.
 */
#include "fdw/handler.h"
#include "fdw/plan.h"

#include <catalog/pg_type.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/cost.h>
#include <optimizer/optimizer.h>
#include <optimizer/pathnode.h>
#include <optimizer/paths.h>
#include <optimizer/tlist.h>
#include <utils/fmgroids.h>
#include <utils/selfuncs.h>
#include <utils/typcache.h>

#include "fdw/foreign.h"

FdwPlan *
fdw_plan_over(const FdwPlan *below, const FdwLayer *layer, double rows)
{
    FdwPlan *plan = palloc(sizeof *plan);

    *plan = *below;
    plan->layer = layer;
    plan->rows = rows;
    plan->exact = NIL;
    plan->local = NIL;
    plan->notes = NIL;
    plan->table_options = NULL;
    return plan;
}

/* ---- GROUP BY and aggregates ---- */

/* What the target of a grouping is made of. */
typedef struct Grouping {
    List *keys;
    List *aggregates; /* Aggref, each once */
} Grouping;

/* True if something else is needed than keys and aggregates. */
static bool
collect(Node *node, void *context)
{
    Grouping *grouping = context;

    if (node == NULL || list_member(grouping->keys, node))
        return false;
    if (IsA(node, Aggref)) {
        grouping->aggregates = list_append_unique(grouping->aggregates, node);
        return false;
    }
    if (IsA(node, Var) || IsA(node, PlaceHolderVar) || IsA(node, GroupingFunc))
        return true;
    return expression_tree_walker(node, collect, context);
}

bool
fdw_is_plain_group(const SortGroupClause *clause, const Expr *key)
{
    Oid type = exprType((const Node *) key);

    return clause->eqop == lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr &&
           fdw_collation(exprCollation((const Node *) key)) != IDC_COLLATION_LOOSE;
}

static bool
collect_keys(const PlannerInfo *root, PathTarget *target, Grouping *grouping)
{
    List *groups = root->parse->groupClause;
    int found = 0;

    for (int i = 0; i < list_length(target->exprs); i++) {
        Index reference = get_pathtarget_sortgroupref(target, i);
        SortGroupClause *clause =
            reference == 0 ? NULL : get_sortgroupref_clause_noerr(reference, groups);
        Expr *key = list_nth(target->exprs, i);

        if (clause == NULL)
            continue;
        if (!fdw_is_plain_group(clause, key))
            return false;
        grouping->keys = list_append_unique(grouping->keys, key);
        found++;
    }
    return found >= list_length(groups);
}

static bool
collect_grouping(const PlannerInfo *root, PathTarget *target, List *having, Grouping *grouping)
{
    if (!collect_keys(root, target, grouping))
        return false;
    return !collect((Node *) target->exprs, grouping) && !collect((Node *) having, grouping);
}

static double
group_count(PlannerInfo *root, const Grouping *grouping, double rows)
{
    if (grouping->keys == NIL)
        return 1;
    return estimate_num_groups(root, grouping->keys, rows, NULL, NULL);
}

/* Sorts the conditions of HAVING; returns what stays in the hub. */
static List *
push_having(FdwPlan *plan, List *having)
{
    List *local = NIL;
    ListCell *cell;

    foreach (cell, fdw_push_clauses(plan->server, plan->layer, having, true, NULL, &plan->layer)) {
        FdwVerdict *verdict = lfirst(cell);

        if (verdict->push != IDC_PUSH_EXACT)
            local = lappend(local, verdict->clause);
    }
    plan->is_exact = local == NIL;
    return local;
}

static void
add_grouping(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output, GroupPathExtraData *extra)
{
    FdwPlan *below = input->fdw_private, *plan;
    List *having = (List *) extra->havingQual, *local;
    Grouping grouping = { 0 };
    const char *why = NULL;
    FdwLayer *layer;
    FdwCost cost;

    if (extra->patype != PARTITIONWISE_AGGREGATE_NONE &&
        extra->patype != PARTITIONWISE_AGGREGATE_FULL)
        return;
    if (root->parse->groupingSets != NIL ||
        !collect_grouping(root, output->reltarget, having, &grouping)) {
        fdw_plan_note(input->fdw_private, "grouped", "a grouping that sources do not know");
        return;
    }
    layer = fdw_layer_over(IDC_REL_AGGREGATE, below->layer);
    layer->columns = list_concat_copy(grouping.keys, grouping.aggregates);
    layer->key_count = list_length(grouping.keys);
    if (!fdw_layer_is_pushed(below->server, layer, &why)) {
        fdw_plan_note(input->fdw_private, "grouped", why);
        return;
    }
    plan = fdw_plan_over(below, layer, group_count(root, &grouping, below->rows));
    local = push_having(plan, having);
    output->fdw_private = plan;
    cost = fdw_cost(root, plan, plan->layer, plan->selectivity, plan->rows, local);
    add_path(output, (Path *) fdw_upper_path(root, output, output->reltarget, plan->layer, &cost,
                                             NIL, local));
}

/* ---- DISTINCT ---- */

static bool
has_plain_groups(List *clauses, PathTarget *target)
{
    for (int i = 0; i < list_length(target->exprs); i++) {
        Index reference = get_pathtarget_sortgroupref(target, i);
        SortGroupClause *clause =
            reference == 0 ? NULL : get_sortgroupref_clause_noerr(reference, clauses);

        if (clause == NULL || !fdw_is_plain_group(clause, list_nth(target->exprs, i)))
            return false;
    }
    return target->exprs != NIL;
}

static void
add_distinct(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output)
{
    PathTarget *target = root->upper_targets[UPPERREL_DISTINCT];
    FdwPlan *below = input->fdw_private, *plan;
    const FdwLayer *projected = below->layer;
    const char *why = NULL;
    FdwLayer *layer;
    double rows;
    FdwCost cost;

    if (root->parse->hasDistinctOn || !has_plain_groups(root->parse->distinctClause, target))
        return;
    if (!equal(projected->columns, target->exprs)) {
        layer = fdw_layer_over(IDC_REL_PROJECT, below->layer);
        layer->columns = target->exprs;
        projected = layer;
    }
    layer = fdw_layer_over(IDC_REL_DISTINCT, projected);
    if ((projected != below->layer && !fdw_layer_is_pushed(below->server, projected, &why)) ||
        !fdw_layer_is_pushed(below->server, layer, &why)) {
        fdw_plan_note(input->fdw_private, "made distinct", why);
        return;
    }
    rows = estimate_num_groups(root, target->exprs, below->rows, NULL, NULL);
    plan = fdw_plan_over(below, layer, rows);
    output->fdw_private = plan;
    cost = fdw_cost(root, plan, layer, plan->selectivity, rows, NIL);
    add_path(output, (Path *) fdw_upper_path(root, output, target, layer, &cost, NIL, NIL));
}

/* ---- ORDER BY ---- */

static void
add_order(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output)
{
    PathTarget *target = root->upper_targets[UPPERREL_ORDERED];
    FdwPlan *below = input->fdw_private, *plan;
    const char *why = NULL;
    const FdwLayer *layer =
        fdw_sort_layer(root, input, below, below->layer, root->sort_pathkeys, &why);
    FdwCost cost;

    if (layer == NULL || !fdw_layer_has(layer, target->exprs)) {
        fdw_plan_note(input->fdw_private, "sorted", why);
        return;
    }
    plan = fdw_plan_over(below, layer, below->rows);
    output->fdw_private = plan;
    cost = fdw_cost(root, plan, layer, plan->selectivity, plan->rows, NIL);
    add_path(output,
             (Path *) fdw_upper_path(root, output, target, layer, &cost, root->sort_pathkeys, NIL));
}

/* ---- LIMIT ---- */

#define MOST_ROWS PG_INT64_MAX
#define LIMIT_BONUS 0.95

static Node *
bigint(int64 number)
{
    return (Node *) makeConst(INT8OID, -1, InvalidOid, (int) sizeof(int64), Int64GetDatum(number),
                              false, FLOAT8PASSBYVAL);
}

/* A constant number of rows; `absent` for none and for NULL. False: it is not one (yet). */
static bool
constant_rows(const Node *node, int64 absent, int64 *rows)
{
    *rows = absent;
    if (node == NULL)
        return true;
    if (!IsA(node, Const) || ((const Const *) node)->consttype != INT8OID)
        return false;
    if (!((const Const *) node)->constisnull)
        *rows = DatumGetInt64(((const Const *) node)->constvalue);
    return *rows >= 0;
}

/* NULL is no limit, and for a negative one PostgreSQL's own LIMIT above raises the error. */
static Node *
safe_limit(Node *limit)
{
    CoalesceExpr *or_all = makeNode(CoalesceExpr);
    MinMaxExpr *not_negative = makeNode(MinMaxExpr);

    or_all->coalescetype = INT8OID;
    or_all->args = list_make2(limit, bigint(MOST_ROWS));
    or_all->location = -1;
    not_negative->minmaxtype = INT8OID;
    not_negative->op = IS_GREATEST;
    not_negative->args = list_make2(or_all, bigint(0));
    not_negative->location = -1;
    return (Node *) not_negative;
}

/* The layer with a limit, if the adapter has that. */
static const FdwLayer *
limited(const FdwPlan *below, Node *limit, Node *offset, const char **why)
{
    FdwLayer *layer = fdw_layer_over(IDC_REL_LIMIT, below->layer);

    layer->limit = limit;
    layer->offset = offset;
    return fdw_layer_is_pushed(below->server, layer, why) ? layer : NULL;
}

/*
 * What can be asked for: both; or only so many rows that PostgreSQL's own LIMIT above has enough
 * (*is_whole: it is not needed).
 */
static const FdwLayer *
limit_layer(const FdwPlan *below, Node *limit, Node *offset, bool *is_whole, const char **why)
{
    int64 most, skipped, both;
    bool is_constant = constant_rows(limit, MOST_ROWS, &most);
    const FdwLayer *layer;

    *is_whole = false;
    if (!constant_rows(offset, 0, &skipped))
        return NULL;
    if (!is_constant)
        return skipped == 0 && !contain_volatile_functions(limit)
                   ? limited(below, safe_limit(limit), NULL, why)
                   : NULL;
    layer = limited(below, most == MOST_ROWS ? NULL : bigint(most),
                    skipped == 0 ? NULL : bigint(skipped), why);
    *is_whole = layer != NULL;
    if (layer != NULL || most == MOST_ROWS || __builtin_add_overflow(most, skipped, &both))
        return layer;
    return limited(below, bigint(both), NULL, why);
}

/*
 * At most what PostgreSQL takes a LIMIT above for, whatever the adapter estimates, and less: the
 * planner takes costs within 1 % for the same, and a source that knows how many rows are wanted
 * prepares no others.
 */
static FdwCost
limited_cost(PlannerInfo *root, const FdwPlan *below, const FdwLayer *layer, int64 offset,
             int64 count)
{
    FdwCost above = fdw_cost(root, below, below->layer, below->selectivity, below->rows, NIL), cost;

    adjust_limit_rows_costs(&above.rows, &above.startup, &above.total, offset, count);
    cost = fdw_cost(root, below, layer, below->selectivity, above.rows, NIL);
    cost.startup = LIMIT_BONUS * Min(cost.startup, above.startup);
    cost.total = LIMIT_BONUS * Min(cost.total, above.total);
    return cost;
}

static void
add_limit(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output, FinalPathExtraData *extra)
{
    PathTarget *target = root->upper_targets[UPPERREL_FINAL];
    Query *parse = root->parse;
    FdwPlan *below = input->fdw_private;
    const char *why = NULL;
    const FdwLayer *layer;
    ForeignPath *path;
    bool is_whole;
    int64 count;
    FdwCost cost;

    if (!extra->limit_needed || !fdw_layer_has(below->layer, target->exprs) ||
        parse->rowMarks != NIL || parse->commandType != CMD_SELECT ||
        parse->limitOption == LIMIT_OPTION_WITH_TIES)
        return;
    layer = limit_layer(below, parse->limitCount, parse->limitOffset, &is_whole, &why);
    if (layer == NULL) {
        fdw_plan_note(input->fdw_private, "limited", why);
        return;
    }
    count = extra->count_est;
    if (!is_whole && count > 0 && extra->offset_est > 0)
        count += extra->offset_est;
    cost = limited_cost(root, below, layer, is_whole ? extra->offset_est : 0, count);
    path = fdw_upper_path(root, output, target, layer, &cost, root->sort_pathkeys, NIL);
    output->fdw_private = fdw_plan_over(below, layer, cost.rows);
    add_path(output,
             is_whole ? (Path *) path
                      : (Path *) create_limit_path(root, output, (Path *) path, parse->limitOffset,
                                                   parse->limitCount, parse->limitOption,
                                                   extra->offset_est, extra->count_est));
}

/* ---- all stages ---- */

void
fdw_plan_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input,
                     RelOptInfo *output, void *extra)
{
    FdwPlan *below = input->fdw_private;

    if (below == NULL || !below->is_exact || output->fdw_private != NULL ||
        root->parse->hasTargetSRFs)
        return;
    switch (stage) {
    case UPPERREL_GROUP_AGG:
        add_grouping(root, input, output, extra);
        break;
    case UPPERREL_WINDOW:
        fdw_plan_windows(root, input, output);
        break;
    case UPPERREL_DISTINCT:
        add_distinct(root, input, output);
        break;
    case UPPERREL_ORDERED:
        add_order(root, input, output);
        break;
    case UPPERREL_FINAL:
        add_limit(root, input, output, extra);
        break;
    default:
        break;
    }
}
