/*
 * schema.c - what a column is called and typed in Arrow.
 *
 * In:   IdcColumnSpec
 * Out:  ArrowSchema, with "postgresql:type" as metadata of each field
 */
#include <errno.h>

#include "arrow/builder.h"
#include "arrow/nano.h"

static ArrowErrorCode
schema_add_type_name(struct ArrowSchema *schema, const IdcColumnSpec *spec)
{
    struct ArrowBuffer metadata;
    ArrowErrorCode code = ArrowMetadataBuilderInit(&metadata, NULL);

    if (code == NANOARROW_OK)
        code = ArrowMetadataBuilderAppend(&metadata, ArrowCharView("postgresql:type"),
                                          ArrowCharView(spec->type_name));
    if (code == NANOARROW_OK)
        code = ArrowSchemaSetMetadata(schema, (const char *) metadata.data);
    ArrowBufferReset(&metadata);
    return code;
}

static enum ArrowType
plain_type(IdcColumnKind kind)
{
    switch (kind) {
    case IDC_KIND_BOOL:
        return NANOARROW_TYPE_BOOL;
    case IDC_KIND_INT16:
        return NANOARROW_TYPE_INT16;
    case IDC_KIND_INT32:
        return NANOARROW_TYPE_INT32;
    case IDC_KIND_INT64:
        return NANOARROW_TYPE_INT64;
    case IDC_KIND_UINT32:
        return NANOARROW_TYPE_UINT32;
    case IDC_KIND_UINT64:
        return NANOARROW_TYPE_UINT64;
    case IDC_KIND_FLOAT32:
        return NANOARROW_TYPE_FLOAT;
    case IDC_KIND_FLOAT64:
    case IDC_KIND_NUMERIC_FLOAT64:
        return NANOARROW_TYPE_DOUBLE;
    case IDC_KIND_BYTES:
        return NANOARROW_TYPE_LARGE_BINARY;
    case IDC_KIND_DATE:
        return NANOARROW_TYPE_DATE32;
    case IDC_KIND_INTERVAL:
        return NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO;
    default:
        return NANOARROW_TYPE_LARGE_STRING;
    }
}

static ArrowErrorCode
schema_set_enum(struct ArrowSchema *schema)
{
    ArrowErrorCode code = ArrowSchemaSetType(schema, NANOARROW_TYPE_INT32);

    if (code == NANOARROW_OK)
        code = ArrowSchemaAllocateDictionary(schema);
    if (code == NANOARROW_OK)
        code = ArrowSchemaInitFromType(schema->dictionary, NANOARROW_TYPE_STRING);
    /* The labels stand in the enum's order. */
    schema->flags |= ARROW_FLAG_DICTIONARY_ORDERED;
    return code;
}

static ArrowErrorCode
schema_set_dictionary(struct ArrowSchema *schema)
{
    ArrowErrorCode code = ArrowSchemaSetType(schema, NANOARROW_TYPE_INT32);

    if (code == NANOARROW_OK)
        code = ArrowSchemaAllocateDictionary(schema);
    if (code == NANOARROW_OK)
        code = ArrowSchemaInitFromType(schema->dictionary, NANOARROW_TYPE_LARGE_STRING);
    return code;
}

static ArrowErrorCode
schema_set_map(struct ArrowSchema *schema)
{
    ArrowErrorCode code = ArrowSchemaSetType(schema, NANOARROW_TYPE_MAP);

    if (code != NANOARROW_OK)
        return code;
    code = ArrowSchemaSetType(schema->children[0]->children[0], NANOARROW_TYPE_LARGE_STRING);
    if (code == NANOARROW_OK)
        code = ArrowSchemaSetType(schema->children[0]->children[1], NANOARROW_TYPE_LARGE_STRING);
    schema->children[0]->children[0]->flags &= ~ARROW_FLAG_NULLABLE;
    return code;
}

static ArrowErrorCode
schema_set_scalar(struct ArrowSchema *schema, const IdcColumnSpec *spec)
{
    switch (spec->kind) {
    case IDC_KIND_NUMERIC_DECIMAL:
        return ArrowSchemaSetTypeDecimal(schema, NANOARROW_TYPE_DECIMAL128, spec->precision,
                                         spec->scale);
    case IDC_KIND_TIME:
        return ArrowSchemaSetTypeDateTime(schema, NANOARROW_TYPE_TIME64, NANOARROW_TIME_UNIT_MICRO,
                                          NULL);
    case IDC_KIND_TIMESTAMP:
        return ArrowSchemaSetTypeDateTime(schema, NANOARROW_TYPE_TIMESTAMP,
                                          NANOARROW_TIME_UNIT_MICRO, NULL);
    case IDC_KIND_TIMESTAMPTZ:
        return ArrowSchemaSetTypeDateTime(schema, NANOARROW_TYPE_TIMESTAMP,
                                          NANOARROW_TIME_UNIT_MICRO, "UTC");
    case IDC_KIND_ENUM:
        return schema_set_enum(schema);
    case IDC_KIND_HSTORE:
        return schema_set_map(schema);
    default:
        return ArrowSchemaSetType(schema, plain_type(spec->kind));
    }
}

/* schema is initialised and becomes the field's type, name and metadata. */
static ArrowErrorCode
schema_set_field(struct ArrowSchema *schema, const IdcColumnSpec *spec)
{
    ArrowErrorCode code = ArrowSchemaSetName(schema, spec->name);
    struct ArrowSchema *type = schema;

    if (code == NANOARROW_OK)
        code = schema_add_type_name(schema, spec);
    if (code == NANOARROW_OK && spec->kind == IDC_KIND_TEXT && spec->can_be_dictionary)
        return schema_set_dictionary(schema);
    if (spec->kind != IDC_KIND_LIST)
        return code == NANOARROW_OK ? schema_set_scalar(schema, spec) : code;
    for (int i = 0; code == NANOARROW_OK && i < spec->dimensions; i++) {
        code = ArrowSchemaSetType(type, NANOARROW_TYPE_LARGE_LIST);
        if (code == NANOARROW_OK)
            type = type->children[0];
    }
    if (code == NANOARROW_OK)
        code = schema_add_type_name(type, spec->element);
    return code == NANOARROW_OK ? schema_set_scalar(type, spec->element) : code;
}

IdcStatus
idc_columns_schema(const IdcColumnSpec *specs, size_t count, struct ArrowSchema *schema,
                   IdcError *err)
{
    struct ArrowSchema made;
    ArrowErrorCode code;

    ArrowSchemaInit(&made);
    code = ArrowSchemaSetTypeStruct(&made, (int64_t) count);
    for (size_t i = 0; code == NANOARROW_OK && i < count; i++)
        code = schema_set_field(made.children[i], &specs[i]);
    if (code == NANOARROW_OK) {
        *schema = made;
        return IDC_OK;
    }
    made.release(&made);
    if (code == ENOMEM)
        return idc_fail_no_memory(err);
    return idc_fail(err, IDC_UNSUPPORTED, "cannot describe the columns of the result to Arrow");
}
