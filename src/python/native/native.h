/*
 * native.h - what the files of the extension module share.
 *
 * In:   Python objects
 * Out:  calls of instant/instant.h, and their answers as Python objects
 *
 * One Python object owns one C handle. Nothing here is global: classes and what was imported live
 * in the module's state, which every function reaches from the module or from its object's type.
 */
#ifndef INSTANT_PYTHON_NATIVE_H
#define INSTANT_PYTHON_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "instant/instant.h"

/* What the module holds on to: its own types, and what values.c and rows.c ask for again and again.
 */
typedef struct ModuleState {
    PyTypeObject *connector_type;
    PyTypeObject *call_type;
    PyTypeObject *result_type;
    PyTypeObject *buffer_type;
    PyTypeObject *column_memory_type;
    PyObject *errors; /* the module instant_connector.errors */
    PyObject *decimal_type;
    PyObject *date_type;
    PyObject *datetime_type;
    PyObject *time_type;
    PyObject *timedelta_type;
    PyObject *utc;
    PyObject *uuid_type;
    PyObject *enum_type;
    PyObject *address_types;  /* a tuple: the classes of ipaddress */
    PyObject *sequence_types; /* a tuple: what is an array, or the list of an "in" */
    PyObject *interval_type;  /* instant_connector.types.Interval */
    PyObject *json_type;      /* instant_connector.types.Json */
    PyObject *json_dumps;     /* instant_connector.types.json_text */
    PyObject *adapt;          /* instant_connector.types.adapt */
    PyObject *getsignal;
    PyObject *default_int_handler;
} ModuleState;

ModuleState *module_state(PyObject *module);
/* The state behind an object of one of the module's types. */
ModuleState *object_state(PyObject *self);

/* ---- errors.c ---- */

/* Set the Python exception for err; always returns NULL. */
PyObject *raise_instant_error(ModuleState *state, const InstantError *err);

/* Set the exception class_name of instant_connector.errors with a formatted message; returns NULL.
 */
PyObject *raise_class(ModuleState *state, const char *class_name, const char *format, ...);

/* ---- options.c ---- */

/* Keys and values borrowed from `kept`, a list of Python strings that lives as long. */
typedef struct Options {
    InstantOption *items;
    size_t count;
    PyObject *kept;
} Options;

/* A dict (or None) of option names to str, bool, int or float; None values are left out. 0 or -1.
 */
int options_init(ModuleState *state, PyObject *dict, Options *options);
void options_done(Options *options);

/* An array of C strings borrowed from `kept`; a NULL or None input has no items. */
typedef struct Strings {
    const char **items;
    size_t count;
    PyObject *kept;
} Strings;

int strings_init(ModuleState *state, PyObject *sequence, const char *what, Strings *strings);
void strings_done(Strings *strings);

/* UTF-8 without NUL; `kept` receives a reference that keeps the bytes alive. */
const char *text_borrow(ModuleState *state, PyObject *text, const char *what, PyObject *kept);

/* ---- values.c and requests.c ---- */

/*
 * A Python value as PostgreSQL's text. `where` names the column or parameter in errors. The bytes
 * live as long as the list `kept`. 0, or -1 with an exception.
 */
int value_convert(ModuleState *state, PyObject *object, const char *where, InstantValue *value,
                  PyObject *kept);

typedef struct Parameters {
    InstantParameter *items;
    size_t count;
    PyObject *kept;
} Parameters;

/* None, a sequence (positional) or a mapping (named). */
int parameters_init(ModuleState *state, PyObject *object, Parameters *parameters);
void parameters_done(Parameters *parameters);

typedef struct Filters {
    InstantFilter *items;
    size_t count;
    InstantValue *values; /* of all filters, one after the other */
    PyObject *kept;
} Filters;

/* A sequence of (column, op, sequence of values). */
int filters_init(ModuleState *state, PyObject *object, Filters *filters);
void filters_done(Filters *filters);

/* ---- arrays.c ---- */

/* A sequence as PostgreSQL's {…} text; see value_convert. */
int array_convert(ModuleState *state, PyObject *sequence, const char *where, InstantValue *value,
                  PyObject *kept);

/* ---- the objects ---- */

extern PyType_Spec call_spec;          /* connector.c */
extern PyType_Spec connector_spec;     /* connector.c */
extern PyType_Spec result_spec;        /* result.c */
extern PyType_Spec buffer_spec;        /* buffer.c */
extern PyType_Spec column_memory_spec; /* columns.c */

/* A Result that owns result (freed here on failure) and keeps owner (the Connector) alive. */
PyObject *result_new(ModuleState *state, InstantResult *result, PyObject *owner);

#endif
