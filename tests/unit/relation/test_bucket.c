/*
 * test_bucket.c - a bucket gives out what its rate allows, to all who share it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "relation/bucket.h"

enum { SECOND = 1000000 };

static int
taken_until(IdcBucket *bucket, int64_t from_us, int64_t until_us)
{
    int count = 0;

    for (int64_t now = from_us; now < until_us;) {
        int64_t wait = idc_bucket_take(bucket, now);

        if (wait == 0)
            count++;
        now += wait;
    }
    return count;
}

static void
burst_then_rate(void **state)
{
    IdcBucketWord word = 0;
    IdcBucket bucket = { .word = &word, .rate = 10, .burst = 5 };

    (void) state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(idc_bucket_take(&bucket, 7 * SECOND), 0);
    assert_int_equal(idc_bucket_take(&bucket, 7 * SECOND), SECOND / 10);
    assert_int_equal(idc_bucket_take(&bucket, 7 * SECOND), SECOND / 10);
    assert_int_equal(taken_until(&bucket, 7 * SECOND, 17 * SECOND), 99);
    /* Idle for long: the burst again, not more. */
    assert_int_equal(taken_until(&bucket, 1000 * SECOND, 1000 * SECOND + 1), 5);
}

static void
two_share_one(void **state)
{
    IdcBucketWord word = 0;
    IdcBucket one = { .word = &word, .rate = 2, .burst = 1 }, two = one;

    (void) state;
    assert_int_equal(idc_bucket_take(&one, SECOND), 0);
    assert_int_equal(idc_bucket_take(&two, SECOND), SECOND / 2);
    assert_int_equal(idc_bucket_take(&two, SECOND + SECOND / 2), 0);
    assert_int_equal(idc_bucket_take(&one, SECOND + SECOND / 2), SECOND / 2);
}

static void
moment_of_another_boot_counts_as_full(void **state)
{
    IdcBucketWord word = UINT64_C(900000) * SECOND;
    IdcBucket bucket = { .word = &word, .rate = 1, .burst = 3 };

    (void) state;
    assert_int_equal(idc_bucket_take(&bucket, 10 * SECOND), 0);
    assert_int_equal(idc_bucket_take(&bucket, 10 * SECOND), 0);
    word = UINT64_MAX;
    assert_int_equal(idc_bucket_take(&bucket, 10 * SECOND), 0);
}

/* Who read the clock before another took, and asks after it, must not get a full bucket. */
static void
older_clock_takes_nothing_more(void **state)
{
    enum { BEHIND = 300 };
    IdcBucketWord word = 0;
    IdcBucket bucket = { .word = &word, .rate = 20, .burst = 1 };

    (void) state;
    assert_int_equal(idc_bucket_take(&bucket, 7 * SECOND), 0);
    assert_int_equal(idc_bucket_take(&bucket, 7 * SECOND - BEHIND), SECOND / 20 + BEHIND);
    assert_int_equal(idc_bucket_take(&bucket, 7 * SECOND), SECOND / 20);
}

static void
numbers_without_meaning_are_bounded(void **state)
{
    IdcBucketWord word = 0;
    IdcBucket bucket = { .word = &word, .rate = 1e30, .burst = 1e30 };

    (void) state;
    assert_int_equal(idc_bucket_take(&bucket, 0), 0);
    bucket = (IdcBucket){ .word = &word, .rate = 0, .burst = 0 };
    word = 0;
    assert_int_equal(idc_bucket_take(&bucket, SECOND), 0);
    assert_true(idc_bucket_take(&bucket, SECOND) > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_then_rate),
        cmocka_unit_test(two_share_one),
        cmocka_unit_test(moment_of_another_boot_counts_as_full),
        cmocka_unit_test(older_clock_takes_nothing_more),
        cmocka_unit_test(numbers_without_meaning_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
