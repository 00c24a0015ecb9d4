/*
 * pool.h - connections to the hub, made when first needed, at most so many.
 */
#ifndef IDC_HUB_POOL_H
#define IDC_HUB_POOL_H

#include "hub/conn.h"

typedef struct IdcPool IdcPool;

/* hub is held (counted) and log copied; what the log's hook needs outlives the pool. */
IDC_CHECKED IdcStatus idc_pool_new(IdcHub *hub, size_t size, int64_t timeout_ms, const IdcLog *log,
                                   IdcPool **pool, IdcError *err);

/* Closes idle connections now and the others when they come back; those who wait get IDC_MISUSE. */
void idc_pool_close(IdcPool *pool);
bool idc_pool_is_closed(IdcPool *pool);
/* Counted: every connection out holds the pool; the memory goes with the last one. */
void idc_pool_free(IdcPool *pool);

/* A checked connection: a broken idle one is replaced. IDC_TIMEOUT names size, timeout and what to
 * raise. */
IDC_CHECKED IdcStatus idc_pool_acquire(IdcPool *pool, IdcCall *call, IdcConn **conn, IdcError *err);

/* Back to the pool (reset if a transaction was left open); an unusable one is closed. */
void idc_pool_release(IdcPool *pool, IdcConn *conn);

typedef struct IdcPoolStatus {
    size_t size, open, idle, waiting;
} IdcPoolStatus;
void idc_pool_status(IdcPool *pool, IdcPoolStatus *status);

#endif
