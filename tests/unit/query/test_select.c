/*
 * test_select.c - table requests as SQL: which literal each column gets from each kind of value.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "query/query.h"

static const IdcTableColumn columns[] = {
    { "i2", "smallint", "int2", 'N', false },
    { "i4", "integer", "int4", 'N', true },
    { "i8", "bigint", "int8", 'N', false },
    { "f4", "real", "float4", 'N', false },
    { "f8", "double precision", "float8", 'N', false },
    { "n", "numeric(10,2)", "numeric", 'N', false },
    { "b", "boolean", "bool", 'B', false },
    { "t", "text", "text", 'S', false },
    { "v", "character varying(3)", "varchar", 'S', false },
    { "c", "character(3)", "bpchar", 'S', false },
    { "name", "name", "name", 'S', false },
    { "bin", "bytea", "bytea", 'U', false },
    { "d", "date", "date", 'D', false },
    { "ti", "time without time zone", "time", 'D', false },
    { "tz", "time with time zone", "timetz", 'D', false },
    { "ts", "timestamp without time zone", "timestamp", 'D', false },
    { "tstz", "timestamp with time zone", "timestamptz", 'D', false },
    { "iv", "interval", "interval", 'T', false },
    { "u", "uuid", "uuid", 'U', false },
    { "j", "json", "json", 'U', false },
    { "jb", "jsonb", "jsonb", 'U', false },
    { "e", "mood", "mood", 'E', false },
    { "a", "integer[]", "_int4", 'A', false },
    { "ip", "inet", "inet", 'I', false },
    { "m", "money", "money", 'N', false },
    { "a\"b", "integer", "int4", 'N', false },
    { "a b", "integer", "int4", 'N', false },
    { "Größe", "integer", "int4", 'N', false },
    { "select", "integer", "int4", 'N', false },
    { "-i4", "integer", "int4", 'N', false },
};

static const IdcTable table = { "sales", "all types", columns, sizeof columns / sizeof *columns,
                                false };

static IdcStatus
build_filter(const char *column, const char *op, const IdcValue *values, size_t count, IdcText *sql,
             IdcError *err)
{
    static const char *const only[] = { "i4" };
    IdcFilter filter = { column, op, values, count };
    IdcTableRequest request = { .filters = &filter,
                                .filter_count = 1,
                                .columns = only,
                                .column_count = 1,
                                .limit = -1,
                                .offset = -1 };

    return idc_select_build(&table, &request, sql, err);
}

static void
assert_filter_values(const char *column, const char *op, const IdcValue *values, size_t count,
                     const char *expected)
{
    static const char prefix[] = "SELECT \"i4\" FROM \"sales\".\"all types\" WHERE ";
    IdcError err;
    IdcText sql;

    idc_error_init(&err);
    idc_text_init(&sql, 0);
    if (build_filter(column, op, values, count, &sql, &err) != IDC_OK)
        fail_msg("%s %s: %s", column, op, err.message);
    assert_memory_equal(idc_text_string(&sql), prefix, sizeof prefix - 1);
    assert_string_equal(idc_text_string(&sql) + sizeof prefix - 1, expected);
    idc_text_done(&sql);
}

static IdcValue
value_of(IdcValueKind kind, const char *data)
{
    return (IdcValue){ kind, IDC_VALUE_NULL, data, data != NULL ? strlen(data) : 0 };
}

static void
assert_filter(const char *column, const char *op, IdcValueKind kind, const char *data,
              const char *expected)
{
    IdcValue value = value_of(kind, data);

    assert_filter_values(column, op, &value, 1, expected);
}

static void
assert_refused_values(const char *column, const char *op, const IdcValue *values, size_t count,
                      IdcStatus status, const char *sqlstate, const char *message)
{
    IdcError err;
    IdcText sql;

    idc_text_init(&sql, 0);
    idc_text_append(&sql, "before");
    assert_int_equal(build_filter(column, op, values, count, &sql, &err), status);
    assert_string_equal(err.message, message);
    assert_string_equal(err.sqlstate, sqlstate);
    assert_string_equal(idc_text_string(&sql), "before");
    assert_int_equal(build_filter(column, op, values, count, &sql, NULL), status);
    idc_text_done(&sql);
}

static void
assert_refused(const char *column, const char *op, IdcValueKind kind, const char *data,
               const char *sqlstate, const char *message)
{
    IdcValue value = value_of(kind, data);

    assert_refused_values(column, op, &value, 1, IDC_BAD_VALUE, sqlstate, message);
}

static void
integers_keep_their_type_when_they_fit(void **state)
{
    (void) state;
    assert_filter("i2", "eq", IDC_VALUE_INT, "32767", "\"i2\" = '32767'::smallint");
    assert_filter("i2", "eq", IDC_VALUE_INT, "32768", "\"i2\" = '32768'::numeric");
    assert_filter("i2", "eq", IDC_VALUE_INT, "-32768", "\"i2\" = '-32768'::smallint");
    assert_filter("i2", "eq", IDC_VALUE_INT, "-32769", "\"i2\" = '-32769'::numeric");
    assert_filter("i4", "gt", IDC_VALUE_INT, "2147483647", "\"i4\" > '2147483647'::integer");
    assert_filter("i4", "gt", IDC_VALUE_INT, "2147483648", "\"i4\" > '2147483648'::numeric");
    assert_filter("i8", "le", IDC_VALUE_INT, "-9223372036854775808",
                  "\"i8\" <= '-9223372036854775808'::bigint");
    assert_filter("i8", "le", IDC_VALUE_INT, "9223372036854775808",
                  "\"i8\" <= '9223372036854775808'::numeric");
    assert_filter("i8", "lt", IDC_VALUE_INT, "99999999999999999999999999999",
                  "\"i8\" < '99999999999999999999999999999'::numeric");
    assert_filter("i4", "ge", IDC_VALUE_INT, "0", "\"i4\" >= '0'::integer");
    assert_filter("i4", "ne", IDC_VALUE_INT, "-0", "\"i4\" <> '-0'::integer");
}

static void
integers_against_fractions_compare_as_numeric(void **state)
{
    (void) state;
    assert_filter("i4", "gt", IDC_VALUE_FLOAT, "2.5", "\"i4\" > '2.5'::numeric");
    assert_filter("i4", "gt", IDC_VALUE_NUMERIC, "2.50", "\"i4\" > '2.50'::numeric");
    assert_filter("i4", "eq", IDC_VALUE_FLOAT, "5.0", "\"i4\" = '5'::integer");
    assert_filter("i4", "eq", IDC_VALUE_FLOAT, "-5.", "\"i4\" = '-5'::integer");
    assert_filter("i4", "eq", IDC_VALUE_FLOAT, "1e3", "\"i4\" = '1e3'::numeric");
    assert_filter("i4", "eq", IDC_VALUE_FLOAT, ".5", "\"i4\" = '.5'::numeric");
    assert_filter("i4", "eq", IDC_VALUE_FLOAT, "3000000000.0", "\"i4\" = '3000000000.0'::numeric");
    assert_filter("i8", "lt", IDC_VALUE_FLOAT, "NaN", "\"i8\" < '1e30'::numeric");
    assert_filter("i8", "lt", IDC_VALUE_FLOAT, "inf", "\"i8\" < '1e30'::numeric");
    assert_filter("i8", "gt", IDC_VALUE_NUMERIC, "-Infinity", "\"i8\" > '-1e30'::numeric");
}

static void
numbers_of_other_columns(void **state)
{
    (void) state;
    assert_filter("f8", "eq", IDC_VALUE_FLOAT, "0.1", "\"f8\" = '0.1'::double precision");
    assert_filter("f4", "eq", IDC_VALUE_FLOAT, "0.1", "\"f4\" = '0.1'::double precision");
    assert_filter("f8", "eq", IDC_VALUE_INT, "7", "\"f8\" = '7'::double precision");
    assert_filter("f8", "eq", IDC_VALUE_FLOAT, "nan", "\"f8\" = 'NaN'::double precision");
    assert_filter("f8", "eq", IDC_VALUE_FLOAT, "-inf", "\"f8\" = '-Infinity'::double precision");
    assert_filter("n", "eq", IDC_VALUE_NUMERIC, "2.555", "\"n\" = '2.555'::numeric");
    assert_filter("n", "eq", IDC_VALUE_FLOAT, "1e-07", "\"n\" = '1e-07'::numeric");
    assert_filter("n", "eq", IDC_VALUE_FLOAT, "Infinity", "\"n\" = 'Infinity'::numeric");
    assert_filter("m", "eq", IDC_VALUE_NUMERIC, "2.50", "\"m\" = '2.50'");
    assert_filter("m", "eq", IDC_VALUE_TEXT, "$2.50", "\"m\" = '$2.50'");
}

static void
numbers_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = { "",     "-",     "+",   "1x", "0x10", "1 ",  " 1",
                                       "1e",   "1e+",   ".",   "-.", "1_0",  "--1", "1.2.3",
                                       "infi", "1e5.5", "1;2", "'",  "1'--" };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_refused("i4", "eq", IDC_VALUE_INT, bad[i], "22023",
                       "the value for column \"i4\" is not a number");
        assert_refused("n", "eq", IDC_VALUE_NUMERIC, bad[i], "22023",
                       "the value for column \"n\" is not a number");
    }
}

static void
text_has_no_length_and_is_quoted(void **state)
{
    (void) state;
    assert_filter("t", "eq", IDC_VALUE_TEXT, "x", "\"t\" = 'x'::text");
    assert_filter("v", "eq", IDC_VALUE_TEXT, "longer", "\"v\" = 'longer'::text");
    assert_filter("c", "eq", IDC_VALUE_TEXT, "x", "\"c\" = 'x'::bpchar");
    assert_filter("name", "eq", IDC_VALUE_TEXT, "x", "\"name\" = 'x'");
    assert_filter("t", "eq", IDC_VALUE_TEXT, "", "\"t\" = ''::text");
    assert_filter("t", "eq", IDC_VALUE_TEXT, "O'Brien", "\"t\" = 'O''Brien'::text");
    assert_filter("t", "eq", IDC_VALUE_TEXT, "a\\'b", "\"t\" = E'a\\\\''b'::text");
    assert_filter("t", "like", IDC_VALUE_TEXT, "%a_", "\"t\" LIKE '%a_'::text");
    assert_filter("c", "ilike", IDC_VALUE_TEXT, "a%", "\"c\" ILIKE 'a%'::text");
    assert_filter("name", "like", IDC_VALUE_TEXT, "a%", "\"name\" LIKE 'a%'");
    assert_filter("e", "eq", IDC_VALUE_TEXT, "happy", "\"e\" = 'happy'");
    assert_filter("ip", "eq", IDC_VALUE_TEXT, "10.0.0.1", "\"ip\" = '10.0.0.1'");
}

static void
bytes_booleans_uuids_and_the_rest(void **state)
{
    IdcValue bytes = { IDC_VALUE_BYTES, IDC_VALUE_NULL, "\0\xFF'", 3 };
    IdcValue none = { IDC_VALUE_BYTES, IDC_VALUE_NULL, NULL, 0 };
    IdcValue array = { IDC_VALUE_ARRAY, IDC_VALUE_INT, "{1,2}", 5 };

    (void) state;
    assert_filter_values("bin", "eq", &bytes, 1, "\"bin\" = E'\\\\x00ff27'::bytea");
    assert_filter_values("bin", "eq", &none, 1, "\"bin\" = E'\\\\x'::bytea");
    assert_filter("bin", "eq", IDC_VALUE_TEXT, "\\x00", "\"bin\" = E'\\\\x00'::bytea");
    assert_filter("b", "eq", IDC_VALUE_BOOL, "true", "\"b\" = true");
    assert_filter("b", "ne", IDC_VALUE_BOOL, "False", "\"b\" <> false");
    assert_refused("b", "eq", IDC_VALUE_BOOL, "yes", "22023",
                   "the value for column \"b\" is neither true nor false");
    assert_filter("u", "eq", IDC_VALUE_UUID, "00000000-0000-0000-0000-000000000001",
                  "\"u\" = '00000000-0000-0000-0000-000000000001'::uuid");
    assert_filter("iv", "gt", IDC_VALUE_INTERVAL, "P1D", "\"iv\" > 'P1D'::interval");
    assert_filter("jb", "eq", IDC_VALUE_JSON, "{\"a\": 1}", "\"jb\" = '{\"a\": 1}'::jsonb");
    assert_filter_values("a", "eq", &array, 1, "\"a\" = '{1,2}'");
    assert_filter("a", "eq", IDC_VALUE_TEXT, "{}", "\"a\" = '{}'");
}

static void
moments_mean_the_same_moment(void **state)
{
    (void) state;
    assert_filter("d", "ge", IDC_VALUE_DATE, "2013-01-01", "\"d\" >= '2013-01-01'::date");
    assert_filter("d", "ge", IDC_VALUE_TEXT, "2013-01-01", "\"d\" >= '2013-01-01'::date");
    assert_filter("d", "ge", IDC_VALUE_TIMESTAMP, "2013-01-01 00:00:00",
                  "\"d\" >= '2013-01-01'::date");
    assert_filter("d", "ge", IDC_VALUE_TIMESTAMP, "2013-01-01T00:00:00.000",
                  "\"d\" >= '2013-01-01'::date");
    assert_filter("d", "ge", IDC_VALUE_TIMESTAMP, "2013-01-01 00:00:00.001",
                  "\"d\" >= '2013-01-01 00:00:00.001'::timestamp");
    assert_filter("d", "ge", IDC_VALUE_TIMESTAMP, "2013-01-01 12:00:00",
                  "\"d\" >= '2013-01-01 12:00:00'::timestamp");
    assert_filter("d", "ge", IDC_VALUE_TIMESTAMPTZ, "2013-01-01 12:00:00+02",
                  "\"d\" >= ('2013-01-01 12:00:00+02'::timestamptz AT TIME ZONE 'UTC')");
    assert_filter("ts", "lt", IDC_VALUE_DATE, "2013-01-01", "\"ts\" < '2013-01-01'::timestamp");
    assert_filter("ts", "lt", IDC_VALUE_TIMESTAMP, "infinity", "\"ts\" < 'infinity'::timestamp");
    assert_filter("ts", "lt", IDC_VALUE_TIMESTAMPTZ, "2013-01-01 00:00:00+01",
                  "\"ts\" < ('2013-01-01 00:00:00+01'::timestamptz AT TIME ZONE 'UTC')");
    assert_filter("tstz", "lt", IDC_VALUE_TIMESTAMPTZ, "2013-01-01 00:00:00+01",
                  "\"tstz\" < '2013-01-01 00:00:00+01'::timestamptz");
    assert_filter("tstz", "lt", IDC_VALUE_TIMESTAMP, "2013-01-01 00:00:00",
                  "\"tstz\" < ('2013-01-01 00:00:00'::timestamp AT TIME ZONE 'UTC')");
    assert_filter("tstz", "lt", IDC_VALUE_DATE, "2013-01-01",
                  "\"tstz\" < ('2013-01-01'::timestamp AT TIME ZONE 'UTC')");
    assert_filter("tstz", "lt", IDC_VALUE_TEXT, "2013-01-01",
                  "\"tstz\" < '2013-01-01'::timestamptz");
    assert_filter("ti", "eq", IDC_VALUE_TIME, "10:00", "\"ti\" = '10:00'::time");
    assert_filter("tz", "eq", IDC_VALUE_TIME, "10:00:00", "\"tz\" = '10:00:00+00'::timetz");
    assert_filter("tz", "eq", IDC_VALUE_TIMETZ, "10:00+01", "\"tz\" = '10:00+01'::timetz");
}

static void
nulls_are_asked_for(void **state)
{
    (void) state;
    assert_filter("i4", "eq", IDC_VALUE_NULL, NULL, "\"i4\" IS NULL");
    assert_filter("i4", "ne", IDC_VALUE_NULL, NULL, "\"i4\" IS NOT NULL");
    assert_filter("j", "eq", IDC_VALUE_NULL, NULL, "\"j\" IS NULL");
    assert_filter_values("j", "is_null", NULL, 0, "\"j\" IS NULL");
    assert_filter_values("i4", "is_not_null", NULL, 0, "\"i4\" IS NOT NULL");
    assert_filter("i4", "is_null", IDC_VALUE_BOOL, "true", "\"i4\" IS NULL");
    assert_filter("i4", "is_null", IDC_VALUE_BOOL, "false", "\"i4\" IS NOT NULL");
    assert_filter("i4", "is_not_null", IDC_VALUE_BOOL, "False", "\"i4\" IS NULL");
    assert_refused("i4", "is_null", IDC_VALUE_INT, "1", "22023",
                   "is_null on column \"i4\" takes no value");
    assert_refused("i4", "gt", IDC_VALUE_NULL, NULL, "22023",
                   "gt on column \"i4\" cannot compare with NULL");
    assert_refused("t", "like", IDC_VALUE_NULL, NULL, "22023",
                   "like on column \"t\" cannot compare with NULL");
}

static void
lists_and_ranges(void **state)
{
    IdcValue values[3] = { value_of(IDC_VALUE_INT, "1"), value_of(IDC_VALUE_NULL, NULL),
                           value_of(IDC_VALUE_FLOAT, "2.5") };
    IdcValue pair[2] = { value_of(IDC_VALUE_INT, "1"), value_of(IDC_VALUE_INT, "9") };

    (void) state;
    assert_filter_values("i4", "in", NULL, 0, "false");
    assert_filter_values("i4", "not_in", NULL, 0, "true");
    assert_filter_values("i4", "in", pair, 2, "\"i4\" IN ('1'::integer, '9'::integer)");
    assert_filter_values("i4", "not_in", pair, 2, "\"i4\" NOT IN ('1'::integer, '9'::integer)");
    assert_filter_values("i4", "in", values, 3,
                         "(\"i4\" IN ('1'::integer, '2.5'::numeric) OR \"i4\" IS NULL)");
    assert_filter_values("i4", "not_in", values, 3,
                         "(\"i4\" NOT IN ('1'::integer, '2.5'::numeric) AND \"i4\" IS NOT NULL)");
    assert_filter_values("i4", "in", values + 1, 1, "\"i4\" IS NULL");
    assert_filter_values("i4", "not_in", values + 1, 1, "\"i4\" IS NOT NULL");
    assert_filter_values("i4", "between", pair, 2, "\"i4\" BETWEEN '1'::integer AND '9'::integer");
    assert_refused_values("i4", "between", pair, 1, IDC_BAD_VALUE, "22023",
                          "between on column \"i4\" takes 2 values, not 1");
    assert_refused_values("i4", "between", values, 2, IDC_BAD_VALUE, "22023",
                          "between on column \"i4\" cannot compare with NULL");
    assert_refused_values("i4", "eq", pair, 2, IDC_BAD_VALUE, "22023",
                          "eq on column \"i4\" takes 1 value, not 2");
}

static void
values_of_the_wrong_kind_are_refused(void **state)
{
    (void) state;
    assert_refused("t", "eq", IDC_VALUE_INT, "5", "42804",
                   "column \"t\" is of type text and cannot be compared with an integer");
    assert_refused(
        "v", "in", IDC_VALUE_DATE, "2013-01-01", "42804",
        "column \"v\" is of type character varying(3) and cannot be compared with a date");
    assert_refused("i4", "eq", IDC_VALUE_TEXT, "5", "42804",
                   "column \"i4\" is of type integer and cannot be compared with a text");
    assert_refused("i4", "eq", IDC_VALUE_BOOL, "true", "42804",
                   "column \"i4\" is of type integer and cannot be compared with a boolean");
    assert_refused("b", "eq", IDC_VALUE_INT, "1", "42804",
                   "column \"b\" is of type boolean and cannot be compared with an integer");
    assert_refused("d", "eq", IDC_VALUE_INT, "20130101", "42804",
                   "column \"d\" is of type date and cannot be compared with an integer");
    assert_refused("d", "eq", IDC_VALUE_TIME, "10:00", "42804",
                   "column \"d\" is of type date and cannot be compared with a time");
    assert_refused("a", "eq", IDC_VALUE_INT, "1", "42804",
                   "column \"a\" is of type integer[] and cannot be compared with an integer");
    assert_refused("u", "eq", IDC_VALUE_BYTES, "x", "42804",
                   "column \"u\" is of type uuid and cannot be compared with bytes");
    assert_refused("i4", "like", IDC_VALUE_TEXT, "1%", "42804",
                   "like works on text, and column \"i4\" is of type integer");
    assert_refused("t", "ilike", IDC_VALUE_INT, "1", "42804",
                   "column \"t\" is of type text and cannot be compared with an integer");
    assert_refused("j", "eq", IDC_VALUE_JSON, "{}", "42883",
                   "column \"j\" is of type json, which PostgreSQL cannot compare");
}

static void
broken_bytes_are_refused(void **state)
{
    IdcValue nul = { IDC_VALUE_TEXT, IDC_VALUE_NULL, "a\0b", 3 };

    (void) state;
    assert_refused_values("t", "eq", &nul, 1, IDC_BAD_VALUE, "22023",
                          "a value holds a NUL byte, which PostgreSQL cannot store");
    assert_refused("t", "eq", IDC_VALUE_TEXT, "a\xC0'", "22023", "a value is not valid UTF-8");
    assert_refused("e", "eq", IDC_VALUE_TEXT, "\xED\xA0\x80", "22023",
                   "a value is not valid UTF-8");
}

static void
unknown_words_name_the_nearest(void **state)
{
    IdcValue value = value_of(IDC_VALUE_INT, "1");
    IdcError err;
    IdcText sql;

    (void) state;
    idc_text_init(&sql, 0);
    assert_int_equal(build_filter("i44", "eq", &value, 1, &sql, &err), IDC_NOT_FOUND);
    assert_string_equal(err.message, "table \"all types\" has no column \"i44\"");
    assert_string_equal(err.sqlstate, "42703");
    assert_string_equal(err.hint, "did you mean \"i4\"?");
    assert_int_equal(build_filter("I4", "eq", &value, 1, &sql, &err), IDC_NOT_FOUND);
    assert_string_equal(err.hint, "did you mean \"i4\"?");
    assert_int_equal(build_filter("i4", "gte", &value, 1, &sql, &err), IDC_NOT_FOUND);
    assert_string_equal(err.message, "unknown operator \"gte\" in a filter on column \"i4\"");
    assert_string_equal(err.sqlstate, "42883");
    assert_non_null(strstr(err.hint, "did you mean"));
    assert_int_equal(build_filter("i4", "= 1 OR 1 =", &value, 1, &sql, &err), IDC_NOT_FOUND);
    assert_non_null(strstr(err.hint, "not_in"));
    assert_int_equal(build_filter("i4", NULL, &value, 1, &sql, &err), IDC_NOT_FOUND);
    assert_int_equal(build_filter("", "eq", &value, 1, &sql, &err), IDC_BAD_VALUE);
    assert_int_equal(build_filter(NULL, "eq", &value, 1, &sql, &err), IDC_BAD_VALUE);
    idc_text_done(&sql);
}

static void
assert_request(const IdcTable *of, const IdcTableRequest *request, const char *expected)
{
    IdcError err;
    IdcText sql;

    idc_error_init(&err);
    idc_text_init(&sql, 0);
    if (idc_select_build(of, request, &sql, &err) != IDC_OK)
        fail_msg("%s", err.message);
    assert_string_equal(idc_text_string(&sql), expected);
    idc_text_done(&sql);
}

static void
whole_requests(void **state)
{
    static const IdcTable small = { "s\"x", "t", columns + 25, 5, false };
    static const char *const wanted[] = { "select", "a\"b" };
    static const char *const order[] = { "Größe", "-a b", "-i4", "--i4" };
    IdcValue one = value_of(IDC_VALUE_INT, "1"), two = value_of(IDC_VALUE_INT, "2");
    IdcFilter filters[] = { { "a b", "gt", &one, 1 }, { "a b", "lt", &two, 1 } };
    IdcTableRequest all = { .limit = -1, .offset = -1 };
    IdcTableRequest full = { filters, 2, wanted, 2, order, 4, 10, 5, NULL };
    IdcTableRequest zero = { .limit = 0, .offset = 0 };

    (void) state;
    assert_request(
        &small, &all,
        "SELECT \"a\"\"b\", \"a b\", \"Größe\", \"select\", \"-i4\" FROM \"s\"\"x\".\"t\"");
    assert_request(
        &small, &full,
        "SELECT \"select\", \"a\"\"b\" FROM \"s\"\"x\".\"t\" WHERE \"a b\" > '1'::integer "
        "AND \"a b\" < '2'::integer ORDER BY \"Größe\", \"a b\" DESC, \"-i4\", "
        "\"-i4\" DESC LIMIT 10 OFFSET 5");
    assert_request(
        &small, &zero,
        "SELECT \"a\"\"b\", \"a b\", \"Größe\", \"select\", \"-i4\" FROM \"s\"\"x\".\"t\" "
        "LIMIT 0");
}

/* mysql_fdw would send the order of a text together with the limit, and MySQL sorts text its way.
 */
