/*
 * declare.c - what the adapter mysql accepts, and what it would ask.
 */
#include "adapters/mysql/mysql.h"

const IdcDeclaration idc_declaration_mysql = {
    .name = "mysql",
    .title = "MySQL and MariaDB",
    .options = idc_mysql_options,
    .check = idc_mysql_check,
    .writes = idc_mysql_writes,
    .returns = idc_mysql_returns,
    .can_modify = idc_mysql_can_modify,
    .is_key = idc_mysql_is_key,
    .has_transactions = true,
    .is_async = true,
};
