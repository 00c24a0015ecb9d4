/*
 * test_links.c - which connection a scan or a write gets, how it is waited for and given back:
 * threads, cancels, broken connections, a full server, and several processes with one file.
 */
#include <setjmp.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "adapters/common/links.h"
#include "adapters/common/slots.h"

/* ---- a server that is none ---- */

typedef struct Server {
    atomic_int open, most_open, connects, closes, begins, finishes, savepoints, fulls;
    atomic_int room;     /* 0: any number */
    atomic_bool is_dead; /* all connections that are idle */
    atomic_bool is_slow; /* nobody can connect until it is not */
    atomic_bool fails_begin, fails_finish, may_promote;
    atomic_bool keeps_slot; /* of the next connection that is closed */
    atomic_int kept_slot;
    atomic_int last_level;
    atomic_bool last_commit, first_was_writer;
} Server;

typedef struct Handle {
    atomic_bool is_used;
    int number;
    uint64_t transaction;
    bool has_first, is_old;
} Handle;

static void
use(IdcLink *link)
{
    Handle *handle = link->handle;

    if (atomic_exchange(&handle->is_used, true))
        fail_msg("connection %d is used by two", handle->number);
}

static void
unuse(IdcLink *link)
{
    atomic_store(&((Handle *) link->handle)->is_used, false);
}

static IdcStatus
fake_connect(void *host, IdcCall *call, IdcLink *link, bool *is_full, IdcError *err)
{
    Server *server = host;
    int open = atomic_fetch_add(&server->open, 1) + 1, most = atomic_load(&server->most_open);
    Handle *handle;

    (void) call;
    while (atomic_load(&server->is_slow))
        usleep(1000);
    if (atomic_load(&server->room) > 0 && open > atomic_load(&server->room)) {
        atomic_fetch_sub(&server->open, 1);
        atomic_fetch_add(&server->fulls, 1);
        *is_full = true;
        return idc_fail(err, IDC_CONNECTION_FAILED, "too many connections");
    }
    while (open > most && !atomic_compare_exchange_weak(&server->most_open, &most, open))
        continue;
    handle = calloc(1, sizeof *handle);
    assert_non_null(handle);
    handle->number = atomic_fetch_add(&server->connects, 1) + 1;
    link->handle = handle;
    return IDC_OK;
}

static void
fake_close(void *host, IdcLink *link)
{
    Server *server = host;

    if (atomic_exchange(&server->keeps_slot, false))
        atomic_store(&server->kept_slot, idc_link_keep_slot(link));
    use(link);
    free(link->handle);
    link->handle = NULL;
    atomic_fetch_add(&server->closes, 1);
    atomic_fetch_sub(&server->open, 1);
}

static bool
fake_is_alive(void *host, IdcLink *link)
{
    Server *server = host;

    use(link);
    unuse(link);
    return !atomic_load(&server->is_dead);
}

static IdcStatus
fake_begin(void *host, IdcCall *call, IdcLink *link, const IdcTransaction *transaction,
           IdcLink *first, IdcError *err)
{
    Server *server = host;
    Handle *handle = link->handle;

    (void) call;
    use(link);
    handle->transaction = transaction->id;
    handle->has_first = first != NULL;
    if (first != NULL) {
        assert_int_equal(((Handle *) first->handle)->transaction, transaction->id);
        atomic_store(&server->first_was_writer, first->is_writer);
    }
    atomic_fetch_add(&server->begins, 1);
    unuse(link);
    if (atomic_exchange(&server->fails_begin, false))
        return idc_fail(err, IDC_CONNECTION_FAILED, "begin failed");
    return IDC_OK;
}

static IdcStatus
fake_savepoint(void *host, IdcCall *call, IdcLink *link, int32_t level, IdcError *err)
{
    Server *server = host;

    (void) call;
    (void) err;
    use(link);
    atomic_fetch_add(&server->savepoints, 1);
    atomic_store(&server->last_level, level);
    unuse(link);
    return IDC_OK;
}

static IdcStatus
fake_finish(void *host, IdcCall *call, IdcLink *link, const IdcFinish *finish, IdcError *err)
{
    Server *server = host;

    (void) call;
    use(link);
    assert_int_equal(((Handle *) link->handle)->transaction, finish->id);
    atomic_fetch_add(&server->finishes, 1);
    atomic_store(&server->last_level, finish->level);
    atomic_store(&server->last_commit, finish->is_commit);
    unuse(link);
    if (atomic_exchange(&server->fails_finish, false))
        return idc_fail(err, IDC_SOURCE_FAILED, "finish failed");
    return IDC_OK;
}

static bool
fake_promote(void *host, IdcLink *link)
{
    Server *server = host;

    use(link);
    unuse(link);
    return atomic_load(&server->may_promote);
}

