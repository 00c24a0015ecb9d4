/*
 * test_value.c - JSON values and texts as values of columns. (That texts mean what PostgreSQL makes
 * of them is compared with PostgreSQL itself: tests/adapters/test_cell_values.py.)
 */
#include "rows_read.h"

/* One column of one row, from what stands in JSON. */
static void
assert_value(IdcValueForm form, const char *json, const char *expected, const char *error)
{
    IdcRowsColumn column = { "v", form, "$" };
    IdcRowsOptions options = { .path = "" };
    IdcText body, rows;

    idc_text_init(&body, 0);
    idc_text_init(&rows, 0);
    idc_text_append_format(&body, "[%s]", json);
    idc_text_append_format(&rows, "%s\n", expected == NULL ? "" : expected);
    assert_body(&options, &column, 1, body.data, body.len, rows.data, "", error);
    idc_text_done(&body);
    idc_text_done(&rows);
}

#define OF(oid) ((IdcValueForm){ .type = { oid, -1 } })
#define WITH(oid, mod) ((IdcValueForm){ .type = { oid, mod } })

enum { INT4_ARRAY = 1007, TEXT_ARRAY = 1009, JSONB_ARRAY = 3807, BOOL_ARRAY = 1000 };

static void
test_scalars_of_json_fit_their_types(void **state)
{
    (void) state;
    assert_value(OF(IDC_TYPE_BOOL), "true", "true", NULL);
    assert_value(OF(IDC_TYPE_BOOL), "\"off\"", "false", NULL);
    assert_value(OF(IDC_TYPE_BOOL), "1", "true", NULL);
    assert_value(OF(IDC_TYPE_BOOL), "2", NULL, "neither true nor false");
    assert_value(OF(IDC_TYPE_INT2), "32767", "32767", NULL);
    assert_value(OF(IDC_TYPE_INT2), "32768", NULL, "out of range");
    assert_value(OF(IDC_TYPE_INT2), "-32768.0", "-32768", NULL);
    assert_value(OF(IDC_TYPE_INT8), "9223372036854775807", "9223372036854775807", NULL);
    assert_value(OF(IDC_TYPE_INT8), "9.223372036854775807e18", "9223372036854775807", NULL);
    assert_value(OF(IDC_TYPE_INT8), "9223372036854775808", NULL, "out of range");
    assert_value(OF(IDC_TYPE_INT8), "1e400", NULL, "out of range");
    assert_value(OF(IDC_TYPE_INT8), "1e-400", NULL, "not a whole number");
    assert_value(OF(IDC_TYPE_INT8), "0e400", "0", NULL);
    assert_value(OF(IDC_TYPE_INT8), "1.5", NULL, "not a whole number");
    assert_value(OF(IDC_TYPE_INT8), "\"1.0\"", NULL, "not a whole number");
    assert_value(OF(IDC_TYPE_TEXT), "1.50e0", "1.50e0", NULL);
    assert_value(OF(IDC_TYPE_TEXT), "true", "true", NULL);
    assert_value(OF(IDC_TYPE_TEXT), "{\"a\" : 1}", "{\"a\" : 1}", NULL);
    assert_value(OF(IDC_TYPE_TEXT), "\"\\u0000\"", NULL, "it holds a NUL");
    assert_value(OF(IDC_TYPE_TEXT), "\"\\ud83dx\"", NULL, "half of a surrogate pair");
    assert_value(OF(IDC_TYPE_TEXT), "\"\\b\\f\\n\\r\\t\\\"\\\\\\/\"", "\b\f\n\r\t\"\\/", NULL);
    assert_value(WITH(IDC_TYPE_VARCHAR, 4 + 3), "\"\303\251\303\251\303\251  \"",
                 "\303\251\303\251\303\251", NULL);
    assert_value(WITH(IDC_TYPE_VARCHAR, 4 + 3), "\"abcd\"", NULL, "it is too long");
    assert_value(OF(IDC_TYPE_UUID), "\"{A0EEBC99-9C0B4EF8-BB6D6BB9-BD380A11}\"",
                 "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", NULL);
}

