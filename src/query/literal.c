/*
 * literal.c - values as literals of the type that makes the comparison mean what it says.
 *
 * Two things decide the type. A wrapper pushes `column = constant` to its source when both are of
 * the same type, so the column's own type is used wherever the value fits it. And a literal never
 * carries the column's length or precision: 'abcd'::varchar(3) would silently become 'abc', and
 * '2.55'::numeric(3,1) would become 2.6. Types that this file does not know get an untyped literal,
 * which PostgreSQL reads as the type of the other side.
 */
#include "query/literal.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/quote.h"

typedef enum ColumnClass {
    CLASS_INTEGER,
    CLASS_FLOAT,
    CLASS_NUMERIC,
    CLASS_OTHER_NUMBER,
    CLASS_BOOL,
    CLASS_TEXT,
    CLASS_BYTES,
    CLASS_DATE,
    CLASS_TIME,
    CLASS_TIMETZ,
    CLASS_TIMESTAMP,
    CLASS_TIMESTAMPTZ,
    CLASS_INTERVAL,
    CLASS_UUID,
    CLASS_JSON,
    CLASS_ARRAY,
    CLASS_OTHER
} ColumnClass;

/* cast: how the type is written after ::, NULL for an untyped literal; bytes: of an integer. */
typedef struct ColumnType {
    const char *base_type;
    ColumnClass class;
    const char *cast;
    int bytes;
} ColumnType;

static const ColumnType column_types[] = {
    { "int2", CLASS_INTEGER, "smallint", 2 },
    { "int4", CLASS_INTEGER, "integer", 4 },
    { "int8", CLASS_INTEGER, "bigint", 8 },
    /* A float4 compared with 0.1 is compared as float8, as PostgreSQL does with a constant 0.1. */
    { "float4", CLASS_FLOAT, "double precision", 0 },
    { "float8", CLASS_FLOAT, "double precision", 0 },
    { "numeric", CLASS_NUMERIC, "numeric", 0 },
    { "bool", CLASS_BOOL, "boolean", 0 },
    { "text", CLASS_TEXT, "text", 0 },
    { "varchar", CLASS_TEXT, "text", 0 },
    { "bpchar", CLASS_TEXT, "bpchar", 0 },
    { "bytea", CLASS_BYTES, "bytea", 0 },
    { "date", CLASS_DATE, "date", 0 },
    { "time", CLASS_TIME, "time", 0 },
    { "timetz", CLASS_TIMETZ, "timetz", 0 },
    { "timestamp", CLASS_TIMESTAMP, "timestamp", 0 },
    { "timestamptz", CLASS_TIMESTAMPTZ, "timestamptz", 0 },
    { "interval", CLASS_INTERVAL, "interval", 0 },
    { "uuid", CLASS_UUID, "uuid", 0 },
    { "json", CLASS_JSON, "json", 0 },
    { "jsonb", CLASS_JSON, "jsonb", 0 },
    { "char", CLASS_TEXT, NULL, 0 },
};

static ColumnType
column_type_of(const IdcTableColumn *column)
{
    ColumnType type = { column->base_type, CLASS_OTHER, NULL, 0 };

    for (size_t i = 0; i < sizeof column_types / sizeof *column_types; i++)
        if (strcmp(column_types[i].base_type, column->base_type) == 0)
            return column_types[i];
    if (column->category == 'A')
        type.class = CLASS_ARRAY;
    else if (column->category == 'S')
        type.class = CLASS_TEXT;
    else if (column->category == 'N')
        type.class = CLASS_OTHER_NUMBER;
    return type;
}

const char *
idc_value_kind_name(IdcValueKind kind)
{
    static const char *const names[] = {
        [IDC_VALUE_NULL] = "NULL",
        [IDC_VALUE_BOOL] = "a boolean",
        [IDC_VALUE_INT] = "an integer",
        [IDC_VALUE_FLOAT] = "a float",
        [IDC_VALUE_NUMERIC] = "a decimal number",
        [IDC_VALUE_TEXT] = "a text",
        [IDC_VALUE_BYTES] = "bytes",
        [IDC_VALUE_DATE] = "a date",
        [IDC_VALUE_TIME] = "a time",
        [IDC_VALUE_TIMETZ] = "a time with time zone",
        [IDC_VALUE_TIMESTAMP] = "a timestamp",
        [IDC_VALUE_TIMESTAMPTZ] = "a timestamp with time zone",
        [IDC_VALUE_INTERVAL] = "an interval",
        [IDC_VALUE_UUID] = "a UUID",
        [IDC_VALUE_JSON] = "a JSON document",
        [IDC_VALUE_ARRAY] = "an array",
    };

    return (size_t) kind < sizeof names / sizeof *names ? names[kind] : "a value of unknown kind";
}

