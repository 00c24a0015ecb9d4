/*
 * test_numeric_digits.c - numerics by their digits, at random: against a slow and plain printer,
 * strtod, and 128-bit arithmetic; and the wire's bytes against the digits they stand for.
 */
#include <math.h>
#include <stdio.h>

#include "arrow/numeric.h"
#include "wire.h"

enum { ROUNDS = 60000, MAX_DIGITS = 60 };

static uint64_t
next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* Few digits mostly, as values have; sometimes many, or zeros, or nines. */
static void
random_digits(uint64_t *random, int16_t digits[MAX_DIGITS], IdcNumeric *numeric)
{
    static const int counts[] = { 0, 1, 1, 2, 2, 3, 4, 5, 6, 10, 31, 32, 33, MAX_DIGITS };
    static const int reaches[] = { 1, 2, 3, 5, 12, 90 };
    int reach = reaches[next_random(random) % 6];

    numeric->count = counts[next_random(random) % 14];
    numeric->weight = (int16_t) ((int) (next_random(random) % (2 * (uint64_t) reach)) - reach);
    numeric->sign = next_random(random) % 2 == 0 ? IDC_NUMERIC_POSITIVE : IDC_NUMERIC_NEGATIVE;
    numeric->digits = digits;
    for (int i = 0; i < numeric->count; i++) {
        uint64_t dice = next_random(random) % 8;

        digits[i] = dice == 0   ? 0
                    : dice == 1 ? 9999
                    : dice == 2 ? (int16_t) (next_random(random) % 10 * 1000)
                                : (int16_t) (next_random(random) % 10000);
    }
    if (numeric->count > 0 && digits[0] == 0)
        digits[0] = 1;
    /* All digits are shown, and some zeros more: so the text is the value. */
    numeric->dscale = (uint16_t) (next_random(random) % 9);
    if (numeric->count > numeric->weight + 1)
        numeric->dscale = (uint16_t) (numeric->dscale + 4 * (numeric->count - numeric->weight - 1));
}

/* get_str_from_var of PostgreSQL, digit by digit. */
static void
print_plainly(const IdcNumeric *numeric, char text[2048])
{
    size_t n = 0;
    bool has_begun = false;

    if (numeric->sign == IDC_NUMERIC_NEGATIVE)
        text[n++] = '-';
    for (int i = 0; i <= numeric->weight * 4 + 3; i++) {
        static const int powers[] = { 1000, 100, 10, 1 };
        int digit = i / 4 < numeric->count ? numeric->digits[i / 4] / powers[i % 4] % 10 : 0;

        has_begun = has_begun || digit != 0;
        if (has_begun)
            text[n++] = (char) ('0' + digit);
    }
    if (!has_begun)
        text[n++] = '0';
    if (numeric->dscale > 0)
        text[n++] = '.';
    for (int i = 0; i < numeric->dscale; i++) {
        static const int powers[] = { 1000, 100, 10, 1 };
        int group = numeric->weight + 1 + i / 4;

        text[n++] = (char) ('0' + (group >= 0 && group < numeric->count
                                       ? numeric->digits[group] / powers[i % 4] % 10
                                       : 0));
    }
    text[n] = '\0';
}

static void
test_text(void **state)
{
    uint64_t random = 1;
    int16_t digits[MAX_DIGITS];
    char expected[2048];
    IdcNumeric numeric;

    (void) state;
    for (int round = 0; round < ROUNDS; round++) {
        char *text;
        size_t len;

        random_digits(&random, digits, &numeric);
        /* Without the digits that the display scale hides, too. */
        if (round % 3 == 0)
            numeric.dscale = (uint16_t) (next_random(&random) % 20);
        print_plainly(&numeric, expected);
        /* As much room as asked for and no more: the sanitizer looks at its end. */
        text = malloc(idc_numeric_text_room(&numeric));
        assert_non_null(text);
        len = idc_numeric_to_text(&numeric, text);
        if (len != strlen(expected) || memcmp(text, expected, len) != 0)
            fail_msg("%.*s instead of %s", (int) len, text, expected);
        free(text);
    }
}

static void
test_text_of_extremes(void **state)
{
    static const int16_t digits[] = { 9, 9999 };
    IdcNumeric numeric = { .weight = INT16_MAX, .count = 2, .digits = digits, .dscale = 0x3FFF };
    char *text = malloc(idc_numeric_text_room(&numeric));
    size_t len;

    (void) state;
    assert_non_null(text);
    len = idc_numeric_to_text(&numeric, text);
    assert_int_equal(len, 1 + 4 * INT16_MAX + 1 + 0x3FFF);
    assert_memory_equal(text, "999990000", 9);
    free(text);
    numeric.weight = INT16_MIN;
    text = malloc(idc_numeric_text_room(&numeric));
    assert_non_null(text);
    assert_int_equal(idc_numeric_to_text(&numeric, text), 2 + 0x3FFF);
    assert_memory_equal(text, "0.0000", 6);
    free(text);
}

