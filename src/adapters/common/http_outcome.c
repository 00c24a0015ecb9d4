/*
 * http_outcome.c - what becomes of a try: a body, another address, another try, or an error.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "adapters/common/http_private.h"

/* ---- the head ---- */

static bool
is_success(const IdcHttpExchange *exchange, int status)
{
    const int *accepted = exchange->request.accepted_statuses;

    if (status >= 200 && status < 300)
        return true;
    for (; accepted != NULL && *accepted != 0; accepted++)
        if (*accepted == status)
            return true;
    return false;
}

/* Lower case, without parameters; "" if there is none. NULL: no memory. */
static char *
media_type(IdcArena *arena, const HttpTransfer *transfer)
{
    const char *value = http_transfer_header(transfer, "Content-Type");
    char *type = idc_arena_strndup(arena, value != NULL ? value : "",
                                   value != NULL ? strcspn(value, "; \t,") : 0);

    for (char *c = type; c != NULL && *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char) (*c + ('a' - 'A'));
    return type;
}

static bool
is_wanted_type(const char *const *wanted, const char *type)
{
    size_t len = strlen(type);

    if (wanted == NULL || len == 0)
        return true;
    for (; *wanted != NULL; wanted++) {
        size_t part = strlen(*wanted);
        bool is_ending = (*wanted)[0] == '+', is_start = part > 0 && (*wanted)[part - 1] == '*';

        if (is_ending && len > part && strcasecmp(type + len - part, *wanted) == 0)
            return true;
        if (is_start ? strncasecmp(type, *wanted, part - 1) == 0 : strcasecmp(type, *wanted) == 0)
            return true;
    }
    return false;
}

typedef enum BodyEnd { END_KNOWN, END_UNKNOWN, END_NONSENSE } BodyEnd;

/* curl takes a length that it cannot read for none, and the end of the connection for the body's.
 */
static BodyEnd
body_end(const HttpTransfer *transfer)
{
    const char *length = http_transfer_header(transfer, "Content-Length");
    const char *coding = http_transfer_header(transfer, "Transfer-Encoding");
    size_t digits = length != NULL ? strspn(length, "0123456789") : 0;
    long version = 0;

    (void) curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
    if (version >= CURL_HTTP_VERSION_2_0 || transfer->status == 204 ||
        (coding != NULL && strcasestr(coding, "chunked") != NULL))
        return END_KNOWN;
    if (length == NULL)
        return END_UNKNOWN;
    return digits > 0 && digits <= 18 && length[digits] == '\0' ? END_KNOWN : END_NONSENSE;
}

/* The head becomes the caller's; transfer's fields point to it still. */
static void
show_response(IdcHttpExchange *exchange, const char *type)
{
    HttpTransfer *transfer = &exchange->transfer;

    idc_arena_free(exchange->response_arena);
    exchange->response_arena = transfer->arena;
    transfer->arena = NULL;
    exchange->response = (IdcHttpResponse){
        .status = transfer->status,
        .url = exchange->request.url,
        .content_type = type,
        .headers = transfer->fields,
        .header_count = transfer->field_count,
        .has_known_end = body_end(transfer) == END_KNOWN,
    };
}

void
http_outcome_of_head(IdcHttpExchange *exchange)
{
    HttpTransfer *transfer = &exchange->transfer;
    const char *type;

    transfer->mode = HTTP_BODY_EXCERPT;
    if (!is_success(exchange, transfer->status))
        return;
    if (body_end(transfer) == END_NONSENSE) {
        transfer->failed = IDC_SOURCE_FAILED;
        (void) snprintf(transfer->why, sizeof transfer->why,
                        "the answer has a Content-Length that is no length");
        return;
    }
    type = media_type(transfer->arena, transfer);
    if (type == NULL) {
        transfer->failed = IDC_NO_MEMORY;
        return;
    }
    if (!is_wanted_type(exchange->request.content_types, type)) {
        transfer->has_unwanted_type = true;
        return;
    }
    transfer->mode = HTTP_BODY_KEEP;
    show_response(exchange, type);
    http_cache_begin(exchange);
}

