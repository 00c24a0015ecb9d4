/*
 * test_parameters.c - placeholders as $n, and values as libpq takes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "query/query.h"

/* What one test works with. */
typedef struct Bench {
    IdcArena *arena;
    IdcText sql;
    IdcBoundParameter *bound;
    size_t bound_count;
    IdcError err;
} Bench;

static int
bench_open(void **state)
{
    static Bench bench;

    bench = (Bench){ .arena = idc_arena_new(0) };
    idc_text_init(&bench.sql, 0);
    *state = &bench;
    return bench.arena != NULL ? 0 : -1;
}

static int
bench_close(void **state)
{
    Bench *bench = *state;

    idc_text_done(&bench->sql);
    idc_arena_free(bench->arena);
    return 0;
}

static IdcStatus
bind(Bench *bench, const char *sql, const IdcParameter *parameters, size_t count)
{
    idc_text_clear(&bench->sql);
    idc_error_init(&bench->err);
    return idc_parameters_bind(bench->arena, sql, parameters, count, &bench->sql, &bench->bound,
                               &bench->bound_count, &bench->err);
}

static const IdcParameter one[] = { { NULL, { IDC_VALUE_INT, 0, "1", 1 } } };
static const IdcParameter two[] = { { NULL, { IDC_VALUE_INT, 0, "1", 1 } },
                                    { NULL, { IDC_VALUE_TEXT, 0, "b", 1 } } };
static const IdcParameter named[] = { { "a", { IDC_VALUE_INT, 0, "1", 1 } },
                                      { "day", { IDC_VALUE_DATE, 0, "2013-01-01", 10 } } };

static void
assert_bound(Bench *bench, const char *sql, const IdcParameter *parameters, size_t count,
             const char *expected)
{
    if (bind(bench, sql, parameters, count) != IDC_OK)
        fail_msg("%s: %s", sql, bench->err.message);
    assert_string_equal(idc_text_string(&bench->sql), expected);
    assert_int_equal(bench->bound_count, count);
}

static void
assert_refused(Bench *bench, const char *sql, const IdcParameter *parameters, size_t count,
               const char *message)
{
    assert_int_equal(bind(bench, sql, parameters, count), IDC_BAD_VALUE);
    assert_string_equal(bench->err.message, message);
    assert_string_equal(bench->err.sqlstate, "42P02");
    assert_int_equal(bench->sql.len, 0);
}

static void
without_parameters_nothing_changes(void **state)
{
    static const char sql[] = "SELECT 5 % 2, '%s', :x, $1, 100 %% 7, a::int";

    assert_bound(*state, sql, NULL, 0, sql);
}

static void
positional_styles(void **state)
{
    assert_bound(*state, "SELECT $1", one, 1, "SELECT $1");
    assert_bound(*state, "SELECT $2, $1, $2", two, 2, "SELECT $2, $1, $2");
    assert_bound(*state, "SELECT %s, %s", two, 2, "SELECT $1, $2");
    assert_bound(*state, "SELECT 7 %% %s", one, 1, "SELECT 7 % $1");
    assert_bound(*state, "SELECT 7 % $1, x %% 2", one, 1, "SELECT 7 % $1, x %% 2");
    assert_bound(*state, "LIMIT%s", one, 1, "LIMIT $1");
    assert_bound(*state, "x=%s::int", one, 1, "x=$1::int");
    assert_bound(*state, "(%s)", one, 1, "($1)");
    assert_bound(*state, "a %some, %s", one, 1, "a %some, $1");
    assert_bound(*state, "x ? 'k' AND y ?| z AND a = $1", one, 1, "x ? 'k' AND y ?| z AND a = $1");
}

static void
named_styles(void **state)
{
    assert_bound(*state, "a = :a AND d > :day", named, 2, "a = $1 AND d > $2");
    assert_bound(*state, "d > :day AND a = :a OR a = :a", named, 2, "d > $1 AND a = $2 OR a = $2");
    assert_bound(*state, "a = %(a)s AND d %% 2 > %(day)s", named, 2, "a = $1 AND d % 2 > $2");
    assert_bound(*state, "a = :a::int AND d = %(day)s", named, 2, "a = $1::int AND d = $2");
    assert_bound(*state, "f(x := :a), :day", named, 2, "f(x := $1), $2");
    assert_bound(*state, "b[1:2], b[i:j], b[:a], b[i:a], :day", named, 2,
                 "b[1:2], b[i:j], b[$1], b[i $1], $2");
    assert_bound(*state, "x[1]:a, :day", named, 2, "x[1]$1, $2");
}

