/*
 * value_time.c - dates and times from ISO 8601 / RFC 3339 text and from counts since 1970.
 *
 * In:   "2024-05-17", "2024-05-17T12:30:00.25+02:00", "20240517T123000Z", "12:30", 1715941800 …
 * Out:  a value in a column of kind DATE, TIME, TIMESTAMP or TIMESTAMPTZ
 *
 * What is read, and what it means, is what DecodeDateTime and DecodeTimeOnly of PostgreSQL 15 make
 * of it, fractions of a microsecond included.
 */
#include "adapters/common/value_parts.h"

#include <math.h>
#include <stdlib.h>

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)

/* PostgreSQL's limits: of timestamps in microseconds, of dates in days, both since 2000-01-01. */
#define TIMESTAMP_MIN (INT64_C(-211813488000000000))
#define TIMESTAMP_END INT64_C(9223371331200000000)
#define DATE_MIN (-2451545)
#define DATE_END (INT64_C(2147483494) - 2451545)

typedef enum Infinity { FINITE, FOREVER, NEVER } Infinity;

typedef struct Moment {
    Infinity infinity;
    bool has_date, has_time, has_zone;
    int64_t days;       /* since 2000-01-01 */
    int64_t time_us;    /* of the day; may be 24:00:00 */
    int64_t zone_us;    /* east of UTC */
    const char *reason; /* why it is out of range, or NULL */
} Moment;

/* ---- pieces ---- */

/* least to most digits; -1: there are fewer or more. */
static int
read_number(IdcSlice *text, int least, int most)
{
    int number = 0, count = 0;

    for (; text->at < text->end && idc_is_digit(*text->at) && count < most; count++)
        number = number * 10 + (*text->at++ - '0');
    if (count < least || (text->at < text->end && idc_is_digit(*text->at)))
        return -1;
    return number;
}

static bool
skip_char(IdcSlice *text, char c)
{
    if (text->at == text->end || *text->at != c)
        return false;
    text->at++;
    return true;
}

static int
digit_count(IdcSlice text)
{
    int count = 0;

    while (count < 16 && text.at + count < text.end && idc_is_digit(text.at[count]))
        count++;
    return count;
}

/* So many digits, which are there. */
static int
take_digits(IdcSlice *text, int count)
{
    int number = 0;

    while (count-- > 0)
        number = number * 10 + (*text->at++ - '0');
    return number;
}

/* ---- dates ---- */

static bool
is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int64_t
idc_days_of(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 730425;
}

static bool
is_date(int64_t year, int month, int day)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    if (month < 1 || month > 12 || day < 1)
        return false;
    return day <= lengths[month - 1] + (month == 2 && is_leap(year));
}

/* YYYY-MM-DD, YYYY/MM/DD or YYYYMMDD; the era comes at the very end of the text. */
static bool
read_date(IdcSlice *text, bool is_bc, Moment *moment)
{
    int count = digit_count(*text), month, day;
    int64_t year;

    if (count == 8) {
        year = take_digits(text, 4);
        month = take_digits(text, 2);
        day = take_digits(text, 2);
    } else {
        char separator;

        if (count < 4 || count > 7)
            return false;
        year = take_digits(text, count);
        if (text->at == text->end || (*text->at != '-' && *text->at != '/'))
            return false;
        separator = *text->at++;
        month = read_number(text, 1, 2);
        if (month < 0 || !skip_char(text, separator))
            return false;
        day = read_number(text, 1, 2);
        if (day < 0)
            return false;
    }
    moment->has_date = true;
    if (year == 0)
        moment->reason = "there is no year 0";
    if (is_bc)
        year = 1 - year;
    if (!is_date(year, month, day))
        moment->reason = "there is no such day";
    else
        moment->days = idc_days_of(year, month, day);
    return true;
}

/* ---- times ---- */

/* Digits after the point. PostgreSQL rounds by way of a double, so the same is done here. */
static int64_t
read_fraction(IdcSlice *text, IdcText *scratch)
{
    const char *begin = text->at - 1;
    int count = 0;
    int64_t sum = 0;

    for (; text->at < text->end && idc_is_digit(*text->at); text->at++)
        if (++count <= 6)
            sum = sum * 10 + (*text->at - '0');
    for (int i = count; i < 6; i++)
        sum *= 10;
    if (count > 6) {
        idc_text_clear(scratch);
        idc_text_append_len(scratch, begin, (size_t) (text->at - begin));
        sum = (int64_t) rint(strtod(idc_text_string(scratch), NULL) * 1000000);
    }
    return sum;
}

