/*
 * check_expr.c - does an expression have a meaning?
 */
#include "relation/check.h"

#include <string.h>

enum { MAX_PARAMETERS = 65536, MAX_NAME = 64 };

/* ---- types ---- */

static bool
is_text(uint32_t oid)
{
    return oid == IDC_TYPE_TEXT || oid == IDC_TYPE_VARCHAR;
}

static bool
is_integer(uint32_t oid)
{
    return oid == IDC_TYPE_INT2 || oid == IDC_TYPE_INT4 || oid == IDC_TYPE_INT8;
}

static bool
is_float(uint32_t oid)
{
    return oid == IDC_TYPE_FLOAT4 || oid == IDC_TYPE_FLOAT8;
}

static bool
is_arithmetic(uint32_t oid)
{
    return is_integer(oid) || is_float(oid) || oid == IDC_TYPE_NUMERIC;
}

static bool
is_moment(uint32_t oid)
{
    return oid == IDC_TYPE_DATE || oid == IDC_TYPE_TIMESTAMP || oid == IDC_TYPE_TIMESTAMPTZ;
}

bool
idc_check_is_same(uint32_t a, uint32_t b)
{
    return a == b || (is_text(a) && is_text(b));
}

bool
idc_check_is_comparable(uint32_t a, uint32_t b)
{
    if (a == IDC_TYPE_JSON || b == IDC_TYPE_JSON)
        return false;
    return idc_check_is_same(a, b) || (is_integer(a) && is_integer(b)) ||
           (is_float(a) && is_float(b)) || (is_moment(a) && is_moment(b)) ||
           (a == IDC_TYPE_NAME && is_text(b)) || (is_text(a) && b == IDC_TYPE_NAME);
}

/* What LIKE matches. */
static bool
is_matchable(uint32_t oid)
{
    return is_text(oid) || oid == IDC_TYPE_BPCHAR || oid == IDC_TYPE_NAME;
}

/* ---- functions ---- */

/*
 * args, a letter each ('?': what follows may be left out, '*': the one before goes on): t text,
 * b text or character(n), i integer, n numeric or double, a any arithmetic type, d a moment,
 * p timestamp, c constant text, x anything. result: such a letter too, or '=' the type of the first
 * argument, v what all arguments have, B boolean, D date, N numeric.
 */
static const struct {
    const char *args;
    char result;
} functions[IDC_FN_COUNT] = {
    [IDC_FN_LOWER] = { "t", 't' },        [IDC_FN_UPPER] = { "t", 't' },
    [IDC_FN_LENGTH] = { "b", 'i' },       [IDC_FN_OCTET_LENGTH] = { "b", 'i' },
    [IDC_FN_SUBSTRING] = { "ti?i", 't' }, [IDC_FN_LEFT] = { "ti", 't' },
    [IDC_FN_RIGHT] = { "ti", 't' },       [IDC_FN_TRIM] = { "t", 't' },
    [IDC_FN_LTRIM] = { "t", 't' },        [IDC_FN_RTRIM] = { "t", 't' },
    [IDC_FN_REPLACE] = { "ttt", 't' },    [IDC_FN_CONCAT] = { "tt", 't' },
    [IDC_FN_STRPOS] = { "tt", 'i' },      [IDC_FN_STARTS_WITH] = { "tt", 'B' },
    [IDC_FN_ABS] = { "a", '=' },          [IDC_FN_ROUND] = { "n?i", '=' },
    [IDC_FN_CEIL] = { "n", '=' },         [IDC_FN_FLOOR] = { "n", '=' },
    [IDC_FN_TRUNC] = { "n", '=' },        [IDC_FN_SQRT] = { "n", '=' },
    [IDC_FN_POWER] = { "nn", 'v' },       [IDC_FN_EXP] = { "n", '=' },
    [IDC_FN_LN] = { "n", '=' },           [IDC_FN_SIGN] = { "n", '=' },
    [IDC_FN_GREATEST] = { "x*", 'v' },    [IDC_FN_LEAST] = { "x*", 'v' },
    [IDC_FN_NULLIF] = { "xx", '=' },      [IDC_FN_DATE_TRUNC] = { "cd", 'd' },
    [IDC_FN_EXTRACT] = { "cd", 'N' },     [IDC_FN_DATE] = { "p", 'D' },
    [IDC_FN_MD5] = { "t", 't' },
};

