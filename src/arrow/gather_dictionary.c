/*
 * gather_dictionary.c - dictionaries of several batches as one, joined by value.
 *
 * In:   the values of a batch's dictionary
 * Out:  a code for each of them, and all values in the order in which they came: so an ordered
 *       enum's labels, which come whole and in order with each batch, stay in order
 */
#include <string.h>

#include "arrow/gather.h"
#include "base/memory.h"

/* slots: open addressing: code or -1; slot_count is a power of two, more than twice the values. */
struct GatherDictionary {
    GatherColumn values;
    const struct IdcLayout *layout;
    int32_t *slots;
    size_t slot_count;
    int32_t null_code; /* of the value NULL; -1: there is none */
};

/* The bytes of a value; data is NULL for NULL. */
typedef struct ValueBytes {
    const uint8_t *data;
    size_t len;
} ValueBytes;

bool
idc_gather_dictionary_can_join(const IdcLayout *values)
{
    return (values->kind == IDC_LAYOUT_FIXED || values->kind == IDC_LAYOUT_BYTES) &&
           values->width > 0 && values->dictionary == NULL;
}

GatherDictionary *
idc_gather_dictionary_new(const IdcLayout *values)
{
    GatherDictionary *dictionary = idc_calloc(1, sizeof *dictionary);

    if (dictionary == NULL)
        return NULL;
    dictionary->layout = values;
    dictionary->null_code = -1;
    if (!idc_gather_column_init(&dictionary->values, values, true)) {
        idc_gather_dictionary_free(dictionary);
        return NULL;
    }
    return dictionary;
}

void
idc_gather_dictionary_free(GatherDictionary *dictionary)
{
    if (dictionary == NULL)
        return;
    idc_gather_column_done(&dictionary->values);
    idc_free(dictionary->slots);
    idc_free(dictionary);
}

static ValueBytes
value_bytes(const IdcLayout *layout, const void *const *buffers, int64_t i)
{
    ValueBytes value = { .len = layout->width };

    if (layout->kind == IDC_LAYOUT_FIXED) {
        value.data = (const uint8_t *) buffers[1] + (size_t) i * layout->width;
    } else if (layout->width == 4) {
        const int32_t *offsets = buffers[1];

        value.data = (const uint8_t *) buffers[2] + offsets[i];
        value.len = (size_t) (offsets[i + 1] - offsets[i]);
    } else {
        const int64_t *offsets = buffers[1];

        value.data = (const uint8_t *) buffers[2] + offsets[i];
        value.len = (size_t) (offsets[i + 1] - offsets[i]);
    }
    return value;
}

/* The value that has the code. */
static ValueBytes
value_of(const GatherDictionary *dictionary, int32_t code)
{
    const GatherColumn *values = &dictionary->values;
    bool is_fixed = values->layout->kind == IDC_LAYOUT_FIXED;
    const void *buffers[] = { NULL, is_fixed ? values->values : values->offsets, values->values };

    return value_bytes(values->layout, buffers, code);
}

static bool
value_equals(ValueBytes value, ValueBytes other)
{
    return value.len == other.len &&
           (value.len == 0 || memcmp(value.data, other.data, value.len) == 0);
}

/* FNV-1a: values are short. */
static size_t
value_hash(ValueBytes value)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < value.len; i++)
        hash = (hash ^ value.data[i]) * UINT64_C(0x100000001b3);
    return (size_t) (hash ^ (hash >> 32));
}

/* The slot that holds the value, or the free one where it belongs. */
static size_t
slot_of(const GatherDictionary *dictionary, ValueBytes value)
{
    size_t slot = value_hash(value) & (dictionary->slot_count - 1);

    while (dictionary->slots[slot] >= 0 &&
           !value_equals(value_of(dictionary, dictionary->slots[slot]), value))
        slot = (slot + 1) & (dictionary->slot_count - 1);
    return slot;
}

/* Slots for `count` values, of which those that there are move over. */
static bool
slots_reserve(GatherDictionary *dictionary, size_t count)
{
    size_t slot_count = dictionary->slot_count == 0 ? 64 : dictionary->slot_count;
    int32_t *slots;

    while (slot_count <= count * 2)
        slot_count *= 2;
    if (slot_count == dictionary->slot_count)
        return true;
    slots = idc_malloc(slot_count * sizeof *slots);
    if (slots == NULL)
        return false;
    memset(slots, 0xFF, slot_count * sizeof *slots);
    idc_free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->slot_count = slot_count;
    for (int32_t i = 0; i < (int32_t) dictionary->values.length; i++)
        if (i != dictionary->null_code)
            slots[slot_of(dictionary, value_of(dictionary, i))] = i;
    return true;
}

static IdcStatus
add_value(GatherDictionary *dictionary, const struct ArrowArray *values, int64_t i, int32_t *code,
          IdcError *err)
{
    IdcStatus status;

    if (dictionary->values.length >= INT32_MAX / 2)
        return idc_fail(err, IDC_UNSUPPORTED, "more values in a dictionary than can be joined");
    status = idc_gather_column_append(&dictionary->values, values, i, 1, err);
    if (status == IDC_OK)
        *code = (int32_t) dictionary->values.length - 1;
    return status;
}

static bool
is_null(const struct ArrowArray *values, int64_t i)
{
    const uint8_t *validity = values->buffers[0];

    i += values->offset;
    return validity != NULL && values->null_count != 0 && (validity[i / 8] >> (i % 8) & 1) == 0;
}

/* Where value i of a batch's dictionary is, or will be. */
static IdcStatus
find_or_add(GatherDictionary *dictionary, const struct ArrowArray *values, int64_t i, int32_t *code,
            IdcError *err)
{
    ValueBytes value;
    size_t slot;
    IdcStatus status;

    if (is_null(values, i)) {
        *code = dictionary->null_code;
        if (*code >= 0)
            return IDC_OK;
        status = add_value(dictionary, values, i, code, err);
        dictionary->null_code = status == IDC_OK ? *code : -1;
        return status;
    }
    value = value_bytes(dictionary->layout, values->buffers, values->offset + i);
    /* Batches of one stream have the same dictionary, most often: no need to hash it again. */
    *code = (int32_t) i;
    if (i < dictionary->values.length && i != dictionary->null_code &&
        value_equals(value_of(dictionary, *code), value))
        return IDC_OK;
    slot = slot_of(dictionary, value);
    *code = dictionary->slots[slot];
    if (*code >= 0)
        return IDC_OK;
    status = add_value(dictionary, values, i, code, err);
    if (status == IDC_OK)
        dictionary->slots[slot] = *code;
    return status;
}

IdcStatus
idc_gather_dictionary_join(GatherDictionary *dictionary, const struct ArrowArray *values,
                           int32_t *codes, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (int64_t i = 0; status == IDC_OK && i < values->length; i++) {
        if (!slots_reserve(dictionary, (size_t) dictionary->values.length + 1))
            return idc_fail_no_memory(err);
        status = find_or_add(dictionary, values, i, &codes[i], err);
    }
    return status;
}

bool
idc_gather_dictionary_finish(GatherDictionary *dictionary, struct ArrowArray *array)
{
    idc_free(dictionary->slots);
    dictionary->slots = NULL;
    dictionary->slot_count = 0;
    dictionary->null_code = -1;
    return idc_gather_column_finish(&dictionary->values, array);
}
