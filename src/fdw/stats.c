/*
 * stats.c - what instant.arrow did, for the view instant.stats.
 *
 * A session counts for itself, and in shared memory too where the extension was preloaded. A query
 * that failed or was left before its end is in "queries" and not in "completed".
 */
#include "fdw/backend.h"

#include <funcapi.h>
#include <storage/lwlock.h>
#include <storage/shmem.h>
#include <utils/builtins.h>

enum { STAT_COLUMNS = 2 + FDW_COUNTER_COUNT };

FDW_SQL_FUNCTION(instant_stat_counters);

static void
request_shared_memory(void)
{
    if (fdw_backend.next_shmem_request != NULL)
        fdw_backend.next_shmem_request();
    RequestAddinShmemSpace(MAXALIGN(sizeof(FdwSharedCounters)));
}

static void
attach_shared_memory(void)
{
    FdwSharedCounters *shared;
    bool is_there;

    if (fdw_backend.next_shmem_startup != NULL)
        fdw_backend.next_shmem_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    shared = ShmemInitStruct("instant_fdw", sizeof *shared, &is_there);
    if (!is_there) {
        shared->since = GetCurrentTimestamp();
        for (int i = 0; i < FDW_COUNTER_COUNT; i++)
            pg_atomic_init_u64(&shared->counts[i], 0);
    }
    fdw_backend.shared = shared;
    LWLockRelease(AddinShmemInitLock);
}

void
fdw_stats_use_shared_memory(void)
{
    fdw_backend.next_shmem_request = shmem_request_hook;
    shmem_request_hook = request_shared_memory;
    fdw_backend.next_shmem_startup = shmem_startup_hook;
    shmem_startup_hook = attach_shared_memory;
}

void
fdw_count(FdwCounter counter, uint64 amount)
{
    fdw_backend.counts[counter] += amount;
    if (fdw_backend.shared != NULL && amount > 0)
        (void) pg_atomic_fetch_add_u64(&fdw_backend.shared->counts[counter], (int64) amount);
}

static void
put_row(ReturnSetInfo *result, const char *scope, TimestampTz since, const uint64 *counts)
{
    Datum values[STAT_COLUMNS];
    bool nulls[STAT_COLUMNS] = { false };

    values[0] = CStringGetTextDatum(scope);
    values[1] = TimestampTzGetDatum(since);
    for (int i = 0; i < FDW_COUNTER_COUNT; i++)
        values[2 + i] = Int64GetDatum((int64) counts[i]);
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
instant_stat_counters(PG_FUNCTION_ARGS)
{
    ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
    FdwSharedCounters *shared = fdw_backend.shared;

    InitMaterializedSRF(fcinfo, 0);
    put_row(result, "session", MyStartTimestamp, fdw_backend.counts);
    if (shared != NULL) {
        uint64 counts[FDW_COUNTER_COUNT];

        for (int i = 0; i < FDW_COUNTER_COUNT; i++)
            counts[i] = pg_atomic_read_u64(&shared->counts[i]);
        put_row(result, "cluster", shared->since, counts);
    }
    return (Datum) 0;
}
