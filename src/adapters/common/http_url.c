/*
 * http_url.c - URLs: what they mean, where they lead, and how they are shown.
 *
 * curl's own parser does it all, because what it reads is what is asked.
 */
#include <string.h>
#include <strings.h>

#include "adapters/common/http_private.h"

/* Longest path and query in a message. */
#define SHOWN_BYTES 300

static CURLU *
url_parse(const char *url, unsigned flags)
{
    CURLU *parts = curl_url();

    if (parts == NULL || strlen(url) > HTTP_MAX_URL_BYTES ||
        curl_url_set(parts, CURLUPART_URL, url, flags) != CURLUE_OK) {
        curl_url_cleanup(parts);
        return NULL;
    }
    return parts;
}

/* Appends a part; false: it has none. */
static bool
url_part(CURLU *parts, CURLUPart what, unsigned flags, IdcText *text)
{
    char *part = NULL;

    if (curl_url_get(parts, what, &part, flags) != CURLUE_OK)
        return false;
    idc_text_append(text, part);
    curl_free(part);
    return true;
}

static void
lower(IdcText *text, size_t from)
{
    for (size_t i = from; i < text->len; i++)
        if (text->data[i] >= 'A' && text->data[i] <= 'Z')
            text->data[i] = (char) (text->data[i] + ('a' - 'A'));
}

static bool
origin_of(CURLU *parts, IdcText *origin)
{
    size_t from = origin->len, host;

    if (!url_part(parts, CURLUPART_SCHEME, 0, origin))
        return false;
    lower(origin, from);
    if (strcmp(idc_text_string(origin) + from, "http") != 0 &&
        strcmp(idc_text_string(origin) + from, "https") != 0)
        return false;
    idc_text_append(origin, "://");
    host = origin->len;
    if (!url_part(parts, CURLUPART_HOST, 0, origin))
        return false;
    lower(origin, host);
    if (origin->len > host && origin->data[origin->len - 1] == '.')
        origin->data[--origin->len] = '\0';
    if (origin->len == host)
        return false;
    idc_text_append_char(origin, ':');
    return url_part(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT, origin) && !origin->is_broken;
}

bool
http_url_origin(const char *url, IdcText *origin)
{
    CURLU *parts = url_parse(url, CURLU_DISALLOW_USER);
    bool is_fine = parts != NULL && origin_of(parts, origin);

    curl_url_cleanup(parts);
    return is_fine;
}

bool
http_url_host(const char *url, IdcText *host)
{
    CURLU *parts = url_parse(url, 0);
    bool is_fine = parts != NULL && url_part(parts, CURLUPART_HOST, 0, host);

    curl_url_cleanup(parts);
    return is_fine;
}

bool
idc_http_url_is_same_origin(const char *a, const char *b)
{
    IdcText origins[2];
    bool is_same;

    idc_text_init(&origins[0], 0);
    idc_text_init(&origins[1], 0);
    is_same = http_url_origin(a, &origins[0]) && http_url_origin(b, &origins[1]) &&
              strcmp(idc_text_string(&origins[0]), idc_text_string(&origins[1])) == 0;
    idc_text_done(&origins[0]);
    idc_text_done(&origins[1]);
    return is_same;
}

/* One word of the list against "host" and "host:port"; without a port it means the usual one. */
static bool
is_listed_word(const char *word, size_t len, const char *host_port, size_t host_len,
               bool is_usual_port)
{
    if (len == strlen(host_port) && strncasecmp(word, host_port, len) == 0)
        return true;
    return is_usual_port && len == host_len && strncasecmp(word, host_port, len) == 0;
}

bool
http_url_is_listed(const char *hosts, const char *url)
{
    IdcText origin;
    const char *host_port, *port;
    bool is_usual, is_listed = false;

    if (hosts == NULL)
        return false;
    idc_text_init(&origin, 0);
    if (!http_url_origin(url, &origin)) {
        idc_text_done(&origin);
        return false;
    }
    host_port = strstr(idc_text_string(&origin), "://") + 3;
    port = strrchr(host_port, ':');
    is_usual =
        strcmp(port, strncmp(idc_text_string(&origin), "https:", 6) == 0 ? ":443" : ":80") == 0;
    for (const char *word = hosts; *word != '\0' && !is_listed;) {
        size_t len = strcspn(word, ", \t\r\n");

        is_listed =
            len > 0 && is_listed_word(word, len, host_port, (size_t) (port - host_port), is_usual);
        word += len;
        word += strspn(word, ", \t\r\n");
    }
    idc_text_done(&origin);
    return is_listed;
}

