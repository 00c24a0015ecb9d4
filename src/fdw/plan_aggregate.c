/*
 * plan_aggregate.c - PostgreSQL's aggregates as those of a relation: the closed list.
 */
#include "fdw/plan_aggregate.h"

#include <catalog/pg_aggregate.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <optimizer/tlist.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>
#include <utils/typcache.h>

#include "fdw/foreign.h"

#define OF(name, function)                                                                         \
    {                                                                                              \
        F_##function, IDC_AGG_##name                                                               \
    }

static const struct {
    Oid function;
    IdcAggregateKind kind;
} aggregates[] = {
    OF(COUNT_ROWS, COUNT_),   OF(COUNT, COUNT_ANY),   OF(SUM, SUM_INT2),
    OF(SUM, SUM_INT4),        OF(SUM, SUM_INT8),      OF(SUM, SUM_FLOAT4),
    OF(SUM, SUM_FLOAT8),      OF(SUM, SUM_NUMERIC),   OF(AVG, AVG_INT2),
    OF(AVG, AVG_INT4),        OF(AVG, AVG_INT8),      OF(AVG, AVG_FLOAT4),
    OF(AVG, AVG_FLOAT8),      OF(AVG, AVG_NUMERIC),   OF(MIN, MIN_INT2),
    OF(MIN, MIN_INT4),        OF(MIN, MIN_INT8),      OF(MIN, MIN_FLOAT4),
    OF(MIN, MIN_FLOAT8),      OF(MIN, MIN_NUMERIC),   OF(MIN, MIN_OID),
    OF(MIN, MIN_TEXT),        OF(MIN, MIN_BPCHAR),    OF(MIN, MIN_DATE),
    OF(MIN, MIN_TIME),        OF(MIN, MIN_TIMESTAMP), OF(MIN, MIN_TIMESTAMPTZ),
    OF(MAX, MAX_INT2),        OF(MAX, MAX_INT4),      OF(MAX, MAX_INT8),
    OF(MAX, MAX_FLOAT4),      OF(MAX, MAX_FLOAT8),    OF(MAX, MAX_NUMERIC),
    OF(MAX, MAX_OID),         OF(MAX, MAX_TEXT),      OF(MAX, MAX_BPCHAR),
    OF(MAX, MAX_DATE),        OF(MAX, MAX_TIME),      OF(MAX, MAX_TIMESTAMP),
    OF(MAX, MAX_TIMESTAMPTZ), OF(BOOL_AND, BOOL_AND), OF(BOOL_AND, EVERY),
    OF(BOOL_OR, BOOL_OR),
};

static bool
find_kind(Oid function, IdcAggregateKind *kind)
{
    for (size_t i = 0; i < lengthof(aggregates); i++)
        if (aggregates[i].function == function) {
            *kind = aggregates[i].kind;
            return true;
        }
    return false;
}

/* ---- sort keys ---- */

bool
fdw_sort_key_of(const SortGroupClause *clause, Expr *expr, FdwSortKey *key)
{
    TypeCacheEntry *type =
        lookup_type_cache(exprType((Node *) expr), TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);

    key->expr = expr;
    key->is_descending = clause->sortop == type->gt_opr;
    key->nulls_first = clause->nulls_first;
    key->collation = exprCollation((Node *) expr);
    return OidIsValid(clause->sortop) &&
           (clause->sortop == type->gt_opr || clause->sortop == type->lt_opr);
}

const IdcSortKey *
fdw_translate_sort_keys(FdwTranslation *translation, List *keys)
{
    IdcSortKey *made = palloc0(sizeof(*made) * (size_t) (list_length(keys) + 1));
    ListCell *cell;

    foreach (cell, keys) {
        const FdwSortKey *key = lfirst(cell);
        IdcSortKey *one = &made[foreach_current_index(cell)];

        one->expr = fdw_translate(translation, (Node *) key->expr);
        one->is_descending = key->is_descending;
        one->nulls_first = key->nulls_first;
        one->collation = fdw_collation(key->collation);
        if (one->expr == NULL)
            return NULL;
        if (one->collation == IDC_COLLATION_LOOSE) {
            translation->why = "its collation takes different texts for equal";
            return NULL;
        }
    }
    return made;
}

/* ---- aggregates ---- */

/* DISTINCT by what `=` of the types means. */
static bool
is_plain_distinct(const Aggref *node)
{
    ListCell *cell;

    foreach (cell, node->aggdistinct) {
        SortGroupClause *clause = lfirst_node(SortGroupClause, cell);
        Node *expr = get_sortgroupclause_expr(clause, node->args);

        if (clause->eqop != lookup_type_cache(exprType(expr), TYPECACHE_EQ_OPR)->eq_opr)
            return false;
    }
    return true;
}

