/*
 * json_scan.c - the grammar of RFC 8259 as a machine that may stop after every byte.
 */
#include "adapters/common/json_scan.h"

#include <string.h>

#include "adapters/common/json_bytes.h"

/* What is expected, or what is being read. */
enum {
    AT_MARK,      /* a byte order mark, or what follows it */
    AT_VALUE,     /* a value */
    AT_FIRST,     /* a value, or the end of the array */
    AT_FIRST_KEY, /* a key, or the end of the object */
    AT_KEY,       /* a key */
    AT_COLON,     /* behind a key */
    AT_SEPARATOR, /* behind a value in a container */
    AT_END,       /* behind the document */
    AT_NEXT,      /* behind a value of a stream, before the end of its line */
    IN_KEY,       /* a key's inside */
    IN_STRING,    /* a string's inside */
    IN_NUMBER,
    IN_LITERAL,
    IS_WRONG
};

/* Parts of a string and of a number. */
enum { PLAIN, ESCAPE, HEX, UTF8 };
enum { MINUS, ZERO, WHOLE, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS };

void
idc_json_scan_begin(IdcJsonScan *scan)
{
    scan->depth = 0;
    scan->state = AT_MARK;
    scan->part = 0;
    scan->is_passing = scan->is_line_begun = false;
    scan->reason = NULL;
}

void
idc_json_scan_done(IdcJsonScan *scan)
{
    idc_text_done(&scan->key);
}

static IdcJsonEvent
wrong(IdcJsonScan *scan, const char *reason)
{
    scan->state = IS_WRONG;
    scan->reason = reason;
    return IDC_JSON_FAILED;
}

static void
go_behind_value(IdcJsonScan *scan)
{
    scan->state = scan->depth > 0 ? AT_SEPARATOR : scan->is_stream ? AT_NEXT : AT_END;
    scan->is_line_begun = scan->depth == 0;
}

/* A value ended: an event only where it was the one that is passed over. */
static IdcJsonEvent
end_value(IdcJsonScan *scan)
{
    go_behind_value(scan);
    if (!scan->is_passing || scan->depth > scan->pass_depth)
        return IDC_JSON_MORE;
    scan->is_passing = false;
    return IDC_JSON_PASSED;
}

static bool
push(IdcJsonScan *scan, bool is_object)
{
    uint8_t *bits = &scan->containers[scan->depth / 8];
    uint8_t bit = (uint8_t) (1u << (scan->depth % 8));

    if (scan->depth >= scan->max_depth) {
        (void) wrong(scan, "it is nested too deeply");
        return false;
    }
    *bits = is_object ? *bits | bit : *bits & (uint8_t) ~bit;
    scan->depth++;
    scan->state = is_object ? AT_FIRST_KEY : AT_FIRST;
    return true;
}

static IdcJsonEvent
pop(IdcJsonScan *scan)
{
    scan->depth--;
    go_behind_value(scan);
    if (!scan->is_passing)
        return IDC_JSON_END;
    return end_value(scan);
}

bool
idc_json_scan_enter(IdcJsonScan *scan, const char **at)
{
    bool is_object = **at == '{';

    ++*at;
    return push(scan, is_object);
}

void
idc_json_scan_pass(IdcJsonScan *scan)
{
    scan->is_passing = true;
    scan->pass_depth = scan->depth;
}

void
idc_json_scan_take(IdcJsonScan *scan)
{
    go_behind_value(scan);
}

/* ---- tokens ---- */

static void
begin_string(IdcJsonScan *scan, int state)
{
    scan->state = state;
    scan->part = PLAIN;
    if (state != IN_KEY)
        return;
    idc_text_clear(&scan->key);
    scan->is_key_kept = !scan->is_passing;
    scan->is_key_escaped = false;
}

/* The first byte of a value that is passed over. */
static IdcJsonEvent
begin_value(IdcJsonScan *scan, char c)
{
    switch (c) {
    case '{':
    case '[':
        return push(scan, c == '{') ? IDC_JSON_MORE : IDC_JSON_FAILED;
    case '"':
        begin_string(scan, IN_STRING);
        return IDC_JSON_MORE;
    case 't':
        scan->word = "rue";
        break;
    case 'f':
        scan->word = "alse";
        break;
    case 'n':
        scan->word = "ull";
        break;
    default:
        scan->state = IN_NUMBER;
        scan->part = c == '-' ? MINUS : c == '0' ? ZERO : WHOLE;
        return IDC_JSON_MORE;
    }
    scan->state = IN_LITERAL;
    return IDC_JSON_MORE;
}

static bool
begins_value(char c)
{
    return c == '{' || c == '[' || c == '"' || c == '-' || (c >= '0' && c <= '9') || c == 't' ||
           c == 'f' || c == 'n';
}

