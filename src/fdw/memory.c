/*
 * memory.c - memory from PostgreSQL's contexts: what base/memory.c and base/buffer.c are elsewhere.
 *
 * Nothing here returns NULL: running out of memory is PostgreSQL's error. Sizes above 1 GB are
 * allowed, since the texts of one batch may be longer than one value can be.
 */
#include "fdw/pg.h"

#include "base/buffer.h"
#include "base/memory.h"
#include <utils/memutils.h>

void *
idc_malloc(size_t size)
{
    return MemoryContextAllocHuge(CurrentMemoryContext, size);
}

void *
idc_calloc(size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("cannot allocate %zu times %zu bytes", count, size)));
    return MemoryContextAllocExtended(CurrentMemoryContext, total,
                                      MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

void *
idc_realloc(void *memory, size_t size)
{
    return memory == NULL ? idc_malloc(size) : repalloc_huge(memory, size);
}

void
idc_free(void *memory)
{
    if (memory != NULL)
        pfree(memory);
}

/* The blocks of a context are as good a place for what is big. */
void *
idc_buffer_resize(void *buffer, size_t size)
{
    return idc_realloc(buffer, size);
}

void *
idc_buffer_resize_in_heap(void *buffer, size_t size)
{
    return idc_realloc(buffer, size);
}

void
idc_buffer_free(void *buffer)
{
    idc_free(buffer);
}
