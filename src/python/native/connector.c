/*
 * connector.c - the types Connector and Call: an InstantConnector and an InstantCall with an owner.
 *
 * Every method that may wait releases the GIL. A connector that is closed while another thread is
 * inside one of its calls is really closed by the last such thread.
 */
#include "native.h"

#include <string.h>

/* ---- Call ---- */

typedef struct CallObject {
    PyObject_HEAD InstantCall *handle;
} CallObject;

static PyObject *
call_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    CallObject *self = NULL;

    if (!PyArg_ParseTuple(args, "") || (kwargs != NULL && PyDict_Size(kwargs) > 0)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "Call() takes no arguments");
        return NULL;
    }
    self = (CallObject *) PyType_GenericAlloc(type, 0);
    if (self == NULL)
        return NULL;
    self->handle = instant_call_new();
    if (self->handle == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *) self;
}

static void
call_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);

    instant_call_free(((CallObject *) object)->handle);
    PyObject_Free(object);
    Py_DECREF(type);
}

static PyObject *
call_cancel(PyObject *object, PyObject *Py_UNUSED(unused))
{
    InstantCall *handle = ((CallObject *) object)->handle;

    Py_BEGIN_ALLOW_THREADS instant_call_cancel(handle);
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static PyMethodDef call_methods[] = {
    { "cancel", call_cancel, METH_NOARGS, "cancel($self)\n--\n\nStop the call; from any thread." },
    { NULL, NULL, 0, NULL },
};

static PyType_Slot call_slots[] = {
    { Py_tp_doc, "One call that can be stopped from another thread." },
    { Py_tp_new, call_new },
    { Py_tp_dealloc, call_dealloc },
    { Py_tp_methods, call_methods },
    { 0, NULL },
};

PyType_Spec call_spec = {
    .name = "instant_connector._native.Call",
    .basicsize = sizeof(CallObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = call_slots,
};

/* ---- Connector ---- */

/* handle is NULL once closed. users and is_closing change only under the GIL. */
typedef struct ConnectorObject {
    PyObject_HEAD InstantConnector *handle;
    PyObject *log; /* called with (level, line), or NULL */
    int users;
    bool is_closing;
} ConnectorObject;

/* From any thread of the library: hand a line to Python's logging. */
static void
log_line(void *host, InstantLogLevel level, const char *line)
{
    PyObject *log = host;
    PyGILState_STATE gil;
    PyObject *type, *value, *traceback;
    PyObject *answer;

    if (!Py_IsInitialized())
        return;
    gil = PyGILState_Ensure();
    PyErr_Fetch(&type, &value, &traceback);
    answer = PyObject_CallFunction(log, "is", (int) level, line);
    if (answer == NULL)
        PyErr_WriteUnraisable(log);
    Py_XDECREF(answer);
    PyErr_Restore(type, value, traceback);
    PyGILState_Release(gil);
}

/* The handle for the length of a call (pair with connector_leave), or NULL with an exception. */
static InstantConnector *
connector_enter(ConnectorObject *self)
{
    if (self->handle == NULL || self->is_closing) {
        raise_class(object_state((PyObject *) self), "InterfaceError", "the connector is closed");
        return NULL;
    }
    self->users++;
    return self->handle;
}

static void
handle_close(ConnectorObject *self)
{
    InstantConnector *handle = self->handle;

    self->handle = NULL;
    Py_BEGIN_ALLOW_THREADS instant_close(handle);
    Py_END_ALLOW_THREADS
}

static void
connector_leave(ConnectorObject *self)
{
    self->users--;
    if (self->users == 0 && self->is_closing && self->handle != NULL)
        handle_close(self);
}

static PyObject *
connector_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "options", "log", NULL };
    ModuleState *state = PyType_GetModuleState(type);
    PyObject *dict = NULL;
    PyObject *log = NULL;
    ConnectorObject *self = NULL;
    Options options;
    InstantConnector *handle = NULL;
    InstantError err;
    InstantStatus status;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:Connector", names, &dict, &log) ||
        options_init(state, dict, &options) < 0)
        return NULL;
    self = (ConnectorObject *) PyType_GenericAlloc(type, 0);
    if (self == NULL)
        goto done;
    self->log = log == NULL || log == Py_None ? NULL : Py_NewRef(log);
    log = self->log;
    Py_BEGIN_ALLOW_THREADS status = instant_open(options.items, options.count,
                                                 log != NULL ? log_line : NULL, log, &handle, &err);
    Py_END_ALLOW_THREADS if (status != INSTANT_OK)
    {
        raise_instant_error(state, &err);
        Py_CLEAR(self);
        goto done;
    }
    self->handle = handle;

