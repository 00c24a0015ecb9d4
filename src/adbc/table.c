/*
 * table.c - growing buffers, and the Arrow structs that they are moved into.
 */
#include "adbc/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct Bytes {
    uint8_t *data;
    size_t len, room;
} Bytes;

/* validity has a bit a value; offsets: of u, +l, +m and +ud; data: of the rest (types in a +ud). */
struct AdbcColumn {
    const AdbcField *field;
    int64_t length, null_count;
    Bytes validity, offsets, data;
    bool *has_failed; /* of the whole table */
    AdbcColumn *children;
};

/* ---- growing ---- */

static void
bytes_append(AdbcColumn *column, Bytes *bytes, const void *data, size_t len)
{
    if (bytes->room - bytes->len < len) {
        size_t room = 2 * bytes->room + len + 64;
        uint8_t *grown = realloc(bytes->data, room);

        if (grown == NULL) {
            *column->has_failed = true;
            return;
        }
        bytes->data = grown;
        bytes->room = room;
    }
    if (len > 0)
        memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
}

static void
bit_append(AdbcColumn *column, Bytes *bytes, bool is_set)
{
    size_t i = (size_t) column->length;

    if (i % 8 == 0)
        bytes_append(column, bytes, "", 1);
    if (is_set && !*column->has_failed)
        bytes->data[i / 8] |= (uint8_t) (1U << (i % 8));
}

static void
offset_append(AdbcColumn *column, int64_t offset)
{
    int32_t narrow = (int32_t) offset;

    if (offset > INT32_MAX)
        *column->has_failed = true;
    bytes_append(column, &column->offsets, &narrow, sizeof narrow);
}

static bool
is_format(const AdbcColumn *column, const char *format)
{
    return strcmp(column->field->format, format) == 0;
}

static bool
is_union(const AdbcColumn *column)
{
    return strncmp(column->field->format, "+ud", 3) == 0;
}

static bool
is_list(const AdbcColumn *column)
{
    return is_format(column, "+l") || is_format(column, "+m");
}

static bool
column_init(AdbcColumn *column, const AdbcField *field, bool *has_failed)
{
    column->field = field;
    column->has_failed = has_failed;
    if (is_format(column, "u") || is_list(column))
        offset_append(column, 0);
    if (field->child_count == 0)
        return true;
    column->children = calloc(field->child_count, sizeof *column->children);
    for (size_t i = 0; i < field->child_count && column->children != NULL; i++)
        if (!column_init(&column->children[i], &field->children[i], has_failed))
            return false;
    return column->children != NULL;
}

static void
column_done(AdbcColumn *column)
{
    for (size_t i = 0; column->children != NULL && i < column->field->child_count; i++)
        column_done(&column->children[i]);
    free(column->children);
    free(column->validity.data);
    free(column->offsets.data);
    free(column->data.data);
}

AdbcColumn *
idc_adbc_table_new(const AdbcField *root)
{
    AdbcColumn *column = calloc(1, sizeof *column);
    bool *has_failed = calloc(1, sizeof *has_failed);

    if (column == NULL || has_failed == NULL) {
        free(column);
        free(has_failed);
        return NULL;
    }
    if (!column_init(column, root, has_failed)) {
        idc_adbc_table_free(column);
        return NULL;
    }
    return column;
}

void
idc_adbc_table_free(AdbcColumn *root)
{
    if (root == NULL)
        return;
    free(root->has_failed);
    column_done(root);
    free(root);
}

AdbcColumn *
idc_adbc_child(AdbcColumn *column, size_t i)
{
    return &column->children[i];
}

/* ---- values ---- */

static void
value_end(AdbcColumn *column, bool is_valid)
{
    bit_append(column, &column->validity, is_valid);
    column->null_count += !is_valid;
    column->length++;
}

void
idc_adbc_append_text(AdbcColumn *column, const char *text)
{
    if (text != NULL)
        bytes_append(column, &column->data, text, strlen(text));
    offset_append(column, (int64_t) column->data.len);
    value_end(column, text != NULL);
}

static void
number_append(AdbcColumn *column, int64_t number, bool is_valid)
{
    int16_t two = (int16_t) number;
    int32_t four = (int32_t) number;
    uint32_t unsigned_four = (uint32_t) number;

    switch (column->field->format[0]) {
    case 'b':
        bit_append(column, &column->data, number != 0);
        break;
    case 's':
        bytes_append(column, &column->data, &two, sizeof two);
        break;
    case 'i':
        bytes_append(column, &column->data, &four, sizeof four);
        break;
    case 'I':
        bytes_append(column, &column->data, &unsigned_four, sizeof unsigned_four);
        break;
    default:
        bytes_append(column, &column->data, &number, sizeof number);
    }
    value_end(column, is_valid);
}

void
idc_adbc_append_int(AdbcColumn *column, int64_t number)
{
    number_append(column, number, true);
}

void
idc_adbc_append_null(AdbcColumn *column)
{
    if (is_format(column, "u")) {
        idc_adbc_append_text(column, NULL);
    } else if (is_list(column)) {
        offset_append(column, column->children[0].length);
        value_end(column, false);
    } else {
        number_append(column, 0, false);
    }
}

