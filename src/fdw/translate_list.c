/*
 * translate_list.c - x = ANY (array) and x <> ALL (array): IN and NOT IN.
 */
#include "fdw/translate.h"

#include <catalog/pg_type.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <utils/array.h>
#include <utils/lsyscache.h>

#include "fdw/foreign.h"

/* Longer lists of constants travel as one value and not as so many nodes. */
enum { MAX_CONSTANTS = 1000 };

static const IdcType boolean = { IDC_TYPE_BOOL, -1 };

/* The elements of an array of constants as nodes. */
static List *
elements_of(const Const *array)
{
    ArrayType *value = DatumGetArrayTypeP(array->constvalue);
    Oid type = ARR_ELEMTYPE(value);
    int16 len;
    bool is_by_value;
    char align;
    Datum *elements;
    bool *nulls;
    int count;
    List *nodes = NIL;

    get_typlenbyvalalign(type, &len, &is_by_value, &align);
    deconstruct_array(value, type, len, is_by_value, align, &elements, &nulls, &count);
    for (int i = 0; i < count; i++)
        nodes = lappend(nodes, makeConst(type, -1, array->constcollid, len, elements[i], nulls[i],
                                         is_by_value));
    return nodes;
}

/* False: it is one value, of any number of elements. */
static bool
split_array(const FdwTranslation *translation, Node *array, List **nodes)
{
    if (IsA(array, Const)) {
        const Const *constant = (Const *) array;

        if (constant->constisnull)
            return false;
        *nodes = elements_of(constant);
        return list_length(*nodes) > 0 && list_length(*nodes) <= MAX_CONSTANTS;
    }
    if (!IsA(array, ArrayExpr) || ((ArrayExpr *) array)->multidims ||
        fdw_is_value(translation, array))
        return false;
    *nodes = ((ArrayExpr *) array)->elements;
    return list_length(*nodes) > 0;
}

/* x IN (a, b): each item is made comparable with x by itself, so that x stays as it is. */
static const IdcExpr *
in_items(FdwTranslation *translation, Node *left, List *nodes, IdcCollation collation)
{
    const IdcExpr **args = palloc(sizeof(*args) * (size_t) (list_length(nodes) + 1));
    Oid type = exprType(left);
    size_t count = 1;
    ListCell *cell;

    args[0] = fdw_translate_node(translation, left);
    if (args[0] == NULL)
        return NULL;
    foreach (cell, nodes) {
        Node *same = left, *item = lfirst(cell);

        if (!fdw_match_operands(translation, true, &same, &item))
            return fdw_untranslatable(translation, "it compares two types that have no common one");
        if (same != left) {
            if (exprType(same) == type)
                return fdw_untranslatable(translation, "it compares items of several types");
            return in_items(translation, same, nodes, collation);
        }
        args[count] = fdw_translate_node(translation, item);
        if (args[count++] == NULL)
            return NULL;
    }
    return fdw_expr_made(translation->arena, IDC_EXPR_IN, 0, boolean, collation, args, count);
}

static const IdcExpr *
in_list(FdwTranslation *translation, Node *left, Node *array, IdcCollation collation)
{
    Oid element = get_element_type(getBaseType(exprType(array)));
    CaseTestExpr *stand_in = makeNode(CaseTestExpr);
    Node *same = left, *item = (Node *) stand_in;
    const IdcExpr *args[2];

    stand_in->typeId = element;
    stand_in->typeMod = -1;
    if (!fdw_match_operands(translation, true, &same, &item))
        return fdw_untranslatable(translation, "it compares two types that have no common one");
    if (item != (Node *) stand_in) {
        ArrayCoerceExpr *cast = makeNode(ArrayCoerceExpr);

        cast->arg = (Expr *) array;
        cast->elemexpr = (Expr *) item;
        cast->resulttype = get_array_type(exprType(item));
        cast->resulttypmod = -1;
        cast->coerceformat = COERCE_IMPLICIT_CAST;
        cast->location = -1;
        array = eval_const_expressions(NULL, (Node *) cast);
    }
    args[0] = fdw_translate_node(translation, same);
    args[1] = args[0] == NULL ? NULL : fdw_translate_value(translation, array, true);
    if (args[1] == NULL)
        return NULL;
    return fdw_expr_made(translation->arena, IDC_EXPR_IN, 0, boolean, collation, args, 2);
}

const IdcExpr *
fdw_translate_list(FdwTranslation *translation, ScalarArrayOpExpr *node)
{
    Node *left = linitial(node->args), *array = lsecond(node->args);
    IdcCollation collation = fdw_collation(node->inputcollid);
    List *items = NIL;
    const IdcExpr *made;
    IdcCompare op;

    set_sa_opfuncid(node);
    if (!fdw_comparison(node->opfuncid, &op) || op != (node->useOr ? IDC_EQ : IDC_NE))
        return fdw_translate_builtin_node(translation, (Node *) node);
    if (collation == IDC_COLLATION_LOOSE)
        return fdw_untranslatable(translation, "its collation takes different texts for equal");
    if (split_array(translation, array, &items))
        made = in_items(translation, left, items, collation);
    else if (fdw_is_value(translation, array))
        made = in_list(translation, left, array, collation);
    else
        return fdw_translate_builtin_node(translation, (Node *) node);
    if (made == NULL || node->useOr)
        return made;
    return fdw_expr_made(translation->arena, IDC_EXPR_NOT, 0, boolean, IDC_COLLATION_NONE, &made,
                         1);
}
