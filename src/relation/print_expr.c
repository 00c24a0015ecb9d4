/*
 * print_expr.c - expressions as people write them in SQL, with no more brackets than they need.
 */
#include "relation/print.h"

#include <string.h>

enum {
    SHOWN_ITEMS = 8,  /* of an IN list */
    SHOWN_BYTES = 120 /* of a text */
};

/* How tightly an operator binds; PostgreSQL 15 documentation, 4.1.6. */
typedef enum Level {
    LEVEL_ANY,
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_IS,
    LEVEL_COMPARE,
    LEVEL_IN,
    LEVEL_OTHER, /* || */
    LEVEL_ADD,
    LEVEL_MULTIPLY,
    LEVEL_SIGN,
    LEVEL_CAST,
    LEVEL_PRIMARY
} Level;

static const char *const compare_words[IDC_COMPARE_COUNT] = {
    "=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"
};

static const char *const arithmetic_words[IDC_ARITHMETIC_COUNT] = { "+", "-", "*", "/", "%", "-" };

static const char *const function_names[IDC_FN_COUNT] = {
    [IDC_FN_LOWER] = "lower",
    [IDC_FN_UPPER] = "upper",
    [IDC_FN_LENGTH] = "length",
    [IDC_FN_OCTET_LENGTH] = "octet_length",
    [IDC_FN_SUBSTRING] = "substring",
    [IDC_FN_LEFT] = "left",
    [IDC_FN_RIGHT] = "right",
    [IDC_FN_TRIM] = "trim",
    [IDC_FN_LTRIM] = "ltrim",
    [IDC_FN_RTRIM] = "rtrim",
    [IDC_FN_REPLACE] = "replace",
    [IDC_FN_CONCAT] = "||",
    [IDC_FN_STRPOS] = "strpos",
    [IDC_FN_STARTS_WITH] = "starts_with",
    [IDC_FN_ABS] = "abs",
    [IDC_FN_ROUND] = "round",
    [IDC_FN_CEIL] = "ceil",
    [IDC_FN_FLOOR] = "floor",
    [IDC_FN_TRUNC] = "trunc",
    [IDC_FN_SQRT] = "sqrt",
    [IDC_FN_POWER] = "power",
    [IDC_FN_EXP] = "exp",
    [IDC_FN_LN] = "ln",
    [IDC_FN_SIGN] = "sign",
    [IDC_FN_GREATEST] = "greatest",
    [IDC_FN_LEAST] = "least",
    [IDC_FN_NULLIF] = "nullif",
    [IDC_FN_DATE_TRUNC] = "date_trunc",
    [IDC_FN_EXTRACT] = "extract",
    [IDC_FN_DATE] = "date",
    [IDC_FN_MD5] = "md5",
};

static const char *const aggregate_names[IDC_AGG_KIND_COUNT] = { "count",    "count",   "sum",
                                                                 "avg",      "min",     "max",
                                                                 "bool_and", "bool_or", "" };

/* ---- words ---- */

static void
put(const IdcPrint *print, const char *words)
{
    idc_text_append(print->text, words);
}

void
idc_print_name(const IdcPrint *print, const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    if (len > 0 && name[len] == '\0' && !(name[0] >= '0' && name[0] <= '9'))
        put(print, name);
    else
        idc_text_append_json(print->text, name, strlen(name));
}

/* Bytes of value that are shown: whole characters. */
static size_t
shown_len(const char *value)
{
    size_t len = strnlen(value, SHOWN_BYTES + 1);

    if (len <= SHOWN_BYTES)
        return len;
    for (len = SHOWN_BYTES; len > 0 && ((unsigned char) value[len] & 0xC0) == 0x80;)
        len--;
    return len;
}

/* An escape string where a character would leave the line. */
static void
put_text(const IdcPrint *print, const char *value, size_t len)
{
    bool is_escaped = false;

    for (size_t i = 0; i < len; i++)
        is_escaped |= (unsigned char) value[i] < 0x20 || value[i] == 0x7F;
    put(print, is_escaped ? "E'" : "'");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) value[i];

        if (c < 0x20 || c == 0x7F)
            idc_text_append_format(print->text, "\\x%02x", c);
        else if (c == '\'' || (c == '\\' && is_escaped))
            idc_text_append_format(print->text, "%c%c", c, c);
        else
            idc_text_append_char(print->text, (char) c);
    }
    put(print, "'");
}