static void
test_numbers_stay_exact(void **state)
{
    int32_t numeric_20_4 = (20 << 16 | 4) + 4, numeric_38_0 = (38 << 16) + 4;

    (void) state;
    assert_value(WITH(IDC_TYPE_NUMERIC, numeric_20_4), "1234567890123456.78905",
                 "12345678901234567891", NULL);
    assert_value(WITH(IDC_TYPE_NUMERIC, numeric_20_4), "-0.00005", "-1", NULL);
    assert_value(WITH(IDC_TYPE_NUMERIC, numeric_20_4), "0.000049999999999999999999", "0", NULL);
    assert_value(WITH(IDC_TYPE_NUMERIC, numeric_20_4), "9999999999999999.99995", NULL,
                 "too many digits before the point");
    assert_value(WITH(IDC_TYPE_NUMERIC, numeric_38_0), "99999999999999999999999999999999999999",
                 "99999999999999999999999999999999999999", NULL);
    assert_value(WITH(IDC_TYPE_NUMERIC, numeric_38_0), "99999999999999999999999999999999999999.5",
                 NULL, "too many digits");
    assert_value(OF(IDC_TYPE_NUMERIC), "0.1000000000000000055511151231257827021181583404541015625",
                 "0.1000000000000000055511151231257827021181583404541015625", NULL);
    assert_value(OF(IDC_TYPE_NUMERIC), "1e-20000", NULL, "out of range");
    assert_value(OF(IDC_TYPE_NUMERIC), "1e200000", NULL, "out of range");
    assert_value(OF(IDC_TYPE_NUMERIC), "1e99999999999999999999", NULL, "out of range");
    assert_value(OF(IDC_TYPE_FLOAT8), "0.1", "3fb999999999999a", NULL);
    assert_value(OF(IDC_TYPE_FLOAT8), "9007199254740993", "4340000000000000", NULL);
    assert_value(OF(IDC_TYPE_FLOAT8), "1e400", NULL, "out of range");
    assert_value(OF(IDC_TYPE_FLOAT8), "1e-400", NULL, "out of range");
    assert_value(OF(IDC_TYPE_FLOAT8), "5e-324", "0000000000000001", NULL);
    assert_value(OF(IDC_TYPE_FLOAT8), "\"-Infinity\"", "fff0000000000000", NULL);
    assert_value(OF(IDC_TYPE_FLOAT8), "\"0x10\"", NULL, "not a number");
    /* By way of a double this would be 1.00000012. */
    assert_value(OF(IDC_TYPE_FLOAT4), "1.00000005960464477539062500001", "3f800001", NULL);
    assert_value(OF(IDC_TYPE_FLOAT4), "16777217", "4b800000", NULL);
    assert_value(OF(IDC_TYPE_FLOAT4), "4e38", NULL, "out of range");
}

