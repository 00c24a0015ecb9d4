/*
 * columns.c - an Arrow column as what numpy and pandas take: a buffer of values, or objects.
 *
 * In:   the capsules of Result.next_columns()
 * Out:  memory that numpy.frombuffer reads in place, NULLs written as pandas wants them
 * Next: frames.py
 *
 * A column that was just received belongs to nobody else, so it may be written to. A small one is
 * copied: its memory is shared with its neighbours', which would all stay as long as one is used.
 */
#include "columns.h"

#include <math.h>
#include <string.h>

#include "instant/arrow.h"
#include "rows.h"

enum {
    COPY_BELOW_BYTES = 16384,
    OBJECTS_AT_ONCE = 2048, /* objects are made under the GIL: let others run in between */
    GIL_FREE_FROM = 4096    /* rows; releasing the GIL costs more than fewer */
};

/* ---- the memory of a column that is used in place ---- */

typedef struct ColumnMemory {
    PyObject_HEAD struct ArrowArray array;
    void *address;
    Py_ssize_t size_bytes;
} ColumnMemory;

static void
column_memory_dealloc(PyObject *object)
{
    ColumnMemory *self = (ColumnMemory *) object;
    PyTypeObject *type = Py_TYPE(object);

    if (self->array.release != NULL)
        self->array.release(&self->array);
    PyObject_Free(object);
    Py_DECREF(type);
}

static int
column_memory_get(PyObject *object, Py_buffer *view, int flags)
{
    ColumnMemory *self = (ColumnMemory *) object;

    return PyBuffer_FillInfo(view, object, self->address, self->size_bytes, 0, flags);
}

static PyType_Slot column_memory_slots[] = {
    { Py_tp_doc, "The values of a column, writable." },
    { Py_tp_dealloc, column_memory_dealloc },
    { Py_bf_getbuffer, column_memory_get },
    { 0, NULL },
};

PyType_Spec column_memory_spec = {
    .name = "instant_connector._native.ColumnMemory",
    .basicsize = sizeof(ColumnMemory),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = column_memory_slots,
};

/* ---- the types that numpy has ---- */

typedef enum Missing { MISSING_MASK, MISSING_NAN, MISSING_NAT } Missing;

/* width 0: values are made anew (bits to bytes, days to seconds). */
typedef struct NumpyType {
    const char *format;
    const char *dtype;
    int width;
    Missing missing;
} NumpyType;

static const NumpyType numpy_types[] = {
    { "b", "bool", 0, MISSING_MASK },     { "c", "int8", 1, MISSING_MASK },
    { "C", "uint8", 1, MISSING_MASK },    { "s", "int16", 2, MISSING_MASK },
    { "S", "uint16", 2, MISSING_MASK },   { "i", "int32", 4, MISSING_MASK },
    { "I", "uint32", 4, MISSING_MASK },   { "l", "int64", 8, MISSING_MASK },
    { "L", "uint64", 8, MISSING_MASK },   { "f", "float32", 4, MISSING_NAN },
    { "g", "float64", 8, MISSING_NAN },   { "tdD", "M8[s]", 0, MISSING_NAT },
    { "tss:", "M8[s]", 8, MISSING_NAT },  { "tsm:", "M8[ms]", 8, MISSING_NAT },
    { "tsu:", "M8[us]", 8, MISSING_NAT }, { "tsn:", "M8[ns]", 8, MISSING_NAT },
};

static const NumpyType *
numpy_type_find(const struct ArrowSchema *schema)
{
    if (schema->dictionary != NULL)
        return NULL;
    for (size_t i = 0; i < sizeof numpy_types / sizeof *numpy_types; i++) {
        const char *format = numpy_types[i].format;
        bool has_zone = strncmp(format, "ts", 2) == 0;

        if (has_zone ? strncmp(format, schema->format, 4) == 0
                     : strcmp(format, schema->format) == 0)
            return &numpy_types[i];
    }
    return NULL;
}

/* The time zone of a timestamp, NULL if it has none. */
static const char *
zone_of(const struct ArrowSchema *schema)
{
    bool is_zoned = strncmp(schema->format, "ts", 2) == 0 && strlen(schema->format) > 4;

    return is_zoned ? schema->format + 4 : NULL;
}

static bool
bit_at(const uint8_t *bits, int64_t position)
{
    return (bits[position / 8] >> (position % 8) & 1) != 0;
}

