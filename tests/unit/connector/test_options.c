/*
 * test_options.c - keys and values of the public calls, and what is said of wrong ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "connector/connector.h"
#include "connector/estimates.h"

static void
test_open_options_are_read(void **state)
{
    InstantOption options[] = {
        { "config_path", "a.yaml" }, { "hub.host", "db" }, { "hub.port", "5433" },
        { "env.PASS", "secret" },    { "pool_size", "3" }, { "query_timeout_ms", "0" },
    };
    IdcArena *arena = idc_arena_new(0);
    IdcOpenOptions parsed;
    IdcError err;

    (void) state;
    assert_int_equal(idc_open_options_parse(arena, options, 6, &parsed, &err), IDC_OK);
    assert_string_equal(parsed.config_path, "a.yaml");
    assert_int_equal(parsed.hub_keyword_count, 2);
    assert_string_equal(parsed.hub_keywords[1].name, "port");
    assert_string_equal(parsed.environment[0].name, "PASS");
    assert_int_equal(parsed.pool_size, 3);
    assert_int_equal(parsed.query_timeout_ms, 0);
    assert_int_equal(parsed.connect_timeout_ms, -1);
    idc_arena_free(arena);
}

static void
expect_open_failure(const char *key, const char *value, const char *message, const char *hint)
{
    InstantOption option = { key, value };
    IdcArena *arena = idc_arena_new(0);
    IdcOpenOptions parsed;
    IdcError err;

    assert_int_equal(idc_open_options_parse(arena, &option, 1, &parsed, &err), IDC_BAD_VALUE);
    assert_string_equal(err.message, message);
    assert_string_equal(err.hint, hint);
    idc_arena_free(arena);
}

static void
test_wrong_open_options_are_named(void **state)
{
    (void) state;
    expect_open_failure("pool_sise", "3", "unknown option \"pool_sise\"",
                        "did you mean \"pool_size\"?");
    expect_open_failure("pool_size", "0",
                        "option \"pool_size\" is \"0\", expected a whole number from 1 to 10000",
                        "");
    expect_open_failure("pool_size", "3x",
                        "option \"pool_size\" is \"3x\", expected a whole number from 1 to 10000",
                        "");
    expect_open_failure("hub.", "x", "unknown option \"hub.\"", "did you mean \"hub\"?");
}

static void
test_result_options(void **state)
{
    InstantOption good[] = { { "numeric", "string" },
                             { "unrepresentable", "error" },
                             { "single_batch", "true" },
                             { "batch_rows", "10" } };
    InstantOption bad = { "numeric", "float32" };
    IdcResultOptions parsed;
    IdcError err;

    (void) state;
    assert_int_equal(idc_result_options_parse(NULL, 0, &parsed, &err), IDC_OK);
    assert_int_equal(parsed.numeric, IDC_NUMERIC_DECIMAL);
    assert_int_equal(parsed.batch.batch_rows, 65536);
    assert_int_equal(idc_result_options_parse(good, 4, &parsed, &err), IDC_OK);
    assert_int_equal(parsed.numeric, IDC_NUMERIC_STRING);
    assert_true(parsed.batch.fail_unrepresentable && parsed.batch.single_batch);
    assert_int_equal(idc_result_options_parse(&bad, 1, &parsed, &err), IDC_BAD_VALUE);
    assert_string_equal(err.message, "option \"numeric\" is \"float32\", expected one of: float64, "
                                     "decimal, string");
}

static void
test_open_reports_a_missing_file(void **state)
{
    InstantOption option = { "config_path", "/nonexistent/instant.yaml" };
    InstantConnector *connector = NULL;
    InstantError err;

    (void) state;
    assert_int_not_equal(instant_open(&option, 1, NULL, NULL, &connector, &err), INSTANT_OK);
    assert_null(connector);
    assert_non_null(strstr(err.message, "/nonexistent/instant.yaml"));
}

static void
test_filters_are_parsed(void **state)
{
    InstantFilter *filter = NULL;
    InstantError err;

    (void) state;
    assert_int_equal(instant_filter_parse("amount > 100", &filter, &err), INSTANT_OK);
    assert_string_equal(filter->column, "amount");
    assert_string_equal(filter->op, "gt");
    assert_int_equal(filter->value_count, 1);
    assert_int_equal(filter->values[0].kind, INSTANT_INT);
    instant_filter_free(filter);
    assert_int_not_equal(instant_filter_parse("amount >", &filter, &err), INSTANT_OK);
    assert_true(err.message[0] != '\0');
}

static void
test_estimates_are_read_from_plans(void **state)
{
    (void) state;
    assert_int_equal(
        idc_estimate_parse("Foreign Scan on t  (cost=100.00..9.28 rows=336776 width=57)"), 336776);
    assert_int_equal(idc_estimate_parse("Foreign Scan on \" rows=x\"  (cost=1..2 width=3)"), -1);
    assert_int_equal(
        idc_estimate_parse("Foreign Scan on \"a rows=5 b\"  (cost=1..2 rows=7 width=3)"), 7);
    assert_int_equal(idc_estimate_parse("Result"), -1);
    assert_int_equal(idc_estimate_parse(""), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_options_are_read),
        cmocka_unit_test(test_wrong_open_options_are_named),
        cmocka_unit_test(test_result_options),
        cmocka_unit_test(test_open_reports_a_missing_file),
        cmocka_unit_test(test_filters_are_parsed),
        cmocka_unit_test(test_estimates_are_read_from_plans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
