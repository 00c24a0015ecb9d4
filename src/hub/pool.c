/*
 * pool.c - a stack of idle connections, a queue of those who wait, one lock.
 */
#include "hub/pool.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hub/conn_private.h"

#define RESET_MS 5000

/* On the stack of the thread that waits. Granted: it has a place, and perhaps an idle connection
 * with it. */
typedef struct Waiter {
    struct Waiter *next;
    IdcConn *conn;
    int fd;
    bool is_granted;
} Waiter;

/* taken counts the places in use: connections out, idle or being opened. Waiters exist only when
 * all are. */
struct IdcPool {
    pthread_mutex_t mutex;
    IdcHub *hub;
    IdcLog log;
    size_t size, taken, idle_count, waiting;
    int64_t timeout_ms;
    Waiter *first, *last;
    IdcConn **idle;
    size_t reference_count;
    bool is_closed;
};

IdcStatus
idc_pool_new(IdcHub *hub, size_t size, int64_t timeout_ms, const IdcLog *log, IdcPool **pool,
             IdcError *err)
{
    IdcPool *made;

    if (size == 0 || size > 10000)
        return idc_fail(err, IDC_BAD_VALUE, "pool size %zu is not from 1 to 10000", size);
    made = calloc(1, sizeof *made);
    if (made == NULL || (made->idle = calloc(size, sizeof(IdcConn *))) == NULL) {
        free(made);
        return idc_fail_no_memory(err);
    }
    pthread_mutex_init(&made->mutex, NULL);
    made->hub = idc_hub_hold(hub);
    if (log != NULL)
        made->log = *log;
    made->size = size;
    made->timeout_ms = timeout_ms;
    made->reference_count = 1;
    *pool = made;
    return IDC_OK;
}

static void
pool_hold(IdcPool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->reference_count++;
    pthread_mutex_unlock(&pool->mutex);
}

static void
pool_leave(IdcPool *pool)
{
    size_t left;

    pthread_mutex_lock(&pool->mutex);
    left = --pool->reference_count;
    pthread_mutex_unlock(&pool->mutex);
    if (left > 0)
        return;
    assert(pool->idle_count == 0 && pool->first == NULL);
    idc_hub_free(pool->hub);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->idle);
    free(pool);
}

/* The lock is held. */
static void
waiter_wake(Waiter *waiter)
{
    uint64_t one = 1;

    (void) !write(waiter->fd, &one, sizeof one);
}

