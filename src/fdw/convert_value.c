/*
 * convert_value.c - one value of a column as a Datum.
 *
 * In:   buffers of an Arrow array
 * Out:  Datums that the type's input function would have made of the same value
 *
 * Types that have a column kind of their own are read without a function call of PostgreSQL's, as
 * far as their modifier allows it; all others through their input function.
 */
#include "fdw/convert_value.h"

#include "arrow/decode.h"

#include <math.h>

#include <catalog/pg_type.h>
#include <common/shortest_dec.h>
#include <mb/pg_wchar.h>
#include <utils/builtins.h>
#include <utils/date.h>
#include <utils/fmgrprotos.h>
#include <utils/memutils.h>
#include <utils/numeric.h>
#include <utils/timestamp.h>
#include <utils/uuid.h>

enum {
    EPOCH_DAYS = POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE, /* Arrow's begins so much earlier */
    UUID_CHARACTERS = 36,
    NUMERIC_FAST_DIGITS = 18, /* any number of so many is an int64 */
    DECIMAL_DIGITS = 39       /* of a decimal128 */
};

/* ---- of one size ---- */

static Datum
read_bool(FdwConvertColumn *column, int64 row)
{
    const uint8 *bits = column->values;

    return BoolGetDatum((bits[row / 8] >> (row % 8) & 1) != 0);
}

static Datum
read_int16(FdwConvertColumn *column, int64 row)
{
    return Int16GetDatum(((const int16 *) column->values)[row]);
}

static Datum
read_int32(FdwConvertColumn *column, int64 row)
{
    return Int32GetDatum(((const int32 *) column->values)[row]);
}

static Datum
read_oid(FdwConvertColumn *column, int64 row)
{
    return ObjectIdGetDatum(((const uint32 *) column->values)[row]);
}

static Datum
read_int64(FdwConvertColumn *column, int64 row)
{
    return Int64GetDatum(((const int64 *) column->values)[row]);
}

static Datum
read_float4(FdwConvertColumn *column, int64 row)
{
    return Float4GetDatum(((const float *) column->values)[row]);
}

static Datum
read_float8(FdwConvertColumn *column, int64 row)
{
    return Float8GetDatum(((const double *) column->values)[row]);
}

static Datum
read_date(FdwConvertColumn *column, int64 row)
{
    /* Modulo 2^32, as arrow/decode.h says. */
    DateADT days = (DateADT) (((const uint32 *) column->values)[row] - EPOCH_DAYS);

    if (!IS_VALID_DATE(days) && !DATE_NOT_FINITE(days))
        fdw_convert_fail(column, ERRCODE_DATETIME_FIELD_OVERFLOW);
    return DateADTGetDatum(days);
}

static Datum
read_time(FdwConvertColumn *column, int64 row)
{
    Datum time = TimeADTGetDatum(((const int64 *) column->values)[row]);

    if (DatumGetTimeADT(time) < 0 || DatumGetTimeADT(time) > USECS_PER_DAY)
        fdw_convert_fail(column, ERRCODE_DATETIME_FIELD_OVERFLOW);
    if (column->modifier >= 0)
        time = DirectFunctionCall2(time_scale, time, Int32GetDatum(column->modifier));
    return time;
}

/* Also with time zone: both are counted in UTC. Modulo 2^64. */
static Datum
read_timestamp(FdwConvertColumn *column, int64 row)
{
    Timestamp timestamp =
        (Timestamp) (((const uint64 *) column->values)[row] - (uint64) EPOCH_DAYS * USECS_PER_DAY);
    Datum datum;

    if (!IS_VALID_TIMESTAMP(timestamp) && !TIMESTAMP_NOT_FINITE(timestamp))
        fdw_convert_fail(column, ERRCODE_DATETIME_FIELD_OVERFLOW);
    datum = TimestampGetDatum(timestamp);
    if (column->modifier >= 0)
        datum = DirectFunctionCall2(timestamp_scale, datum, Int32GetDatum(column->modifier));
    return datum;
}

/* ---- texts ---- */

static const char *
bytes_of(const FdwConvertColumn *column, int64 row, int *len)
{
    int64 begin = fdw_convert_offset(column, row);
    int64 size = fdw_convert_offset(column, row + 1) - begin;

    /* What palloc refuses, with a name. */
    if (size > (int64) (MaxAllocSize - VARHDRSZ - 1))
        fdw_convert_fail(column, ERRCODE_PROGRAM_LIMIT_EXCEEDED);
    *len = (int) size;
    return column->bytes + begin;
}

