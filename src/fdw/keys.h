/*
 * keys.h - a join whose one side is asked for by the keys of the other: what its planner side
 * (keys_plan.c) hands to its executor side (keys_join.c).
 *
 * A nested loop would send a request for each outer row, and a hash join would read the whole
 * foreign table. Here the keys of many outer rows travel in one request, and its answer streams
 * past them.
 */
#ifndef IDC_FDW_KEYS_H
#define IDC_FDW_KEYS_H

#include "fdw/pg.h"

#include <nodes/extensible.h>
#include <nodes/pg_list.h>

/*
 * CustomScan of the join: custom_plans is the outer plan; custom_scan_tlist its columns, in order,
 * and then the inner ones; custom_private is a list of these in order.
 */
typedef enum FdwKeysPrivate {
    FDW_KEYS_RELATION,   /* Const of type bytea: idc_relation_write */
    FDW_KEYS_ATTRIBUTES, /* IntList: for each column of the relation its attribute among the inner
                            ones */
    FDW_KEYS_LISTS,      /* IntList: as FDW_PRIVATE_LISTS */
    FDW_KEYS_OIDS, /* OidList: server, user (or InvalidOid), the equality's operator, its collation
                    */
    FDW_KEYS_NUMBERS, /* IntList: as FdwKeysNumber */
    FDW_KEYS_COUNT
} FdwKeysPrivate;

typedef enum FdwKeysNumber {
    FDW_KEYS_JOIN,      /* JoinType */
    FDW_KEYS_OUTER,     /* how many columns are the outer plan's */
    FDW_KEYS_INNER_KEY, /* attribute, from 1, among the inner columns */
    FDW_KEYS_BATCH,     /* keys in a request; 0: any number */
    FDW_KEYS_PARAMETER, /* number of the PARAMETER that is the list of keys */
    FDW_KEYS_NUMBER_COUNT
} FdwKeysNumber;

/* custom_exprs: lists, in order; all over the tuple of custom_scan_tlist. */
typedef enum FdwKeysExprs {
    FDW_KEYS_KEY,        /* of one: the key of an outer row */
    FDW_KEYS_QUALS,      /* what makes two rows a pair */
    FDW_KEYS_PARAMETERS, /* of the relation; in the place of the list of keys stands a NULL */
    FDW_KEYS_EXPR_COUNT
} FdwKeysExprs;

/* Once a backend (keys_plan.c): the planner's hook. */
extern void fdw_keys_init(void);

/* keys_join.c */
extern const CustomScanMethods fdw_keys_methods;

#endif
