/*
 * plan_aggregate.h - PostgreSQL's aggregates as those of a relation.
 */
#ifndef IDC_FDW_PLAN_AGGREGATE_H
#define IDC_FDW_PLAN_AGGREGATE_H

#include "fdw/plan.h"

/* False: it cannot be said, see translation->why. */
extern bool fdw_translate_aggregate(FdwTranslation *translation, const Aggref *node,
                                    IdcAggregate *aggregate);

/* A window function over a layer. */
typedef struct FdwWindow {
    WindowFunc *function;
    WindowClause *clause;
    List *partition; /* expressions */
    List *order;     /* FdwSortKey */
} FdwWindow;

extern bool fdw_translate_window(FdwTranslation *translation, const FdwWindow *window,
                                 IdcWindow *made);
/* What a SortGroupClause asks for; false: not by an order that the type has by default. */
extern bool fdw_sort_key_of(const SortGroupClause *clause, Expr *expr, FdwSortKey *key);
/* FdwSortKeys as those of a relation; NULL and translation->why: one cannot be said. */
extern const IdcSortKey *fdw_translate_sort_keys(FdwTranslation *translation, List *keys);

#endif