/* One of the closed list, in its simple form. */
static bool
is_known(const Aggref *node, IdcAggregateKind *kind)
{
    return find_kind(node->aggfnoid, kind) && node->aggkind == AGGKIND_NORMAL &&
           !node->aggvariadic && node->aggorder == NIL && list_length(node->aggdistinct) <= 1 &&
           list_length(node->args) == (*kind == IDC_AGG_COUNT_ROWS ? 0 : 1);
}

static const char *
why_not(const Aggref *node)
{
    if (node->aggsplit != AGGSPLIT_SIMPLE)
        return "it is one part of an aggregate";
    if (node->aggvariadic || node->agglevelsup != 0)
        return "an aggregate that sources do not know";
    if (!is_plain_distinct(node))
        return "a DISTINCT that is not of plain values";
    return NULL;
}

static bool
refuse(FdwTranslation *translation, const char *why)
{
    translation->why = why;
    return false;
}

/* The arguments themselves, without what is only there to be sorted by. */
static List *
arguments_of(List *args)
{
    List *nodes = NIL;
    ListCell *cell;

    foreach (cell, args)
        if (!lfirst_node(TargetEntry, cell)->resjunk)
            nodes = lappend(nodes, lfirst_node(TargetEntry, cell)->expr);
    return nodes;
}

static bool
order_of(FdwTranslation *translation, const Aggref *node, IdcAggregate *aggregate)
{
    List *keys = NIL;
    IdcSortKey *made;
    ListCell *cell;

    foreach (cell, node->aggorder) {
        SortGroupClause *clause = lfirst_node(SortGroupClause, cell);
        FdwSortKey *key = palloc0(sizeof *key);

        if (!fdw_sort_key_of(clause, (Expr *) get_sortgroupclause_expr(clause, node->args), key))
            return refuse(translation, "it is not the order that the type has by default");
        keys = lappend(keys, key);
    }
    made = (IdcSortKey *) fdw_translate_sort_keys(translation, keys);
    if (made == NULL)
        return false;
    /* As the arguments, which have the types that are declared. */
    foreach (cell, keys) {
        IdcSortKey *one = &made[foreach_current_index(cell)];
        const FdwSortKey *key = lfirst(cell);

        one->expr =
            fdw_cast_made(translation, one->expr, fdw_type(exprType((Node *) key->expr), -1));
    }
    aggregate->order = made;
    aggregate->order_count = (size_t) list_length(keys);
    return true;
}

/* The declared types of the arguments, polymorphic ones as they are here. */
static const Oid *
types_of(List *types)
{
    Oid *array = palloc(sizeof(*array) * (size_t) (list_length(types) + 1));
    ListCell *cell;

    foreach (cell, types)
        array[foreach_current_index(cell)] = lfirst_oid(cell);
    return array;
}

static bool
translate_by_name(FdwTranslation *translation, const Aggref *node, IdcAggregate *aggregate)
{
    bool is_within_group = node->aggkind != AGGKIND_NORMAL;
    List *nodes = is_within_group ? node->aggdirectargs : arguments_of(node->args);

    if (!fdw_is_builtin(node->aggfnoid))
        return refuse(translation, "an aggregate that sources do not know");
    aggregate->kind = IDC_AGG_CALL;
    aggregate->name = fdw_utf8(get_func_name(node->aggfnoid));
    aggregate->is_within_group = is_within_group;
    aggregate->collation = fdw_builtin_collation(node->aggfnoid, nodes, node->inputcollid);
    aggregate->arg_count = (size_t) list_length(nodes);
    aggregate->args = fdw_translate_arguments(translation, nodes, types_of(node->aggargtypes),
                                              list_length(node->aggargtypes));
    return aggregate->args != NULL && order_of(translation, node, aggregate);
}

static bool
translate_known(FdwTranslation *translation, const Aggref *node, IdcAggregateKind kind,
                IdcAggregate *aggregate)
{
    aggregate->kind = kind;
    if (kind == IDC_AGG_COUNT_ROWS)
        return true;
    aggregate->arg =
        fdw_translate(translation, (Node *) linitial_node(TargetEntry, node->args)->expr);
    return aggregate->arg != NULL;
}

bool
fdw_translate_aggregate(FdwTranslation *translation, const Aggref *node, IdcAggregate *aggregate)
{
    IdcAggregateKind kind = IDC_AGG_COUNT_ROWS;
    bool is_made;

    translation->why = why_not(node);
    if (translation->why != NULL)
        return false;
    *aggregate = (IdcAggregate){ .is_distinct = node->aggdistinct != NIL,
                                 .type = fdw_type(node->aggtype, -1),
                                 .collation = fdw_collation(node->inputcollid) };
    if (aggregate->collation == IDC_COLLATION_LOOSE)
        return refuse(translation, "its collation takes different texts for equal");
    is_made = is_known(node, &kind) ? translate_known(translation, node, kind, aggregate)
                                    : translate_by_name(translation, node, aggregate);
    if (is_made && node->aggfilter != NULL) {
        aggregate->filter = fdw_translate(translation, (Node *) node->aggfilter);
        is_made = aggregate->filter != NULL;
    }
    return is_made;
}

