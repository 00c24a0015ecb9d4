/*
 * declare_template.c - {name} in options, percent-encoding, and flat JSON objects of options.
 */
#include "adapters/rest/rest.h"

#include <ctype.h>
#include <string.h>

/* ---- {name} ---- */

static bool
is_name_char(char c, bool is_first)
{
    return isalpha((unsigned char) c) || c == '_' ||
           (!is_first && (isdigit((unsigned char) c) || c == '-' || c == '.'));
}

bool
idc_rest_placeholder_next(const char **at, const char **begin, const char **name, size_t *len)
{
    const char *brace = *at;

    while ((brace = strchr(brace, '{')) != NULL) {
        const char *end = brace + 1;

        while (is_name_char(*end, end == brace + 1))
            end++;
        if (*end == '}' && end > brace + 1) {
            *begin = brace;
            *name = brace + 1;
            *len = (size_t) (end - brace - 1);
            *at = end + 1;
            return true;
        }
        brace++;
    }
    return false;
}

bool
idc_rest_has_placeholder(const char *text, const char *name)
{
    const char *begin, *found;
    size_t len, wanted = strlen(name);

    while (idc_rest_placeholder_next(&text, &begin, &found, &len))
        if (len == wanted && memcmp(found, name, len) == 0)
            return true;
    return false;
}

/* The characters that a path and a query may have as they are (RFC 3986), and % and braces. */
static bool
is_endpoint_char(char c)
{
    return isalnum((unsigned char) c) || (c != '\0' && strchr("-._~!$&'()*+,;=:@/?%{}[]", c));
}

IdcStatus
idc_rest_endpoint_check(const char *option, const char *endpoint, IdcError *err)
{
    const char *query = strchr(endpoint, '?');
    const char *rest = endpoint, *begin, *name;
    const char *scheme = strstr(endpoint, "://");
    size_t len;

    if ((scheme != NULL && (query == NULL || scheme < query)) || strncmp(endpoint, "//", 2) == 0)
        return idc_fail(err, IDC_BAD_CONFIG,
                        "option \"%s\" must be a path behind the server's base_url, not an address "
                        "of its own",
                        option);
    for (const char *c = endpoint; *c != '\0'; c++)
        if (!is_endpoint_char(*c))
            return idc_fail(err, IDC_BAD_CONFIG,
                            "option \"%s\" has a character at position %zu that must be written "
                            "as %%%02X",
                            option, (size_t) (c - endpoint) + 1, (unsigned char) *c);
    for (const char *open = endpoint; (open = strchr(open, '{')) != NULL;) {
        rest = open;
        if (!idc_rest_placeholder_next(&rest, &begin, &name, &len) || begin != open)
            return idc_fail(err, IDC_BAD_CONFIG,
                            "option \"%s\" has a { that no name and } follow, at position %zu",
                            option, (size_t) (open - endpoint) + 1);
        open = rest;
    }
    return IDC_OK;
}

void
idc_rest_percent(const char *bytes, size_t len, IdcText *text)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) bytes[i];

        if (isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
            idc_text_append_char(text, (char) c);
        else
            idc_text_append_format(text, "%%%02X", c);
    }
}

/* ---- flat JSON objects ---- */

void
idc_rest_pairs_init(IdcRestPairs *pairs, const char *json)
{
    *pairs = (IdcRestPairs){ .at = json };
    idc_text_init(&pairs->name, 0);
    idc_text_init(&pairs->value, 0);
}

void
idc_rest_pairs_done(IdcRestPairs *pairs)
{
    idc_text_done(&pairs->name);
    idc_text_done(&pairs->value);
}

static void
skip_blanks(IdcRestPairs *pairs)
{
    pairs->at += strspn(pairs->at, " \t\r\n");
}

static bool
take(IdcRestPairs *pairs, char c)
{
    skip_blanks(pairs);
    if (*pairs->at != c)
        return false;
    pairs->at++;
    return true;
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits of \uXXXX; -1: they are none. */
static int32_t
read_unit(IdcRestPairs *pairs)
{
    int32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        int digit = hex_value(*pairs->at);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
        pairs->at++;
    }
    return unit;
}

