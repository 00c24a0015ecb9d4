/*
 * http_cache.h - answers that may be given again: in memory of the process, and in files.
 *
 * In:   whole answers, under a key that says who asked for what
 * Out:  the same, for as long as they are held
 *
 * Any thread. Files are written beside and renamed, carry a checksum, and are of mode 0600; one
 * that is damaged is as good as none. Failing to store is no error.
 */
#ifndef IDC_ADAPTERS_COMMON_HTTP_CACHE_H
#define IDC_ADAPTERS_COMMON_HTTP_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/common/http.h"
#include "adapters/common/http_sha256.h"

typedef struct IdcHttpCache IdcHttpCache;

/* Never changes, but for stored_ms and what the cache keeps of it. */
typedef struct IdcHttpCacheEntry {
    uint8_t key[IDC_SHA256_BYTES];
    IdcHttpResponse response;
    const void *body;
    size_t body_len;
    _Atomic int64_t stored_ms; /* CLOCK_REALTIME; when it was last known to be true */
    IdcArena *arena;           /* of all above */
    int64_t holders;
    struct IdcHttpCacheEntry *newer, *older;
    bool is_kept;
} IdcHttpCacheEntry;

/* bytes: in memory; files have eight times as much. directory may be NULL. NULL: no memory. */
IdcHttpCache *idc_http_cache_new(int64_t bytes, const char *directory);
/* After all entries are released. */
void idc_http_cache_free(IdcHttpCache *cache);

/* No answer longer than this is kept. */
int64_t idc_http_cache_max_body(const IdcHttpCache *cache);

/* Held until released; NULL: a miss. */
IdcHttpCacheEntry *idc_http_cache_find(IdcHttpCache *cache, const uint8_t key[IDC_SHA256_BYTES]);
void idc_http_cache_release(IdcHttpCache *cache, IdcHttpCacheEntry *entry);

void idc_http_cache_store(IdcHttpCache *cache, const uint8_t key[IDC_SHA256_BYTES],
                          const IdcHttpResponse *response, const void *body, size_t len);
/* It was asked about, and still holds. */
void idc_http_cache_renew(IdcHttpCache *cache, IdcHttpCacheEntry *entry);

int64_t idc_http_cache_now_ms(void);

/* ---- files (http_cache_file.c) ---- */

void idc_http_cache_file_write(const char *directory, const IdcHttpCacheEntry *entry,
                               int64_t limit_bytes);
/* NULL: none, or damaged. */
IdcHttpCacheEntry *idc_http_cache_file_read(const char *directory,
                                            const uint8_t key[IDC_SHA256_BYTES],
                                            int64_t limit_bytes);

/* A new entry that nobody holds; copies all. NULL: no memory. */
IdcHttpCacheEntry *idc_http_cache_entry_new(const uint8_t key[IDC_SHA256_BYTES],
                                            const IdcHttpResponse *response, const void *body,
                                            size_t len, int64_t stored_ms);

#endif
