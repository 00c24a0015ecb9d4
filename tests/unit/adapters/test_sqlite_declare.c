/*
 * test_sqlite_declare.c - what is left to SQLite, and as which statement. What it then answers is
 * tested with real files (tests/adapters/sqlite).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/sqlite/sqlite.h"

static const IdcType BOOL = { IDC_TYPE_BOOL, -1 }, INT2 = { IDC_TYPE_INT2, -1 },
                     INT4 = { IDC_TYPE_INT4, -1 }, INT8 = { IDC_TYPE_INT8, -1 },
                     FLOAT4 = { IDC_TYPE_FLOAT4, -1 }, FLOAT8 = { IDC_TYPE_FLOAT8, -1 },
                     NUMERIC = { IDC_TYPE_NUMERIC, -1 }, TEXT = { IDC_TYPE_TEXT, -1 },
                     DATE = { IDC_TYPE_DATE, -1 }, TIMESTAMP = { IDC_TYPE_TIMESTAMP, -1 };

enum { X_I4, X_I8, X_F8, X_F4, X_N, X_C, X_L, X_LOOSE, X_D, X_TS, X_B, COLUMN_COUNT };

static IdcArena *arena;
static const IdcRelation *table;

static int
begin(void **state)
{
    static const IdcRelationColumn columns[COLUMN_COUNT] = {
        [X_I4] = { .name = "i4", .type = { IDC_TYPE_INT4, -1 } },
        [X_I8] = { .name = "i8", .type = { IDC_TYPE_INT8, -1 } },
        [X_F8] = { .name = "f8", .type = { IDC_TYPE_FLOAT8, -1 } },
        [X_F4] = { .name = "f4", .type = { IDC_TYPE_FLOAT4, -1 } },
        [X_N] = { .name = "n", .type = { IDC_TYPE_NUMERIC, -1 } },
        [X_C] = { .name = "c", .type = { IDC_TYPE_TEXT, -1 }, .collation = IDC_COLLATION_C },
        [X_L] = { .name = "l", .type = { IDC_TYPE_TEXT, -1 }, .collation = IDC_COLLATION_LOCALE },
        [X_LOOSE] = { .name = "loose",
                      .type = { IDC_TYPE_TEXT, -1 },
                      .collation = IDC_COLLATION_LOOSE },
        [X_D] = { .name = "d", .type = { IDC_TYPE_DATE, -1 } },
        [X_TS] = { .name = "ts", .type = { IDC_TYPE_TIMESTAMP, -1 } },
        [X_B] = { .name = "b", .type = { IDC_TYPE_BOOL, -1 } },
    };
    static const IdcOptionSet none;

    (void) state;
    arena = idc_arena_new(0);
    table = idc_relation_scan(arena, "t", &none, columns, COLUMN_COUNT);
    return table == NULL ? -1 : 0;
}

static int
end(void **state)
{
    (void) state;
    idc_arena_free(arena);
    return 0;
}

static const IdcExpr *
col(size_t index)
{
    return idc_expr_column(arena, table, index);
}

static const IdcExpr *
of(IdcType type, const char *text)
{
    return idc_expr_constant(arena, type, text);
}

static const IdcExpr *
call(IdcExprKind kind, int op, IdcType type, size_t count, ...)
{
    const IdcExpr *args[8];
    va_list given;

    va_start(given, count);
    for (size_t i = 0; i < count; i++)
        args[i] = va_arg(given, const IdcExpr *);
    va_end(given);
    return idc_expr_new(arena, kind, op, type, args[0]->collation, args, count);
}

static const IdcExpr *
compare(IdcCompare op, const IdcExpr *left, const IdcExpr *right)
{
    return call(IDC_EXPR_COMPARE, (int) op, BOOL, 2, left, right);
}

static IdcPush
push(const IdcRelation *relation)
{
    IdcPushQuestion question = { .relation = relation, .is_exact_below = true };
    const char *why = NULL;
    IdcPush answer = idc_sqlite_can_push(&question, &why);

    assert_true((answer == IDC_PUSH_EXACT) == (why == NULL));
    return answer;
}

static IdcPush
push_where(const IdcExpr *expr)
{
    return push(idc_relation_filter(arena, table, &expr, 1));
}

#define EXACT(expr) assert_int_equal(push_where(expr), IDC_PUSH_EXACT)
#define SUPERSET(expr) assert_int_equal(push_where(expr), IDC_PUSH_SUPERSET)
#define NO(expr) assert_int_equal(push_where(expr), IDC_PUSH_NO)

static void
comparisons_of_types_that_sqlite_has(void **state)
{
    (void) state;
    EXACT(compare(IDC_EQ, col(X_I4), of(INT4, "1")));
    EXACT(compare(IDC_LT, col(X_I4), of(INT8, "1")));
    EXACT(compare(IDC_GE, col(X_F8), of(FLOAT8, "NaN")));
    EXACT(compare(IDC_NE, col(X_D), of(DATE, "infinity")));
    EXACT(compare(IDC_EQ, col(X_B), of(BOOL, "t")));
    NO(compare(IDC_EQ, col(X_F4), of(FLOAT4, "1.1")));
    NO(compare(IDC_EQ, col(X_N), of(NUMERIC, "1")));
    NO(compare(IDC_EQ, col(X_I4), of(FLOAT8, "1")));
    NO(compare(IDC_EQ, call(IDC_EXPR_ARITHMETIC, IDC_ADD, INT4, 2, col(X_I4), of(INT4, "1")),
               of(INT4, "2")));
}

static void
texts_by_their_collation(void **state)
{
    (void) state;
    EXACT(compare(IDC_LT, col(X_C), of(TEXT, "m")));
    EXACT(compare(IDC_EQ, col(X_L), of(TEXT, "m")));
    EXACT(compare(IDC_DISTINCT, col(X_L), of(TEXT, "m")));
    NO(compare(IDC_LT, col(X_L), of(TEXT, "m")));
    NO(compare(IDC_EQ, col(X_LOOSE), of(TEXT, "m")));
    EXACT(call(IDC_EXPR_IN, 0, BOOL, 3, col(X_L), of(TEXT, "a"), of(TEXT, NULL)));
    NO(call(IDC_EXPR_IN, 0, BOOL, 2, col(X_LOOSE), of(TEXT, "a")));
    NO(call(IDC_EXPR_IN, 0, BOOL, 3, col(X_F8), of(FLOAT8, "1"), of(FLOAT8, "NaN")));
    EXACT(call(IDC_EXPR_LIKE, 0, BOOL, 2, col(X_L), of(TEXT, "a%")));
    NO(call(IDC_EXPR_LIKE, 1, BOOL, 2, col(X_L), of(TEXT, "a%")));
    NO(call(IDC_EXPR_LIKE, 0, BOOL, 2, col(X_L), of(TEXT, "a\\")));
    EXACT(call(IDC_EXPR_LIKE, 0, BOOL, 2, col(X_L), of(TEXT, "a\\\\")));
    NO(call(IDC_EXPR_LIKE, 0, BOOL, 2, col(X_C), col(X_C)));
}

static void
nulls_of_every_type(void **state)
{
    (void) state;
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        EXACT(call(IDC_EXPR_NOT, 0, BOOL, 1, call(IDC_EXPR_IS_NULL, 0, BOOL, 1, col(i))));
}

static void
timestamps_narrow_but_not_behind_not(void **state)
{
    const IdcExpr *after = compare(IDC_GT, col(X_TS), of(TIMESTAMP, "2024-01-01 00:00:00"));
    const IdcExpr *exact = compare(IDC_EQ, col(X_I4), of(INT4, "1"));

    (void) state;
    SUPERSET(after);
    SUPERSET(compare(IDC_EQ, of(TIMESTAMP, "2024-01-01 00:00:00"), col(X_TS)));
    SUPERSET(compare(IDC_LE, col(X_TS), idc_expr_parameter(arena, TIMESTAMP, 0, false)));
    SUPERSET(call(IDC_EXPR_OR, 0, BOOL, 2, after, exact));
    SUPERSET(call(IDC_EXPR_AND, 0, BOOL, 2, exact, after));
    NO(call(IDC_EXPR_NOT, 0, BOOL, 1, after));
    NO(call(IDC_EXPR_IS_TRUE, 1, BOOL, 1, after));
    NO(compare(IDC_NE, col(X_TS), of(TIMESTAMP, "2024-01-01 00:00:00")));
    NO(compare(IDC_LT, col(X_TS), col(X_TS)));
}

static void
functions_that_mean_the_same(void **state)
{
    const IdcExpr *one = of(INT4, "1"), *below = of(INT4, "-1");

    (void) state;
    EXACT(compare(IDC_EQ, call(IDC_EXPR_FUNCTION, IDC_FN_LENGTH, INT4, 1, col(X_C)), one));
    NO(compare(IDC_EQ, call(IDC_EXPR_FUNCTION, IDC_FN_LOWER, TEXT, 1, col(X_C)), of(TEXT, "a")));
    EXACT(compare(IDC_EQ, call(IDC_EXPR_FUNCTION, IDC_FN_SUBSTRING, TEXT, 2, col(X_C), one),
                  of(TEXT, "a")));
    NO(compare(IDC_EQ, call(IDC_EXPR_FUNCTION, IDC_FN_SUBSTRING, TEXT, 2, col(X_C), below),
               of(TEXT, "a")));
    NO(compare(IDC_EQ, call(IDC_EXPR_FUNCTION, IDC_FN_LEFT, TEXT, 2, col(X_C), below),
               of(TEXT, "a")));
    NO(compare(IDC_EQ, call(IDC_EXPR_FUNCTION, IDC_FN_LENGTH, INT4, 1, col(X_LOOSE)), one));
    EXACT(compare(IDC_EQ, call(IDC_EXPR_CAST, 0, FLOAT8, 1, col(X_I8)), of(FLOAT8, "1")));
    NO(compare(IDC_EQ, call(IDC_EXPR_CAST, 0, INT2, 1, col(X_I4)), of(INT2, "1")));
    NO(compare(IDC_EQ, call(IDC_EXPR_CAST, 0, INT4, 1, col(X_C)), one));
    NO(compare(IDC_EQ, call(IDC_EXPR_COALESCE, 0, DATE, 2, col(X_D), of(DATE, "infinity")),
               of(DATE, "2024-01-01")));
}

static IdcPush
push_aggregate(IdcAggregateKind kind, IdcType type, const IdcExpr *arg, const IdcExpr *key)
{
    IdcAggregate aggregate = {
        .kind = kind, .type = type, .arg = arg, .collation = arg == NULL ? 0 : arg->collation
    };

    return push(idc_relation_aggregate(arena, table, &key, key == NULL ? 0 : 1, &aggregate, 1));
}

static void
aggregates_of_the_same_type_and_order(void **state)
{
    (void) state;
    assert_int_equal(push_aggregate(IDC_AGG_COUNT_ROWS, INT8, NULL, NULL), IDC_PUSH_EXACT);
    assert_int_equal(push_aggregate(IDC_AGG_COUNT_ROWS, INT8, NULL, col(X_L)), IDC_PUSH_EXACT);
    assert_int_equal(push_aggregate(IDC_AGG_COUNT_ROWS, INT8, NULL, col(X_LOOSE)), IDC_PUSH_NO);
    assert_int_equal(push_aggregate(IDC_AGG_COUNT_ROWS, INT8, NULL, col(X_F8)), IDC_PUSH_NO);
    assert_int_equal(push_aggregate(IDC_AGG_SUM, INT8, col(X_I4), NULL), IDC_PUSH_EXACT);
    assert_int_equal(push_aggregate(IDC_AGG_SUM, NUMERIC, col(X_I8), NULL), IDC_PUSH_NO);
    assert_int_equal(push_aggregate(IDC_AGG_SUM, FLOAT8, col(X_F8), NULL), IDC_PUSH_NO);
    assert_int_equal(push_aggregate(IDC_AGG_AVG, NUMERIC, col(X_I4), NULL), IDC_PUSH_NO);
    assert_int_equal(push_aggregate(IDC_AGG_MAX, TEXT, col(X_C), NULL), IDC_PUSH_EXACT);
    assert_int_equal(push_aggregate(IDC_AGG_MAX, TEXT, col(X_L), NULL), IDC_PUSH_NO);
    assert_int_equal(push_aggregate(IDC_AGG_MIN, DATE, of(DATE, "infinity"), NULL), IDC_PUSH_NO);
}

static void
orders_and_joins(void **state)
{
    IdcSortKey key = { .expr = col(X_C), .collation = IDC_COLLATION_C };
    const IdcExpr *yes = of(BOOL, "t");

    (void) state;
    assert_int_equal(push(idc_relation_sort(arena, table, &key, 1)), IDC_PUSH_EXACT);
    key.collation = IDC_COLLATION_LOCALE;
    assert_int_equal(push(idc_relation_sort(arena, table, &key, 1)), IDC_PUSH_NO);
    assert_int_equal(push(idc_relation_distinct(arena, table)), IDC_PUSH_NO);
    assert_int_equal(push(idc_relation_join(arena, IDC_JOIN_LEFT, table, table, &yes, 1)),
                     IDC_PUSH_EXACT);
    assert_int_equal(push(idc_relation_join(arena, IDC_JOIN_FULL, table, table, &yes, 1)),
                     IDC_PUSH_NO);
}

static void
a_request_of_the_users_own_stays_as_it_is(void **state)
{
    const IdcRelation *own = idc_relation_native(arena, "SELECT 1", table->columns, 1);
    const IdcExpr *yes = of(BOOL, "t");
    IdcText text;

    (void) state;
    assert_int_equal(push(own), IDC_PUSH_EXACT);
    assert_int_equal(push(idc_relation_limit(arena, own, of(INT8, "1"), NULL)), IDC_PUSH_NO);
    assert_int_equal(push(idc_relation_join(arena, IDC_JOIN_INNER, table, own, &yes, 1)),
                     IDC_PUSH_NO);
    idc_text_init(&text, 0);
    idc_declaration_sqlite.explain(NULL, own, &text);
    assert_string_equal(idc_text_string(&text), "SELECT 1");
    idc_text_done(&text);
}

/* ---- statements ---- */

