/*
 * declare.c - what the adapter postgres accepts, and what it would ask.
 */
#include "adapters/postgres/postgres.h"

static const IdcAdapterOption options[] = {
    { .name = NULL },
};

const IdcDeclaration idc_declaration_postgres = {
    .name = "postgres",
    .title = "PostgreSQL",
    .options = options,
    .is_async = true,
};
