/*
 * json_row.c - read one value: strictly, once, and keep slices of what is wanted.
 */
#include "adapters/common/json_row.h"

#include <string.h>

typedef struct Reader {
    IdcJsonRow *row;
    const char *end;
    bool is_whole;
    IdcJsonRead result;
} Reader;

static const char *read_value(Reader *reader, const char *at, int depth, IdcPathNode *node,
                              IdcJsonValue *value);

static const char *
bad(Reader *reader, const char *at, const char *reason)
{
    reader->result = IDC_JSON_BAD;
    reader->row->failed_at = at;
    reader->row->reason = reason;
    return NULL;
}

/* The bytes end inside the value. */
static const char *
cut(Reader *reader)
{
    if (reader->is_whole)
        return bad(reader, reader->end, "the value is cut off");
    reader->result = IDC_JSON_CUT;
    return NULL;
}

static const char *
read_utf8(Reader *reader, const char *at)
{
    unsigned char low, high;
    int more = idc_json_utf8_begin((unsigned char) *at, &low, &high);

    if (more == 0)
        return bad(reader, at, "a string is not UTF-8");
    for (at++; more > 0; more--, at++) {
        if (at == reader->end)
            return cut(reader);
        if ((unsigned char) *at < low || (unsigned char) *at > high)
            return bad(reader, at, "a string is not UTF-8");
        low = 0x80;
        high = 0xBF;
    }
    return at;
}

static const char *
read_escape(Reader *reader, const char *at)
{
    if (reader->end - at < 2)
        return cut(reader);
    if (idc_json_is_escape(at[1]))
        return at + 2;
    if (at[1] != 'u')
        return bad(reader, at, "a backslash escapes nothing");
    for (int i = 2; i < 6; i++) {
        if (at + i == reader->end)
            return cut(reader);
        if (idc_hex_value(at[i]) < 0)
            return bad(reader, at + i, "\\u is followed by four hexadecimal digits");
    }
    return at + 6;
}

/* at: behind the opening quote. The result is at the closing one. */
static inline const char *
read_string(Reader *reader, const char *at, bool *has_escapes)
{
    *has_escapes = false;
    for (;;) {
        at = idc_json_plain_end(at, reader->end);
        if (at == reader->end)
            return cut(reader);
        if (*at == '"')
            return at;
        if (*at == '\\') {
            *has_escapes = true;
            at = read_escape(reader, at);
        } else if ((unsigned char) *at >= 0x80) {
            at = read_utf8(reader, at);
        } else {
            return bad(reader, at, "a control character in a string is not escaped");
        }
        if (at == NULL)
            return NULL;
    }
}

static inline const char *
skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* One or more digits. */
static const char *
read_digits(Reader *reader, const char *at)
{
    const char *after = skip_digits(at, reader->end);

    if (after > at)
        return after;
    return after == reader->end ? cut(reader) : bad(reader, at, "a number lacks a digit");
}

static const char *
read_number(Reader *reader, const char *at)
{
    const char *begin = at + (*at == '-');

    at = read_digits(reader, begin);
    if (at == NULL)
        return NULL;
    if (*begin == '0' && at - begin > 1)
        return bad(reader, begin, "a number begins with a zero too many");
    if (at < reader->end && *at == '.') {
        at = read_digits(reader, at + 1);
        if (at == NULL)
            return NULL;
    }
    if (at < reader->end && (*at | 0x20) == 'e') {
        at++;
        if (at < reader->end && (*at == '+' || *at == '-'))
            at++;
        at = read_digits(reader, at);
        if (at == NULL)
            return NULL;
    }
    return at == reader->end && !reader->is_whole ? cut(reader) : at;
}

static const char *
read_literal(Reader *reader, const char *at, const char *word, size_t len)
{
    size_t there = (size_t) (reader->end - at);

    if (memcmp(at, word, there < len ? there : len) != 0)
        return bad(reader, at, "there is no such value");
    return there < len ? cut(reader) : at + len;
}

/* ---- what is wanted ---- */

