/*
 * test_bind.c - values in the place of parameters.
 */
#include "trees.h"

#include "relation/ask.h"

static const char *
bound_text(IdcArena *arena, const IdcRelation *relation, const IdcValue *values, size_t count,
           IdcError *err)
{
    const IdcRelation *bound;
    const char *result;
    IdcText text;

    if (idc_relation_bind(arena, relation, values, count, &bound, err) != IDC_OK)
        return NULL;
    assert_int_equal(idc_relation_check(bound, err), IDC_OK);
    assert_int_equal(idc_relation_parameter_count(bound), 0);
    idc_text_init(&text, 0);
    idc_relation_print(bound, true, &text);
    result = idc_arena_strdup(arena, idc_text_string(&text));
    idc_text_done(&text);
    return result;
}

/* filter id in ($1 …) over customers [id, name] */
static const IdcRelation *
with_list(IdcArena *arena)
{
    const IdcRelation *customers = tree_customers(arena);
    const IdcExpr *in =
        tree_two(arena, IDC_EXPR_IN, 0, type_bool, idc_expr_column(arena, customers, 0),
                 idc_expr_parameter(arena, type_int8, 0, true));

    return idc_relation_filter(arena, customers, &in, 1);
}

static void
puts_lists_in(void **state)
{
    static const char *const items[] = { "7", NULL, "-8" };
    IdcArena *arena = idc_arena_new(0);
    const IdcRelation *relation = with_list(arena);
    IdcValue value = { .type = type_int8, .is_list = true, .items = items, .item_count = 3 };
    IdcError err;

    assert_int_equal(idc_relation_check(relation, &err), IDC_OK);
    assert_int_equal(idc_relation_parameter_count(relation), 1);
    assert_string_equal(bound_text(arena, relation, &value, 1, &err),
                        "filter id in (7, null, -8) (scan customers [id, name])");
    value.item_count = 0;
    assert_string_equal(bound_text(arena, relation, &value, 1, &err),
                        "filter false (scan customers [id, name])");
    value.is_list = false; /* the NULL array */
    assert_string_equal(bound_text(arena, relation, &value, 1, &err),
                        "filter null (scan customers [id, name])");
    idc_arena_free(arena);
    (void) state;
}

static void
refuses_values_that_do_not_fit(void **state)
{
    static const char *const items[] = { "7", "x" };
    IdcArena *arena = idc_arena_new(0);
    const IdcRelation *relation = with_list(arena);
    IdcValue value = { .type = type_int8, .is_list = true, .items = items, .item_count = 2 };
    IdcError err;

    assert_null(bound_text(arena, relation, &value, 1, &err));
    assert_string_equal(err.message, "the value of $1 is none of type bigint");
    assert_null(bound_text(arena, relation, NULL, 0, &err));
    assert_string_equal(err.message, "there is no value for $1");
    value.type = type_text;
    assert_null(bound_text(arena, relation, &value, 1, &err));
    assert_string_equal(err.message, "$1 is of type bigint, its value text");
    value = (IdcValue){ .type = type_int8, .text = "7" };
    assert_null(bound_text(arena, relation, &value, 1, &err));
    assert_string_equal(err.message, "$1 is a list, its value is not");
    assert_int_equal(err.status, IDC_BAD_VALUE);
    idc_arena_free(arena);
    (void) state;
}

static void
binds_limits(void **state)
{
    IdcArena *arena = idc_arena_new(0);
    const IdcRelation *relation = idc_relation_limit(
        arena, tree_customers(arena), idc_expr_parameter(arena, type_int8, 0, false),
        idc_expr_parameter(arena, type_int8, 1, false));
    IdcValue values[] = { { .type = type_int8, .text = "10" }, { .type = type_int8, .text = "0" } };
    IdcError err;

    assert_string_equal(bound_text(arena, relation, values, 2, &err),
                        "limit 10 offset 0 (scan customers [id, name])");
    values[0].text = values[1].text = NULL;
    assert_string_equal(bound_text(arena, relation, values, 2, &err),
                        "limit all (scan customers [id, name])");
    values[0].text = "-1";
    assert_null(bound_text(arena, relation, values, 2, &err));
    assert_string_equal(err.message, "LIMIT must not be negative");
    assert_string_equal(err.sqlstate, "2201W");
    values[0].text = "1";
    values[1].text = "-1";
    assert_null(bound_text(arena, relation, values, 2, &err));
    assert_string_equal(err.sqlstate, "2201X");
    idc_arena_free(arena);
    (void) state;
}

