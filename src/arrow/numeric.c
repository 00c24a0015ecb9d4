/*
 * numeric.c - PostgreSQL's numeric to double, decimal128 or text.
 *
 * In:   numeric_send: int16 digit count, weight, sign, display scale, then base-10000 digits
 * Out:  the nearest double; the scaled integer of a decimal128; the text that numeric_out prints
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "arrow/builder.h"

enum {
    SIGN_POSITIVE = 0x0000,
    SIGN_NEGATIVE = 0x4000,
    SIGN_NAN = 0xC000,
    SIGN_INFINITY = 0xD000,
    SIGN_MINUS_INFINITY = 0xF000,
    MAX_DISPLAY_SCALE = 0x3FFF,
    BASE = 10000,
    HEADER_SIZE = 8
};

/* The value is the sum of digit(i) * 10000^(weight - i), with its sign. */
typedef struct Numeric {
    const uint8_t *digits;
    int count, weight, display_scale;
    uint16_t sign;
} Numeric;

static inline int
digit(const Numeric *numeric, int i)
{
    return idc_be16(numeric->digits + (size_t) i * 2);
}

/* The header; the digits are as many as it says, but not looked at. */
static inline bool
header_read(const uint8_t *value, size_t len, Numeric *numeric)
{
    if (len < HEADER_SIZE)
        return false;
    numeric->digits = value + HEADER_SIZE;
    numeric->count = (int16_t) idc_be16(value);
    numeric->weight = (int16_t) idc_be16(value + 2);
    numeric->sign = idc_be16(value + 4);
    numeric->display_scale = idc_be16(value + 6);
    return numeric->count >= 0 && len == HEADER_SIZE + (size_t) numeric->count * 2 &&
           numeric->display_scale <= MAX_DISPLAY_SCALE;
}

static bool
numeric_read(const uint8_t *value, size_t len, Numeric *numeric)
{
    if (!header_read(value, len, numeric))
        return false;
    if (numeric->sign == SIGN_POSITIVE || numeric->sign == SIGN_NEGATIVE) {
        for (int i = 0; i < numeric->count; i++)
            if (digit(numeric, i) >= BASE)
                return false;
        return true;
    }
    return numeric->sign == SIGN_NAN || numeric->sign == SIGN_INFINITY ||
           numeric->sign == SIGN_MINUS_INFINITY;
}

static bool
numeric_is_finite(const Numeric *numeric)
{
    return numeric->sign == SIGN_POSITIVE || numeric->sign == SIGN_NEGATIVE;
}

/* Powers of ten that a double, and a long double of 64 bits, hold exactly. */
static const double double_powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
enum { DOUBLE_POWERS = 22, LONG_POWERS = 27 };

#if LDBL_MANT_DIG == 64
static const long double long_powers[] = { 1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,
                                           1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
                                           1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L,
                                           1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L };

/*
 * integer * 10^exponent by way of 64 bits. The first rounding can only spoil the second one when
 * its result lies just between two doubles: then the answer is "do not know".
 */
static bool
nearest_by_long_double(uint64_t integer, int exponent, double *result)
{
    long double wide = (long double) integer;
    uint64_t mantissa;

    if (exponent < -LONG_POWERS || exponent > LONG_POWERS)
        return false;
    wide = exponent < 0 ? wide / long_powers[-exponent] : wide * long_powers[exponent];
    memcpy(&mantissa, &wide, sizeof mantissa);
    if ((mantissa & 0x7FF) == 0x400)
        return false;
    *result = (double) wide;
    return true;
}
#else
static bool
nearest_by_long_double(uint64_t integer, int exponent, double *result)
{
    (void) integer;
    (void) exponent;
    (void) result;
    return false;
}
#endif

/* All digits as one integer, without the zeros at the end; false where 64 bits are too few. */
static bool
numeric_integer(const Numeric *numeric, uint64_t *integer, int *exponent)
{
    uint64_t sum = 0, power = BASE;
    int count = numeric->count, last;

    while (count > 0 && digit(numeric, count - 1) == 0)
        count--;
    *exponent = 0;
    *integer = 0;
    if (count == 0)
        return true;
    *exponent = 4 * (numeric->weight - count + 1);
    for (int i = 0; i < count - 1; i++)
        if (__builtin_mul_overflow(sum, (uint64_t) BASE, &sum) ||
            __builtin_add_overflow(sum, (uint64_t) digit(numeric, i), &sum))
            return false;
    last = digit(numeric, count - 1);
    while (last % 10 == 0) {
        last /= 10;
        power /= 10;
        ++*exponent;
    }
    if (__builtin_mul_overflow(sum, power, &sum) ||
        __builtin_add_overflow(sum, (uint64_t) last, &sum))
        return false;
    *integer = sum;
    return true;
}

