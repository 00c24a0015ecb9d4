/*
 * columns.h - from PostgreSQL's tuples to columns.
 *
 * In:   a tuple descriptor and the target list it comes from
 * Out:  IdcColumnSpec of each column, and rows in an IdcBatchBuilder
 * Next: fdw/arrow.c sends its batches
 *
 * The mapping is that of docs/reference/types.md and equals what libinstant makes of the same query
 * by COPY (FORMAT binary): types without a decoder travel as the text of their output function.
 */
#ifndef IDC_FDW_COLUMNS_H
#define IDC_FDW_COLUMNS_H

#include "fdw/pg.h"

#include "access/tupdesc.h"
#include "arrow/column.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"

typedef enum FdwNumeric { FDW_NUMERIC_FLOAT64, FDW_NUMERIC_DECIMAL, FDW_NUMERIC_STRING } FdwNumeric;

typedef struct FdwColumns FdwColumns;

/*
 * Plan each column; all memory is of the current context. target_list (of TargetEntry, may be NIL)
 * says which table column a result column is, for the declared dimensions of arrays. Reads the
 * catalogue, so it needs a transaction; raises errors.
 */
extern FdwColumns *fdw_columns_plan(TupleDesc descriptor, List *target_list, FdwNumeric numeric,
                                    bool can_be_dictionary);

extern const IdcColumnSpec *fdw_columns_specs(const FdwColumns *columns, size_t *count);

/*
 * Append one row to a builder of these specs, which is of the same context as the columns or one
 * that lives at least as long. scratch is a context that the caller resets now and then (detoasted
 * values and texts go there); values need not outlive the call. Raises errors (IdcError as ereport,
 * with its SQLSTATE and hint); the builder takes no more rows then.
 */
extern void fdw_columns_append(FdwColumns *columns, IdcBatchBuilder *builder, TupleTableSlot *slot,
                               MemoryContext scratch);

#endif