/* One byte of a number: true if it belongs to it. */
static bool
number_takes(IdcJsonScan *scan, char c)
{
    bool is_digit = c >= '0' && c <= '9', is_e = c == 'e' || c == 'E';
    int next = -1;

    switch (scan->part) {
    case MINUS:
        next = c == '0' ? ZERO : is_digit ? WHOLE : -1;
        break;
    case ZERO:
        next = c == '.' ? POINT : is_e ? EXPONENT : -1;
        break;
    case WHOLE:
        next = is_digit ? WHOLE : c == '.' ? POINT : is_e ? EXPONENT : -1;
        break;
    case POINT:
        next = is_digit ? FRACTION : -1;
        break;
    case FRACTION:
        next = is_digit ? FRACTION : is_e ? EXPONENT : -1;
        break;
    case EXPONENT:
        next = c == '+' || c == '-' ? EXPONENT_SIGN : is_digit ? EXPONENT_DIGITS : -1;
        break;
    default:
        next = is_digit ? EXPONENT_DIGITS : -1;
    }
    if (next >= 0)
        scan->part = next;
    return next >= 0;
}

static bool
number_may_end(const IdcJsonScan *scan)
{
    return scan->part == ZERO || scan->part == WHOLE || scan->part == FRACTION ||
           scan->part == EXPONENT_DIGITS;
}

static IdcJsonEvent
in_number(IdcJsonScan *scan, const char **at, const char *end)
{
    while (*at < end && number_takes(scan, **at))
        ++*at;
    if (*at == end)
        return IDC_JSON_MORE;
    if (scan->part == ZERO && **at >= '0' && **at <= '9')
        return wrong(scan, "a number begins with a zero too many");
    return number_may_end(scan) ? end_value(scan) : wrong(scan, "a number lacks a digit");
}

static IdcJsonEvent
in_literal(IdcJsonScan *scan, const char **at, const char *end)
{
    for (; *at < end && *scan->word != '\0'; ++*at, scan->word++)
        if (**at != *scan->word)
            return wrong(scan, "there is no such value");
    return *scan->word == '\0' ? end_value(scan) : IDC_JSON_MORE;
}

/* A byte of a string that is not plain, nor part of a plain run. */
static IdcJsonEvent
string_byte(IdcJsonScan *scan, unsigned char c)
{
    switch (scan->part) {
    case ESCAPE:
        if (c != 'u' && !idc_json_is_escape((char) c))
            return wrong(scan, "a backslash escapes nothing");
        scan->part = c == 'u' ? HEX : PLAIN;
        scan->more = 4;
        return IDC_JSON_MORE;
    case HEX:
        if (idc_hex_value((char) c) < 0)
            return wrong(scan, "\\u is followed by four hexadecimal digits");
        scan->part = --scan->more == 0 ? PLAIN : HEX;
        return IDC_JSON_MORE;
    case UTF8:
        if (c < scan->low || c > scan->high)
            return wrong(scan, "a string is not UTF-8");
        scan->low = 0x80;
        scan->high = 0xBF;
        scan->part = --scan->more == 0 ? PLAIN : UTF8;
        return IDC_JSON_MORE;
    default:
        break;
    }
    if (c == '\\') {
        scan->part = ESCAPE;
        scan->is_key_escaped = true;
        return IDC_JSON_MORE;
    }
    if (c < 0x20)
        return wrong(scan, "a control character in a string is not escaped");
    scan->more = idc_json_utf8_begin(c, &scan->low, &scan->high);
    scan->part = UTF8;
    return scan->more == 0 ? wrong(scan, "a string is not UTF-8") : IDC_JSON_MORE;
}

/* To the closing quote, which is taken too: *is_end. */
static IdcJsonEvent
string_inside(IdcJsonScan *scan, const char **at, const char *end, bool *is_end)
{
    *is_end = false;
    while (*at < end) {
        if (scan->part == PLAIN) {
            *at = idc_json_plain_end(*at, end);
            if (*at == end)
                break;
            if (**at == '"') {
                ++*at;
                *is_end = true;
                break;
            }
        }
        if (string_byte(scan, (unsigned char) **at) == IDC_JSON_FAILED)
            return IDC_JSON_FAILED;
        ++*at;
    }
    return IDC_JSON_MORE;
}

static IdcJsonEvent
in_string(IdcJsonScan *scan, const char **at, const char *end)
{
    bool is_end;

    if (string_inside(scan, at, end, &is_end) == IDC_JSON_FAILED)
        return IDC_JSON_FAILED;
    return is_end ? end_value(scan) : IDC_JSON_MORE;
}

static IdcJsonEvent
in_key(IdcJsonScan *scan, const char **at, const char *end)
{
    const char *begin = *at;
    bool is_end;
    size_t len;

    if (string_inside(scan, at, end, &is_end) == IDC_JSON_FAILED)
        return IDC_JSON_FAILED;
    if (scan->is_key_kept) {
        len = (size_t) (*at - begin) - is_end;
        if (scan->key.len + len > scan->key_limit)
            scan->is_key_kept = false;
        else
            idc_text_append_len(&scan->key, begin, len);
    }
    if (!is_end)
        return IDC_JSON_MORE;
    scan->state = AT_COLON;
    return scan->is_passing ? IDC_JSON_MORE : IDC_JSON_KEY;
}

