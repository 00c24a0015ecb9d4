/*
 * links.c - which link; how it is waited for, begun, given back and closed.
 *
 * One lock guards all lists and states. A link that is BUSY belongs to the thread that made it so,
 * which calls the adapter's methods without the lock.
 */
#include "adapters/common/links.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/common/declare_links.h"
#include "adapters/common/slots.h"
#include "base/memory.h"

enum {
    /* A new transaction begins when the one before has been told to end, and its links come back
     * soon: not worth a connection of its own. */
    OTHERS_END_MS = 200,
    FULL_LEAST_MS = 10,
    FULL_MOST_MS = 500,
    KEEPER_STACK_BYTES = 256 * 1024
};

typedef enum ConnState { CONN_BUSY, CONN_IDLE } ConnState;

typedef struct Transaction Transaction;

/*
 * A connection. transaction NULL and IDLE: in the pool. pins: threads that look at it as the first
 * of their transaction; while there are any it is not closed, but is_doomed.
 */
typedef struct Conn {
    IdcLink link;
    struct Conn *next;
    Transaction *transaction;
    ConnState state;
    int slot, pins;
    int32_t level;  /* of the writer: its savepoints reach so far */
    int64_t uses;   /* since it was taken from the pool */
    int64_t joined; /* when, among all that joined a transaction */
    int64_t idle_since_ms;
    bool is_doomed;
} Conn;

/* One of the hub. is_beginning: its first link is on its way, and everybody waits for that. users:
 * threads that want something of it; it stays as long as there are any. */
struct Transaction {
    Transaction *next;
    IdcTransaction given;
    Conn *writer;
    int users;
    bool is_beginning, is_writer_coming, is_finishing;
    bool is_lost; /* the writer broke: what it wrote is gone */
    bool is_torn; /* links broke */
};

/* A thread that waits for something to change. */
typedef struct Waiter {
    struct Waiter *next;
    int fd;
} Waiter;

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
    Conn *conns;
    Transaction *transactions;
    Waiter *waiters;
};

/* What a lease points to; of the scan's arena. */
struct IdcLinkPrivate {
    Conn *conn;
};

/* What somebody wants; how long it was waited for by now. */
typedef struct Want {
    IdcSourceScan *scan;
    bool is_writer, may_wait;
    int64_t until_ms;
} Want;

/* ---- waiting for a change within the process; the lock is held ---- */

static void
wake_waiters(IdcLinks *links)
{
    uint64_t one = 1;

    for (Waiter *waiter = links->waiters; waiter != NULL; waiter = waiter->next)
        while (write(waiter->fd, &one, sizeof one) < 0 && errno == EINTR)
            continue;
}

static void
forget_waiter(IdcLinks *links, Waiter *waiter)
{
    Waiter **place = &links->waiters;

    while (*place != waiter)
        place = &(*place)->next;
    *place = waiter->next;
    close(waiter->fd);
}

/* Gives the lock away in between. IDC_OK: something changed, or longest_ms are over (negative: no
 * limit but the call's). */