static const IdcLinkMethods methods = {
    .connect = fake_connect,
    .close = fake_close,
    .is_alive = fake_is_alive,
    .begin = fake_begin,
    .savepoint = fake_savepoint,
    .finish = fake_finish,
    .promote = fake_promote,
};

static IdcLinks *
make_links(Server *server, int64_t most, int64_t wait_ms, int64_t idle_ms, int fd)
{
    IdcLinkOptions options = {
        .max_connections = most, .wait_ms = wait_ms, .idle_ms = idle_ms, .shared_fd = fd
    };
    IdcLinks *links = NULL;

    assert_int_equal(idc_links_new(&methods, server, &options, &links, NULL), IDC_OK);
    return links;
}

/* ---- scans ---- */

typedef struct Scan {
    IdcSourceScan scan;
    IdcLink *link;
    IdcError err;
} Scan;

static Scan *
new_scan(uint64_t id, int32_t level)
{
    Scan *made = calloc(1, sizeof *made);

    assert_non_null(made);
    made->scan.arena = idc_arena_new(0);
    made->scan.call = idc_call_new();
    made->scan.transaction = (IdcTransaction){ .id = id, .level = level };
    idc_error_init(&made->err);
    return made;
}

static void
end_scan(Scan *scan)
{
    if (scan->link != NULL && scan->link->own != NULL)
        unuse(scan->link);
    idc_arena_free(scan->scan.arena);
    idc_call_free(scan->scan.call);
    free(scan);
}

static IdcStatus
try_read(IdcLinks *links, Scan *scan)
{
    IdcStatus status = idc_links_for_scan(links, &scan->scan, &scan->link, &scan->err);

    if (status == IDC_OK)
        use(scan->link);
    return status;
}

static Scan *
read_on(IdcLinks *links, uint64_t id)
{
    Scan *scan = new_scan(id, 1);

    if (try_read(links, scan) != IDC_OK)
        fail_msg("%s", scan->err.message);
    return scan;
}

static Scan *
write_on(IdcLinks *links, uint64_t id, int32_t level)
{
    Scan *scan = new_scan(id, level);

    if (idc_links_for_write(links, &scan->scan, &scan->link, &scan->err) != IDC_OK)
        fail_msg("%s", scan->err.message);
    use(scan->link);
    assert_true(scan->link->is_writer);
    return scan;
}

static void
break_link(Scan *scan)
{
    scan->link->is_broken = true;
}

static int
number_of(const Scan *scan)
{
    return ((Handle *) scan->link->handle)->number;
}

static IdcStatus
finish(IdcLinks *links, uint64_t id, int32_t level, bool is_commit, IdcError *err)
{
    IdcFinish given = { .id = id, .level = level, .is_commit = is_commit };

    return idc_links_finish(links, NULL, &given, err);
}

/* ---- who gets which ---- */

static void
without_a_transaction_they_come_from_the_pool(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 1000, 60000, -1);
    Scan *one = read_on(links, 0), *two = read_on(links, 0), *three;

    (void) state;
    assert_int_not_equal(number_of(one), number_of(two));
    assert_false(one->link->is_reused);
    end_scan(one);
    three = read_on(links, 0);
    assert_int_equal(number_of(three), 1);
    assert_true(three->link->is_reused);
    assert_false(three->scan.must_spool);
    end_scan(two);
    end_scan(three);
    assert_int_equal(server.connects, 2);
    assert_int_equal(server.begins, 0);
    idc_links_free(links);
    assert_int_equal(server.open, 0);
}

static void
a_second_release_takes_nothing_from_others(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 1000, 60000, -1);
    Scan *one = read_on(links, 0), *two, *three;

    (void) state;
    unuse(one->link);
    idc_link_release(one->link);
    two = read_on(links, 0);
    assert_int_equal(number_of(two), 1);
    idc_link_release(one->link);
    end_scan(one);
    three = read_on(links, 0);
    assert_int_equal(number_of(three), 2);
    end_scan(two);
    end_scan(three);
    idc_links_free(links);
}

static void
scans_of_a_transaction_share_and_wait_for_its_end(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 1000, 60000, -1);
    Scan *one = read_on(links, 7), *two = read_on(links, 7), *three;

    (void) state;
    assert_false(((Handle *) one->link->handle)->has_first);
    assert_true(((Handle *) two->link->handle)->has_first);
    end_scan(one);
    three = read_on(links, 7); /* idle, of the same transaction */
    assert_int_equal(number_of(three), 1);
    assert_int_equal(server.begins, 2);
    end_scan(two);
    end_scan(three);
    assert_int_equal(finish(links, 7, 1, true, NULL), IDC_OK);
    assert_int_equal(server.finishes, 2);
    assert_int_equal(finish(links, 7, 1, true, NULL), IDC_OK); /* nobody knows it */
    assert_int_equal(finish(links, 99, 2, false, NULL), IDC_OK);
    assert_int_equal(server.finishes, 2);
    one = read_on(links, 8);
    assert_int_equal(server.connects, 2);
    end_scan(one);
    assert_int_equal(finish(links, 8, 1, false, NULL), IDC_OK);
    assert_false(server.last_commit);
    idc_links_free(links);
}

