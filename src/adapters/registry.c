/*
 * registry.c - all declarations.
 */
#include "adapters/adapter.h"

#include <string.h>

#define ADAPTER(name, library) extern const IdcDeclaration idc_declaration_##name;
#include "adapters/adapters.def"
#undef ADAPTER

static const IdcDeclaration *const declarations[] = {
#define ADAPTER(name, library) &idc_declaration_##name,
#include "adapters/adapters.def"
#undef ADAPTER
    NULL,
};

const IdcDeclaration *const *
idc_declarations(void)
{
    return declarations;
}

const IdcDeclaration *
idc_declaration_find(const char *name)
{
    for (size_t i = 0; declarations[i] != NULL; i++)
        if (strcmp(declarations[i]->name, name) == 0)
            return declarations[i];
    return NULL;
}
