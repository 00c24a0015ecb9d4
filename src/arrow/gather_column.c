/*
 * gather_column.c - one column that takes parts of arrays at its end.
 *
 * In:   arrays of the column's layout
 * Out:  one array with all their rows
 */
#include <string.h>

#include "arrow/builder.h"
#include "arrow/gather.h"
#include "base/buffer.h"
#include "base/memory.h"

/* ---- room ---- */

/* One and a half times what there was: big buffers are not copied when they grow. */
static bool
grown(size_t have, size_t needed, size_t *wanted)
{
    if (needed > (size_t) (INT64_MAX / 64))
        return false;
    *wanted = have + have / 2;
    /* The first part is often the only one, and then nothing is to be trimmed. */
    if (*wanted < needed)
        *wanted = needed;
    return true;
}

static bool
resize(uint8_t **buffer, size_t count, size_t width)
{
    size_t size;
    void *resized;

    if (__builtin_mul_overflow(count, width, &size) || size > PTRDIFF_MAX)
        return false;
    resized = idc_buffer_resize(*buffer, size < 8 ? 8 : size);
    if (resized == NULL)
        return false;
    *buffer = resized;
    return true;
}

static size_t
bits_size(size_t count)
{
    return count / 8 + 1;
}

/* Bits past what there was are set. */
static bool
validity_resize(GatherColumn *column, size_t from, size_t capacity)
{
    if (!resize(&column->validity, bits_size(capacity), 1))
        return false;
    memset(column->validity + from, 0xFF, bits_size(capacity) - from);
    return true;
}

static bool
has_offsets(const GatherColumn *column)
{
    return column->layout->kind == IDC_LAYOUT_BYTES || column->layout->kind == IDC_LAYOUT_LIST;
}

static bool
values_resize(GatherColumn *column, size_t have, size_t capacity)
{
    size_t from = have == 0 ? 0 : bits_size(have);

    switch (column->layout->kind) {
    case IDC_LAYOUT_BITS:
        if (!resize(&column->values, bits_size(capacity), 1))
            return false;
        memset(column->values + from, 0, bits_size(capacity) - from);
        return true;
    case IDC_LAYOUT_FIXED:
        return resize(&column->values, capacity, column->out_width);
    case IDC_LAYOUT_BYTES:
    case IDC_LAYOUT_LIST:
        if (!resize(&column->offsets, capacity + 1, column->out_width))
            return false;
        if (have == 0)
            memset(column->offsets, 0, column->out_width);
        return true;
    default:
        return true;
    }
}

bool
idc_gather_column_reserve(GatherColumn *column, int64_t extra)
{
    size_t have = (size_t) column->capacity, needed, capacity;

    if (__builtin_add_overflow((size_t) column->length, (size_t) extra, &needed))
        return false;
    if (needed <= have && have > 0)
        return true;
    if (!grown(have, needed == 0 ? 1 : needed, &capacity))
        return false;
    if (!values_resize(column, have, capacity))
        return false;
    if (column->validity != NULL && !validity_resize(column, bits_size(have), capacity))
        return false;
    column->capacity = (int64_t) capacity;
    return true;
}

static bool
reserve_bytes(GatherColumn *column, size_t extra)
{
    size_t needed, capacity;

    if (__builtin_add_overflow(column->bytes_len, extra, &needed))
        return false;
    if (needed <= column->bytes_capacity && column->values != NULL)
        return true;
    if (!grown(column->bytes_capacity, needed, &capacity) || !resize(&column->values, capacity, 1))
        return false;
    column->bytes_capacity = capacity;
    return true;
}

/* ---- from new to done ---- */

