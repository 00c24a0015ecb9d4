/*
 * http_transfer.c - one try of one exchange: what curl is told, and what it tells.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "adapters/common/http_guard.h"
#include "adapters/common/http_private.h"

/* Why a callback ends the transfer. The first reason stays. */
__attribute__((format(printf, 3, 4))) static void
give_up(HttpTransfer *transfer, IdcStatus status, const char *format, ...)
{
    va_list args;

    if (transfer->failed != IDC_OK)
        return;
    transfer->failed = status;
    va_start(args, format);
    (void) vsnprintf(transfer->why, sizeof transfer->why, format, args);
    va_end(args);
}

/* ---- the address ---- */

static curl_socket_t
open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    IdcHttpExchange *exchange = data;
    const IdcHttpSettings *settings = &exchange->session->client->settings;
    const char *why = "no address of the internet";
    char shown[INET6_ADDRSTRLEN];

    /* The proxy's own address was given by a superuser; its targets are looked at in start. */
    if (purpose == CURLSOCKTYPE_IPCXN &&
        (address->family == AF_INET || address->family == AF_INET6))
        why = settings->allow_private || settings->proxy != NULL
                  ? NULL
                  : idc_http_guard_address(&address->addr, address->addrlen);
    if (why == NULL)
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    idc_http_guard_show(&address->addr, shown, sizeof shown);
    (void) snprintf(exchange->transfer.why, sizeof exchange->transfer.why,
                    "%s is %s, and the server's option allow_private is off", shown, why);
    return CURL_SOCKET_BAD;
}

static int
before_request(void *data, char *remote, char *local, int remote_port, int local_port)
{
    IdcHttpExchange *exchange = data;

    (void) remote;
    (void) local;
    (void) remote_port;
    (void) local_port;
    exchange->transfer.sent_ms = idc_clock_ms();
    return CURL_PREREQFUNC_OK;
}

/* Counts what comes over the wire, and notes that a long body of ours is still on its way. */
static int
on_progress(void *data, curl_off_t total, curl_off_t now, curl_off_t upload_total,
            curl_off_t uploaded)
{
    IdcHttpExchange *exchange = data;
    HttpTransfer *transfer = &exchange->transfer;

    (void) total;
    (void) upload_total;
    if (uploaded > transfer->sent_bytes) {
        transfer->sent_bytes = uploaded;
        transfer->sent_ms = idc_clock_ms();
    }
    if (now > transfer->wire_bytes) {
        exchange->session->stats->bytes += now - transfer->wire_bytes;
        transfer->wire_bytes = now;
    }
    return 0;
}

/* ---- the head ---- */

static bool
add_field(HttpTransfer *transfer, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    const char *value;
    IdcHttpHeader *field;

    /* Folded lines (obsolete) and lines without a colon say nothing that we need. */
    if (colon == NULL || colon == line || line[0] == ' ' || line[0] == '\t')
        return true;
    if (transfer->field_count == HTTP_MAX_HEADERS) {
        give_up(transfer, IDC_SOURCE_FAILED, "the answer has more than %d headers",
                HTTP_MAX_HEADERS);
        return false;
    }
    value = colon + 1;
    len -= (size_t) (value - line);
    while (len > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        len--;
    }
    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        len--;
    field = &transfer->fields[transfer->field_count];
    field->name = idc_arena_strndup(transfer->arena, line, (size_t) (colon - line));
    field->value = idc_arena_strndup(transfer->arena, value, len);
    if (field->name == NULL || field->value == NULL) {
        give_up(transfer, IDC_NO_MEMORY, "out of memory");
        return false;
    }
    transfer->field_count++;
    return true;
}

static void
end_head(IdcHttpExchange *exchange)
{
    HttpTransfer *transfer = &exchange->transfer;
    long status = 0;

    (void) curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) /* 100 Continue, 103 Early Hints: another head follows */
        return;
    transfer->status = (int) status;
    transfer->is_head_done = true;
    transfer->head_ms = idc_clock_ms();
    transfer->window_ms = transfer->head_ms;
    http_outcome_of_head(exchange);
}

