/*
 * links.h - the connections of a process to its source: which one a scan or a write gets.
 *
 * In:   an adapter's own ways to connect, begin, finish and close
 * Out:  links; one is used by one scan or write at a time
 * Next: slots.h (how many there may be); the adapters of SQL servers (mysql, postgres)
 *
 * A stream occupies its connection, so the scans of a transaction have one each, and all writes of
 * it have one more:
 *
 *   - a scan before the first write of its transaction gets an idle link of the same transaction,
 *     or else a new one that shares the snapshot of the first, as far as the source can share;
 *   - the first write gets the transaction's writer, a link of its own with the same snapshot;
 *     there is only one, so a write waits for it;
 *   - a scan after a write reads on the writer, which alone sees what was written; it must spool
 *     (scan->must_spool is set), so that a write that comes while its rows are read can go on. So
 *     does every scan of a serializable transaction: two links of one would wait for each other;
 *     and where a transaction takes the last connection that max_connections allows.
 *
 * Links of no transaction go back to the pool when they are released; those of a transaction when
 * it is finished. Idle links of the pool are closed after idle_ms, at once if other processes wait
 * for a slot; then also those that a transaction has only for more scans at once. A link that is
 * taken from the pool is checked first, and replaced if it is dead.
 *
 * max_connections is a limit of all sessions of the hub (slots.h). Who gets no slot waits, at most
 * wait_ms; where its transaction has links already, scans that stream on them are pressed after a
 * moment to read what is left to its end (scan->press): with one link every transaction can go on.
 * A server that itself says "too many connections" (connect sets *is_full) is asked again,
 * with pauses that grow, until the same limit.
 *
 * All calls may come from any thread.
 */
#ifndef IDC_ADAPTERS_COMMON_LINKS_H
#define IDC_ADAPTERS_COMMON_LINKS_H

#include "adapters/adapter.h"

typedef struct IdcLinks IdcLinks;

/*
 * A connection, as one scan or write has it: of the scan's arena, good until it is released. What
 * belongs to the connection itself is behind handle, which connect() fills in.
 */
typedef struct IdcLink {
    void *handle;
    bool is_broken; /* the adapter sets it: closed when it is released, and the transaction is lost
                       with it if it was the writer */
    bool is_writer;
    bool is_reused; /* it was idle before: it may have died since (idc_link_renew) */
    bool is_torn;   /* for begin(): other links of this transaction are gone, and its snapshot with
                       them */
    IdcLinks *links;
    struct IdcLinkPrivate *own;
} IdcLink;

/* No two of them are called at once for the same link, but begin() may look at a `first` that a
 * scan reads from. */
typedef struct IdcLinkMethods {
    /* Waits obey call. *is_full: the source has no room for one more connection now. */
    IdcStatus (*connect)(void *host, IdcCall *call, IdcLink *link, bool *is_full, IdcError *err);
    /* Never waits. */
    void (*close)(void *host, IdcLink *link);
    /* Of one that was idle; cheap, and without a request where that can be told. */
    bool (*is_alive)(void *host, IdcLink *link);
    /* first: the transaction's oldest link, which was begun; NULL: this is it. May leave the work
     * to the first statement (to save a round trip). */
    IdcStatus (*begin)(void *host, IdcCall *call, IdcLink *link, const IdcTransaction *transaction,
                       IdcLink *first, IdcError *err);
    /* Before a write (or a scan on the writer) at a level: savepoints up to it. */
    IdcStatus (*savepoint)(void *host, IdcCall *call, IdcLink *link, int32_t level, IdcError *err);
    /* Level 1: the end of the transaction, on each of its links, the writer first. Deeper: the
     * writer's savepoint is released or rolled back to. */
    IdcStatus (*finish)(void *host, IdcCall *call, IdcLink *link, const IdcFinish *finish,
                        IdcError *err);
    /* Or NULL. The first write finds an idle link of its transaction, which only read until now:
     * true makes it the writer, false leaves it (a read-only transaction was begun on it). */
    bool (*promote)(void *host, IdcLink *link);
} IdcLinkMethods;

typedef struct IdcLinkOptions {
    int64_t max_connections; /* <= 0: no limit */
    int64_t wait_ms;
    int64_t idle_ms;
    int shared_fd; /* slots.h; -1: the limit holds for this process alone. Borrowed */
} IdcLinkOptions;

/* Both tables are copied; host is handed to methods. */
IDC_CHECKED IdcStatus idc_links_new(const IdcLinkMethods *methods, void *host,
                                    const IdcLinkOptions *options, IdcLinks **links, IdcError *err);
/* The same with the options of declare_links.h, and with the server as host. */
IDC_CHECKED IdcStatus idc_links_of_server(const IdcSourceServer *server,
                                          const IdcDeclaration *declaration,
                                          const IdcLinkMethods *methods, void *host,
                                          IdcLinks **links, IdcError *err);
/* Closes all of them; none is in use. */
void idc_links_close_all(IdcLinks *links);
/* The same; and no slot is kept any more. NULL is fine. */
void idc_links_free(IdcLinks *links);

/*
 * For close(): the source still has the connection for a while. Its slot stays taken until it is
 * given back, by any thread.
 */
int idc_link_keep_slot(IdcLink *link);
void idc_links_give_back(IdcLinks *links, int slot);

/*
 * For a scan, or anything else that only reads; of scan->transaction. Sets scan->must_spool where
 * it must. Released with scan->arena, or earlier by idc_link_release: best at the end of the rows.
 */
IDC_CHECKED IdcStatus idc_links_for_scan(IdcLinks *links, IdcSourceScan *scan, IdcLink **link,
                                         IdcError *err);
/* One more for a scan that reads on several links: *link is NULL where it would have to wait. */
IDC_CHECKED IdcStatus idc_links_for_more(IdcLinks *links, IdcSourceScan *scan, IdcLink **link,
                                         IdcError *err);
/* The transaction is at scan->transaction.level then. */
IDC_CHECKED IdcStatus idc_links_for_write(IdcLinks *links, IdcSourceScan *scan, IdcLink **link,
                                          IdcError *err);
/* A second time does nothing. */
void idc_link_release(IdcLink *link);
/*
 * The first request on a link that is_reused failed since the connection was dead, and nothing came
 * of it: a new connection in its place, begun as the old one was. Fails (err is kept, and its
 * status returned) where it is none of these, or the transaction used it before.
 */
IDC_CHECKED IdcStatus idc_link_renew(IdcLink *link, IdcSourceScan *scan, IdcError *err);
/* COMMIT and ROLLBACK; waits until the transaction's links are released. */
IDC_CHECKED IdcStatus idc_links_finish(IdcLinks *links, IdcCall *call, const IdcFinish *finish,
                                       IdcError *err);

#endif
