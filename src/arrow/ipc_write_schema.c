/*
 * ipc_write_schema.c - the schema message: what schema.c says with nanoarrow, as a flatbuffer.
 *
 * In:   the columns of a builder
 * Out:  the head of the message, which has no body
 * Next: ipc_write.c
 *
 * The tables are those of Schema.fbs; names of constants are its names.
 */
#include "arrow/ipc_format.h"
#include "arrow/ipc_writer.h"

enum { PRECISION_SINGLE = 1, PRECISION_DOUBLE = 2 };
enum { DATE_UNIT_DAY = 0, TIME_UNIT_MICROSECOND = 2, INTERVAL_UNIT_MONTH_DAY_NANO = 2 };

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { ENDIANNESS = 1 };
#else
enum { ENDIANNESS = 0 };
#endif

/* What is to be said of a field beside its type. */
typedef struct Field {
    const char *name;
    const char *type_name; /* PostgreSQL's, or NULL */
    bool is_required;      /* not nullable */
    bool has_dictionary;
    size_t child_count;
} Field;

/* Where the type and the children of a field go. */
typedef struct FieldSlots {
    size_t type_type, type, dictionary, children;
} FieldSlots;

void
idc_ipc_write_metadata(IdcFlat *flat, size_t slot, const char *key, const char *value)
{
    size_t pairs = idc_flat_vector(flat, slot, 1, sizeof(uint32_t), sizeof(uint32_t));
    IdcFlatTable pair = idc_flat_table(flat, pairs, "44");

    idc_flat_text(flat, pair.fields[0], key, strlen(key));
    idc_flat_text(flat, pair.fields[1], value, strlen(value));
}

static FieldSlots
field_begin(IdcFlat *flat, size_t slot, const Field *field)
{
    char sizes[] = "4114-4-";
    IdcFlatTable table;
    FieldSlots slots;

    if (field->has_dictionary)
        sizes[FIELD_DICTIONARY] = '4';
    if (field->type_name != NULL)
        sizes[FIELD_METADATA] = '4';
    table = idc_flat_table(flat, slot, sizes);
    slots.type_type = table.fields[FIELD_TYPE_TYPE];
    slots.type = table.fields[FIELD_TYPE];
    slots.dictionary = table.fields[FIELD_DICTIONARY];
    idc_flat_text(flat, table.fields[FIELD_NAME], field->name, strlen(field->name));
    idc_flat_set(flat, table.fields[FIELD_NULLABLE], 1, !field->is_required);
    if (field->type_name != NULL)
        idc_ipc_write_metadata(flat, table.fields[FIELD_METADATA], "postgresql:type",
                               field->type_name);
    /* Also where there are none: older readers insist on the vector. */
    slots.children = idc_flat_vector(flat, table.fields[FIELD_CHILDREN], field->child_count,
                                     sizeof(uint32_t), sizeof(uint32_t));
    return slots;
}

/* A type and the table of it, whose fields the caller sets. */
static IdcFlatTable
type_begin(IdcFlat *flat, FieldSlots slots, int type, const char *sizes)
{
    idc_flat_set(flat, slots.type_type, 1, type);
    return idc_flat_table(flat, slots.type, sizes);
}

static void
write_int(IdcFlat *flat, FieldSlots slots, int bits, bool is_signed)
{
    IdcFlatTable table = type_begin(flat, slots, TYPE_INT, "41");

    idc_flat_set(flat, table.fields[0], 4, bits);
    idc_flat_set(flat, table.fields[1], 1, is_signed);
}

static void
write_unit(IdcFlat *flat, FieldSlots slots, int type, int unit)
{
    IdcFlatTable table = type_begin(flat, slots, type, "2");

    idc_flat_set(flat, table.fields[0], 2, unit);
}

static void
write_time(IdcFlat *flat, FieldSlots slots)
{
    IdcFlatTable table = type_begin(flat, slots, TYPE_TIME, "24");

    idc_flat_set(flat, table.fields[0], 2, TIME_UNIT_MICROSECOND);
    idc_flat_set(flat, table.fields[1], 4, 64);
}

static void
write_timestamp(IdcFlat *flat, FieldSlots slots, const char *zone)
{
    IdcFlatTable table = type_begin(flat, slots, TYPE_TIMESTAMP, zone != NULL ? "24" : "2");

    idc_flat_set(flat, table.fields[0], 2, TIME_UNIT_MICROSECOND);
    if (zone != NULL)
        idc_flat_text(flat, table.fields[1], zone, strlen(zone));
}

static void
write_decimal(IdcFlat *flat, FieldSlots slots, const IdcColumnSpec *spec)
{
    IdcFlatTable table = type_begin(flat, slots, TYPE_DECIMAL, "444");

    idc_flat_set(flat, table.fields[0], 4, spec->precision);
    idc_flat_set(flat, table.fields[1], 4, spec->scale);
    idc_flat_set(flat, table.fields[2], 4, 128);
}

static void
write_text(IdcFlat *flat, FieldSlots slots, bool is_small)
{
    (void) type_begin(flat, slots, is_small ? TYPE_UTF8 : TYPE_LARGE_UTF8, "");
}

