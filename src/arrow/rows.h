/*
 * rows.h - small results that the library itself makes (setup's changes, health, tables) as a
 * stream.
 *
 * In:   columns by name and kind (TEXT, BOOL, INT32, INT64 only), then rows of text values
 * Out:  an ArrowArrayStream of one batch
 */
#ifndef IDC_ARROW_ROWS_H
#define IDC_ARROW_ROWS_H

#include "arrow/column.h"

typedef struct IdcRows IdcRows;

/* specs are copied. */
IDC_CHECKED IdcStatus idc_rows_new(const IdcColumnSpec *specs, size_t count, IdcRows **rows,
                                   IdcError *err);
void idc_rows_free(IdcRows *rows);

/* One text a column, NULL for NULL; BOOL takes "true"/"false" (also t/f), integers decimal digits.
 */
IDC_CHECKED IdcStatus idc_rows_add(IdcRows *rows, const char *const *values, IdcError *err);

int64_t idc_rows_count(const IdcRows *rows);

/* The stream owns the rows from here on (also on failure the rows stay the caller's). */
IDC_CHECKED IdcStatus idc_rows_stream(IdcRows *rows, struct ArrowArrayStream *stream,
                                      IdcError *err);

#endif
