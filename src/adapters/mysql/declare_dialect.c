/*
 * declare_dialect.c - a SELECT as MySQL and MariaDB read it.
 *
 * Texts are compared, grouped and sorted as binary strings of UTF-8, so they come out as such.
 */
#include "adapters/mysql/mysql.h"

#include <string.h>

static void
append_table(const IdcSql *sql, const IdcRelation *scan, IdcText *text)
{
    const char *database = idc_mysql_option(&scan->options, "database");
    const char *table = idc_mysql_option(&scan->options, "table");

    if (scan->native != NULL) {
        idc_text_append_format(text, "(%s)", scan->native);
        return;
    }
    if (database != NULL) {
        idc_sql_identifier(sql, database, text);
        idc_text_append_char(text, '.');
    }
    idc_sql_identifier(sql, table == NULL ? scan->name : table, text);
}

static const char *
column_name(const IdcRelationColumn *column)
{
    const char *name = idc_mysql_option(&column->options, "column");

    return name == NULL ? column->name : name;
}

static const char *
collate(IdcType type, IdcCollation by, bool is_order)
{
    (void) type;
    (void) by;
    (void) is_order;
    return "";
}

/* ---- expressions ---- */

static void
append_not(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    idc_text_append(text, "(NOT ");
    idc_sql_expr(sql, expr->args[0], input, IDC_SQL_VALUE, text);
    idc_text_append_char(text, ')');
}

/* NULL is NULL for every type; what is no date is NULL too. */
static void
append_is_null(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    const IdcExpr *arg = expr->args[0];
    IdcMysqlClass class = idc_mysql_class(arg->type);
    bool is_moment = class == IDC_MYSQL_CLASS_DATE || class == IDC_MYSQL_CLASS_MOMENT;

    idc_text_append_char(text, '(');
    if (arg->kind == IDC_EXPR_COLUMN && !is_moment)
        idc_text_append(text, input[arg->index].sql);
    else
        idc_sql_expr(sql, arg, input, IDC_SQL_VALUE, text);
    idc_text_append(text, " IS NULL)");
}

static void
append_is_true(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    idc_text_append_char(text, '(');
    idc_sql_expr(sql, expr->args[0], input, IDC_SQL_VALUE, text);
    idc_text_append(text, expr->op == 0 ? " IS TRUE)" : " IS FALSE)");
}

/* Where a bpchar stands as a value, its blanks do not count. */
static bool
append_bpchar_constant(const IdcExpr *expr, IdcText *text)
{
    IdcText stripped;
    size_t len;

    if (idc_mysql_class(expr->type) != IDC_MYSQL_CLASS_BPCHAR || expr->text == NULL)
        return false;
    len = strlen(expr->text);
    while (len > 0 && expr->text[len - 1] == ' ')
        len--;
    idc_text_init(&stripped, 0);
    idc_text_append_len(&stripped, expr->text, len);
    idc_mysql_text_literal(idc_text_string(&stripped), text);
    idc_text_done(&stripped);
    return true;
}

static void
append_constant(IdcSql *sql, const IdcExpr *constant, IdcText *text)
{
    if (!append_bpchar_constant(constant, text))
        idc_mysql_constant(sql, constant, text);
}

static bool
append_column(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    const IdcSqlColumn *column = &input[expr->index];

    if (column->raw >= 0)
        idc_mysql_raw(sql, column, expr->type, text);
    else if (column->form == IDC_MYSQL_FORM_BYTES)
        idc_text_append_format(text, "CONVERT(%s USING utf8mb4) COLLATE utf8mb4_bin", column->sql);
    else
        idc_text_append(text, column->sql);
    return true;
}

static bool
append_expr(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
            IdcText *text)
{
    switch (expr->kind) {
    case IDC_EXPR_COLUMN:
        return append_column(sql, expr, input, text);
    case IDC_EXPR_NOT:
        append_not(sql, expr, input, text);
        return true;
    case IDC_EXPR_COMPARE:
        return idc_mysql_compare(sql, expr, input, place, text);
    case IDC_EXPR_IN:
        return idc_mysql_in(sql, expr, input, place, text);
    case IDC_EXPR_LIKE:
        return idc_mysql_like(sql, expr, input, place, text);
    case IDC_EXPR_IS_NULL:
        append_is_null(sql, expr, input, text);
        return true;
    case IDC_EXPR_IS_TRUE:
        append_is_true(sql, expr, input, text);
        return true;
    case IDC_EXPR_ARITHMETIC:
        return idc_mysql_arithmetic(sql, expr, input, text);
    case IDC_EXPR_FUNCTION:
        return idc_mysql_function(sql, expr, input, text);
    case IDC_EXPR_CAST:
        return idc_mysql_cast(sql, expr, input, text);
    case IDC_EXPR_COALESCE:
    case IDC_EXPR_CASE:
        if (place == IDC_SQL_VALUE)
            return false;
        idc_sql_expr(sql, expr, input, IDC_SQL_VALUE, text);
        return true;
    default:
        return false;
    }
}

