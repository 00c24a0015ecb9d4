/*
 * convert_check.c - whether the values of a column may be passed on as they came.
 *
 * In:   buffers of an Arrow array, whose lengths and offsets the reader has proved
 * Out:  yes, if convert_value.c would make of each value the very same one; else no
 * Next: whoever asked reads the batch row by row, which says what is wrong or makes it right
 *
 * Values that instant.arrow has as NULL (infinities, 24:00:00, NaN of a decimal) are not passed on.
 * What lies below a NULL does not count.
 */
#include "fdw/convert_value.h"

#include <limits.h>
#include <math.h>

#include "arrow/decode.h"

#include <catalog/pg_type.h>
#include <mb/pg_wchar.h>
#include <utils/lsyscache.h>
#include <utils/timestamp.h>

enum {
    EPOCH_DAYS = POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE,
    STRIDE = 32, /* bytes of a loop whose length the compiler knows */
    UUID_CHARACTERS = 36,
    NUMERIC_MOST_CHARACTERS = 100,
    DOUBLE_DIGITS = 15 /* any number of so many decimal digits has a double of its own */
};

/* ---- of one size ---- */

static bool
check_any(const FdwConvertColumn *column, int64 count)
{
    (void) column;
    (void) count;
    return true;
}

/*
 * All values at once, without a branch; only if one of them is wrong it is asked whether that is a
 * NULL's.
 */