static void
what_was_written_is_read_on_the_writer(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 1000, 60000, -1);
    Scan *before = read_on(links, 1), *write = write_on(links, 1, 1), *after;

    (void) state;
    assert_int_equal(number_of(write), 2);
    assert_true(((Handle *) write->link->handle)->has_first);
    end_scan(write);
    after = read_on(links, 1);
    assert_int_equal(number_of(after), 2);
    assert_true(after->scan.must_spool);
    assert_false(before->scan.must_spool);
    end_scan(after);
    write = write_on(links, 1, 1);
    assert_int_equal(number_of(write), 2);
    end_scan(write);
    end_scan(before);
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    assert_int_equal(server.finishes, 2);
    idc_links_free(links);
}

static void
a_reader_may_become_the_writer(void **state)
{
    Server server = { .may_promote = true };
    IdcLinks *links = make_links(&server, 1, 50, 60000, -1);
    Scan *scan;

    (void) state;
    end_scan(read_on(links, 1));
    end_scan(write_on(links, 1, 1));
    scan = read_on(links, 1);
    assert_true(scan->scan.must_spool);
    end_scan(scan);
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    assert_int_equal(server.connects, 1);
    idc_links_free(links);
}

static void
a_serializable_transaction_has_one_link(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 1000, 60000, -1);
    Scan *scan = new_scan(1, 1);

    (void) state;
    scan->scan.transaction.is_serializable = true;
    assert_int_equal(try_read(links, scan), IDC_OK);
    assert_true(scan->scan.must_spool);
    end_scan(scan);
    end_scan(write_on(links, 1, 1));
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    assert_int_equal(server.connects, 1);
    idc_links_free(links);
}

static void
the_only_connection_is_soon_free_again(void **state)
{
    Server server = { .may_promote = true };
    IdcLinks *links = make_links(&server, 1, 1000, 60000, -1);
    Scan *scan = read_on(links, 1);

    (void) state;
    assert_true(scan->scan.must_spool);
    end_scan(scan);
    end_scan(write_on(links, 1, 1));
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    idc_links_free(links);
}

static void
savepoints_follow_the_writer(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 1000, 60000, -1);

    (void) state;
    end_scan(read_on(links, 1));
    assert_int_equal(finish(links, 1, 3, false, NULL), IDC_OK); /* nothing was written there */
    end_scan(write_on(links, 1, 3));
    assert_int_equal(server.savepoints, 1);
    assert_int_equal(server.last_level, 3);
    end_scan(write_on(links, 1, 2)); /* deep enough */
    assert_int_equal(server.savepoints, 1);
    assert_int_equal(finish(links, 1, 3, false, NULL), IDC_OK);
    assert_int_equal(server.finishes, 1);
    assert_int_equal(finish(links, 1, 3, false, NULL), IDC_OK);
    assert_int_equal(server.finishes, 1);
    assert_int_equal(finish(links, 1, 2, true, NULL), IDC_OK);
    assert_int_equal(server.finishes, 2);
    end_scan(write_on(links, 1, 2));
    assert_int_equal(server.savepoints, 2);
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    idc_links_free(links);
}

/* ---- what breaks ---- */

static void
a_lost_writer_is_a_lost_transaction(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 1000, 60000, -1);
    Scan *scan = write_on(links, 1, 1);
    IdcError err;

    (void) state;
    break_link(scan);
    end_scan(scan);
    assert_int_equal(server.open, 0);
    scan = new_scan(1, 1);
    assert_int_equal(try_read(links, scan), IDC_CONNECTION_FAILED);
    assert_int_equal(idc_links_for_write(links, &scan->scan, &scan->link, &scan->err),
                     IDC_CONNECTION_FAILED);
    end_scan(scan);
    assert_int_equal(finish(links, 1, 2, false, &err), IDC_OK);
    assert_int_equal(finish(links, 1, 1, true, &err), IDC_CONNECTION_FAILED);
    assert_string_equal(err.sqlstate, "08006");
    end_scan(read_on(links, 2));
    assert_int_equal(finish(links, 2, 1, true, NULL), IDC_OK);
    idc_links_free(links);
}

