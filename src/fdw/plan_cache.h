/*
 * plan_cache.h - plans of queries, kept over calls.
 *
 * In:   a query's text and its arguments
 * Out:  a planned SELECT and its parameters
 * Next: fdw/query.c executes it
 */
#ifndef IDC_FDW_PLAN_CACHE_H
#define IDC_FDW_PLAN_CACHE_H

#include "fdw/arguments.h"

#include <nodes/plannodes.h>
#include <utils/plancache.h>
#include <utils/resowner.h>

typedef struct FdwPlan {
    PlannedStmt *statement;
    ParamListInfo params;
    CachedPlan *plan;
    CachedPlanSource *own_source; /* not NULL: of a plan that is not kept */
    ResourceOwner owner;          /* of the reference to the plan, unless own_source */
} FdwPlan;

/* Once a backend. */
extern void fdw_plan_cache_init(void);

/*
 * Parse, analyse and plan the query, or take the plan of an earlier call. It is one SELECT, VALUES,
 * TABLE or WITH without a part that writes; anything else raises feature_not_supported. New memory
 * is of the current context, which must outlive the plan and may be deleted without a release when
 * the transaction fails.
 */
extern void fdw_plan_acquire(const char *text, const FdwArguments *arguments, bool may_be_parallel,
                             FdwPlan *plan);
extern void fdw_plan_release(FdwPlan *plan);

#endif
