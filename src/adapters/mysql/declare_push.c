/*
 * declare_push.c - which nodes of a relation MySQL answers exactly as PostgreSQL would.
 */
#include "adapters/mysql/mysql.h"

static const char WHY_TYPE[] = "MySQL has no such type, or compares it otherwise";
static const char WHY_AGGREGATE[] = "MySQL's aggregate has another result, or one that depends on "
                                    "the order of the rows";
static const char WHY_LENGTH[] = "MySQL sorts by the first 1024 bytes of a text (option "
                                 "remote_type says how long it can be)";
static const char WHY_EARLY[] =
    "MySQL may sort one table's rows before it joins them, and an error "
    "of a row that is not joined is none";
static const char WHY_CONSTANT[] = "a constant as a key means the number of a column in MySQL";

static bool
can_show(const IdcExpr *expr, const IdcRelation *input, const char **why)
{
    return idc_mysql_is_exact(expr, input, why) && idc_mysql_can_show(expr, input, why);
}

/* ---- keys of groups and of an order ---- */

static bool key_may_raise(const IdcExpr *key, const IdcRelation *input);

typedef struct Look {
    const IdcRelation *input;
    bool is_there;
} Look;

static bool
look_below(const IdcExpr *expr, void *argument)
{
    Look *look = argument;

    if (expr->kind == IDC_EXPR_COLUMN) {
        IdcMysqlOrigin origin = idc_mysql_origin(look->input, (size_t) expr->index);

        look->is_there |= origin.expr != NULL && key_may_raise(origin.expr, origin.input);
    }
    return !look->is_there;
}

static bool
key_may_raise(const IdcExpr *key, const IdcRelation *input)
{
    Look look = { .input = input, .is_there = idc_mysql_may_raise(key) };

    idc_expr_walk(key, look_below, &look);
    return look.is_there;
}

/* Rows of a join as they are, not groups of them. */
static bool
is_joined(const IdcRelation *relation)
{
    while (relation->kind == IDC_REL_FILTER || relation->kind == IDC_REL_PROJECT ||
           relation->kind == IDC_REL_SORT)
        relation = relation->input;
    return relation->kind == IDC_REL_JOIN;
}

static bool
is_in_time(const IdcExpr *key, const IdcRelation *input, const char **why)
{
    return !is_joined(input) || !key_may_raise(key, input) || idc_sql_refuse(why, WHY_EARLY);
}

/* ---- groups ---- */

static bool
is_float(IdcType type)
{
    IdcMysqlClass class = idc_mysql_class(type);

    return class == IDC_MYSQL_CLASS_FLOAT || class == IDC_MYSQL_CLASS_DOUBLE;
}

static bool
sum_is_exact(const IdcAggregate *aggregate, const IdcRelation *input)
{
    enum { ROWS_DIGITS = 10 };
    const IdcExpr *arg = aggregate->arg;
    IdcMysqlClass class = idc_mysql_class(arg->type);
    IdcMysqlShape shape;

    if (class == IDC_MYSQL_CLASS_INTEGER)
        return true;
    if (class != IDC_MYSQL_CLASS_NUMERIC)
        return false;
    shape = idc_mysql_shape(arg, input);
    if (!shape.is_known)
        return arg->kind == IDC_EXPR_COLUMN;
    if (shape.before + shape.scale + ROWS_DIGITS > IDC_MYSQL_DIGITS_MAX)
        return false;
    /* Of several scales: those of CASE and COALESCE can be written. */
    return shape.is_fixed || arg->kind == IDC_EXPR_CASE || arg->kind == IDC_EXPR_COALESCE;
}