void
idc_print_quoted(const IdcPrint *print, const char *value)
{
    size_t len;

    if (!print->with_values) {
        put(print, "…");
        return;
    }
    len = shown_len(value);
    put_text(print, value, len);
    if (value[len] != '\0')
        put(print, "…");
}

static bool
is_number_type(uint32_t oid)
{
    return oid == IDC_TYPE_INT2 || oid == IDC_TYPE_INT4 || oid == IDC_TYPE_INT8 ||
           oid == IDC_TYPE_NUMERIC || oid == IDC_TYPE_FLOAT4 || oid == IDC_TYPE_FLOAT8 ||
           oid == IDC_TYPE_OID;
}

static void
put_constant(const IdcPrint *print, const IdcExpr *expr)
{
    if (expr->text == NULL)
        put(print, "null");
    else if (expr->type.oid == IDC_TYPE_BOOL)
        put(print, !print->with_values ? "…" : expr->text[0] == 't' ? "true" : "false");
    else if (is_number_type(expr->type.oid) && print->with_values)
        put(print, expr->text);
    else
        idc_print_quoted(print, expr->text);
}

/* ---- columns ---- */

static void put_kind(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input);

/* Made of columns and constants. */
static bool
is_shallow(const IdcExpr *expr)
{
    for (size_t i = 0; i < expr->arg_count; i++)
        if (expr->args[i]->arg_count > 0)
            return false;
    return expr->arg_count < SHOWN_ITEMS;
}

/* "sum(amount)" or "lower(name)" for what an AGGREGATE made; false: its name says it. */
static bool
put_aggregate_column(const IdcPrint *print, const IdcRelation *aggregate, size_t index)
{
    IdcPrint plain = { print->text, print->with_values, true };
    const IdcAggregate *source;

    if (index < aggregate->expr_count) {
        const IdcExpr *key = aggregate->exprs[index];

        if (key->arg_count == 0 || !is_shallow(key))
            return false;
        put_kind(&plain, key, aggregate->input);
        return true;
    }
    if (index - aggregate->expr_count >= aggregate->aggregate_count)
        return false;
    source = &aggregate->aggregates[index - aggregate->expr_count];
    if (source->filter != NULL || source->kind == IDC_AGG_CALL ||
        (source->arg != NULL && !is_shallow(source->arg)))
        return false;
    idc_print_aggregate(&plain, source, aggregate->input);
    return true;
}

/* The relation that makes the columns, below those that only pass them on; *index follows. */
static const IdcRelation *
maker_of(const IdcRelation *input, size_t *index, bool *is_of_join)
{
    *is_of_join = false;
    while (input != NULL) {
        if (input->kind == IDC_REL_JOIN) {
            *is_of_join = true;
            if (*index >= input->input->column_count) {
                *index -= input->input->column_count;
                input = input->right;
            } else {
                input = input->input;
            }
        } else if (idc_ask_has_columns(input)) {
            return input;
        } else {
            input = input->input;
        }
    }
    return NULL;
}

/* With the table's name where the column comes of a join of tables. */
static void
put_column(const IdcPrint *print, const IdcRelation *input, size_t index)
{
    const IdcRelationColumn *column = idc_ask_column(input, index);
    const IdcRelation *maker;
    bool is_of_join;

    if (column == NULL) {
        idc_text_append_format(print->text, "#%zu", index + 1);
        return;
    }
    maker = maker_of(input, &index, &is_of_join);
    if (!print->by_name && maker != NULL && maker->kind == IDC_REL_AGGREGATE &&
        put_aggregate_column(print, maker, index))
        return;
    if (is_of_join && maker != NULL && maker->name != NULL) {
        idc_print_name(print, maker->name);
        put(print, ".");
    }
    idc_print_name(print, column->name);
}

/* ---- operators ---- */

static void put_expr(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input,
                     Level least);

static void
put_list(const IdcPrint *print, const IdcExpr *const *exprs, size_t count, const IdcRelation *input,
         const char *between, Level least)
{
    for (size_t i = 0; i < count; i++) {
        put(print, i == 0 ? "" : between);
        put_expr(print, exprs[i], input, least);
    }
}

