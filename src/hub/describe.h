/*
 * describe.h - which columns a statement gives, and how each is asked for.
 *
 * In:   SQL and the types of its parameters
 * Out:  IdcColumnSpec of each column, and the expression that makes the server send what a decoder
 * knows Next: hub/result.c
 */
#ifndef IDC_HUB_DESCRIBE_H
#define IDC_HUB_DESCRIBE_H

#include "arrow/column.h"
#include "hub/conn.h"
#include "hub/result.h"

/*
 * All in the arena of the result. wraps[i] is what stands before and after the column's name in a
 * wrapped query; needs_wrap says whether any of them is not empty.
 */
typedef struct IdcWrap {
    const char *before, *after;
} IdcWrap;

typedef struct IdcDescription {
    IdcColumnSpec *specs;
    IdcWrap *wraps;
    size_t column_count;
    size_t parameter_count;
    bool needs_wrap;
} IdcDescription;

/*
 * Parse and describe, in one round trip; a second one if there are types that were not met before.
 * The server keeps the statement under this name ("": until the next one).
 */
IDC_CHECKED IdcStatus idc_describe(IdcConn *conn, IdcCall *call, IdcArena *arena, const char *name,
                                   const char *sql, const IdcSqlParameter *parameters,
                                   size_t parameter_count, IdcNumericMode numeric,
                                   IdcDescription *description, IdcError *err);

/* Every column as the text that the server sends for it. */
void idc_describe_as_text(IdcDescription *description);

#endif
