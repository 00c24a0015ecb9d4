/*
 * declare.c - what the adapter postgres accepts, and what it would ask.
 */
#include "adapters/postgres/postgres.h"

const IdcDeclaration idc_declaration_postgres = {
    .name = "postgres",
    .title = "PostgreSQL",
    .options = idc_postgres_options,
    .check = idc_postgres_check,
    .has_transactions = true,
    .is_async = true,
};
