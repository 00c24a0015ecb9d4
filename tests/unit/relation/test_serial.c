/*
 * test_serial.c - relations and values go into bytes and come back; nothing else gets in.
 */
#include "trees.h"

#include "base/memory.h"

static void
reads_what_it_wrote(void **state)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        IdcArena *arena = idc_arena_new(0);
        Chance c = { seed, arena };
        const IdcRelation *relation = chance_relation(&c, (int) (seed % 6)), *read = NULL;
        IdcText first, second;
        IdcError err;

        if (idc_relation_check(relation, &err) != IDC_OK)
            fail_msg("seed %llu: %s", (unsigned long long) seed, err.message);
        idc_text_init(&first, 0);
        idc_text_init(&second, 0);
        idc_relation_write(relation, &first);
        if (idc_relation_read(arena, first.data, first.len, &read, &err) != IDC_OK)
            fail_msg("seed %llu: %s", (unsigned long long) seed, err.message);
        idc_relation_write(read, &second);
        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.data, second.data, first.len);
        idc_text_clear(&first);
        idc_text_clear(&second);
        idc_relation_print(relation, true, &first);
        idc_relation_print(read, true, &second);
        assert_string_equal(idc_text_string(&first), idc_text_string(&second));
        assert_null(strchr(idc_text_string(&first), '\n'));
        assert_true(idc_utf8_is_valid(first.data, first.len));
        idc_text_done(&first);
        idc_text_done(&second);
        idc_arena_free(arena);
    }
    (void) state;
}

/* A copy whose end a sanitizer watches. */
static IdcStatus
read_copy(IdcArena *arena, const char *bytes, size_t len, const IdcRelation **relation)
{
    char *copy = idc_malloc(len > 0 ? len : 1);
    IdcStatus status;

    memcpy(copy, bytes, len);
    status = idc_relation_read(arena, copy, len, relation, NULL);
    idc_free(copy);
    return status;
}

/* What came out of strange bytes can be used all the same. */
static void
use(IdcArena *arena, const IdcRelation *relation)
{
    IdcText text;

    assert_int_equal(idc_relation_check(relation, NULL), IDC_OK);
    idc_text_init(&text, 0);
    idc_relation_print(relation, true, &text);
    idc_relation_print(relation, false, &text);
    idc_text_done(&text);
    (void) idc_relation_parameter_count(relation);
    if (idc_relation_bind(arena, relation, NULL, 0, &relation, NULL) == IDC_OK)
        assert_int_equal(idc_relation_parameter_count(relation), 0);
}

static void
survives_cut_bytes(void **state)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        IdcArena *arena = idc_arena_new(0);
        Chance c = { seed, arena };
        const IdcRelation *read;
        IdcText bytes;

        idc_text_init(&bytes, 0);
        idc_relation_write(chance_relation(&c, 4), &bytes);
        for (size_t len = 0; len < bytes.len; len++)
            assert_int_not_equal(read_copy(arena, bytes.data, len, &read), IDC_OK);
        idc_text_append_char(&bytes, 'x');
        assert_int_not_equal(read_copy(arena, bytes.data, bytes.len, &read), IDC_OK);
        idc_text_done(&bytes);
        idc_arena_free(arena);
    }
    (void) state;
}

static void
survives_flipped_bits(void **state)
{
    size_t accepted = 0, refused = 0;

    for (uint64_t seed = 1; seed <= 400; seed++) {
        IdcArena *arena = idc_arena_new(0);
        Chance c = { seed, arena };
        IdcText bytes;

        idc_text_init(&bytes, 0);
        idc_relation_write(chance_relation(&c, 4), &bytes);
        for (int round = 0; round < 60; round++) {
            IdcArena *own = idc_arena_new(0);
            unsigned at[3], bits[3], count = 1 + chance(&c, 3);
            const IdcRelation *read;

            for (unsigned i = 0; i < count; i++) {
                at[i] = chance(&c, (unsigned) bytes.len);
                bits[i] = 1u << chance(&c, 8);
                bytes.data[at[i]] = (char) (bytes.data[at[i]] ^ (int) bits[i]);
            }
            if (read_copy(own, bytes.data, bytes.len, &read) == IDC_OK) {
                use(own, read);
                accepted++;
            } else {
                refused++;
            }
            for (unsigned i = 0; i < count; i++)
                bytes.data[at[i]] = (char) (bytes.data[at[i]] ^ (int) bits[i]);
            idc_arena_free(own);
        }
        idc_text_done(&bytes);
        idc_arena_free(arena);
    }
    assert_true(accepted > 100 && refused > 100);
    (void) state;
}