/* Whatever was found below node in this row belongs to a member that came again. */
static void
forget(IdcJsonRow *row, IdcPathNode *node)
{
    for (const IdcPathTarget *target = node->targets; target != NULL; target = target->next)
        row->cells[target->number].row = 0;
    for (IdcPathNode *child = node->children; child != NULL; child = child->next) {
        child->seen_row = 0;
        forget(row, child);
    }
}

static inline void
keep_value(IdcJsonRow *row, const IdcPathNode *node, const IdcJsonValue *value)
{
    for (const IdcPathTarget *target = node->targets; target != NULL; target = target->next) {
        row->cells[target->number].value = *value;
        row->cells[target->number].row = row->row;
    }
}

static void
remember_key(IdcPathNode *node, int64_t position, const char *key, size_t len, IdcPathNode *child)
{
    IdcPathGuess *guess = &node->guesses[position];

    if (len > IDC_PATH_GUESS_BYTES)
        return;
    memcpy(guess->key, key, len);
    guess->len = (uint32_t) len;
    guess->child = child;
}

/* A key that was not expected here. at: behind its opening quote; the result is behind the other.
 */
static const char *
read_new_key(Reader *reader, const char *at, int64_t position, IdcPathNode *node,
             IdcPathNode **child)
{
    IdcText *text = &reader->row->key;
    bool has_escapes;
    const char *quote = read_string(reader, at, &has_escapes), *name = at;
    size_t len = (size_t) (quote - at);

    if (quote == NULL)
        return NULL;
    if (has_escapes) {
        idc_text_clear(text);
        /* A key that is no text is nobody's. */
        if (idc_json_unescape(at, len, text) != IDC_JSON_TEXT) {
            *child = NULL;
            return quote + 1;
        }
        if (text->is_broken) {
            reader->result = IDC_JSON_FULL;
            return NULL;
        }
        name = idc_text_string(text);
        len = text->len;
    }
    *child = idc_path_find_member(node, name, len);
    if (position < IDC_PATH_GUESSES)
        remember_key(node, position, at, (size_t) (quote + 1 - at), *child);
    return quote + 1;
}

static inline const char *
read_key(Reader *reader, const char *at, int64_t position, IdcPathNode *node, IdcPathNode **child)
{
    bool has_escapes;

    *child = NULL;
    if (node == NULL || node->children == NULL) {
        at = read_string(reader, at, &has_escapes);
        return at == NULL ? NULL : at + 1;
    }
    if (position < IDC_PATH_GUESSES) {
        const IdcPathGuess *guess = &node->guesses[position];

        if (guess->len > 0 && reader->end - at >= (ptrdiff_t) guess->len &&
            memcmp(at, guess->key, guess->len) == 0) {
            *child = guess->child;
            return at + guess->len;
        }
    }
    return read_new_key(reader, at, position, node, child);
}

/* ---- structures ---- */

/* Blanks, then this byte, then blanks. */
static inline const char *
read_mark(Reader *reader, const char *at, char mark, const char *reason)
{
    at = idc_json_skip_blanks(at, reader->end);
    if (at == reader->end)
        return cut(reader);
    if (*at != mark)
        return bad(reader, at, reason);
    return idc_json_skip_blanks(at + 1, reader->end);
}

static inline const char *
read_member(Reader *reader, const char *at, int depth, int64_t position, IdcPathNode *node)
{
    IdcJsonRow *row = reader->row;
    IdcPathNode *child;
    IdcJsonValue value;

    if (at == reader->end)
        return cut(reader);
    if (*at != '"')
        return bad(reader, at, "a member's name in quotes is missing");
    at = read_key(reader, at + 1, position, node, &child);
    if (at == NULL || (at = read_mark(reader, at, ':', "a colon is missing")) == NULL)
        return NULL;
    if (child != NULL) {
        if (child->seen_row == row->row) {
            row->duplicates++;
            forget(row, child);
        }
        child->seen_row = row->row;
    }
    at = read_value(reader, at, depth, child, &value);
    if (at != NULL && child != NULL)
        keep_value(row, child, &value);
    return at;
}

