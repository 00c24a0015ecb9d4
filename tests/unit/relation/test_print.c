/*
 * test_print.c - what EXPLAIN and logs show of a relation.
 */
#include "fixture.h"

static void
expect(const IdcRelation *relation, bool with_values, const char *wanted)
{
    IdcText text;
    IdcError err;

    if (idc_relation_check(relation, &err) != IDC_OK)
        fail_msg("%s", err.message);
    idc_text_init(&text, 0);
    idc_relation_print(relation, with_values, &text);
    assert_string_equal(idc_text_string(&text), wanted);
    idc_text_done(&text);
}

static void
expect_expr(Fixture *f, const IdcExpr *expr, const char *wanted)
{
    IdcText text;

    idc_text_init(&text, 0);
    idc_expr_print(expr, f->orders, true, &text);
    assert_string_equal(idc_text_string(&text), wanted);
    idc_text_done(&text);
}

static const IdcExpr *
number(Fixture *f, IdcType type, const char *text)
{
    return idc_expr_constant(f->arena, type, text);
}

static void
prints_the_whole_way(void **state)
{
    Fixture *f = *state;
    const IdcExpr *amount = idc_expr_column(f->arena, f->orders, 1);
    const IdcExpr *conjuncts[] = {
        tree_compare(f->arena, IDC_GT, amount, number(f, type_money, "5.00")),
        tree_compare(f->arena, IDC_EQ, idc_expr_column(f->arena, f->orders, 2),
                     number(f, type_text, "O'Neill")),
    };
    const IdcRelation *filter = idc_relation_filter(f->arena, f->orders, conjuncts, 2);
    IdcSortKey keys[] = { { amount, true, true, IDC_COLLATION_NONE },
                          { conjuncts[1]->args[0], false, true, IDC_COLLATION_C } };
    const IdcRelation *sort = idc_relation_sort(f->arena, filter, keys, 2);
    const IdcRelation *limit =
        idc_relation_limit(f->arena, sort, number(f, type_int8, "10"),
                           idc_expr_parameter(f->arena, type_int8, 0, false));

    expect(
        limit, true,
        "limit 10 offset $1 (sort by amount desc, customer nulls first (filter amount > 5.00 and "
        "customer = 'O''Neill' (scan orders [id, amount, customer, placed, open])))");
    expect(limit, false,
           "limit 10 offset $1 (sort by amount desc, customer nulls first (filter amount > … and "
           "customer = … (scan orders [id, amount, customer, placed, open])))");
}

static void
prints_groups(void **state)
{
    Fixture *f = *state;
    const IdcExpr *customer = idc_expr_column(f->arena, f->orders, 2);
    const IdcExpr *lower = tree_one(f->arena, IDC_EXPR_FUNCTION, IDC_FN_LOWER, type_text, customer);
    const IdcExpr *keys[] = { customer, lower };
    IdcAggregate aggregates[] = {
        { .kind = IDC_AGG_COUNT_ROWS, .type = type_int8 },
        { .kind = IDC_AGG_SUM,
          .arg = idc_expr_column(f->arena, f->orders, 1),
          .filter = idc_expr_column(f->arena, f->orders, 4),
          .type = type_numeric },
        { .kind = IDC_AGG_COUNT, .arg = customer, .is_distinct = true, .type = type_int8 },
    };
    const IdcRelation *group = idc_relation_aggregate(f->arena, f->orders, keys, 2, aggregates, 3);
    const IdcExpr *having = tree_compare(f->arena, IDC_GE, idc_expr_column(f->arena, group, 2),
                                         number(f, type_int8, "3"));
    IdcSortKey by[] = { { idc_expr_column(f->arena, group, 1), false, false, IDC_COLLATION_C },
                        { idc_expr_column(f->arena, group, 3), true, false, IDC_COLLATION_NONE } };

    expect(idc_relation_sort(f->arena, idc_relation_filter(f->arena, group, &having, 1), by, 2),
           true,
           "sort by lower(customer), sum desc nulls last (filter count(*) >= 3 (group by customer, "
           "lower(customer): count(*), sum(amount) filter (where open), count(distinct customer) "
           "(scan orders [id, amount, customer, placed, open])))");
    expect(idc_relation_aggregate(f->arena, f->orders, NULL, 0, aggregates, 1), true,
           "aggregate count(*) (scan orders [id, amount, customer, placed, open])");
    expect(idc_relation_distinct(f->arena,
                                 idc_relation_project(f->arena, f->orders, keys,
                                                      (const char *[]){ "customer", "Low" }, 2)),
           true,
           "distinct (project customer, lower(customer) as \"Low\" (scan orders [id, amount, "
           "customer, placed, open]))");
}