static const IdcExpr *
nested_not(IdcArena *arena, int depth)
{
    const IdcExpr *expr = idc_expr_constant(arena, type_bool, "t");

    while (depth-- > 0)
        expr = tree_one(arena, IDC_EXPR_NOT, 0, type_bool, expr);
    return expr;
}

static void
bounds_the_depth(void **state)
{
    IdcArena *arena = idc_arena_new(0);
    const IdcRelation *orders = tree_orders(arena), *deep = orders, *read;
    IdcError err;
    IdcText bytes;

    idc_text_init(&bytes, 0);
    for (int extra = 0; extra < 2; extra++) {
        /* The FILTER, the constant and the NOTs. */
        const IdcExpr *condition = nested_not(arena, IDC_RELATION_MAX_DEPTH - 2 + extra);
        const IdcRelation *filter = idc_relation_filter(arena, orders, &condition, 1);
        IdcStatus wanted = extra == 0 ? IDC_OK : IDC_BAD_VALUE;

        assert_int_equal(idc_relation_check(filter, &err), wanted);
        idc_text_clear(&bytes);
        idc_relation_write(filter, &bytes);
        assert_int_equal(idc_relation_read(arena, bytes.data, bytes.len, &read, &err),
                         extra == 0 ? IDC_OK : IDC_SOURCE_FAILED);
    }
    assert_non_null(strstr(err.message, "too deep"));
    for (int i = 0; i < 100000; i++)
        deep = idc_relation_distinct(arena, deep);
    assert_int_equal(idc_relation_check(deep, &err), IDC_BAD_VALUE);
    /* 100,000 DISTINCTs, and no end of it. */
    idc_text_clear(&bytes);
    idc_text_append_char(&bytes, 1);
    for (int i = 0; i < 100000; i++)
        idc_text_append_char(&bytes, IDC_REL_DISTINCT);
    assert_int_equal(idc_relation_read(arena, bytes.data, bytes.len, &read, &err),
                     IDC_SOURCE_FAILED);
    idc_text_done(&bytes);
    idc_arena_free(arena);
    (void) state;
}

static void
put_u32(IdcText *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        idc_text_append_char(bytes, (char) (value >> (8 * i)));
}

/* Counts that promise more than is there, in a reader that may have 64 kB. */
static void
bounds_the_memory(void **state)
{

    IdcArena *arena = idc_arena_new(64 * 1024);
    const IdcRelation *read;
    const IdcValue *values;
    size_t count;
    IdcText bytes;

    idc_text_init(&bytes, 0);
    for (uint32_t promised = 1; promised != 0; promised <<= 1) {
        IdcError err;

        idc_text_clear(&bytes);
        idc_text_append_char(&bytes, 1);
        idc_text_append_char(&bytes, (char) IDC_REL_SCAN);
        put_u32(&bytes, 2);
        idc_text_append_char(&bytes, 'x');
        put_u32(&bytes, 0);
        put_u32(&bytes, promised); /* options */
        assert_int_equal(idc_relation_read(arena, bytes.data, bytes.len, &read, &err),
                         IDC_SOURCE_FAILED);
        idc_text_clear(&bytes);
        idc_text_append_char(&bytes, 1);
        put_u32(&bytes, promised);
        assert_int_equal(idc_values_read(arena, bytes.data, bytes.len, &values, &count, &err),
                         IDC_SOURCE_FAILED);
    }
    idc_text_done(&bytes);
    idc_arena_free(arena);
    (void) state;
}

/* A tree whose parts are shared again and again: 2^60 nodes to walk. */
static void
refuses_shared_parts_without_end(void **state)
{
    IdcArena *arena = idc_arena_new(0);
    const IdcExpr *expr = idc_expr_constant(arena, type_bool, "t");
    const IdcRelation *filter;
    IdcError err;

    for (int i = 0; i < 60; i++)
        expr = tree_two(arena, IDC_EXPR_AND, 0, type_bool, expr, expr);
    filter = idc_relation_filter(arena, tree_orders(arena), &expr, 1);
    assert_int_equal(idc_relation_check(filter, &err), IDC_BAD_VALUE);
    assert_non_null(strstr(err.message, "nodes"));
    idc_arena_free(arena);
    (void) state;
}

