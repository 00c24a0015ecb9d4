/*
 * cell.c - a value of the binary protocol in a column of the hub.
 *
 * In:   https://mariadb.com/kb/en/resultset-row/ (binary): numbers of fixed width, dates in pieces,
 *       all else with its length before it
 * Out:  what docs/reference/mysql.md says; for other types of the hub what PostgreSQL's input
 *       function makes of the value's text
 */
#include "adapters/mysql/work.h"

#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/decode.h"

enum { VECTOR_FIELD = 242 }; /* of MySQL 9; the library has no name for it */

enum { BINARY_CHARSET = 63, BIT_OID = 1560, VARBIT_OID = 1562, MOST_DECIMALS = 6 };

static const char MALFORMED[] = "08P01", RANGE[] = "22003", DATETIME[] = "22008";

static IdcFit
misfit(IdcValueProblem *problem, const char *sqlstate, const char *reason)
{
    problem->sqlstate = sqlstate;
    problem->reason = reason;
    return IDC_FITS_NOT;
}

static IdcFit
fit_of(IdcDecoded decoded)
{
    return decoded == IDC_DECODED                   ? IDC_FITS
           : decoded == IDC_DECODED_UNREPRESENTABLE ? IDC_FITS_ARROW
                                                    : IDC_FITS_NO_MEMORY;
}

/* As PostgreSQL would read it. */
static IdcFit
append_read(const IdcMysqlReader *reader, IdcColumn *column, const char *text, size_t len,
            size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    IdcValueForm form = { .type = reader->type };

    return idc_value_append_text(&form, column, text, len, readable, scratch, problem);
}

static IdcFit
append_copy(IdcColumn *column, const void *bytes, size_t len, size_t readable)
{
    return idc_column_append_text(column, bytes, len, readable) ? IDC_FITS : IDC_FITS_NO_MEMORY;
}

/* ---- whole numbers ---- */

/* size, or its negative. */
typedef struct Whole {
    uint64_t size;
    bool is_negative;
} Whole;

static Whole
read_whole(const IdcMysqlReader *reader, const uint8_t *value)
{
    int64_t number = 0;

    if (reader->width == 1) {
        number = reader->is_unsigned ? *value : (int8_t) *value;
    } else if (reader->width == 2) {
        uint16_t bits;

        memcpy(&bits, value, sizeof bits);
        bits = le16toh(bits);
        number = reader->is_unsigned ? bits : (int16_t) bits;
    } else if (reader->width == 4) {
        uint32_t bits;

        memcpy(&bits, value, sizeof bits);
        bits = le32toh(bits);
        number = reader->is_unsigned ? (int64_t) bits : (int32_t) bits;
    } else {
        uint64_t bits;

        memcpy(&bits, value, sizeof bits);
        bits = le64toh(bits);
        if (reader->is_unsigned)
            return (Whole){ .size = bits };
        number = (int64_t) bits;
    }
    return number < 0 ? (Whole){ -(uint64_t) number, true } : (Whole){ (uint64_t) number, false };
}

static IdcFit
append_within(IdcColumn *column, Whole whole, uint64_t most, uint64_t least_size,
              IdcValueProblem *problem)
{
    uint64_t bits = whole.is_negative ? -whole.size : whole.size;
    int64_t at = column->length;

    if (whole.size > (whole.is_negative ? least_size : most))
        return misfit(problem, RANGE, "it is out of range");
    column->length++;
    switch (column->width) {
    case 2:
        ((uint16_t *) column->values)[at] = (uint16_t) bits;
        break;
    case 4:
        ((uint32_t *) column->values)[at] = (uint32_t) bits;
        break;
    default:
        ((uint64_t *) column->values)[at] = bits;
        break;
    }
    return IDC_FITS;
}

