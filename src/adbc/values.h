/*
 * values.h - one value of an Arrow array as the text that PostgreSQL reads.
 *
 * In:   a column that was bound, and a row
 * Out:  the kind of an InstantValue, and its text at the end of a growing one
 * Next: parameters.c, which goes through columns and rows
 */
#ifndef INSTANT_ADBC_VALUES_H
#define INSTANT_ADBC_VALUES_H

#include "adbc/driver.h"

typedef struct AdbcText {
    char *data;
    size_t len, room;
    bool has_failed; /* memory ran out; what was appended since is missing */
} AdbcText;

void idc_adbc_text_append(AdbcText *text, const void *data, size_t len);
void idc_adbc_text_format(AdbcText *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void idc_adbc_text_done(AdbcText *text);

/*
 * Value number i (0 is the first of the array, whatever its offset), appended to text. element: the
 * kind of an array's elements. The error names the column.
 */
AdbcStatusCode idc_adbc_value(const struct ArrowSchema *schema, const struct ArrowArray *array,
                              int64_t i, AdbcText *text, InstantValueKind *kind,
                              InstantValueKind *element, struct AdbcError *error);

#endif