/* Any number of digits, by way of text; there is no decimal point in it, so no locale matters. */
static IdcDecoded
nearest_by_text(IdcText *scratch, const Numeric *numeric, double *result)
{
    idc_text_clear(scratch);
    idc_text_append_char(scratch, '0');
    for (int i = 0; i < numeric->count; i++) {
        int d = digit(numeric, i);
        char group[4] = { (char) ('0' + d / 1000), (char) ('0' + d / 100 % 10),
                          (char) ('0' + d / 10 % 10), (char) ('0' + d % 10) };

        idc_text_append_len(scratch, group, sizeof group);
    }
    idc_text_append_format(scratch, "e%d", 4 * (numeric->weight - numeric->count + 1));
    if (scratch->is_broken)
        return IDC_DECODED_NO_MEMORY;
    *result = strtod(scratch->data, NULL);
    return isinf(*result) ? IDC_DECODED_UNREPRESENTABLE : IDC_DECODED;
}

/* Anything but a few digits: long numbers, NaN, infinities. */
static __attribute__((noinline)) IdcDecoded
float64_slow(IdcText *scratch, const Numeric *numeric, double *result)
{
    uint64_t integer;
    int exponent;
    IdcDecoded decoded = IDC_DECODED;

    if (numeric->sign == SIGN_NAN) {
        *result = NAN;
        return IDC_DECODED;
    }
    if (!numeric_is_finite(numeric)) {
        *result = numeric->sign == SIGN_INFINITY ? INFINITY : -INFINITY;
        return IDC_DECODED;
    }
    if (!numeric_integer(numeric, &integer, &exponent) ||
        !nearest_by_long_double(integer, exponent, result))
        decoded = nearest_by_text(scratch, numeric, result);
    if (decoded == IDC_DECODED && numeric->sign == SIGN_NEGATIVE)
        *result = -*result;
    return decoded;
}

/*
 * Up to 2^53 and a power of ten up to 22 are both exact doubles, and one division of exact doubles
 * is rounded correctly. That is nearly every amount of money there is; false for all other
 * numerics.
 */
static inline bool
float64_fast(const Numeric *numeric, double *result)
{
    int exponent = 4 * (numeric->weight - numeric->count + 1), largest = 0;
    uint64_t integer = 0;
    double size;

    if (numeric->count > 4 || exponent < -DOUBLE_POWERS || exponent > DOUBLE_POWERS ||
        (numeric->sign & ~SIGN_NEGATIVE) != 0)
        return false;
    for (int i = 0; i < numeric->count; i++) {
        int d = digit(numeric, i);

        integer = integer * BASE + (uint64_t) d;
        largest = d > largest ? d : largest;
    }
    if (integer > UINT64_C(1) << 53 || largest >= BASE)
        return false;
    size = exponent < 0 ? (double) (int64_t) integer / double_powers[-exponent]
                        : (double) (int64_t) integer * double_powers[exponent];
    *result = numeric->sign == SIGN_NEGATIVE ? -size : size;
    return true;
}

IdcDecoded
idc_numeric_float64(IdcText *scratch, const uint8_t *value, size_t len, double *result)
{
    Numeric numeric;

    if (header_read(value, len, &numeric) && float64_fast(&numeric, result))
        return IDC_DECODED;
    if (!numeric_read(value, len, &numeric))
        return IDC_DECODED_MALFORMED;
    return float64_slow(scratch, &numeric, result);
}

static const int small_powers[] = { 1, 10, 100, 1000, BASE };

/* sum * factor + addend, where there is room. */
static bool
append_digits(unsigned __int128 *sum, int factor, int addend)
{
    return !__builtin_mul_overflow(*sum, (unsigned __int128) factor, sum) &&
           !__builtin_add_overflow(*sum, (unsigned __int128) addend, sum);
}

/* The digits times 10^scale as an integer; false where that is none, or too big. */
static bool
numeric_scaled(const Numeric *numeric, int scale, unsigned __int128 *integer)
{
    unsigned __int128 sum = 0;
    int exponent = 0;

    for (int i = 0; i < numeric->count; i++) {
        int d = digit(numeric, i);

        exponent = 4 * (numeric->weight - i) + scale;
        if (exponent >= 0) {
            if (!append_digits(&sum, BASE, d))
                return false;
        } else if (exponent > -4) {
            int cut = small_powers[-exponent];

            if (d % cut != 0 || !append_digits(&sum, BASE / cut, d / cut))
                return false;
        } else if (d != 0) {
            return false;
        }
    }
    for (; sum != 0 && exponent > 0; exponent--)
        if (!append_digits(&sum, 10, 0))
            return false;
    *integer = sum;
    return true;
}

