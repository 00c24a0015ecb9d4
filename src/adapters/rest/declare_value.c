/*
 * declare_value.c - a value of the hub as an API's parameter takes it.
 */
#include "adapters/rest/rest.h"

#include <ctype.h>
#include <string.h>

/* "12.500" -> "12.5", "7.00" -> "7": an API may compare texts. */
static void
append_numeric(const char *value, IdcText *text)
{
    size_t len = strlen(value);

    if (strchr(value, '.') != NULL && strpbrk(value, "eE") == NULL) {
        while (value[len - 1] == '0')
            len--;
        if (value[len - 1] == '.')
            len--;
    }
    idc_text_append_len(text, value, len);
}

/* The days from 1970-01-01 to a day of the Gregorian calendar, whose year begins in March here. */
static int64_t
days_from_civil(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

/* `count` digits at *at, and what must follow them (0: anything). */
static bool
read_digits(const char **at, int count, char follows, int64_t *number)
{
    *number = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char) **at))
            return false;
        *number = *number * 10 + (*(*at)++ - '0');
    }
    if (follows == '\0')
        return true;
    if (**at != follows)
        return false;
    (*at)++;
    return true;
}

typedef struct Moment {
    int64_t year, month, day, hour, minute, second, microsecond;
} Moment;

/* "2024-05-06", "2024-05-06 07:08:09.5+00": as the hub writes it in UTC. */
static bool
read_moment(const char *value, bool has_time, Moment *moment)
{
    int64_t unit = 100000;

    *moment = (Moment){ 0 };
    if (!read_digits(&value, 4, '-', &moment->year) ||
        !read_digits(&value, 2, '-', &moment->month) || !read_digits(&value, 2, '\0', &moment->day))
        return false;
    if (!has_time)
        return *value == '\0';
    if (*value++ != ' ' || !read_digits(&value, 2, ':', &moment->hour) ||
        !read_digits(&value, 2, ':', &moment->minute) ||
        !read_digits(&value, 2, '\0', &moment->second))
        return false;
    if (*value == '.')
        for (value++; isdigit((unsigned char) *value); value++, unit /= 10)
            moment->microsecond += (*value - '0') * unit;
    if (strcmp(value, "+00") == 0)
        value += 3;
    return *value == '\0';
}

static void
append_fraction(int64_t fraction, int digits, IdcText *text)
{
    char buffer[8];

    if (fraction == 0)
        return;
    for (int i = digits - 1; i >= 0; i--, fraction /= 10)
        buffer[i] = (char) ('0' + fraction % 10);
    while (buffer[digits - 1] == '0')
        digits--;
    idc_text_append_char(text, '.');
    idc_text_append_len(text, buffer, (size_t) digits);
}

static void
append_epoch(const Moment *moment, IdcRestTime time, IdcText *text)
{
    int64_t micros =
        ((days_from_civil(moment->year, moment->month, moment->day) * 24 + moment->hour) * 60 +
         moment->minute) *
            60 +
        moment->second;
    int64_t unit = time == IDC_REST_TIME_S ? 1000000 : time == IDC_REST_TIME_MS ? 1000 : 1;

    micros = micros * 1000000 + moment->microsecond;
    if (micros < 0) {
        idc_text_append_char(text, '-');
        micros = -micros;
    }
    idc_text_append_format(text, "%lld", (long long) (micros / unit));
    append_fraction(micros % unit, unit == 1000000 ? 6 : 3, text);
}

static bool
append_moment(IdcType type, IdcRestTime time, const char *value, IdcText *text)
{
    bool has_time = type.oid != IDC_TYPE_DATE;
    Moment moment;

    if (!read_moment(value, has_time, &moment))
        return false;
    if (time != IDC_REST_TIME_ISO) {
        append_epoch(&moment, time, text);
        return true;
    }
    idc_text_append_format(text, "%04d-%02d-%02d", (int) moment.year, (int) moment.month,
                           (int) moment.day);
    if (!has_time)
        return true;
    idc_text_append_format(text, "T%02d:%02d:%02d", (int) moment.hour, (int) moment.minute,
                           (int) moment.second);
    append_fraction(moment.microsecond, 6, text);
    if (type.oid == IDC_TYPE_TIMESTAMPTZ)
        idc_text_append_char(text, 'Z');
    return true;
}

bool
idc_rest_is_number(uint32_t oid)
{
    switch (oid) {
    case IDC_TYPE_INT2:
    case IDC_TYPE_INT4:
    case IDC_TYPE_INT8:
    case IDC_TYPE_OID:
    case IDC_TYPE_FLOAT4:
    case IDC_TYPE_FLOAT8:
    case IDC_TYPE_NUMERIC:
    case IDC_TYPE_BOOL:
        return true;
    default:
        return false;
    }
}

bool
idc_rest_value(IdcType type, IdcRestTime time, const char *value, IdcText *text)
{
    switch (type.oid) {
    case IDC_TYPE_BOOL:
        idc_text_append(text, value[0] == 't' ? "true" : "false");
        return true;
    case IDC_TYPE_FLOAT4:
    case IDC_TYPE_FLOAT8:
    case IDC_TYPE_NUMERIC:
        if (isalpha((unsigned char) value[value[0] == '-']))
            return false; /* NaN, Infinity */
        append_numeric(value, text);
        return true;
    case IDC_TYPE_DATE:
    case IDC_TYPE_TIMESTAMP:
    case IDC_TYPE_TIMESTAMPTZ:
        return append_moment(type, time, value, text);
    default:
        idc_text_append(text, value);
        return true;
    }
}

/* The literal part of a pattern at `at`, until a wildcard or the end; its backslashes undone. */
static size_t
append_literal(const char *at, IdcText *text)
{
    const char *begin = at;

    while (*at != '\0' && *at != '%' && *at != '_') {
        if (*at == '\\' && at[1] != '\0')
            at++;
        idc_text_append_char(text, *at++);
    }
    return (size_t) (at - begin);
}

/* The longest literal part. */
static void
append_longest(const char *pattern, IdcText *text)
{
    const char *best = pattern;
    size_t best_len = 0;

    for (const char *at = pattern; *at != '\0';) {
        IdcText ignored;
        size_t len;

        idc_text_init(&ignored, 0);
        len = append_literal(at, &ignored);
        if (ignored.len > best_len) {
            best = at;
            best_len = ignored.len;
        }
        idc_text_done(&ignored);
        at += len > 0 ? len : 1;
    }
    if (best_len > 0)
        (void) append_literal(best, text);
}

bool
idc_rest_like_value(IdcRestLike style, const char *pattern, IdcText *text)
{
    size_t before = text->len;

    if (style == IDC_REST_LIKE_SQL)
        idc_text_append(text, pattern);
    else if (style == IDC_REST_LIKE_PREFIX)
        (void) append_literal(pattern, text);
    else
        append_longest(pattern, text);
    return text->len > before;
}
