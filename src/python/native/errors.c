/*
 * errors.c - an InstantError as a Python exception; the only place where one becomes the other.
 */
#include "native.h"

#include <stdarg.h>
#include <string.h>

/* The class of a status; NULL: the SQLSTATE decides. */
static const char *const class_of_status[] = {
    [INSTANT_OK] = NULL,
    [INSTANT_NO_MEMORY] = "OperationalError",
    [INSTANT_BAD_VALUE] = "DataError",
    [INSTANT_BAD_CONFIG] = "ConfigurationError",
    [INSTANT_NOT_FOUND] = "ProgrammingError",
    [INSTANT_CONNECTION_FAILED] = "OperationalError",
    [INSTANT_BAD_CREDENTIAL] = "CredentialError",
    [INSTANT_SOURCE_FAILED] = NULL,
    [INSTANT_QUERY_FAILED] = NULL,
    [INSTANT_TIMEOUT] = "QueryTimeoutError",
    [INSTANT_CANCELED] = "CanceledError",
    [INSTANT_IO_FAILED] = "OperationalError",
    [INSTANT_MISUSE] = "InterfaceError",
    [INSTANT_UNSUPPORTED] = "NotSupportedError",
};

/* The class of the first two characters of an SQLSTATE (PostgreSQL 15, appendix A). */
static const struct {
    const char *prefix;
    const char *class_name;
} class_of_sqlstate[] = {
    { "08", "OperationalError" }, { "0A", "NotSupportedError" }, { "21", "ProgrammingError" },
    { "22", "DataError" },        { "23", "IntegrityError" },    { "24", "InternalError" },
    { "25", "InternalError" },    { "26", "ProgrammingError" },  { "28", "CredentialError" },
    { "34", "ProgrammingError" }, { "3D", "ProgrammingError" },  { "3F", "ProgrammingError" },
    { "40", "OperationalError" }, { "42", "ProgrammingError" },  { "44", "ProgrammingError" },
    { "53", "OperationalError" }, { "54", "OperationalError" },  { "55", "OperationalError" },
    { "57", "OperationalError" }, { "58", "OperationalError" },  { "F0", "OperationalError" },
    { "HV", "OperationalError" }, { "P0", "InternalError" },     { "XX", "InternalError" },
};

static const char *
class_name_of(const InstantError *err)
{
    size_t status = (size_t) err->status;
    const char *name = NULL;

    if (status < sizeof class_of_status / sizeof *class_of_status)
        name = class_of_status[status];
    if (name != NULL)
        return name;
    for (size_t i = 0; i < sizeof class_of_sqlstate / sizeof *class_of_sqlstate; i++)
        if (strncmp(err->sqlstate, class_of_sqlstate[i].prefix, 2) == 0)
            return class_of_sqlstate[i].class_name;
    return "DatabaseError";
}

static PyObject *
text_decode(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t) strlen(text), "replace");
}

/* Set exception.name to text, None where it is empty. */
static int
text_attribute_set(PyObject *exception, const char *name, const char *text)
{
    PyObject *value = NULL;
    int result;

    if (text[0] == '\0')
        return PyObject_SetAttrString(exception, name, Py_None);
    if ((value = text_decode(text)) == NULL)
        return -1;
    result = PyObject_SetAttrString(exception, name, value);
    Py_DECREF(value);
    return result;
}

PyObject *
raise_instant_error(ModuleState *state, const InstantError *err)
{
    PyObject *class = NULL;
    PyObject *message = NULL;
    PyObject *exception = NULL;

    if (err->status == INSTANT_NO_MEMORY)
        return PyErr_NoMemory();
    class = PyObject_GetAttrString(state->errors, class_name_of(err));
    message = text_decode(err->message);
    if (class == NULL || message == NULL)
        goto done;
    exception = PyObject_CallFunctionObjArgs(class, message, NULL);
    if (exception == NULL || text_attribute_set(exception, "sqlstate", err->sqlstate) < 0 ||
        text_attribute_set(exception, "hint", err->hint) < 0 ||
        text_attribute_set(exception, "source", err->source) < 0 ||
        text_attribute_set(exception, "remote_sql", err->remote_sql) < 0)
        goto done;
    PyErr_SetObject(class, exception);

done:
    Py_XDECREF(class);
    Py_XDECREF(message);
    Py_XDECREF(exception);
    return NULL;
}

PyObject *
raise_class(ModuleState *state, const char *class_name, const char *format, ...)
{
    PyObject *class = PyObject_GetAttrString(state->errors, class_name);
    va_list args;

    if (class == NULL)
        return NULL;
    va_start(args, format);
    PyErr_FormatV(class, format, args);
    va_end(args);
    Py_DECREF(class);
    return NULL;
}
