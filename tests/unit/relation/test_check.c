/*
 * test_check.c - trees without a meaning are refused, one after the other.
 *
 * Each test makes a tree that is right, sees it accepted, then spoils one thing of it.
 */
#include "fixture.h"

static bool
is_right(const IdcRelation *relation)
{
    IdcError err;
    IdcStatus status = idc_relation_check(relation, &err);

    if (status != IDC_OK) {
        assert_int_equal(status, IDC_BAD_VALUE);
        assert_string_equal(err.sqlstate, "22023");
        assert_memory_equal(err.message, "a relation has no meaning: ", 27);
    }
    return status == IDC_OK;
}

/* As the only column of a PROJECT. */
static bool
is_right_expr(Fixture *f, const IdcExpr *expr)
{
    IdcRelation *project =
        idc_relation_project(f->arena, f->orders, &expr, (const char *[]){ "x" }, 1);

    return is_right(project);
}

/* An expression of two, or of one where b is NULL. */
static bool
is_right_pair(Fixture *f, IdcExprKind kind, int32_t op, IdcType type, const IdcExpr *a,
              const IdcExpr *b)
{
    return is_right_expr(f, b == NULL ? tree_one(f->arena, kind, op, type, a)
                                      : tree_two(f->arena, kind, op, type, a, b));
}

static const IdcExpr *
constant(Fixture *f, uint32_t oid, const char *text)
{
    return idc_expr_constant(f->arena, (IdcType){ oid, -1 }, text);
}

static void
leaves(void **state)
{
    Fixture *f = *state;
    IdcExpr spoilt = *f->id;

    assert_true(is_right_expr(f, &spoilt));
    spoilt.index = 5;
    assert_false(is_right_expr(f, &spoilt));
    spoilt.index = -1;
    assert_false(is_right_expr(f, &spoilt));
    spoilt.index = 4; /* of another type */
    assert_false(is_right_expr(f, &spoilt));
    assert_false(is_right_expr(f, idc_expr_column(f->arena, f->orders, 99)));
    assert_true(is_right_expr(f, idc_expr_parameter(f->arena, type_int8, 65535, false)));
    assert_false(is_right_expr(f, idc_expr_parameter(f->arena, type_int8, 65536, false)));
    assert_false(is_right_expr(f, idc_expr_parameter(f->arena, type_int8, -1, false)));
    assert_false(is_right_expr(f, idc_expr_parameter(f->arena, type_int8, 0, true)));
    assert_true(is_right_expr(f, constant(f, IDC_TYPE_INT8, NULL)));
    assert_false(is_right_expr(f, constant(f, IDC_TYPE_INT8, "1 or true")));
    spoilt = *f->id;
    spoilt.op = 1;
    assert_false(is_right_expr(f, &spoilt));
    spoilt = *f->id;
    spoilt.text = "x";
    assert_false(is_right_expr(f, &spoilt));
    spoilt = *f->id;
    spoilt.type.modifier = -2;
    assert_false(is_right_expr(f, &spoilt));
    spoilt = *f->id;
    spoilt.collation = (IdcCollation) 4;
    assert_false(is_right_expr(f, &spoilt));
    spoilt = *f->id;
    spoilt.kind = IDC_EXPR_KIND_COUNT;
    assert_false(is_right_expr(f, &spoilt));
}

