/*
 * url.c - a source or a hub in one line: postgresql://user:password@host:port/database?name=value,
 * sqlite:///path.
 *
 * What stands in a URL is never shown in a message: any part of it may be a password that was not
 * percent-encoded.
 */
#include "config/reader.h"

#include <string.h>
#include <strings.h>

static const char *const schemes[] = { "postgresql", "postgres", "mysql", "mariadb", "sqlite" };

enum { SCHEME_COUNT = sizeof schemes / sizeof schemes[0] };

/* One URL on its way. */
typedef struct UrlReader {
    Reader *reader;
    IdcPosition position;
    IdcConfigOptions *options;
    const char *written; /* what a message shows of it, if a variable was replaced in it */
    bool is_bad;
} UrlReader;

bool
idc_url_is_one(const char *text)
{
    return strstr(text, "://") != NULL;
}

static void
bad_url(UrlReader *url, const char *message)
{
    if (!url->is_bad)
        idc_problems_add(url->reader->problems, url->position, "url: %s", message);
    url->is_bad = true;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A copy with %41 decoded; NULL after a problem. */
static char *
decode(UrlReader *url, const char *text, size_t len)
{
    char *copy = idc_arena_strndup(url->reader->arena, text, len);
    size_t out = 0;

    if (copy == NULL) {
        url->reader->problems->is_out_of_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        int high, low;

        if (copy[i] != '%') {
            copy[out++] = copy[i];
            continue;
        }
        high = i + 2 < len ? hex_digit(copy[i + 1]) : -1;
        low = high >= 0 ? hex_digit(copy[i + 2]) : -1;
        if (low < 0 || (high == 0 && low == 0)) {
            bad_url(url, "found a % that is not followed by two digits (a plain % is written %25)");
            return NULL;
        }
        copy[out++] = (char) (high * 16 + low);
        i += 2;
    }
    copy[out] = '\0';
    if (!idc_utf8_is_valid(copy, out)) {
        bad_url(url, "found bytes that are not UTF-8 behind a %");
        return NULL;
    }
    if (url->written != NULL)
        idc_problems_hide(url->reader->problems, copy, url->written);
    return copy;
}

static void
add_option(UrlReader *url, const char *name, const char *value, size_t len)
{
    char *decoded;

    if (len == 0)
        return;
    decoded = decode(url, value, len);
    if (decoded != NULL)
        idc_options_add(url->reader, url->options,
                        (IdcConfigOption){ name, decoded, url->position });
}

static void
read_host(UrlReader *url, const char *text, size_t len)
{
    const char *port = NULL;
    const char *end = text + len;

    if (len > 0 && text[0] == '[') {
        const char *close = memchr(text, ']', len);

        if (close == NULL || (close + 1 < end && close[1] != ':')) {
            bad_url(url, "found [ without ] around the address of the host");
            return;
        }
        add_option(url, "host", text + 1, (size_t) (close - text) - 1);
        port = close + 1 < end ? close + 1 : NULL;
    } else {
        port = memchr(text, ':', len);
        add_option(url, "host", text, port == NULL ? len : (size_t) (port - text));
    }
    if (port == NULL)
        return;
    if (port + 1 == end || strspn(port + 1, "0123456789") < (size_t) (end - port - 1)) {
        bad_url(url,
                "the port is not a number (a :, / or @ in a password is written %3A, %2F, %40)");
        return;
    }
    add_option(url, "port", port + 1, (size_t) (end - port) - 1);
}

static void
read_authority(UrlReader *url, const char *text, size_t len)
{
    const char *at = memrchr(text, '@', len);
    const char *colon;

    if (at != NULL) {
        size_t user_len = (size_t) (at - text);

        colon = memchr(text, ':', user_len);
        add_option(url, "user", text, colon == NULL ? user_len : (size_t) (colon - text));
        if (colon != NULL)
            add_option(url, "password", colon + 1, (size_t) (at - colon) - 1);
        len -= user_len + 1;
        text = at + 1;
    }
    read_host(url, text, len);
}

/* name=value&name=value */
static void
read_query(UrlReader *url, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "&");
        const char *equals = memchr(text, '=', len);
        char *name;

        if (equals == NULL) {
            bad_url(url, "found a parameter without =, expected ?name=value&name=value");
            return;
        }
        name = decode(url, text, (size_t) (equals - text));
        if (name == NULL)
            return;
        add_option(url, name, equals + 1, len - (size_t) (equals - text) - 1);
        text += len + (text[len] == '&');
    }
}

static const char *
find_scheme(UrlReader *url, const char *text)
{
    size_t len = strcspn(text, ":");
    const char *given = idc_reader_copy(url->reader, text, len);

    if (given == NULL)
        return NULL;
    if (url->written != NULL)
        idc_problems_hide(url->reader->problems, given, url->written);
    for (size_t i = 0; i < SCHEME_COUNT; i++)
        if (strcasecmp(schemes[i], given) == 0)
            return schemes[i];
    idc_problems_add_hint(url->reader->problems, url->position, given, schemes, SCHEME_COUNT,
                          "url: unknown scheme \"%s\"",
                          idc_problems_shown(url->reader->problems, given));
    return NULL;
}

/* sqlite:///srv/data/shop.db: the path is absolute, with three slashes as with the usual four. */
static size_t
read_file_path(UrlReader *url, const char *text)
{
    size_t len = strcspn(text, "?#"), slashes = strspn(text, "/");

    if (slashes == 0 || slashes >= len)
        bad_url(url, "expected the absolute path of a file: sqlite:///srv/data/shop.db");
    else
        add_option(url, "path", text + slashes - 1, len - slashes + 1);
    return len;
}

/* user:password@host:port/database */
static size_t
read_server(UrlReader *url, const char *text)
{
    size_t len = strcspn(text, "/?#"), path_len;

    if (memchr(text, '@', len) == NULL && strchr(text + len, '@') != NULL &&
        strcspn(text, "?") > strcspn(text, "@")) {
        bad_url(url, "found / before @ (a / in a password is written %2F)");
        return strlen(text);
    }
    read_authority(url, text, len);
    if (text[len] != '/')
        return len;
    path_len = strcspn(text + len + 1, "?#");
    add_option(url, "dbname", text + len + 1, path_len);
    return len + 1 + path_len;
}

const char *
idc_url_read(Reader *reader, const char *text, IdcPosition position, IdcConfigOptions *options)
{
    UrlReader url = { reader, position, options,
                      idc_problems_written(reader->problems, text) != NULL ? "${...}" : NULL,
                      false };
    const char *scheme = find_scheme(&url, text);

    if (scheme == NULL)
        return NULL;
    text += strcspn(text, ":") + 3;
    text += strcmp(scheme, "sqlite") == 0 ? read_file_path(&url, text) : read_server(&url, text);
    if (*text == '?')
        read_query(&url, text + 1);
    else if (*text == '#')
        bad_url(&url, "found a # (in a password it is written %23)");
    return url.is_bad ? NULL : idc_kind_wrapper(reader, scheme, position);
}
