/*
 * http_cached.c - an exchange's side of the cache: its key, what is served, what is stored.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/common/http_private.h"

static void
hash_text(IdcSha256 *hash, const char *text)
{
    idc_sha256_add(hash, text, strlen(text) + 1);
}

/* Who asks for what, and how. */
static void
make_key(IdcHttpExchange *exchange)
{
    const IdcHttpRequest *request = &exchange->request;
    char credentials = exchange->has_credentials ? 'y' : 'n';
    IdcSha256 hash;

    idc_sha256_init(&hash);
    hash_text(&hash, request->url);
    idc_sha256_add(&hash, exchange->session->client->identity, IDC_SHA256_BYTES);
    idc_sha256_add(&hash, &credentials, 1);
    for (size_t i = 0; i < request->header_count; i++) {
        hash_text(&hash, request->headers[i].name);
        hash_text(&hash, request->headers[i].value);
    }
    for (size_t i = 0; request->content_types != NULL && request->content_types[i] != NULL; i++)
        hash_text(&hash, request->content_types[i]);
    idc_sha256_end(&hash, exchange->cache_key);
}

static void
serve(IdcHttpExchange *exchange)
{
    exchange->response = exchange->cached->response;
    exchange->response.is_cached = true;
    exchange->is_served = true;
    exchange->state = HTTP_DONE;
    exchange->session->stats->cache_hits++;
}

static bool
can_be_asked_about(const IdcHttpCacheEntry *entry)
{
    return idc_http_header(&entry->response, "ETag") != NULL ||
           idc_http_header(&entry->response, "Last-Modified") != NULL;
}

void
http_cache_look(IdcHttpExchange *exchange)
{
    IdcHttpClient *client = exchange->session->client;
    const IdcHttpRequest *request = &exchange->request;
    int64_t age;

    exchange->cache_ttl_ms =
        request->cache_ttl_ms != 0 ? request->cache_ttl_ms : client->settings.cache_ttl_ms;
    if (request->method != IDC_HTTP_GET || request->body_len > 0 || exchange->is_token_request)
        exchange->cache_ttl_ms = 0;
    if (exchange->cache_ttl_ms <= 0)
        return;
    make_key(exchange);
    exchange->cached = idc_http_cache_find(client->cache, exchange->cache_key);
    if (exchange->cached == NULL)
        return;
    age = idc_http_cache_now_ms() - exchange->cached->stored_ms;
    if (age >= 0 && age < exchange->cache_ttl_ms) {
        serve(exchange);
    } else if (!can_be_asked_about(exchange->cached)) {
        idc_http_cache_release(client->cache, exchange->cached);
        exchange->cached = NULL;
    }
}

/* A word of a list of directives. */
static bool
has_directive(const char *value, const char *word)
{
    size_t len = strlen(word);

    while (value != NULL && *value != '\0') {
        value += strspn(value, ", \t");
        if (strncasecmp(value, word, len) == 0 && strchr(", \t=", value[len]) != NULL)
            return true;
        value += strcspn(value, ",");
    }
    return false;
}

void
http_cache_begin(IdcHttpExchange *exchange)
{
    const IdcHttpResponse *response = &exchange->response;
    const char *vary = idc_http_header(response, "Vary");

    exchange->tee.len = 0;
    exchange->is_teed = exchange->cache_ttl_ms > 0 && response->status == 200 &&
                        response->has_known_end &&
                        !has_directive(idc_http_header(response, "Cache-Control"), "no-store") &&
                        (vary == NULL || strchr(vary, '*') == NULL);
}

void
http_cache_finish(IdcHttpExchange *exchange)
{
    if (exchange->is_teed)
        idc_http_cache_store(exchange->session->client->cache, exchange->cache_key,
                             &exchange->response, exchange->tee.data, exchange->tee.len);
    free(exchange->tee.data);
    exchange->tee = (HttpBytes){ .data = NULL };
    exchange->is_teed = false;
}

void
http_cache_confirm(IdcHttpExchange *exchange)
{
    http_transfer_end(exchange);
    idc_http_cache_renew(exchange->session->client->cache, exchange->cached);
    serve(exchange);
}
