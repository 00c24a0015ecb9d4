/*
 * value.c - what the hub knows, in the words of a relation: values, types, collations.
 *
 * In:   Datums that a parameter of a scan has, types and collations of expressions
 * Out:  IdcValue, IdcType, IdcCollation
 */
#include "fdw/foreign.h"

#include <access/htup_details.h>
#include <access/transam.h>
#include <catalog/pg_collation.h>
#include <catalog/pg_database.h>
#include <catalog/pg_type.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <pgtime.h>
#include <utils/array.h>
#include <utils/builtins.h>
#include <utils/bytea.h>
#include <utils/float.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/syscache.h>

/* How a value of a type becomes text. */
typedef struct Output {
    Oid type;
    FmgrInfo call;
} Output;

/* Of built-in types, which stay as they are: rows that are written ask for the same ones again and
 * again. */
enum { KNOWN_OUTPUTS = 64 };
static Output known_outputs[KNOWN_OUTPUTS];

IdcType
fdw_type(Oid type, int32 modifier)
{
    Oid base = getBaseTypeAndTypmod(type, &modifier);

    /*
     * From here on OIDs are given by initdb or by a database's users, and are not the same
     * everywhere.
     */
    if (base >= FirstGenbkiObjectId)
        return (IdcType){ .oid = IDC_TYPE_OTHER, .modifier = -1 };
    return (IdcType){ .oid = base, .modifier = modifier };
}

/* True if the bytes of the database's encoding stand in the order of the code points they mean. */
static bool
is_in_order_of_code_points(int encoding)
{
    return encoding == PG_UTF8 || encoding == PG_LATIN1 || encoding == PG_SQL_ASCII;
}

/* PostgreSQL 17's provider, which orders by code points whatever its locale is called. */
#define PROVIDER_BUILTIN 'b'

/*
 * True if strings are compared by their bytes. The catalogue tells; utils/pg_locale.h, whose
 * functions for this differ between versions, wants the headers of ICU.
 */
static bool
compares_bytes(char provider, const char *locale)
{
    return provider == PROVIDER_BUILTIN ||
           (provider == COLLPROVIDER_LIBC && locale != NULL &&
            (strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0));
}

static bool
default_compares_bytes(void)
{
    HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
    bool is_null, result;
    Datum locale;

    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
    locale = SysCacheGetAttr(DATABASEOID, tuple, Anum_pg_database_datcollate, &is_null);
    result = compares_bytes(((Form_pg_database) GETSTRUCT(tuple))->datlocprovider,
                            is_null ? NULL : TextDatumGetCString(locale));
    ReleaseSysCache(tuple);
    return result;
}

static bool
collation_compares_bytes(Oid collation)
{
    HeapTuple tuple;
    bool is_null, result;
    Datum locale;

    if (collation == DEFAULT_COLLATION_OID)
        return default_compares_bytes();
    tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for collation %u", collation);
    locale = SysCacheGetAttr(COLLOID, tuple, Anum_pg_collation_collcollate, &is_null);
    result = compares_bytes(((Form_pg_collation) GETSTRUCT(tuple))->collprovider,
                            is_null ? NULL : TextDatumGetCString(locale));
    ReleaseSysCache(tuple);
    return result;
}

IdcCollation
fdw_collation(Oid collation)
{
    if (!OidIsValid(collation))
        return IDC_COLLATION_NONE;
    if (!get_collation_isdeterministic(collation))
        return IDC_COLLATION_LOOSE;
    if (collation_compares_bytes(collation) && is_in_order_of_code_points(GetDatabaseEncoding()))
        return IDC_COLLATION_C;
    return IDC_COLLATION_LOCALE;
}

/* The settings that output functions obey, as relation.h says; undone by AtEOXact_GUC(false, …). */
static int
begin_relation_words(void)
{
    static const struct {
        const char *name, *value;
    } settings[] = {
        { "datestyle", "ISO" },    { "intervalstyle", "postgres" }, { "extra_float_digits", "3" },
        { "bytea_output", "hex" }, { "timezone", "UTC" },           { "search_path", "pg_catalog" },
    };
    int level = NewGUCNestLevel();

    for (size_t i = 0; i < lengthof(settings); i++)
        (void) set_config_option(settings[i].name, settings[i].value, PGC_USERSET, PGC_S_SESSION,
                                 GUC_ACTION_SAVE, true, 0, false);
    return level;
}

