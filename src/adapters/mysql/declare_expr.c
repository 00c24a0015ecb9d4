/*
 * declare_expr.c - values in MySQL's own words.
 */
#include "adapters/mysql/mysql.h"

#include <string.h>

/* ---- texts ---- */

static void
append_stripped(const char *value, IdcText *text)
{
    size_t len = strlen(value);
    IdcText stripped;

    while (len > 0 && value[len - 1] == ' ')
        len--;
    idc_text_init(&stripped, 0);
    idc_text_append_len(&stripped, value, len);
    idc_mysql_bytes_literal(idc_text_string(&stripped), text);
    idc_text_done(&stripped);
}

static const IdcMysqlRemote *
remote_of(const IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input)
{
    if (expr->kind != IDC_EXPR_COLUMN || input[expr->index].raw < 0)
        return NULL;
    return sql->raws[input[expr->index].raw].remote;
}

/* Without a collation, which means nothing to the cast. */
static bool
append_raw_bytes(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    const IdcMysqlRemote *remote = remote_of(sql, expr, input);
    const char *column;

    if (expr->kind != IDC_EXPR_COLUMN || input[expr->index].raw < 0 ||
        idc_mysql_class(expr->type) != IDC_MYSQL_CLASS_TEXT)
        return false;
    column = input[expr->index].sql;
    if (remote != NULL && (remote->kind == IDC_MYSQL_BINARY || remote->kind == IDC_MYSQL_BLOB))
        idc_text_append(text, column);
    else if (remote != NULL && remote->collation != NULL &&
             strncmp(remote->collation, "utf8mb4_", strlen("utf8mb4_")) == 0 &&
             (remote->kind == IDC_MYSQL_CHAR || remote->kind == IDC_MYSQL_TEXT))
        idc_text_append_format(text, "CAST(%s AS BINARY)", column);
    else if (remote != NULL && remote->kind != IDC_MYSQL_CHAR && remote->kind != IDC_MYSQL_TEXT &&
             remote->kind != IDC_MYSQL_ENUM && remote->kind != IDC_MYSQL_SET)
        return false;
    else
        idc_text_append_format(text, "CAST(CONVERT(%s USING utf8mb4) AS BINARY)", column);
    return true;
}

void
idc_mysql_bytes(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    bool is_bpchar = idc_mysql_class(expr->type) == IDC_MYSQL_CLASS_BPCHAR;

    if (expr->kind == IDC_EXPR_CONSTANT && expr->text == NULL)
        idc_text_append(text, "NULL");
    else if (expr->kind == IDC_EXPR_CONSTANT && is_bpchar)
        append_stripped(expr->text, text);
    else if (expr->kind == IDC_EXPR_CONSTANT)
        idc_mysql_bytes_literal(expr->text, text);
    else if (expr->kind == IDC_EXPR_COLUMN && input[expr->index].raw < 0 &&
             input[expr->index].form == IDC_MYSQL_FORM_BYTES)
        idc_text_append(text, input[expr->index].sql);
    else if (!append_raw_bytes(sql, expr, input, text)) {
        idc_text_append(text, "CAST(");
        idc_sql_expr(sql, expr, input, IDC_SQL_VALUE, text);
        idc_text_append(text, " AS BINARY)");
    }
}

/* ---- errors that PostgreSQL would raise ---- */

/*
 * MySQL has no way to raise an error in an expression but one: too large a number. It does that
 * only when it gets there, as long as a column is in it. idc_mysql_sqlstate reads the number.
 */
static void
append_division_by_zero(IdcSql *sql, const IdcExpr *divisor, const IdcSqlColumn *input,
                        IdcText *text)
{
    idc_text_append(text, "9223372036854775807 + (22012 + ABS(");
    idc_sql_expr(sql, divisor, input, IDC_SQL_VALUE, text);
    idc_text_append(text, "))");
}

/* Adding what is between the type and a bigint, and taking it away again, overflows where the type
 * would. */
