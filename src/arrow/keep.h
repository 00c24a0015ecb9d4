/*
 * keep.h - take rows, or a column's newest values, out of a builder again.
 *
 * In:   a builder whose newest rows turned out not to be wanted
 * Out:  the same without them
 * Next: adapters/rest/, which gets more rows from an API than it asked for
 */
#ifndef IDC_ARROW_KEEP_H
#define IDC_ARROW_KEEP_H

#include "arrow/builder.h"

/*
 * Of the rows from `first` on, keep those whose keep[row - first] is true. Columns of all kinds but
 * LIST, HSTORE and INTERVAL (types of the hub travel as others).
 */
void idc_batch_keep_rows(IdcBatchBuilder *builder, int64_t first, const bool *keep);

/* Forget the values from `length` on; kinds as above. */
void idc_column_truncate(IdcColumn *column, int64_t length);

/*
 * The bytes of a value; false: NULL. Of a BOOL one byte, of a text its label or itself. Good until
 * the column changes.
 */
bool idc_column_value(const IdcColumn *column, int64_t i, const uint8_t **bytes, size_t *len);

#endif
