/*
 * type.c - what PostgreSQL's types are called, and how their values travel.
 *
 * Names: format_type of PostgreSQL 15 (src/backend/utils/adt/format_type.c).
 */
#include "relation/ask.h"

#include <stdio.h>

enum {
    INTERVAL_FULL_PRECISION = 0xFFFF,
    INTERVAL_FULL_RANGE = 0x7FFF,
    VARLENA_HEAD = 4 /* what the modifiers of numeric and of texts are above their numbers */
};

/* array: the OID of its array type. OIDs of pg_type.dat. */
static const struct {
    uint32_t oid, array;
    const char *name;
} types[] = {
    { IDC_TYPE_BOOL, 1000, "boolean" },
    { IDC_TYPE_BYTEA, 1001, "bytea" },
    { 18, 1002, "\"char\"" },
    { IDC_TYPE_NAME, 1003, "name" },
    { IDC_TYPE_INT8, 1016, "bigint" },
    { IDC_TYPE_INT2, 1005, "smallint" },
    { IDC_TYPE_INT4, 1007, "integer" },
    { IDC_TYPE_TEXT, 1009, "text" },
    { IDC_TYPE_OID, 1028, "oid" },
    { 27, 1010, "tid" },
    { 28, 1011, "xid" },
    { 29, 1012, "cid" },
    { IDC_TYPE_JSON, 199, "json" },
    { 142, 143, "xml" },
    { 600, 1017, "point" },
    { 601, 1018, "lseg" },
    { 602, 1019, "path" },
    { 603, 1020, "box" },
    { 604, 1027, "polygon" },
    { 628, 629, "line" },
    { 650, 651, "cidr" },
    { IDC_TYPE_FLOAT4, 1021, "real" },
    { IDC_TYPE_FLOAT8, 1022, "double precision" },
    { 718, 719, "circle" },
    { 774, 775, "macaddr8" },
    { 790, 791, "money" },
    { 829, 1040, "macaddr" },
    { IDC_TYPE_INET, 1041, "inet" },
    { IDC_TYPE_BPCHAR, 1014, "character" },
    { IDC_TYPE_VARCHAR, 1015, "character varying" },
    { IDC_TYPE_DATE, 1182, "date" },
    { IDC_TYPE_TIME, 1183, "time without time zone" },
    { IDC_TYPE_TIMESTAMP, 1115, "timestamp without time zone" },
    { IDC_TYPE_TIMESTAMPTZ, 1185, "timestamp with time zone" },
    { IDC_TYPE_INTERVAL, 1187, "interval" },
    { IDC_TYPE_TIMETZ, 1270, "time with time zone" },
    { 1560, 1561, "bit" },
    { 1562, 1563, "bit varying" },
    { IDC_TYPE_NUMERIC, 1231, "numeric" },
    { 2205, 2210, "regclass" },
    { IDC_TYPE_UUID, 2951, "uuid" },
    { 22, 1006, "int2vector" },
    { 30, 1013, "oidvector" },
    { 3220, 3221, "pg_lsn" },
    { 3614, 3643, "tsvector" },
    { 3615, 3645, "tsquery" },
    { IDC_TYPE_JSONB, 3807, "jsonb" },
    { 3904, 3905, "int4range" },
    { 3906, 3907, "numrange" },
    { 3908, 3909, "tsrange" },
    { 3910, 3911, "tstzrange" },
    { 3912, 3913, "daterange" },
    { 3926, 3927, "int8range" },
    { 3734, 3735, "regconfig" },
    { 3769, 3770, "regdictionary" },
    { 4072, 4073, "jsonpath" },
    { 4451, 6150, "int4multirange" },
    { 4532, 6151, "nummultirange" },
    { 4533, 6152, "tsmultirange" },
    { 4534, 6153, "tstzmultirange" },
    { 4535, 6155, "datemultirange" },
    { 4536, 6157, "int8multirange" },
    { 5069, 271, "xid8" },
};

enum { TYPE_COUNT = sizeof types / sizeof *types };

static int
type_index(uint32_t oid, bool *is_array)
{
    for (int i = 0; i < TYPE_COUNT; i++)
        if (oid == types[i].oid || oid == types[i].array) {
            *is_array = oid == types[i].array;
            return i;
        }
    return -1;
}

static int
numeric_scale(int32_t modifier)
{
    return (((modifier - VARLENA_HEAD) & 0x7FF) ^ 0x400) - 0x400;
}

static int
numeric_precision(int32_t modifier)
{
    return (modifier - VARLENA_HEAD) >> 16 & 0xFFFF;
}

/* intervaltypmodout: bits of the fields (utils/datetime.h) and a precision of seconds. */
static const char *
interval_fields(int32_t modifier)
{
    enum { YEAR = 4, MONTH = 2, DAY = 8, HOUR = 1 << 10, MINUTE = 1 << 11, SECOND = 1 << 12 };

    switch (modifier >> 16 & INTERVAL_FULL_RANGE) {
    case YEAR:
        return " year";
    case MONTH:
        return " month";
    case DAY:
        return " day";
    case HOUR:
        return " hour";
    case MINUTE:
        return " minute";
    case SECOND:
        return " second";
    case YEAR | MONTH:
        return " year to month";
    case DAY | HOUR:
        return " day to hour";
    case DAY | HOUR | MINUTE:
        return " day to minute";
    case DAY | HOUR | MINUTE | SECOND:
        return " day to second";
    case HOUR | MINUTE:
        return " hour to minute";
    case HOUR | MINUTE | SECOND:
        return " hour to second";
    case MINUTE | SECOND:
        return " minute to second";
    default:
        return "";
    }
}

