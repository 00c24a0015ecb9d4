/*
 * partitions.h - one big load as several queries at once, on connections that see the same rows.
 *
 * In:   the SQL of each chunk (together they give every row exactly once)
 * Out:  an IdcResult whose stream has the rows of all chunks
 *
 * The first connection exports its snapshot and the others import it, so tables of the hub itself
 * are read as of one moment. (A foreign table's source gives each connection a moment of its own.)
 */
#ifndef IDC_HUB_PARTITIONS_H
#define IDC_HUB_PARTITIONS_H

#include "hub/pool.h"
#include "hub/result.h"

typedef struct IdcPartitionOptions {
    size_t connections; /* at most; fewer where the pool has no more within a second */
    bool is_ordered;    /* the chunks' rows one chunk after the other, else as they come */
} IdcPartitionOptions;

/*
 * sql describes the whole (idc_result_sql); chunks are copied, and each begins and ends as a
 * statement by itself. The first chunk is opened here, so that its errors are this call's. What
 * waits to be read is bounded by 64 MB or a batch a connection. The pool outlives the result.
 */
IDC_CHECKED IdcStatus idc_partitions_open(IdcPool *pool, IdcCall *call, const char *sql,
                                          const char *const *chunks, size_t chunk_count,
                                          const IdcPartitionOptions *partitions,
                                          const IdcResultOptions *options, IdcResult **result,
                                          IdcError *err);

#endif
