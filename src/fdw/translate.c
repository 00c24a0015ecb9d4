/*
 * translate.c - PostgreSQL's expressions as expressions of a relation: the kinds of nodes.
 *
 * What is not listed here is not said, and stays in the hub.
 */
#include "fdw/translate.h"

#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>

#include "fdw/foreign.h"
#include "fdw/raise.h"

/* Leaves room in IDC_RELATION_MAX_DEPTH for what is around an expression. */
enum { MAX_DEPTH = IDC_RELATION_MAX_DEPTH - 50 };

static const IdcType boolean = { IDC_TYPE_BOOL, -1 };

const IdcExpr *
fdw_untranslatable(FdwTranslation *translation, const char *why)
{
    translation->why = why;
    return NULL;
}

const IdcExpr *
fdw_expr_made(IdcArena *arena, IdcExprKind kind, int op, IdcType type, IdcCollation collation,
              const IdcExpr *const *args, size_t count)
{
    const IdcExpr *made = idc_expr_new(arena, kind, op, type, collation, args, count);
    IdcError err;

    if (made == NULL)
        fdw_check(idc_fail_no_memory(&err), &err);
    return made;
}

void
fdw_translation_truncate(FdwTranslation *translation, int count)
{
    if (list_length(translation->params) == count)
        return;
    translation->params = list_truncate(list_copy(translation->params), count);
    translation->lists = list_truncate(list_copy(translation->lists), count);
}

/* ---- columns ---- */

bool
fdw_is_column(const Node *column, const Node *node)
{
    if (!IsA(column, Var) || !IsA(node, Var))
        return equal(column, node);
    return ((const Var *) column)->varno == ((const Var *) node)->varno &&
           ((const Var *) column)->varattno == ((const Var *) node)->varattno &&
           ((const Var *) node)->varlevelsup == 0;
}

static const IdcExpr *
column_for(FdwTranslation *translation, const Node *node)
{
    const IdcExpr *made;
    ListCell *cell;
    IdcError err;

    foreach (cell, translation->columns) {
        if (!fdw_is_column(lfirst(cell), node))
            continue;
        made = idc_expr_column(translation->arena, translation->input,
                               (size_t) foreach_current_index(cell));
        if (made == NULL)
            fdw_check(idc_fail_no_memory(&err), &err);
        return made;
    }
    return NULL;
}

/* ---- nodes with arguments ---- */

static IdcType
type_of(const Node *node)
{
    return fdw_type(exprType(node), exprTypmod(node));
}

/* NULL if one of them cannot be said. */
static const IdcExpr *
translate_args(FdwTranslation *translation, IdcExprKind kind, int op, IdcType type,
               IdcCollation collation, List *nodes)
{
    const IdcExpr **args = palloc(sizeof(*args) * (size_t) (list_length(nodes) + 1));
    size_t count = 0;
    ListCell *cell;

    if (collation == IDC_COLLATION_LOOSE)
        return fdw_untranslatable(translation, "its collation takes different texts for equal");
    foreach (cell, nodes) {
        args[count] = fdw_translate_node(translation, lfirst(cell));
        if (args[count++] == NULL)
            return NULL;
    }
    return fdw_expr_made(translation->arena, kind, op, type, collation, args, count);
}

/* As translate_args, where PostgreSQL stops at the first argument that decides. */
static const IdcExpr *
translate_conditional(FdwTranslation *translation, IdcExprKind kind, IdcType type, List *nodes)
{
    bool was_conditional = translation->is_conditional;
    const IdcExpr *made;

    translation->is_conditional = true;
    made = translate_args(translation, kind, 0, type, IDC_COLLATION_NONE, nodes);
    translation->is_conditional = was_conditional;
    return made;
}

static const IdcExpr *
not_of(FdwTranslation *translation, const IdcExpr *expr)
{
    if (expr == NULL)
        return NULL;
    return fdw_expr_made(translation->arena, IDC_EXPR_NOT, 0, boolean, IDC_COLLATION_NONE, &expr,
                         1);
}

static const IdcExpr *
translate_bool(FdwTranslation *translation, const BoolExpr *node)
{
    switch (node->boolop) {
    case AND_EXPR:
        return translate_conditional(translation, IDC_EXPR_AND, boolean, node->args);
    case OR_EXPR:
        return translate_conditional(translation, IDC_EXPR_OR, boolean, node->args);
    default:
        return not_of(translation, fdw_translate_node(translation, linitial(node->args)));
    }
}

static const IdcExpr *
translate_null_test(FdwTranslation *translation, const NullTest *node)
{
    const IdcExpr *made;

    if (node->argisrow)
        return fdw_untranslatable(translation, "it asks for the NULLs of a row");
    made = translate_args(translation, IDC_EXPR_IS_NULL, 0, boolean, IDC_COLLATION_NONE,
                          list_make1(node->arg));
    return node->nulltesttype == IS_NULL ? made : not_of(translation, made);
}

