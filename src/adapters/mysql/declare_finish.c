/*
 * declare_finish.c - what MySQL has not the digits for: PostgreSQL's averages.
 *
 * PostgreSQL divides numerics to at least 16 significant digits, counted in groups of four
 * (select_div_scale in numeric.c), and rounds half away from zero. The sum and the count are exact,
 * so the quotient is made of them here.
 */
#include "adapters/mysql/mysql.h"

#include <stdio.h>
#include <string.h>

enum { SIGNIFICANT = 16, GROUP = 4, GROUP_BASE = 10000, DIGITS_MOST = 200, SCALE_MOST = 16383 };

/* A number without its point: digits[0..count), the last `scale` of them behind the point. */
typedef struct Decimal {
    bool is_negative;
    char digits[DIGITS_MOST];
    int count, scale;
} Decimal;

static bool
read_decimal(const char *text, size_t len, Decimal *number)
{
    bool has_point = false;

    *number = (Decimal){ 0 };
    for (size_t i = 0; i < len; i++) {
        if (i == 0 && text[i] == '-')
            number->is_negative = true;
        else if (text[i] == '.' && !has_point)
            has_point = true;
        else if (text[i] >= '0' && text[i] <= '9' && number->count < DIGITS_MOST) {
            number->digits[number->count++] = (char) (text[i] - '0');
            number->scale += has_point ? 1 : 0;
        } else
            return false;
    }
    return number->count > number->scale;
}

/* The first group of four that is not zero, counted from the point, and what it is. */
static void
first_group(const Decimal *number, int *weight, int *group)
{
    int before = number->count - number->scale;

    for (int i = 0; i < number->count; i++) {
        int power = before - 1 - i, start, value = 0;

        if (number->digits[i] == 0)
            continue;
        *weight = power >= 0 ? power / GROUP : -((GROUP - 1 - power) / GROUP);
        start = before - 1 - (*weight * GROUP + GROUP - 1);
        for (int j = start; j < start + GROUP; j++)
            value = value * 10 + (j >= 0 && j < number->count ? number->digits[j] : 0);
        *group = value;
        return;
    }
    *weight = 0;
    *group = 0;
}

static int
quotient_scale(const Decimal *sum, int64_t count, int scale)
{
    int sum_weight, sum_group, count_weight, count_group, weight, wanted;
    Decimal divisor;
    char text[32];

    (void) snprintf(text, sizeof text, "%lld", (long long) count);
    (void) read_decimal(text, strlen(text), &divisor);
    first_group(sum, &sum_weight, &sum_group);
    first_group(&divisor, &count_weight, &count_group);
    weight = sum_weight - count_weight - (sum_group <= count_group ? 1 : 0);
    wanted = SIGNIFICANT - weight * GROUP;
    wanted = wanted < scale ? scale : wanted;
    return wanted < 0 ? 0 : wanted > SCALE_MOST ? SCALE_MOST : wanted;
}

/* Digits of sum / count with `scale` ones behind the point, rounded; into text, from `at` on. */
static void
divide(const Decimal *sum, int64_t count, int scale, IdcText *text)
{
    unsigned __int128 rest = 0, divisor = (unsigned __int128) count;
    int digits = sum->count - sum->scale + scale, first = 0, carry;
    char quotient[DIGITS_MOST + SCALE_MOST + 2];
    bool is_zero = true;

    for (int i = 0; i < digits; i++) {
        rest = rest * 10 + (unsigned) (i < sum->count ? sum->digits[i] : 0);
        quotient[i] = (char) (rest / divisor);
        rest %= divisor;
    }
    rest = rest * 10 + (unsigned) (digits < sum->count ? sum->digits[digits] : 0);
    carry = rest / divisor >= 5 ? 1 : 0;
    for (int i = digits - 1; i >= 0 && carry > 0; i--) {
        quotient[i] = (char) (quotient[i] + carry);
        carry = quotient[i] > 9 ? 1 : 0;
        if (carry > 0)
            quotient[i] = 0;
    }
    for (int i = 0; i < digits; i++)
        is_zero = is_zero && quotient[i] == 0;
    if (sum->is_negative && !(is_zero && carry == 0))
        idc_text_append_char(text, '-');
    if (carry > 0)
        idc_text_append_char(text, '1');
    else
        while (first < digits - scale - 1 && quotient[first] == 0)
            first++;
    for (int i = first; i < digits; i++) {
        if (i == digits - scale)
            idc_text_append_char(text, '.');
        idc_text_append_char(text, (char) ('0' + quotient[i]));
    }
}

bool
idc_mysql_finish(const char *value, size_t len, IdcText *text)
{
    const char *at = memchr(value, '@', len), *slash = memchr(value, '/', len);
    size_t sum_len = slash != NULL ? (size_t) (slash - value)
                     : at != NULL  ? (size_t) (at - value)
                                   : len;
    int64_t count = 1, scale;
    char number[32];
    Decimal sum;

    if (!read_decimal(value, sum_len, &sum))
        return false;
    scale = sum.scale;
    if (at != NULL) {
        (void) snprintf(number, sizeof number, "%.*s", (int) (len - (size_t) (at - value) - 1),
                        at + 1);
        if (!idc_int64_parse(number, &scale) || scale < 0 || scale > sum.scale)
            return false;
    }
    if (slash == NULL) {
        divide(&sum, 1, (int) scale, text);
        return true;
    }
    (void) snprintf(number, sizeof number, "%.*s",
                    (int) ((at != NULL ? at : value + len) - slash - 1), slash + 1);
    if (!idc_int64_parse(number, &count) || count <= 0)
        return false;
    divide(&sum, count, quotient_scale(&sum, count, (int) scale), text);
    return true;
}

const char *
idc_mysql_sqlstate(unsigned error_number, const char *message)
{
    enum { OUT_OF_RANGE = 1690 };

    if (error_number != OUT_OF_RANGE)
        return NULL;
    return strstr(message, "9223372036854775807 + (22012 + ") != NULL ? "22012" : "22003";
}