static IdcFit
append_whole(const IdcMysqlReader *reader, IdcColumn *column, Whole whole, IdcText *scratch,
             IdcValueProblem *problem)
{
    const uint64_t one = 1;
    char text[24];
    int len;

    switch (column->kind) {
    case IDC_KIND_BOOL:
        if (whole.size > 1 || whole.is_negative)
            return misfit(problem, "22P02", "it is neither 0 nor 1");
        return fit_of(idc_column_append_bool(column, whole.size == 1));
    case IDC_KIND_INT16:
        return append_within(column, whole, INT16_MAX, one << 15, problem);
    case IDC_KIND_INT32:
        return append_within(column, whole, INT32_MAX, one << 31, problem);
    case IDC_KIND_INT64:
        return append_within(column, whole, INT64_MAX, one << 63, problem);
    case IDC_KIND_UINT32:
        return append_within(column, whole, UINT32_MAX, 0, problem);
    case IDC_KIND_FLOAT32:
        ((float *) column->values)[column->length++] =
            whole.is_negative ? -(float) whole.size : (float) whole.size;
        return IDC_FITS;
    case IDC_KIND_FLOAT64:
        ((double *) column->values)[column->length++] =
            whole.is_negative ? -(double) whole.size : (double) whole.size;
        return IDC_FITS;
    default:
        len = snprintf(text, sizeof text, "%s%.*" PRIu64, whole.is_negative ? "-" : "",
                       reader->field == MYSQL_TYPE_YEAR ? 4 : 1, whole.size);
        return append_read(reader, column, text, (size_t) len, (size_t) len, scratch, problem);
    }
}

static IdcFit
append_integer(const IdcMysqlReader *reader, IdcColumn *column, const uint8_t *value, size_t len,
               size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    (void) len;
    (void) readable;
    return append_whole(reader, column, read_whole(reader, value), scratch, problem);
}

/* The column's own form: nothing to check. */
static IdcFit
append_same(const IdcMysqlReader *reader, IdcColumn *column, const uint8_t *value, size_t len,
            size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    uint8_t *at = column->values + (size_t) column->length++ * column->width;

    (void) reader;
    (void) len;
    (void) readable;
    (void) scratch;
    (void) problem;
    switch (column->width) {
    case 2:
        memcpy(at, value, 2);
        break;
    case 4:
        memcpy(at, value, 4);
        break;
    default:
        memcpy(at, value, 8);
        break;
    }
    return IDC_FITS;
}

/* ---- floating-point numbers: the shortest text that is the same number ---- */

static IdcFit
append_double(const IdcMysqlReader *reader, IdcColumn *column, const uint8_t *value, size_t len,
              size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    double number;
    char text[40];

    (void) len;
    (void) readable;
    memcpy(&number, value, sizeof number);
    for (int digits = 15; digits <= 17; digits++) {
        (void) snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    return append_read(reader, column, text, strlen(text), strlen(text), scratch, problem);
}

static IdcFit
append_float(const IdcMysqlReader *reader, IdcColumn *column, const uint8_t *value, size_t len,
             size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    float number;
    char text[40];

    (void) len;
    (void) readable;
    memcpy(&number, value, sizeof number);
    if (column->kind == IDC_KIND_FLOAT64) {
        ((double *) column->values)[column->length++] = (double) number;
        return IDC_FITS;
    }
    for (int digits = 6; digits <= 9; digits++) {
        (void) snprintf(text, sizeof text, "%.*g", digits, (double) number);
        if (strtof(text, NULL) == number)
            break;
    }
    return append_read(reader, column, text, strlen(text), strlen(text), scratch, problem);
}

/* ---- bits ---- */

static IdcFit
append_digits(const IdcMysqlReader *reader, IdcColumn *column, uint64_t bits)
{
    char text[64];
    unsigned count = reader->bits > sizeof text ? (unsigned) sizeof text : reader->bits;

    for (unsigned i = 0; i < count; i++)
        text[i] = (bits >> (count - 1 - i) & 1) != 0 ? '1' : '0';
    return append_copy(column, text, count, count);
}

static IdcFit
append_bits(const IdcMysqlReader *reader, IdcColumn *column, const uint8_t *value, size_t len,
            size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    Whole whole = { 0 };

    if (column->kind == IDC_KIND_BYTES)
        return append_copy(column, value, len, readable);
    if (len > sizeof whole.size)
        return misfit(problem, MALFORMED, "it has too many bits");
    for (size_t i = 0; i < len; i++)
        whole.size = whole.size << 8 | value[i];
    if (column->kind == IDC_KIND_TEXT)
        return append_digits(reader, column, whole.size);
    return append_whole(reader, column, whole, scratch, problem);
}

/* ---- dates and times ---- */

typedef struct Moment {
    bool is_negative; /* TIME */
    uint32_t days;    /* TIME */
    int year, month, day, hour, minute, second;
    uint32_t us;
} Moment;

static uint32_t
read_32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof value);
    return le32toh(value);
}

