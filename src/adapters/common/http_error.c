/*
 * http_error.c - failures as sentences: which request, what happened, what to do.
 */
#include <string.h>

#include "adapters/common/http_private.h"

/* Of a body, in a message. */
#define SHOWN_CHARACTERS 200

static const char *
status_name(int status)
{
    switch (status) {
    case 400:
        return " Bad Request";
    case 401:
        return " Unauthorized";
    case 403:
        return " Forbidden";
    case 404:
        return " Not Found";
    case 405:
        return " Method Not Allowed";
    case 409:
        return " Conflict";
    case 410:
        return " Gone";
    case 422:
        return " Unprocessable Content";
    case 429:
        return " Too Many Requests";
    case 500:
        return " Internal Server Error";
    case 502:
        return " Bad Gateway";
    case 503:
        return " Service Unavailable";
    case 504:
        return " Gateway Timeout";
    default:
        return "";
    }
}

IdcStatus
idc_http_blame(const IdcHttpExchange *exchange, IdcError *err)
{
    const IdcHttpClient *client = exchange->session->client;
    IdcText url;

    if (err == NULL)
        return IDC_SOURCE_FAILED;
    idc_text_init(&url, 0);
    idc_http_url_show(client, exchange->request.url, &url);
    (void) idc_add_context(err, "%s %s", http_method_name(exchange->request.method),
                           idc_text_string(&url));
    idc_text_done(&url);
    idc_http_scrub(client, err->message);
    idc_http_scrub(client, err->hint);
    return err->status;
}

/* Whole UTF-8 characters; blanks and controls become one blank. */
static void
append_printable(IdcText *text, const char *bytes, size_t len)
{
    size_t shown = 0, i = 0;
    bool is_blank = true;

    while (i < len && shown < SHOWN_CHARACTERS) {
        unsigned char c = (unsigned char) bytes[i];
        size_t width = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

        if (c <= ' ' || c == 0x7f || i + width > len || !idc_utf8_is_valid(bytes + i, width)) {
            if (!is_blank)
                idc_text_append_char(text, ' ');
            is_blank = true;
            i++;
            continue;
        }
        is_blank = false;
        idc_text_append_len(text, bytes + i, width);
        i += width;
        shown++;
    }
    if (i < len)
        idc_text_append(text, "…");
}

/*
 * The character that begins here, and its width: what JSON has escaped stands for itself (\/ and
 * \u0026 are common), for a secret is only known as it is.
 */
static char
next_character(const char *bytes, size_t len, size_t *width)
{
    unsigned code = 0;

    *width = 2;
    if (len >= 2 && bytes[0] == '\\' && (bytes[1] == '/' || bytes[1] == '"' || bytes[1] == '\\'))
        return bytes[1];
    *width = 6;
    if (len >= 6 && memcmp(bytes, "\\u00", 4) == 0) {
        for (size_t i = 4; i < 6; i++) {
            const char *digits = "0123456789abcdef0123456789ABCDEF", *digit;

            digit = bytes[i] != '\0' ? strchr(digits, bytes[i]) : NULL;
            code = digit != NULL ? code * 16 + (unsigned) (digit - digits) % 16 : 256;
        }
        if (code > ' ' && code < 0x7f)
            return (char) code;
    }
    *width = 1;
    return bytes[0] != '\0' ? bytes[0] : ' ';
}

void
http_error_excerpt(const IdcHttpExchange *exchange, IdcText *text)
{
    const HttpBytes *excerpt = &exchange->transfer.excerpt;
    IdcText copy;

    if (excerpt->len == 0)
        return;
    /* Scrubbed before it is cut, so that no half of a secret is left; NULs would hide the rest. */
    idc_text_init(&copy, 0);
    for (size_t i = 0, width = 0; i < excerpt->len; i += width)
        idc_text_append_char(&copy, next_character(excerpt->data + i, excerpt->len - i, &width));
    if (copy.len > 0) {
        idc_http_scrub(exchange->session->client, copy.data);
        idc_text_append(text, ": ");
        append_printable(text, copy.data, strlen(copy.data));
    }
    idc_text_done(&copy);
}

static void
hint_of_status(const IdcHttpExchange *exchange, int status, IdcError *err)
{
    const IdcHttpSettings *settings = &exchange->session->client->settings;

    if (status == 401 && exchange->has_credentials && settings->auth == IDC_HTTP_AUTH_NONE)
        idc_error_set_hint(err, "the server wants credentials: give them in a user mapping");
    else if (status == 401)
        idc_error_set_hint(err, "check the credentials of the user mapping");
    else if (status == 403)
        idc_error_set_hint(err, "the credentials of the user mapping do not allow this");
    else if (status == 404)
        idc_error_set_hint(err, "check base_url and the table's endpoint");
    else if ((status == 400 || status == 422) && exchange->request.method == IDC_HTTP_GET)
        idc_error_set_hint(err, "if it asks for a parameter, give the column that has it the "
                                "option required: true, and the query a condition on it");
    else if (status == 429)
        idc_error_set_hint(err, "set the server's option rate_limit so that it is asked slower");
    else if (http_retry_is_status(status) && !exchange->request.is_idempotent &&
             exchange->request.method != IDC_HTTP_GET)
        idc_error_set_hint(err, "it was not tried again, because it might have been done");
}

