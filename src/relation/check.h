/*
 * check.h - the two halves of relation/check.c: trees of relations, and expressions in them.
 */
#ifndef IDC_RELATION_CHECK_H
#define IDC_RELATION_CHECK_H

#include "relation/ask.h"

typedef struct IdcCheck {
    int depth;         /* of the node that is looked at */
    size_t node_count; /* of all so far: what is shared counts each time */
    IdcError *err;
} IdcCheck;

/* Each returns the status, with the error filled in. */
IdcStatus idc_check_fail(IdcCheck *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* One node deeper: not too deep, not too many. Whoever calls it takes one off the depth after. */
IDC_CHECKED IdcStatus idc_check_enter(IdcCheck *check);
/* An expression over the columns of input (see idc_ask_column), not a list. */
IDC_CHECKED IdcStatus idc_check_expr(IdcCheck *check, const IdcExpr *expr,
                                     const IdcRelation *input);
/* The same, and it is a boolean. */
IDC_CHECKED IdcStatus idc_check_condition(IdcCheck *check, const IdcExpr *expr,
                                          const IdcRelation *input);

/* PostgreSQL has an operator that compares the two as they are. */
bool idc_check_is_comparable(uint32_t a, uint32_t b);
/* The same type, or one that only its name tells from it: text and varchar. */
bool idc_check_is_same(uint32_t a, uint32_t b);

/* Names of functions are words of small letters, digits and underscores. */
bool idc_check_is_function_name(const char *name);

#endif
