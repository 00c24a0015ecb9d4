/*
 * translate_value.c - what the hub evaluates when a scan begins: constants, parameters, now().
 */
#include "fdw/translate.h"

#include <catalog/pg_type.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <utils/array.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>

#include "fdw/foreign.h"
#include "fdw/raise.h"

/* ---- which expressions ---- */

/* True for what the executor could not evaluate before it has a row. */
static bool
needs_row(Node *node, void *relids)
{
    if (node == NULL)
        return false;
    switch (nodeTag(node)) {
    case T_Var:
        return ((Var *) node)->varlevelsup > 0 || bms_is_member(((Var *) node)->varno, relids);
    case T_Param:
        return ((Param *) node)->paramkind != PARAM_EXTERN &&
               ((Param *) node)->paramkind != PARAM_EXEC;
    case T_Aggref:
    case T_GroupingFunc:
    case T_WindowFunc:
    case T_SubLink:
    case T_SubPlan:
    case T_AlternativeSubPlan:
    case T_PlaceHolderVar:
    case T_CaseTestExpr:
    case T_CoerceToDomainValue:
    case T_CurrentOfExpr:
    case T_NextValueExpr:
    case T_SetToDefault:
        return true;
    default:
        return expression_tree_walker(node, needs_row, relids);
    }
}

bool
fdw_is_value(const FdwTranslation *translation, Node *node)
{
    return !needs_row(node, translation->relids);
}

static bool
is_not_leakproof(Oid function, void *context)
{
    (void) context;
    return !get_func_leakproof(function);
}

static bool
calls_what_may_fail(Node *node, void *context)
{
    if (node == NULL)
        return false;
    if (check_functions_in_node(node, is_not_leakproof, context))
        return true;
    return expression_tree_walker(node, calls_what_may_fail, context);
}

static bool
depends_on_input(Node *node, void *context)
{
    if (node == NULL)
        return false;
    return IsA(node, Param) || IsA(node, Var) ||
           expression_tree_walker(node, depends_on_input, context);
}

/* In `$1 = 0 or x > 100 / $1` PostgreSQL does not divide by zero, so the hub must not either. */
static bool
may_fail(Node *node)
{
    return depends_on_input(node, NULL) && calls_what_may_fail(node, NULL);
}

/* ---- values ---- */

static const IdcExpr *
constant(FdwTranslation *translation, const Const *node)
{
    IdcValue value =
        fdw_value(node->consttype, node->consttypmod, node->constvalue, node->constisnull, false);
    char *text = value.text == NULL ? NULL : idc_arena_strdup(translation->arena, value.text);
    const IdcExpr *made;
    IdcError err;

    made = idc_expr_constant(translation->arena, value.type, text);
    if (made == NULL || (text == NULL && value.text != NULL))
        fdw_check(idc_fail_no_memory(&err), &err);
    return made;
}

/* The index of a parameter for the expression; the same expression is evaluated once. */
static int
parameter_index(FdwTranslation *translation, Node *node, bool is_list)
{
    int count = list_length(translation->params);

    for (int i = 0; i < count; i++)
        if (list_nth_int(translation->lists, i) == (int) is_list &&
            equal(list_nth(translation->params, i), node))
            return i;
    /* Copies: relations of several paths may have grown out of the same list. */
    translation->params = lappend(list_copy(translation->params), node);
    translation->lists = lappend_int(list_copy(translation->lists), is_list);
    return count;
}

const IdcExpr *
fdw_translate_value(FdwTranslation *translation, Node *node, bool is_list)
{
    Oid type = exprType(node);
    Oid given = is_list ? get_element_type(getBaseType(type)) : type;
    const IdcExpr *made;
    IdcError err;

    if (!OidIsValid(given) || get_typtype(given) == TYPTYPE_PSEUDO)
        return fdw_untranslatable(translation, "its type is not known when the query is planned");
    if (IsA(node, Const) && !is_list)
        return constant(translation, (Const *) node);
    if (contain_volatile_functions(node))
        return fdw_untranslatable(translation, "a volatile function is called for each row");
    if (expression_returns_set(node))
        return fdw_untranslatable(translation, "it returns a set");
    if (translation->is_conditional && may_fail(node))
        return fdw_untranslatable(translation, "a value that may fail where it is not wanted");
    made = idc_expr_parameter(translation->arena, fdw_type(given, is_list ? -1 : exprTypmod(node)),
                              parameter_index(translation, node, is_list), is_list);
    if (made == NULL)
        fdw_check(idc_fail_no_memory(&err), &err);
    return made;
}

/* ---- operands of different types ---- */

