/*
 * sqlite.c - the adapter sqlite.
 */
#include "adapters/adapter.h"

extern const IdcDeclaration idc_declaration_sqlite;
extern const IdcAdapter idc_adapter_sqlite;

const IdcAdapter idc_adapter_sqlite = {
    .declaration = &idc_declaration_sqlite,
};
