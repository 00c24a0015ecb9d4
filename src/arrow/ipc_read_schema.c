/*
 * ipc_read_schema.c - the Schema of a stream (Schema.fbs) as an ArrowSchema.
 *
 * In:   the table of a schema message
 * Out:  a schema that is independent of the message, and the ids of its dictionaries
 */
#include "arrow/ipc_format.h"
#include "arrow/ipc_reader.h"
#include "arrow/schema_make.h"
#include "base/memory.h"
#include "base/text.h"

/* The smallest a field can be: its offset, its table's and its type's. */
enum { LEAST_FIELD = 12 };

/*
 * One message may name the same table many times, and so become far bigger than it is: both what
 * is made of fields and what is copied from it is limited.
 */
typedef struct SchemaReading {
    size_t fields_left, bytes_left;
    int64_t *ids;
    size_t id_count, id_capacity;
    IdcError *err;
} SchemaReading;

static IdcStatus
damaged(SchemaReading *reading, const char *what)
{
    return idc_fail(reading->err, IDC_SOURCE_FAILED, "damaged Arrow schema: %s", what);
}

static IdcStatus
made_status(SchemaReading *reading, bool is_made)
{
    return is_made ? IDC_OK : idc_fail_no_memory(reading->err);
}

/* A text as a C string: what follows a zero byte is lost, as in the C data interface. */
static IdcStatus
read_text(SchemaReading *reading, const IpcString *string, IdcText *text)
{
    if (string->len > reading->bytes_left)
        return damaged(reading, "more names than the message can hold");
    reading->bytes_left -= string->len;
    if (!idc_utf8_is_valid(string->data, string->len))
        return damaged(reading, "a name that is not UTF-8");
    idc_text_append_len(text, string->data, string->len);
    return idc_text_check(text, reading->err);
}

static const char *const type_names[] = {
    "none",
    "null",
    "int",
    "floating point",
    "binary",
    "utf8",
    "bool",
    "decimal",
    "date",
    "time",
    "timestamp",
    "interval",
    "list",
    "struct",
    "union",
    "fixed_size_binary",
    "fixed_size_list",
    "map",
    "duration",
    "large_binary",
    "large_utf8",
    "large_list",
    "run_end_encoded",
    "binary_view",
    "utf8_view",
    "list_view",
    "large_list_view",
};

static const char *
type_name(int64_t type)
{
    if (type < 0 || (size_t) type >= sizeof type_names / sizeof type_names[0])
        return "unknown";
    return type_names[type];
}

static char
int_letter(const IpcTable *type)
{
    bool is_signed = idc_ipc_table_number(type, 1, 1, 0) != 0;

    switch (idc_ipc_table_number(type, 0, 4, 0)) {
    case 8:
        return is_signed ? 'c' : 'C';
    case 16:
        return is_signed ? 's' : 'S';
    case 32:
        return is_signed ? 'i' : 'I';
    case 64:
        return is_signed ? 'l' : 'L';
    default:
        return '\0';
    }
}

/* letters[i]; or 0 where i is none of them. */
static char
letter_of(const char *letters, int64_t i)
{
    return i >= 0 && (size_t) i < strlen(letters) ? letters[i] : '\0';
}

static void
append_letter(IdcText *format, const char *prefix, char letter)
{
    if (letter == '\0')
        return;
    idc_text_append(format, prefix);
    idc_text_append_char(format, letter);
}

static void
time_format(const IpcTable *type, IdcText *format)
{
    int64_t unit = idc_ipc_table_number(type, 0, 2, 1);
    int64_t bits = idc_ipc_table_number(type, 1, 4, 32);

    /* Seconds and milliseconds have 32 bits, finer ones 64. */
    if (bits == (unit < 2 ? 32 : 64))
        append_letter(format, "tt", letter_of("smun", unit));
}

