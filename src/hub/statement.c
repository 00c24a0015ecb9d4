/*
 * statement.c - skipping what PostgreSQL's lexer skips.
 *
 * Rules: PostgreSQL 15 documentation, 4.1; standard_conforming_strings is on in sessions of ours.
 */
#include "hub/statement.h"

#include <string.h>
#include <strings.h>

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char) c >= 0x80;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* Each skip_… is called at its beginning and returns the position after its end. */
static size_t
skip_quoted(const char *sql, size_t at, bool has_escapes)
{
    char quote = sql[at++];

    for (; sql[at] != '\0'; at++) {
        if (has_escapes && sql[at] == '\\' && sql[at + 1] != '\0')
            at++;
        else if (sql[at] == quote && sql[at + 1] == quote)
            at++;
        else if (sql[at] == quote)
            return at + 1;
    }
    return at;
}

static size_t
skip_block_comment(const char *sql, size_t at)
{
    size_t depth = 0;

    while (sql[at] != '\0') {
        if (sql[at] == '/' && sql[at + 1] == '*') {
            depth++;
            at += 2;
        } else if (sql[at] == '*' && sql[at + 1] == '/') {
            at += 2;
            if (--depth == 0)
                break;
        } else {
            at++;
        }
    }
    return at;
}

/* $$…$$ or $tag$…$tag$; a lone $ is one character. */
static size_t
skip_dollar_quoted(const char *sql, size_t at)
{
    size_t start = at;
    size_t len;

    at++;
    if (sql[at] >= '0' && sql[at] <= '9')
        return at;
    while (is_word(sql[at]))
        at++;
    if (sql[at] != '$')
        return start + 1;
    len = at + 1 - start;
    for (at = start + len; sql[at] != '\0'; at++)
        if (strncmp(sql + at, sql + start, len) == 0)
            return at + len;
    return at;
}

/* After a comment that begins here, or the same position. */
static size_t
skip_comment(const char *sql, size_t at)
{
    if (sql[at] == '-' && sql[at + 1] == '-')
        return at + strcspn(sql + at, "\n\r");
    return sql[at] == '/' && sql[at + 1] == '*' ? skip_block_comment(sql, at) : at;
}

/* After the comment, word, string, name or character that begins here. */
static size_t
skip_token(const char *sql, size_t at)
{
    size_t start = at;
    size_t after = skip_comment(sql, at);

    if (after != at)
        return after;
    if (is_word(sql[at])) {
        /* A word ends before anything that follows it, except for E'…'. */
        while (is_word(sql[at]) || sql[at] == '$')
            at++;
        if (sql[at] == '\'' && at - start == 1 && (sql[start] == 'e' || sql[start] == 'E'))
            at = skip_quoted(sql, at, true);
        return at;
    }
    if (sql[at] == '\'' || sql[at] == '"')
        return skip_quoted(sql, at, false);
    return sql[at] == '$' ? skip_dollar_quoted(sql, at) : at + 1;
}

size_t
idc_statement_len(const char *sql)
{
    size_t at = 0;

    while (sql[at] != '\0' && sql[at] != ';')
        at = skip_token(sql, at);
    return at;
}

/* A decimal number of at most nine digits, -1 for anything else. */
static int64_t
small_number(const char *digits, size_t len)
{
    int64_t number = 0;

    if (len > 9)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return -1;
        number = number * 10 + (digits[i] - '0');
    }
    return number;
}

int64_t
idc_statement_limit(const char *sql)
{
    int64_t limit = -1;
    bool is_awaited = false;
    int depth = 0;

    for (size_t at = 0, end; sql[at] != '\0' && sql[at] != ';'; at = end) {
        end = skip_token(sql, at);
        if (is_blank(sql[at]) || skip_comment(sql, at) != at)
            continue;
        depth += sql[at] == '(' ? 1 : sql[at] == ')' ? -1 : 0;
        if (is_awaited)
            limit = small_number(sql + at, end - at);
        is_awaited = depth == 0 && end - at == 5 && strncasecmp(sql + at, "LIMIT", 5) == 0;
    }
    return limit;
}

bool
idc_statement_begins(const char *sql, const char *word)
{
    size_t len = strlen(word);
    size_t at = 0;

    for (;;) {
        size_t after = skip_comment(sql, at);

        if (after == at && !is_blank(sql[at]) && sql[at] != '(')
            return strncasecmp(sql + at, word, len) == 0 && !is_word(sql[at + len]);
        at = after != at ? after : at + 1;
    }
}
