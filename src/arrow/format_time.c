/*
 * format_time.c - dates, times and intervals as text.
 *
 * In:   Arrow's counts since 1970
 * Out:  PostgreSQL's text (DateStyle ISO, IntervalStyle postgres), or ISO 8601 for JSON
 */
#include <inttypes.h>

#include "arrow/format_value.h"

#define DAY_SECONDS INT64_C(86400)

static int64_t
unit_per_second(enum ArrowTimeUnit unit)
{
    switch (unit) {
    case NANOARROW_TIME_UNIT_SECOND:
        return 1;
    case NANOARROW_TIME_UNIT_MILLI:
        return 1000;
    case NANOARROW_TIME_UNIT_MICRO:
        return 1000000;
    case NANOARROW_TIME_UNIT_NANO:
        break;
    }
    return 1000000000;
}

/* Division that rounds down, so that what is left is never negative. */
static int64_t
divide_down(int64_t number, int64_t divisor, int64_t *rest)
{
    *rest = number % divisor;
    if (*rest >= 0)
        return number / divisor;
    *rest += divisor;
    return number / divisor - 1;
}

/* The proleptic Gregorian calendar; H. Hinnant, "chrono-compatible low-level date algorithms". */
static int64_t
civil_from_days(int64_t days, int *month, int *day)
{
    int64_t era, day_of_era, year_of_era, day_of_year, shifted_month;

    era = divide_down(days + 719468, 146097, &day_of_era);
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    shifted_month = (5 * day_of_year + 2) / 153;
    *day = (int) (day_of_year - (153 * shifted_month + 2) / 5 + 1);
    *month = (int) (shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    return year_of_era + era * 400 + (*month <= 2);
}

/* PostgreSQL writes years before 1 as BC after the value, ISO 8601 with a sign. */
static bool
append_date(IdcText *text, int64_t days, bool is_iso)
{
    int month, day;
    int64_t year = civil_from_days(days, &month, &day);
    bool is_bc = year <= 0 && !is_iso;

    if (is_bc)
        year = 1 - year;
    idc_text_append_format(text, "%s%04" PRId64 "-%02d-%02d", year < 0 ? "-" : "",
                           year < 0 ? -year : year, month, day);
    return is_bc;
}

void
idc_format_date(IdcText *text, int64_t days, bool is_iso)
{
    if (append_date(text, days, is_iso))
        idc_text_append(text, " BC");
}

/* A fraction of a second without the zeros at its end. */
static void
append_fraction(IdcText *text, int64_t fraction, int64_t per_second)
{
    if (fraction == 0)
        return;
    idc_text_append_char(text, '.');
    for (int64_t power = per_second / 10; fraction > 0; power /= 10) {
        idc_text_append_char(text, (char) ('0' + fraction / power));
        fraction %= power;
    }
}

void
idc_format_time(IdcText *text, int64_t time, enum ArrowTimeUnit unit)
{
    int64_t per_second = unit_per_second(unit), fraction;
    int64_t seconds = divide_down(time, per_second, &fraction);

    idc_text_append_format(text, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, seconds / 3600,
                           seconds / 60 % 60, seconds % 60);
    append_fraction(text, fraction, per_second);
}

void
idc_format_timestamp(IdcText *text, int64_t timestamp, enum ArrowTimeUnit unit, bool is_utc,
                     bool is_iso)
{
    int64_t per_day = unit_per_second(unit) * DAY_SECONDS, time;
    int64_t days = divide_down(timestamp, per_day, &time);
    bool is_bc = append_date(text, days, is_iso);

    idc_text_append_char(text, is_iso ? 'T' : ' ');
    idc_format_time(text, time, unit);
    if (is_utc)
        idc_text_append(text, is_iso ? "+00:00" : "+00");
    if (is_bc)
        idc_text_append(text, " BC");
}

static void
append_iso_interval(IdcText *text, const struct ArrowInterval *interval)
{
    int years = interval->months / 12, months = interval->months % 12;

    idc_text_append_char(text, 'P');
    if (years != 0)
        idc_text_append_format(text, "%dY", years);
    if (months != 0)
        idc_text_append_format(text, "%dM", months);
    if (interval->days != 0)
        idc_text_append_format(text, "%dD", interval->days);
    if (interval->ns != 0 || (interval->months == 0 && interval->days == 0)) {
        int64_t minutes = interval->ns / INT64_C(60000000000);
        int64_t rest = interval->ns % INT64_C(60000000000);

        idc_text_append_char(text, 'T');
        if (minutes / 60 != 0)
            idc_text_append_format(text, "%" PRId64 "H", minutes / 60);
        if (minutes % 60 != 0)
            idc_text_append_format(text, "%" PRId64 "M", minutes % 60);
        if (rest != 0 || minutes == 0) {
            int64_t size = rest < 0 ? -rest : rest;

            idc_text_append_format(text, "%s%" PRId64, rest < 0 ? "-" : "", size / 1000000000);
            append_fraction(text, size % 1000000000, 1000000000);
            idc_text_append_char(text, 'S');
        }
    }
}

/* As AddPostgresIntPart in datetime.c: a part after a negative one carries its sign. */
static void
append_part(IdcText *text, int64_t value, const char *unit, bool *is_first, bool *is_before)
{
    if (value == 0)
        return;
    idc_text_append_format(text, "%s%s%" PRId64 " %s%s", *is_first ? "" : " ",
                           *is_before && value > 0 ? "+" : "", value, unit, value == 1 ? "" : "s");
    *is_before = value < 0;
    *is_first = false;
}

void
idc_format_interval(IdcText *text, const struct ArrowInterval *interval, bool is_iso)
{
    bool is_first = true, is_before = false;
    uint64_t size = interval->ns < 0 ? -(uint64_t) interval->ns : (uint64_t) interval->ns;
    uint64_t seconds = size / 1000000000u;

    if (is_iso) {
        append_iso_interval(text, interval);
        return;
    }
    append_part(text, interval->months / 12, "year", &is_first, &is_before);
    append_part(text, interval->months % 12, "mon", &is_first, &is_before);
    append_part(text, interval->days, "day", &is_first, &is_before);
    if (interval->ns == 0 && !is_first)
        return;
    idc_text_append_format(text, "%s%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, is_first ? "" : " ",
                           interval->ns < 0 ? "-"
                           : is_before      ? "+"
                                            : "",
                           seconds / 3600, seconds / 60 % 60, seconds % 60);
    append_fraction(text, (int64_t) (size % 1000000000u), 1000000000);
}
