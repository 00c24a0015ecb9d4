/*
 * array.c - an ArrowArray that owns buffers of base/buffer.h.
 *
 * In:   finished buffers of buffers.c
 * Out:  arrays whose release frees them, also when a consumer moved children elsewhere
 */
#include "arrow/builder.h"
#include "base/buffer.h"
#include "base/memory.h"

typedef struct ArrayOwner {
    void *buffers[3];
} ArrayOwner;

static void
array_release(struct ArrowArray *array)
{
    ArrayOwner *owner = array->private_data;

    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release != NULL)
            array->children[i]->release(array->children[i]);
        idc_free(array->children[i]);
    }
    idc_free(array->children);
    if (array->dictionary != NULL) {
        if (array->dictionary->release != NULL)
            array->dictionary->release(array->dictionary);
        idc_free(array->dictionary);
    }
    for (size_t i = 0; i < 3; i++)
        idc_buffer_free(owner->buffers[i]);
    idc_free(owner);
    array->release = NULL;
}

bool
idc_array_init(struct ArrowArray *array, int64_t length, int64_t null_count, int64_t buffer_count,
               int64_t child_count)
{
    ArrayOwner *owner = idc_calloc(1, sizeof *owner);

    if (owner == NULL)
        return false;
    *array = (struct ArrowArray){ .length = length,
                                  .null_count = null_count,
                                  .n_buffers = buffer_count,
                                  .buffers = (const void **) owner->buffers,
                                  .private_data = owner,
                                  .release = array_release };
    if (child_count == 0)
        return true;
    array->children = idc_calloc((size_t) child_count, sizeof *array->children);
    for (int64_t i = 0; array->children != NULL && i < child_count; i++) {
        array->children[i] = idc_calloc(1, sizeof *array->children[i]);
        if (array->children[i] == NULL)
            break;
        array->n_children++;
    }
    if (array->n_children == child_count)
        return true;
    array->release(array);
    return false;
}

void
idc_array_give_buffer(struct ArrowArray *array, int64_t i, void *buffer)
{
    ArrayOwner *owner = array->private_data;

    idc_buffer_free(owner->buffers[i]);
    owner->buffers[i] = buffer;
}

bool
idc_array_add_dictionary(struct ArrowArray *array, struct ArrowArray *dictionary)
{
    array->dictionary = idc_malloc(sizeof *array->dictionary);
    if (array->dictionary == NULL)
        return false;
    *array->dictionary = *dictionary;
    dictionary->release = NULL;
    return true;
}
