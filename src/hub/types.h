/*
 * types.h - what a connection knows about PostgreSQL's types.
 *
 * In:   OIDs of a described statement
 * Out:  IdcTypeInfo of each: built in, or looked up once in pg_type
 * Next: hub/describe.h makes columns of them
 */
#ifndef IDC_HUB_TYPES_H
#define IDC_HUB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "base/error.h"

typedef struct IdcTypeCache IdcTypeCache;

/* NULL if out of memory. Belongs to one connection. */
IdcTypeCache *idc_type_cache_new(void);
void idc_type_cache_free(IdcTypeCache *cache);

#endif
