/*
 * hub.h - functions of the module that need no connector.
 */
#ifndef INSTANT_PYTHON_HUB_H
#define INSTANT_PYTHON_HUB_H

#include "native.h"

PyObject *hub_status(PyObject *module, PyObject *dict);
PyObject *hub_start(PyObject *module, PyObject *dict);
PyObject *hub_stop(PyObject *module, PyObject *dict);
PyObject *hub_destroy(PyObject *module, PyObject *dict);

/* "" for a good configuration, else every error of it, one a line. */
PyObject *config_check(PyObject *module, PyObject *dict);
PyObject *config_schema(PyObject *module, PyObject *unused);
PyObject *version(PyObject *module, PyObject *unused);

#endif