/* ---- keys and order ---- */

static void
append_key(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    if (idc_mysql_is_textual(expr->type))
        idc_mysql_bytes(sql, expr, input, text);
    else
        idc_sql_expr(sql, expr, input, IDC_SQL_VALUE, text);
}

/* Groups that are found by sorting are told apart by their first 1024 bytes (max_sort_length). */
static void
append_group(IdcSql *sql, const IdcExpr *expr, const char *key, IdcText *text)
{
    bool is_long =
        idc_mysql_is_textual(expr->type) || idc_mysql_class(expr->type) == IDC_MYSQL_CLASS_BYTES;
    bool is_short =
        is_long && expr->type.modifier > 0 && 4 * (expr->type.modifier - 4) <= IDC_MYSQL_SORT_BYTES;

    (void) sql;
    /* MariaDB does not see a decimal become NULL from one sorted row to the next. */
    if (idc_mysql_class(expr->type) == IDC_MYSQL_CLASS_NUMERIC)
        idc_text_append_format(text, "(%s IS NULL), ", key);
    if (is_long && !is_short)
        idc_text_append_format(text, "SHA2(%s, 256)", key);
    else
        idc_text_append(text, key);
}

static void
append_order(IdcSql *sql, const IdcSortKey *sort_key, const char *key, bool is_not_null,
             IdcText *text)
{
    IdcMysqlClass class = idc_mysql_class(sort_key->expr->type);
    bool may_be_null =
        !is_not_null || class == IDC_MYSQL_CLASS_DATE || class == IDC_MYSQL_CLASS_MOMENT;
    /* To MySQL NULL is the least of all. */
    bool is_default = sort_key->nulls_first != sort_key->is_descending;

    (void) sql;
    if (may_be_null && !is_default)
        idc_text_append_format(text, "(%s IS NULL)%s, ", key, sort_key->nulls_first ? " DESC" : "");
    idc_text_append_format(text, "%s%s", key, sort_key->is_descending ? " DESC" : "");
}

static int
form_of_key(const IdcExpr *key)
{
    return idc_mysql_is_textual(key->type) ? IDC_MYSQL_FORM_BYTES : IDC_MYSQL_FORM_PLAIN;
}

/* ---- aggregates ---- */

/* The argument for the rows that the FILTER lets pass. */
static void
append_filtered(IdcSql *sql, const IdcAggregate *aggregate, const IdcSqlColumn *input,
                const char *argument, IdcText *text)
{
    if (aggregate->filter == NULL) {
        idc_text_append(text, argument);
        return;
    }
    idc_text_append(text, "CASE WHEN ");
    idc_sql_expr(sql, aggregate->filter, input, IDC_SQL_VALUE, text);
    idc_text_append_format(text, " THEN %s END", argument);
}

static void
append_call(IdcSql *sql, const char *name, const IdcAggregate *aggregate, const IdcSqlColumn *input,
            const char *argument, IdcText *text)
{
    idc_text_append_format(text, "%s(%s", name, aggregate->is_distinct ? "DISTINCT " : "");
    append_filtered(sql, aggregate, input, argument, text);
    idc_text_append_char(text, ')');
}

/* The digits behind the point that PostgreSQL's value of the expression would have. */
static void
append_scale(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcText *text)
{
    IdcMysqlShape shape = idc_mysql_shape(expr, sql->input);
    size_t i = 0;

    if (shape.is_fixed || (expr->kind != IDC_EXPR_CASE && expr->kind != IDC_EXPR_COALESCE)) {
        idc_text_append_format(text, "%d", shape.scale);
        return;
    }
    idc_text_append(text, "CASE");
    if (expr->kind == IDC_EXPR_CASE)
        for (; i + 1 < expr->arg_count; i += 2) {
            idc_text_append(text, " WHEN ");
            idc_sql_expr(sql, expr->args[i], input, IDC_SQL_VALUE, text);
            idc_text_append(text, " THEN ");
            append_scale(sql, expr->args[i + 1], input, text);
        }
    else
        for (; i + 1 < expr->arg_count; i++) {
            idc_text_append(text, " WHEN ");
            idc_sql_expr(sql, expr->args[i], input, IDC_SQL_VALUE, text);
            idc_text_append(text, " IS NOT NULL THEN ");
            append_scale(sql, expr->args[i], input, text);
        }
    idc_text_append(text, " ELSE ");
    append_scale(sql, expr->args[i], input, text);
    idc_text_append(text, " END");
}