static void
a_broken_reader_is_replaced(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 1, 50, 60000, -1);
    Scan *scan = read_on(links, 1);

    (void) state;
    break_link(scan);
    end_scan(scan);
    scan = read_on(links, 1);
    assert_int_equal(number_of(scan), 2);
    end_scan(scan);
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    idc_links_free(links);
}

static void
dead_idle_ones_are_replaced(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 2, 1000, 60000, -1);
    Scan *one = read_on(links, 0), *two = read_on(links, 0);

    (void) state;
    end_scan(one);
    end_scan(two);
    server.is_dead = true;
    one = read_on(links, 0);
    assert_int_equal(number_of(one), 3);
    assert_false(one->link->is_reused);
    assert_int_equal(server.open, 1);
    end_scan(one);
    server.is_dead = false;
    server.fails_begin = true; /* dead, but that shows at the first request only */
    one = read_on(links, 5);
    assert_int_equal(number_of(one), 4);
    end_scan(one);
    server.fails_begin = true; /* a new one that fails is a failure */
    one = new_scan(6, 1);
    assert_int_equal(finish(links, 5, 1, false, NULL), IDC_OK);
    server.is_dead = true;
    assert_int_equal(try_read(links, one), IDC_CONNECTION_FAILED);
    assert_string_equal(one->err.message, "begin failed");
    end_scan(one);
    assert_int_equal(finish(links, 6, 1, false, NULL), IDC_OK);
    assert_int_equal(server.open, 0);
    idc_links_free(links);
}

static void
a_link_is_renewed_before_anything_was_done(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 1, 100, 60000, -1);
    Scan *scan;

    (void) state;
    end_scan(read_on(links, 0));
    scan = read_on(links, 3);
    (void) idc_fail(&scan->err, IDC_CONNECTION_FAILED, "gone");
    unuse(scan->link);
    assert_int_equal(idc_link_renew(scan->link, &scan->scan, &scan->err), IDC_OK);
    use(scan->link);
    assert_int_equal(number_of(scan), 2);
    assert_int_equal(server.open, 1);
    assert_int_equal(server.begins, 2);
    /* It is a new one now. */
    (void) idc_fail(&scan->err, IDC_CONNECTION_FAILED, "gone");
    assert_int_equal(idc_link_renew(scan->link, &scan->scan, &scan->err), IDC_CONNECTION_FAILED);
    assert_string_equal(scan->err.message, "gone");
    end_scan(scan);
    assert_int_equal(finish(links, 3, 1, true, NULL), IDC_OK);
    end_scan(read_on(links, 4)); /* used once */
    scan = read_on(links, 4);
    (void) idc_fail(&scan->err, IDC_CONNECTION_FAILED, "gone");
    assert_int_equal(idc_link_renew(scan->link, &scan->scan, &scan->err), IDC_CONNECTION_FAILED);
    end_scan(scan);
    assert_int_equal(finish(links, 4, 1, true, NULL), IDC_OK);
    idc_links_free(links);
}

static void
a_commit_that_fails_ends_all_the_same(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 1000, 60000, -1);
    IdcError err;

    (void) state;
    end_scan(read_on(links, 1));
    end_scan(write_on(links, 1, 1));
    server.fails_finish = true;
    assert_int_equal(finish(links, 1, 1, true, &err), IDC_SOURCE_FAILED);
    assert_int_equal(server.finishes, 2);
    assert_false(server.last_commit); /* the reader */
    assert_int_equal(server.open, 1);
    assert_int_equal(finish(links, 1, 1, true, &err), IDC_OK);
    idc_links_free(links);
}

/* ---- waits ---- */

typedef struct Later {
    pthread_t thread;
    IdcLinks *links;
    Scan *scan;
    uint64_t id;
    bool is_write, is_finish;
    int64_t after_ms, began_ms, ended_ms;
    IdcStatus status;
} Later;

static void *
later_main(void *argument)
{
    Later *later = argument;

    later->began_ms = idc_clock_ms();
    if (later->is_finish)
        later->status = finish(later->links, later->id, 1, true, NULL);
    else if (later->is_write)
        later->status = idc_links_for_write(later->links, &later->scan->scan, &later->scan->link,
                                            &later->scan->err);
    else
        later->status = try_read(later->links, later->scan);
    if (later->is_write && later->status == IDC_OK)
        use(later->scan->link);
    later->ended_ms = idc_clock_ms();
    return NULL;
}

static void
start_later(Later *later)
{
    assert_int_equal(pthread_create(&later->thread, NULL, later_main, later), 0);
}

static void
sleep_ms(int64_t ms)
{
    assert_int_equal(idc_call_wait(NULL, -1, 0, ms, NULL), IDC_TIMEOUT);
}

