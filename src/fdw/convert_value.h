/*
 * convert_value.h - what the files that convert values share. Private to convert*.c.
 */
#ifndef IDC_FDW_CONVERT_VALUE_H
#define IDC_FDW_CONVERT_VALUE_H

#include "fdw/convert.h"

typedef struct FdwConvertColumn FdwConvertColumn;

/* The value of a row that is not NULL, in the current context. */
typedef Datum (*FdwConvertRead)(FdwConvertColumn *column, int64 row);

/* True if each of the column's values, but for NULLs, is one that conversion would not change. */
typedef bool (*FdwConvertCheck)(const FdwConvertColumn *column, int64 count);

/*
 * The buffers are of the batch. The type is the attribute's own; base and modifier are what is
 * under its domains.
 */
struct FdwConvertColumn {
    FdwConvert *convert;
    FdwConvertRead read;
    FdwConvertCheck check; /* NULL: such values are never passed on */
    const uint8 *validity; /* NULL: no NULLs */
    const void *values;    /* or offsets, where there are bytes */
    bool has_small_offsets;
    const char *bytes;
    int attribute; /* from 0 */
    Oid base;
    int32 modifier;
    FmgrInfo input; /* of the base type */
    Oid input_param;
    Oid domain; /* or InvalidOid */
    void *domain_state;
    uint128 decimal_end; /* of NUMERIC_DECIMAL: the least size that is too big */
    double float_bound;  /* of NUMERIC_FLOAT64: the greatest that it may have */
    IdcColumnSpec spec;  /* its name: in UTF-8 */
    const char *name;    /* in the database's encoding */
    const char *type_name;
};

/* Chooses column->read by the kind and the type; true if it may call what raises errors of its own.
 */
extern bool fdw_convert_plan(FdwConvertColumn *column);

/* convert_check.c: chooses column->check. */
extern void fdw_convert_plan_check(FdwConvertColumn *column);

static inline int64
fdw_convert_offset(const FdwConvertColumn *column, int64 row)
{
    return column->has_small_offsets ? ((const int32 *) column->values)[row]
                                     : ((const int64 *) column->values)[row];
}

static inline bool
fdw_convert_is_null(const FdwConvertColumn *column, int64 row)
{
    return column->validity != NULL && (column->validity[row / 8] >> (row % 8) & 1) == 0;
}

/* Raises an error about the column's value in the current row. */
extern void fdw_convert_fail(const FdwConvertColumn *column, int sqlstate)
    __attribute__((noreturn));

#endif