static IdcStatus
wait_for_change(IdcLinks *links, IdcCall *call, int64_t longest_ms, IdcError *err)
{
    Waiter waiter = { .next = links->waiters, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
    IdcStatus status;

    if (waiter.fd < 0)
        return idc_fail(err, IDC_IO_FAILED, "cannot wait: %s", idc_errno_text(errno));
    links->waiters = &waiter;
    pthread_mutex_unlock(&links->lock);
    status = idc_call_wait(call, waiter.fd, POLLIN, longest_ms, err);
    pthread_mutex_lock(&links->lock);
    forget_waiter(links, &waiter);
    if (status == IDC_TIMEOUT && longest_ms >= 0 && idc_call_remaining_ms(call, -1) != 0)
        return IDC_OK;
    return status;
}

/* ---- connections; the lock is held ---- */

static Conn *
new_conn(IdcLinks *links, IdcError *err)
{
    Conn *conn = idc_calloc(1, sizeof *conn);

    if (conn == NULL) {
        (void) idc_fail_no_memory(err);
        return NULL;
    }
    conn->link.links = links;
    conn->slot = IDC_SLOT_NONE;
    return conn;
}

static void
unlink_conn(IdcLinks *links, Conn *conn)
{
    Conn **place = &links->conns;

    while (*place != conn)
        place = &(*place)->next;
    *place = conn->next;
}

/* In no list; without the lock. */
static void
close_conn(IdcLinks *links, Conn *conn)
{
    if (conn->link.handle != NULL)
        links->methods.close(links->host, &conn->link);
    idc_slots_give_back(links->slots, conn->slot);
    idc_free(conn);
}

/* Out of its transaction and all lists, and closed; the lock is given away meanwhile. */
static void
drop_conn(IdcLinks *links, Conn *conn)
{
    Transaction *transaction = conn->transaction;

    if (transaction != NULL) {
        transaction->is_torn = true;
        if (transaction->writer == conn) {
            transaction->writer = NULL;
            transaction->is_lost = true;
        }
        conn->transaction = NULL;
    }
    conn->state = CONN_BUSY;
    if (conn->pins > 0) {
        conn->is_doomed = true;
        return;
    }
    unlink_conn(links, conn);
    pthread_mutex_unlock(&links->lock);
    close_conn(links, conn);
    pthread_mutex_lock(&links->lock);
    wake_waiters(links);
}

static void
unpin(IdcLinks *links, Conn *conn)
{
    if (conn != NULL && --conn->pins == 0 && conn->is_doomed)
        drop_conn(links, conn);
}

static Conn *
oldest_of(const IdcLinks *links, const Transaction *transaction, const Conn *but)
{
    Conn *found = NULL;

    for (Conn *conn = links->conns; conn != NULL; conn = conn->next)
        if (conn->transaction == transaction && conn != but &&
            (found == NULL || conn->joined < found->joined))
            found = conn;
    return found;
}

static Conn *
idle_of(const IdcLinks *links, const Transaction *transaction)
{
    for (Conn *conn = links->conns; conn != NULL; conn = conn->next)
        if (conn->transaction == transaction && conn->state == CONN_IDLE)
            return conn;
    return NULL;
}

static Conn *
busy_of(const IdcLinks *links, const Transaction *transaction)
{
    for (Conn *conn = links->conns; conn != NULL; conn = conn->next)
        if (conn->transaction == transaction && conn->state == CONN_BUSY)
            return conn;
    return NULL;
}

/* ---- idle connections ---- */

/* Nobody needs it now: of the pool, or one of several that a transaction reads on. */
static bool
is_spare(const IdcLinks *links, const Conn *conn)
{
    if (conn->state != CONN_IDLE)
        return false;
    if (conn->transaction == NULL)
        return true;
    return conn->transaction->writer != conn && oldest_of(links, conn->transaction, NULL) != conn;
}

/* Closes those that nobody needs, if others wait, and those that were idle for too long. Returns in
 * how many milliseconds the next one will have been; -1: there is none. */
static int64_t
close_spares(IdcLinks *links)
{
    bool are_wanted = idc_slots_are_wanted(links->slots);
    int64_t next_ms, left_ms;
    Conn *conn;

    do {
        int64_t now_ms = idc_clock_ms();

        next_ms = -1;
        for (conn = links->conns; conn != NULL; conn = conn->next) {
            if (!is_spare(links, conn) || (!are_wanted && conn->transaction != NULL))
                continue;
            left_ms = conn->idle_since_ms + links->options.idle_ms - now_ms;
            if (are_wanted || left_ms <= 0)
                break;
            if (next_ms < 0 || left_ms < next_ms)
                next_ms = left_ms;
        }
        if (conn != NULL)
            drop_conn(links, conn);
    } while (conn != NULL);
    return next_ms;
}

/* The thread that closes idle connections in time. */
static void *
keep(void *argument)
{
    IdcLinks *links = argument;

    pthread_mutex_lock(&links->lock);
    while (!links->is_ending) {
        uint32_t word = idc_slots_word(links->slots);
        int64_t next_ms = close_spares(links);
        bool has_idle = false;

        for (Conn *conn = links->conns; conn != NULL && !has_idle; conn = conn->next)
            has_idle = is_spare(links, conn);
        if (links->is_ending)
            break;
        if (!has_idle) {
            pthread_cond_wait(&links->for_keeper, &links->lock);
            continue;
        }
        /* Others may become idle meanwhile, of which it hears nothing. */
        if (next_ms < 0)
            next_ms = links->options.idle_ms;
        pthread_mutex_unlock(&links->lock);
        idc_slots_sleep(links->slots, word, next_ms);
        pthread_mutex_lock(&links->lock);
    }
    pthread_mutex_unlock(&links->lock);
    return NULL;
}

/* Without one, connections are closed when the process ends. */
static void
start_keeper(IdcLinks *links)
{
    pthread_attr_t attributes;

    if (!links->has_keeper && pthread_attr_init(&attributes) == 0) {
        (void) pthread_attr_setstacksize(&attributes, KEEPER_STACK_BYTES);
        links->has_keeper = pthread_create(&links->keeper, &attributes, keep, links) == 0;
        (void) pthread_attr_destroy(&attributes);
    }
    pthread_cond_signal(&links->for_keeper);
}

/* Of its transaction, or of the pool. */
static void
make_idle(IdcLinks *links, Conn *conn)
{
    conn->state = CONN_IDLE;
    conn->idle_since_ms = idc_clock_ms();
    wake_waiters(links);
    if (!is_spare(links, conn))
        return;
    /* Only now: who begins to wait after this wakes the keeper, which finds it. */
    if (idc_slots_are_wanted(links->slots) ||
        (conn->transaction == NULL && links->options.idle_ms <= 0))
        drop_conn(links, conn);
    else
        start_keeper(links);
}

/* ---- a new connection ---- */

static IdcStatus
fail_no_slot(const IdcLinks *links, IdcError *err)
{
    (void) idc_fail(err, IDC_CONNECTION_FAILED,
                    "all %lld connections that option max_connections allows are in use, and none "
                    "became free within %lld ms",
                    (long long) links->options.max_connections, (long long) links->options.wait_ms);
    idc_error_set_sqlstate(err, "53300");
    idc_error_set_hint(err, "Raise max_connections or connection_wait of the server, or ask for "
                            "less at once.");
    return IDC_CONNECTION_FAILED;
}

static Conn *
promote_idle(IdcLinks *links, Transaction *transaction)
{
    Conn *conn = idle_of(links, transaction);

    if (conn == NULL || links->methods.promote == NULL ||
        !links->methods.promote(links->host, &conn->link))
        return NULL;
    conn->link.is_writer = true;
    conn->level = 1;
    transaction->writer = conn;
    return conn;
}

/* An idle one of the pool that is alive; or NULL. */
static Conn *
take_idle(IdcLinks *links)
{
    Conn *conn;

    while ((conn = idle_of(links, NULL)) != NULL) {
        bool is_alive;

        conn->state = CONN_BUSY;
        pthread_mutex_unlock(&links->lock);
        is_alive =
            links->methods.is_alive == NULL || links->methods.is_alive(links->host, &conn->link);
        pthread_mutex_lock(&links->lock);
        if (is_alive) {
            conn->link.is_reused = true;
            return conn;
        }
        drop_conn(links, conn);
    }
    return NULL;
}

/* One that the transaction has by now, for the same purpose; or NULL. */
static Conn *
take_of_transaction(IdcLinks *links, Transaction *transaction, const Want *want)
{
    Conn *conn;

    if (transaction == NULL)
        return NULL;
    conn = want->is_writer ? promote_idle(links, transaction) : idle_of(links, transaction);
    if (conn != NULL)
        conn->state = CONN_BUSY;
    return conn;
}

/* Other transactions, whose end was told or will be in a moment. */
static bool
have_others(const IdcLinks *links, const Transaction *transaction)
{
    for (Conn *conn = links->conns; conn != NULL; conn = conn->next)
        if (conn->transaction != NULL && conn->transaction != transaction)
            return true;
    return false;
}

/* Where the process itself has one that it can do without; true: there is room then. */
static bool
drop_spare(IdcLinks *links)
{
    Conn *conn = links->conns;

    while (conn != NULL && !is_spare(links, conn))
        conn = conn->next;
    if (conn != NULL)
        drop_conn(links, conn);
    return conn != NULL;
}

/* Connects once, in the slot. *conn is NULL on failure; the slot stays ours then. */
static IdcStatus
connect_once(IdcLinks *links, IdcCall *call, int slot, Conn **conn, bool *is_full, IdcError *err)
{
    Conn *made = new_conn(links, err);
    IdcStatus status;

    *is_full = false;
    if (made == NULL)
        return IDC_NO_MEMORY;
    pthread_mutex_unlock(&links->lock);
    status = links->methods.connect(links->host, call, &made->link, is_full, err);
    pthread_mutex_lock(&links->lock);
    if (status != IDC_OK) {
        idc_free(made);
        return status;
    }
    made->slot = slot;
    made->next = links->conns;
    links->conns = made;
    *conn = made;
    return IDC_OK;
}

/* A wait for a connection, from the first look to the end. */
typedef struct Search {
    const Want *want;
    Transaction *transaction; /* or NULL */
    IdcSlotWait wait;
    int slot; /* that is ours, without a connection in it */
    int64_t others_until_ms, full_ms;
    unsigned tries;
} Search;

/* Looks everywhere once: *conn is found, or *pause_ms says when to look again; negative: never. */
static IdcStatus
look(IdcLinks *links, Search *search, Conn **conn, int64_t *pause_ms, IdcError *err)
{
    const Want *want = search->want;
    int64_t now_ms = idc_clock_ms();
    bool is_full = false;
    IdcStatus status;

    *pause_ms = -1;
    *conn = take_of_transaction(links, search->transaction, want);
    if (*conn == NULL)
        *conn = take_idle(links);
    if (*conn != NULL)
        return IDC_OK;
    if (search->transaction != NULL && now_ms < search->others_until_ms && want->may_wait &&
        have_others(links, search->transaction)) {
        *pause_ms = search->others_until_ms - now_ms;
        return IDC_OK;
    }
    if (search->slot == IDC_SLOT_NONE)
        search->slot = idc_slots_try(links->slots, &search->wait);
    if (search->slot == IDC_SLOT_NONE && want->may_wait && drop_spare(links))
        search->slot = idc_slots_try(links->slots, &search->wait);
    if (search->slot == IDC_SLOT_NONE) {
        if (!want->may_wait)
            return IDC_OK;
        if (now_ms >= want->until_ms)
            return fail_no_slot(links, err);
        idc_slots_wait_begin(links->slots, &search->wait);
        *pause_ms = idc_slots_pause_ms(&search->wait, search->tries++);
        return IDC_OK;
    }
    status = connect_once(links, want->scan->call, search->slot, conn, &is_full, err);
    if (status == IDC_OK) {
        search->slot = IDC_SLOT_NONE;
        return IDC_OK;
    }
    if (!is_full || idc_call_is_cancelled(want->scan->call))
        return status;
    if (!want->may_wait)
        return IDC_OK;
    if (idc_clock_ms() >= want->until_ms) {
        (void) idc_add_context(err, "no connection within %lld ms",
                               (long long) links->options.wait_ms);
        idc_error_set_sqlstate(err, "53300");
        return status;
    }
    want->scan->stats.retries++;
    idc_slots_wait_begin(links->slots, &search->wait);
    search->full_ms = search->full_ms * 2 < FULL_MOST_MS ? search->full_ms * 2 : FULL_MOST_MS;
    *pause_ms = search->full_ms / 2 + (idc_clock_us() ^ getpid()) % (search->full_ms / 2 + 1);
    return IDC_OK;
}

/* A busy connection: of the transaction already, or of none; NULL: it may not wait. */
static IdcStatus
take_conn(IdcLinks *links, Transaction *transaction, const Want *want, Conn **conn, IdcError *err)
{
    int64_t began_us = idc_clock_us();
    Search search = { .want = want,
                      .transaction = transaction,
                      .slot = IDC_SLOT_NONE,
                      .others_until_ms = idc_clock_ms() + OTHERS_END_MS,
                      .full_ms = FULL_LEAST_MS };
    IdcStatus status = IDC_OK;
    int64_t pause_ms = 0;

    *conn = NULL;
    while (status == IDC_OK && *conn == NULL && pause_ms >= 0) {
        status = look(links, &search, conn, &pause_ms, err);
        if (status == IDC_OK && *conn == NULL && pause_ms >= 0)
            status = wait_for_change(links, want->scan->call, pause_ms, err);
    }
    idc_slots_give_back(links->slots, search.slot);
    idc_slots_wait_end(links->slots, &search.wait);
    if (*conn != NULL && (*conn)->transaction == NULL) {
        (*conn)->link.is_writer = want->is_writer;
        (*conn)->link.is_torn = false;
        (*conn)->level = 1;
        (*conn)->uses = 0;
    }
    want->scan->stats.wait_us += idc_clock_us() - began_us;
    return status;
}

/* ---- transactions; the lock is held ---- */

static Transaction *
find_transaction(const IdcLinks *links, uint64_t id)
{
    for (Transaction *found = links->transactions; found != NULL; found = found->next)
        if (found->given.id == id)
            return found;
    return NULL;
}

static Transaction *
find_or_make(IdcLinks *links, const IdcTransaction *given, IdcError *err)
{
    Transaction *found = find_transaction(links, given->id);

    if (found != NULL)
        return found;
    found = idc_calloc(1, sizeof *found);
    if (found == NULL) {
        (void) idc_fail_no_memory(err);
        return NULL;
    }
    found->given = *given;
    found->next = links->transactions;
    links->transactions = found;
    return found;
}

static void
remove_transaction(IdcLinks *links, Transaction *transaction)
{
    Transaction **place = &links->transactions;

    while (*place != transaction)
        place = &(*place)->next;
    *place = transaction->next;
    idc_free(transaction);
}

static IdcStatus
check_usable(const Transaction *transaction, IdcError *err)
{
    if (transaction->is_finishing)
        return idc_fail(err, IDC_MISUSE, "the transaction has ended");
    if (transaction->is_lost)
        return idc_fail(err, IDC_CONNECTION_FAILED,
                        "the connection on which this transaction wrote was lost, and what it "
                        "wrote with it");
    return IDC_OK;
}

static IdcStatus
begin_conn(IdcLinks *links, Conn *conn, const IdcTransaction *given, Conn *first, IdcCall *call,
           IdcError *err)
{
    if (links->methods.begin == NULL)
        return IDC_OK;
    return links->methods.begin(links->host, call, &conn->link, given,
                                first == NULL ? NULL : &first->link, err);
}

/* Begins the transaction on conn, which is of none; it is dropped on failure. */
static IdcStatus
join(IdcLinks *links, Transaction *transaction, const Want *want, Conn *conn, Conn *first,
     IdcError *err)
{
    IdcStatus status;

    conn->link.is_torn = first == NULL && transaction->is_torn;
    pthread_mutex_unlock(&links->lock);
    status = begin_conn(links, conn, &transaction->given, first, want->scan->call, err);
    pthread_mutex_lock(&links->lock);
    if (status != IDC_OK) {
        drop_conn(links, conn);
        return status;
    }
    conn->transaction = transaction;
    conn->joined = ++links->joined_count;
    if (want->is_writer)
        transaction->writer = conn;
    return IDC_OK;
}

/* One more link of the transaction, busy; NULL: it may not wait. One of the pool that turns out
 * dead is replaced. */
static IdcStatus
add_conn(IdcLinks *links, Transaction *transaction, const Want *want, Conn **conn, IdcError *err)
{
    Conn *first = oldest_of(links, transaction, NULL);
    bool was_reused;
    IdcStatus status;

    transaction->is_beginning = first == NULL;
    transaction->is_writer_coming |= want->is_writer;
    if (first != NULL)
        first->pins++;
    do {
        status = take_conn(links, transaction, want, conn, err);
        was_reused = *conn != NULL && (*conn)->link.is_reused;
        if (*conn != NULL && (*conn)->transaction == NULL)
            status = join(links, transaction, want, *conn, first, err);
    } while (status == IDC_CONNECTION_FAILED && was_reused &&
             !idc_call_is_cancelled(want->scan->call));
    unpin(links, first);
    if (first == NULL)
        transaction->is_beginning = false;
    if (want->is_writer)
        transaction->is_writer_coming = false;
    wake_waiters(links);
    return status;
}

/* ---- leases ---- */

static void
release_at_end(void *link)
{
    idc_link_release(link);
}

/* conn is busy, and idle again on failure. */
static IdcStatus
lease(IdcLinks *links, Conn *conn, IdcSourceScan *scan, IdcLink **link, IdcError *err)
{
    IdcLink *made = idc_arena_alloc(scan->arena, sizeof *made);
    struct IdcLinkPrivate *own = idc_arena_alloc(scan->arena, sizeof *own);

    if (made == NULL || own == NULL ||
        idc_arena_on_free(scan->arena, release_at_end, made) != IDC_OK) {
        make_idle(links, conn);
        return idc_fail_no_memory(err);
    }
    conn->uses++;
    *made = conn->link;
    made->own = own;
    own->conn = conn;
    *link = made;
    return IDC_OK;
}

void
idc_link_release(IdcLink *link)
{
    IdcLinks *links;
    Conn *conn;

    if (link == NULL || link->own == NULL)
        return;
    links = link->links;
    conn = link->own->conn;
    link->own = NULL;
    pthread_mutex_lock(&links->lock);
    conn->link.is_broken = link->is_broken;
    if (conn->link.is_broken)
        drop_conn(links, conn);
    else
        make_idle(links, conn);
    pthread_mutex_unlock(&links->lock);
}

/* Brings the writer, busy from here on, to the level. Gives the lock away. */
static IdcStatus
use_writer(IdcLinks *links, const Want *want, Conn *conn, IdcError *err)
{
    int32_t level = want->scan->transaction.level;
    IdcStatus status;

    conn->state = CONN_BUSY;
    if (level <= conn->level || links->methods.savepoint == NULL)
        return IDC_OK;
    pthread_mutex_unlock(&links->lock);
    status = links->methods.savepoint(links->host, want->scan->call, &conn->link, level, err);
    pthread_mutex_lock(&links->lock);
    if (status == IDC_OK)
        conn->level = level;
    else /* Who knows how far it came. */
        drop_conn(links, conn);
    return status;
}

/* The transaction's writer, busy; waits for it as long as the call may. */
static IdcStatus
take_writer(IdcLinks *links, Transaction *transaction, const Want *want, Conn **conn, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (;;) {
        status = check_usable(transaction, err);
        if (status != IDC_OK)
            return status;
        *conn =
            transaction->writer != NULL ? transaction->writer : promote_idle(links, transaction);
        if (*conn != NULL && (*conn)->state == CONN_IDLE)
            return use_writer(links, want, *conn, err);
        if (*conn == NULL && !transaction->is_beginning && !transaction->is_writer_coming) {
            status = add_conn(links, transaction, want, conn, err);
            return status == IDC_OK ? use_writer(links, want, *conn, err) : status;
        }
        status = wait_for_change(links, want->scan->call, -1, err);
        if (status != IDC_OK)
            return status;
    }
}

/* A link of the transaction that reads; NULL: it may not wait. *is_on_writer: the writer it is. */
static IdcStatus
take_reader(IdcLinks *links, Transaction *transaction, const Want *want, Conn **conn,
            bool *is_on_writer, IdcError *err)
{
    for (;;) {
        IdcStatus status = check_usable(transaction, err);

        *is_on_writer = transaction->writer != NULL || transaction->is_writer_coming ||
                        transaction->given.is_serializable;
        if (status != IDC_OK || (*is_on_writer && !want->may_wait))
            return status;
        if (*is_on_writer) {
            Want writer = *want;

            writer.is_writer = true;
            return take_writer(links, transaction, &writer, conn, err);
        }
        *conn = idle_of(links, transaction);
        if (*conn != NULL) {
            (*conn)->state = CONN_BUSY;
            return IDC_OK;
        }
        if (!transaction->is_beginning)
            return add_conn(links, transaction, want, conn, err);
        status = want->may_wait ? wait_for_change(links, want->scan->call, -1, err) : IDC_OK;
        if (status != IDC_OK || !want->may_wait)
            return status;
    }
}

static IdcStatus
take_any(IdcLinks *links, const Want *want, IdcLink **link, IdcError *err)
{
    const IdcTransaction *given = &want->scan->transaction;
    Transaction *transaction = NULL;
    Conn *conn = NULL;
    bool is_on_writer = false;
    IdcStatus status = IDC_OK;

    if (given->id != 0) {
        transaction = find_or_make(links, given, err);
        if (transaction == NULL)
            return IDC_NO_MEMORY;
    }
    if (transaction == NULL) {
        status = take_conn(links, NULL, want, &conn, err);
    } else {
        transaction->users++;
        status = want->is_writer ? take_writer(links, transaction, want, &conn, err)
                                 : take_reader(links, transaction, want, &conn, &is_on_writer, err);
        transaction->users--;
        wake_waiters(links);
    }
    if (status != IDC_OK || conn == NULL)
        return status;
    want->scan->must_spool |= is_on_writer;
    return lease(links, conn, want->scan, link, err);
}

static IdcStatus
take(IdcLinks *links, IdcSourceScan *scan, bool is_writer, bool may_wait, IdcLink **link,
     IdcError *err)
{
    Want want = { .scan = scan,
                  .is_writer = is_writer,
                  .may_wait = may_wait,
                  .until_ms = idc_clock_ms() + links->options.wait_ms };
    IdcStatus status;

    *link = NULL;
    pthread_mutex_lock(&links->lock);
    status = take_any(links, &want, link, err);
    pthread_mutex_unlock(&links->lock);
    return status;
}

IdcStatus
idc_links_for_scan(IdcLinks *links, IdcSourceScan *scan, IdcLink **link, IdcError *err)
{
    return take(links, scan, false, true, link, err);
}

IdcStatus
idc_links_for_more(IdcLinks *links, IdcSourceScan *scan, IdcLink **link, IdcError *err)
{
    return take(links, scan, false, false, link, err);
}

IdcStatus
idc_links_for_write(IdcLinks *links, IdcSourceScan *scan, IdcLink **link, IdcError *err)
{
    return take(links, scan, true, true, link, err);
}

/* ---- renewal ---- */

/* Begins with the oldest of the transaction's other links. The connection keeps its slot. */
static IdcStatus
renew_conn(IdcLinks *links, Conn *conn, IdcSourceScan *scan, IdcError *err)
{
    Transaction *transaction = conn->transaction;
    Conn *first = transaction == NULL ? NULL : oldest_of(links, transaction, conn);
    bool is_full = false;
    IdcStatus status;

    if (first != NULL)
        first->pins++;
    pthread_mutex_unlock(&links->lock);
    links->methods.close(links->host, &conn->link);
    conn->link.handle = NULL;
    status = links->methods.connect(links->host, scan->call, &conn->link, &is_full, err);
    if (status == IDC_OK && transaction != NULL)
        status = begin_conn(links, conn, &transaction->given, first, scan->call, err);
    if (status == IDC_OK && conn->level > 1 && links->methods.savepoint != NULL)
        status = links->methods.savepoint(links->host, scan->call, &conn->link, conn->level, err);
    pthread_mutex_lock(&links->lock);
    unpin(links, first);
    return status;
}

/* Nothing was done on it, and nobody began with what it began with. */
static bool
may_renew(const IdcLinks *links, const Conn *conn)
{
    if (conn->uses > 1 || conn->pins > 0)
        return false;
    return conn->transaction == NULL || oldest_of(links, conn->transaction, NULL) != conn ||
           oldest_of(links, conn->transaction, conn) == NULL;
}

IdcStatus
idc_link_renew(IdcLink *link, IdcSourceScan *scan, IdcError *err)
{
    IdcLinks *links = link->links;
    IdcStatus failed = err == NULL ? IDC_CONNECTION_FAILED : err->status;
    IdcStatus status = IDC_OK;
    Conn *conn;

    if (link->own == NULL || !link->is_reused || idc_call_is_cancelled(scan->call))
        return failed;
    conn = link->own->conn;
    pthread_mutex_lock(&links->lock);
    if (!may_renew(links, conn)) {
        pthread_mutex_unlock(&links->lock);
        return failed;
    }
    if (conn->transaction != NULL)
        conn->transaction->is_beginning = true;
    conn->link.is_reused = false;
    status = renew_conn(links, conn, scan, err);
    if (conn->transaction != NULL)
        conn->transaction->is_beginning = false;
    link->handle = conn->link.handle;
    link->is_reused = false;
    link->is_broken = status != IDC_OK;
    wake_waiters(links);
    pthread_mutex_unlock(&links->lock);
    return status;
}

/* ---- the end of a transaction ---- */

static IdcStatus
fail_lost(IdcError *err)
{
    return idc_fail(err, IDC_CONNECTION_FAILED,
                    "cannot commit: the connection on which this transaction wrote was lost, and "
                    "what it wrote with it");
}

/* Without the lock meanwhile; conn is busy then. A failure makes it broken. */
static IdcStatus
finish_conn(IdcLinks *links, Conn *conn, IdcCall *call, const IdcFinish *finish, IdcError *err)
{
    IdcStatus status = IDC_OK;

    conn->state = CONN_BUSY;
    if (links->methods.finish == NULL)
        return IDC_OK;
    pthread_mutex_unlock(&links->lock);
    status = links->methods.finish(links->host, call, &conn->link, finish, err);
    pthread_mutex_lock(&links->lock);
    if (status != IDC_OK)
        conn->link.is_broken = true;
    return status;
}

static IdcStatus
finish_level(IdcLinks *links, Transaction *transaction, IdcCall *call, const IdcFinish *finish,
             IdcError *err)
{
    IdcStatus status = IDC_OK;
    Conn *conn;

    while (status == IDC_OK &&
           (transaction->is_writer_coming ||
            (transaction->writer != NULL && transaction->writer->state == CONN_BUSY)))
        status = wait_for_change(links, call, -1, err);
    if (status != IDC_OK)
        return status;
    conn = transaction->writer;
    if (transaction->is_lost && finish->is_commit)
        return fail_lost(err);
    if (conn == NULL || conn->level < finish->level)
        return IDC_OK;
    status = finish_conn(links, conn, call, finish, err);
    conn->level = finish->level - 1;
    if (conn->link.is_broken)
        drop_conn(links, conn);
    else
        make_idle(links, conn);
    return status;
}

/* Somebody uses it. */
static bool
is_at_work(const IdcLinks *links, const Transaction *transaction)
{
    return transaction->users > 0 || busy_of(links, transaction) != NULL;
}

/* The link goes back to the pool, or is closed. */
static IdcStatus
finish_one(IdcLinks *links, Conn *conn, IdcCall *call, const IdcFinish *finish, IdcError *err)
{
    IdcStatus status = finish_conn(links, conn, call, finish, err);

    if (conn->transaction->writer == conn)
        conn->transaction->writer = NULL;
    conn->transaction = NULL;
    conn->link.is_writer = conn->link.is_torn = false;
    if (conn->link.is_broken)
        drop_conn(links, conn);
    else
        make_idle(links, conn);
    return status;
}

/* What became of the readers tells nobody anything. */
static void
finish_readers(IdcLinks *links, const Transaction *transaction, IdcCall *call,
               const IdcFinish *finish)
{
    Conn *conn;
    IdcError ignored;

    while ((conn = idle_of(links, transaction)) != NULL)
        (void) finish_one(links, conn, call, finish, &ignored);
}

static IdcStatus
finish_all(IdcLinks *links, Transaction *transaction, IdcCall *call, const IdcFinish *finish,
           IdcError *err)
{
    IdcFinish rest = *finish;
    IdcStatus status = IDC_OK;

    if (transaction->is_finishing)
        return idc_fail(err, IDC_MISUSE, "the transaction is ending already");
    transaction->is_finishing = true;
    wake_waiters(links);
    while (status == IDC_OK && is_at_work(links, transaction))
        status = wait_for_change(links, call, -1, err);
    if (status != IDC_OK) {
        transaction->is_finishing = false;
        return status;
    }
    if (transaction->writer != NULL)
        status = finish_one(links, transaction->writer, call, finish, err);
    else if (transaction->is_lost && finish->is_commit)
        status = fail_lost(err);
    rest.is_commit = finish->is_commit && status == IDC_OK;
    finish_readers(links, transaction, call, &rest);
    remove_transaction(links, transaction);
    wake_waiters(links);
    return status;
}

IdcStatus
idc_links_finish(IdcLinks *links, IdcCall *call, const IdcFinish *finish, IdcError *err)
{
    Transaction *transaction;
    IdcStatus status = IDC_OK;

    pthread_mutex_lock(&links->lock);
    transaction = find_transaction(links, finish->id);
    if (transaction != NULL && finish->level > 1) {
        transaction->users++;
        status = finish_level(links, transaction, call, finish, err);
        transaction->users--;
        wake_waiters(links);
    } else if (transaction != NULL) {
        status = finish_all(links, transaction, call, finish, err);
    }
    pthread_mutex_unlock(&links->lock);
    return status;
}

/* ---- new, free ---- */

IdcStatus
idc_links_new(const IdcLinkMethods *methods, void *host, const IdcLinkOptions *options,
              IdcLinks **links, IdcError *err)
{
    IdcLinks *made = idc_calloc(1, sizeof *made);
    IdcStatus status;

    if (made == NULL)
        return idc_fail_no_memory(err);
    made->methods = *methods;
    made->host = host;
    made->options = *options;
    status = idc_slots_new(options->max_connections, options->shared_fd, &made->slots, err);
    if (status == IDC_OK && (pthread_mutex_init(&made->lock, NULL) != 0 ||
                             pthread_cond_init(&made->for_keeper, NULL) != 0))
        status = idc_fail_no_memory(err);
    if (status != IDC_OK) {
        idc_slots_free(made->slots);
        idc_free(made);
        return status;
    }
    *links = made;
    return IDC_OK;
}

IdcStatus
idc_links_of_server(const IdcSourceServer *server, const IdcDeclaration *declaration,
                    const IdcLinkMethods *methods, void *host, IdcLinks **links, IdcError *err)
{
    const IdcOptionSet *given = &server->options;
    IdcLinkOptions options = {
        .max_connections = idc_adapter_option_number(declaration, given, "max_connections"),
        .wait_ms = idc_adapter_option_number(declaration, given, "connection_wait"),
        .idle_ms = idc_adapter_option_number(declaration, given, "connection_idle"),
        .shared_fd = server->shared_fd,
    };

    return idc_links_new(methods, host, &options, links, err);
}

static void
end_keeper(IdcLinks *links)
{
    pthread_mutex_lock(&links->lock);
    links->is_ending = true;
    pthread_cond_signal(&links->for_keeper);
    pthread_mutex_unlock(&links->lock);
    if (!links->has_keeper)
        return;
    idc_slots_wake(links->slots);
    (void) pthread_join(links->keeper, NULL);
}

void
idc_links_free(IdcLinks *links)
{
    if (links == NULL)
        return;
    end_keeper(links);
    while (links->conns != NULL) {
        Conn *conn = links->conns;

        links->conns = conn->next;
        close_conn(links, conn);
    }
    while (links->transactions != NULL)
        remove_transaction(links, links->transactions);
    idc_slots_free(links->slots);
    pthread_cond_destroy(&links->for_keeper);
    pthread_mutex_destroy(&links->lock);
    idc_free(links);
}