/* After a member or element: *is_end, or at the next one. */
static inline const char *
read_separator(Reader *reader, const char *at, char close, bool *is_end)
{
    at = idc_json_skip_blanks(at, reader->end);
    if (at == reader->end)
        return cut(reader);
    *is_end = *at == close;
    if (*is_end)
        return at + 1;
    if (*at != ',')
        return bad(reader, at,
                   close == '}' ? "a comma or } is missing" : "a comma or ] is missing");
    return idc_json_skip_blanks(at + 1, reader->end);
}

static const char *
read_object(Reader *reader, const char *at, int depth, IdcPathNode *node)
{
    bool is_end = false;

    at = idc_json_skip_blanks(at + 1, reader->end);
    if (at < reader->end && *at == '}')
        return at + 1;
    for (int64_t position = 0; !is_end; position++) {
        at = read_member(reader, at, depth, position, node);
        if (at == NULL || (at = read_separator(reader, at, '}', &is_end)) == NULL)
            return NULL;
    }
    return at;
}

static const char *
read_array(Reader *reader, const char *at, int depth, IdcPathNode *node)
{
    bool is_end = false;

    at = idc_json_skip_blanks(at + 1, reader->end);
    if (at < reader->end && *at == ']')
        return at + 1;
    for (int64_t i = 0; !is_end; i++) {
        IdcPathNode *child =
            node != NULL && node->has_indexes ? idc_path_find_index(node, i) : NULL;
        IdcJsonValue value;

        at = read_value(reader, at, depth, child, &value);
        if (at == NULL)
            return NULL;
        if (child != NULL)
            keep_value(reader->row, child, &value);
        at = read_separator(reader, at, ']', &is_end);
        if (at == NULL)
            return NULL;
    }
    return at;
}

/* depth: of what the value stands in. */
static const char *
read_value(Reader *reader, const char *at, int depth, IdcPathNode *node, IdcJsonValue *value)
{
    const char *begin = at;

    if (at == reader->end)
        return cut(reader);
    value->has_escapes = false;
    switch (*at) {
    case '"':
        at = read_string(reader, at + 1, &value->has_escapes);
        if (at == NULL)
            return NULL;
        value->kind = IDC_JSON_STRING;
        value->text = begin + 1;
        value->len = (size_t) (at - begin - 1);
        return at + 1;
    case '{':
    case '[':
        if (depth >= reader->row->max_depth)
            return bad(reader, at, "it is nested too deeply");
        value->kind = *at == '{' ? IDC_JSON_OBJECT : IDC_JSON_ARRAY;
        at = *at == '{' ? read_object(reader, at, depth + 1, node)
                        : read_array(reader, at, depth + 1, node);
        break;
    case 't':
        value->kind = IDC_JSON_TRUE;
        at = read_literal(reader, at, "true", 4);
        break;
    case 'f':
        value->kind = IDC_JSON_FALSE;
        at = read_literal(reader, at, "false", 5);
        break;
    case 'n':
        value->kind = IDC_JSON_NULL;
        at = read_literal(reader, at, "null", 4);
        break;
    default:
        if (*at != '-' && (*at < '0' || *at > '9'))
            return bad(reader, at, "a value is missing");
        value->kind = IDC_JSON_NUMBER;
        at = read_number(reader, at);
    }
    value->text = begin;
    value->len = at == NULL ? 0 : (size_t) (at - begin);
    return at;
}

IdcJsonRead
idc_json_row_read(IdcJsonRow *row, const char *at, const char *end, int depth, bool is_whole,
                  const char **after)
{
    Reader reader = { .row = row, .end = end, .is_whole = is_whole, .result = IDC_JSON_READ };
    int64_t duplicates = row->duplicates;
    IdcJsonValue value;
    const char *behind;

    row->row++;
    behind = read_value(&reader, at, depth, row->root, &value);
    if (behind == NULL) {
        row->duplicates = duplicates;
        return reader.result;
    }
    if (row->root != NULL)
        keep_value(row, row->root, &value);
    row->kind = value.kind;
    *after = behind;
    return IDC_JSON_READ;
}
