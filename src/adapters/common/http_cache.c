/*
 * http_cache.c - answers in memory: a list, and the one that was not used for longest goes first.
 */
#include "adapters/common/http_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FILES_PER_MEMORY = 8, /* bytes on disk for each byte in memory */
    ENTRY_SHARE = 4,      /* of the memory, for one answer at most */
    ENTRY_OVERHEAD = 4096
};

/* All below lock; entries from newest to oldest use. */
struct IdcHttpCache {
    pthread_mutex_t lock;
    int64_t limit_bytes, used_bytes;
    char *directory;
    IdcHttpCacheEntry *newest, *oldest;
};

int64_t
idc_http_cache_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

IdcHttpCache *
idc_http_cache_new(int64_t bytes, const char *directory)
{
    IdcHttpCache *cache = calloc(1, sizeof *cache);

    if (cache == NULL)
        return NULL;
    pthread_mutex_init(&cache->lock, NULL);
    cache->limit_bytes = bytes > 0 ? bytes : 0;
    if (directory != NULL && (cache->directory = strdup(directory)) == NULL) {
        idc_http_cache_free(cache);
        return NULL;
    }
    return cache;
}

void
idc_http_cache_free(IdcHttpCache *cache)
{
    if (cache == NULL)
        return;
    while (cache->newest != NULL) {
        IdcHttpCacheEntry *older = cache->newest->older;

        idc_arena_free(cache->newest->arena);
        cache->newest = older;
    }
    pthread_mutex_destroy(&cache->lock);
    free(cache->directory);
    free(cache);
}

int64_t
idc_http_cache_max_body(const IdcHttpCache *cache)
{
    return cache->limit_bytes / ENTRY_SHARE;
}

static int64_t
file_limit(const IdcHttpCache *cache)
{
    int64_t limit;

    return __builtin_mul_overflow(cache->limit_bytes, FILES_PER_MEMORY, &limit) ? INT64_MAX : limit;
}

/* ---- entries ---- */

static bool
copy_all(IdcArena *arena, const IdcHttpResponse *from, const void *body, size_t len,
         IdcHttpCacheEntry *entry)
{
    char *copy = idc_arena_alloc(arena, len > 0 ? len : 1);

    if (copy == NULL)
        return false;
    if (len > 0)
        memcpy(copy, body, len);
    entry->body = copy;
    entry->body_len = len;
    entry->response = *from;
    entry->response.url = idc_arena_strdup(arena, from->url);
    entry->response.content_type = idc_arena_strdup(arena, from->content_type);
    entry->response.headers = idc_http_headers_copy(arena, from->headers, from->header_count);
    return entry->response.url != NULL && entry->response.content_type != NULL &&
           entry->response.headers != NULL;
}

IdcHttpCacheEntry *
idc_http_cache_entry_new(const uint8_t key[IDC_SHA256_BYTES], const IdcHttpResponse *response,
                         const void *body, size_t len, int64_t stored_ms)
{
    IdcArena *arena = idc_arena_new(0);
    IdcHttpCacheEntry *entry = arena != NULL ? idc_arena_alloc(arena, sizeof *entry) : NULL;

    if (entry == NULL || !copy_all(arena, response, body, len, entry)) {
        idc_arena_free(arena);
        return NULL;
    }
    memcpy(entry->key, key, IDC_SHA256_BYTES);
    entry->arena = arena;
    entry->stored_ms = stored_ms;
    return entry;
}

static int64_t
entry_bytes(const IdcHttpCacheEntry *entry)
{
    return (int64_t) entry->body_len + ENTRY_OVERHEAD;
}

/* ---- the list, with the lock ---- */

static void
unlink_entry(IdcHttpCache *cache, IdcHttpCacheEntry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void
link_newest(IdcHttpCache *cache, IdcHttpCacheEntry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void
drop(IdcHttpCache *cache, IdcHttpCacheEntry *entry)
{
    unlink_entry(cache, entry);
    cache->used_bytes -= entry_bytes(entry);
    entry->is_kept = false;
    if (entry->holders == 0)
        idc_arena_free(entry->arena);
}

static IdcHttpCacheEntry *
find(IdcHttpCache *cache, const uint8_t *key)
{
    for (IdcHttpCacheEntry *one = cache->newest; one != NULL; one = one->older)
        if (memcmp(one->key, key, IDC_SHA256_BYTES) == 0)
            return one;
    return NULL;
}

/* The entry is the cache's from then on; frees it where there is no room. */
static void
keep(IdcHttpCache *cache, IdcHttpCacheEntry *entry)
{
    IdcHttpCacheEntry *same = find(cache, entry->key);

    if (same != NULL)
        drop(cache, same);
    link_newest(cache, entry);
    entry->is_kept = true;
    cache->used_bytes += entry_bytes(entry);
    while (cache->used_bytes > cache->limit_bytes)
        drop(cache, cache->oldest);
}

/* ---- for all ---- */

IdcHttpCacheEntry *
idc_http_cache_find(IdcHttpCache *cache, const uint8_t key[IDC_SHA256_BYTES])
{
    IdcHttpCacheEntry *entry;

    pthread_mutex_lock(&cache->lock);
    entry = find(cache, key);
    if (entry != NULL) {
        unlink_entry(cache, entry);
        link_newest(cache, entry);
        entry->holders++;
    }
    pthread_mutex_unlock(&cache->lock);
    if (entry != NULL || cache->directory == NULL)
        return entry;
    entry = idc_http_cache_file_read(cache->directory, key, idc_http_cache_max_body(cache));
    if (entry == NULL)
        return NULL;
    entry->holders = 1;
    pthread_mutex_lock(&cache->lock);
    keep(cache, entry);
    pthread_mutex_unlock(&cache->lock);
    return entry;
}

void
idc_http_cache_release(IdcHttpCache *cache, IdcHttpCacheEntry *entry)
{
    pthread_mutex_lock(&cache->lock);
    if (--entry->holders == 0 && !entry->is_kept)
        idc_arena_free(entry->arena);
    pthread_mutex_unlock(&cache->lock);
}

void
idc_http_cache_store(IdcHttpCache *cache, const uint8_t key[IDC_SHA256_BYTES],
                     const IdcHttpResponse *response, const void *body, size_t len)
{
    IdcHttpCacheEntry *entry;

    if ((int64_t) len > idc_http_cache_max_body(cache))
        return;
    entry = idc_http_cache_entry_new(key, response, body, len, idc_http_cache_now_ms());
    if (entry == NULL)
        return;
    if (cache->directory != NULL)
        idc_http_cache_file_write(cache->directory, entry, file_limit(cache));
    pthread_mutex_lock(&cache->lock);
    keep(cache, entry);
    pthread_mutex_unlock(&cache->lock);
}

void
idc_http_cache_renew(IdcHttpCache *cache, IdcHttpCacheEntry *entry)
{
    entry->stored_ms = idc_http_cache_now_ms();
    if (cache->directory != NULL)
        idc_http_cache_file_write(cache->directory, entry, file_limit(cache));
}
