/*
 * declare_sql_expr.c - expressions in SQL, where sources agree on it.
 */
#include "adapters/common/declare_sql.h"

#include <string.h>

void
idc_sql_quote(char quote, const char *name, IdcText *text)
{
    idc_text_append_char(text, quote);
    for (; *name != '\0'; name++) {
        if (*name == quote)
            idc_text_append_char(text, quote);
        idc_text_append_char(text, *name);
    }
    idc_text_append_char(text, quote);
}

void
idc_sql_identifier(const IdcSql *sql, const char *name, IdcText *text)
{
    idc_sql_quote(sql->dialect->quote, name, text);
}

void
idc_sql_literal(const char *literal, IdcText *text)
{
    idc_text_append_char(text, '\'');
    for (; *literal != '\0'; literal++) {
        if (*literal == '\'')
            idc_text_append_char(text, '\'');
        idc_text_append_char(text, *literal);
    }
    idc_text_append_char(text, '\'');
}

void
idc_sql_bind(IdcSql *sql, const IdcSqlBind *bind, IdcText *text)
{
    if (sql->bind_count == sql->bind_capacity) {
        size_t capacity = 2 * sql->bind_capacity + 16;
        IdcSqlBind *binds = idc_arena_alloc_array(sql->arena, capacity, sizeof *binds);

        sql->is_broken |= binds == NULL;
        if (binds == NULL)
            return;
        if (sql->bind_count > 0)
            memcpy(binds, sql->binds, sql->bind_count * sizeof *binds);
        sql->binds = binds;
        sql->bind_capacity = capacity;
    }
    sql->binds[sql->bind_count++] = *bind;
    idc_text_append_format(text, "?%zu", sql->bind_count);
}

static void
constant_for_people(const IdcExpr *constant, IdcText *text)
{
    switch (constant->type.oid) {
    case IDC_TYPE_INT2:
    case IDC_TYPE_INT4:
    case IDC_TYPE_INT8:
    case IDC_TYPE_FLOAT4:
    case IDC_TYPE_FLOAT8:
    case IDC_TYPE_NUMERIC:
        idc_text_append(text, constant->text);
        return;
    case IDC_TYPE_BOOL:
        idc_text_append(text, constant->text[0] == 't' ? "TRUE" : "FALSE");
        return;
    default:
        idc_sql_literal(constant->text, text);
        return;
    }
}

void
idc_sql_constant(IdcSql *sql, const IdcExpr *constant, IdcText *text)
{
    IdcSqlBind bind = { .type = constant->type, .text = constant->text };

    if (constant->text == NULL)
        idc_text_append(text, "NULL");
    else if (sql->dialect->constant != NULL)
        sql->dialect->constant(sql, constant, text);
    else if (sql->is_explain)
        constant_for_people(constant, text);
    else
        idc_sql_bind(sql, &bind, text);
}

static void
append_column(IdcSql *sql, const IdcSqlColumn *column, IdcSqlPlace place, IdcText *text)
{
    if (column->raw >= 0 && sql->dialect->raw != NULL)
        sql->dialect->raw(sql, column, place, text);
    else
        idc_text_append(text, column->sql);
}

/* (a word b word c) */
static void
append_joined(IdcSql *sql, const IdcExpr *expr, const char *word, const IdcSqlColumn *input,
              IdcSqlPlace place, IdcText *text)
{
    idc_text_append_char(text, '(');
    for (size_t i = 0; i < expr->arg_count; i++) {
        if (i > 0)
            idc_text_append_format(text, " %s ", word);
        idc_sql_expr(sql, expr->args[i], input, place, text);
    }
    idc_text_append_char(text, ')');
}

