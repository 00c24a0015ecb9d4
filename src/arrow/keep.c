/*
 * keep.c - rows of a builder moved together over those that go.
 */
#include "arrow/keep.h"

static bool
bit_get(const uint8_t *bits, int64_t i)
{
    return bits[i / 8] >> (i % 8) & 1;
}

static void
bit_set(uint8_t *bits, int64_t i, bool value)
{
    if (value)
        bits[i / 8] |= (uint8_t) (1U << (i % 8));
    else
        bits[i / 8] &= (uint8_t) ~(1U << (i % 8));
}

static bool
is_bool(const IdcColumn *column)
{
    return column->kind == IDC_KIND_BOOL;
}

static bool
has_offsets(const IdcColumn *column)
{
    return column->offsets != NULL;
}

/* Put value `from` where `to` is; to <= from. */
static void
move_value(IdcColumn *column, int64_t from, int64_t to)
{
    if (column->validity != NULL)
        bit_set(column->validity, to, bit_get(column->validity, from));
    if (is_bool(column)) {
        bit_set(column->values, to, bit_get(column->values, from));
    } else if (has_offsets(column)) {
        int64_t begin = column->offsets[from], len = column->offsets[from + 1] - begin;

        memmove(column->values + column->offsets[to], column->values + begin, (size_t) len);
        column->offsets[to + 1] = column->offsets[to] + len;
    } else {
        memmove(column->values + (size_t) to * column->width,
                column->values + (size_t) from * column->width, column->width);
    }
}

/* Nothing holds the values from `length` on: their bits are as if they had never been there. */
static void
cut(IdcColumn *column, int64_t length)
{
    for (int64_t i = length; i < column->length; i++) {
        if (column->validity != NULL)
            bit_set(column->validity, i, true);
        if (is_bool(column))
            bit_set(column->values, i, false);
    }
    column->length = length;
    if (has_offsets(column))
        column->bytes_len = (size_t) column->offsets[length];
}

static bool
is_null(const IdcColumn *column, int64_t i)
{
    return column->validity != NULL && !bit_get(column->validity, i);
}

void
idc_column_truncate(IdcColumn *column, int64_t length)
{
    for (int64_t i = length; i < column->length; i++)
        column->null_count -= is_null(column, i);
    cut(column, length);
}

static void
keep_values(IdcColumn *column, int64_t first, const bool *keep)
{
    int64_t to = first;

    for (int64_t from = first; from < column->length; from++) {
        if (!keep[from - first]) {
            column->null_count -= is_null(column, from);
            continue;
        }
        if (to < from)
            move_value(column, from, to);
        to++;
    }
    cut(column, to);
}

void
idc_batch_keep_rows(IdcBatchBuilder *builder, int64_t first, const bool *keep)
{
    int64_t gone = 0;

    for (int64_t row = first; row < builder->row_count; row++)
        gone += !keep[row - first];
    if (gone == 0)
        return;
    for (size_t i = 0; i < builder->column_count; i++)
        keep_values(&builder->columns[i], first, keep);
    builder->row_count -= gone;
}

bool
idc_column_value(const IdcColumn *column, int64_t i, const uint8_t **bytes, size_t *len)
{
    static const uint8_t bools[2] = { 0, 1 };
    int32_t number;

    if (is_null(column, i))
        return false;
    if (column->dictionary != NULL) {
        memcpy(&number, column->values + (size_t) i * sizeof number, sizeof number);
        *bytes = (const uint8_t *) column->dictionary->bytes + column->dictionary->offsets[number];
        *len = (size_t) (column->dictionary->offsets[number + 1] -
                         column->dictionary->offsets[number]);
    } else if (is_bool(column)) {
        *bytes = &bools[bit_get(column->values, i)];
        *len = 1;
    } else if (has_offsets(column)) {
        *bytes = column->values + column->offsets[i];
        *len = (size_t) (column->offsets[i + 1] - column->offsets[i]);
    } else {
        *bytes = column->values + (size_t) i * column->width;
        *len = column->width;
    }
    return true;
}
