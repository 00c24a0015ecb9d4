/*
 * convert_value.h - what the files that convert values share. Private to convert*.c.
 */
#ifndef IDC_FDW_CONVERT_VALUE_H
#define IDC_FDW_CONVERT_VALUE_H

#include "fdw/convert.h"

typedef struct FdwConvertColumn FdwConvertColumn;

/* The value of a row that is not NULL, in the current context. */
typedef Datum (*FdwConvertRead)(FdwConvertColumn *column, int64 row);

/*
 * The buffers are of the batch. The type is the attribute's own; base and modifier are what is
 * under its domains.
 */
struct FdwConvertColumn {
    FdwConvert *convert;
    FdwConvertRead read;
    const uint8 *validity; /* NULL: no NULLs */
    const void *values;    /* or offsets, where there are bytes */
    const char *bytes;
    int attribute; /* from 0 */
    Oid base;
    int32 modifier;
    FmgrInfo input; /* of the base type */
    Oid input_param;
    Oid domain; /* or InvalidOid */
    void *domain_state;
    IdcColumnSpec spec; /* its name: in UTF-8 */
    const char *name;   /* in the database's encoding */
    const char *type_name;
};

/* Chooses column->read by the kind and the type; true if it may call what raises errors of its own.
 */
extern bool fdw_convert_plan(FdwConvertColumn *column);

/* Raises an error about the column's value in the current row. */
extern void fdw_convert_fail(const FdwConvertColumn *column, int sqlstate)
    __attribute__((noreturn));

#endif
