/*
 * declare_push.c - which nodes of a relation MySQL answers exactly as PostgreSQL would.
 */
#include "adapters/mysql/mysql.h"

static const char WHY_TYPE[] = "MySQL has no such type, or compares it otherwise";
static const char WHY_AGGREGATE[] = "MySQL's aggregate has another result, or one that depends on "
                                    "the order of the rows";
static const char WHY_JOIN[] = "MySQL has no full joins";
static const char WHY_NATIVE[] = "the request is the user's own";
static const char WHY_CASE[] = "MySQL knows other upper and lower case letters";
static const char WHY_LENGTH[] = "MySQL sorts by the first 1024 bytes of a text (option "
                                 "remote_type says how long it can be)";
static const char WHY_CONSTANT[] = "a constant as a key means the number of a column in MySQL";

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
        if (idc_mysql_is_exact(relation->exprs[i], relation->input, why))
            continue;
        if (!idc_mysql_is_superset(relation->exprs[i], relation->input, why))
            return IDC_PUSH_NO;
        *why = WHY_CASE;
        push = IDC_PUSH_SUPERSET;
    }
    return push;
}

static bool
project_is_exact(const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->expr_count; i++) {
        const IdcExpr *expr = relation->exprs[i];

        if (expr->kind != IDC_EXPR_COLUMN && (!idc_mysql_is_exact(expr, relation->input, why) ||
                                              !idc_mysql_can_show(expr, relation->input, why)))
            return false;
    }
    return true;
}

/* ---- groups ---- */

static bool
is_value(const IdcExpr *expr)
{
    return expr->kind == IDC_EXPR_CONSTANT || expr->kind == IDC_EXPR_PARAMETER;
}

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
        return aggregate->kind == IDC_AGG_COUNT_ROWS || idc_mysql_refuse(why, WHY_AGGREGATE);
    if (aggregate->kind == IDC_AGG_COUNT && !aggregate->is_distinct &&
        arg->kind == IDC_EXPR_COLUMN) {
        IdcMysqlOrigin origin = idc_mysql_origin(input, (size_t) arg->index);

        return idc_mysql_fits(&origin) || idc_mysql_refuse(why, WHY_AGGREGATE);
    }
    if (!idc_mysql_is_exact(arg, input, why))
        return false;
    switch (aggregate->kind) {
    case IDC_AGG_COUNT:
        return !aggregate->is_distinct || idc_mysql_can_equal(arg->type, aggregate->collation, why);
    case IDC_AGG_SUM:
    case IDC_AGG_AVG:
        return sum_is_exact(aggregate, input) || idc_mysql_refuse(why, WHY_AGGREGATE);
    case IDC_AGG_MIN:
    case IDC_AGG_MAX:
        return idc_mysql_class(arg->type) != IDC_MYSQL_CLASS_BPCHAR &&
               idc_mysql_can_show(arg, input, why) &&
               idc_mysql_can_order(arg->type, aggregate->collation, why);
    case IDC_AGG_BOOL_AND:
    case IDC_AGG_BOOL_OR:
        return true;
    default:
        return idc_mysql_refuse(why, WHY_AGGREGATE);
    }
}

/* Zero has two signs in double precision; which of the equal ones comes out? */
static bool
key_is_exact(const IdcExpr *key, const IdcRelation *input, const char **why)
{
    if (is_value(key))
        return idc_mysql_refuse(why, WHY_CONSTANT);
    if (is_float(key->type) || idc_mysql_class(key->type) == IDC_MYSQL_CLASS_UUID)
        return idc_mysql_refuse(why, WHY_TYPE);
    return idc_mysql_is_exact(key, input, why) && idc_mysql_can_show(key, input, why) &&
           idc_mysql_can_equal(key->type, key->collation, why);
}

static bool
group_is_exact(const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->expr_count; i++)
        if (!key_is_exact(relation->exprs[i], relation->input, why))
            return false;
    for (size_t i = 0; i < relation->aggregate_count; i++)
        if (!aggregate_is_exact(&relation->aggregates[i], relation->input, why))
            return false;
    return true;
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
        if (origin.expr != NULL && is_value(origin.expr))
            return idc_mysql_refuse(why, WHY_CONSTANT);
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
sort_is_exact(const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->sort_key_count; i++) {
        const IdcSortKey *key = &relation->sort_keys[i];

        if (is_value(key->expr))
            return idc_mysql_refuse(why, WHY_CONSTANT);
        if (!idc_mysql_is_exact(key->expr, relation->input, why) ||
            !idc_mysql_can_order(key->expr->type, key->collation, why))
            return false;
        if (!is_short(key->expr, relation->input))
            return idc_mysql_refuse(why, WHY_LENGTH);
    }
    return true;
}

static bool
join_is_exact(const IdcRelation *relation, const char **why)
{
    if (relation->join == IDC_JOIN_FULL)
        return idc_mysql_refuse(why, WHY_JOIN);
    if (idc_relation_base(relation->right)->native != NULL)
        return idc_mysql_refuse(why, WHY_NATIVE);
    for (size_t i = 0; i < relation->expr_count; i++)
        if (!idc_mysql_is_exact(relation->exprs[i], relation, why))
            return false;
    return true;
}

IdcPush
idc_mysql_can_push(const IdcPushQuestion *question, const char **why)
{
    const IdcRelation *relation = question->relation;

    *why = NULL;
    if (relation->kind == IDC_REL_SCAN)
        return IDC_PUSH_EXACT;
    if (idc_relation_base(relation)->native != NULL)
        return push_if(idc_mysql_refuse(why, WHY_NATIVE));
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