static bool
is_utc(void)
{
    return strcmp(pg_get_timezone_name(session_timezone), "UTC") == 0;
}

/* False where the output function obeys no setting, or those that it obeys are as they must be:
 * nearly always. */
static bool
needs_settings(Oid type)
{
    switch (type) {
    case DATEOID:
    case TIMEOID:
    case TIMETZOID:
    case TIMESTAMPOID:
        return DateStyle != USE_ISO_DATES;
    case TIMESTAMPTZOID:
        return DateStyle != USE_ISO_DATES || !is_utc();
    case FLOAT4OID:
    case FLOAT8OID:
        return extra_float_digits < 1; /* beyond that all numbers are the shortest that are exact */
    case BYTEAOID:
        return bytea_output != BYTEA_OUTPUT_HEX;
    case INTERVALOID:
        return IntervalStyle != INTSTYLE_POSTGRES;
    case BOOLOID:
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case OIDOID:
    case NUMERICOID:
    case NAMEOID:
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case UUIDOID:
    case JSONOID:
    case JSONBOID:
        return false;
    default:
        return true;
    }
}

static void
look_up_output(Output *output, Oid type, MemoryContext context)
{
    Oid function;
    bool is_varlena;

    getTypeOutputInfo(type, &function, &is_varlena);
    fmgr_info_cxt(function, &output->call, context);
    output->type = type;
}

/* other: memory for one that is not kept. */
static Output *
output_of(Oid type, Output *other)
{
    Output *known = &known_outputs[type % KNOWN_OUTPUTS];

    if (known->type == type)
        return known;
    /* Two of one place: the first has it, since its memory is for good. */
    if (type >= FirstGenbkiObjectId || OidIsValid(known->type)) {
        look_up_output(other, type, CurrentMemoryContext);
        return other;
    }
    look_up_output(known, type, TopMemoryContext);
    return known;
}

static const char *
text_of(Output *output, Datum datum)
{
    char *text = OutputFunctionCall(&output->call, datum);

    return pg_server_to_any(text, (int) strlen(text), PG_UTF8);
}

static void
set_items(IdcValue *value, Output *output, Oid type, Datum datum)
{
    ArrayType *array = DatumGetArrayTypeP(datum);
    const char **items;
    Datum *elements;
    bool *nulls, is_by_value;
    int16 len;
    char align;
    int count;

    get_typlenbyvalalign(type, &len, &is_by_value, &align);
    deconstruct_array(array, type, len, is_by_value, align, &elements, &nulls, &count);
    items = palloc((size_t) (count + 1) * sizeof *items);
    for (int i = 0; i < count; i++)
        items[i] = nulls[i] ? NULL : text_of(output, elements[i]);
    value->items = items;
    value->item_count = (size_t) count;
}

IdcValue
fdw_value(Oid type, int32 modifier, Datum datum, bool is_null, bool is_list)
{
    static const char *const one_null[] = { NULL };
    IdcValue value = { .is_list = is_list };
    int level = 0;
    Output other, *output;

    if (is_list)
        type = get_element_type(getBaseTypeAndTypmod(type, &modifier));
    if (!OidIsValid(type))
        elog(ERROR, "the value of a list is not an array");
    value.type = fdw_type(type, modifier);
    if (is_null) {
        /* Nothing is known of a comparison with any item of a NULL array, as with a NULL item. */
        value.items = is_list ? one_null : NULL;
        value.item_count = is_list ? 1 : 0;
        return value;
    }
    output = output_of(type, &other);
    if (needs_settings(value.type.oid))
        level = begin_relation_words();
    if (is_list)
        set_items(&value, output, type, datum);
    else
        value.text = text_of(output, datum);
    if (level != 0)
        AtEOXact_GUC(false, level);
    return value;
}
