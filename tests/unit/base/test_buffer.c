/*
 * test_buffer.c - buffers that grow from the heap into mappings, shrink, and give memory back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buffer.h"

#define MIB ((size_t) 1 << 20)

#ifdef __SANITIZE_ADDRESS__
/* Sizes that are too big give NULL there too. */
const char *__asan_default_options(void) __attribute__((visibility("default")));

const char *
__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

static void
fill(uint8_t *buffer, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        buffer[i] = (uint8_t) (i * 7 + (i >> 8));
}

static void
assert_filled(const uint8_t *buffer, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (buffer[i] != (uint8_t) (i * 7 + (i >> 8)))
            fail_msg("byte %zu of %zu is another one", i, size);
}

static void *
resize(void *buffer, size_t size)
{
    void *resized = idc_buffer_resize(buffer, size);

    assert_non_null(resized);
    assert_int_equal((uintptr_t) resized % _Alignof(max_align_t), 0);
#ifndef __SANITIZE_ADDRESS__
    if (size >= MIB)
        assert_int_equal((uintptr_t) resized % 64, 0);
#endif
    return resized;
}

static void
growing_keeps_what_there_was(void **state)
{
    uint8_t *buffer = NULL;
    size_t filled = 0;

    (void) state;
    for (size_t size = 0; size < 8 * MIB; size += size / 2 + 1) {
        buffer = resize(buffer, size);
        fill(buffer, filled, size);
        filled = size;
    }
    assert_filled(buffer, filled);
    idc_buffer_free(buffer);
}

/* Each of these sizes to each other one: below, at and above where mappings begin. */
static void
any_size_becomes_any_other(void **state)
{
    static const size_t sizes[] = { 0,      1,      4096,    262143,  262144,
                                    262145, 266176, 1000000, 1 << 20, 5000000 };
    enum { COUNT = sizeof sizes / sizeof sizes[0] };

    (void) state;
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < COUNT; j++) {
            uint8_t *buffer = resize(NULL, sizes[i]);

            fill(buffer, 0, sizes[i]);
            buffer = resize(buffer, sizes[j]);
            assert_filled(buffer, sizes[i] < sizes[j] ? sizes[i] : sizes[j]);
            fill(buffer, 0, sizes[j]);
            buffer = resize(buffer, sizes[i]);
            assert_filled(buffer, sizes[i] < sizes[j] ? sizes[i] : sizes[j]);
            idc_buffer_free(buffer);
        }
    idc_buffer_free(NULL);
}

/* What a heap's buffer holds stays where it is; a mapping stays one. */
static void
the_heap_can_be_asked_for(void **state)
{
    uint8_t *buffer = NULL, *mapped = resize(NULL, MIB);

    (void) state;
    for (size_t size = 1; size <= 4 * MIB; size *= 4) {
        buffer = idc_buffer_resize_in_heap(buffer, size);
        assert_non_null(buffer);
        fill(buffer, 0, size);
    }
    assert_null(idc_buffer_resize_in_heap(buffer, SIZE_MAX));
    assert_filled(buffer, 4 * MIB);
    buffer = idc_buffer_resize_in_heap(buffer, MIB);
    assert_non_null(buffer);
    assert_filled(buffer, MIB);
    buffer = resize(buffer, 2 * MIB);
    assert_filled(buffer, MIB);
    idc_buffer_free(buffer);
    fill(mapped, 0, MIB);
    mapped = idc_buffer_resize_in_heap(mapped, 2 * MIB);
    assert_non_null(mapped);
    assert_filled(mapped, MIB);
    idc_buffer_free(mapped);
}

static void
impossible_sizes_are_refused(void **state)
{
    static const size_t impossible[] = {
        SIZE_MAX,           SIZE_MAX - 15,          SIZE_MAX - 64,
        SIZE_MAX - 4096,    (size_t) PTRDIFF_MAX,   SIZE_MAX / 2 + 1,
        PTRDIFF_MAX - 4096, PTRDIFF_MAX / 4096 * 64
    };
    static const size_t sizes[] = { 100, 3 * MIB };

    (void) state;
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        assert_null(idc_buffer_resize(NULL, impossible[i]));
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            uint8_t *buffer = resize(NULL, sizes[j]);

            fill(buffer, 0, sizes[j]);
            assert_null(idc_buffer_resize(buffer, impossible[i]));
            assert_filled(buffer, sizes[j]); /* as it was */
            idc_buffer_free(buffer);
        }
    }
}

#ifndef __SANITIZE_ADDRESS__
/* Of this process, in bytes. */
static size_t
resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
    assert_int_equal(fclose(file), 0);
    return pages * (size_t) sysconf(_SC_PAGESIZE);
}

static void
memory_goes_back_at_once(void **state)
{
    size_t before = resident();
    uint8_t *buffer;

    (void) state;
    for (int i = 0; i < 4; i++) {
        buffer = resize(NULL, 64 * MIB);
        assert_true(resident() < before + 4 * MIB); /* not used yet */
        memset(buffer, 1, 64 * MIB);
        assert_true(resident() > before + 60 * MIB);
        buffer = resize(buffer, 16 * MIB);
        assert_true(resident() < before + 20 * MIB);
        buffer = resize(buffer, 32 * MIB);
        assert_true(resident() < before + 20 * MIB);
        idc_buffer_free(buffer);
        assert_true(resident() < before + 4 * MIB);
    }
}

/* Growing never holds both the old and the new. */
static void
growing_holds_nothing_twice(void **state)
{
    size_t before = resident();
    uint8_t *buffer = NULL;

    (void) state;
    for (size_t size = MIB; size <= 64 * MIB; size += MIB) {
        buffer = resize(buffer, size);
        memset(buffer + size - MIB, 1, MIB);
        assert_true(resident() < before + size + 4 * MIB);
    }
    idc_buffer_free(buffer);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growing_keeps_what_there_was),
        cmocka_unit_test(any_size_becomes_any_other),
        cmocka_unit_test(the_heap_can_be_asked_for),
        cmocka_unit_test(impossible_sizes_are_refused),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(memory_goes_back_at_once),
        cmocka_unit_test(growing_holds_nothing_twice),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
