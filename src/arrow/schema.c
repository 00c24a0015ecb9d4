/*
 * schema.c - what a column is called and typed in Arrow.
 *
 * In:   IdcColumnSpec
 * Out:  ArrowSchema, with "postgresql:type" as metadata of each field
 */
#include <string.h>

#include "arrow/builder.h"
#include "arrow/schema_make.h"

static bool
add_type_name(struct ArrowSchema *schema, const IdcColumnSpec *spec)
{
    static const char key[] = "postgresql:type";
    IdcText metadata;

    idc_metadata_begin(&metadata, 1);
    idc_metadata_append(&metadata, key, sizeof key - 1, spec->type_name, strlen(spec->type_name));
    return idc_schema_give_metadata(schema, &metadata);
}

/* Of kinds that are a format and nothing else. */
static const char *
plain_format(IdcColumnKind kind)
{
    switch (kind) {
    case IDC_KIND_BOOL:
        return "b";
    case IDC_KIND_INT16:
        return "s";
    case IDC_KIND_INT32:
        return "i";
    case IDC_KIND_INT64:
        return "l";
    case IDC_KIND_UINT32:
        return "I";
    case IDC_KIND_UINT64:
        return "L";
    case IDC_KIND_FLOAT32:
        return "f";
    case IDC_KIND_FLOAT64:
    case IDC_KIND_NUMERIC_FLOAT64:
        return "g";
    case IDC_KIND_BYTES:
        return "Z";
    case IDC_KIND_DATE:
        return "tdD";
    case IDC_KIND_TIME:
        return "ttu";
    case IDC_KIND_TIMESTAMP:
        return "tsu:";
    case IDC_KIND_TIMESTAMPTZ:
        return "tsu:UTC";
    case IDC_KIND_INTERVAL:
        return "tin";
    default:
        return "U";
    }
}

static bool
set_decimal(struct ArrowSchema *schema, const IdcColumnSpec *spec)
{
    IdcText format;
    bool is_set;

    idc_text_init(&format, 0);
    idc_text_append_format(&format, "d:%d,%d", spec->precision, spec->scale);
    is_set = !format.is_broken && idc_schema_set_format(schema, idc_text_string(&format));
    idc_text_done(&format);
    return is_set;
}

static bool
set_dictionary(struct ArrowSchema *schema, const char *format)
{
    return idc_schema_set_format(schema, "i") && idc_schema_add_dictionary(schema) &&
           idc_schema_set_format(schema->dictionary, format);
}

static bool
set_enum(struct ArrowSchema *schema)
{
    /* The labels stand in the enum's order. */
    schema->flags |= ARROW_FLAG_DICTIONARY_ORDERED;
    return set_dictionary(schema, "u");
}

static bool
set_child(struct ArrowSchema *child, const char *name, const char *format)
{
    return idc_schema_set_name(child, name) && idc_schema_set_format(child, format);
}

static bool
set_map(struct ArrowSchema *schema)
{
    struct ArrowSchema *entries;

    if (!idc_schema_set_format(schema, "+m") || !idc_schema_add_children(schema, 1))
        return false;
    entries = schema->children[0];
    if (!set_child(entries, "entries", "+s") || !idc_schema_add_children(entries, 2))
        return false;
    entries->flags &= ~ARROW_FLAG_NULLABLE;
    entries->children[0]->flags &= ~ARROW_FLAG_NULLABLE;
    return set_child(entries->children[0], "key", "U") &&
           set_child(entries->children[1], "value", "U");
}

static bool
set_scalar(struct ArrowSchema *schema, const IdcColumnSpec *spec)
{
    switch (spec->kind) {
    case IDC_KIND_NUMERIC_DECIMAL:
        return set_decimal(schema, spec);
    case IDC_KIND_ENUM:
        return set_enum(schema);
    case IDC_KIND_HSTORE:
        return set_map(schema);
    default:
        return idc_schema_set_format(schema, plain_format(spec->kind));
    }
}

static bool
set_list(struct ArrowSchema *schema, const IdcColumnSpec *spec)
{
    for (int i = 0; i < spec->dimensions; i++) {
        if (!idc_schema_set_format(schema, "+L") || !idc_schema_add_children(schema, 1) ||
            !idc_schema_set_name(schema->children[0], "item"))
            return false;
        schema = schema->children[0];
    }
    return add_type_name(schema, spec->element) && set_scalar(schema, spec->element);
}

/* schema is initialised and becomes the field's type, name and metadata. */
static bool
set_field(struct ArrowSchema *schema, const IdcColumnSpec *spec)
{
    if (!idc_schema_set_name(schema, spec->name) || !add_type_name(schema, spec))
        return false;
    if (spec->kind == IDC_KIND_TEXT && spec->can_be_dictionary)
        return set_dictionary(schema, "U");
    return spec->kind == IDC_KIND_LIST ? set_list(schema, spec) : set_scalar(schema, spec);
}

IdcStatus
idc_columns_schema(const IdcColumnSpec *specs, size_t count, struct ArrowSchema *schema,
                   IdcError *err)
{
    struct ArrowSchema made;
    bool is_made;

    idc_schema_init(&made);
    is_made = idc_schema_set_format(&made, "+s") && idc_schema_add_children(&made, count);
    for (size_t i = 0; is_made && i < count; i++)
        is_made = set_field(made.children[i], &specs[i]);
    if (is_made) {
        *schema = made;
        return IDC_OK;
    }
    made.release(&made);
    return idc_fail_no_memory(err);
}
