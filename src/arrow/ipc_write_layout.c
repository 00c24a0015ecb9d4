/*
 * ipc_write_layout.c - which buffers a column is made of, in the order of the format.
 *
 * In:   a column of a builder
 * Out:  nodes and buffers that point into it; nothing is copied yet
 * Next: ipc_write.c makes a message of them
 */
#include "arrow/ipc_writer.h"

/* Offsets of 32 bits do not reach further. */
static IdcStatus
check_reach(const IdcColumn *column, bool is_small, int64_t end, IdcError *err)
{
    if (!is_small || end <= INT32_MAX)
        return IDC_OK;
    (void) idc_fail(err, IDC_UNSUPPORTED,
                    "column \"%s\" of type %s has too much data for 32-bit offsets in one record "
                    "batch",
                    column->spec->name, column->spec->type_name);
    idc_error_set_hint(err, "ask for large offsets or smaller batches");
    return IDC_UNSUPPORTED;
}

static void
add_node(IdcIpcWriter *writer, int64_t length, int64_t null_count)
{
    writer->nodes[writer->node_count++] = (IdcIpcNode){ length, null_count };
}

static void
add_buffer(IdcIpcWriter *writer, const void *source, size_t size)
{
    writer->buffers[writer->buffer_count++] = (IdcIpcBuffer){ .source = source, .size = size };
}

/* A buffer of length 0 says that there are no NULLs. */
static void
add_validity(IdcIpcWriter *writer, const IdcColumn *column)
{
    size_t size = ((size_t) column->length + 7) / 8;

    add_node(writer, column->length, column->null_count);
    add_buffer(writer, column->validity, column->null_count > 0 ? size : 0);
}

static void
add_offsets(IdcIpcWriter *writer, const int64_t *offsets, size_t count, bool is_small)
{
    IdcIpcBuffer buffer = { .source = offsets, .first = offsets[0] };

    if (is_small)
        buffer.copy = IDC_IPC_OFFSETS_32;
    else if (offsets[0] != 0)
        buffer.copy = IDC_IPC_OFFSETS_64;
    buffer.size = count * (is_small ? sizeof(int32_t) : sizeof(int64_t));
    writer->buffers[writer->buffer_count++] = buffer;
}

static IdcStatus
lay_out_map(IdcIpcWriter *writer, const IdcColumn *column, IdcError *err)
{
    IdcStatus status;

    add_offsets(writer, column->offsets, (size_t) column->length + 1, true);
    add_node(writer, column->children[0]->length, 0);
    add_buffer(writer, NULL, 0);
    status = idc_ipc_lay_out(writer, column->children[0], err);
    return status == IDC_OK ? idc_ipc_lay_out(writer, column->children[1], err) : status;
}

IdcStatus
idc_ipc_lay_out(IdcIpcWriter *writer, const IdcColumn *column, IdcError *err)
{
    bool is_small = writer->options.small_offsets;
    size_t length = (size_t) column->length;
    IdcStatus status = IDC_OK;

    add_validity(writer, column);
    if (column->kind == IDC_KIND_HSTORE)
        return lay_out_map(writer, column, err);
    if (column->offsets != NULL) {
        status = check_reach(column, is_small, column->offsets[length], err);
        if (status != IDC_OK)
            return status;
        add_offsets(writer, column->offsets, length + 1, is_small);
        if (column->kind == IDC_KIND_LIST)
            return idc_ipc_lay_out(writer, column->children[0], err);
        add_buffer(writer, column->values, column->bytes_len);
    } else if (idc_ipc_is_float64(writer, column)) {
        writer->buffers[writer->buffer_count++] = (IdcIpcBuffer){ .source = column->values,
                                                                  .copy = IDC_IPC_FLOAT64,
                                                                  .first = column->spec->scale,
                                                                  .size = length * sizeof(double) };
    } else if (column->width > 0) {
        add_buffer(writer, column->values, length * column->width);
    } else {
        add_buffer(writer, column->values, (length + 7) / 8);
    }
    return IDC_OK;
}

void
idc_ipc_lay_out_array(IdcIpcWriter *writer, const IdcColumn *column, const struct ArrowArray *array)
{
    size_t length = (size_t) array->length, width = column->width;
    const void *values = array->buffers[1];

    add_node(writer, array->length, array->null_count);
    add_buffer(writer, array->buffers[0], array->null_count > 0 ? (length + 7) / 8 : 0);
    if (column->offsets == NULL) {
        if (idc_ipc_is_float64(writer, column))
            width = sizeof(double);
        add_buffer(writer, values, width > 0 ? length * width : (length + 7) / 8);
    } else if (writer->options.small_offsets) {
        add_buffer(writer, values, (length + 1) * sizeof(int32_t));
        add_buffer(writer, array->buffers[2], (size_t) ((const int32_t *) values)[length]);
    } else {
        add_buffer(writer, values, (length + 1) * sizeof(int64_t));
        add_buffer(writer, array->buffers[2], (size_t) ((const int64_t *) values)[length]);
    }
}

bool
idc_ipc_labels_are_small(const IdcIpcWriter *writer, const IdcColumn *column)
{
    return column->kind == IDC_KIND_ENUM || writer->options.small_offsets;
}

IdcStatus
idc_ipc_lay_out_labels(IdcIpcWriter *writer, const IdcColumn *column, size_t from, IdcError *err)
{
    const IdcDictionary *dictionary = column->dictionary;
    const int64_t *offsets = dictionary->offsets + from;
    size_t count = dictionary->count - from;
    size_t size = (size_t) (offsets[count] - offsets[0]);
    bool is_small = idc_ipc_labels_are_small(writer, column);
    IdcStatus status = check_reach(column, is_small, (int64_t) size, err);

    if (status != IDC_OK)
        return status;
    add_node(writer, (int64_t) count, 0);
    add_buffer(writer, NULL, 0);
    add_offsets(writer, offsets, count + 1, is_small);
    add_buffer(writer, size > 0 ? dictionary->bytes + offsets[0] : NULL, size);
    return IDC_OK;
}

void
idc_ipc_count(const IdcColumn *column, size_t *nodes, size_t *dictionaries)
{
    *nodes += column->kind == IDC_KIND_HSTORE ? 2 : 1;
    *dictionaries += column->dictionary != NULL;
    for (size_t i = 0; i < 2; i++)
        if (column->children[i] != NULL)
            idc_ipc_count(column->children[i], nodes, dictionaries);
}