static void
a_limit_stands_apart_from_an_order_that_must_not_be_sent(void **state)
{
    static const IdcTableColumn few[] = { { "n", "integer", "int4", 'N', false },
                                          { "s", "text", "text", 'S', false } };
    static const IdcTable mysql = { "z", "t", few, 2, true };
    static const char *const by_text[] = { "n", "-s" };
    static const char *const by_number[] = { "-n" };
    IdcTableRequest request = { .order_by = by_text, .order_by_count = 2, .limit = 3, .offset = 1 };

    (void) state;
    assert_request(&mysql, &request,
                   "SELECT * FROM (SELECT \"n\", \"s\" FROM \"z\".\"t\" ORDER BY \"n\", "
                   "\"s\" DESC) AS sorted LIMIT 3 OFFSET 1");
    request.order_by = by_number;
    request.order_by_count = 1;
    assert_request(&mysql, &request,
                   "SELECT \"n\", \"s\" FROM \"z\".\"t\" ORDER BY \"n\" DESC LIMIT 3 OFFSET 1");
    request.limit = -1;
    request.offset = 0;
    request.order_by = by_text;
    assert_request(&mysql, &request, "SELECT \"n\", \"s\" FROM \"z\".\"t\" ORDER BY \"n\"");
}

static void
wrong_columns_and_orders_are_refused(void **state)
{
    static const char *const twice[] = { "i4", "t", "i4" };
    static const char *const unknown[] = { "-tt" };
    IdcTableRequest request = { .columns = twice, .column_count = 3, .limit = -1, .offset = -1 };
    IdcError err;
    IdcText sql;

    (void) state;
    idc_text_init(&sql, 0);
    assert_int_equal(idc_select_build(&table, &request, &sql, &err), IDC_BAD_VALUE);
    assert_string_equal(err.message, "column \"i4\" is asked for twice");
    assert_string_equal(err.sqlstate, "42701");
    request =
        (IdcTableRequest){ .order_by = unknown, .order_by_count = 1, .limit = -1, .offset = -1 };
    assert_int_equal(idc_select_build(&table, &request, &sql, &err), IDC_NOT_FOUND);
    assert_string_equal(err.message, "table \"all types\" has no column \"tt\"");
    idc_text_done(&sql);
}

