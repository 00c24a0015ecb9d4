/*
 * append_scalar.c - values of one piece: numbers, texts, times.
 *
 * In:   a Datum
 * Out:  one more value in a column
 *
 * What sending and decoding would do to the value happens here at once. The layout of a numeric is
 * that of src/backend/utils/adt/numeric.c, the same in PostgreSQL 15 to 18.
 */
#include "fdw/append.h"

#include "arrow/decode.h"
#include "arrow/numeric.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/cash.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* The text of a jsonb is kept in one buffer, unless it was a long one. */
#define JSON_KEPT_SIZE (1024 * 1024)

struct varlena *
fdw_detoast_slow(FdwRow *row, struct varlena *value)
{
    MemoryContext before = fdw_use_scratch(row);
    struct varlena *plain;

    /* What is stored in little may be much: a row that cannot be sent should not fill the memory.
     */
    if (row->bytes > (int64) MaxAllocSize)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("cannot send a row of more than 1 GB")));
    plain = pg_detoast_datum_packed(value);
    MemoryContextSwitchTo(before);
    return plain;
}

const char *
fdw_row_utf8(FdwRow *row, const char *text, size_t *len)
{
    MemoryContext before = fdw_use_scratch(row);
    const char *converted = pg_server_to_any(text, (int) *len, PG_UTF8);

    MemoryContextSwitchTo(before);
    if (converted != text)
        *len = strlen(converted);
    return converted;
}

static IdcDecoded
append_bool(FdwAppend *append, IdcColumn *column, Datum value)
{
    (void) append;
    return idc_column_append_bool(column, DatumGetBool(value));
}

static IdcDecoded
append_16_bits(FdwAppend *append, IdcColumn *column, Datum value)
{
    (void) append;
    ((int16 *) column->values)[column->length++] = DatumGetInt16(value);
    return IDC_DECODED;
}

/* Also float4, whose Datum has the same bits. */
static IdcDecoded
append_32_bits(FdwAppend *append, IdcColumn *column, Datum value)
{
    (void) append;
    ((int32 *) column->values)[column->length++] = DatumGetInt32(value);
    return IDC_DECODED;
}

/* Also float8 and xid8. */
static IdcDecoded
append_64_bits(FdwAppend *append, IdcColumn *column, Datum value)
{
    (void) append;
    ((int64 *) column->values)[column->length++] = DatumGetInt64(value);
    return IDC_DECODED;
}

static IdcDecoded
append_date(FdwAppend *append, IdcColumn *column, Datum value)
{
    (void) append;
    return idc_column_append_date(column, DatumGetDateADT(value));
}

static IdcDecoded
append_time(FdwAppend *append, IdcColumn *column, Datum value)
{
    (void) append;
    return idc_column_append_time(column, DatumGetTimeADT(value));
}

static IdcDecoded
append_timestamp(FdwAppend *append, IdcColumn *column, Datum value)
{
    (void) append;
    return idc_column_append_timestamp(column, DatumGetTimestamp(value));
}

static IdcDecoded
append_interval(FdwAppend *append, IdcColumn *column, Datum value)
{
    const Interval *interval = DatumGetIntervalP(value);

    (void) append;
    return idc_column_append_interval(column, interval->month, interval->day, interval->time);
}

static IdcDecoded
append_uuid(FdwAppend *append, IdcColumn *column, Datum value)
{
    char text[36];

    idc_uuid_text(DatumGetUUIDP(value)->data, text);
    return fdw_append_bytes(append->row, column, text, sizeof text);
}

/* A short header leaves the digits unaligned: such values are short, and copied. */
#define SHORT_DIGITS 64

/* struct NumericData: NUMERIC_SHORT, NUMERIC_SPECIAL and the long form. */
static inline void
numeric_open(const struct varlena *value, IdcNumeric *numeric, int16_t digits[SHORT_DIGITS])
{
    const char *data = VARDATA_ANY(value), *first = data + sizeof(uint16);
    size_t len = VARSIZE_ANY_EXHDR(value);
    uint16 header;

    memcpy(&header, data, sizeof header);
    numeric->sign = header & 0xC000;
    if (numeric->sign == 0x8000) {
        numeric->sign = (header & 0x2000) != 0 ? IDC_NUMERIC_NEGATIVE : IDC_NUMERIC_POSITIVE;
        numeric->dscale = (header & 0x1F80) >> 7;
        numeric->weight = (int16_t) ((header & 0x003F) - (header & 0x0040));
    } else if (numeric->sign == 0xC000) {
        numeric->sign = header & 0xF000;
        numeric->dscale = 0;
        numeric->weight = 0;
    } else {
        memcpy(&numeric->weight, first, sizeof numeric->weight);
        numeric->dscale = header & 0x3FFF;
        first += sizeof(int16);
    }
    numeric->count = (int) ((len - (size_t) (first - data)) / sizeof(int16));
    if (!VARATT_IS_1B(value)) {
        numeric->digits = (const int16_t *) first;
        return;
    }
    for (int i = 0; i < numeric->count; i++)
        memcpy(&digits[i], first + (size_t) i * sizeof(int16), sizeof(int16));
    numeric->digits = digits;
}

