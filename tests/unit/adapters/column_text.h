/*
 * column_text.h - the values of a batch builder as text: what tests of rows compare.
 *
 * Whole numbers print as they are (a decimal128 without its point, dates in days and times in
 * microseconds since 1970), floating-point numbers as the hexadecimal digits of their bits, bytes
 * as hexadecimal digits, NULL as NULL.
 */
#ifndef TEST_ADAPTERS_COLUMN_TEXT_H
#define TEST_ADAPTERS_COLUMN_TEXT_H

#include <inttypes.h>
#include <string.h>

#include "arrow/builder.h"
#include "base/text.h"

static inline void
decimal_print(const uint8_t *bytes, IdcText *text)
{
    unsigned __int128 size;
    __int128 number;
    char digits[48];
    size_t at = sizeof digits;

    memcpy(&number, bytes, sizeof number);
    size = number < 0 ? -(unsigned __int128) number : (unsigned __int128) number;
    do {
        digits[--at] = (char) ('0' + (int) (size % 10));
        size /= 10;
    } while (size > 0);
    if (number < 0)
        digits[--at] = '-';
    idc_text_append_len(text, digits + at, sizeof digits - at);
}

static inline void
column_text_value(const IdcColumn *column, int64_t row, IdcText *text)
{
    const uint8_t *values = column->values;

    if (column->validity != NULL && (column->validity[row / 8] >> (row % 8) & 1) == 0) {
        idc_text_append(text, "NULL");
        return;
    }
    switch (column->kind) {
    case IDC_KIND_BOOL:
        idc_text_append(text, values[row / 8] >> (row % 8) & 1 ? "true" : "false");
        break;
    case IDC_KIND_INT16:
        idc_text_append_format(text, "%d", ((const int16_t *) values)[row]);
        break;
    case IDC_KIND_INT32:
    case IDC_KIND_DATE:
        idc_text_append_format(text, "%" PRId32, ((const int32_t *) values)[row]);
        break;
    case IDC_KIND_UINT32:
        idc_text_append_format(text, "%" PRIu32, ((const uint32_t *) values)[row]);
        break;
    case IDC_KIND_FLOAT32:
        idc_text_append_format(text, "%08" PRIx32, ((const uint32_t *) values)[row]);
        break;
    case IDC_KIND_FLOAT64:
        idc_text_append_format(text, "%016" PRIx64, ((const uint64_t *) values)[row]);
        break;
    case IDC_KIND_NUMERIC_DECIMAL:
        decimal_print(values + row * 16, text);
        break;
    case IDC_KIND_INT64:
    case IDC_KIND_TIME:
    case IDC_KIND_TIMESTAMP:
    case IDC_KIND_TIMESTAMPTZ:
        idc_text_append_format(text, "%" PRId64, ((const int64_t *) values)[row]);
        break;
    case IDC_KIND_BYTES:
        for (int64_t i = column->offsets[row]; i < column->offsets[row + 1]; i++)
            idc_text_append_format(text, "%02x", values[i]);
        break;
    default:
        idc_text_append_len(text, (const char *) values + column->offsets[row],
                            (size_t) (column->offsets[row + 1] - column->offsets[row]));
    }
}

/* The rows so far: values with " | " between them, a line each. */
static inline void
builder_text(const IdcBatchBuilder *builder, IdcText *text)
{
    for (int64_t row = 0; row < builder->row_count; row++) {
        for (size_t i = 0; i < builder->column_count; i++) {
            if (i > 0)
                idc_text_append(text, " | ");
            column_text_value(&builder->columns[i], row, text);
        }
        idc_text_append_char(text, '\n');
    }
}

#endif