bool
idc_gather_column_init(GatherColumn *column, const IdcLayout *layout, bool keeps_types)
{
    *column = (GatherColumn){ .layout = layout, .out_width = layout->width };
    /* Maps have no variant with 64-bit offsets. */
    if (has_offsets(column) && !keeps_types && !layout->is_map)
        column->out_width = 8;
    if (layout->dictionary != NULL) {
        column->out_width = sizeof(int32_t);
        column->dictionary = idc_gather_dictionary_new(layout->dictionary);
        return column->dictionary != NULL;
    }
    if (layout->child_count == 0)
        return true;
    column->children = idc_calloc(layout->child_count, sizeof *column->children);
    if (column->children == NULL)
        return false;
    for (size_t i = 0; i < layout->child_count; i++)
        if (!idc_gather_column_init(&column->children[i], &layout->children[i], keeps_types))
            return false;
    return true;
}

void
idc_gather_column_done(GatherColumn *column)
{
    idc_buffer_free(column->validity);
    idc_buffer_free(column->values);
    idc_buffer_free(column->offsets);
    idc_gather_dictionary_free(column->dictionary);
    for (size_t i = 0; column->children != NULL && i < column->layout->child_count; i++)
        idc_gather_column_done(&column->children[i]);
    idc_free(column->children);
    *column = (GatherColumn){ 0 };
}

/* ---- parts ---- */

static bool
append_validity(GatherColumn *column, const struct ArrowArray *array, int64_t start, int64_t count)
{
    const uint8_t *bits = array->buffers[0];
    int64_t set;

    if (bits == NULL || array->null_count == 0)
        return true;
    set = idc_bits_count(bits, start, count);
    if (set == count)
        return true;
    if (column->validity == NULL && !validity_resize(column, 0, (size_t) column->capacity))
        return false;
    idc_bits_copy(column->validity, column->length, bits, start, count);
    column->null_count += count - set;
    return true;
}

/* Offsets begin anew at what there is already. */
#define DEFINE_OFFSETS_REBASE(name, in_type, out_type)                                             \
    static void name(out_type *restrict target, const in_type *restrict source, int64_t count,     \
                     out_type shift)                                                               \
    {                                                                                              \
        int64_t i = 0;                                                                             \
                                                                                                   \
        for (; i + 16 <= count; i += 16)                                                           \
            for (int j = 0; j < 16; j++)                                                           \
                target[i + j] = (out_type) source[i + j] + shift;                                  \
        for (; i < count; i++)                                                                     \
            target[i] = (out_type) source[i] + shift;                                              \
    }

/* Without a sign: the shift may be negative, and wraps to what is right. */
DEFINE_OFFSETS_REBASE(rebase_32_32, uint32_t, uint32_t)
DEFINE_OFFSETS_REBASE(rebase_32_64, uint32_t, uint64_t)
DEFINE_OFFSETS_REBASE(rebase_64_64, uint64_t, uint64_t)

static int64_t
offset_at(const void *offsets, unsigned width, int64_t i)
{
    return width == 4 ? ((const int32_t *) offsets)[i] : ((const int64_t *) offsets)[i];
}

/* The part of what is below that the rows mean: *first .. *last. */
static IdcStatus
append_offsets(GatherColumn *column, const struct ArrowArray *array, int64_t start, int64_t count,
               int64_t *first, int64_t *last, IdcError *err)
{
    unsigned width = column->layout->width;
    const uint8_t *source = array->buffers[1];
    uint8_t *target = column->offsets + (size_t) (column->length + 1) * column->out_width;
    int64_t base = offset_at(column->offsets, column->out_width, column->length);

    *first = *last = 0;
    if (count == 0)
        return IDC_OK;
    *first = offset_at(source, width, start);
    *last = offset_at(source, width, start + count);
    source += (size_t) (start + 1) * width;
    if (column->out_width == 4 && base + (*last - *first) > INT32_MAX)
        return idc_fail(err, IDC_UNSUPPORTED, "more than 2 GiB behind 32-bit offsets");
    if (column->out_width == 4)
        rebase_32_32((uint32_t *) target, (const uint32_t *) source, count,
                     (uint32_t) (base - *first));
    else if (width == 4)
        rebase_32_64((uint64_t *) target, (const uint32_t *) source, count,
                     (uint64_t) (base - *first));
    else
        rebase_64_64((uint64_t *) target, (const uint64_t *) source, count,
                     (uint64_t) (base - *first));
    return IDC_OK;
}

