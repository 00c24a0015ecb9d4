/*
 * test_rest_declare.c - what the adapter rest accepts, pushes, and says of its requests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define REST_BASE_URL "https://api.example/v1/"
#include "rest_fixture.h"

static const TestColumn columns[] = {
    { "id", IDC_TYPE_INT8, "param=id;param_in=ids;in_batch=3;key=true" },
    { "name", IDC_TYPE_TEXT, "param=name;param_like=q;param_exact=true" },
    { "price", IDC_TYPE_NUMERIC, "param_ge=min;param_lt=below;param_exact=true" },
    { "made", IDC_TYPE_TIMESTAMPTZ, "param_ge=from;time_format=epoch_ms" },
    { "open", IDC_TYPE_BOOL, "param=open" },
    { "note", IDC_TYPE_BPCHAR, "param=note" },
    { "tag", IDC_TYPE_TEXT, "param_in=tag;in_style=repeat" },
    { NULL, 0, NULL },
};

static IdcPush
push(const IdcRelation *relation, const char **why)
{
    IdcPushQuestion question = { .server_options = &server,
                                 .relation = relation,
                                 .is_exact_below = true };

    return idc_declaration_rest.can_push(&question, why);
}

static void
assert_push(const IdcRelation *scan, const IdcExpr *conjunct, IdcPush expected, const char *reason)
{
    const char *why = NULL;

    assert_int_equal(push(filter(arena, scan, conjunct), &why), expected);
    if (reason == NULL)
        assert_null(why);
    else
        assert_non_null(strstr(why, reason));
}

static void
predicates_are_pushed_as_declared(void **state)
{
    IdcRelation *scan = scan_of(arena, "endpoint=/items", columns);
    const char *ids[] = { "1", "2" };

    (void) state;
    assert_push(scan, compare(arena, scan, IDC_EQ, 0, "5"), IDC_PUSH_SUPERSET, "param_exact");
    assert_push(scan, compare(arena, scan, IDC_EQ, 1, "a"), IDC_PUSH_EXACT, NULL);
    assert_push(scan, compare(arena, scan, IDC_GE, 2, "1.5"), IDC_PUSH_EXACT, NULL);
    assert_push(scan, compare(arena, scan, IDC_GT, 2, "1.5"), IDC_PUSH_SUPERSET, "wider");
    assert_push(scan, compare(arena, scan, IDC_LT, 2, "1.5"), IDC_PUSH_EXACT, NULL);
    assert_push(scan, compare(arena, scan, IDC_LE, 2, "1.5"), IDC_PUSH_NO, "no parameter");
    assert_push(scan, compare(arena, scan, IDC_NE, 0, "5"), IDC_PUSH_NO, "not of a form");
    assert_push(scan, compare(arena, scan, IDC_GE, 2, "NaN"), IDC_PUSH_NO, "not of a form");
    assert_push(scan, compare(arena, scan, IDC_EQ, 5, "a"), IDC_PUSH_NO, "this type");
    assert_push(scan, idc_expr_column(arena, scan, 4), IDC_PUSH_SUPERSET, "param_exact");
    assert_push(scan, in_list(arena, scan, 0, ids, 2), IDC_PUSH_SUPERSET, "param_exact");
    assert_push(scan, like(arena, scan, 1, "ab%"), IDC_PUSH_SUPERSET, "LIKE");
    assert_push(scan, like(arena, scan, 1, "%ab"), IDC_PUSH_NO, "not of a form");
}

static void
collations_decide_about_texts(void **state)
{
    static const TestColumn texts[] = {
        { "a", IDC_TYPE_TEXT, "param=a;param_ge=b;param_exact=true" }, { NULL, 0, NULL }
    };
    IdcRelation *scan = scan_of(arena, "endpoint=/items", texts);
    IdcExpr *x = constant(arena, IDC_TYPE_TEXT, "x");

    (void) state;
    assert_push(scan, compare_by(arena, scan, IDC_EQ, 0, x, IDC_COLLATION_LOCALE), IDC_PUSH_EXACT,
                NULL);
    assert_push(scan, compare_by(arena, scan, IDC_EQ, 0, x, IDC_COLLATION_LOOSE), IDC_PUSH_NO,
                "locale");
    assert_push(scan, compare_by(arena, scan, IDC_GE, 0, x, IDC_COLLATION_LOCALE), IDC_PUSH_NO,
                "locale");
    assert_push(scan, compare_by(arena, scan, IDC_GE, 0, x, IDC_COLLATION_C), IDC_PUSH_EXACT, NULL);
}

static void
a_parameter_is_used_once(void **state)
{
    IdcRelation *scan = scan_of(arena, "endpoint=/items", columns);
    IdcRelation *first = filter(arena, scan, compare(arena, scan, IDC_EQ, 1, "a"));

    (void) state;
    assert_push(first, compare(arena, scan, IDC_EQ, 1, "b"), IDC_PUSH_NO, "used already");
    assert_push(first, compare(arena, scan, IDC_EQ, 0, "1"), IDC_PUSH_SUPERSET, "param_exact");
}

static void
limits_are_pushed_and_offsets_by_offset_only(void **state)
{
    IdcRelation *scan = scan_of(arena, "endpoint=/items", columns);
    IdcRelation *paged = scan_of(arena, "endpoint=/items;page_style=offset", columns);
    IdcExpr *ten = constant(arena, IDC_TYPE_INT8, "10");
    const char *why, *ids[] = { "1", "2" };
    IdcRelation *several = filter(arena, paged, in_list(arena, paged, 0, ids, 2));

    (void) state;
    assert_int_equal(push(idc_relation_limit(arena, scan, ten, NULL), &why), IDC_PUSH_EXACT);
    assert_int_equal(push(idc_relation_limit(arena, scan, ten, ten), &why), IDC_PUSH_NO);
    assert_int_equal(push(idc_relation_limit(arena, paged, ten, ten), &why), IDC_PUSH_EXACT);
    assert_int_equal(push(idc_relation_limit(arena, several, ten, ten), &why), IDC_PUSH_NO);
    assert_int_equal(push(idc_relation_limit(arena, several, ten, NULL), &why), IDC_PUSH_EXACT);
    assert_int_equal(push(idc_relation_distinct(arena, scan), &why), IDC_PUSH_NO);
}

/* Behind the last row's id there may be cheaper rows that were not there yet. */
static void
pages_by_key_have_the_order_of_the_key(void **state)
{
    IdcRelation *scan = scan_of(arena,
                                "endpoint=/items;sort_param=sort;sort_exact=true;sort_nulls=large;"
                                "page_style=keyset;cursor_param=after;cursor=/id;limit_param=n",
                                columns);
    IdcSortKey keys[] = { { .expr = idc_expr_column(arena, scan, 0) },
                          { .expr = idc_expr_column(arena, scan, 2) } };
    const char *why;

    (void) state;
    assert_int_equal(push(idc_relation_sort(arena, scan, keys, 1), &why), IDC_PUSH_EXACT);
    assert_int_equal(push(idc_relation_sort(arena, scan, keys, 2), &why), IDC_PUSH_NO);
    assert_int_equal(push(idc_relation_sort(arena, scan, &keys[1], 1), &why), IDC_PUSH_NO);
    assert_string_equal(why, "the pages follow their key, in no other order");
    keys[0].is_descending = keys[0].nulls_first = true;
    assert_int_equal(push(idc_relation_sort(arena, scan, keys, 1), &why), IDC_PUSH_NO);
}

