/*
 * declare_compare.c - comparisons. Texts by their bytes, beside a condition that an index serves.
 */
#include "adapters/mysql/mysql.h"

#include <string.h>
#include <strings.h>

static const char *
word_of(int op)
{
    static const char *const words[] = {
        [IDC_EQ] = "=",  [IDC_NE] = "<>", [IDC_LT] = "<",
        [IDC_LE] = "<=", [IDC_GT] = ">",  [IDC_GE] = ">=",
    };

    return op <= IDC_GE ? words[op] : "<=>";
}

/* ---- columns that an index may serve ---- */

static const IdcMysqlRemote *
plain_text_column(const IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input)
{
    const IdcMysqlRemote *remote;

    if (expr->kind != IDC_EXPR_COLUMN || input[expr->index].raw < 0)
        return NULL;
    remote = sql->raws[input[expr->index].raw].remote;
    if (remote == NULL || remote->collation == NULL ||
        (remote->kind != IDC_MYSQL_CHAR && remote->kind != IDC_MYSQL_TEXT))
        return NULL;
    return remote;
}

/* MySQL can write the constant in the column's character set. */
static bool
has_characters_of(const IdcMysqlRemote *remote, const IdcExpr *constant)
{
    static const char *const charsets[] = { "utf8", "latin1_", "ascii_" };

    if (constant->kind != IDC_EXPR_CONSTANT || constant->text == NULL)
        return false;
    if (strncasecmp(remote->collation, "utf8mb4_", strlen("utf8mb4_")) == 0)
        return true;
    for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++)
        if (strncasecmp(remote->collation, charsets[i], strlen(charsets[i])) == 0)
            return idc_mysql_is_ascii(constant->text);
    return false;
}

/* "col = 'text' AND ": equal bytes are equal by every collation. */
static void
append_indexed_equal(IdcSql *sql, const IdcExpr *left, const IdcExpr *right,
                     const IdcSqlColumn *input, IdcText *text)
{
    const IdcMysqlRemote *a = plain_text_column(sql, left, input);
    const IdcMysqlRemote *b = plain_text_column(sql, right, input);

    if (a != NULL && has_characters_of(a, right)) {
        idc_text_append_format(text, "%s = ", input[left->index].sql);
        idc_mysql_text_literal(right->text, text);
        idc_text_append(text, " AND ");
    } else if (a != NULL && b != NULL && strcasecmp(a->collation, b->collation) == 0)
        idc_text_append_format(text, "%s = %s AND ", input[left->index].sql,
                               input[right->index].sql);
}

/* Dates, compared as they are stored; what is none is asked beside it. */
static bool
is_plain_date(const IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input)
{
    IdcMysqlClass class = idc_mysql_class(expr->type);
    const IdcMysqlRemote *remote;

    if (expr->kind != IDC_EXPR_COLUMN || input[expr->index].raw < 0 ||
        (class != IDC_MYSQL_CLASS_DATE && class != IDC_MYSQL_CLASS_MOMENT))
        return false;
    remote = sql->raws[input[expr->index].raw].remote;
    if (remote == NULL)
        return true;
    if (class == IDC_MYSQL_CLASS_MOMENT && expr->type.modifier >= 0 &&
        remote->digits > expr->type.modifier)
        return false;
    return class == IDC_MYSQL_CLASS_DATE
               ? remote->kind == IDC_MYSQL_DATE
               : remote->kind == IDC_MYSQL_DATETIME || remote->kind == IDC_MYSQL_TIMESTAMP;
}

/* Compared, whole numbers need no conversion: an index serves. */
static bool
is_whole(const IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input)
{
    IdcMysqlClass class = idc_mysql_class(expr->type);
    const IdcMysqlRemote *remote;

    if (expr->kind != IDC_EXPR_COLUMN || input[expr->index].raw < 0 ||
        (class != IDC_MYSQL_CLASS_NUMERIC && class != IDC_MYSQL_CLASS_INTEGER))
        return false;
    remote = sql->raws[input[expr->index].raw].remote;
    return remote != NULL && remote->kind == IDC_MYSQL_INTEGER;
}

static void
append_is_date(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    const IdcMysqlRemote *remote = sql->raws[input[expr->index].raw].remote;

    if (remote != NULL && remote->keeps_zero_dates)
        return;
    idc_text_append(text, " AND ");
    idc_mysql_raw(sql, &input[expr->index], expr->type, text);
    idc_text_append(text, " IS NOT NULL");
}

/* ---- operands ---- */

/*
 * A uuid of MariaDB, or sixteen bytes. MariaDB takes a constant that is no uuid of a version that
 * it knows for NULL, so that only a condition may compare it as such: there NULL is as good as
 * false.
 */
