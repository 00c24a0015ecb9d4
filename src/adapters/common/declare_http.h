/*
 * declare_http.h - the options of every adapter that speaks HTTP, for its table of options.
 *
 * Pure tables: no library. common/http_settings.c reads them in instant-source, and rate_limit of
 * the options that all adapters have. Use as rows:
 *
 *   static const IdcAdapterOption options[] = { IDC_HTTP_OPTIONS { .name = "base_url", … }, … };
 */
#ifndef IDC_ADAPTERS_COMMON_DECLARE_HTTP_H
#define IDC_ADAPTERS_COMMON_DECLARE_HTTP_H

#include "adapters/adapter.h"

/* clang-format off */

#define IDC_HTTP_LIMIT_OPTIONS \
    { .name = "connect_timeout", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_DURATION, \
      .fallback = "5s", .min = 1, .max = 3600000, \
      .help = "longest time for the name, the connection and TLS" }, \
    { .name = "header_timeout", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_DURATION, \
      .fallback = "30s", .min = 1, .max = 3600000, \
      .help = "longest time from the request to the whole head of its answer" }, \
    { .name = "idle_timeout", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_DURATION, \
      .fallback = "30s", .min = 1, .max = 3600000, \
      .help = "longest time in which a body may bring less than 256 bytes" }, \
    { .name = "request_timeout", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_DURATION, \
      .min = 1, .max = 86400000, \
      .help = "longest time of one request as a whole, without repetitions; none if not given" }, \
    { .name = "max_retries", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_INTEGER, \
      .fallback = "4", .min = 0, .max = 100, \
      .help = "how often a request that failed in passing is repeated" }, \
    { .name = "retry_delay", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_DURATION, \
      .fallback = "250ms", .min = 1, .max = 60000, \
      .help = "longest wait before the first repetition; it doubles with each further one" }, \
    { .name = "max_retry_wait", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_DURATION, \
      .fallback = "60s", .min = 0, .max = 86400000, \
      .help = "longest wait before a repetition, also when the server asks for a longer one" }, \
    { .name = "rate_burst", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_INTEGER, \
      .fallback = "1", .min = 1, .max = 1000000, \
      .help = "requests that may go out at once after a pause, within rate_limit" }, \
    { .name = "max_response_size", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_SIZE, \
      .fallback = "1GB", .min = 1, \
      .help = "a longer body, decompressed, is an error" },

#define IDC_HTTP_NETWORK_OPTIONS \
    { .name = "http_version", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_WORD, \
      .words = (const char *const[]) { "auto", "1.1", NULL }, .fallback = "auto", \
      .help = "auto: HTTP/2 over TLS where the server has it; 1.1: never" }, \
    { .name = "user_agent", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_TEXT, \
      .help = "what User-Agent says" }, \
    { .name = "redirect_hosts", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_TEXT, \
      .help = "other hosts (host or host:port, by comma) that redirects and links to further " \
              "pages may lead to; they get no credentials" }, \
    { .name = "allow_private", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_BOOL, \
      .fallback = "false", .is_local = true, \
      .help = "true: addresses of this machine and of private networks may be reached" }, \
    { .name = "proxy", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_URL, .is_local = true, \
      .help = "an HTTP proxy; those of the environment are not used" }, \
    { .name = "tls_verify", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_BOOL, \
      .fallback = "true", .is_local = true, \
      .help = "false: any certificate is accepted" }, \
    { .name = "tls_min_version", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_WORD, \
      .words = (const char *const[]) { "1.2", "1.3", NULL }, .fallback = "1.2", \
      .help = "oldest version of TLS that is spoken" }, \
    { .name = "ca_file", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_TEXT, .is_local = true, \
      .help = "certificates (PEM) of the authorities that are trusted instead of the system's" }, \
    { .name = "client_certificate", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_TEXT, \
      .is_local = true, .help = "file with our own certificate (PEM)" }, \
    { .name = "client_key", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_TEXT, \
      .is_local = true, .help = "file with the key of client_certificate (PEM)" }, \
    { .name = "client_key_password", .levels = IDC_OPTION_USER, .type = IDC_OPTION_TEXT, \
      .is_secret = true, .help = "password of client_key" },

