/*
 * declare_push.c - what another PostgreSQL answers exactly as the hub's would.
 *
 * Left to the hub: the order of texts but for the collation "C", and lower and upper case, since
 * two servers may have other locales or other versions of them (the option same_collation says that
 * they have not); groups and order of types that are not PostgreSQL's own.
 */
#include "adapters/postgres/postgres.h"

#include <string.h>

static const char WHY_TYPE[] = "the type is not one of PostgreSQL's own";
static const char WHY_ORDER[] = "the source may order texts in another way (option same_collation)";
static const char WHY_CASE[] = "the source may take other letters for the same (option "
                               "same_collation)";
static const char WHY_NATIVE[] = "the request is the user's own";

typedef struct Push {
    bool has_same_collation;
    const char **why;
} Push;

static bool
refuse(const Push *push, const char *reason)
{
    *push->why = reason;
    return false;
}

/* The name is one that the source knows. */
static bool
is_known_type(IdcType type)
{
    IdcArena *arena;
    const char *name;
    bool is_known;

    if (type.oid == IDC_TYPE_OTHER)
        return true;
    arena = idc_arena_new(0);
    name = arena == NULL ? NULL : idc_type_name(arena, (IdcType){ type.oid, -1 });
    is_known = name != NULL && strcmp(name, "other") != 0;
    idc_arena_free(arena);
    return is_known;
}

static bool
can_order(const Push *push, IdcType type, IdcCollation by)
{
    if (type.oid == IDC_TYPE_OTHER)
        return refuse(push, WHY_TYPE);
    if (by == IDC_COLLATION_LOCALE && !push->has_same_collation)
        return refuse(push, WHY_ORDER);
    return true;
}

/* Of values that are not compared as texts: only PostgreSQL's own types have one equality. */
static bool
can_group(const Push *push, IdcType type)
{
    return type.oid != IDC_TYPE_OTHER || refuse(push, WHY_TYPE);
}

static bool
function_is_exact(const Push *push, const IdcExpr *expr)
{
    switch (expr->op) {
    case IDC_FN_LOWER:
    case IDC_FN_UPPER:
        return push->has_same_collation || refuse(push, WHY_CASE);
    case IDC_FN_GREATEST:
    case IDC_FN_LEAST:
        return can_order(push, expr->type, expr->collation);
    case IDC_FN_NULLIF:
        return can_group(push, expr->type);
    default:
        return true;
    }
}

/* Types whose values mean the same in two servers, and so do functions of them. */
static bool
is_portable(IdcType type)
{
    static const uint32_t others[] = {
        IDC_TYPE_OTHER, 24,   26,   28,   29,   142,  790,  1033, 1790, 2202,
        2203,           2204, 2205, 2206, 2970, 3642, 4089, 4096, 4191, 5038,
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (type.oid == others[i])
            return false;
    return is_known_type(type);
}

static bool
call_is_exact(const Push *push, const IdcExpr *expr)
{
    if (!is_portable(expr->type))
        return refuse(push, WHY_TYPE);
    for (size_t i = 0; i < expr->arg_count; i++)
        if (!is_portable(expr->args[i]->type))
            return refuse(push, WHY_TYPE);
    return expr->collation == IDC_COLLATION_NONE || push->has_same_collation ||
           refuse(push, WHY_CASE);
}

static bool
node_is_exact(const Push *push, const IdcExpr *expr)
{
    switch (expr->kind) {
    case IDC_EXPR_COMPARE:
        return expr->op < IDC_LT || expr->op > IDC_GE ||
               can_order(push, expr->args[0]->type, expr->collation);
    case IDC_EXPR_LIKE:
        return expr->op == 0 || push->has_same_collation || refuse(push, WHY_CASE);
    case IDC_EXPR_FUNCTION:
        return function_is_exact(push, expr);
    case IDC_EXPR_CALL:
        return call_is_exact(push, expr);
    default:
        return true;
    }
}

static bool
is_exact(const Push *push, const IdcExpr *expr)
{
    if (!is_known_type(expr->type))
        return refuse(push, WHY_TYPE);
    if (!node_is_exact(push, expr))
        return false;
    for (size_t i = 0; i < expr->arg_count; i++)
        if (!is_exact(push, expr->args[i]))
            return false;
    return true;
}

static bool
all_exact(const Push *push, const IdcRelation *relation)
{
    for (size_t i = 0; i < relation->expr_count; i++)
        if (!is_exact(push, relation->exprs[i]))
            return false;
    return true;
}

static bool
keys_are_exact(const Push *push, const IdcSortKey *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!can_order(push, keys[i].expr->type, keys[i].collation) ||
            !is_exact(push, keys[i].expr))
            return false;
    return true;
}

