/*
 * columns.h - an Arrow column as what numpy and pandas take.
 */
#ifndef INSTANT_PYTHON_COLUMNS_H
#define INSTANT_PYTHON_COLUMNS_H

#include "native.h"

/*
 * column_values(schema capsule, array capsule, masked) -> (dtype, values, mask, zone).
 *
 * For numbers, booleans, dates and timestamps: numpy's name of the type and a writable buffer of
 * the values, the column's own memory where it is large (the array capsule is then empty). NULLs
 * are NaN or NaT where the type has one; otherwise, and always with masked (but for dates and
 * timestamps), mask is a buffer of a byte a value, 1 for NULL, or None if there are none and
 * masked is false. zone is that of a timestamp, or None.
 *
 * For any other type: (None, Arrow format or "dictionary", length, None), the capsules untouched.
 */
PyObject *column_values(PyObject *module, PyObject *args);

/* fill_objects(schema capsule, array capsule, target): target is a numpy array of objects. */
PyObject *fill_objects(PyObject *module, PyObject *args);

#endif
