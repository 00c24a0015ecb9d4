/*
 * arguments.h - what a query's parameters were given as.
 *
 * In:   the VARIADIC "any" arguments of a call
 * Out:  FdwArguments, and a ParamListInfo when the query has said which types it wants
 * Next: fdw/plan_cache.c, fdw/query.c
 */
#ifndef IDC_FDW_ARGUMENTS_H
#define IDC_FDW_ARGUMENTS_H

#include "fdw/pg.h"

#include <nodes/params.h>

/* UNKNOWNOID in types: a text (Datum of type text) that becomes whatever the query wants there. */
typedef struct FdwArguments {
    int count;
    Oid *types;
    Datum *values;
    bool *nulls;
} FdwArguments;

/* The arguments of the call from number `first` on; they are copies in the current context. */
extern void fdw_arguments_read(FunctionCallInfo fcinfo, int first, FdwArguments *arguments);

/*
 * Values of the types that the query wants (`types` has arguments->count of them), made by the
 * types' input functions where text was given. Values are borrowed from arguments or new in the
 * current context.
 */
extern ParamListInfo fdw_arguments_bind(const FdwArguments *arguments, const Oid *types);

#endif