/* The type of a column that holds no others. */
static void
write_scalar(const IdcIpcWriter *writer, IdcFlat *flat, FieldSlots slots, const IdcColumn *column)
{
    bool is_small = writer->options.small_offsets;

    switch (column->kind) {
    case IDC_KIND_BOOL:
        (void) type_begin(flat, slots, TYPE_BOOL, "");
        return;
    case IDC_KIND_INT16:
        write_int(flat, slots, 16, true);
        return;
    case IDC_KIND_INT32:
        write_int(flat, slots, 32, true);
        return;
    case IDC_KIND_INT64:
        write_int(flat, slots, 64, true);
        return;
    case IDC_KIND_UINT32:
        write_int(flat, slots, 32, false);
        return;
    case IDC_KIND_UINT64:
        write_int(flat, slots, 64, false);
        return;
    case IDC_KIND_FLOAT32:
        write_unit(flat, slots, TYPE_FLOAT, PRECISION_SINGLE);
        return;
    case IDC_KIND_FLOAT64:
    case IDC_KIND_NUMERIC_FLOAT64:
        write_unit(flat, slots, TYPE_FLOAT, PRECISION_DOUBLE);
        return;
    case IDC_KIND_NUMERIC_DECIMAL:
        if (writer->options.decimals_are_float64) {
            write_unit(flat, slots, TYPE_FLOAT, PRECISION_DOUBLE);
            return;
        }
        write_decimal(flat, slots, column->spec);
        return;
    case IDC_KIND_BYTES:
        (void) type_begin(flat, slots, is_small ? TYPE_BINARY : TYPE_LARGE_BINARY, "");
        return;
    case IDC_KIND_DATE:
        write_unit(flat, slots, TYPE_DATE, DATE_UNIT_DAY);
        return;
    case IDC_KIND_TIME:
        write_time(flat, slots);
        return;
    case IDC_KIND_TIMESTAMP:
        write_timestamp(flat, slots, NULL);
        return;
    case IDC_KIND_TIMESTAMPTZ:
        write_timestamp(flat, slots, "UTC");
        return;
    case IDC_KIND_INTERVAL:
        write_unit(flat, slots, TYPE_INTERVAL, INTERVAL_UNIT_MONTH_DAY_NANO);
        return;
    case IDC_KIND_ENUM:
        write_text(flat, slots, true);
        return;
    default:
        write_text(flat, slots, is_small);
    }
}

/* The numbers are int32; the field's type is that of the labels. */
static void
write_dictionary(IdcIpcWriter *writer, size_t slot, const IdcColumn *column)
{
    IdcFlat *flat = &writer->flat;
    IdcFlatTable table = idc_flat_table(flat, slot, "841"), number;
    size_t id = writer->dictionary_count++;

    writer->dictionaries[id] = (IdcIpcDictionary){ .column = column };
    idc_flat_set(flat, table.fields[0], 8, (int64_t) id);
    /* The labels of an enum stand in its order. */
    idc_flat_set(flat, table.fields[2], 1, column->kind == IDC_KIND_ENUM);
    number = idc_flat_table(flat, table.fields[1], "41");
    idc_flat_set(flat, number.fields[0], 4, 32);
    idc_flat_set(flat, number.fields[1], 1, true);
}

/* map<text, text>: a required struct "entries" of a required key and a value. */
static void
write_map(IdcIpcWriter *writer, FieldSlots map, const IdcColumn *column)
{
    static const Field pair[] = { { .name = "key", .is_required = true }, { .name = "value" } };
    static const Field entries = { .name = "entries", .is_required = true, .child_count = 2 };
    IdcFlat *flat = &writer->flat;
    FieldSlots slots;

    (void) type_begin(flat, map, TYPE_MAP, "1");
    map = field_begin(flat, map.children, &entries);
    (void) type_begin(flat, map, TYPE_STRUCT, "");
    for (size_t i = 0; i < 2; i++) {
        slots = field_begin(flat, map.children + i * sizeof(uint32_t), &pair[i]);
        write_scalar(writer, flat, slots, column->children[i]);
    }
}

static void
write_field(IdcIpcWriter *writer, size_t slot, const IdcColumn *column, const char *name,
            const char *type_name)
{
    bool is_nested = column->kind == IDC_KIND_LIST || column->kind == IDC_KIND_HSTORE;
    Field field = { .name = name,
                    .type_name = type_name,
                    .has_dictionary = column->dictionary != NULL,
                    .child_count = is_nested };
    IdcFlat *flat = &writer->flat;
    FieldSlots slots = field_begin(flat, slot, &field);
    const IdcColumn *child = column->children[0];

    if (column->kind == IDC_KIND_HSTORE) {
        write_map(writer, slots, column);
    } else if (column->kind == IDC_KIND_LIST) {
        (void) type_begin(flat, slots, writer->options.small_offsets ? TYPE_LIST : TYPE_LARGE_LIST,
                          "");
        /* Lists in lists are one array of PostgreSQL: only the element has a type of its own. */
        write_field(writer, slots.children, child, "item",
                    child->kind == IDC_KIND_LIST ? NULL : child->spec->type_name);
    } else {
        write_scalar(writer, flat, slots, column);
        if (column->dictionary != NULL)
            write_dictionary(writer, slots.dictionary, column);
    }
}

void
idc_ipc_schema_head(IdcIpcWriter *writer)
{
    IdcFlat *flat = &writer->flat;
    size_t begin = idc_flat_begin(flat), fields;
    IdcFlatTable message = idc_flat_table(flat, begin + IDC_FLAT_ROOT, "2148"), schema;

    idc_flat_set(flat, message.fields[0], 2, VERSION_5);
    idc_flat_set(flat, message.fields[1], 1, HEADER_SCHEMA);
    schema = idc_flat_table(flat, message.fields[2], "24");
    idc_flat_set(flat, schema.fields[0], 2, ENDIANNESS);
    fields = idc_flat_vector(flat, schema.fields[1], writer->column_count, sizeof(uint32_t),
                             sizeof(uint32_t));
    writer->dictionary_count = 0;
    for (size_t i = 0; i < writer->column_count; i++) {
        const IdcColumn *column = writer->columns[i];

        write_field(writer, fields + i * sizeof(uint32_t), column, column->spec->name,
                    column->spec->type_name);
    }
    idc_flat_end(flat, begin);
}
