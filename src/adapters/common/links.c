/*
 * links.c - which link a scan or a write gets, and what begins and ends with it.
 */
#include "adapters/common/links_private.h"

#include "adapters/common/declare_links.h"
#include "base/memory.h"

/* ---- transactions; the lock is held ---- */

static IdcLinkTransaction *
find_transaction(const IdcLinks *links, uint64_t id)
{
    for (IdcLinkTransaction *found = links->transactions; found != NULL; found = found->next)
        if (found->given.id == id)
            return found;
    return NULL;
}

static IdcLinkTransaction *
find_or_make(IdcLinks *links, const IdcTransaction *given, IdcError *err)
{
    IdcLinkTransaction *found = find_transaction(links, given->id);

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
remove_transaction(IdcLinks *links, IdcLinkTransaction *transaction)
{
    IdcLinkTransaction **place = &links->transactions;

    while (*place != transaction)
        place = &(*place)->next;
    *place = transaction->next;
    idc_free(transaction);
}

static IdcStatus
check_usable(const IdcLinkTransaction *transaction, IdcError *err)
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
begin_conn(IdcLinks *links, IdcLinkConn *conn, const IdcTransaction *given, IdcLinkConn *first,
           IdcCall *call, IdcError *err)
{
    if (links->methods.begin == NULL)
        return IDC_OK;
    return links->methods.begin(links->host, call, &conn->link, given,
                                first == NULL ? NULL : &first->link, err);
}

/* Begins the transaction on conn, which is of none; it is dropped on failure. */
static IdcStatus
join(IdcLinks *links, IdcLinkTransaction *transaction, const IdcLinkWant *want, IdcLinkConn *conn,
     IdcLinkConn *first, IdcError *err)
{
    IdcStatus status;

    conn->link.is_torn = first == NULL && transaction->is_torn;
    pthread_mutex_unlock(&links->lock);
    status = begin_conn(links, conn, &transaction->given, first, want->scan->call, err);
    pthread_mutex_lock(&links->lock);
    if (status != IDC_OK) {
        idc_links_drop(links, conn);
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
add_conn(IdcLinks *links, IdcLinkTransaction *transaction, const IdcLinkWant *want,
         IdcLinkConn **conn, IdcError *err)
{
    IdcLinkConn *first = idc_links_oldest(links, transaction, NULL);
    bool was_reused;
    IdcStatus status;

    transaction->is_beginning = first == NULL;
    transaction->is_writer_coming |= want->is_writer;
    if (first != NULL)
        first->pins++;
    do {
        status = idc_links_take(links, transaction, want, conn, err);
        was_reused = *conn != NULL && (*conn)->link.is_reused;
        if (*conn != NULL && (*conn)->transaction == NULL)
            status = join(links, transaction, want, *conn, first, err);
    } while (status == IDC_CONNECTION_FAILED && was_reused &&
             !idc_call_is_cancelled(want->scan->call));
    idc_links_unpin(links, first);
    if (first == NULL)
        transaction->is_beginning = false;
    if (want->is_writer)
        transaction->is_writer_coming = false;
    idc_links_wake(links);
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
lease(IdcLinks *links, IdcLinkConn *conn, IdcSourceScan *scan, IdcLink **link, IdcError *err)
{
    IdcLink *made = idc_arena_alloc(scan->arena, sizeof *made);
    struct IdcLinkPrivate *own = idc_arena_alloc(scan->arena, sizeof *own);

    if (made == NULL || own == NULL ||
        idc_arena_on_free(scan->arena, release_at_end, made) != IDC_OK) {
        idc_links_make_idle(links, conn);
        return idc_fail_no_memory(err);
    }
    conn->uses++;
    *made = conn->link;
    made->own = own;
    own->conn = conn;
    conn->scan = scan;
    *link = made;
    return IDC_OK;
}

void
idc_link_release(IdcLink *link)
{
    IdcLinks *links;
    IdcLinkConn *conn;

    if (link == NULL || link->own == NULL)
        return;
    links = link->links;
    conn = link->own->conn;
    link->own = NULL;
    pthread_mutex_lock(&links->lock);
    conn->scan = NULL;
    conn->link.is_broken = link->is_broken;
    if (conn->link.is_broken)
        idc_links_drop(links, conn);
    else
        idc_links_make_idle(links, conn);
    pthread_mutex_unlock(&links->lock);
}

/* Brings the writer, busy from here on, to the level. Gives the lock away. */
static IdcStatus
use_writer(IdcLinks *links, const IdcLinkWant *want, IdcLinkConn *conn, IdcError *err)
{
    int32_t level = want->scan->transaction.level;
    IdcStatus status;

    conn->state = IDC_LINK_BUSY;
    if (level <= conn->level || links->methods.savepoint == NULL)
        return IDC_OK;
    pthread_mutex_unlock(&links->lock);
    status = links->methods.savepoint(links->host, want->scan->call, &conn->link, level, err);
    pthread_mutex_lock(&links->lock);
    if (status == IDC_OK)
        conn->level = level;
    else /* Who knows how far it came. */
        idc_links_drop(links, conn);
    return status;
}

/* The transaction's writer, busy; waits for it as long as the call may. */
static IdcStatus
take_writer(IdcLinks *links, IdcLinkTransaction *transaction, const IdcLinkWant *want,
            IdcLinkConn **conn, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (;;) {
        status = check_usable(transaction, err);
        if (status != IDC_OK)
            return status;
        *conn = transaction->writer != NULL ? transaction->writer
                                            : idc_links_promote(links, transaction);
        if (*conn != NULL && (*conn)->state == IDC_LINK_IDLE)
            return use_writer(links, want, *conn, err);
        if (*conn == NULL && !transaction->is_beginning && !transaction->is_writer_coming) {
            status = add_conn(links, transaction, want, conn, err);
            return status == IDC_OK ? use_writer(links, want, *conn, err) : status;
        }
        status = idc_links_wait(links, want->scan->call, -1, err);
        if (status != IDC_OK)
            return status;
    }
}

/* A link of the transaction that reads; NULL: it may not wait. *is_on_writer: the writer it is. */
static IdcStatus
take_reader(IdcLinks *links, IdcLinkTransaction *transaction, const IdcLinkWant *want,
            IdcLinkConn **conn, bool *is_on_writer, IdcError *err)
{
    for (;;) {
        IdcStatus status = check_usable(transaction, err);

        *is_on_writer = transaction->writer != NULL || transaction->is_writer_coming ||
                        transaction->given.is_serializable;
        if (status != IDC_OK || (*is_on_writer && !want->may_wait))
            return status;
        if (*is_on_writer) {
            IdcLinkWant writer = *want;

            writer.is_writer = true;
            return take_writer(links, transaction, &writer, conn, err);
        }
        *conn = idc_links_idle(links, transaction);
        if (*conn != NULL) {
            (*conn)->state = IDC_LINK_BUSY;
            return IDC_OK;
        }
        if (!transaction->is_beginning) {
            status = add_conn(links, transaction, want, conn, err);
            /* While it waited for one of its own, one that was idle may have become the writer. */
            *is_on_writer = status == IDC_OK && *conn != NULL && *conn == transaction->writer;
            return *is_on_writer ? use_writer(links, want, *conn, err) : status;
        }
        status = want->may_wait ? idc_links_wait(links, want->scan->call, -1, err) : IDC_OK;
        if (status != IDC_OK || !want->may_wait)
            return status;
    }
}

/* Where all connections but `spare` that there may be are at work for the transaction: they may
 * have to wait for the hub, which waits for a write that gets none. */
static bool
leaves_none(const IdcLinks *links, const IdcLinkTransaction *transaction, int64_t spare)
{
    int64_t busy = 0;

    for (IdcLinkConn *conn = links->conns; conn != NULL; conn = conn->next)
        busy += conn->transaction == transaction && conn->state == IDC_LINK_BUSY;
    return links->options.max_connections > 0 && busy + spare >= links->options.max_connections;
}

static IdcStatus
take_any(IdcLinks *links, const IdcLinkWant *want, IdcLink **link, IdcError *err)
{
    const IdcTransaction *given = &want->scan->transaction;
    IdcLinkTransaction *transaction = NULL;
    IdcLinkConn *conn = NULL;
    bool is_on_writer = false;
    IdcStatus status = IDC_OK;

    if (given->id != 0) {
        transaction = find_or_make(links, given, err);
        if (transaction == NULL)
            return IDC_NO_MEMORY;
    }
    if (transaction == NULL) {
        status = idc_links_take(links, NULL, want, &conn, err);
    } else if (!want->may_wait && leaves_none(links, transaction, 1)) {
        return IDC_OK;
    } else {
        transaction->users++;
        status = want->is_writer ? take_writer(links, transaction, want, &conn, err)
                                 : take_reader(links, transaction, want, &conn, &is_on_writer, err);
        transaction->users--;
        idc_links_wake(links);
    }
    if (status != IDC_OK || conn == NULL)
        return status;
    /* The last connection cannot be kept while the hub takes its time: it may be wanted next. */
    want->scan->must_spool |= is_on_writer || links->options.max_connections == 1 ||
                              (transaction != NULL && leaves_none(links, transaction, 0));
    return lease(links, conn, want->scan, link, err);
}

static IdcStatus
take(IdcLinks *links, IdcSourceScan *scan, bool is_writer, bool may_wait, IdcLink **link,
     IdcError *err)
{
    IdcLinkWant want = { .scan = scan,
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
renew_conn(IdcLinks *links, IdcLinkConn *conn, IdcSourceScan *scan, IdcError *err)
{
    IdcLinkTransaction *transaction = conn->transaction;
    IdcLinkConn *first = transaction == NULL ? NULL : idc_links_oldest(links, transaction, conn);
    int slot = conn->slot;
    bool is_full = false;
    IdcStatus status;

    if (first != NULL)
        first->pins++;
    conn->slot = IDC_SLOT_NONE; /* nothing to be kept by close() */
    pthread_mutex_unlock(&links->lock);
    links->methods.close(links->host, &conn->link);
    conn->link.handle = NULL;
    conn->slot = slot;
    status = links->methods.connect(links->host, scan->call, &conn->link, &is_full, err);
    if (status == IDC_OK && transaction != NULL)
        status = begin_conn(links, conn, &transaction->given, first, scan->call, err);
    if (status == IDC_OK && conn->level > 1 && links->methods.savepoint != NULL)
        status = links->methods.savepoint(links->host, scan->call, &conn->link, conn->level, err);
    pthread_mutex_lock(&links->lock);
    idc_links_unpin(links, first);
    return status;
}

/* Nothing was done on it, and nobody began with what it began with. */
static bool
may_renew(const IdcLinks *links, const IdcLinkConn *conn)
{
    if (conn->uses > 1 || conn->pins > 0)
        return false;
    return conn->transaction == NULL || idc_links_oldest(links, conn->transaction, NULL) != conn ||
           idc_links_oldest(links, conn->transaction, conn) == NULL;
}

IdcStatus
idc_link_renew(IdcLink *link, IdcSourceScan *scan, IdcError *err)
{
    IdcLinks *links = link->links;
    IdcStatus failed = err == NULL ? IDC_CONNECTION_FAILED : err->status;
    IdcStatus status = IDC_OK;
    IdcLinkConn *conn;

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
    idc_links_wake(links);
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
finish_conn(IdcLinks *links, IdcLinkConn *conn, IdcCall *call, const IdcFinish *finish,
            IdcError *err)
{
    IdcStatus status = IDC_OK;

    conn->state = IDC_LINK_BUSY;
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
finish_level(IdcLinks *links, IdcLinkTransaction *transaction, IdcCall *call,
             const IdcFinish *finish, IdcError *err)
{
    IdcStatus status = IDC_OK;
    IdcLinkConn *conn;

    while (status == IDC_OK &&
           (transaction->is_writer_coming ||
            (transaction->writer != NULL && transaction->writer->state == IDC_LINK_BUSY)))
        status = idc_links_wait(links, call, -1, err);
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
        idc_links_drop(links, conn);
    else
        idc_links_make_idle(links, conn);
    return status;
}

/* Somebody uses it. */
static bool
is_at_work(const IdcLinks *links, const IdcLinkTransaction *transaction)
{
    return transaction->users > 0 || idc_links_busy(links, transaction) != NULL;
}

/* The link goes back to the pool, or is closed. */
static IdcStatus
finish_one(IdcLinks *links, IdcLinkConn *conn, IdcCall *call, const IdcFinish *finish,
           IdcError *err)
{
    IdcStatus status = finish_conn(links, conn, call, finish, err);

    if (conn->transaction->writer == conn)
        conn->transaction->writer = NULL;
    conn->transaction = NULL;
    conn->link.is_writer = conn->link.is_torn = false;
    if (conn->link.is_broken)
        idc_links_drop(links, conn);
    else
        idc_links_make_idle(links, conn);
    return status;
}

/* What became of the readers tells nobody anything. */
static void
finish_readers(IdcLinks *links, const IdcLinkTransaction *transaction, IdcCall *call,
               const IdcFinish *finish)
{
    IdcLinkConn *conn;
    IdcError ignored;

    while ((conn = idc_links_idle(links, transaction)) != NULL)
        (void) finish_one(links, conn, call, finish, &ignored);
}

static IdcStatus
finish_all(IdcLinks *links, IdcLinkTransaction *transaction, IdcCall *call, const IdcFinish *finish,
           IdcError *err)
{
    IdcFinish rest = *finish;
    IdcStatus status = IDC_OK;

    if (transaction->is_finishing)
        return idc_fail(err, IDC_MISUSE, "the transaction is ending already");
    transaction->is_finishing = true;
    idc_links_wake(links);
    while (status == IDC_OK && is_at_work(links, transaction))
        status = idc_links_wait(links, call, -1, err);
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
    idc_links_wake(links);
    return status;
}

IdcStatus
idc_links_finish(IdcLinks *links, IdcCall *call, const IdcFinish *finish, IdcError *err)
{
    IdcLinkTransaction *transaction;
    IdcStatus status = IDC_OK;

    pthread_mutex_lock(&links->lock);
    transaction = find_transaction(links, finish->id);
    if (transaction != NULL && finish->level > 1) {
        transaction->users++;
        status = finish_level(links, transaction, call, finish, err);
        transaction->users--;
        idc_links_wake(links);
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

void
idc_links_close_all(IdcLinks *links)
{
    idc_links_end_keeper(links);
    while (links->conns != NULL) {
        IdcLinkConn *conn = links->conns;

        links->conns = conn->next;
        idc_links_close(links, conn);
    }
}

void
idc_links_free(IdcLinks *links)
{
    if (links == NULL)
        return;
    idc_links_close_all(links);
    while (links->transactions != NULL)
        remove_transaction(links, links->transactions);
    idc_slots_free(links->slots);
    pthread_cond_destroy(&links->for_keeper);
    pthread_mutex_destroy(&links->lock);
    idc_free(links);
}
