/*
 * buffer.c - the type Buffer: a piece of memory that another object owns, writable through Python's
 * buffer protocol.
 *
 * Arrow's buffers are read-only to pyarrow, and so are DataFrames built on them. A column that was
 * just received belongs to nobody else: this lets numpy use it in place, writable, with no copy.
 */
#include "native.h"

typedef struct BufferObject {
    PyObject_HEAD PyObject *owner;
    void *address;
    Py_ssize_t size_bytes;
} BufferObject;

static PyObject *
buffer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "owner", "address", "size", NULL };
    PyObject *owner, *address;
    Py_ssize_t size_bytes;
    BufferObject *self;
    void *pointer;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOn:Buffer", names, &owner, &address,
                                     &size_bytes))
        return NULL;
    pointer = PyLong_AsVoidPtr(address);
    if (PyErr_Occurred())
        return NULL;
    if (pointer == NULL || size_bytes < 0) {
        PyErr_SetString(PyExc_ValueError, "a buffer needs an address and a size");
        return NULL;
    }
    self = (BufferObject *) PyType_GenericAlloc(type, 0);
    if (self == NULL)
        return NULL;
    self->owner = Py_NewRef(owner);
    self->address = pointer;
    self->size_bytes = size_bytes;
    return (PyObject *) self;
}

static void
buffer_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);

    Py_CLEAR(((BufferObject *) object)->owner);
    PyObject_Free(object);
    Py_DECREF(type);
}

static int
buffer_get(PyObject *object, Py_buffer *view, int flags)
{
    BufferObject *self = (BufferObject *) object;

    return PyBuffer_FillInfo(view, object, self->address, self->size_bytes, 0, flags);
}

static PyType_Slot buffer_slots[] = {
    { Py_tp_doc, "Memory of another object, writable." },
    { Py_tp_new, buffer_new },
    { Py_tp_dealloc, buffer_dealloc },
    { Py_bf_getbuffer, buffer_get },
    { 0, NULL },
};

PyType_Spec buffer_spec = {
    .name = "instant_connector._native.Buffer",
    .basicsize = sizeof(BufferObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = buffer_slots,
};