static void
strings_names_and_comments_are_left_alone(void **state)
{
    static const char *const kept[] = {
        "'%s $1 :a'",
        "'it''s %s'",
        "E'\\' %s :a'",
        "e'\\\\'",
        "E'a'\n'\\' %s'",
        "E'a' -- c\n '\\' %s'",
        "U&'%s \\'",
        "u&\"%s :a\"",
        "B'%s'",
        "x'%s'",
        "N'%s'",
        "\"a \"\" %s :a $1\"",
        "$$%s :a $1$$",
        "$tag$ $$ %s $other$ :a $tag$",
        "$_1$%s$_1$",
        "-- %s :a $1\n",
        "/* %s /* :a */ $1 */",
        "a$1",
        "a$b$ %a",
        "b::int",
    };

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        char sql[128], expected[128];

        snprintf(sql, sizeof sql, "%s , %%s", kept[i]);
        snprintf(expected, sizeof expected, "%s , $1", kept[i]);
        assert_bound(*state, sql, one, 1, expected);
    }
    assert_bound(*state, "'a'\n'\\' , %s", one, 1, "'a'\n'\\' , $1");
    assert_bound(*state, "%s, 'never closed %s", one, 1, "$1, 'never closed %s");
    assert_bound(*state, "%s, /* never closed %s", one, 1, "$1, /* never closed %s");
    assert_bound(*state, "%s, $x$ never closed %s $x", one, 1, "$1, $x$ never closed %s $x");
    assert_bound(*state, "%s, \"never closed %s", one, 1, "$1, \"never closed %s");
    assert_bound(*state, "%s, E'\\", one, 1, "$1, E'\\");
    assert_bound(*state, "%s %", one, 1, "$1 %");
    assert_bound(*state, "%s %(", one, 1, "$1 %(");
    assert_bound(*state, "%s $", one, 1, "$1 $");
}

static void
wrong_counts_and_names_are_refused(void **state)
{
    static const IdcParameter twice[] = { { "a", { IDC_VALUE_NULL, 0, NULL, 0 } },
                                          { "a", { IDC_VALUE_NULL, 0, NULL, 0 } } };
    static const IdcParameter mixed[] = { { "a", { IDC_VALUE_NULL, 0, NULL, 0 } },
                                          { NULL, { IDC_VALUE_NULL, 0, NULL, 0 } } };
    Bench *bench = *state;

    assert_refused(bench, "SELECT 1", one, 1,
                   "the statement has 0 placeholders, and 1 parameter is given");
    assert_refused(bench, "SELECT %s", two, 2,
                   "the statement has 1 placeholder, and 2 parameters are given");
    assert_refused(bench, "SELECT %s, %s", one, 1,
                   "the statement has 2 placeholders, and 1 parameter is given");
    assert_refused(bench, "SELECT $1", two, 2, "parameter $2 is given but not used");
    assert_refused(bench, "SELECT $2", two, 2, "parameter $1 is given but not used");
    assert_refused(bench, "SELECT $2", one, 1, "there is no parameter $2: 1 is given");
    assert_refused(bench, "SELECT $0", one, 1, "there is no parameter $0: 1 is given");
    assert_refused(bench, "SELECT $99999999999999999999999", one, 1,
                   "there is no parameter $99999999999999999999: 1 is given");
    assert_refused(bench, "SELECT $1, %s", two, 2, "the statement mixes $1 and %s");
    assert_refused(bench, "SELECT :a", named, 2, "parameter \"day\" is given but not used");
    assert_refused(bench, "SELECT :a, :dya", named, 2, "no parameter \"dya\" is given");
    assert_string_equal(bench->err.hint, "did you mean \"day\"?");
    assert_refused(bench, "SELECT :a", one, 1,
                   "the statement uses named placeholders, but the parameters have no names");
    assert_refused(bench, "SELECT $1", named, 2,
                   "the parameters have names, but the statement uses $1 or %s");
    assert_refused(bench, "SELECT :a", twice, 2, "parameter \"a\" is given twice");
    assert_refused(bench, "SELECT :a", mixed, 2, "some parameters have names and some do not");
}

static void
assert_oid(Bench *bench, IdcValueKind kind, IdcValueKind element, const char *data, uint32_t oid)
{
    IdcParameter parameter = { NULL, { kind, element, data, strlen(data) } };

    assert_bound(bench, "$1", &parameter, 1, "$1");
    assert_int_equal(bench->bound[0].type_oid, oid);
    assert_int_equal(bench->bound[0].is_binary, kind == IDC_VALUE_BYTES);
    assert_int_equal(bench->bound[0].len, strlen(data));
    assert_string_equal(bench->bound[0].data, data);
}

