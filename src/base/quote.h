/*
 * quote.h - SQL identifiers and literals for PostgreSQL, and nothing else of SQL.
 *
 * Source of the rules: PostgreSQL 15 documentation, 4.1.1 and 4.1.2. Connections of ours run with
 * client_encoding UTF8 and standard_conforming_strings on; bytes that are not UTF-8 are refused
 * before they are quoted (CVE-2025-1094), and so is NUL.
 */
#ifndef IDC_BASE_QUOTE_H
#define IDC_BASE_QUOTE_H

#include "base/error.h"
#include "base/text.h"

/* Always in double quotes: no list of reserved words can go stale. */
IDC_CHECKED IdcStatus idc_quote_identifier(IdcText *sql, const char *name, IdcError *err);

/* 'text', or E'text' where it holds a backslash. */
IDC_CHECKED IdcStatus idc_quote_literal(IdcText *sql, const char *bytes, size_t len, IdcError *err);

#endif
