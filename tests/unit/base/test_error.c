/*
 * test_error.c - errors, their context, and the log hook.
 */
#include <setjmp.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

static void
failing_fills_everything_in(void **state)
{
    IdcError err;

    (void) state;
    idc_error_init(&err);
    assert_int_equal(err.status, IDC_OK);
    assert_string_equal(err.sqlstate, "00000");
    assert_int_equal(idc_fail(&err, IDC_NOT_FOUND, "no \"%s\"", "x"), IDC_NOT_FOUND);
    assert_int_equal(err.status, IDC_NOT_FOUND);
    assert_string_equal(err.message, "no \"x\"");
    assert_string_equal(err.sqlstate, "42704");
    idc_error_set_hint(&err, "try %d", 5);
    idc_error_set_source(&err, "shop");
    idc_error_set_remote_sql(&err, "SELECT 1");
    idc_error_set_sqlstate(&err, "42703");
    assert_string_equal(err.hint, "try 5");
    assert_string_equal(err.source, "shop");
    assert_string_equal(err.remote_sql, "SELECT 1");
    assert_string_equal(err.sqlstate, "42703");
    idc_error_set_source(&err, NULL);
    assert_string_equal(err.source, "");
    assert_int_equal(idc_add_context(&err, "table \"%s\"", "t"), IDC_NOT_FOUND);
    assert_string_equal(err.message, "table \"t\": no \"x\"");
    assert_int_equal(idc_fail_no_memory(&err), IDC_NO_MEMORY);
    assert_string_equal(err.message, "out of memory");
    assert_string_equal(err.hint, "");
}

static void
nobody_has_to_listen(void **state)
{
    (void) state;
    idc_error_init(NULL);
    assert_int_equal(idc_fail(NULL, IDC_TIMEOUT, "x"), IDC_TIMEOUT);
    idc_error_set_hint(NULL, "x");
    idc_error_set_source(NULL, "x");
    idc_error_set_remote_sql(NULL, "x");
    idc_error_set_sqlstate(NULL, "x");
    assert_int_equal(idc_fail_no_memory(NULL), IDC_NO_MEMORY);
}

static void
long_messages_are_cut(void **state)
{
    char text[6000];
    IdcError err;

    (void) state;
    memset(text, 'm', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(idc_fail(&err, IDC_BAD_VALUE, "%s", text), IDC_BAD_VALUE);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(idc_add_context(&err, "%s", text), IDC_BAD_VALUE);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    idc_error_set_hint(&err, "%s", text);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
    idc_error_set_source(&err, text);
    assert_int_equal(strlen(err.source), sizeof err.source - 1);
    idc_error_set_sqlstate(&err, text);
    assert_int_equal(strlen(err.sqlstate), 5);
}

static void
every_status_has_a_sqlstate(void **state)
{
    IdcError err;

    (void) state;
    for (int status = IDC_NO_MEMORY; status <= IDC_UNSUPPORTED; status++) {
        (void) idc_fail(&err, (IdcStatus) status, "x");
        assert_int_equal(strlen(err.sqlstate), 5);
    }
    assert_string_equal(idc_errno_text(ENOENT), "No such file or directory");
}

static char logged[256];

static void
note_line(void *host, IdcLogLevel level, const char *line)
{
    (void) snprintf(host, sizeof logged, "%d %s", (int) level, line);
}

static void
lines_reach_the_hook(void **state)
{
    IdcLog log = { note_line, logged, IDC_INFO };
    IdcLog silent = { 0 };

    (void) state;
    idc_log(&log, IDC_WARNING, "hub: %d of %s", 1, "two");
    assert_string_equal(logged, "2 hub: 1 of two");
    idc_log(&log, IDC_DEBUG, "not this");
    assert_string_equal(logged, "2 hub: 1 of two");
    idc_log(&silent, IDC_ERROR, "x");
    idc_log(NULL, IDC_ERROR, "x");
}

/* A long name of umlauts, at every alignment of the end of the field. */
static void
a_cut_leaves_whole_characters(void **state)
{
    char long_name[8000];
    IdcError err;

    (void) state;
    for (size_t shift = 0; shift < 2; shift++) {
        memset(long_name, 'x', shift);
        for (size_t i = shift; i + 2 < sizeof long_name; i += 2)
            memcpy(long_name + i, "\xC3\xA4", 2);
        long_name[sizeof long_name - 1] = long_name[sizeof long_name - 2] = '\0';
        (void) idc_fail(&err, IDC_NOT_FOUND, "%s", long_name);
        assert_true(idc_utf8_is_valid(err.message, strlen(err.message)));
        idc_error_set_hint(&err, "%s", long_name);
        assert_true(idc_utf8_is_valid(err.hint, strlen(err.hint)));
        idc_error_set_remote_sql(&err, long_name);
        assert_true(idc_utf8_is_valid(err.remote_sql, strlen(err.remote_sql)));
        (void) idc_add_context(&err, "table");
        assert_true(idc_utf8_is_valid(err.message, strlen(err.message)));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_fills_everything_in),
        cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(every_status_has_a_sqlstate),
        cmocka_unit_test(lines_reach_the_hook),
        cmocka_unit_test(a_cut_leaves_whole_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
