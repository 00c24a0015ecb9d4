/*
 * dictionary.c - the labels of an enum column, the texts of one that repeats them: from text to
 * number.
 *
 * In:   the enum's labels in their order, then one label a value
 * Out:  numbers, and the labels as an array for each batch
 */
#include "arrow/builder.h"
#include "base/buffer.h"
#include "base/memory.h"

/* A dictionary of texts that has grown past one of these is begun again with the next batch. */
enum { KEEP_LABELS = 65536, KEEP_BYTES = 4 << 20 };

/* Numbers are int32; nobody has so many labels. */
#define MAX_LABELS ((size_t) 1 << 30)

/* Eight bytes at a time: most texts that repeat are short. */
static uint32_t
label_hash(const char *label, size_t len)
{
    const uint64_t factor = 0x9e3779b97f4a7c15u;
    uint64_t hash = len * factor, word;

    for (; len >= sizeof word; label += sizeof word, len -= sizeof word) {
        memcpy(&word, label, sizeof word);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    if (len > 0) {
        word = 0;
        memcpy(&word, label, len);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    return (uint32_t) hash;
}

static bool
label_equals(const IdcDictionary *dictionary, int32_t number, const char *label, size_t len)
{
    int64_t from = dictionary->offsets[number];

    return (size_t) (dictionary->offsets[number + 1] - from) == len &&
           (len == 0 || memcmp(dictionary->bytes + from, label, len) == 0);
}

/* The slot that holds the label, or the free one where it belongs. */
static IdcDictionarySlot *
slot_of(const IdcDictionary *dictionary, uint32_t hash, const char *label, size_t len)
{
    size_t i = hash & (dictionary->slot_count - 1);

    while (dictionary->slots[i].number >= 0 &&
           (dictionary->slots[i].hash != hash ||
            !label_equals(dictionary, dictionary->slots[i].number, label, len)))
        i = (i + 1) & (dictionary->slot_count - 1);
    return &dictionary->slots[i];
}

/* Twice as many slots as labels at least, so that there is always a free one. */
static bool
slots_grow(IdcDictionary *dictionary)
{
    size_t slot_count = dictionary->slot_count == 0 ? 64 : dictionary->slot_count * 4;
    IdcDictionarySlot *slots = idc_malloc(slot_count * sizeof *slots);

    if (slots == NULL)
        return false;
    memset(slots, 0xFF, slot_count * sizeof *slots);
    for (size_t i = 0; i < dictionary->slot_count; i++) {
        size_t slot = dictionary->slots[i].hash & (slot_count - 1);

        if (dictionary->slots[i].number < 0)
            continue;
        while (slots[slot].number >= 0)
            slot = (slot + 1) & (slot_count - 1);
        slots[slot] = dictionary->slots[i];
    }
    idc_free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->slot_count = slot_count;
    return true;
}

static bool
labels_grow(IdcDictionary *dictionary, size_t len)
{
    if (dictionary->count + 1 >= dictionary->capacity) {
        size_t capacity = dictionary->capacity == 0 ? 16 : dictionary->capacity * 2;
        int64_t *offsets = idc_realloc(dictionary->offsets, (capacity + 1) * sizeof *offsets);

        if (offsets == NULL)
            return false;
        offsets[0] = 0;
        dictionary->offsets = offsets;
        dictionary->capacity = capacity;
    }
    if (len > dictionary->bytes_capacity - dictionary->bytes_len || dictionary->bytes == NULL) {
        size_t capacity = dictionary->bytes_len + dictionary->bytes_len / 2 + len + 64;
        char *bytes = idc_realloc(dictionary->bytes, capacity);

        if (bytes == NULL)
            return false;
        dictionary->bytes = bytes;
        dictionary->bytes_capacity = capacity;
    }
    return true;
}

static IdcDecoded
label_add(IdcDictionary *dictionary, uint32_t hash, const char *label, size_t len, int32_t *number)
{
    if (len > PTRDIFF_MAX / 4 || dictionary->bytes_len > PTRDIFF_MAX / 4 ||
        dictionary->count >= MAX_LABELS)
        return IDC_DECODED_TOO_MANY;
    if (dictionary->count * 2 >= dictionary->slot_count && !slots_grow(dictionary))
        return IDC_DECODED_NO_MEMORY;
    if (!labels_grow(dictionary, len))
        return IDC_DECODED_NO_MEMORY;
    if (len > 0)
        memcpy(dictionary->bytes + dictionary->bytes_len, label, len);
    *number = (int32_t) dictionary->count;
    *slot_of(dictionary, hash, label, len) = (IdcDictionarySlot){ *number, hash };
    dictionary->bytes_len += len;
    dictionary->count++;
    dictionary->offsets[dictionary->count] = (int64_t) dictionary->bytes_len;
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
        uint32_t hash = label_hash(label, len);

        found = slot_of(dictionary, hash, label, len)->number;
        if (found < 0)
            decoded = label_add(dictionary, hash, label, len, &found);
        if (decoded != IDC_DECODED)
            return decoded;
        dictionary->last = found;
    }
    *number = found;
    return IDC_DECODED;
}

bool
idc_column_append_label(IdcColumn *column, const void *bytes, size_t len)
{
    size_t bytes_len = column->dictionary->bytes_len;
    int32_t number;

    if (idc_dictionary_find(column->dictionary, bytes, len, &number) != IDC_DECODED)
        return false;
    /* Texts that are new are what makes such a batch big. */
    column->state->dictionary_bytes += (int64_t) (column->dictionary->bytes_len - bytes_len);
    ((int32_t *) column->values)[column->length++] = number;
    return true;
}

void
idc_dictionary_limit(IdcDictionary *dictionary)
{
    if (dictionary->count <= KEEP_LABELS && dictionary->bytes_len <= KEEP_BYTES)
        return;
    if (dictionary->bytes_capacity > 4 * (size_t) KEEP_BYTES) {
        idc_free(dictionary->bytes);
        dictionary->bytes = NULL;
        dictionary->bytes_capacity = 0;
    }
    memset(dictionary->slots, 0xFF, dictionary->slot_count * sizeof *dictionary->slots);
    dictionary->count = dictionary->bytes_len = 0;
    dictionary->last = 0;
    dictionary->generation++;
}

bool
idc_dictionary_array(const IdcDictionary *dictionary, bool is_large, struct ArrowArray *array)
{
    size_t width = is_large ? sizeof(int64_t) : sizeof(int32_t);
    size_t offsets_size = (dictionary->count + 1) * width;
    char *offsets = idc_buffer_resize(NULL, offsets_size);
    void *bytes = idc_buffer_resize(NULL, dictionary->bytes_len + 1);

    if ((!is_large && dictionary->bytes_len > INT32_MAX) || offsets == NULL || bytes == NULL ||
        !idc_array_init(array, (int64_t) dictionary->count, 0, 3, 0)) {
        idc_buffer_free(offsets);
        idc_buffer_free(bytes);
        return false;
    }
    for (size_t i = 0; !is_large && i <= dictionary->count; i++) {
        int32_t narrow = (int32_t) dictionary->offsets[i];

        memcpy(offsets + i * width, &narrow, width);
    }
    if (is_large)
        memcpy(offsets, dictionary->offsets, offsets_size);
    if (dictionary->bytes_len > 0)
        memcpy(bytes, dictionary->bytes, dictionary->bytes_len);
    idc_array_give_buffer(array, 1, offsets);
    idc_array_give_buffer(array, 2, bytes);
    return true;
}
