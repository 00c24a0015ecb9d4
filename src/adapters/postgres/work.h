/*
 * work.h - the work of the adapter postgres, in parts. Private to this folder.
 */
#ifndef IDC_ADAPTERS_POSTGRES_WORK_H
#define IDC_ADAPTERS_POSTGRES_WORK_H

#include "adapters/postgres/postgres.h"

extern const IdcAdapter idc_adapter_postgres;

#endif