static const char *
room_above(IdcType type)
{
    return type.oid == IDC_TYPE_INT2   ? "9223372036854743040"
           : type.oid == IDC_TYPE_INT4 ? "9223372034707292160"
                                       : NULL;
}

static void
append_in_range(IdcType type, const IdcText *value, IdcText *text)
{
    const char *room = room_above(type);

    if (room == NULL)
        idc_text_append_format(text, "(%s)", value->data);
    else
        idc_text_append_format(text, "((%s) + %s - %s - %s + %s)", value->data, room, room, room,
                               room);
}

static void
append_value(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    idc_sql_expr(sql, expr, input, IDC_SQL_VALUE, text);
}

static void
append_divisor(IdcSql *sql, const IdcExpr *divisor, const IdcSqlColumn *input, IdcText *text)
{
    if (divisor->kind == IDC_EXPR_CONSTANT) {
        append_value(sql, divisor, input, text);
        return;
    }
    idc_text_append(text, "IF(");
    append_value(sql, divisor, input, text);
    idc_text_append(text, " = 0, ");
    append_division_by_zero(sql, divisor, input, text);
    idc_text_append(text, ", ");
    append_value(sql, divisor, input, text);
    idc_text_append_char(text, ')');
}

bool
idc_mysql_arithmetic(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    static const char *const words[] = {
        [IDC_ADD] = "+",      [IDC_SUBTRACT] = "-", [IDC_MULTIPLY] = "*",
        [IDC_DIVIDE] = "DIV", [IDC_MODULO] = "%",
    };
    bool divides = expr->op == IDC_DIVIDE || expr->op == IDC_MODULO;
    IdcText value;

    idc_text_init(&value, 0);
    if (expr->op == IDC_NEGATE)
        idc_text_append_char(&value, '-');
    append_value(sql, expr->args[0], input, &value);
    if (expr->op != IDC_NEGATE) {
        idc_text_append_format(&value, " %s ", words[expr->op]);
        (divides ? append_divisor : append_value)(sql, expr->args[1], input, &value);
    }
    if (expr->op == IDC_MODULO)
        idc_text_append_format(text, "(%s)", idc_text_string(&value));
    else
        append_in_range(expr->type, &value, text);
    sql->is_broken |= value.is_broken;
    idc_text_done(&value);
    return true;
}

/* ---- functions ---- */

static void
append_arg(IdcSql *sql, const char *before, const IdcExpr *expr, const IdcSqlColumn *input,
           const char *after, IdcText *text)
{
    idc_text_append(text, before);
    idc_sql_expr(sql, expr, input, IDC_SQL_VALUE, text);
    idc_text_append(text, after);
}

static void
append_bytes_arg(IdcSql *sql, const char *before, const IdcExpr *expr, const IdcSqlColumn *input,
                 const char *after, IdcText *text)
{
    idc_text_append(text, before);
    idc_mysql_bytes(sql, expr, input, text);
    idc_text_append(text, after);
}

static void
append_starts_with(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    append_bytes_arg(sql, "(LEFT(", expr->args[0], input, ", LENGTH(", text);
    append_bytes_arg(sql, "", expr->args[1], input, ")) = ", text);
    append_bytes_arg(sql, "", expr->args[1], input, ")", text);
}

/* MySQL's is NULL when one of them is. Two at a time, so that a value is written twice. */
static void
append_greatest(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    const char *name = expr->op == IDC_FN_GREATEST ? "GREATEST" : "LEAST";
    IdcText so_far;

    idc_text_init(&so_far, 0);
    idc_sql_expr(sql, expr->args[0], input, IDC_SQL_VALUE, &so_far);
    for (size_t i = 1; i < expr->arg_count; i++) {
        IdcText next, both;

        idc_text_init(&next, 0);
        idc_text_init(&both, 0);
        idc_sql_expr(sql, expr->args[i], input, IDC_SQL_VALUE, &next);
        idc_text_append_format(&both, "COALESCE(%s(%s, %s), %s, %s)", name,
                               idc_text_string(&so_far), idc_text_string(&next),
                               idc_text_string(&so_far), idc_text_string(&next));
        idc_text_done(&so_far);
        idc_text_done(&next);
        so_far = both;
    }
    idc_text_append(text, idc_text_string(&so_far));
    sql->is_broken |= so_far.is_broken;
    idc_text_done(&so_far);
}