static IdcDecoded
append_numeric(FdwAppend *append, IdcColumn *column, Datum value)
{
    int16_t digits[SHORT_DIGITS];
    size_t before = column->bytes_len;
    IdcNumeric numeric;
    IdcDecoded decoded;

    numeric_open(fdw_detoast(append->row, value), &numeric, digits);
    decoded = idc_column_append_numeric(column, &numeric);
    append->row->bytes += (int64) (column->bytes_len - before);
    return decoded;
}

IdcDecoded
fdw_append_money(FdwAppend *append, IdcColumn *column, Datum value)
{
    MemoryContext before = fdw_use_scratch(append->row);
    Datum numeric = DirectFunctionCall1(cash_numeric, value);

    MemoryContextSwitchTo(before);
    return append_numeric(append, column, numeric);
}

IdcDecoded
fdw_append_text(FdwAppend *append, IdcColumn *column, Datum value)
{
    const struct varlena *text = fdw_detoast(append->row, value);

    return fdw_append_string(append->row, column, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

static IdcDecoded
append_bytea(FdwAppend *append, IdcColumn *column, Datum value)
{
    const struct varlena *bytes = fdw_detoast(append->row, value);

    return fdw_append_bytes(append->row, column, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

IdcDecoded
fdw_append_name(FdwAppend *append, IdcColumn *column, Datum value)
{
    const char *name = NameStr(*DatumGetName(value));

    return fdw_append_string(append->row, column, name, strnlen(name, NAMEDATALEN));
}

IdcDecoded
fdw_append_cstring(FdwAppend *append, IdcColumn *column, Datum value)
{
    const char *text = DatumGetCString(value);

    return fdw_append_string(append->row, column, text, strlen(text));
}

IdcDecoded
fdw_append_output(FdwAppend *append, IdcColumn *column, Datum value)
{
    MemoryContext before = fdw_use_scratch(append->row);
    const char *text = OutputFunctionCall(&append->call, value);

    MemoryContextSwitchTo(before);
    return fdw_append_string(append->row, column, text, strlen(text));
}

/* "char": NUL is an empty text; what the bytes past ASCII print as depends on the server. */
IdcDecoded
fdw_append_char(FdwAppend *append, IdcColumn *column, Datum value)
{
    char c = DatumGetChar(value);

    if (IS_HIGHBIT_SET(c))
        return fdw_append_output(append, column, value);
    return fdw_append_bytes(append->row, column, &c, c != '\0');
}

static IdcDecoded
append_jsonb(FdwAppend *append, IdcColumn *column, Datum value)
{
    FdwRow *row = append->row;
    MemoryContext before = fdw_use_scratch(row);
    Jsonb *jsonb = DatumGetJsonbP(value);
    IdcDecoded decoded;

    resetStringInfo(&row->json);
    (void) JsonbToCString(&row->json, &jsonb->root, VARSIZE(jsonb));
    MemoryContextSwitchTo(before);
    decoded = fdw_append_string(row, column, row->json.data, (size_t) row->json.len);
    if (row->json.maxlen > JSON_KEPT_SIZE) {
        pfree(row->json.data);
        before = MemoryContextSwitchTo(row->context);
        initStringInfo(&row->json);
        MemoryContextSwitchTo(before);
    }
    return decoded;
}

FdwAppendFunction
fdw_append_function(IdcColumnKind kind)
{
    switch (kind) {
    case IDC_KIND_BOOL:
        return append_bool;
    case IDC_KIND_INT16:
        return append_16_bits;
    case IDC_KIND_INT32:
    case IDC_KIND_UINT32:
    case IDC_KIND_FLOAT32:
        return append_32_bits;
    case IDC_KIND_INT64:
    case IDC_KIND_UINT64:
    case IDC_KIND_FLOAT64:
        return append_64_bits;
    case IDC_KIND_NUMERIC_FLOAT64:
    case IDC_KIND_NUMERIC_DECIMAL:
    case IDC_KIND_NUMERIC_STRING:
        return append_numeric;
    case IDC_KIND_TEXT:
        return fdw_append_text;
    case IDC_KIND_JSONB:
        return append_jsonb;
    case IDC_KIND_BYTES:
        return append_bytea;
    case IDC_KIND_DATE:
        return append_date;
    case IDC_KIND_TIME:
        return append_time;
    case IDC_KIND_TIMESTAMP:
    case IDC_KIND_TIMESTAMPTZ:
        return append_timestamp;
    case IDC_KIND_INTERVAL:
        return append_interval;
    case IDC_KIND_UUID:
        return append_uuid;
    case IDC_KIND_ENUM:
        return fdw_append_enum;
    case IDC_KIND_HSTORE:
        return fdw_append_hstore;
    case IDC_KIND_LIST:
        return fdw_append_array;
    }
    pg_unreachable();
}