static void
orders_are_pushed_where_declared_exact(void **state)
{
    static const char exact[] = "endpoint=/items;sort_param=sort;sort_exact=true;sort_nulls=large";
    IdcRelation *plain = scan_of(arena, "endpoint=/items;sort_param=sort", columns);
    IdcRelation *scan = scan_of(arena, exact, columns);
    IdcSortKey key = { .expr = idc_expr_column(arena, scan, 0) };
    const char *why;

    (void) state;
    assert_int_equal(push(idc_relation_sort(arena, plain, &key, 1), &why), IDC_PUSH_NO);
    assert_int_equal(push(idc_relation_sort(arena, scan, &key, 1), &why), IDC_PUSH_EXACT);
    key.nulls_first = true;
    assert_int_equal(push(idc_relation_sort(arena, scan, &key, 1), &why), IDC_PUSH_NO);
    key.is_descending = true;
    assert_int_equal(push(idc_relation_sort(arena, scan, &key, 1), &why), IDC_PUSH_EXACT);
    key.expr = idc_expr_column(arena, scan, 1);
    key.collation = IDC_COLLATION_LOCALE;
    assert_int_equal(push(idc_relation_sort(arena, scan, &key, 1), &why), IDC_PUSH_NO);
    key.collation = IDC_COLLATION_C;
    assert_int_equal(push(idc_relation_sort(arena, scan, &key, 1), &why), IDC_PUSH_EXACT);
}

