/*
 * arrays.c - a Python sequence as the text of a PostgreSQL array: {1,NULL,"a \"b\""}.
 *
 * Next: values.c converts the elements
 */
#include "native.h"

#include <string.h>

enum { MAX_DIMENSIONS = 6 }; /* PostgreSQL's MAXDIM */

/* data[0 .. len) is the text so far; element is what all elements that are not NULL are. */
typedef struct ArrayText {
    char *data;
    size_t len, capacity;
    InstantValueKind element;
    const char *where;
    ModuleState *state;
} ArrayText;

static int
append(ArrayText *text, const char *bytes, size_t len)
{
    size_t wanted;

    if (__builtin_add_overflow(text->len, len, &wanted) || wanted > SIZE_MAX / 2) {
        PyErr_NoMemory();
        return -1;
    }
    if (wanted > text->capacity) {
        size_t capacity = wanted < 128 ? 256 : wanted * 2;
        char *data = PyMem_Realloc(text->data, capacity);

        if (data == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        text->data = data;
        text->capacity = capacity;
    }
    memcpy(text->data + text->len, bytes, len);
    text->len = wanted;
    return 0;
}

static int
append_quoted(ArrayText *text, const char *bytes, size_t len)
{
    if (append(text, "\"", 1) < 0)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if ((bytes[i] == '"' || bytes[i] == '\\') && append(text, "\\", 1) < 0)
            return -1;
        if (append(text, &bytes[i], 1) < 0)
            return -1;
    }
    return append(text, "\"", 1);
}

/* bytea's hex form, its backslash doubled as quoting asks. */
static int
append_hex(ArrayText *text, const char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    if (append(text, "\"\\\\x", 4) < 0)
        return -1;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char) bytes[i];
        char pair[2] = { digits[byte >> 4], digits[byte & 15] };

        if (append(text, pair, 2) < 0)
            return -1;
    }
    return append(text, "\"", 1);
}

static bool
is_number(InstantValueKind kind)
{
    return kind == INSTANT_INT || kind == INSTANT_FLOAT || kind == INSTANT_NUMERIC;
}

/* Numbers of several kinds are numerics together (floats: written as they read back). */
static int
element_unify(ArrayText *text, InstantValueKind kind)
{
    if (text->element == INSTANT_NULL || text->element == kind) {
        text->element = kind;
        return 0;
    }
    if (is_number(text->element) && is_number(kind)) {
        bool has_decimal = text->element == INSTANT_NUMERIC || kind == INSTANT_NUMERIC;

        text->element = has_decimal ? INSTANT_NUMERIC : INSTANT_FLOAT;
        return 0;
    }
    raise_class(text->state, "DataError", "%s: the elements of the array are of different types",
                text->where);
    return -1;
}

static int
element_append(ArrayText *text, const InstantValue *value)
{
    if (value->kind == INSTANT_NULL)
        return append(text, "NULL", 4);
    if (element_unify(text, value->kind) < 0)
        return -1;
    if (is_number(value->kind) || value->kind == INSTANT_BOOL)
        return append(text, value->data, value->len);
    if (value->kind == INSTANT_BYTES)
        return append_hex(text, value->data, value->len);
    return append_quoted(text, value->data, value->len);
}

/* 1, 0, or -1 with an exception: lists and tuples and what adapt() turns into them. */
static int
is_sequence(const ModuleState *state, PyObject *object)
{
    return PyObject_IsInstance(object, state->sequence_types);
}

static int sequence_append(ArrayText *text, PyObject *sequence, int depth);

static int
item_append(ArrayText *text, PyObject *item, int depth)
{
    PyObject *kept = NULL;
    InstantValue value;
    int nested = is_sequence(text->state, item);
    int result = -1;

    if (nested < 0)
        return -1;
    if (nested)
        return sequence_append(text, item, depth + 1);
    if ((kept = PyList_New(0)) == NULL)
        return -1;
    if (value_convert(text->state, item, text->where, &value, kept) == 0) {
        if (value.kind == INSTANT_ARRAY)
            raise_class(text->state, "DataError", "%s: give nested arrays as lists", text->where);
        else
            result = element_append(text, &value);
    }
    Py_DECREF(kept);
    return result;
}

static int
sequence_append(ArrayText *text, PyObject *sequence, int depth)
{
    PyObject *list = NULL;
    int result = -1;

    if (depth > MAX_DIMENSIONS) {
        raise_class(text->state, "DataError", "%s: an array has at most %d dimensions", text->where,
                    MAX_DIMENSIONS);
        return -1;
    }
    if ((list = PySequence_List(sequence)) == NULL || append(text, "{", 1) < 0)
        goto done;
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++)
        if ((i > 0 && append(text, ",", 1) < 0) ||
            item_append(text, PyList_GetItem(list, i), depth) < 0)
            goto done;
    result = append(text, "}", 1);

done:
    Py_XDECREF(list);
    return result;
}

int
array_convert(ModuleState *state, PyObject *sequence, const char *where, InstantValue *value,
              PyObject *kept)
{
    ArrayText text = { .element = INSTANT_NULL, .where = where, .state = state };
    PyObject *bytes = NULL;
    int result = -1;

    if (sequence_append(&text, sequence, 1) < 0)
        goto done;
    bytes = PyBytes_FromStringAndSize(text.data, (Py_ssize_t) text.len);
    if (bytes == NULL || PyList_Append(kept, bytes) < 0)
        goto done;
    *value = (InstantValue){ .kind = INSTANT_ARRAY,
                             .element = text.element,
                             .data = PyBytes_AsString(bytes),
                             .len = text.len };
    result = 0;

done:
    PyMem_Free(text.data);
    Py_XDECREF(bytes);
    return result;
}
