/*
 * declare.c - what the adapter sqlite accepts and can push.
 */
#include "adapters/adapter.h"

extern const IdcDeclaration idc_declaration_sqlite;

static const IdcAdapterOption options[] = {
    { .name = NULL },
};

const IdcDeclaration idc_declaration_sqlite = {
    .name = "sqlite",
    .options = options,
};
