/*
 * interrupts.h - what a Ctrl-C does while the main thread waits inside the library.
 */
#ifndef INSTANT_PYTHON_INTERRUPTS_H
#define INSTANT_PYTHON_INTERRUPTS_H

#include "native.h"

/*
 * interrupts_begin(fd, number) -> bool, in the main thread: until interrupts_end() a SIGINT also
 * writes number, 8 bytes, into the pipe fd. False, and nothing changed, where that would not do:
 * signals have handlers in Python, or a call is watched already.
 */
PyObject *interrupts_begin(PyObject *module, PyObject *args);

/* interrupts_end(): undo it, and raise the KeyboardInterrupt that came meanwhile. */
PyObject *interrupts_end(PyObject *module, PyObject *unused);

#endif