static bool
aggregate_is_exact(const IdcAggregate *aggregate, const IdcRelation *input, const char **why)
{
    const IdcExpr *arg = aggregate->arg;

    if (aggregate->filter != NULL && !idc_mysql_is_exact(aggregate->filter, input, why))
        return false;
    if (arg == NULL)
        return aggregate->kind == IDC_AGG_COUNT_ROWS || idc_sql_refuse(why, WHY_AGGREGATE);
    if (aggregate->kind == IDC_AGG_COUNT && !aggregate->is_distinct &&
        arg->kind == IDC_EXPR_COLUMN) {
        IdcMysqlOrigin origin = idc_mysql_origin(input, (size_t) arg->index);

        return idc_mysql_fits(&origin) || idc_sql_refuse(why, WHY_AGGREGATE);
    }
    if (!idc_mysql_is_exact(arg, input, why))
        return false;
    switch (aggregate->kind) {
    case IDC_AGG_COUNT:
        return !aggregate->is_distinct || idc_mysql_can_equal(arg->type, aggregate->collation, why);
    case IDC_AGG_SUM:
    case IDC_AGG_AVG:
        return sum_is_exact(aggregate, input) || idc_sql_refuse(why, WHY_AGGREGATE);
    case IDC_AGG_MIN:
    case IDC_AGG_MAX:
        return idc_mysql_class(arg->type) != IDC_MYSQL_CLASS_BPCHAR &&
               idc_mysql_can_show(arg, input, why) &&
               idc_mysql_can_order(arg->type, aggregate->collation, why);
    case IDC_AGG_BOOL_AND:
    case IDC_AGG_BOOL_OR:
        return true;
    default:
        return idc_sql_refuse(why, WHY_AGGREGATE);
    }
}

/* Zero has two signs in double precision; which of the equal ones comes out? */
static bool
key_is_exact(const IdcExpr *key, const IdcRelation *input, const char **why)
{
    if (idc_expr_is_value(key))
        return idc_sql_refuse(why, WHY_CONSTANT);
    if (is_float(key->type) || idc_mysql_class(key->type) == IDC_MYSQL_CLASS_UUID)
        return idc_sql_refuse(why, WHY_TYPE);
    return idc_mysql_is_exact(key, input, why) && idc_mysql_can_show(key, input, why) &&
           idc_mysql_can_equal(key->type, key->collation, why) && is_in_time(key, input, why);
}

static bool
distinct_is_exact(const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->column_count; i++) {
        IdcExpr column = { .kind = IDC_EXPR_COLUMN,
                           .index = (int32_t) i,
                           .type = relation->columns[i].type,
                           .collation = relation->columns[i].collation };
        IdcMysqlOrigin origin = idc_mysql_origin(relation->input, i);

        if (!key_is_exact(&column, relation->input, why))
            return false;
        /* DISTINCT is written as groups. */
        if (origin.expr != NULL && idc_expr_is_value(origin.expr))
            return idc_sql_refuse(why, WHY_CONSTANT);
    }
    return true;
}

/* ---- order ---- */

static bool
is_short(const IdcExpr *expr, const IdcRelation *input)
{
    int length;

    if (!idc_mysql_is_textual(expr->type) && idc_mysql_class(expr->type) != IDC_MYSQL_CLASS_BYTES)
        return true;
    length = idc_mysql_length(expr, input);
    return length >= 0 && length <= IDC_MYSQL_SORT_BYTES;
}

static bool
sort_key_is_exact(const IdcSortKey *key, const IdcRelation *input, const char **why)
{
    if (idc_expr_is_value(key->expr))
        return idc_sql_refuse(why, WHY_CONSTANT);
    if (!idc_mysql_is_exact(key->expr, input, why) ||
        !idc_mysql_can_order(key->expr->type, key->collation, why) ||
        !is_in_time(key->expr, input, why))
        return false;
    return is_short(key->expr, input) || idc_sql_refuse(why, WHY_LENGTH);
}

IdcPush
idc_mysql_can_push(const IdcPushQuestion *question, const char **why)
{
    static const IdcSqlRules rules = {
        .is_exact = idc_mysql_is_exact,
        .is_superset = idc_mysql_is_superset,
        .why_superset = "MySQL knows other upper and lower case letters",
        .can_show = can_show,
        .can_group = key_is_exact,
        .aggregate = aggregate_is_exact,
        .distinct = distinct_is_exact,
        .sort_key = sort_key_is_exact,
        .why_full_join = "MySQL has no full joins",
    };

    return idc_sql_can_push(&rules, question, why);
}