static void
a_wait_is_canceled_at_once(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 1, 60000, 60000, -1);
    Scan *scan = read_on(links, 0);
    Later later = { .links = links, .scan = new_scan(0, 1) };
    int64_t canceled_ms;

    (void) state;
    start_later(&later);
    sleep_ms(50);
    canceled_ms = idc_clock_ms();
    idc_call_cancel(later.scan->scan.call);
    pthread_join(later.thread, NULL);
    assert_int_equal(later.status, IDC_CANCELED);
    assert_true(later.ended_ms - canceled_ms < 50);
    assert_true(later.scan->scan.stats.wait_us >= 40000);
    end_scan(later.scan);
    end_scan(scan);
    idc_links_free(links);
}

static void
a_wait_for_the_writer_is_canceled_or_served(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 60000, 60000, -1);
    Scan *scan = write_on(links, 1, 1);
    Later one = { .links = links, .scan = new_scan(1, 1), .is_write = true };
    Later two = { .links = links, .scan = new_scan(1, 1) };
    Later end = { .links = links, .id = 1, .is_finish = true };

    (void) state;
    start_later(&one);
    start_later(&two);
    sleep_ms(20);
    idc_call_cancel(one.scan->scan.call);
    pthread_join(one.thread, NULL);
    assert_int_equal(one.status, IDC_CANCELED);
    start_later(&end); /* waits for the link; the scan that waits for it has to give up */
    sleep_ms(20);
    end_scan(scan);
    pthread_join(two.thread, NULL);
    if (two.status == IDC_OK)
        assert_true(two.scan->scan.must_spool);
    else
        assert_int_equal(two.status, IDC_MISUSE);
    end_scan(two.scan);
    pthread_join(end.thread, NULL);
    assert_int_equal(end.status, IDC_OK);
    end_scan(one.scan);
    assert_int_equal(server.open, 1);
    idc_links_free(links);
}

/* A scan waits for a connection of its own; the only one there is becomes the writer meanwhile. */
static void
a_scan_that_gets_the_writer_is_spooled(void **state)
{
    Server server = { .may_promote = true, .room = 1 };
    IdcLinks *links = make_links(&server, 0, 60000, 60000, -1);
    Scan *scan = read_on(links, 1);
    Later later = { .links = links, .scan = new_scan(1, 2) };

    (void) state;
    server.is_slow = true;
    start_later(&later);
    while (server.open < 2)
        usleep(1000);
    end_scan(scan);
    scan = write_on(links, 1, 1);
    assert_int_equal(number_of(scan), 1);
    end_scan(scan);
    server.is_slow = false;
    pthread_join(later.thread, NULL);
    assert_int_equal(later.status, IDC_OK);
    assert_true(later.scan->link->is_writer);
    assert_true(later.scan->scan.must_spool);
    assert_int_equal(server.last_level, 2);
    end_scan(later.scan);
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    idc_links_free(links);
}

/* The hub reads on from the scans after the write: one connection is left for that. */
static void
scans_leave_a_connection_for_the_writer(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 2, 1000, 60000, -1);
    Scan *one = read_on(links, 1), *more = new_scan(1, 1), *two, *writer;

    (void) state;
    assert_false(one->scan.must_spool);
    assert_int_equal(idc_links_for_more(links, &more->scan, &more->link, &more->err), IDC_OK);
    assert_null(more->link);
    two = read_on(links, 1);
    assert_true(two->scan.must_spool);
    end_scan(two);
    writer = write_on(links, 1, 1);
    end_scan(writer);
    end_scan(more);
    end_scan(one);
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    idc_links_free(links);
}

static void
who_gets_no_slot_is_told(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 1, 60, 60000, -1);
    Scan *scan = read_on(links, 0), *other = new_scan(0, 1);
    int64_t began_ms = idc_clock_ms();

    (void) state;
    assert_int_equal(try_read(links, other), IDC_CONNECTION_FAILED);
    assert_string_equal(other->err.sqlstate, "53300");
    assert_non_null(strstr(other->err.message, "max_connections"));
    assert_true(idc_clock_ms() - began_ms >= 60);
    assert_int_equal(idc_links_for_more(links, &other->scan, &other->link, &other->err), IDC_OK);
    assert_null(other->link);
    end_scan(scan);
    assert_int_equal(idc_links_for_more(links, &other->scan, &other->link, &other->err), IDC_OK);
    assert_non_null(other->link);
    use(other->link);
    end_scan(other);
    idc_links_free(links);
}

static void
a_slot_may_be_kept_after_the_end(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 1, 100, 600000, -1);
    Scan *scan = read_on(links, 0);

    (void) state;
    atomic_store(&server.keeps_slot, true);
    break_link(scan);
    end_scan(scan);
    assert_int_equal(server.open, 0);
    scan = new_scan(0, 1);
    assert_int_equal(try_read(links, scan), IDC_CONNECTION_FAILED);
    assert_string_equal(scan->err.sqlstate, "53300");
    end_scan(scan);
    idc_links_give_back(links, server.kept_slot);
    end_scan(read_on(links, 0));
    assert_int_equal(server.most_open, 1);
    idc_links_close_all(links);
    assert_int_equal(server.open, 0);
    idc_links_free(links);
}

