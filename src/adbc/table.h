/*
 * table.h - small Arrow tables made by hand: the answers that ADBC prescribes column by column.
 *
 * In:   fields (static), then values, appended column by column
 * Out:  an ArrowArrayStream of one batch
 */
#ifndef INSTANT_ADBC_TABLE_H
#define INSTANT_ADBC_TABLE_H

#include "adbc/driver.h"

/*
 * A column's type as the Arrow C data interface writes it. Known formats: u, b, i, s, l, I, +l, +m,
 * +s, +ud:…; what else the type needs is in the children.
 */
typedef struct AdbcField {
    const char *name, *format;
    bool is_required;
    const struct AdbcField *children;
    size_t child_count;
} AdbcField;

typedef struct AdbcColumn AdbcColumn;

/* The column of the whole table, a struct; NULL: out of memory. */
AdbcColumn *idc_adbc_table_new(const AdbcField *root);
void idc_adbc_table_free(AdbcColumn *root);
AdbcColumn *idc_adbc_child(AdbcColumn *column, size_t i);

/*
 * Appending never fails by itself: idc_adbc_table_stream tells. NULL text is a NULL. end closes a
 * value of a struct, list or map, whose children have got theirs before; choose does so for a
 * union.
 */
void idc_adbc_append_text(AdbcColumn *column, const char *text);
void idc_adbc_append_int(AdbcColumn *column, int64_t number);
void idc_adbc_append_null(AdbcColumn *column);
void idc_adbc_append_end(AdbcColumn *column);
void idc_adbc_append_choice(AdbcColumn *column, int8_t child);

/* The rows as a stream of one batch. The table is freed either way. */
AdbcStatusCode idc_adbc_table_stream(AdbcColumn *root, struct ArrowArrayStream *stream,
                                     struct AdbcError *error);

#endif