/* ---- windows ---- */

/* What it computes, as if it were an aggregate. */
static Aggref *
aggregate_of(const WindowFunc *function)
{
    Aggref *node = makeNode(Aggref);
    ListCell *cell;

    node->aggfnoid = function->winfnoid;
    node->aggtype = function->wintype;
    node->inputcollid = function->inputcollid;
    node->aggfilter = function->aggfilter;
    node->aggstar = function->winstar;
    node->aggkind = AGGKIND_NORMAL;
    node->aggsplit = AGGSPLIT_SIMPLE;
    foreach (cell, function->args) {
        node->args =
            lappend(node->args,
                    makeTargetEntry(lfirst(cell), (AttrNumber) (foreach_current_index(cell) + 1),
                                    NULL, false));
        node->aggargtypes = lappend_oid(node->aggargtypes, exprType(lfirst(cell)));
    }
    return node;
}

static IdcFrameBound
start_of(int options)
{
    if (options & FRAMEOPTION_START_UNBOUNDED_PRECEDING)
        return IDC_FRAME_UNBOUNDED_PRECEDING;
    if (options & FRAMEOPTION_START_OFFSET_PRECEDING)
        return IDC_FRAME_PRECEDING;
    if (options & FRAMEOPTION_START_OFFSET_FOLLOWING)
        return IDC_FRAME_FOLLOWING;
    return IDC_FRAME_CURRENT;
}

static IdcFrameBound
end_of(int options)
{
    if (options & FRAMEOPTION_END_UNBOUNDED_FOLLOWING)
        return IDC_FRAME_UNBOUNDED_FOLLOWING;
    if (options & FRAMEOPTION_END_OFFSET_PRECEDING)
        return IDC_FRAME_PRECEDING;
    if (options & FRAMEOPTION_END_OFFSET_FOLLOWING)
        return IDC_FRAME_FOLLOWING;
    return IDC_FRAME_CURRENT;
}

static IdcFrameExclusion
exclusion_of(int options)
{
    if (options & FRAMEOPTION_EXCLUDE_CURRENT_ROW)
        return IDC_EXCLUDE_CURRENT;
    if (options & FRAMEOPTION_EXCLUDE_GROUP)
        return IDC_EXCLUDE_GROUP;
    return options & FRAMEOPTION_EXCLUDE_TIES ? IDC_EXCLUDE_TIES : IDC_EXCLUDE_NOTHING;
}

/* NULL with translation->why, or an offset that is not there. */
static bool
translate_offset(FdwTranslation *translation, Node *offset, const IdcExpr **made)
{
    *made = NULL;
    if (offset == NULL)
        return true;
    if (!fdw_is_value(translation, offset))
        return refuse(translation, "the frame of a window depends on the row");
    *made = fdw_translate_value(translation, offset, false);
    return *made != NULL;
}

static bool
translate_frame(FdwTranslation *translation, const WindowClause *clause, IdcWindow *made)
{
    int options = clause->frameOptions;

    made->mode = options & FRAMEOPTION_ROWS     ? IDC_FRAME_ROWS
                 : options & FRAMEOPTION_GROUPS ? IDC_FRAME_GROUPS
                                                : IDC_FRAME_RANGE;
    made->start = start_of(options);
    made->end = end_of(options);
    made->exclusion = exclusion_of(options);
    return translate_offset(translation, clause->startOffset, &made->start_offset) &&
           translate_offset(translation, clause->endOffset, &made->end_offset);
}

bool
fdw_translate_window(FdwTranslation *translation, const FdwWindow *window, IdcWindow *made)
{
    const IdcExpr **partition =
        palloc(sizeof(*partition) * (size_t) (list_length(window->partition) + 1));
    ListCell *cell;

    *made = (IdcWindow){ .partition = partition };
    if (!fdw_translate_aggregate(translation, aggregate_of(window->function), &made->function))
        return false;
    foreach (cell, window->partition) {
        partition[made->partition_count] = fdw_translate(translation, lfirst(cell));
        if (partition[made->partition_count++] == NULL)
            return false;
    }
    made->order_count = (size_t) list_length(window->order);
    made->order = fdw_translate_sort_keys(translation, window->order);
    return made->order != NULL && translate_frame(translation, window->clause, made);
}