static void
test_times_are_read_from_iso_text(void **state)
{
    (void) state;
    assert_value(OF(IDC_TYPE_DATE), "\"1970-01-02\"", "1", NULL);
    assert_value(OF(IDC_TYPE_DATE), "\"19700102\"", "1", NULL);
    assert_value(OF(IDC_TYPE_DATE), "\"1969-12-31T23:59:59-05:00\"", "-1", NULL);
    assert_value(OF(IDC_TYPE_DATE), "\"2023-02-29\"", NULL, "there is no such day");
    assert_value(OF(IDC_TYPE_DATE), "\"01/02/2024\"", NULL, "no date or time of ISO 8601");
    assert_value(OF(IDC_TYPE_DATE), "\"today\"", NULL, "no date or time of ISO 8601");
    assert_value(OF(IDC_TYPE_DATE), "\"infinity\"", "NULL", NULL);
    assert_value(OF(IDC_TYPE_TIME), "\"24:00:00\"", "NULL", NULL);
    assert_value(OF(IDC_TYPE_TIME), "\"2024-01-01T00:00:01.5Z\"", "1500000", NULL);
    assert_value(OF(IDC_TYPE_TIME), "\"2024-01-01\"", NULL, "it has no time of day");
    assert_value(OF(IDC_TYPE_TIMESTAMP), "\"1970-01-01T00:00:00.25+09:00\"", "250000", NULL);
    assert_value(OF(IDC_TYPE_TIMESTAMP), "\"1970-01-01\"", "0", NULL);
    assert_value(OF(IDC_TYPE_TIMESTAMP), "\"12:00\"", NULL, "it has no date");
    assert_value(OF(IDC_TYPE_TIMESTAMPTZ), "\"1970-01-01T00:00:00.25+01:00\"", "-3599750000", NULL);
    assert_value(OF(IDC_TYPE_TIMESTAMPTZ), "\"1970-01-01 00:00:01\"", "1000000", NULL);
    assert_value(OF(IDC_TYPE_TIMESTAMPTZ), "\"19700101T000001Z\"", "1000000", NULL);
    assert_value(OF(IDC_TYPE_TIMESTAMPTZ), "\"19700101T010001+0100\"", "1000000", NULL);
    assert_value(OF(IDC_TYPE_TIMESTAMPTZ), "\"1970-01-01T00:00:01 America/New_York\"", NULL,
                 "no date or time of ISO 8601");
    assert_value(OF(IDC_TYPE_TIMESTAMPTZ), "\"1970\\u002d01-01T24:00\"", "86400000000", NULL);
    /* Half a second is rounded away from the year 2000, where PostgreSQL's zero is. */
    assert_value(WITH(IDC_TYPE_TIMESTAMPTZ, 0), "\"1970-01-01T00:00:01.5Z\"", "1000000", NULL);
    assert_value(WITH(IDC_TYPE_TIMESTAMPTZ, 0), "\"2000-01-01T00:00:01.5Z\"", "946684802000000",
                 NULL);
    assert_value(OF(IDC_TYPE_TIMESTAMPTZ), "1700000000", NULL, "no date or time of ISO 8601");
}

static void
test_times_are_read_from_counts(void **state)
{
    IdcValueForm seconds = { { IDC_TYPE_TIMESTAMPTZ, -1 }, IDC_EPOCH_SECONDS, false };
    IdcValueForm milliseconds = { { IDC_TYPE_TIMESTAMP, -1 }, IDC_EPOCH_MILLISECONDS, false };
    IdcValueForm microseconds = { { IDC_TYPE_TIMESTAMP, -1 }, IDC_EPOCH_MICROSECONDS, false };
    IdcValueForm day = { { IDC_TYPE_DATE, -1 }, IDC_EPOCH_SECONDS, false };

    (void) state;
    assert_value(seconds, "1700000000", "1700000000000000", NULL);
    assert_value(seconds, "1700000000.1234565", "1700000000123457", NULL);
    assert_value(seconds, "-1.5", "-1500000", NULL);
    assert_value(seconds, "1.7e9", "1700000000000000", NULL);
    assert_value(seconds, "\"1700000000\"", "1700000000000000", NULL);
    assert_value(seconds, "\"1970-01-01T00:00:01Z\"", "1000000", NULL);
    assert_value(seconds, "1e30", NULL, "out of range");
    assert_value(seconds, "true", NULL, "no date or time of ISO 8601");
    assert_value(milliseconds, "1700000000123.4", "1700000000123400", NULL);
    assert_value(microseconds, "1700000000123456", "1700000000123456", NULL);
    assert_value(day, "86399", "0", NULL);
    assert_value(day, "-1", "-1", NULL);
}

static void
test_bytes_are_hex_escaped_or_base64(void **state)
{
    IdcValueForm base64 = { { IDC_TYPE_BYTEA, -1 }, IDC_EPOCH_NONE, true };

    (void) state;
    assert_value(OF(IDC_TYPE_BYTEA), "\"\\\\x00ff 7A\"", "00ff7a", NULL);
    assert_value(OF(IDC_TYPE_BYTEA), "\"a\\\\\\\\\\\\001\"", "615c01", NULL);
    assert_value(OF(IDC_TYPE_BYTEA), "\"\\\\x0\"", NULL, "no hexadecimal digit");
    assert_value(base64, "\"AP96\"", "00ff7a", NULL);
    assert_value(base64, "\"_-8=\"", "ffef", NULL);
    assert_value(base64, "\"/+8\"", "ffef", NULL);
    assert_value(base64, "\"YQ==\"", "61", NULL);
    assert_value(base64, "\"\"", "", NULL);
    assert_value(base64, "\"YR==\"", NULL, "not base64");
    assert_value(base64, "\"YQ=\"", NULL, "not base64");
    assert_value(base64, "\"Y\"", NULL, "not base64");
    assert_value(base64, "\"YQ==YQ==\"", NULL, "not base64");
    assert_value(base64, "\"a*b\"", NULL, "not base64");
}

