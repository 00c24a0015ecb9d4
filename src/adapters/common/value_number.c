/*
 * value_number.c - integers, floating-point numbers and numerics from text, all of them exactly.
 *
 * In:   a decimal number as text
 * Out:  the value of a column's kind; no number goes through a double that is not one
 *
 * The rules are those of int8in, oidin, float8in and numeric_in of PostgreSQL 15.
 */
#include "adapters/common/value_parts.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/numeric.h"

/*
 * sign · 0.d1d2d3… · 10^point, where d1 is not 0 (no digits: zero). scale: digits after the point
 * as written, or 0.
 */
typedef struct Decimal {
    bool is_negative;
    const char *digits;
    int64_t count, point, scale;
} Decimal;

enum { SHORT_DIGITS = 18 };

static bool
skip_sign(IdcSlice *text)
{
    bool is_negative = text->at < text->end && *text->at == '-';

    if (text->at < text->end && (*text->at == '-' || *text->at == '+'))
        text->at++;
    return is_negative;
}

/* ---- plain digits, the common case ---- */

/* [sign] digits [. digits], at most 18 digits in all: *number is all of them without the point. */
static bool
read_short(IdcSlice text, bool *is_negative, uint64_t *number, int *scale)
{
    const char *point = NULL;
    uint64_t sum = 0;
    int count = 0;

    *is_negative = skip_sign(&text);
    if (text.end - text.at > SHORT_DIGITS + 1)
        return false;
    for (; text.at < text.end; text.at++) {
        unsigned digit = (unsigned char) *text.at - (unsigned) '0';

        if (digit <= 9) {
            sum = sum * 10 + digit;
            count++;
        } else if (*text.at == '.' && point == NULL) {
            point = text.at;
        } else {
            return false;
        }
    }
    if (count == 0 || count > SHORT_DIGITS)
        return false;
    *number = sum;
    *scale = point == NULL ? 0 : (int) (text.end - point - 1);
    return true;
}

/* ---- any decimal number ---- */

/* e5, E-3; *exponent is limited to what cannot overflow later. */
static bool
read_exponent(IdcSlice *text, int64_t *exponent)
{
    bool is_negative;
    int64_t sum = 0;

    *exponent = 0;
    if (text->at == text->end || (*text->at | 0x20) != 'e')
        return true;
    text->at++;
    is_negative = skip_sign(text);
    if (text->at == text->end)
        return false;
    for (; text->at < text->end && idc_is_digit(*text->at); text->at++)
        if (sum < INT_MAX)
            sum = sum * 10 + (*text->at - '0');
    *exponent = is_negative ? -sum : sum;
    return true;
}

/* The whole text is a decimal number. Its significant digits are copied to scratch. */
static bool
read_decimal(IdcSlice text, IdcText *scratch, Decimal *decimal)
{
    const char *begin, *point = NULL;
    int64_t exponent, whole = 0, count = 0;

    decimal->is_negative = skip_sign(&text);
    idc_text_clear(scratch);
    for (begin = text.at; text.at < text.end; text.at++) {
        if (*text.at == '.' && point == NULL) {
            point = text.at;
            whole = count;
        } else if (idc_is_digit(*text.at)) {
            count++;
        } else {
            break;
        }
    }
    if (count == 0)
        return false;
    if (point == NULL)
        whole = count;
    decimal->scale = count - whole;
    for (const char *at = begin; at < text.at; at++) {
        if (*at == '.')
            continue;
        if (*at == '0' && scratch->len == 0)
            whole--;
        else
            idc_text_append_char(scratch, *at);
    }
    if (!read_exponent(&text, &exponent) || text.at != text.end)
        return false;
    decimal->scale -= exponent;
    if (decimal->scale < 0)
        decimal->scale = 0;
    decimal->digits = idc_text_string(scratch);
    decimal->count = (int64_t) scratch->len;
    decimal->point = decimal->count == 0 ? 0 : whole + exponent;
    return true;
}

