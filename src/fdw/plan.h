/*
 * plan.h - what the planner's callbacks know of a relation that a source could answer.
 *
 * In:   RelOptInfo and RestrictInfo
 * Out:  layers (what would be asked for, in PostgreSQL's expressions), relations made of them
 *       (plan_build.c), and what the adapter says to each (plan_push.c)
 * Next: plan_make.c writes the chosen one into a ForeignScan
 *
 * Layers are made and not changed after; paths share them. A relation is made of layers whenever
 * somebody asks, in an arena of the moment: a join order that the planner throws away (GEQO) takes
 * its memory with it.
 */
#ifndef IDC_FDW_PLAN_H
#define IDC_FDW_PLAN_H

#include "fdw/pg.h"

#include <nodes/pathnodes.h>
#include <nodes/plannodes.h>
#include "fdw/server.h"
#include "fdw/translate.h"

typedef struct FdwSortKey {
    Expr *expr;
    bool is_descending, nulls_first;
    Oid collation;
} FdwSortKey;

/* One node of a relation to be. */
typedef struct FdwLayer {
    IdcRelationKind kind;
    const struct FdwLayer *input, *right;
    List *columns;               /* what comes out, as expressions of PostgreSQL */
    Relids relids;               /* range table entries below */
    const IdcRelation *relation; /* SCAN: made once */
    List *clauses;               /* FILTER, JOIN: nodes, all of them agreed to */
    IdcJoinKind join;
    int key_count;        /* AGGREGATE: so many of columns are keys, the others Aggrefs */
    List *keys;           /* SORT: FdwSortKey */
    List *windows;        /* WINDOW: FdwWindow, for the last ones of columns */
    Node *limit, *offset; /* LIMIT: NULL or of type bigint and not NULL */
} FdwLayer;

/* What stands in RelOptInfo.fdw_private of a base, join or upper relation. */
typedef struct FdwPlan {
    FdwServer *server;
    const FdwLayer *layer; /* without what only some paths have: order, parameters */
    List *exact;           /* RestrictInfos that the source answers */
    List *local;           /* and those that the hub checks (again) */
    bool is_exact;         /* local is empty: more can be put on top */
    double table_rows;     /* of the first table; -1: unknown */
    double selectivity;
    double rows;
    /* Of the conditions below (see restriction_is_securely_promotable): the least level of all, the
     * greatest of those that are pushed and not leakproof. */
    Index least_security, most_leaky_security;
    const IdcOptionSet *table_options; /* of a base relation */
    List *notes;                       /* of char *: why something above could not be pushed */
} FdwPlan;

/* A condition and what the adapter says to it. */
typedef struct FdwVerdict {
    Node *clause; /* RestrictInfo or expression, as it was given */
    IdcPush push;
    const IdcExpr *expr; /* NULL: it could not be translated */
    const char *why;
} FdwVerdict;

/* ---- plan_build.c ---- */

extern FdwTranslation fdw_translation_begin(void);
/* The relation of a layer; afterwards expressions over it can be translated. Raises if it cannot be
 * made: what stands in layers was agreed to. */
extern const IdcRelation *fdw_build(FdwTranslation *translation, const FdwLayer *layer);
/* The same for a layer that nobody has agreed to yet: NULL and why. */
extern const IdcRelation *fdw_try_build(FdwTranslation *translation, const FdwLayer *layer);
/* How the query locks a table's rows at the source. */
typedef struct FdwRowLock {
    IdcLock lock;
    IdcLockWait wait;
} FdwRowLock;
/* base: the columns (Vars) of a foreign table. */
extern const FdwLayer *fdw_scan_layer(Oid table, List *columns, Relids relids,
                                      const FdwRowLock *lock);
extern FdwLayer *fdw_layer_over(IdcRelationKind kind, const FdwLayer *input);
/* True if all of exprs can be computed of the layer's columns: no whole rows, system columns or
 * what must be computed below. */
extern bool fdw_layer_has(const FdwLayer *layer, List *exprs);
/* A layer with further agreed conditions. */
extern const FdwLayer *fdw_filter_layer(const FdwLayer *input, List *clauses);
extern Expr *fdw_bare_clause(Node *clause);

/* ---- plan_push.c ---- */

/* What the adapter says to the topmost node; *why is static. */
extern IdcPush fdw_can_push(const FdwServer *server, const IdcRelation *relation,
                            bool is_exact_below, const char **why);
/* True if the adapter answers the layer exactly; else *why. */
extern bool fdw_layer_is_pushed(const FdwServer *server, const FdwLayer *layer, const char **why);
/*
 * Ask for each of clauses, in order, whether it can be pushed over the layer. rel: its conditions
 * decide which RestrictInfos may be evaluated at all outside of their turn; NULL: any. Returns
 * FdwVerdicts; *pushed: the layer with what was agreed to.
 */
extern List *fdw_push_clauses(const FdwServer *server, const FdwLayer *layer, List *clauses,
                              bool is_exact_below, RelOptInfo *rel, const FdwLayer **pushed);

/* True if one of these RestrictInfos is a condition of no table, which PostgreSQL asks once, above.
 */
extern bool fdw_has_gate(List *restrictions);

/* ---- plan_make.c ---- */

/* The relation, checked, in its serial form: a Const of type bytea. */
extern Const *fdw_relation_const(const IdcRelation *relation);

/* ---- plan_cost.c ---- */

typedef struct FdwCost {
    double rows;
    Cost startup, total;
    const char *impossible;
} FdwCost;

/* rows: as the planner estimates what comes out; local: what the hub checks. */
extern FdwCost fdw_cost(PlannerInfo *root, const FdwPlan *plan, const FdwLayer *layer,
                        double selectivity, double rows, List *local);
/* Add a ForeignPath for the layer. local: conditions of upper relations that the hub checks. */
extern void fdw_add_base_path(PlannerInfo *root, RelOptInfo *rel, const FdwLayer *layer,
                              const FdwCost *cost, List *pathkeys, Relids outer);
extern void fdw_add_join_path(PlannerInfo *root, RelOptInfo *rel, const FdwLayer *layer,
                              const FdwCost *cost);
extern ForeignPath *fdw_upper_path(PlannerInfo *root, RelOptInfo *rel, PathTarget *target,
                                   const FdwLayer *layer, const FdwCost *cost, List *pathkeys,
                                   List *local);

/* ---- plan_scan.c ---- */

/* For EXPLAIN on the scans below: why what stands above them is done in the hub. */
extern void fdw_plan_note(FdwPlan *plan, const char *what, const char *why);

/* ---- plan_upper.c, plan_window.c ---- */

/* What a layer above `below` is. */
extern FdwPlan *fdw_plan_over(const FdwPlan *below, const FdwLayer *layer, double rows);
/* Groups are what `=` of the type takes for equal. */
extern bool fdw_is_plain_group(const SortGroupClause *clause, const Expr *key);
extern void fdw_plan_windows(PlannerInfo *root, RelOptInfo *input, RelOptInfo *output);

/* ---- plan_sort.c ---- */

/* The layer sorted by the keys, or NULL and why (which may be NULL). */
extern const FdwLayer *fdw_sort_layer(PlannerInfo *root, RelOptInfo *rel, const FdwPlan *plan,
                                      const FdwLayer *layer, List *pathkeys, const char **why);

#endif
