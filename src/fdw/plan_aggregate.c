/*
 * plan_aggregate.c - PostgreSQL's aggregates as those of a relation: the closed list.
 */
#include "fdw/plan_aggregate.h"

#include <nodes/nodeFuncs.h>
#include <catalog/pg_aggregate.h>
#include <utils/fmgroids.h>
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

/* DISTINCT by what `=` of the type means. */
static bool
is_plain_distinct(const Aggref *node)
{
    SortGroupClause *clause;
    TypeCacheEntry *type;

    if (node->aggdistinct == NIL)
        return true;
    if (list_length(node->aggdistinct) != 1 || list_length(node->args) != 1)
        return false;
    clause = linitial_node(SortGroupClause, node->aggdistinct);
    type = lookup_type_cache(exprType((Node *) linitial_node(TargetEntry, node->args)->expr),
                             TYPECACHE_EQ_OPR);
    return clause->eqop == type->eq_opr;
}

static const char *
why_not(const Aggref *node, IdcAggregateKind kind)
{
    if (node->aggsplit != AGGSPLIT_SIMPLE)
        return "it is one part of an aggregate";
    if (node->aggkind != AGGKIND_NORMAL || node->aggvariadic || node->agglevelsup != 0)
        return "an aggregate that sources do not know";
    if (node->aggorder != NIL)
        return "an aggregate with ORDER BY";
    if (!is_plain_distinct(node))
        return "a DISTINCT that is not of one plain value";
    if (list_length(node->args) != (kind == IDC_AGG_COUNT_ROWS ? 0 : 1))
        return "an aggregate of several arguments";
    return NULL;
}

bool
fdw_translate_aggregate(FdwTranslation *translation, const Aggref *node, IdcAggregate *aggregate)
{
    IdcAggregateKind kind = IDC_AGG_COUNT_ROWS;

    translation->why = find_kind(node->aggfnoid, &kind) ? why_not(node, kind)
                                                        : "an aggregate that sources do not know";
    if (translation->why != NULL)
        return false;
    *aggregate = (IdcAggregate){ .kind = kind,
                                 .is_distinct = node->aggdistinct != NIL,
                                 .type = fdw_type(node->aggtype, -1),
                                 .collation = fdw_collation(node->inputcollid) };
    if (aggregate->collation == IDC_COLLATION_LOOSE) {
        translation->why = "its collation takes different texts for equal";
        return false;
    }
    if (kind != IDC_AGG_COUNT_ROWS) {
        Expr *arg = linitial_node(TargetEntry, node->args)->expr;

        aggregate->arg = fdw_translate(translation, (Node *) arg);
        if (aggregate->arg == NULL)
            return false;
    }
    if (node->aggfilter != NULL) {
        aggregate->filter = fdw_translate(translation, (Node *) node->aggfilter);
        return aggregate->filter != NULL;
    }
    return true;
}
