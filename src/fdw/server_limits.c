/*
 * server_limits.c - a small table in shared memory, an entry a server.
 *
 * Entries are never removed: a server that was dropped keeps its own until the restart. Where the
 * table is full, a server has an entry of this session alone, without a limit of others.
 */
#include "fdw/server_limits.h"

#include <miscadmin.h>
#include <port/atomics.h>
#include <storage/condition_variable.h>
#include <storage/ipc.h>
#include <storage/lwlock.h>
#include <storage/shmem.h>
#include <utils/memutils.h>
#include <utils/timestamp.h>
#include <utils/wait_event.h>

#include "fdw/process.h"

enum {
    SERVERS = 256,
    /* With a place at another server, somebody may wait for us there: not for ever. */
    PATIENCE_WITH_PLACE_MS = 10000
};

typedef struct Shared {
    Oid database, server; /* invalid: free */
    pg_atomic_uint32 sessions;
    ConditionVariable is_left;
    pg_atomic_uint64 counts[FDW_SCAN_COUNTER_COUNT];
} Shared;

typedef struct Table {
    LWLock *lock;
    Shared servers[SERVERS];
} Table;

/* places: how many scans of this session hold the session's one place. */
struct FdwServerCounts {
    FdwServerCounts *next;
    Oid server;
    int places;
    Shared *shared; /* of all sessions, or of this one */
};

static struct {
    Table *table; /* NULL: not preloaded */
    FdwServerCounts *servers;
    int server_places; /* servers at which this session has a place */
    shmem_request_hook_type next_request;
    shmem_startup_hook_type next_startup;
} limits;

/* ---- shared memory ---- */

static void
request_memory(void)
{
    if (limits.next_request != NULL)
        limits.next_request();
    RequestAddinShmemSpace(MAXALIGN(sizeof(Table)));
    RequestNamedLWLockTranche("instant_fdw", 1);
}

static void
shared_init(Shared *shared, Oid database, Oid server)
{
    shared->database = database;
    shared->server = server;
    pg_atomic_init_u32(&shared->sessions, 0);
    ConditionVariableInit(&shared->is_left);
    for (int i = 0; i < FDW_SCAN_COUNTER_COUNT; i++)
        pg_atomic_init_u64(&shared->counts[i], 0);
}

static void
attach_memory(void)
{
    bool is_there;

    if (limits.next_startup != NULL)
        limits.next_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    limits.table = ShmemInitStruct("instant_fdw servers", sizeof(Table), &is_there);
    if (!is_there) {
        limits.table->lock = &GetNamedLWLockTranche("instant_fdw")->lock;
        for (int i = 0; i < SERVERS; i++)
            shared_init(&limits.table->servers[i], InvalidOid, InvalidOid);
    }
    LWLockRelease(AddinShmemInitLock);
}

void
fdw_limits_init(bool is_preload)
{
    if (!is_preload)
        return;
    limits.next_request = shmem_request_hook;
    shmem_request_hook = request_memory;
    limits.next_startup = shmem_startup_hook;
    shmem_startup_hook = attach_memory;
}

/* ---- entries ---- */

/* Of this database's server, or the first free one, taken for it; NULL: the table is full. */
static Shared *
shared_find(Oid server)
{
    Shared *found = NULL;

    LWLockAcquire(limits.table->lock, LW_EXCLUSIVE);
    for (int i = 0; i < SERVERS && found == NULL; i++) {
        Shared *entry = &limits.table->servers[i];

        if (entry->server == InvalidOid)
            shared_init(entry, MyDatabaseId, server);
        if (entry->database == MyDatabaseId && entry->server == server)
            found = entry;
    }
    LWLockRelease(limits.table->lock);
    return found;
}

