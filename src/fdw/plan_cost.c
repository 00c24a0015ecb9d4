/*
 * plan_cost.c - what a request costs, and the paths that are made of it.
 */
#include "fdw/plan.h"

#include <math.h>
#include <optimizer/cost.h>
#include <optimizer/optimizer.h>
#include <optimizer/pathnode.h>

/* Where the adapter estimates nothing: a round trip, and the way of a row. */
#define STARTUP_COST 100.0
#define ROW_COST 0.05

/* Of what cannot be asked for as it is. */
#define IMPOSSIBLE_COST 1.0e10

static void
ask_adapter(const FdwPlan *plan, const FdwLayer *layer, double selectivity, FdwCost *cost)
{
    const IdcDeclaration *declaration = plan->server->declaration;
    FdwTranslation translation = fdw_translation_begin();
    IdcEstimateQuestion question = { .server_options = &plan->server->options,
                                     .relation = fdw_build(&translation, layer),
                                     .table_rows = plan->table_rows,
                                     .selectivity = selectivity,
                                     .rows = cost->rows };
    IdcEstimate estimate = { .rows = -1,
                             .startup_cost = STARTUP_COST,
                             .total_cost = STARTUP_COST + ROW_COST * cost->rows };

    if (declaration->estimate != NULL)
        declaration->estimate(&question, translation.arena, &estimate);
    if (cost->rows < 0)
        cost->rows = estimate.rows;
    cost->startup = estimate.startup_cost;
    cost->total = estimate.total_cost;
    cost->impossible = estimate.impossible;
}

/* Costs that the server's options name come before the adapter's. */
static void
obey_options(const FdwPlan *plan, FdwCost *cost)
{
    double startup = idc_adapter_option_decimal(plan->server->declaration, &plan->server->options,
                                                "fdw_startup_cost");
    double row = idc_adapter_option_decimal(plan->server->declaration, &plan->server->options,
                                            "fdw_tuple_cost");

    if (startup >= 0) {
        cost->total += startup - cost->startup;
        cost->startup = startup;
    }
    if (row >= 0)
        cost->total = cost->startup + row * cost->rows;
}

FdwCost
fdw_cost(PlannerInfo *root, const FdwPlan *plan, const FdwLayer *layer, double selectivity,
         double rows, List *local)
{
    FdwCost cost = { .rows = rows };
    QualCost check;

    ask_adapter(plan, layer, selectivity, &cost);
    obey_options(plan, &cost);
    cost_qual_eval(&check, local, root);
    cost.startup += check.startup;
    cost.total += check.startup + (cpu_tuple_cost + check.per_tuple) * fmax(cost.rows, 1);
    if (cost.impossible != NULL) {
        cost.startup += IMPOSSIBLE_COST;
        cost.total += IMPOSSIBLE_COST;
    }
    cost.total = fmax(cost.total, cost.startup);
    return cost;
}

/* ---- paths: their makers take other arguments in each version ---- */

#if PG_VERSION_NUM >= 180000
#define ROWS_AND_COSTS(cost) (cost)->rows, 0, (cost)->startup, (cost)->total
#else
#define ROWS_AND_COSTS(cost) (cost)->rows, (cost)->startup, (cost)->total
#endif

#if PG_VERSION_NUM >= 170000
#define NO_OUTER_PATH NULL, NIL
#else
#define NO_OUTER_PATH NULL
#endif

void
fdw_add_base_path(PlannerInfo *root, RelOptInfo *rel, const FdwLayer *layer, const FdwCost *cost,
                  List *pathkeys, Relids outer)
{
    add_path(rel, (Path *) create_foreignscan_path(root, rel, NULL, ROWS_AND_COSTS(cost), pathkeys,
                                                   outer, NO_OUTER_PATH,
                                                   list_make2(unconstify(FdwLayer *, layer), NIL)));
}

void
fdw_add_join_path(PlannerInfo *root, RelOptInfo *rel, const FdwLayer *layer, const FdwCost *cost)
{
    add_path(rel, (Path *) create_foreign_join_path(
                      root, rel, NULL, ROWS_AND_COSTS(cost), NIL, rel->lateral_relids,
                      NO_OUTER_PATH, list_make2(unconstify(FdwLayer *, layer), NIL)));
}

ForeignPath *
fdw_upper_path(PlannerInfo *root, RelOptInfo *rel, PathTarget *target, const FdwLayer *layer,
               const FdwCost *cost, List *pathkeys, List *local)
{
    return create_foreign_upper_path(root, rel, target, ROWS_AND_COSTS(cost), pathkeys,
                                     NO_OUTER_PATH,
                                     list_make2(unconstify(FdwLayer *, layer), local));
}