static bool
letter_fits(char letter, uint32_t oid)
{
    switch (letter) {
    case 't':
        return is_text(oid);
    case 'b':
        return is_text(oid) || oid == IDC_TYPE_BPCHAR;
    case 'i':
        return oid == IDC_TYPE_INT4;
    case 'n':
        return oid == IDC_TYPE_NUMERIC || oid == IDC_TYPE_FLOAT8;
    case 'a':
        return is_arithmetic(oid);
    case 'd':
        return is_moment(oid);
    case 'p':
        return oid == IDC_TYPE_TIMESTAMP;
    case 'B':
        return oid == IDC_TYPE_BOOL;
    case 'D':
        return oid == IDC_TYPE_DATE;
    case 'N':
        return oid == IDC_TYPE_NUMERIC;
    default:
        return true;
    }
}

static bool
arg_fits(char letter, const IdcExpr *arg)
{
    if (letter == 'c')
        return arg->kind == IDC_EXPR_CONSTANT && is_text(arg->type.oid) && arg->text != NULL;
    return letter_fits(letter, arg->type.oid);
}

static bool
args_fit(const char *letters, const IdcExpr *expr)
{
    bool may_end = false;
    size_t i = 0;

    for (; *letters != '\0' && *letters != '*'; letters++) {
        if (*letters == '?') {
            may_end = true;
            continue;
        }
        if (i == expr->arg_count)
            return may_end;
        if (!arg_fits(*letters, expr->args[i++]))
            return false;
    }
    return i == expr->arg_count || *letters == '*';
}

static bool
all_args_are(const IdcExpr *expr, uint32_t oid)
{
    for (size_t i = 0; i < expr->arg_count; i++)
        if (!idc_check_is_same(expr->args[i]->type.oid, oid))
            return false;
    return true;
}

static bool
function_result_fits(const IdcExpr *expr)
{
    char letter = functions[expr->op].result;

    if (letter == '=')
        return idc_check_is_same(expr->type.oid, expr->args[0]->type.oid);
    if (letter == 'v')
        return all_args_are(expr, expr->type.oid);
    return letter_fits(letter, expr->type.oid);
}

static bool
function_fits(const IdcExpr *expr)
{
    if (!args_fit(functions[expr->op].args, expr) || !function_result_fits(expr))
        return false;
    if (expr->op == IDC_FN_ROUND && expr->arg_count == 2)
        return expr->type.oid == IDC_TYPE_NUMERIC;
    if (expr->op == IDC_FN_NULLIF)
        return idc_check_is_comparable(expr->args[0]->type.oid, expr->args[1]->type.oid);
    return true;
}

/* ---- other kinds ---- */

/* What each kind can have: ops are below op_count (0: only 0), arguments from least to most. */
static const struct {
    int op_count;
    size_t least, most;
} shapes[IDC_EXPR_KIND_COUNT] = {
    [IDC_EXPR_COLUMN] = { 1, 0, 0 },
    [IDC_EXPR_CONSTANT] = { 1, 0, 0 },
    [IDC_EXPR_PARAMETER] = { 1, 0, 0 },
    [IDC_EXPR_AND] = { 1, 2, SIZE_MAX },
    [IDC_EXPR_OR] = { 1, 2, SIZE_MAX },
    [IDC_EXPR_NOT] = { 1, 1, 1 },
    [IDC_EXPR_COMPARE] = { IDC_COMPARE_COUNT, 2, 2 },
    [IDC_EXPR_IN] = { 1, 2, SIZE_MAX },
    [IDC_EXPR_LIKE] = { 2, 2, 2 },
    [IDC_EXPR_IS_NULL] = { 1, 1, 1 },
    [IDC_EXPR_IS_TRUE] = { 2, 1, 1 },
    [IDC_EXPR_ARITHMETIC] = { IDC_ARITHMETIC_COUNT, 1, 2 },
    [IDC_EXPR_FUNCTION] = { IDC_FN_COUNT, 1, SIZE_MAX },
    [IDC_EXPR_CAST] = { 1, 1, 1 },
    [IDC_EXPR_COALESCE] = { 1, 1, SIZE_MAX },
    [IDC_EXPR_CASE] = { 1, 3, SIZE_MAX },
    [IDC_EXPR_CALL] = { IDC_CALL_COUNT, 0, SIZE_MAX },
};