/* Powers of ten that 64 bits hold. */
static const uint64_t integer_powers[] = { UINT64_C(1),
                                           UINT64_C(10),
                                           UINT64_C(100),
                                           UINT64_C(1000),
                                           UINT64_C(10000),
                                           UINT64_C(100000),
                                           UINT64_C(1000000),
                                           UINT64_C(10000000),
                                           UINT64_C(100000000),
                                           UINT64_C(1000000000),
                                           UINT64_C(10000000000),
                                           UINT64_C(100000000000),
                                           UINT64_C(1000000000000),
                                           UINT64_C(10000000000000),
                                           UINT64_C(100000000000000),
                                           UINT64_C(1000000000000000),
                                           UINT64_C(10000000000000000),
                                           UINT64_C(100000000000000000),
                                           UINT64_C(1000000000000000000),
                                           UINT64_C(10000000000000000000) };
enum { INTEGER_POWERS = 19, SHORT_COUNT = 4 };

/*
 * Up to 16 digits, in 64 bits: nearly every amount of money there is. False for all other numerics,
 * also for those that do not fit: the long way tells why.
 */
static inline bool
decimal_fast(const Numeric *numeric, int precision, int scale, __int128 *result)
{
    int exponent = 4 * (numeric->weight - numeric->count + 1) + scale, largest = 0;
    uint64_t integer = 0;

    if (numeric->count > SHORT_COUNT || exponent < -INTEGER_POWERS || exponent > INTEGER_POWERS ||
        (numeric->sign & ~SIGN_NEGATIVE) != 0)
        return false;
    for (int i = 0; i < numeric->count; i++) {
        int d = digit(numeric, i);

        integer = integer * BASE + (uint64_t) d;
        largest = d > largest ? d : largest;
    }
    if (largest >= BASE)
        return false;
    if (exponent < 0) {
        if (integer % integer_powers[-exponent] != 0)
            return false;
        integer /= integer_powers[-exponent];
    } else if (__builtin_mul_overflow(integer, integer_powers[exponent], &integer)) {
        return false;
    }
    if (precision <= INTEGER_POWERS && integer >= integer_powers[precision])
        return false;
    *result = numeric->sign == SIGN_NEGATIVE ? -(__int128) integer : (__int128) integer;
    return true;
}

IdcDecoded
idc_numeric_decimal(const uint8_t *value, size_t len, int precision, int scale, uint8_t result[16])
{
    unsigned __int128 integer, limit = 1;
    __int128 number;
    Numeric numeric;

    if (header_read(value, len, &numeric) && decimal_fast(&numeric, precision, scale, &number)) {
        memcpy(result, &number, sizeof number);
        return IDC_DECODED;
    }
    if (!numeric_read(value, len, &numeric))
        return IDC_DECODED_MALFORMED;
    if (!numeric_is_finite(&numeric))
        return IDC_DECODED_UNREPRESENTABLE;
    for (int i = 0; i < precision; i++)
        limit *= 10;
    if (!numeric_scaled(&numeric, scale, &integer) || integer >= limit)
        return IDC_DECODED_DOES_NOT_FIT;
    if (numeric.sign == SIGN_NEGATIVE)
        integer = -integer;
    memcpy(result, &integer, sizeof integer);
    return IDC_DECODED;
}

static void
append_group(IdcText *text, int d, int count)
{
    char group[4] = { (char) ('0' + d / 1000), (char) ('0' + d / 100 % 10),
                      (char) ('0' + d / 10 % 10), (char) ('0' + d % 10) };

    idc_text_append_len(text, group, (size_t) count);
}

/* As get_str_from_var in numeric.c of PostgreSQL. */
static void
append_finite(IdcText *text, const Numeric *numeric)
{
    int scale = numeric->display_scale;

    if (numeric->sign == SIGN_NEGATIVE)
        idc_text_append_char(text, '-');
    if (numeric->weight < 0 || numeric->count == 0)
        idc_text_append_char(text, '0');
    else
        idc_text_append_format(text, "%d", digit(numeric, 0));
    for (int i = 1; i <= numeric->weight && numeric->count > 0; i++)
        append_group(text, i < numeric->count ? digit(numeric, i) : 0, 4);
    if (scale > 0)
        idc_text_append_char(text, '.');
    for (int i = numeric->weight + 1; scale > 0; i++, scale -= 4)
        append_group(text, i >= 0 && i < numeric->count ? digit(numeric, i) : 0,
                     scale < 4 ? scale : 4);
}

IdcDecoded
idc_numeric_text(IdcText *scratch, const uint8_t *value, size_t len)
{
    Numeric numeric;

    if (!numeric_read(value, len, &numeric))
        return IDC_DECODED_MALFORMED;
    idc_text_clear(scratch);
    if (numeric.sign == SIGN_NAN)
        idc_text_append(scratch, "NaN");
    else if (numeric.sign == SIGN_INFINITY)
        idc_text_append(scratch, "Infinity");
    else if (numeric.sign == SIGN_MINUS_INFINITY)
        idc_text_append(scratch, "-Infinity");
    else
        append_finite(scratch, &numeric);
    return scratch->is_broken ? IDC_DECODED_NO_MEMORY : IDC_DECODED;
}
