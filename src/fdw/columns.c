/*
 * columns.c - which column each attribute of a query's result becomes, and the way from row to row.
 *
 * In:   a tuple descriptor, then slots
 * Out:  column specs, then rows in an IdcBatchBuilder
 * Next: append_scalar.c and append_nested.c do the values
 */
#include "fdw/columns.h"

#include "access/htup_details.h"
#include "arrow/decode.h"
#include "arrow/pgtype.h"
#include "catalog/dependency.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fdw/append.h"
#include "fdw/raise.h"
#include "mb/pg_wchar.h"
#include "nodes/primnodes.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

struct FdwColumns {
    size_t count;
    IdcColumnSpec *specs;
    FdwAppend *appends;
    MemoryContext context;
    FdwRow row;
};

/* A type, and what else is asked about it. */
typedef struct Type {
    IdcPgType pg;
    Oid namespace;
    int16 len;
    bool is_by_value;
    char align;
    int dimensions; /* that a domain over an array is declared with */
} Type;

/* In UTF-8, of the current context. */
static const char *
utf8_copy(const char *text)
{
    return pstrdup(pg_server_to_any(text, (int) strlen(text), PG_UTF8));
}

static Type
type_read(Oid oid)
{
    HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid));
    Form_pg_type form;
    Type type = { .pg = { .oid = oid, .extension = "" } };

    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for type %u", oid);
    form = (Form_pg_type) GETSTRUCT(tuple);
    if (idc_pg_is_array(oid, form->typlen, form->typelem) &&
        form->typsubscript == F_ARRAY_SUBSCRIPT_HANDLER)
        type.pg.element = form->typelem;
    type.pg.base = form->typbasetype;
    type.pg.base_modifier = form->typtypmod;
    type.pg.kind = form->typtype;
    type.pg.name = pstrdup(NameStr(form->typname));
    type.namespace = form->typnamespace;
    type.len = form->typlen;
    type.is_by_value = form->typbyval;
    type.align = form->typalign;
    type.dimensions = form->typndims;
    ReleaseSysCache(tuple);
    /* pg_depend is asked only where it matters: kind_of of arrow/pgtype.c. */
    if (strcmp(type.pg.name, "hstore") == 0 || strcmp(type.pg.name, "citext") == 0) {
        Oid extension = getExtensionOfObject(TypeRelationId, oid);

        if (OidIsValid(extension))
            type.pg.extension = get_extension_name(extension);
    }
    return type;
}

/* The type under all domains, with the modifier that the innermost one gives it. */
static Type
type_under_domains(Oid oid, int32 *modifier)
{
    Type type = type_read(oid);

    for (int depth = 0; type.pg.kind == TYPTYPE_DOMAIN && depth < IDC_PG_DOMAIN_DEPTH; depth++) {
        if (type.pg.base_modifier >= 0)
            *modifier = type.pg.base_modifier;
        type = type_read(type.pg.base);
    }
    return type;
}

static int
compare_labels(const void *left, const void *right)
{
    const Form_pg_enum *a = left, *b = right;

    return (*a)->enumsortorder < (*b)->enumsortorder   ? -1
           : (*a)->enumsortorder > (*b)->enumsortorder ? 1
                                                       : 0;
}

static void
plan_labels(Oid oid, IdcColumnSpec *spec)
{
    CatCList *list = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(oid));
    size_t count = (size_t) list->n_members;
    Form_pg_enum *members = palloc((count + 1) * sizeof(Form_pg_enum));
    const char **labels = palloc((count + 1) * sizeof *labels);

    for (size_t i = 0; i < count; i++)
        members[i] = (Form_pg_enum) GETSTRUCT(&list->members[i]->tuple);
    qsort(members, count, sizeof(Form_pg_enum), compare_labels);
    for (size_t i = 0; i < count; i++)
        labels[i] = utf8_copy(NameStr(members[i]->enumlabel));
    ReleaseCatCacheList(list);
    pfree(members);
    spec->labels = labels;
    spec->label_count = count;
}

