/*
 * convert.c - batches of a source as rows.
 *
 * In:   a relation's columns and where they go; a schema; batches
 * Out:  the Datums of a slot
 * Next: convert_value.c makes each of them
 */
#include "fdw/convert.h"

#include <access/sysattr.h>
#include <mb/pg_wchar.h>
#include <storage/itemptr.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>

#include "fdw/convert_value.h"
#include "fdw/foreign.h"
#include "fdw/raise.h"
#include "fdw/table.h"

/* What a type of the source is called in an error at most. */
enum { FORMAT_SHOWN = 40 };

struct FdwConvert {
    MemoryContext context;
    MemoryContext row_context; /* of the values of the row that was asked for last */
    FdwConvertColumn *columns;
    size_t count;
    int attribute_count;
    ItemPointerData place; /* of the row in its table, where ctid is one of the columns */
    bool may_raise;        /* values are made by functions that raise errors of their own */
    bool has_failed;       /* the error is one of ours already */
    size_t column;         /* of these two errors tell */
    int64 row;
    int64 row_count;
    int64 batch_count;
};

/* ---- planning ---- */

static const char *
server_copy(const char *text)
{
    return pstrdup(pg_any_to_server(text, (int) strlen(text), PG_UTF8));
}

static void
plan_column(FdwConvert *convert, const IdcRelationColumn *source, Form_pg_attribute attribute,
            const IdcBatchLayout *layout, FdwConvertColumn *column)
{
    Oid input;

    column->convert = convert;
    column->attribute = attribute->attnum - 1;
    column->modifier = attribute->atttypmod;
    column->base = getBaseTypeAndTypmod(attribute->atttypid, &column->modifier);
    if (column->base != attribute->atttypid)
        column->domain = attribute->atttypid;
    column->spec.name = pstrdup(source->name);
    column->name = server_copy(source->name);
    column->type_name = format_type_with_typemod(attribute->atttypid, attribute->atttypmod);
    idc_type_column(source->type, &column->spec);
    if (layout != NULL) {
        column->has_small_offsets = layout->has_small_offsets;
        if (layout->decimals_are_float64 && column->spec.kind == IDC_KIND_NUMERIC_DECIMAL)
            column->spec.kind = IDC_KIND_NUMERIC_FLOAT64;
    }
    if (column->spec.kind != IDC_KIND_TEXT && column->base != source->type.oid)
        elog(ERROR, "column \"%s\" of a relation has another type than its attribute",
             column->name);
    getTypeInputInfo(column->base, &input, &column->input_param);
    fmgr_info(input, &column->input);
    if (fdw_convert_plan(column) || OidIsValid(column->domain))
        convert->may_raise = true;
    fdw_convert_plan_check(column);
}

FdwConvert *
fdw_convert_new(const IdcRelationColumn *columns, size_t count, TupleDesc descriptor,
                List *attributes, const IdcBatchLayout *layout, MemoryContext context)
{
    MemoryContext before = MemoryContextSwitchTo(context);
    FdwConvert *convert = palloc0(sizeof *convert);

    if ((size_t) list_length(attributes) != count)
        elog(ERROR, "a relation has another number of columns than attributes are named");
    convert->context = context;
    convert->row_context =
        AllocSetContextCreate(context, "instant_fdw row", ALLOCSET_DEFAULT_SIZES);
    convert->columns = palloc0((count + 1) * sizeof *convert->columns);
    convert->count = count;
    convert->attribute_count = descriptor->natts;
    for (size_t i = 0; i < count; i++) {
        int attribute = list_nth_int(attributes, (int) i);

        if ((attribute < 1 && attribute != SelfItemPointerAttributeNumber) ||
            attribute > descriptor->natts)
            elog(ERROR, "attribute %d of a scan does not exist", attribute);
        plan_column(convert, &columns[i], fdw_attribute(descriptor, attribute), layout,
                    &convert->columns[i]);
    }
    MemoryContextSwitchTo(before);
    return convert;
}

/* ---- the schema ---- */