static void
values_have_types(void **state)
{
    assert_oid(*state, IDC_VALUE_BOOL, 0, "true", 16);
    assert_oid(*state, IDC_VALUE_INT, 0, "-2147483648", 23);
    assert_oid(*state, IDC_VALUE_INT, 0, "2147483648", 20);
    assert_oid(*state, IDC_VALUE_INT, 0, "9223372036854775808", 1700);
    assert_oid(*state, IDC_VALUE_FLOAT, 0, "NaN", 701);
    assert_oid(*state, IDC_VALUE_NUMERIC, 0, "1.50", 1700);
    assert_oid(*state, IDC_VALUE_TEXT, 0, "", 0);
    assert_oid(*state, IDC_VALUE_BYTES, 0, "\xFF", 17);
    assert_oid(*state, IDC_VALUE_DATE, 0, "2013-01-01", 1082);
    assert_oid(*state, IDC_VALUE_TIME, 0, "10:00", 1083);
    assert_oid(*state, IDC_VALUE_TIMETZ, 0, "10:00+00", 1266);
    assert_oid(*state, IDC_VALUE_TIMESTAMP, 0, "2013-01-01 10:00", 1114);
    assert_oid(*state, IDC_VALUE_TIMESTAMPTZ, 0, "2013-01-01 10:00+00", 1184);
    assert_oid(*state, IDC_VALUE_INTERVAL, 0, "P1D", 1186);
    assert_oid(*state, IDC_VALUE_UUID, 0, "00000000-0000-0000-0000-000000000001", 2950);
    assert_oid(*state, IDC_VALUE_JSON, 0, "{}", 0);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_INT, "{1,NULL,-2}", 1007);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_INT, "{}", 1007);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_INT, "{{1},{-2147483649}}", 1016);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_INT, "{99999999999999999999,1}", 1231);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_BOOL, "{t}", 1000);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_FLOAT, "{NaN}", 1022);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_NUMERIC, "{1.5}", 1231);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_TEXT, "{a}", 0);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_BYTES, "{\"\\\\x00\"}", 1001);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_DATE, "{2013-01-01}", 1182);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_TIME, "{10:00}", 1183);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_TIMETZ, "{10:00+00}", 1270);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_TIMESTAMP, "{}", 1115);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_TIMESTAMPTZ, "{}", 1185);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_INTERVAL, "{P1D}", 1187);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_UUID, "{}", 2951);
    assert_oid(*state, IDC_VALUE_ARRAY, IDC_VALUE_NULL, "{}", 0);
}

static void
values_are_copied_in_the_order_of_the_numbers(void **state)
{
    static const char bytes[] = { 'a', 0, (char) 0xFF };
    IdcParameter parameters[] = { { "x", { IDC_VALUE_BYTES, 0, bytes, sizeof bytes } },
                                  { "y", { IDC_VALUE_NULL, 0, NULL, 0 } },
                                  { "z", { IDC_VALUE_TEXT, 0, "longer", 4 } } };
    Bench *bench = *state;

    assert_bound(bench, ":z, :y, :x", parameters, 3, "$1, $2, $3");
    assert_string_equal(bench->bound[0].data, "long");
    assert_null(bench->bound[1].data);
    assert_int_equal(bench->bound[1].type_oid, 0);
    assert_int_equal(bench->bound[2].len, 3);
    assert_int_equal(bench->bound[2].is_binary, 1);
    assert_memory_equal(bench->bound[2].data, bytes, 3);
}

static void
broken_values_are_refused(void **state)
{
    IdcParameter nul = { NULL, { IDC_VALUE_TEXT, 0, "a\0b", 3 } };
    IdcParameter bad = { NULL, { IDC_VALUE_TEXT, 0, "\xFF", 1 } };
    IdcParameter word = { NULL, { IDC_VALUE_INT, 0, "one", 3 } };
    IdcParameter huge = { NULL, { IDC_VALUE_BYTES, 0, "", (size_t) INT32_MAX } };
    Bench *bench = *state;

    assert_int_equal(bind(bench, "$1", &nul, 1), IDC_BAD_VALUE);
    assert_string_equal(bench->err.message,
                        "parameter 1 holds a NUL byte, which PostgreSQL cannot store");
    assert_int_equal(bind(bench, "$1", &bad, 1), IDC_BAD_VALUE);
    assert_string_equal(bench->err.message, "parameter 1 is not valid UTF-8");
    assert_int_equal(bind(bench, "$1", &word, 1), IDC_BAD_VALUE);
    assert_string_equal(bench->err.message, "parameter 1 is not a whole number");
    assert_int_equal(bind(bench, "$1", &huge, 1), IDC_BAD_VALUE);
    assert_string_equal(bench->err.message, "parameter 1 is longer than 2 GB");
    assert_int_equal(bind(bench, "$1", one, 70000), IDC_BAD_VALUE);
}

static void
a_full_arena_is_reported(void **state)
{
    IdcArena *full = idc_arena_new(1);
    Bench *bench = *state;

    assert_int_equal(idc_parameters_bind(full, "$1", one, 1, &bench->sql, &bench->bound,
                                         &bench->bound_count, &bench->err),
                     IDC_NO_MEMORY);
    idc_arena_free(full);
}

int
main(void)
{
#define BENCH_TEST(f) cmocka_unit_test_setup_teardown(f, bench_open, bench_close)
    const struct CMUnitTest tests[] = {
        BENCH_TEST(without_parameters_nothing_changes),
        BENCH_TEST(positional_styles),
        BENCH_TEST(named_styles),
        BENCH_TEST(strings_names_and_comments_are_left_alone),
        BENCH_TEST(wrong_counts_and_names_are_refused),
        BENCH_TEST(values_have_types),
        BENCH_TEST(values_are_copied_in_the_order_of_the_numbers),
        BENCH_TEST(broken_values_are_refused),
        BENCH_TEST(a_full_arena_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