static void
prints_joins(void **state)
{
    Fixture *f = *state;
    const IdcRelation *both =
        idc_relation_join(f->arena, IDC_JOIN_INNER, f->orders, f->customers, NULL, 0);
    const IdcExpr *on = tree_compare(f->arena, IDC_EQ, idc_expr_column(f->arena, both, 0),
                                     idc_expr_column(f->arena, both, 5));
    const IdcRelation *semi =
        idc_relation_join(f->arena, IDC_JOIN_SEMI, f->orders, f->customers, &on, 1);
    const IdcRelation *left =
        idc_relation_join(f->arena, IDC_JOIN_LEFT, f->orders, f->customers, &on, 1);
    const IdcExpr *test =
        tree_one(f->arena, IDC_EXPR_IS_NULL, 0, type_bool, idc_expr_column(f->arena, left, 6));

    assert_false(left->columns[5].is_not_null);
    assert_true(left->columns[0].is_not_null);
    assert_int_equal(semi->column_count, 5);
    expect(semi, true,
           "semi join on orders.id = customers.id (scan orders [id, amount, customer, placed, "
           "open]) (scan customers [id, name])");
    expect(idc_relation_filter(f->arena, left, &test, 1), true,
           "filter customers.name is null (left join on orders.id = customers.id (scan orders [id, "
           "amount, customer, placed, open]) (scan customers [id, name]))");
}

static void
brackets_what_binds_less(void **state)
{
    Fixture *f = *state;
    const IdcExpr *open = idc_expr_column(f->arena, f->orders, 4);
    const IdcExpr *id = idc_expr_column(f->arena, f->orders, 0);
    const IdcExpr *one = number(f, type_int8, "1"), *minus = number(f, type_int8, "-1");
    const IdcExpr *sum = tree_two(f->arena, IDC_EXPR_ARITHMETIC, IDC_ADD, type_int8, id, one);
    const IdcExpr *difference =
        tree_two(f->arena, IDC_EXPR_ARITHMETIC, IDC_SUBTRACT, type_int8, id, sum);
    const IdcExpr *product =
        tree_two(f->arena, IDC_EXPR_ARITHMETIC, IDC_MULTIPLY, type_int8, difference, minus);
    const IdcExpr *either = tree_two(f->arena, IDC_EXPR_OR, 0, type_bool, open,
                                     tree_compare(f->arena, IDC_LT, product, one));
    const IdcExpr *both = tree_two(f->arena, IDC_EXPR_AND, 0, type_bool, either,
                                   tree_one(f->arena, IDC_EXPR_NOT, 0, type_bool, either));

    expect_expr(f, both,
                "(open or (id - (id + 1)) * -1 < 1) and not (open or (id - (id + 1)) * -1 < 1)");
    expect_expr(f, tree_one(f->arena, IDC_EXPR_CAST, 0, type_text, sum), "(id + 1)::text");
    expect_expr(f, tree_one(f->arena, IDC_EXPR_ARITHMETIC, IDC_NEGATE, type_int8, minus), "-(-1)");
    expect_expr(f, tree_one(f->arena, IDC_EXPR_IS_NULL, 0, type_bool, either),
                "(open or (id - (id + 1)) * -1 < 1) is null");
    expect_expr(f, tree_compare(f->arena, IDC_NOT_DISTINCT, open, either),
                "open is not distinct from (open or (id - (id + 1)) * -1 < 1)");
}

static void
prints_tests(void **state)
{
    Fixture *f = *state;
    const IdcExpr *customer = idc_expr_column(f->arena, f->orders, 2);
    const IdcExpr *in[14] = { customer };
    const IdcExpr *like =
        tree_two(f->arena, IDC_EXPR_LIKE, 1, type_bool, customer, number(f, type_text, "a%"));
    const IdcExpr *list = tree_two(f->arena, IDC_EXPR_IN, 0, type_bool, customer,
                                   idc_expr_parameter(f->arena, type_text, 2, true));

    for (size_t i = 1; i < 14; i++)
        in[i] = number(f, type_text, i == 2 ? NULL : "x");
    expect_expr(f, idc_expr_new(f->arena, IDC_EXPR_IN, 0, type_bool, IDC_COLLATION_C, in, 4),
                "customer in ('x', null, 'x')");
    expect_expr(f, idc_expr_new(f->arena, IDC_EXPR_IN, 0, type_bool, IDC_COLLATION_C, in, 14),
                "customer in ('x', null, 'x', 'x', 'x', 'x', 'x', 'x', … 5 more)");
    expect_expr(f, list, "customer = any($3)");
    expect_expr(f, tree_one(f->arena, IDC_EXPR_NOT, 0, type_bool, list), "customer <> all($3)");
    expect_expr(f, tree_one(f->arena, IDC_EXPR_NOT, 0, type_bool, like), "customer not ilike 'a%'");
    expect_expr(f,
                tree_one(f->arena, IDC_EXPR_NOT, 0, type_bool,
                         tree_one(f->arena, IDC_EXPR_IS_TRUE, 1, type_bool, like)),
                "customer ilike 'a%' is not false");
}