/*
 * Keep `scale` digits after the point (before it: negative), rounded half away from zero. scratch
 * holds the digits.
 */
static void
round_decimal(Decimal *decimal, int64_t scale, IdcText *scratch)
{
    int64_t keep = decimal->point + scale;
    char *digits = scratch->data;
    bool is_up;

    decimal->scale = scale > 0 ? scale : 0;
    if (decimal->count == 0 || keep >= decimal->count)
        return;
    is_up = keep >= 0 && digits[keep] >= '5';
    decimal->count = keep > 0 ? keep : 0;
    if (decimal->count == 0 && !is_up)
        decimal->point = 0;
    if (!is_up)
        return;
    while (keep > 0 && digits[keep - 1] == '9')
        keep--;
    if (keep > 0) {
        digits[keep - 1]++;
        decimal->count = keep;
        return;
    }
    /* 9.99 became 10. */
    digits[0] = '1';
    decimal->count = 1;
    decimal->point++;
}

/* The digits times 10^scale as an integer; the value has no digits beyond that. */
static bool
scale_decimal(const Decimal *decimal, int64_t scale, unsigned __int128 *number)
{
    unsigned __int128 sum = 0;

    *number = 0;
    if (decimal->count == 0)
        return true;
    if (decimal->point + scale > 39)
        return false;
    for (int64_t i = 0; i < decimal->point + scale; i++) {
        unsigned digit = i < decimal->count ? (unsigned) (decimal->digits[i] - '0') : 0;

        if (__builtin_mul_overflow(sum, (unsigned __int128) 10, &sum) ||
            __builtin_add_overflow(sum, (unsigned __int128) digit, &sum))
            return false;
    }
    *number = sum;
    return true;
}

/* The last digit that is not 0 stands so far behind the point; negative: before it. */
static int64_t
decimal_places(const Decimal *decimal)
{
    int64_t count = decimal->count;

    while (count > 0 && decimal->digits[count - 1] == '0')
        count--;
    return count == 0 ? INT64_MIN : count - decimal->point;
}

IdcFit
idc_value_scaled(IdcSlice text, int scale, IdcText *scratch, int64_t *number,
                 IdcValueProblem *problem)
{
    Decimal decimal;
    unsigned __int128 size;

    if (!read_decimal(text, scratch, &decimal))
        return idc_misfit(problem, IDC_SYNTAX, "it is not a number");
    if (scratch->is_broken)
        return IDC_FITS_NO_MEMORY;
    round_decimal(&decimal, scale, scratch);
    if (!scale_decimal(&decimal, scale, &size) || size > INT64_MAX)
        return idc_misfit(problem, IDC_NUMBER_RANGE, "it is out of range");
    *number = decimal.is_negative ? -(int64_t) size : (int64_t) size;
    return IDC_FITS;
}

/* ---- integers ---- */

static bool
read_digits(IdcSlice text, bool *is_negative, uint64_t *number, bool *is_too_big)
{
    *is_negative = skip_sign(&text);
    *number = 0;
    *is_too_big = false;
    if (text.at == text.end)
        return false;
    for (; text.at < text.end; text.at++) {
        if (!idc_is_digit(*text.at))
            return false;
        *is_too_big |= __builtin_mul_overflow(*number, UINT64_C(10), number);
        *is_too_big |=
            __builtin_add_overflow(*number, (uint64_t) (unsigned char) (*text.at - '0'), number);
    }
    return true;
}

/* A JSON number such as 5.0 or 1e2, which is an integer however it is written. */
static bool
read_whole(IdcSlice text, IdcText *scratch, bool *is_negative, uint64_t *number, bool *is_too_big)
{
    Decimal decimal;
    unsigned __int128 size = 0;

    if (!read_decimal(text, scratch, &decimal) || scratch->is_broken ||
        decimal_places(&decimal) > 0)
        return false;
    *is_too_big = !scale_decimal(&decimal, 0, &size) || size > UINT64_MAX;
    *is_negative = decimal.is_negative;
    *number = (uint64_t) size;
    return true;
}