static void
assert_explained(const IdcRelation *relation, const char *expected)
{
    IdcText text;

    idc_text_init(&text, 0);
    idc_declaration_rest.explain(&server, relation, &text);
    assert_string_equal(idc_text_string(&text), expected);
    idc_text_done(&text);
}

static void
requests_are_explained(void **state)
{
    IdcRelation *scan = scan_of(arena, "endpoint=/items?x=1", columns);
    IdcRelation *paged = scan_of(arena,
                                 "endpoint=items;page_style=offset;page_size=50;"
                                 "query={\"expand\": [\"a b\", 2], \"all\": true}",
                                 columns);
    const char *ids[] = { "7", "8", "9", "10" };
    const char *tags[] = { "a,b", "c" };
    IdcRelation *in = filter(arena, scan, in_list(arena, scan, 0, ids, 4));

    (void) state;
    assert_explained(scan, "GET https://api.example/v1/items?x=1\n");
    assert_explained(filter(arena, scan, compare(arena, scan, IDC_EQ, 1, "a&b=ü")),
                     "GET https://api.example/v1/items?x=1&name=a%26b%3D%C3%BC\n");
    assert_explained(
        filter(arena, scan, compare(arena, scan, IDC_GE, 3, "2024-02-29 12:00:00.5+00")),
        "GET https://api.example/v1/items?x=1&from=1709208000500\n");
    assert_explained(filter(arena, scan, compare(arena, scan, IDC_GE, 2, "1.500")),
                     "GET https://api.example/v1/items?x=1&min=1.5\n");
    assert_explained(in, "GET https://api.example/v1/items?x=1&ids=7,8,9\n"
                         "requests: one for each 3 values of \"id\"\n");
    assert_explained(filter(arena, scan, in_parameter(arena, scan, 0, 0)),
                     "GET https://api.example/v1/items?x=1&ids={$1}\n"
                     "requests: one for each 3 values of \"id\"\n");
    assert_explained(filter(arena, scan, in_list(arena, scan, 6, tags, 2)),
                     "GET https://api.example/v1/items?x=1&tag=a%2Cb&tag=c\n"
                     "requests: one for each 100 values of \"tag\"\n");
    assert_explained(paged, "GET https://api.example/v1/items?expand=a%20b&expand=2&all=true&"
                            "limit=50&offset=0\npages: by offset, of 50 rows\n");
    assert_explained(idc_relation_limit(arena, paged, constant(arena, IDC_TYPE_INT8, "10"), NULL),
                     "GET https://api.example/v1/items?expand=a%20b&expand=2&all=true&"
                     "limit=10&offset=0\npages: by offset, of 50 rows\n");
}