#define IDC_HTTP_CACHE_OPTIONS \
    { .name = "cache_ttl", .levels = IDC_OPTION_SERVER | IDC_OPTION_TABLE, \
      .type = IDC_OPTION_DURATION, .min = 0, .max = INT64_C(31536000000), \
      .help = "time for which an answer is used again without asking; after it, it is asked " \
              "whether it changed. No cache if not given" }, \
    { .name = "cache_size", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_SIZE, \
      .fallback = "32MB", .min = 65536, .max = INT64_C(1) << 40, \
      .help = "memory of one process for answers; files have eight times as much" },

#define IDC_HTTP_AUTH_OPTIONS \
    { .name = "auth", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_WORD, \
      .words = (const char *const[]) { "none", "bearer", "basic", "api_key_header", \
                                       "api_key_query", "oauth2", "aws_sigv4", NULL }, \
      .help = "how requests are authenticated; if not given, by what the user mapping has" }, \
    { .name = "api_key_name", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_TEXT, \
      .help = "header or query parameter of api_key (X-API-Key, or api_key)" }, \
    { .name = "token_url", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_URL, \
      .help = "oauth2: where a token is fetched" }, \
    { .name = "token_auth", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_WORD, \
      .words = (const char *const[]) { "basic", "body", NULL }, .fallback = "basic", \
      .help = "oauth2: how token_url gets client_id and client_secret" }, \
    { .name = "scope", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_TEXT, \
      .help = "oauth2: scopes to ask for, by space" }, \
    { .name = "audience", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_TEXT, \
      .help = "oauth2: audience to ask for" }, \
    { .name = "aws_region", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_TEXT, \
      .fallback = "us-east-1", .help = "aws_sigv4: region to sign for" }, \
    { .name = "aws_service", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_TEXT, \
      .fallback = "execute-api", .help = "aws_sigv4: service to sign for" }, \
    { .name = "auth_token", .levels = IDC_OPTION_USER, .type = IDC_OPTION_TEXT, \
      .is_secret = true, .help = "sent as a bearer token" }, \
    { .name = "username", .levels = IDC_OPTION_USER, .type = IDC_OPTION_TEXT, \
      .help = "user of basic authentication" }, \
    { .name = "password", .levels = IDC_OPTION_USER, .type = IDC_OPTION_TEXT, \
      .is_secret = true, .help = "password of basic authentication" }, \
    { .name = "api_key", .levels = IDC_OPTION_USER, .type = IDC_OPTION_TEXT, \
      .is_secret = true, .help = "key that is sent in a header or in the query" }, \
    { .name = "client_id", .levels = IDC_OPTION_USER, .type = IDC_OPTION_TEXT, \
      .help = "oauth2: our own name" }, \
    { .name = "client_secret", .levels = IDC_OPTION_USER, .type = IDC_OPTION_TEXT, \
      .is_secret = true, .help = "oauth2: our own secret" }, \
    { .name = "aws_access_key_id", .levels = IDC_OPTION_USER, .type = IDC_OPTION_TEXT, \
      .help = "aws_sigv4: name of the key" }, \
    { .name = "aws_secret_access_key", .levels = IDC_OPTION_USER, .type = IDC_OPTION_TEXT, \
      .is_secret = true, .help = "aws_sigv4: the key" }, \
    { .name = "aws_session_token", .levels = IDC_OPTION_USER, .type = IDC_OPTION_TEXT, \
      .is_secret = true, .help = "aws_sigv4: token of a temporary key" },

#define IDC_HTTP_OPTIONS \
    IDC_HTTP_AUTH_OPTIONS IDC_HTTP_NETWORK_OPTIONS IDC_HTTP_LIMIT_OPTIONS IDC_HTTP_CACHE_OPTIONS

/* clang-format on */

#endif
