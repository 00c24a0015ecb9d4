/*
 * pgtype.c - the table of PostgreSQL's types that have a column kind of their own.
 */
#include "arrow/pgtype.h"

#include <string.h>

/* Kinds by OID: PostgreSQL 15, pg_type.dat. */
static bool
kind_by_oid(uint32_t oid, IdcColumnKind *kind)
{
    static const struct {
        uint32_t oid;
        IdcColumnKind kind;
    } known[] = {
        { 16, IDC_KIND_BOOL },       { 17, IDC_KIND_BYTES },       { 19, IDC_KIND_TEXT },
        { 20, IDC_KIND_INT64 },      { 21, IDC_KIND_INT16 },       { 23, IDC_KIND_INT32 },
        { 25, IDC_KIND_TEXT },       { 26, IDC_KIND_UINT32 },      { 28, IDC_KIND_UINT32 },
        { 29, IDC_KIND_UINT32 },     { 114, IDC_KIND_TEXT },       { 142, IDC_KIND_TEXT },
        { 700, IDC_KIND_FLOAT32 },   { 701, IDC_KIND_FLOAT64 },    { 705, IDC_KIND_TEXT },
        { 1042, IDC_KIND_TEXT },     { 1043, IDC_KIND_TEXT },      { 1082, IDC_KIND_DATE },
        { 1083, IDC_KIND_TIME },     { 1114, IDC_KIND_TIMESTAMP }, { 1184, IDC_KIND_TIMESTAMPTZ },
        { 1186, IDC_KIND_INTERVAL }, { 1790, IDC_KIND_TEXT },      { 2275, IDC_KIND_TEXT },
        { 2278, IDC_KIND_TEXT },     { 2950, IDC_KIND_UUID },      { 3802, IDC_KIND_JSONB },
        { 5069, IDC_KIND_UINT64 },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].oid == oid) {
            *kind = known[i].kind;
            return true;
        }
    return false;
}

/* What is not here travels as its text. */
static bool
kind_of(const IdcPgType *type, IdcColumnKind *kind)
{
    if (kind_by_oid(type->oid, kind))
        return true;
    if (type->kind == 'e')
        *kind = IDC_KIND_ENUM;
    else if (strcmp(type->name, "hstore") == 0 && strcmp(type->extension, "hstore") == 0)
        *kind = IDC_KIND_HSTORE;
    else if (strcmp(type->name, "citext") == 0 && strcmp(type->extension, "citext") == 0)
        *kind = IDC_KIND_TEXT;
    else
        return false;
    return true;
}

/* numeric(p, s): the modifier is ((p << 16) | s, 11 bits with a sign) + 4. */
static void
plan_numeric(IdcColumnSpec *spec, int32_t modifier, IdcPgNumericMode mode)
{
    bool is_declared = modifier >= 4;
    int32_t bits = modifier - 4;

    spec->precision = is_declared ? (bits >> 16) & 0xFFFF : 0;
    spec->scale = is_declared ? ((bits & 0x7FF) ^ 0x400) - 0x400 : 0;
    if (mode == IDC_PG_NUMERIC_FLOAT64)
        spec->kind = IDC_KIND_NUMERIC_FLOAT64;
    else if (mode == IDC_PG_NUMERIC_DECIMAL && is_declared && spec->precision <= 38 &&
             spec->scale >= 0 && spec->scale <= spec->precision)
        spec->kind = IDC_KIND_NUMERIC_DECIMAL;
    else
        spec->kind = IDC_KIND_NUMERIC_STRING;
}

IdcPgWay
idc_pg_plan_scalar(const IdcPgType *type, int32_t modifier, IdcPgNumericMode mode,
                   IdcColumnSpec *spec)
{
    spec->kind = IDC_KIND_TEXT;
    if (type == NULL)
        return IDC_PG_AS_TEXT;
    switch (type->oid) {
    case IDC_PG_NUMERIC:
        plan_numeric(spec, modifier, mode);
        return IDC_PG_DIRECT;
    case IDC_PG_MONEY:
        plan_numeric(spec, -1, mode);
        return IDC_PG_AS_NUMERIC;
    case IDC_PG_INET:
    case IDC_PG_CIDR:
        return IDC_PG_AS_NETWORK;
    default:
        return kind_of(type, &spec->kind) ? IDC_PG_DIRECT : IDC_PG_AS_TEXT;
    }
}

bool
idc_pg_is_array(uint32_t oid, int typlen, uint32_t typelem)
{
    return typelem != 0 && typlen == -1 && oid != IDC_PG_INT2VECTOR && oid != IDC_PG_OIDVECTOR;
}