static void
bodies_are_filled_in_as_json(void **state)
{
    IdcRelation *scan = scan_of(
        arena,
        "endpoint=/search;method=POST;limit_param=n;"
        "body={\"q\": \"name:{name}\", \"ids\": {ids}, \"open\": {open}, \"n\": {n}, \"o\": {}}",
        columns);
    const char *ids[] = { "1", "2" };
    IdcRelation *one = filter(arena, scan, compare(arena, scan, IDC_EQ, 1, "a\"\\b"));
    IdcRelation *two = filter(arena, one, in_list(arena, scan, 0, ids, 2));

    (void) state;
    assert_explained(idc_relation_limit(arena, two, constant(arena, IDC_TYPE_INT8, "3"), NULL),
                     "POST https://api.example/v1/search\nbody: {\"q\": \"name:a\\\"\\\\b\", "
                     "\"ids\": [1,2], \"open\": null, \"n\": 3, \"o\": {}}\n"
                     "requests: one for each 3 values of \"id\"\n");
}

static void
required_parameters_are_missed_by_name(void **state)
{
    static const TestColumn orders[] = { { "customer", IDC_TYPE_INT8, "param=user_id" },
                                         { "id", IDC_TYPE_INT8, "" },
                                         { NULL, 0, NULL } };
    IdcRelation *scan = scan_of(arena, "endpoint=/users/{user_id}/orders", orders);
    IdcRelation *found = filter(arena, scan, compare(arena, scan, IDC_EQ, 0, "5"));
    IdcEstimateQuestion question = {
        .server_options = &server, .relation = scan, .table_rows = -1, .selectivity = 1
    };
    IdcEstimate estimate;

    (void) state;
    idc_declaration_rest.estimate(&question, arena, &estimate);
    assert_non_null(estimate.impossible);
    assert_string_equal(estimate.impossible,
                        "column \"customer\" needs a value: the endpoint "
                        "\"/users/{user_id}/orders\" asks for it (add customer = …)");
    question.relation = found;
    idc_declaration_rest.estimate(&question, arena, &estimate);
    assert_null(estimate.impossible);
    assert_explained(found, "GET https://api.example/v1/users/5/orders\n");
    assert_push(scan, compare(arena, scan, IDC_EQ, 0, "5"), IDC_PUSH_EXACT, NULL);
}

static void
keys_are_batched_as_declared(void **state)
{
    IdcRelation *scan = scan_of(arena, "endpoint=/items", columns);
    IdcExpr *in = in_parameter(arena, scan, 0, 0);
    IdcExpr *name = compare(arena, scan, IDC_EQ, 1, "a");
    IdcPushQuestion question = { .server_options = &server, .relation = filter(arena, scan, in) };

    (void) state;
    assert_int_equal(idc_declaration_rest.key_batch(&question, in), 3);
    question.relation = filter(arena, scan, name);
    assert_int_equal(idc_declaration_rest.key_batch(&question, name), 1);
}

static void
assert_options(IdcOptionLevel level, const char *options, const char *message)
{
    IdcOptionSet set = options_of(arena, options);
    IdcError err;
    IdcStatus status;

    idc_error_init(&err);
    status = idc_adapter_options_check(&idc_declaration_rest, level, &set, &err);
    if (message == NULL && status != IDC_OK)
        fail_msg("%s: %s", options, err.message);
    else if (message != NULL && strstr(err.message, message) == NULL &&
             strstr(err.hint, message) == NULL)
        fail_msg("%s: \"%s\" has no \"%s\"", options, err.message, message);
}

