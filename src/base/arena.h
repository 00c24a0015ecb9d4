/*
 * arena.h - memory and other resources that end together.
 *
 * In:   requests for memory; resources with the function that closes them
 * Out:  pointers that are good until idc_arena_free
 */
#ifndef IDC_BASE_ARENA_H
#define IDC_BASE_ARENA_H

#include <stddef.h>

#include "base/error.h"

typedef struct IdcArena IdcArena;

/* A new arena that refuses to grow past limit_bytes (0: no limit); NULL if out of memory. */
IdcArena *idc_arena_new(size_t limit_bytes);

/* Closes what was handed over, last first, and frees all memory. NULL is fine. */
void idc_arena_free(IdcArena *arena);

/* Zeroed, aligned for any type; NULL if out of memory or over the limit. */
void *idc_arena_alloc(IdcArena *arena, size_t size);
void *idc_arena_alloc_array(IdcArena *arena, size_t count, size_t size);

/* Copies; NULL stays NULL only for a NULL input or when out of memory. */
char *idc_arena_strdup(IdcArena *arena, const char *text);
char *idc_arena_strndup(IdcArena *arena, const char *text, size_t len);
char *idc_arena_printf(IdcArena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Call close_function(resource) when the arena is freed. On failure the resource is still yours. */
IDC_CHECKED IdcStatus idc_arena_on_free(IdcArena *arena, void (*close_function)(void *),
                                        void *resource);

#endif