/* ---- the end ---- */

void
http_exchange_fail(IdcHttpExchange *exchange, const IdcError *err)
{
    http_transfer_end(exchange);
    exchange->failure = *err;
    exchange->state = HTTP_FAILED;
}

/* Ends the try with err's words, the request before them. */
static void
fail_try(IdcHttpExchange *exchange, IdcError *err)
{
    (void) idc_http_blame(exchange, err);
    http_exchange_fail(exchange, err);
}

static bool
may_repeat(const IdcHttpExchange *exchange)
{
    bool is_harmless = exchange->request.method == IDC_HTTP_GET || exchange->request.is_idempotent;

    return is_harmless && !exchange->is_handed_out &&
           exchange->retry_count < exchange->session->client->settings.max_retries;
}

static void
start_again(IdcHttpExchange *exchange, int64_t wait_ms)
{
    http_transfer_end(exchange);
    exchange->in.len = 0;
    exchange->tee.len = 0;
    exchange->is_teed = false;
    exchange->state = HTTP_WAITING;
    exchange->start_ms = idc_clock_ms() + wait_ms;
}

static void
log_repetition(const IdcHttpExchange *exchange, int64_t wait_ms)
{
    const IdcHttpClient *client = exchange->session->client;
    IdcText url;

    idc_text_init(&url, 0);
    idc_http_url_show(client, exchange->request.url, &url);
    if (url.len > 0)
        idc_http_scrub(client, url.data);
    idc_log(client->settings.log, IDC_WARNING,
            "http: server \"%s\": %s %s failed (status %d), repetition %lld in %lld ms",
            client->settings.server_name != NULL ? client->settings.server_name : "",
            http_method_name(exchange->request.method), idc_text_string(&url),
            exchange->transfer.status, (long long) exchange->retry_count, (long long) wait_ms);
    idc_text_done(&url);
}

static void
repeat(IdcHttpExchange *exchange, int64_t wait_ms)
{
    exchange->retry_count++;
    exchange->session->stats->retries++;
    log_repetition(exchange, wait_ms);
    start_again(exchange, wait_ms);
}

static void
hold_others(IdcHttpClient *client, int64_t until_ms)
{
    int64_t before = atomic_load(&client->hold_until_ms);

    while (before < until_ms &&
           !atomic_compare_exchange_weak(&client->hold_until_ms, &before, until_ms))
        ;
}

static void
repeat_status(IdcHttpExchange *exchange)
{
    IdcHttpClient *client = exchange->session->client;
    const char *after = http_transfer_header(&exchange->transfer, "Retry-After");
    int64_t asked = after != NULL ? http_retry_after_ms(after, (int64_t) time(NULL)) : -1;
    IdcError err;

    if (asked < 0) {
        repeat(exchange, http_retry_delay_ms(&client->settings, exchange->retry_count + 1));
        return;
    }
    if (asked <= client->settings.max_retry_wait_ms) {
        hold_others(client, idc_clock_ms() + asked);
        repeat(exchange, asked);
        return;
    }
    idc_error_init(&err);
    (void) idc_fail(&err, IDC_SOURCE_FAILED,
                    "the server answered %d and asks for a pause of %lld s, longer than "
                    "max_retry_wait (%lld s)",
                    exchange->transfer.status, (long long) (asked / 1000),
                    (long long) (client->settings.max_retry_wait_ms / 1000));
    idc_error_set_hint(&err, "try again later, or set rate_limit so that the API is asked slower");
    fail_try(exchange, &err);
}

/* ---- redirects ---- */