static void
logic(void **state)
{
    Fixture *f = *state;
    IdcExpr spoilt = *tree_two(f->arena, IDC_EXPR_AND, 0, type_bool, f->open, f->open);

    assert_true(is_right_expr(f, &spoilt));
    spoilt.type = type_int4;
    assert_false(is_right_expr(f, &spoilt));
    spoilt.type = type_bool;
    spoilt.arg_count = 1;
    assert_false(is_right_expr(f, &spoilt));
    spoilt.arg_count = 0;
    assert_false(is_right_expr(f, &spoilt));
    assert_false(is_right_pair(f, IDC_EXPR_OR, 0, type_bool, f->open, f->id));
    assert_false(is_right_pair(f, IDC_EXPR_NOT, 0, type_bool, f->id, NULL));
    assert_false(is_right_pair(f, IDC_EXPR_NOT, 0, type_bool, f->open, f->open));
    assert_true(is_right_pair(f, IDC_EXPR_IS_TRUE, 1, type_bool, f->open, NULL));
    assert_false(is_right_pair(f, IDC_EXPR_IS_TRUE, 2, type_bool, f->open, NULL));
    assert_false(is_right_pair(f, IDC_EXPR_IS_TRUE, 0, type_bool, f->id, NULL));
    assert_false(is_right_pair(f, IDC_EXPR_IS_NULL, 0, type_int8, f->id, NULL));
}

static void
comparisons(void **state)
{
    Fixture *f = *state;
    const IdcExpr *other = constant(f, IDC_TYPE_OTHER, "x"),
                  *json = constant(f, IDC_TYPE_JSON, "1");
    const IdcExpr *int4 = constant(f, IDC_TYPE_INT4, "1"), *name = constant(f, IDC_TYPE_NAME, "n");
    const IdcExpr *bpchar = constant(f, IDC_TYPE_BPCHAR, "n"),
                  *date = constant(f, IDC_TYPE_DATE, NULL);
    IdcExpr loose = *tree_compare(f->arena, IDC_EQ, f->customer, f->customer);

    assert_true(is_right_pair(f, IDC_EXPR_COMPARE, IDC_LT, type_bool, f->id, int4));
    assert_true(is_right_pair(f, IDC_EXPR_COMPARE, IDC_LT, type_bool, f->placed, date));
    assert_true(is_right_pair(f, IDC_EXPR_COMPARE, IDC_LT, type_bool, f->customer, name));
    assert_false(is_right_pair(f, IDC_EXPR_COMPARE, IDC_LT, type_bool, f->id, f->amount));
    assert_false(is_right_pair(f, IDC_EXPR_COMPARE, IDC_EQ, type_bool, f->id, f->customer));
    assert_false(is_right_pair(f, IDC_EXPR_COMPARE, IDC_EQ, type_bool, f->customer, bpchar));
    assert_false(is_right_pair(f, IDC_EXPR_COMPARE, IDC_COMPARE_COUNT, type_bool, f->id, f->id));
    assert_false(is_right_pair(f, IDC_EXPR_COMPARE, -1, type_bool, f->id, f->id));
    assert_true(is_right_pair(f, IDC_EXPR_COMPARE, IDC_DISTINCT, type_bool, other, other));
    assert_false(is_right_pair(f, IDC_EXPR_COMPARE, IDC_LT, type_bool, other, other));
    assert_false(is_right_pair(f, IDC_EXPR_COMPARE, IDC_EQ, type_bool, json, json));
    assert_true(is_right_expr(f, &loose));
    loose.collation = IDC_COLLATION_LOOSE;
    assert_false(is_right_expr(f, &loose));
    assert_true(is_right_pair(f, IDC_EXPR_LIKE, 1, type_bool, f->customer, f->customer));
    assert_false(is_right_pair(f, IDC_EXPR_LIKE, 2, type_bool, f->customer, f->customer));
    assert_false(is_right_pair(f, IDC_EXPR_LIKE, 0, type_bool, f->id, f->customer));
}

static void
lists(void **state)
{
    Fixture *f = *state;
    const IdcExpr *list = idc_expr_parameter(f->arena, type_int8, 0, true);
    const IdcExpr *args[] = { f->id, list, f->id };

    assert_true(is_right_pair(f, IDC_EXPR_IN, 0, type_bool, f->id, list));
    assert_true(is_right_pair(f, IDC_EXPR_IN, 0, type_bool, f->id, f->id));
    assert_false(is_right_pair(f, IDC_EXPR_IN, 0, type_bool, list, list));
    assert_false(is_right_pair(f, IDC_EXPR_IN, 0, type_bool, f->customer, list));
    assert_false(is_right_pair(f, IDC_EXPR_COMPARE, IDC_EQ, type_bool, f->id, list));
    assert_false(is_right_pair(f, IDC_EXPR_IN, 0, type_bool, f->id, NULL));
    assert_false(is_right_expr(
        f, idc_expr_new(f->arena, IDC_EXPR_IN, 0, type_bool, IDC_COLLATION_NONE, args, 3)));
}

