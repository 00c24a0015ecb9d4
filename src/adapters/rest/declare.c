/*
 * declare.c - what the adapter rest accepts and can push.
 */
#include "adapters/adapter.h"

extern const IdcDeclaration idc_declaration_rest;

static const IdcAdapterOption options[] = {
    { .name = NULL },
};

const IdcDeclaration idc_declaration_rest = {
    .name = "rest",
    .options = options,
};