static void
append_utf8(int32_t code, IdcText *text)
{
    if (code < 0x80) {
        idc_text_append_char(text, (char) code);
    } else if (code < 0x800) {
        idc_text_append_char(text, (char) (0xC0 | code >> 6));
        idc_text_append_char(text, (char) (0x80 | (code & 0x3F)));
    } else {
        if (code < 0x10000) {
            idc_text_append_char(text, (char) (0xE0 | code >> 12));
        } else {
            idc_text_append_char(text, (char) (0xF0 | code >> 18));
            idc_text_append_char(text, (char) (0x80 | (code >> 12 & 0x3F)));
        }
        idc_text_append_char(text, (char) (0x80 | (code >> 6 & 0x3F)));
        idc_text_append_char(text, (char) (0x80 | (code & 0x3F)));
    }
}

static bool
read_escaped_unit(IdcRestPairs *pairs, IdcText *text)
{
    int32_t code = read_unit(pairs), low;

    if (code <= 0 || (code >= 0xDC00 && code <= 0xDFFF))
        return false;
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (pairs->at[0] != '\\' || pairs->at[1] != 'u')
            return false;
        pairs->at += 2;
        low = read_unit(pairs);
        if (low < 0xDC00 || low > 0xDFFF)
            return false;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(code, text);
    return true;
}

/* Behind the quote. */
static bool
read_string(IdcRestPairs *pairs, IdcText *text)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";

    for (;; pairs->at++) {
        unsigned char c = (unsigned char) *pairs->at;
        const char *escape;

        if (c < 0x20)
            return false;
        if (c == '"') {
            pairs->at++;
            return true;
        }
        if (c != '\\') {
            idc_text_append_char(text, (char) c);
            continue;
        }
        pairs->at++;
        if (*pairs->at == 'u') {
            pairs->at++;
            if (!read_escaped_unit(pairs, text))
                return false;
            pairs->at--;
            continue;
        }
        escape = *pairs->at == '\0' ? NULL : strchr(escapes, *pairs->at);
        if (escape == NULL)
            return false;
        idc_text_append_char(text, meant[escape - escapes]);
    }
}

static bool
is_number(const char *text, size_t len)
{
    size_t i = len > 0 && text[0] == '-' ? 1 : 0, digits = i;

    while (i < len && isdigit((unsigned char) text[i]))
        i++;
    if (i == digits || (text[digits] == '0' && i > digits + 1))
        return false;
    if (i < len && text[i] == '.') {
        digits = ++i;
        while (i < len && isdigit((unsigned char) text[i]))
            i++;
        if (i == digits)
            return false;
    }
    if (i < len && (text[i] == 'e' || text[i] == 'E')) {
        i += i + 1 < len && (text[i + 1] == '+' || text[i + 1] == '-') ? 2 : 1;
        digits = i;
        while (i < len && isdigit((unsigned char) text[i]))
            i++;
        if (i == digits)
            return false;
    }
    return i == len;
}

static bool
read_scalar(IdcRestPairs *pairs)
{
    size_t len;

    idc_text_clear(&pairs->value);
    if (take(pairs, '"'))
        return read_string(pairs, &pairs->value);
    len = strcspn(pairs->at, " \t\r\n,]}");
    if (!is_number(pairs->at, len) && !(len == 4 && memcmp(pairs->at, "true", 4) == 0) &&
        !(len == 5 && memcmp(pairs->at, "false", 5) == 0))
        return false;
    idc_text_append_len(&pairs->value, pairs->at, len);
    pairs->at += len;
    return true;
}

/* Behind a value: what is next? */
static bool
read_name(IdcRestPairs *pairs)
{
    idc_text_clear(&pairs->name);
    return take(pairs, '"') && read_string(pairs, &pairs->name) && take(pairs, ':');
}

int
idc_rest_pairs_next(IdcRestPairs *pairs)
{
    for (;;) {
        if (pairs->is_in_array && take(pairs, ']')) {
            pairs->is_in_array = false;
        } else if (pairs->is_in_array) {
            /* Its first item follows the bracket, any other one a comma. */
            if (pairs->is_item_before && !take(pairs, ','))
                return -1;
            pairs->is_item_before = true;
            return read_scalar(pairs) ? 1 : -1;
        }
        if (!pairs->is_begun && !take(pairs, '{'))
            return -1;
        if (take(pairs, '}')) {
            skip_blanks(pairs);
            return *pairs->at == '\0' ? 0 : -1;
        }
        if ((pairs->is_begun && !take(pairs, ',')) || !read_name(pairs))
            return -1;
        pairs->is_begun = true;
        if (!take(pairs, '['))
            return read_scalar(pairs) ? 1 : -1;
        pairs->is_in_array = true;
        pairs->is_item_before = false;
    }
}
