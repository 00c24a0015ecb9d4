/*
 * declare_push.c - which nodes of a relation a source of SQL answers, asked part by part.
 */
#include "adapters/common/declare_push.h"

#include <math.h>

static const char WHY_NATIVE[] = "the request is the user's own";

bool
idc_sql_refuse(const char **why, const char *reason)
{
    *why = reason;
    return false;
}

bool
idc_sql_is_number_from(const IdcExpr *expr, int64_t least)
{
    int64_t number;

    return expr->kind == IDC_EXPR_CONSTANT && expr->text != NULL &&
           idc_int64_parse(expr->text, &number) && number >= least;
}

double
idc_sql_limited_rows(const IdcRelation *relation, double rows)
{
    const double unknown_limit = 100;
    int64_t limit;

    if (relation->limit == NULL)
        return rows;
    if (relation->limit->text == NULL || !idc_int64_parse(relation->limit->text, &limit))
        return fmin(rows, unknown_limit);
    return fmin(rows, (double) limit);
}

/* ---- nodes ---- */

static IdcPush
push_if(bool is_good)
{
    return is_good ? IDC_PUSH_EXACT : IDC_PUSH_NO;
}

static IdcPush
push_filter(const IdcSqlRules *rules, const IdcRelation *relation, const char **why)
{
    IdcPush push = IDC_PUSH_EXACT;

    for (size_t i = 0; i < relation->expr_count; i++) {
        if (rules->is_exact(relation->exprs[i], relation->input, why))
            continue;
        if (!rules->is_superset(relation->exprs[i], relation->input, why))
            return IDC_PUSH_NO;
        *why = rules->why_superset;
        push = IDC_PUSH_SUPERSET;
    }
    return push;
}

static bool
project_is_exact(const IdcSqlRules *rules, const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->expr_count; i++)
        if (relation->exprs[i]->kind != IDC_EXPR_COLUMN &&
            !rules->can_show(relation->exprs[i], relation->input, why))
            return false;
    return true;
}

static bool
group_is_exact(const IdcSqlRules *rules, const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->expr_count; i++)
        if (!rules->can_group(relation->exprs[i], relation->input, why))
            return false;
    for (size_t i = 0; i < relation->aggregate_count; i++)
        if (!rules->aggregate(&relation->aggregates[i], relation->input, why))
            return false;
    return true;
}

static bool
sort_is_exact(const IdcSqlRules *rules, const IdcRelation *relation, const char **why)
{
    for (size_t i = 0; i < relation->sort_key_count; i++)
        if (!rules->sort_key(&relation->sort_keys[i], relation->input, why))
            return false;
    return true;
}

static bool
join_is_exact(const IdcSqlRules *rules, const IdcRelation *relation, const char **why)
{
    if (relation->join == IDC_JOIN_FULL)
        return idc_sql_refuse(why, rules->why_full_join);
    if (idc_relation_base(relation->right)->native != NULL)
        return idc_sql_refuse(why, WHY_NATIVE);
    for (size_t i = 0; i < relation->expr_count; i++)
        if (!rules->is_exact(relation->exprs[i], relation, why))
            return false;
    return true;
}

IdcPush
idc_sql_can_push(const IdcSqlRules *rules, const IdcPushQuestion *question, const char **why)
{
    const IdcRelation *relation = question->relation;

    *why = NULL;
    if (relation->kind == IDC_REL_SCAN)
        return IDC_PUSH_EXACT;
    if (idc_relation_base(relation)->native != NULL)
        return push_if(idc_sql_refuse(why, WHY_NATIVE));
    switch (relation->kind) {
    case IDC_REL_FILTER:
        return push_filter(rules, relation, why);
    case IDC_REL_PROJECT:
        return push_if(project_is_exact(rules, relation, why));
    case IDC_REL_AGGREGATE:
        return push_if(group_is_exact(rules, relation, why));
    case IDC_REL_DISTINCT:
        return push_if(rules->distinct(relation, why));
    case IDC_REL_SORT:
        return push_if(sort_is_exact(rules, relation, why));
    case IDC_REL_JOIN:
        return push_if(join_is_exact(rules, relation, why));
    case IDC_REL_LIMIT:
        return IDC_PUSH_EXACT;
    default:
        return IDC_PUSH_NO;
    }
}
