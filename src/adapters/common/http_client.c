/*
 * http_client.c - what all scans of a server share: names, TLS sessions, idle connections, limits.
 *
 * Connections are not shared by curl's share handle: that is not safe between threads (curl's
 * KNOWN_BUGS). Instead a session borrows a multi handle, which keeps its connections.
 */
#include <stdlib.h>
#include <string.h>

#include "adapters/common/http_private.h"

/* Shorter texts are no secrets, and would hide half of a message. */
#define SHORTEST_SECRET 4

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_is_ready = CURLE_FAILED_INIT;

static void
start_curl(void)
{
    curl_is_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

void
idc_http_settings_init(IdcHttpSettings *settings)
{
    *settings = (IdcHttpSettings){
        .tls_verify = true,
        .connect_timeout_ms = 5000,
        .header_timeout_ms = 30000,
        .idle_timeout_ms = 30000,
        .request_timeout_ms = -1,
        .max_retries = 4,
        .retry_delay_ms = 250,
        .max_retry_wait_ms = 60000,
        .rate_burst = 1,
        .max_response_bytes = INT64_C(1) << 30,
        .cache_bytes = 32 * 1024 * 1024,
    };
}

static void
lock_share(CURL *easy, curl_lock_data data, curl_lock_access access, void *client)
{
    (void) easy;
    (void) access;
    pthread_mutex_lock(&((IdcHttpClient *) client)->share_locks[data]);
}

static void
unlock_share(CURL *easy, curl_lock_data data, void *client)
{
    (void) easy;
    pthread_mutex_unlock(&((IdcHttpClient *) client)->share_locks[data]);
}

static bool
open_share(IdcHttpClient *client)
{
    client->share = curl_share_init();
    return client->share != NULL &&
           curl_share_setopt(client->share, CURLSHOPT_LOCKFUNC, lock_share) == CURLSHE_OK &&
           curl_share_setopt(client->share, CURLSHOPT_UNLOCKFUNC, unlock_share) == CURLSHE_OK &&
           curl_share_setopt(client->share, CURLSHOPT_USERDATA, client) == CURLSHE_OK &&
           curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK &&
           curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) ==
               CURLSHE_OK;
}

static void
add_secret(IdcHttpClient *client, const char *secret)
{
    if (secret != NULL && strlen(secret) >= SHORTEST_SECRET &&
        client->secret_count < HTTP_MAX_SECRETS)
        client->secrets[client->secret_count++] = secret;
}

/* As it is, and as it stands in a query. */
static void
add_escaped_secret(IdcHttpClient *client, const char *secret)
{
    IdcText text;

    if (secret == NULL)
        return;
    idc_text_init(&text, 0);
    idc_http_url_escape(&text, secret, strlen(secret));
    if (strcmp(idc_text_string(&text), secret) != 0)
        add_secret(client, idc_arena_strdup(client->arena, idc_text_string(&text)));
    idc_text_done(&text);
    add_secret(client, secret);
}

static void
add_basic_secret(IdcHttpClient *client, const char *user, const char *password)
{
    IdcText pair, text;

    if (user == NULL || password == NULL)
        return;
    idc_text_init(&pair, 0);
    idc_text_init(&text, 0);
    idc_text_append_format(&pair, "%s:%s", user, password);
    (void) http_base64(&text, pair.data, pair.len);
    add_secret(client, idc_arena_strdup(client->arena, idc_text_string(&text)));
    idc_text_done(&pair);
    idc_text_done(&text);
}

static void
note_secrets(IdcHttpClient *client)
{
    const IdcHttpSettings *settings = &client->settings;

    add_secret(client, settings->auth_token);
    add_basic_secret(client, settings->username, settings->password);
    add_escaped_secret(client, settings->password);
    add_escaped_secret(client, settings->api_key);
    add_basic_secret(client, settings->client_id, settings->client_secret);
    add_escaped_secret(client, settings->client_secret);
    add_secret(client, settings->aws_secret_access_key);
    add_secret(client, settings->aws_session_token);
    add_secret(client, settings->client_key_password);
}

/* Who asks, and whom he would believe: what is not allowed any more is not served either. Each with
 * its NUL, so that neighbours cannot be mistaken for each other. */
static void
note_identity(IdcHttpClient *client)
{
    const IdcHttpSettings *settings = &client->settings;
    const char *const texts[] = {
        settings->auth_token,
        settings->username,
        settings->password,
        settings->api_key,
        settings->api_key_name,
        settings->token_url,
        settings->client_id,
        settings->client_secret,
        settings->scope,
        settings->audience,
        settings->aws_region,
        settings->aws_service,
        settings->aws_access_key_id,
        settings->aws_secret_access_key,
        settings->client_certificate,
        settings->ca_file,
        settings->proxy,
        settings->redirect_hosts,
    };
    const char flags[] = { (char) settings->auth, settings->allow_private, settings->tls_verify };
    IdcSha256 hash;

    idc_sha256_init(&hash);
    idc_sha256_add(&hash, flags, sizeof flags);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        idc_sha256_add(&hash, texts[i] != NULL ? texts[i] : "",
                       texts[i] != NULL ? strlen(texts[i]) + 1 : 1);
    idc_sha256_end(&hash, client->identity);
}