static void
append_nullif(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    IdcExpr equal = *expr;

    equal.kind = IDC_EXPR_COMPARE;
    equal.op = IDC_EQ;
    equal.type = (IdcType){ IDC_TYPE_BOOL, -1 };
    append_arg(sql, "CASE WHEN ", &equal, input, " THEN NULL ELSE ", text);
    append_arg(sql, "", expr->args[0], input, " END", text);
}

static void
append_extract(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    static const char *const fields[][3] = {
        { "year", "YEAR(", ")" },           { "month", "MONTH(", ")" },
        { "day", "DAYOFMONTH(", ")" },      { "quarter", "QUARTER(", ")" },
        { "dow", "(DAYOFWEEK(", ") - 1)" }, { "isodow", "(WEEKDAY(", ") + 1)" },
        { "doy", "DAYOFYEAR(", ")" },       { "hour", "HOUR(", ")" },
        { "minute", "MINUTE(", ")" },
    };
    const char *word = expr->args[0]->text;

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i][0], word) == 0) {
            append_arg(sql, fields[i][1], expr->args[1], input, fields[i][2], text);
            return;
        }
    append_arg(sql, "(SECOND(", expr->args[1], input, ") + MICROSECOND(", text);
    append_arg(sql, "", expr->args[1], input, ") * 0.000001)", text);
}

static void
append_date_trunc(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    static const char *const units[][2] = {
        { "year", "%Y-01-01" },
        { "month", "%Y-%m-01" },
        { "day", "%Y-%m-%d" },
        { "hour", "%Y-%m-%d %H:00:00" },
        { "minute", "%Y-%m-%d %H:%i:00" },
        { "second", "%Y-%m-%d %H:%i:%s" },
    };
    const char *word = expr->args[0]->text;

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(units[i][0], word) == 0) {
            append_arg(sql, "CAST(DATE_FORMAT(", expr->args[1], input, ", '", text);
            idc_text_append_format(text, "%s') AS DATETIME)", units[i][1]);
            return;
        }
    if (strcmp(word, "week") == 0) {
        append_arg(sql, "CAST(DATE(", expr->args[1], input, ") - INTERVAL WEEKDAY(", text);
        append_arg(sql, "", expr->args[1], input, ") DAY AS DATETIME)", text);
        return;
    }
    append_arg(sql, "CAST(CONCAT(DATE_FORMAT(", expr->args[1], input, ", '%Y-'), QUARTER(", text);
    append_arg(sql, "", expr->args[1], input, ") * 3 - 2, '-01') AS DATETIME)", text);
}

/* With just so many digits behind the point. */
static void
append_round(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    const char *places = expr->arg_count == 2 ? expr->args[1]->text : "0";

    append_arg(sql, "CAST(ROUND(", expr->args[0], input, ", ", text);
    idc_text_append_format(text, "%s) AS DECIMAL(%d, %s))", places, IDC_MYSQL_DIGITS_MAX, places);
}

static void
append_abs(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    IdcText value;

    idc_text_init(&value, 0);
    idc_text_append(&value, "ABS(");
    append_value(sql, expr->args[0], input, &value);
    idc_text_append_char(&value, ')');
    append_in_range(expr->type, &value, text);
    idc_text_done(&value);
}