static void
test_json_columns_keep_the_text(void **state)
{
    (void) state;
    assert_value(OF(IDC_TYPE_JSONB), "{\"b\" :1.0,\"a\":[ ]}", "{\"b\" :1.0,\"a\":[ ]}", NULL);
    assert_value(OF(IDC_TYPE_JSONB), "\"a\\u00e9\"", "\"a\\u00e9\"", NULL);
    assert_value(OF(IDC_TYPE_JSON), "12.50", "12.50", NULL);
    assert_value(OF(IDC_TYPE_JSON), "\"\\u0000\"", "\"\\u0000\"", NULL);
    assert_value(OF(IDC_TYPE_JSONB), "[\"x\\u0000\"]", NULL, "it holds a NUL");
    assert_value(OF(IDC_TYPE_JSONB), "{\"\\ud800\":1}", NULL, "half of a surrogate pair");
    assert_value(OF(IDC_TYPE_JSONB), "[\"\\\\\\ud83d\\ude00\\\\u0000\"]",
                 "[\"\\\\\\ud83d\\ude00\\\\u0000\"]", NULL);
    assert_value(OF(IDC_TYPE_JSONB), "null", "NULL", NULL);
}

static void
test_arrays_become_literals(void **state)
{
    (void) state;
    assert_value(OF(INT4_ARRAY), "[1, -2 ,null,\"3\"]", "{1,-2,NULL,\"3\"}", NULL);
    assert_value(OF(TEXT_ARRAY), "[\"a\\\"b\\\\c\",\"NULL\",\"\",\"\\u00e9\"]",
                 "{\"a\\\"b\\\\c\",\"NULL\",\"\",\"\303\251\"}", NULL);
    assert_value(OF(TEXT_ARRAY), "[]", "{}", NULL);
    assert_value(OF(TEXT_ARRAY), "[[],[]]", "{}", NULL);
    assert_value(OF(BOOL_ARRAY), "[true,false]", "{true,false}", NULL);
    assert_value(OF(INT4_ARRAY), "[[1,2],[3,4]]", "{{1,2},{3,4}}", NULL);
    assert_value(OF(INT4_ARRAY), "[[1,2],[3]]", NULL, "different sizes");
    assert_value(OF(INT4_ARRAY), "[[1],2]", NULL, "different depths");
    assert_value(OF(INT4_ARRAY), "[1,[2]]", NULL, "different depths");
    assert_value(OF(INT4_ARRAY), "[[],1]", NULL, "different depths");
    assert_value(OF(INT4_ARRAY), "[[[[[[[1]]]]]]]", NULL, "too many dimensions");
    assert_value(OF(JSONB_ARRAY), "[{\"a\":\"]\"},[1],\"x\",2]",
                 "{\"{\\\"a\\\":\\\"]\\\"}\",\"[1]\",\"\\\"x\\\"\",2}", NULL);
    assert_value(OF(TEXT_ARRAY), "[\"\\u0000\"]", NULL, "holds what no text can");
    assert_value(OF(TEXT_ARRAY), "\"{a,b}\"", "{a,b}", NULL);
    assert_value(OF(IDC_TYPE_OTHER), "[1,2]", "[1,2]", NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_of_json_fit_their_types),
        cmocka_unit_test(test_numbers_stay_exact),
        cmocka_unit_test(test_times_are_read_from_iso_text),
        cmocka_unit_test(test_times_are_read_from_counts),
        cmocka_unit_test(test_bytes_are_hex_escaped_or_base64),
        cmocka_unit_test(test_json_columns_keep_the_text),
        cmocka_unit_test(test_arrays_become_literals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
