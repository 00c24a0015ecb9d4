/*
 * moments.h - Arrow's dates, times, timestamps and durations as PostgreSQL's ISO input forms.
 */
#ifndef INSTANT_ADBC_MOMENTS_H
#define INSTANT_ADBC_MOMENTS_H

#include "adbc/values.h"

/* Value i of a column whose format begins with t; i counts from the beginning of the buffer. */
AdbcStatusCode idc_adbc_moment(const struct ArrowSchema *schema, const void *values, int64_t i,
                               AdbcText *text, InstantValueKind *kind, struct AdbcError *error);

#endif
