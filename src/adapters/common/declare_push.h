/*
 * declare_push.h - which nodes of a relation a source of SQL answers, asked part by part.
 *
 * In:   the question of the hub; what the source says of expressions, keys and aggregates
 * Out:  exactly, a superset, or not, and why not
 * Next: a relation whose every node is agreed to is written by declare_sql.h
 */
#ifndef IDC_ADAPTERS_COMMON_DECLARE_PUSH_H
#define IDC_ADAPTERS_COMMON_DECLARE_PUSH_H

#include "adapters/adapter.h"

/* Whether an expression over `input` means the same at the source; *why not: is set if it does not.
 */
typedef bool (*IdcSqlRule)(const IdcExpr *expr, const IdcRelation *input, const char **why);

typedef struct IdcSqlRules {
    IdcSqlRule is_exact;
    IdcSqlRule is_superset;   /* true at least for every row for which it is in the hub */
    const char *why_superset; /* and no more than that */
    IdcSqlRule can_show;      /* comes out of a PROJECT; not asked of columns */
    IdcSqlRule can_group;     /* a key of GROUP BY */
    bool (*aggregate)(const IdcAggregate *aggregate, const IdcRelation *input, const char **why);
    bool (*distinct)(const IdcRelation *relation, const char **why);
    bool (*sort_key)(const IdcSortKey *key, const IdcRelation *input, const char **why);
    const char *why_full_join; /* is left to the hub */
} IdcSqlRules;

IdcPush idc_sql_can_push(const IdcSqlRules *rules, const IdcPushQuestion *question,
                         const char **why);

/* For rules. */
/* False, for this reason. */
bool idc_sql_refuse(const char **why, const char *reason);
/* A constant, not NULL, of at least so much. */
bool idc_sql_is_number_from(const IdcExpr *expr, int64_t least);

/* For estimates: how many of so many rows a LIMIT lets through. */
double idc_sql_limited_rows(const IdcRelation *relation, double rows);

#endif
