/*
 * measure.c - buffers by the layout of their type.
 */
#include "arrow/measure.h"

#include <string.h>

#include "arrow/ipc_layout.h"

/* The bytes between the first and the last offset. */
static int64_t
spanned_bytes(const struct ArrowArray *array, unsigned width)
{
    const void *offsets = array->buffers[1];
    int64_t first = array->offset, last = first + array->length;

    if (offsets == NULL || array->length == 0)
        return 0;
    return width == 4
               ? (int64_t) ((const int32_t *) offsets)[last] - ((const int32_t *) offsets)[first]
               : ((const int64_t *) offsets)[last] - ((const int64_t *) offsets)[first];
}

static int64_t
measure(const IdcLayout *layout, const struct ArrowArray *array)
{
    int64_t rows = array->length + array->offset;
    int64_t bytes = array->null_count != 0 ? rows / 8 : 0;

    switch (layout->kind) {
    case IDC_LAYOUT_BITS:
        bytes += rows / 8;
        break;
    case IDC_LAYOUT_FIXED:
    case IDC_LAYOUT_LIST:
        bytes += rows * layout->width;
        break;
    case IDC_LAYOUT_BYTES:
        bytes += rows * layout->width + spanned_bytes(array, layout->width);
        break;
    default:
        break;
    }
    for (size_t i = 0; i < layout->child_count; i++)
        bytes += measure(&layout->children[i], array->children[i]);
    if (layout->dictionary != NULL && array->dictionary != NULL)
        bytes += measure(layout->dictionary, array->dictionary);
    return bytes;
}

IdcStatus
idc_array_measure(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t *bytes,
                  IdcError *err)
{
    IdcLayout *layout = NULL;
    IdcStatus status = idc_layout_new(schema, &layout, err);

    if (status == IDC_OK)
        *bytes = measure(layout, array);
    idc_layout_free(layout);
    return status;
}

bool
idc_schema_fits(const struct ArrowSchema *schema, const struct ArrowSchema *other)
{
    if (strcmp(schema->format, other->format) != 0 || schema->n_children != other->n_children ||
        (schema->dictionary == NULL) != (other->dictionary == NULL))
        return false;
    for (int64_t i = 0; i < schema->n_children; i++)
        if (!idc_schema_fits(schema->children[i], other->children[i]))
            return false;
    return schema->dictionary == NULL || idc_schema_fits(schema->dictionary, other->dictionary);
}
