/*
 * memory.h - where base and arrow get their memory from.
 *
 * Two sets of these functions exist, and a program links one: base/memory.c asks libc, and
 * fdw/memory.c asks PostgreSQL's memory contexts (where running out of memory raises an error
 * instead of returning NULL, and what was not freed goes with its context).
 */
#ifndef IDC_BASE_MEMORY_H
#define IDC_BASE_MEMORY_H

#include <stddef.h>

/* As malloc, calloc, realloc and free. In a backend, memory is of the current memory context, and
 * stays in its context when it grows. */
void *idc_malloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *idc_calloc(size_t count, size_t size) __attribute__((malloc, alloc_size(1, 2)));
void *idc_realloc(void *memory, size_t size) __attribute__((alloc_size(2)));
void idc_free(void *memory);

#endif
