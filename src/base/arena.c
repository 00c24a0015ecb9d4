/*
 * arena.c - blocks of memory in a list, and the list of what to close.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { ARENA_BLOCK_BYTES = 8192 };

typedef struct Block {
    struct Block *next;
    size_t used, size;
    _Alignas(max_align_t) char data[];
} Block;

typedef struct Cleanup {
    struct Cleanup *next;
    void (*close_function)(void *);
    void *resource;
} Cleanup;

/* blocks->data[0 .. used) is taken; total_bytes is the sum of all sizes. */
struct IdcArena {
    Block *blocks;
    Cleanup *cleanups;
    size_t total_bytes, limit_bytes;
};

IdcArena *
idc_arena_new(size_t limit_bytes)
{
    IdcArena *arena = idc_calloc(1, sizeof *arena);

    if (arena != NULL)
        arena->limit_bytes = limit_bytes;
    return arena;
}

void
idc_arena_free(IdcArena *arena)
{
    if (arena == NULL)
        return;
    for (Cleanup *cleanup = arena->cleanups; cleanup != NULL; cleanup = cleanup->next)
        cleanup->close_function(cleanup->resource);
    for (Block *block = arena->blocks, *next; block != NULL; block = next) {
        next = block->next;
        idc_free(block);
    }
    idc_free(arena);
}

static Block *
block_add(IdcArena *arena, size_t size)
{
    Block *block;
    size_t total;

    if (size < ARENA_BLOCK_BYTES)
        size = ARENA_BLOCK_BYTES;
    if (__builtin_add_overflow(arena->total_bytes, size, &total) ||
        (arena->limit_bytes != 0 && total > arena->limit_bytes) || size > SIZE_MAX - sizeof *block)
        return NULL;
    block = idc_malloc(sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->used = 0;
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->total_bytes = total;
    return block;
}

void *
idc_arena_alloc(IdcArena *arena, size_t size)
{
    Block *block = arena->blocks;
    void *result;

    if (size > SIZE_MAX - _Alignof(max_align_t))
        return NULL;
    size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    if ((block == NULL || block->size - block->used < size) &&
        (block = block_add(arena, size)) == NULL)
        return NULL;
    result = memset(block->data + block->used, 0, size);
    block->used += size;
    return result;
}

void *
idc_arena_alloc_array(IdcArena *arena, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return idc_arena_alloc(arena, bytes);
}

char *
idc_arena_strndup(IdcArena *arena, const char *text, size_t len)
{
    char *copy = len < SIZE_MAX ? idc_arena_alloc(arena, len + 1) : NULL;

    if (copy != NULL && len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *
idc_arena_strdup(IdcArena *arena, const char *text)
{
    return text == NULL ? NULL : idc_arena_strndup(arena, text, strlen(text));
}

char *
idc_arena_printf(IdcArena *arena, const char *format, ...)
{
    va_list args, again;
    char *result = NULL;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    if (len >= 0 && (result = idc_arena_alloc(arena, (size_t) len + 1)) != NULL)
        (void) vsnprintf(result, (size_t) len + 1, format, again);
    va_end(again);
    va_end(args);
    return result;
}

IdcStatus
idc_arena_on_free(IdcArena *arena, void (*close_function)(void *), void *resource)
{
    Cleanup *cleanup = idc_arena_alloc(arena, sizeof *cleanup);

    if (cleanup == NULL)
        return IDC_NO_MEMORY;
    cleanup->close_function = close_function;
    cleanup->resource = resource;
    cleanup->next = arena->cleanups;
    arena->cleanups = cleanup;
    return IDC_OK;
}