/* H:MM[:SS[.f]], or HHMM[SS[.f]] behind a T. */
static bool
read_time(IdcSlice *text, bool may_be_basic, IdcText *scratch, Moment *moment)
{
    int count = digit_count(*text), hour, minute, second = 0;
    int64_t us = 0;

    if (may_be_basic && (count == 4 || count == 6)) {
        hour = take_digits(text, 2);
        minute = take_digits(text, 2);
        if (count == 6)
            second = take_digits(text, 2);
        if (count == 6 && skip_char(text, '.')) {
            if (digit_count(*text) == 0)
                return false;
            us = read_fraction(text, scratch);
        }
    } else {
        hour = read_number(text, 1, 2);
        if (hour < 0 || !skip_char(text, ':') || (minute = read_number(text, 1, 2)) < 0)
            return false;
        if (skip_char(text, ':')) {
            second = read_number(text, 1, 2);
            if (second < 0)
                return false;
            if (skip_char(text, '.'))
                us = read_fraction(text, scratch);
        }
    }
    moment->has_time = true;
    moment->time_us = hour * HOUR_US + minute * MINUTE_US + second * SECOND_US + us;
    if (hour > 24 || minute > 59 || second > 60 || moment->time_us > IDC_DAY_US)
        moment->reason = "there is no such time of day";
    return true;
}

static void
skip_blanks(IdcSlice *text)
{
    while (text->at < text->end && idc_is_blank(*text->at))
        text->at++;
}

/* Z, UTC, GMT, +2, +02, +0200, +02:00, +02:00:30. */
static bool
read_zone(IdcSlice *text, Moment *moment)
{
    int hour, minute = 0, second = 0, count;
    bool is_west;

    moment->has_zone = true;
    if (idc_slice_is_word(*text, "z") || idc_slice_is_word(*text, "utc") ||
        idc_slice_is_word(*text, "gmt")) {
        text->at = text->end;
        return true;
    }
    is_west = *text->at == '-';
    if (!skip_char(text, '-') && !skip_char(text, '+'))
        return false;
    count = digit_count(*text);
    if (count < 1 || count > 4)
        return false;
    hour = take_digits(text, count);
    if (count > 2) {
        minute = hour % 100;
        hour /= 100;
    } else if (skip_char(text, ':')) {
        minute = read_number(text, 1, 2);
        if (minute < 0 || (skip_char(text, ':') && (second = read_number(text, 1, 2)) < 0))
            return false;
    }
    if (hour > 15 || minute > 59 || second > 59)
        moment->reason = "its time zone is out of range";
    moment->zone_us = (hour * 3600 + minute * 60 + second) * SECOND_US * (is_west ? -1 : 1);
    return true;
}

/* Cut off "BC" or "AD". */
static bool
cut_era(IdcSlice *text)
{
    size_t len = idc_slice_len(*text);
    IdcSlice last;
    bool is_bc;

    if (len < 4 || !(idc_is_blank(text->end[-3]) || idc_is_digit(text->end[-3])))
        return false;
    last = (IdcSlice){ text->end - 2, text->end };
    is_bc = idc_slice_is_word(last, "bc");
    if (is_bc || idc_slice_is_word(last, "ad"))
        *text = idc_slice_trimmed(text->at, len - 2);
    return is_bc;
}

/* ---- the whole ---- */

static bool
read_infinity(IdcSlice text, Moment *moment)
{
    moment->infinity = idc_slice_is_word(text, "infinity")    ? FOREVER
                       : idc_slice_is_word(text, "-infinity") ? NEVER
                                                              : FINITE;
    return moment->infinity != FINITE;
}

static bool
read_moment(IdcSlice text, IdcText *scratch, Moment *moment)
{
    bool has_letter = false, is_bc;

    *moment = (Moment){ 0 };
    if (text.at == text.end)
        return false;
    if (!idc_is_digit(*text.at) && read_infinity(text, moment))
        return true;
    is_bc = cut_era(&text);
    if (text.at < text.end && digit_count(text) >= 4 && !read_date(&text, is_bc, moment))
        return false;
    if (moment->has_date) {
        if (text.at == text.end)
            return true;
        has_letter = (*text.at | 0x20) == 't';
        if (!has_letter && !idc_is_blank(*text.at))
            return false;
        text.at++;
        skip_blanks(&text);
    } else if ((*text.at | 0x20) == 't') {
        has_letter = true;
        text.at++;
        skip_blanks(&text);
    }
    if (!read_time(&text, has_letter, scratch, moment))
        return false;
    skip_blanks(&text);
    if (text.at < text.end && !read_zone(&text, moment))
        return false;
    return text.at == text.end && (moment->has_date || !is_bc);
}

/* AdjustTimeForTypmod and AdjustTimestampForTypmod: p digits of the second. */
static int64_t
round_us(int64_t us, int32_t modifier)
{
    int64_t scale = 1;

    if (modifier < 0 || modifier >= 6)
        return us;
    for (int i = modifier; i < 6; i++)
        scale *= 10;
    if (us >= 0)
        return (us + scale / 2) / scale * scale;
    return -((-us + scale / 2) / scale * scale);
}