static size_t
on_header(char *line, size_t size, size_t count, void *data)
{
    IdcHttpExchange *exchange = data;
    HttpTransfer *transfer = &exchange->transfer;
    size_t whole = size * count, len = whole;

    transfer->head_bytes += whole;
    exchange->session->stats->bytes += (int64_t) whole;
    if (transfer->head_bytes > HTTP_MAX_HEAD_BYTES) {
        give_up(transfer, IDC_SOURCE_FAILED, "the answer's head is longer than %d bytes",
                HTTP_MAX_HEAD_BYTES);
        return 0;
    }
    if (transfer->is_head_done) /* a trailer */
        return whole;
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    if (len == 0)
        end_head(exchange);
    else if (len > 5 && strncasecmp(line, "HTTP/", 5) == 0)
        transfer->field_count = 0;
    else if (!add_field(transfer, line, len))
        return 0;
    return transfer->failed == IDC_OK ? whole : 0;
}

const char *
http_transfer_header(const HttpTransfer *transfer, const char *name)
{
    for (size_t i = 0; i < transfer->field_count; i++)
        if (strcasecmp(transfer->fields[i].name, name) == 0)
            return transfer->fields[i].value;
    return NULL;
}

/* ---- the body ---- */

static size_t
keep_excerpt(HttpTransfer *transfer, const char *bytes, size_t len)
{
    size_t room = HTTP_EXCERPT_BYTES - transfer->excerpt.len;

    if (room > 0 && !http_bytes_append(&transfer->excerpt, bytes, len < room ? len : room)) {
        give_up(transfer, IDC_NO_MEMORY, "out of memory");
        return 0;
    }
    transfer->discarded_bytes += (int64_t) len;
    if (transfer->discarded_bytes <= HTTP_DISCARD_BYTES)
        return len;
    transfer->is_cut = true;
    return 0;
}

/* False: more than was agreed to, or more than can be meant by so few bytes. */
static bool
is_of_fair_size(IdcHttpExchange *exchange)
{
    HttpTransfer *transfer = &exchange->transfer;
    int64_t limit = exchange->session->client->settings.max_response_bytes;
    curl_off_t wire = 0;

    if (limit > 0 && transfer->body_bytes > limit) {
        give_up(transfer, IDC_SOURCE_FAILED,
                "the answer is longer than %lld bytes, the limit of max_response_size",
                (long long) limit);
        return false;
    }
    if (transfer->body_bytes <= HTTP_BOMB_BYTES)
        return true;
    /* curl counts a chunked body only after it was written: one buffer of it may be missing. */
    (void) curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &wire);
    if (transfer->body_bytes / HTTP_BOMB_RATIO <= wire + HTTP_RECEIVE_BYTES)
        return true;
    give_up(transfer, IDC_SOURCE_FAILED,
            "the answer is compressed more than %d to 1 after its first MB: refused as a "
            "decompression bomb",
            HTTP_BOMB_RATIO);
    return false;
}

static size_t
on_body(char *bytes, size_t size, size_t count, void *data)
{
    IdcHttpExchange *exchange = data;
    HttpTransfer *transfer = &exchange->transfer;
    size_t len = size * count;

    if (transfer->mode == HTTP_BODY_EXCERPT)
        return keep_excerpt(transfer, bytes, len);
    transfer->body_bytes += (int64_t) len;
    if (!is_of_fair_size(exchange))
        return 0;
    if (!http_bytes_append(&exchange->in, bytes, len)) {
        give_up(transfer, IDC_NO_MEMORY, "out of memory");
        return 0;
    }
    if (exchange->is_teed) {
        if ((int64_t) (exchange->tee.len + len) >
                idc_http_cache_max_body(exchange->session->client->cache) ||
            !http_bytes_append(&exchange->tee, bytes, len))
            exchange->is_teed = false;
    }
    return len;
}

/* ---- what curl is told ---- */

#define SET(option, value) (is_fine = is_fine && curl_easy_setopt(easy, option, value) == CURLE_OK)

static bool
set_limits(CURL *easy, const IdcHttpSettings *settings)
{
    bool is_fine = true;

    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* leave a resolver that hangs behind */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, settings->proxy != NULL ? settings->proxy : "");
    SET(CURLOPT_NOPROXY, "");
    SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long) settings->connect_timeout_ms);
    SET(CURLOPT_BUFFERSIZE, (long) HTTP_RECEIVE_BYTES);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_ACCEPT_ENCODING, ""); /* all that libcurl reads */
    SET(CURLOPT_USERAGENT,
        settings->user_agent != NULL ? settings->user_agent : "instant-data-connector");
    SET(CURLOPT_HTTP_VERSION,
        settings->http_version != NULL && strcmp(settings->http_version, "1.1") == 0
            ? (long) CURL_HTTP_VERSION_1_1
            : (long) CURL_HTTP_VERSION_2TLS);
    return is_fine;
}

