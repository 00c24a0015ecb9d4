/*
 * http_private.h - what the files of the HTTP client share.
 *
 *   http.c           exchanges: open, response, read, close
 *   http_session.c   one thread's exchanges on one curl multi handle: what is next, and waiting
 *   http_transfer.c  one try of one exchange: an easy handle and its callbacks
 *   http_outcome.c   what becomes of a try that ended: a body, a redirect, a repetition, an error
 *   http_request.c   the head of a try: headers, credentials, conditions
 *   http_oauth.c     tokens;  http_sigv4.c  signatures
 *   http_client.c    what a server's sessions share;  http_cached.c, http_cache*.c  answers
 *   http_url.c  http_error.c  http_retry.c  http_guard.c  http_settings.c: as they say
 */
#ifndef IDC_ADAPTERS_COMMON_HTTP_PRIVATE_H
#define IDC_ADAPTERS_COMMON_HTTP_PRIVATE_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "adapters/common/http.h"
#include "adapters/common/http_cache.h"

enum {
    HTTP_BUFFER_BYTES = 1024 * 1024, /* a body pauses when that much of it waits to be read */
    HTTP_RECEIVE_BYTES = 32 * 1024,  /* curl reads up to 100 of these at once */
    HTTP_MAX_HEAD_BYTES = 64 * 1024,
    HTTP_MAX_HEADERS = 500,
    HTTP_MAX_REDIRECTS = 5,
    HTTP_MAX_URL_BYTES = 64 * 1024,
    HTTP_EXCERPT_BYTES = 4096,      /* of a body that explains an error */
    HTTP_DISCARD_BYTES = 64 * 1024, /* of a body that nobody wants: to keep the connection */
    HTTP_DISCARD_MS = 2000,
    HTTP_IDLE_BYTES = 256,
    HTTP_BOMB_BYTES = 1024 * 1024,
    HTTP_BOMB_RATIO = 100,
    HTTP_IDLE_MULTIS = 16,
    HTTP_MAX_SECRETS = 16
};

/* ---- the client ---- */

typedef struct HttpToken {
    char *text, *previous; /* NULL: none yet */
    int64_t expires_ms;    /* idc_clock_ms */
    unsigned generation;   /* of text; 0: none */
    bool is_being_fetched;
} HttpToken;

struct IdcHttpClient {
    IdcHttpSettings settings;
    char *origin; /* of base_url; NULL: none */
    IdcArena *arena;
    const char *secrets[HTTP_MAX_SECRETS];
    size_t secret_count;
    uint8_t identity[IDC_SHA256_BYTES]; /* of who asks: part of the cache's keys */
    CURLSH *share;
    pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];
    pthread_mutex_t lock;          /* of what follows */
    CURLM *idle[HTTP_IDLE_MULTIS]; /* with the connections that they keep */
    size_t idle_count;
    HttpToken token;
    IdcBucketWord own_word;
    IdcBucket own_bucket;
    IdcBucket *bucket;             /* NULL: no limit */
    _Atomic int64_t hold_until_ms; /* the server asked for a pause */
    IdcHttpCache *cache;           /* NULL: none */
};

CURLM *http_client_take_multi(IdcHttpClient *client);
void http_client_give_multi(IdcHttpClient *client, CURLM *multi);

/* ---- a body on its way ---- */

typedef struct HttpBytes {
    char *data;
    size_t len, capacity;
} HttpBytes;

bool http_bytes_append(HttpBytes *bytes, const void *data, size_t len);

/* ---- one try ---- */

typedef enum HttpBodyMode {
    HTTP_BODY_KEEP,   /* it is what the caller reads */
    HTTP_BODY_EXCERPT /* it explains a failure, or nobody wants it */
} HttpBodyMode;

typedef struct HttpTransfer {
    CURL *easy;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
    IdcArena *arena; /* of the answer's head; NULL before the first header */
    IdcHttpHeader *fields;
    size_t field_count, head_bytes;
    int status;
    bool is_head_done, is_paused, is_cut; /* is_cut: ended by us, enough of its body was seen */
    bool has_unwanted_type;
    HttpBodyMode mode;
    HttpBytes excerpt;
    int64_t discarded_bytes, body_bytes, wire_bytes, sent_bytes;
    int64_t started_ms, sent_ms, head_ms; /* sent_ms: -1 before */
    int64_t window_ms, window_bytes;      /* of the idle timeout */
    int64_t paused_ms, pause_began_ms;
    unsigned token_generation; /* of the token that went with it */
    IdcStatus failed;          /* by a callback, with … */
    char why[512];             /* … these words */
} HttpTransfer;

/* ---- exchanges ---- */

typedef enum HttpState {
    HTTP_WAITING, /* for start_ms */
    HTTP_RUNNING,
    HTTP_DONE, /* the body is whole, some of it may wait to be read */
    HTTP_FAILED
} HttpState;