static void
plan_output(const Type *type, FdwAppend *append)
{
    Oid function;
    bool is_varlena;

    getTypeOutputInfo(type->pg.oid, &function, &is_varlena);
    fmgr_info(function, &append->call);
    append->function = fdw_append_output;
}

/* Texts of PostgreSQL are stored in one of four ways. */
static void
plan_text(const Type *type, FdwAppend *append)
{
    if (type->pg.oid == NAMEOID)
        append->function = fdw_append_name;
    else if (type->len == -2)
        append->function = fdw_append_cstring;
    /* xml_out leaves out the encoding that an XML declaration may name. */
    else if (type->len != -1 || type->pg.oid == XMLOID)
        plan_output(type, append);
    else
        append->function = fdw_append_text;
}

static void
plan_hstore(const Type *type, FdwAppend *append)
{
    Oid oid = type->pg.oid;
    List *name = list_make2(makeString(get_namespace_name(type->namespace)),
                            makeString(pstrdup("hstore_to_array")));

    fmgr_info(LookupFuncName(name, 1, &oid, false), &append->call);
    append->function = fdw_append_hstore;
}

static void
plan_direct(const Type *type, IdcColumnSpec *spec, FdwAppend *append)
{
    append->function = fdw_append_function(spec->kind);
    if (spec->kind == IDC_KIND_TEXT)
        plan_text(type, append);
    else if (spec->kind == IDC_KIND_HSTORE)
        plan_hstore(type, append);
    else if (spec->kind == IDC_KIND_ENUM) {
        plan_labels(type->pg.oid, spec);
        append->enumeration = fdw_enum_new();
    }
}

/* Everything but a list. */
static void
plan_scalar(const Type *type, int32 modifier, FdwNumeric numeric, IdcColumnSpec *spec,
            FdwAppend *append)
{
    switch (idc_pg_plan_scalar(&type->pg, modifier, (IdcPgNumericMode) numeric, spec)) {
    case IDC_PG_DIRECT:
        plan_direct(type, spec, append);
        break;
    case IDC_PG_AS_NUMERIC:
        append->function = fdw_append_money;
        break;
    case IDC_PG_AS_TEXT:
    case IDC_PG_AS_NETWORK:
        plan_output(type, append);
        if (type->pg.oid == CHAROID)
            append->function = fdw_append_char;
        break;
    }
}

static void
plan_list(const Type *type, int32 modifier, int dimensions, FdwNumeric numeric, IdcColumnSpec *spec,
          FdwAppend *append)
{
    Type stored = type_read(type->pg.element);
    Type inner = type_under_domains(type->pg.element, &modifier);
    IdcColumnSpec *element = palloc0(sizeof *element);

    append->element = palloc0(sizeof *append->element);
    append->element->row = append->row;
    append->element_len = stored.len;
    append->element_by_value = stored.is_by_value;
    append->element_align = stored.align;
    append->function = fdw_append_array;
    element->name = "item";
    element->type_name = "";
    if (inner.pg.element != InvalidOid) {
        /* An array of a domain over an array: its elements are arrays themselves, as text. */
        element->kind = IDC_KIND_TEXT;
        plan_output(&inner, append->element);
    } else {
        plan_scalar(&inner, modifier, numeric, element, append->element);
    }
    spec->kind = IDC_KIND_LIST;
    spec->dimensions = dimensions > 0 ? dimensions : 1;
    spec->element = element;
}

/* As many as the table's column was declared with, else its domain; 0 if nobody said. */
static int
declared_dimensions(const TargetEntry *origin)
{
    int dimensions = 0;
    HeapTuple tuple;

    if (origin == NULL || !OidIsValid(origin->resorigtbl))
        return 0;
    tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(origin->resorigtbl),
                            Int16GetDatum(origin->resorigcol));
    if (HeapTupleIsValid(tuple)) {
        Form_pg_attribute column = (Form_pg_attribute) GETSTRUCT(tuple);

        dimensions = column->attndims;
        if (dimensions == 0)
            dimensions = type_read(column->atttypid).dimensions;
        ReleaseSysCache(tuple);
    }
    return dimensions;
}