static bool
fits_integer(IdcColumnKind kind, bool is_negative, uint64_t number)
{
    uint64_t most = kind == IDC_KIND_INT16   ? INT16_MAX
                    : kind == IDC_KIND_INT64 ? INT64_MAX
                                             : INT32_MAX;

    /* oidin reads -1 as the highest OID, as C's strtoul does. */
    if (kind == IDC_KIND_UINT32)
        return number <= (is_negative ? (uint64_t) INT32_MAX + 1 : UINT32_MAX);
    return number <= most + (is_negative ? 1 : 0);
}

IdcFit
idc_value_integer(IdcColumn *column, IdcSlice text, bool is_json, IdcText *scratch,
                  IdcValueProblem *problem)
{
    bool is_negative, is_too_big;
    uint64_t number;
    int64_t value;

    if (!read_digits(text, &is_negative, &number, &is_too_big) &&
        !(is_json && read_whole(text, scratch, &is_negative, &number, &is_too_big)))
        return scratch->is_broken ? IDC_FITS_NO_MEMORY
                                  : idc_misfit(problem, IDC_SYNTAX, "it is not a whole number");
    if (is_too_big || !fits_integer(column->kind, is_negative, number))
        return idc_misfit(problem, IDC_NUMBER_RANGE, "it is out of range");
    value = (int64_t) (is_negative ? -number : number);
    if (column->kind == IDC_KIND_INT16)
        ((int16_t *) column->values)[column->length++] = (int16_t) value;
    else if (column->kind == IDC_KIND_INT64)
        ((int64_t *) column->values)[column->length++] = value;
    else
        ((uint32_t *) column->values)[column->length++] = (uint32_t) value;
    return IDC_FITS;
}

/* ---- floating point ---- */

/* Powers of ten that a float, and a double, hold exactly. */
static const double exact_powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* One division of two exact numbers is rounded correctly. */
static bool
read_fast(IdcColumnKind kind, IdcSlice text, double *result)
{
    bool is_negative, is_single = kind == IDC_KIND_FLOAT32;
    uint64_t number;
    int scale;

    if (!read_short(text, &is_negative, &number, &scale))
        return false;
    if (is_single ? number > UINT64_C(1) << 24 || scale > 10 : number > UINT64_C(1) << 53)
        return false;
    *result = is_single ? (double) ((float) number / (float) exact_powers[scale])
                        : (double) number / exact_powers[scale];
    if (is_negative)
        *result = -*result;
    return true;
}

static bool
read_word(IdcSlice text, double *result)
{
    bool is_negative = skip_sign(&text);

    if (idc_slice_is_word(text, "nan"))
        *result = is_negative ? -NAN : NAN;
    else if (idc_slice_is_word(text, "infinity") || idc_slice_is_word(text, "inf"))
        *result = is_negative ? -INFINITY : INFINITY;
    else
        return false;
    return true;
}

/* Written as decimal numbers are: strtod would take more than that. */
static bool
is_decimal(IdcSlice text)
{
    int64_t exponent, count = 0;
    bool has_point = false;

    (void) skip_sign(&text);
    for (; text.at < text.end; text.at++) {
        if (idc_is_digit(*text.at))
            count++;
        else if (*text.at == '.' && !has_point)
            has_point = true;
        else
            break;
    }
    return count > 0 && read_exponent(&text, &exponent) && text.at == text.end;
}

