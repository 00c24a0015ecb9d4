/*
 * plan_sort.c - orders that PostgreSQL wants, as those of a source.
 */
#include "fdw/plan.h"

#include <access/stratnum.h>
#include <optimizer/paths.h>
#include <utils/typcache.h>

#include "fdw/foreign.h"

#if PG_VERSION_NUM >= 180000
#define is_descending_key(key) ((key)->pk_cmptype == COMPARE_GT)
#else
#define is_descending_key(key) ((key)->pk_strategy == BTGreaterStrategyNumber)
#endif

/* The members of a class, those of child relations too. */
static List *
members_of(EquivalenceClass *class, Relids relids)
{
#if PG_VERSION_NUM >= 180000
    EquivalenceMemberIterator iterator;
    EquivalenceMember *member;
    List *members = NIL;

    setup_eclass_member_iterator(&iterator, class, relids);
    while ((member = eclass_member_iterator_next(&iterator)) != NULL)
        members = lappend(members, member);
    return members;
#else
    (void) relids;
    return class->ec_members;
#endif
}

/* By the order that the type has by default, which is what IdcSortKey means. */
static bool
is_default_order(const PathKey *key, Oid type)
{
    return lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf == key->pk_opfamily;
}

/* An expression of the class that the layer has, or NULL and translation->why. */
static Expr *
expr_of(FdwTranslation *translation, const PathKey *key, Relids relids)
{
    ListCell *cell;

    translation->why = "the order is of something that the source has not";
    foreach (cell, members_of(key->pk_eclass, relids)) {
        EquivalenceMember *member = lfirst(cell);

        if (member->em_is_const || !bms_is_subset(member->em_relids, relids) ||
            fdw_is_value(translation, (Node *) member->em_expr))
            continue;
        if (!is_default_order(key, member->em_datatype)) {
            translation->why = "it is not the order that the type has by default";
            continue;
        }
        if (fdw_translate(translation, (Node *) member->em_expr) != NULL)
            return member->em_expr;
    }
    return NULL;
}

const FdwLayer *
fdw_sort_layer(PlannerInfo *root, RelOptInfo *rel, const FdwPlan *plan, const FdwLayer *layer,
               List *pathkeys, const char **why)
{
    FdwTranslation translation = fdw_translation_begin();
    FdwLayer *sorted = fdw_layer_over(IDC_REL_SORT, layer);
    ListCell *cell;

    (void) root;
    (void) rel;
    *why = NULL;
    (void) fdw_build(&translation, layer);
    foreach (cell, pathkeys) {
        PathKey *key = lfirst_node(PathKey, cell);
        FdwSortKey *made = palloc0(sizeof *made);

        if (key->pk_eclass->ec_has_volatile)
            return NULL;
        made->expr = expr_of(&translation, key, layer->relids);
        made->is_descending = is_descending_key(key);
        made->nulls_first = key->pk_nulls_first;
        made->collation = key->pk_eclass->ec_collation;
        *why = translation.why;
        if (made->expr == NULL)
            return NULL;
        sorted->keys = lappend(sorted->keys, made);
    }
    if (sorted->keys == NIL)
        return layer; /* each row is alike in what it is ordered by */
    return fdw_layer_is_pushed(plan->server, sorted, why) ? sorted : NULL;
}