static void
append_compare(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
               IdcText *text)
{
    static const char *const words[] = {
        [IDC_EQ] = "=",
        [IDC_NE] = "<>",
        [IDC_LT] = "<",
        [IDC_LE] = "<=",
        [IDC_GT] = ">",
        [IDC_GE] = ">=",
        [IDC_DISTINCT] = "IS DISTINCT FROM",
        [IDC_NOT_DISTINCT] = "IS NOT DISTINCT FROM",
    };

    idc_text_append_char(text, '(');
    idc_sql_expr(sql, expr->args[0], input, place, text);
    idc_text_append_format(text, " %s ", words[expr->op]);
    idc_sql_expr(sql, expr->args[1], input, place, text);
    idc_text_append(text, sql->dialect->collate(expr->args[0]->type, expr->collation,
                                                expr->op >= IDC_LT && expr->op <= IDC_GE));
    idc_text_append_char(text, ')');
}

static void
append_in(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
          IdcText *text)
{
    /* An empty list has no form in most dialects. */
    if (expr->arg_count == 1) {
        idc_text_append(text, "(1 = 0)");
        return;
    }
    idc_text_append_char(text, '(');
    idc_sql_expr(sql, expr->args[0], input, place, text);
    idc_text_append(text, sql->dialect->collate(expr->args[0]->type, expr->collation, false));
    idc_text_append(text, " IN (");
    for (size_t i = 1; i < expr->arg_count; i++) {
        idc_text_append(text, i == 1 ? "" : ", ");
        idc_sql_expr(sql, expr->args[i], input, place, text);
    }
    idc_text_append(text, "))");
}

static void
append_after(IdcSql *sql, const IdcExpr *expr, const char *words, const IdcSqlColumn *input,
             IdcSqlPlace place, IdcText *text)
{
    idc_text_append_char(text, '(');
    idc_sql_expr(sql, expr->args[0], input, place, text);
    idc_text_append_format(text, " %s)", words);
}

static void
append_not(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
           IdcText *text)
{
    idc_text_append(text, "(NOT ");
    idc_sql_expr(sql, expr->args[0], input, place, text);
    idc_text_append_char(text, ')');
}

static void
append_like(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
            IdcText *text)
{
    idc_text_append_char(text, '(');
    idc_sql_expr(sql, expr->args[0], input, place, text);
    idc_text_append(text, expr->op == 0 ? " LIKE " : " ILIKE ");
    idc_sql_expr(sql, expr->args[1], input, place, text);
    idc_text_append(text, " ESCAPE '\\')");
}

static void
append_case(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
            IdcText *text)
{
    size_t i = 0;

    idc_text_append(text, "CASE");
    for (; i + 1 < expr->arg_count; i += 2) {
        idc_text_append(text, " WHEN ");
        idc_sql_expr(sql, expr->args[i], input, place, text);
        idc_text_append(text, " THEN ");
        idc_sql_expr(sql, expr->args[i + 1], input, place, text);
    }
    if (i < expr->arg_count) {
        idc_text_append(text, " ELSE ");
        idc_sql_expr(sql, expr->args[i], input, place, text);
    }
    idc_text_append(text, " END");
}

void
idc_sql_call(IdcSql *sql, const char *name, const IdcExpr *expr, const IdcSqlColumn *input,
             IdcSqlPlace place, IdcText *text)
{
    idc_text_append_format(text, "%s(", name);
    for (size_t i = 0; i < expr->arg_count; i++) {
        idc_text_append(text, i == 0 ? "" : ", ");
        idc_sql_expr(sql, expr->args[i], input, place, text);
    }
    idc_text_append_char(text, ')');
}

static void
append_arithmetic(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                  IdcText *text)
{
    static const char *const words[] = {
        [IDC_ADD] = "+",    [IDC_SUBTRACT] = "-", [IDC_MULTIPLY] = "*",
        [IDC_DIVIDE] = "/", [IDC_MODULO] = "%",
    };

    if (expr->op == IDC_NEGATE)
        idc_sql_call(sql, "-", expr, input, place, text);
    else
        append_joined(sql, expr, words[expr->op], input, place, text);
}

