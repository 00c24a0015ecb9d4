/*
 * server_limits.h - what all sessions share of a server: how many scan it at once, and what they
 * counted.
 *
 * In:   the beginning and the end of scans
 * Out:  waiting for one's turn; the counters of the view instant.scans
 *
 * In shared memory where shared_preload_libraries names the extension; else of this backend alone,
 * which then never has to wait. (Requests a second are limited by a file: relation/bucket.h.)
 */
#ifndef IDC_FDW_SERVER_LIMITS_H
#define IDC_FDW_SERVER_LIMITS_H

#include "fdw/pg.h"

#include "relation/message.h"

/* In the order of the view instant.scans. */
typedef enum FdwScanCounter {
    FDW_SCANS,
    FDW_SCAN_ROWS,
    FDW_SCAN_BYTES,
    FDW_SCAN_REQUESTS,
    FDW_SCAN_RETRIES,
    FDW_SCAN_CACHE_HITS,
    FDW_SCAN_ERRORS,
    FDW_SCAN_PUSHED, /* conjuncts, of all scans */
    FDW_SCAN_WAIT_US,
    FDW_SCAN_COUNTER_COUNT
} FdwScanCounter;

typedef struct FdwServerCounts FdwServerCounts;

/* Called by _PG_init; is_preload: in the postmaster. */
extern void fdw_limits_init(bool is_preload);

/* The counters of a server of this database; the result is good for the session. */
extern FdwServerCounts *fdw_server_counts(Oid server);
/* The i-th server that has counters, of this database; false: there is none. */
extern bool fdw_scan_counts_of(int i, Oid *server, uint64 *counts);
/* These never throw. */
extern void fdw_scan_count(FdwServerCounts *counts, FdwScanCounter counter, int64 amount);
extern void fdw_scan_count_stats(FdwServerCounts *counts, const IdcScanStats *stats);

/*
 * Take a place among the sessions that may scan a server at once (max_concurrent, 0: any number);
 * waits for it. A session has one place a server, however many scans it has there; each call is
 * undone by a fdw_place_leave, which never throws.
 */
extern void fdw_place_take(FdwServerCounts *counts, const char *server_name, int64 max_concurrent);
extern void fdw_place_leave(FdwServerCounts *counts);

#endif
