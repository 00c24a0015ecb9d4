/*
 * links_fixture.h - a server that is none, for tests of links: it counts, and sees two that use
 * one.
 */
#ifndef TEST_LINKS_FIXTURE_H
#define TEST_LINKS_FIXTURE_H

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

static inline void
use(IdcLink *link)
{
    Handle *handle = link->handle;

    if (atomic_exchange(&handle->is_used, true))
        fail_msg("connection %d is used by two", handle->number);
}

static inline void
unuse(IdcLink *link)
{
    atomic_store(&((Handle *) link->handle)->is_used, false);
}

static inline IdcStatus
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

static inline void
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

static inline bool
fake_is_alive(void *host, IdcLink *link)
{
    Server *server = host;

    use(link);
    unuse(link);
    return !atomic_load(&server->is_dead);
}

static inline IdcStatus
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

static inline IdcStatus
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

static inline IdcStatus
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

static inline bool
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

static inline IdcLinks *
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

static inline Scan *
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

static inline void
end_scan(Scan *scan)
{
    if (scan->link != NULL && scan->link->own != NULL)
        unuse(scan->link);
    idc_arena_free(scan->scan.arena);
    idc_call_free(scan->scan.call);
    free(scan);
}

static inline IdcStatus
try_read(IdcLinks *links, Scan *scan)
{
    IdcStatus status = idc_links_for_scan(links, &scan->scan, &scan->link, &scan->err);

    if (status == IDC_OK)
        use(scan->link);
    return status;
}

static inline Scan *
read_on(IdcLinks *links, uint64_t id)
{
    Scan *scan = new_scan(id, 1);

    if (try_read(links, scan) != IDC_OK)
        fail_msg("%s", scan->err.message);
    return scan;
}

static inline Scan *
write_on(IdcLinks *links, uint64_t id, int32_t level)
{
    Scan *scan = new_scan(id, level);

    if (idc_links_for_write(links, &scan->scan, &scan->link, &scan->err) != IDC_OK)
        fail_msg("%s", scan->err.message);
    use(scan->link);
    assert_true(scan->link->is_writer);
    return scan;
}

static inline void
break_link(Scan *scan)
{
    scan->link->is_broken = true;
}

static inline int
number_of(const Scan *scan)
{
    return ((Handle *) scan->link->handle)->number;
}

static inline IdcStatus
finish(IdcLinks *links, uint64_t id, int32_t level, bool is_commit, IdcError *err)
{
    IdcFinish given = { .id = id, .level = level, .is_commit = is_commit };

    return idc_links_finish(links, NULL, &given, err);
}

/* ---- what happens beside ---- */

typedef struct Later {
    pthread_t thread;
    IdcLinks *links;
    Scan *scan;
    uint64_t id;
    bool is_write, is_finish;
    int64_t after_ms, began_ms, ended_ms;
    IdcStatus status;
} Later;

static inline void *
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

static inline void
start_later(Later *later)
{
    assert_int_equal(pthread_create(&later->thread, NULL, later_main, later), 0);
}

static inline void
sleep_ms(int64_t ms)
{
    assert_int_equal(idc_call_wait(NULL, -1, 0, ms, NULL), IDC_TIMEOUT);
}

/* ---- the file of several processes ---- */

static inline const char *
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

static inline int
open_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

#endif