static void
put_in(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input, bool is_negated)
{
    size_t count = expr->arg_count - 1, shown = count;

    put_expr(print, expr->args[0], input, LEVEL_IN + 1);
    if (count == 1 && expr->args[1]->is_list) {
        put(print, is_negated ? " <> all(" : " = any(");
    } else {
        put(print, is_negated ? " not in (" : " in (");
        shown = count > SHOWN_ITEMS + 1 ? SHOWN_ITEMS : count;
    }
    put_list(print, expr->args + 1, shown, input, ", ", LEVEL_ANY);
    if (shown < count)
        idc_text_append_format(print->text, ", … %zu more", count - shown);
    put(print, ")");
}

static void
put_like(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input, bool is_negated)
{
    put_expr(print, expr->args[0], input, LEVEL_IN + 1);
    put(print, is_negated ? " not" : "");
    put(print, expr->op == 0 ? " like " : " ilike ");
    put_expr(print, expr->args[1], input, LEVEL_IN + 1);
}

static void
put_is(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input, bool is_negated)
{
    put_expr(print, expr->args[0], input, LEVEL_IS + 1);
    put(print, is_negated ? " is not " : " is ");
    put(print, expr->kind == IDC_EXPR_IS_NULL ? "null" : expr->op == 0 ? "true" : "false");
}

/* Kinds that have a word for their NOT. */
static bool
has_negation(const IdcExpr *expr)
{
    return expr->kind == IDC_EXPR_IN || expr->kind == IDC_EXPR_LIKE ||
           expr->kind == IDC_EXPR_IS_NULL || expr->kind == IDC_EXPR_IS_TRUE;
}

static void
put_testing(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input, bool is_negated)
{
    if (expr->kind == IDC_EXPR_IN)
        put_in(print, expr, input, is_negated);
    else if (expr->kind == IDC_EXPR_LIKE)
        put_like(print, expr, input, is_negated);
    else
        put_is(print, expr, input, is_negated);
}

static void
put_not(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input)
{
    if (has_negation(expr->args[0])) {
        put_testing(print, expr->args[0], input, true);
        return;
    }
    put(print, "not ");
    put_expr(print, expr->args[0], input, LEVEL_NOT);
}

static void
put_compare(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input)
{
    Level level = expr->op >= IDC_DISTINCT ? LEVEL_IS : LEVEL_COMPARE;

    put_expr(print, expr->args[0], input, level + 1);
    idc_text_append_format(print->text, " %s ", compare_words[expr->op]);
    put_expr(print, expr->args[1], input, level + 1);
}

static Level
arithmetic_level(const IdcExpr *expr)
{
    if (expr->op == IDC_NEGATE)
        return LEVEL_SIGN;
    return expr->op == IDC_ADD || expr->op == IDC_SUBTRACT ? LEVEL_ADD : LEVEL_MULTIPLY;
}

static void
put_arithmetic(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input)
{
    Level level = arithmetic_level(expr);

    if (expr->op == IDC_NEGATE) {
        put(print, "-");
        put_expr(print, expr->args[0], input, LEVEL_PRIMARY); /* never "--" */
        return;
    }
    put_expr(print, expr->args[0], input, level);
    idc_text_append_format(print->text, " %s ", arithmetic_words[expr->op]);
    put_expr(print, expr->args[1], input, level + 1);
}

/* Units and fields are no data: they are shown always. */
static void
put_function(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input)
{
    IdcPrint shown = { print->text, true, print->by_name };
    bool has_unit = expr->op == IDC_FN_DATE_TRUNC || expr->op == IDC_FN_EXTRACT;

    if (expr->op == IDC_FN_CONCAT) {
        put_list(print, expr->args, expr->arg_count, input, " || ", LEVEL_OTHER);
        return;
    }
    put(print, function_names[expr->op]);
    put(print, "(");
    if (expr->op == IDC_FN_EXTRACT && expr->args[0]->text != NULL) {
        idc_print_name(print, expr->args[0]->text);
        put(print, " from ");
    } else if (has_unit) {
        put_expr(&shown, expr->args[0], input, LEVEL_ANY);
        put(print, ", ");
    }
    put_list(print, expr->args + has_unit, expr->arg_count - has_unit, input, ", ", LEVEL_ANY);
    put(print, ")");
}

