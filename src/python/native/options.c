/*
 * options.c - Python dicts and lists of strings as the arrays that instant.h takes.
 */
#include "native.h"

#include <string.h>

const char *
text_borrow(ModuleState *state, PyObject *text, const char *what, PyObject *kept)
{
    const char *bytes;
    Py_ssize_t len;

    if (!PyUnicode_Check(text)) {
        raise_class(state, "InterfaceError", "%s has to be a str, not %R", what, Py_TYPE(text));
        return NULL;
    }
    bytes = PyUnicode_AsUTF8AndSize(text, &len);
    if (bytes == NULL) {
        PyErr_Clear();
        raise_class(state, "DataError", "%s holds a lone surrogate, which UTF-8 cannot express",
                    what);
        return NULL;
    }
    if (strlen(bytes) != (size_t) len) {
        raise_class(state, "DataError", "%s holds a NUL character", what);
        return NULL;
    }
    return PyList_Append(kept, text) < 0 ? NULL : bytes;
}

/* True/False as "true"/"false", other values as str() writes them. */
static PyObject *
option_text(PyObject *value)
{
    if (PyBool_Check(value))
        return PyUnicode_FromString(value == Py_True ? "true" : "false");
    if (PyUnicode_Check(value))
        return Py_NewRef(value);
    return PyObject_Str(value);
}

static int
option_add(ModuleState *state, Options *options, PyObject *key, PyObject *value)
{
    InstantOption *item = &options->items[options->count];
    PyObject *text = NULL;
    int result = -1;

    if (value == Py_None)
        return 0;
    text = option_text(value);
    if (text == NULL)
        goto done;
    item->key = text_borrow(state, key, "the name of an option", options->kept);
    if (item->key == NULL)
        goto done;
    item->value = text_borrow(state, text, item->key, options->kept);
    if (item->value == NULL)
        goto done;
    options->count++;
    result = 0;

done:
    Py_XDECREF(text);
    return result;
}

int
options_init(ModuleState *state, PyObject *dict, Options *options)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;

    memset(options, 0, sizeof *options);
    if (dict == NULL || dict == Py_None)
        return 0;
    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "options have to be a dict, not %R", Py_TYPE(dict));
        return -1;
    }
    options->kept = PyList_New(0);
    options->items = PyMem_Calloc((size_t) PyDict_Size(dict) + 1, sizeof *options->items);
    if (options->kept == NULL || options->items == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    while (PyDict_Next(dict, &position, &key, &value))
        if (option_add(state, options, key, value) < 0)
            goto failed;
    return 0;

failed:
    options_done(options);
    return -1;
}

void
options_done(Options *options)
{
    PyMem_Free(options->items);
    Py_XDECREF(options->kept);
    memset(options, 0, sizeof *options);
}

int
strings_init(ModuleState *state, PyObject *sequence, const char *what, Strings *strings)
{
    PyObject *list = NULL;
    Py_ssize_t count;
    int result = -1;

    memset(strings, 0, sizeof *strings);
    if (sequence == NULL || sequence == Py_None)
        return 0;
    if ((list = PySequence_List(sequence)) == NULL)
        return -1;
    count = PyList_Size(list);
    strings->kept = PyList_New(0);
    strings->items = PyMem_Calloc((size_t) count + 1, sizeof *strings->items);
    if (strings->kept == NULL || strings->items == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        strings->items[i] = text_borrow(state, PyList_GetItem(list, i), what, strings->kept);
        if (strings->items[i] == NULL)
            goto done;
        strings->count++;
    }
    result = 0;

done:
    Py_XDECREF(list);
    if (result < 0)
        strings_done(strings);
    return result;
}

void
strings_done(Strings *strings)
{
    PyMem_Free((void *) strings->items);
    Py_XDECREF(strings->kept);
    memset(strings, 0, sizeof *strings);
}
