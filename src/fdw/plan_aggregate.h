/*
 * plan_aggregate.h - PostgreSQL's aggregates as those of a relation.
 */
#ifndef IDC_FDW_PLAN_AGGREGATE_H
#define IDC_FDW_PLAN_AGGREGATE_H

#include "fdw/translate.h"

/* False: it cannot be said, see translation->why. */
extern bool fdw_translate_aggregate(FdwTranslation *translation, const Aggref *node,
                                    IdcAggregate *aggregate);

#endif