static void
arithmetic(void **state)
{
    Fixture *f = *state;
    const IdcExpr *real = constant(f, IDC_TYPE_FLOAT8, "1"),
                  *int4 = constant(f, IDC_TYPE_INT4, "1");

    assert_true(is_right_pair(f, IDC_EXPR_ARITHMETIC, IDC_ADD, type_int8, f->id, f->id));
    assert_true(is_right_pair(f, IDC_EXPR_ARITHMETIC, IDC_NEGATE, type_int8, f->id, NULL));
    assert_true(is_right_pair(f, IDC_EXPR_ARITHMETIC, IDC_MODULO, type_int8, f->id, f->id));
    assert_true(is_right_pair(f, IDC_EXPR_ARITHMETIC, IDC_DIVIDE, type_float8, real, real));
    assert_false(is_right_pair(f, IDC_EXPR_ARITHMETIC, IDC_MODULO, type_float8, real, real));
    assert_false(is_right_pair(f, IDC_EXPR_ARITHMETIC, IDC_NEGATE, type_int8, f->id, f->id));
    assert_false(is_right_pair(f, IDC_EXPR_ARITHMETIC, IDC_ADD, type_int8, f->id, NULL));
    assert_false(is_right_pair(f, IDC_EXPR_ARITHMETIC, IDC_ADD, type_int8, f->id, int4));
    assert_false(is_right_pair(f, IDC_EXPR_ARITHMETIC, IDC_ADD, type_int4, f->id, f->id));
    assert_false(
        is_right_pair(f, IDC_EXPR_ARITHMETIC, IDC_ADD, type_text, f->customer, f->customer));
    assert_false(
        is_right_pair(f, IDC_EXPR_ARITHMETIC, IDC_ARITHMETIC_COUNT, type_int8, f->id, f->id));
}

static void
functions(void **state)
{
    Fixture *f = *state;
    const IdcExpr *two = constant(f, IDC_TYPE_INT4, "2"), *unit = constant(f, IDC_TYPE_TEXT, "day");
    const IdcExpr *real = constant(f, IDC_TYPE_FLOAT8, "1");
    const IdcExpr *args[] = { f->customer, two, two, two };
    const IdcExprKind function = IDC_EXPR_FUNCTION;

    assert_true(is_right_pair(f, function, IDC_FN_LOWER, type_text, f->customer, NULL));
    assert_false(is_right_pair(f, function, IDC_FN_LOWER, type_text, f->id, NULL));
    assert_false(is_right_pair(f, function, IDC_FN_LOWER, type_int8, f->customer, NULL));
    assert_false(is_right_pair(f, function, IDC_FN_LOWER, type_text, f->customer, two));
    for (size_t count = 1; count <= 4; count++)
        assert_int_equal(is_right_expr(f, idc_expr_new(f->arena, function, IDC_FN_SUBSTRING,
                                                       type_text, IDC_COLLATION_C, args, count)),
                         count == 2 || count == 3);
    assert_true(is_right_pair(f, function, IDC_FN_ROUND, type_numeric, f->amount, two));
    assert_true(is_right_pair(f, function, IDC_FN_ROUND, type_float8, real, NULL));
    assert_false(is_right_pair(f, function, IDC_FN_ROUND, type_float8, real, two));
    assert_true(is_right_pair(f, function, IDC_FN_DATE_TRUNC, type_timestamp, unit, f->placed));
    assert_false(
        is_right_pair(f, function, IDC_FN_DATE_TRUNC, type_timestamp, f->customer, f->placed));
    assert_false(is_right_pair(f, function, IDC_FN_DATE_TRUNC, type_timestamp,
                               constant(f, IDC_TYPE_TEXT, NULL), f->placed));
    assert_true(is_right_pair(f, function, IDC_FN_EXTRACT, type_numeric, unit, f->placed));
    assert_false(is_right_pair(f, function, IDC_FN_EXTRACT, type_float8, unit, f->placed));
    assert_true(is_right_pair(f, function, IDC_FN_DATE, type_date, f->placed, NULL));
    assert_true(is_right_pair(f, function, IDC_FN_GREATEST, type_int8, f->id, f->id));
    assert_false(is_right_pair(f, function, IDC_FN_GREATEST, type_int8, f->id, two));
    assert_true(is_right_pair(f, function, IDC_FN_NULLIF, type_int8, f->id, two));
    assert_false(is_right_pair(f, function, IDC_FN_NULLIF, type_int8, f->id, f->customer));
    assert_false(is_right_pair(f, function, IDC_FN_COUNT, type_int8, f->id, f->id));
}

