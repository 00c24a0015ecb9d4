/*
 * test_keep.c - rows that are taken out of a builder again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "arrow/keep.h"

enum { ROWS = 100 };

static const IdcColumnSpec specs[] = {
    { .name = "i", .type_name = "integer", .kind = IDC_KIND_INT32 },
    { .name = "b", .type_name = "boolean", .kind = IDC_KIND_BOOL },
    { .name = "t", .type_name = "text", .kind = IDC_KIND_TEXT },
    { .name = "d", .type_name = "text", .kind = IDC_KIND_TEXT, .can_be_dictionary = true },
};

/* Row i: i, i odd, "i" in i % 7 times, "label(i % 3)"; every fifth value of a column is NULL. */
static void
append(IdcBatchBuilder *builder, int32_t i)
{
    char text[32];
    uint8_t number[4] = { 0, 0, 0, (uint8_t) i }, flag = (uint8_t) (i % 2);

    assert_int_equal(idc_batch_append(builder, 0, number, i % 5 == 0 ? -1 : 4, NULL), IDC_OK);
    assert_int_equal(idc_batch_append(builder, 1, &flag, i % 5 == 1 ? -1 : 1, NULL), IDC_OK);
    memset(text, 'x', sizeof text);
    assert_int_equal(idc_batch_append(builder, 2, (uint8_t *) text, i % 5 == 2 ? -1 : i % 7, NULL),
                     IDC_OK);
    text[0] = (char) ('a' + i % 3);
    assert_int_equal(idc_batch_append(builder, 3, (uint8_t *) text, i % 5 == 3 ? -1 : 2, NULL),
                     IDC_OK);
    idc_batch_end_row(builder);
}

static void
assert_row(const IdcBatchBuilder *builder, int64_t row, int32_t i)
{
    const uint8_t *bytes;
    size_t len;
    int32_t number;

    assert_int_equal(idc_column_value(&builder->columns[0], row, &bytes, &len), i % 5 != 0);
    if (i % 5 != 0) {
        memcpy(&number, bytes, sizeof number);
        assert_int_equal(number, i);
    }
    assert_int_equal(idc_column_value(&builder->columns[1], row, &bytes, &len), i % 5 != 1);
    if (i % 5 != 1)
        assert_int_equal(bytes[0], i % 2);
    assert_int_equal(idc_column_value(&builder->columns[2], row, &bytes, &len), i % 5 != 2);
    if (i % 5 != 2)
        assert_int_equal(len, i % 7);
    assert_int_equal(idc_column_value(&builder->columns[3], row, &bytes, &len), i % 5 != 3);
    if (i % 5 != 3)
        assert_int_equal(bytes[0], 'a' + i % 3);
}

static IdcBatchBuilder *
builder_of(int32_t rows)
{
    IdcBatchOptions options = { .batch_rows = 1000 };
    IdcBatchBuilder *builder;

    assert_int_equal(idc_batch_builder_new(specs, 4, &options, &builder, NULL), IDC_OK);
    for (int32_t i = 0; i < rows; i++)
        append(builder, i);
    return builder;
}

static void
kept_rows_close_up(void **state)
{
    IdcBatchBuilder *builder = builder_of(ROWS);
    bool keep[ROWS - 10];
    int64_t row = 10, nulls[4] = { 0 };

    (void) state;
    for (int i = 10; i < ROWS; i++)
        keep[i - 10] = i % 3 != 0;
    idc_batch_keep_rows(builder, 10, keep);
    for (int i = 0; i < 10; i++)
        assert_row(builder, i, i);
    for (int i = 10; i < ROWS; i++)
        if (keep[i - 10])
            assert_row(builder, row++, i);
    assert_int_equal(idc_batch_row_count(builder), row);
    for (int i = 0; i < 7; i++)
        append(builder, i);
    for (int i = 0; i < 7; i++)
        assert_row(builder, row + i, i);
    for (int i = 0; i < ROWS + 7; i++)
        if (i < 10 || i >= ROWS || keep[i - 10])
            for (int c = 0; c < 4; c++)
                nulls[c] += (i < ROWS ? i : i - ROWS) % 5 == c;
    for (int c = 0; c < 4; c++)
        assert_int_equal(builder->columns[c].null_count, nulls[c]);
    idc_batch_builder_free(builder);
}

static void
all_or_none_may_go(void **state)
{
    IdcBatchBuilder *builder = builder_of(20);
    bool all[20], none[20] = { false };

    (void) state;
    memset(all, true, sizeof all);
    idc_batch_keep_rows(builder, 0, all);
    assert_int_equal(idc_batch_row_count(builder), 20);
    idc_batch_keep_rows(builder, 20, all);
    idc_batch_keep_rows(builder, 0, none);
    assert_int_equal(idc_batch_row_count(builder), 0);
    for (int i = 0; i < 9; i++)
        append(builder, i);
    for (int i = 0; i < 9; i++)
        assert_row(builder, i, i);
    idc_batch_builder_free(builder);
}

static void
columns_forget_their_newest_values(void **state)
{
    IdcBatchBuilder *builder = builder_of(30);

    (void) state;
    for (int c = 0; c < 4; c++) {
        idc_column_truncate(&builder->columns[c], 11);
        assert_int_equal(builder->columns[c].null_count, c == 0 ? 3 : 2);
    }
    builder->row_count = 11;
    for (int i = 11; i < 30; i++)
        append(builder, i + 1);
    for (int i = 0; i < 30; i++)
        assert_row(builder, i, i < 11 ? i : i + 1);
    idc_batch_builder_free(builder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_rows_close_up),
        cmocka_unit_test(all_or_none_may_go),
        cmocka_unit_test(columns_forget_their_newest_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
