/*
 * write_value.c - a value of the hub as a literal that its column keeps exactly.
 *
 * What the server checks itself in its strict modes is left to it: ranges of numbers and dates,
 * lengths of texts, characters that a charset does not have. What it would round, pad, cut or take
 * for something else without an error is refused here.
 */
#include "adapters/mysql/write.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BIT_OID = 1560, VARBIT_OID = 1562, YEAR_LEAST = 1901, YEAR_MOST = 2155 };

/* ---- errors ---- */

static IdcStatus
refuse(const IdcMysqlTarget *target, const char *sqlstate, const char *why, IdcError *err)
{
    (void) idc_fail(err, IDC_BAD_VALUE, "column \"%s\" cannot keep the value: %s", target->name,
                    why);
    idc_error_set_sqlstate(err, sqlstate);
    return IDC_BAD_VALUE;
}

static IdcStatus
refuse_type(const IdcMysqlTarget *target, const IdcRelationColumn *column, IdcError *err)
{
    (void) idc_fail(err, IDC_UNSUPPORTED,
                    "column \"%s\" is of another type at the server than values of column \"%s\" "
                    "can be written to",
                    target->name, column->name);
    idc_error_set_sqlstate(err, "42804");
    return IDC_UNSUPPORTED;
}

/* ---- texts ---- */

void
idc_mysql_append_name(const char *name, IdcText *sql)
{
    idc_sql_quote('`', name, sql);
}

static void
append_hex(const char *bytes, size_t len, IdcText *sql)
{
    static const char digits[] = "0123456789abcdef";

    idc_text_append(sql, "X'");
    for (size_t i = 0; i < len; i++) {
        idc_text_append_char(sql, digits[(uint8_t) bytes[i] >> 4]);
        idc_text_append_char(sql, digits[(uint8_t) bytes[i] & 15]);
    }
    idc_text_append_char(sql, '\'');
}

/* A backslash means something in some modes. */
void
idc_mysql_append_string(const char *text, IdcText *sql)
{
    const char *from = text;

    if (strchr(text, '\\') != NULL) {
        idc_text_append(sql, "_utf8mb4 ");
        append_hex(text, strlen(text), sql);
        return;
    }
    idc_text_append_char(sql, '\'');
    for (const char *quote; (quote = strchr(from, '\'')) != NULL; from = quote + 1) {
        idc_text_append_len(sql, from, (size_t) (quote - from));
        idc_text_append(sql, "''");
    }
    idc_text_append(sql, from);
    idc_text_append_char(sql, '\'');
}

/* ---- numbers ---- */

/* "-12.50e3" without its exponent: digits, and how many of them stand after the point. */
typedef struct Number {
    bool is_negative, is_number, has_exponent;
    const char *digits;  /* from the first one that is not 0 */
    int whole, fraction; /* how many before and after the point, without zeros at both ends */
} Number;

static Number
read_number(const char *text)
{
    Number number = { .is_negative = *text == '-' };
    const char *at = text + (*text == '-' || *text == '+' ? 1 : 0), *first;

    for (first = at; *first == '0'; first++)
        continue;
    number.digits = first;
    while (isdigit((unsigned char) *at))
        at++;
    number.whole = at > first ? (int) (at - first) : 0;
    number.is_number = at > text;
    if (*at == '.') {
        int last = 0;

        at++;
        for (int i = 1; isdigit((unsigned char) *at); at++, i++)
            last = *at != '0' ? i : last;
        number.fraction = last;
    }
    number.has_exponent = *at == 'e' || *at == 'E';
    number.is_number &= number.has_exponent || *at == '\0';
    return number;
}

static bool
is_number_type(IdcType type)
{
    switch (type.oid) {
    case IDC_TYPE_INT2:
    case IDC_TYPE_INT4:
    case IDC_TYPE_INT8:
    case IDC_TYPE_OID:
    case IDC_TYPE_NUMERIC:
    case IDC_TYPE_FLOAT4:
    case IDC_TYPE_FLOAT8:
        return true;
    default:
        return false;
    }
}

