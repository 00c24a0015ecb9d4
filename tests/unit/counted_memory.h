/*
 * counted_memory.h - a base/memory.c of the test's own: it can refuse from some call on
 * (calls_left; -1: it refuses nothing), and counts what was not freed (kept). For one test each.
 */
#ifndef TESTS_COUNTED_MEMORY_H
#define TESTS_COUNTED_MEMORY_H

#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

static long calls_left = -1, kept;

static bool
is_refused(void)
{
    if (calls_left < 0)
        return false;
    if (calls_left == 0)
        return true;
    calls_left--;
    return false;
}

static void *
counted(void *memory)
{
    kept += memory != NULL;
    return memory;
}

void *
idc_malloc(size_t size)
{
    return is_refused() ? NULL : counted(malloc(size));
}

void *
idc_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : counted(calloc(count, size));
}

void *
idc_realloc(void *memory, size_t size)
{
    if (memory == NULL)
        return idc_malloc(size);
    return is_refused() ? NULL : realloc(memory, size);
}

void
idc_free(void *memory)
{
    kept -= memory != NULL;
    free(memory);
}

#endif
