/*
 * print.h - what relation/print.c and relation/print_expr.c share.
 */
#ifndef IDC_RELATION_PRINT_H
#define IDC_RELATION_PRINT_H

#include "relation/ask.h"

typedef struct IdcPrint {
    IdcText *text;
    bool with_values;
    bool by_name; /* columns by their names only, or lines would grow with each aggregate below */
} IdcPrint;

void idc_print_expr(const IdcPrint *print, const IdcExpr *expr, const IdcRelation *input);
/* As a condition of several, joined with "and". */
void idc_print_conjuncts(const IdcPrint *print, const IdcExpr *const *conjuncts, size_t count,
                         const IdcRelation *input);
/* A name, in double quotes where SQL needs them. */
void idc_print_name(const IdcPrint *print, const char *name);
/* A text in quotes on one line, cut where it is long; "…" without values. */
void idc_print_quoted(const IdcPrint *print, const char *value);
/* "sum(distinct amount) filter (where …)"; input: of the AGGREGATE. */
void idc_print_aggregate(const IdcPrint *print, const IdcAggregate *aggregate,
                         const IdcRelation *input);

/* " amount desc, id"; where NULLs come is said only where it is not what SQL does by itself: last,
 * first of desc. */
void idc_print_sort_keys(const IdcPrint *print, const IdcSortKey *keys, size_t count,
                         const IdcRelation *input);

#endif
