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
static const char WHY_LIKE[] = "only LIKE with a constant pattern means the same in SQLite";
static const char WHY_JOIN[] = "not every SQLite has full joins";
static const char WHY_NATIVE[] = "the request is the user's own";
static const char WHY_MOMENT[] = "SQLite has timestamps as texts: it narrows by their dates";

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

static bool
refuse(const char **why, const char *reason)
{
    *why = reason;
    return false;
}

/* Equality of texts is that of their bytes for every deterministic collation. */
static bool
can_equal(IdcType type, IdcCollation collation, const char **why)
{
    IdcSqliteClass class = idc_sqlite_class(type);

    if (class == IDC_SQLITE_OTHER)
        return refuse(why, WHY_TYPE);
    if (class == IDC_SQLITE_TEXT && collation != IDC_COLLATION_C &&
        collation != IDC_COLLATION_LOCALE)
        return refuse(why, WHY_COLLATION);
    return true;
}

static bool
can_order(IdcType type, IdcCollation collation, const char **why)
{
    if (idc_sqlite_class(type) == IDC_SQLITE_TEXT && collation != IDC_COLLATION_C)
        return refuse(why, WHY_COLLATION);
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
is_value(const IdcExpr *expr)
{
    return expr->kind == IDC_EXPR_CONSTANT || (expr->kind == IDC_EXPR_PARAMETER && !expr->is_list);
}

static bool
compare_is_exact(const IdcExpr *expr, const char **why)
{
    const IdcExpr *left = expr->args[0], *right = expr->args[1];
    bool is_equality = expr->op == IDC_EQ || expr->op == IDC_NE || expr->op == IDC_DISTINCT ||
                       expr->op == IDC_NOT_DISTINCT;

    if (idc_sqlite_class(left->type) != idc_sqlite_class(right->type))
        return refuse(why, WHY_TYPE);
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
            return refuse(why, WHY_TYPE);
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

    if (expr->op != 0 || !is_value(pattern) ||
        idc_sqlite_class(expr->args[0]->type) != IDC_SQLITE_TEXT ||
        idc_sqlite_class(pattern->type) != IDC_SQLITE_TEXT)
        return refuse(why, WHY_LIKE);
    if (pattern->kind == IDC_EXPR_CONSTANT && pattern->text != NULL &&
        !idc_sqlite_is_pattern(pattern->text))
        return refuse(why, WHY_LIKE);
    return can_equal(expr->args[0]->type, expr->collation, why) && all_exact(expr, why);
}

static bool
is_number_from(const IdcExpr *expr, int64_t least)
{
    int64_t number;

    return expr->kind == IDC_EXPR_CONSTANT && expr->text != NULL &&
           idc_int64_parse(expr->text, &number) && number >= least;
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
        return are_texts(expr, 1) && is_number_from(expr->args[1], 1) &&
               (expr->arg_count == 2 || is_number_from(expr->args[2], 0));
    case IDC_FN_LEFT:
        return are_texts(expr, 1) && is_number_from(expr->args[1], 0);
    default:
        return false;
    }
}

static bool
function_is_exact(const IdcExpr *expr, const char **why)
{
    if (!function_is_known(expr))
        return refuse(why, WHY_FUNCTION);
    if (expr->collation == IDC_COLLATION_LOOSE)
        return refuse(why, WHY_COLLATION);
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
    return refuse(why, WHY_FUNCTION);
}

/* Of these a constant is written as it comes out; others are bounds (dates) or may be NaN. */
static bool
choice_is_exact(const IdcExpr *expr, const char **why)
{
    IdcSqliteClass class = idc_sqlite_class(expr->type);

    if (class != IDC_SQLITE_BOOL && class != IDC_SQLITE_INTEGER && class != IDC_SQLITE_TEXT)
        return refuse(why, WHY_TYPE);
    return all_exact(expr, why);
}

