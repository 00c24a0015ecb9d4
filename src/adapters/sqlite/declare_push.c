/*
 * declare_push.c - what SQLite answers exactly as PostgreSQL would, on values of the declared
 * types.
 *
 * Left to the hub: arithmetic (SQLite's integers become floating-point numbers where PostgreSQL's
 * overflow, and a division by zero is NULL), lower and upper (ASCII only), ILIKE, averages and sums
 * of bigint (numeric in PostgreSQL), sums of floating-point numbers (their order), everything of
 * numeric, and the order of texts but for the collation "C".
 */
#include "adapters/sqlite/sqlite.h"

#include <string.h>
#include <strings.h>

static const char WHY_TYPE[] = "SQLite has no such type";
static const char WHY_COLLATION[] = "SQLite compares texts by bytes";
static const char WHY_ARITHMETIC[] = "SQLite's arithmetic does not fail where PostgreSQL's does";
static const char WHY_FUNCTION[] = "SQLite's function means something else, or there is none";
static const char WHY_AGGREGATE[] = "SQLite's aggregate has another type or another order";
static const char WHY_FIT[] = "what does not fit is NULL (on_error), and SQLite does not know";
static const char WHY_LIKE[] = "only LIKE with a constant pattern means the same in SQLite";

IdcSqliteClass
idc_sqlite_class(IdcType type)
{
    switch (type.oid) {
    case IDC_TYPE_BOOL:
        return IDC_SQLITE_BOOL;
    case IDC_TYPE_INT2:
    case IDC_TYPE_INT4:
    case IDC_TYPE_INT8:
        return IDC_SQLITE_INTEGER;
    case IDC_TYPE_FLOAT8:
        return IDC_SQLITE_REAL;
    case IDC_TYPE_TEXT:
    case IDC_TYPE_VARCHAR:
        return IDC_SQLITE_TEXT;
    case IDC_TYPE_DATE:
        return IDC_SQLITE_DATE;
    case IDC_TYPE_BYTEA:
        return IDC_SQLITE_BLOB;
    default:
        return IDC_SQLITE_OTHER;
    }
}

bool
idc_sqlite_is_moment(IdcType type)
{
    return type.oid == IDC_TYPE_TIMESTAMP || type.oid == IDC_TYPE_TIMESTAMPTZ;
}

/* Equality of texts is that of their bytes for every deterministic collation. */
static bool
can_equal(IdcType type, IdcCollation collation, const char **why)
{
    IdcSqliteClass class = idc_sqlite_class(type);

    if (class == IDC_SQLITE_OTHER)
        return idc_sql_refuse(why, WHY_TYPE);
    if (class == IDC_SQLITE_TEXT && collation != IDC_COLLATION_C &&
        collation != IDC_COLLATION_LOCALE)
        return idc_sql_refuse(why, WHY_COLLATION);
    return true;
}

static bool
can_order(IdcType type, IdcCollation collation, const char **why)
{
    if (idc_sqlite_class(type) == IDC_SQLITE_TEXT && collation != IDC_COLLATION_C)
        return idc_sql_refuse(why, WHY_COLLATION);
    return can_equal(type, collation, why);
}

static bool is_exact(const IdcExpr *expr, const char **why);

bool
idc_sqlite_is_exact(const IdcExpr *expr, const char **why)
{
    return is_exact(expr, why);
}

static bool
all_exact(const IdcExpr *expr, const char **why)
{
    for (size_t i = 0; i < expr->arg_count; i++)
        if (!is_exact(expr->args[i], why))
            return false;
    return true;
}

static bool
compare_is_exact(const IdcExpr *expr, const char **why)
{
    const IdcExpr *left = expr->args[0], *right = expr->args[1];
    bool is_equality = expr->op == IDC_EQ || expr->op == IDC_NE || expr->op == IDC_DISTINCT ||
                       expr->op == IDC_NOT_DISTINCT;

    if (idc_sqlite_class(left->type) != idc_sqlite_class(right->type))
        return idc_sql_refuse(why, WHY_TYPE);
    if (!(is_equality ? can_equal : can_order)(left->type, expr->collation, why))
        return false;
    return all_exact(expr, why);
}

