/*
 * parameters.h - rows of Arrow data as the parameters of instant_query.
 *
 * In:   what Bind and BindStream are given
 * Out:  InstantParameter arrays, a row at a time, as PostgreSQL reads them
 */
#ifndef INSTANT_ADBC_PARAMETERS_H
#define INSTANT_ADBC_PARAMETERS_H

#include "adbc/driver.h"

typedef struct AdbcRows AdbcRows;

/* Both take over what they are given, also where they fail. NULL: the error is filled in. */
AdbcRows *idc_adbc_rows_of_batch(struct ArrowArray *values, struct ArrowSchema *schema,
                                 struct AdbcError *error);
AdbcRows *idc_adbc_rows_of_stream(struct ArrowArrayStream *stream, struct AdbcError *error);
/* Parameters are named as the columns are, instead of $1, $2 … */
void idc_adbc_rows_bind_by_name(AdbcRows *rows, bool by_name);
/* The next row, good until the one after it; *has_row false: there is none. */
AdbcStatusCode idc_adbc_rows_next(AdbcRows *rows, bool *has_row,
                                  const InstantParameter **parameters, size_t *count,
                                  struct AdbcError *error);
/* NULL is accepted. */
void idc_adbc_rows_free(AdbcRows *rows);

#endif