static void
choices(void **state)
{
    Fixture *f = *state;
    const IdcExpr *args[] = { f->open, f->id, f->open, f->id, f->id };

    for (size_t count = 1; count <= 5; count++)
        assert_int_equal(is_right_expr(f, idc_expr_new(f->arena, IDC_EXPR_CASE, 0, type_int8,
                                                       IDC_COLLATION_NONE, args, count)),
                         count == 5);
    assert_true(is_right_pair(f, IDC_EXPR_COALESCE, 0, type_int8, f->id, f->id));
    assert_false(is_right_pair(f, IDC_EXPR_COALESCE, 0, type_int8, f->id, f->open));
    assert_true(is_right_pair(f, IDC_EXPR_CAST, 0, type_text, f->id, NULL));
    assert_false(is_right_pair(f, IDC_EXPR_CAST, 0, type_text, f->id, f->id));
}

static void
relations(void **state)
{
    Fixture *f = *state;
    IdcRelation spoilt = *f->orders;
    const IdcExpr *conditions[] = { f->open, NULL, f->id };

    assert_true(is_right(&spoilt));
    spoilt.native = "both";
    assert_false(is_right(&spoilt));
    spoilt.native = spoilt.name = NULL;
    assert_false(is_right(&spoilt));
    spoilt = *f->orders;
    spoilt.input = f->customers;
    assert_false(is_right(&spoilt));
    spoilt = *f->orders;
    spoilt.kind = IDC_REL_KIND_COUNT;
    assert_false(is_right(&spoilt));
    spoilt = *f->orders;
    spoilt.kind = IDC_REL_DISTINCT;
    assert_false(is_right(&spoilt));
    assert_false(is_right(NULL));
    assert_false(is_right(idc_relation_filter(f->arena, f->orders, conditions, 0)));
    assert_true(is_right(idc_relation_filter(f->arena, f->orders, conditions, 1)));
    assert_false(is_right(idc_relation_filter(f->arena, f->orders, conditions, 2)));
    assert_false(is_right(idc_relation_filter(f->arena, f->orders, conditions + 2, 1)));
    spoilt = *idc_relation_filter(f->arena, f->orders, conditions, 1);
    spoilt.columns = f->customers->columns;
    assert_false(is_right(&spoilt));
    spoilt = *idc_relation_project(f->arena, f->orders, conditions, NULL, 1);
    assert_true(is_right(&spoilt));
    spoilt.column_count = 0;
    assert_false(is_right(&spoilt));
    assert_true(is_right(idc_relation_native(f->arena, "{}", f->orders->columns, 2)));
}

