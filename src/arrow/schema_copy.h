/*
 * schema_copy.h - a schema for each who asks.
 */
#ifndef IDC_ARROW_SCHEMA_COPY_H
#define IDC_ARROW_SCHEMA_COPY_H

#include "arrow/abi.h"
#include "base/error.h"

/* A new schema, the caller's; names, metadata, children and dictionaries are copied. */
IDC_CHECKED IdcStatus idc_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *copy,
                                      IdcError *err);

#endif
