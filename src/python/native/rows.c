/*
 * rows.c - Arrow columns as Python objects: a tree of fields, each with the function that reads it.
 *
 * A moment that Python's calendar (years 1 to 9999) cannot hold becomes its ISO text.
 */
#include "rows.h"

#include <stdio.h>
#include <string.h>

#include "moments.h"

typedef struct Field Field;

typedef PyObject *(*FieldReader)(const Field *field, const struct ArrowArray *array, int64_t i);

/* children: of a list (1), struct or map (an entry's key and value). labels: of the last
 * dictionary. */
struct Field {
    ModuleState *state;
    FieldReader read;
    FieldReader read_value; /* behind a dictionary: reads the index itself */
    PyObject *name;
    char format; /* of an integer: its letter */
    bool is_large;
    bool has_zone;
    int scale;
    int64_t units_per_second;
    size_t child_count;
    Field *children;
    Field *dictionary;
};

struct RowReader {
    Field root;
};

static const void *
buffer_of(const struct ArrowArray *array, int n)
{
    return array->buffers[n];
}

static bool
is_null(const struct ArrowArray *array, int64_t i)
{
    const uint8_t *bits = array->n_buffers > 0 ? buffer_of(array, 0) : NULL;
    int64_t position = i + array->offset;

    if (array->null_count == 0 || bits == NULL)
        return false;
    return (bits[position / 8] >> (position % 8) & 1) == 0;
}

static PyObject *
field_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    return is_null(array, i) ? Py_NewRef(Py_None) : field->read(field, array, i);
}

static PyObject *
null_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    (void) field;
    (void) array;
    (void) i;
    return Py_NewRef(Py_None);
}

static PyObject *
bool_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    const uint8_t *bits = buffer_of(array, 1);
    int64_t position = i + array->offset;

    (void) field;
    return PyBool_FromLong(bits[position / 8] >> (position % 8) & 1);
}

static int64_t
signed_at(char format, const void *data, int64_t position)
{
    switch (format) {
    case 'c':
        return ((const int8_t *) data)[position];
    case 'C':
        return ((const uint8_t *) data)[position];
    case 's':
        return ((const int16_t *) data)[position];
    case 'S':
        return ((const uint16_t *) data)[position];
    case 'i':
        return ((const int32_t *) data)[position];
    case 'I':
        return ((const uint32_t *) data)[position];
    default:
        return ((const int64_t *) data)[position];
    }
}

static PyObject *
int_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    int64_t position = i + array->offset;

    if (field->format == 'L')
        return PyLong_FromUnsignedLongLong(((const uint64_t *) buffer_of(array, 1))[position]);
    return PyLong_FromLongLong(signed_at(field->format, buffer_of(array, 1), position));
}

static PyObject *
float_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    int64_t position = i + array->offset;

    if (field->format == 'f')
        return PyFloat_FromDouble((double) ((const float *) buffer_of(array, 1))[position]);
    return PyFloat_FromDouble(((const double *) buffer_of(array, 1))[position]);
}

/* Where element i of a list, text or binary begins and ends. */
static void
offsets_at(const Field *field, const struct ArrowArray *array, int64_t i, int64_t *begin,
           int64_t *end)
{
    int64_t position = i + array->offset;

    if (field->is_large) {
        const int64_t *offsets = buffer_of(array, 1);

        *begin = offsets[position];
        *end = offsets[position + 1];
    } else {
        const int32_t *offsets = buffer_of(array, 1);

        *begin = offsets[position];
        *end = offsets[position + 1];
    }
}

static PyObject *
text_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    int64_t begin, end;

    offsets_at(field, array, i, &begin, &end);
    return PyUnicode_DecodeUTF8((const char *) buffer_of(array, 2) + begin, end - begin,
                                "surrogateescape");
}

static PyObject *
numeric_text_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    PyObject *text = text_read(field, array, i);
    PyObject *number = NULL;

    if (text != NULL)
        number = PyObject_CallFunctionObjArgs(field->state->decimal_type, text, NULL);
    Py_XDECREF(text);
    return number;
}