static const IdcExpr *
translate_boolean_test(FdwTranslation *translation, const BooleanTest *node)
{
    bool is_unknown = node->booltesttype == IS_UNKNOWN || node->booltesttype == IS_NOT_UNKNOWN;
    bool is_false = node->booltesttype == IS_FALSE || node->booltesttype == IS_NOT_FALSE;
    bool is_not = node->booltesttype == IS_NOT_UNKNOWN || node->booltesttype == IS_NOT_FALSE ||
                  node->booltesttype == IS_NOT_TRUE;
    const IdcExpr *made =
        translate_args(translation, is_unknown ? IDC_EXPR_IS_NULL : IDC_EXPR_IS_TRUE, is_false,
                       boolean, IDC_COLLATION_NONE, list_make1(node->arg));

    return is_not ? not_of(translation, made) : made;
}

static const IdcExpr *
translate_distinct(FdwTranslation *translation, const OpExpr *node)
{
    IdcCompare op;

    set_opfuncid(unconstify(OpExpr *, node));
    if (!fdw_comparison(node->opfuncid, &op) || op != IDC_EQ)
        return fdw_untranslatable(translation, "its operator is not one that sources know");
    if (IsA(node, DistinctExpr))
        return fdw_translate_comparison(translation, IDC_DISTINCT, linitial(node->args),
                                        lsecond(node->args), node->inputcollid);
    return translate_args(translation, IDC_EXPR_FUNCTION, IDC_FN_NULLIF,
                          type_of((const Node *) node), fdw_collation(node->inputcollid),
                          node->args);
}

/* The conditions of CASE x WHEN have a CaseTestExpr where x stands. */
static const IdcExpr *
translate_case(FdwTranslation *translation, CaseExpr *node)
{
    const IdcExpr *outer_value = translation->case_value, *made;
    List *parts = NIL;
    ListCell *cell;

    if (node->defresult == NULL)
        return fdw_untranslatable(translation, "a CASE without ELSE");
    if (node->arg != NULL) {
        translation->case_value = fdw_translate_node(translation, (Node *) node->arg);
        if (translation->case_value == NULL) {
            translation->case_value = outer_value;
            return NULL;
        }
    }
    foreach (cell, node->args) {
        CaseWhen *when = lfirst_node(CaseWhen, cell);

        parts = lappend(lappend(parts, when->expr), when->result);
    }
    parts = lappend(parts, node->defresult);
    made = translate_conditional(translation, IDC_EXPR_CASE, type_of((Node *) node), parts);
    translation->case_value = outer_value;
    return made;
}

/* ---- casts ---- */

static bool
is_text(IdcType type)
{
    return type.oid == IDC_TYPE_TEXT || type.oid == IDC_TYPE_VARCHAR;
}

static const IdcExpr *
translate_relabel(FdwTranslation *translation, const Node *node, Expr *arg)
{
    IdcType to = type_of(node), from = type_of((Node *) arg);

    const IdcExpr *made;

    if (from.oid == to.oid || (is_text(from) && is_text(to)))
        return fdw_translate_node(translation, (Node *) arg);
    if (from.oid == IDC_TYPE_OTHER || to.oid == IDC_TYPE_OTHER)
        return fdw_untranslatable(translation, "a cast that sources do not know");
    made = fdw_translate_node(translation, (Node *) arg);
    return made == NULL ? NULL : fdw_cast_made(translation, made, to);
}

/* Types whose texts depend on no setting, and arrays of them. */
static bool
has_one_text(uint32_t oid)
{
    switch (oid) {
    case IDC_TYPE_INT2:
    case IDC_TYPE_INT4:
    case IDC_TYPE_INT8:
    case IDC_TYPE_NUMERIC:
    case IDC_TYPE_UUID:
    case IDC_TYPE_BOOL:
    case IDC_TYPE_JSON:
    case IDC_TYPE_JSONB:
    case INT2ARRAYOID:
    case INT4ARRAYOID:
    case INT8ARRAYOID:
    case NUMERICARRAYOID:
    case TEXTARRAYOID:
    case VARCHARARRAYOID:
    case INT4RANGEOID:
    case INT8RANGEOID:
    case NUMRANGEOID:
    case CIDROID:
    case INETOID:
    case MACADDROID:
    case BITOID:
    case VARBITOID:
        return true;
    default:
        return false;
    }
}

