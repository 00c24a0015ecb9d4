/*
 * links_private.h - links.c (transactions and who gets what) and links_pool.c (connections: made,
 * waited for, idle, closed). Private to the two.
 *
 * One lock guards all lists and states. A link that is BUSY belongs to the thread that made it so,
 * which calls the adapter's methods without the lock. Functions below are called with the lock held
 * where nothing else is said.
 */
#ifndef IDC_ADAPTERS_COMMON_LINKS_PRIVATE_H
#define IDC_ADAPTERS_COMMON_LINKS_PRIVATE_H

#include <pthread.h>

#include "adapters/common/links.h"
#include "adapters/common/slots.h"

typedef enum IdcLinkState { IDC_LINK_BUSY, IDC_LINK_IDLE } IdcLinkState;

typedef struct IdcLinkTransaction IdcLinkTransaction;

/*
 * A connection (link is its first member). transaction NULL and IDLE: in the pool. pins: threads
 * that look at it as the first of their transaction; while there are any it is not closed, but
 * is_doomed.
 */
typedef struct IdcLinkConn {
    IdcLink link;
    struct IdcLinkConn *next;
    IdcLinkTransaction *transaction;
    const IdcSourceScan *scan; /* that has it, or NULL */
    IdcLinkState state;
    int slot, pins;
    int32_t level;  /* of the writer: its savepoints reach so far */
    int64_t uses;   /* since it was taken from the pool */
    int64_t joined; /* when, among all that joined a transaction */
    int64_t idle_since_ms;
    bool is_doomed;
} IdcLinkConn;

/* One of the hub. is_beginning: its first link is on its way, and everybody waits for that. users:
 * threads that want something of it; it stays as long as there are any. */
struct IdcLinkTransaction {
    IdcLinkTransaction *next;
    IdcTransaction given;
    IdcLinkConn *writer;
    int users;
    bool is_beginning, is_writer_coming, is_finishing;
    bool is_lost; /* the writer broke: what it wrote is gone */
    bool is_torn; /* links broke */
};

/* A thread that waits for something to change. */
typedef struct IdcLinkWaiter {
    struct IdcLinkWaiter *next;
    int fd;
} IdcLinkWaiter;

struct IdcLinks {
    IdcLinkMethods methods;
    void *host;
    IdcLinkOptions options;
    IdcSlots *slots;
    pthread_mutex_t lock;
    pthread_cond_t for_keeper;
    pthread_t keeper;
    bool has_keeper, is_ending;
    int64_t joined_count;
    IdcLinkConn *conns;
    IdcLinkTransaction *transactions;
    IdcLinkWaiter *waiters;
};

/* What a lease points to; of the scan's arena. */
struct IdcLinkPrivate {
    IdcLinkConn *conn;
};

/* What somebody wants, and until when he waits for it. */
typedef struct IdcLinkWant {
    IdcSourceScan *scan;
    bool is_writer, may_wait;
    int64_t until_ms;
} IdcLinkWant;

/* ---- links_pool.c ---- */

/* Something changed. */
void idc_links_wake(IdcLinks *links);
/* Gives the lock away in between. IDC_OK: something changed, or longest_ms are over (negative: no
 * limit but the call's). */
IDC_CHECKED IdcStatus idc_links_wait(IdcLinks *links, IdcCall *call, int64_t longest_ms,
                                     IdcError *err);

/* Of a transaction; NULL: of the pool. The oldest: that joined first, other than `but`, and is
 * there (one that could not be renewed is not). */
IdcLinkConn *idc_links_oldest(const IdcLinks *links, const IdcLinkTransaction *transaction,
                              const IdcLinkConn *but);
IdcLinkConn *idc_links_idle(const IdcLinks *links, const IdcLinkTransaction *transaction);
IdcLinkConn *idc_links_busy(const IdcLinks *links, const IdcLinkTransaction *transaction);
/* An idle link of the transaction as its writer, if the adapter agrees; or NULL. */
IdcLinkConn *idc_links_promote(IdcLinks *links, IdcLinkTransaction *transaction);

/*
 * A busy connection: one that the transaction has by now, or one of no transaction, new or of the
 * pool; NULL: it may not wait. Gives the lock away in between.
 */
IDC_CHECKED IdcStatus idc_links_take(IdcLinks *links, IdcLinkTransaction *transaction,
                                     const IdcLinkWant *want, IdcLinkConn **conn, IdcError *err);
/* Of its transaction, or of the pool: closed if others wait for one. */
void idc_links_make_idle(IdcLinks *links, IdcLinkConn *conn);
/* Out of its transaction and all lists, and closed; gives the lock away in between. */
void idc_links_drop(IdcLinks *links, IdcLinkConn *conn);
/* One pin less; NULL is fine. */
void idc_links_unpin(IdcLinks *links, IdcLinkConn *conn);

/* Without the lock: of a connection that is in no list; and at the end. */
void idc_links_close(IdcLinks *links, IdcLinkConn *conn);
void idc_links_end_keeper(IdcLinks *links);

#endif
