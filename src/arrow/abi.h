/*
 * abi.h - the Arrow C data and stream interfaces: the structs alone, for files that must not need
 * nanoarrow (what a PostgreSQL backend links).
 */
#ifndef IDC_ARROW_ABI_H
#define IDC_ARROW_ABI_H

#include "instant/arrow.h"

#endif
