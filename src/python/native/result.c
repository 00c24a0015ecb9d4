/*
 * result.c - the type Result: an InstantResult, read once, in one of three ways.
 *
 * stream()       the whole Arrow stream as a capsule, for whoever speaks Arrow
 * next_columns() a batch as one capsule a column, so that each column's memory is freed by itself
 * fetch_rows()   Python objects
 *
 * Waits happen without the GIL. close() while another thread reads takes effect when it comes back.
 */
#include "native.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "instant/arrow.h"
#include "rows.h"

/* handle NULL: closed. stream is moved out of handle when the first batch or the schema is wanted.
 */
typedef struct ResultObject {
    PyObject_HEAD InstantResult *handle;
    PyObject *owner; /* the Connector */
    struct ArrowArrayStream stream;
    struct ArrowSchema schema; /* of stream */
    struct ArrowArray batch;   /* what fetch_rows is in the middle of */
    int64_t batch_row;
    RowReader *reader;
    bool is_taken; /* stream() or next_columns() or fetch_rows() began */
    bool is_exported;
    bool is_ended;
    bool is_busy; /* a thread is inside, reading */
    int canceler_count;
    bool is_closing;
} ResultObject;

PyObject *
result_new(ModuleState *state, InstantResult *result, PyObject *owner)
{
    ResultObject *self = (ResultObject *) PyType_GenericAlloc(state->result_type, 0);

    if (self == NULL) {
        instant_result_free(result);
        return NULL;
    }
    self->handle = result;
    self->owner = Py_NewRef(owner);
    return (PyObject *) self;
}

/* Free everything but the object itself. Nobody is inside. */
static void
result_release(ResultObject *self)
{
    InstantResult *handle = self->handle;
    struct ArrowArrayStream stream = self->stream;
    struct ArrowArray batch = self->batch;
    struct ArrowSchema schema = self->schema;

    row_reader_free(self->reader);
    self->reader = NULL;
    self->handle = NULL;
    self->stream.release = NULL;
    self->batch.release = NULL;
    self->schema.release = NULL;
    Py_BEGIN_ALLOW_THREADS if (batch.release != NULL) batch.release(&batch);
    if (schema.release != NULL)
        schema.release(&schema);
    if (stream.release != NULL)
        stream.release(&stream);
    instant_result_free(handle);
    Py_END_ALLOW_THREADS
}

static void
result_dealloc(PyObject *object)
{
    ResultObject *self = (ResultObject *) object;
    PyTypeObject *type = Py_TYPE(object);

    result_release(self);
    Py_CLEAR(self->owner);
    PyObject_Free(object);
    Py_DECREF(type);
}

static bool
result_enter(ResultObject *self)
{
    const char *reason = NULL;

    if (self->handle == NULL || self->is_closing)
        reason = "the result is closed";
    else if (self->is_busy)
        reason = "the result is being read by another thread";
    else if (self->is_exported)
        reason = "the result's stream was taken already";
    if (reason != NULL) {
        raise_class(object_state((PyObject *) self), "InterfaceError", "%s", reason);
        return false;
    }
    self->is_busy = true;
    return true;
}

/* Free what close() could not, once nobody is inside. */
static void
result_settle(ResultObject *self)
{
    if (self->is_closing && !self->is_busy && self->canceler_count == 0 && self->handle != NULL)
        result_release(self);
}

static void
result_leave(ResultObject *self)
{
    self->is_busy = false;
    result_settle(self);
}

/* Set the exception behind a failed call of the stream. */
static void
stream_raise(ResultObject *self, int code)
{
    ModuleState *state = object_state((PyObject *) self);
    InstantError err = { .status = INSTANT_OK };
    const char *text = NULL;

    instant_result_error(self->handle, &err);
    if (err.status != INSTANT_OK) {
        raise_instant_error(state, &err);
        return;
    }
    if (self->stream.get_last_error != NULL)
        text = self->stream.get_last_error(&self->stream);
    raise_class(state, "OperationalError", "cannot read the result: %s",
                text != NULL ? text : strerror(code));
}

/* Have the stream and its schema here. Inside enter/leave. */
static int
stream_open(ResultObject *self)
{
    InstantError err;
    InstantStatus status;
    int code;

    if (self->stream.release == NULL) {
        status = instant_result_stream(self->handle, &self->stream, &err);
        if (status != INSTANT_OK) {
            self->stream.release = NULL;
            raise_instant_error(object_state((PyObject *) self), &err);
            return -1;
        }
    }
    if (self->schema.release != NULL)
        return 0;
    Py_BEGIN_ALLOW_THREADS code = self->stream.get_schema(&self->stream, &self->schema);
    Py_END_ALLOW_THREADS if (code != 0)
    {
        self->schema.release = NULL;
        stream_raise(self, code);
        return -1;
    }
    return 0;
}

