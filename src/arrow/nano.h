/*
 * nano.h - nanoarrow's helpers for schemas, views and IPC; never in what a PostgreSQL backend
 * links.
 */
#ifndef IDC_ARROW_NANO_H
#define IDC_ARROW_NANO_H

#include "arrow/abi.h"

#include "nanoarrow.h"

#endif