static void
limits_and_sorts(void **state)
{
    Fixture *f = *state;
    const IdcExpr *ten = constant(f, IDC_TYPE_INT8, "10"), *four = constant(f, IDC_TYPE_INT4, "4");
    IdcSortKey key = { f->id, false, false, IDC_COLLATION_NONE };

    assert_true(is_right(idc_relation_limit(f->arena, f->orders, ten, NULL)));
    assert_true(is_right(idc_relation_limit(f->arena, f->orders, NULL, ten)));
    assert_false(is_right(idc_relation_limit(f->arena, f->orders, four, NULL)));
    assert_false(is_right(idc_relation_limit(f->arena, f->orders, f->id, NULL)));
    assert_false(
        is_right(idc_relation_limit(f->arena, f->orders, constant(f, IDC_TYPE_INT8, "-1"), NULL)));
    assert_false(
        is_right(idc_relation_limit(f->arena, f->orders, constant(f, IDC_TYPE_INT8, NULL), NULL)));
    assert_true(is_right(idc_relation_sort(f->arena, f->orders, &key, 1)));
    assert_false(is_right(idc_relation_sort(f->arena, f->orders, &key, 0)));
    key.collation = IDC_COLLATION_LOOSE;
    assert_false(is_right(idc_relation_sort(f->arena, f->orders, &key, 1)));
    key = (IdcSortKey){ constant(f, IDC_TYPE_OTHER, "x"), false, false, IDC_COLLATION_NONE };
    assert_false(is_right(idc_relation_sort(f->arena, f->orders, &key, 1)));
}

static bool
is_right_aggregate(Fixture *f, IdcAggregateKind kind, const IdcExpr *arg, IdcType type)
{
    IdcAggregate aggregate = { .kind = kind, .arg = arg, .type = type };

    return is_right(idc_relation_aggregate(f->arena, f->orders, &f->customer, 1, &aggregate, 1));
}

static void
aggregates(void **state)
{
    Fixture *f = *state;
    IdcRelationColumn loose[] = { { "l", type_text, IDC_COLLATION_LOOSE, false, { 0 } } };
    const IdcRelation *scan = idc_relation_scan(f->arena, "t", NULL, loose, 1);
    const IdcExpr *key = idc_expr_column(f->arena, scan, 0);
    IdcAggregate wrong = { .kind = IDC_AGG_COUNT_ROWS, .type = type_int8, .is_distinct = true };

    assert_true(is_right_aggregate(f, IDC_AGG_COUNT_ROWS, NULL, type_int8));
    assert_false(is_right_aggregate(f, IDC_AGG_COUNT_ROWS, f->id, type_int8));
    assert_false(is_right_aggregate(f, IDC_AGG_COUNT, NULL, type_int8));
    assert_false(is_right_aggregate(f, IDC_AGG_COUNT, f->id, type_int4));
    assert_true(is_right_aggregate(f, IDC_AGG_SUM, f->id, type_numeric));
    assert_false(is_right_aggregate(f, IDC_AGG_SUM, f->id, type_int8));
    assert_false(is_right_aggregate(f, IDC_AGG_SUM, f->customer, type_text));
    assert_false(is_right_aggregate(f, IDC_AGG_SUM, NULL, type_numeric));
    assert_true(is_right_aggregate(f, IDC_AGG_MAX, f->placed, type_timestamp));
    assert_false(is_right_aggregate(f, IDC_AGG_MAX, f->placed, type_date));
    assert_false(is_right_aggregate(f, IDC_AGG_MIN, NULL, type_date));
    assert_true(is_right_aggregate(f, IDC_AGG_BOOL_OR, f->open, type_bool));
    assert_false(is_right_aggregate(f, IDC_AGG_BOOL_AND, f->id, type_bool));
    assert_false(is_right_aggregate(f, IDC_AGG_KIND_COUNT, f->id, type_int8));
    assert_false(is_right(idc_relation_aggregate(f->arena, f->orders, NULL, 0, &wrong, 1)));
    wrong = (IdcAggregate){ .kind = IDC_AGG_COUNT_ROWS, .type = type_int8, .filter = f->id };
    assert_false(is_right(idc_relation_aggregate(f->arena, f->orders, NULL, 0, &wrong, 1)));
    assert_false(is_right(idc_relation_aggregate(f->arena, scan, &key, 1, NULL, 0)));
    assert_false(is_right(idc_relation_distinct(f->arena, scan)));
}