static void
set_bucket(IdcHttpClient *client)
{
    const IdcHttpSettings *settings = &client->settings;

    client->bucket = settings->bucket;
    if (client->bucket != NULL || settings->rate_limit <= 0)
        return;
    client->own_bucket = (IdcBucket){
        .word = &client->own_word,
        .rate = settings->rate_limit,
        .burst = settings->rate_burst > 0 ? (double) settings->rate_burst : 1,
    };
    client->bucket = &client->own_bucket;
}

static IdcStatus
set_origin(IdcHttpClient *client, IdcError *err)
{
    IdcText origin;

    if (client->settings.base_url == NULL)
        return IDC_OK;
    idc_text_init(&origin, 0);
    if (!http_url_origin(client->settings.base_url, &origin)) {
        idc_text_done(&origin);
        return idc_fail(err, IDC_BAD_CONFIG,
                        "base_url is no http or https URL without a user in it");
    }
    client->origin = idc_text_take(&origin);
    return client->origin != NULL ? IDC_OK : idc_fail_no_memory(err);
}

IdcHttpClient *
idc_http_client_new(const IdcHttpSettings *settings, IdcError *err)
{
    IdcHttpClient *client;

    if (pthread_once(&curl_once, start_curl) != 0 || curl_is_ready != CURLE_OK) {
        (void) idc_fail(err, IDC_MISUSE, "cannot start libcurl");
        return NULL;
    }
    client = calloc(1, sizeof *client);
    if (client == NULL) {
        (void) idc_fail_no_memory(err);
        return NULL;
    }
    client->settings = *settings;
    pthread_mutex_init(&client->lock, NULL);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
        pthread_mutex_init(&client->share_locks[i], NULL);
    if (set_origin(client, err) != IDC_OK) {
        idc_http_client_free(client);
        return NULL;
    }
    client->arena = idc_arena_new(0);
    client->cache = idc_http_cache_new(settings->cache_bytes, settings->cache_directory);
    if (client->arena == NULL || client->cache == NULL || !open_share(client)) {
        (void) idc_fail_no_memory(err);
        idc_http_client_free(client);
        return NULL;
    }
    note_secrets(client);
    note_identity(client);
    set_bucket(client);
    return client;
}

void
idc_http_client_free(IdcHttpClient *client)
{
    if (client == NULL)
        return;
    for (size_t i = 0; i < client->idle_count; i++)
        curl_multi_cleanup(client->idle[i]);
    if (client->share != NULL)
        curl_share_cleanup(client->share);
    idc_http_cache_free(client->cache);
    idc_arena_free(client->arena);
    free(client->token.text);
    free(client->token.previous);
    free(client->origin);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
        pthread_mutex_destroy(&client->share_locks[i]);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

CURLM *
http_client_take_multi(IdcHttpClient *client)
{
    CURLM *multi = NULL;

    pthread_mutex_lock(&client->lock);
    if (client->idle_count > 0)
        multi = client->idle[--client->idle_count];
    pthread_mutex_unlock(&client->lock);
    if (multi != NULL)
        return multi;
    multi = curl_multi_init();
    if (multi == NULL)
        return NULL;
    /* One exchange a connection: in HTTP/2, a paused one would hold up its neighbours. */
    (void) curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long) CURLPIPE_NOTHING);
    (void) curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 16L);
    return multi;
}

void
http_client_give_multi(IdcHttpClient *client, CURLM *multi)
{
    pthread_mutex_lock(&client->lock);
    if (client->idle_count < HTTP_IDLE_MULTIS) {
        client->idle[client->idle_count++] = multi;
        multi = NULL;
    }
    pthread_mutex_unlock(&client->lock);
    if (multi != NULL)
        curl_multi_cleanup(multi);
}

static void
scrub_one(char *message, const char *secret)
{
    size_t len = secret != NULL ? strlen(secret) : 0;

    if (len < SHORTEST_SECRET)
        return;
    for (char *found = strstr(message, secret); found != NULL; found = strstr(found + 3, secret)) {
        memcpy(found, "***", 3);
        memmove(found + 3, found + len, strlen(found + len) + 1);
    }
}

void
idc_http_scrub(const IdcHttpClient *client, char *message)
{
    pthread_mutex_t *lock = (pthread_mutex_t *) &client->lock;

    for (size_t i = 0; i < client->secret_count; i++)
        scrub_one(message, client->secrets[i]);
    pthread_mutex_lock(lock);
    scrub_one(message, client->token.text);
    scrub_one(message, client->token.previous);
    pthread_mutex_unlock(lock);
}
