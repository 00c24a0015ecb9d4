/*
 * links_pool.c - connections: made, waited for, idle, closed.
 *
 * In:   what a scan or a write wants (links.c)
 * Out:  a busy connection
 * Next: slots.c, which says whether there may be one more
 */
#include "adapters/common/links_private.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    /* A new transaction begins when the one before has been told to end, and its links come back
     * soon: not worth a connection of its own. */
    OTHERS_END_MS = 200,
    /* Others may soon be through with theirs; then rows are kept for that one more is not needed.
     */
    PRESS_MS = 200,
    FULL_LEAST_MS = 10,
    FULL_MOST_MS = 500,
    KEEPER_STACK_BYTES = 256 * 1024
};

/* ---- waiting for a change within the process; the lock is held ---- */

void
idc_links_wake(IdcLinks *links)
{
    uint64_t one = 1;

    for (IdcLinkWaiter *waiter = links->waiters; waiter != NULL; waiter = waiter->next)
        while (write(waiter->fd, &one, sizeof one) < 0 && errno == EINTR)
            continue;
}

static void
forget_waiter(IdcLinks *links, IdcLinkWaiter *waiter)
{
    IdcLinkWaiter **place = &links->waiters;

    while (*place != waiter)
        place = &(*place)->next;
    *place = waiter->next;
    close(waiter->fd);
}

/* Gives the lock away in between. IDC_OK: something changed, or longest_ms are over (negative: no
 * limit but the call's). */
