/*
 * http_request.c - the head of a try: headers of the caller, credentials, conditions.
 */
#include <string.h>
#include <strings.h>

#include "adapters/common/http_private.h"

/* Headers that say nothing of who asks; all others stay on the origin that they are for. */
static bool
is_harmless(const char *name)
{
    static const char *const names[] = { "Accept", "Accept-Language", "Content-Type", "Range" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool
add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

/* Empty values need curl's own notation. */
static bool
add_header(struct curl_slist **list, const char *name, const char *value)
{
    IdcText line;
    bool is_fine;

    idc_text_init(&line, 0);
    if (value[0] == '\0')
        idc_text_append_format(&line, "%s;", name);
    else
        idc_text_append_format(&line, "%s: %s", name, value);
    is_fine = !line.is_broken && add_line(list, idc_text_string(&line));
    idc_text_done(&line);
    return is_fine;
}

static bool
has_header(const IdcHttpRequest *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return true;
    return false;
}

/* "application/json, text/csv"; "+json" cannot be said, so it is the types that end so usually. */
static bool
add_accept(struct curl_slist **list, const IdcHttpRequest *request)
{
    IdcText accept;
    bool is_fine;

    if (request->content_types == NULL || has_header(request, "Accept"))
        return true;
    idc_text_init(&accept, 0);
    for (size_t i = 0; request->content_types[i] != NULL; i++)
        if (request->content_types[i][0] != '+')
            idc_text_append_format(&accept, "%s%s", accept.len > 0 ? ", " : "",
                                   request->content_types[i]);
    idc_text_append(&accept, accept.len > 0 ? ", */*;q=0.1" : "*/*");
    is_fine = !accept.is_broken && add_header(list, "Accept", idc_text_string(&accept));
    idc_text_done(&accept);
    return is_fine;
}

static bool
add_callers(struct curl_slist **list, const IdcHttpExchange *exchange)
{
    const IdcHttpRequest *request = &exchange->request;
    bool is_trusted = exchange->has_credentials || exchange->is_token_request;
    bool is_signed = exchange->session->client->settings.auth == IDC_HTTP_AUTH_SIGV4;
    bool is_fine = true;

    for (size_t i = 0; i < request->header_count; i++)
        if (is_trusted || is_harmless(request->headers[i].name))
            is_fine =
                is_fine && add_header(list, request->headers[i].name, request->headers[i].value);
    if (request->body_len > 0 && !has_header(request, "Content-Type"))
        is_fine = is_fine &&
                  add_header(list, "Content-Type",
                             request->body_type != NULL ? request->body_type : "application/json");
    else if (request->method != IDC_HTTP_GET && !is_signed && !has_header(request, "Content-Type"))
        is_fine = is_fine && add_line(list, "Content-Type:");
    if (is_trusted && request->idempotency_key != NULL)
        is_fine = is_fine && add_header(list, "Idempotency-Key", request->idempotency_key);
    /* curl would sign the lines that only say which of its own headers are not wanted. */
    return is_fine && add_accept(list, request) && (is_signed || add_line(list, "Expect:"));
}

static bool
add_conditions(struct curl_slist **list, const IdcHttpExchange *exchange)
{
    const IdcHttpResponse *known;
    const char *tag, *modified;

    if (exchange->cached == NULL || exchange->redirect_count > 0)
        return true;
    known = &exchange->cached->response;
    tag = idc_http_header(known, "ETag");
    modified = idc_http_header(known, "Last-Modified");
    return (tag == NULL || add_header(list, "If-None-Match", tag)) &&
           (modified == NULL || add_header(list, "If-Modified-Since", modified));
}

bool
http_base64(IdcText *text, const void *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *from = bytes;

    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t three = (uint32_t) from[i] << 16 | (left > 1 ? (uint32_t) from[i + 1] << 8 : 0) |
                         (left > 2 ? from[i + 2] : 0u);

        idc_text_append_char(text, digits[three >> 18]);
        idc_text_append_char(text, digits[three >> 12 & 63]);
        idc_text_append_char(text, left > 1 ? digits[three >> 6 & 63] : '=');
        idc_text_append_char(text, left > 2 ? digits[three & 63] : '=');
    }
    return !text->is_broken;
}

/* ---- credentials ---- */

static void
append_basic(IdcText *value, const char *user, const char *password)
{
    IdcText pair;

    idc_text_init(&pair, 0);
    idc_text_append_format(&pair, "%s:%s", user, password);
    idc_text_append(value, "Basic ");
    (void) http_base64(value, idc_text_string(&pair), pair.len);
    if (pair.is_broken)
        value->is_broken = true;
    idc_text_done(&pair);
}

/* Authorization's value, or nothing. */
static IdcStatus
authorization(IdcHttpExchange *exchange, IdcText *value, IdcError *err)
{
    const IdcHttpSettings *settings = &exchange->session->client->settings;

    if (exchange->is_token_request && !settings->token_auth_in_body)
        append_basic(value, settings->client_id, settings->client_secret);
    if (!exchange->has_credentials)
        return IDC_OK;
    if (settings->auth == IDC_HTTP_AUTH_BASIC)
        append_basic(value, settings->username, settings->password);
    if (settings->auth == IDC_HTTP_AUTH_BEARER)
        idc_text_append_format(value, "Bearer %s", settings->auth_token);
    if (settings->auth == IDC_HTTP_AUTH_OAUTH2) {
        idc_text_append(value, "Bearer ");
        return http_oauth_token(exchange, value, err);
    }
    return IDC_OK;
}

static IdcStatus
add_credentials(IdcHttpExchange *exchange, struct curl_slist **list, IdcText *url, IdcError *err)
{
    const IdcHttpSettings *settings = &exchange->session->client->settings;
    IdcText value;
    IdcStatus status;

    idc_text_init(&value, 0);
    status = authorization(exchange, &value, err);
    if (status == IDC_OK &&
        (value.is_broken || (value.len > 0 && !add_header(list, "Authorization", value.data))))
        status = idc_fail_no_memory(err);
    idc_text_done(&value);
    if (status != IDC_OK || !exchange->has_credentials)
        return status;
    if (settings->auth == IDC_HTTP_AUTH_KEY_IN_HEADER &&
        !add_header(list, settings->api_key_name, settings->api_key))
        return idc_fail_no_memory(err);
    if (settings->auth == IDC_HTTP_AUTH_KEY_IN_QUERY) {
        idc_text_append_char(url, strchr(idc_text_string(url), '?') != NULL ? '&' : '?');
        idc_http_url_escape(url, settings->api_key_name, strlen(settings->api_key_name));
        idc_text_append_char(url, '=');
        idc_http_url_escape(url, settings->api_key, strlen(settings->api_key));
    }
    return IDC_OK;
}

IdcStatus
http_request_build(IdcHttpExchange *exchange, struct curl_slist **headers, IdcText *url,
                   IdcError *err)
{
    idc_text_append(url, exchange->request.url);
    if (!add_callers(headers, exchange) || !add_conditions(headers, exchange))
        return idc_fail_no_memory(err);
    return add_credentials(exchange, headers, url, err);
}