static void
put_case(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input)
{
    put(print, "case");
    for (size_t i = 0; i + 1 < expr->arg_count; i += 2) {
        put(print, " when ");
        put_expr(print, expr->args[i], input, LEVEL_ANY);
        put(print, " then ");
        put_expr(print, expr->args[i + 1], input, LEVEL_ANY);
    }
    put(print, " else ");
    put_expr(print, expr->args[expr->arg_count - 1], input, LEVEL_ANY);
    put(print, " end");
}

static void
put_element(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input)
{
    put_expr(print, expr->args[0], input, LEVEL_PRIMARY);
    for (size_t i = 1; i < expr->arg_count; i++) {
        put(print, "[");
        put_expr(print, expr->args[i], input, LEVEL_ANY);
        put(print, "]");
    }
}

/* Operators in brackets always: which binds how is not said here. */
static void
put_call(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input)
{
    switch (expr->op) {
    case IDC_CALL_OPERATOR:
        if (expr->arg_count == 2)
            put_expr(print, expr->args[0], input, LEVEL_OTHER + 1);
        idc_text_append_format(print->text, "%s%s ", expr->arg_count == 2 ? " " : "", expr->text);
        put_expr(print, expr->args[expr->arg_count - 1], input, LEVEL_OTHER + 1);
        return;
    case IDC_CALL_ANY:
    case IDC_CALL_ALL:
        put_expr(print, expr->args[0], input, LEVEL_OTHER + 1);
        idc_text_append_format(print->text, " %s %s(", expr->text,
                               expr->op == IDC_CALL_ANY ? "any" : "all");
        put_expr(print, expr->args[1], input, LEVEL_ANY);
        put(print, ")");
        return;
    case IDC_CALL_ELEMENT:
        put_element(print, expr, input);
        return;
    case IDC_CALL_ARRAY:
        put(print, "array[");
        put_list(print, expr->args, expr->arg_count, input, ", ", LEVEL_ANY);
        put(print, "]");
        return;
    default:
        put(print, expr->text);
        put(print, "(");
        put_list(print, expr->args, expr->arg_count, input, ", ", LEVEL_ANY);
        put(print, ")");
        return;
    }
}

static void
put_cast(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input)
{
    char name[IDC_TYPE_NAME_BYTES];

    put_expr(print, expr->args[0], input, LEVEL_CAST);
    put(print, "::");
    put(print, idc_ask_type_name(expr->type, name));
}

static Level
level_of(const IdcExpr *expr)
{
    switch (expr->kind) {
    case IDC_EXPR_OR:
        return LEVEL_OR;
    case IDC_EXPR_AND:
        return LEVEL_AND;
    case IDC_EXPR_NOT:
        return has_negation(expr->args[0]) ? level_of(expr->args[0]) : LEVEL_NOT;
    case IDC_EXPR_IS_NULL:
    case IDC_EXPR_IS_TRUE:
        return LEVEL_IS;
    case IDC_EXPR_COMPARE:
        return expr->op >= IDC_DISTINCT ? LEVEL_IS : LEVEL_COMPARE;
    case IDC_EXPR_IN:
        return expr->args[1]->is_list ? LEVEL_COMPARE : LEVEL_IN;
    case IDC_EXPR_LIKE:
        return LEVEL_IN;
    case IDC_EXPR_ARITHMETIC:
        return arithmetic_level(expr);
    case IDC_EXPR_FUNCTION:
        return expr->op == IDC_FN_CONCAT ? LEVEL_OTHER : LEVEL_PRIMARY;
    case IDC_EXPR_CALL:
        return expr->op == IDC_CALL_OPERATOR || expr->op == IDC_CALL_ANY || expr->op == IDC_CALL_ALL
                   ? LEVEL_OTHER
                   : LEVEL_PRIMARY;
    case IDC_EXPR_CAST:
        return LEVEL_CAST;
    case IDC_EXPR_CONSTANT: /* a negative number */
        return expr->text != NULL && expr->text[0] == '-' ? LEVEL_SIGN : LEVEL_PRIMARY;
    default:
        return LEVEL_PRIMARY;
    }
}

