/*
 * declare_dialect.c - what SQLite says in its own words.
 *
 * Comparisons of texts name their collation, because a column may have another one. Raw columns
 * are compared as they are, so that an index serves, beside a guard that raises an error for values
 * of another type; where that would not do (columns of numeric affinity turn texts into numbers;
 * values that are to become NULL) the value goes through a function.
 */
#include "adapters/sqlite/sqlite.h"

#include <string.h>
#include <strings.h>

/* More constants of a list go over as one JSON array. */
enum { LIST_MOST = 32 };

static void
append_table(const IdcSql *sql, const IdcRelation *scan, IdcText *text)
{
    const char *name = idc_option_value(&scan->options, "table");

    if (scan->native != NULL)
        idc_text_append_format(text, "(%s)", scan->native);
    else
        idc_sql_identifier(sql, name == NULL ? scan->name : name, text);
}

static const char *
column_name(const IdcRelationColumn *column)
{
    const char *name = idc_option_value(&column->options, "column");

    return name == NULL ? column->name : name;
}

static void
append_raw(const IdcSql *sql, const IdcSqlColumn *column, IdcSqlPlace place, IdcText *text)
{
    bool is_plain =
        sql->is_explain || (place == IDC_SQL_CONDITION && !sql->raws[column->raw].is_wrapped);

    if (is_plain)
        idc_text_append(text, column->sql);
    else
        idc_text_append_format(text, "instant_value(%s, %d)", column->sql, column->raw);
}

static bool
append_guard(const IdcSql *sql, const IdcSqlColumn *column, IdcText *text)
{
    if (sql->raws[column->raw].is_wrapped)
        return false;
    idc_text_append_format(text, " AND instant_ok(%s, %d)", column->sql, column->raw);
    return true;
}

static const char *
binary(IdcType type)
{
    IdcSqliteClass class = idc_sqlite_class(type);

    return class == IDC_SQLITE_TEXT || class == IDC_SQLITE_DATE ? " COLLATE BINARY" : "";
}

static const char *
collate(IdcType type, IdcCollation by, bool is_order)
{
    (void) by;
    (void) is_order;
    return binary(type);
}

static void
append_bound(IdcSql *sql, const char *bound, IdcText *text)
{
    IdcSqlBind bind = { .type = { IDC_TYPE_TEXT, -1 }, .text = bound };

    sql->is_broken |= bound == NULL;
    idc_sql_bind(sql, &bind, text);
    idc_text_append(text, " COLLATE BINARY");
}

/* A timestamp with time zone may be written in any zone: its date is then a day off, at most. */
static void
append_moment(IdcSql *sql, const IdcExpr *column, int op, const IdcExpr *moment,
              const IdcSqlColumn *input, IdcText *text)
{
    int slack = moment->type.oid == IDC_TYPE_TIMESTAMPTZ ? 1 : 0;
    bool has_lower = op == IDC_GT || op == IDC_GE || op == IDC_EQ;
    bool has_upper = op == IDC_LT || op == IDC_LE || op == IDC_EQ;

    idc_text_append_char(text, '(');
    if (has_lower) {
        idc_sql_expr(sql, column, input, IDC_SQL_CONDITION, text);
        idc_text_append(text, " >= ");
        append_bound(sql, idc_sqlite_moved_bound(sql->arena, moment->text, -slack), text);
    }
    if (has_lower && has_upper)
        idc_text_append(text, " AND ");
    if (has_upper) {
        idc_sql_expr(sql, column, input, IDC_SQL_CONDITION, text);
        idc_text_append(text, " < ");
        append_bound(sql, idc_sqlite_moved_bound(sql->arena, moment->text, 1 + slack), text);
    }
    idc_text_append_char(text, ')');
}

static bool
is_nan(const IdcExpr *expr)
{
    return expr->kind == IDC_EXPR_CONSTANT && expr->text != NULL &&
           idc_sqlite_class(expr->type) == IDC_SQLITE_REAL && strcasecmp(expr->text, "NaN") == 0;
}

/*
 * No REAL of SQLite is NaN. (As a parameter NaN is a text, above all numbers. That would do here
 * too, but SQLite puts the parameter into the guards of a column that must be equal to it.)
 */
static bool
append_equal_nan(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                 IdcText *text)
{
    const IdcExpr *other = is_nan(expr->args[0]) ? expr->args[1] : expr->args[0];

    if (expr->op == IDC_NOT_DISTINCT) {
        idc_text_append(text, "(1 = 0)");
        return true;
    }
    idc_text_append_char(text, '(');
    idc_sql_expr(sql, other, input, place, text);
    idc_text_append(text, " < -9e999)");
    return true;
}

static bool
append_compare(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
               IdcText *text)
{
    const IdcExpr *left = expr->args[0], *right = expr->args[1];
    bool is_distinct = expr->op == IDC_DISTINCT || expr->op == IDC_NOT_DISTINCT;

    if (idc_sqlite_is_moment(left->type) && !sql->is_explain) {
        bool is_column_left = left->kind == IDC_EXPR_COLUMN;
        const IdcExpr *moment = is_column_left ? right : left;

        if (moment->kind != IDC_EXPR_CONSTANT)
            return false;
        if (moment->text == NULL)
            idc_text_append(text, "NULL");
        else
            append_moment(sql, is_column_left ? left : right,
                          is_column_left ? expr->op
                                         : (int) idc_compare_turned((IdcCompare) expr->op),
                          moment, input, text);
        return true;
    }
    if ((expr->op == IDC_EQ || expr->op == IDC_NOT_DISTINCT) && !sql->is_explain &&
        is_nan(left) != is_nan(right))
        return append_equal_nan(sql, expr, input, place, text);
    if (!is_distinct)
        return false;
    idc_text_append_char(text, '(');
    idc_sql_expr(sql, left, input, place, text);
    idc_text_append(text, expr->op == IDC_DISTINCT ? " IS NOT " : " IS ");
    idc_sql_expr(sql, right, input, place, text);
    idc_text_append(text, binary(left->type));
    idc_text_append_char(text, ')');
    return true;
}