static void
a_full_server_is_asked_again(void **state)
{
    Server server = { .room = 1 };
    IdcLinks *links = make_links(&server, 0, 5000, 60000, -1);
    IdcLinks *others = make_links(&server, 0, 100, 60000, -1);
    Scan *scan = read_on(links, 0);
    Later later = { .links = others, .scan = new_scan(0, 1) };

    (void) state;
    assert_int_equal(try_read(others, later.scan), IDC_CONNECTION_FAILED);
    assert_string_equal(later.scan->err.sqlstate, "53300");
    assert_non_null(strstr(later.scan->err.message, "too many connections"));
    assert_true(server.fulls > 2 && server.fulls < 15);
    start_later(&later);
    sleep_ms(30);
    break_link(scan);
    end_scan(scan);
    pthread_join(later.thread, NULL);
    assert_int_equal(later.status, IDC_OK);
    end_scan(later.scan);
    idc_links_free(others);
    idc_links_free(links);
    assert_int_equal(server.open, 0);
}

static void
idle_ones_are_closed_in_time(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 1000, 40, -1);
    int64_t began_ms;

    (void) state;
    end_scan(read_on(links, 0));
    assert_int_equal(server.open, 1);
    began_ms = idc_clock_ms();
    while (server.open > 0 && idc_clock_ms() - began_ms < 5000)
        sleep_ms(2);
    assert_true(idc_clock_ms() - began_ms >= 30);
    assert_true(idc_clock_ms() - began_ms < 1000);
    end_scan(read_on(links, 1)); /* of a transaction: not idle */
    sleep_ms(100);
    assert_int_equal(server.open, 1);
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    sleep_ms(150);
    assert_int_equal(server.open, 0);
    idc_links_free(links);
}

/* ---- many threads ---- */

enum { THREADS = 12, ROUNDS = 150, ROOM = 5 };

typedef struct Crowd {
    IdcLinks *links;
    Server *server;
    atomic_int failures;
} Crowd;

static void *
crowd_main(void *argument)
{
    Crowd *crowd = argument;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned dice = (unsigned) (idc_clock_us() * 7 + i) % 16;
        Scan *scan = new_scan(dice < 8 ? 1 : 0, 1);
        IdcStatus status;

        if (dice == 15)
            idc_call_cancel(scan->scan.call);
        if (dice == 3)
            status = idc_links_for_more(crowd->links, &scan->scan, &scan->link, &scan->err);
        else
            status = idc_links_for_scan(crowd->links, &scan->scan, &scan->link, &scan->err);
        if (status == IDC_OK && scan->link != NULL) {
            use(scan->link);
            if (dice % 5 == 0)
                sleep_ms(1);
            if (dice == 9)
                break_link(scan);
        } else if (status != IDC_OK && dice != 15) {
            atomic_fetch_add(&crowd->failures, 1);
        }
        end_scan(scan);
    }
    return NULL;
}

static void
many_threads_keep_within_the_limit(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, ROOM, 20000, 3, -1);
    Crowd crowd = { .links = links, .server = &server };
    pthread_t threads[THREADS];

    (void) state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_main, &crowd), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.failures, 0);
    assert_true(server.most_open <= ROOM);
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    idc_links_free(links);
    assert_int_equal(server.open, 0);
    assert_int_equal(server.connects, server.closes);
}

static void *
writers_main(void *argument)
{
    Crowd *crowd = argument;

    for (int i = 0; i < ROUNDS; i++) {
        Scan *scan = new_scan(1, 1 + i % 3);
        bool is_write = (idc_clock_us() + i) % 2 == 0;
        IdcStatus status =
            is_write ? idc_links_for_write(crowd->links, &scan->scan, &scan->link, &scan->err)
                     : idc_links_for_scan(crowd->links, &scan->scan, &scan->link, &scan->err);

        if (status == IDC_OK)
            use(scan->link);
        else
            atomic_fetch_add(&crowd->failures, 1);
        end_scan(scan);
    }
    return NULL;
}

static void
readers_and_writers_mix(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 20000, 60000, -1);
    Crowd crowd = { .links = links, .server = &server };
    pthread_t threads[THREADS];

    (void) state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, writers_main, &crowd), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.failures, 0);
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    assert_int_equal(server.begins, server.finishes);
    idc_links_free(links);
}

/* ---- several processes ---- */