static bool
is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* How the next request is to be asked; false: a write would be lost or go to strangers. */
static bool
fit_method(IdcHttpRequest *request, int status, bool is_same_origin)
{
    if (request->method == IDC_HTTP_GET)
        return true;
    if (status == 303) {
        request->method = IDC_HTTP_GET;
        request->body_len = 0;
        request->body_type = request->idempotency_key = NULL;
        return true;
    }
    return (status == 307 || status == 308) && is_same_origin;
}

static IdcStatus
check_redirect(IdcHttpExchange *exchange, const char *url, bool is_same_origin, IdcError *err)
{
    const IdcHttpClient *client = exchange->session->client;
    const char *from = exchange->request.url;
    IdcText shown;

    if (exchange->redirect_count == HTTP_MAX_REDIRECTS)
        return idc_fail(err, IDC_SOURCE_FAILED, "the server redirected more than %d times",
                        HTTP_MAX_REDIRECTS);
    for (int i = 0; i <= exchange->redirect_count; i++)
        if (strcmp(exchange->visited[i], url) == 0)
            return idc_fail(err, IDC_SOURCE_FAILED, "the server's redirects lead in a circle");
    if (is_same_origin)
        return IDC_OK;
    if (strncasecmp(from, "https:", 6) == 0 && strncasecmp(url, "https:", 6) != 0)
        return idc_fail(err, IDC_SOURCE_FAILED,
                        "the server redirected from https to http, which is refused");
    if (http_url_is_listed(client->settings.redirect_hosts, url))
        return IDC_OK;
    idc_text_init(&shown, 0);
    idc_http_url_show(client, url, &shown);
    (void) idc_fail(err, IDC_SOURCE_FAILED,
                    "the server redirected to another origin, %s, which is refused",
                    idc_text_string(&shown));
    idc_error_set_hint(err, "list its host in the server's option redirect_hosts to allow it");
    idc_text_done(&shown);
    return IDC_SOURCE_FAILED;
}

static IdcStatus
follow(IdcHttpExchange *exchange, const char *location, IdcError *err)
{
    IdcHttpRequest *request = &exchange->request;
    const char *url;
    bool is_same_origin;
    IdcStatus status = idc_http_url_resolve(exchange->arena, request->url, location, &url, err);

    if (status != IDC_OK)
        return status == IDC_SOURCE_FAILED
                   ? idc_fail(err, status,
                              "the server redirected to what is no http or https URL without a "
                              "user in it, which is refused")
                   : status;
    is_same_origin = idc_http_url_is_same_origin(request->url, url);
    status = check_redirect(exchange, url, is_same_origin, err);
    if (status != IDC_OK)
        return status;
    if (!fit_method(request, exchange->transfer.status, is_same_origin))
        return idc_fail(err, IDC_SOURCE_FAILED,
                        "the server answered a %s with the redirect %d, which is refused for a "
                        "request that may write",
                        http_method_name(request->method), exchange->transfer.status);
    exchange->has_credentials = exchange->has_credentials && is_same_origin;
    exchange->visited[++exchange->redirect_count] = url;
    request->url = url;
    return IDC_OK;
}

static void
redirect(IdcHttpExchange *exchange)
{
    const char *location = http_transfer_header(&exchange->transfer, "Location");
    IdcStatus status;
    IdcError err;

    idc_error_init(&err);
    if (exchange->is_token_request)
        status = idc_fail(&err, IDC_SOURCE_FAILED, "token_url redirects, which is refused");
    else if (location == NULL)
        status = idc_fail(&err, IDC_SOURCE_FAILED, "the server answered %d without a Location",
                          exchange->transfer.status);
    else
        status = follow(exchange, location, &err);
    if (status != IDC_OK)
        fail_try(exchange, &err);
    else
        start_again(exchange, 0);
}

/* ---- all together ---- */

static bool
renew_token(IdcHttpExchange *exchange)
{
    IdcHttpClient *client = exchange->session->client;

    if (client->settings.auth != IDC_HTTP_AUTH_OAUTH2 || !exchange->has_credentials ||
        exchange->was_token_renewed)
        return false;
    exchange->was_token_renewed = true;
    http_oauth_forget(client, exchange->transfer.token_generation);
    start_again(exchange, 0);
    return true;
}