/* The validity bits of an array with NULLs, else NULL. */
static const uint8_t *
validity_of(const struct ArrowArray *array)
{
    return array->null_count != 0 && array->n_buffers > 0 ? array->buffers[0] : NULL;
}

/* A producer may leave the number of NULLs open (-1). */
static void
null_count_settle(struct ArrowArray *array)
{
    const uint8_t *valid = validity_of(array);

    if (array->null_count >= 0)
        return;
    array->null_count = 0;
    for (int64_t i = 0; valid != NULL && i < array->length; i++)
        array->null_count += !bit_at(valid, i + array->offset);
}

/* Bits as bytes. */
static void
bools_expand(const struct ArrowArray *array, uint8_t *values)
{
    const uint8_t *bits = array->buffers[1];
    const uint8_t *valid = validity_of(array);

    for (int64_t i = 0; i < array->length; i++) {
        int64_t position = i + array->offset;

        values[i] = bit_at(bits, position) && (valid == NULL || bit_at(valid, position));
    }
}

/* pandas has no dates, and seconds reach every PostgreSQL date. */
static void
dates_expand(const struct ArrowArray *array, int64_t *values)
{
    const int32_t *days = (const int32_t *) array->buffers[1] + array->offset;

    for (int64_t i = 0; i < array->length; i++)
        values[i] = (int64_t) days[i] * 86400;
}

/* The value that stands for NULL in every place that is NULL. */
static void
missing_write(const struct ArrowArray *array, const NumpyType *type, void *values)
{
    const uint8_t *valid = validity_of(array);

    if (valid == NULL)
        return;
    for (int64_t i = 0; i < array->length; i++) {
        if (bit_at(valid, i + array->offset))
            continue;
        if (type->missing == MISSING_NAT)
            ((int64_t *) values)[i] = INT64_MIN;
        else if (type->width == 4)
            ((float *) values)[i] = NAN;
        else
            ((double *) values)[i] = (double) NAN;
    }
}

static void
mask_write(const struct ArrowArray *array, uint8_t *mask)
{
    const uint8_t *valid = validity_of(array);

    if (valid == NULL)
        memset(mask, 0, (size_t) array->length);
    else
        for (int64_t i = 0; i < array->length; i++)
            mask[i] = !bit_at(valid, i + array->offset);
}

/* Everything that goes through all values, with or without the GIL. values: those that numpy will
 * see; mask may be NULL. */
static void
column_write(const struct ArrowArray *array, const NumpyType *type, bool has_missing, void *values,
             uint8_t *mask)
{
    if (array->length == 0)
        return;
    if (strcmp(type->format, "b") == 0)
        bools_expand(array, values);
    else if (strcmp(type->format, "tdD") == 0)
        dates_expand(array, values);
    if (has_missing)
        missing_write(array, type, values);
    if (mask != NULL)
        mask_write(array, mask);
}

/* A new writable buffer. */
static PyObject *
buffer_make(int64_t count, int64_t width)
{
    int64_t size_bytes;

    if (__builtin_mul_overflow(count, width, &size_bytes) || size_bytes > PY_SSIZE_T_MAX)
        return PyErr_NoMemory();
    return PyByteArray_FromStringAndSize(NULL, (Py_ssize_t) size_bytes);
}

/* The values of array as numpy will see them: its own memory (then array is moved away), or new
 * memory, filled where it is a plain copy. */
static PyObject *
values_make(ModuleState *state, struct ArrowArray *array, const NumpyType *type, void **address)
{
    int64_t size_bytes = array->length * type->width;
    PyObject *buffer;

    if (type->width > 0 && size_bytes >= COPY_BELOW_BYTES) {
        ColumnMemory *memory = (ColumnMemory *) PyType_GenericAlloc(state->column_memory_type, 0);

        if (memory == NULL)
            return NULL;
        memory->address = (char *) array->buffers[1] + array->offset * type->width;
        memory->size_bytes = (Py_ssize_t) size_bytes;
        memory->array = *array;
        array->release = NULL;
        *address = memory->address;
        return (PyObject *) memory;
    }
    if (type->width > 0)
        buffer = buffer_make(array->length, type->width);
    else
        buffer = buffer_make(array->length, strcmp(type->format, "b") == 0 ? 1 : 8);
    if (buffer == NULL)
        return NULL;
    *address = PyByteArray_AsString(buffer);
    if (type->width > 0 && array->length > 0)
        memcpy(*address, (const char *) array->buffers[1] + array->offset * type->width,
               (size_t) size_bytes);
    return buffer;
}