/* Running out of room is an error like any other, at every length. */
static void
every_failing_append_is_reported(void **state)
{
    IdcValue value = value_of(IDC_VALUE_TEXT, "O'Brien");
    IdcError err;
    IdcText sql;
    size_t limit = 1;
    IdcStatus status;

    (void) state;
    do {
        idc_text_init(&sql, limit++);
        status = build_filter("t", "eq", &value, 1, &sql, &err);
        idc_text_done(&sql);
        assert_true(status == IDC_OK || status == IDC_NO_MEMORY);
    } while (status != IDC_OK);
    assert_true(limit > 40);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_keep_their_type_when_they_fit),
        cmocka_unit_test(integers_against_fractions_compare_as_numeric),
        cmocka_unit_test(numbers_of_other_columns),
        cmocka_unit_test(numbers_that_are_none_are_refused),
        cmocka_unit_test(text_has_no_length_and_is_quoted),
        cmocka_unit_test(bytes_booleans_uuids_and_the_rest),
        cmocka_unit_test(moments_mean_the_same_moment),
        cmocka_unit_test(nulls_are_asked_for),
        cmocka_unit_test(lists_and_ranges),
        cmocka_unit_test(values_of_the_wrong_kind_are_refused),
        cmocka_unit_test(broken_bytes_are_refused),
        cmocka_unit_test(unknown_words_name_the_nearest),
        cmocka_unit_test(whole_requests),
        cmocka_unit_test(a_limit_stands_apart_from_an_order_that_must_not_be_sent),
        cmocka_unit_test(wrong_columns_and_orders_are_refused),
        cmocka_unit_test(every_failing_append_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