static void
outcome_of_status(IdcHttpExchange *exchange)
{
    int status = exchange->transfer.status;
    IdcError err;

    if (status == 304 && exchange->cached != NULL) {
        http_cache_confirm(exchange);
        return;
    }
    if (is_redirect(status)) {
        redirect(exchange);
        return;
    }
    if (status == 401 && renew_token(exchange))
        return;
    if (http_retry_is_status(status) && may_repeat(exchange)) {
        repeat_status(exchange);
        return;
    }
    idc_error_init(&err);
    http_error_of_status(exchange, &err);
    fail_try(exchange, &err);
}

static bool
is_passing(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

/*
 * What stands where an answer should begin, on a connection that was used before, may be the rest
 * of an earlier answer that was longer than it said: curl drops the connection, and this was no
 * answer.
 */
static bool
is_rest_of_another(const IdcHttpExchange *exchange, CURLcode code)
{
    long connects = 1;

    if (code != CURLE_UNSUPPORTED_PROTOCOL && code != CURLE_WEIRD_SERVER_REPLY)
        return false;
    return !exchange->transfer.is_head_done &&
           curl_easy_getinfo(exchange->transfer.easy, CURLINFO_NUM_CONNECTS, &connects) ==
               CURLE_OK &&
           connects == 0;
}

/* curl's clock of connecting runs on while nobody looks, ours does not. */
static bool
was_neglected(const IdcHttpExchange *exchange, CURLcode code)
{
    const HttpTransfer *transfer = &exchange->transfer;

    return code == CURLE_OPERATION_TIMEDOUT && transfer->sent_ms < 0 &&
           idc_clock_ms() - transfer->started_ms <
               exchange->session->client->settings.connect_timeout_ms * 9 / 10;
}

/* Neither an answer nor a decision of ours: the network, or the server's manners. */
static void
outcome_of_break(IdcHttpExchange *exchange, CURLcode code, const char *timeout)
{
    IdcError err;

    if (timeout == NULL && was_neglected(exchange, code)) {
        start_again(exchange, 0);
        return;
    }
    /* `why` without `failed`: the guard refused the address. */
    if (exchange->transfer.why[0] == '\0' &&
        (is_passing(code) || is_rest_of_another(exchange, code)) && may_repeat(exchange)) {
        repeat(exchange, http_retry_delay_ms(&exchange->session->client->settings,
                                             exchange->retry_count + 1));
        return;
    }
    idc_error_init(&err);
    if (timeout != NULL)
        (void) idc_fail(&err, IDC_TIMEOUT, "%s", timeout);
    else
        http_error_of_curl(exchange, code, &err);
    fail_try(exchange, &err);
}

void
http_outcome(IdcHttpExchange *exchange, CURLcode code, const char *timeout)
{
    HttpTransfer *transfer = &exchange->transfer;
    bool is_excerpt = transfer->is_head_done && transfer->mode == HTTP_BODY_EXCERPT;
    bool is_enough = transfer->is_cut || (is_excerpt && timeout != NULL);
    IdcError err;

    if (transfer->failed != IDC_OK) {
        idc_error_init(&err);
        (void) idc_fail(&err, transfer->failed, "%s",
                        transfer->why[0] != '\0' ? transfer->why : "out of memory");
        fail_try(exchange, &err);
    } else if (code != CURLE_OK && !(is_excerpt && is_enough)) {
        outcome_of_break(exchange, code, timeout);
    } else if (!transfer->is_head_done) {
        outcome_of_break(exchange, CURLE_GOT_NOTHING, NULL);
    } else if (is_excerpt) {
        outcome_of_status(exchange);
    } else {
        http_transfer_end(exchange);
        exchange->state = HTTP_DONE;
        http_cache_finish(exchange);
    }
}