static int
integer_width(Oid type)
{
    return type == INT2OID ? 2 : type == INT4OID ? 4 : type == INT8OID ? 8 : 0;
}

static Node *
call(Oid function, Oid type, Node *arg)
{
    return (Node *) makeFuncExpr(function, type, list_make1(arg), InvalidOid, InvalidOid,
                                 COERCE_IMPLICIT_CAST);
}

static int64
integer_of(const Const *node)
{
    switch (node->consttype) {
    case INT2OID:
        return DatumGetInt16(node->constvalue);
    case INT4OID:
        return DatumGetInt32(node->constvalue);
    default:
        return DatumGetInt64(node->constvalue);
    }
}

/* The same number as a constant of another type, or NULL if that cannot hold it. */
static Node *
integer_constant(const Const *node, Oid type)
{
    int64 number = node->constisnull ? 0 : integer_of(node);
    Datum datum;

    if (type == INT2OID && (number < PG_INT16_MIN || number > PG_INT16_MAX))
        return NULL;
    if (type == INT4OID && (number < PG_INT32_MIN || number > PG_INT32_MAX))
        return NULL;
    datum = type == INT2OID   ? Int16GetDatum((int16) number)
            : type == INT4OID ? Int32GetDatum((int32) number)
                              : Int64GetDatum(number);
    return (Node *) makeConst(type, -1, InvalidOid, integer_width(type), datum, node->constisnull,
                              type == INT8OID ? FLOAT8PASSBYVAL : true);
}

static Node *
wider_integer(Node *node, Oid type)
{
    if (IsA(node, Const))
        return integer_constant((Const *) node, type);
    if (type == INT4OID)
        return call(F_INT4_INT2, type, node);
    return call(exprType(node) == INT2OID ? F_INT8_INT2 : F_INT8_INT4, type, node);
}

/* A constant takes the type of the other side if it may and fits there; else the narrower side
 * widens. */
static void
match_integers(bool is_comparison, Node **left, Node **right)
{
    Oid left_type = getBaseType(exprType(*left)), right_type = getBaseType(exprType(*right));
    bool is_left_wider = integer_width(left_type) > integer_width(right_type);
    Node **wide = is_left_wider ? left : right, **narrow = is_left_wider ? right : left;
    Oid narrow_type = is_left_wider ? right_type : left_type;
    Node *fitted = NULL;

    if (is_comparison && IsA(*wide, Const))
        fitted = integer_constant((Const *) *wide, narrow_type);
    if (fitted != NULL)
        *wide = fitted;
    else
        *narrow = wider_integer(*narrow, is_left_wider ? left_type : right_type);
}

/*
 * A date beside a moment is the moment at which it begins. Where the session's time zone counts
 * (or in which a column would have to be read) only a value can be converted.
 */
static bool
match_moment(const FdwTranslation *translation, Node **narrow, Oid narrow_type, Oid wide_type)
{
    bool is_value = fdw_is_value(translation, *narrow);

    if (narrow_type == DATEOID && wide_type == TIMESTAMPOID)
        *narrow = call(F_TIMESTAMP_DATE, wide_type, *narrow);
    else if (narrow_type == DATEOID && wide_type == TIMESTAMPTZOID && is_value)
        *narrow = call(F_TIMESTAMPTZ_DATE, wide_type, *narrow);
    else if (narrow_type == TIMESTAMPOID && wide_type == TIMESTAMPTZOID && is_value)
        *narrow = call(F_TIMESTAMPTZ_TIMESTAMP, wide_type, *narrow);
    else
        return false;
    return true;
}

static bool
is_text_type(Oid type)
{
    return type == TEXTOID || type == VARCHAROID;
}

bool
fdw_match_operands(const FdwTranslation *translation, bool is_comparison, Node **left, Node **right)
{
    Oid left_type = getBaseType(exprType(*left)), right_type = getBaseType(exprType(*right));

    if (left_type == right_type || (is_text_type(left_type) && is_text_type(right_type)))
        return true;
    if (integer_width(left_type) > 0 && integer_width(right_type) > 0)
        match_integers(is_comparison, left, right);
    else if (left_type == FLOAT4OID && right_type == FLOAT8OID)
        *left = call(F_FLOAT8_FLOAT4, FLOAT8OID, *left);
    else if (left_type == FLOAT8OID && right_type == FLOAT4OID)
        *right = call(F_FLOAT8_FLOAT4, FLOAT8OID, *right);
    else
        return match_moment(translation, left, left_type, right_type) ||
               match_moment(translation, right, right_type, left_type);
    return true;
}