/* A number with an exponent is a double to the server: digits are written out instead. */
static IdcStatus
append_plain(const IdcMysqlTarget *target, const char *text, int scale, IdcText *sql, IdcError *err)
{
    char plain[400];
    Number number = read_number(text);

    if (number.has_exponent) {
        /* Of a double: its own value has at most so many digits before the point. */
        int len = snprintf(plain, sizeof plain, "%.30f", strtod(text, NULL));

        if (len < 0 || (size_t) len >= sizeof plain || strtod(plain, NULL) != strtod(text, NULL))
            return refuse(target, "22003", "it has too many digits", err);
        text = plain;
        number = read_number(text);
    }
    if (!number.is_number)
        return refuse(target, "22003", "it is no finite number", err);
    if (number.fraction > scale)
        return refuse(target, "22003", "it has more digits after the point than the column", err);
    idc_text_append(sql, text);
    return IDC_OK;
}

static IdcStatus
append_double(const IdcMysqlTarget *target, const IdcRelationColumn *column, const char *text,
              IdcText *sql, IdcError *err)
{
    const int digits_of_double = 15;
    Number number = read_number(text);
    double value = strtod(text, NULL);

    if (!number.is_number)
        return refuse(target, "22003", "it is no finite number", err);
    if (target->remote.kind == IDC_MYSQL_FLOAT && column->type.oid != IDC_TYPE_FLOAT4 &&
        (double) (float) value != value)
        return refuse(target, "22003", "a float of the server has not enough digits for it", err);
    if ((column->type.oid == IDC_TYPE_NUMERIC || column->type.oid == IDC_TYPE_INT8) &&
        number.whole + number.fraction > digits_of_double)
        return refuse(target, "22003", "a double of the server has not enough digits for it", err);
    idc_text_append(sql, text);
    /* Otherwise it would be a decimal number first. */
    if (!number.has_exponent)
        idc_text_append(sql, "e0");
    return IDC_OK;
}

/* A number to compare with, which X'…' is not. */
static void
append_hex_bits(const char *digits, IdcText *sql)
{
    idc_text_append(sql, "b'");
    for (; *digits != '\0'; digits++) {
        int value = *digits <= '9' ? *digits - '0' : (*digits | 0x20) - 'a' + 10;

        for (int bit = 8; bit > 0; bit >>= 1)
            idc_text_append_char(sql, (value & bit) != 0 ? '1' : '0');
    }
    idc_text_append_char(sql, '\'');
}

static IdcStatus
append_bits(const IdcMysqlTarget *target, const IdcRelationColumn *column, const char *text,
            IdcText *sql, IdcError *err)
{
    int width = target->remote.digits > 0 ? target->remote.digits : 1;

    if (column->type.oid == BIT_OID || column->type.oid == VARBIT_OID) {
        if (strlen(text) != (size_t) width)
            return refuse(target, "22026", "it has another number of bits", err);
        idc_text_append_format(sql, "b'%s'", text);
        return IDC_OK;
    }
    if (column->type.oid == IDC_TYPE_BYTEA) {
        if (strlen(text) != 2 + (size_t) (width + 7) / 8 * 2)
            return refuse(target, "22026", "it has another number of bytes", err);
        append_hex_bits(text + 2, sql);
        return IDC_OK;
    }
    if (!is_number_type(column->type))
        return refuse_type(target, column, err);
    if (*text == '-')
        return refuse(target, "22003", "it is negative", err);
    return append_plain(target, text, 0, sql, err);
}

/* Of two digits it would be another year. */
static IdcStatus
append_year(const IdcMysqlTarget *target, const IdcRelationColumn *column, const char *text,
            IdcText *sql, IdcError *err)
{
    int64_t year;

    if (!is_number_type(column->type))
        return refuse_type(target, column, err);
    if (!idc_int64_parse(text, &year) || (year != 0 && (year < YEAR_LEAST || year > YEAR_MOST)))
        return refuse(target, "22003", "it is no year from 1901 to 2155", err);
    idc_text_append(sql, text);
    return IDC_OK;
}

