/*
 * json_text.c - what a JSON string means.
 */
#include "adapters/common/json.h"

#include <string.h>

#include "adapters/common/json_row.h"

const char *
idc_json_kind_name(IdcJsonKind kind)
{
    switch (kind) {
    case IDC_JSON_MISSING:
        return "nothing";
    case IDC_JSON_NULL:
        return "null";
    case IDC_JSON_FALSE:
    case IDC_JSON_TRUE:
        return "a boolean";
    case IDC_JSON_NUMBER:
        return "a number";
    case IDC_JSON_STRING:
        return "a string";
    case IDC_JSON_ARRAY:
        return "an array";
    case IDC_JSON_OBJECT:
        return "an object";
    }
    return "nothing";
}

static uint32_t
read_hex4(const char *at)
{
    uint32_t code = 0;

    for (int i = 0; i < 4; i++)
        code = code << 4 | (uint32_t) idc_hex_value(at[i]);
    return code;
}

static void
append_code_point(IdcText *text, uint32_t code)
{
    char bytes[4];
    size_t len = 0;

    if (code < 0x80) {
        bytes[len++] = (char) code;
    } else if (code < 0x800) {
        bytes[len++] = (char) (0xC0 | code >> 6);
        bytes[len++] = (char) (0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        bytes[len++] = (char) (0xE0 | code >> 12);
        bytes[len++] = (char) (0x80 | (code >> 6 & 0x3F));
        bytes[len++] = (char) (0x80 | (code & 0x3F));
    } else {
        bytes[len++] = (char) (0xF0 | code >> 18);
        bytes[len++] = (char) (0x80 | (code >> 12 & 0x3F));
        bytes[len++] = (char) (0x80 | (code >> 6 & 0x3F));
        bytes[len++] = (char) (0x80 | (code & 0x3F));
    }
    idc_text_append_len(text, bytes, len);
}

/* \uXXXX at `*at`, or two of them that are one character. */
static IdcJsonText
unescape_unicode(const char **at, const char *end, IdcText *text)
{
    uint32_t code = read_hex4(*at + 2), low;

    *at += 6;
    if (code == 0)
        return IDC_JSON_TEXT_NUL;
    if (code >= 0xDC00 && code <= 0xDFFF)
        return IDC_JSON_TEXT_SURROGATE;
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
            return IDC_JSON_TEXT_SURROGATE;
        low = read_hex4(*at + 2);
        if (low < 0xDC00 || low > 0xDFFF)
            return IDC_JSON_TEXT_SURROGATE;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        *at += 6;
    }
    append_code_point(text, code);
    return IDC_JSON_TEXT;
}

static char
unescape_char(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

IdcJsonText
idc_json_unescape(const char *inside, size_t len, IdcText *text)
{
    const char *at = inside, *end = inside + len;
    IdcJsonText result;

    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t) (end - at));
        const char *plain_end = backslash == NULL ? end : backslash;

        idc_text_append_len(text, at, (size_t) (plain_end - at));
        at = plain_end;
        if (at == end)
            break;
        if (at[1] != 'u') {
            idc_text_append_char(text, unescape_char(at[1]));
            at += 2;
            continue;
        }
        result = unescape_unicode(&at, end, text);
        if (result != IDC_JSON_TEXT)
            return result;
    }
    return IDC_JSON_TEXT;
}

bool
idc_json_is_valid(const char *text, size_t len)
{
    IdcJsonRow row = { .max_depth = IDC_JSON_MAX_DEPTH };
    const char *at = text, *end = text + len;

    at = idc_json_skip_blanks(at, end);
    if (idc_json_row_read(&row, at, end, 0, true, &at) != IDC_JSON_READ)
        return false;
    return idc_json_skip_blanks(at, end) == end;
}
