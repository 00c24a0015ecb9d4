/*
 * work.c - which adapters this build of instant-source has.
 */
#include "adapters/adapter.h"

#include <string.h>

#define ADAPTER(name, library) extern const IdcAdapter idc_adapter_##name;
#include "adapters/adapters.def"
#undef ADAPTER

const IdcAdapter *
idc_adapter_find(const char *name)
{
#ifdef IDC_WITH_rest
    if (strcmp(name, "rest") == 0)
        return &idc_adapter_rest;
#endif
#ifdef IDC_WITH_sqlite
    if (strcmp(name, "sqlite") == 0)
        return &idc_adapter_sqlite;
#endif
#ifdef IDC_WITH_mysql
    if (strcmp(name, "mysql") == 0)
        return &idc_adapter_mysql;
#endif
#ifdef IDC_WITH_postgres
    if (strcmp(name, "postgres") == 0)
        return &idc_adapter_postgres;
#endif
    return NULL;
}
