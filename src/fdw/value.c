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
#include <utils/array.h>
#include <utils/builtins.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>
#include <utils/syscache.h>

/* How a value of a type becomes text. */
typedef struct Output {
    FmgrInfo call;
    int16 len;
    bool is_by_value;
    char align;
} Output;

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

/* False for types whose output function obeys no setting: the most frequent parameters. */
static bool
obeys_settings(Oid type)
{
    switch (type) {
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

static Output
output_of(Oid type)
{
    Output output;
    Oid function;
    bool is_varlena;

    getTypeOutputInfo(type, &function, &is_varlena);
    fmgr_info(function, &output.call);
    get_typlenbyvalalign(type, &output.len, &output.is_by_value, &output.align);
    return output;
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
    bool *nulls;
    int count;

    deconstruct_array(array, type, output->len, output->is_by_value, output->align, &elements,
                      &nulls, &count);
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
    Output output;

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
    output = output_of(type);
    if (obeys_settings(value.type.oid))
        level = begin_relation_words();
    if (is_list)
        set_items(&value, &output, type, datum);
    else
        value.text = text_of(&output, datum);
    if (level != 0)
        AtEOXact_GUC(false, level);
    return value;
}
