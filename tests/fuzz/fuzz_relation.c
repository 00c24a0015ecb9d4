/*
 * fuzz_relation.c - bytes of a relation or of values: refused, or one meaning that can be used.
 *
 * What was read is what was written: there is one form only, so writing it again gives the bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relation/relation.h"

static void
check_print(const IdcRelation *relation)
{
    IdcText text;

    idc_text_init(&text, 0);
    idc_relation_print(relation, true, &text);
    if (!idc_utf8_is_valid(text.data, text.len) || memchr(text.data, '\n', text.len) != NULL)
        abort();
    idc_text_clear(&text);
    idc_relation_print(relation, false, &text);
    idc_text_done(&text);
}

static void
check_relation(IdcArena *arena, const uint8_t *data, size_t size)
{
    const IdcRelation *relation, *bound;
    IdcValue values[8] = { 0 };
    IdcStatus status = idc_relation_read(arena, data, size, &relation, NULL);
    IdcText bytes;

    if (status == IDC_NO_MEMORY)
        abort();
    if (status != IDC_OK)
        return;
    idc_text_init(&bytes, 0);
    idc_relation_write(relation, &bytes);
    if (bytes.len != size || memcmp(bytes.data, data, size) != 0)
        abort();
    idc_text_done(&bytes);
    check_print(relation);
    for (size_t i = 0; i < 8; i++)
        values[i].type.oid = i < 4 ? IDC_TYPE_INT8 : IDC_TYPE_TEXT;
    if (idc_relation_bind(arena, relation, values, 8, &bound, NULL) == IDC_OK) {
        if (idc_relation_parameter_count(bound) != 0 || idc_relation_check(bound, NULL) != IDC_OK)
            abort();
        check_print(bound);
    }
}

static void
check_values(IdcArena *arena, const uint8_t *data, size_t size)
{
    const IdcValue *values;
    size_t count;
    IdcStatus status = idc_values_read(arena, data, size, &values, &count, NULL);
    IdcText bytes;

    if (status == IDC_NO_MEMORY)
        abort();
    if (status != IDC_OK)
        return;
    idc_text_init(&bytes, 0);
    idc_values_write(values, count, &bytes);
    if (bytes.len != size || memcmp(bytes.data, data, size) != 0)
        abort();
    idc_text_done(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    IdcArena *arena;

    if (size == 0)
        return 0;
    /* What is read takes a small multiple of the bytes, and the arena's blocks. A DISTINCT is the
     * worst: 5 bytes for a node of the tree. */
    arena = idc_arena_new(48 * size + 64 * 1024);
    if (data[0] % 2 == 0)
        check_relation(arena, data + 1, size - 1);
    else
        check_values(arena, data + 1, size - 1);
    idc_arena_free(arena);
    return 0;
}
