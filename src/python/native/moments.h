/*
 * moments.h - days and microseconds since 1970 as a date and time of day, any year.
 */
#ifndef INSTANT_PYTHON_MOMENTS_H
#define INSTANT_PYTHON_MOMENTS_H

#include <stdint.h>

/* Proleptic Gregorian calendar; year 0 is 1 BC. */
typedef struct Moment {
    int64_t year;
    int month, day;
    int hour, minute, second, microsecond;
} Moment;

typedef enum MomentForm { MOMENT_DATE, MOMENT_NAIVE, MOMENT_UTC } MomentForm;

enum { MOMENT_TEXT_SIZE = 64 };

void moment_from_days(int64_t days, Moment *moment);
void moment_from_microseconds(int64_t microseconds, Moment *moment);

/* As PostgreSQL writes it (ISO, with BC); text has MOMENT_TEXT_SIZE bytes and is returned. */
const char *moment_text(const Moment *moment, MomentForm form, char *text);

#endif
