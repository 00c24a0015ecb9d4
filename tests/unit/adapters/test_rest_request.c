/*
 * test_rest_request.c - predicates cut into requests, and rows told apart by their keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "adapters/rest/work.h"
#define REST_BASE_URL "https://api.example"
#include "rest_fixture.h"

static const TestColumn columns[] = {
    { "id", IDC_TYPE_INT4, "param_in=ids;in_batch=2" },
    { "name", IDC_TYPE_TEXT, "param=name;param_in=names" },
    { "kind", IDC_TYPE_TEXT, "param=kind" },
    { "price", IDC_TYPE_NUMERIC, "param_ge=min" },
    { NULL, 0, NULL },
};

/* All requests of a relation, a line each, without the address of the server. */
static void
assert_requests(const IdcRelation *relation, const char *expected)
{
    IdcRestPageValues none = { 0 };
    IdcRestChains chains;
    IdcRestPlan plan;
    IdcText text;

    assert_int_equal(idc_rest_plan(arena, &server, relation, &plan, NULL), IDC_OK);
    assert_int_equal(idc_rest_chains_init(arena, &plan, &chains, NULL), IDC_OK);
    idc_text_init(&text, 0);
    if (!chains.is_empty)
        do {
            IdcText url;

            idc_text_init(&url, 0);
            assert_int_equal(idc_rest_write_url(&plan, chains.slices, &none, &url, NULL), IDC_OK);
            idc_text_append(&text, idc_text_string(&url) + strlen(REST_BASE_URL));
            idc_text_append_char(&text, '\n');
            idc_text_done(&url);
        } while (idc_rest_chains_next(&chains));
    assert_string_equal(idc_text_string(&text), expected);
    idc_text_done(&text);
}

static void
lists_become_batches_of_unique_values(void **state)
{
    IdcRelation *scan = scan_of(arena, "endpoint=/items", columns);
    const char *ids[] = { "5", "3", NULL, "5", "4", "3" };
    const char *nulls[] = { NULL, NULL };

    (void) state;
    assert_requests(scan, "/items\n");
    assert_requests(filter(arena, scan, in_list(arena, scan, 0, ids, 6)),
                    "/items?ids=5,3\n/items?ids=4\n");
    assert_requests(filter(arena, scan, in_list(arena, scan, 0, nulls, 2)), "");
    assert_requests(filter(arena, scan, compare(arena, scan, IDC_EQ, 1, NULL)), "");
}

static void
equal_numbers_are_asked_for_once(void **state)
{
    static const TestColumn numbers[] = { { "exact", IDC_TYPE_NUMERIC, "param=exact" },
                                          { "near", IDC_TYPE_FLOAT8, "param=near" },
                                          { "code", IDC_TYPE_TEXT, "param=code" },
                                          { NULL, 0, NULL } };
    IdcRelation *scan = scan_of(arena, "endpoint=/items", numbers);
    const char *exact[] = { "1.5", "1.50", "1.05", "10", "10.00", "100" };
    const char *near[] = { "0", "-0", "-1" }, *codes[] = { "1.5", "1.50" };

    (void) state;
    assert_requests(filter(arena, scan, in_list(arena, scan, 0, exact, 6)),
                    "/items?exact=1.5\n/items?exact=1.05\n/items?exact=10\n/items?exact=100\n");
    assert_requests(filter(arena, scan, in_list(arena, scan, 1, near, 3)),
                    "/items?near=0\n/items?near=-1\n");
    assert_requests(filter(arena, scan, in_list(arena, scan, 2, codes, 2)),
                    "/items?code=1.5\n/items?code=1.50\n");
}

static void
every_combination_is_asked_for(void **state)
{
    IdcRelation *scan = scan_of(arena, "endpoint=/items", columns);
    const char *ids[] = { "1", "2", "3" }, *kinds[] = { "a", "b" };
    IdcRelation *first = filter(arena, scan, in_list(arena, scan, 0, ids, 3));

    (void) state;
    assert_requests(filter(arena, first, in_list(arena, scan, 2, kinds, 2)),
                    "/items?kind=a&ids=1,2\n/items?kind=b&ids=1,2\n"
                    "/items?kind=a&ids=3\n/items?kind=b&ids=3\n");
}

