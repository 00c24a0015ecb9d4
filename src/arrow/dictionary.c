/*
 * dictionary.c - the labels of an enum column: from label to number.
 *
 * In:   the enum's labels in their order, then one label a value
 * Out:  numbers, and the labels as an array for each batch
 */
#include "arrow/builder.h"
#include "base/memory.h"

/* FNV-1a: labels are short. */
static size_t
label_hash(const char *label, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t) label[i]) * 0x100000001b3u;
    return (size_t) (hash ^ (hash >> 32));
}

static bool
label_equals(const IdcDictionary *dictionary, int32_t number, const char *label, size_t len)
{
    int32_t from = dictionary->offsets[number];

    return (size_t) (dictionary->offsets[number + 1] - from) == len &&
           (len == 0 || memcmp(dictionary->bytes + from, label, len) == 0);
}

/* The slot that holds the label, or the free one where it belongs. */
static size_t
slot_of(const IdcDictionary *dictionary, const char *label, size_t len)
{
    size_t slot = label_hash(label, len) & (dictionary->slot_count - 1);

    while (dictionary->slots[slot] >= 0 &&
           !label_equals(dictionary, dictionary->slots[slot], label, len))
        slot = (slot + 1) & (dictionary->slot_count - 1);
    return slot;
}

/* Twice as many slots as labels at least, so that there is always a free one. */
static bool
slots_grow(IdcDictionary *dictionary)
{
    size_t slot_count = dictionary->slot_count == 0 ? 64 : dictionary->slot_count * 4;
    int32_t *slots = idc_malloc(slot_count * sizeof *slots);

    if (slots == NULL)
        return false;
    memset(slots, 0xFF, slot_count * sizeof *slots);
    idc_free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->slot_count = slot_count;
    for (size_t i = 0; i < dictionary->count; i++) {
        int32_t from = dictionary->offsets[i];

        slots[slot_of(dictionary, dictionary->bytes + from,
                      (size_t) (dictionary->offsets[i + 1] - from))] = (int32_t) i;
    }
    return true;
}

static bool
labels_grow(IdcDictionary *dictionary, size_t len)
{
    if (dictionary->count + 1 >= dictionary->capacity) {
        size_t capacity = dictionary->capacity == 0 ? 16 : dictionary->capacity * 2;
        int32_t *offsets = idc_realloc(dictionary->offsets, (capacity + 1) * sizeof *offsets);

        if (offsets == NULL)
            return false;
        offsets[0] = 0;
        dictionary->offsets = offsets;
        dictionary->capacity = capacity;
    }
    if (len > dictionary->bytes_capacity - dictionary->bytes_len || dictionary->bytes == NULL) {
        size_t capacity = (dictionary->bytes_len + len) * 2 + 64;
        char *bytes = idc_realloc(dictionary->bytes, capacity);

        if (bytes == NULL)
            return false;
        dictionary->bytes = bytes;
        dictionary->bytes_capacity = capacity;
    }
    return true;
}

static IdcDecoded
label_add(IdcDictionary *dictionary, const char *label, size_t len, int32_t *number)
{
    if (len > INT32_MAX / 4 || dictionary->bytes_len + len > INT32_MAX / 2 ||
        dictionary->count >= INT32_MAX / 16)
        return IDC_DECODED_TOO_MANY;
    if (dictionary->count * 2 >= dictionary->slot_count && !slots_grow(dictionary))
        return IDC_DECODED_NO_MEMORY;
    if (!labels_grow(dictionary, len))
        return IDC_DECODED_NO_MEMORY;
    if (len > 0)
        memcpy(dictionary->bytes + dictionary->bytes_len, label, len);
    *number = (int32_t) dictionary->count;
    dictionary->slots[slot_of(dictionary, label, len)] = *number;
    dictionary->bytes_len += len;
    dictionary->count++;
    dictionary->offsets[dictionary->count] = (int32_t) dictionary->bytes_len;
    return IDC_DECODED;
}

IdcDictionary *
idc_dictionary_new(const char *const *labels, size_t count)
{
    IdcDictionary *dictionary = idc_calloc(1, sizeof *dictionary);
    IdcDictionary *result = NULL;
    int32_t number;

    if (dictionary == NULL || !slots_grow(dictionary) || !labels_grow(dictionary, 0))
        goto done;
    for (size_t i = 0; i < count; i++)
        if (idc_dictionary_find(dictionary, labels[i], strlen(labels[i]), &number) != IDC_DECODED)
            goto done;
    result = dictionary;
    dictionary = NULL; /* now the caller's */

done:
    idc_dictionary_free(dictionary);
    return result;
}

void
idc_dictionary_free(IdcDictionary *dictionary)
{
    if (dictionary == NULL)
        return;
    idc_free(dictionary->bytes);
    idc_free(dictionary->offsets);
    idc_free(dictionary->slots);
    idc_free(dictionary);
}

IdcDecoded
idc_dictionary_find(IdcDictionary *dictionary, const char *label, size_t len, int32_t *number)
{
    IdcDecoded decoded = IDC_DECODED;
    int32_t found = dictionary->last;

    if ((size_t) found >= dictionary->count || !label_equals(dictionary, found, label, len)) {
        found = dictionary->slots[slot_of(dictionary, label, len)];
        if (found < 0)
            decoded = label_add(dictionary, label, len, &found);
        if (decoded != IDC_DECODED)
            return decoded;
        dictionary->last = found;
    }
    *number = found;
    return IDC_DECODED;
}

bool
idc_dictionary_array(const IdcDictionary *dictionary, struct ArrowArray *array)
{
    size_t offsets_size = (dictionary->count + 1) * sizeof *dictionary->offsets;
    void *offsets = idc_malloc(offsets_size);
    void *bytes = idc_malloc(dictionary->bytes_len + 1);

    if (offsets == NULL || bytes == NULL ||
        !idc_array_init(array, (int64_t) dictionary->count, 0, 3, 0)) {
        idc_free(offsets);
        idc_free(bytes);
        return false;
    }
    memcpy(offsets, dictionary->offsets, offsets_size);
    memcpy(bytes, dictionary->bytes, dictionary->bytes_len);
    idc_array_give_buffer(array, 1, offsets);
    idc_array_give_buffer(array, 2, bytes);
    return true;
}
