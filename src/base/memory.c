/*
 * memory.c - memory from libc: for everything but a PostgreSQL backend.
 */
#include "base/memory.h"

#include <stdlib.h>

void *
idc_malloc(size_t size)
{
    return malloc(size);
}

void *
idc_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

void *
idc_realloc(void *memory, size_t size)
{
    return realloc(memory, size);
}

void
idc_free(void *memory)
{
    free(memory);
}
