/*
 * ask.h - small questions about trees, for the files of relation/ only.
 */
#ifndef IDC_RELATION_ASK_H
#define IDC_RELATION_ASK_H

#include "relation/relation.h"

/*
 * What a COLUMN's index means above `input`, or of a JOIN's own conditions when input is that JOIN
 * (SEMI and ANTI too: both sides); NULL: outside.
 */
const IdcRelationColumn *idc_ask_column(const IdcRelation *input, size_t index);

/* Kinds of relations whose columns are not their input's. */
bool idc_ask_has_columns(const IdcRelation *relation);

/* As idc_type_name without an arena: static, or in buffer. */
enum { IDC_TYPE_NAME_BYTES = 64 };
const char *idc_ask_type_name(IdcType type, char buffer[IDC_TYPE_NAME_BYTES]);

/*
 * A text that can be what the output function of the type prints, as far as those need it who put
 * it into a request: numbers, booleans, moments, UUIDs and bytes have no other characters.
 */
bool idc_ask_value_fits(IdcType type, const char *text);
/* An integer of 0 or more: what LIMIT and OFFSET are. */
bool idc_ask_is_row_count(const char *text);

/* What a walk through a relation's expressions calls, in the order of the serial form. */
typedef void (*IdcExprVisit)(const IdcExpr *expr, void *arg);
void idc_ask_each_expr(const IdcRelation *relation, IdcExprVisit visit, void *arg);

#endif
