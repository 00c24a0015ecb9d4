/*
 * lexer.h - SQL cut into the few kinds of pieces that placeholders care about.
 *
 * In:   SQL text of the user, which may be wrong or unfinished
 * Out:  tokens that together are the whole text, in order, with nothing left out
 * Next: query/parameters.c
 *
 * Source of the rules: PostgreSQL 15 documentation, chapter 4.1, and its scan.l, with
 * standard_conforming_strings on.
 */
#ifndef IDC_QUERY_LEXER_H
#define IDC_QUERY_LEXER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum IdcTokenKind {
    IDC_TOKEN_SPACE,
    IDC_TOKEN_COMMENT, /* up to the end of the line, or nested between slash-star and star-slash */
    IDC_TOKEN_STRING,  /* every kind of string, with its prefix and its quotes */
    IDC_TOKEN_QUOTED,  /* "identifier" */
    IDC_TOKEN_WORD,    /* key word or identifier */
    IDC_TOKEN_NUMBER,
    IDC_TOKEN_PARAMETER, /* $ and digits */
    IDC_TOKEN_CAST,      /* :: */
    IDC_TOKEN_ASSIGN,    /* := */
    IDC_TOKEN_OTHER      /* one byte of anything else */
} IdcTokenKind;

/* text points into the SQL. A string, name or comment without an end reaches to the end of the SQL.
 */
typedef struct IdcToken {
    IdcTokenKind kind;
    const char *text;
    size_t len;
    bool is_terminated;
} IdcToken;

typedef struct IdcLexer {
    const char *at, *end;
} IdcLexer;

void idc_lexer_init(IdcLexer *lexer, const char *sql, size_t len);

/* False at the end; every token has at least one byte. */
bool idc_lexer_next(IdcLexer *lexer, IdcToken *token);

/* A letter, an underscore or a byte of a non-ASCII letter; and those that may follow one. */
bool idc_lexer_starts_word(char c);
bool idc_lexer_continues_word(char c);

#endif
