/*
 * convert.h - from the columns of a source's answer to PostgreSQL's tuples.
 *
 * In:   a schema and record batches, as arrow/ipc.h's reader gives them
 * Out:  the Datums of a slot, row by row
 * Next: scan.c
 *
 * Whoever sent the answer is not trusted: each value is checked for what its type allows, as the
 * type's input function would, with the modifier of the type, and with the constraints of a domain.
 * (NOT NULL of a foreign table's column is not: it is a promise, as in postgres_fdw.) An error
 * names the column and the row, but never the value; it is raised as PostgreSQL's.
 *
 * Types that travel as text are read under the session's own settings: who sends them says time
 * zones, and orders dates as ISO 8601 does.
 */
#ifndef IDC_FDW_CONVERT_H
#define IDC_FDW_CONVERT_H

#include "fdw/pg.h"

#include <access/tupdesc.h>
#include <nodes/pg_list.h>
#include <storage/itemptr.h>

#include "arrow/abi.h"
#include "relation/message.h"

typedef struct FdwConvert FdwConvert;

/*
 * attributes: for each of the columns, the attribute of the descriptor that it becomes: from 1, or
 * that of ctid.
 * columns are those that come, as the layout says (NULL: as idc_type_column says). All may go after
 * the call. All memory is of `context`.
 */
extern FdwConvert *fdw_convert_new(const IdcRelationColumn *columns, size_t count,
                                   TupleDesc descriptor, List *attributes,
                                   const IdcBatchLayout *layout, MemoryContext context);

/* Raises unless the schema is the one that idc_type_column promises for the columns' types. */
extern void fdw_convert_schema(FdwConvert *convert, const struct ArrowSchema *schema);

/* The rows that fdw_convert_row is asked for from here on; the batch is borrowed so long. It is of
 * that schema, and the reader has proved that its buffers are as long as they must be. */
extern void fdw_convert_batch(FdwConvert *convert, const struct ArrowArray *batch);

/*
 * Row 0 … length - 1 of the batch: fills in all attributes of the descriptor, with NULL where no
 * column becomes one. Values are good until the next call; freeing them is not the caller's.
 */
extern void fdw_convert_row(FdwConvert *convert, int64 row, Datum *values, bool *nulls);
/* Of that row, its ctid; invalid where that was not asked for. */
extern ItemPointerData fdw_convert_place(const FdwConvert *convert);

/*
 * True if a column of a source, as it is or as a double, may be passed on for an attribute as what
 * instant.arrow makes of it: by its type. Then its values decide, batch by batch.
 */
extern bool fdw_convert_may_pass(const IdcRelationColumn *source, Form_pg_attribute attribute,
                                 const IdcColumnSpec *wanted);
/* True if no value of the batch would be another one, or an error, after conversion. */
extern bool fdw_convert_is_plain(const FdwConvert *convert);

#endif