/* NaN has no place in a list: SQLite would take it for a text. */
static bool
is_number(const IdcExpr *expr)
{
    return expr->kind == IDC_EXPR_CONSTANT &&
           (expr->text == NULL || strcasecmp(expr->text, "NaN") != 0);
}

static bool
in_is_exact(const IdcExpr *expr, const char **why)
{
    for (size_t i = 1; i < expr->arg_count; i++) {
        IdcSqliteClass class = idc_sqlite_class(expr->args[i]->type);

        if (class != idc_sqlite_class(expr->args[0]->type) ||
            (class == IDC_SQLITE_REAL && !is_number(expr->args[i])))
            return idc_sql_refuse(why, WHY_TYPE);
    }
    return can_equal(expr->args[0]->type, expr->collation, why) && all_exact(expr, why);
}

bool
idc_sqlite_is_pattern(const char *pattern)
{
    size_t len = strlen(pattern), escapes = 0;

    while (escapes < len && pattern[len - 1 - escapes] == '\\')
        escapes++;
    return escapes % 2 == 0;
}

static bool
like_is_exact(const IdcExpr *expr, const char **why)
{
    const IdcExpr *pattern = expr->args[1];

    if (expr->op != 0 || !idc_expr_is_single_value(pattern) ||
        idc_sqlite_class(expr->args[0]->type) != IDC_SQLITE_TEXT ||
        idc_sqlite_class(pattern->type) != IDC_SQLITE_TEXT)
        return idc_sql_refuse(why, WHY_LIKE);
    if (pattern->kind == IDC_EXPR_CONSTANT && pattern->text != NULL &&
        !idc_sqlite_is_pattern(pattern->text))
        return idc_sql_refuse(why, WHY_LIKE);
    return can_equal(expr->args[0]->type, expr->collation, why) && all_exact(expr, why);
}

static bool
are_texts(const IdcExpr *expr, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (idc_sqlite_class(expr->args[i]->type) != IDC_SQLITE_TEXT)
            return false;
    return true;
}

/* The arguments' numbers are those for which both count alike. */
static bool
function_is_known(const IdcExpr *expr)
{
    switch (expr->op) {
    case IDC_FN_LENGTH:
    case IDC_FN_OCTET_LENGTH:
    case IDC_FN_REPLACE:
    case IDC_FN_CONCAT:
    case IDC_FN_STRPOS:
    case IDC_FN_STARTS_WITH:
        return are_texts(expr, expr->arg_count);
    case IDC_FN_TRIM:
    case IDC_FN_LTRIM:
    case IDC_FN_RTRIM:
        return expr->arg_count == 1 && are_texts(expr, 1);
    case IDC_FN_SUBSTRING:
        return are_texts(expr, 1) && idc_sql_is_number_from(expr->args[1], 1) &&
               (expr->arg_count == 2 || idc_sql_is_number_from(expr->args[2], 0));
    case IDC_FN_LEFT:
        return are_texts(expr, 1) && idc_sql_is_number_from(expr->args[1], 0);
    default:
        return false;
    }
}

static bool
function_is_exact(const IdcExpr *expr, const char **why)
{
    if (!function_is_known(expr))
        return idc_sql_refuse(why, WHY_FUNCTION);
    if (expr->collation == IDC_COLLATION_LOOSE)
        return idc_sql_refuse(why, WHY_COLLATION);
    return all_exact(expr, why);
}

/* Only casts that cannot fail. */
static bool
cast_is_exact(const IdcExpr *expr, const char **why)
{
    const IdcType from = expr->args[0]->type, to = expr->type;
    IdcSqliteClass from_class = idc_sqlite_class(from), to_class = idc_sqlite_class(to);
    bool is_wider = to.oid == IDC_TYPE_INT8 || from.oid == to.oid || from.oid == IDC_TYPE_INT2;

    if ((from_class == IDC_SQLITE_INTEGER && to_class == IDC_SQLITE_INTEGER && is_wider) ||
        (from_class == IDC_SQLITE_INTEGER && to_class == IDC_SQLITE_REAL) ||
        (from_class == IDC_SQLITE_TEXT && to_class == IDC_SQLITE_TEXT && to.modifier < 0))
        return all_exact(expr, why);
    return idc_sql_refuse(why, WHY_FUNCTION);
}