void
http_error_of_status(const IdcHttpExchange *exchange, IdcError *err)
{
    const HttpTransfer *transfer = &exchange->transfer;
    int status = transfer->status;
    IdcStatus kind = status == 401 || status == 403 ? IDC_BAD_CREDENTIAL : IDC_SOURCE_FAILED;
    const char *type = http_transfer_header(transfer, "Content-Type");
    IdcText excerpt;

    idc_text_init(&excerpt, 0);
    /* Of token_url such an answer is the token, in a form that is not read. */
    if (!(exchange->is_token_request && transfer->has_unwanted_type))
        http_error_excerpt(exchange, &excerpt);
    if (transfer->has_unwanted_type)
        (void) idc_fail(err, IDC_SOURCE_FAILED,
                        "the server answered with %.100s where %s is expected%s",
                        type != NULL ? type : "no type", exchange->request.content_types[0],
                        idc_text_string(&excerpt));
    else if (exchange->retry_count > 0)
        (void) idc_fail(err, kind, "the server answered %d%s after %lld %s%s", status,
                        status_name(status), (long long) exchange->retry_count,
                        exchange->retry_count == 1 ? "repetition" : "repetitions",
                        idc_text_string(&excerpt));
    else
        (void) idc_fail(err, kind, "the server answered %d%s%s", status, status_name(status),
                        idc_text_string(&excerpt));
    idc_text_done(&excerpt);
    if (!transfer->has_unwanted_type)
        hint_of_status(exchange, status, err);
}

static void
timeout_of_connect(const IdcHttpExchange *exchange, IdcError *err)
{
    CURL *easy = exchange->transfer.easy;
    double name = 0, connect = 0;

    (void) curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME, &name);
    (void) curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME, &connect);
    (void) idc_fail(err, IDC_TIMEOUT, "cannot connect within connect_timeout: %s",
                    name <= 0      ? "its name was not resolved"
                    : connect <= 0 ? "no connection was made"
                                   : "the TLS handshake did not end");
}

void
http_error_of_curl(const IdcHttpExchange *exchange, CURLcode code, IdcError *err)
{
    const HttpTransfer *transfer = &exchange->transfer;
    const char *detail = transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code);

    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        (void) idc_fail_no_memory(err);
        return;
    case CURLE_COULDNT_CONNECT:
        (void) idc_fail(err, IDC_CONNECTION_FAILED, "cannot connect: %s",
                        transfer->why[0] != '\0' ? transfer->why : detail);
        idc_error_set_hint(err, strstr(transfer->why, "allow_private") != NULL
                                    ? "a superuser may set the server's option allow_private: true"
                                    : "check base_url, and that the API runs");
        return;
    case CURLE_OPERATION_TIMEDOUT:
        timeout_of_connect(exchange, err);
        return;
    case CURLE_PEER_FAILED_VERIFICATION:
        (void) idc_fail(err, IDC_CONNECTION_FAILED, "cannot trust the server's certificate: %s",
                        detail);
        idc_error_set_hint(err, "name the authority that signed it in the server's option ca_file");
        return;
    case CURLE_GOT_NOTHING:
        (void) idc_fail(err, IDC_CONNECTION_FAILED, "the server closed without an answer");
        return;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        (void) idc_fail(err, IDC_CONNECTION_FAILED,
                        transfer->is_head_done ? "the answer broke off: %s"
                                               : "the connection broke: %s",
                        detail);
        return;
    case CURLE_COULDNT_RESOLVE_HOST:
        (void) idc_fail(err, IDC_CONNECTION_FAILED, "cannot connect: %s", detail);
        idc_error_set_hint(err, "check the host in base_url");
        return;
    case CURLE_SSL_CONNECT_ERROR:
        (void) idc_fail(err, IDC_CONNECTION_FAILED, "cannot connect: %s", detail);
        if (strstr(detail, "wrong version number") != NULL)
            idc_error_set_hint(err, "the server speaks no TLS there: is it http:// in base_url?");
        return;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_SEND_ERROR:
        (void) idc_fail(err, IDC_CONNECTION_FAILED, "cannot connect: %s", detail);
        return;
    default:
        (void) idc_fail(err, IDC_SOURCE_FAILED, "the request failed: %s", detail);
    }
}