void
idc_pool_close(IdcPool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->is_closed = true;
    for (Waiter *waiter = pool->first; waiter != NULL; waiter = waiter->next)
        waiter_wake(waiter);
    while (pool->idle_count > 0) {
        IdcConn *conn = pool->idle[--pool->idle_count];

        pool->taken--;
        pthread_mutex_unlock(&pool->mutex);
        idc_conn_close(conn);
        pthread_mutex_lock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
}

void
idc_pool_free(IdcPool *pool)
{
    if (pool == NULL)
        return;
    idc_pool_close(pool);
    pool_leave(pool);
}

/* The lock is held. */
static void
queue_remove(IdcPool *pool, Waiter *waiter)
{
    Waiter **link = &pool->first;
    Waiter *before = NULL;

    while (*link != waiter) {
        before = *link;
        link = &before->next;
    }
    *link = waiter->next;
    if (pool->last == waiter)
        pool->last = before;
    pool->waiting--;
}

/* Give a place on, with its connection if there is one: to the first who waits, else back to the
 * pool. */
static void
place_give(IdcPool *pool, IdcConn *conn)
{
    IdcConn *unwanted = NULL;

    pthread_mutex_lock(&pool->mutex);
    if (pool->is_closed) {
        unwanted = conn;
        pool->taken--;
    } else if (pool->first != NULL) {
        Waiter *waiter = pool->first;

        queue_remove(pool, waiter);
        waiter->conn = conn;
        waiter->is_granted = true;
        waiter_wake(waiter);
    } else if (conn != NULL) {
        pool->idle[pool->idle_count++] = conn;
    } else {
        pool->taken--;
    }
    pthread_mutex_unlock(&pool->mutex);
    idc_conn_close(unwanted);
}

static IdcStatus
fail_closed(IdcError *err)
{
    return idc_fail(err, IDC_MISUSE, "the connector is closed");
}

static IdcStatus
fail_full(const IdcPool *pool, int64_t waited_ms, IdcError *err)
{
    (void) idc_fail(
        err, IDC_TIMEOUT,
        "no connection to the hub became free within %lld ms: all %zu of the pool are in use",
        (long long) waited_ms, pool->size);
    idc_error_set_sqlstate(err, "53300");
    idc_error_set_hint(
        err,
        "raise pool_size (%zu) or pool_timeout_ms (%lld), or read results to their end "
        "and close them sooner",
        pool->size, (long long) pool->timeout_ms);
    return IDC_TIMEOUT;
}

/* The lock is held when it is called and not when it returns. */
static IdcStatus
place_wait(IdcPool *pool, IdcCall *call, IdcConn **conn, IdcError *err)
{
    Waiter waiter = { .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
    int64_t started_ms = idc_clock_ms();
    bool is_closed;
    IdcStatus status;

    if (waiter.fd < 0) {
        pthread_mutex_unlock(&pool->mutex);
        return idc_fail(err, IDC_IO_FAILED, "cannot wait for a connection: %s",
                        idc_errno_text(errno));
    }
    *(pool->last != NULL ? &pool->last->next : &pool->first) = &waiter;
    pool->last = &waiter;
    pool->waiting++;
    pthread_mutex_unlock(&pool->mutex);
    status = idc_call_wait(call, waiter.fd, POLLIN, pool->timeout_ms, err);
    pthread_mutex_lock(&pool->mutex);
    if (!waiter.is_granted)
        queue_remove(pool, &waiter);
    is_closed = pool->is_closed;
    pthread_mutex_unlock(&pool->mutex);
    close(waiter.fd);
    if (waiter.is_granted && status != IDC_CANCELED) {
        *conn = waiter.conn;
        return IDC_OK;
    }
    if (waiter.is_granted)
        place_give(pool, waiter.conn);
    if (is_closed)
        return fail_closed(err);
    return status == IDC_TIMEOUT ? fail_full(pool, idc_clock_ms() - started_ms, err) : status;
}

static IdcStatus
place_take(IdcPool *pool, IdcCall *call, IdcConn **conn, IdcError *err)
{
    pthread_mutex_lock(&pool->mutex);
    if (pool->is_closed) {
        pthread_mutex_unlock(&pool->mutex);
        return fail_closed(err);
    }
    if (pool->idle_count == 0 && pool->taken == pool->size)
        return place_wait(pool, call, conn, err);
    if (pool->idle_count > 0)
        *conn = pool->idle[--pool->idle_count];
    else
        pool->taken++;
    pthread_mutex_unlock(&pool->mutex);
    return IDC_OK;
}

/* The server says nothing to an idle session, unless it ends it. */
static bool
conn_is_alive(IdcConn *conn)
{
    struct pollfd fd = { .fd = PQsocket(conn->libpq), .events = POLLIN };

    if (!idc_conn_is_usable(conn))
        return false;
    /* Its last words and the end of the connection may come in two pieces. */
    for (int i = 0; i < 8 && poll(&fd, 1, 0) > 0; i++) {
        if (PQconsumeInput(conn->libpq) != 1)
            return false;
        (void) PQisBusy(conn->libpq);
        if (!idc_conn_is_usable(conn))
            return false;
    }
    return true;
}

IdcStatus
idc_pool_acquire(IdcPool *pool, IdcCall *call, IdcConn **conn, IdcError *err)
{
    IdcConn *found = NULL;
    IdcStatus status;

    pool_hold(pool);
    status = place_take(pool, call, &found, err);
    if (status != IDC_OK) {
        pool_leave(pool);
        return status;
    }
    if (found != NULL && !conn_is_alive(found)) {
        idc_log(&pool->log, IDC_INFO, "hub: an idle connection was lost and is replaced");
        idc_conn_close(found);
        found = NULL;
    }
    if (found == NULL) {
        status = idc_conn_open(pool->hub, call, &found, err);
        if (status != IDC_OK) {
            place_give(pool, NULL);
            pool_leave(pool);
            return status;
        }
        idc_log(&pool->log, IDC_INFO, "hub: a connection of at most %zu is open", pool->size);
    }
    *conn = found;
    return IDC_OK;
}

static bool
conn_is_clean(IdcConn *conn)
{
    IdcCall *call;
    IdcStatus status;

    idc_conn_abandon(conn);
    if (!idc_conn_is_usable(conn))
        return false;
    if (!conn->is_dirty && PQtransactionStatus(conn->libpq) == PQTRANS_IDLE)
        return true;
    call = idc_call_new();
    if (call == NULL)
        return false;
    idc_call_set_timeout(call, RESET_MS);
    status = idc_conn_reset(conn, call, NULL);
    idc_call_free(call);
    return status == IDC_OK && idc_conn_is_usable(conn);
}

void
idc_pool_release(IdcPool *pool, IdcConn *conn)
{
    if (conn == NULL)
        return;
    if (idc_pool_is_closed(pool) || !conn_is_clean(conn)) {
        idc_conn_close(conn);
        conn = NULL;
    }
    place_give(pool, conn);
    pool_leave(pool);
}

bool
idc_pool_is_closed(IdcPool *pool)
{
    bool is_closed;

    pthread_mutex_lock(&pool->mutex);
    is_closed = pool->is_closed;
    pthread_mutex_unlock(&pool->mutex);
    return is_closed;
}

void
idc_pool_status(IdcPool *pool, IdcPoolStatus *status)
{
    pthread_mutex_lock(&pool->mutex);
    *status = (IdcPoolStatus){
        .size = pool->size, .open = pool->taken, .idle = pool->idle_count, .waiting = pool->waiting
    };
    pthread_mutex_unlock(&pool->mutex);
}
