/*
 * postgres.c - the adapter postgres: a relation as a statement, its rows in batches.
 */
#include "adapters/postgres/work.h"

const IdcAdapter idc_adapter_postgres = {
    .declaration = &idc_declaration_postgres,
};