/* What is missing at the end is zero. */
static void
read_clock(const uint8_t *value, size_t len, Moment *moment)
{
    if (len >= 3) {
        moment->hour = value[0];
        moment->minute = value[1];
        moment->second = value[2];
    }
    if (len >= 7)
        moment->us = read_32(value + 3);
}

static bool
read_moment(const uint8_t *value, size_t len, Moment *moment)
{
    *moment = (Moment){ 0 };
    if (len != 0 && len != 4 && len != 7 && len != 11)
        return false;
    if (len >= 4) {
        moment->year = value[0] | value[1] << 8;
        moment->month = value[2];
        moment->day = value[3];
    }
    if (len > 4)
        read_clock(value + 4, len - 4, moment);
    return true;
}

static bool
read_span(const uint8_t *value, size_t len, Moment *moment)
{
    *moment = (Moment){ 0 };
    if (len != 0 && len != 8 && len != 12)
        return false;
    if (len >= 8) {
        moment->is_negative = value[0] != 0;
        moment->days = read_32(value + 1);
        read_clock(value + 5, len - 5, moment);
    }
    return true;
}

static int64_t
clock_us(const Moment *moment)
{
    return ((moment->hour * INT64_C(60) + moment->minute) * 60 + moment->second) * 1000000 +
           moment->us;
}

static size_t
print_clock(const IdcMysqlReader *reader, const Moment *moment, char *text, size_t size)
{
    static const uint32_t units[] = { 1000000, 100000, 10000, 1000, 100, 10, 1 };
    uint64_t hours = moment->days * UINT64_C(24) + (uint64_t) moment->hour;
    int len = snprintf(text, size, "%s%02" PRIu64 ":%02d:%02d", moment->is_negative ? "-" : "",
                       hours, moment->minute, moment->second);

    if (reader->decimals > 0)
        len += snprintf(text + len, size - (size_t) len, ".%0*" PRIu32, (int) reader->decimals,
                        moment->us / units[reader->decimals]);
    return (size_t) len;
}

static size_t
print_moment(const IdcMysqlReader *reader, const Moment *moment, char *text, size_t size)
{
    int len = snprintf(text, size, "%04d-%02d-%02d", moment->year, moment->month, moment->day);

    if (reader->field == MYSQL_TYPE_DATE || reader->field == MYSQL_TYPE_NEWDATE)
        return (size_t) len;
    text[len++] = ' ';
    return (size_t) len + print_clock(reader, moment, text + len, size - (size_t) len);
}

/* A date with a part that is zero is none to PostgreSQL. */
static bool
is_zero(const Moment *moment)
{
    return moment->year == 0 || moment->month == 0 || moment->day == 0;
}

static bool
needs_rounding(const IdcMysqlReader *reader)
{
    return reader->type.modifier >= 0 && reader->type.modifier < (int) reader->decimals;
}

static IdcFit
append_zero(const IdcMysqlReader *reader, IdcColumn *column, const Moment *moment, IdcText *scratch,
            IdcValueProblem *problem)
{
    char text[64];
    size_t len;

    if (reader->zero == IDC_MYSQL_NO_DATE_IS_NULL)
        return IDC_FITS_NULL;
    if (reader->zero == IDC_MYSQL_NO_DATE_IS_ERROR || column->kind != IDC_KIND_TEXT)
        return misfit(problem, DATETIME, "a part of the date is zero");
    len = print_moment(reader, moment, text, sizeof text);
    return append_read(reader, column, text, len, len, scratch, problem);
}

static IdcFit
append_moment(const IdcMysqlReader *reader, IdcColumn *column, const uint8_t *value, size_t len,
              size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    Moment moment;
    char text[64];
    int32_t days;

    (void) readable;
    if (!read_moment(value, len, &moment))
        return misfit(problem, MALFORMED, "it is no date of the protocol");
    if (is_zero(&moment))
        return append_zero(reader, column, &moment, scratch, problem);
    days = (int32_t) idc_days_of(moment.year, moment.month, moment.day);
    if (column->kind == IDC_KIND_DATE)
        return fit_of(idc_column_append_date(column, days));
    if ((column->kind == IDC_KIND_TIMESTAMP || column->kind == IDC_KIND_TIMESTAMPTZ) &&
        !needs_rounding(reader))
        return fit_of(idc_column_append_timestamp(column, days * IDC_DAY_US + clock_us(&moment)));
    len = print_moment(reader, &moment, text, sizeof text);
    return append_read(reader, column, text, len, len, scratch, problem);
}