bool
idc_mysql_function(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    static const char *const names[IDC_FN_COUNT] = {
        [IDC_FN_LENGTH] = "CHAR_LENGTH", [IDC_FN_SUBSTRING] = "SUBSTRING",
        [IDC_FN_LEFT] = "LEFT",          [IDC_FN_RIGHT] = "RIGHT",
        [IDC_FN_TRIM] = "TRIM",          [IDC_FN_LTRIM] = "LTRIM",
        [IDC_FN_RTRIM] = "RTRIM",        [IDC_FN_CONCAT] = "CONCAT",
        [IDC_FN_STRPOS] = "INSTR",       [IDC_FN_CEIL] = "CEILING",
        [IDC_FN_FLOOR] = "FLOOR",        [IDC_FN_SIGN] = "SIGN",
        [IDC_FN_DATE] = "DATE",
    };

    switch (expr->op) {
    case IDC_FN_OCTET_LENGTH:
        append_bytes_arg(sql, "LENGTH(", expr->args[0], input, ")", text);
        return true;
    case IDC_FN_MD5:
        append_bytes_arg(sql, "MD5(", expr->args[0], input, ")", text);
        return true;
    case IDC_FN_REPLACE:
        append_bytes_arg(sql, "CONVERT(REPLACE(", expr->args[0], input, ", ", text);
        append_bytes_arg(sql, "", expr->args[1], input, ", ", text);
        append_bytes_arg(sql, "", expr->args[2], input, ") USING utf8mb4) COLLATE utf8mb4_bin",
                         text);
        return true;
    case IDC_FN_STARTS_WITH:
        append_starts_with(sql, expr, input, text);
        return true;
    case IDC_FN_GREATEST:
    case IDC_FN_LEAST:
        append_greatest(sql, expr, input, text);
        return true;
    case IDC_FN_NULLIF:
        append_nullif(sql, expr, input, text);
        return true;
    case IDC_FN_EXTRACT:
        append_extract(sql, expr, input, text);
        return true;
    case IDC_FN_DATE_TRUNC:
        append_date_trunc(sql, expr, input, text);
        return true;
    case IDC_FN_ABS:
        append_abs(sql, expr, input, text);
        return true;
    case IDC_FN_ROUND:
        append_round(sql, expr, input, text);
        return true;
    case IDC_FN_TRUNC:
        append_arg(sql, "TRUNCATE(", expr->args[0], input, ", 0)", text);
        return true;
    default:
        if (names[expr->op] == NULL)
            return false;
        idc_sql_call(sql, names[expr->op], expr, input, IDC_SQL_VALUE, text);
        return true;
    }
}

/* numeric(p,s), or the digits of the integer that is converted. */
static void
append_decimal(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    IdcExpr type = { .kind = IDC_EXPR_IN, /* anything that is what its type says */
                     .type = expr->type.modifier >= 0 ? expr->type : expr->args[0]->type };
    IdcMysqlShape shape = idc_mysql_shape(&type, NULL);

    append_arg(sql, "CAST(", expr->args[0], input, " AS DECIMAL(", text);
    idc_text_append_format(text, "%d, %d))", shape.before + shape.scale, shape.scale);
}

bool
idc_mysql_cast(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    const IdcExpr *arg = expr->args[0];
    IdcMysqlClass from = idc_mysql_class(arg->type), to = idc_mysql_class(expr->type);

    if (to == IDC_MYSQL_CLASS_DOUBLE && from != IDC_MYSQL_CLASS_DOUBLE &&
        from != IDC_MYSQL_CLASS_FLOAT)
        append_arg(sql, "(", arg, input, " + 0e0)", text);
    else if (to == IDC_MYSQL_CLASS_BOOL)
        append_arg(sql, "(", arg, input, " <> 0)", text);
    else if (to == IDC_MYSQL_CLASS_TEXT && from == IDC_MYSQL_CLASS_INTEGER)
        append_arg(sql, "CONVERT(", arg, input, " + 0 USING utf8mb4) COLLATE utf8mb4_bin", text);
    else if (to == IDC_MYSQL_CLASS_MOMENT)
        append_arg(sql, "CAST(", arg, input, " AS DATETIME)", text);
    else if (to == IDC_MYSQL_CLASS_NUMERIC &&
             (from == IDC_MYSQL_CLASS_INTEGER || expr->type.modifier >= 0))
        append_decimal(sql, expr, input, text);
    else
        return false;
    return true;
}