/* ---- between tokens ---- */

/* UTF-8's byte order mark is no part of a document, but some send it. */
static IdcJsonEvent
at_mark(IdcJsonScan *scan, const char **at)
{
    static const char mark[] = "\xEF\xBB\xBF";

    if (scan->part == 0 && **at != mark[0]) {
        scan->state = scan->is_stream ? AT_NEXT : AT_VALUE;
        return IDC_JSON_MORE;
    }
    if (**at != mark[scan->part])
        return wrong(scan, "a value is missing");
    ++*at;
    if (++scan->part == 3)
        scan->state = scan->is_stream ? AT_NEXT : AT_VALUE;
    return IDC_JSON_MORE;
}

static IdcJsonEvent
value_begins(IdcJsonScan *scan, const char **at)
{
    if (!begins_value(**at))
        return wrong(scan, "a value is missing");
    if (!scan->is_passing)
        return IDC_JSON_VALUE;
    return begin_value(scan, *(*at)++);
}

/* Between values of a stream, which begin on a new line or behind 0x1E. */
static IdcJsonEvent
between_values(IdcJsonScan *scan, const char **at)
{
    char c = **at;

    if (c == '\n' || c == 0x1E)
        scan->is_line_begun = false;
    else if (!idc_json_is_blank(c) && scan->is_line_begun)
        return wrong(scan, "something follows a value on its line");
    if (idc_json_is_blank(c) || c == 0x1E) {
        ++*at;
        return IDC_JSON_MORE;
    }
    return value_begins(scan, at);
}

/* A byte that is no blank, where punctuation may stand. */
static IdcJsonEvent
at_punctuation(IdcJsonScan *scan, const char **at)
{
    char c = **at;
    bool is_object = idc_json_scan_in_object(scan);

    switch (scan->state) {
    case AT_FIRST:
    case AT_FIRST_KEY:
        if (c == (is_object ? '}' : ']')) {
            ++*at;
            return pop(scan);
        }
        if (scan->state == AT_FIRST)
            return value_begins(scan, at);
        /* fall through */
    case AT_KEY:
        if (c != '"')
            return wrong(scan, "a member's name in quotes is missing");
        begin_string(scan, IN_KEY);
        break;
    case AT_COLON:
        if (c != ':')
            return wrong(scan, "a colon is missing");
        scan->state = AT_VALUE;
        break;
    case AT_SEPARATOR:
        if (c == (is_object ? '}' : ']')) {
            ++*at;
            return pop(scan);
        }
        if (c != ',')
            return wrong(scan, is_object ? "a comma or } is missing" : "a comma or ] is missing");
        scan->state = is_object ? AT_KEY : AT_VALUE;
        break;
    default:
        return wrong(scan, "something follows the document");
    }
    ++*at;
    return IDC_JSON_MORE;
}

/* What the byte at *at, or more of them, mean; MORE: go on. */
static IdcJsonEvent
step(IdcJsonScan *scan, const char **at, const char *end)
{
    switch (scan->state) {
    case IN_STRING:
        return in_string(scan, at, end);
    case IN_KEY:
        return in_key(scan, at, end);
    case IN_NUMBER:
        return in_number(scan, at, end);
    case IN_LITERAL:
        return in_literal(scan, at, end);
    case AT_MARK:
        return at_mark(scan, at);
    case AT_NEXT:
        return between_values(scan, at);
    case IS_WRONG:
        return IDC_JSON_FAILED;
    default:
        break;
    }
    if (idc_json_is_blank(**at)) {
        ++*at;
        return IDC_JSON_MORE;
    }
    return scan->state == AT_VALUE ? value_begins(scan, at) : at_punctuation(scan, at);
}

IdcJsonEvent
idc_json_scan_next(IdcJsonScan *scan, const char **at, const char *end)
{
    IdcJsonEvent event = IDC_JSON_MORE;

    while (event == IDC_JSON_MORE && *at < end)
        event = step(scan, at, end);
    return event;
}

IdcJsonEvent
idc_json_scan_finish(IdcJsonScan *scan)
{
    if (scan->state == IN_NUMBER && number_may_end(scan)) {
        IdcJsonEvent event = end_value(scan);

        if (event == IDC_JSON_PASSED)
            return event;
    }
    if (scan->state == IS_WRONG)
        return IDC_JSON_FAILED;
    if (scan->state == AT_END || scan->state == AT_NEXT ||
        (scan->is_stream && scan->state == AT_MARK && scan->part == 0))
        return IDC_JSON_MORE;
    return wrong(scan, "the document is cut off");
}