/* The entry of the target list for the result's n-th column, counted from 0; NULL: unknown. */
static const TargetEntry *
origin_of(List *target_list, int n)
{
    ListCell *cell;

    foreach (cell, target_list) {
        const TargetEntry *entry = lfirst_node(TargetEntry, cell);

        if (!entry->resjunk && n-- == 0)
            return entry;
    }
    return NULL;
}

FdwColumns *
fdw_columns_plan(TupleDesc descriptor, List *target_list, FdwNumeric numeric,
                 bool can_be_dictionary)
{
    FdwColumns *columns = palloc0(sizeof *columns);

    columns->count = (size_t) descriptor->natts;
    columns->specs = palloc0((columns->count + 1) * sizeof *columns->specs);
    columns->appends = palloc0((columns->count + 1) * sizeof *columns->appends);
    columns->context = CurrentMemoryContext;
    columns->row.context = CurrentMemoryContext;
    columns->row.needs_conversion = GetDatabaseEncoding() != PG_UTF8;
    initStringInfo(&columns->row.json);
    for (int i = 0; i < descriptor->natts; i++) {
        Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
        int32 modifier = attribute->atttypmod;
        int32 sent_modifier = attribute->atttypmod;
        /* As a RowDescription says it, so that both ways agree: without domains. */
        Oid sent = getBaseTypeAndTypmod(attribute->atttypid, &sent_modifier);
        Type type = type_under_domains(attribute->atttypid, &modifier);
        IdcColumnSpec *spec = &columns->specs[i];
        FdwAppend *append = &columns->appends[i];

        append->row = &columns->row;
        spec->name = utf8_copy(NameStr(attribute->attname));
        spec->type_name = utf8_copy(format_type_extended(
            sent, sent_modifier, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_ALLOW_INVALID));
        if (type.pg.element != InvalidOid)
            plan_list(&type, modifier, declared_dimensions(origin_of(target_list, i)), numeric,
                      spec, append);
        else
            plan_scalar(&type, modifier, numeric, spec, append);
        spec->can_be_dictionary = can_be_dictionary && spec->kind == IDC_KIND_TEXT;
    }
    return columns;
}

const IdcColumnSpec *
fdw_columns_specs(const FdwColumns *columns, size_t *count)
{
    *count = columns->count;
    return columns->specs;
}

/* The error of 8 KiB is not on the stack of every row. */
static pg_noinline void
begin_row(IdcBatchBuilder *builder)
{
    IdcError err;

    idc_error_init(&err);
    fdw_check(idc_batch_begin_row(builder, &err), &err);
}

/* NULL, or a value that could not be appended. */
static pg_noinline void
append_other(IdcBatchBuilder *builder, IdcColumn *column, IdcDecoded decoded)
{
    IdcError err;

    idc_error_init(&err);
    fdw_check(idc_batch_append_other(builder, column, decoded, &err), &err);
}

void
fdw_columns_append(FdwColumns *columns, IdcBatchBuilder *builder, TupleTableSlot *slot,
                   MemoryContext scratch)
{
    MemoryContext before = MemoryContextSwitchTo(columns->context);
    FdwRow *row = &columns->row;

    slot_getallattrs(slot);
    row->scratch = scratch;
    row->bytes = 0;
    if (unlikely(builder->is_broken || builder->row_count == builder->row_capacity))
        begin_row(builder);
    for (size_t i = 0; i < columns->count; i++) {
        IdcColumn *column = &builder->columns[i];
        IdcDecoded decoded;

        if (slot->tts_isnull[i]) {
            if (!idc_column_append_null(column))
                append_other(builder, column, IDC_DECODED_NO_MEMORY);
            continue;
        }
        decoded = columns->appends[i].function(&columns->appends[i], column, slot->tts_values[i]);
        if (unlikely(decoded != IDC_DECODED))
            append_other(builder, column, decoded);
    }
    builder->bytes += row->bytes;
    idc_batch_end_row(builder);
    MemoryContextSwitchTo(before);
}
