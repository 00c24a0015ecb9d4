/*
 * buffer.c - small buffers from the heap, big ones from the system: for everything but a PostgreSQL
 * backend.
 */
#include "base/buffer.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

/*
 * Buffers from here on are mappings of their own. The address sanitizer sees where a block of the
 * heap ends, but not where a mapping should: for it there are none.
 */
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#define MAPPED_FROM SIZE_MAX
#else
#define MAPPED_FROM ((size_t) 256 << 10)
#endif

/* Where the bytes of a mapping begin, of which the header takes the last ones. */
#define MAPPED_OFFSET ((size_t) 64)

/* What lies before each buffer; as long as malloc's alignment, which the buffer then has too. */
typedef struct BufferHeader {
    alignas(16) size_t size; /* as asked for */
    size_t mapped_size;      /* of the whole mapping; 0: the memory is of idc_malloc */
} BufferHeader;

_Static_assert(sizeof(BufferHeader) == 16, "a header that moves the buffer off its alignment");

/* Of a mapping for so many bytes; 0: there is no such size. */
static size_t
mapping_size(size_t size)
{
    size_t page = (size_t) sysconf(_SC_PAGESIZE), total;

    if (__builtin_add_overflow(size, MAPPED_OFFSET + page - 1, &total) || total > PTRDIFF_MAX)
        return 0;
    return total / page * page;
}

static void *
mapping_begin(void *mapping, size_t mapped_size, size_t size)
{
    char *buffer = (char *) mapping + MAPPED_OFFSET;

    ((BufferHeader *) buffer)[-1] = (BufferHeader){ .size = size, .mapped_size = mapped_size };
    return buffer;
}

static void *
mapped_new(size_t size)
{
    size_t mapped_size = mapping_size(size);
    void *mapping;

    if (mapped_size == 0)
        return NULL;
    mapping = mmap(NULL, mapped_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapping == MAP_FAILED ? NULL : mapping_begin(mapping, mapped_size, size);
}

/* The system moves pages, not bytes; a mapping that shrinks gives pages back and stays one. */
static void *
mapped_resize(char *buffer, size_t size)
{
    BufferHeader *header = (BufferHeader *) buffer - 1;
    size_t mapped_size = mapping_size(size);
    void *mapping = buffer - MAPPED_OFFSET;

    if (mapped_size == 0)
        return NULL;
    if (mapped_size != header->mapped_size)
        mapping = mremap(mapping, header->mapped_size, mapped_size, MREMAP_MAYMOVE);
    return mapping == MAP_FAILED ? NULL : mapping_begin(mapping, mapped_size, size);
}

static void *
small_resize(BufferHeader *header, size_t size)
{
    size_t total;

    if (__builtin_add_overflow(size, sizeof *header, &total) || total > PTRDIFF_MAX)
        return NULL;
    header = idc_realloc(header, total);
    if (header == NULL)
        return NULL;
    *header = (BufferHeader){ .size = size };
    return header + 1;
}

void *
idc_buffer_resize(void *buffer, size_t size)
{
    BufferHeader *header = buffer == NULL ? NULL : (BufferHeader *) buffer - 1;
    void *mapped;

    if (header != NULL && header->mapped_size > 0)
        return mapped_resize(buffer, size);
    /* A process can have only so many mappings; the heap may still have room. */
    if (size < MAPPED_FROM || (mapped = mapped_new(size)) == NULL)
        return small_resize(header, size);
    if (header != NULL)
        memcpy(mapped, buffer, header->size < size ? header->size : size);
    idc_free(header);
    return mapped;
}

void *
idc_buffer_resize_in_heap(void *buffer, size_t size)
{
    BufferHeader *header = buffer == NULL ? NULL : (BufferHeader *) buffer - 1;

    if (header != NULL && header->mapped_size > 0)
        return mapped_resize(buffer, size);
    return small_resize(header, size);
}

void
idc_buffer_free(void *buffer)
{
    BufferHeader *header = buffer == NULL ? NULL : (BufferHeader *) buffer - 1;

    if (header != NULL && header->mapped_size > 0)
        (void) munmap((char *) buffer - MAPPED_OFFSET, header->mapped_size);
    else
        idc_free(header);
}
