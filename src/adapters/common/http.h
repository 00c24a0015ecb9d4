/*
 * http.h - HTTP for adapters: requests with their authentication, retries, limits and cache.
 *
 * In:   an IdcHttpRequest; the options of declare_http.h by way of IdcHttpSettings
 * Out:  a body that is read as it arrives, or one error that says what to do
 * Next: the adapter's own reader (rest/)
 *
 * A client belongs to a server and is shared by its scans; each scan has a session, used by one
 * thread, that moves all of its exchanges whenever one of them is waited for. So pages can be
 * fetched ahead, or in parallel: open several exchanges, read them one by one.
 *
 * What holds for every request: only http and https; addresses of private networks are refused
 * (http_guard.h) unless the settings allow them; TLS is verified; no proxy, cookie or .netrc of the
 * surroundings; redirects stay on the origin (scheme, host and port) of settings->base_url, or go
 * to hosts that are listed, and credentials never leave that origin; a body that was cut short is
 * an error. A program that uses this ignores SIGPIPE.
 */
#ifndef IDC_ADAPTERS_COMMON_HTTP_H
#define IDC_ADAPTERS_COMMON_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/adapter.h"
#include "base/arena.h"
#include "base/call.h"
#include "base/error.h"
#include "base/text.h"
#include "relation/bucket.h"

typedef struct IdcHttpClient IdcHttpClient;
typedef struct IdcHttpSession IdcHttpSession;
typedef struct IdcHttpExchange IdcHttpExchange;

/* ---- settings: the options of declare_http.h, read ---- */

typedef enum IdcHttpAuth {
    IDC_HTTP_AUTH_NONE,
    IDC_HTTP_AUTH_BEARER,
    IDC_HTTP_AUTH_BASIC,
    IDC_HTTP_AUTH_KEY_IN_HEADER,
    IDC_HTTP_AUTH_KEY_IN_QUERY,
    IDC_HTTP_AUTH_OAUTH2, /* client credentials */
    IDC_HTTP_AUTH_SIGV4
} IdcHttpAuth;

/* Texts are borrowed from the options; times in ms (-1: no limit); sizes in bytes. */
typedef struct IdcHttpSettings {
    const char *server_name; /* for errors; may be NULL */
    /* Its origin is where requests and credentials may go. NULL: anywhere, with credentials. */
    const char *base_url;
    const char *redirect_hosts; /* "host host:port …", by space or comma; NULL: none */
    bool allow_private;
    bool tls_verify;
    const char *tls_min_version; /* "1.2" or "1.3"; NULL: 1.2 */
    const char *ca_file, *client_certificate, *client_key, *client_key_password;
    const char *proxy;        /* NULL: none */
    const char *http_version; /* "auto" (2 over TLS), "1.1"; NULL: auto */
    const char *user_agent;   /* NULL: our own */
    int64_t connect_timeout_ms, header_timeout_ms, idle_timeout_ms, request_timeout_ms;
    int64_t max_retries, retry_delay_ms, max_retry_wait_ms;
    IdcBucket *bucket; /* shared by the hub's sessions; NULL: one of the client's own, if … */
    double rate_limit; /* … this says requests a second; 0: no limit */
    int64_t rate_burst;
    int64_t max_response_bytes;
    int64_t cache_ttl_ms;        /* 0: no cache */
    int64_t cache_bytes;         /* in memory; as many again times 8 on disk */
    const char *cache_directory; /* NULL: none on disk */
    IdcHttpAuth auth;
    const char *auth_token;          /* BEARER */
    const char *username, *password; /* BASIC */
    const char *api_key, *api_key_name;
    const char *token_url, *client_id, *client_secret, *scope, *audience; /* OAUTH2 */
    bool token_auth_in_body; /* the client's secret is sent there, not as basic authentication */
    const char *aws_region, *aws_service;
    const char *aws_access_key_id, *aws_secret_access_key, *aws_session_token;
    const IdcLog *log;
} IdcHttpSettings;

/* What holds without options. */
void idc_http_settings_init(IdcHttpSettings *settings);

/*
 * From a server's options, which declaration (it has the rows of declare_http.h) has checked.
 * IDC_BAD_CONFIG where options do not fit together, or one of them needs a superuser (is_local)
 * and server->may_use_local is false. base_url is the option of that name.
 */
IDC_CHECKED IdcStatus idc_http_settings_read(const IdcSourceServer *server,
                                             const IdcDeclaration *declaration,
                                             IdcHttpSettings *settings, IdcError *err);

/* ---- the client: one for a server, for all threads ---- */

/* NULL on failure. The texts of settings must live as long as the client. */
IdcHttpClient *idc_http_client_new(const IdcHttpSettings *settings, IdcError *err);
/* After all sessions are closed; NULL is fine. */
void idc_http_client_free(IdcHttpClient *client);

/* ---- the session: one for a scan, for one thread ---- */

/*
 * Closed with the arena, its exchanges with it, at once and whatever they wait for. call and stats
 * are borrowed; stats gets requests, retries, bytes, cache_hits and wait_us.
 */
IDC_CHECKED IdcStatus idc_http_session_open(IdcHttpClient *client, IdcArena *arena, IdcCall *call,
                                            IdcScanStats *stats, IdcHttpSession **session,
                                            IdcError *err);

/* ---- requests ---- */