static IdcFit
append_span(const IdcMysqlReader *reader, IdcColumn *column, const uint8_t *value, size_t len,
            size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    Moment moment;
    char text[64];
    int64_t us;

    (void) readable;
    if (!read_span(value, len, &moment))
        return misfit(problem, MALFORMED, "it is no time of the protocol");
    us = moment.days * IDC_DAY_US + clock_us(&moment);
    if (column->kind == IDC_KIND_TIME) {
        if ((moment.is_negative && us > 0) || us > IDC_DAY_US)
            return misfit(problem, DATETIME, "it is no time of a day, but a span of time");
        if (!needs_rounding(reader))
            return fit_of(idc_column_append_time(column, us));
    }
    len = print_clock(reader, &moment, text, sizeof text);
    return append_read(reader, column, text, len, len, scratch, problem);
}

/* ---- texts and bytes ---- */

/* ASCII without NUL, eight bytes at a time. */
static bool
is_plain(const uint8_t *text, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
    uint64_t word, odd = 0;

    for (; len >= sizeof word; text += sizeof word, len -= sizeof word) {
        memcpy(&word, text, sizeof word);
        odd |= word | ((word - ones) & ~word);
    }
    if (len > 0) {
        word = ones;
        memcpy(&word, text, len);
        odd |= word | ((word - ones) & ~word);
    }
    return (odd & tops) == 0;
}

static IdcFit
append_text(const IdcMysqlReader *reader, IdcColumn *column, const uint8_t *value, size_t len,
            size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    if (len <= reader->plain_most && is_plain(value, len))
        return append_copy(column, value, len, readable);
    return append_read(reader, column, (const char *) value, len, readable, scratch, problem);
}

static IdcFit
append_bytes(const IdcMysqlReader *reader, IdcColumn *column, const uint8_t *value, size_t len,
             size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    char uuid[36];

    if (column->kind == IDC_KIND_BYTES)
        return append_copy(column, value, len, readable);
    if (column->kind == IDC_KIND_UUID && len == 16) {
        idc_uuid_text(value, uuid);
        return append_copy(column, uuid, sizeof uuid, sizeof uuid);
    }
    return append_read(reader, column, (const char *) value, len, readable, scratch, problem);
}

/* ---- geometry: four bytes of SRID before the WKB ---- */

enum { SRID_BYTES = 4, WKB_HEAD_BYTES = 5 };

static void
append_hex(IdcText *text, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        idc_text_append_char(text, digits[bytes[i] >> 4]);
        idc_text_append_char(text, digits[bytes[i] & 15]);
    }
}

/* What PostGIS reads: the type has a flag, and the SRID follows it. */
static void
print_ewkb(const uint8_t *value, size_t len, IdcText *text)
{
    bool is_little = value[SRID_BYTES] == 1;
    uint8_t head[WKB_HEAD_BYTES], srid[SRID_BYTES];

    memcpy(head, value + SRID_BYTES, sizeof head);
    head[is_little ? 4 : 1] |= 0x20;
    for (size_t i = 0; i < sizeof srid; i++)
        srid[i] = value[is_little ? i : 3 - i];
    append_hex(text, head, sizeof head);
    append_hex(text, srid, sizeof srid);
    append_hex(text, value + SRID_BYTES + sizeof head, len - SRID_BYTES - sizeof head);
}

static IdcFit
append_geometry(const IdcMysqlReader *reader, IdcColumn *column, const uint8_t *value, size_t len,
                size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    IdcText text;
    IdcFit fit;

    if (len < SRID_BYTES + WKB_HEAD_BYTES)
        return misfit(problem, MALFORMED, "it is no geometry");
    if (column->kind == IDC_KIND_BYTES)
        return append_copy(column, value + SRID_BYTES, len - SRID_BYTES, readable - SRID_BYTES);
    idc_text_init(&text, 0);
    if (read_32(value) == 0)
        append_hex(&text, value + SRID_BYTES, len - SRID_BYTES);
    else
        print_ewkb(value, len, &text);
    fit = text.is_broken ? IDC_FITS_NO_MEMORY
                         : append_read(reader, column, idc_text_string(&text), text.len, text.len,
                                       scratch, problem);
    idc_text_done(&text);
    return fit;
}