#define DEFINE_CHECK(name)                                                                         \
    static bool check_##name(const FdwConvertColumn *column, int64 count)                          \
    {                                                                                              \
        bool all = true;                                                                           \
                                                                                                   \
        for (int64 i = 0; i < count; i++)                                                          \
            all &= is_##name(column, i);                                                           \
        if (all || column->validity == NULL)                                                       \
            return all;                                                                            \
        for (int64 i = 0; i < count; i++)                                                          \
            if (!is_##name(column, i) && !fdw_convert_is_null(column, i))                          \
                return false;                                                                      \
        return true;                                                                               \
    }

static inline bool
is_date(const FdwConvertColumn *column, int64 row)
{
    uint32 days = ((const uint32 *) column->values)[row];

    return days - (uint32) (DATETIME_MIN_JULIAN - UNIX_EPOCH_JDATE) <
           (uint32) (DATE_END_JULIAN - DATETIME_MIN_JULIAN);
}

/* A power of ten: what a moment with a modifier is a multiple of. */
static int64
step_of(const FdwConvertColumn *column)
{
    int64 step = 1;

    for (int i = column->modifier; i < MAX_TIMESTAMP_PRECISION; i++)
        step *= 10;
    return step;
}

static inline bool
is_time(const FdwConvertColumn *column, int64 row)
{
    return ((const uint64 *) column->values)[row] < (uint64) USECS_PER_DAY;
}

/* Later ones are beyond int64, and come as negative numbers. */
static inline bool
is_moment(const FdwConvertColumn *column, int64 row)
{
    return ((const int64 *) column->values)[row] >=
           MIN_TIMESTAMP + (int64) EPOCH_DAYS * USECS_PER_DAY;
}

static inline bool
is_decimal(const FdwConvertColumn *column, int64 row)
{
    unsigned __int128 value;

    memcpy(&value, (const char *) column->values + row * (int64) sizeof value, sizeof value);
    return value + (column->decimal_end - 1) <= 2 * (column->decimal_end - 1);
}

/* Also NaN, which a numeric may be. */
static inline bool
is_float(const FdwConvertColumn *column, int64 row)
{
    return !(fabs(((const double *) column->values)[row]) > column->float_bound);
}

DEFINE_CHECK(date)
DEFINE_CHECK(time)
DEFINE_CHECK(moment)
DEFINE_CHECK(decimal)
DEFINE_CHECK(float)

static bool
check_steps(const FdwConvertColumn *column, int64 count)
{
    const int64 *values = column->values;
    int64 step = step_of(column);

    for (int64 i = 0; i < count; i++)
        if (values[i] % step != 0 && !fdw_convert_is_null(column, i))
            return false;
    return true;
}

static bool
check_time_steps(const FdwConvertColumn *column, int64 count)
{
    return check_time(column, count) && check_steps(column, count);
}

static bool
check_moment_steps(const FdwConvertColumn *column, int64 count)
{
    return check_moment(column, count) && check_steps(column, count);
}

/* The greatest double that a value of numeric(p, s) may be. */
static double
bound_of(const IdcColumnSpec *spec)
{
    char text[16];
    double end;

    /* The nearest double to a power of ten: multiplying would not always lead there. */
    snprintf(text, sizeof text, "1e%d", spec->precision - spec->scale);
    end = strtod(text, NULL);
    return spec->precision > DOUBLE_DIGITS ? end : nextafter(end, 0);
}

/* ---- texts ---- */

/* Neither NUL nor anything beyond ASCII. */
static bool
is_ascii(const char *text, int64 len)
{
    uint8 bad[STRIDE] = { 0 }, any = 0;
    int64 i = 0;

    for (; i + STRIDE <= len; i += STRIDE)
        for (int j = 0; j < STRIDE; j++)
            bad[j] |= (uint8) text[i + j] | (uint8) (text[i + j] - 1);
    for (; i < len; i++)
        any |= (uint8) text[i] | (uint8) (text[i] - 1);
    for (int j = 0; j < STRIDE; j++)
        any |= bad[j];
    return any < 0x80;
}

static inline bool
is_continuation(char byte)
{
    return ((uint8) byte & 0xC0) == 0x80;
}

/* All texts one after the other are UTF-8 without NUL, and so is each if it begins a character. */
static bool
check_text(const FdwConvertColumn *column, int64 count)
{
    int64 first, end;

    if (count == 0)
        return true;
    first = fdw_convert_offset(column, 0);
    end = fdw_convert_offset(column, count);
    if (is_ascii(column->bytes + first, end - first))
        return true;
    if (end - first > INT_MAX ||
        !pg_verify_mbstr(PG_UTF8, column->bytes + first, (int) (end - first), true))
        return false;
    for (int64 i = 0; i < count; i++) {
        int64 begin = fdw_convert_offset(column, i);

        if (begin < end && is_continuation(column->bytes[begin]))
            return false;
    }
    return true;
}

static int64
bytes_of(const FdwConvertColumn *column, int64 row, const char **bytes)
{
    int64 begin = fdw_convert_offset(column, row);

    *bytes = column->bytes + begin;
    return fdw_convert_offset(column, row + 1) - begin;
}

static int64
characters_of(const FdwConvertColumn *column, int64 row)
{
    const char *bytes;
    int64 len = bytes_of(column, row, &bytes), count = 0;

    for (int64 i = 0; i < len; i++)
        count += !is_continuation(bytes[i]);
    return count;
}

/* At most so many characters. */
static bool
check_varchar(const FdwConvertColumn *column, int64 count)
{
    int64 most = column->modifier - VARHDRSZ;

    for (int64 i = 0; i < count; i++)
        if (fdw_convert_offset(column, i + 1) - fdw_convert_offset(column, i) > most &&
            characters_of(column, i) > most && !fdw_convert_is_null(column, i))
            return false;
    return check_text(column, count);
}

static bool
all_have(const FdwConvertColumn *column, int64 count, int64 bytes)
{
    bool all = true;

    for (int64 i = 0; i < count; i++)
        all &= fdw_convert_offset(column, i + 1) - fdw_convert_offset(column, i) == bytes;
    return all;
}

/* Padded to just so many. */
static bool
check_bpchar(const FdwConvertColumn *column, int64 count)
{
    int64 len = column->modifier - VARHDRSZ;
    int64 first = fdw_convert_offset(column, 0);

    if (all_have(column, count, len) && is_ascii(column->bytes + first, len * count))
        return true;
    if (!check_text(column, count))
        return false;
    for (int64 i = 0; i < count; i++)
        if (characters_of(column, i) != len && !fdw_convert_is_null(column, i))
            return false;
    return true;
}

static bool
is_uuid(const char *text, int64 len)
{
    if (len != UUID_CHARACTERS)
        return false;
    for (int i = 0; i < UUID_CHARACTERS; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return false;
        } else if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'a' && text[i] <= 'f')) {
            return false;
        }
    }
    return true;
}