static void
append_function(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                IdcText *text)
{
    static const char *const names[IDC_FN_COUNT] = {
        [IDC_FN_LOWER] = "lower",       [IDC_FN_UPPER] = "upper",
        [IDC_FN_LENGTH] = "length",     [IDC_FN_OCTET_LENGTH] = "octet_length",
        [IDC_FN_SUBSTRING] = "substr",  [IDC_FN_LEFT] = "left",
        [IDC_FN_RIGHT] = "right",       [IDC_FN_TRIM] = "trim",
        [IDC_FN_LTRIM] = "ltrim",       [IDC_FN_RTRIM] = "rtrim",
        [IDC_FN_REPLACE] = "replace",   [IDC_FN_ABS] = "abs",
        [IDC_FN_ROUND] = "round",       [IDC_FN_CEIL] = "ceil",
        [IDC_FN_FLOOR] = "floor",       [IDC_FN_TRUNC] = "trunc",
        [IDC_FN_SQRT] = "sqrt",         [IDC_FN_POWER] = "power",
        [IDC_FN_EXP] = "exp",           [IDC_FN_LN] = "ln",
        [IDC_FN_SIGN] = "sign",         [IDC_FN_GREATEST] = "greatest",
        [IDC_FN_LEAST] = "least",       [IDC_FN_NULLIF] = "nullif",
        [IDC_FN_DATE] = "date",         [IDC_FN_MD5] = "md5",
        [IDC_FN_STRPOS] = "strpos",     [IDC_FN_STARTS_WITH] = "starts_with",
        [IDC_FN_EXTRACT] = "date_part", [IDC_FN_DATE_TRUNC] = "date_trunc",
    };

    if (expr->op == IDC_FN_CONCAT)
        append_joined(sql, expr, "||", input, place, text);
    else
        idc_sql_call(sql, names[expr->op], expr, input, place, text);
}

void
idc_sql_expr(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
             IdcText *text)
{
    if (sql->dialect->expr != NULL && sql->dialect->expr(sql, expr, input, place, text))
        return;
    switch (expr->kind) {
    case IDC_EXPR_COLUMN:
        append_column(sql, &input[expr->index], place, text);
        return;
    case IDC_EXPR_CONSTANT:
        idc_sql_constant(sql, expr, text);
        return;
    case IDC_EXPR_PARAMETER:
        idc_text_append_format(text, "$%d", expr->index + 1);
        return;
    case IDC_EXPR_AND:
        append_joined(sql, expr, "AND", input, place, text);
        return;
    case IDC_EXPR_OR:
        append_joined(sql, expr, "OR", input, place, text);
        return;
    case IDC_EXPR_NOT:
        append_not(sql, expr, input, place, text);
        return;
    case IDC_EXPR_COMPARE:
        append_compare(sql, expr, input, place, text);
        return;
    case IDC_EXPR_IN:
        append_in(sql, expr, input, place, text);
        return;
    case IDC_EXPR_LIKE:
        append_like(sql, expr, input, place, text);
        return;
    case IDC_EXPR_IS_NULL:
        append_after(sql, expr, "IS NULL", input, place, text);
        return;
    case IDC_EXPR_IS_TRUE:
        append_after(sql, expr, expr->op == 0 ? "IS TRUE" : "IS FALSE", input, place, text);
        return;
    case IDC_EXPR_ARITHMETIC:
        append_arithmetic(sql, expr, input, place, text);
        return;
    case IDC_EXPR_FUNCTION:
        append_function(sql, expr, input, place, text);
        return;
    case IDC_EXPR_COALESCE:
        if (expr->arg_count == 1)
            idc_sql_expr(sql, expr->args[0], input, place, text);
        else
            idc_sql_call(sql, "COALESCE", expr, input, place, text);
        return;
    case IDC_EXPR_CASE:
        append_case(sql, expr, input, place, text);
        return;
    default: /* a CAST between types that are one to the source */
        idc_sql_expr(sql, expr->args[0], input, place, text);
        return;
    }
}