static IdcStatus
append_bytes(GatherColumn *column, const struct ArrowArray *array, int64_t start, int64_t count,
             IdcError *err)
{
    int64_t first, last;
    IdcStatus status = append_offsets(column, array, start, count, &first, &last, err);

    if (status != IDC_OK)
        return status;
    if (!reserve_bytes(column, (size_t) (last - first)))
        return idc_fail_no_memory(err);
    if (last > first)
        memcpy(column->values + column->bytes_len, (const uint8_t *) array->buffers[2] + first,
               (size_t) (last - first));
    column->bytes_len += (size_t) (last - first);
    return IDC_OK;
}

/* An index, whatever its width and sign; negative ones become huge. */
static uint64_t
index_at(const void *indices, unsigned width, int64_t i)
{
    switch (width) {
    case 1:
        return ((const uint8_t *) indices)[i];
    case 2:
        return ((const uint16_t *) indices)[i];
    case 4:
        return ((const uint32_t *) indices)[i];
    default:
        return ((const uint64_t *) indices)[i];
    }
}

/* codes: from index to code, code_count of them. What a NULL row holds means nothing. */
static IdcStatus
append_codes(GatherColumn *column, const struct ArrowArray *array, int64_t start, int64_t count,
             const int32_t *codes, IdcError *err)
{
    int32_t *target = (int32_t *) column->values + column->length;
    uint64_t code_count = (uint64_t) array->dictionary->length;
    const uint8_t *validity = array->null_count == 0 ? NULL : array->buffers[0];
    unsigned width = column->layout->width;

    for (int64_t i = 0; i < count; i++) {
        uint64_t index = index_at(array->buffers[1], width, start + i);

        if (index < code_count) {
            target[i] = codes[index];
            continue;
        }
        if (validity == NULL || (validity[(start + i) / 8] >> ((start + i) % 8) & 1) != 0)
            return idc_fail(err, IDC_SOURCE_FAILED, "an index outside of its dictionary");
        target[i] = 0;
    }
    return IDC_OK;
}

static IdcStatus
append_indices(GatherColumn *column, const struct ArrowArray *array, int64_t start, int64_t count,
               IdcError *err)
{
    size_t code_count = (size_t) array->dictionary->length;
    int32_t *codes = NULL;
    IdcStatus status;

    /* A dictionary this long has not got distinct values; nor is there memory for it. */
    if (code_count <= INT32_MAX)
        codes = idc_malloc((code_count + 1) * sizeof *codes);
    if (codes == NULL)
        return idc_fail_no_memory(err);
    status = idc_gather_dictionary_join(column->dictionary, array->dictionary, codes, err);
    if (status == IDC_OK)
        status = append_codes(column, array, start, count, codes, err);
    idc_free(codes);
    return status;
}

static IdcStatus
append_values(GatherColumn *column, const struct ArrowArray *array, int64_t start, int64_t count,
              IdcError *err)
{
    size_t width = column->out_width;
    int64_t first = 0, last = 0;
    IdcStatus status = IDC_OK;

    switch (column->layout->kind) {
    case IDC_LAYOUT_BITS:
        idc_bits_copy(column->values, column->length, array->buffers[1], start, count);
        break;
    case IDC_LAYOUT_FIXED:
        if (column->dictionary != NULL)
            return append_indices(column, array, start, count, err);
        if (count > 0)
            memcpy(column->values + (size_t) column->length * width,
                   (const uint8_t *) array->buffers[1] + (size_t) start * width,
                   (size_t) count * width);
        break;
    case IDC_LAYOUT_BYTES:
        return append_bytes(column, array, start, count, err);
    case IDC_LAYOUT_LIST:
        status = append_offsets(column, array, start, count, &first, &last, err);
        if (status == IDC_OK)
            status = idc_gather_column_append(&column->children[0], array->children[0], first,
                                              last - first, err);
        break;
    case IDC_LAYOUT_FIXED_LIST:
        first = start * column->layout->list_size;
        return idc_gather_column_append(&column->children[0], array->children[0], first,
                                        count * column->layout->list_size, err);
    case IDC_LAYOUT_STRUCT:
        for (size_t i = 0; status == IDC_OK && i < column->layout->child_count; i++)
            status = idc_gather_column_append(&column->children[i], array->children[i], start,
                                              count, err);
        break;
    case IDC_LAYOUT_NULL:
        column->null_count += count;
        break;
    }
    return status;
}