static void
shares_what_has_no_parameter(void **state)
{
    IdcArena *arena = idc_arena_new(0);
    const IdcRelation *customers = tree_customers(arena), *bound;
    const IdcExpr *id = idc_expr_column(arena, customers, 0);
    const IdcExpr *conjuncts[] = {
        tree_compare(arena, IDC_GT, id, idc_expr_constant(arena, type_int8, "1")),
        tree_compare(arena, IDC_LT, id, idc_expr_parameter(arena, type_int8, 0, false)),
    };
    const IdcRelation *filter = idc_relation_filter(arena, customers, conjuncts, 2);
    IdcValue value = { .type = type_int8, .text = "5" };

    assert_int_equal(idc_relation_bind(arena, customers, NULL, 0, &bound, NULL), IDC_OK);
    assert_ptr_equal(bound, customers);
    assert_int_equal(idc_relation_bind(arena, filter, &value, 1, &bound, NULL), IDC_OK);
    assert_ptr_equal(bound->input, customers);
    assert_ptr_equal(bound->exprs[0], conjuncts[0]);
    assert_ptr_not_equal(bound->exprs[1], conjuncts[1]);
    assert_ptr_equal(filter->exprs[1], conjuncts[1]);
    assert_ptr_equal(bound->exprs[1]->args[0], id);
    assert_string_equal(bound->exprs[1]->args[1]->text, "5");
    assert_true(idc_expr_equal(bound->exprs[0], conjuncts[0]));
    assert_false(idc_expr_equal(bound->exprs[1], conjuncts[1]));
    assert_ptr_equal(idc_relation_base(filter), customers);
    idc_arena_free(arena);
    (void) state;
}

/* A value for each parameter that trees.h makes. */
static void
value_for(const IdcExpr *expr, void *arg)
{
    static const char *const lists[2] = { NULL, NULL };
    IdcValue *values = arg;

    if (expr->kind == IDC_EXPR_PARAMETER)
        values[expr->index] = (IdcValue){ .type = expr->type,
                                          .is_list = expr->is_list,
                                          .items = lists,
                                          .item_count = expr->is_list ? 2 : 0 };
}

static bool
visit(const IdcExpr *expr, void *arg)
{
    value_for(expr, arg);
    return true;
}

static void
walk_expr(const IdcExpr *expr, void *values)
{
    idc_expr_walk(expr, visit, values);
}

static void
walk(const IdcRelation *relation, IdcValue *values)
{
    idc_ask_each_expr(relation, walk_expr, values);
    if (relation->input != NULL)
        walk(relation->input, values);
    if (relation->right != NULL)
        walk(relation->right, values);
}

static void
binds_any_tree(void **state)
{
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        IdcArena *arena = idc_arena_new(0);
        Chance c = { seed, arena };
        const IdcRelation *relation = chance_relation(&c, (int) (seed % 6));
        IdcValue values[256];
        IdcError err;

        memset(values, 0, sizeof values);
        walk(relation, values);
        if (bound_text(arena, relation, values, 256, &err) == NULL)
            fail_msg("seed %llu: %s", (unsigned long long) seed, err.message);
        idc_arena_free(arena);
    }
    (void) state;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_lists_in),  cmocka_unit_test(refuses_values_that_do_not_fit),
        cmocka_unit_test(binds_limits),   cmocka_unit_test(shares_what_has_no_parameter),
        cmocka_unit_test(binds_any_tree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