static void
interval_name(int32_t modifier, char *buffer, size_t size)
{
    int precision = modifier & 0xFFFF;
    const char *fields = interval_fields(modifier);

    if (precision == INTERVAL_FULL_PRECISION)
        (void) snprintf(buffer, size, "interval%s", fields);
    else
        (void) snprintf(buffer, size, "interval%s(%d)", fields, precision);
}

/* The name with the modifier in it, or without where its type has none. */
static void
modified_name(uint32_t oid, const char *name, int32_t modifier, char *buffer, size_t size)
{
    switch (oid) {
    case IDC_TYPE_NUMERIC:
        (void) snprintf(buffer, size, "numeric(%d,%d)", numeric_precision(modifier),
                        numeric_scale(modifier));
        break;
    case IDC_TYPE_BPCHAR:
    case IDC_TYPE_VARCHAR:
        (void) snprintf(buffer, size, "%s(%d)", name, modifier - VARLENA_HEAD);
        break;
    case 1560: /* bit, bit varying */
    case 1562:
        (void) snprintf(buffer, size, "%s(%d)", name, modifier);
        break;
    case IDC_TYPE_TIME:
    case IDC_TYPE_TIMESTAMP:
        (void) snprintf(buffer, size, "%s(%d) without time zone",
                        oid == IDC_TYPE_TIME ? "time" : "timestamp", modifier);
        break;
    case IDC_TYPE_TIMETZ:
    case IDC_TYPE_TIMESTAMPTZ:
        (void) snprintf(buffer, size, "%s(%d) with time zone",
                        oid == IDC_TYPE_TIMETZ ? "time" : "timestamp", modifier);
        break;
    case IDC_TYPE_INTERVAL:
        interval_name(modifier, buffer, size);
        break;
    default:
        (void) snprintf(buffer, size, "%s", name);
        break;
    }
}

static bool
takes_modifier(IdcType type)
{
    bool has_head =
        type.oid == IDC_TYPE_NUMERIC || type.oid == IDC_TYPE_BPCHAR || type.oid == IDC_TYPE_VARCHAR;

    return type.modifier >= (has_head ? VARLENA_HEAD : 0);
}

const char *
idc_ask_type_name(IdcType type, char buffer[IDC_TYPE_NAME_BYTES])
{
    char name[IDC_TYPE_NAME_BYTES - 2];
    bool is_array;
    int i = type_index(type.oid, &is_array);

    if (i < 0)
        return "other";
    if (is_array)
        type.oid = types[i].oid;
    if (!is_array && !takes_modifier(type))
        /* "character" alone means character(1). */
        return type.oid == IDC_TYPE_BPCHAR ? "bpchar" : types[i].name;
    if (takes_modifier(type))
        modified_name(type.oid, types[i].name, type.modifier, name, sizeof name);
    else
        (void) snprintf(name, sizeof name, "%s",
                        type.oid == IDC_TYPE_BPCHAR ? "bpchar" : types[i].name);
    (void) snprintf(buffer, IDC_TYPE_NAME_BYTES, "%s%s", name, is_array ? "[]" : "");
    return buffer;
}

const char *
idc_type_name(IdcArena *arena, IdcType type)
{
    char buffer[IDC_TYPE_NAME_BYTES];
    const char *name = idc_ask_type_name(type, buffer);

    return name == buffer ? idc_arena_strdup(arena, buffer) : name;
}

static void
plan_numeric(IdcColumnSpec *spec, int32_t modifier)
{
    int precision = numeric_precision(modifier), scale = numeric_scale(modifier);

    spec->kind = IDC_KIND_NUMERIC_STRING;
    if (modifier < VARLENA_HEAD || precision < 1 || precision > 38 || scale < 0 ||
        scale > precision)
        return;
    spec->kind = IDC_KIND_NUMERIC_DECIMAL;
    spec->precision = precision;
    spec->scale = scale;
}

static IdcColumnKind
plain_kind(uint32_t oid)
{
    switch (oid) {
    case IDC_TYPE_BOOL:
        return IDC_KIND_BOOL;
    case IDC_TYPE_INT2:
        return IDC_KIND_INT16;
    case IDC_TYPE_INT4:
        return IDC_KIND_INT32;
    case IDC_TYPE_INT8:
        return IDC_KIND_INT64;
    case IDC_TYPE_OID:
        return IDC_KIND_UINT32;
    case IDC_TYPE_FLOAT4:
        return IDC_KIND_FLOAT32;
    case IDC_TYPE_FLOAT8:
        return IDC_KIND_FLOAT64;
    case IDC_TYPE_DATE:
        return IDC_KIND_DATE;
    case IDC_TYPE_TIME:
        return IDC_KIND_TIME;
    case IDC_TYPE_TIMESTAMP:
        return IDC_KIND_TIMESTAMP;
    case IDC_TYPE_TIMESTAMPTZ:
        return IDC_KIND_TIMESTAMPTZ;
    case IDC_TYPE_BYTEA:
        return IDC_KIND_BYTES;
    case IDC_TYPE_UUID:
        return IDC_KIND_UUID;
    default:
        return IDC_KIND_TEXT;
    }
}

void
idc_type_column(IdcType type, IdcColumnSpec *spec)
{
    bool is_array;
    int i = type_index(type.oid, &is_array);

    spec->precision = spec->scale = 0;
    spec->type_name = i < 0 || is_array ? "text" : types[i].name;
    if (type.oid == IDC_TYPE_NUMERIC)
        plan_numeric(spec, type.modifier);
    else
        spec->kind = plain_kind(type.oid);
}