bool
idc_literal_column_is_text(const IdcTableColumn *column)
{
    return column_type_of(column).class == CLASS_TEXT;
}

bool
idc_literal_column_is_comparable(const IdcTableColumn *column)
{
    return strcmp(column->base_type, "json") != 0 && strcmp(column->base_type, "xml") != 0;
}

/* ---- numbers ---- */

static bool
is_word(const char *data, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(data, word, len) == 0;
}

static size_t
digit_count(const char *data, size_t len)
{
    size_t i = 0;

    while (i < len && isdigit((unsigned char) data[i]))
        i++;
    return i;
}

IdcNumberForm
idc_number_form(const char *data, size_t len)
{
    size_t i = len > 0 && (data[0] == '-' || data[0] == '+') ? 1 : 0, whole, fraction = 0, exponent;
    bool is_integer = true;

    if (is_word(data, len, "nan"))
        return IDC_NUMBER_NAN;
    if (is_word(data + i, len - i, "infinity") || is_word(data + i, len - i, "inf"))
        return data[0] == '-' ? IDC_NUMBER_MINUS_INFINITY : IDC_NUMBER_INFINITY;
    i += whole = digit_count(data + i, len - i);
    if (i < len && data[i] == '.') {
        is_integer = false;
        i++;
        i += fraction = digit_count(data + i, len - i);
    }
    if (whole + fraction == 0)
        return IDC_NUMBER_BAD;
    if (i < len && (data[i] == 'e' || data[i] == 'E')) {
        is_integer = false;
        i++;
        if (i < len && (data[i] == '-' || data[i] == '+'))
            i++;
        i += exponent = digit_count(data + i, len - i);
        if (exponent == 0)
            return IDC_NUMBER_BAD;
    }
    if (i != len)
        return IDC_NUMBER_BAD;
    return is_integer ? IDC_NUMBER_INTEGER : IDC_NUMBER_DECIMAL;
}