static void
options_must_go_together(void **state)
{
    (void) state;
    assert_options(IDC_OPTION_SERVER, "base_url=https://api.example/v1", NULL);
    assert_options(IDC_OPTION_SERVER, "", "base_url");
    assert_options(IDC_OPTION_SERVER, "base_url=https://a/?x=1", "neither a query");
    assert_options(IDC_OPTION_SERVER, "base_url=file:///etc/passwd", "base_url");
    assert_options(IDC_OPTION_USER, "auth_token=t", NULL);
    assert_options(IDC_OPTION_TABLE, "endpoint=/users", NULL);
    assert_options(IDC_OPTION_TABLE, "rows=/x", "endpoint");
    assert_options(IDC_OPTION_TABLE, "endpoint=http://evil/", "not an address of its own");
    assert_options(IDC_OPTION_TABLE, "endpoint=//evil/", "not an address of its own");
    assert_options(IDC_OPTION_TABLE, "endpoint=/u/{id", "no name and }");
    assert_options(IDC_OPTION_TABLE, "endpoint=/u/{}", "no name and }");
    assert_options(IDC_OPTION_TABLE, "endpoint=/a b", "%20");
    assert_options(IDC_OPTION_TABLE, "endpoint=/u;body={}", "to be POST");
    assert_options(IDC_OPTION_TABLE, "endpoint=/u;update_method=PUT", "row_endpoint");
    assert_options(IDC_OPTION_TABLE, "endpoint=/u;update_method=PUT;row_endpoint=/u", "{name}");
    assert_options(IDC_OPTION_TABLE, "endpoint=/u;headers={\"Authorization\": \"x\"}", "secret");
    assert_options(IDC_OPTION_TABLE, "endpoint=/u;headers={\"X-A\": \"a\\nb\"}", "control");
    assert_options(IDC_OPTION_TABLE, "endpoint=/u;headers={\"X-A\": {}}", "object of texts");
    assert_options(IDC_OPTION_TABLE, "endpoint=/u;query={\"a\": [1, \"b\"]}", NULL);
    assert_options(IDC_OPTION_TABLE, "endpoint=/u;query=[1]", "object of texts");
    assert_options(IDC_OPTION_TABLE, "endpoint=/u;page_stile=x", "page_style");
    assert_options(IDC_OPTION_COLUMN, "param_in=ids;in_style=repeat;in_batch=50", NULL);
    assert_options(IDC_OPTION_COLUMN, "in_style=repeat", "param_in");
    assert_options(IDC_OPTION_COLUMN, "path=/a;from_request=true", "exclude each other");
}