struct IdcHttpExchange {
    IdcHttpSession *session;
    IdcHttpExchange *next;
    IdcArena *arena;        /* of the request */
    IdcHttpRequest request; /* url: where it goes now */
    HttpState state;
    int64_t start_ms;
    const char *visited[HTTP_MAX_REDIRECTS + 1];
    int redirect_count;
    int64_t try_count, retry_count;
    bool has_credentials; /* goes to the origin that they are for */
    bool is_token_request, was_token_renewed, was_token_asked;
    bool is_handed_out; /* of its answer something was given away: nothing is repeated */
    HttpTransfer transfer;
    IdcArena *response_arena;
    IdcHttpResponse response;
    HttpBytes in, out; /* arrives; is being read */
    uint8_t cache_key[IDC_SHA256_BYTES];
    int64_t cache_ttl_ms;       /* 0: none */
    IdcHttpCacheEntry *cached;  /* what is served, or asked about */
    bool is_served, was_served; /* from `cached`; and read */
    HttpBytes tee;              /* what will be cached */
    bool is_teed;
    IdcError failure;
};

struct IdcHttpSession {
    IdcHttpClient *client;
    IdcCall *call;
    IdcScanStats *stats, own_stats;
    CURLM *multi;
    IdcHttpExchange *exchanges;
    int64_t left_ms; /* when the last step ended: what comes after it is the caller's own time */
};

IdcStatus http_session_begin(IdcHttpClient *client, IdcCall *call, IdcScanStats *stats,
                             IdcHttpSession **session, IdcError *err);
void http_session_end(void *session);
/* Move all exchanges on; is_waiting: until something happened. Fails for the call's own ends. */
IdcStatus http_session_step(IdcHttpSession *session, bool is_waiting, IdcError *err);

IdcStatus http_open_for_token(IdcHttpSession *session, const IdcHttpRequest *request,
                              IdcHttpExchange **exchange, IdcError *err);

IdcStatus http_transfer_start(IdcHttpExchange *exchange, IdcError *err);
/* Frees what the try has; the connection lives on if the answer was read to its end. */
void http_transfer_end(IdcHttpExchange *exchange);
/* In how many ms something must have happened (-1: never); 0: too late, and why says what. */
int64_t http_transfer_due(IdcHttpExchange *exchange, int64_t now, const char **why);
/* So long nobody looked: none of it is the server's fault. */
void http_transfer_forgive(IdcHttpExchange *exchange, int64_t gap_ms);
void http_transfer_pause(IdcHttpExchange *exchange, bool is_paused);

/* A try ended. code: curl's; timeout: what took too long, or NULL. */
void http_outcome(IdcHttpExchange *exchange, CURLcode code, const char *timeout);
/* The head of an answer is there: what its body is for. */
void http_outcome_of_head(IdcHttpExchange *exchange);
/* The exchange has failed with what err says. */
void http_exchange_fail(IdcHttpExchange *exchange, const IdcError *err);

/* ---- an exchange's side of the cache (http_cached.c) ---- */

/* Serve the answer from there, or note what to ask about, or nothing. */
void http_cache_look(IdcHttpExchange *exchange);
/* A head came that may be stored with its body. */
void http_cache_begin(IdcHttpExchange *exchange);
void http_cache_finish(IdcHttpExchange *exchange);
/* 304: what is there still holds. */
void http_cache_confirm(IdcHttpExchange *exchange);

/* The transfer's header list and URL. May wait for a token. */
IdcStatus http_request_build(IdcHttpExchange *exchange, struct curl_slist **headers, IdcText *url,
                             IdcError *err);
/* Of the answer so far. */
const char *http_transfer_header(const HttpTransfer *transfer, const char *name);

/* ---- credentials ---- */

IdcStatus http_oauth_token(IdcHttpExchange *exchange, IdcText *token, IdcError *err);
void http_oauth_forget(IdcHttpClient *client, unsigned generation);
IdcStatus http_sigv4_prepare(IdcHttpExchange *exchange, CURL *easy, struct curl_slist **headers,
                             IdcText *url, IdcError *err);
bool http_base64(IdcText *text, const void *bytes, size_t len);

/* ---- repetitions (http_retry.c) ---- */

bool http_retry_is_status(int status);
/* "120" or an HTTP date; -1: neither. */
int64_t http_retry_after_ms(const char *value, int64_t now_s);
/* A random wait before repetition number nth (from 1). */
int64_t http_retry_delay_ms(const IdcHttpSettings *settings, int64_t nth);

/* ---- URLs, headers, errors ---- */

/* "https://host:443"; false: no http or https URL, or it has a user in it. */
bool http_url_origin(const char *url, IdcText *origin);
bool http_url_host(const char *url, IdcText *host);
bool http_url_is_listed(const char *hosts, const char *url);
const char *http_method_name(IdcHttpMethod method);
/* The answer's body so far as at most 200 printable characters, with ": " before; or "". */
void http_error_excerpt(const IdcHttpExchange *exchange, IdcText *text);
void http_error_of_status(const IdcHttpExchange *exchange, IdcError *err);
void http_error_of_curl(const IdcHttpExchange *exchange, CURLcode code, IdcError *err);

#endif