/* Of unknown origin, so made harmless. */
static const char *
shown_format(const struct ArrowSchema *schema)
{
    const char *format = schema->dictionary != NULL ? "dictionary" : schema->format;
    char *shown = palloc(FORMAT_SHOWN + 1);
    size_t i = 0;

    for (; i < FORMAT_SHOWN && format[i] != '\0'; i++)
        shown[i] = format[i] >= ' ' && format[i] <= '~' ? format[i] : '?';
    shown[i] = '\0';
    return shown;
}

/* The same type with 32-bit offsets, where that is due. */
static const char *
due_format(const FdwConvertColumn *column, const char *format)
{
    if (!column->has_small_offsets)
        return format;
    return strcmp(format, "U") == 0 ? "u" : strcmp(format, "Z") == 0 ? "z" : format;
}

static void
check_column(const FdwConvertColumn *column, const struct ArrowSchema *found,
             const struct ArrowSchema *expected)
{
    const char *format = due_format(column, expected->format);

    if (found->dictionary == NULL && found->n_children == 0 && strcmp(found->format, format) == 0)
        return;
    ereport(ERROR,
            (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
             errmsg("column \"%s\" came as the Arrow type \"%s\", where \"%s\" was due for type %s",
                    column->name, shown_format(found), format, column->type_name)));
}

void
fdw_convert_schema(FdwConvert *convert, const struct ArrowSchema *schema)
{
    MemoryContext before = MemoryContextSwitchTo(convert->context);
    IdcColumnSpec *specs = palloc((convert->count + 1) * sizeof *specs);
    struct ArrowSchema expected;
    IdcError err;

    if (schema->n_children != (int64_t) convert->count)
        ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_COLUMN_NUMBER),
                        errmsg("the source answered with " INT64_FORMAT " columns, where %zu were "
                               "asked for",
                               schema->n_children, convert->count)));
    for (size_t i = 0; i < convert->count; i++)
        specs[i] = convert->columns[i].spec;
    idc_error_init(&err);
    fdw_check(idc_columns_schema(specs, convert->count, &expected, &err), &err);
    for (size_t i = 0; i < convert->count; i++)
        check_column(&convert->columns[i], schema->children[i], expected.children[i]);
    expected.release(&expected);
    pfree(specs);
    MemoryContextSwitchTo(before);
}

/* ---- rows ---- */

void
fdw_convert_batch(FdwConvert *convert, const struct ArrowArray *batch)
{
    if (batch->n_children != (int64_t) convert->count)
        elog(ERROR, "a record batch has other columns than its schema");
    convert->row_count = batch->length;
    convert->batch_count++;
    for (size_t i = 0; i < convert->count; i++) {
        const struct ArrowArray *array = batch->children[i];
        FdwConvertColumn *column = &convert->columns[i];

        if (array->offset != 0 || array->length != batch->length || array->n_buffers < 2)
            elog(ERROR, "a record batch is not as its reader makes it");
        column->validity = array->null_count == 0 ? NULL : array->buffers[0];
        column->values = array->buffers[1];
        column->bytes = array->n_buffers > 2 ? array->buffers[2] : NULL;
    }
}

bool
fdw_convert_is_plain(const FdwConvert *convert)
{
    for (size_t i = 0; i < convert->count; i++) {
        const FdwConvertColumn *column = &convert->columns[i];

        if (column->check == NULL || !column->check(column, convert->row_count))
            return false;
    }
    return true;
}

static const char *
failure_words(int sqlstate)
{
    switch (sqlstate) {
    case ERRCODE_CHARACTER_NOT_IN_REPERTOIRE:
        return "the source's text is not UTF-8, or has a zero byte in it, for type";
    case ERRCODE_UNTRANSLATABLE_CHARACTER:
        return "the source's text has a character that this database's encoding has not, for type";
    case ERRCODE_STRING_DATA_RIGHT_TRUNCATION:
        return "the source's value is too long for type";
    case ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE:
    case ERRCODE_DATETIME_FIELD_OVERFLOW:
        return "the source's value is out of range for type";
    case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
        return "the source's value is too big for type";
    default:
        return "the source's value is none of type";
    }
}

