/*
 * declare_day.c - dates as texts, compared byte by byte.
 */
#include "adapters/sqlite/sqlite.h"

#include <stdio.h>
#include <string.h>

static const char BELOW[] = "", ABOVE[] = "~";
enum { DAY_LEN = 10 };

static int
two_digits(const char *text)
{
    return (text[0] - '0') * 10 + (text[1] - '0');
}

static int
days_of(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

bool
idc_sqlite_is_day(const char *text, size_t len)
{
    int year, month, day;

    if (len < DAY_LEN)
        return false;
    for (size_t i = 0; i < DAY_LEN; i++)
        if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
    year = two_digits(text) * 100 + two_digits(text + 2);
    month = two_digits(text + 5);
    day = two_digits(text + 8);
    return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= days_of(year, month);
}

/* Before all days, after them, or NULL: it is one. */
static const char *
bound_beyond(const char *moment)
{
    size_t len = strlen(moment);

    if (moment[0] == '-' || (len > 3 && strcmp(moment + len - 3, " BC") == 0))
        return BELOW;
    return idc_sqlite_is_day(moment, len) ? NULL : ABOVE;
}

const char *
idc_sqlite_day_bound(IdcArena *arena, const char *date)
{
    return idc_sqlite_moved_bound(arena, date, 0);
}

const char *
idc_sqlite_moved_bound(IdcArena *arena, const char *moment, int days)
{
    const char *beyond = bound_beyond(moment);
    int year, month, day;

    if (beyond != NULL)
        return beyond;
    year = two_digits(moment) * 100 + two_digits(moment + 2);
    month = two_digits(moment + 5);
    day = two_digits(moment + 8) + days;
    if (day < 1) {
        year -= month == 1 ? 1 : 0;
        month = month == 1 ? 12 : month - 1;
        day += days_of(year, month);
    } else if (day > days_of(year, month)) {
        day -= days_of(year, month);
        year += month == 12 ? 1 : 0;
        month = month == 12 ? 1 : month + 1;
    }
    if (year < 1 || year > 9999)
        return year < 1 ? BELOW : ABOVE;
    return idc_arena_printf(arena, "%04d-%02d-%02d", year, month, day);
}
