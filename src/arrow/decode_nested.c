/*
 * decode_nested.c - arrays and hstore: values that hold values.
 *
 * In:   array_send's and hstore_send's bytes
 * Out:  one list or map in a column, its members in the column's children
 */
#include "arrow/decode.h"

enum { MAX_DIMENSIONS = 6 }; /* MAXDIM of PostgreSQL */

/* What is left of a value. */
typedef struct Bytes {
    const uint8_t *next, *end;
} Bytes;

static size_t
bytes_left(const Bytes *bytes)
{
    return (size_t) (bytes->end - bytes->next);
}

/* There must be four bytes left. */
static int32_t
bytes_int32(Bytes *bytes)
{
    int32_t number = (int32_t) idc_be32(bytes->next);

    bytes->next += 4;
    return number;
}

/* A length and so many bytes; NULL where the length is -1. */
static bool
bytes_value(Bytes *bytes, const uint8_t **value, size_t *len)
{
    int32_t length;

    if (bytes_left(bytes) < 4)
        return false;
    length = bytes_int32(bytes);
    *value = NULL;
    *len = 0;
    if (length == -1)
        return true;
    if (length < 0 || (size_t) length > bytes_left(bytes))
        return false;
    *value = bytes->next;
    *len = (size_t) length;
    bytes->next += length;
    return true;
}

static void
end_list(IdcColumn *column, int64_t item_count)
{
    column->offsets[column->length + 1] = column->offsets[column->length] + item_count;
    column->length++;
}

/* The lists of every level but the innermost hold lists of one size: arrays are rectangles. */
IdcDecoded
idc_column_begin_lists(IdcColumn *column, int dimensions, const int32_t *sizes, IdcColumn **items)
{
    int64_t list_count = 1;

    *items = NULL;
    if (dimensions == 0) {
        end_list(column, 0);
        return IDC_DECODED;
    }
    if (dimensions != column->levels) {
        column->found_dimensions = dimensions;
        return IDC_DECODED_DIMENSIONS;
    }
    for (int level = 0;; level++) {
        for (int64_t i = 0; i < list_count; i++)
            end_list(column, sizes[level]);
        list_count *= sizes[level];
        if (!idc_column_reserve(column->children[0], list_count))
            return IDC_DECODED_NO_MEMORY;
        if (column->levels == 1)
            break;
        column = column->children[0];
    }
    *items = column->children[0];
    return IDC_DECODED;
}

IdcDecoded
idc_column_append_other(IdcColumn *items, IdcDecoded decoded)
{
    if (decoded == IDC_DECODED_UNREPRESENTABLE && !items->state->fail_unrepresentable) {
        items->state->unrepresentable_count++;
        decoded = IDC_DECODED;
    }
    if (decoded == IDC_DECODED && !idc_column_append_null(items))
        decoded = IDC_DECODED_NO_MEMORY;
    return decoded;
}

static IdcDecoded
append_items(IdcColumn *items, Bytes *bytes, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        IdcDecoded decoded = IDC_DECODED;
        const uint8_t *value;
        size_t len;

        if (!bytes_value(bytes, &value, &len))
            return IDC_DECODED_MALFORMED;
        if (value != NULL)
            decoded = idc_column_append_value(items, value, len);
        if (value == NULL || decoded != IDC_DECODED)
            decoded = idc_column_append_other(items, decoded);
        if (decoded != IDC_DECODED)
            return decoded;
    }
    return bytes_left(bytes) == 0 ? IDC_DECODED : IDC_DECODED_MALFORMED;
}

/* array_send: dimensions, flags, element type; size and lower bound of each dimension; elements. */
IdcDecoded
idc_decode_list(IdcColumn *column, const uint8_t *value, size_t len)
{
    Bytes bytes = { value, value + len };
    int32_t sizes[MAX_DIMENSIONS] = { 0 }, dimensions;
    int64_t item_count = 1;
    IdcColumn *items = NULL;
    IdcDecoded decoded;

    if (len < 12)
        return IDC_DECODED_MALFORMED;
    dimensions = bytes_int32(&bytes);
    bytes.next += 8;
    if (dimensions < 0 || dimensions > MAX_DIMENSIONS ||
        bytes_left(&bytes) < (size_t) dimensions * 8)
        return IDC_DECODED_MALFORMED;
    /* What is left of it is not looked at where its depth is wrong: no column holds it. */
    if (dimensions == 0 && bytes_left(&bytes) != 0)
        return IDC_DECODED_MALFORMED;
    if (dimensions == 0 || dimensions != column->levels)
        return idc_column_begin_lists(column, dimensions, sizes, &items);
    for (int32_t i = 0; i < dimensions; i++) {
        sizes[i] = bytes_int32(&bytes);
        bytes.next += 4;
        if (sizes[i] < 1 || __builtin_mul_overflow(item_count, sizes[i], &item_count))
            return IDC_DECODED_MALFORMED;
    }
    /* Each element takes four bytes at least: a short message cannot ask for much memory. */
    if ((uint64_t) item_count > bytes_left(&bytes) / 4)
        return IDC_DECODED_MALFORMED;
    decoded = idc_column_begin_lists(column, dimensions, sizes, &items);
    return decoded == IDC_DECODED ? append_items(items, &bytes, item_count) : decoded;
}

/* hstore_send: the number of pairs; length and bytes of each key and value. */
IdcDecoded
idc_decode_hstore(IdcColumn *column, const uint8_t *value, size_t len)
{
    Bytes bytes = { value, value + len };
    IdcColumn *keys = column->children[0], *values = column->children[1];
    int32_t count;

    if (len < 4)
        return IDC_DECODED_MALFORMED;
    count = bytes_int32(&bytes);
    if (count < 0 || (size_t) count > bytes_left(&bytes) / 8)
        return IDC_DECODED_MALFORMED;
    if (keys->length > INT32_MAX - count)
        return IDC_DECODED_TOO_MANY;
    if (!idc_column_reserve(keys, count) || !idc_column_reserve(values, count))
        return IDC_DECODED_NO_MEMORY;
    for (int32_t i = 0; i < count; i++) {
        const uint8_t *text;
        size_t text_len;

        if (!bytes_value(&bytes, &text, &text_len) || text == NULL)
            return IDC_DECODED_MALFORMED;
        if (!idc_column_append_text(keys, text, text_len, text_len))
            return IDC_DECODED_NO_MEMORY;
        if (!bytes_value(&bytes, &text, &text_len))
            return IDC_DECODED_MALFORMED;
        if (text != NULL ? !idc_column_append_text(values, text, text_len, text_len)
                         : !idc_column_append_null(values))
            return IDC_DECODED_NO_MEMORY;
    }
    if (bytes_left(&bytes) != 0)
        return IDC_DECODED_MALFORMED;
    end_list(column, count);
    return IDC_DECODED;
}