static void
append_uuid(IdcSql *sql, const IdcExpr *expr, bool is_binary, const IdcSqlColumn *input,
            IdcSqlPlace place, IdcText *text)
{
    bool is_column = expr->kind == IDC_EXPR_COLUMN;

    if (is_column && (is_binary || place == IDC_SQL_CONDITION))
        idc_text_append(text, input[expr->index].sql);
    else if (is_column)
        idc_text_append_format(text, "CAST(%s AS CHAR)", input[expr->index].sql);
    else if (expr->kind != IDC_EXPR_CONSTANT || expr->text == NULL)
        idc_sql_expr(sql, expr, input, IDC_SQL_VALUE, text);
    else if (!is_binary)
        idc_sql_literal(expr->text, text);
    else {
        idc_text_append(text, "x'");
        for (const char *c = expr->text; *c != '\0'; c++)
            if (*c != '-')
                idc_text_append_char(text, *c);
        idc_text_append_char(text, '\'');
    }
}

static bool
is_binary_uuid(const IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input)
{
    const IdcMysqlRemote *remote;

    if (expr->kind != IDC_EXPR_COLUMN || input[expr->index].raw < 0)
        return false;
    remote = sql->raws[input[expr->index].raw].remote;
    return remote != NULL && remote->kind == IDC_MYSQL_BINARY;
}

static void
append_operand(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
               IdcText *text)
{
    if (idc_mysql_is_textual(expr->type))
        idc_mysql_bytes(sql, expr, input, text);
    else if (place == IDC_SQL_CONDITION &&
             (is_plain_date(sql, expr, input) || is_whole(sql, expr, input)))
        idc_text_append(text, input[expr->index].sql);
    else
        idc_sql_expr(sql, expr, input, IDC_SQL_VALUE, text);
}

/* ---- constants beyond MySQL's ---- */

/* NULL where the value is, else is_true. */
static void
append_always(IdcSql *sql, const IdcExpr *value, bool is_true, const IdcSqlColumn *input,
              IdcText *text)
{
    idc_text_append_char(text, '(');
    append_operand(sql, value, input, IDC_SQL_VALUE, text);
    idc_text_append(text, is_true ? " = " : " <> ");
    append_operand(sql, value, input, IDC_SQL_VALUE, text);
    idc_text_append_char(text, ')');
}

static bool
append_beyond(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    const IdcExpr *constant = expr->args[1];
    IdcMysqlRange range =
        constant->kind == IDC_EXPR_CONSTANT ? idc_mysql_range(constant) : IDC_MYSQL_INSIDE;
    bool is_below = range == IDC_MYSQL_BELOW;

    if (range != IDC_MYSQL_BELOW && range != IDC_MYSQL_ABOVE)
        return false;
    switch (expr->op) {
    case IDC_DISTINCT:
        idc_text_append(text, "TRUE");
        return true;
    case IDC_NOT_DISTINCT:
        idc_text_append(text, "FALSE");
        return true;
    case IDC_EQ:
    case IDC_NE:
        append_always(sql, expr->args[0], expr->op == IDC_NE, input, text);
        return true;
    default:
        append_always(sql, expr->args[0], (expr->op == IDC_GT || expr->op == IDC_GE) == is_below,
                      input, text);
        return true;
    }
}

/* ---- without regard to case: a superset ---- */

/* k, s and i have other cases beyond ASCII. */
static void
append_caseless_pattern(const char *value, bool is_pattern, IdcText *text)
{
    IdcText pattern, written;

    idc_text_init(&pattern, 0);
    idc_text_init(&written, 0);
    if (is_pattern)
        (void) idc_mysql_pattern(value, &pattern);
    for (; !is_pattern && *value != '\0'; value++) {
        if (*value == '%' || *value == '_' || *value == '|')
            idc_text_append_char(&pattern, '|');
        idc_text_append_char(&pattern, *value);
    }
    for (const char *c = idc_text_string(&pattern); *c != '\0'; c++)
        idc_text_append_char(&written, strchr("kKsSiI", *c) != NULL ? '_' : *c);
    idc_mysql_text_literal(idc_text_string(&written), text);
    idc_text_done(&pattern);
    idc_text_done(&written);
}

/* Behind an escape character the letters stay themselves, so none is there (idc_mysql_pattern
 * escapes nothing but %, _ and |). */
static void
append_caseless(IdcSql *sql, const IdcExpr *value, const char *constant, bool is_pattern,
                const IdcSqlColumn *input, IdcText *text)
{
    idc_text_append(text, "(CONVERT(");
    idc_mysql_bytes(sql, value, input, text);
    idc_text_append(text, " USING utf8mb4) COLLATE utf8mb4_general_ci LIKE ");
    append_caseless_pattern(constant, is_pattern, text);
    idc_text_append(text, " ESCAPE '|')");
}

