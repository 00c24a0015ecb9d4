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

#include "arrow/pgtype.h"
#include "base/call.h"
#include "base/error.h"
#include "hub/conn.h"

typedef struct IdcTypeCache IdcTypeCache;

/* The type itself, and the labels of an enum in their order. */
typedef struct IdcTypeInfo {
    IdcPgType type;
    const char *const *labels;
    size_t label_count;
} IdcTypeInfo;

/* NULL if out of memory. Belongs to one connection. */
IdcTypeCache *idc_type_cache_new(void);
void idc_type_cache_free(IdcTypeCache *cache);

/* NULL if it is neither built in nor looked up yet. Good as long as the cache. */
const IdcTypeInfo *idc_type_find(const IdcTypeCache *cache, uint32_t oid);

/* Look up all of these, and what they are made of, in one query. Unknown ones stay unknown. */
IDC_CHECKED IdcStatus idc_type_look_up(IdcTypeCache *cache, IdcConn *conn, IdcCall *call,
                                       const uint32_t *oids, size_t count, IdcError *err);

#endif
