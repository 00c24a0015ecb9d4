/*
 * rows.h - Arrow columns as Python objects, without pyarrow and without loss.
 *
 * In:   the schema and the batches of a stream
 * Out:  lists of dicts or tuples
 */
#ifndef INSTANT_PYTHON_ROWS_H
#define INSTANT_PYTHON_ROWS_H

#include "native.h"

#include "instant/arrow.h"

typedef struct RowReader RowReader;

/* state and schema are borrowed. numeric_text: numerics that travel as text become Decimal. */
RowReader *row_reader_new(ModuleState *state, const struct ArrowSchema *schema, bool numeric_text);
void row_reader_free(RowReader *reader);

/* Rows first … first + count of a batch appended to list; 0 or -1. */
int row_reader_read(RowReader *reader, const struct ArrowArray *batch, int64_t first, int64_t count,
                    bool as_dict, PyObject *list);

/* A reader of one column instead of a row, for row_reader_value. */
RowReader *value_reader_new(ModuleState *state, const struct ArrowSchema *schema);
PyObject *row_reader_value(const RowReader *reader, const struct ArrowArray *column, int64_t i);

/* The text of a key in a schema's metadata; NULL if there is none. Not NUL-terminated. */
const char *schema_metadata(const struct ArrowSchema *schema, const char *key, size_t *len);

#endif
