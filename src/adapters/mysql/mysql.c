/*
 * mysql.c - the adapter mysql: a relation as a statement, its rows in batches.
 */
#include "adapters/mysql/work.h"

const IdcAdapter idc_adapter_mysql = {
    .declaration = &idc_declaration_mysql,
};
