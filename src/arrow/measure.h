/*
 * measure.h - how much memory a record batch holds, and whether two types are the same.
 *
 * In:   ArrowSchema, ArrowArray
 * Next: hub/partitions.c, which keeps batches waiting up to a bound
 */
#ifndef IDC_ARROW_MEASURE_H
#define IDC_ARROW_MEASURE_H

#include "arrow/abi.h"
#include "base/error.h"

/* The bytes of all buffers of an array that has the type of the schema, about. */
IDC_CHECKED IdcStatus idc_array_measure(const struct ArrowSchema *schema,
                                        const struct ArrowArray *array, int64_t *bytes,
                                        IdcError *err);

/* True if what reads arrays of one type can read those of the other: names do not count. */
bool idc_schema_fits(const struct ArrowSchema *schema, const struct ArrowSchema *other);

#endif
