/*
 * lexer.c - where strings, names and comments of SQL begin and end.
 */
#include "query/lexer.h"

#include <ctype.h>
#include <string.h>

void
idc_lexer_init(IdcLexer *lexer, const char *sql, size_t len)
{
    lexer->at = sql;
    lexer->end = sql + len;
}

bool
idc_lexer_starts_word(char c)
{
    return isalpha((unsigned char) c) || c == '_' || (unsigned char) c >= 0x80;
}

bool
idc_lexer_continues_word(char c)
{
    return idc_lexer_starts_word(c) || isdigit((unsigned char) c) || c == '$';
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The character offset bytes on, or NUL past the end; NUL inside the text is nothing special. */
static char
peek(const char *at, const char *end, size_t offset)
{
    return (size_t) (end - at) > offset ? at[offset] : '\0';
}

static const char *
line_end(const char *at, const char *end)
{
    while (at < end && *at != '\n' && *at != '\r')
        at++;
    return at;
}

/* at is behind the opening quote. Sets *is_terminated when the closing one is found. */
static const char *
quoted_end(const char *at, const char *end, char quote, bool has_escapes, bool *is_terminated)
{
    *is_terminated = false;
    while (at < end) {
        if (has_escapes && *at == '\\') {
            at += end - at > 1 ? 2 : 1;
        } else if (*at != quote) {
            at++;
        } else if (peek(at, end, 1) == quote) {
            at += 2;
        } else {
            *is_terminated = true;
            return at + 1;
        }
    }
    return end;
}

/*
 * 'a' <newline> 'b' is one string in SQL. It matters for E'' alone: the second part has escapes
 * too. The quote that goes on, or NULL.
 */
static const char *
continuation_quote(const char *at, const char *end)
{
    bool has_newline = false;

    while (at < end) {
        if (is_space(*at)) {
            has_newline |= *at == '\n' || *at == '\r';
            at++;
        } else if (*at == '-' && peek(at, end, 1) == '-') {
            at = line_end(at, end);
        } else {
            return *at == '\'' && has_newline ? at : NULL;
        }
    }
    return NULL;
}

static const char *
string_end(const char *at, const char *end, bool has_escapes, bool *is_terminated)
{
    const char *next = NULL;

    do {
        at = quoted_end(next != NULL ? next + 1 : at, end, '\'', has_escapes, is_terminated);
        next = has_escapes && *is_terminated ? continuation_quote(at, end) : NULL;
    } while (next != NULL);
    return at;
}

static const char *
block_comment_end(const char *at, const char *end, bool *is_terminated)
{
    size_t depth = 0;

    while (at < end) {
        if (at[0] == '/' && peek(at, end, 1) == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && peek(at, end, 1) == '/') {
            at += 2;
            if (--depth == 0) {
                *is_terminated = true;
                return at;
            }
        } else {
            at++;
        }
    }
    *is_terminated = false;
    return end;
}

/* The length of $tag$ at at, or 0. */
static size_t
dollar_tag_len(const char *at, const char *end)
{
    size_t len = 1;

    while (at + len < end && at[len] != '$' && idc_lexer_continues_word(at[len]) &&
           (len > 1 || idc_lexer_starts_word(at[len])))
        len++;
    return at + len < end && at[len] == '$' ? len + 1 : 0;
}

static const char *
dollar_string_end(const char *at, const char *end, size_t tag_len, bool *is_terminated)
{
    const char *close = memmem(at + tag_len, (size_t) (end - at) - tag_len, at, tag_len);

    *is_terminated = close != NULL;
    return close != NULL ? close + tag_len : end;
}

static const char *
number_end(const char *at, const char *end)
{
    while (at < end && isdigit((unsigned char) *at))
        at++;
    /* Two dots are no fraction: 1..10 is a loop of PL/pgSQL. */
    if (peek(at, end, 0) == '.' && peek(at, end, 1) != '.')
        at++;
    while (at < end && isdigit((unsigned char) *at))
        at++;
    if (peek(at, end, 0) == 'e' || peek(at, end, 0) == 'E') {
        size_t sign = peek(at, end, 1) == '-' || peek(at, end, 1) == '+' ? 1 : 0;

        if (isdigit((unsigned char) peek(at, end, 1 + sign)))
            at += 1 + sign;
        while (at < end && isdigit((unsigned char) *at))
            at++;
    }
    return at;
}

/* A word, or the string or quoted name that it is the prefix of: E'', B'', X'', N'', U&'', U&"". */
static const char *
word_end(const char *at, const char *end, IdcToken *token)
{
    const char *start = at;
    char first = (char) toupper((unsigned char) *at);

    if (peek(at, end, 1) == '\'' && strchr("EBXN", first) != NULL) {
        token->kind = IDC_TOKEN_STRING;
        return string_end(at + 2, end, first == 'E', &token->is_terminated);
    }
    if (first == 'U' && peek(at, end, 1) == '&' &&
        (peek(at, end, 2) == '\'' || peek(at, end, 2) == '"')) {
        token->kind = at[2] == '\'' ? IDC_TOKEN_STRING : IDC_TOKEN_QUOTED;
        return quoted_end(at + 3, end, at[2], false, &token->is_terminated);
    }
    while (at < end && idc_lexer_continues_word(*at))
        at++;
    token->kind = IDC_TOKEN_WORD;
    return at > start ? at : start + 1;
}

static const char *
dollar_end(const char *at, const char *end, IdcToken *token)
{
    size_t tag_len = dollar_tag_len(at, end);

    if (tag_len > 0) {
        token->kind = IDC_TOKEN_STRING;
        return dollar_string_end(at, end, tag_len, &token->is_terminated);
    }
    at++;
    if (isdigit((unsigned char) peek(at, end, 0)))
        token->kind = IDC_TOKEN_PARAMETER;
    while (at < end && token->kind == IDC_TOKEN_PARAMETER && isdigit((unsigned char) *at))
        at++;
    return at;
}

static const char *
token_end(const char *at, const char *end, IdcToken *token)
{
    char first = at[0], second = peek(at, end, 1);

    if (is_space(first)) {
        token->kind = IDC_TOKEN_SPACE;
        while (at < end && is_space(*at))
            at++;
        return at;
    }
    if (first == '-' && second == '-') {
        token->kind = IDC_TOKEN_COMMENT;
        return line_end(at, end);
    }
    if (first == '/' && second == '*') {
        token->kind = IDC_TOKEN_COMMENT;
        return block_comment_end(at, end, &token->is_terminated);
    }
    if (first == '\'') {
        token->kind = IDC_TOKEN_STRING;
        return string_end(at + 1, end, false, &token->is_terminated);
    }
    if (first == '"') {
        token->kind = IDC_TOKEN_QUOTED;
        return quoted_end(at + 1, end, '"', false, &token->is_terminated);
    }
    if (first == '$')
        return dollar_end(at, end, token);
    if (isdigit((unsigned char) first) || (first == '.' && isdigit((unsigned char) second))) {
        token->kind = IDC_TOKEN_NUMBER;
        return number_end(at, end);
    }
    if (idc_lexer_starts_word(first))
        return word_end(at, end, token);
    if (first == ':' && (second == ':' || second == '=')) {
        token->kind = second == ':' ? IDC_TOKEN_CAST : IDC_TOKEN_ASSIGN;
        return at + 2;
    }
    return at + 1;
}

bool
idc_lexer_next(IdcLexer *lexer, IdcToken *token)
{
    if (lexer->at >= lexer->end)
        return false;
    *token = (IdcToken){ .kind = IDC_TOKEN_OTHER, .text = lexer->at, .is_terminated = true };
    lexer->at = token_end(lexer->at, lexer->end, token);
    token->len = (size_t) (lexer->at - token->text);
    return true;
}