static IdcFit
append_moment(const IdcValueForm *form, IdcColumn *column, int64_t us, IdcValueProblem *problem)
{
    us = round_us(us, form->type.modifier);
    if (us < TIMESTAMP_MIN || us >= TIMESTAMP_END)
        return idc_misfit(problem, IDC_TIME_RANGE, "it is out of range");
    return idc_fit_of(idc_column_append_timestamp(column, us));
}

static IdcFit
append_date(IdcColumn *column, int64_t days, IdcValueProblem *problem)
{
    if (days < DATE_MIN || days >= DATE_END)
        return idc_misfit(problem, IDC_TIME_RANGE, "it is out of range");
    return idc_fit_of(idc_column_append_date(column, (int32_t) days));
}

static int64_t
floor_days(int64_t us)
{
    return us / IDC_DAY_US - (us % IDC_DAY_US < 0);
}

static IdcFit
append_epoch(const IdcValueForm *form, IdcColumn *column, int64_t us, IdcValueProblem *problem)
{
    if (__builtin_sub_overflow(us, IDC_EPOCH_US, &us))
        return idc_misfit(problem, IDC_TIME_RANGE, "it is out of range");
    if (column->kind == IDC_KIND_DATE)
        return append_date(column, floor_days(us), problem);
    return append_moment(form, column, us, problem);
}

static bool
is_number(IdcSlice text)
{
    if (text.at < text.end && (*text.at == '-' || *text.at == '+'))
        text.at++;
    if (text.at == text.end)
        return false;
    for (; text.at < text.end; text.at++)
        if (!idc_is_digit(*text.at) && *text.at != '.' && (*text.at | 0x20) != 'e' &&
            *text.at != '+' && *text.at != '-')
            return false;
    return true;
}

/* A number has no hyphens but before it and in its exponent; a date has two. */
static bool
is_epoch(const IdcValueForm *form, IdcSlice text)
{
    if (form->epoch == IDC_EPOCH_NONE || !is_number(text))
        return false;
    for (const char *at = text.at + 1; at < text.end; at++)
        if (*at == '-' && (at[-1] | 0x20) != 'e')
            return false;
    return true;
}

static IdcFit
fit_moment(const IdcValueForm *form, IdcColumn *column, const Moment *moment,
           IdcValueProblem *problem)
{
    int64_t us;

    if (column->kind == IDC_KIND_TIME ? !moment->has_time : !moment->has_date)
        return idc_misfit(problem, IDC_SYNTAX,
                          column->kind == IDC_KIND_TIME ? "it has no time of day"
                                                        : "it has no date");
    if (moment->reason != NULL)
        return idc_misfit(problem, IDC_TIME_RANGE, moment->reason);
    if (column->kind == IDC_KIND_TIME)
        return idc_fit_of(
            idc_column_append_time(column, round_us(moment->time_us, form->type.modifier)));
    if (column->kind == IDC_KIND_DATE)
        return append_date(column, moment->days, problem);
    if (__builtin_mul_overflow(moment->days, IDC_DAY_US, &us) ||
        __builtin_add_overflow(us, moment->time_us, &us))
        return idc_misfit(problem, IDC_TIME_RANGE, "it is out of range");
    if (column->kind == IDC_KIND_TIMESTAMPTZ && __builtin_sub_overflow(us, moment->zone_us, &us))
        return idc_misfit(problem, IDC_TIME_RANGE, "it is out of range");
    return append_moment(form, column, us, problem);
}

IdcFit
idc_value_time(const IdcValueForm *form, IdcColumn *column, IdcSlice text, IdcText *scratch,
               IdcValueProblem *problem)
{
    static const int scales[] = {
        [IDC_EPOCH_SECONDS] = 6, [IDC_EPOCH_MILLISECONDS] = 3, [IDC_EPOCH_MICROSECONDS] = 0
    };
    Moment moment;
    int64_t us;
    IdcFit fit;

    if (column->kind != IDC_KIND_TIME && is_epoch(form, text)) {
        fit = idc_value_scaled(text, scales[form->epoch], scratch, &us, problem);
        return fit == IDC_FITS ? append_epoch(form, column, us, problem) : fit;
    }
    if (!read_moment(text, scratch, &moment))
        return idc_misfit(problem, IDC_SYNTAX, "it is no date or time of ISO 8601");
    if (scratch->is_broken)
        return IDC_FITS_NO_MEMORY;
    if (moment.infinity != FINITE)
        return column->kind == IDC_KIND_TIME
                   ? idc_misfit(problem, IDC_SYNTAX, "it has no time of day")
                   : IDC_FITS_ARROW;
    return fit_moment(form, column, &moment, problem);
}