static void
explains_as(const IdcRelation *relation, const char *expected)
{
    IdcText text;

    idc_text_init(&text, 0);
    idc_declaration_sqlite.explain(NULL, relation, &text);
    assert_string_equal(idc_text_string(&text), expected);
    idc_text_done(&text);
}

static const IdcRelation *
narrow(void)
{
    const IdcExpr *exprs[] = { col(X_I4), col(X_C) };
    const char *const names[] = { "i4", "c" };

    return idc_relation_project(arena, table, exprs, names, 2);
}

static void
clauses_go_into_one_select(void **state)
{
    const IdcRelation *two = narrow();
    const IdcExpr *where = compare(IDC_GT, idc_expr_column(arena, two, 0), of(INT4, "5"));
    const IdcExpr *key = idc_expr_column(arena, two, 1);
    IdcAggregate count = { .kind = IDC_AGG_COUNT_ROWS, .type = INT8 };
    const IdcRelation *grouped = idc_relation_aggregate(
        arena, idc_relation_filter(arena, two, &where, 1), &key, 1, &count, 1);
    const IdcExpr *having = compare(IDC_GE, idc_expr_column(arena, grouped, 1), of(INT8, "2"));
    IdcSortKey order = { .expr = idc_expr_column(arena, grouped, 1), .is_descending = true };
    const IdcRelation *whole = idc_relation_limit(
        arena, idc_relation_sort(arena, idc_relation_filter(arena, grouped, &having, 1), &order, 1),
        of(INT8, "10"), of(INT8, "3"));

    (void) state;
    explains_as(whole, "SELECT t1.\"c\", count(*) FROM \"t\" AS t1 WHERE (t1.\"i4\" > 5) "
                       "GROUP BY t1.\"c\" COLLATE BINARY HAVING (count(*) >= 2) "
                       "ORDER BY count(*) DESC NULLS LAST LIMIT 10 OFFSET 3");
}

