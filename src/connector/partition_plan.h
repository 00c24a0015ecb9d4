/*
 * partition_plan.h - how a table is cut into chunks that together have each of its rows once.
 *
 * In:   a table request, a number of partitions, maybe a column
 * Out:  the SQL of each chunk
 * Next: hub/partitions.h runs them
 */
#ifndef IDC_CONNECTOR_PARTITION_PLAN_H
#define IDC_CONNECTOR_PARTITION_PLAN_H

#include "hub/conn.h"
#include "query/query.h"

/* chunks: a query each. lock_sql keeps the table as it is, before a snapshot is taken; NULL where
 * there is nothing that can be locked. */
typedef struct IdcPartitionPlan {
    const char **chunks;
    size_t chunk_count;
    const char *lock_sql;
} IdcPartitionPlan;

/*
 * Tables of the hub are cut by ctid, so that each page is read once; foreign tables (and all
 * tables, where `column` is given) by ranges of a column of numbers, dates or timestamps between
 * its least and its greatest value, NULLs in the first one. A foreign table whose key is known has
 * its column. All in arena. IDC_UNSUPPORTED, with a hint, for order_by, limit and offset, for views
 * and other foreign tables without a column, for tables that keep their rows in another way than
 * PostgreSQL's own, and for a column that has no ranges.
 */
IDC_CHECKED IdcStatus idc_partition_plan(IdcConn *conn, IdcCall *call, IdcArena *arena,
                                         const IdcTable *table, const IdcTableRequest *request,
                                         size_t partitions, const char *column,
                                         IdcPartitionPlan *plan, IdcError *err);

#endif