FdwServerCounts *
fdw_server_counts(Oid server)
{
    FdwServerCounts *made;

    for (made = limits.servers; made != NULL; made = made->next)
        if (made->server == server)
            return made;
    made = MemoryContextAllocZero(TopMemoryContext, sizeof *made);
    made->server = server;
    made->shared = limits.table != NULL ? shared_find(server) : NULL;
    if (made->shared == NULL) {
        made->shared = MemoryContextAlloc(TopMemoryContext, sizeof *made->shared);
        shared_init(made->shared, MyDatabaseId, server);
    }
    made->next = limits.servers;
    limits.servers = made;
    return made;
}

/* ---- counters ---- */

void
fdw_scan_count(FdwServerCounts *counts, FdwScanCounter counter, int64 amount)
{
    if (amount > 0)
        (void) pg_atomic_fetch_add_u64(&counts->shared->counts[counter], amount);
}

void
fdw_scan_count_stats(FdwServerCounts *counts, const IdcScanStats *stats)
{
    fdw_scan_count(counts, FDW_SCAN_BYTES, stats->bytes);
    fdw_scan_count(counts, FDW_SCAN_REQUESTS, stats->requests);
    fdw_scan_count(counts, FDW_SCAN_RETRIES, stats->retries);
    fdw_scan_count(counts, FDW_SCAN_CACHE_HITS, stats->cache_hits);
    fdw_scan_count(counts, FDW_SCAN_WAIT_US, stats->wait_us);
}

bool
fdw_scan_counts_of(int i, Oid *server, uint64 *counts)
{
    Shared *shared = NULL;

    if (limits.table != NULL) {
        for (int j = 0; j < SERVERS && shared == NULL; j++)
            if (limits.table->servers[j].database == MyDatabaseId && i-- == 0)
                shared = &limits.table->servers[j];
    } else {
        for (FdwServerCounts *own = limits.servers; own != NULL && shared == NULL; own = own->next)
            if (i-- == 0)
                shared = own->shared;
    }
    if (shared == NULL)
        return false;
    *server = shared->server;
    for (int j = 0; j < FDW_SCAN_COUNTER_COUNT; j++)
        counts[j] = pg_atomic_read_u64(&shared->counts[j]);
    return true;
}

/* ---- places ---- */

static bool
try_place(Shared *shared, int64 most)
{
    uint32 sessions = pg_atomic_read_u32(&shared->sessions);

    while (most == 0 || sessions < most)
        if (pg_atomic_compare_exchange_u32(&shared->sessions, &sessions, sessions + 1))
            return true;
    return false;
}

static void
refuse_place(const char *server_name, int64 most)
{
    ConditionVariableCancelSleep();
    ereport(ERROR, (errcode(ERRCODE_TOO_MANY_CONNECTIONS),
                    errmsg("server \"%s\" is busy: as many sessions use it as its option "
                           "max_concurrent allows, " INT64_FORMAT,
                           server_name, most),
                    errhint("This query uses another such server too, so it does not wait for "
                            "ever; try again.")));
}

void
fdw_place_take(FdwServerCounts *counts, const char *server_name, int64 max_concurrent)
{
    int64 until_ms = fdw_clock_ms() + PATIENCE_WITH_PLACE_MS;

    if (counts->places == 0) {
        /* Wakes up at cancel, and now and then: nothing that was missed lasts. */
        while (!try_place(counts->shared, max_concurrent)) {
            (void) ConditionVariableTimedSleep(&counts->shared->is_left, 1000, PG_WAIT_EXTENSION);
            if (limits.server_places > 0 && fdw_clock_ms() > until_ms)
                refuse_place(server_name, max_concurrent);
        }
        ConditionVariableCancelSleep();
        limits.server_places++;
    }
    counts->places++;
}

void
fdw_place_leave(FdwServerCounts *counts)
{
    if (--counts->places > 0)
        return;
    limits.server_places--;
    (void) pg_atomic_fetch_sub_u32(&counts->shared->sessions, 1);
    ConditionVariableBroadcast(&counts->shared->is_left);
}