static void
test_float64(void **state)
{
    uint64_t random = 2;
    int16_t digits[MAX_DIGITS];
    char text[2048];
    IdcNumeric numeric;
    IdcText scratch;

    (void) state;
    idc_text_init(&scratch, 0);
    for (int round = 0; round < ROUNDS; round++) {
        double expected, got = 0;
        IdcDecoded decoded;

        random_digits(&random, digits, &numeric);
        print_plainly(&numeric, text);
        expected = strtod(text, NULL);
        decoded = idc_numeric_to_float64(&scratch, &numeric, &got);
        assert_int_equal(decoded, isinf(expected) ? IDC_DECODED_UNREPRESENTABLE : IDC_DECODED);
        if (decoded == IDC_DECODED && got != expected)
            fail_msg("%s became %.17g", text, got);
    }
    idc_text_done(&scratch);
}

/* The value times 10^scale, by its text; false where that is no integer of so many digits. */
static bool
scale_plainly(const char *text, int precision, int scale, __int128 *result)
{
    const char *at = text + (*text == '-');
    __int128 sum = 0;
    int after = -1;

    for (; *at != '\0'; at++) {
        if (*at == '.') {
            after = 0;
            continue;
        }
        if (after >= 0 && ++after > scale) {
            if (*at != '0')
                return false;
            continue;
        }
        if (sum >= (__int128) 1000000000000000000 * 1000000000000000000 * 10)
            return false;
        sum = sum * 10 + (*at - '0');
    }
    for (after = after < 0 ? 0 : after; after < scale; after++) {
        if (sum >= (__int128) 1000000000000000000 * 1000000000000000000 * 10)
            return false;
        sum *= 10;
    }
    for (__int128 limit = 1;; limit *= 10, precision--) {
        if (precision == 0) {
            *result = *text == '-' ? -sum : sum;
            return sum < limit;
        }
    }
}

static void
test_decimal(void **state)
{
    uint64_t random = 3;
    int16_t digits[MAX_DIGITS];
    char text[2048];
    IdcNumeric numeric;
    int fitting = 0;

    (void) state;
    for (int round = 0; round < ROUNDS; round++) {
        int precision = 1 + (int) (next_random(&random) % 38);
        int scale = (int) (next_random(&random) % (uint64_t) (precision + 1));
        __int128 expected = 0, got = 0;
        bool fits;
        IdcDecoded decoded;

        random_digits(&random, digits, &numeric);
        print_plainly(&numeric, text);
        fits = scale_plainly(text, precision, scale, &expected);
        decoded = idc_numeric_to_decimal(&numeric, precision, scale, (uint8_t *) &got);
        if ((decoded == IDC_DECODED) != fits || (fits && got != expected))
            fail_msg("%s as decimal128(%d, %d)", text, precision, scale);
        fitting += fits;
    }
    assert_in_range(fitting, ROUNDS / 20, ROUNDS);
}

/* The wire's bytes give what their digits give, of every kind. */
static void
test_wire(void **state)
{
    static const IdcColumnKind kinds[] = { IDC_KIND_NUMERIC_FLOAT64, IDC_KIND_NUMERIC_DECIMAL,
                                           IDC_KIND_NUMERIC_STRING };
    uint64_t random = 4;
    int16_t digits[MAX_DIGITS];
    IdcNumeric numeric;

    (void) state;
    for (int round = 0; round < 3000; round++) {
        IdcColumnSpec spec = { .name = "n",
                               .type_name = "numeric",
                               .kind = kinds[round % 3],
                               .precision = round % 2 ? 38 : 15,
                               .scale = round % 2 ? 10 : 2 };
        IdcDecodeState shared = { 0 };
        IdcColumn direct, decoded;
        Wire wire = { 0 };
        size_t len;

        random_digits(&random, digits, &numeric);
        wire_int16(&wire, numeric.count);
        wire_int16(&wire, numeric.weight);
        wire_int16(&wire, numeric.sign);
        wire_int16(&wire, numeric.dscale);
        for (int i = 0; i < numeric.count; i++)
            wire_int16(&wire, digits[i]);
        len = wire.len;
        /* What follows in the message is not looked at. */
        for (int i = 0; i < round % 12; i++)
            wire_int16(&wire, 0xFFFF);
        idc_text_init(&shared.scratch, 0);
        assert_true(idc_column_init(&direct, &spec, 0, &shared));
        assert_true(idc_column_init(&decoded, &spec, 0, &shared));
        assert_true(idc_column_reserve(&direct, 1) && idc_column_reserve(&decoded, 1));
        assert_int_equal(idc_column_append_numeric(&direct, &numeric),
                         idc_column_append_wire_numeric(&decoded, wire.data, len, wire.len));
        assert_int_equal(direct.length, decoded.length);
        assert_int_equal(direct.bytes_len, decoded.bytes_len);
        if (direct.length > 0)
            assert_memory_equal(direct.values, decoded.values,
                                direct.width > 0 ? direct.width : direct.bytes_len);
        idc_column_done(&direct);
        idc_column_done(&decoded);
        idc_text_done(&shared.scratch);
        wire_done(&wire);
    }
}