/* json_each yields numbers as numbers and strings as texts. */
static bool
append_long_list(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                 IdcText *text)
{
    IdcSqlBind bind = { .type = expr->args[0]->type,
                        .list = expr->args + 1,
                        .list_count = expr->arg_count - 1 };
    IdcSqliteClass class = idc_sqlite_class(bind.type);

    if (expr->arg_count <= LIST_MOST || sql->is_explain ||
        (class != IDC_SQLITE_INTEGER && class != IDC_SQLITE_TEXT && class != IDC_SQLITE_DATE))
        return false;
    for (size_t i = 1; i < expr->arg_count; i++)
        if (expr->args[i]->kind != IDC_EXPR_CONSTANT)
            return false;
    idc_text_append_char(text, '(');
    idc_sql_expr(sql, expr->args[0], input, place, text);
    idc_text_append_format(text, "%s IN (SELECT value FROM json_each(", binary(bind.type));
    idc_sql_bind(sql, &bind, text);
    idc_text_append(text, ")))");
    return true;
}

static void
append_starts_with(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                   IdcText *text)
{
    idc_text_append(text, "(substr(");
    idc_sql_expr(sql, expr->args[0], input, place, text);
    idc_text_append(text, ", 1, length(");
    idc_sql_expr(sql, expr->args[1], input, place, text);
    idc_text_append(text, ")) = ");
    idc_sql_expr(sql, expr->args[1], input, place, text);
    idc_text_append(text, " COLLATE BINARY)");
}

static bool
append_function(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
                IdcText *text)
{
    switch (expr->op) {
    case IDC_FN_STRPOS:
        idc_sql_call(sql, "instr", expr, input, place, text);
        return true;
    case IDC_FN_STARTS_WITH:
        append_starts_with(sql, expr, input, place, text);
        return true;
    case IDC_FN_OCTET_LENGTH:
        idc_text_append(text, "length(CAST(");
        idc_sql_expr(sql, expr->args[0], input, place, text);
        idc_text_append(text, " AS BLOB))");
        return true;
    case IDC_FN_LEFT:
        idc_text_append(text, "substr(");
        idc_sql_expr(sql, expr->args[0], input, place, text);
        idc_text_append(text, ", 1, ");
        idc_sql_expr(sql, expr->args[1], input, place, text);
        idc_text_append_char(text, ')');
        return true;
    default:
        return false;
    }
}

/* Of integers: a result that is none of the type is an error. */
static void
append_sum(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
           IdcText *text)
{
    static const char *const operators[] = {
        [IDC_ADD] = " + ", [IDC_SUBTRACT] = " - ", [IDC_MULTIPLY] = " * ", [IDC_NEGATE] = "-"
    };
    int bytes = expr->type.oid == IDC_TYPE_INT2 ? 2 : expr->type.oid == IDC_TYPE_INT4 ? 4 : 8;

    idc_text_append(text, sql->is_explain ? "(" : "instant_int(");
    if (expr->arg_count == 2)
        idc_sql_expr(sql, expr->args[0], input, place, text);
    idc_text_append(text, operators[expr->op]);
    idc_sql_expr(sql, expr->args[expr->arg_count - 1], input, place, text);
    if (!sql->is_explain)
        idc_text_append_format(text, ", %d", bytes);
    idc_text_append_char(text, ')');
}

static bool
append_expr(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input, IdcSqlPlace place,
            IdcText *text)
{
    switch (expr->kind) {
    case IDC_EXPR_COMPARE:
        return append_compare(sql, expr, input, place, text);
    case IDC_EXPR_IN:
        return append_long_list(sql, expr, input, place, text);
    case IDC_EXPR_ARITHMETIC:
        append_sum(sql, expr, input, place, text);
        return true;
    case IDC_EXPR_FUNCTION:
        return append_function(sql, expr, input, place, text);
    case IDC_EXPR_CAST:
        if (idc_sqlite_class(expr->type) != IDC_SQLITE_REAL)
            return false;
        idc_text_append(text, "CAST(");
        idc_sql_expr(sql, expr->args[0], input, place, text);
        idc_text_append(text, " AS REAL)");
        return true;
    default:
        return false;
    }
}

/* AND of booleans is the least of 0 and 1, OR the greatest. */
static bool
append_aggregate(IdcSql *sql, const IdcAggregate *aggregate, const IdcSqlColumn *input,
                 IdcText *text)
{
    if (aggregate->kind != IDC_AGG_BOOL_AND && aggregate->kind != IDC_AGG_BOOL_OR)
        return false;
    idc_text_append(text, aggregate->kind == IDC_AGG_BOOL_AND ? "min(" : "max(");
    idc_sql_expr(sql, aggregate->arg, input, IDC_SQL_VALUE, text);
    idc_text_append_char(text, ')');
    return true;
}

const IdcSqlDialect idc_sqlite_dialect = {
    .quote = '"',
    .no_limit = "-1",
    .always = "1",
    .table = append_table,
    .column_name = column_name,
    .raw = append_raw,
    .guard = append_guard,
    .expr = append_expr,
    .collate = collate,
    .aggregate = append_aggregate,
};
