/*
 * moments.c - see moments.h.
 */
#include "moments.h"

#include <stdio.h>
#include <string.h>

static const int64_t MICROSECONDS_A_DAY = INT64_C(86400000000);

void
moment_from_days(int64_t days, Moment *moment)
{
    /* Years that begin in March put the leap day last; eras of 400 years have 146,097 days. */
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    memset(moment, 0, sizeof *moment);
    moment->day = (int) (day_of_year - (153 * month + 2) / 5 + 1);
    moment->month = (int) (month < 10 ? month + 3 : month - 9);
    moment->year = year_of_era + era * 400 + (moment->month <= 2 ? 1 : 0);
}

void
moment_from_microseconds(int64_t microseconds, Moment *moment)
{
    int64_t days = microseconds / MICROSECONDS_A_DAY;
    int64_t rest = microseconds % MICROSECONDS_A_DAY;

    if (rest < 0) {
        rest += MICROSECONDS_A_DAY;
        days--;
    }
    moment_from_days(days, moment);
    moment->microsecond = (int) (rest % 1000000);
    rest /= 1000000;
    moment->second = (int) (rest % 60);
    moment->minute = (int) (rest / 60 % 60);
    moment->hour = (int) (rest / 3600);
}

const char *
moment_text(const Moment *moment, MomentForm form, char *text)
{
    long long year = moment->year > 0 ? moment->year : 1 - moment->year;
    const char *era = moment->year > 0 ? "" : " BC";
    char clock[32] = "";

    if (form != MOMENT_DATE)
        snprintf(clock, sizeof clock, " %02d:%02d:%02d", moment->hour % 24, moment->minute % 60,
                 moment->second % 60);
    if (form != MOMENT_DATE && moment->microsecond != 0) {
        size_t used = strlen(clock);

        snprintf(clock + used, sizeof clock - used, ".%06d", moment->microsecond);
        used = strlen(clock);
        while (clock[used - 1] == '0')
            clock[--used] = '\0';
    }
    snprintf(text, MOMENT_TEXT_SIZE, "%04lld-%02d-%02d%s%s%s", year, moment->month, moment->day,
             clock, form == MOMENT_UTC ? "+00" : "", era);
    return text;
}
