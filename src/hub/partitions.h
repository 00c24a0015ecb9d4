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
    size_t connections;   /* at most; fewer where the pool has no more within a second */
    bool is_ordered;      /* the chunks' rows one chunk after the other, else as they come */
    int64_t started_ms;   /* idc_clock_ms from which the time limit counts */
    const char *lock_sql; /* run before the snapshot is taken, or NULL */
} IdcPartitionOptions;

/*
 * sql is the whole as one query, which every connection plans first, for its locks; chunks are
 * copied, and each is a query by itself. The first one is opened here, so that its errors are this
 * call's. What waits to be read is bounded by 64 MB or a batch a connection. No dictionaries:
 * chunks would choose them each. A connection goes back to the pool when nothing is left for it.
 * The pool outlives the result.
 */
IDC_CHECKED IdcStatus idc_partitions_open(IdcPool *pool, IdcCall *call, const char *sql,
                                          const char *const *chunks, size_t chunk_count,
                                          const IdcPartitionOptions *partitions,
                                          const IdcResultOptions *options, IdcResult **result,
                                          IdcError *err);

#endif