static void
values_with_commas_are_asked_for_one_by_one(void **state)
{
    IdcRelation *scan = scan_of(arena, "endpoint=/items", columns);
    const char *names[] = { "a", "b,c", "d" };

    (void) state;
    assert_requests(filter(arena, scan, in_list(arena, scan, 1, names, 3)),
                    "/items?names=a,d\n/items?name=b%2Cc\n");
}

static void
segments_cannot_climb(void **state)
{
    static const TestColumn path[] = { { "id", IDC_TYPE_TEXT, "" }, { NULL, 0, NULL } };
    IdcRelation *scan = scan_of(arena, "endpoint=/users/{id}/orders", path);
    const char *ids[] = { "..", ".", "", "a/../b", "%2e%2e", "\xC3\xBC" };

    (void) state;
    assert_requests(filter(arena, scan, in_list(arena, scan, 0, ids, 6)),
                    "/users/a%2F..%2Fb/orders\n/users/%252e%252e/orders\n/users/%C3%BC/orders\n");
}

static void
ranges_without_a_form_are_left_to_the_hub(void **state)
{
    static const TestColumn dates[] = { { "d", IDC_TYPE_DATE, "param_ge=from" },
                                        { NULL, 0, NULL } };
    IdcRelation *scan = scan_of(arena, "endpoint=/items", dates);
    const IdcExpr *args[2] = { idc_expr_column(arena, scan, 0),
                               idc_expr_parameter(arena, (IdcType){ IDC_TYPE_DATE, -1 }, 0,
                                                  false) };
    IdcExpr *conjunct = idc_expr_new(arena, IDC_EXPR_COMPARE, IDC_GE,
                                     (IdcType){ IDC_TYPE_BOOL, -1 }, IDC_COLLATION_NONE, args, 2);
    IdcValue value = { .type = { IDC_TYPE_DATE, -1 }, .text = "2024-01-02" };
    const IdcRelation *bound;

    (void) state;
    assert_int_equal(
        idc_relation_bind(arena, filter(arena, scan, conjunct), &value, 1, &bound, NULL), IDC_OK);
    assert_requests(bound, "/items?from=2024-01-02\n");
}