/* The next batch: 1, 0 at the end, -1 with an exception. */
static int
batch_next(ResultObject *self, struct ArrowArray *batch)
{
    int code;

    memset(batch, 0, sizeof *batch);
    if (self->is_ended)
        return 0;
    Py_BEGIN_ALLOW_THREADS code = self->stream.get_next(&self->stream, batch);
    Py_END_ALLOW_THREADS if (code != 0)
    {
        self->is_ended = true;
        stream_raise(self, code);
        return -1;
    }
    self->is_ended = batch->release == NULL;
    return self->is_ended ? 0 : 1;
}

/* ---- capsules ---- */

static void
schema_capsule_free(PyObject *capsule)
{
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");

    if (schema != NULL && schema->release != NULL)
        schema->release(schema);
    free(schema);
}

static void
array_capsule_free(PyObject *capsule)
{
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");

    if (array != NULL && array->release != NULL)
        array->release(array);
    free(array);
}

static void
stream_capsule_free(PyObject *capsule)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");

    if (stream != NULL && stream->release != NULL)
        stream->release(stream);
    free(stream);
}

/* A capsule of size bytes moved out of *source, whose release is cleared by the caller on success.
 */
static PyObject *
capsule_move(const void *source, size_t size, const char *name, PyCapsule_Destructor destructor)
{
    void *copy = malloc(size);
    PyObject *capsule;

    if (copy == NULL)
        return PyErr_NoMemory();
    memcpy(copy, source, size);
    capsule = PyCapsule_New(copy, name, destructor);
    if (capsule == NULL)
        free(copy);
    return capsule;
}

static PyObject *
schema_capsule(struct ArrowSchema *schema)
{
    PyObject *capsule = capsule_move(schema, sizeof *schema, "arrow_schema", schema_capsule_free);

    if (capsule != NULL)
        schema->release = NULL;
    return capsule;
}

static PyObject *
array_capsule(struct ArrowArray *array)
{
    PyObject *capsule = capsule_move(array, sizeof *array, "arrow_array", array_capsule_free);

    if (capsule != NULL)
        array->release = NULL;
    return capsule;
}

/* ---- the stream for others ---- */

/* The library's stream and the Result that knows its error and keeps the connector. */
typedef struct ExportedStream {
    struct ArrowArrayStream inner;
    PyObject *result;
} ExportedStream;

static int
exported_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    ExportedStream *exported = stream->private_data;

    return exported->inner.get_schema(&exported->inner, schema);
}

/* The consumer may or may not hold the GIL here. If it does, others must be able to run meanwhile.
 */
static int
exported_get_next(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    ExportedStream *exported = stream->private_data;
    PyGILState_STATE gil;
    int code;

    if (!Py_IsInitialized() || PyGILState_GetThisThreadState() == NULL)
        return exported->inner.get_next(&exported->inner, array);
    gil = PyGILState_Ensure();
    Py_BEGIN_ALLOW_THREADS code = exported->inner.get_next(&exported->inner, array);
    Py_END_ALLOW_THREADS PyGILState_Release(gil);
    return code;
}

static const char *
exported_get_last_error(struct ArrowArrayStream *stream)
{
    ExportedStream *exported = stream->private_data;

    return exported->inner.get_last_error(&exported->inner);
}

static void
exported_release(struct ArrowArrayStream *stream)
{
    ExportedStream *exported = stream->private_data;

    stream->release = NULL;
    if (Py_IsInitialized()) {
        PyGILState_STATE gil = PyGILState_Ensure();

        Py_BEGIN_ALLOW_THREADS exported->inner.release(&exported->inner);
        Py_END_ALLOW_THREADS Py_DECREF(exported->result);
        PyGILState_Release(gil);
    }
    free(exported);
}