static void
joins(void **state)
{
    Fixture *f = *state;
    const IdcRelation *both =
        idc_relation_join(f->arena, IDC_JOIN_INNER, f->orders, f->customers, NULL, 0);
    const IdcExpr *on = tree_compare(f->arena, IDC_EQ, f->id, idc_expr_column(f->arena, both, 5));
    const IdcRelation *semi =
        idc_relation_join(f->arena, IDC_JOIN_SEMI, f->orders, f->customers, &on, 1);
    IdcRelation spoilt;

    assert_true(is_right(both));
    assert_true(is_right(semi));
    assert_false(is_right(idc_relation_filter(f->arena, f->orders, &on, 1)));
    spoilt = *both;
    spoilt.column_count--;
    assert_false(is_right(&spoilt));
    spoilt = *both;
    spoilt.right = NULL;
    assert_false(is_right(&spoilt));
    spoilt = *both;
    spoilt.join = IDC_JOIN_KIND_COUNT;
    assert_false(is_right(&spoilt));
    spoilt = *both;
    spoilt.right = f->orders;
    assert_false(is_right(&spoilt));
}

static void
locks(void **state)
{
    Fixture *f = *state;
    IdcRelation scan = *f->orders;

    scan.lock = IDC_LOCK_UPDATE;
    scan.lock_wait = IDC_LOCK_SKIP;
    assert_true(is_right(&scan));
    assert_true(is_right(idc_relation_limit(f->arena, &scan, NULL, NULL)));
    assert_false(is_right(idc_relation_distinct(f->arena, &scan)));
    assert_false(
        is_right(idc_relation_join(f->arena, IDC_JOIN_INNER, f->customers, &scan, NULL, 0)));
    scan.lock = IDC_LOCK_NONE;
    assert_false(is_right(&scan));
    scan.lock_wait = IDC_LOCK_WAIT;
    scan.lock = IDC_LOCK_COUNT;
    assert_false(is_right(&scan));
}

static bool
is_right_call(Fixture *f, IdcCallKind how, const char *name, IdcType type, size_t count)
{
    const IdcExpr *args[] = { f->id, f->id, f->id };

    return is_right_expr(f,
                         idc_expr_call(f->arena, how, name, type, IDC_COLLATION_NONE, args, count));
}

/* Names go into a request as they are. */
static void
calls(void **state)
{
    Fixture *f = *state;

    assert_true(is_right_call(f, IDC_CALL_FUNCTION, "num_nulls", type_int4, 0));
    assert_true(is_right_call(f, IDC_CALL_FUNCTION, "num_nulls", type_int4, 3));
    assert_false(is_right_call(f, IDC_CALL_FUNCTION, NULL, type_int4, 1));
    assert_false(is_right_call(f, IDC_CALL_FUNCTION, "", type_int4, 1));
    assert_false(is_right_call(f, IDC_CALL_FUNCTION, "x\"(", type_int4, 1));
    assert_false(is_right_call(f, IDC_CALL_FUNCTION, "pg_catalog.abs", type_int4, 1));
    assert_false(is_right_call(f, IDC_CALL_VARIADIC, "num_nulls", type_int4, 0));
    assert_true(is_right_call(f, IDC_CALL_OPERATOR, "&&", type_bool, 2));
    assert_true(is_right_call(f, IDC_CALL_OPERATOR, "~", type_int8, 1));
    assert_false(is_right_call(f, IDC_CALL_OPERATOR, "&&", type_bool, 3));
    assert_false(is_right_call(f, IDC_CALL_OPERATOR, "abs", type_bool, 2));
    assert_false(is_right_call(f, IDC_CALL_OPERATOR, "+)", type_bool, 2));
    assert_false(is_right_call(f, IDC_CALL_OPERATOR, "--", type_bool, 2));
    assert_false(is_right_call(f, IDC_CALL_OPERATOR, "/*", type_bool, 2));
    assert_true(is_right_call(f, IDC_CALL_ANY, "<", type_bool, 2));
    assert_false(is_right_call(f, IDC_CALL_ANY, "<", type_int4, 2));
    assert_false(is_right_call(f, IDC_CALL_ALL, "<", type_bool, 1));
    assert_true(is_right_call(f, IDC_CALL_ARRAY, NULL, type_text, 0));
    assert_false(is_right_call(f, IDC_CALL_ARRAY, "array", type_text, 1));
    assert_true(is_right_call(f, IDC_CALL_ELEMENT, NULL, type_int8, 2));
    assert_false(is_right_call(f, IDC_CALL_ELEMENT, NULL, type_int8, 1));
    assert_false(is_right_call(f, IDC_CALL_COUNT, NULL, type_int8, 1));
}

