/*
 * work.h - the work of the adapter mysql, in parts. Private to this folder.
 */
#ifndef IDC_ADAPTERS_MYSQL_WORK_H
#define IDC_ADAPTERS_MYSQL_WORK_H

#include "adapters/mysql/mysql.h"

extern const IdcAdapter idc_adapter_mysql;

#endif
