/*
 * buffer.h - memory that grows to any size and goes back to the system: the columns of a result.
 *
 * A program's heap is a bad place for it. glibc puts big blocks outside of the heap at first, but
 * once one was freed it puts the next of that size into the heap, where growing copies and leaves
 * holes: a second result in a process would take up to twice the memory of the first.
 *
 * Two sets of these functions exist, as of memory.h: base/buffer.c, and fdw/memory.c, where buffers
 * are of the current memory context like all other memory.
 */
#ifndef IDC_BASE_BUFFER_H
#define IDC_BASE_BUFFER_H

#include <stddef.h>

/*
 * As realloc (NULL: a new buffer), but size may be 0. What was there stays up to the smaller of
 * both sizes; what is new has any contents. NULL: no memory, and the buffer is as it was. Small
 * buffers are aligned as malloc's are; big ones to 64 bytes, they grow without being copied, and
 * memory of them that is not used does not count.
 */
void *idc_buffer_resize(void *buffer, size_t size) __attribute__((warn_unused_result));

/*
 * The same, but it moves nothing out of the heap: for buffers that are soon freed, and then wanted
 * again in the same size. Each page of a new mapping costs a page fault, those of the heap do not.
 */
void *idc_buffer_resize_in_heap(void *buffer, size_t size) __attribute__((warn_unused_result));

/* Only for memory of these functions; NULL is allowed. */
void idc_buffer_free(void *buffer);

#endif