static bool
set_tls(CURL *easy, const IdcHttpSettings *settings)
{
    bool is_fine = true,
         is_13 = settings->tls_min_version != NULL && strcmp(settings->tls_min_version, "1.3") == 0;

    SET(CURLOPT_SSL_VERIFYPEER, settings->tls_verify ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, settings->tls_verify ? 2L : 0L);
    SET(CURLOPT_SSLVERSION,
        is_13 ? (long) CURL_SSLVERSION_TLSv1_3 : (long) CURL_SSLVERSION_TLSv1_2);
    if (settings->ca_file != NULL) {
        SET(CURLOPT_CAINFO, settings->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (settings->client_certificate != NULL)
        SET(CURLOPT_SSLCERT, settings->client_certificate);
    if (settings->client_key != NULL)
        SET(CURLOPT_SSLKEY, settings->client_key);
    if (settings->client_key_password != NULL)
        SET(CURLOPT_KEYPASSWD, settings->client_key_password);
    return is_fine;
}

static bool
set_callbacks(CURL *easy, IdcHttpExchange *exchange)
{
    bool is_fine = true;

    SET(CURLOPT_PRIVATE, exchange);
    SET(CURLOPT_SHARE, exchange->session->client->share);
    SET(CURLOPT_ERRORBUFFER, exchange->transfer.error);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, exchange);
    SET(CURLOPT_PREREQFUNCTION, before_request);
    SET(CURLOPT_PREREQDATA, exchange);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, exchange);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, exchange);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, exchange);
    return is_fine;
}

static bool
set_request(CURL *easy, const IdcHttpExchange *exchange, const char *url)
{
    const IdcHttpRequest *request = &exchange->request;
    bool has_body = request->body_len > 0 || request->method == IDC_HTTP_POST ||
                    request->method == IDC_HTTP_PUT || request->method == IDC_HTTP_PATCH;
    bool is_fine = true;

    SET(CURLOPT_URL, url);
    if (has_body) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, request->body_len > 0 ? (const char *) request->body : "");
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body_len);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    if (has_body ? request->method != IDC_HTTP_POST : request->method != IDC_HTTP_GET)
        SET(CURLOPT_CUSTOMREQUEST, http_method_name(request->method));
    /*
     * On an old connection that turns out to be closed curl sends the request once more, whatever
     * it is. What must not be sent twice gets a connection of its own.
     */
    if (request->method != IDC_HTTP_GET && !request->is_idempotent)
        SET(CURLOPT_FRESH_CONNECT, 1L);
    return is_fine;
}

/* A proxy resolves names and connects, so the guard of sockets never sees where it goes. */
static IdcStatus
check_proxied_host(IdcHttpExchange *exchange, const char *url, IdcError *err)
{
    const IdcHttpSettings *settings = &exchange->session->client->settings;
    const char *why;
    IdcText host;

    if (settings->proxy == NULL || settings->allow_private)
        return IDC_OK;
    idc_text_init(&host, 0);
    why = http_url_host(url, &host) ? idc_http_guard_host(idc_text_string(&host)) : "unreadable";
    idc_text_done(&host);
    if (why == NULL)
        return IDC_OK;
    return idc_fail(err, IDC_CONNECTION_FAILED,
                    "cannot connect: the host is %s, and the server's option allow_private is off",
                    why);
}

static IdcStatus
set_up(IdcHttpExchange *exchange, IdcError *err)
{
    HttpTransfer *transfer = &exchange->transfer;
    const IdcHttpSettings *settings = &exchange->session->client->settings;
    CURL *easy = transfer->easy;
    IdcStatus status;
    IdcText url;

    idc_text_init(&url, 0);
    status = http_request_build(exchange, &transfer->headers, &url, err);
    if (status == IDC_OK && exchange->has_credentials && settings->auth == IDC_HTTP_AUTH_SIGV4)
        status = http_sigv4_prepare(exchange, easy, &transfer->headers, &url, err);
    if (status == IDC_OK)
        status = check_proxied_host(exchange, idc_text_string(&url), err);
    if (status == IDC_OK &&
        (url.is_broken || !set_limits(easy, settings) || !set_tls(easy, settings) ||
         !set_callbacks(easy, exchange) || !set_request(easy, exchange, idc_text_string(&url)) ||
         curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers) != CURLE_OK))
        status = idc_fail_no_memory(err);
    idc_text_done(&url);
    return status;
}