IdcStatus
idc_links_wait(IdcLinks *links, IdcCall *call, int64_t longest_ms, IdcError *err)
{
    IdcLinkWaiter waiter = { .next = links->waiters, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
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

static IdcLinkConn *
new_conn(IdcLinks *links, IdcError *err)
{
    IdcLinkConn *conn = idc_calloc(1, sizeof *conn);

    if (conn == NULL) {
        (void) idc_fail_no_memory(err);
        return NULL;
    }
    conn->link.links = links;
    conn->slot = IDC_SLOT_NONE;
    return conn;
}

static void
unlink_conn(IdcLinks *links, IdcLinkConn *conn)
{
    IdcLinkConn **place = &links->conns;

    while (*place != conn)
        place = &(*place)->next;
    *place = conn->next;
}

/* In no list; without the lock. */
void
idc_links_close(IdcLinks *links, IdcLinkConn *conn)
{
    if (conn->link.handle != NULL)
        links->methods.close(links->host, &conn->link);
    idc_slots_give_back(links->slots, conn->slot);
    idc_free(conn);
}

int
idc_link_keep_slot(IdcLink *link)
{
    IdcLinkConn *conn = (IdcLinkConn *) link;
    int slot = conn->slot;

    conn->slot = IDC_SLOT_NONE;
    return slot;
}

void
idc_links_give_back(IdcLinks *links, int slot)
{
    idc_slots_give_back(links->slots, slot);
    pthread_mutex_lock(&links->lock);
    idc_links_wake(links);
    pthread_mutex_unlock(&links->lock);
}

/* Out of its transaction and all lists, and closed; the lock is given away meanwhile. */
void
idc_links_drop(IdcLinks *links, IdcLinkConn *conn)
{
    IdcLinkTransaction *transaction = conn->transaction;

    if (transaction != NULL) {
        transaction->is_torn = true;
        if (transaction->writer == conn) {
            transaction->writer = NULL;
            transaction->is_lost = true;
        }
        conn->transaction = NULL;
    }
    conn->state = IDC_LINK_BUSY;
    if (conn->pins > 0) {
        conn->is_doomed = true;
        return;
    }
    unlink_conn(links, conn);
    pthread_mutex_unlock(&links->lock);
    idc_links_close(links, conn);
    pthread_mutex_lock(&links->lock);
    idc_links_wake(links);
}

void
idc_links_unpin(IdcLinks *links, IdcLinkConn *conn)
{
    if (conn != NULL && --conn->pins == 0 && conn->is_doomed)
        idc_links_drop(links, conn);
}

IdcLinkConn *
idc_links_oldest(const IdcLinks *links, const IdcLinkTransaction *transaction,
                 const IdcLinkConn *but)
{
    IdcLinkConn *found = NULL;

    for (IdcLinkConn *conn = links->conns; conn != NULL; conn = conn->next)
        if (conn->transaction == transaction && conn != but && conn->link.handle != NULL &&
            (found == NULL || conn->joined < found->joined))
            found = conn;
    return found;
}

IdcLinkConn *
idc_links_idle(const IdcLinks *links, const IdcLinkTransaction *transaction)
{
    for (IdcLinkConn *conn = links->conns; conn != NULL; conn = conn->next)
        if (conn->transaction == transaction && conn->state == IDC_LINK_IDLE)
            return conn;
    return NULL;
}

IdcLinkConn *
idc_links_busy(const IdcLinks *links, const IdcLinkTransaction *transaction)
{
    for (IdcLinkConn *conn = links->conns; conn != NULL; conn = conn->next)
        if (conn->transaction == transaction && conn->state == IDC_LINK_BUSY)
            return conn;
    return NULL;
}

/* ---- idle connections ---- */

/* Nobody needs it now: of the pool, or one of several that a transaction reads on. */
static bool
is_spare(const IdcLinks *links, const IdcLinkConn *conn)
{
    if (conn->state != IDC_LINK_IDLE)
        return false;
    if (conn->transaction == NULL)
        return true;
    return conn->transaction->writer != conn &&
           idc_links_oldest(links, conn->transaction, NULL) != conn;
}

/* Closes those that nobody needs, if others wait, and those that were idle for too long. Returns in
 * how many milliseconds the next one will have been; -1: there is none. */
static int64_t
close_spares(IdcLinks *links)
{
    bool are_wanted = idc_slots_are_wanted(links->slots);
    int64_t next_ms, left_ms;
    IdcLinkConn *conn;

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
            idc_links_drop(links, conn);
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

        for (IdcLinkConn *conn = links->conns; conn != NULL && !has_idle; conn = conn->next)
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
void
idc_links_make_idle(IdcLinks *links, IdcLinkConn *conn)
{
    conn->state = IDC_LINK_IDLE;
    conn->idle_since_ms = idc_clock_ms();
    idc_links_wake(links);
    if (!is_spare(links, conn))
        return;
    /* Only now: who begins to wait after this wakes the keeper, which finds it. */
    if (idc_slots_are_wanted(links->slots) ||
        (conn->transaction == NULL && links->options.idle_ms <= 0))
        idc_links_drop(links, conn);
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

IdcLinkConn *
idc_links_promote(IdcLinks *links, IdcLinkTransaction *transaction)
{
    IdcLinkConn *conn = idc_links_idle(links, transaction);

    if (conn == NULL || links->methods.promote == NULL ||
        !links->methods.promote(links->host, &conn->link))
        return NULL;
    conn->link.is_writer = true;
    conn->level = 1;
    transaction->writer = conn;
    return conn;
}

/* An idle one of the pool that is alive; or NULL. */
static IdcLinkConn *
take_idle(IdcLinks *links)
{
    IdcLinkConn *conn;

    while ((conn = idc_links_idle(links, NULL)) != NULL) {
        bool is_alive;

        conn->state = IDC_LINK_BUSY;
        pthread_mutex_unlock(&links->lock);
        is_alive =
            links->methods.is_alive == NULL || links->methods.is_alive(links->host, &conn->link);
        pthread_mutex_lock(&links->lock);
        if (is_alive) {
            conn->link.is_reused = true;
            return conn;
        }
        idc_links_drop(links, conn);
    }
    return NULL;
}

/* One that the transaction has by now, for the same purpose; or NULL. */
static IdcLinkConn *
take_of_transaction(IdcLinks *links, IdcLinkTransaction *transaction, const IdcLinkWant *want)
{
    IdcLinkConn *conn;

    if (transaction == NULL)
        return NULL;
    conn = want->is_writer ? idc_links_promote(links, transaction)
                           : idc_links_idle(links, transaction);
    if (conn != NULL)
        conn->state = IDC_LINK_BUSY;
    return conn;
}

/* Other transactions, whose end was told or will be in a moment. */
static bool
have_others(const IdcLinks *links, const IdcLinkTransaction *transaction)
{
    for (IdcLinkConn *conn = links->conns; conn != NULL; conn = conn->next)
        if (conn->transaction != NULL && conn->transaction != transaction)
            return true;
    return false;
}

/* Where the process itself has one that it can do without; true: there is room then. */
static bool
drop_spare(IdcLinks *links)
{
    IdcLinkConn *conn = links->conns;

    while (conn != NULL && !is_spare(links, conn))
        conn = conn->next;
    if (conn != NULL)
        idc_links_drop(links, conn);
    return conn != NULL;
}

/* Connects once, in the slot. *conn is NULL on failure; the slot stays ours then. */
static IdcStatus
connect_once(IdcLinks *links, IdcCall *call, int slot, IdcLinkConn **conn, bool *is_full,
             IdcError *err)
{
    IdcLinkConn *made = new_conn(links, err);
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

/* Scans of the transaction that have one shall read what is left to its end: whoever has one can go
 * on with it, whatever others have. */
static void
press_others(const IdcLinks *links, const IdcLinkTransaction *transaction)
{
    if (transaction == NULL)
        return;
    for (IdcLinkConn *conn = links->conns; conn != NULL; conn = conn->next)
        if (conn->transaction == transaction && conn->scan != NULL && conn->scan->press != NULL)
            conn->scan->press(conn->scan->presser);
}

/* A wait for a connection, from the first look to the end. */
typedef struct Search {
    const IdcLinkWant *want;
    IdcLinkTransaction *transaction; /* or NULL */
    IdcSlotWait wait;
    int slot; /* that is ours, without a connection in it */
    int64_t others_until_ms, press_ms, full_ms;
    unsigned tries;
} Search;

/* Looks everywhere once: *conn is found, or *pause_ms says when to look again; negative: never. */
static IdcStatus
look(IdcLinks *links, Search *search, IdcLinkConn **conn, int64_t *pause_ms, IdcError *err)
{
    const IdcLinkWant *want = search->want;
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
        if (now_ms >= search->press_ms)
            press_others(links, search->transaction);
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
    if (idc_clock_ms() >= search->press_ms)
        press_others(links, search->transaction);
    want->scan->stats.retries++;
    idc_slots_wait_begin(links->slots, &search->wait);
    search->full_ms = search->full_ms * 2 < FULL_MOST_MS ? search->full_ms * 2 : FULL_MOST_MS;
    *pause_ms = search->full_ms / 2 + (idc_clock_us() ^ getpid()) % (search->full_ms / 2 + 1);
    return IDC_OK;
}

/* A busy connection: of the transaction already, or of none; NULL: it may not wait. */
IdcStatus
idc_links_take(IdcLinks *links, IdcLinkTransaction *transaction, const IdcLinkWant *want,
               IdcLinkConn **conn, IdcError *err)
{
    int64_t began_us = idc_clock_us(), began_ms = idc_clock_ms();
    int64_t half_ms = (want->until_ms - began_ms) / 2;
    Search search = { .want = want,
                      .transaction = transaction,
                      .slot = IDC_SLOT_NONE,
                      .others_until_ms = began_ms + OTHERS_END_MS,
                      .press_ms = began_ms + (half_ms < PRESS_MS ? half_ms : PRESS_MS),
                      .full_ms = FULL_LEAST_MS };
    IdcStatus status = IDC_OK;
    int64_t pause_ms = 0;

    *conn = NULL;
    while (status == IDC_OK && *conn == NULL && pause_ms >= 0) {
        status = look(links, &search, conn, &pause_ms, err);
        if (status == IDC_OK && *conn == NULL && pause_ms >= 0)
            status = idc_links_wait(links, want->scan->call, pause_ms, err);
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

/* ---- the end ---- */

void
idc_links_end_keeper(IdcLinks *links)
{
    pthread_mutex_lock(&links->lock);
    links->is_ending = true;
    pthread_cond_signal(&links->for_keeper);
    pthread_mutex_unlock(&links->lock);
    if (!links->has_keeper)
        return;
    idc_slots_wake(links->slots);
    (void) pthread_join(links->keeper, NULL);
    links->has_keeper = false;
}
