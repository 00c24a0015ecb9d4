/*
 * test_call.c - waits end by an event, a deadline or a cancel from another thread.
 */
#include <setjmp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/call.h"

static void
a_wait_ends_by_its_event(void **state)
{
    IdcCall *call = idc_call_new();
    int ends[2];

    (void) state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(idc_call_wait(call, ends[1], POLLOUT, -1, NULL), IDC_OK);
    assert_int_equal(idc_call_wait(NULL, ends[1], POLLOUT, -1, NULL), IDC_OK);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(idc_call_wait(call, ends[0], POLLIN, -1, NULL), IDC_OK);
    close(ends[0]);
    close(ends[1]);
    idc_call_free(call);
    idc_call_free(NULL);
}

static void
a_wait_ends_by_its_limit(void **state)
{
    IdcCall *call = idc_call_new();
    int64_t start;
    IdcError err;

    (void) state;
    start = idc_clock_ms();
    assert_int_equal(idc_call_wait(NULL, -1, 0, 30, &err), IDC_TIMEOUT);
    assert_string_equal(err.message, "timed out");
    assert_true(idc_clock_ms() - start >= 30);
    assert_int_equal(idc_call_remaining_ms(call, -1), -1);
    assert_int_equal(idc_call_remaining_ms(call, 5), 5);
    assert_int_equal(idc_call_remaining_ms(NULL, 5), 5);
    idc_call_set_timeout(call, 20);
    assert_true(idc_call_remaining_ms(call, -1) <= 20);
    assert_int_equal(idc_call_remaining_ms(call, 0), 0);
    assert_int_equal(idc_call_wait(call, -1, 0, -1, &err), IDC_TIMEOUT);
    assert_int_equal(idc_call_remaining_ms(call, -1), 0);
    assert_int_equal(idc_call_wait(call, -1, 0, 1000, &err), IDC_TIMEOUT);
    idc_call_set_timeout(call, -1);
    assert_int_equal(idc_call_remaining_ms(call, -1), -1);
    idc_call_free(call);
}

static void *
cancel_soon(void *call)
{
    if (idc_call_wait(NULL, -1, 0, 20, NULL) == IDC_TIMEOUT)
        idc_call_cancel(call);
    return NULL;
}

static void
a_wait_ends_by_a_cancel(void **state)
{
    IdcCall *call = idc_call_new();
    pthread_t thread;
    int ends[2];
    IdcError err;

    (void) state;
    assert_int_equal(pipe(ends), 0);
    assert_false(idc_call_is_cancelled(call));
    assert_false(idc_call_is_cancelled(NULL));
    assert_int_equal(idc_call_wait(NULL, idc_call_fd(call), POLLIN, 0, &err), IDC_TIMEOUT);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, call), 0);
    assert_int_equal(idc_call_wait(call, ends[0], POLLIN, 10000, &err), IDC_CANCELED);
    assert_string_equal(err.message, "the call was cancelled");
    pthread_join(thread, NULL);
    assert_true(idc_call_is_cancelled(call));
    assert_int_equal(idc_call_wait(NULL, idc_call_fd(call), POLLIN, 0, &err), IDC_OK);
    /* Also when something else would be ready, and however often. */
    idc_call_cancel(call);
    assert_int_equal(idc_call_wait(call, ends[1], POLLOUT, -1, &err), IDC_CANCELED);
    close(ends[0]);
    close(ends[1]);
    idc_call_free(call);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_by_its_event),
        cmocka_unit_test(a_wait_ends_by_its_limit),
        cmocka_unit_test(a_wait_ends_by_a_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