/* In the database's encoding; not always terminated. Neither NUL nor anything that is not UTF-8. */
static const char *
text_of(const FdwConvertColumn *column, int64 row, int *len)
{
    const char *text = bytes_of(column, row, len), *converted;

    if (!pg_verify_mbstr(PG_UTF8, text, *len, true))
        fdw_convert_fail(column, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE);
    if (*len == 0 || GetDatabaseEncoding() == PG_UTF8)
        return text;
    converted = pg_any_to_server(text, *len, PG_UTF8);
    if (converted != text)
        *len = (int) strlen(converted);
    return converted;
}

static char *
cstring_of(const FdwConvertColumn *column, int64 row)
{
    int len;
    const char *text = text_of(column, row, &len);

    return pnstrdup(text, (Size) len);
}

static Datum
read_text(FdwConvertColumn *column, int64 row)
{
    int len;
    const char *text = text_of(column, row, &len);

    return PointerGetDatum(cstring_to_text_with_len(text, len));
}

/* A text of at most as many bytes as there may be characters is short enough. */
static Datum
read_varchar(FdwConvertColumn *column, int64 row)
{
    Datum text = read_text(column, row);

    if (VARSIZE_ANY_EXHDR(DatumGetPointer(text)) > (Size) (column->modifier - VARHDRSZ))
        text = DirectFunctionCall3(varchar, text, Int32GetDatum(column->modifier),
                                   BoolGetDatum(false));
    return text;
}

static Datum
read_bpchar(FdwConvertColumn *column, int64 row)
{
    return DirectFunctionCall3(bpchar, read_text(column, row), Int32GetDatum(column->modifier),
                               BoolGetDatum(false));
}

static Datum
read_bytes(FdwConvertColumn *column, int64 row)
{
    int len;
    const char *bytes = bytes_of(column, row, &len);

    return PointerGetDatum(cstring_to_text_with_len(bytes, len));
}