static PyObject *
result_stream(PyObject *object, PyObject *Py_UNUSED(unused))
{
    ResultObject *self = (ResultObject *) object;
    struct ArrowArrayStream stream = { .get_schema = exported_get_schema,
                                       .get_next = exported_get_next,
                                       .get_last_error = exported_get_last_error,
                                       .release = exported_release };
    ExportedStream *exported = NULL;
    PyObject *capsule = NULL;

    if (!result_enter(self))
        return NULL;
    if (self->is_taken)
        raise_class(object_state(object), "InterfaceError", "the result is partly read already");
    else if (stream_open(self) == 0) {
        exported = malloc(sizeof *exported);
        stream.private_data = exported;
        if (exported == NULL)
            PyErr_NoMemory();
        else
            capsule =
                capsule_move(&stream, sizeof stream, "arrow_array_stream", stream_capsule_free);
    }
    if (capsule == NULL)
        free(exported);
    else {
        exported->inner = self->stream;
        exported->result = Py_NewRef(object);
        self->stream.release = NULL;
        self->is_exported = true;
    }
    result_leave(self);
    return capsule;
}

/* ---- columns ---- */

/* (schema capsule, array capsule) of each column of batch, moved out of it. */
static PyObject *
columns_of(struct ArrowSchema *schema, struct ArrowArray *batch)
{
    PyObject *list = PyList_New(0);

    for (int64_t i = 0; list != NULL && i < batch->n_children; i++) {
        PyObject *field = schema_capsule(schema->children[i]);
        PyObject *array = array_capsule(batch->children[i]);
        PyObject *pair = NULL;

        if (field != NULL && array != NULL)
            pair = PyTuple_Pack(2, field, array);
        if (pair == NULL || PyList_Append(list, pair) < 0)
            Py_CLEAR(list);
        Py_XDECREF(field);
        Py_XDECREF(array);
        Py_XDECREF(pair);
    }
    return list;
}

static PyObject *
result_next_columns(PyObject *object, PyObject *Py_UNUSED(unused))
{
    ResultObject *self = (ResultObject *) object;
    struct ArrowArray batch = { 0 };
    struct ArrowSchema schema = { 0 };
    PyObject *columns = NULL;
    int status = -1;

    if (!result_enter(self))
        return NULL;
    self->is_taken = true;
    if (stream_open(self) == 0)
        status = batch_next(self, &batch);
    if (status == 0)
        columns = Py_NewRef(Py_None);
    else if (status > 0) {
        int code = self->stream.get_schema(&self->stream, &schema);

        if (code != 0)
            stream_raise(self, code);
        else
            columns = columns_of(&schema, &batch);
    }
    if (batch.release != NULL)
        batch.release(&batch);
    if (schema.release != NULL)
        schema.release(&schema);
    result_leave(self);
    return columns;
}

/* The schema as a capsule, for an empty result. */
static PyObject *
result_schema(PyObject *object, PyObject *Py_UNUSED(unused))
{
    ResultObject *self = (ResultObject *) object;
    struct ArrowSchema schema = { 0 };
    PyObject *capsule = NULL;
    int code;

    if (!result_enter(self))
        return NULL;
    if (stream_open(self) == 0) {
        code = self->stream.get_schema(&self->stream, &schema);
        if (code != 0)
            stream_raise(self, code);
        else if ((capsule = schema_capsule(&schema)) == NULL)
            schema.release(&schema);
    }
    result_leave(self);
    return capsule;
}

/* ---- rows ---- */

static PyObject *
result_fetch_rows(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "count", "as_dict", "numeric_text", NULL };
    ResultObject *self = (ResultObject *) object;
    long long count;
    int as_dict = 1, numeric_text = 1;
    PyObject *list = NULL;
    int status = -1;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "L|pp:fetch_rows", names, &count, &as_dict,
                                     &numeric_text) ||
        !result_enter(self))
        return NULL;
    self->is_taken = true;
    if (stream_open(self) < 0)
        goto done;
    if (self->reader == NULL)
        self->reader = row_reader_new(object_state(object), &self->schema, numeric_text != 0);
    if (self->reader == NULL || (list = PyList_New(0)) == NULL)
        goto done;
    status = 1;
    while (status > 0 && PyList_Size(list) == 0) {
        int64_t rest;

        if (self->batch.release != NULL && self->batch_row >= self->batch.length)
            self->batch.release(&self->batch);
        if (self->batch.release == NULL) {
            self->batch_row = 0;
            status = batch_next(self, &self->batch);
            continue;
        }
        rest = self->batch.length - self->batch_row;
        if (rest > count)
            rest = count;
        status =
            row_reader_read(self->reader, &self->batch, self->batch_row, rest, as_dict != 0, list);
        self->batch_row += rest;
        if (status == 0)
            break;
    }

done:
    if (status < 0)
        Py_CLEAR(list);
    result_leave(self);
    return list;
}

/* ---- what is known about it ---- */

