/*
 * declare.c - what the adapter mysql accepts, and what it would ask.
 */
#include "adapters/mysql/mysql.h"

static const IdcAdapterOption options[] = {
    { .name = NULL },
};

const IdcDeclaration idc_declaration_mysql = {
    .name = "mysql",
    .title = "MySQL and MariaDB",
    .options = options,
    .is_async = true,
};