void
fdw_convert_fail(const FdwConvertColumn *column, int sqlstate)
{
    FdwConvert *convert = column->convert;

    convert->has_failed = true;
    ereport(ERROR, (errcode(sqlstate),
                    errmsg("column \"%s\" in row " INT64_FORMAT " of batch " INT64_FORMAT ": %s %s",
                           column->name, convert->row + 1, convert->batch_count,
                           failure_words(sqlstate), column->type_name)));
}

/*
 * Messages of input functions show the value. Those about the server do not, nor do those of a
 * domain's constraints, which name the constraint.
 */
static bool
may_show_value(int sqlstate)
{
    switch (ERRCODE_TO_CATEGORY(sqlstate)) {
    case ERRCODE_TO_CATEGORY(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION):
    case ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK):
    case ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES):
    case ERRCODE_TO_CATEGORY(ERRCODE_PROGRAM_LIMIT_EXCEEDED):
    case ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION):
    case ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR):
    case ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR):
        return false;
    default:
        return true;
    }
}

/* An error was caught: raise it again, or one that says the same without the value. */
static void
fail_again(FdwConvert *convert)
{
    ErrorData *error;

    if (convert->has_failed)
        PG_RE_THROW();
    MemoryContextSwitchTo(convert->context);
    error = CopyErrorData();
    if (!may_show_value(error->sqlerrcode))
        PG_RE_THROW();
    FlushErrorState();
    fdw_convert_fail(&convert->columns[convert->column], error->sqlerrcode);
}

/* For errors that stay what they are. */
static void
tell_where(void *arg)
{
    FdwConvert *convert = arg;

    if (!convert->has_failed)
        errcontext("column \"%s\" in row " INT64_FORMAT " of batch " INT64_FORMAT " of the source",
                   convert->columns[convert->column].name, convert->row + 1, convert->batch_count);
}

static void
convert_columns(FdwConvert *convert, int64 row, Datum *values, bool *nulls)
{
    for (size_t i = 0; i < convert->count; i++) {
        FdwConvertColumn *column = &convert->columns[i];
        int target = column->attribute;

        convert->column = i;
        if (fdw_convert_is_null(column, row)) {
            if (OidIsValid(column->domain))
                domain_check((Datum) 0, true, column->domain, &column->domain_state,
                             convert->context);
            continue;
        }
        if (target < 0) {
            ItemPointerCopy((ItemPointer) DatumGetPointer(column->read(column, row)),
                            &convert->place);
            continue;
        }
        values[target] = column->read(column, row);
        nulls[target] = false;
        if (OidIsValid(column->domain))
            domain_check(values[target], false, column->domain, &column->domain_state,
                         convert->context);
    }
}

/* The same, with an eye on errors: it costs as much as a short value does. */
static pg_noinline void
convert_columns_guarded(FdwConvert *convert, int64 row, Datum *values, bool *nulls)
{
    ErrorContextCallback callback = { .callback = tell_where,
                                      .arg = convert,
                                      .previous = error_context_stack };

    error_context_stack = &callback;
    PG_TRY();
    {
        convert_columns(convert, row, values, nulls);
    }
    PG_CATCH();
    {
        error_context_stack = callback.previous;
        fail_again(convert);
    }
    PG_END_TRY();
    error_context_stack = callback.previous;
}

void
fdw_convert_row(FdwConvert *convert, int64 row, Datum *values, bool *nulls)
{
    MemoryContext before;

    if (row < 0 || row >= convert->row_count)
        elog(ERROR, "row " INT64_FORMAT " of a batch does not exist", row);
    convert->row = row;
    convert->has_failed = false;
    ItemPointerSetInvalid(&convert->place);
    MemoryContextReset(convert->row_context);
    before = MemoryContextSwitchTo(convert->row_context);
    memset(nulls, true, (size_t) convert->attribute_count * sizeof *nulls);
    if (convert->may_raise)
        convert_columns_guarded(convert, row, values, nulls);
    else
        convert_columns(convert, row, values, nulls);
    MemoryContextSwitchTo(before);
}

ItemPointerData
fdw_convert_place(const FdwConvert *convert)
{
    return convert->place;
}