static void
keys_know_their_rows(void **state)
{
    static const struct {
        uint32_t oid;
        const char *key, *same, *other;
    } cases[] = {
        { IDC_TYPE_INT4, "5", "5", "6" },
        { IDC_TYPE_TEXT, "a", "a", "A" },
        { IDC_TYPE_NUMERIC, "1.5", "1.500", "1.51" },
        { IDC_TYPE_NUMERIC, "100", "1E2", "10" },
        { IDC_TYPE_NUMERIC, "0", "-0.00", "0.01" },
        { IDC_TYPE_NUMERIC, "7", "007", "70" },
        { IDC_TYPE_FLOAT8, "0", "-0.0", "1" },
        { IDC_TYPE_FLOAT4, "0", "-0.0", "1" },
        { IDC_TYPE_FLOAT8, "100", "1E2", "1E3" },
        { IDC_TYPE_DATE, "2024-01-01", "2024-01-01", "2024-01-02" },
        { IDC_TYPE_BOOL, "t", "true", "false" },
        { IDC_TYPE_TIMESTAMPTZ, "2024-01-01 00:00:00+00", "2024-01-01T01:00:00+01:00",
          "2024-01-01T01:00:00Z" },
        { IDC_TYPE_UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
          "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TestColumn one[] = { { "x", cases[i].oid, "param=x" }, { NULL, 0, NULL } };
        IdcRelation *scan = scan_of(arena, "endpoint=/items", one);
        const char *texts[] = { cases[i].key, cases[i].same, cases[i].other };
        IdcBatchOptions options = { .single_batch = true };
        IdcColumnSpec spec = { .name = "x" };
        IdcValueForm form = { .type = { cases[i].oid, -1 } };
        IdcBatchBuilder *builder;
        IdcRestMatch match;
        IdcRestKeys *keys;

        idc_rest_match(&(IdcRestTable){ .endpoint = "/items" }, scan,
                       in_list(arena, scan, 0, texts, 1), &match);
        assert_int_equal(match.push, IDC_PUSH_SUPERSET);
        assert_int_equal(idc_rest_keys_new(arena, &scan->columns[0], &keys, NULL), IDC_OK);
        assert_int_equal(idc_rest_keys_set(keys, &match, (IdcRestSlice){ .count = 1 }, NULL),
                         IDC_OK);
        idc_type_column(form.type, &spec);
        assert_int_equal(idc_batch_builder_new(&spec, 1, &options, &builder, NULL), IDC_OK);
        assert_true(idc_column_reserve(&builder->columns[0], 4));
        for (size_t t = 0; t < 3; t++) {
            IdcValueProblem problem;

            assert_int_equal(idc_value_append_text(&form, &builder->columns[0], texts[t],
                                                   strlen(texts[t]), strlen(texts[t]),
                                                   &builder->state.scratch, &problem),
                             IDC_FITS);
        }
        assert_true(idc_column_append_null(&builder->columns[0]));
        assert_true(idc_rest_keys_have(keys, &builder->columns[0], 0));
        assert_true(idc_rest_keys_have(keys, &builder->columns[0], 1));
        assert_false(idc_rest_keys_have(keys, &builder->columns[0], 2));
        assert_false(idc_rest_keys_have(keys, &builder->columns[0], 3));
        idc_batch_builder_free(builder);
    }
}

static void
too_little_memory_is_an_error(void **state)
{
    IdcRelation *scan = scan_of(arena, "endpoint=/items", columns);
    const char *ids[200];
    const IdcRelation *relation;
    size_t limit = 0;
    IdcStatus status;

    (void) state;
    for (size_t i = 0; i < 200; i++)
        ids[i] = idc_arena_printf(arena, "%zu", i % 150);
    relation = filter(arena, scan, in_list(arena, scan, 0, ids, 200));
    do {
        IdcArena *small = idc_arena_new(limit += 64);
        IdcRestChains chains;
        IdcRestPlan plan;

        status = idc_rest_plan(small, &server, relation, &plan, NULL);
        if (status == IDC_OK)
            status = idc_rest_chains_init(small, &plan, &chains, NULL);
        assert_true(status == IDC_OK || status == IDC_NO_MEMORY);
        idc_arena_free(small);
    } while (status != IDC_OK);
    assert_true(limit > 8192);
}

/* Only EXPLAIN's {$1} stands in an address as it is. */
static void
what_an_api_says_cannot_add_parameters(void **state)
{
    static const char *const cases[][2] = {
        { "{$1&admin=1", "/items?at=%7B%241%26admin%3D1" },
        { "{$}&admin=1", "/items?at=%7B%24%7D%26admin%3D1" },
        { "{$1}", "/items?at={$1}" },
    };
    IdcRelation *scan =
        scan_of(arena, "endpoint=/items;page_style=cursor;cursor_param=at;cursor=/next", columns);

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        IdcRestPageValues page = { .cursor = cases[i][0] };
        IdcRestPlan plan;
        IdcText url;

        idc_text_init(&url, 0);
        assert_int_equal(idc_rest_plan(arena, &server, scan, &plan, NULL), IDC_OK);
        assert_int_equal(idc_rest_write_url(&plan, NULL, &page, &url, NULL), IDC_OK);
        assert_string_equal(idc_text_string(&url) + strlen(REST_BASE_URL), cases[i][1]);
        idc_text_done(&url);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_become_batches_of_unique_values),
        cmocka_unit_test(equal_numbers_are_asked_for_once),
        cmocka_unit_test(every_combination_is_asked_for),
        cmocka_unit_test(values_with_commas_are_asked_for_one_by_one),
        cmocka_unit_test(segments_cannot_climb),
        cmocka_unit_test(what_an_api_says_cannot_add_parameters),
        cmocka_unit_test(ranges_without_a_form_are_left_to_the_hub),
        cmocka_unit_test(keys_know_their_rows),
        cmocka_unit_test(too_little_memory_is_an_error),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