static PyObject *
binary_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    int64_t begin, end;

    offsets_at(field, array, i, &begin, &end);
    return PyBytes_FromStringAndSize((const char *) buffer_of(array, 2) + begin, end - begin);
}

static PyObject *
decimal_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    const uint8_t *data = (const uint8_t *) buffer_of(array, 1) + (i + array->offset) * 16;
    __int128 number;
    unsigned __int128 rest;
    char text[80];
    size_t at = sizeof text;
    int digits = 0;

    memcpy(&number, data, sizeof number);
    rest = number < 0 ? -(unsigned __int128) number : (unsigned __int128) number;
    text[--at] = '\0';
    while (rest != 0 || digits <= field->scale) {
        if (digits == field->scale && field->scale > 0)
            text[--at] = '.';
        text[--at] = (char) ('0' + (int) (rest % 10));
        rest /= 10;
        digits++;
    }
    if (number < 0)
        text[--at] = '-';
    return PyObject_CallFunction(field->state->decimal_type, "s", &text[at]);
}

static PyObject *
date_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    int64_t days = ((const int32_t *) buffer_of(array, 1))[i + array->offset];
    char text[MOMENT_TEXT_SIZE];
    Moment moment;

    moment_from_days(days, &moment);
    if (moment.year >= 1 && moment.year <= 9999)
        return PyObject_CallFunction(field->state->date_type, "iii", (int) moment.year,
                                     moment.month, moment.day);
    return PyUnicode_FromString(moment_text(&moment, MOMENT_DATE, text));
}

static PyObject *
time_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    int64_t number = ((const int64_t *) buffer_of(array, 1))[i + array->offset];
    Moment moment;

    moment_from_microseconds(number / (field->units_per_second / 1000000), &moment);
    return PyObject_CallFunction(field->state->time_type, "iiii", moment.hour, moment.minute,
                                 moment.second, moment.microsecond);
}

static PyObject *
timestamp_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    int64_t number = ((const int64_t *) buffer_of(array, 1))[i + array->offset];
    char text[MOMENT_TEXT_SIZE];
    Moment moment;

    moment_from_microseconds(number, &moment);
    if (moment.year < 1 || moment.year > 9999)
        return PyUnicode_FromString(
            moment_text(&moment, field->has_zone ? MOMENT_UTC : MOMENT_NAIVE, text));
    return PyObject_CallFunction(field->state->datetime_type,
                                 field->has_zone ? "iiiiiiiO" : "iiiiiii", (int) moment.year,
                                 moment.month, moment.day, moment.hour, moment.minute,
                                 moment.second, moment.microsecond, field->state->utc);
}

static PyObject *
interval_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    const uint8_t *data = (const uint8_t *) buffer_of(array, 1) + (i + array->offset) * 16;
    int32_t months, days;
    int64_t nanoseconds;

    memcpy(&months, data, sizeof months);
    memcpy(&days, data + 4, sizeof days);
    memcpy(&nanoseconds, data + 8, sizeof nanoseconds);
    return PyObject_CallFunction(field->state->interval_type, "iiL", (int) months, (int) days,
                                 (long long) (nanoseconds / 1000));
}

static PyObject *
list_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    PyObject *list = NULL;
    int64_t begin, end;

    offsets_at(field, array, i, &begin, &end);
    if ((list = PyList_New(end - begin)) == NULL)
        return NULL;
    for (int64_t n = begin; n < end; n++) {
        PyObject *item = field_read(&field->children[0], array->children[0], n);

        if (item == NULL || PyList_SetItem(list, n - begin, item) < 0) {
            Py_DECREF(list);
            return NULL;
        }
    }
    return list;
}