static const char *
make_file(char *path, size_t size)
{
    int fd;

    (void) snprintf(path, size, "/tmp/test_links.XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 64), 0);
    close(fd);
    return path;
}

static int
open_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* What the processes count together; in shared memory. */
typedef struct Counts {
    atomic_int open, most_open, failures, served;
} Counts;

static void
count_open(Counts *counts)
{
    int open = atomic_fetch_add(&counts->open, 1) + 1, most = atomic_load(&counts->most_open);

    while (open > most && !atomic_compare_exchange_weak(&counts->most_open, &most, open))
        continue;
}

/* A child: scans of one link, and now and then of as many at once as are sure to be had. */
static void
child_main(const char *path, Counts *counts, int most, int at_once, int rounds, unsigned seed)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, most, 60000, 60000, open_file(path));

    for (int i = 0; i < rounds; i++) {
        uint64_t id = (uint64_t) i + 1;
        int scans = (seed + (unsigned) i) % 4 == 0 ? at_once : 1;
        Scan *scan[4];

        for (int j = 0; j < scans; j++) {
            scan[j] = new_scan(id, 1);
            if (try_read(links, scan[j]) != IDC_OK) {
                atomic_fetch_add(&counts->failures, 1);
                scan[j]->link = NULL;
            } else {
                count_open(counts);
            }
            sleep_ms(1);
        }
        for (int j = 0; j < scans; j++) {
            if (scan[j]->link != NULL)
                atomic_fetch_sub(&counts->open, 1);
            end_scan(scan[j]);
        }
        (void) finish(links, id, 1, true, NULL);
        atomic_fetch_add(&counts->served, 1);
    }
    idc_links_free(links);
    _exit(0);
}

static Counts *
shared_counts(void)
{
    Counts *counts =
        mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(counts != MAP_FAILED);
    return counts;
}

static void
check_processes(int most, int at_once)
{
    enum { CHILDREN = 30, CHILD_ROUNDS = 10 };

    char path[64];
    Counts *counts = shared_counts();
    pid_t children[CHILDREN];

    make_file(path, sizeof path);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            child_main(path, counts, most, at_once, CHILD_ROUNDS, (unsigned) i);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(counts->failures, 0);
    assert_int_equal(counts->served, CHILDREN * CHILD_ROUNDS);
    assert_true(counts->most_open <= most);
    assert_true(counts->most_open >= most / 2);
    unlink(path);
    munmap(counts, sizeof *counts);
}

static void
processes_share_the_limit(void **state)
{
    (void) state;
    check_processes(1, 1);
    check_processes(6, 2);
    check_processes(16, 4);
}

/* The parent has two files open of one path, as two processes would. */
static void
a_killed_process_gives_its_slots_back(void **state)
{
    Server server = { 0 };
    char path[64];
    int status, ready[2];
    IdcLinks *links;
    Scan *scan = new_scan(0, 1);
    pid_t child;
    int64_t began_ms;

    (void) state;
    make_file(path, sizeof path);
    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        IdcLinks *mine = make_links(&server, 1, 60000, 60000, open_file(path));

        (void) read_on(mine, 0);
        (void) !write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &status, 1), 1);
    links = make_links(&server, 1, 30, 60000, open_file(path));
    assert_int_equal(try_read(links, scan), IDC_CONNECTION_FAILED);
    end_scan(scan);
    idc_links_free(links);
    links = make_links(&server, 1, 10000, 60000, open_file(path));
    kill(child, SIGKILL);
    began_ms = idc_clock_ms();
    end_scan(read_on(links, 0));
    assert_true(idc_clock_ms() - began_ms < 500);
    assert_int_equal(waitpid(child, &status, 0), child);
    idc_links_free(links);
    close(ready[0]);
    close(ready[1]);
    unlink(path);
}

static void
idle_ones_are_given_to_who_waits(void **state)
{
    Server here = { 0 }, there = { 0 };
    char path[64];
    IdcLinks *one, *two;
    Scan *reader, *extra;
    int64_t began_ms;

    (void) state;
    make_file(path, sizeof path);
    one = make_links(&here, 2, 10000, 600000, open_file(path));
    two = make_links(&there, 2, 10000, 600000, open_file(path));
    end_scan(read_on(one, 0));
    reader = read_on(one, 9);
    assert_int_equal(here.open, 1);
    extra = read_on(one, 9); /* the one that is kept */
    assert_int_equal(here.open, 2);
    end_scan(extra);
    end_scan(reader);
    assert_int_equal(here.open, 2); /* idle, in a transaction */
    assert_int_equal(finish(one, 9, 1, true, NULL), IDC_OK);
    began_ms = idc_clock_ms();
    reader = read_on(two, 0);
    assert_true(idc_clock_ms() - began_ms < 100);
    assert_int_equal(here.open, 0);
    end_scan(reader);
    assert_int_equal(there.open, 1);
    end_scan(read_on(one, 0)); /* and back */
    assert_int_equal(there.open, 0);
    idc_links_free(one);
    idc_links_free(two);
    unlink(path);
}