static const IdcExpr *
translate_via_text(FdwTranslation *translation, const CoerceViaIO *node)
{
    IdcType to = type_of((const Node *) node), from = type_of((const Node *) node->arg);

    if (!(is_text(from) && has_one_text(to.oid)) && !(has_one_text(from.oid) && is_text(to)))
        return fdw_untranslatable(translation, "a cast that sources do not know");
    return translate_args(translation, IDC_EXPR_CAST, 0, to, IDC_COLLATION_NONE,
                          list_make1(node->arg));
}

/* Arrays of the same values under another name of their type. */
static const IdcExpr *
translate_array_cast(FdwTranslation *translation, const ArrayCoerceExpr *node)
{
    IdcType to = type_of((const Node *) node);
    const IdcExpr *made;

    if (!IsA(node->elemexpr, RelabelType) ||
        !IsA(((const RelabelType *) node->elemexpr)->arg, CaseTestExpr) || to.oid == IDC_TYPE_OTHER)
        return fdw_untranslatable(translation, "a cast that sources do not know");
    made = fdw_translate_node(translation, (Node *) node->arg);
    return made == NULL ? NULL : fdw_cast_made(translation, made, to);
}

/* ---- all nodes ---- */

static const IdcExpr *
translate_min_max(FdwTranslation *translation, const MinMaxExpr *node)
{
    return translate_args(
        translation, IDC_EXPR_FUNCTION, node->op == IS_GREATEST ? IDC_FN_GREATEST : IDC_FN_LEAST,
        type_of((const Node *) node), fdw_collation(node->inputcollid), node->args);
}

static const IdcExpr *
translate_operator(FdwTranslation *translation, OpExpr *node)
{
    set_opfuncid(node);
    return fdw_translate_call(translation, node->opfuncid, node->args, (Node *) node,
                              node->inputcollid);
}

static const IdcExpr *
translate_by_kind(FdwTranslation *translation, Node *node)
{
    switch (nodeTag(node)) {
    case T_BoolExpr:
        return translate_bool(translation, (BoolExpr *) node);
    case T_OpExpr:
        return translate_operator(translation, (OpExpr *) node);
    case T_FuncExpr:
        return fdw_translate_call(translation, ((FuncExpr *) node)->funcid,
                                  ((FuncExpr *) node)->args, node,
                                  ((FuncExpr *) node)->inputcollid);
    case T_DistinctExpr:
    case T_NullIfExpr:
        return translate_distinct(translation, (OpExpr *) node);
    case T_ScalarArrayOpExpr:
        return fdw_translate_list(translation, (ScalarArrayOpExpr *) node);
    case T_NullTest:
        return translate_null_test(translation, (NullTest *) node);
    case T_BooleanTest:
        return translate_boolean_test(translation, (BooleanTest *) node);
    case T_CaseExpr:
        return translate_case(translation, (CaseExpr *) node);
    case T_CoalesceExpr:
        return translate_conditional(translation, IDC_EXPR_COALESCE, type_of(node),
                                     ((CoalesceExpr *) node)->args);
    case T_MinMaxExpr:
        return translate_min_max(translation, (MinMaxExpr *) node);
    case T_RelabelType:
        return translate_relabel(translation, node, ((RelabelType *) node)->arg);
    case T_CollateExpr:
        return translate_relabel(translation, node, ((CollateExpr *) node)->arg);
    case T_ArrayCoerceExpr:
        return translate_array_cast(translation, (ArrayCoerceExpr *) node);
    case T_ArrayExpr:
        return fdw_translate_array(translation, (ArrayExpr *) node);
    case T_SubscriptingRef:
        return fdw_translate_element(translation, (SubscriptingRef *) node);
    case T_CoerceViaIO:
        return translate_via_text(translation, (CoerceViaIO *) node);
    case T_Var:
        return fdw_untranslatable(translation, "it needs a column that the scan has not");
    default:
        return fdw_untranslatable(translation, "an expression that sources do not know");
    }
}

const IdcExpr *
fdw_translate_node(FdwTranslation *translation, Node *node)
{
    const IdcExpr *made = column_for(translation, node);

    check_stack_depth();
    if (made != NULL)
        return made;
    if (IsA(node, CaseTestExpr) && translation->case_value != NULL)
        return translation->case_value;
    if (fdw_is_value(translation, node))
        return fdw_translate_value(translation, node, false);
    if (translation->depth >= MAX_DEPTH)
        return fdw_untranslatable(translation, "it is nested too deeply");
    translation->depth++;
    made = translate_by_kind(translation, node);
    translation->depth--;
    return made;
}

const IdcExpr *
fdw_translate(FdwTranslation *translation, Node *node)
{
    int count = list_length(translation->params);
    const IdcExpr *made = fdw_translate_node(translation, node);

    if (made == NULL)
        fdw_translation_truncate(translation, count);
    return made;
}