done:
    options_done(&options);
    return (PyObject *) self;
}

static int
connector_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(((ConnectorObject *) object)->log);
    Py_VISIT(Py_TYPE(object));
    return 0;
}

static void
connector_dealloc(PyObject *object)
{
    ConnectorObject *self = (ConnectorObject *) object;
    PyTypeObject *type = Py_TYPE(object);

    PyObject_GC_UnTrack(object);
    if (self->handle != NULL)
        handle_close(self);
    Py_CLEAR(self->log);
    PyObject_GC_Del(object);
    Py_DECREF(type);
}

static PyObject *
connector_close(PyObject *object, PyObject *Py_UNUSED(unused))
{
    ConnectorObject *self = (ConnectorObject *) object;

    self->is_closing = true;
    if (self->users == 0 && self->handle != NULL)
        handle_close(self);
    Py_RETURN_NONE;
}

static PyObject *
connector_get_closed(PyObject *object, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((ConnectorObject *) object)->is_closing);
}

/* The handle of a Call argument (None: NULL). False with an exception for anything else. */
static bool
call_handle(ModuleState *state, PyObject *object, InstantCall **call)
{
    *call = NULL;
    if (object == NULL || object == Py_None)
        return true;
    if (!PyObject_TypeCheck(object, state->call_type)) {
        PyErr_SetString(PyExc_TypeError, "call has to be a Call or None");
        return false;
    }
    *call = ((CallObject *) object)->handle;
    return true;
}

/* What a call that gives a result answers to Python. */
static PyObject *
answer_result(ConnectorObject *self, InstantStatus status, InstantResult *result,
              const InstantError *err)
{
    ModuleState *state = object_state((PyObject *) self);
    PyObject *answer;

    if (status != INSTANT_OK)
        answer = raise_instant_error(state, err);
    else
        answer = result_new(state, result, (PyObject *) self);
    connector_leave(self);
    return answer;
}

static PyObject *
connector_setup(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "options", "call", NULL };
    ConnectorObject *self = (ConnectorObject *) object;
    ModuleState *state = object_state(object);
    PyObject *dict = NULL, *call_object = NULL;
    Options options;
    InstantConnector *handle;
    InstantCall *call;
    InstantResult *result = NULL;
    InstantError err;
    InstantStatus status;
    PyObject *answer = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:setup", names, &dict, &call_object) ||
        !call_handle(state, call_object, &call) || options_init(state, dict, &options) < 0)
        return NULL;
    if ((handle = connector_enter(self)) != NULL) {
        Py_BEGIN_ALLOW_THREADS status =
            instant_setup(handle, options.items, options.count, call, &result, &err);
        Py_END_ALLOW_THREADS answer = answer_result(self, status, result, &err);
    }
    options_done(&options);
    return answer;
}

static PyObject *
connector_health(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "call", NULL };
    ConnectorObject *self = (ConnectorObject *) object;
    PyObject *call_object = NULL;
    InstantConnector *handle;
    InstantCall *call;
    InstantResult *result = NULL;
    InstantError err;
    InstantStatus status;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:health", names, &call_object) ||
        !call_handle(object_state(object), call_object, &call) ||
        (handle = connector_enter(self)) == NULL)
        return NULL;
    Py_BEGIN_ALLOW_THREADS status = instant_health(handle, call, &result, &err);
    Py_END_ALLOW_THREADS return answer_result(self, status, result, &err);
}

