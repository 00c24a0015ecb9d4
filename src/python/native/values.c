/*
 * values.c - a Python value as the text that PostgreSQL reads, without losing anything.
 *
 * In:   parameters and filters as users write them
 * Out:  InstantParameter and InstantFilter arrays; their bytes live in a Python list (`kept`)
 * Next: arrays.c for sequences; numpy's, pandas' and Arrow's own values come back from
 *       instant_connector.types.adapt as one of Python's
 */
#include "native.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef int (*Converter)(ModuleState *state, PyObject *object, const char *where,
                         InstantValue *value, PyObject *kept);

static int
type_error(ModuleState *state, PyObject *object, const char *where)
{
    PyObject *name = PyObject_GetAttrString((PyObject *) Py_TYPE(object), "__qualname__");
    PyObject *module = PyObject_GetAttrString((PyObject *) Py_TYPE(object), "__module__");

    if (name != NULL && module != NULL)
        raise_class(state, "InterfaceError", "%s: a value of type \"%S.%S\" cannot be sent", where,
                    module, name);
    Py_XDECREF(name);
    Py_XDECREF(module);
    return -1;
}

/* value = kind and the UTF-8 of text, whose reference is taken (NULL: an exception is set). */
static int
text_keep(ModuleState *state, PyObject *text, const char *where, InstantValueKind kind,
          InstantValue *value, PyObject *kept)
{
    const char *bytes = NULL;

    if (text == NULL)
        return -1;
    if (PyUnicode_Check(text))
        bytes = text_borrow(state, text, where, kept);
    else
        PyErr_Format(PyExc_TypeError, "%s: expected text, not %R", where, Py_TYPE(text));
    Py_DECREF(text);
    if (bytes == NULL)
        return -1;
    *value = (InstantValue){ .kind = kind, .data = bytes, .len = strlen(bytes) };
    return 0;
}

static int
int_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
            PyObject *kept)
{
    PyObject *text = PyNumber_ToBase(object, 10);
    PyObject *decimal = NULL;

    /* Python refuses to write integers of more than 4,300 digits; Decimal has no such limit. */
    if (text == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        decimal = PyObject_CallFunctionObjArgs(state->decimal_type, object, NULL);
        text = decimal == NULL ? NULL : PyObject_Str(decimal);
        Py_XDECREF(decimal);
    }
    return text_keep(state, text, where, INSTANT_INT, value, kept);
}

static int
float_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
              PyObject *kept)
{
    double number = PyFloat_AsDouble(object);
    PyObject *text = NULL;
    char *digits;

    if (number == -1.0 && PyErr_Occurred())
        return -1;
    if (number != number)
        text = PyUnicode_FromString("NaN");
    else if (number - number != 0)
        text = PyUnicode_FromString(number > 0 ? "Infinity" : "-Infinity");
    else if ((digits = PyOS_double_to_string(number, 'r', 0, 0, NULL)) != NULL) {
        text = PyUnicode_FromString(digits);
        PyMem_Free(digits);
    }
    return text_keep(state, text, where, INSTANT_FLOAT, value, kept);
}

static int
bytes_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
              PyObject *kept)
{
    PyObject *bytes = PyBytes_FromObject(object); /* a copy of what may change meanwhile */
    char *data;
    Py_ssize_t len;
    int result = -1;

    (void) state;
    (void) where;
    if (bytes != NULL && PyBytes_AsStringAndSize(bytes, &data, &len) == 0 &&
        PyList_Append(kept, bytes) == 0) {
        *value = (InstantValue){ .kind = INSTANT_BYTES, .data = data, .len = (size_t) len };
        result = 0;
    }
    Py_XDECREF(bytes);
    return result;
}

static int
text_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
             PyObject *kept)
{
    return text_keep(state, Py_NewRef(object), where, INSTANT_TEXT, value, kept);
}

/* Call object.name() without arguments and ask for the truth of the answer: 1, 0 or -1. */
static int
method_is_true(PyObject *object, const char *name)
{
    PyObject *answer = PyObject_CallMethod(object, name, NULL);
    int is_true = answer == NULL ? -1 : PyObject_IsTrue(answer);

    Py_XDECREF(answer);
    return is_true;
}

static int
decimal_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
                PyObject *kept)
{
    PyObject *exponent = NULL;
    PyObject *text = NULL;
    int is_nan = method_is_true(object, "is_nan");
    int is_infinite = method_is_true(object, "is_infinite");
    int is_signed = method_is_true(object, "is_signed");
    long adjusted;

    if (is_nan < 0 || is_infinite < 0 || is_signed < 0)
        return -1;
    if (is_nan)
        return text_keep(state, PyUnicode_FromString("NaN"), where, INSTANT_NUMERIC, value, kept);
    if (is_infinite)
        return text_keep(state, PyUnicode_FromString(is_signed ? "-Infinity" : "Infinity"), where,
                         INSTANT_NUMERIC, value, kept);
    exponent = PyObject_CallMethod(object, "adjusted", NULL);
    if (exponent == NULL)
        return -1;
    adjusted = PyLong_AsLong(exponent);
    Py_DECREF(exponent);
    if (adjusted == -1 && PyErr_Occurred())
        return -1;
    /* PostgreSQL's numeric: 131,072 digits before the point, 16,383 after it. */
    if (adjusted > 131072 || adjusted < -16384) {
        raise_class(state, "DataError", "%s: the number is beyond PostgreSQL's numeric", where);
        return -1;
    }
    text = PyObject_CallMethod(object, "__format__", "s", "f");
    return text_keep(state, text, where, INSTANT_NUMERIC, value, kept);
}