IdcFit
idc_mysql_append_quotient(const IdcMysqlReader *reader, IdcColumn *column, const uint8_t *value,
                          size_t len, size_t readable, IdcText *scratch, IdcValueProblem *problem)
{
    IdcText text;
    IdcFit fit;

    (void) readable;
    idc_text_init(&text, 0);
    if (!idc_mysql_finish((const char *) value, len, &text))
        fit = misfit(problem, MALFORMED, "it is no average");
    else if (text.is_broken)
        fit = IDC_FITS_NO_MEMORY;
    else
        fit = append_read(reader, column, text.data, text.len, text.len, scratch, problem);
    idc_text_done(&text);
    return fit;
}

/* ---- which of these ---- */

static void
choose_integer(int width, IdcColumnKind kind, IdcMysqlReader *reader)
{
    bool is_same = (width == 2 && kind == IDC_KIND_INT16) ||
                   (width == 4 && kind == IDC_KIND_INT32) || (width == 8 && kind == IDC_KIND_INT64);

    reader->width = width;
    reader->append = is_same && !reader->is_unsigned && __BYTE_ORDER == __LITTLE_ENDIAN
                         ? append_same
                         : append_integer;
}

/* Texts of so many bytes need no more than to be texts. */
static size_t
plain_most(IdcType type, IdcColumnKind kind)
{
    if (kind != IDC_KIND_TEXT)
        return 0;
    if (type.oid == IDC_TYPE_TEXT)
        return SIZE_MAX;
    if (type.oid == IDC_TYPE_VARCHAR)
        return type.modifier < 4 ? SIZE_MAX : (size_t) type.modifier - 4;
    return 0;
}

static void
choose_time(const MYSQL_FIELD *field, IdcMysqlAppend append, IdcMysqlReader *reader)
{
    reader->append = append;
    reader->decimals = field->decimals > MOST_DECIMALS ? MOST_DECIMALS : field->decimals;
}

IdcStatus
idc_mysql_reader(const MYSQL_FIELD *field, const IdcRelationColumn *column, IdcColumnKind kind,
                 IdcMysqlReader *reader, IdcError *err)
{
    *reader = (IdcMysqlReader){ .width = -1,
                                .append = append_text,
                                .plain_most = plain_most(column->type, kind),
                                .type = column->type,
                                .is_unsigned = (field->flags & UNSIGNED_FLAG) != 0,
                                .field = field->type };
    switch (field->type) {
    case MYSQL_TYPE_TINY:
        choose_integer(1, kind, reader);
        return IDC_OK;
    case MYSQL_TYPE_YEAR:
        reader->is_unsigned = true;
        choose_integer(2, kind, reader);
        return IDC_OK;
    case MYSQL_TYPE_SHORT:
        choose_integer(2, kind, reader);
        return IDC_OK;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
        choose_integer(4, kind, reader);
        return IDC_OK;
    case MYSQL_TYPE_LONGLONG:
        choose_integer(8, kind, reader);
        return IDC_OK;
    case MYSQL_TYPE_FLOAT:
        reader->width = 4;
        reader->append = kind == IDC_KIND_FLOAT32 ? append_same : append_float;
        return IDC_OK;
    case MYSQL_TYPE_DOUBLE:
        reader->width = 8;
        reader->append = kind == IDC_KIND_FLOAT64 ? append_same : append_double;
        return IDC_OK;
    case MYSQL_TYPE_BIT:
        reader->append = append_bits;
        reader->bits = (unsigned) field->length;
        return IDC_OK;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
        choose_time(field, append_moment, reader);
        return IDC_OK;
    case MYSQL_TYPE_TIME:
        choose_time(field, append_span, reader);
        return IDC_OK;
    case MYSQL_TYPE_GEOMETRY:
        reader->append = append_geometry;
        return IDC_OK;
    case MYSQL_TYPE_NULL:
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
    case MYSQL_TYPE_JSON:
    case MYSQL_TYPE_ENUM:
    case MYSQL_TYPE_SET:
        return IDC_OK;
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
        if (field->charsetnr == BINARY_CHARSET)
            reader->append = append_bytes;
        return IDC_OK;
    default:
        if ((int) field->type == VECTOR_FIELD) {
            reader->append = append_bytes;
            return IDC_OK;
        }
        return idc_fail(err, IDC_UNSUPPORTED, "column \"%s\" is of a type that is not known (%d)",
                        column->name, (int) field->type);
    }
}
