/*
 * hub.c - functions of the module that need no connector: the hub, the configuration, the version.
 */
#include "hub.h"

static PyObject *
status_dict(const InstantHubStatus *status)
{
    return Py_BuildValue("{sOsOsOsisLssssss}", "embedded", status->is_embedded ? Py_True : Py_False,
                         "exists", status->exists ? Py_True : Py_False, "running",
                         status->is_running ? Py_True : Py_False, "server_version_num",
                         status->server_version_num, "pid", (long long) status->pid, "uri",
                         status->uri, "directory", status->directory, "log_file", status->log_file);
}

typedef InstantStatus (*StatusCall)(const InstantOption *, size_t, InstantHubStatus *,
                                    InstantError *);
typedef InstantStatus (*PlainCall)(const InstantOption *, size_t, InstantError *);

static PyObject *
status_call(PyObject *module, PyObject *dict, StatusCall function)
{
    ModuleState *state = module_state(module);
    Options options;
    InstantHubStatus status;
    InstantError err;
    InstantStatus outcome;

    if (options_init(state, dict, &options) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS outcome = function(options.items, options.count, &status, &err);
    Py_END_ALLOW_THREADS options_done(&options);
    return outcome == INSTANT_OK ? status_dict(&status) : raise_instant_error(state, &err);
}

static PyObject *
plain_call(PyObject *module, PyObject *dict, PlainCall function)
{
    ModuleState *state = module_state(module);
    Options options;
    InstantError err;
    InstantStatus outcome;

    if (options_init(state, dict, &options) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS outcome = function(options.items, options.count, &err);
    Py_END_ALLOW_THREADS options_done(&options);
    return outcome == INSTANT_OK ? Py_NewRef(Py_None) : raise_instant_error(state, &err);
}

PyObject *
hub_status(PyObject *module, PyObject *dict)
{
    return status_call(module, dict, instant_hub_status);
}

PyObject *
hub_start(PyObject *module, PyObject *dict)
{
    return status_call(module, dict, instant_hub_start);
}

PyObject *
hub_stop(PyObject *module, PyObject *dict)
{
    return plain_call(module, dict, instant_hub_stop);
}

PyObject *
hub_destroy(PyObject *module, PyObject *dict)
{
    return plain_call(module, dict, instant_hub_destroy);
}

PyObject *
config_check(PyObject *module, PyObject *dict)
{
    ModuleState *state = module_state(module);
    Options options;
    char *report = NULL;
    InstantError err;
    InstantStatus status;
    PyObject *answer;

    if (options_init(state, dict, &options) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS status =
        instant_config_check(options.items, options.count, &report, &err);
    Py_END_ALLOW_THREADS options_done(&options);
    /* A wrong configuration is this function's answer, anything else an exception. */
    if (status == INSTANT_OK)
        answer = PyUnicode_FromString("");
    else if (status == INSTANT_BAD_CONFIG)
        answer = PyUnicode_FromString(report != NULL ? report : err.message);
    else
        answer = raise_instant_error(state, &err);
    instant_string_free(report);
    return answer;
}

PyObject *
config_schema(PyObject *module, PyObject *Py_UNUSED(unused))
{
    (void) module;
    return PyUnicode_FromString(instant_config_schema());
}

PyObject *
version(PyObject *module, PyObject *Py_UNUSED(unused))
{
    (void) module;
    return PyUnicode_FromString(instant_version());
}