static IdcStatus
append_number(const IdcMysqlTarget *target, const IdcRelationColumn *column, const char *text,
              IdcText *sql, IdcError *err)
{
    if (column->type.oid == IDC_TYPE_BOOL) {
        idc_text_append_char(sql, *text == 't' ? '1' : '0');
        return IDC_OK;
    }
    if (!is_number_type(column->type))
        return refuse_type(target, column, err);
    switch (target->remote.kind) {
    case IDC_MYSQL_INTEGER:
        return append_plain(target, text, 0, sql, err);
    case IDC_MYSQL_DECIMAL:
        return append_plain(target, text, target->remote.scale, sql, err);
    default:
        return append_double(target, column, text, sql, err);
    }
}

/* ---- dates and times ---- */

/* Of a text that ends with a clock: digits of the fraction that are not zeros at its end. */
static int
fraction_digits(const char *text, size_t len)
{
    const char *point = memchr(text, '.', len);

    if (point == NULL)
        return 0;
    while (len > 0 && text[len - 1] == '0')
        len--;
    return (int) (text + len - point) - 1;
}

/* "2024-01-31": four digits of the year and no era. */
static bool
has_plain_date(const char *text)
{
    static const char form[] = "0000-00-00";

    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '0' ? !isdigit((unsigned char) text[i]) : text[i] != form[i])
            return false;
    return strstr(text, "BC") == NULL;
}

static IdcStatus
append_moment(const IdcMysqlTarget *target, const IdcRelationColumn *column, const char *text,
              IdcText *sql, IdcError *err)
{
    int digits = target->remote.digits > 0 ? target->remote.digits : 0;
    size_t len = strlen(text);
    bool is_date = target->remote.kind == IDC_MYSQL_DATE;

    switch (column->type.oid) {
    case IDC_TYPE_DATE:
    case IDC_TYPE_TIMESTAMP:
    case IDC_TYPE_TEXT:
    case IDC_TYPE_VARCHAR:
        break;
    case IDC_TYPE_TIMESTAMPTZ:
        /* In UTC, as the session is. */
        if (len < 3 || strcmp(text + len - 3, "+00") != 0)
            return refuse(target, "22008", "it is no moment that the server knows", err);
        len -= 3;
        break;
    default:
        return refuse_type(target, column, err);
    }
    if (!has_plain_date(text))
        return refuse(target, "22008", "the server knows no dates outside of the years 0 to 9999",
                      err);
    if (is_date && len > 10) {
        /* Midnight is a date. */
        if (strncmp(text + 10, " 00:00:00", 9) != 0 || len > 19)
            return refuse(target, "22008", "it is more than a date", err);
        len = 10;
    }
    if (!is_date && fraction_digits(text, len) > digits)
        return refuse(target, "22008", "it has more digits of seconds than the column", err);
    idc_text_append_char(sql, '\'');
    for (size_t i = 0; i < len; i++)
        if (isdigit((unsigned char) text[i]) || strchr("-: .", text[i]) != NULL)
            idc_text_append_char(sql, text[i]);
        else
            return refuse(target, "22007", "it is no date", err);
    idc_text_append_char(sql, '\'');
    return IDC_OK;
}

/* An interval of days and a clock, as PostgreSQL prints it: "-1 days +02:03:04.5". */
static bool
read_interval(const char *text, int64_t *us)
{
    int64_t days = 0;
    char *end;
    int sign = 1;
    long hours, minutes;
    double seconds;

    *us = 0;
    if (strstr(text, "day") != NULL) {
        days = strtol(text, &end, 10);
        text = end + strspn(end, " days");
    }
    if (*text != '\0') {
        sign = *text == '-' ? -1 : 1;
        text += *text == '-' || *text == '+' ? 1 : 0;
        hours = strtol(text, &end, 10);
        if (*end != ':')
            return false;
        minutes = strtol(end + 1, &end, 10);
        if (*end != ':')
            return false;
        seconds = strtod(end + 1, &end);
        if (*end != '\0')
            return false;
        *us = sign *
              ((hours * INT64_C(60) + minutes) * 60000000 + (int64_t) (seconds * 1000000 + 0.5));
    }
    *us += days * INT64_C(86400) * 1000000;
    return true;
}