static Datum
read_input(FdwConvertColumn *column, int64 row)
{
    return InputFunctionCall(&column->input, cstring_of(column, row), column->input_param,
                             column->modifier);
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The form that everybody writes; what else uuid_in understands is its own. */
static Datum
read_uuid(FdwConvertColumn *column, int64 row)
{
    int len;
    const char *text = bytes_of(column, row, &len);
    pg_uuid_t *uuid;
    int position = 0;

    if (len != UUID_CHARACTERS)
        return read_input(column, row);
    uuid = palloc(sizeof *uuid);
    for (int i = 0; i < UUID_LEN; i++) {
        int high, low;

        if (i == 4 || i == 6 || i == 8 || i == 10)
            if (text[position++] != '-')
                return read_input(column, row);
        high = hex_digit(text[position++]);
        low = hex_digit(text[position++]);
        if (high < 0 || low < 0)
            return read_input(column, row);
        uuid->data[i] = (unsigned char) (high << 4 | low);
    }
    return UUIDPGetDatum(uuid);
}

/* ---- numerics ---- */

/* Rounds to the modifier's scale, or fails where its precision is too small. */
static Datum
numeric_modified(const FdwConvertColumn *column, Numeric number)
{
    if (column->modifier < (int32) VARHDRSZ)
        return NumericGetDatum(number);
    return DirectFunctionCall2(numeric, NumericGetDatum(number), Int32GetDatum(column->modifier));
}

/* [-+]digits[.digits] with few digits: the number and its scale. */
static bool
parse_short_number(const char *text, int len, int64 *number, int *scale)
{
    int i = len > 0 && (text[0] == '-' || text[0] == '+');
    int first = i, point = -1;
    int64 value = 0;

    if (len - first < 1 || len - first > NUMERIC_FAST_DIGITS)
        return false;
    for (; i < len; i++) {
        if (text[i] == '.' && point < 0 && i > first && i + 1 < len)
            point = i;
        else if (text[i] >= '0' && text[i] <= '9')
            value = value * 10 + (text[i] - '0');
        else
            return false;
    }
    *number = text[0] == '-' ? -value : value;
    *scale = point < 0 ? 0 : len - 1 - point;
    return true;
}

static Datum
read_numeric_text(FdwConvertColumn *column, int64 row)
{
    int len, scale;
    const char *text = bytes_of(column, row, &len);
    int64 number;

    if (parse_short_number(text, len, &number, &scale))
        return numeric_modified(column, int64_div_fast_to_numeric(number, scale));
    return read_input(column, row);
}

/* Of a decimal that is beyond all precisions. */
static const char *
special_name(__int128 value)
{
    return value == IDC_WIRE_NAN              ? "NaN"
           : value == IDC_WIRE_INFINITY       ? "Infinity"
           : value == IDC_WIRE_MINUS_INFINITY ? "-Infinity"
                                              : NULL;
}

/* The digits of an integer with a point before the last `scale` of them. */
static void
print_decimal(__int128 value, int scale, char *text)
{
    unsigned __int128 rest = value < 0 ? -(unsigned __int128) value : (unsigned __int128) value;
    char digits[DECIMAL_DIGITS + 1];
    int count = 0;

    while (rest > 0 || count <= scale) {
        digits[count++] = (char) ('0' + (int) (rest % 10));
        rest /= 10;
    }
    if (value < 0)
        *text++ = '-';
    while (count > 0) {
        *text++ = digits[--count];
        if (count == scale && scale > 0)
            *text++ = '.';
    }
    *text = '\0';
}

static Datum
read_decimal(FdwConvertColumn *column, int64 row)
{
    char text[DECIMAL_DIGITS + 4];
    const char *special;
    __int128 value;

    /* The buffer is aligned to 8 bytes, not to 16. */
    memcpy(&value, (const char *) column->values + row * (int64) sizeof value, sizeof value);
    /* numeric(p, s) of a number with s digits behind the point is only a test of its precision. */
    if (value >= PG_INT64_MIN && value <= PG_INT64_MAX)
        return numeric_modified(column,
                                int64_div_fast_to_numeric((int64) value, column->spec.scale));
    special = special_name(value);
    if (special != NULL)
        strlcpy(text, special, sizeof text);
    else
        print_decimal(value, column->spec.scale, text);
    return InputFunctionCall(&column->input, text, column->input_param, column->modifier);
}

/*
 * Each decimal is the shortest text that means its own double, or no longer than that: so nothing
 * is left to be rounded.
 */
static Datum
read_numeric_float(FdwConvertColumn *column, int64 row)
{
    double value = ((const double *) column->values)[row];
    char text[DOUBLE_SHORTEST_DECIMAL_LEN];

    if (fabs(value) > column->float_bound)
        fdw_convert_fail(column, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE);
    (void) double_to_shortest_decimal_buf(value, text);
    return InputFunctionCall(&column->input, text, column->input_param, -1);
}

/* ---- which of them ---- */

/* Types whose values are their text in the same bytes. */
static bool
plan_text(FdwConvertColumn *column)
{
    bool has_modifier = column->modifier >= (int32) VARHDRSZ;

    if (column->base == TEXTOID || (!has_modifier && column->base == VARCHAROID) ||
        (!has_modifier && column->base == BPCHAROID)) {
        column->read = read_text;
        return GetDatabaseEncoding() != PG_UTF8;
    }
    column->read = column->base == VARCHAROID  ? read_varchar
                   : column->base == BPCHAROID ? read_bpchar
                                               : read_input;
    return true;
}

static bool
plan(FdwConvertColumn *column, FdwConvertRead read, bool may_raise)
{
    column->read = read;
    return may_raise;
}

bool
fdw_convert_plan(FdwConvertColumn *column)
{
    switch (column->spec.kind) {
    case IDC_KIND_BOOL:
        return plan(column, read_bool, false);
    case IDC_KIND_INT16:
        return plan(column, read_int16, false);
    case IDC_KIND_INT32:
        return plan(column, read_int32, false);
    case IDC_KIND_INT64:
        return plan(column, read_int64, false);
    case IDC_KIND_UINT32:
        return plan(column, read_oid, false);
    case IDC_KIND_FLOAT32:
        return plan(column, read_float4, false);
    case IDC_KIND_FLOAT64:
        return plan(column, read_float8, false);
    case IDC_KIND_DATE:
        return plan(column, read_date, false);
    case IDC_KIND_TIME:
        return plan(column, read_time, column->modifier >= 0);
    case IDC_KIND_TIMESTAMP:
    case IDC_KIND_TIMESTAMPTZ:
        return plan(column, read_timestamp, column->modifier >= 0);
    case IDC_KIND_UUID:
        return plan(column, read_uuid, true);
    case IDC_KIND_BYTES:
        return plan(column, read_bytes, false);
    case IDC_KIND_NUMERIC_DECIMAL:
        return plan(column, read_decimal, true);
    case IDC_KIND_NUMERIC_FLOAT64:
        return plan(column, read_numeric_float, true);
    case IDC_KIND_NUMERIC_STRING:
        return plan(column, read_numeric_text, true);
    default:
        return plan_text(column);
    }
}