typedef enum IdcHttpMethod {
    IDC_HTTP_GET,
    IDC_HTTP_POST,
    IDC_HTTP_PUT,
    IDC_HTTP_PATCH,
    IDC_HTTP_DELETE
} IdcHttpMethod;

typedef struct IdcHttpHeader {
    const char *name, *value;
} IdcHttpHeader;

/* NULL: no memory. */
const IdcHttpHeader *idc_http_headers_copy(IdcArena *arena, const IdcHttpHeader *from,
                                           size_t count);

/* All of it is copied by idc_http_open. Zeroed: a GET without anything. */
typedef struct IdcHttpRequest {
    IdcHttpMethod method;
    const char *url; /* absolute; percent-encoded where it must be */
    const IdcHttpHeader *headers;
    size_t header_count;
    const void *body;
    size_t body_len;
    const char *body_type; /* Content-Type of the body; NULL: application/json */
    /*
     * A GET is repeated after a failure anyway; others only if this says that it does no harm:
     * a POST that only reads, a PUT, a DELETE.
     */
    bool is_idempotent;
    /* Makes a write idempotent: sent as Idempotency-Key, the same in every try; or NULL. */
    const char *idempotency_key;
    /* Another origin than base_url's is fine (a document that the owner named); it gets neither
     * credentials nor `headers` but Accept. */
    bool is_public;
    /* "application/json", "text/html", or "+json" for any type that ends so; NULL at the end. NULL:
     * any. An answer without a type is accepted. Also what Accept says, unless headers have it. */
    const char *const *content_types;
    /* Statuses that are no error beside 2xx; 0 at the end. NULL: none. */
    const int *accepted_statuses;
    int64_t cache_ttl_ms; /* 0: the settings' own; negative: no cache for this one */
} IdcHttpRequest;

/* Good until the exchange is closed. */
typedef struct IdcHttpResponse {
    int status;
    const char *url;              /* where it came from in the end; with secrets, not to be shown */
    const char *content_type;     /* lower case, without parameters; "" if there is none */
    const IdcHttpHeader *headers; /* in order; names as they came */
    size_t header_count;
    /* False: neither a length nor chunks said where the body ends (the connection's end did), so a
     * cut one looks whole: formats without an end of their own (CSV, NDJSON) cannot trust it. */
    bool has_known_end;
    bool is_cached;
} IdcHttpResponse;

/*
 * Begin a request; does not wait for the answer. Fails for what is known at once: an URL that is
 * none or goes elsewhere, no memory.
 */
IDC_CHECKED IdcStatus idc_http_open(IdcHttpSession *session, const IdcHttpRequest *request,
                                    IdcHttpExchange **exchange, IdcError *err);

/*
 * Wait for the head of the answer and the first bytes of its body (or its end). Redirects are
 * followed, failures repeated, and any other status than a success is an error:
 * IDC_BAD_CREDENTIAL for 401 and 403, IDC_CONNECTION_FAILED, IDC_TIMEOUT, IDC_CANCELED,
 * IDC_SOURCE_FAILED for the rest.
 */
IDC_CHECKED IdcStatus idc_http_response(IdcHttpExchange *exchange, const IdcHttpResponse **response,
                                        IdcError *err);

/* For what is wrong with a body: "GET https://host/path: " before the message, secrets masked;
 * returns err's status. */
IdcStatus idc_http_blame(const IdcHttpExchange *exchange, IdcError *err);

/*
 * The next bytes of the body, decompressed; waits for at least one. They are good until the next
 * read from this exchange, or its close. *is_end: the body was whole and these are the last (len
 * may be 0). After an error every further read fails in the same way.
 */
IDC_CHECKED IdcStatus idc_http_read(IdcHttpExchange *exchange, const void **bytes, size_t *len,
                                    bool *is_end, IdcError *err);

/* True if idc_http_read (or idc_http_response) would not wait now. Moves all exchanges on. */
bool idc_http_is_ready(IdcHttpExchange *exchange);

/* The rest of the body, appended to text (whose limit_bytes holds, as an error). */
IDC_CHECKED IdcStatus idc_http_read_all(IdcHttpExchange *exchange, IdcText *text, IdcError *err);

/* Ends it wherever it is, without waiting; NULL is fine. Else it is closed with its session. */
void idc_http_close(IdcHttpExchange *exchange);

/* The first header of that name in any case, or NULL. */
const char *idc_http_header(const IdcHttpResponse *response, const char *name);

/* ---- URLs (http_url.c) ---- */

/*
 * What reference means on a page of base: absolute or relative (RFC 3986), without its fragment.
 * IDC_SOURCE_FAILED for what is no http or https URL. In the arena.
 */
IDC_CHECKED IdcStatus idc_http_url_resolve(IdcArena *arena, const char *base, const char *reference,
                                           const char **url, IdcError *err);

/* Same scheme, host and port. */
bool idc_http_url_is_same_origin(const char *a, const char *b);

/* For people: secrets in the query are masked, so is a user and password. */
void idc_http_url_show(const IdcHttpClient *client, const char *url, IdcText *text);

/* Percent-encodes all but letters, digits and -._~ (a value of a query, a segment of a path). */
void idc_http_url_escape(IdcText *text, const char *bytes, size_t len);

/* Puts *** wherever a secret of the client stands in message. */
void idc_http_scrub(const IdcHttpClient *client, char *message);

#endif
