/*
 * moments.c - calendar arithmetic; PostgreSQL keeps microseconds, so nanoseconds have to be zero.
 */
#include "adbc/moments.h"

#include <inttypes.h>
#include <string.h>

static const int64_t second_us = 1000000;
static const int64_t day_us = 86400 * second_us;

static int64_t
floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01, in the proleptic Gregorian calendar; years are counted in eras of 400,
 * which begin in March. */
static void
append_date(int64_t days, AdbcText *text, bool *is_bc)
{
    int64_t shifted = days + 719468;
    int64_t era = floor_divide(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
    int64_t year = year_of_era + era * 400 + (month >= 10);

    month += month < 10 ? 3 : -9;
    *is_bc = year <= 0;
    idc_adbc_text_format(text, "%04" PRId64 "-%02" PRId64 "-%02" PRId64,
                         year <= 0 ? 1 - year : year, month, day);
}

static void
append_time(int64_t us, AdbcText *text)
{
    idc_adbc_text_format(text, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, us / (3600 * second_us),
                         us / (60 * second_us) % 60, us / second_us % 60);
    if (us % second_us != 0)
        idc_adbc_text_format(text, ".%06" PRId64, us % second_us);
}

static AdbcStatusCode
fail_moment(const struct ArrowSchema *schema, const char *reason, struct AdbcError *error)
{
    return idc_adbc_fail(error, ADBC_STATUS_INVALID_DATA, "22008", "parameter \"%s\": %s",
                         schema->name != NULL ? schema->name : "", reason);
}

/* A number of s, m, u or n (seconds to nanoseconds) in microseconds. */
static AdbcStatusCode
to_us(const struct ArrowSchema *schema, char unit, int64_t number, int64_t *us,
      struct AdbcError *error)
{
    int64_t factor = unit == 's' ? second_us : unit == 'm' ? 1000 : 1;

    if (unit == 'n' && number % 1000 != 0)
        return fail_moment(schema,
                           "the value has nanoseconds, PostgreSQL keeps microseconds; round it "
                           "first",
                           error);
    if (unit == 'n')
        number /= 1000;
    if (__builtin_mul_overflow(number, factor, us) || *us == INT64_MIN)
        return fail_moment(schema, "the value is beyond PostgreSQL's range", error);
    return ADBC_STATUS_OK;
}

static void
append_timestamp(int64_t us, bool is_utc, AdbcText *text)
{
    int64_t days = floor_divide(us, day_us);
    bool is_bc = false;

    append_date(days, text, &is_bc);
    idc_adbc_text_append(text, " ", 1);
    append_time(us - days * day_us, text);
    if (is_utc)
        idc_adbc_text_append(text, "+00", 3);
    if (is_bc)
        idc_adbc_text_append(text, " BC", 3);
}

static AdbcStatusCode
append_day(const struct ArrowSchema *schema, int64_t days, AdbcText *text, struct AdbcError *error)
{
    bool is_bc = false;

    if (days < -3000000 || days > 2200000000)
        return fail_moment(schema, "the value is beyond PostgreSQL's range", error);
    append_date(days, text, &is_bc);
    if (is_bc)
        idc_adbc_text_append(text, " BC", 3);
    return ADBC_STATUS_OK;
}

/* Every part with its sign: PostgreSQL would carry one from the left. */
static void
append_interval(int64_t months, int64_t days, int64_t us, AdbcText *text)
{
    idc_adbc_text_format(text, "%+" PRId64 " months %+" PRId64 " days %c", months, days,
                         us < 0 ? '-' : '+');
    append_time(us < 0 ? -us : us, text);
}

static AdbcStatusCode
interval_append(const struct ArrowSchema *schema, const void *values, int64_t i, AdbcText *text,
                struct AdbcError *error)
{
    const uint8_t *at = values;
    int32_t months = 0, days = 0, milliseconds;
    int64_t nanoseconds = 0, us = 0;
    AdbcStatusCode code = ADBC_STATUS_OK;

    switch (schema->format[2]) {
    case 'M':
        memcpy(&months, at + 4 * i, 4);
        break;
    case 'D':
        memcpy(&days, at + 8 * i, 4);
        memcpy(&milliseconds, at + 8 * i + 4, 4);
        us = (int64_t) milliseconds * 1000;
        break;
    default:
        memcpy(&months, at + 16 * i, 4);
        memcpy(&days, at + 16 * i + 4, 4);
        memcpy(&nanoseconds, at + 16 * i + 8, 8);
        code = to_us(schema, 'n', nanoseconds, &us, error);
    }
    if (code == ADBC_STATUS_OK)
        append_interval(months, days, us, text);
    return code;
}

static AdbcStatusCode
date64_append(const struct ArrowSchema *schema, int64_t milliseconds, AdbcText *text,
              struct AdbcError *error)
{
    const int64_t day_ms = day_us / 1000;

    if (milliseconds % day_ms != 0)
        return fail_moment(schema, "the date has a time of day", error);
    return append_day(schema, milliseconds / day_ms, text, error);
}

AdbcStatusCode
idc_adbc_moment(const struct ArrowSchema *schema, const void *values, int64_t i, AdbcText *text,
                InstantValueKind *kind, struct AdbcError *error)
{
    const char *format = schema->format;
    bool is_narrow =
        strcmp(format, "tdD") == 0 || strcmp(format, "tts") == 0 || strcmp(format, "ttm") == 0;
    int64_t us = 0, number = 0;
    AdbcStatusCode code;

    if (format[1] == 'i') {
        *kind = INSTANT_INTERVAL;
        return interval_append(schema, values, i, text, error);
    }
    number = is_narrow ? ((const int32_t *) values)[i] : ((const int64_t *) values)[i];
    if (format[1] == 'd') {
        *kind = INSTANT_DATE;
        return is_narrow ? append_day(schema, number, text, error)
                         : date64_append(schema, number, text, error);
    }
    code = to_us(schema, format[2], number, &us, error);
    if (code != ADBC_STATUS_OK)
        return code;
    if (format[1] == 't') {
        *kind = INSTANT_TIME;
        if (us < 0 || us > day_us)
            return fail_moment(schema, "the time is not one of a day", error);
        append_time(us, text);
    } else if (format[1] == 's') {
        bool is_utc = format[3] == ':' && format[4] != '\0';

        *kind = is_utc ? INSTANT_TIMESTAMPTZ : INSTANT_TIMESTAMP;
        append_timestamp(us, is_utc, text);
    } else {
        *kind = INSTANT_INTERVAL;
        append_interval(0, 0, us, text);
    }
    return ADBC_STATUS_OK;
}
