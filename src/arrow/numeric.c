/*
 * numeric.c - PostgreSQL's numeric to double, decimal128 or text.
 *
 * In:   digits in base 10000 with a weight, a sign and a display scale; on the wire (numeric_send)
 *       int16 digit count, weight, sign, display scale, then the digits
 * Out:  the nearest double; the scaled integer of a decimal128; the text that numeric_out prints
 */
#include "arrow/numeric.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "arrow/decode.h"
#include "base/memory.h"

enum { BASE = IDC_NUMERIC_BASE, HEADER_SIZE = 8, LOCAL_DIGITS = 32 };
enum { LOW_WORD = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 1 }; /* of an __int128 */
/* Any number of so many decimal digits has a double of its own. */
enum { DOUBLE_DIGITS = 15 };

static inline bool
is_finite(const IdcNumeric *numeric)
{
    return (numeric->sign & ~IDC_NUMERIC_NEGATIVE) == 0;
}

/* ---- double ---- */

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
to_integer(const IdcNumeric *numeric, uint64_t *integer, int *exponent)
{
    uint64_t sum = 0, power = BASE;
    int count = numeric->count, last;

    while (count > 0 && numeric->digits[count - 1] == 0)
        count--;
    *exponent = 0;
    *integer = 0;
    if (count == 0)
        return true;
    *exponent = 4 * (numeric->weight - count + 1);
    for (int i = 0; i < count - 1; i++)
        if (__builtin_mul_overflow(sum, (uint64_t) BASE, &sum) ||
            __builtin_add_overflow(sum, (uint64_t) numeric->digits[i], &sum))
            return false;
    last = numeric->digits[count - 1];
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

/* The four decimal digits of one digit in base 10000. */
static inline void
group_write(char *text, int digit)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";

    memcpy(text, pairs + (size_t) (digit / 100) * 2, 2);
    memcpy(text + 2, pairs + (size_t) (digit % 100) * 2, 2);
}

