/*
 * arguments.c - parameters of a query: from the arguments of a call to the types the query wants.
 */
#include "fdw/arguments.h"

#include <catalog/pg_type.h>
#include <funcapi.h>
#include <utils/builtins.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>

void
fdw_arguments_read(FunctionCallInfo fcinfo, int first, FdwArguments *arguments)
{
    memset(arguments, 0, sizeof *arguments);
    if (PG_NARGS() <= first)
        return;
    arguments->count = extract_variadic_args(fcinfo, first, true, &arguments->values,
                                             &arguments->types, &arguments->nulls);
    if (arguments->count < 0)
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("the array of parameters is NULL")));
    for (int i = 0; i < arguments->count; i++) {
        int16 len;
        bool by_value;

        if (!arguments->nulls[i]) {
            get_typlenbyval(arguments->types[i], &len, &by_value);
            arguments->values[i] = datumCopy(arguments->values[i], by_value, len);
        }
        if (arguments->types[i] == TEXTOID)
            arguments->types[i] = UNKNOWNOID;
    }
}

static void
add_parameter_context(void *number)
{
    errcontext("parameter $%d", *(const int *) number);
}

/* As a quoted literal: by the input function of the type, which is called for NULL too (domains).
 */
static Datum
value_from_text(Oid type, Datum value, bool is_null)
{
    Oid input, element;

    getTypeInputInfo(type, &input, &element);
    return OidInputFunctionCall(input, is_null ? NULL : TextDatumGetCString(value), element, -1);
}

ParamListInfo
fdw_arguments_bind(const FdwArguments *arguments, const Oid *types)
{
    ParamListInfo params;
    ErrorContextCallback context = { .previous = error_context_stack,
                                     .callback = add_parameter_context };
    int number;

    if (arguments->count == 0)
        return NULL;
    params = makeParamList(arguments->count);
    context.arg = &number;
    error_context_stack = &context;
    for (int i = 0; i < arguments->count; i++) {
        ParamExternData *param = &params->params[i];

        number = i + 1;
        param->isnull = arguments->nulls[i];
        param->pflags = PARAM_FLAG_CONST;
        param->ptype = types[i];
        if (arguments->types[i] == UNKNOWNOID && types[i] != TEXTOID)
            param->value = value_from_text(types[i], arguments->values[i], param->isnull);
        else
            param->value = arguments->values[i];
    }
    error_context_stack = context.previous;
    return params;
}
