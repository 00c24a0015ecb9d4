/*
 * http_sigv4.c - signatures of AWS: curl makes them, of an URL and headers as AWS wants them.
 *
 * curl 7.88 signs path and query as they stand, so they are put in the canonical form first: each
 * byte but letters, digits and -._~ as %XX, parameters sorted, "name=" for those without a value.
 */
#include <stdlib.h>
#include <string.h>

#include "adapters/common/http_private.h"
#include "adapters/common/json.h"

enum { MAX_PARAMETERS = 1000 };

/* %XX (and + of a query) read, then written in the one way. */
static void
append_canonical(IdcText *text, const char *from, size_t len, bool is_query)
{
    for (size_t i = 0; i < len; i++) {
        char c = from[i];

        if (c == '%' && i + 2 < len && idc_hex_value(from[i + 1]) >= 0 &&
            idc_hex_value(from[i + 2]) >= 0) {
            c = (char) (idc_hex_value(from[i + 1]) << 4 | idc_hex_value(from[i + 2]));
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        idc_http_url_escape(text, &c, 1);
    }
}

static void
append_path(IdcText *text, const char *path, size_t len)
{
    const char *end = path + len;

    while (path < end) {
        size_t part = strcspn(path, "/?");

        append_canonical(text, path, part, false);
        path += part;
        if (path < end)
            idc_text_append_char(text, *path++);
    }
}

static int
compare_parameters(const void *a, const void *b)
{
    const char *left = *(const char *const *) a, *right = *(const char *const *) b;
    size_t left_len = strcspn(left, "="), right_len = strcspn(right, "=");
    size_t len = left_len < right_len ? left_len : right_len;
    int order = memcmp(left, right, len);

    /* By name, then by value; "a" stands before "a-b", though '=' comes after '-'. */
    if (order != 0)
        return order;
    if (left_len != right_len)
        return left_len < right_len ? -1 : 1;
    return strcmp(left, right);
}

static char *
canonical_parameter(IdcArena *arena, const char *from, size_t len)
{
    const char *equals = memchr(from, '=', len);
    size_t name_len = equals != NULL ? (size_t) (equals - from) : len;
    IdcText text;
    char *copy;

    idc_text_init(&text, 0);
    append_canonical(&text, from, name_len, true);
    idc_text_append_char(&text, '=');
    if (equals != NULL)
        append_canonical(&text, equals + 1, len - name_len - 1, true);
    copy = text.is_broken ? NULL : idc_arena_strdup(arena, idc_text_string(&text));
    idc_text_done(&text);
    return copy;
}

static IdcStatus
append_query(IdcArena *arena, IdcText *text, const char *query, IdcError *err)
{
    char **parameters = idc_arena_alloc_array(arena, MAX_PARAMETERS, sizeof *parameters);
    size_t count = 0;

    if (parameters == NULL)
        return idc_fail_no_memory(err);
    for (; *query != '\0'; query += *query == '&') {
        size_t len = strcspn(query, "&");

        if (len > 0 && count == MAX_PARAMETERS)
            return idc_fail(err, IDC_BAD_VALUE, "the URL has more than %d parameters",
                            MAX_PARAMETERS);
        if (len > 0 && (parameters[count++] = canonical_parameter(arena, query, len)) == NULL)
            return idc_fail_no_memory(err);
        query += len;
    }
    qsort(parameters, count, sizeof *parameters, compare_parameters);
    for (size_t i = 0; i < count; i++)
        idc_text_append_format(text, "%c%s", i == 0 ? '?' : '&', parameters[i]);
    return IDC_OK;
}

static IdcStatus
make_canonical(IdcText *url, IdcError *err)
{
    const char *whole = idc_text_string(url), *host = strstr(whole, "://"), *path, *query;
    IdcArena *arena = idc_arena_new(0);
    IdcText text;
    IdcStatus status = IDC_OK;

    if (arena == NULL)
        return idc_fail_no_memory(err);
    idc_text_init(&text, 0);
    path = host != NULL ? host + 3 + strcspn(host + 3, "/?") : whole;
    query = path + strcspn(path, "?");
    idc_text_append_len(&text, whole, (size_t) (path - whole));
    append_path(&text, path, (size_t) (query - path));
    if (*query == '?')
        status = append_query(arena, &text, query + 1, err);
    if (status == IDC_OK) {
        idc_text_clear(url);
        idc_text_append(url, idc_text_string(&text));
        url->is_broken = url->is_broken || text.is_broken;
        status = idc_text_check(url, err);
    }
    idc_text_done(&text);
    idc_arena_free(arena);
    return status;
}

static bool
add_line(struct curl_slist **headers, const char *name, const char *value)
{
    struct curl_slist *longer = NULL;
    IdcText line;

    idc_text_init(&line, 0);
    idc_text_append_format(&line, "%s: %s", name, value);
    if (!line.is_broken)
        longer = curl_slist_append(*headers, idc_text_string(&line));
    idc_text_done(&line);
    if (longer != NULL)
        *headers = longer;
    return longer != NULL;
}

IdcStatus
http_sigv4_prepare(IdcHttpExchange *exchange, CURL *easy, struct curl_slist **headers, IdcText *url,
                   IdcError *err)
{
    const IdcHttpSettings *settings = &exchange->session->client->settings;
    uint8_t digest[IDC_SHA256_BYTES];
    char hex[IDC_SHA256_HEX];
    IdcSha256 hash;
    IdcText provider;
    IdcStatus status = make_canonical(url, err);
    bool is_fine;

    if (status != IDC_OK)
        return status;
    idc_sha256_init(&hash);
    idc_sha256_add(&hash, exchange->request.body, exchange->request.body_len);
    idc_sha256_end(&hash, digest);
    idc_sha256_hex(digest, hex);
    idc_text_init(&provider, 0);
    idc_text_append_format(&provider, "aws:amz:%s:%s", settings->aws_region, settings->aws_service);
    is_fine = !provider.is_broken && add_line(headers, "x-amz-content-sha256", hex) &&
              (settings->aws_session_token == NULL ||
               add_line(headers, "x-amz-security-token", settings->aws_session_token)) &&
              curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, idc_text_string(&provider)) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_USERNAME, settings->aws_access_key_id) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PASSWORD, settings->aws_secret_access_key) == CURLE_OK;
    idc_text_done(&provider);
    return is_fine ? IDC_OK : idc_fail_no_memory(err);
}