/* Any number of digits, by way of text; there is no decimal point in it, so no locale matters. */
static IdcDecoded
nearest_by_text(IdcText *scratch, const IdcNumeric *numeric, double *result)
{
    idc_text_clear(scratch);
    idc_text_append_char(scratch, '0');
    for (int i = 0; i < numeric->count; i++) {
        char group[4];

        group_write(group, numeric->digits[i]);
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
float64_slow(IdcText *scratch, const IdcNumeric *numeric, double *result)
{
    uint64_t integer;
    int exponent;
    IdcDecoded decoded = IDC_DECODED;

    if (numeric->sign == IDC_NUMERIC_NAN) {
        *result = NAN;
        return IDC_DECODED;
    }
    if (!is_finite(numeric)) {
        *result = numeric->sign == IDC_NUMERIC_INFINITY ? INFINITY : -INFINITY;
        return IDC_DECODED;
    }
    if (!to_integer(numeric, &integer, &exponent) ||
        !nearest_by_long_double(integer, exponent, result))
        decoded = nearest_by_text(scratch, numeric, result);
    if (decoded == IDC_DECODED && numeric->sign == IDC_NUMERIC_NEGATIVE)
        *result = -*result;
    return decoded;
}

/*
 * Up to 2^53 and a power of ten up to 22 are both exact doubles, and one division of exact doubles
 * is rounded correctly. That is nearly every amount of money there is; false for all other
 * numerics.
 */
static inline bool
float64_fast(const IdcNumeric *numeric, double *result)
{
    int exponent = 4 * (numeric->weight - numeric->count + 1);
    uint64_t integer = 0;
    double size;

    if (numeric->count > 4 || exponent < -DOUBLE_POWERS || exponent > DOUBLE_POWERS ||
        !is_finite(numeric))
        return false;
    for (int i = 0; i < numeric->count; i++)
        integer = integer * BASE + (uint64_t) numeric->digits[i];
    if (integer > UINT64_C(1) << 53)
        return false;
    size = exponent < 0 ? (double) (int64_t) integer / double_powers[-exponent]
                        : (double) (int64_t) integer * double_powers[exponent];
    *result = numeric->sign == IDC_NUMERIC_NEGATIVE ? -size : size;
    return true;
}

IdcDecoded
idc_numeric_to_float64(IdcText *scratch, const IdcNumeric *numeric, double *result)
{
    return float64_fast(numeric, result) ? IDC_DECODED : float64_slow(scratch, numeric, result);
}

/* Digits and an exponent: no decimal point, so no locale matters. */
static double
nearest_of_digits(unsigned __int128 size, int scale)
{
    char digits[64], *at = digits + sizeof digits - 8;

    (void) snprintf(at, 8, "e-%d", scale);
    do
        *--at = (char) ('0' + (int) (size % 10));
    while ((size /= 10) != 0);
    return strtod(at, NULL);
}

static __attribute__((noinline)) double
decimal_to_float64_slow(__int128 decimal, int scale)
{
    bool is_negative = decimal < 0;
    unsigned __int128 size =
        is_negative ? -(unsigned __int128) decimal : (unsigned __int128) decimal;
    double result;

    if (decimal == IDC_WIRE_NAN)
        return NAN;
    if (decimal == IDC_WIRE_INFINITY || decimal == IDC_WIRE_MINUS_INFINITY)
        return is_negative ? -INFINITY : INFINITY;
    if (size > UINT64_MAX || !nearest_by_long_double((uint64_t) size, -scale, &result))
        result = nearest_of_digits(size, scale);
    return is_negative ? -result : result;
}

void
idc_decimals_to_float64(const void *decimals, size_t count, int scale, uint8_t *target)
{
    const uint8_t *next = decimals;
    double power = scale <= DOUBLE_POWERS ? double_powers[scale] : 0;

    for (size_t i = 0; i < count; i++, next += sizeof(__int128), target += sizeof(double)) {
        int64_t low, high;
        double result;

        memcpy(&low, next, sizeof low);
        memcpy(&high, next + sizeof low, sizeof high);
        /* Two exact doubles, and one division that rounds as it should. */
        if (high == low >> 63 && low >= -(INT64_C(1) << 53) && low <= INT64_C(1) << 53 &&
            power > 0) {
            result = (double) low / power;
        } else {
            __int128 decimal;

            memcpy(&decimal, next, sizeof decimal);
            result = decimal_to_float64_slow(decimal, scale);
        }
        memcpy(target, &result, sizeof result);
    }
}

/* ---- decimal128 ---- */

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
to_scaled(const IdcNumeric *numeric, int scale, unsigned __int128 *integer)
{
    unsigned __int128 sum = 0;
    int exponent = 0;

    for (int i = 0; i < numeric->count; i++) {
        int d = numeric->digits[i];

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

const uint64_t idc_powers_of_ten[] = { UINT64_C(1),
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
enum { SHORT_COUNT = 4 };

/*
 * Up to 16 digits, in 64 bits: nearly every amount of money there is. False for all other numerics,
 * also for those that do not fit: the long way tells why.
 */
static inline bool
decimal_fast(const IdcNumeric *numeric, int precision, int scale, __int128 *result)
{
    int exponent = 4 * (numeric->weight - numeric->count + 1) + scale;
    uint64_t integer = 0;

    if (numeric->count > SHORT_COUNT || exponent < -IDC_MOST_POWERS || exponent > IDC_MOST_POWERS ||
        !is_finite(numeric))
        return false;
    for (int i = 0; i < numeric->count; i++)
        integer = integer * BASE + (uint64_t) numeric->digits[i];
    if (exponent < 0) {
        if (integer % idc_powers_of_ten[-exponent] != 0)
            return false;
        integer /= idc_powers_of_ten[-exponent];
    } else if (__builtin_mul_overflow(integer, idc_powers_of_ten[exponent], &integer)) {
        return false;
    }
    if (precision <= IDC_MOST_POWERS && integer >= idc_powers_of_ten[precision])
        return false;
    *result = numeric->sign == IDC_NUMERIC_NEGATIVE ? -(__int128) integer : (__int128) integer;
    return true;
}

IdcDecoded
idc_numeric_to_decimal(const IdcNumeric *numeric, int precision, int scale, uint8_t result[16])
{
    unsigned __int128 integer, limit = 1;
    __int128 number;

    if (decimal_fast(numeric, precision, scale, &number)) {
        memcpy(result, &number, sizeof number);
        return IDC_DECODED;
    }
    if (!is_finite(numeric))
        return IDC_DECODED_UNREPRESENTABLE;
    for (int i = 0; i < precision; i++)
        limit *= 10;
    if (!to_scaled(numeric, scale, &integer) || integer >= limit)
        return IDC_DECODED_DOES_NOT_FIT;
    if (numeric->sign == IDC_NUMERIC_NEGATIVE)
        integer = -integer;
    memcpy(result, &integer, sizeof integer);
    return IDC_DECODED;
}

/*
 * The digits times 10^scale, rounded half away from zero, as numeric(p, s) does; false where they
 * are too many.
 */
static bool
to_rounded(const IdcNumeric *numeric, int scale, unsigned __int128 *integer)
{
    unsigned __int128 sum = 0;
    int exponent = 4 * numeric->weight + scale;

    for (int i = 0; i < numeric->count && exponent > -8; i++, exponent -= 4) {
        int d = numeric->digits[i];

        if (exponent >= 0) {
            if (!append_digits(&sum, BASE, d))
                return false;
            continue;
        }
        /* This group has the digit that decides: only the first of those that are cut counts. */
        if (exponent > -4) {
            int cut = small_powers[-exponent];

            if (!append_digits(&sum, BASE / cut, d / cut + (d % cut >= cut / 2 ? 1 : 0)))
                return false;
            *integer = sum;
            return true;
        }
        sum += exponent == -4 && d >= BASE / 2;
        *integer = sum;
        return true;
    }
    for (exponent += 4; sum != 0 && exponent > 0; exponent--)
        if (!append_digits(&sum, 10, 0))
            return false;
    *integer = sum;
    return true;
}

/* What the other forms have no room for, as decode.h says. */
static IdcDecoded
to_wire_decimal(const IdcNumeric *numeric, int precision, int scale, uint8_t result[16])
{
    unsigned __int128 integer, limit = 1;
    __int128 number = numeric->sign == IDC_NUMERIC_NAN        ? IDC_WIRE_NAN
                      : numeric->sign == IDC_NUMERIC_INFINITY ? IDC_WIRE_INFINITY
                                                              : IDC_WIRE_MINUS_INFINITY;

    for (int i = 0; i < precision; i++)
        limit *= 10;
    if (is_finite(numeric)) {
        if (!to_rounded(numeric, scale, &integer) || integer >= limit)
            return IDC_DECODED_DOES_NOT_FIT;
        number = numeric->sign == IDC_NUMERIC_NEGATIVE ? -(__int128) integer : (__int128) integer;
    }
    memcpy(result, &number, sizeof number);
    return IDC_DECODED;
}

/* ---- text ---- */

size_t
idc_numeric_text_room(const IdcNumeric *numeric)
{
    size_t whole = numeric->weight > 0 ? (size_t) numeric->weight * 4 : 0;

    /* Sign, a first group, point, and the rest of a last group that is written but not kept. */
    return whole + numeric->dscale + 16;
}

static inline int
digit_at(const IdcNumeric *numeric, int i)
{
    return i >= 0 && i < numeric->count ? numeric->digits[i] : 0;
}

/* As get_str_from_var in numeric.c of PostgreSQL. */
static size_t
finite_to_text(const IdcNumeric *numeric, char *text)
{
    char *at = text, *end;

    if (numeric->sign == IDC_NUMERIC_NEGATIVE)
        *at++ = '-';
    if (numeric->weight < 0 || numeric->count == 0) {
        *at++ = '0';
    } else {
        int first = numeric->digits[0];
        int zeros = (first < 1000) + (first < 100) + (first < 10);
        char group[8];

        group_write(group, first);
        memcpy(at, group + zeros, 4);
        at += 4 - zeros;
        for (int i = 1; i <= numeric->weight; i++, at += 4)
            group_write(at, digit_at(numeric, i));
    }
    if (numeric->dscale == 0)
        return (size_t) (at - text);
    *at++ = '.';
    end = at + numeric->dscale;
    for (int i = numeric->weight + 1; at < end; i++, at += 4)
        group_write(at, digit_at(numeric, i));
    return (size_t) (end - text);
}

size_t
idc_numeric_to_text(const IdcNumeric *numeric, char *text)
{
    const char *name = "NaN";

    if (is_finite(numeric))
        return finite_to_text(numeric, text);
    if (numeric->sign == IDC_NUMERIC_INFINITY)
        name = "Infinity";
    else if (numeric->sign == IDC_NUMERIC_MINUS_INFINITY)
        name = "-Infinity";
    memcpy(text, name, strlen(name));
    return strlen(name);
}

/* ---- columns ---- */

static IdcDecoded
append_text(IdcColumn *column, const IdcNumeric *numeric)
{
    if (!idc_column_reserve_bytes(column, idc_numeric_text_room(numeric)))
        return IDC_DECODED_NO_MEMORY;
    column->bytes_len += idc_numeric_to_text(numeric, (char *) column->values + column->bytes_len);
    column->length++;
    column->offsets[column->length] = (int64_t) column->bytes_len;
    return IDC_DECODED;
}

/* A column of numeric(p, s) that the hub wants as doubles. */
static inline bool
is_wire_float64(const IdcColumn *column)
{
    return column->kind == IDC_KIND_NUMERIC_FLOAT64 && column->state->is_wire &&
           column->spec->precision > 0;
}

/* By way of the decimal that it is. */
static __attribute__((noinline)) IdcDecoded
append_wire_float64(IdcColumn *column, const IdcNumeric *numeric)
{
    int precision = column->spec->precision, scale = column->spec->scale;
    uint8_t decimal[16];
    IdcDecoded decoded = idc_numeric_to_decimal(numeric, precision, scale, decimal);

    if (decoded != IDC_DECODED)
        decoded = to_wire_decimal(numeric, precision, scale, decimal);
    if (decoded == IDC_DECODED)
        idc_decimals_to_float64(decimal, 1, scale,
                                column->values + (size_t) column->length++ * sizeof(double));
    return decoded;
}

/* A number that decimal128(p, s) has not as it is. */
static __attribute__((noinline)) IdcDecoded
append_unfit(IdcColumn *column, const IdcNumeric *numeric, IdcDecoded decoded)
{
    if (!column->state->is_wire || column->kind != IDC_KIND_NUMERIC_DECIMAL)
        return decoded;
    decoded = to_wire_decimal(numeric, column->spec->precision, column->spec->scale,
                              column->values + (size_t) column->length * 16);
    column->length += decoded == IDC_DECODED;
    return decoded;
}

static inline __attribute__((always_inline)) IdcDecoded
append(IdcColumn *column, const IdcNumeric *numeric)
{
    IdcDecoded decoded;

    if (is_wire_float64(column))
        return append_wire_float64(column, numeric);
    if (column->kind == IDC_KIND_NUMERIC_FLOAT64)
        decoded = idc_numeric_to_float64(&column->state->scratch, numeric,
                                         (double *) column->values + column->length);
    else if (column->kind == IDC_KIND_NUMERIC_DECIMAL)
        decoded = idc_numeric_to_decimal(numeric, column->spec->precision, column->spec->scale,
                                         column->values + (size_t) column->length * 16);
    else
        return append_text(column, numeric);
    if (decoded != IDC_DECODED)
        return append_unfit(column, numeric, decoded);
    column->length++;
    return IDC_DECODED;
}

IdcDecoded
idc_column_append_numeric(IdcColumn *column, const IdcNumeric *numeric)
{
    return append(column, numeric);
}

/* The digits of a checked header into the machine's order; false if one of them is none. */
static inline bool
digits_read(const uint8_t *value, int count, int16_t *digits)
{
    int largest = 0;

    for (int i = 0; i < count; i++) {
        int d = idc_be16(value + (size_t) i * 2);

        largest = d > largest ? d : largest;
        digits[i] = (int16_t) d;
    }
    return largest < BASE;
}

/* More digits than the stack should hold. */
static __attribute__((noinline)) IdcDecoded
append_long(IdcColumn *column, IdcNumeric *numeric, const uint8_t *value)
{
    int16_t *digits = idc_malloc((size_t) numeric->count * sizeof *digits);
    IdcDecoded decoded = IDC_DECODED_MALFORMED;

    if (digits == NULL)
        return IDC_DECODED_NO_MEMORY;
    numeric->digits = digits;
    if (digits_read(value, numeric->count, digits))
        decoded = append(column, numeric);
    idc_free(digits);
    return decoded;
}

/* integer / 10^digits, where that is a whole number; digits from 1 to 3. */
static inline bool
cut_digits(uint64_t *integer, int digits)
{
    uint64_t whole = digits == 1 ? *integer / 10 : digits == 2 ? *integer / 100 : *integer / 1000;
    bool is_whole = whole * idc_powers_of_ten[digits] == *integer;

    *integer = whole;
    return is_whole;
}

/* Up to 16 digits times 10^exponent, of a scale that cuts at most the zeros of the last group. */
static inline bool
append_short_decimal(IdcColumn *column, uint64_t integer, int exponent, bool is_negative)
{
    int precision = column->spec->precision;
    int64_t *target = (int64_t *) (column->values + (size_t) column->length * 16);
    int64_t number;

    exponent += column->spec->scale;
    if (exponent < 0 ? exponent <= -4 || !cut_digits(&integer, -exponent)
                     : exponent > IDC_MOST_POWERS ||
                           __builtin_mul_overflow(integer, idc_powers_of_ten[exponent], &integer))
        return false;
    if (integer > INT64_MAX ||
        (precision <= IDC_MOST_POWERS && integer >= idc_powers_of_ten[precision]))
        return false;
    number = is_negative ? -(int64_t) integer : (int64_t) integer;
    target[LOW_WORD] = number;
    target[1 - LOW_WORD] = number >> 63;
    column->length++;
    return true;
}

/* On the wire the double is that of a numeric(p, s), to which the number has to be rounded. */
static inline bool
has_scale(const IdcColumn *column, uint64_t integer, int exponent)
{
    int cut = -exponent - column->spec->scale;

    return column->spec->precision <= DOUBLE_DIGITS &&
           (cut <= 0 || (cut < 4 && cut_digits(&integer, cut)));
}

/* Two exact doubles, and one division or product that rounds as it should. */
static inline bool
append_short_float64(IdcColumn *column, uint64_t integer, int exponent, bool is_negative)
{
    double size;

    if (integer > UINT64_C(1) << 53 || exponent < -DOUBLE_POWERS || exponent > DOUBLE_POWERS ||
        (is_wire_float64(column) && !has_scale(column, integer, exponent)))
        return false;
    size = exponent < 0 ? (double) (int64_t) integer / double_powers[-exponent]
                        : (double) (int64_t) integer * double_powers[exponent];
    ((double *) column->values)[column->length++] = is_negative ? -size : size;
    return true;
}

/* Four digits in the halfwords of a number; false if one of them is none. */
static inline bool
digits_join(uint64_t digits, uint64_t *integer)
{
    uint64_t a = digits >> 48, b = digits >> 32 & 0xFFFF, c = digits >> 16 & 0xFFFF;
    uint64_t d = digits & 0xFFFF;

    *integer = (a * BASE + b) * BASE * BASE + c * BASE + d;
    return (a < BASE) & (b < BASE) & (c < BASE) & (d < BASE);
}

/*
 * Few digits from their bytes: nearly every amount of money there is. How many they are differs
 * from value to value, so there is no branch for it. False for all other values, wrong ones
 * included, of which nothing was appended.
 */
static inline bool
append_short(IdcColumn *column, const uint8_t *value, size_t len, size_t readable)
{
    uint64_t head, integer;
    unsigned count, sign;
    int exponent;

    if (len < HEADER_SIZE || readable < HEADER_SIZE + 2 * SHORT_COUNT)
        return false;
    head = idc_be64(value);
    count = (unsigned) (head >> 48);
    sign = (unsigned) (head >> 16) & 0xFFFF;
    if (len != HEADER_SIZE + 2 * (size_t) count || count > SHORT_COUNT ||
        (sign & ~(unsigned) IDC_NUMERIC_NEGATIVE) != 0 ||
        (head & 0xFFFF) > IDC_NUMERIC_MAX_DISPLAY_SCALE ||
        !digits_join(count == 0 ? 0 : idc_be64(value + HEADER_SIZE) >> 16 * (SHORT_COUNT - count),
                     &integer) ||
        (integer == 0 && sign != 0))
        return false;
    exponent = 4 * ((int16_t) (head >> 32) - (int) count + 1);
    if (column->kind == IDC_KIND_NUMERIC_DECIMAL)
        return append_short_decimal(column, integer, exponent, sign != 0);
    return column->kind == IDC_KIND_NUMERIC_FLOAT64 &&
           append_short_float64(column, integer, exponent, sign != 0);
}

IdcDecoded
idc_column_append_wire_numeric(IdcColumn *column, const uint8_t *value, size_t len, size_t readable)
{
    int16_t digits[LOCAL_DIGITS];
    IdcNumeric numeric = { .digits = digits };

    if (append_short(column, value, len, readable))
        return IDC_DECODED;
    if (len < HEADER_SIZE)
        return IDC_DECODED_MALFORMED;
    numeric.count = (int16_t) idc_be16(value);
    numeric.weight = (int16_t) idc_be16(value + 2);
    numeric.sign = idc_be16(value + 4);
    numeric.dscale = idc_be16(value + 6);
    if (numeric.count < 0 || len != HEADER_SIZE + (size_t) numeric.count * 2 ||
        numeric.dscale > IDC_NUMERIC_MAX_DISPLAY_SCALE ||
        (!is_finite(&numeric) && numeric.sign != IDC_NUMERIC_NAN &&
         numeric.sign != IDC_NUMERIC_INFINITY && numeric.sign != IDC_NUMERIC_MINUS_INFINITY))
        return IDC_DECODED_MALFORMED;
    if (numeric.count > LOCAL_DIGITS)
        return append_long(column, &numeric, value + HEADER_SIZE);
    if (!digits_read(value + HEADER_SIZE, numeric.count, digits))
        return IDC_DECODED_MALFORMED;
    return append(column, &numeric);
}