static void
decimal_format(const IpcTable *type, IdcText *format)
{
    int64_t precision = idc_ipc_table_number(type, 0, 4, 0);
    int64_t scale = idc_ipc_table_number(type, 1, 4, 0);
    int64_t bits = idc_ipc_table_number(type, 2, 4, 128);

    if (precision < 1 || precision > (bits == 256 ? 76 : 38) || scale < -1000 || scale > 1000)
        return;
    if (bits == 128)
        idc_text_append_format(format, "d:%d,%d", (int) precision, (int) scale);
    else if (bits == 256)
        idc_text_append_format(format, "d:%d,%d,256", (int) precision, (int) scale);
}

static void
size_format(const IpcTable *type, const char *prefix, IdcText *format)
{
    int64_t size = idc_ipc_table_number(type, 0, 4, 0);

    /* Arrow allows 0, most of what reads arrays does not. */
    if (size > 0)
        idc_text_append_format(format, "%s%d", prefix, (int) size);
}

static const char *
constant_format(int64_t number)
{
    switch (number) {
    case TYPE_NULL:
        return "n";
    case TYPE_BINARY:
        return "z";
    case TYPE_UTF8:
        return "u";
    case TYPE_BOOL:
        return "b";
    case TYPE_LIST:
        return "+l";
    case TYPE_STRUCT:
        return "+s";
    case TYPE_MAP:
        return "+m";
    case TYPE_LARGE_BINARY:
        return "Z";
    case TYPE_LARGE_UTF8:
        return "U";
    case TYPE_LARGE_LIST:
        return "+L";
    default:
        return NULL;
    }
}

/* The format stays empty where there is none for the type. */
static IdcStatus
type_format(SchemaReading *reading, int64_t number, const IpcTable *type, IdcText *format)
{
    IpcString zone;

    switch (number) {
    case TYPE_INT:
        append_letter(format, "", int_letter(type));
        break;
    case TYPE_FLOAT:
        append_letter(format, "", letter_of("efg", idc_ipc_table_number(type, 0, 2, 0)));
        break;
    case TYPE_DECIMAL:
        decimal_format(type, format);
        break;
    case TYPE_DATE:
        append_letter(format, "td", letter_of("Dm", idc_ipc_table_number(type, 0, 2, 1)));
        break;
    case TYPE_TIME:
        time_format(type, format);
        break;
    case TYPE_TIMESTAMP:
        append_letter(format, "ts", letter_of("smun", idc_ipc_table_number(type, 0, 2, 0)));
        zone = idc_ipc_table_string(type, 1);
        if (format->len == 0)
            break;
        idc_text_append_char(format, ':');
        return read_text(reading, &zone, format);
    case TYPE_INTERVAL:
        append_letter(format, "ti", letter_of("MDn", idc_ipc_table_number(type, 0, 2, 0)));
        break;
    case TYPE_DURATION:
        append_letter(format, "tD", letter_of("smun", idc_ipc_table_number(type, 0, 2, 1)));
        break;
    case TYPE_FIXED_SIZE_BINARY:
        size_format(type, "w:", format);
        break;
    case TYPE_FIXED_SIZE_LIST:
        size_format(type, "+w:", format);
        break;
    default:
        if (constant_format(number) != NULL)
            idc_text_append(format, constant_format(number));
    }
    return IDC_OK;
}

static IdcStatus
set_type(SchemaReading *reading, const IpcTable *field, struct ArrowSchema *schema)
{
    int64_t number = (uint8_t) idc_ipc_table_number(field, FIELD_TYPE_TYPE, 1, 0);
    IpcTable type = idc_ipc_table_table(field, FIELD_TYPE);
    IdcText format;
    IdcStatus status;

    if (!idc_ipc_table_exists(&type) || field->metadata->is_broken)
        return damaged(reading, "a field without a type");
    idc_text_init(&format, 0);
    status = type_format(reading, number, &type, &format);
    if (status == IDC_OK)
        status = idc_text_check(&format, reading->err);
    if (status == IDC_OK && format.len == 0)
        status = idc_fail(reading->err, IDC_UNSUPPORTED,
                          "the Arrow type %s is not supported, or not with these parameters",
                          type_name(number));
    if (status == IDC_OK)
        status = made_status(reading, idc_schema_set_format(schema, idc_text_string(&format)));
    if (number == TYPE_MAP && idc_ipc_table_number(&type, 0, 1, 0) != 0)
        schema->flags |= ARROW_FLAG_MAP_KEYS_SORTED;
    idc_text_done(&format);
    return status;
}