/* Of these a constant is written as it comes out; others are bounds (dates) or may be NaN. */
static bool
choice_is_exact(const IdcExpr *expr, const char **why)
{
    IdcSqliteClass class = idc_sqlite_class(expr->type);

    if (class != IDC_SQLITE_BOOL && class != IDC_SQLITE_INTEGER && class != IDC_SQLITE_TEXT)
        return idc_sql_refuse(why, WHY_TYPE);
    return all_exact(expr, why);
}

static bool
is_exact(const IdcExpr *expr, const char **why)
{
    switch (expr->kind) {
    case IDC_EXPR_COLUMN:
    case IDC_EXPR_CONSTANT:
    case IDC_EXPR_PARAMETER:
        return idc_sqlite_class(expr->type) != IDC_SQLITE_OTHER || idc_sql_refuse(why, WHY_TYPE);
    case IDC_EXPR_AND:
    case IDC_EXPR_OR:
    case IDC_EXPR_NOT:
    case IDC_EXPR_IS_TRUE:
        return all_exact(expr, why);
    case IDC_EXPR_COMPARE:
        return compare_is_exact(expr, why);
    case IDC_EXPR_IN:
        return in_is_exact(expr, why);
    case IDC_EXPR_LIKE:
        return like_is_exact(expr, why);
    case IDC_EXPR_IS_NULL:
        return expr->args[0]->kind == IDC_EXPR_COLUMN || all_exact(expr, why);
    case IDC_EXPR_FUNCTION:
        return function_is_exact(expr, why);
    case IDC_EXPR_CALL:
        return idc_sql_refuse(why, WHY_FUNCTION);
    case IDC_EXPR_CAST:
        return cast_is_exact(expr, why);
    case IDC_EXPR_COALESCE:
    case IDC_EXPR_CASE:
        return choice_is_exact(expr, why);
    default:
        return idc_sql_refuse(why, WHY_ARITHMETIC);
    }
}

/* A column and a value of timestamps, in any order. */
static bool
is_moment_range(const IdcExpr *expr)
{
    const IdcExpr *left, *right;

    if (expr->kind != IDC_EXPR_COMPARE || expr->op == IDC_NE || expr->op > IDC_GE)
        return false;
    left = expr->args[0];
    right = expr->args[1];
    return idc_sqlite_is_moment(left->type) && left->type.oid == right->type.oid &&
           ((left->kind == IDC_EXPR_COLUMN && idc_expr_is_single_value(right)) ||
            (right->kind == IDC_EXPR_COLUMN && idc_expr_is_single_value(left)));
}

/* True for every row for which the expression is. */
static bool
is_superset(const IdcExpr *expr, const char **why)
{
    if (is_moment_range(expr))
        return true;
    if (expr->kind != IDC_EXPR_AND && expr->kind != IDC_EXPR_OR)
        return is_exact(expr, why);
    for (size_t i = 0; i < expr->arg_count; i++)
        if (!is_superset(expr->args[i], why))
            return false;
    return true;
}

/* ---- rules ---- */

static bool
is_lenient(const IdcRelation *relation)
{
    const char *word;

    if (relation == NULL)
        return false;
    if (relation->kind != IDC_REL_SCAN)
        return is_lenient(relation->input) || is_lenient(relation->right);
    word = idc_option_value(&relation->options, "on_error");
    return word != NULL && strcasecmp(word, "null") == 0;
}