static void
called_aggregates(void **state)
{
    Fixture *f = *state;
    const IdcExpr *args[] = { f->id };
    IdcSortKey order = { f->id, false, false, IDC_COLLATION_NONE };
    IdcAggregate right = {
        .kind = IDC_AGG_CALL, .name = "bit_xor", .type = type_int8, .args = args, .arg_count = 1
    };
    IdcAggregate spoilt = right;

    assert_true(is_right(idc_relation_aggregate(f->arena, f->orders, NULL, 0, &right, 1)));
    spoilt.name = "bit xor";
    assert_false(is_right(idc_relation_aggregate(f->arena, f->orders, NULL, 0, &spoilt, 1)));
    spoilt = right;
    spoilt.arg = f->id;
    assert_false(is_right(idc_relation_aggregate(f->arena, f->orders, NULL, 0, &spoilt, 1)));
    spoilt = right;
    spoilt.is_within_group = true;
    assert_false(is_right(idc_relation_aggregate(f->arena, f->orders, NULL, 0, &spoilt, 1)));
    spoilt.order = &order;
    spoilt.order_count = 1;
    assert_true(is_right(idc_relation_aggregate(f->arena, f->orders, NULL, 0, &spoilt, 1)));
    spoilt = (IdcAggregate){ .kind = IDC_AGG_COUNT_ROWS, .type = type_int8, .name = "count" };
    assert_false(is_right(idc_relation_aggregate(f->arena, f->orders, NULL, 0, &spoilt, 1)));
}

static void
windows(void **state)
{
    Fixture *f = *state;
    IdcWindow right = { .function = { .kind = IDC_AGG_COUNT_ROWS, .type = type_int8 },
                        .partition = &f->id,
                        .partition_count = 1,
                        .mode = IDC_FRAME_ROWS,
                        .start = IDC_FRAME_PRECEDING,
                        .end = IDC_FRAME_CURRENT,
                        .start_offset = constant(f, IDC_TYPE_INT8, "2") };
    IdcWindow spoilt = right;

    assert_true(is_right(idc_relation_window(f->arena, f->orders, &right, 1)));
    assert_false(is_right(idc_relation_window(f->arena, f->orders, &right, 0)));
    spoilt.start_offset = NULL;
    assert_false(is_right(idc_relation_window(f->arena, f->orders, &spoilt, 1)));
    spoilt.start_offset = f->id; /* of a row */
    assert_false(is_right(idc_relation_window(f->arena, f->orders, &spoilt, 1)));
    spoilt = right;
    spoilt.end = IDC_FRAME_UNBOUNDED_PRECEDING;
    assert_false(is_right(idc_relation_window(f->arena, f->orders, &spoilt, 1)));
    spoilt = right;
    spoilt.exclusion = IDC_EXCLUSION_COUNT;
    assert_false(is_right(idc_relation_window(f->arena, f->orders, &spoilt, 1)));
    spoilt = right;
    spoilt.function.is_distinct = true;
    assert_false(is_right(idc_relation_window(f->arena, f->orders, &spoilt, 1)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(leaves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(logic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comparisons, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arithmetic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(functions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(choices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(relations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_and_sorts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(aggregates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(joins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(locks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(called_aggregates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(windows, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