static void
prints_functions(void **state)
{
    Fixture *f = *state;
    const IdcExpr *placed = idc_expr_column(f->arena, f->orders, 3);
    const IdcExpr *year = number(f, type_text, "year");
    const IdcExpr *parts[] = { idc_expr_column(f->arena, f->orders, 4), year,
                               number(f, type_text, "two\nlines\\") };
    IdcText text;

    expect_expr(f,
                tree_two(f->arena, IDC_EXPR_FUNCTION, IDC_FN_EXTRACT, type_numeric, year, placed),
                "extract(year from placed)");
    expect_expr(
        f, tree_two(f->arena, IDC_EXPR_FUNCTION, IDC_FN_DATE_TRUNC, type_timestamp, year, placed),
        "date_trunc('year', placed)");
    expect_expr(f,
                idc_expr_new(f->arena, IDC_EXPR_CASE, 0, type_text, IDC_COLLATION_NONE, parts, 3),
                "case when open then 'year' else E'two\\x0alines\\\\' end");
    expect_expr(f, tree_two(f->arena, IDC_EXPR_FUNCTION, IDC_FN_CONCAT, type_text, year, parts[2]),
                "'year' || E'two\\x0alines\\\\'");
    idc_text_init(&text, 0);
    idc_expr_print(idc_expr_column(f->arena, f->orders, 77), f->orders, true, &text);
    idc_expr_print(placed, NULL, true, &text);
    assert_string_equal(idc_text_string(&text), "#78#4");
    idc_text_done(&text);
}

static void
cuts_long_texts_between_characters(void **state)
{
    Fixture *f = *state;
    char value[400], wanted[400];

    for (size_t i = 0; i < 200; i++)
        memcpy(value + 2 * i, "é", 2);
    value[399] = '\0';
    value[398] = '\0';
    memcpy(wanted, "'", 1);
    memcpy(wanted + 1, value, 120);
    memcpy(wanted + 121, "'…", sizeof "'…");
    expect_expr(f, number(f, type_text, value), wanted);
    value[0] = 'e';
    memmove(value + 1, value + 2, 397); /* now byte 120 is inside of a character */
    memcpy(wanted + 1, value, 119);
    memcpy(wanted + 120, "'…", sizeof "'…");
    expect_expr(f, number(f, type_text, value), wanted);
}

static void
prints_calls(void **state)
{
    Fixture *f = *state;
    const IdcExpr *id = idc_expr_column(f->arena, f->orders, 0), *two[] = { id, id };
    IdcSortKey order = { id, true, true, IDC_COLLATION_NONE };
    IdcAggregate call = { .kind = IDC_AGG_CALL,
                          .name = "string_agg",
                          .type = type_text,
                          .args = two,
                          .arg_count = 2,
                          .order = &order,
                          .order_count = 1 };
    IdcWindow window = { .function = { .kind = IDC_AGG_CALL, .name = "rank", .type = type_int8 },
                         .partition = two,
                         .partition_count = 1,
                         .order = &order,
                         .order_count = 1,
                         .mode = IDC_FRAME_ROWS,
                         .start = IDC_FRAME_PRECEDING,
                         .end = IDC_FRAME_CURRENT,
                         .start_offset = number(f, type_int8, "2") };

    expect_expr(f, idc_expr_call(f->arena, IDC_CALL_FUNCTION, "gcd", type_int8, 0, two, 2),
                "gcd(id, id)");
    expect_expr(f, idc_expr_call(f->arena, IDC_CALL_OPERATOR, "#", type_int8, 0, two, 2),
                "id # id");
    expect_expr(f, idc_expr_call(f->arena, IDC_CALL_OPERATOR, "~", type_int8, 0, two, 1), "~ id");
    expect_expr(f, idc_expr_call(f->arena, IDC_CALL_ANY, "<", type_bool, 0, two, 2),
                "id < any(id)");
    expect_expr(f, idc_expr_call(f->arena, IDC_CALL_ARRAY, NULL, type_int8, 0, two, 2),
                "array[id, id]");
    expect_expr(f, idc_expr_call(f->arena, IDC_CALL_ELEMENT, NULL, type_int8, 0, two, 2), "id[id]");
    expect(idc_relation_aggregate(f->arena, f->orders, NULL, 0, &call, 1), true,
           "aggregate string_agg(id, id order by id desc) (scan orders [id, amount, customer, "
           "placed, open])");
    expect(idc_relation_window(f->arena, f->orders, &window, 1), true,
           "window rank() over (partition by id order by id desc rows between 2 preceding and "
           "current row) (scan orders [id, amount, customer, placed, open])");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prints_the_whole_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prints_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prints_joins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(brackets_what_binds_less, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prints_tests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prints_functions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(prints_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_long_texts_between_characters, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