static void
second_links_never_wait_for_each_other(void **state)
{
    Server here = { 0 }, there = { 0 };
    char path[64];
    IdcLinks *one, *two;
    Scan *first, *second, *third;
    Later later;

    (void) state;
    make_file(path, sizeof path);
    one = make_links(&here, 3, 10000, 600000, open_file(path));
    two = make_links(&there, 3, 10000, 600000, open_file(path));
    first = read_on(one, 1);
    later = (Later){ .links = two, .scan = read_on(two, 1) };
    second = read_on(one, 1);
    third = later.scan;
    later.scan = new_scan(1, 1);
    start_later(&later); /* waits for the one that is kept */
    sleep_ms(50);
    assert_int_equal(there.open, 1);
    end_scan(second);
    end_scan(first);
    assert_int_equal(finish(one, 1, 1, true, NULL), IDC_OK);
    pthread_join(later.thread, NULL);
    assert_int_equal(later.status, IDC_OK);
    end_scan(later.scan);
    end_scan(third);
    assert_int_equal(finish(two, 1, 1, true, NULL), IDC_OK);
    idc_links_free(one);
    idc_links_free(two);
    unlink(path);
}

/* Whichever of its connections ends first, a process that has one left has none that is kept. */
static void
what_is_kept_is_given_back_first(void **state)
{
    Server servers[3] = { 0 };
    IdcLinks *links[3];
    char path[64];
    Scan *scans[3], *more;
    Later later;

    (void) state;
    make_file(path, sizeof path);
    for (int i = 0; i < 3; i++)
        links[i] = make_links(&servers[i], 3, 10000, 0, open_file(path));
    scans[0] = read_on(links[0], 0);
    scans[1] = read_on(links[1], 0);
    more = read_on(links[0], 0); /* the one that is kept */
    later = (Later){ .links = links[2], .scan = new_scan(0, 1) };
    start_later(&later);
    end_scan(scans[0]);
    sleep_ms(50);
    scans[0] = new_scan(0, 1);
    assert_int_equal(idc_links_for_more(links[0], &scans[0]->scan, &scans[0]->link, NULL), IDC_OK);
    assert_non_null(scans[0]->link);
    use(scans[0]->link);
    assert_int_equal(servers[2].open, 0);
    end_scan(more);
    end_scan(scans[0]);
    pthread_join(later.thread, NULL);
    assert_int_equal(later.status, IDC_OK);
    end_scan(scans[1]);
    end_scan(later.scan);
    for (int i = 0; i < 3; i++)
        idc_links_free(links[i]);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_transaction_they_come_from_the_pool),
        cmocka_unit_test(a_second_release_takes_nothing_from_others),
        cmocka_unit_test(scans_of_a_transaction_share_and_wait_for_its_end),
        cmocka_unit_test(what_was_written_is_read_on_the_writer),
        cmocka_unit_test(a_reader_may_become_the_writer),
        cmocka_unit_test(a_serializable_transaction_has_one_link),
        cmocka_unit_test(the_only_connection_is_soon_free_again),
        cmocka_unit_test(savepoints_follow_the_writer),
        cmocka_unit_test(a_lost_writer_is_a_lost_transaction),
        cmocka_unit_test(a_broken_reader_is_replaced),
        cmocka_unit_test(dead_idle_ones_are_replaced),
        cmocka_unit_test(a_link_is_renewed_before_anything_was_done),
        cmocka_unit_test(a_commit_that_fails_ends_all_the_same),
        cmocka_unit_test(a_wait_is_canceled_at_once),
        cmocka_unit_test(a_wait_for_the_writer_is_canceled_or_served),
        cmocka_unit_test(a_scan_that_gets_the_writer_is_spooled),
        cmocka_unit_test(scans_leave_a_connection_for_the_writer),
        cmocka_unit_test(who_gets_no_slot_is_told),
        cmocka_unit_test(a_slot_may_be_kept_after_the_end),
        cmocka_unit_test(a_full_server_is_asked_again),
        cmocka_unit_test(idle_ones_are_closed_in_time),
        cmocka_unit_test(many_threads_keep_within_the_limit),
        cmocka_unit_test(readers_and_writers_mix),
        cmocka_unit_test(processes_share_the_limit),
        cmocka_unit_test(a_killed_process_gives_its_slots_back),
        cmocka_unit_test(idle_ones_are_given_to_who_waits),
        cmocka_unit_test(second_links_never_wait_for_each_other),
        cmocka_unit_test(what_is_kept_is_given_back_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
