/*
 * json_check.c - RFC 8259, without recursion: a byte for each open bracket.
 */
#include "adapters/json_check.h"

#include <string.h>

#include "base/text.h"

#define DIGITS "0123456789"

/* text[at] is next; open[0 .. depth) are the brackets that must be closed. */
typedef struct Json {
    const char *text;
    size_t at;
    char open[IDC_JSON_CHECK_DEPTH];
    size_t depth;
} Json;

static void
skip_blanks(Json *json)
{
    json->at += strspn(json->text + json->at, " \t\n\r");
}

static bool
take(Json *json, char c)
{
    if (json->text[json->at] != c)
        return false;
    json->at++;
    return true;
}

static bool
take_word(Json *json, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(json->text + json->at, word, len) != 0)
        return false;
    json->at += len;
    return true;
}

static bool
take_digits(Json *json)
{
    size_t len = strspn(json->text + json->at, DIGITS);

    json->at += len;
    return len > 0;
}

static bool
take_number(Json *json)
{
    (void) take(json, '-');
    if (!take(json, '0') && !take_digits(json))
        return false;
    if (take(json, '.') && !take_digits(json))
        return false;
    if (take(json, 'e') || take(json, 'E')) {
        if (!take(json, '+'))
            (void) take(json, '-');
        return take_digits(json);
    }
    return true;
}

/* Behind a backslash. */
static bool
take_escape(Json *json)
{
    char c = json->text[json->at];

    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
        return false;
    json->at++;
    if (c != 'u')
        return true;
    if (strspn(json->text + json->at, DIGITS "abcdefABCDEF") < 4)
        return false;
    json->at += 4;
    return true;
}

static bool
take_string(Json *json)
{
    if (!take(json, '"'))
        return false;
    for (;;) {
        unsigned char c = (unsigned char) json->text[json->at];

        if (c < 0x20)
            return false;
        json->at++;
        if (c == '"')
            return true;
        if (c == '\\' && !take_escape(json))
            return false;
    }
}

static bool
take_scalar(Json *json)
{
    switch (json->text[json->at]) {
    case '"':
        return take_string(json);
    case 't':
        return take_word(json, "true");
    case 'f':
        return take_word(json, "false");
    case 'n':
        return take_word(json, "null");
    default:
        return take_number(json);
    }
}

/* The name of a member and its colon. */
static bool
take_name(Json *json)
{
    skip_blanks(json);
    if (!take_string(json))
        return false;
    skip_blanks(json);
    return take(json, ':');
}

/* A scalar or an empty array or object: *is_whole. Or the beginning of a full one, up to its first
 * value. */
static bool
take_beginning(Json *json, bool *is_whole)
{
    char bracket;

    skip_blanks(json);
    bracket = json->text[json->at];
    *is_whole = true;
    if (bracket != '[' && bracket != '{')
        return take_scalar(json);
    if (json->depth == IDC_JSON_CHECK_DEPTH)
        return false;
    json->at++;
    skip_blanks(json);
    if (take(json, bracket == '[' ? ']' : '}'))
        return true;
    *is_whole = false;
    json->open[json->depth++] = bracket;
    return bracket == '[' || take_name(json);
}

/* Behind a value: closes what ends there, up to the next value; *is_end: the document's. */
static bool
take_ending(Json *json, bool *is_end)
{
    for (;;) {
        char bracket;

        skip_blanks(json);
        *is_end = json->depth == 0;
        if (*is_end)
            return json->text[json->at] == '\0';
        bracket = json->open[json->depth - 1];
        if (take(json, ','))
            return bracket == '[' || take_name(json);
        if (!take(json, bracket == '[' ? ']' : '}'))
            return false;
        json->depth--;
    }
}

bool
idc_json_check(const char *text, size_t *position)
{
    Json json = { .text = text };
    bool is_valid = idc_utf8_is_valid(text, strlen(text)), is_whole = true, is_end = false;

    while (is_valid && !is_end) {
        is_valid = take_beginning(&json, &is_whole);
        if (is_valid && is_whole)
            is_valid = take_ending(&json, &is_end);
    }
    if (position != NULL)
        *position = json.at;
    return is_valid;
}
