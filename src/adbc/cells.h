/*
 * cells.h - the rows of a stream of text columns, one after the other, as C strings.
 *
 * For the catalogue queries of the driver itself, which ask for everything as text.
 */
#ifndef INSTANT_ADBC_CELLS_H
#define INSTANT_ADBC_CELLS_H

#include "adbc/driver.h"

typedef struct AdbcCells AdbcCells;

/* Takes over the stream, also where it fails. NULL: the error is filled in. */
AdbcCells *idc_adbc_cells_open(struct ArrowArrayStream *stream, struct AdbcError *error);
AdbcStatusCode idc_adbc_cells_next(AdbcCells *cells, bool *has_row, struct AdbcError *error);
/* A value of this row, NULL for NULL; good until the next row. */
const char *idc_adbc_cell(const AdbcCells *cells, size_t column);
void idc_adbc_cells_close(AdbcCells *cells);

#endif