/* Whether texts of such types can be read is found out where they are read. */
static bool
asks_for_unread(const IdcExpr *expr)
{
    if (expr->kind == IDC_EXPR_IS_NULL && idc_sqlite_class(expr->args[0]->type) == IDC_SQLITE_OTHER)
        return true;
    for (size_t i = 0; i < expr->arg_count; i++)
        if (asks_for_unread(expr->args[i]))
            return true;
    return false;
}

static bool
knows_nulls(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    return !asks_for_unread(expr) || !is_lenient(input) || idc_sql_refuse(why, WHY_FIT);
}

static bool
rule_exact(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    return is_exact(expr, why) && knows_nulls(expr, input, why);
}

static bool
rule_superset(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    return is_superset(expr, why) && knows_nulls(expr, input, why);
}

/* Constants of dates and floating-point numbers are written for comparisons only. */
static bool
rule_show(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    IdcSqliteClass class = idc_sqlite_class(expr->type);

    if (class == IDC_SQLITE_DATE || class == IDC_SQLITE_REAL)
        return idc_sql_refuse(why, WHY_TYPE);
    return rule_exact(expr, input, why);
}

static bool
rule_aggregate(const IdcAggregate *aggregate, const IdcRelation *input, const char **why)
{
    const IdcExpr *arg = aggregate->arg;

    if (aggregate->filter != NULL && !rule_exact(aggregate->filter, input, why))
        return false;
    if (arg == NULL)
        return aggregate->kind == IDC_AGG_COUNT_ROWS || idc_sql_refuse(why, WHY_AGGREGATE);
    if (!rule_exact(arg, input, why))
        return false;
    switch (aggregate->kind) {
    case IDC_AGG_COUNT:
        return !aggregate->is_distinct || can_equal(arg->type, aggregate->collation, why);
    case IDC_AGG_SUM:
        if (arg->type.oid == IDC_TYPE_INT2 || arg->type.oid == IDC_TYPE_INT4)
            return true;
        return idc_sql_refuse(why, WHY_AGGREGATE);
    case IDC_AGG_MIN:
    case IDC_AGG_MAX:
        if (idc_expr_is_single_value(arg)) /* dates are bounds, and NaN a text */
            return idc_sql_refuse(why, WHY_AGGREGATE);
        return can_order(arg->type, aggregate->collation, why);
    case IDC_AGG_BOOL_AND:
    case IDC_AGG_BOOL_OR:
        return true;
    default:
        return idc_sql_refuse(why, WHY_AGGREGATE);
    }
}

static bool
rule_group(const IdcExpr *key, const IdcRelation *input, const char **why)
{
    IdcSqliteClass class = idc_sqlite_class(key->type);

    /* Zero has two signs; which of the equal ones comes out? */
    if (class == IDC_SQLITE_REAL)
        return idc_sql_refuse(why, WHY_TYPE);
    if (class == IDC_SQLITE_DATE && key->kind != IDC_EXPR_COLUMN)
        return idc_sql_refuse(why, WHY_TYPE);
    return rule_exact(key, input, why) && can_equal(key->type, key->collation, why);
}

static bool
rule_distinct(const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->column_count; i++) {
        const IdcRelationColumn *column = &relation->columns[i];

        if (idc_sqlite_class(column->type) == IDC_SQLITE_REAL)
            return idc_sql_refuse(why, WHY_TYPE);
        if (!can_equal(column->type, column->collation, why))
            return false;
    }
    return true;
}

static bool
rule_sort(const IdcSortKey *key, const IdcRelation *input, const char **why)
{
    return rule_exact(key->expr, input, why) && can_order(key->expr->type, key->collation, why);
}

IdcPush
idc_sqlite_can_push(const IdcPushQuestion *question, const char **why)
{
    static const IdcSqlRules rules = {
        .is_exact = rule_exact,
        .is_superset = rule_superset,
        .why_superset = "SQLite has timestamps as texts: it narrows by their dates",
        .can_show = rule_show,
        .can_group = rule_group,
        .aggregate = rule_aggregate,
        .distinct = rule_distinct,
        .sort_key = rule_sort,
        .why_full_join = "not every SQLite has full joins",
    };

    return idc_sql_can_push(&rules, question, why);
}
