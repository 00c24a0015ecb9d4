/*
 * rest.c - the adapter rest.
 */
#include "adapters/adapter.h"

extern const IdcDeclaration idc_declaration_rest;
extern const IdcAdapter idc_adapter_rest;

const IdcAdapter idc_adapter_rest = {
    .declaration = &idc_declaration_rest,
};