void
idc_adbc_append_end(AdbcColumn *column)
{
    if (is_list(column))
        offset_append(column, column->children[0].length);
    value_end(column, true);
}

void
idc_adbc_append_choice(AdbcColumn *column, int8_t child)
{
    bytes_append(column, &column->data, &child, sizeof child);
    offset_append(column, column->children[child].length - 1);
    column->length++;
}

/* ---- the Arrow structs ---- */

static void
schema_release(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i] != NULL && schema->children[i]->release != NULL)
            schema->children[i]->release(schema->children[i]);
        free(schema->children[i]);
    }
    free((void *) schema->children);
    schema->release = NULL;
}

/* A half-built schema can be released too. */
static bool
schema_make(const AdbcField *field, struct ArrowSchema *schema)
{
    *schema = (struct ArrowSchema){ .format = field->format,
                                    .name = field->name,
                                    .flags = field->is_required ? 0 : ARROW_FLAG_NULLABLE,
                                    .release = schema_release };
    if (field->child_count == 0)
        return true;
    schema->children = calloc(field->child_count, sizeof *schema->children);
    if (schema->children == NULL)
        return false;
    for (size_t i = 0; i < field->child_count; i++) {
        struct ArrowSchema *child = calloc(1, sizeof *child);

        schema->children[i] = child;
        schema->n_children = (int64_t) i + 1;
        if (child == NULL || !schema_make(&field->children[i], child))
            return false;
    }
    return true;
}

static void
array_release(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i] != NULL && array->children[i]->release != NULL)
            array->children[i]->release(array->children[i]);
        free(array->children[i]);
    }
    free((void *) array->children);
    for (int64_t i = 0; array->buffers != NULL && i < array->n_buffers; i++)
        free((void *) array->buffers[i]);
    free((void *) array->buffers);
    array->release = NULL;
}

static void *
bytes_take(Bytes *bytes)
{
    void *data = bytes->data;

    *bytes = (Bytes){ 0 };
    return data;
}

/* The buffers move; a half-built array can be released too. */
static bool
array_make(AdbcColumn *column, struct ArrowArray *array)
{
    size_t count = column->field->child_count;
    int64_t n = 0;

    *array = (struct ArrowArray){ .length = column->length,
                                  .null_count = column->null_count,
                                  .release = array_release };
    array->buffers = calloc(3, sizeof *array->buffers);
    array->children = count > 0 ? calloc(count, sizeof *array->children) : NULL;
    if (array->buffers == NULL || (count > 0 && array->children == NULL))
        return false;
    if (is_union(column)) {
        array->buffers[n++] = bytes_take(&column->data);
        array->buffers[n++] = bytes_take(&column->offsets);
    } else {
        array->buffers[n++] = bytes_take(&column->validity);
        if (column->offsets.data != NULL)
            array->buffers[n++] = bytes_take(&column->offsets);
        if (count == 0)
            array->buffers[n++] = bytes_take(&column->data);
    }
    array->n_buffers = n;
    for (size_t i = 0; i < count; i++) {
        struct ArrowArray *child = calloc(1, sizeof *child);

        array->children[i] = child;
        array->n_children = (int64_t) i + 1;
        if (child == NULL || !array_make(&column->children[i], child))
            return false;
    }
    return true;
}

/* ---- the stream ---- */

typedef struct TableStream {
    const AdbcField *root;
    struct ArrowArray batch; /* release NULL: it was given out */
} TableStream;

static int
table_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    TableStream *table = stream->private_data;

    if (schema_make(table->root, schema))
        return 0;
    schema->release(schema);
    return ENOMEM;
}

static int
table_get_next(struct ArrowArrayStream *stream, struct ArrowArray *batch)
{
    TableStream *table = stream->private_data;

    *batch = table->batch;
    table->batch.release = NULL;
    return 0;
}

static const char *
table_get_last_error(struct ArrowArrayStream *stream)
{
    (void) stream;
    return "out of memory"; /* nothing else can fail */
}

static void
table_release(struct ArrowArrayStream *stream)
{
    TableStream *table = stream->private_data;

    if (table->batch.release != NULL)
        table->batch.release(&table->batch);
    free(table);
    stream->release = NULL;
}

AdbcStatusCode
idc_adbc_table_stream(AdbcColumn *root, struct ArrowArrayStream *stream, struct AdbcError *error)
{
    TableStream *table = calloc(1, sizeof *table);
    bool is_made = false;

    if (table != NULL && root != NULL && !*root->has_failed) {
        table->root = root->field;
        is_made = array_make(root, &table->batch);
        if (!is_made)
            array_release(&table->batch);
    }
    idc_adbc_table_free(root);
    if (!is_made) {
        free(table);
        return idc_adbc_fail_no_memory(error);
    }
    *stream = (struct ArrowArrayStream){ .get_schema = table_get_schema,
                                         .get_next = table_get_next,
                                         .get_last_error = table_get_last_error,
                                         .release = table_release,
                                         .private_data = table };
    return ADBC_STATUS_OK;
}
