/*
 * test_links_waits.c - how a connection is waited for and given back: cancels, a full server,
 * threads.
 */
#include "links_fixture.h"

/* ---- waits ---- */

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