static PyObject *
connector_tables(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "table", "call", NULL };
    ConnectorObject *self = (ConnectorObject *) object;
    const char *table = NULL;
    PyObject *call_object = NULL;
    InstantConnector *handle;
    InstantCall *call;
    InstantResult *result = NULL;
    InstantError err;
    InstantStatus status;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|zO:tables", names, &table, &call_object) ||
        !call_handle(object_state(object), call_object, &call) ||
        (handle = connector_enter(self)) == NULL)
        return NULL;
    Py_BEGIN_ALLOW_THREADS status = instant_tables(handle, table, call, &result, &err);
    Py_END_ALLOW_THREADS return answer_result(self, status, result, &err);
}

static PyObject *
connector_refresh(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "tables", "call", NULL };
    ConnectorObject *self = (ConnectorObject *) object;
    ModuleState *state = object_state(object);
    PyObject *sequence = NULL, *call_object = NULL;
    Strings tables;
    InstantConnector *handle;
    InstantCall *call;
    InstantResult *result = NULL;
    InstantError err;
    InstantStatus status;
    PyObject *answer = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:refresh", names, &sequence, &call_object) ||
        !call_handle(state, call_object, &call) ||
        strings_init(state, sequence, "the name of a table", &tables) < 0)
        return NULL;
    if ((handle = connector_enter(self)) != NULL) {
        Py_BEGIN_ALLOW_THREADS status =
            instant_refresh(handle, tables.items, tables.count, call, &result, &err);
        Py_END_ALLOW_THREADS answer = answer_result(self, status, result, &err);
    }
    strings_done(&tables);
    return answer;
}

static PyObject *
connector_query(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "sql", "parameters", "options", "call", NULL };
    ConnectorObject *self = (ConnectorObject *) object;
    ModuleState *state = object_state(object);
    const char *sql;
    PyObject *values = NULL, *dict = NULL, *call_object = NULL;
    Parameters parameters = { 0 };
    Options options = { 0 };
    InstantConnector *handle;
    InstantCall *call;
    InstantResult *result = NULL;
    InstantError err;
    InstantStatus status;
    PyObject *answer = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|OOO:query", names, &sql, &values, &dict,
                                     &call_object) ||
        !call_handle(state, call_object, &call))
        return NULL;
    if (parameters_init(state, values, &parameters) < 0 || options_init(state, dict, &options) < 0)
        goto done;
    if ((handle = connector_enter(self)) != NULL) {
        Py_BEGIN_ALLOW_THREADS status =
            instant_query(handle, sql, parameters.items, parameters.count, options.items,
                          options.count, call, &result, &err);
        Py_END_ALLOW_THREADS answer = answer_result(self, status, result, &err);
    }

done:
    parameters_done(&parameters);
    options_done(&options);
    return answer;
}

static PyObject *
connector_explain(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "sql", "parameters", "analyze", "call", NULL };
    ConnectorObject *self = (ConnectorObject *) object;
    ModuleState *state = object_state(object);
    const char *sql;
    int analyze = 0;
    PyObject *values = NULL, *call_object = NULL;
    Parameters parameters;
    InstantConnector *handle;
    InstantCall *call;
    InstantResult *result = NULL;
    InstantError err;
    InstantStatus status;
    PyObject *answer = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|OpO:explain", names, &sql, &values, &analyze,
                                     &call_object) ||
        !call_handle(state, call_object, &call) || parameters_init(state, values, &parameters) < 0)
        return NULL;
    if ((handle = connector_enter(self)) != NULL) {
        Py_BEGIN_ALLOW_THREADS status = instant_explain(
            handle, sql, parameters.items, parameters.count, analyze != 0, call, &result, &err);
        Py_END_ALLOW_THREADS answer = answer_result(self, status, result, &err);
    }
    parameters_done(&parameters);
    return answer;
}

/* The pieces of an InstantTableRequest and what keeps them alive. */
typedef struct Request {
    InstantTableRequest request;
    Filters filters;
    Strings columns, order_by;
    Options options;
    InstantCall *call;
} Request;

static void
request_done(Request *request)
{
    filters_done(&request->filters);
    strings_done(&request->columns);
    strings_done(&request->order_by);
    options_done(&request->options);
}