static bool
is_folded(const IdcExpr *expr)
{
    return expr->kind == IDC_EXPR_FUNCTION &&
           (expr->op == IDC_FN_LOWER || expr->op == IDC_FN_UPPER);
}

/* ---- comparisons ---- */

static void
append_uuids(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
             IdcText *text)
{
    bool is_binary = is_binary_uuid(sql, expr->args[0], input) ||
                     is_binary_uuid(sql, expr->args[expr->arg_count - 1], input);

    if (expr->kind == IDC_EXPR_COMPARE && expr->op != IDC_EQ)
        place = IDC_SQL_VALUE;
    idc_text_append_char(text, '(');
    append_uuid(sql, expr->args[0], is_binary, input, place, text);
    idc_text_append_format(text, " %s ", expr->kind == IDC_EXPR_IN ? "IN (" : word_of(expr->op));
    for (size_t i = 1; i < expr->arg_count; i++) {
        idc_text_append(text, i == 1 ? "" : ", ");
        append_uuid(sql, expr->args[i], is_binary, input, place, text);
    }
    idc_text_append(text, expr->kind == IDC_EXPR_IN ? "))" : ")");
}

/* ---- numbers of two tables ---- */

/* Some of its expressions are errors for some values. */
static bool
may_raise(const IdcRelation *relation)
{
    for (; relation != NULL; relation = relation->input) {
        for (size_t i = 0; i < relation->expr_count; i++)
            if (idc_mysql_may_raise(relation->exprs[i]))
                return true;
        if (relation->kind == IDC_REL_JOIN && may_raise(relation->right))
            return true;
    }
    return false;
}

static bool
is_number_column(const IdcExpr *expr, const IdcSqlColumn *input)
{
    IdcMysqlClass class = idc_mysql_class(expr->type);

    return expr->kind == IDC_EXPR_COLUMN && input[expr->index].raw >= 0 &&
           (class == IDC_MYSQL_CLASS_INTEGER || class == IDC_MYSQL_CLASS_NUMERIC ||
            class == IDC_MYSQL_CLASS_DOUBLE || class == IDC_MYSQL_CLASS_FLOAT);
}

/*
 * Of columns that are equal MySQL takes one for the other, also where it computes with rows of
 * which it does not know yet whether there is an equal one: an error of a value that is in no row
 * of the result. <=> is as good for an index, and it does not do that.
 */
static bool
append_equal_numbers(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                     IdcText *text)
{
    const IdcExpr *left = expr->args[0], *right = expr->args[1];

    if (place != IDC_SQL_CONDITION || expr->op != IDC_EQ || !is_number_column(left, input) ||
        !is_number_column(right, input) || !may_raise(sql->whole))
        return false;
    idc_text_append_char(text, '(');
    append_operand(sql, left, input, place, text);
    idc_text_append(text, " <=> ");
    append_operand(sql, right, input, place, text);
    idc_text_append_format(text, " AND %s IS NOT NULL)", input[left->index].sql);
    return true;
}

bool
idc_mysql_compare(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                  IdcText *text)
{
    const IdcExpr *left = expr->args[0], *right = expr->args[1];

    if (append_beyond(sql, expr, input, text))
        return true;
    if (idc_mysql_class(left->type) == IDC_MYSQL_CLASS_UUID) {
        append_uuids(sql, expr, input, place, text);
        return true;
    }
    if (is_folded(left) && right->kind == IDC_EXPR_CONSTANT && right->text != NULL) {
        append_caseless(sql, left->args[0], right->text, false, input, text);
        return true;
    }
    if (append_equal_numbers(sql, expr, input, place, text))
        return true;
    /* NULL beside nothing but NULL is the same: IS [NOT] DISTINCT FROM must see what is no date. */
    if (expr->op == IDC_DISTINCT || expr->op == IDC_NOT_DISTINCT)
        place = IDC_SQL_VALUE;
    idc_text_append(text, expr->op == IDC_DISTINCT ? "(NOT (" : "(");
    if (place == IDC_SQL_CONDITION && expr->op == IDC_EQ && idc_mysql_is_textual(left->type))
        append_indexed_equal(sql, left, right, input, text);
    append_operand(sql, left, input, place, text);
    idc_text_append_format(text, " %s ", word_of(expr->op));
    append_operand(sql, right, input, place, text);
    if (place == IDC_SQL_CONDITION && is_plain_date(sql, left, input))
        append_is_date(sql, left, input, text);
    if (place == IDC_SQL_CONDITION && is_plain_date(sql, right, input))
        append_is_date(sql, right, input, text);
    idc_text_append(text, expr->op == IDC_DISTINCT ? "))" : ")");
    return true;
}

/* ---- IN ---- */

static bool
is_null(const IdcExpr *item)
{
    return item->kind == IDC_EXPR_CONSTANT && item->text == NULL;
}

