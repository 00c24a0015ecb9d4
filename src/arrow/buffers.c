/*
 * buffers.c - the memory of one column: room for values, NULLs, and the way out as an ArrowArray.
 *
 * In:   requests for room
 * Out:  one array a column and batch; the buffers change hands, nothing is copied
 * Next: builder.c
 */
#include "arrow/builder.h"
#include "base/buffer.h"
#include "base/memory.h"

/* Less than this is kept whatever the batch before needed. */
enum { MUCH_BYTES = 1 << 20 };

/* One and a half times what there was: big buffers are not copied when they grow. */
static size_t
grown(size_t have, size_t needed, size_t least)
{
    size_t wanted;

    if (__builtin_add_overflow(have, have / 2, &wanted) || wanted < needed)
        wanted = needed;
    return wanted < least ? least : wanted;
}

static void *
size_to(const IdcColumn *column, void *buffer, size_t size)
{
    return column->state->has_many_batches ? idc_buffer_resize_in_heap(buffer, size)
                                           : idc_buffer_resize(buffer, size);
}

static bool
resize(const IdcColumn *column, void **buffer, size_t count, size_t width)
{
    size_t size;
    void *resized;

    if (__builtin_mul_overflow(count, width, &size) || size > PTRDIFF_MAX)
        return false;
    resized = size_to(column, *buffer, size);
    if (resized == NULL)
        return false;
    *buffer = resized;
    return true;
}

/* Bits for `capacity` values, all set past the first `from` bytes. */
static bool
validity_resize(IdcColumn *column, size_t from, size_t capacity)
{
    void *bits = column->validity;
    size_t size = capacity / 8 + 1;

    if (!resize(column, &bits, size, 1))
        return false;
    column->validity = bits;
    memset(column->validity + from, 0xFF, size - from);
    return true;
}

bool
idc_column_grow(IdcColumn *column, int64_t extra)
{
    size_t have = (size_t) column->capacity, needed, capacity;
    void *buffer = column->values;

    if (__builtin_add_overflow((size_t) column->length, (size_t) extra, &needed) ||
        needed > (size_t) (INT64_MAX / 32))
        return false;
    capacity = grown(have, needed, column->length_hint > 64 ? column->length_hint : 64);
    if (column->offsets != NULL) {
        void *offsets = column->offsets;

        if (!resize(column, &offsets, capacity + 1, sizeof *column->offsets))
            return false;
        column->offsets = offsets;
    } else if (column->width > 0) {
        if (!resize(column, &buffer, capacity, column->width))
            return false;
        column->values = buffer;
    } else {
        size_t from = have == 0 ? 0 : have / 8 + 1;

        if (!resize(column, &buffer, capacity / 8 + 1, 1))
            return false;
        column->values = buffer;
        memset(column->values + from, 0, capacity / 8 + 1 - from);
    }
    if (column->validity != NULL && !validity_resize(column, have / 8 + 1, capacity))
        return false;
    column->capacity = (int64_t) capacity;
    return true;
}

bool
idc_column_grow_bytes(IdcColumn *column, size_t extra)
{
    void *bytes = column->values;
    size_t needed, capacity;

    if (__builtin_add_overflow(column->bytes_len, extra, &needed) ||
        __builtin_add_overflow(needed, (size_t) IDC_BYTES_SLACK, &needed))
        return false;
    capacity = grown(column->bytes_capacity, needed,
                     column->bytes_hint > 1024 ? column->bytes_hint : 1024);
    if (!resize(column, &bytes, capacity, 1))
        return false;
    column->values = bytes;
    column->bytes_capacity = capacity;
    return true;
}

bool
idc_column_append_null(IdcColumn *column)
{
    int64_t i = column->length;

    if (column->validity == NULL && !validity_resize(column, 0, (size_t) column->capacity))
        return false;
    column->validity[i / 8] &= (uint8_t) ~(1u << (i % 8));
    if (column->offsets != NULL)
        column->offsets[i + 1] = column->offsets[i];
    else if (column->width > 0)
        memset(column->values + (size_t) i * column->width, 0, column->width);
    column->null_count++;
    column->length++;
    return true;
}

static size_t
kind_width(IdcColumnKind kind)
{
    switch (kind) {
    case IDC_KIND_INT16:
        return 2;
    case IDC_KIND_INT32:
    case IDC_KIND_UINT32:
    case IDC_KIND_FLOAT32:
    case IDC_KIND_DATE:
    case IDC_KIND_ENUM:
        return 4;
    case IDC_KIND_INT64:
    case IDC_KIND_UINT64:
    case IDC_KIND_FLOAT64:
    case IDC_KIND_NUMERIC_FLOAT64:
    case IDC_KIND_TIME:
    case IDC_KIND_TIMESTAMP:
    case IDC_KIND_TIMESTAMPTZ:
        return 8;
    case IDC_KIND_NUMERIC_DECIMAL:
    case IDC_KIND_INTERVAL:
        return 16;
    case IDC_KIND_BOOL:
    case IDC_KIND_NUMERIC_STRING:
    case IDC_KIND_TEXT:
    case IDC_KIND_JSONB:
    case IDC_KIND_BYTES:
    case IDC_KIND_UUID:
    case IDC_KIND_HSTORE:
    case IDC_KIND_LIST:
        break;
    }
    return 0;
}