IdcFit
idc_value_float(IdcColumn *column, IdcSlice text, IdcText *scratch, IdcValueProblem *problem)
{
    bool is_single = column->kind == IDC_KIND_FLOAT32;
    double result;

    if (!read_fast(column->kind, text, &result) && !read_word(text, &result)) {
        if (!is_decimal(text))
            return idc_misfit(problem, IDC_SYNTAX, "it is not a number");
        idc_text_clear(scratch);
        idc_text_append_len(scratch, text.at, idc_slice_len(text));
        if (scratch->is_broken)
            return IDC_FITS_NO_MEMORY;
        errno = 0;
        result = is_single ? (double) strtof(scratch->data, NULL) : strtod(scratch->data, NULL);
        /* As float8in_internal: numbers near zero may lose digits, but not become zero. */
        if (errno == ERANGE && (result == 0 || isinf(result)))
            return idc_misfit(problem, IDC_NUMBER_RANGE, "it is out of range");
    }
    if (is_single)
        ((float *) column->values)[column->length++] = (float) result;
    else
        ((double *) column->values)[column->length++] = result;
    return IDC_FITS;
}

/* ---- numeric ---- */

enum { MOST_WHOLE_DIGITS = 131072, MOST_SCALE = 16383 };

/* As numerictypmodin packs them: 16 bits of precision, 11 of scale with its sign. */
static bool
modifier_read(int32_t modifier, int *precision, int *scale)
{
    if (modifier < 4)
        return false;
    *precision = ((modifier - 4) >> 16) & 0xFFFF;
    *scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024;
    return true;
}

/* So many zeros. */
static void
append_zeros(IdcText *text, int64_t count)
{
    static const char zeros[] = "0000000000000000000000000000000000000000";

    for (int64_t step; count > 0; count -= step) {
        step = count < (int64_t) sizeof zeros ? count : (int64_t) sizeof zeros - 1;
        idc_text_append_len(text, zeros, (size_t) step);
    }
}

/* Digits from..to of the decimal, where those before and after the ones that it has are zeros. */
static void
append_digits(const Decimal *decimal, int64_t from, int64_t to, IdcText *text)
{
    int64_t before = from < 0 ? (to < 0 ? to : 0) - from : 0;
    int64_t last = to < decimal->count ? to : decimal->count;

    append_zeros(text, before);
    from += before;
    if (from < last)
        idc_text_append_len(text, decimal->digits + from, (size_t) (last - from));
    from = from < last ? last : from;
    append_zeros(text, to - from);
}

/* What numeric_out prints. */
static void
print_decimal(const Decimal *decimal, IdcText *text)
{
    idc_text_clear(text);
    if (decimal->is_negative && decimal->count > 0)
        idc_text_append_char(text, '-');
    if (decimal->point <= 0)
        idc_text_append_char(text, '0');
    else
        append_digits(decimal, 0, decimal->point, text);
    if (decimal->scale == 0)
        return;
    idc_text_append_char(text, '.');
    append_digits(decimal, decimal->point, decimal->point + decimal->scale, text);
}

/* The printed form in a column. */
static IdcFit
append_printed(IdcColumn *column, const Decimal *decimal)
{
    IdcFit fit = IDC_FITS;
    IdcText text;

    idc_text_init(&text, 0);
    print_decimal(decimal, &text);
    if (text.is_broken || !idc_column_append_text(column, text.data, text.len, text.len))
        fit = IDC_FITS_NO_MEMORY;
    idc_text_done(&text);
    return fit;
}

/* Already as numeric_out prints it: digits without a zero too many. */
static bool
is_printed(IdcSlice text)
{
    IdcSlice rest = text;
    bool is_zero = true;
    const char *point = NULL;

    if (rest.at < rest.end && *rest.at == '-')
        rest.at++;
    if (idc_slice_len(rest) > 100 || rest.at == rest.end || !idc_is_digit(*rest.at) ||
        (*rest.at == '0' && rest.end - rest.at > 1 && rest.at[1] != '.'))
        return false;
    for (const char *at = rest.at; at < rest.end; at++) {
        if (*at == '.' && point == NULL)
            point = at;
        else if (!idc_is_digit(*at))
            return false;
        else if (*at != '0')
            is_zero = false;
    }
    return (point == NULL || point + 1 < rest.end) && !(is_zero && rest.at != text.at);
}