static IdcStatus
set_metadata(SchemaReading *reading, const IpcTable *table, unsigned field,
             struct ArrowSchema *schema)
{
    IpcVector pairs = idc_ipc_table_vector(table, field, 4);
    IdcText metadata;

    if (pairs.count == 0)
        return IDC_OK;
    idc_metadata_begin(&metadata, pairs.count);
    for (size_t i = 0; i < pairs.count; i++) {
        IpcTable pair = idc_ipc_vector_table(&pairs, i);
        IpcString key = idc_ipc_table_string(&pair, 0);
        IpcString value = idc_ipc_table_string(&pair, 1);

        if (table->metadata->is_broken || key.len + value.len + 8 > reading->bytes_left) {
            idc_text_done(&metadata);
            return damaged(reading, "metadata outside of the message");
        }
        reading->bytes_left -= key.len + value.len + 8;
        idc_metadata_append(&metadata, key.data, key.len, value.data, value.len);
    }
    return made_status(reading, idc_schema_give_metadata(schema, &metadata));
}

static IdcStatus
add_id(SchemaReading *reading, int64_t id)
{
    if (reading->id_count == reading->id_capacity) {
        size_t capacity = reading->id_capacity * 2 + 8;
        int64_t *ids = idc_realloc(reading->ids, capacity * sizeof *ids);

        if (ids == NULL)
            return idc_fail_no_memory(reading->err);
        reading->ids = ids;
        reading->id_capacity = capacity;
    }
    reading->ids[reading->id_count++] = id;
    return IDC_OK;
}

/* The field holds indices; its type becomes that of schema->dictionary. */
static IdcStatus
set_dictionary(SchemaReading *reading, const IpcTable *encoding, struct ArrowSchema *schema)
{
    IpcTable index = idc_ipc_table_table(encoding, 1);
    char format[2] = { 'i', '\0' };

    if (idc_ipc_table_exists(&index))
        format[0] = int_letter(&index);
    if (format[0] == '\0')
        return damaged(reading, "a dictionary with indices of no known width");
    if (idc_ipc_table_number(encoding, 3, 2, 0) != 0)
        return idc_fail(reading->err, IDC_UNSUPPORTED,
                        "a dictionary that is not a dense array is not supported");
    if (idc_ipc_table_number(encoding, 2, 1, 0) != 0)
        schema->flags |= ARROW_FLAG_DICTIONARY_ORDERED;
    if (!idc_schema_set_format(schema, format) || !idc_schema_add_dictionary(schema))
        return idc_fail_no_memory(reading->err);
    return add_id(reading, idc_ipc_table_number(encoding, 0, 8, 0));
}

/* Entries and keys of a map are never NULL, whatever a stream says; a batch with one is damaged. */
static void
set_map_nullability(struct ArrowSchema *schema)
{
    if (strcmp(schema->format, "+m") != 0 || schema->n_children != 1)
        return;
    schema->children[0]->flags &= ~ARROW_FLAG_NULLABLE;
    if (schema->children[0]->n_children > 0)
        schema->children[0]->children[0]->flags &= ~ARROW_FLAG_NULLABLE;
}

static IdcStatus read_fields(SchemaReading *reading, const IpcVector *fields, int depth,
                             struct ArrowSchema *schema);