static bool
called_aggregate_is_exact(const Push *push, const IdcAggregate *aggregate)
{
    if (!is_portable(aggregate->type))
        return refuse(push, WHY_TYPE);
    if (aggregate->collation != IDC_COLLATION_NONE && !push->has_same_collation)
        return refuse(push, WHY_ORDER);
    for (size_t i = 0; i < aggregate->arg_count; i++) {
        if (!is_portable(aggregate->args[i]->type))
            return refuse(push, WHY_TYPE);
        if (!is_exact(push, aggregate->args[i]))
            return false;
    }
    return keys_are_exact(push, aggregate->order, aggregate->order_count);
}

static bool
aggregate_is_exact(const Push *push, const IdcAggregate *aggregate)
{
    if (aggregate->filter != NULL && !is_exact(push, aggregate->filter))
        return false;
    if (aggregate->kind == IDC_AGG_CALL)
        return called_aggregate_is_exact(push, aggregate);
    if (aggregate->arg == NULL)
        return true;
    if ((aggregate->kind == IDC_AGG_MIN || aggregate->kind == IDC_AGG_MAX) &&
        !can_order(push, aggregate->arg->type, aggregate->collation))
        return false;
    return (!aggregate->is_distinct || can_group(push, aggregate->arg->type)) &&
           is_exact(push, aggregate->arg);
}

static bool
group_is_exact(const Push *push, const IdcRelation *relation)
{
    for (size_t i = 0; i < relation->expr_count; i++)
        if (!can_group(push, relation->exprs[i]->type))
            return false;
    for (size_t i = 0; i < relation->aggregate_count; i++)
        if (!aggregate_is_exact(push, &relation->aggregates[i]))
            return false;
    return all_exact(push, relation);
}

static bool
distinct_is_exact(const Push *push, const IdcRelation *relation)
{
    for (size_t i = 0; i < relation->column_count; i++)
        if (!can_group(push, relation->columns[i].type))
            return false;
    return true;
}

static bool
windows_are_exact(const Push *push, const IdcRelation *relation)
{
    for (size_t i = 0; i < relation->window_count; i++) {
        const IdcWindow *window = &relation->windows[i];

        if (!aggregate_is_exact(push, &window->function) ||
            !keys_are_exact(push, window->order, window->order_count) ||
            (window->start_offset != NULL && !is_exact(push, window->start_offset)) ||
            (window->end_offset != NULL && !is_exact(push, window->end_offset)))
            return false;
        for (size_t part = 0; part < window->partition_count; part++)
            if (!can_group(push, window->partition[part]->type) ||
                !is_exact(push, window->partition[part]))
                return false;
    }
    return true;
}

static bool
relation_is_exact(const Push *push, const IdcRelation *relation)
{
    switch (relation->kind) {
    case IDC_REL_FILTER:
    case IDC_REL_PROJECT:
    case IDC_REL_JOIN:
        return all_exact(push, relation);
    case IDC_REL_AGGREGATE:
        return group_is_exact(push, relation);
    case IDC_REL_DISTINCT:
        return distinct_is_exact(push, relation);
    case IDC_REL_SORT:
        return keys_are_exact(push, relation->sort_keys, relation->sort_key_count);
    case IDC_REL_WINDOW:
        return windows_are_exact(push, relation);
    case IDC_REL_LIMIT:
        return true;
    default:
        return false;
    }
}

IdcPush
idc_postgres_can_push(const IdcPushQuestion *question, const char **why)
{
    Push push = { .has_same_collation = idc_adapter_option_bool(
                      &idc_declaration_postgres, question->server_options, "same_collation"),
                  .why = why };

    if (idc_relation_base(question->relation)->native != NULL) {
        *why = WHY_NATIVE;
        return IDC_PUSH_NO;
    }
    return relation_is_exact(&push, question->relation) ? IDC_PUSH_EXACT : IDC_PUSH_NO;
}
