/*
 * pgtype.h - PostgreSQL's types as column kinds: what the hub's client and its server agree on.
 *
 * In:   what pg_type says about a type, and the modifier of a column
 * Out:  the kind of its column, and how its values get there
 * Next: hub/describe.c (over COPY) and fdw/columns.c (inside the server)
 */
#ifndef IDC_ARROW_PGTYPE_H
#define IDC_ARROW_PGTYPE_H

#include "arrow/column.h"

/* OIDs of pg_type.dat; they never change. */
enum {
    IDC_PG_INT2VECTOR = 22,
    IDC_PG_OIDVECTOR = 30,
    IDC_PG_CIDR = 650,
    IDC_PG_MONEY = 790,
    IDC_PG_INET = 869,
    IDC_PG_NUMERIC = 1700,
    IDC_PG_DOMAIN_DEPTH = 32 /* domains over domains: more than anybody nests */
};

/* What pg_type says. element: of an array, else 0. base: of a domain, with base_modifier, else 0.
 * extension: who brings it, or "". */
typedef struct IdcPgType {
    uint32_t oid;
    uint32_t element, base;
    int32_t base_modifier;
    char kind; /* pg_type.typtype */
    const char *name;
    const char *extension;
} IdcPgType;

typedef enum IdcPgNumericMode {
    IDC_PG_NUMERIC_FLOAT64,
    IDC_PG_NUMERIC_DECIMAL,
    IDC_PG_NUMERIC_STRING
} IdcPgNumericMode;

/* How a value gets into its column. */
typedef enum IdcPgWay {
    IDC_PG_DIRECT,     /* as it is sent */
    IDC_PG_AS_TEXT,    /* what its output function prints */
    IDC_PG_AS_NUMERIC, /* money */
    IDC_PG_AS_NETWORK  /* inet, cidr: what the output function prints; a cast to text prints more */
} IdcPgWay;

/*
 * Kind, precision and scale of a column (or element) of a type that is neither a domain nor an
 * array. type may be NULL: a type that nobody knows. Nothing else of spec is touched; the labels of
 * an enum are the caller's to fill in.
 */
IdcPgWay idc_pg_plan_scalar(const IdcPgType *type, int32_t modifier, IdcPgNumericMode mode,
                            IdcColumnSpec *spec);

/* A type with typelem that really is an array: vectors begin at 0 and print with blanks. */
bool idc_pg_is_array(uint32_t oid, int typlen, uint32_t typelem);

#endif
