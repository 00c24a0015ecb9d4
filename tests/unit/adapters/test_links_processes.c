/*
 * test_links_processes.c - connections of several processes with one file.
 */
#include "links_fixture.h"

/* ---- several processes ---- */

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

static void
note_press(void *presser)
{
    atomic_fetch_add((atomic_int *) presser, 1);
}

/* Whoever has one need not wait for what others have. */
static void
who_gets_none_goes_on_with_its_own(void **state)
{
    Server here = { 0 }, there = { 0 };
    char path[64];
    IdcLinks *one, *two;
    Scan *first, *held[2];
    Later later;
    atomic_int presses = 0;

    (void) state;
    make_file(path, sizeof path);
    one = make_links(&here, 3, 10000, 600000, open_file(path));
    two = make_links(&there, 3, 10000, 600000, open_file(path));
    held[0] = read_on(two, 1);
    held[1] = read_on(two, 1);
    first = new_scan(1, 1);
    first->scan.press = note_press;
    first->scan.presser = &presses;
    assert_int_equal(try_read(one, first), IDC_OK);
    later = (Later){ .links = one, .scan = new_scan(1, 1) };
    start_later(&later);
    while (presses == 0)
        sleep_ms(1);
    end_scan(first);
    pthread_join(later.thread, NULL);
    assert_int_equal(later.status, IDC_OK);
    assert_int_equal(here.connects, 1);
    end_scan(later.scan);
    assert_int_equal(finish(one, 1, 1, true, NULL), IDC_OK);
    end_scan(held[0]);
    end_scan(held[1]);
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
        cmocka_unit_test(processes_share_the_limit),
        cmocka_unit_test(a_killed_process_gives_its_slots_back),
        cmocka_unit_test(idle_ones_are_given_to_who_waits),
        cmocka_unit_test(second_links_never_wait_for_each_other),
        cmocka_unit_test(what_is_kept_is_given_back_first),
        cmocka_unit_test(who_gets_none_goes_on_with_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
