/*
 * backend.h - what this folder keeps between calls in one backend: here and nowhere else.
 */
#ifndef IDC_FDW_BACKEND_H
#define IDC_FDW_BACKEND_H

#include "fdw/pg.h"

#include <lib/ilist.h>
#include <port/atomics.h>
#include <miscadmin.h>
#include <optimizer/paths.h>
#include <optimizer/planner.h>
#include <storage/ipc.h>
#include <utils/timestamp.h>

/* In the order of the view instant.stats. */
typedef enum FdwCounter {
    FDW_QUERIES,
    FDW_COMPLETED,
    FDW_ROWS,
    FDW_BATCHES,
    FDW_BYTES,
    FDW_UNREPRESENTABLE,
    FDW_PLANS_REUSED,
    FDW_COUNTER_COUNT
} FdwCounter;

/* Of all sessions, in shared memory. */
typedef struct FdwSharedCounters {
    TimestampTz since;
    pg_atomic_uint64 counts[FDW_COUNTER_COUNT];
} FdwSharedCounters;

typedef struct FdwBackend {
    int plan_cache_size;         /* instant.plan_cache_size */
    MemoryContext plans_context; /* NULL before the first plan */
    dlist_head plans;            /* of plan_cache.c; the last used one is the first */
    int plan_count;
    uint32 names_version; /* grows when a name of the catalogue is made or changed */
    uint64 counts[FDW_COUNTER_COUNT];
    FdwSharedCounters *shared;                      /* NULL unless in shared_preload_libraries */
    set_join_pathlist_hook_type next_join_pathlist; /* of keys_plan.c */
    planner_hook_type next_planner;                 /* of plan_window.c */
    bool sees_plans;  /* the hook was there when a query began to be planned */
    bool has_windows; /* a path with window functions was made, for a plan that is not finished */
    shmem_request_hook_type next_shmem_request;
    shmem_startup_hook_type next_shmem_startup;
} FdwBackend;

extern FdwBackend fdw_backend;

/* stats.c: called by _PG_init, in the postmaster only. */
extern void fdw_stats_use_shared_memory(void);

/* Add to a counter of this session and of the cluster. */
extern void fdw_count(FdwCounter counter, uint64 amount);

#endif
