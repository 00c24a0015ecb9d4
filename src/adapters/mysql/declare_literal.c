/*
 * declare_literal.c - constants, written so that MySQL takes them for the type that they are.
 */
#include "adapters/mysql/mysql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
append_hex(const char *value, size_t len, IdcText *text)
{
    idc_text_append(text, "x'");
    for (size_t i = 0; i < len; i++)
        idc_text_append_format(text, "%02x", (unsigned char) value[i]);
    idc_text_append_char(text, '\'');
}

/* Quotes are doubled; a backslash means itself or not, as sql_mode says, so it is not written. */
static void
append_quoted(const char *introducer, const char *value, IdcText *text)
{
    idc_text_append_format(text, "%s ", introducer);
    if (strchr(value, '\\') != NULL)
        append_hex(value, strlen(value), text);
    else
        idc_sql_literal(value, text);
}

void
idc_mysql_text_literal(const char *value, IdcText *text)
{
    append_quoted("_utf8mb4", value, text);
}

void
idc_mysql_bytes_literal(const char *value, IdcText *text)
{
    append_quoted("_binary", value, text);
}

/* "\x6162" of the hub; anything else is no bytea. */
static void
append_bytea(const char *value, IdcText *text)
{
    idc_text_append(text, "x'");
    if (strlen(value) > 2)
        idc_text_append(text, value + 2);
    idc_text_append_char(text, '\'');
}

static void
append_number(const char *number, IdcText *text)
{
    idc_text_append_format(text, *number == '-' ? "(%s)" : "%s", number);
}

/* A number with an exponent is of double precision in MySQL. */
static void
append_double(const char *value, IdcText *text)
{
    idc_text_append_format(text, *value == '-' ? "(%s%s)" : "%s%s", value,
                           strpbrk(value, "eE") == NULL ? "e0" : "");
}

/* The double that PostgreSQL's real is, and MySQL's FLOAT too. */
static void
append_float(const char *value, IdcText *text)
{
    char digits[64];

    (void) snprintf(digits, sizeof digits, "%.17g", (double) strtof(value, NULL));
    append_double(digits, text);
}

/* The session of the source and the relation are both of UTC. */
static void
append_moment(const char *word, const char *value, IdcText *text)
{
    const char *zone = strlen(value) > 3 ? value + strlen(value) - 3 : value;
    size_t len = strcmp(zone, "+00") == 0 ? (size_t) (zone - value) : strlen(value);

    idc_text_append_format(text, "%s'%.*s'", word, (int) len, value);
}

static void
append_value(const IdcExpr *constant, IdcText *text)
{
    switch (idc_mysql_class(constant->type)) {
    case IDC_MYSQL_CLASS_BOOL:
        idc_text_append(text, constant->text[0] == 't' ? "TRUE" : "FALSE");
        return;
    case IDC_MYSQL_CLASS_INTEGER:
    case IDC_MYSQL_CLASS_NUMERIC:
        append_number(constant->text, text);
        return;
    case IDC_MYSQL_CLASS_FLOAT:
        append_float(constant->text, text);
        return;
    case IDC_MYSQL_CLASS_DOUBLE:
        append_double(constant->text, text);
        return;
    case IDC_MYSQL_CLASS_DATE:
        append_moment("DATE", constant->text, text);
        return;
    case IDC_MYSQL_CLASS_TIME:
        append_moment("TIME", constant->text, text);
        return;
    case IDC_MYSQL_CLASS_MOMENT:
        append_moment("TIMESTAMP", constant->text, text);
        return;
    case IDC_MYSQL_CLASS_BYTES:
        append_bytea(constant->text, text);
        return;
    default:
        idc_mysql_text_literal(constant->text, text);
        return;
    }
}

void
idc_mysql_constant(IdcSql *sql, const IdcExpr *constant, IdcText *text)
{
    if (constant->text == NULL)
        idc_text_append(text, "NULL");
    else if (idc_mysql_range(constant) != IDC_MYSQL_INSIDE)
        idc_sql_fail(sql, NULL, "MySQL has no value %s", constant->text);
    else
        append_value(constant, text);
}