/* A digit of 10,000 or more, however few there are. */
static void
test_wrong_digits(void **state)
{
    IdcColumnSpec spec = { .name = "n",
                           .type_name = "numeric",
                           .kind = IDC_KIND_NUMERIC_DECIMAL,
                           .precision = 38,
                           .scale = 4 };

    (void) state;
    for (int count = 1; count <= 6; count++) {
        for (int wrong = 0; wrong < count; wrong++) {
            IdcDecodeState shared = { 0 };
            IdcColumn column;
            Wire wire = { 0 };

            wire_int16(&wire, count);
            wire_int16(&wire, count - 1);
            wire_int16(&wire, 0);
            wire_int16(&wire, 0);
            for (int i = 0; i < count + 8; i++)
                wire_int16(&wire, i == wrong ? 10000 : 1);
            assert_true(idc_column_init(&column, &spec, 0, &shared));
            assert_true(idc_column_reserve(&column, 1));
            assert_int_equal(idc_column_append_wire_numeric(&column, wire.data,
                                                            8 + 2 * (size_t) count, wire.len),
                             IDC_DECODED_MALFORMED);
            assert_int_equal(column.length, 0);
            idc_column_done(&column);
            wire_done(&wire);
        }
    }
}

/* On the wire a column of doubles has the doubles of what the column of decimals would have. */
static void
test_wire_doubles(void **state)
{
    uint64_t random = 9;
    int16_t digits[MAX_DIGITS];
    IdcNumeric numeric;
    int fitting = 0;

    (void) state;
    for (int round = 0; round < 20000; round++) {
        static const int shapes[][2] = { { 15, 2 }, { 15, 0 }, { 5, 2 },  { 9, 9 },
                                         { 38, 4 }, { 20, 2 }, { 12, 3 }, { 15, 6 } };
        IdcColumnSpec spec = { .name = "n",
                               .type_name = "numeric",
                               .kind = IDC_KIND_NUMERIC_DECIMAL,
                               .precision = shapes[round % 8][0],
                               .scale = shapes[round % 8][1] };
        IdcColumnSpec double_spec = spec;
        IdcDecodeState shared = { .is_wire = true };
        IdcColumn decimals, doubles;
        Wire wire = { 0 };
        double expected;
        IdcDecoded decoded;
        size_t len;

        double_spec.kind = IDC_KIND_NUMERIC_FLOAT64;
        random_digits(&random, digits, &numeric);
        if (round % 3 > 0) {
            numeric.count = numeric.count > 3 ? 3 : numeric.count;
            numeric.weight = (int16_t) (round % 4 - 1);
        }
        wire_int16(&wire, numeric.count);
        wire_int16(&wire, numeric.weight);
        wire_int16(&wire, numeric.sign);
        wire_int16(&wire, numeric.dscale);
        for (int i = 0; i < numeric.count; i++)
            wire_int16(&wire, digits[i]);
        len = wire.len;
        for (int i = 0; i < 8; i++)
            wire_int16(&wire, 0xFFFF);
        idc_text_init(&shared.scratch, 0);
        assert_true(idc_column_init(&decimals, &spec, 0, &shared));
        assert_true(idc_column_init(&doubles, &double_spec, 0, &shared));
        assert_true(idc_column_reserve(&decimals, 1) && idc_column_reserve(&doubles, 1));
        decoded = idc_column_append_wire_numeric(&decimals, wire.data, len, wire.len);
        if (decoded == IDC_DECODED) {
            idc_decimals_to_float64(decimals.values, 1, spec.scale, (uint8_t *) &expected);
            assert_int_equal(idc_column_append_wire_numeric(&doubles, wire.data, len, wire.len),
                             IDC_DECODED);
            assert_memory_equal(doubles.values, &expected, sizeof expected);
            fitting++;
        }
        idc_column_done(&decimals);
        idc_column_done(&doubles);
        idc_text_done(&shared.scratch);
        wire_done(&wire);
    }
    assert_in_range(fitting, 3000, 20000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),         cmocka_unit_test(test_text_of_extremes),
        cmocka_unit_test(test_float64),      cmocka_unit_test(test_decimal),
        cmocka_unit_test(test_wire),         cmocka_unit_test(test_wrong_digits),
        cmocka_unit_test(test_wire_doubles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