static void
put_kind(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input)
{
    switch (expr->kind) {
    case IDC_EXPR_COLUMN:
        put_column(print, input, (size_t) expr->index);
        break;
    case IDC_EXPR_CONSTANT:
        put_constant(print, expr);
        break;
    case IDC_EXPR_PARAMETER:
        idc_text_append_format(print->text, "$%d", expr->index + 1);
        break;
    case IDC_EXPR_AND:
        put_list(print, expr->args, expr->arg_count, input, " and ", LEVEL_AND + 1);
        break;
    case IDC_EXPR_OR:
        put_list(print, expr->args, expr->arg_count, input, " or ", LEVEL_OR + 1);
        break;
    case IDC_EXPR_NOT:
        put_not(print, expr, input);
        break;
    case IDC_EXPR_COMPARE:
        put_compare(print, expr, input);
        break;
    case IDC_EXPR_ARITHMETIC:
        put_arithmetic(print, expr, input);
        break;
    case IDC_EXPR_FUNCTION:
        put_function(print, expr, input);
        break;
    case IDC_EXPR_CAST:
        put_cast(print, expr, input);
        break;
    case IDC_EXPR_COALESCE:
        put(print, "coalesce(");
        put_list(print, expr->args, expr->arg_count, input, ", ", LEVEL_ANY);
        put(print, ")");
        break;
    case IDC_EXPR_CASE:
        put_case(print, expr, input);
        break;
    case IDC_EXPR_CALL:
        put_call(print, expr, input);
        break;
    default:
        put_testing(print, expr, input, false);
        break;
    }
}

/* In brackets where it binds less than its place asks for. */
static void
put_expr(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input, Level least)
{
    bool needs_brackets = level_of(expr) < least;

    put(print, needs_brackets ? "(" : "");
    put_kind(print, expr, input);
    put(print, needs_brackets ? ")" : "");
}

void
idc_print_expr(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input)
{
    put_expr(print, expr, input, LEVEL_ANY);
}

void
idc_print_conjuncts(const IdcPrint *print, const IdcExpr *const *conjuncts, size_t count,
                    const IdcRelation *input)
{
    put_list(print, conjuncts, count, input, " and ", count > 1 ? LEVEL_AND : LEVEL_ANY);
}

void
idc_print_sort_keys(const IdcPrint *print, const IdcSortKey *keys, size_t count,
                    const IdcRelation *input)
{
    for (size_t i = 0; i < count; i++) {
        put(print, i == 0 ? " " : ", ");
        idc_print_expr(print, keys[i].expr, input);
        put(print, keys[i].is_descending ? " desc" : "");
        if (keys[i].nulls_first != keys[i].is_descending)
            put(print, keys[i].nulls_first ? " nulls first" : " nulls last");
    }
}

static void
put_order(const IdcPrint *print, const IdcAggregate *aggregate, const IdcRelation *input)
{
    put(print, aggregate->arg_count > 0 && !aggregate->is_within_group ? " order by" : "order by");
    idc_print_sort_keys(print, aggregate->order, aggregate->order_count, input);
}

static void
put_arguments(const IdcPrint *print, const IdcAggregate *aggregate, const IdcRelation *input)
{
    if (aggregate->kind == IDC_AGG_CALL)
        put_list(print, aggregate->args, aggregate->arg_count, input, ", ", LEVEL_ANY);
    else if (aggregate->arg == NULL)
        put(print, "*");
    else
        idc_print_expr(print, aggregate->arg, input);
}

void
idc_print_aggregate(const IdcPrint *print, const IdcAggregate *aggregate, const IdcRelation *input)
{
    put(print,
        aggregate->kind == IDC_AGG_CALL ? aggregate->name : aggregate_names[aggregate->kind]);
    put(print, aggregate->is_distinct ? "(distinct " : "(");
    put_arguments(print, aggregate, input);
    if (aggregate->order_count > 0) {
        put(print, aggregate->is_within_group ? ") within group (" : "");
        put_order(print, aggregate, input);
    }
    put(print, ")");
    if (aggregate->filter != NULL) {
        put(print, " filter (where ");
        idc_print_expr(print, aggregate->filter, input);
        put(print, ")");
    }
}