static void
what_comes_too_late_goes_around(void **state)
{
    const IdcRelation *two = narrow();
    const IdcRelation *top = idc_relation_limit(arena, two, of(INT8, "9"), NULL);
    const IdcExpr *where = compare(IDC_EQ, idc_expr_column(arena, top, 1), of(TEXT, "it's"));
    const IdcRelation *few = idc_relation_filter(arena, top, &where, 1);

    (void) state;
    explains_as(few, "SELECT q2.c0, q2.c1 FROM (SELECT t1.\"i4\" AS c0, t1.\"c\" AS c1 FROM \"t\" "
                     "AS t1 LIMIT 9) AS q2 WHERE (q2.c1 = 'it''s' COLLATE BINARY)");
    explains_as(idc_relation_limit(arena, idc_relation_distinct(arena, two), NULL, of(INT8, "1")),
                "SELECT q2.c0, q2.c1 FROM (SELECT DISTINCT t1.\"i4\" AS c0, t1.\"c\" COLLATE "
                "BINARY AS c1 FROM \"t\" AS t1) AS q2 LIMIT -1 OFFSET 1");
}

static void
filters_of_an_outer_join_stay_inside(void **state)
{
    const IdcRelation *left = narrow(), *right = narrow();
    const IdcExpr *where = compare(IDC_GT, idc_expr_column(arena, right, 0), of(INT4, "5"));
    const IdcRelation *filtered = idc_relation_filter(arena, right, &where, 1);
    const IdcRelation *sides = idc_relation_join(arena, IDC_JOIN_INNER, left, right, NULL, 0);
    const IdcExpr *on =
        compare(IDC_EQ, idc_expr_column(arena, sides, 0), idc_expr_column(arena, sides, 2));

    (void) state;
    explains_as(idc_relation_join(arena, IDC_JOIN_LEFT, left, filtered, &on, 1),
                "SELECT t1.\"i4\", t1.\"c\", t2.\"i4\", t2.\"c\" FROM \"t\" AS t1 LEFT JOIN \"t\" "
                "AS t2 ON (t2.\"i4\" > 5) AND (t1.\"i4\" = t2.\"i4\")");
    explains_as(idc_relation_join(arena, IDC_JOIN_ANTI, left, filtered, &on, 1),
                "SELECT t1.\"i4\", t1.\"c\" FROM \"t\" AS t1 WHERE NOT EXISTS (SELECT 1 FROM "
                "\"t\" AS t2 WHERE (t2.\"i4\" > 5) AND (t1.\"i4\" = t2.\"i4\"))");
}

