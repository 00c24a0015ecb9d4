/*
 * test_numeric.c - numeric as double, decimal128 and text, against strtod and exact texts.
 */
#include <math.h>
#include <stdio.h>

#include "wire.h"

static IdcStatus
add_numeric(OneColumn *one, const char *text)
{
    Wire wire = { 0 };

    wire_numeric(&wire, text);
    return one_column_add(one, &wire);
}

/* Texts as numeric_out prints them: they must come back unchanged. */
static const char *const texts[] = { "0",
                                     "0.00",
                                     "1",
                                     "-1",
                                     "10000",
                                     "12345.67",
                                     "-12345.670",
                                     "0.0001",
                                     "0.00001",
                                     "-0.000000000000000000001",
                                     "100000000000000000000000000000",
                                     "123456789012345678901234567890.123456789",
                                     "9999.9999",
                                     "99999999",
                                     "1.10",
                                     "NaN",
                                     "Infinity",
                                     "-Infinity" };

static void
test_text(void **state)
{
    OneColumn one;
    const struct ArrowArrayView *view;

    (void) state;
    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_NUMERIC_STRING });
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(add_numeric(&one, texts[i]), IDC_OK);
    view = one_column_finish(&one);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ArrowStringView text = ArrowArrayViewGetStringUnsafe(view, (int64_t) i);

        assert_int_equal(text.size_bytes, strlen(texts[i]));
        assert_memory_equal(text.data, texts[i], strlen(texts[i]));
    }
    one_column_done(&one);
}

static void
test_float64_edges(void **state)
{
    static const char *const edges[] = {
        "9007199254740992",
        "9007199254740993",
        "9007199254740993.0000001",
        "9007199254740995",
        "0.1",
        "0.3",
        "123456789.123456789",
        "1.7976931348623157",
        "2.2250738585072014",
        "72057594037927945",
        "36028797018963969.0000",
        "18446744073709551615",
        "18446744073709551616",
        "0.12345678901234567890",
        "179769313486231570000000000",
        "10000000000000000000000000000000000000000000000",
        "0.00000000000000000000000000000000001",
    };
    OneColumn one;
    const struct ArrowArrayView *view;

    (void) state;
    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_NUMERIC_FLOAT64 });
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(add_numeric(&one, texts[i]), IDC_OK);
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        assert_int_equal(add_numeric(&one, edges[i]), IDC_OK);
    view = one_column_finish(&one);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double number = ArrowArrayViewGetDoubleUnsafe(view, (int64_t) i);

        if (strcmp(texts[i], "NaN") == 0)
            assert_true(isnan(number));
        else
            assert_true(number == strtod(texts[i], NULL));
    }
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        assert_true(
            ArrowArrayViewGetDoubleUnsafe(view, (int64_t) (i + sizeof texts / sizeof texts[0])) ==
            strtod(edges[i], NULL));
    assert_int_equal(idc_batch_unrepresentable_count(one.builder), 0);
    one_column_done(&one);
}

/* 1e400 is finite and yet no double. */
static void
test_float64_too_big(void **state)
{
    OneColumn one;
    Wire wire = { 0 };

    (void) state;
    one_column_init(&one, &(IdcColumnSpec){ .kind = IDC_KIND_NUMERIC_FLOAT64 });
    wire_int16(&wire, 1);
    wire_int16(&wire, 100);
    wire_int16(&wire, 0);
    wire_int16(&wire, 0);
    wire_int16(&wire, 1);
    assert_int_equal(one_column_add(&one, &wire), IDC_OK);
    assert_int_equal(idc_batch_unrepresentable_count(one.builder), 1);
    assert_true(ArrowArrayViewIsNull(one_column_finish(&one), 0));
    one_column_done(&one);
}