static bool
is_exact(const IdcExpr *expr, const char **why)
{
    switch (expr->kind) {
    case IDC_EXPR_COLUMN:
    case IDC_EXPR_CONSTANT:
    case IDC_EXPR_PARAMETER:
        return idc_sqlite_class(expr->type) != IDC_SQLITE_OTHER || refuse(why, WHY_TYPE);
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
        return refuse(why, WHY_FUNCTION);
    case IDC_EXPR_CAST:
        return cast_is_exact(expr, why);
    case IDC_EXPR_COALESCE:
    case IDC_EXPR_CASE:
        return choice_is_exact(expr, why);
    default:
        return refuse(why, WHY_ARITHMETIC);
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
           ((left->kind == IDC_EXPR_COLUMN && is_value(right)) ||
            (right->kind == IDC_EXPR_COLUMN && is_value(left)));
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

static IdcPush
push_if(bool is_good)
{
    return is_good ? IDC_PUSH_EXACT : IDC_PUSH_NO;
}

static IdcPush
push_filter(const IdcRelation *relation, const char **why)
{
    IdcPush push = IDC_PUSH_EXACT;

    for (size_t i = 0; i < relation->expr_count; i++) {
        if (is_exact(relation->exprs[i], why))
            continue;
        if (!is_superset(relation->exprs[i], why))
            return IDC_PUSH_NO;
        *why = WHY_MOMENT;
        push = IDC_PUSH_SUPERSET;
    }
    return push;
}

static bool
project_is_exact(const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->expr_count; i++) {
        const IdcExpr *expr = relation->exprs[i];
        IdcSqliteClass class = idc_sqlite_class(expr->type);

        if (expr->kind == IDC_EXPR_COLUMN)
            continue;
        /* Constants of these are written for comparisons only. */
        if (class == IDC_SQLITE_DATE || class == IDC_SQLITE_REAL)
            return refuse(why, WHY_TYPE);
        if (!is_exact(expr, why))
            return false;
    }
    return true;
}

static bool
aggregate_is_exact(const IdcAggregate *aggregate, const char **why)
{
    const IdcExpr *arg = aggregate->arg;

    if (aggregate->filter != NULL && !is_exact(aggregate->filter, why))
        return false;
    if (arg == NULL)
        return aggregate->kind == IDC_AGG_COUNT_ROWS || refuse(why, WHY_AGGREGATE);
    if (!is_exact(arg, why))
        return false;
    switch (aggregate->kind) {
    case IDC_AGG_COUNT:
        return !aggregate->is_distinct || can_equal(arg->type, aggregate->collation, why);
    case IDC_AGG_SUM:
        if (arg->type.oid == IDC_TYPE_INT2 || arg->type.oid == IDC_TYPE_INT4)
            return true;
        return refuse(why, WHY_AGGREGATE);
    case IDC_AGG_MIN:
    case IDC_AGG_MAX:
        if (is_value(arg)) /* dates are bounds, and NaN a text */
            return refuse(why, WHY_AGGREGATE);
        return can_order(arg->type, aggregate->collation, why);
    case IDC_AGG_BOOL_AND:
    case IDC_AGG_BOOL_OR:
        return true;
    default:
        return refuse(why, WHY_AGGREGATE);
    }
}

static bool
key_is_exact(const IdcExpr *key, const char **why)
{
    IdcSqliteClass class = idc_sqlite_class(key->type);

    /* Zero has two signs; which of the equal ones comes out? */
    if (class == IDC_SQLITE_REAL)
        return refuse(why, WHY_TYPE);
    if (class == IDC_SQLITE_DATE && key->kind != IDC_EXPR_COLUMN)
        return refuse(why, WHY_TYPE);
    return is_exact(key, why) && can_equal(key->type, key->collation, why);
}

static bool
group_is_exact(const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->expr_count; i++)
        if (!key_is_exact(relation->exprs[i], why))
            return false;
    for (size_t i = 0; i < relation->aggregate_count; i++)
        if (!aggregate_is_exact(&relation->aggregates[i], why))
            return false;
    return true;
}

static bool
distinct_is_exact(const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->column_count; i++) {
        const IdcRelationColumn *column = &relation->columns[i];

        if (idc_sqlite_class(column->type) == IDC_SQLITE_REAL)
            return refuse(why, WHY_TYPE);
        if (!can_equal(column->type, column->collation, why))
            return false;
    }
    return true;
}

static bool
sort_is_exact(const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->sort_key_count; i++) {
        const IdcSortKey *key = &relation->sort_keys[i];

        if (!is_exact(key->expr, why) || !can_order(key->expr->type, key->collation, why))
            return false;
    }
    return true;
}

static bool
join_is_exact(const IdcRelation *relation, const char **why)
{
    if (relation->join == IDC_JOIN_FULL)
        return refuse(why, WHY_JOIN);
    if (idc_relation_base(relation->right)->native != NULL)
        return refuse(why, WHY_NATIVE);
    for (size_t i = 0; i < relation->expr_count; i++)
        if (!is_exact(relation->exprs[i], why))
            return false;
    return true;
}

IdcPush
idc_sqlite_can_push(const IdcPushQuestion *question, const char **why)
{
    const IdcRelation *relation = question->relation;

    *why = NULL;
    if (relation->kind == IDC_REL_SCAN)
        return IDC_PUSH_EXACT;
    if (idc_relation_base(relation)->native != NULL)
        return push_if(refuse(why, WHY_NATIVE));
    switch (relation->kind) {
    case IDC_REL_FILTER:
        return push_filter(relation, why);
    case IDC_REL_PROJECT:
        return push_if(project_is_exact(relation, why));
    case IDC_REL_AGGREGATE:
        return push_if(group_is_exact(relation, why));
    case IDC_REL_DISTINCT:
        return push_if(distinct_is_exact(relation, why));
    case IDC_REL_SORT:
        return push_if(sort_is_exact(relation, why));
    case IDC_REL_JOIN:
        return push_if(join_is_exact(relation, why));
    case IDC_REL_LIMIT:
        return IDC_PUSH_EXACT;
    default:
        return IDC_PUSH_NO;
    }
}