static IdcStatus
append_time(const IdcMysqlTarget *target, const IdcRelationColumn *column, const char *text,
            IdcText *sql, IdcError *err)
{
    int digits = target->remote.digits > 0 ? target->remote.digits : 0;
    char clock[48];
    int64_t us, size;

    if (column->type.oid == IDC_TYPE_INTERVAL) {
        if (!read_interval(text, &us))
            return refuse(target, "22008", "it has months or years", err);
        size = us < 0 ? -us : us;
        (void) snprintf(clock, sizeof clock, "%s%lld:%02d:%02d.%06d", us < 0 ? "-" : "",
                        (long long) (size / 3600000000), (int) (size / 60000000 % 60),
                        (int) (size / 1000000 % 60), (int) (size % 1000000));
        text = clock;
    } else if (column->type.oid != IDC_TYPE_TIME && column->type.oid != IDC_TYPE_TEXT &&
               column->type.oid != IDC_TYPE_VARCHAR) {
        return refuse_type(target, column, err);
    }
    if (strspn(text, "-0123456789:.") != strlen(text))
        return refuse(target, "22007", "it is no time", err);
    if (fraction_digits(text, strlen(text)) > digits)
        return refuse(target, "22008", "it has more digits of seconds than the column", err);
    idc_text_append_format(sql, "'%s'", text);
    return IDC_OK;
}

/* ---- texts and bytes ---- */

/* '\x…' of bytea; the digits' count is even. */
static IdcStatus
append_bytes(const IdcMysqlTarget *target, const char *text, IdcText *sql, IdcError *err)
{
    size_t len = strlen(text);

    if (len < 2 || text[0] != '\\' || text[1] != 'x')
        return refuse(target, "22P02", "it is no bytea", err);
    if (target->remote.kind == IDC_MYSQL_BINARY &&
        (len - 2) / 2 != (size_t) (target->remote.digits > 0 ? target->remote.digits : 1))
        return refuse(target, "22026",
                      "it has less bytes than the column, which would be filled up "
                      "with zeros",
                      err);
    idc_text_append(sql, "X'");
    idc_text_append_len(sql, text + 2, len - 2);
    idc_text_append_char(sql, '\'');
    return IDC_OK;
}

static IdcStatus
append_text(const IdcMysqlTarget *target, const IdcRelationColumn *column, const char *text,
            IdcText *sql, IdcError *err)
{
    size_t len = strlen(text);

    if (column->type.oid == IDC_TYPE_BYTEA)
        return append_bytes(target, text, sql, err);
    if (column->type.oid == IDC_TYPE_BOOL)
        return refuse_type(target, column, err);
    if (target->remote.kind == IDC_MYSQL_CHAR && len > 0 && text[len - 1] == ' ' &&
        column->type.oid != IDC_TYPE_BPCHAR)
        return refuse(target, "22001", "a char of the server loses blanks at the end", err);
    if (target->remote.kind == IDC_MYSQL_BINARY &&
        len != (size_t) (target->remote.digits > 0 ? target->remote.digits : 1))
        return refuse(target, "22026",
                      "it has less bytes than the column, which would be filled up "
                      "with zeros",
                      err);
    idc_mysql_append_string(text, sql);
    return IDC_OK;
}

static bool
is_member(const IdcMysqlTarget *target, const char *text, size_t len, size_t *place)
{
    for (; *place < target->member_count; (*place)++)
        if (strlen(target->members[*place]) == len &&
            memcmp(target->members[*place], text, len) == 0) {
            (*place)++;
            return true;
        }
    return false;
}

/* The server takes other spellings, and numbers, for a member. */
static IdcStatus
append_enum(const IdcMysqlTarget *target, const IdcRelationColumn *column, const char *text,
            IdcText *sql, IdcError *err)
{
    size_t place = 0;

    if (column->type.oid == IDC_TYPE_BOOL || column->type.oid == IDC_TYPE_BYTEA)
        return refuse_type(target, column, err);
    if (!is_member(target, text, strlen(text), &place))
        return refuse(target, "22P02", "it is none of the enum's", err);
    idc_mysql_append_string(text, sql);
    return IDC_OK;
}

