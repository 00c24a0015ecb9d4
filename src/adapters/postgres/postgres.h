/*
 * postgres.h - the adapter postgres: its declaration, in parts.
 *
 * In:   options and relations
 * Out:  what the source answers, and the statement for it
 * Next: work.h (the work, in instant-source)
 */
#ifndef IDC_ADAPTERS_POSTGRES_POSTGRES_H
#define IDC_ADAPTERS_POSTGRES_POSTGRES_H

#include "adapters/common/declare_sql.h"

extern const IdcDeclaration idc_declaration_postgres;

/* declare_options.c: ends with a name of NULL. */
extern const IdcAdapterOption idc_postgres_options[];
IDC_CHECKED IdcStatus idc_postgres_check(IdcOptionLevel level, const IdcOptionSet *options,
                                         IdcError *err);

/* declare_dialect.c: "schema"."table" of a SCAN, and the remote name of one of its columns. */
void idc_postgres_append_table(const IdcRelation *scan, IdcText *text);
const char *idc_postgres_column_name(const IdcRelationColumn *column);

/*
 * The relation as one SELECT that stands in COPY (…) TO STDOUT (FORMAT binary): every value in it
 * is a literal, and each column is cast so that its binary form is that of the column's kind
 * (idc_type_column): a type of the hub as itself, "numeric(p,s)" rounded as the hub's input
 * function would, everything of kind TEXT as the text of its output function. slice: what the rows
 * of the table must hold besides ("ctid >= '(0,0)'::tid AND …"), or NULL; only for
 * SCANs with nothing but FILTERs and PROJECTs above.
 */
IDC_CHECKED IdcStatus idc_postgres_select(IdcArena *arena, const IdcRelation *relation,
                                          const char *slice, const char **statement, IdcError *err);

#endif
