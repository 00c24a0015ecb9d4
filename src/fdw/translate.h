/*
 * translate.h - PostgreSQL's expressions as expressions of a relation.
 *
 * In:   nodes of the planner, as they are after its simplifications
 * Out:  IdcExpr; what needs no row of the scan becomes a PARAMETER that the hub evaluates when the
 *       scan begins
 * Next: plan_build.c makes relations of them
 */
#ifndef IDC_FDW_TRANSLATE_H
#define IDC_FDW_TRANSLATE_H

#include "fdw/pg.h"

#include <nodes/pathnodes.h>
#include "relation/relation.h"

/* Where an expression stands. The arena and the lists are of the context in which they are used. */
typedef struct FdwTranslation {
    IdcArena *arena;
    const IdcRelation *input; /* whose columns COLUMN means; NULL: there are none */
    List *columns;            /* for each of these the expression it is in PostgreSQL */
    Relids relids;            /* range table entries that the scan reads */
    List *params;             /* for each PARAMETER its expression: fdw_exprs */
    List *lists;              /* for each 1 if it is an array whose elements are a list, else 0 */
    const char *why;          /* after NULL was returned: why, static */
    /* Of the walk. */
    const IdcExpr *case_value; /* what CaseTestExpr means */
    bool is_conditional;       /* PostgreSQL might not evaluate it, so it must not fail */
    int depth;
} FdwTranslation;

/* NULL: it cannot be said, see why; then params are as they were. */
extern const IdcExpr *fdw_translate(FdwTranslation *translation, Node *node);

/* As fdw_translate for what is evaluated in the hub: a constant or a parameter. is_list: of array
 * type, its elements are the items. */
extern const IdcExpr *fdw_translate_value(FdwTranslation *translation, Node *node, bool is_list);

/* A column has one meaning at each place of a relation, whichever joins made NULLs of it. */
extern bool fdw_is_column(const Node *column, const Node *node);

/* Forget the parameters beyond the first `count`. */
extern void fdw_translation_truncate(FdwTranslation *translation, int count);

/* ---- for the files translate_*.c ---- */

/* Fill in why, return NULL. */
extern const IdcExpr *fdw_untranslatable(FdwTranslation *translation, const char *why);
extern const IdcExpr *fdw_translate_node(FdwTranslation *translation, Node *node);
/* A call of a function or operator: translate_call.c. */
extern const IdcExpr *fdw_translate_call(FdwTranslation *translation, Oid function, List *args,
                                         Node *node, Oid collation);
extern const IdcExpr *fdw_translate_comparison(FdwTranslation *translation, IdcCompare op,
                                               Node *left, Node *right, Oid collation);
/* = ANY and <> ALL: translate_list.c. */
extern const IdcExpr *fdw_translate_list(FdwTranslation *translation, ScalarArrayOpExpr *node);
/*
 * By name, what is in no closed list: translate_builtin.c. How the node calls it: a FuncExpr,
 * OpExpr or ScalarArrayOpExpr.
 */
extern const IdcExpr *fdw_translate_builtin_node(FdwTranslation *translation, Node *node);
extern const IdcExpr *fdw_translate_builtin(FdwTranslation *translation, IdcCallKind how,
                                            Oid function, const char *name, List *nodes,
                                            const Node *node, Oid collation);
extern const IdcExpr *fdw_translate_array(FdwTranslation *translation, const ArrayExpr *node);
extern const IdcExpr *fdw_translate_element(FdwTranslation *translation,
                                            const SubscriptingRef *node);
/* PostgreSQL's own, immutable, and not newer than PostgreSQL 15. */
extern bool fdw_is_builtin(Oid function);
/* The collation on which the result of such a function depends; NONE: on none. */
extern IdcCollation fdw_builtin_collation(Oid function, List *args, Oid collation);
/* Of the declared types, as far as they are given (declared_count) and no pseudo-types; NULL: one
 * cannot be said. */
extern const IdcExpr *const *fdw_translate_arguments(FdwTranslation *translation, List *nodes,
                                                     const Oid *declared, int declared_count);
/* The same where it is of the type already. */
extern const IdcExpr *fdw_cast_made(FdwTranslation *translation, const IdcExpr *expr, IdcType type);
/* True if it is a comparison that this file knows. */
extern bool fdw_comparison(Oid function, IdcCompare *op);
/*
 * For `day` of type date: `day op moment` is `day op` this date; NULL: it is not (op is no order,
 * or moment is of another type). translate_day.c.
 */
extern Node *fdw_day_beside(IdcCompare op, Node *moment);
/* No row of the scan is needed for it: translate_value.c. */
extern bool fdw_is_value(const FdwTranslation *translation, Node *node);
/* Make two operands of one type where PostgreSQL has an operator of both; false: that is not
 * known. To be compared a constant may take the narrower type. */
extern bool fdw_match_operands(const FdwTranslation *translation, bool is_comparison, Node **left,
                               Node **right);
/* Never NULL. */
extern const IdcExpr *fdw_expr_made(IdcArena *arena, IdcExprKind kind, int op, IdcType type,
                                    IdcCollation collation, const IdcExpr *const *args,
                                    size_t count);

#endif