/* pandas' Timestamp and Timedelta are subclasses that may carry nanoseconds. */
static int
nanoseconds_refuse(ModuleState *state, PyObject *object, const char *attribute, const char *where)
{
    PyObject *nanoseconds;
    int is_set;

    if (!PyObject_HasAttrString(object, attribute))
        return 0;
    nanoseconds = PyObject_GetAttrString(object, attribute);
    is_set = nanoseconds == NULL ? -1 : PyObject_IsTrue(nanoseconds);
    Py_XDECREF(nanoseconds);
    if (is_set > 0)
        raise_class(state, "DataError",
                    "%s: the value has nanoseconds, PostgreSQL keeps microseconds; round it first",
                    where);
    return is_set == 0 ? 0 : -1;
}

/* The offset of a datetime or time as a new reference, None without one. */
static PyObject *
offset_of(PyObject *object)
{
    return PyObject_CallMethod(object, "utcoffset", NULL);
}

static int
datetime_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
                 PyObject *kept)
{
    PyObject *offset = NULL;
    PyObject *moment = NULL;
    int is_same = PyObject_RichCompareBool(object, object, Py_EQ);
    int is_aware;
    int result = -1;

    /* RichCompareBool takes identity for equality; NaT has to be asked by its own rules. */
    if (is_same >= 0) {
        PyObject *equal = PyObject_RichCompare(object, object, Py_EQ);

        is_same = equal == NULL ? -1 : PyObject_IsTrue(equal);
        Py_XDECREF(equal);
    }
    if (is_same < 0)
        return -1;
    if (is_same == 0) {
        *value = (InstantValue){ .kind = INSTANT_NULL };
        return 0;
    }
    if (nanoseconds_refuse(state, object, "nanosecond", where) < 0)
        return -1;
    if ((offset = offset_of(object)) == NULL)
        return -1;
    is_aware = offset != Py_None;
    /* An offset of a zone before 1900 may have seconds, which not every server reads: send UTC. */
    moment =
        is_aware ? PyObject_CallMethod(object, "astimezone", "O", state->utc) : Py_NewRef(object);
    if (moment == NULL && PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear(); /* the first and last day of Python's calendar have no UTC form */
        moment = Py_NewRef(object);
    }
    if (moment != NULL)
        result = text_keep(state, PyObject_CallMethod(moment, "isoformat", "s", " "), where,
                           is_aware ? INSTANT_TIMESTAMPTZ : INSTANT_TIMESTAMP, value, kept);
    Py_DECREF(offset);
    Py_XDECREF(moment);
    return result;
}

static int
date_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
             PyObject *kept)
{
    return text_keep(state, PyObject_CallMethod(object, "isoformat", NULL), where, INSTANT_DATE,
                     value, kept);
}

static int
time_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
             PyObject *kept)
{
    PyObject *zone = PyObject_GetAttrString(object, "tzinfo");
    PyObject *offset = zone == NULL ? NULL : offset_of(object);
    int result = -1;

    if (offset != NULL && zone != Py_None && offset == Py_None)
        raise_class(state, "DataError",
                    "%s: the zone of this time has no offset without a date; use a datetime",
                    where);
    else if (offset != NULL)
        result = text_keep(state, PyObject_CallMethod(object, "isoformat", NULL), where,
                           offset == Py_None ? INSTANT_TIME : INSTANT_TIMETZ, value, kept);
    Py_XDECREF(zone);
    Py_XDECREF(offset);
    return result;
}

/* object.name as a number; -1 with an exception (which a number may be too: ask PyErr_Occurred). */
static long long
number_attribute(PyObject *object, const char *name)
{
    PyObject *number = PyObject_GetAttrString(object, name);
    long long result = number == NULL ? -1 : PyLong_AsLongLong(number);

    Py_XDECREF(number);
    return result;
}

static int
timedelta_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
                  PyObject *kept)
{
    long long days = number_attribute(object, "days");
    long long seconds = number_attribute(object, "seconds");
    long long microseconds = number_attribute(object, "microseconds");
    char text[96];

    if (PyErr_Occurred() || nanoseconds_refuse(state, object, "nanoseconds", where) < 0)
        return -1;
    snprintf(text, sizeof text, "%lld days +%lld.%06lld seconds", days, seconds, microseconds);
    return text_keep(state, PyUnicode_FromString(text), where, INSTANT_INTERVAL, value, kept);
}