/* A value that MySQL has not is never found, nor is NULL. */
static bool
may_be_found(const IdcExpr *item)
{
    return !is_null(item) &&
           (item->kind != IDC_EXPR_CONSTANT || idc_mysql_range(item) == IDC_MYSQL_INSIDE);
}

static void
append_indexed_in(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    const IdcMysqlRemote *remote = plain_text_column(sql, expr->args[0], input);
    size_t count = 0;

    if (remote == NULL || idc_mysql_class(expr->args[0]->type) != IDC_MYSQL_CLASS_TEXT)
        return;
    for (size_t i = 1; i < expr->arg_count; i++)
        if (!is_null(expr->args[i]) && !has_characters_of(remote, expr->args[i]))
            return;
    idc_text_append(text, input[expr->args[0]->index].sql);
    for (size_t i = 1; i < expr->arg_count; i++) {
        if (is_null(expr->args[i]))
            continue;
        idc_text_append(text, count++ == 0 ? " IN (" : ", ");
        idc_mysql_text_literal(expr->args[i]->text, text);
    }
    idc_text_append(text, ") AND ");
}

/* MySQL 5.6 finds no time of a list in which NULL is too: so it stands beside it. */
bool
idc_mysql_in(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
             IdcText *text)
{
    const IdcExpr *value = expr->args[0];
    bool has_null = false;
    size_t count = 0;

    if (idc_mysql_class(value->type) == IDC_MYSQL_CLASS_UUID) {
        append_uuids(sql, expr, input, place, text);
        return true;
    }
    idc_text_append_char(text, '(');
    for (size_t i = 1; i < expr->arg_count; i++) {
        has_null |= is_null(expr->args[i]);
        if (!may_be_found(expr->args[i]))
            continue;
        if (count++ == 0) {
            if (place == IDC_SQL_CONDITION)
                append_indexed_in(sql, expr, input, text);
            append_operand(sql, value, input, place, text);
            idc_text_append(text, " IN (");
        } else
            idc_text_append(text, ", ");
        append_operand(sql, expr->args[i], input, place, text);
    }
    if (count == 0)
        append_always(sql, value, false, input, text);
    else
        idc_text_append_char(text, ')');
    if (has_null && place == IDC_SQL_VALUE)
        idc_text_append(text, " OR NULL");
    if (count > 0 && place == IDC_SQL_CONDITION && is_plain_date(sql, value, input))
        append_is_date(sql, value, input, text);
    idc_text_append_char(text, ')');
    return true;
}

/* ---- LIKE ---- */

static void
append_pattern(IdcSql *sql, const IdcExpr *expr, IdcText *text)
{
    IdcText pattern;

    if (expr->kind != IDC_EXPR_CONSTANT) {
        idc_sql_expr(sql, expr, NULL, IDC_SQL_VALUE, text);
        return;
    }
    if (expr->text == NULL) {
        idc_text_append(text, "NULL");
        return;
    }
    idc_text_init(&pattern, 0);
    if (!idc_mysql_pattern(expr->text, &pattern))
        idc_sql_fail(sql, "22025", "LIKE pattern must not end with escape character");
    else
        idc_mysql_text_literal(idc_text_string(&pattern), text);
    idc_text_done(&pattern);
}

/* The range of an index that MySQL makes of a pattern begins, in a collation of code points that
 * pads with blanks, behind texts that go on with a control character. */
static bool
has_wrong_range(const IdcMysqlRemote *remote)
{
    size_t len = strlen(remote->collation), tail = strlen("_bin");

    return len >= tail && strcasecmp(remote->collation + len - tail, "_bin") == 0;
}

/* "col LIKE 'abc%' AND ": what a pattern begins with is found by every other collation. */
static void
append_indexed_like(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    const IdcMysqlRemote *remote = plain_text_column(sql, expr->args[0], input);
    const IdcExpr *pattern = expr->args[1];

    if (remote == NULL || has_wrong_range(remote) || !has_characters_of(remote, pattern) ||
        pattern->text[0] == '%' || pattern->text[0] == '_' || pattern->text[0] == '\0')
        return;
    idc_text_append_format(text, "%s LIKE ", input[expr->args[0]->index].sql);
    append_pattern(sql, pattern, text);
    idc_text_append(text, " ESCAPE '|' AND ");
}

bool
idc_mysql_like(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
               IdcText *text)
{
    if (expr->op == 1) {
        append_caseless(sql, expr->args[0], expr->args[1]->text, true, input, text);
        return true;
    }
    idc_text_append_char(text, '(');
    if (place == IDC_SQL_CONDITION)
        append_indexed_like(sql, expr, input, text);
    idc_sql_expr(sql, expr->args[0], input, IDC_SQL_VALUE, text);
    idc_text_append(text, " LIKE ");
    append_pattern(sql, expr->args[1], text);
    idc_text_append(text, " ESCAPE '|')");
    return true;
}