/* The offsets of no values: a zero. */
static int64_t *
offsets_new(void)
{
    int64_t *offsets = idc_buffer_resize(NULL, sizeof *offsets);

    if (offsets != NULL)
        *offsets = 0;
    return offsets;
}

static IdcColumn *
child_new(const IdcColumnSpec *spec, int levels, IdcDecodeState *state)
{
    IdcColumn *child = idc_calloc(1, sizeof *child);

    if (child != NULL && !idc_column_init(child, spec, levels, state)) {
        idc_column_done(child);
        idc_free(child);
        child = NULL;
    }
    return child;
}

/* Keys and values of an hstore are plain texts. */
static const IdcColumnSpec hstore_text = { .name = "", .type_name = "text", .kind = IDC_KIND_TEXT };

bool
idc_column_init(IdcColumn *column, const IdcColumnSpec *spec, int levels, IdcDecodeState *state)
{
    *column = (IdcColumn){ .spec = spec, .kind = spec->kind, .levels = levels, .state = state };
    column->width = kind_width(column->kind);
    if (column->width == 0 && column->kind != IDC_KIND_BOOL) {
        column->offsets = offsets_new();
        if (column->offsets == NULL)
            return false;
    }
    if (column->kind == IDC_KIND_LIST) {
        if (levels > 1)
            column->children[0] = child_new(spec, levels - 1, state);
        else
            column->children[0] = child_new(spec->element, 0, state);
        return column->children[0] != NULL;
    }
    if (column->kind == IDC_KIND_HSTORE) {
        column->children[0] = child_new(&hstore_text, 0, state);
        column->children[1] = child_new(&hstore_text, 0, state);
        return column->children[0] != NULL && column->children[1] != NULL;
    }
    if (column->kind == IDC_KIND_ENUM) {
        column->dictionary = idc_dictionary_new(spec->labels, spec->label_count);
        return column->dictionary != NULL;
    }
    return true;
}

void
idc_column_done(IdcColumn *column)
{
    idc_buffer_free(column->validity);
    idc_buffer_free(column->values);
    idc_buffer_free(column->offsets);
    idc_dictionary_free(column->dictionary);
    for (size_t i = 0; i < 2; i++) {
        if (column->children[i] != NULL)
            idc_column_done(column->children[i]);
        idc_free(column->children[i]);
    }
    *column = (IdcColumn){ 0 };
}

/*
 * Give back what was reserved but not used, where it is worth a call; a buffer is never NULL, since
 * some consumers insist on one.
 */
static void *
trimmed(const IdcColumn *column, void *buffer, size_t size, size_t capacity)
{
    void *fitting;

    if (buffer != NULL && capacity - size <= size / 8)
        return buffer;
    fitting = size_to(column, buffer, size == 0 ? 8 : size);
    return fitting != NULL ? fitting : buffer;
}

/* A map has 32-bit offsets: idc_decode_hstore has seen to it that they fit. */
static int64_t *
offsets_narrow(const IdcColumn *column, int64_t *offsets, int64_t length)
{
    for (int64_t i = 0; i <= length; i++) {
        int32_t narrow = (int32_t) offsets[i];

        memcpy((char *) offsets + (size_t) i * sizeof narrow, &narrow, sizeof narrow);
    }
    return trimmed(column, offsets, (size_t) (length + 1) * sizeof(int32_t), SIZE_MAX);
}

/* The buffers of the column become the array's. */
static void
buffers_give(IdcColumn *column, struct ArrowArray *array)
{
    size_t length = (size_t) column->length, capacity = (size_t) column->capacity;
    size_t width = column->width;

    if (column->null_count > 0)
        idc_array_give_buffer(array, 0,
                              trimmed(column, column->validity, length / 8 + 1, capacity / 8 + 1));
    else
        idc_buffer_free(column->validity);
    if (column->kind == IDC_KIND_HSTORE)
        idc_array_give_buffer(array, 1, offsets_narrow(column, column->offsets, column->length));
    else if (column->offsets != NULL)
        idc_array_give_buffer(array, 1,
                              trimmed(column, column->offsets,
                                      (length + 1) * sizeof *column->offsets,
                                      (capacity + 1) * sizeof *column->offsets));
    else if (width > 0)
        idc_array_give_buffer(array, 1,
                              trimmed(column, column->values, length * width, capacity * width));
    else
        idc_array_give_buffer(array, 1,
                              trimmed(column, column->values, length / 8 + 1, capacity / 8 + 1));
    if (array->n_buffers == 3)
        idc_array_give_buffer(
            array, 2, trimmed(column, column->values, column->bytes_len, column->bytes_capacity));
}