static int
request_init(ModuleState *state, PyObject *args, PyObject *kwargs, Request *request)
{
    static char *names[] = { "table",  "filters", "columns", "order_by", "limit",
                             "offset", "options", "call",    NULL };
    PyObject *filters = NULL, *columns = NULL, *order_by = NULL, *dict = NULL, *call = NULL;
    long long limit = -1, offset = -1;
    const char *table;

    memset(request, 0, sizeof *request);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|OOOLLOO:table", names, &table, &filters,
                                     &columns, &order_by, &limit, &offset, &dict, &call) ||
        !call_handle(state, call, &request->call))
        return -1;
    if (filters_init(state, filters, &request->filters) < 0 ||
        strings_init(state, columns, "a column", &request->columns) < 0 ||
        strings_init(state, order_by, "a column of order_by", &request->order_by) < 0 ||
        options_init(state, dict, &request->options) < 0) {
        request_done(request);
        return -1;
    }
    request->request = (InstantTableRequest){
        .table = table,
        .filters = request->filters.items,
        .filter_count = request->filters.count,
        .columns = request->columns.items,
        .column_count = request->columns.count,
        .order_by = request->order_by.items,
        .order_by_count = request->order_by.count,
        .limit = limit,
        .offset = offset,
    };
    return 0;
}

static PyObject *
connector_table(PyObject *object, PyObject *args, PyObject *kwargs)
{
    ConnectorObject *self = (ConnectorObject *) object;
    Request request;
    InstantConnector *handle;
    InstantResult *result = NULL;
    InstantError err;
    InstantStatus status;
    PyObject *answer = NULL;

    if (request_init(object_state(object), args, kwargs, &request) < 0)
        return NULL;
    if ((handle = connector_enter(self)) != NULL) {
        Py_BEGIN_ALLOW_THREADS status =
            instant_table(handle, &request.request, request.options.items, request.options.count,
                          request.call, &result, &err);
        Py_END_ALLOW_THREADS answer = answer_result(self, status, result, &err);
    }
    request_done(&request);
    return answer;
}

static PyObject *
connector_table_sql(PyObject *object, PyObject *args, PyObject *kwargs)
{
    ConnectorObject *self = (ConnectorObject *) object;
    ModuleState *state = object_state(object);
    Request request;
    InstantConnector *handle;
    char *sql = NULL;
    InstantError err;
    InstantStatus status;
    PyObject *answer = NULL;

    if (request_init(state, args, kwargs, &request) < 0)
        return NULL;
    if ((handle = connector_enter(self)) != NULL) {
        Py_BEGIN_ALLOW_THREADS status =
            instant_table_sql(handle, &request.request, request.call, &sql, &err);
        Py_END_ALLOW_THREADS answer =
            status == INSTANT_OK ? PyUnicode_FromString(sql) : raise_instant_error(state, &err);
        if (status == INSTANT_OK)
            instant_string_free(sql);
        connector_leave(self);
    }
    request_done(&request);
    return answer;
}

#define WITH_KEYWORDS (METH_VARARGS | METH_KEYWORDS)
#define METHOD(name, help)                                                                         \
    {                                                                                              \
#name, (PyCFunction) (void (*)(void)) connector_##name, WITH_KEYWORDS, help                \
    }

static PyMethodDef connector_methods[] = {
    METHOD(setup, "Make the hub as the configuration says."),
    METHOD(health, "Connect to every source."),
    METHOD(tables, "The columns of every table, or of one."),
    METHOD(refresh, "Import tables again."),
    METHOD(query, "Run SQL."),
    METHOD(explain, "The plan of SQL."),
    METHOD(table, "Load a table."),
    METHOD(table_sql, "The SQL that table() sends."),
    { "close", connector_close, METH_NOARGS, "Close; calls that are under way end first." },
    { NULL, NULL, 0, NULL },
};

static PyGetSetDef connector_attributes[] = {
    { "closed", connector_get_closed, NULL, "True after close().", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot connector_slots[] = {
    { Py_tp_doc, "An InstantConnector." },
    { Py_tp_new, connector_new },
    { Py_tp_traverse, connector_traverse },
    { Py_tp_dealloc, connector_dealloc },
    { Py_tp_methods, connector_methods },
    { Py_tp_getset, connector_attributes },
    { 0, NULL },
};

PyType_Spec connector_spec = {
    .name = "instant_connector._native.Connector",
    .basicsize = sizeof(ConnectorObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = connector_slots,
};