IdcStatus
idc_http_url_resolve(IdcArena *arena, const char *base, const char *reference, const char **url,
                     IdcError *err)
{
    CURLU *parts = url_parse(base, 0);
    IdcText origin;
    char *whole = NULL;
    bool is_fine, is_same = reference[0] == '\0' || reference[0] == '#';

    idc_text_init(&origin, 0);
    is_fine = parts != NULL && strlen(reference) <= HTTP_MAX_URL_BYTES &&
              (is_same || curl_url_set(parts, CURLUPART_URL, reference,
                                       CURLU_URLENCODE | CURLU_ALLOW_SPACE) == CURLUE_OK) &&
              curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_URL, &whole, 0) == CURLUE_OK &&
              http_url_origin(whole, &origin);
    idc_text_done(&origin);
    curl_url_cleanup(parts);
    if (!is_fine) {
        curl_free(whole);
        return idc_fail(err, IDC_SOURCE_FAILED,
                        "a link of the server is no http or https URL without a user in it");
    }
    *url = idc_arena_strdup(arena, whole);
    curl_free(whole);
    return *url != NULL ? IDC_OK : idc_fail_no_memory(err);
}

/* Names of parameters whose values are nobody's business. */
static bool
is_secret_parameter(const IdcHttpClient *client, const char *name, size_t len)
{
    static const char *const words[] = { "token",      "secret",    "password", "passwd",
                                         "key",        "signature", "sig",      "auth",
                                         "credential", "session",   "code",     "jwt" };
    const char *own = client != NULL ? client->settings.api_key_name : NULL;

    if (own != NULL && strlen(own) == len && strncasecmp(own, name, len) == 0)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t word_len = strlen(words[i]);

        /* "key", "api_key", "apikey", "X-Amz-Signature". */
        if (len >= word_len && strncasecmp(name + len - word_len, words[i], word_len) == 0)
            return true;
    }
    return false;
}

static void
show_query(const IdcHttpClient *client, const char *query, IdcText *text)
{
    while (*query != '\0') {
        size_t len = strcspn(query, "&");
        const char *equals = memchr(query, '=', len);
        size_t name_len = equals != NULL ? (size_t) (equals - query) : len;

        if (equals != NULL && is_secret_parameter(client, query, name_len)) {
            idc_text_append_len(text, query, name_len + 1);
            idc_text_append(text, "***");
        } else {
            idc_text_append_len(text, query, len);
        }
        query += len;
        if (*query == '&') {
            idc_text_append_char(text, '&');
            query++;
        }
    }
}

void
idc_http_url_show(const IdcHttpClient *client, const char *url, IdcText *text)
{
    CURLU *parts = url_parse(url, 0);
    IdcText query;
    size_t start;

    if (parts == NULL || !url_part(parts, CURLUPART_SCHEME, 0, text)) {
        curl_url_cleanup(parts);
        idc_text_append(text, "(an URL that cannot be read)");
        return;
    }
    idc_text_append(text, "://");
    (void) url_part(parts, CURLUPART_HOST, 0, text);
    start = text->len;
    idc_text_append_char(text, ':');
    if (!url_part(parts, CURLUPART_PORT, 0, text) && !text->is_broken)
        text->data[text->len = start] = '\0';
    start = text->len;
    (void) url_part(parts, CURLUPART_PATH, 0, text);
    idc_text_init(&query, 0);
    if (url_part(parts, CURLUPART_QUERY, 0, &query)) {
        idc_text_append_char(text, '?');
        show_query(client, idc_text_string(&query), text);
    }
    idc_text_done(&query);
    curl_url_cleanup(parts);
    if (!text->is_broken && text->len > start + SHOWN_BYTES) {
        text->data[text->len = start + SHOWN_BYTES] = '\0';
        idc_text_append(text, "…");
    }
}

void
idc_http_url_escape(IdcText *text, const char *bytes, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) bytes[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            (c != '\0' && strchr("-._~", c) != NULL)) {
            idc_text_append_char(text, (char) c);
        } else {
            idc_text_append_char(text, '%');
            idc_text_append_char(text, digits[c >> 4]);
            idc_text_append_char(text, digits[c & 15]);
        }
    }
}
