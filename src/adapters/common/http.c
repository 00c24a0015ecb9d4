/*
 * http.c - exchanges: a request goes out, its answer is read.
 */
#include "adapters/common/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/common/http_private.h"

bool
http_bytes_append(HttpBytes *bytes, const void *data, size_t len)
{
    size_t wanted;

    if (__builtin_add_overflow(bytes->len, len, &wanted))
        return false;
    if (wanted > bytes->capacity) {
        size_t capacity = bytes->capacity < 4096 ? 4096 : bytes->capacity * 2;
        char *grown = realloc(bytes->data, capacity < wanted ? wanted : capacity);

        if (grown == NULL)
            return false;
        bytes->data = grown;
        bytes->capacity = capacity < wanted ? wanted : capacity;
    }
    memcpy(bytes->data + bytes->len, data, len);
    bytes->len = wanted;
    return true;
}

const char *
http_method_name(IdcHttpMethod method)
{
    static const char *const names[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

    return names[method];
}

/* ---- open ---- */

/* A token of RFC 9110; a value without line ends, which would be a header of its own. */
static bool
is_fine_header(const IdcHttpHeader *header)
{
    if (header->name == NULL || header->value == NULL || header->name[0] == '\0')
        return false;
    for (const char *c = header->name; *c != '\0'; c++)
        if (*c <= ' ' || *c >= 127 || strchr("()<>@,;:\\\"/[]?={}", *c) != NULL)
            return false;
    return strpbrk(header->value, "\r\n") == NULL;
}

static const char *const *
copy_words(IdcArena *arena, const char *const *words)
{
    size_t count = 0;
    const char **copy;

    while (words[count] != NULL)
        count++;
    copy = idc_arena_alloc_array(arena, count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++)
        if ((copy[i] = idc_arena_strdup(arena, words[i])) == NULL)
            return NULL;
    return copy;
}

static const int *
copy_numbers(IdcArena *arena, const int *numbers)
{
    size_t count = 0;
    int *copy;

    while (numbers[count] != 0)
        count++;
    copy = idc_arena_alloc_array(arena, count + 1, sizeof *copy);
    if (copy != NULL)
        memcpy(copy, numbers, count * sizeof *copy);
    return copy;
}

const IdcHttpHeader *
idc_http_headers_copy(IdcArena *arena, const IdcHttpHeader *from, size_t count)
{
    IdcHttpHeader *headers = idc_arena_alloc_array(arena, count + 1, sizeof *headers);

    for (size_t i = 0; headers != NULL && i < count; i++) {
        headers[i].name = idc_arena_strdup(arena, from[i].name);
        headers[i].value = idc_arena_strdup(arena, from[i].value);
        if (headers[i].name == NULL || headers[i].value == NULL)
            return NULL;
    }
    return headers;
}

static bool
copy_text(IdcArena *arena, const char *from, const char **to)
{
    *to = from != NULL ? idc_arena_strdup(arena, from) : NULL;
    return from == NULL || *to != NULL;
}

static bool
copy_request(IdcHttpExchange *exchange, const IdcHttpRequest *from)
{
    IdcArena *arena = exchange->arena;
    IdcHttpRequest *to = &exchange->request;
    void *body = NULL;

    *to = *from;
    if (from->body_len > 0) {
        body = idc_arena_alloc(arena, from->body_len);
        if (body == NULL)
            return false;
        memcpy(body, from->body, from->body_len);
    }
    to->body = body;
    if (to->idempotency_key != NULL)
        to->is_idempotent = true;
    to->headers = idc_http_headers_copy(arena, from->headers, from->header_count);
    return to->headers != NULL && copy_text(arena, from->body_type, &to->body_type) &&
           copy_text(arena, from->idempotency_key, &to->idempotency_key) &&
           (from->content_types == NULL ||
            (to->content_types = copy_words(arena, from->content_types)) != NULL) &&
           (from->accepted_statuses == NULL ||
            (to->accepted_statuses = copy_numbers(arena, from->accepted_statuses)) != NULL);
}

static IdcStatus
check_request(const IdcHttpRequest *request, IdcError *err)
{
    const IdcHttpHeader own[] = { { "Content-Type", request->body_type },
                                  { "Idempotency-Key", request->idempotency_key } };

    for (size_t i = 0; i < request->header_count; i++)
        if (!is_fine_header(&request->headers[i]))
            return idc_fail(err, IDC_BAD_VALUE,
                            "header number %zu of the request has a name or value that HTTP "
                            "does not allow",
                            i + 1);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (own[i].value != NULL && !is_fine_header(&own[i]))
            return idc_fail(err, IDC_BAD_VALUE, "%s of the request has a value with a line end",
                            own[i].name);
    return IDC_OK;
}

/* Whether it may go there, and as whom. */
static IdcStatus
choose_credentials(IdcHttpExchange *exchange, IdcError *err)
{
    const IdcHttpClient *client = exchange->session->client;
    const char *url = exchange->request.url;

    if (exchange->is_token_request || exchange->request.is_public) {
        exchange->has_credentials = false;
        return IDC_OK;
    }
    exchange->has_credentials =
        client->origin == NULL || idc_http_url_is_same_origin(url, client->origin);
    if (exchange->has_credentials || http_url_is_listed(client->settings.redirect_hosts, url))
        return IDC_OK;
    (void) idc_fail(err, IDC_SOURCE_FAILED,
                    "it is not on %s, where the server's base_url is; list its host in "
                    "redirect_hosts to allow it",
                    client->origin);
    return idc_http_blame(exchange, err);
}

static IdcStatus
fill_exchange(IdcHttpExchange *exchange, const IdcHttpRequest *request, IdcError *err)
{
    IdcStatus status = check_request(request, err);

    if (status != IDC_OK)
        return status;
    exchange->arena = idc_arena_new(0);
    if (exchange->arena == NULL || !copy_request(exchange, request))
        return idc_fail_no_memory(err);
    status = idc_http_url_resolve(exchange->arena, request->url, "", &exchange->request.url, err);
    if (status == IDC_OK)
        exchange->visited[0] = exchange->request.url;
    else if (status == IDC_SOURCE_FAILED)
        status = idc_fail(err, IDC_BAD_VALUE,
                          "the address to ask is no http or https URL without a user in it");
    return status == IDC_OK ? choose_credentials(exchange, err) : status;
}

static IdcStatus
open_exchange(IdcHttpSession *session, const IdcHttpRequest *request, bool is_token_request,
              IdcHttpExchange **exchange, IdcError *err)
{
    IdcHttpExchange *made = calloc(1, sizeof *made);
    IdcHttpExchange **end = &session->exchanges;
    IdcStatus status;

    if (made == NULL)
        return idc_fail_no_memory(err);
    made->session = session;
    made->state = HTTP_WAITING;
    made->is_token_request = is_token_request;
    while (*end != NULL)
        end = &(*end)->next;
    *end = made;
    status = fill_exchange(made, request, err);
    if (status == IDC_OK) {
        http_cache_look(made);
        if (made->state == HTTP_WAITING)
            status = http_session_step(session, false, err);
    }
    if (status != IDC_OK) {
        idc_http_close(made);
        return status;
    }
    *exchange = made;
    return IDC_OK;
}

IdcStatus
idc_http_open(IdcHttpSession *session, const IdcHttpRequest *request, IdcHttpExchange **exchange,
              IdcError *err)
{
    return open_exchange(session, request, false, exchange, err);
}

IdcStatus
http_open_for_token(IdcHttpSession *session, const IdcHttpRequest *request,
                    IdcHttpExchange **exchange, IdcError *err)
{
    return open_exchange(session, request, true, exchange, err);
}

void
idc_http_close(IdcHttpExchange *exchange)
{
    IdcHttpExchange **link;

    if (exchange == NULL)
        return;
    link = &exchange->session->exchanges;
    while (*link != exchange)
        link = &(*link)->next;
    *link = exchange->next;
    http_transfer_end(exchange);
    if (exchange->cached != NULL)
        idc_http_cache_release(exchange->session->client->cache, exchange->cached);
    free(exchange->in.data);
    free(exchange->out.data);
    free(exchange->tee.data);
    idc_arena_free(exchange->response_arena);
    idc_arena_free(exchange->arena);
    free(exchange);
}

/* ---- read ---- */

static bool
is_ready(const IdcHttpExchange *exchange)
{
    return exchange->in.len > 0 || exchange->state == HTTP_DONE || exchange->state == HTTP_FAILED;
}

static IdcStatus
wait_until_ready(IdcHttpExchange *exchange, IdcError *err)
{
    bool is_waiting = false;

    if (exchange->is_served)
        return IDC_OK;
    do {
        IdcStatus status = http_session_step(exchange->session, is_waiting, err);

        if (status != IDC_OK) {
            (void) idc_http_blame(exchange, err);
            return status;
        }
        is_waiting = true;
    } while (!is_ready(exchange));
    if (exchange->in.len > 0 || exchange->state == HTTP_DONE)
        return IDC_OK;
    if (err != NULL)
        *err = exchange->failure;
    return exchange->failure.status;
}

bool
idc_http_is_ready(IdcHttpExchange *exchange)
{
    if (!is_ready(exchange) && http_session_step(exchange->session, false, NULL) != IDC_OK)
        return true;
    return is_ready(exchange);
}

IdcStatus
idc_http_response(IdcHttpExchange *exchange, const IdcHttpResponse **response, IdcError *err)
{
    IdcStatus status = wait_until_ready(exchange, err);

    if (status != IDC_OK)
        return status;
    exchange->is_handed_out = true;
    *response = &exchange->response;
    return IDC_OK;
}

static void
read_served(IdcHttpExchange *exchange, const void **bytes, size_t *len, bool *is_end)
{
    *bytes = exchange->cached->body;
    *len = exchange->was_served ? 0 : exchange->cached->body_len;
    *is_end = true;
    exchange->was_served = true;
}

IdcStatus
idc_http_read(IdcHttpExchange *exchange, const void **bytes, size_t *len, bool *is_end,
              IdcError *err)
{
    IdcStatus status = wait_until_ready(exchange, err);
    HttpBytes read;

    if (status != IDC_OK)
        return status;
    exchange->is_handed_out = true;
    if (exchange->is_served) {
        read_served(exchange, bytes, len, is_end);
        return IDC_OK;
    }
    read = exchange->in;
    exchange->in = exchange->out;
    exchange->in.len = 0;
    exchange->out = read;
    *bytes = read.data != NULL ? read.data : "";
    *len = read.len;
    *is_end = exchange->state == HTTP_DONE;
    return IDC_OK;
}

IdcStatus
idc_http_read_all(IdcHttpExchange *exchange, IdcText *text, IdcError *err)
{
    bool is_end = false;

    while (!is_end) {
        const void *bytes;
        size_t len;
        IdcStatus status = idc_http_read(exchange, &bytes, &len, &is_end, err);

        if (status != IDC_OK)
            return status;
        if (text->limit_bytes > 0 && len > text->limit_bytes - text->len) {
            (void) idc_fail(err, IDC_SOURCE_FAILED, "the answer is longer than %zu bytes",
                            text->limit_bytes);
            return idc_http_blame(exchange, err);
        }
        idc_text_append_len(text, bytes, len);
    }
    return idc_text_check(text, err);
}

const char *
idc_http_header(const IdcHttpResponse *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    return NULL;
}