static uint64_t
next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* A decimal text of 1 to 24 digits before, and 0 to 20 after the point. */
static void
random_numeric(uint64_t *random, char text[64])
{
    size_t n = 0, whole = 1 + next_random(random) % 24, scale = next_random(random) % 21;

    if (next_random(random) % 2 == 0)
        whole = 1 + whole % 9;
    if (next_random(random) % 3 == 0)
        text[n++] = '-';
    text[n++] = (char) ('1' + next_random(random) % 9);
    for (size_t i = 1; i < whole; i++)
        text[n++] = (char) ('0' + next_random(random) % 10);
    if (scale > 0)
        text[n++] = '.';
    for (size_t i = 0; i < scale; i++)
        text[n++] = (char) ('0' + (next_random(random) % 4 == 0 ? 0 : next_random(random) % 10));
    text[n] = '\0';
}

static void
test_float64_is_strtod(void **state)
{
    IdcBatchOptions options = { .single_batch = true };
    uint64_t random = 20240917;
    OneColumn one;
    const struct ArrowArrayView *view;
    char text[64];

    (void) state;
    one_column_init_with(&one, &(IdcColumnSpec){ .kind = IDC_KIND_NUMERIC_FLOAT64 }, &options);
    for (int i = 0; i < 200000; i++) {
        random_numeric(&random, text);
        assert_int_equal(add_numeric(&one, text), IDC_OK);
    }
    view = one_column_finish(&one);
    random = 20240917;
    for (int i = 0; i < 200000; i++) {
        random_numeric(&random, text);
        if (ArrowArrayViewGetDoubleUnsafe(view, i) != strtod(text, NULL))
            fail_msg("%s became %.17g", text, ArrowArrayViewGetDoubleUnsafe(view, i));
    }
    one_column_done(&one);
}

static void
test_random_text(void **state)
{
    IdcBatchOptions options = { .single_batch = true };
    uint64_t random = 4711;
    OneColumn one;
    const struct ArrowArrayView *view;
    char text[64];

    (void) state;
    one_column_init_with(&one, &(IdcColumnSpec){ .kind = IDC_KIND_NUMERIC_STRING }, &options);
    for (int i = 0; i < 20000; i++) {
        random_numeric(&random, text);
        assert_int_equal(add_numeric(&one, text), IDC_OK);
    }
    view = one_column_finish(&one);
    random = 4711;
    for (int i = 0; i < 20000; i++) {
        struct ArrowStringView got = ArrowArrayViewGetStringUnsafe(view, i);

        random_numeric(&random, text);
        assert_int_equal(got.size_bytes, strlen(text));
        assert_memory_equal(got.data, text, strlen(text));
    }
    one_column_done(&one);
}

static void
assert_decimal(const char *text, int precision, int scale, IdcStatus expected, const char *digits)
{
    IdcColumnSpec spec = { .kind = IDC_KIND_NUMERIC_DECIMAL,
                           .precision = precision,
                           .scale = scale };
    struct ArrowDecimal decimal;
    struct ArrowBuffer printed;
    OneColumn one;

    one_column_init(&one, &spec);
    assert_int_equal(add_numeric(&one, text), expected);
    if (expected == IDC_OK) {
        const struct ArrowArrayView *view = one_column_finish(&one);

        ArrowDecimalInit(&decimal, 128, precision, scale);
        ArrowArrayViewGetDecimalUnsafe(view, 0, &decimal);
        ArrowBufferInit(&printed);
        assert_int_equal(ArrowDecimalAppendDigitsToBuffer(&decimal, &printed), NANOARROW_OK);
        assert_int_equal(printed.size_bytes, strlen(digits));
        assert_memory_equal(printed.data, digits, strlen(digits));
        ArrowBufferReset(&printed);
    } else {
        assert_non_null(strstr(one.err.message, "\"c\""));
        assert_null(strstr(one.err.message, text));
    }
    one_column_done(&one);
}

