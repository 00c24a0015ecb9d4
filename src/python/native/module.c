/*
 * module.c - the extension module instant_connector._native: its state, its types and functions.
 *
 * Next: connector.c (Connector, Call), result.c (Result), hub.c (functions)
 */
#include "native.h"

#include <stddef.h>

#include "columns.h"
#include "hub.h"
#include "interrupts.h"

ModuleState *
module_state(PyObject *module)
{
    return PyModule_GetState(module);
}

ModuleState *
object_state(PyObject *self)
{
    return PyType_GetModuleState(Py_TYPE(self));
}

/* What the state imports: module.attribute, or the module itself. */
static const struct {
    const char *module;
    const char *attribute;
    size_t offset;
} imports[] = {
    { "instant_connector.errors", NULL, offsetof(ModuleState, errors) },
    { "instant_connector.types", "Interval", offsetof(ModuleState, interval_type) },
    { "instant_connector.types", "Json", offsetof(ModuleState, json_type) },
    { "instant_connector.types", "json_text", offsetof(ModuleState, json_dumps) },
    { "instant_connector.types", "adapt", offsetof(ModuleState, adapt) },
    { "instant_connector.types", "ADDRESS_TYPES", offsetof(ModuleState, address_types) },
    { "instant_connector.types", "SEQUENCE_TYPES", offsetof(ModuleState, sequence_types) },
    { "decimal", "Decimal", offsetof(ModuleState, decimal_type) },
    { "datetime", "date", offsetof(ModuleState, date_type) },
    { "datetime", "datetime", offsetof(ModuleState, datetime_type) },
    { "datetime", "time", offsetof(ModuleState, time_type) },
    { "datetime", "timedelta", offsetof(ModuleState, timedelta_type) },
    { "uuid", "UUID", offsetof(ModuleState, uuid_type) },
    { "enum", "Enum", offsetof(ModuleState, enum_type) },
    { "_signal", "getsignal", offsetof(ModuleState, getsignal) },
    { "_signal", "default_int_handler", offsetof(ModuleState, default_int_handler) },
};

static const struct {
    PyType_Spec *spec;
    size_t offset;
} types[] = {
    { &connector_spec, offsetof(ModuleState, connector_type) },
    { &call_spec, offsetof(ModuleState, call_type) },
    { &result_spec, offsetof(ModuleState, result_type) },
    { &buffer_spec, offsetof(ModuleState, buffer_type) },
    { &column_memory_spec, offsetof(ModuleState, column_memory_type) },
};

static PyObject **
slot_at(ModuleState *state, size_t offset)
{
    return (PyObject **) (void *) ((char *) state + offset);
}

static int
import_one(ModuleState *state, size_t i)
{
    PyObject *module = PyImport_ImportModule(imports[i].module);
    PyObject **slot = slot_at(state, imports[i].offset);

    if (module == NULL)
        return -1;
    if (imports[i].attribute == NULL) {
        *slot = module;
        return 0;
    }
    *slot = PyObject_GetAttrString(module, imports[i].attribute);
    Py_DECREF(module);
    return *slot == NULL ? -1 : 0;
}

static int
utc_import(ModuleState *state)
{
    PyObject *module = PyImport_ImportModule("datetime");
    PyObject *zone = module == NULL ? NULL : PyObject_GetAttrString(module, "timezone");

    if (zone != NULL)
        state->utc = PyObject_GetAttrString(zone, "utc");
    Py_XDECREF(zone);
    Py_XDECREF(module);
    return state->utc == NULL ? -1 : 0;
}

static int
module_exec(PyObject *module)
{
    ModuleState *state = module_state(module);

    for (size_t i = 0; i < sizeof imports / sizeof *imports; i++)
        if (import_one(state, i) < 0)
            return -1;
    if (utc_import(state) < 0)
        return -1;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        PyObject *type = PyType_FromModuleAndSpec(module, types[i].spec, NULL);

        if (type == NULL)
            return -1;
        *slot_at(state, types[i].offset) = type;
        if (PyModule_AddType(module, (PyTypeObject *) type) < 0)
            return -1;
    }
    return 0;
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    ModuleState *state = module_state(module);

    if (state == NULL)
        return 0;
    for (size_t offset = 0; offset < sizeof *state; offset += sizeof(PyObject *))
        Py_VISIT(*slot_at(state, offset));
    return 0;
}

static int
module_clear(PyObject *module)
{
    ModuleState *state = module_state(module);

    if (state == NULL)
        return 0;
    for (size_t offset = 0; offset < sizeof *state; offset += sizeof(PyObject *))
        Py_CLEAR(*slot_at(state, offset));
    return 0;
}

static void
module_free(void *module)
{
    (void) module_clear(module);
}

static PyMethodDef module_methods[] = {
    { "hub_status", hub_status, METH_O, "What the hub is and whether it runs." },
    { "hub_start", hub_start, METH_O, "Start the embedded hub." },
    { "hub_stop", hub_stop, METH_O, "Stop the embedded hub." },
    { "hub_destroy", hub_destroy, METH_O, "Stop the embedded hub and remove its data." },
    { "config_check", config_check, METH_O, "Every error of a configuration, or ''." },
    { "config_schema", config_schema, METH_NOARGS, "The JSON Schema of the configuration." },
    { "column_values", column_values, METH_VARARGS,
      "What numpy needs of a column: (dtype, values, mask, zone)." },
    { "fill_objects", fill_objects, METH_VARARGS,
      "Put the Python objects of a column into an array of objects." },
    { "interrupts_begin", interrupts_begin, METH_VARARGS, "Watch for a Ctrl-C during a call." },
    { "interrupts_end", interrupts_end, METH_NOARGS, "Raise the KeyboardInterrupt that came." },
    { "version", version, METH_NOARGS, "The version of the library." },
    { NULL, NULL, 0, NULL },
};

static PyModuleDef_Slot module_slots[] = {
    { Py_mod_exec, module_exec },
    { 0, NULL },
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "instant_connector._native",
    .m_doc = "instant.h for Python; use instant_connector instead.",
    .m_size = sizeof(ModuleState),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__native(void);

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&module_definition);
}