static int
interval_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
                 PyObject *kept)
{
    long long months = number_attribute(object, "months");
    long long days = number_attribute(object, "days");
    long long microseconds = number_attribute(object, "microseconds");
    long long seconds = microseconds / 1000000;
    long long rest = microseconds % 1000000;
    char text[128];

    if (PyErr_Occurred())
        return -1;
    snprintf(text, sizeof text, "%+lld mons %+lld days %c%lld.%06lld seconds", months, days,
             microseconds < 0 ? '-' : '+', seconds < 0 ? -seconds : seconds,
             rest < 0 ? -rest : rest);
    return text_keep(state, PyUnicode_FromString(text), where, INSTANT_INTERVAL, value, kept);
}

static int
uuid_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
             PyObject *kept)
{
    return text_keep(state, PyObject_Str(object), where, INSTANT_UUID, value, kept);
}

static int
address_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
                PyObject *kept)
{
    return text_keep(state, PyObject_Str(object), where, INSTANT_TEXT, value, kept);
}

static int
json_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
             PyObject *kept)
{
    PyObject *text = PyObject_CallFunction(state->json_dumps, "Os", object, where);

    return text_keep(state, text, where, INSTANT_JSON, value, kept);
}

static int
enum_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
             PyObject *kept)
{
    PyObject *member = PyObject_GetAttrString(object, "value");
    int result = -1;

    if (member != NULL && PyObject_IsInstance(member, state->enum_type) == 1)
        type_error(state, object, where);
    else if (member != NULL)
        result = value_convert(state, member, where, value, kept);
    /* A converter may borrow from member; the enum's class keeps it, this keeps it for certain. */
    if (result == 0)
        result = PyList_Append(kept, member);
    Py_XDECREF(member);
    return result;
}

/* Checked in this order: a datetime is a date too, a member of an IntEnum an int. */
static const struct {
    size_t type_offset; /* of the class, in ModuleState */
    Converter convert;
} converters[] = {
    { offsetof(ModuleState, enum_type), enum_convert },
    { offsetof(ModuleState, decimal_type), decimal_convert },
    { offsetof(ModuleState, datetime_type), datetime_convert },
    { offsetof(ModuleState, date_type), date_convert },
    { offsetof(ModuleState, time_type), time_convert },
    { offsetof(ModuleState, timedelta_type), timedelta_convert },
    { offsetof(ModuleState, uuid_type), uuid_convert },
    { offsetof(ModuleState, interval_type), interval_convert },
    { offsetof(ModuleState, json_type), json_convert },
    { offsetof(ModuleState, address_types), address_convert },
    { offsetof(ModuleState, sequence_types), array_convert },
};

/* Python's own scalars, which need no look at their class. */
static Converter
scalar_converter(PyObject *object)
{
    if (PyLong_Check(object))
        return int_convert;
    if (PyFloat_Check(object))
        return float_convert;
    if (PyUnicode_Check(object))
        return text_convert;
    if (PyBytes_Check(object) || PyByteArray_Check(object) || PyMemoryView_Check(object))
        return bytes_convert;
    if (PyDict_Check(object))
        return json_convert;
    return NULL;
}

/* What numpy, pandas, polars and pyarrow call their own, as one of Python's values. */
static int
foreign_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
                PyObject *kept)
{
    PyObject *adapted = PyObject_CallFunction(state->adapt, "Os", object, where);
    int result = -1;

    if (adapted == object)
        type_error(state, object, where);
    else if (adapted != NULL && PyList_Append(kept, adapted) == 0)
        result = value_convert(state, adapted, where, value, kept);
    Py_XDECREF(adapted);
    return result;
}

int
value_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
              PyObject *kept)
{
    Converter scalar = NULL;
    int result;

    if (object == Py_None) {
        *value = (InstantValue){ .kind = INSTANT_NULL };
        return 0;
    }
    if (PyBool_Check(object)) {
        const char *text = object == Py_True ? "true" : "false";

        *value = (InstantValue){ .kind = INSTANT_BOOL, .data = text, .len = strlen(text) };
        return 0;
    }
    scalar = scalar_converter(object);
    if (scalar != NULL &&
        (PyLong_CheckExact(object) || PyFloat_CheckExact(object) || PyUnicode_CheckExact(object)))
        return scalar(state, object, where, value, kept);
    if (Py_EnterRecursiveCall(" while converting a value"))
        return -1;
    result = 1;
    for (size_t i = 0; result > 0 && i < sizeof converters / sizeof *converters; i++) {
        PyObject *type = *(PyObject **) ((char *) state + converters[i].type_offset);
        int is_instance = PyObject_IsInstance(object, type);

        if (is_instance < 0)
            result = -1;
        else if (is_instance)
            result = converters[i].convert(state, object, where, value, kept);
    }
    if (result > 0)
        result = scalar != NULL ? scalar(state, object, where, value, kept)
                                : foreign_convert(state, object, where, value, kept);
    Py_LeaveRecursiveCall();
    return result;
}