static PyObject *
struct_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    PyObject *dict = PyDict_New();

    for (size_t n = 0; dict != NULL && n < field->child_count; n++) {
        PyObject *value = field_read(&field->children[n], array->children[n], i + array->offset);

        if (value == NULL || PyDict_SetItem(dict, field->children[n].name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *
map_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    const struct ArrowArray *entries = array->children[0];
    const Field *entry = &field->children[0];
    PyObject *dict = PyDict_New();
    int64_t begin, end;

    offsets_at(field, array, i, &begin, &end);
    for (int64_t n = begin; dict != NULL && n < end; n++) {
        int64_t position = n + entries->offset;
        PyObject *key = field_read(&entry->children[0], entries->children[0], position);
        PyObject *value = field_read(&entry->children[1], entries->children[1], position);

        if (key == NULL || value == NULL || PyDict_SetItem(dict, key, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *
dictionary_read(const Field *field, const struct ArrowArray *array, int64_t i)
{
    int64_t index = signed_at(field->format, buffer_of(array, 1), i + array->offset);

    return field_read(field->dictionary, array->dictionary, index);
}

/* ---- fields from a schema ---- */

/* Formats that one function reads; longer ones that begin alike follow in field_init_parametric. */
static const struct {
    const char *format;
    FieldReader read;
    bool is_large;
    int64_t units_per_second;
} simple_formats[] = {
    { "n", null_read, false, 0 },
    { "b", bool_read, false, 0 },
    { "c", int_read, false, 0 },
    { "C", int_read, false, 0 },
    { "s", int_read, false, 0 },
    { "S", int_read, false, 0 },
    { "i", int_read, false, 0 },
    { "I", int_read, false, 0 },
    { "l", int_read, false, 0 },
    { "L", int_read, false, 0 },
    { "f", float_read, false, 0 },
    { "g", float_read, false, 0 },
    { "u", text_read, false, 0 },
    { "U", text_read, true, 0 },
    { "z", binary_read, false, 0 },
    { "Z", binary_read, true, 0 },
    { "tdD", date_read, false, 0 },
    { "ttu", time_read, false, 1000000 },
    { "ttn", time_read, false, 1000000000 },
    { "tin", interval_read, false, 0 },
    { "+l", list_read, false, 0 },
    { "+L", list_read, true, 0 },
    { "+s", struct_read, false, 0 },
    { "+m", map_read, false, 0 },
};

static bool
simple_format_find(Field *field, const char *format)
{
    for (size_t i = 0; i < sizeof simple_formats / sizeof *simple_formats; i++)
        if (strcmp(simple_formats[i].format, format) == 0) {
            field->read = simple_formats[i].read;
            field->is_large = simple_formats[i].is_large;
            field->units_per_second = simple_formats[i].units_per_second;
            return true;
        }
    return false;
}

static bool
parametric_format_find(Field *field, const char *format)
{
    int precision, scale, width = 128;

    if (strncmp(format, "tsu:", 4) == 0) {
        field->read = timestamp_read;
        field->has_zone = format[4] != '\0';
        return true;
    }
    if (sscanf(format, "d:%d,%d,%d", &precision, &scale, &width) >= 2 && width == 128 &&
        scale >= 0 && scale <= 38) {
        field->read = decimal_read;
        field->scale = scale;
        return true;
    }
    return false;
}

const char *
schema_metadata(const struct ArrowSchema *schema, const char *key, size_t *len)
{
    const char *at = schema->metadata;
    int32_t count, size;

    if (at == NULL)
        return NULL;
    memcpy(&count, at, sizeof count);
    at += sizeof count;
    for (int32_t i = 0; i < count; i++) {
        bool is_wanted;

        memcpy(&size, at, sizeof size);
        at += sizeof size;
        is_wanted = strlen(key) == (size_t) size && memcmp(at, key, (size_t) size) == 0;
        at += size;
        memcpy(&size, at, sizeof size);
        at += sizeof size;
        if (is_wanted) {
            *len = (size_t) size;
            return at;
        }
        at += size;
    }
    return NULL;
}

static bool
is_numeric_text(const Field *field, const struct ArrowSchema *schema)
{
    size_t len;
    const char *type = schema_metadata(schema, "postgresql:type", &len);

    return field->read == text_read && type != NULL && len >= 7 && memcmp(type, "numeric", 7) == 0;
}

static int field_init(ModuleState *state, const struct ArrowSchema *schema, bool numeric_text,
                      Field *field);

static int
field_children_init(ModuleState *state, const struct ArrowSchema *schema, bool numeric_text,
                    Field *field)
{
    if (schema->n_children > 0) {
        field->children = PyMem_Calloc((size_t) schema->n_children, sizeof *field->children);
        if (field->children == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        field->child_count++;
        if (field_init(state, schema->children[i], numeric_text, &field->children[i]) < 0)
            return -1;
    }
    return 0;
}

static int
field_init(ModuleState *state, const struct ArrowSchema *schema, bool numeric_text, Field *field)
{
    field->state = state;
    field->format = schema->format[0];
    field->name = PyUnicode_FromString(schema->name == NULL ? "" : schema->name);
    if (field->name == NULL || field_children_init(state, schema, numeric_text, field) < 0)
        return -1;
    if (!simple_format_find(field, schema->format) &&
        !parametric_format_find(field, schema->format)) {
        raise_class(state, "NotSupportedError",
                    "column \"%U\": the Arrow format \"%s\" has no Python form; use to_arrow()",
                    field->name, schema->format);
        return -1;
    }
    /* An element of an array has no type of its own in the metadata: its list's says enough. */
    if (numeric_text && is_numeric_text(field, schema))
        field->read = numeric_text_read;
    if (numeric_text && field->child_count == 1) {
        size_t len;
        const char *type = schema_metadata(schema, "postgresql:type", &len);

        if (type != NULL && len >= 7 && memcmp(type, "numeric", 7) == 0 &&
            field->children[0].read == text_read)
            field->children[0].read = numeric_text_read;
    }
    if (schema->dictionary == NULL)
        return 0;
    field->dictionary = PyMem_Calloc(1, sizeof *field->dictionary);
    if (field->dictionary == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    field->read = dictionary_read;
    return field_init(state, schema->dictionary, false, field->dictionary);
}

static void
field_done(Field *field)
{
    for (size_t i = 0; i < field->child_count; i++)
        field_done(&field->children[i]);
    PyMem_Free(field->children);
    if (field->dictionary != NULL)
        field_done(field->dictionary);
    PyMem_Free(field->dictionary);
    Py_CLEAR(field->name);
}

RowReader *
row_reader_new(ModuleState *state, const struct ArrowSchema *schema, bool numeric_text)
{
    RowReader *reader = PyMem_Calloc(1, sizeof *reader);

    if (reader == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (field_init(state, schema, numeric_text, &reader->root) < 0) {
        row_reader_free(reader);
        return NULL;
    }
    return reader;
}

RowReader *
value_reader_new(ModuleState *state, const struct ArrowSchema *schema)
{
    return row_reader_new(state, schema, false);
}

PyObject *
row_reader_value(const RowReader *reader, const struct ArrowArray *column, int64_t i)
{
    return field_read(&reader->root, column, i);
}

void
row_reader_free(RowReader *reader)
{
    if (reader == NULL)
        return;
    field_done(&reader->root);
    PyMem_Free(reader);
}

static PyObject *
tuple_read(const Field *root, const struct ArrowArray *batch, int64_t i)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t) root->child_count);

    for (size_t n = 0; tuple != NULL && n < root->child_count; n++) {
        PyObject *value = field_read(&root->children[n], batch->children[n], i + batch->offset);

        if (value == NULL || PyTuple_SetItem(tuple, (Py_ssize_t) n, value) < 0)
            Py_CLEAR(tuple);
    }
    return tuple;
}

int
row_reader_read(RowReader *reader, const struct ArrowArray *batch, int64_t first, int64_t count,
                bool as_dict, PyObject *list)
{
    for (int64_t i = first; i < first + count; i++) {
        PyObject *row =
            as_dict ? struct_read(&reader->root, batch, i) : tuple_read(&reader->root, batch, i);
        int status = row == NULL ? -1 : PyList_Append(list, row);

        Py_XDECREF(row);
        if (status < 0)
            return -1;
    }
    return 0;
}
