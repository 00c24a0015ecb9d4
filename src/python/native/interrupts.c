/*
 * interrupts.c - a Ctrl-C while the main thread itself waits inside the library.
 *
 * Out of Python's hands a KeyboardInterrupt would come only after the query. For the length of a
 * call SIGINT's handler is therefore one that first writes the call's number into a pipe, whose
 * reader cancels it from another thread, and then goes on to Python's own handler.
 *
 * That is right only where SIGINT raises KeyboardInterrupt and no other signal is handled by
 * Python: a handler of the user's must run while the query goes on, so for that the caller waits
 * in Python instead and leaves the query to a thread.
 */
#include "interrupts.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { LAST_SIGNAL = 31 };

/* A handler knows nothing but its signal, so this has to be global. Only the main thread changes
 * it, and only while the handler is not installed. */
static struct {
    struct sigaction previous;
    uint64_t number;
    int fd;
    atomic_bool is_active;
} watch;

static void
on_interrupt(int signal_number)
{
    int saved = errno;
    ssize_t written = write(watch.fd, &watch.number, sizeof watch.number);

    (void) written; /* a full pipe has its reader awake already */
    watch.previous.sa_handler(signal_number);
    errno = saved;
}

/* 1 if only KeyboardInterrupt can come, 0 if not, -1 with an exception. */
static int
only_interrupts_come(ModuleState *state)
{
    for (int number = 1; number <= LAST_SIGNAL; number++) {
        PyObject *object, *handler;
        int is_python;

        if (number == SIGKILL || number == SIGSTOP)
            continue;
        if ((object = PyLong_FromLong(number)) == NULL)
            return -1;
        handler = PyObject_CallFunctionObjArgs(state->getsignal, object, NULL);
        Py_DECREF(object);
        if (handler == NULL)
            return -1;
        /* SIG_DFL and SIG_IGN are ints, None is a handler of somebody's C code. */
        is_python = handler != Py_None && !PyLong_Check(handler);
        if (number == SIGINT)
            is_python = handler != state->default_int_handler;
        Py_DECREF(handler);
        if (is_python)
            return 0;
    }
    return 1;
}

PyObject *
interrupts_begin(PyObject *module, PyObject *args)
{
    struct sigaction action = { .sa_handler = on_interrupt };
    unsigned long long number;
    int fd;
    int can_watch;

    if (!PyArg_ParseTuple(args, "iK:interrupts_begin", &fd, &number))
        return NULL;
    if (atomic_load(&watch.is_active))
        Py_RETURN_FALSE;
    if ((can_watch = only_interrupts_come(module_state(module))) < 0)
        return NULL;
    if (!can_watch || sigaction(SIGINT, NULL, &watch.previous) != 0)
        Py_RETURN_FALSE;
    if ((watch.previous.sa_flags & SA_SIGINFO) != 0 || watch.previous.sa_handler == SIG_DFL ||
        watch.previous.sa_handler == SIG_IGN)
        Py_RETURN_FALSE;
    watch.fd = fd;
    watch.number = number;
    action.sa_mask = watch.previous.sa_mask;
    action.sa_flags = watch.previous.sa_flags;
    if (sigaction(SIGINT, &action, NULL) != 0)
        Py_RETURN_FALSE;
    atomic_store(&watch.is_active, true);
    Py_RETURN_TRUE;
}

PyObject *
interrupts_end(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    struct sigaction current;

    if (atomic_load(&watch.is_active)) {
        /* Whoever set a handler of his own meanwhile keeps it. */
        if (sigaction(SIGINT, NULL, &current) == 0 && current.sa_handler == on_interrupt)
            (void) sigaction(SIGINT, &watch.previous, NULL);
        atomic_store(&watch.is_active, false);
    }
    if (PyErr_CheckSignals() < 0)
        return NULL;
    Py_RETURN_NONE;
}