/* Hand over the buffers and start again. */
static bool
buffers_move(IdcColumn *column, struct ArrowArray *array)
{
    int64_t *offsets = NULL;

    if (column->offsets != NULL && (offsets = offsets_new()) == NULL)
        return false;
    buffers_give(column, array);
    column->validity = NULL;
    column->values = NULL;
    column->offsets = offsets;
    column->length_hint = (size_t) column->length;
    column->bytes_hint = column->bytes_len + column->bytes_len / 16 + IDC_BYTES_SLACK;
    column->length = column->capacity = column->null_count = 0;
    column->bytes_len = column->bytes_capacity = 0;
    return true;
}

/* The key-value pairs below a map. */
static bool
entries_finish(IdcColumn *column, struct ArrowArray *entries)
{
    return idc_array_init(entries, column->children[0]->length, 0, 1, 2) &&
           idc_column_finish(column->children[0], entries->children[0]) &&
           idc_column_finish(column->children[1], entries->children[1]);
}

bool
idc_column_finish(IdcColumn *column, struct ArrowArray *array)
{
    bool is_nested = column->kind == IDC_KIND_LIST || column->kind == IDC_KIND_HSTORE;
    struct ArrowArray dictionary = { 0 };

    if (!idc_array_init(array, column->length, column->null_count,
                        column->offsets != NULL && !is_nested ? 3 : 2, is_nested ? 1 : 0) ||
        !buffers_move(column, array))
        return false;
    if (array->buffers[1] == NULL || (array->n_buffers == 3 && array->buffers[2] == NULL))
        return false;
    if (column->kind == IDC_KIND_LIST)
        return idc_column_finish(column->children[0], array->children[0]);
    if (column->kind == IDC_KIND_HSTORE)
        return entries_finish(column, array->children[0]);
    if (column->dictionary == NULL)
        return true;
    if (!idc_dictionary_array(column->dictionary, column->kind == IDC_KIND_TEXT, &dictionary))
        return false;
    if (column->kind == IDC_KIND_TEXT)
        idc_dictionary_limit(column->dictionary);
    if (idc_array_add_dictionary(array, &dictionary))
        return true;
    dictionary.release(&dictionary);
    return false;
}

/* A buffer that one batch needed and this one did not is given back. */
static void
bytes_shrink(IdcColumn *column)
{
    if (column->bytes_capacity <= MUCH_BYTES || column->bytes_len >= column->bytes_capacity / 4)
        return;
    idc_buffer_free(column->values);
    column->values = NULL;
    column->bytes_capacity = 0;
}

void
idc_column_clear(IdcColumn *column)
{
    size_t touched = (size_t) column->length / 8 + 1;

    if (column->null_count > 0)
        memset(column->validity, 0xFF, touched);
    if (column->kind == IDC_KIND_BOOL && column->length > 0)
        memset(column->values, 0, touched);
    if (column->offsets != NULL)
        bytes_shrink(column);
    column->length_hint = (size_t) column->length;
    column->bytes_hint = column->bytes_len + column->bytes_len / 16 + IDC_BYTES_SLACK;
    column->length = column->null_count = 0;
    column->bytes_len = 0;
    if (column->dictionary != NULL && column->kind == IDC_KIND_TEXT)
        idc_dictionary_limit(column->dictionary);
    for (size_t i = 0; i < 2; i++)
        if (column->children[i] != NULL)
            idc_column_clear(column->children[i]);
}

bool
idc_column_begin_dictionary(IdcColumn *column)
{
    column->dictionary = idc_dictionary_new(NULL, 0);
    if (column->dictionary == NULL)
        return false;
    idc_buffer_free(column->offsets);
    column->offsets = NULL;
    column->width = sizeof(int32_t);
    return true;
}

/* The texts behind the numbers, one value each. */
static bool
append_texts(IdcColumn *plain, const IdcColumn *column)
{
    const IdcDictionary *dictionary = column->dictionary;
    const int32_t *numbers = (const int32_t *) column->values;

    for (int64_t i = 0; i < column->length; i++) {
        const char *text = "";
        size_t len = 0;

        if (column->null_count == 0 || (column->validity[i / 8] >> (i % 8) & 1) != 0) {
            int64_t from = dictionary->offsets[numbers[i]];

            text = dictionary->bytes + from;
            len = (size_t) (dictionary->offsets[numbers[i] + 1] - from);
        }
        if (!idc_column_append_text(plain, text, len, len))
            return false;
    }
    return true;
}

bool
idc_column_end_dictionary(IdcColumn *column)
{
    IdcColumn plain = { .spec = column->spec, .kind = column->kind, .state = column->state };

    plain.offsets = offsets_new();
    if (plain.offsets == NULL || !idc_column_reserve(&plain, column->capacity) ||
        !append_texts(&plain, column)) {
        idc_column_done(&plain);
        return false;
    }
    /* NULLs stay NULLs: their bits belong to as many values as the column had room for. */
    plain.validity = column->validity;
    plain.null_count = column->null_count;
    plain.capacity = column->capacity;
    column->validity = NULL;
    idc_column_done(column);
    *column = plain;
    return true;
}