static PyObject *
result_columns(PyObject *object, PyObject *Py_UNUSED(unused))
{
    ResultObject *self = (ResultObject *) object;
    PyObject *list = NULL;

    if (!result_enter(self))
        return NULL;
    if (stream_open(self) == 0)
        list = PyList_New(0);
    for (int64_t i = 0; list != NULL && i < self->schema.n_children; i++) {
        const struct ArrowSchema *child = self->schema.children[i];
        size_t len = 0;
        const char *type = schema_metadata(child, "postgresql:type", &len);
        PyObject *pair =
            Py_BuildValue("(ss#s)", child->name, type, (Py_ssize_t) len, child->format);

        if (pair == NULL || PyList_Append(list, pair) < 0)
            Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    result_leave(self);
    return list;
}

static PyObject *
result_stats(PyObject *object, PyObject *Py_UNUSED(unused))
{
    ResultObject *self = (ResultObject *) object;
    InstantStats stats = { 0 };

    if (self->handle == NULL)
        return raise_class(object_state(object), "InterfaceError", "the result is closed");
    instant_result_stats(self->handle, &stats);
    return Py_BuildValue("{sLsLsLsLsLsLsL}", "rows", (long long) stats.rows, "bytes",
                         (long long) stats.bytes, "batches", (long long) stats.batches,
                         "unrepresentable", (long long) stats.unrepresentable, "connect_us",
                         (long long) stats.connect_us, "first_batch_us",
                         (long long) stats.first_batch_us, "total_us", (long long) stats.total_us);
}

static PyObject *
result_sql(PyObject *object, PyObject *Py_UNUSED(unused))
{
    ResultObject *self = (ResultObject *) object;
    const char *sql;

    if (self->handle == NULL)
        return raise_class(object_state(object), "InterfaceError", "the result is closed");
    sql = instant_result_sql(self->handle);
    return PyUnicode_FromString(sql == NULL ? "" : sql);
}

/* Raise the error behind a stream that failed in somebody else's hands; None if there is none. */
static PyObject *
result_check(PyObject *object, PyObject *Py_UNUSED(unused))
{
    ResultObject *self = (ResultObject *) object;
    InstantError err = { .status = INSTANT_OK };

    if (self->handle == NULL)
        Py_RETURN_NONE;
    instant_result_error(self->handle, &err);
    if (err.status != INSTANT_OK)
        return raise_instant_error(object_state(object), &err);
    Py_RETURN_NONE;
}

static PyObject *
result_cancel(PyObject *object, PyObject *Py_UNUSED(unused))
{
    ResultObject *self = (ResultObject *) object;

    if (self->handle == NULL || self->is_closing)
        Py_RETURN_NONE;
    self->canceler_count++;
    Py_BEGIN_ALLOW_THREADS instant_result_cancel(self->handle);
    Py_END_ALLOW_THREADS self->canceler_count--;
    result_settle(self);
    Py_RETURN_NONE;
}

static PyObject *
result_close(PyObject *object, PyObject *Py_UNUSED(unused))
{
    ResultObject *self = (ResultObject *) object;

    self->is_closing = true;
    result_settle(self);
    Py_RETURN_NONE;
}

static PyMethodDef result_methods[] = {
    { "stream", result_stream, METH_NOARGS, "The Arrow stream as a capsule; once." },
    { "schema", result_schema, METH_NOARGS, "The Arrow schema as a capsule." },
    { "next_columns", result_next_columns, METH_NOARGS,
      "[(schema capsule, array capsule), ...] of the next batch, or None." },
    { "fetch_rows", (PyCFunction) (void (*)(void)) result_fetch_rows, METH_VARARGS | METH_KEYWORDS,
      "At most count rows; an empty list at the end." },
    { "columns", result_columns, METH_NOARGS, "[(name, PostgreSQL type, Arrow format), ...]" },
    { "stats", result_stats, METH_NOARGS, "Counters and times so far." },
    { "sql", result_sql, METH_NOARGS, "What was sent to the hub." },
    { "check", result_check, METH_NOARGS, "Raise the error that ended the stream, if one did." },
    { "cancel", result_cancel, METH_NOARGS, "Stop the query; from any thread." },
    { "close", result_close, METH_NOARGS, "End the query and free the result." },
    { NULL, NULL, 0, NULL },
};

static PyType_Slot result_slots[] = {
    { Py_tp_doc, "An InstantResult." },
    { Py_tp_dealloc, result_dealloc },
    { Py_tp_methods, result_methods },
    { 0, NULL },
};

PyType_Spec result_spec = {
    .name = "instant_connector._native.Result",
    .basicsize = sizeof(ResultObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = result_slots,
};
