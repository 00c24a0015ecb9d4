/*
 * test_arena.c - memory that ends together, and what is closed with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"

static void
memory_is_zeroed_and_aligned(void **state)
{
    IdcArena *arena = idc_arena_new(0);

    (void) state;
    for (size_t size = 0; size < 20000; size = size * 3 / 2 + 1) {
        unsigned char *memory = idc_arena_alloc(arena, size);

        assert_non_null(memory);
        assert_int_equal((uintptr_t) memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xAA, size);
    }
    idc_arena_free(arena);
    idc_arena_free(NULL);
}

static void
the_limit_holds(void **state)
{
    IdcArena *arena = idc_arena_new(100000);
    size_t total = 0;

    (void) state;
    assert_null(idc_arena_alloc(arena, 100001));
    while (idc_arena_alloc(arena, 1000) != NULL)
        total += 1000;
    assert_true(total > 50000 && total <= 100000);
    assert_null(idc_arena_alloc(arena, SIZE_MAX));
    assert_null(idc_arena_alloc(arena, SIZE_MAX - 8));
    assert_null(idc_arena_alloc_array(arena, SIZE_MAX / 2, 3));
    assert_null(idc_arena_strndup(arena, "", SIZE_MAX));
    idc_arena_free(arena);
}

static void
texts_are_copied(void **state)
{
    IdcArena *arena = idc_arena_new(0);
    char source[] = "a text";
    char *copy = idc_arena_strdup(arena, source);

    (void) state;
    source[0] = 'X';
    assert_string_equal(copy, "a text");
    assert_string_equal(idc_arena_strndup(arena, "a text", 3), "a t");
    assert_memory_equal(idc_arena_strndup(arena, "a\0b", 3), "a\0b", 4);
    assert_string_equal(idc_arena_strndup(arena, NULL, 0), "");
    assert_string_equal(idc_arena_printf(arena, "%d %s", 5, "x"), "5 x");
    assert_null(idc_arena_strdup(arena, NULL));
    idc_arena_free(arena);
}

static char order[8];
static size_t closed_count;

static void
note_close(void *resource)
{
    order[closed_count++] = *(const char *) resource;
}

static void
resources_are_closed_last_first(void **state)
{
    IdcArena *arena = idc_arena_new(0);
    IdcArena *full = idc_arena_new(1);

    (void) state;
    assert_int_equal(idc_arena_on_free(arena, note_close, "a"), IDC_OK);
    assert_int_equal(idc_arena_on_free(arena, note_close, "b"), IDC_OK);
    assert_int_equal(idc_arena_on_free(arena, note_close, "c"), IDC_OK);
    assert_int_equal(idc_arena_on_free(full, note_close, "x"), IDC_NO_MEMORY);
    idc_arena_free(full);
    assert_string_equal(order, "");
    idc_arena_free(arena);
    assert_string_equal(order, "cba");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(resources_are_closed_last_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