/* As numeric_out prints it: digits, none of the first ones a zero too many; no minus zero. */
static bool
is_printed_number(const char *text, int64 len)
{
    int64 i = len > 0 && text[0] == '-', point = -1;
    bool is_zero = true;

    if (len == 3 && memcmp(text, "NaN", 3) == 0)
        return true;
    if (len > NUMERIC_MOST_CHARACTERS || i == len || text[i] == '.' ||
        (text[i] == '0' && i + 1 < len && text[i + 1] != '.'))
        return false;
    for (; i < len; i++) {
        if (text[i] == '.' && point < 0)
            point = i;
        else if (text[i] < '0' || text[i] > '9')
            return false;
        else
            is_zero = is_zero && text[i] == '0';
    }
    return point + 1 < len && !(is_zero && text[0] == '-');
}

static bool
check_each(const FdwConvertColumn *column, int64 count, bool (*is_good)(const char *, int64))
{
    for (int64 i = 0; i < count; i++) {
        const char *bytes;
        int64 len = bytes_of(column, i, &bytes);

        if (!is_good(bytes, len) && !fdw_convert_is_null(column, i))
            return false;
    }
    return true;
}

static bool
check_uuid(const FdwConvertColumn *column, int64 count)
{
    return check_each(column, count, is_uuid);
}

static bool
check_number(const FdwConvertColumn *column, int64 count)
{
    return check_each(column, count, is_printed_number);
}

/* ---- which of them ---- */

static FdwConvertCheck
text_check(const FdwConvertColumn *column)
{
    bool has_modifier = column->modifier >= (int32) VARHDRSZ;

    switch (column->base) {
    case TEXTOID:
        return check_text;
    case VARCHAROID:
        return has_modifier ? check_varchar : check_text;
    case BPCHAROID:
        return has_modifier ? check_bpchar : check_text;
    default:
        return NULL;
    }
}

static FdwConvertCheck
check_of(const FdwConvertColumn *column)
{
    bool has_steps = column->modifier >= 0 && column->modifier < MAX_TIMESTAMP_PRECISION;

    switch (column->spec.kind) {
    case IDC_KIND_BOOL:
    case IDC_KIND_INT16:
    case IDC_KIND_INT32:
    case IDC_KIND_INT64:
    case IDC_KIND_UINT32:
    case IDC_KIND_FLOAT32:
    case IDC_KIND_FLOAT64:
    case IDC_KIND_BYTES:
        return check_any;
    case IDC_KIND_DATE:
        return check_date;
    case IDC_KIND_TIME:
        return has_steps ? check_time_steps : check_time;
    case IDC_KIND_TIMESTAMP:
    case IDC_KIND_TIMESTAMPTZ:
        return has_steps ? check_moment_steps : check_moment;
    case IDC_KIND_NUMERIC_DECIMAL:
        return check_decimal;
    case IDC_KIND_NUMERIC_FLOAT64:
        return check_float;
    case IDC_KIND_NUMERIC_STRING:
        return column->modifier >= (int32) VARHDRSZ ? NULL : check_number;
    case IDC_KIND_UUID:
        return check_uuid;
    case IDC_KIND_TEXT:
        return text_check(column);
    default:
        return NULL;
    }
}

void
fdw_convert_plan_check(FdwConvertColumn *column)
{
    column->check =
        OidIsValid(column->domain) || GetDatabaseEncoding() != PG_UTF8 ? NULL : check_of(column);
    column->decimal_end = 1;
    for (int i = 0; i < column->spec.precision; i++)
        column->decimal_end *= 10;
    column->float_bound = bound_of(&column->spec);
}

bool
fdw_convert_may_pass(const IdcRelationColumn *source, Form_pg_attribute attribute,
                     const IdcColumnSpec *wanted)
{
    FdwConvertColumn column = { .base = attribute->atttypid, .modifier = attribute->atttypmod };

    idc_type_column(source->type, &column.spec);
    if (get_typtype(column.base) == TYPTYPE_DOMAIN)
        column.domain = column.base;
    fdw_convert_plan_check(&column);
    if (column.check == NULL || wanted->can_be_dictionary)
        return false;
    if (column.spec.kind == IDC_KIND_NUMERIC_DECIMAL)
        return wanted->kind == IDC_KIND_NUMERIC_FLOAT64 ||
               (wanted->kind == IDC_KIND_NUMERIC_DECIMAL &&
                wanted->precision == column.spec.precision && wanted->scale == column.spec.scale);
    return wanted->kind == column.spec.kind;
}