static IdcStatus
read_field(SchemaReading *reading, const IpcTable *field, int depth, struct ArrowSchema *schema)
{
    IpcTable encoding = idc_ipc_table_table(field, FIELD_DICTIONARY);
    IpcString name = idc_ipc_table_string(field, FIELD_NAME);
    struct ArrowSchema *type = schema;
    IpcVector children;
    IdcText text;
    IdcStatus status;

    idc_text_init(&text, 0);
    status = read_text(reading, &name, &text);
    if (status == IDC_OK)
        status = made_status(reading, idc_schema_set_name(schema, idc_text_string(&text)));
    idc_text_done(&text);
    schema->flags =
        idc_ipc_table_number(field, FIELD_NULLABLE, 1, 0) != 0 ? ARROW_FLAG_NULLABLE : 0;
    if (status == IDC_OK && idc_ipc_table_exists(&encoding)) {
        status = set_dictionary(reading, &encoding, schema);
        type = schema->dictionary;
    }
    if (status == IDC_OK)
        status = set_type(reading, field, type);
    if (status == IDC_OK)
        status = set_metadata(reading, field, FIELD_METADATA, schema);
    children = idc_ipc_table_vector(field, FIELD_CHILDREN, 4);
    if (status == IDC_OK)
        status = read_fields(reading, &children, depth + 1, type);
    if (status == IDC_OK)
        set_map_nullability(type);
    return status;
}

static IdcStatus
read_fields(SchemaReading *reading, const IpcVector *fields, int depth, struct ArrowSchema *schema)
{
    IdcStatus status = IDC_OK;

    if (fields->metadata->is_broken)
        return damaged(reading, "fields outside of the message");
    if (fields->count == 0)
        return IDC_OK;
    if (depth > IDC_LAYOUT_MAX_DEPTH)
        return idc_fail(reading->err, IDC_UNSUPPORTED, "types nested more than %d deep",
                        IDC_LAYOUT_MAX_DEPTH);
    if (fields->count > reading->fields_left)
        return damaged(reading, "more fields than the message can hold");
    reading->fields_left -= fields->count;
    status = made_status(reading, idc_schema_add_children(schema, fields->count));
    for (size_t i = 0; status == IDC_OK && i < fields->count; i++) {
        IpcTable field = idc_ipc_vector_table(fields, i);

        if (!idc_ipc_table_exists(&field))
            return damaged(reading, "fields outside of the message");
        status = read_field(reading, &field, depth, schema->children[i]);
        if (status != IDC_OK && depth == 0 && schema->children[i]->name != NULL)
            (void) idc_add_context(reading->err, "column \"%s\"", schema->children[i]->name);
    }
    return status;
}

IdcStatus
idc_ipc_schema_read(const IpcTable *table, struct ArrowSchema *schema, int64_t **ids,
                    size_t *id_count, IdcError *err)
{
    SchemaReading reading = { .fields_left = table->metadata->len / LEAST_FIELD,
                              .bytes_left = table->metadata->len * 16,
                              .err = err };
    IpcVector fields = idc_ipc_table_vector(table, 1, 4);
    struct ArrowSchema made;
    IdcStatus status;

    if (idc_ipc_table_number(table, 0, 2, 0) != 0)
        return idc_fail(err, IDC_UNSUPPORTED, "big-endian Arrow streams are not supported");
    idc_schema_init(&made);
    status = made_status(&reading, idc_schema_set_format(&made, "+s"));
    if (status == IDC_OK)
        status = read_fields(&reading, &fields, 0, &made);
    if (status == IDC_OK)
        status = set_metadata(&reading, table, 2, &made);
    if (status == IDC_OK && table->metadata->is_broken)
        status = damaged(&reading, "an offset leads outside of the message");
    if (status != IDC_OK) {
        made.release(&made);
        idc_free(reading.ids);
        return status;
    }
    *schema = made;
    *ids = reading.ids;
    *id_count = reading.id_count;
    return IDC_OK;
}