/* NaN goes with every precision, infinities only where there is none. */
static IdcFit
append_special(IdcColumn *column, int32_t modifier, double special, IdcValueProblem *problem)
{
    const char *text = isnan(special) ? "NaN" : special > 0 ? "Infinity" : "-Infinity";
    size_t len = strlen(text);

    if (isinf(special) && modifier >= 4)
        return idc_misfit(problem, IDC_NUMBER_RANGE, "its type has no infinity");
    if (column->kind == IDC_KIND_NUMERIC_DECIMAL)
        return IDC_FITS_ARROW;
    return idc_column_append_text(column, text, len, len) ? IDC_FITS : IDC_FITS_NO_MEMORY;
}

static IdcFit
append_decimal(IdcColumn *column, bool is_negative, unsigned __int128 size)
{
    if (is_negative)
        size = -size;
    memcpy(column->values + (size_t) column->length++ * sizeof size, &size, sizeof size);
    return IDC_FITS;
}

/* Few digits, in 64 bits: nearly every amount there is. */
static bool
append_fast(IdcColumn *column, IdcSlice text)
{
    int precision = column->spec->precision, wanted = column->spec->scale, scale;
    bool is_negative;
    uint64_t number;

    if (!read_short(text, &is_negative, &number, &scale))
        return false;
    if (scale > wanted) {
        uint64_t power = idc_powers_of_ten[scale - wanted];

        number = number / power + (number % power >= power - power / 2);
    } else if (wanted - scale > IDC_MOST_POWERS ||
               __builtin_mul_overflow(number, idc_powers_of_ten[wanted - scale], &number)) {
        return false;
    }
    if (precision <= IDC_MOST_POWERS && number >= idc_powers_of_ten[precision])
        return false;
    return append_decimal(column, is_negative, number) == IDC_FITS;
}

IdcFit
idc_value_numeric(IdcColumn *column, int32_t modifier, IdcSlice text, IdcText *scratch,
                  IdcValueProblem *problem)
{
    int precision = 0, scale = 0;
    unsigned __int128 size;
    Decimal decimal;
    double special;

    if (column->kind == IDC_KIND_NUMERIC_DECIMAL && append_fast(column, text))
        return IDC_FITS;
    if (column->kind == IDC_KIND_NUMERIC_STRING && modifier < 4 && is_printed(text))
        return idc_column_append_text(column, text.at, idc_slice_len(text), idc_slice_len(text))
                   ? IDC_FITS
                   : IDC_FITS_NO_MEMORY;
    if (!read_decimal(text, scratch, &decimal)) {
        /* numeric_in knows no sign before NaN. */
        if (!read_word(text, &special) || (isnan(special) && !idc_slice_is_word(text, "nan")))
            return idc_misfit(problem, IDC_SYNTAX, "it is not a number");
        return append_special(column, modifier, special, problem);
    }
    if (scratch->is_broken)
        return IDC_FITS_NO_MEMORY;
    if (modifier_read(modifier, &precision, &scale)) {
        round_decimal(&decimal, scale, scratch);
        if (decimal.count > 0 && decimal.point > precision - scale)
            return idc_misfit(problem, IDC_NUMBER_RANGE, "it has too many digits before the point");
    }
    if (decimal.point > MOST_WHOLE_DIGITS || decimal.scale > MOST_SCALE)
        return idc_misfit(problem, IDC_NUMBER_RANGE, "it is out of range");
    if (column->kind == IDC_KIND_NUMERIC_DECIMAL) {
        if (!scale_decimal(&decimal, column->spec->scale, &size))
            return idc_misfit(problem, IDC_NUMBER_RANGE, "it is out of range");
        return append_decimal(column, decimal.is_negative, size);
    }
    return append_printed(column, &decimal);
}