bool
idc_integer_fits(const char *data, size_t len, int bytes)
{
    uint64_t most = bytes == 2 ? INT16_MAX : bytes == 4 ? INT32_MAX : INT64_MAX, value = 0;
    size_t i = len > 0 && (data[0] == '-' || data[0] == '+') ? 1 : 0;

    if (len > 0 && data[0] == '-')
        most++;
    for (; i < len; i++) {
        uint64_t digit = (uint64_t) (data[i] - '0');

        if (value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    return true;
}

/* The length of the integer that "12.000" begins with, or 0 if there is more to it than zeros. */
static size_t
integer_part_len(const char *data, size_t len)
{
    size_t sign = len > 0 && (data[0] == '-' || data[0] == '+') ? 1 : 0;
    size_t digits = digit_count(data + sign, len - sign), end = sign + digits;

    if (digits == 0 || end == len)
        return digits == 0 ? 0 : len;
    if (data[end] != '.')
        return 0;
    for (size_t i = end + 1; i < len; i++)
        if (data[i] != '0')
            return 0;
    return end;
}

/* ---- writing ---- */

static IdcStatus
append_typed(IdcText *sql, const char *data, size_t len, const char *cast, IdcError *err)
{
    IdcStatus status = idc_quote_literal(sql, len == 0 ? "" : data, len, err);

    if (status != IDC_OK)
        return status;
    if (cast != NULL)
        idc_text_append_format(sql, "::%s", cast);
    return IDC_OK;
}

static IdcStatus
fail_kind(const IdcTableColumn *column, IdcValueKind kind, IdcError *err)
{
    IdcStatus status =
        idc_fail(err, IDC_BAD_VALUE, "column \"%s\" is of type %s and cannot be compared with %s",
                 column->name, column->type_name, idc_value_kind_name(kind));

    idc_error_set_sqlstate(err, "42804");
    if (idc_literal_column_is_text(column) && kind >= IDC_VALUE_BOOL && kind <= IDC_VALUE_NUMERIC)
        idc_error_set_hint(err, "give the value as text, in quotes");
    else if (kind == IDC_VALUE_TEXT)
        idc_error_set_hint(err, "give the value itself, not text: no quotes around it");
    return status;
}

/*
 * An integer column against what is no integer of its type is compared as numeric, which is exact.
 * Infinity and NaN (which PostgreSQL sorts above every number) become a number beyond every bigint:
 * the answer is the same for every operator, numeric has had Infinity only since PostgreSQL 14, and
 * no source has to know these words.
 */
static IdcStatus
append_for_integer(IdcText *sql, const ColumnType *type, const IdcValue *value, IdcNumberForm form,
                   IdcError *err)
{
    size_t len;

    if (form == IDC_NUMBER_NAN || form == IDC_NUMBER_INFINITY)
        return append_typed(sql, "1e30", 4, "numeric", err);
    if (form == IDC_NUMBER_MINUS_INFINITY)
        return append_typed(sql, "-1e30", 5, "numeric", err);
    len = integer_part_len(value->data, value->len);
    if (len > 0 && idc_integer_fits(value->data, len, type->bytes))
        return append_typed(sql, value->data, len, type->cast, err);
    return append_typed(sql, value->data, value->len, "numeric", err);
}

static IdcStatus
append_number(IdcText *sql, const IdcTableColumn *column, const ColumnType *type,
              const IdcValue *value, IdcError *err)
{
    IdcNumberForm form = idc_number_form(value->data, value->len);

    if (form == IDC_NUMBER_BAD)
        return idc_fail(err, IDC_BAD_VALUE, "the value for column \"%s\" is not a number",
                        column->name);
    if (type->class == CLASS_INTEGER)
        return append_for_integer(sql, type, value, form, err);
    if (form == IDC_NUMBER_NAN)
        return append_typed(sql, "NaN", 3, type->cast, err);
    if (form == IDC_NUMBER_INFINITY)
        return append_typed(sql, "Infinity", 8, type->cast, err);
    if (form == IDC_NUMBER_MINUS_INFINITY)
        return append_typed(sql, "-Infinity", 9, type->cast, err);
    return append_typed(sql, value->data, value->len, type->cast, err);
}

static IdcStatus
append_bool(IdcText *sql, const IdcTableColumn *column, const IdcValue *value, IdcError *err)
{
    bool is_true =
        is_word(value->data, value->len, "true") || is_word(value->data, value->len, "t");

    if (!is_true && !is_word(value->data, value->len, "false") &&
        !is_word(value->data, value->len, "f"))
        return idc_fail(err, IDC_BAD_VALUE, "the value for column \"%s\" is neither true nor false",
                        column->name);
    idc_text_append(sql, is_true ? "true" : "false");
    return IDC_OK;
}

static void
append_bytes(IdcText *sql, const IdcValue *value)
{
    static const char digits[] = "0123456789abcdef";

    /* E'\\x…' reads the same whatever standard_conforming_strings is. */
    idc_text_append(sql, "E'\\\\x");
    for (size_t i = 0; i < value->len; i++) {
        unsigned char byte = (unsigned char) value->data[i];
        char pair[2] = { digits[byte >> 4], digits[byte & 15] };

        idc_text_append_len(sql, pair, 2);
    }
    idc_text_append(sql, "'::bytea");
}

/* 2013-01-01 00:00:00, perhaps with a fraction of zeros: the same instant as the date alone. */
static bool
is_midnight(const IdcValue *value)
{
    static const char midnight[] = " 00:00:00";

    if (value->len < 19 || (value->data[10] != ' ' && value->data[10] != 'T') ||
        memcmp(value->data + 11, midnight + 1, 8) != 0 || value->data[4] != '-')
        return false;
    for (size_t i = 19; i < value->len; i++)
        if (value->data[i] != (i == 19 ? '.' : '0'))
            return false;
    return true;
}

/*
 * Days and moments in a column of days or moments. Naive moments are taken as UTC wherever they
 * meet aware ones; AT TIME ZONE of a constant is folded into a constant before the query is
 * planned.
 */
static IdcStatus
append_moment(IdcText *sql, const IdcTableColumn *column, const ColumnType *type,
              const IdcValue *value, IdcError *err)
{
    bool is_aware = value->kind == IDC_VALUE_TIMESTAMPTZ;
    bool is_naive = value->kind == IDC_VALUE_TIMESTAMP || value->kind == IDC_VALUE_DATE;
    const char *cast = is_aware ? "timestamptz" : "timestamp";
    IdcStatus status;

    if (value->kind == IDC_VALUE_TEXT)
        return append_typed(sql, value->data, value->len, type->cast, err);
    if (!is_aware && !is_naive)
        return fail_kind(column, value->kind, err);
    if (type->class == CLASS_DATE && value->kind == IDC_VALUE_DATE)
        return append_typed(sql, value->data, value->len, "date", err);
    if (type->class == CLASS_DATE && is_naive && is_midnight(value))
        return append_typed(sql, value->data, 10, "date", err);
    if ((type->class == CLASS_TIMESTAMPTZ) == is_aware)
        return append_typed(sql, value->data, value->len, cast, err);
    idc_text_append_char(sql, '(');
    if ((status = append_typed(sql, value->data, value->len, cast, err)) != IDC_OK)
        return status;
    idc_text_append(sql, " AT TIME ZONE 'UTC')");
    return IDC_OK;
}

/* A time without a zone is taken as UTC, like a naive moment. */
static IdcStatus
append_timetz(IdcText *sql, const IdcTableColumn *column, const IdcValue *value, IdcError *err)
{
    IdcText text;
    IdcStatus status;

    if (value->kind == IDC_VALUE_TIMETZ || value->kind == IDC_VALUE_TEXT)
        return append_typed(sql, value->data, value->len, "timetz", err);
    if (value->kind != IDC_VALUE_TIME)
        return fail_kind(column, value->kind, err);
    idc_text_init(&text, 0);
    idc_text_append_len(&text, value->data, value->len);
    idc_text_append(&text, "+00");
    if ((status = idc_text_check(&text, err)) == IDC_OK)
        status = append_typed(sql, text.data, text.len, "timetz", err);
    idc_text_done(&text);
    return status;
}

/* The one kind beside text (in the type's input form) that a column of this class is compared with.
 */
static bool
class_accepts(ColumnClass class, IdcValueKind kind)
{
    switch (class) {
    case CLASS_TIME:
        return kind == IDC_VALUE_TEXT || kind == IDC_VALUE_TIME;
    case CLASS_INTERVAL:
        return kind == IDC_VALUE_TEXT || kind == IDC_VALUE_INTERVAL;
    case CLASS_UUID:
        return kind == IDC_VALUE_TEXT || kind == IDC_VALUE_UUID;
    case CLASS_JSON:
    case CLASS_OTHER:
        return kind == IDC_VALUE_TEXT || kind == IDC_VALUE_JSON;
    case CLASS_ARRAY:
        return kind == IDC_VALUE_TEXT || kind == IDC_VALUE_ARRAY;
    default:
        return kind == IDC_VALUE_TEXT;
    }
}

static bool
is_number_kind(IdcValueKind kind)
{
    return kind == IDC_VALUE_INT || kind == IDC_VALUE_FLOAT || kind == IDC_VALUE_NUMERIC;
}

IdcStatus
idc_literal_append(IdcText *sql, const IdcTableColumn *column, const IdcValue *value, IdcError *err)
{
    ColumnType type = column_type_of(column);

    switch (type.class) {
    case CLASS_INTEGER:
    case CLASS_FLOAT:
    case CLASS_NUMERIC:
        if (!is_number_kind(value->kind))
            return fail_kind(column, value->kind, err);
        return append_number(sql, column, &type, value, err);
    case CLASS_OTHER_NUMBER:
        if (is_number_kind(value->kind))
            return append_number(sql, column, &type, value, err);
        break;
    case CLASS_BOOL:
        if (value->kind != IDC_VALUE_BOOL)
            return fail_kind(column, value->kind, err);
        return append_bool(sql, column, value, err);
    case CLASS_BYTES:
        if (value->kind != IDC_VALUE_BYTES)
            break;
        append_bytes(sql, value);
        return IDC_OK;
    case CLASS_DATE:
    case CLASS_TIMESTAMP:
    case CLASS_TIMESTAMPTZ:
        return append_moment(sql, column, &type, value, err);
    case CLASS_TIMETZ:
        return append_timetz(sql, column, value, err);
    default:
        break;
    }
    if (!class_accepts(type.class, value->kind))
        return fail_kind(column, value->kind, err);
    return append_typed(sql, value->data, value->len, type.cast, err);
}

IdcStatus
idc_literal_append_pattern(IdcText *sql, const IdcTableColumn *column, const IdcValue *value,
                           IdcError *err)
{
    ColumnType type = column_type_of(column);

    if (value->kind != IDC_VALUE_TEXT)
        return fail_kind(column, value->kind, err);
    /* There is no LIKE between two bpchar: the pattern's trailing spaces count. */
    return append_typed(sql, value->data, value->len, type.cast != NULL ? "text" : NULL, err);
}