static void
parameters_have_numbers(void **state)
{
    const IdcExpr *list = idc_expr_parameter(arena, INT4, 1, true);
    const IdcExpr *in = call(IDC_EXPR_IN, 0, BOOL, 2, col(X_I4), list);
    const IdcRelation *two = narrow();

    (void) state;
    explains_as(idc_relation_filter(arena, two, &in, 1),
                "SELECT t1.\"i4\", t1.\"c\" FROM \"t\" AS t1 WHERE (t1.\"i4\" IN ($2))");
}

/* ---- days ---- */

static void
bounds_are_days_or_beyond_them_all(void **state)
{
    static const struct {
        const char *moment;
        int days;
        const char *bound;
    } cases[] = {
        { "2024-02-28", 0, "2024-02-28" },
        { "2024-02-28", 1, "2024-02-29" },
        { "2024-02-29", 1, "2024-03-01" },
        { "2023-02-28", 1, "2023-03-01" },
        { "2024-03-01", -1, "2024-02-29" },
        { "2024-01-01", -1, "2023-12-31" },
        { "2023-12-31", 2, "2024-01-02" },
        { "1900-02-28", 1, "1900-03-01" },
        { "2000-02-28", 1, "2000-02-29" },
        { "2024-05-31 23:59:59+00", 1, "2024-06-01" },
        { "0001-01-01", -1, "" },
        { "9999-12-31", 1, "~" },
        { "infinity", 0, "~" },
        { "-infinity", 0, "" },
        { "10000-01-01", 0, "~" },
        { "0044-03-15 BC", 0, "" },
        { "0044-03-15 10:00:00 BC", 1, "" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(idc_sqlite_moved_bound(arena, cases[i].moment, cases[i].days),
                            cases[i].bound);
    assert_true(idc_sqlite_is_day("2024-02-29", 10));
    assert_true(idc_sqlite_is_day("2024-02-29T", 11));
    assert_false(idc_sqlite_is_day("2023-02-29", 10));
    assert_false(idc_sqlite_is_day("2024-2-029", 10));
    assert_false(idc_sqlite_is_day("0000-01-01", 10));
    assert_false(idc_sqlite_is_day("2024-13-01", 10));
    assert_false(idc_sqlite_is_day("2024-01-00", 10));
    assert_false(idc_sqlite_is_day("2024-01-0", 9));
}

/* ---- writes ---- */

static const IdcOptionPair writable_pairs[] = { { "path", "/x.db" }, { "read_only", "false" } };
static const IdcOptionSet writable = { writable_pairs, 2 }, read_only = { writable_pairs, 1 };
static const IdcOptionPair key_pair[] = { { "key", "true" } };

/* One column, part of the key or not. */
static const IdcRelation *
one_column(uint32_t oid, bool is_key)
{
    static const IdcOptionSet none;
    IdcRelationColumn *column = idc_arena_alloc(arena, sizeof *column);

    *column = (IdcRelationColumn){ .name = "k", .type = { oid, -1 } };
    if (is_key)
        column->options = (IdcOptionSet){ key_pair, 1 };
    return idc_relation_scan(arena, "u", &none, column, 1);
}

static void
which_tables_can_be_written(void **state)
{
    static const uint32_t good[] = { IDC_TYPE_INT2, IDC_TYPE_TEXT, IDC_TYPE_DATE, IDC_TYPE_BYTEA,
                                     IDC_TYPE_UUID },
                          bad[] = { IDC_TYPE_NUMERIC, IDC_TYPE_FLOAT8, IDC_TYPE_TIMESTAMP,
                                    IDC_TYPE_BPCHAR };
    const unsigned whole = 1U << IDC_INSERT | 1U << IDC_UPDATE_WHERE | 1U << IDC_DELETE_WHERE;

    (void) state;
    assert_int_equal(idc_sqlite_writes(&read_only, table), 0);
    assert_int_equal(idc_sqlite_returns(&read_only, table), 0);
    assert_int_equal(idc_sqlite_writes(&writable, table), whole);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(idc_sqlite_writes(&writable, one_column(good[i], true)),
                         whole | 1U << IDC_UPDATE | 1U << IDC_DELETE);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(idc_sqlite_writes(&writable, one_column(bad[i], true)), whole);
    assert_true(idc_sqlite_is_key(one_column(IDC_TYPE_INT8, true), 0));
    assert_false(idc_sqlite_is_key(one_column(IDC_TYPE_INT8, false), 0));
}

/* SET column = value, for all rows. */
static IdcModify
set(size_t column, const IdcExpr *value)
{
    static const IdcOptionSet none;

    return (IdcModify){ .kind = IDC_UPDATE_WHERE,
                        .table = idc_relation_scan(arena, "t", &none, &table->columns[column], 1),
                        .where = idc_relation_project(arena, table, &value, NULL, 1) };
}

static bool
can_set(size_t column, const IdcExpr *value)
{
    IdcModify modify = set(column, value);
    const char *why = NULL;
    bool can = idc_sqlite_can_modify(&writable, &modify, &why);

    assert_true(can == (why == NULL));
    return can;
}

static void
new_values_that_sqlite_computes(void **state)
{
    const IdcExpr *one = of(INT4, "1"),
                  *sum = call(IDC_EXPR_ARITHMETIC, IDC_ADD, INT4, 2, col(X_I4), one);

    (void) state;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        assert_true(can_set(i, of(table->columns[i].type, NULL)));
        assert_true(can_set(i, col(i)));
    }
    assert_true(can_set(X_I4, sum));
    assert_true(can_set(X_I4, call(IDC_EXPR_ARITHMETIC, IDC_NEGATE, INT4, 1, sum)));
    assert_true(can_set(X_C, call(IDC_EXPR_FUNCTION, IDC_FN_CONCAT, TEXT, 2, col(X_C), col(X_L))));
    assert_false(can_set(X_I4, call(IDC_EXPR_ARITHMETIC, IDC_DIVIDE, INT4, 2, sum, one)));
    assert_false(can_set(X_I4, call(IDC_EXPR_FUNCTION, IDC_FN_ABS, INT4, 1, col(X_I4))));
    assert_false(can_set(X_C, call(IDC_EXPR_FUNCTION, IDC_FN_LOWER, TEXT, 1, col(X_C))));
    assert_false(
        can_set(X_F8, call(IDC_EXPR_ARITHMETIC, IDC_ADD, FLOAT8, 2, col(X_F8), col(X_F8))));
    assert_false(can_set(X_F8, call(IDC_EXPR_CAST, 0, FLOAT8, 1, col(X_I4))));
    assert_false(can_set(X_N, call(IDC_EXPR_ARITHMETIC, IDC_ADD, NUMERIC, 2, col(X_N), col(X_N))));
}

static void
says(const IdcModify *modify, const char *wanted)
{
    IdcText text;

    idc_text_init(&text, 0);
    idc_sqlite_explain_modify(&writable, modify, &text);
    assert_string_equal(idc_text_string(&text), wanted);
    idc_text_done(&text);
}

static void
statements_that_write(void **state)
{
    const IdcRelation *key = one_column(IDC_TYPE_UUID, true);
    IdcModify modify = { .kind = IDC_INSERT, .table = key, .returning = key };
    const IdcExpr *big = compare(IDC_GT, col(X_I4), of(INT4, "5"));

    (void) state;
    says(&modify, "INSERT INTO \"u\" (\"k\") VALUES (?1) RETURNING \"k\"");
    modify.conflict = IDC_CONFLICT_NOTHING;
    modify.returning = NULL;
    says(&modify, "INSERT INTO \"u\" (\"k\") VALUES (?1) ON CONFLICT DO NOTHING");
    modify = (IdcModify){ .kind = IDC_DELETE, .table = key, .key_count = 1 };
    says(&modify, "DELETE FROM \"u\" WHERE (\"k\" IS ?1 COLLATE NOCASE OR \"k\" = ?2)");
    modify.table = one_column(IDC_TYPE_TEXT, true);
    says(&modify, "DELETE FROM \"u\" WHERE \"k\" IS ?1 COLLATE BINARY");
    modify = set(X_I4, call(IDC_EXPR_ARITHMETIC, IDC_MULTIPLY, INT4, 2, col(X_I4), col(X_I4)));
    says(&modify, "UPDATE \"t\" AS t1 SET \"i4\" = (t1.\"i4\" * t1.\"i4\")");
    modify = (IdcModify){ .kind = IDC_DELETE_WHERE,
                          .table = table,
                          .where = idc_relation_filter(arena, table, &big, 1) };
    says(&modify, "DELETE FROM \"t\" AS t1 WHERE (t1.\"i4\" > 5)");
}

static void
upserts_need_more_than_a_key(void **state)
{
    IdcModify modify = { .kind = IDC_INSERT,
                         .table = one_column(IDC_TYPE_INT8, true),
                         .conflict = IDC_CONFLICT_UPDATE };
    const char *why;

    (void) state;
    assert_false(idc_sqlite_can_modify(&writable, &modify, &why));
    modify.conflict = IDC_CONFLICT_NOTHING;
    assert_true(idc_sqlite_can_modify(&writable, &modify, &why));
    assert_false(idc_sqlite_can_modify(&read_only, &modify, &why));
}

static void
the_planner_knows_how_many_rows_come_out(void **state)
{
    IdcEstimateQuestion question = {
        .relation = table, .table_rows = 100000, .selectivity = 0.01, .rows = -1
    };
    IdcEstimate guessed, known;

    (void) state;
    idc_declaration_sqlite.estimate(&question, arena, &guessed);
    assert_float_equal(guessed.rows, 1000, 0.001);
    question.rows = 30000;
    idc_declaration_sqlite.estimate(&question, arena, &known);
    assert_float_equal(known.rows, 30000, 0.001);
    assert_true(known.total_cost > guessed.total_cost);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comparisons_of_types_that_sqlite_has, begin, end),
        cmocka_unit_test_setup_teardown(texts_by_their_collation, begin, end),
        cmocka_unit_test_setup_teardown(nulls_of_every_type, begin, end),
        cmocka_unit_test_setup_teardown(timestamps_narrow_but_not_behind_not, begin, end),
        cmocka_unit_test_setup_teardown(functions_that_mean_the_same, begin, end),
        cmocka_unit_test_setup_teardown(aggregates_of_the_same_type_and_order, begin, end),
        cmocka_unit_test_setup_teardown(orders_and_joins, begin, end),
        cmocka_unit_test_setup_teardown(a_request_of_the_users_own_stays_as_it_is, begin, end),
        cmocka_unit_test_setup_teardown(clauses_go_into_one_select, begin, end),
        cmocka_unit_test_setup_teardown(what_comes_too_late_goes_around, begin, end),
        cmocka_unit_test_setup_teardown(filters_of_an_outer_join_stay_inside, begin, end),
        cmocka_unit_test_setup_teardown(parameters_have_numbers, begin, end),
        cmocka_unit_test_setup_teardown(bounds_are_days_or_beyond_them_all, begin, end),
        cmocka_unit_test_setup_teardown(which_tables_can_be_written, begin, end),
        cmocka_unit_test_setup_teardown(new_values_that_sqlite_computes, begin, end),
        cmocka_unit_test_setup_teardown(statements_that_write, begin, end),
        cmocka_unit_test_setup_teardown(upserts_need_more_than_a_key, begin, end),
        cmocka_unit_test_setup_teardown(the_planner_knows_how_many_rows_come_out, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
