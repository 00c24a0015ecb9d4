/*
 * test_links.c - which connection a scan or a write gets, and what becomes of it where one
 * breaks.
 */
#include "links_fixture.h"

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

/* It stays in its transaction until it is released, but nobody begins with it. */
static void
a_link_that_cannot_be_renewed_is_nobodys_first(void **state)
{
    Server server = { 0 };
    IdcLinks *links = make_links(&server, 0, 0, 60000, -1);
    Scan *one, *two, *other = read_on(links, 0);

    (void) state;
    end_scan(read_on(links, 0));
    one = read_on(links, 1);
    assert_true(one->link->is_reused);
    (void) idc_fail(&one->err, IDC_CONNECTION_FAILED, "it was dead");
    atomic_store(&server.room, 1);
    unuse(one->link);
    assert_int_equal(idc_link_renew(one->link, &one->scan, &one->err), IDC_CONNECTION_FAILED);
    atomic_store(&server.room, 0);
    two = read_on(links, 1);
    assert_false(((Handle *) two->link->handle)->has_first);
    end_scan(two);
    idc_link_release(one->link);
    end_scan(one);
    end_scan(other);
    assert_int_equal(finish(links, 1, 1, true, NULL), IDC_OK);
    idc_links_free(links);
    assert_int_equal(server.open, 0);
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
        cmocka_unit_test(a_link_that_cannot_be_renewed_is_nobodys_first),
        cmocka_unit_test(a_commit_that_fails_ends_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
