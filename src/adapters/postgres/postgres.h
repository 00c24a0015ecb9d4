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

#endif