static void
styles_need_their_options(void **state)
{
    static const char *const cases[][2] = {
        { "endpoint=/u;page_style=cursor", "\"cursor\"" },
        { "endpoint=/u;page_style=keyset;cursor=/id", "cursor_param" },
        { "endpoint=/u;page_style=next_url", "\"next\"" },
        { "endpoint=/u;format=csv;page_style=next_url;next=/n", "rows alone" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        IdcRestPlan plan;
        IdcError err;

        idc_error_init(&err);
        assert_int_equal(
            idc_rest_plan(arena, &server, scan_of(arena, cases[i][0], columns), &plan, &err),
            IDC_BAD_CONFIG);
        assert_non_null(strstr(err.message, cases[i][1]));
    }
}

static void
writes_are_those_declared(void **state)
{
    IdcRelation *none = scan_of(arena, "endpoint=/u", columns);
    IdcRelation *all = scan_of(arena,
                               "endpoint=/u;insert_method=POST;update_method=PATCH;"
                               "delete_method=DELETE;row_endpoint=/u/{id}",
                               columns);

    (void) state;
    assert_int_equal(idc_declaration_rest.writes(&server, none), 0);
    assert_int_equal(idc_declaration_rest.writes(&server, all),
                     1 << IDC_INSERT | 1 << IDC_UPDATE | 1 << IDC_DELETE);
    assert_true(idc_declaration_rest.is_key(all, 0));
    assert_false(idc_declaration_rest.is_key(all, 1));
}

static void
assert_value(uint32_t oid, IdcRestTime time, const char *value, const char *expected)
{
    IdcText text;

    idc_text_init(&text, 0);
    assert_int_equal(idc_rest_value((IdcType){ oid, -1 }, time, value, &text), expected != NULL);
    assert_string_equal(idc_text_string(&text), expected != NULL ? expected : "");
    idc_text_done(&text);
}

static void
values_are_written_as_an_api_reads_them(void **state)
{
    (void) state;
    assert_value(IDC_TYPE_BOOL, IDC_REST_TIME_ISO, "t", "true");
    assert_value(IDC_TYPE_NUMERIC, IDC_REST_TIME_ISO, "-10.00", "-10");
    assert_value(IDC_TYPE_NUMERIC, IDC_REST_TIME_ISO, "100", "100");
    assert_value(IDC_TYPE_FLOAT8, IDC_REST_TIME_ISO, "1e+20", "1e+20");
    assert_value(IDC_TYPE_FLOAT8, IDC_REST_TIME_ISO, "-Infinity", NULL);
    assert_value(IDC_TYPE_DATE, IDC_REST_TIME_ISO, "2024-02-29", "2024-02-29");
    assert_value(IDC_TYPE_DATE, IDC_REST_TIME_S, "1970-01-02", "86400");
    assert_value(IDC_TYPE_DATE, IDC_REST_TIME_ISO, "infinity", NULL);
    assert_value(IDC_TYPE_DATE, IDC_REST_TIME_ISO, "10000-01-01", NULL);
    assert_value(IDC_TYPE_TIMESTAMP, IDC_REST_TIME_ISO, "2024-01-02 03:04:05.060000",
                 "2024-01-02T03:04:05.06");
    assert_value(IDC_TYPE_TIMESTAMPTZ, IDC_REST_TIME_ISO, "2024-01-02 03:04:05+00",
                 "2024-01-02T03:04:05Z");
    assert_value(IDC_TYPE_TIMESTAMPTZ, IDC_REST_TIME_S, "2024-01-02 03:04:05.25+00",
                 "1704164645.25");
    assert_value(IDC_TYPE_TIMESTAMPTZ, IDC_REST_TIME_US, "1969-12-31 23:59:59.999999+00", "-1");
    assert_value(IDC_TYPE_TIMESTAMPTZ, IDC_REST_TIME_ISO, "0044-03-15 00:00:00+00 BC", NULL);
}

static void
patterns_become_what_an_api_searches(void **state)
{
    static const struct {
        IdcRestLike style;
        const char *pattern, *expected;
    } cases[] = {
        { IDC_REST_LIKE_PREFIX, "ab%", "ab" },        { IDC_REST_LIKE_PREFIX, "a\\%b_c", "a%b" },
        { IDC_REST_LIKE_PREFIX, "%ab", NULL },        { IDC_REST_LIKE_CONTAINS, "a%bcd%ef", "bcd" },
        { IDC_REST_LIKE_CONTAINS, "%_%", NULL },      { IDC_REST_LIKE_SQL, "a%b", "a%b" },
        { IDC_REST_LIKE_CONTAINS, "%a\\_b%", "a_b" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        IdcText text;

        idc_text_init(&text, 0);
        assert_int_equal(idc_rest_like_value(cases[i].style, cases[i].pattern, &text),
                         cases[i].expected != NULL);
        assert_string_equal(idc_text_string(&text),
                            cases[i].expected != NULL ? cases[i].expected : "");
        idc_text_done(&text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predicates_are_pushed_as_declared),
        cmocka_unit_test(collations_decide_about_texts),
        cmocka_unit_test(a_parameter_is_used_once),
        cmocka_unit_test(limits_are_pushed_and_offsets_by_offset_only),
        cmocka_unit_test(pages_by_key_have_the_order_of_the_key),
        cmocka_unit_test(orders_are_pushed_where_declared_exact),
        cmocka_unit_test(requests_are_explained),
        cmocka_unit_test(bodies_are_filled_in_as_json),
        cmocka_unit_test(required_parameters_are_missed_by_name),
        cmocka_unit_test(keys_are_batched_as_declared),
        cmocka_unit_test(options_must_go_together),
        cmocka_unit_test(styles_need_their_options),
        cmocka_unit_test(writes_are_those_declared),
        cmocka_unit_test(values_are_written_as_an_api_reads_them),
        cmocka_unit_test(patterns_become_what_an_api_searches),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