/* "a,c": in the order of the definition. */
static IdcStatus
append_set(const IdcMysqlTarget *target, const IdcRelationColumn *column, const char *text,
           IdcText *sql, IdcError *err)
{
    size_t place = 0;

    if (column->type.oid == IDC_TYPE_BOOL || column->type.oid == IDC_TYPE_BYTEA)
        return refuse_type(target, column, err);
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, ",");

        if (!is_member(target, at, len, &place))
            return refuse(target, "22P02",
                          "it is no list of the set's members in the order of the set", err);
        at += len;
        at += *at == ',' ? 1 : 0;
    }
    idc_mysql_append_string(text, sql);
    return IDC_OK;
}

static IdcStatus
append_geometry(const IdcMysqlTarget *target, const IdcRelationColumn *column, const char *text,
                IdcText *sql, IdcError *err)
{
    IdcStatus status;

    if (column->type.oid != IDC_TYPE_BYTEA)
        return refuse_type(target, column, err);
    idc_text_append(sql, "ST_GeomFromWKB(");
    status = append_bytes(target, text, sql, err);
    idc_text_append_char(sql, ')');
    return status;
}

/* ---- any ---- */

static IdcStatus
append_null(const IdcMysqlTarget *target, IdcText *sql, IdcError *err)
{
    if (target->is_not_null && !target->is_automatic)
        return refuse(target, "23502", "it is NOT NULL", err);
    idc_text_append(sql, "NULL");
    return IDC_OK;
}

IdcStatus
idc_mysql_append_value(const IdcMysqlTarget *target, const IdcRelationColumn *column,
                       const char *text, IdcText *sql, IdcError *err)
{
    if (text == NULL)
        return append_null(target, sql, err);
    switch (target->remote.kind) {
    case IDC_MYSQL_INTEGER:
    case IDC_MYSQL_DECIMAL:
    case IDC_MYSQL_FLOAT:
    case IDC_MYSQL_DOUBLE:
        return append_number(target, column, text, sql, err);
    case IDC_MYSQL_BIT:
        return column->type.oid == IDC_TYPE_BOOL ? append_number(target, column, text, sql, err)
                                                 : append_bits(target, column, text, sql, err);
    case IDC_MYSQL_YEAR:
        return append_year(target, column, text, sql, err);
    case IDC_MYSQL_DATE:
    case IDC_MYSQL_DATETIME:
    case IDC_MYSQL_TIMESTAMP:
        return append_moment(target, column, text, sql, err);
    case IDC_MYSQL_TIME:
        return append_time(target, column, text, sql, err);
    case IDC_MYSQL_CHAR:
    case IDC_MYSQL_TEXT:
    case IDC_MYSQL_BINARY:
    case IDC_MYSQL_BLOB:
    case IDC_MYSQL_JSON:
    case IDC_MYSQL_UUID:
    case IDC_MYSQL_INET:
        return append_text(target, column, text, sql, err);
    case IDC_MYSQL_ENUM:
        return append_enum(target, column, text, sql, err);
    case IDC_MYSQL_SET:
        return append_set(target, column, text, sql, err);
    case IDC_MYSQL_GEOMETRY:
        return append_geometry(target, column, text, sql, err);
    default:
        return refuse_type(target, column, err);
    }
}

/* A FLOAT equals no decimal number but the one that it is as a double. */
static void
append_float_match(const IdcMysqlTarget *target, const char *text, IdcText *sql)
{
    idc_mysql_append_name(target->name, sql);
    idc_text_append_format(sql, " + 0e0 = %.17e", (double) strtof(text, NULL));
}

IdcStatus
idc_mysql_append_match(const IdcMysqlTarget *target, const IdcRelationColumn *column,
                       const char *text, IdcText *sql, IdcError *err)
{
    if (text != NULL && target->remote.kind == IDC_MYSQL_FLOAT && is_number_type(column->type)) {
        append_float_match(target, text, sql);
        return IDC_OK;
    }
    idc_mysql_append_name(target->name, sql);
    if (text == NULL) {
        idc_text_append(sql, " IS NULL");
        return IDC_OK;
    }
    idc_text_append(sql, " = ");
    return idc_mysql_append_value(target, column, text, sql, err);
}
