/*
 * statement.h - the little that must be known about a user's SQL without parsing it.
 */
#ifndef IDC_HUB_STATEMENT_H
#define IDC_HUB_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes before the first semicolon that is no part of a string, name or comment; all of it without
 * one. */
size_t idc_statement_len(const char *sql);

/* Is the first word, after comments and opening parentheses, this one (in any case)? */
bool idc_statement_begins(const char *sql, const char *word);

/* The number that stands after its last LIMIT outside parentheses; -1 without one. */
int64_t idc_statement_limit(const char *sql);

#endif
