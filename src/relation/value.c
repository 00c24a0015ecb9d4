/*
 * value.c - is a text a value of its type?
 */
#include "relation/ask.h"

#include <string.h>

#define DIGITS "0123456789"

static bool
is_integer_between(const char *text, int64_t least, int64_t most)
{
    int64_t number;

    return idc_int64_parse(text, &number) && number >= least && number <= most;
}

bool
idc_ask_is_row_count(const char *text)
{
    return text != NULL && is_integer_between(text, 0, INT64_MAX);
}

static bool
is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* Digits with a point in or before them, and an exponent. */
static bool
is_number(const char *text)
{
    size_t whole, fraction = 0;

    if (*text == '-')
        text++;
    text += whole = strspn(text, DIGITS);
    if (*text == '.') {
        text++;
        text += fraction = strspn(text, DIGITS);
    }
    if (whole + fraction == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        if (*text == '-' || *text == '+')
            text++;
        if (strspn(text, DIGITS) == 0)
            return false;
        text += strspn(text, DIGITS);
    }
    return *text == '\0';
}

static bool
is_any_number(const char *text)
{
    static const char *const words[] = { "NaN", "Infinity", "-Infinity", NULL };

    return is_number(text) || is_one_of(text, words);
}

/* ISO style: digits and their marks, "BC" at the end, or an infinity. */
static bool
is_moment(const char *text)
{
    static const char *const words[] = { "infinity", "-infinity", NULL };
    size_t len = strspn(text, DIGITS "-:.+ ");

    if (is_one_of(text, words))
        return true;
    return len > 0 && strspn(text, DIGITS) > 0 &&
           (text[len] == '\0' || (text[len - 1] == ' ' && strcmp(text + len, "BC") == 0));
}

static bool
is_hex(const char *text, size_t prefix_len)
{
    size_t len = strspn(text + prefix_len, DIGITS "abcdefABCDEF");

    return text[prefix_len + len] == '\0' && len % 2 == 0;
}

static bool
is_uuid(const char *text)
{
    if (strlen(text) != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (strchr(is_dash ? "-" : DIGITS "abcdefABCDEF", text[i]) == NULL)
            return false;
    }
    return true;
}

bool
idc_ask_value_fits(IdcType type, const char *text)
{
    switch (type.oid) {
    case IDC_TYPE_BOOL:
        return strcmp(text, "t") == 0 || strcmp(text, "f") == 0;
    case IDC_TYPE_INT2:
        return is_integer_between(text, INT16_MIN, INT16_MAX);
    case IDC_TYPE_INT4:
        return is_integer_between(text, INT32_MIN, INT32_MAX);
    case IDC_TYPE_INT8:
        return is_integer_between(text, INT64_MIN, INT64_MAX);
    case IDC_TYPE_OID:
        return is_integer_between(text, 0, UINT32_MAX);
    case IDC_TYPE_FLOAT4:
    case IDC_TYPE_FLOAT8:
    case IDC_TYPE_NUMERIC:
        return is_any_number(text);
    case IDC_TYPE_DATE:
    case IDC_TYPE_TIME:
    case IDC_TYPE_TIMETZ:
    case IDC_TYPE_TIMESTAMP:
    case IDC_TYPE_TIMESTAMPTZ:
        return is_moment(text);
    case IDC_TYPE_BYTEA:
        return strncmp(text, "\\x", 2) == 0 && is_hex(text, 2);
    case IDC_TYPE_UUID:
        return is_uuid(text);
    default:
        return true;
    }
}