/* "sum/count@scale": what PostgreSQL makes of it is done where it is read (declare_finish.c). */
static void
append_unfinished(IdcSql *sql, const IdcAggregate *aggregate, const IdcSqlColumn *input,
                  const char *argument, IdcText *text)
{
    IdcMysqlShape shape = idc_mysql_shape(aggregate->arg, sql->input);
    IdcText scale;

    idc_text_append(text, "CONCAT(");
    append_call(sql, "SUM", aggregate, input, argument, text);
    if (aggregate->kind == IDC_AGG_AVG) {
        idc_text_append(text, ", '/', ");
        append_call(sql, "COUNT", aggregate, input, argument, text);
    }
    if (shape.is_known && !shape.is_fixed) {
        idc_text_init(&scale, 0);
        idc_text_append_format(&scale, "CASE WHEN %s IS NOT NULL THEN ", argument);
        append_scale(sql, aggregate->arg, input, &scale);
        idc_text_append(&scale, " END");
        idc_text_append(text, ", '@', ");
        append_call(sql, "MAX", aggregate, input, idc_text_string(&scale), text);
        idc_text_done(&scale);
    }
    idc_text_append_char(text, ')');
}

static const char *
name_of(IdcAggregateKind kind)
{
    static const char *const names[IDC_AGG_KIND_COUNT] = {
        [IDC_AGG_COUNT_ROWS] = "COUNT", [IDC_AGG_COUNT] = "COUNT", [IDC_AGG_SUM] = "SUM",
        [IDC_AGG_AVG] = "AVG",          [IDC_AGG_MIN] = "MIN",     [IDC_AGG_MAX] = "MAX",
        [IDC_AGG_BOOL_AND] = "MIN",     [IDC_AGG_BOOL_OR] = "MAX",
    };

    return names[kind];
}

bool
idc_mysql_aggregate(IdcSql *sql, const IdcAggregate *aggregate, const IdcSqlColumn *input,
                    IdcText *text)
{
    IdcText argument;

    if (aggregate->arg == NULL && aggregate->filter == NULL)
        return false;
    idc_text_init(&argument, 0);
    if (aggregate->arg == NULL)
        idc_text_append_char(&argument, '1');
    else if (aggregate->kind == IDC_AGG_COUNT && !aggregate->is_distinct &&
             aggregate->arg->kind == IDC_EXPR_COLUMN &&
             idc_mysql_class(aggregate->arg->type) == IDC_MYSQL_CLASS_OTHER)
        idc_text_append(&argument, input[aggregate->arg->index].sql);
    else
        append_key(sql, aggregate->arg, input, &argument);
    if (aggregate->arg != NULL && idc_mysql_is_unfinished(aggregate, sql->input))
        append_unfinished(sql, aggregate, input, idc_text_string(&argument), text);
    else
        append_call(sql, name_of(aggregate->kind), aggregate, input, idc_text_string(&argument),
                    text);
    sql->is_broken |= argument.is_broken;
    idc_text_done(&argument);
    return true;
}

/* Of the input that idc_sql_write is at. */
static int
form_of_aggregate(const IdcSql *sql, const IdcAggregate *aggregate)
{
    if (aggregate->arg != NULL && idc_mysql_is_unfinished(aggregate, sql->input))
        return IDC_MYSQL_FORM_QUOTIENT;
    return (aggregate->kind == IDC_AGG_MIN || aggregate->kind == IDC_AGG_MAX) &&
                   idc_mysql_is_textual(aggregate->arg->type)
               ? IDC_MYSQL_FORM_BYTES
               : IDC_MYSQL_FORM_PLAIN;
}

void
idc_mysql_append_lock(const IdcRelation *scan, const char *share, IdcText *text)
{
    static const char *const waits[IDC_LOCK_WAIT_COUNT] = { "", " SKIP LOCKED", " NOWAIT" };
    bool is_shared = scan->lock == IDC_LOCK_SHARE || scan->lock == IDC_LOCK_KEY_SHARE;

    if (scan->lock != IDC_LOCK_NONE)
        idc_text_append_format(text, " %s%s", is_shared ? share : "FOR UPDATE",
                               waits[scan->lock_wait]);
}

static void
append_lock(const IdcSql *sql, const IdcRelation *scan, IdcText *text)
{
    (void) sql;
    idc_mysql_append_lock(scan, "LOCK IN SHARE MODE", text);
}

const IdcSqlDialect idc_mysql_dialect = {
    .quote = '`',
    .no_limit = "9223372036854775807",
    .always = "1 = 1",
    .table = append_table,
    .column_name = column_name,
    .expr = append_expr,
    .collate = collate,
    .aggregate = idc_mysql_aggregate,
    .writes_filters = true,
    .constant = append_constant,
    .key = append_key,
    .group = append_group,
    .order = append_order,
    .form_of_key = form_of_key,
    .form_of_aggregate = form_of_aggregate,
    .lock = append_lock,
    .nests_joins = true,
    .wraps_having = true,
};