static void
refuses_bad_texts(void **state)
{
    static const char *const names[] = { "\xff", "\xc0\x80", "a\xed\xa0\x80", "\xf5\x80\x80\x80" };
    IdcArena *arena = idc_arena_new(0);
    const IdcRelation *read;
    IdcText bytes;
    IdcError err;

    idc_text_init(&bytes, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        idc_text_clear(&bytes);
        idc_relation_write(idc_relation_scan(arena, names[i], NULL, NULL, 0), &bytes);
        assert_int_equal(idc_relation_read(arena, bytes.data, bytes.len, &read, &err),
                         IDC_SOURCE_FAILED);
    }
    idc_text_clear(&bytes);
    idc_relation_write(idc_relation_scan(arena, "ab", NULL, NULL, 0), &bytes);
    bytes.data[6] = '\0';
    assert_int_equal(idc_relation_read(arena, bytes.data, bytes.len, &read, &err),
                     IDC_SOURCE_FAILED);
    idc_text_done(&bytes);
    idc_arena_free(arena);
    (void) state;
}

static void
refuses_another_version(void **state)
{
    IdcArena *arena = idc_arena_new(0);
    const IdcRelation *read;
    IdcText bytes;
    IdcError err;

    idc_text_init(&bytes, 0);
    idc_relation_write(tree_orders(arena), &bytes);
    bytes.data[0]++;
    assert_int_equal(idc_relation_read(arena, bytes.data, bytes.len, &read, &err),
                     IDC_SOURCE_FAILED);
    assert_string_equal(err.message,
                        "cannot read a relation: its version is another one at byte 1 of 195");
    idc_text_done(&bytes);
    idc_arena_free(arena);
    (void) state;
}

static void
says_no_memory(void **state)
{
    IdcArena *arena = idc_arena_new(0), *small = idc_arena_new(1024);
    const IdcRelation *read;
    IdcText bytes;

    idc_text_init(&bytes, 0);
    idc_relation_write(tree_orders(arena), &bytes);
    assert_int_equal(idc_relation_read(small, bytes.data, bytes.len, &read, NULL), IDC_NO_MEMORY);
    assert_null(idc_expr_constant(small, type_text, "x"));
    assert_null(idc_relation_scan(small, "x", NULL, NULL, 0));
    idc_text_done(&bytes);
    idc_arena_free(small);
    idc_arena_free(arena);
    (void) state;
}

static void
carries_values(void **state)
{
    static const char *const items[] = { "1", NULL, "3" };
    const IdcValue values[] = {
        { .type = type_text, .text = "été" },
        { .type = type_money, .text = NULL },
        { .type = type_int8, .is_list = true, .items = items, .item_count = 3 },
        { .type = type_int8, .is_list = true },
        { .type = type_text, .text = "" },
    };
    IdcArena *arena = idc_arena_new(0);
    const IdcValue *read;
    size_t count;
    IdcText bytes;

    idc_text_init(&bytes, 0);
    idc_values_write(values, 5, &bytes);
    assert_int_equal(idc_values_read(arena, bytes.data, bytes.len, &read, &count, NULL), IDC_OK);
    assert_int_equal(count, 5);
    assert_string_equal(read[0].text, "été");
    assert_null(read[1].text);
    assert_int_equal(read[1].type.modifier, type_money.modifier);
    assert_true(read[2].is_list && read[2].item_count == 3 && read[2].items[1] == NULL);
    assert_string_equal(read[2].items[2], "3");
    assert_true(read[3].is_list && read[3].item_count == 0);
    assert_string_equal(read[4].text, "");
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_not_equal(idc_values_read(arena, bytes.data, len, &read, &count, NULL), IDC_OK);
    idc_text_done(&bytes);
    idc_arena_free(arena);
    (void) state;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_wrote),   cmocka_unit_test(survives_cut_bytes),
        cmocka_unit_test(survives_flipped_bits), cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(bounds_the_memory),     cmocka_unit_test(refuses_shared_parts_without_end),
        cmocka_unit_test(refuses_bad_texts),     cmocka_unit_test(refuses_another_version),
        cmocka_unit_test(says_no_memory),        cmocka_unit_test(carries_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