static void
test_decimal(void **state)
{
    OneColumn one;
    IdcColumnSpec spec = { .kind = IDC_KIND_NUMERIC_DECIMAL, .precision = 5, .scale = 2 };

    (void) state;
    assert_decimal("123.45", 5, 2, IDC_OK, "12345");
    assert_decimal("-123.45", 5, 2, IDC_OK, "-12345");
    assert_decimal("0.00", 5, 2, IDC_OK, "0");
    assert_decimal("1", 5, 2, IDC_OK, "100");
    assert_decimal("1.100000", 5, 2, IDC_OK, "110");
    assert_decimal("0.0001", 5, 4, IDC_OK, "1");
    assert_decimal("1200", 5, -2, IDC_OK, "12");
    assert_decimal("0.00012", 2, 5, IDC_OK, "12");
    assert_decimal("99999999999999999999999999999999999999", 38, 0, IDC_OK,
                   "99999999999999999999999999999999999999");
    assert_decimal("-9999999999999999999999999999.9999999999", 38, 10, IDC_OK,
                   "-99999999999999999999999999999999999999");
    assert_decimal("100000000000000000000000000000000000000", 38, 0, IDC_BAD_VALUE, NULL);
    assert_decimal("1000000000000000000000000000000000000000000", 38, 0, IDC_BAD_VALUE, NULL);
    assert_decimal("1000.00", 5, 2, IDC_BAD_VALUE, NULL);
    assert_decimal("1.234", 5, 2, IDC_BAD_VALUE, NULL);
    assert_decimal("1.00000001", 5, 2, IDC_BAD_VALUE, NULL);
    /* Around the ends of what 16 digits and 64 bits hold. */
    assert_decimal("-0.01", 2, 2, IDC_OK, "-1");
    assert_decimal("99.99", 4, 2, IDC_OK, "9999");
    assert_decimal("100.00", 4, 2, IDC_BAD_VALUE, NULL);
    assert_decimal("-100.00", 4, 2, IDC_BAD_VALUE, NULL);
    assert_decimal("9999999999999999", 16, 0, IDC_OK, "9999999999999999");
    assert_decimal("9999999999999999", 19, 3, IDC_OK, "9999999999999999000");
    assert_decimal("9999999999999999", 20, 4, IDC_OK, "99999999999999990000");
    assert_decimal("9999999999999999", 19, 4, IDC_BAD_VALUE, NULL);
    assert_decimal("-1000000000000000000", 19, 0, IDC_OK, "-1000000000000000000");
    assert_decimal("18446744073709551616", 20, 0, IDC_OK, "18446744073709551616");

    one_column_init(&one, &spec);
    assert_int_equal(add_numeric(&one, "NaN"), IDC_OK);
    assert_int_equal(add_numeric(&one, "-Infinity"), IDC_OK);
    assert_int_equal(idc_batch_unrepresentable_count(one.builder), 2);
    assert_true(ArrowArrayViewIsNull(one_column_finish(&one), 1));
    one_column_done(&one);
}

/* Digit counts, signs, digits and scales that numeric_send never sends. */
static void
test_damaged(void **state)
{
    static const IdcColumnKind kinds[] = { IDC_KIND_NUMERIC_FLOAT64, IDC_KIND_NUMERIC_DECIMAL,
                                           IDC_KIND_NUMERIC_STRING };
    static const int headers[][5] = { { -1, 0, 0, 0, 1 },     { 2, 0, 0, 0, 1 },
                                      { 1, 0, 0x1234, 0, 1 }, { 1, 0, 0, 0x4000, 1 },
                                      { 1, 0, 0, 0, 10000 },  { 0, 0, 0, 0, 1 } };

    (void) state;
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < sizeof headers / sizeof headers[0]; j++) {
            OneColumn one;
            Wire wire = { 0 };

            one_column_init(&one, &(IdcColumnSpec){ .kind = kinds[i], .precision = 5 });
            for (size_t k = 0; k < 5; k++)
                wire_int16(&wire, headers[j][k]);
            assert_int_equal(one_column_add(&one, &wire), IDC_SOURCE_FAILED);
            one_column_done(&one);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_float64_edges),
        cmocka_unit_test(test_float64_too_big),
        cmocka_unit_test(test_float64_is_strtod),
        cmocka_unit_test(test_random_text),
        cmocka_unit_test(test_decimal),
        cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