static bool
has_only_its_parts(const IdcExpr *expr)
{
    IdcExprKind kind = expr->kind;

    return expr->op >= 0 && expr->op < shapes[kind].op_count &&
           expr->arg_count >= shapes[kind].least && expr->arg_count <= shapes[kind].most &&
           (unsigned) expr->collation <= IDC_COLLATION_LOOSE && expr->type.modifier >= -1 &&
           (expr->index == 0 || kind == IDC_EXPR_COLUMN || kind == IDC_EXPR_PARAMETER) &&
           (!expr->is_list || kind == IDC_EXPR_PARAMETER) &&
           (expr->text == NULL || kind == IDC_EXPR_CONSTANT || kind == IDC_EXPR_CALL);
}

bool
idc_check_is_function_name(const char *name)
{
    size_t len = name == NULL ? 0 : strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return len > 0 && len < MAX_NAME && name[len] == '\0';
}

static bool
is_operator_name(const char *name)
{
    size_t len = name == NULL ? 0 : strspn(name, "+-*/<>=~!@#%^&|`?");

    return len > 0 && len < MAX_NAME && name[len] == '\0' && strstr(name, "--") == NULL &&
           strstr(name, "/*") == NULL;
}

static bool
call_fits(const IdcExpr *expr)
{
    size_t count = expr->arg_count;

    switch (expr->op) {
    case IDC_CALL_FUNCTION:
        return idc_check_is_function_name(expr->text);
    case IDC_CALL_VARIADIC:
        return count >= 1 && idc_check_is_function_name(expr->text);
    case IDC_CALL_OPERATOR:
        return (count == 1 || count == 2) && is_operator_name(expr->text);
    case IDC_CALL_ANY:
    case IDC_CALL_ALL:
        return count == 2 && expr->type.oid == IDC_TYPE_BOOL && is_operator_name(expr->text);
    case IDC_CALL_ELEMENT:
        return count >= 2 && expr->text == NULL;
    default:
        return expr->text == NULL;
    }
}

static bool
compares(const IdcExpr *expr)
{
    return expr->kind == IDC_EXPR_COMPARE || expr->kind == IDC_EXPR_IN ||
           expr->kind == IDC_EXPR_LIKE || expr->kind == IDC_EXPR_CALL ||
           (expr->kind == IDC_EXPR_FUNCTION &&
            (expr->op == IDC_FN_GREATEST || expr->op == IDC_FN_LEAST || expr->op == IDC_FN_NULLIF ||
             expr->op == IDC_FN_STRPOS || expr->op == IDC_FN_REPLACE));
}

/* Types that are not built in have no order here. */
static bool
comparison_fits(const IdcExpr *expr)
{
    bool is_order = expr->op >= IDC_LT && expr->op <= IDC_GE;

    return idc_check_is_comparable(expr->args[0]->type.oid, expr->args[1]->type.oid) &&
           (!is_order || expr->args[0]->type.oid != IDC_TYPE_OTHER);
}

static bool
in_fits(const IdcExpr *expr)
{
    for (size_t i = 1; i < expr->arg_count; i++)
        if (!idc_check_is_comparable(expr->args[0]->type.oid, expr->args[i]->type.oid))
            return false;
    return true;
}

static bool
arithmetic_fits(const IdcExpr *expr)
{
    if (expr->arg_count != (expr->op == IDC_NEGATE ? 1 : 2) || !is_arithmetic(expr->type.oid) ||
        (expr->op == IDC_MODULO && is_float(expr->type.oid)))
        return false;
    return all_args_are(expr, expr->type.oid);
}

static bool
case_fits(const IdcExpr *expr)
{
    if (expr->arg_count % 2 == 0)
        return false;
    for (size_t i = 0; i < expr->arg_count; i++) {
        bool is_condition = i % 2 == 0 && i + 1 < expr->arg_count;

        if (is_condition ? expr->args[i]->type.oid != IDC_TYPE_BOOL
                         : !idc_check_is_same(expr->args[i]->type.oid, expr->type.oid))
            return false;
    }
    return true;
}