PyObject *
column_values(PyObject *module, PyObject *args)
{
    PyObject *schema_capsule, *array_capsule;
    PyObject *values = NULL, *mask = NULL, *answer = NULL;
    struct ArrowSchema *schema;
    struct ArrowArray *original, array;
    const NumpyType *type;
    int masked;
    bool has_mask;
    void *address = NULL;
    uint8_t *mask_bytes = NULL;

    if (!PyArg_ParseTuple(args, "OOp:column_values", &schema_capsule, &array_capsule, &masked) ||
        (schema = PyCapsule_GetPointer(schema_capsule, "arrow_schema")) == NULL ||
        (original = PyCapsule_GetPointer(array_capsule, "arrow_array")) == NULL)
        return NULL;
    if (schema->release == NULL || original->release == NULL) {
        PyErr_SetString(PyExc_ValueError, "the column was taken already");
        return NULL;
    }
    if ((type = numpy_type_find(schema)) == NULL)
        return Py_BuildValue("(OsLO)", Py_None,
                             schema->dictionary != NULL ? "dictionary" : schema->format,
                             (long long) original->length, Py_None);
    null_count_settle(original);
    has_mask = type->missing != MISSING_NAT &&
               (masked || (type->missing == MISSING_MASK && validity_of(original) != NULL));
    array = *original; /* its buffers stay where they are, whoever owns them */
    if (has_mask && (mask = buffer_make(array.length, 1)) == NULL)
        return NULL;
    if (mask != NULL)
        mask_bytes = (uint8_t *) PyByteArray_AsString(mask);
    values = values_make(module_state(module), original, type, &address);
    if (values == NULL)
        goto done;
    if (array.length >= GIL_FREE_FROM) {
        Py_BEGIN_ALLOW_THREADS column_write(&array, type, !has_mask, address, mask_bytes);
        Py_END_ALLOW_THREADS
    } else {
        column_write(&array, type, !has_mask, address, mask_bytes);
    }
    answer = Py_BuildValue("(sOOs)", type->dtype, values, mask != NULL ? mask : Py_None,
                           zone_of(schema));

done:
    Py_XDECREF(values);
    Py_XDECREF(mask);
    return answer;
}

/* ---- objects ---- */

/* Elements of target[0 .. array->length), which hold references, become the column's values. */
static int
objects_write(const RowReader *reader, const struct ArrowArray *array, PyObject **target)
{
    for (int64_t i = 0; i < array->length; i++) {
        PyObject *value = row_reader_value(reader, array, i);
        PyObject *old = target[i];

        if (value == NULL)
            return -1;
        target[i] = value;
        Py_XDECREF(old);
        if ((i + 1) % OBJECTS_AT_ONCE == 0) {
            Py_BEGIN_ALLOW_THREADS Py_END_ALLOW_THREADS if (PyErr_CheckSignals() < 0) return -1;
        }
    }
    return 0;
}

PyObject *
fill_objects(PyObject *module, PyObject *args)
{
    PyObject *schema_capsule, *array_capsule, *target;
    struct ArrowSchema *schema;
    struct ArrowArray *array;
    RowReader *reader;
    Py_buffer view;
    int status = -1;

    if (!PyArg_ParseTuple(args, "OOO:fill_objects", &schema_capsule, &array_capsule, &target) ||
        (schema = PyCapsule_GetPointer(schema_capsule, "arrow_schema")) == NULL ||
        (array = PyCapsule_GetPointer(array_capsule, "arrow_array")) == NULL ||
        PyObject_GetBuffer(target, &view, PyBUF_WRITABLE | PyBUF_FORMAT | PyBUF_ND) < 0)
        return NULL;
    if (schema->release == NULL || array->release == NULL)
        PyErr_SetString(PyExc_ValueError, "the column was taken already");
    else if (view.ndim != 1 || strcmp(view.format, "O") != 0 ||
             view.len != array->length * (Py_ssize_t) sizeof(PyObject *))
        PyErr_SetString(PyExc_TypeError, "an array of as many objects as the column has is wanted");
    else if ((reader = value_reader_new(module_state(module), schema)) != NULL) {
        status = objects_write(reader, array, view.buf);
        row_reader_free(reader);
    }
    PyBuffer_Release(&view);
    if (status < 0)
        return NULL;
    Py_RETURN_NONE;
}
