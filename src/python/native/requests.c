/*
 * requests.c - the parameters of a query and the filters of a table as arrays of instant.h.
 *
 * In:   a sequence or mapping of parameters; a sequence of (column, operator, values)
 * Next: values.c converts each value
 */
#include "native.h"

#include <stdio.h>
#include <string.h>

static int
named_parameters_add(ModuleState *state, PyObject *items, Parameters *parameters)
{
    for (Py_ssize_t i = 0; i < PyList_Size(items); i++) {
        PyObject *pair = PyList_GetItem(items, i);
        InstantParameter *parameter = &parameters->items[i];
        char where[192];

        parameter->name = text_borrow(state, PyTuple_GetItem(pair, 0), "the name of a parameter",
                                      parameters->kept);
        if (parameter->name == NULL)
            return -1;
        snprintf(where, sizeof where, "parameter \"%.120s\"", parameter->name);
        if (value_convert(state, PyTuple_GetItem(pair, 1), where, &parameter->value,
                          parameters->kept) < 0)
            return -1;
        parameters->count++;
    }
    return 0;
}

static int
positional_parameters_add(ModuleState *state, PyObject *list, Parameters *parameters)
{
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        char where[64];

        snprintf(where, sizeof where, "parameter %zd", i + 1);
        if (value_convert(state, PyList_GetItem(list, i), where, &parameters->items[i].value,
                          parameters->kept) < 0)
            return -1;
        parameters->count++;
    }
    return 0;
}

int
parameters_init(ModuleState *state, PyObject *object, Parameters *parameters)
{
    PyObject *list = NULL;
    bool is_named;
    int result = -1;

    memset(parameters, 0, sizeof *parameters);
    if (object == NULL || object == Py_None)
        return 0;
    is_named = PyDict_Check(object);
    list = is_named ? PyDict_Items(object) : PySequence_List(object);
    if (list == NULL)
        return -1;
    parameters->kept = PyList_New(0);
    parameters->items = PyMem_Calloc((size_t) PyList_Size(list) + 1, sizeof *parameters->items);
    if (parameters->kept == NULL || parameters->items == NULL)
        PyErr_NoMemory();
    else if (PyList_Append(parameters->kept, list) == 0)
        result = is_named ? named_parameters_add(state, list, parameters)
                          : positional_parameters_add(state, list, parameters);
    Py_DECREF(list);
    if (result < 0)
        parameters_done(parameters);
    return result;
}

void
parameters_done(Parameters *parameters)
{
    PyMem_Free(parameters->items);
    Py_XDECREF(parameters->kept);
    memset(parameters, 0, sizeof *parameters);
}

/* How many values all filters hold together, or -1. Checks the shape of each. */
static Py_ssize_t
filter_values_count(PyObject *list)
{
    Py_ssize_t total = 0;

    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        PyObject *filter = PyList_GetItem(list, i);

        if (!PyTuple_Check(filter) || PyTuple_Size(filter) != 3 ||
            !PyList_Check(PyTuple_GetItem(filter, 2))) {
            PyErr_SetString(PyExc_TypeError, "a filter has to be (column, op, [values])");
            return -1;
        }
        total += PyList_Size(PyTuple_GetItem(filter, 2));
    }
    return total;
}

static int
filter_add(ModuleState *state, PyObject *tuple, InstantValue *values, Filters *filters)
{
    InstantFilter *filter = &filters->items[filters->count];
    PyObject *list = PyTuple_GetItem(tuple, 2);
    char where[192];

    filter->column =
        text_borrow(state, PyTuple_GetItem(tuple, 0), "the column of a filter", filters->kept);
    if (filter->column == NULL)
        return -1;
    filter->op =
        text_borrow(state, PyTuple_GetItem(tuple, 1), "the operator of a filter", filters->kept);
    if (filter->op == NULL)
        return -1;
    filter->values = values;
    snprintf(where, sizeof where, "filter on column \"%.120s\"", filter->column);
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        if (value_convert(state, PyList_GetItem(list, i), where, &values[i], filters->kept) < 0)
            return -1;
        filter->value_count++;
    }
    filters->count++;
    return 0;
}

int
filters_init(ModuleState *state, PyObject *object, Filters *filters)
{
    PyObject *list = NULL;
    Py_ssize_t total;
    size_t used = 0;
    int result = -1;

    memset(filters, 0, sizeof *filters);
    if (object == NULL || object == Py_None)
        return 0;
    if ((list = PySequence_List(object)) == NULL)
        return -1;
    if ((total = filter_values_count(list)) < 0)
        goto done;
    filters->kept = PyList_New(0);
    filters->items = PyMem_Calloc((size_t) PyList_Size(list) + 1, sizeof *filters->items);
    filters->values = PyMem_Calloc((size_t) total + 1, sizeof *filters->values);
    if (filters->kept == NULL || filters->items == NULL || filters->values == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        if (filter_add(state, PyList_GetItem(list, i), filters->values + used, filters) < 0)
            goto done;
        used += filters->items[i].value_count;
    }
    result = PyList_Append(filters->kept, list);

done:
    Py_DECREF(list);
    if (result < 0)
        filters_done(filters);
    return result;
}

void
filters_done(Filters *filters)
{
    PyMem_Free(filters->items);
    PyMem_Free(filters->values);
    Py_XDECREF(filters->kept);
    memset(filters, 0, sizeof *filters);
}