/* Types of the arguments and of the result. */
static bool
types_fit(const IdcExpr *expr)
{
    bool is_bool = expr->type.oid == IDC_TYPE_BOOL;

    switch (expr->kind) {
    case IDC_EXPR_AND:
    case IDC_EXPR_OR:
    case IDC_EXPR_NOT:
    case IDC_EXPR_IS_TRUE:
        return is_bool && all_args_are(expr, IDC_TYPE_BOOL);
    case IDC_EXPR_COMPARE:
        return is_bool && comparison_fits(expr);
    case IDC_EXPR_IN:
        return is_bool && in_fits(expr);
    case IDC_EXPR_LIKE:
        return is_bool && is_matchable(expr->args[0]->type.oid) &&
               is_matchable(expr->args[1]->type.oid);
    case IDC_EXPR_IS_NULL:
        return is_bool;
    case IDC_EXPR_ARITHMETIC:
        return arithmetic_fits(expr);
    case IDC_EXPR_FUNCTION:
        return function_fits(expr);
    case IDC_EXPR_COALESCE:
        return all_args_are(expr, expr->type.oid);
    case IDC_EXPR_CASE:
        return case_fits(expr);
    case IDC_EXPR_CALL:
        return call_fits(expr);
    default:
        return true;
    }
}

static IdcStatus
check_leaf(IdcCheck *check, const IdcExpr *expr, const IdcRelation *input)
{
    const IdcRelationColumn *column;

    if (expr->kind == IDC_EXPR_CONSTANT) {
        if (expr->text != NULL && !idc_ask_value_fits(expr->type, expr->text))
            return idc_check_fail(check, "a constant is no value of its type");
        return IDC_OK;
    }
    if (expr->kind == IDC_EXPR_PARAMETER) {
        if (expr->index < 0 || expr->index >= MAX_PARAMETERS)
            return idc_check_fail(check, "parameter %d is out of range", expr->index + 1);
        return IDC_OK;
    }
    column = expr->index < 0 ? NULL : idc_ask_column(input, (size_t) expr->index);
    if (column == NULL)
        return idc_check_fail(check, "there is no column %d", expr->index);
    if (column->type.oid != expr->type.oid || column->type.modifier != expr->type.modifier)
        return idc_check_fail(check, "column %d is of another type", expr->index);
    return IDC_OK;
}

/* is_list: a list PARAMETER may stand here. */
static IdcStatus
check_node(IdcCheck *check, const IdcExpr *expr, const IdcRelation *input, bool is_list)
{
    IdcStatus status;

    if (expr == NULL || (unsigned) expr->kind >= IDC_EXPR_KIND_COUNT)
        return idc_check_fail(check, "an expression is missing, or of an unknown kind");
    if (!has_only_its_parts(expr))
        return idc_check_fail(check, "an expression of kind %d has parts that it cannot have",
                              (int) expr->kind);
    if (expr->is_list && !is_list)
        return idc_check_fail(check, "a list stands where one value is wanted");
    status = idc_check_enter(check);
    for (size_t i = 0; status == IDC_OK && i < expr->arg_count; i++)
        status = check_node(check, expr->args[i], input,
                            expr->kind == IDC_EXPR_IN && i == 1 && expr->arg_count == 2);
    if (status != IDC_OK)
        return status;
    check->depth--;
    if (expr->arg_count == 0 && expr->kind != IDC_EXPR_CALL)
        return check_leaf(check, expr, input);
    if (!types_fit(expr))
        return idc_check_fail(check, "an expression of kind %d, operation %d, has wrong types",
                              (int) expr->kind, (int) expr->op);
    if (compares(expr) && expr->collation == IDC_COLLATION_LOOSE)
        return idc_check_fail(check, "an expression compares by a loose collation");
    return IDC_OK;
}

IdcStatus
idc_check_expr(IdcCheck *check, const IdcExpr *expr, const IdcRelation *input)
{
    return check_node(check, expr, input, false);
}

IdcStatus
idc_check_condition(IdcCheck *check, const IdcExpr *expr, const IdcRelation *input)
{
    IdcStatus status = idc_check_expr(check, expr, input);

    if (status == IDC_OK && expr->type.oid != IDC_TYPE_BOOL)
        return idc_check_fail(check, "a condition is not a boolean");
    return status;
}