IdcStatus
idc_gather_column_append(GatherColumn *column, const struct ArrowArray *array, int64_t from,
                         int64_t count, IdcError *err)
{
    int64_t start = array->offset + from;
    IdcStatus status;

    if (!idc_gather_column_reserve(column, count))
        return idc_fail_no_memory(err);
    status = append_values(column, array, start, count, err);
    if (status == IDC_OK && column->layout->kind != IDC_LAYOUT_NULL &&
        !append_validity(column, array, start, count))
        return idc_fail_no_memory(err);
    if (status == IDC_OK)
        column->length += count;
    return status;
}

/* ---- the whole ---- */

/* Give back what was reserved but not used, where it is worth a call. */
static void *
trimmed(uint8_t **buffer, size_t size, size_t capacity)
{
    void *whole = *buffer, *fitting;

    *buffer = NULL;
    if (capacity - size <= size / 8)
        return whole;
    fitting = idc_buffer_resize(whole, size < 8 ? 8 : size);
    return fitting != NULL ? fitting : whole;
}

static void
give_buffers(GatherColumn *column, struct ArrowArray *array)
{
    size_t length = (size_t) column->length, capacity = (size_t) column->capacity;
    size_t width = column->out_width;

    if (column->null_count > 0 && column->validity != NULL)
        idc_array_give_buffer(array, 0,
                              trimmed(&column->validity, bits_size(length), bits_size(capacity)));
    switch (column->layout->kind) {
    case IDC_LAYOUT_BITS:
        idc_array_give_buffer(array, 1,
                              trimmed(&column->values, bits_size(length), bits_size(capacity)));
        break;
    case IDC_LAYOUT_FIXED:
        idc_array_give_buffer(array, 1, trimmed(&column->values, length * width, capacity * width));
        break;
    case IDC_LAYOUT_BYTES:
        idc_array_give_buffer(array, 2,
                              trimmed(&column->values, column->bytes_len, column->bytes_capacity));
        /* fall through */
    case IDC_LAYOUT_LIST:
        idc_array_give_buffer(
            array, 1, trimmed(&column->offsets, (length + 1) * width, (capacity + 1) * width));
        break;
    default:
        break;
    }
}

static bool
finish_children(GatherColumn *column, struct ArrowArray *array)
{
    struct ArrowArray dictionary = { 0 };

    for (size_t i = 0; i < column->layout->child_count; i++)
        if (!idc_gather_column_finish(&column->children[i], array->children[i]))
            return false;
    if (column->dictionary == NULL)
        return true;
    if (!idc_gather_dictionary_finish(column->dictionary, &dictionary)) {
        if (dictionary.release != NULL)
            dictionary.release(&dictionary);
        return false;
    }
    if (idc_array_add_dictionary(array, &dictionary))
        return true;
    dictionary.release(&dictionary);
    return false;
}

bool
idc_gather_column_finish(GatherColumn *column, struct ArrowArray *array)
{
    bool is_ok = idc_gather_column_reserve(column, 0) &&
                 (column->layout->kind != IDC_LAYOUT_BYTES || reserve_bytes(column, 0)) &&
                 idc_array_init(array, column->length, column->null_count,
                                idc_layout_own_buffers(column->layout),
                                (int64_t) column->layout->child_count);

    if (is_ok) {
        give_buffers(column, array);
        is_ok = finish_children(column, array);
    }
    idc_buffer_free(column->validity);
    idc_buffer_free(column->values);
    idc_buffer_free(column->offsets);
    column->validity = column->values = column->offsets = NULL;
    column->length = column->capacity = column->null_count = 0;
    column->bytes_len = column->bytes_capacity = 0;
    return is_ok;
}