IdcStatus
http_transfer_start(IdcHttpExchange *exchange, IdcError *err)
{
    HttpTransfer *transfer = &exchange->transfer;
    IdcStatus status;

    *transfer = (HttpTransfer){ .sent_ms = -1, .mode = HTTP_BODY_KEEP };
    transfer->arena = idc_arena_new(0);
    transfer->fields =
        transfer->arena != NULL
            ? idc_arena_alloc_array(transfer->arena, HTTP_MAX_HEADERS, sizeof *transfer->fields)
            : NULL;
    transfer->easy = curl_easy_init();
    if (transfer->fields == NULL || transfer->easy == NULL)
        status = idc_fail_no_memory(err);
    else
        status = set_up(exchange, err);
    transfer->started_ms = idc_clock_ms();
    if (status == IDC_OK &&
        curl_multi_add_handle(exchange->session->multi, transfer->easy) != CURLM_OK)
        status = idc_fail_no_memory(err);
    if (status != IDC_OK) {
        http_transfer_end(exchange);
        return status;
    }
    exchange->state = HTTP_RUNNING;
    exchange->try_count++;
    exchange->session->stats->requests++;
    return IDC_OK;
}

void
http_transfer_end(IdcHttpExchange *exchange)
{
    HttpTransfer *transfer = &exchange->transfer;

    if (transfer->easy != NULL) {
        (void) curl_multi_remove_handle(exchange->session->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
    }
    curl_slist_free_all(transfer->headers);
    idc_arena_free(transfer->arena);
    free(transfer->excerpt.data);
    *transfer = (HttpTransfer){ .sent_ms = -1 };
}

void
http_transfer_pause(IdcHttpExchange *exchange, bool is_paused)
{
    HttpTransfer *transfer = &exchange->transfer;
    int64_t now = idc_clock_ms();

    if (transfer->is_paused == is_paused)
        return;
    transfer->is_paused = is_paused;
    if (is_paused) {
        transfer->pause_began_ms = now;
    } else {
        transfer->paused_ms += now - transfer->pause_began_ms;
        transfer->window_ms = now;
        transfer->window_bytes = transfer->wire_bytes;
    }
    (void) curl_easy_pause(transfer->easy, is_paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

/* ---- what takes too long ---- */

void
http_transfer_forgive(IdcHttpExchange *exchange, int64_t gap_ms)
{
    HttpTransfer *transfer = &exchange->transfer;

    if (transfer->is_paused)
        return;
    transfer->started_ms += gap_ms;
    transfer->head_ms += gap_ms;
    transfer->window_ms += gap_ms;
    if (transfer->sent_ms >= 0)
        transfer->sent_ms += gap_ms;
}

/* The nearer one of a limit that began at `from`, and what was nearest before. */
static int64_t
nearer(int64_t due, int64_t from, int64_t limit_ms, int64_t now, const char *words,
       const char **why)
{
    int64_t left;

    if (limit_ms < 0)
        return due;
    left = from + limit_ms - now;
    if (left < 0)
        left = 0;
    if (due >= 0 && due <= left)
        return due;
    *why = words;
    return left;
}

int64_t
http_transfer_due(IdcHttpExchange *exchange, int64_t now, const char **why)
{
    const IdcHttpSettings *settings = &exchange->session->client->settings;
    HttpTransfer *transfer = &exchange->transfer;
    int64_t due = -1;

    if (transfer->is_paused)
        return -1;
    due = nearer(due, transfer->started_ms + transfer->paused_ms, settings->request_timeout_ms, now,
                 "the answer was not complete within request_timeout", why);
    if (transfer->sent_ms < 0)
        return due; /* curl has the connect timeout */
    if (!transfer->is_head_done)
        return nearer(due, transfer->sent_ms, settings->header_timeout_ms, now,
                      "no answer came within header_timeout", why);
    if (transfer->mode == HTTP_BODY_EXCERPT)
        return nearer(due, transfer->head_ms, HTTP_DISCARD_MS, now, "", why);
    if (transfer->wire_bytes - transfer->window_bytes >= HTTP_IDLE_BYTES) {
        transfer->window_ms = now;
        transfer->window_bytes = transfer->wire_bytes;
    }
    return nearer(due, transfer->window_ms, settings->idle_timeout_ms, now,
                  "the body stopped coming for idle_timeout", why);
}
