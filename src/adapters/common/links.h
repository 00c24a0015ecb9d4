/*
 * links.h - the connections of a process to its source: which one a scan or a write gets.
 *
 * In:   an adapter's own ways to connect, begin, finish and close
 * Out:  links; one is used by one scan or write at a time
 * Next: the adapters of SQL servers (mysql, postgres)
 *
 * A stream occupies its connection, so the scans of a transaction have one each, and all writes of
 * it have one more:
 *
 *   - a scan before the first write of its transaction gets an idle link of the same transaction,
 * or else a new one that shares the snapshot of the first, as far as the source can share;
 *   - the first write gets the transaction's writer, a link of its own with the same snapshot;
 * there is only one, so a write waits for it;
 *   - a scan after a write reads on the writer, which alone sees what was written; it must spool
 *     (scan->must_spool is set), so that a write that comes while its rows are read can go on.
 *
 * Links of no transaction go back to the pool when they are released; those of a transaction when
 * it is finished. Idle links of the pool are closed after idle_ms, at once if other processes wait
 * for a slot. A link that is taken from the pool is checked first, and replaced if it is dead.
 *
 * max_connections is a limit of all sessions of the hub, kept by locks on bytes of a file: the
 * kernel gives back what a killed process had. Who gets none waits, at most wait_ms. A server that
 * itself says "too many connections" (connect sets *is_full) is asked again, with pauses that grow,
 * until the same limit.
 *
 * All calls may come from any thread.
 */
#ifndef IDC_ADAPTERS_COMMON_LINKS_H
#define IDC_ADAPTERS_COMMON_LINKS_H

#include "adapters/adapter.h"

typedef struct IdcLinks IdcLinks;

/* A connection. The adapter fills handle in connect(), and reads it elsewhere. */
typedef struct IdcLink {
    void *handle;
    bool is_broken; /* the adapter sets it: closed when it is released, and the transaction with it
                       if it was the writer */
    bool is_writer;
    IdcLinks *links;
    struct IdcLinkPrivate *own;
} IdcLink;

typedef struct IdcLinkMethods {
    /* Waits obey call. *is_full: the source has no room for one more connection now. */
    IdcStatus (*connect)(void *host, IdcCall *call, IdcLink *link, bool *is_full, IdcError *err);
    /* Never waits. */
    void (*close)(void *host, IdcLink *link);
    /* Of one that was idle; cheap, and without a request where that can be told. */
    bool (*is_alive)(void *host, IdcLink *link);
    /* first: the transaction's first link, which is live; NULL: this is it. May leave the work to
     * the first statement (to save a round trip). */
    IdcStatus (*begin)(void *host, IdcCall *call, IdcLink *link, const IdcTransaction *transaction,
                       IdcLink *first, IdcError *err);
    /* Before a write (or a scan on the writer) at a level: savepoints up to it. */
    IdcStatus (*savepoint)(void *host, IdcCall *call, IdcLink *link, int32_t level, IdcError *err);
    /* Level 1: the end of the transaction, on each of its links, the writer first. Deeper: the
     * writer's savepoint is released or rolled back to. */
    IdcStatus (*finish)(void *host, IdcCall *call, IdcLink *link, const IdcFinish *finish,
                        IdcError *err);
} IdcLinkMethods;

typedef struct IdcLinkOptions {
    int64_t max_connections; /* <= 0: no limit */
    int64_t wait_ms;
    int64_t idle_ms;
    const char *slot_file; /* NULL: the limit holds for this process alone */
} IdcLinkOptions;

/* Both tables are copied; host is handed to methods. */
IDC_CHECKED IdcStatus idc_links_new(const IdcLinkMethods *methods, void *host,
                                    const IdcLinkOptions *options, IdcLinks **links, IdcError *err);
/* Closes all that are idle; none is in use. */
void idc_links_free(IdcLinks *links);

/* For a scan, or with a NULL transaction for anything else that only reads; sets scan->must_spool
 * where it must. Released with scan->arena, or earlier by idc_link_release. */
IDC_CHECKED IdcStatus idc_links_for_scan(IdcLinks *links, IdcSourceScan *scan, IdcLink **link,
                                         IdcError *err);
IDC_CHECKED IdcStatus idc_links_for_write(IdcLinks *links, IdcSourceScan *scan, IdcLink **link,
                                          IdcError *err);
/* A second time does nothing. */
void idc_link_release(IdcLink *link);
IDC_CHECKED IdcStatus idc_links_finish(IdcLinks *links, IdcCall *call, const IdcFinish *finish,
                                       IdcError *err);

#endif
