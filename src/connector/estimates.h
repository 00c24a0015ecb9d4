/*
 * estimates.h - how many rows a foreign table has, where its source says so without being read.
 *
 * In:   the rows of idc_catalogue_list
 * Out:  the same rows, estimated_rows filled in where it was NULL
 */
#ifndef IDC_CONNECTOR_ESTIMATES_H
#define IDC_CONNECTOR_ESTIMATES_H

#include "connector/catalogue.h"
#include "hub/pool.h"

/*
 * Tables of postgres_fdw are estimated by EXPLAIN, which setup makes ask the source
 * (use_remote_estimate); mysql_fdw answers a constant, so its tables stay NULL. A source that does
 * not answer within two seconds is left out with all its tables: a list must not fail because a
 * source is down.
 */
IDC_CHECKED IdcStatus idc_estimates_fill(IdcPool *pool, IdcCall *call, IdcArena *arena,
                                         IdcTextRows *tables, IdcError *err);

/* The planner's row count in the first line of EXPLAIN's text; negative if there is none. */
int64_t idc_estimate_parse(const char *line);

#endif
