/*
 * ipc_read_table.c - flatbuffers of unknown origin: tables, vectors and strings, each proved to lie
 * inside the message before it is looked at.
 *
 * In:   the metadata of one message
 * Out:  numbers, strings, and the tables they are in
 *
 * Format: https://flatbuffers.dev/internals/
 */
#include "arrow/ipc_reader.h"

static uint16_t
read_uint16(const IpcMetadata *metadata, size_t position)
{
    uint16_t value;

    memcpy(&value, metadata->bytes + position, sizeof value);
    return le16toh(value);
}

static uint32_t
read_uint32(const IpcMetadata *metadata, size_t position)
{
    uint32_t value;

    memcpy(&value, metadata->bytes + position, sizeof value);
    return le32toh(value);
}

static int64_t
read_int64(const IpcMetadata *metadata, size_t position)
{
    uint64_t value;

    memcpy(&value, metadata->bytes + position, sizeof value);
    return (int64_t) le64toh(value);
}

/* position and len may be anything. */
static bool
is_inside(const IpcMetadata *metadata, size_t position, size_t len)
{
    return position <= metadata->len && len <= metadata->len - position;
}

static IpcTable
broken_table(IpcMetadata *metadata)
{
    metadata->is_broken = true;
    return (IpcTable){ .metadata = metadata };
}

static IpcTable
table_at(IpcMetadata *metadata, size_t position)
{
    IpcTable table = { .metadata = metadata, .position = position };
    int64_t vtable;

    if (position == 0 || !is_inside(metadata, position, 4))
        return broken_table(metadata);
    /* The table says how far before it (or after it) its vtable is. */
    vtable = (int64_t) position - (int32_t) read_uint32(metadata, position);
    if (vtable < 0 || !is_inside(metadata, (size_t) vtable, 4))
        return broken_table(metadata);
    table.vtable = (size_t) vtable;
    table.vtable_size = read_uint16(metadata, table.vtable);
    table.size = read_uint16(metadata, table.vtable + 2);
    if (table.vtable_size < 4 || !is_inside(metadata, table.vtable, table.vtable_size) ||
        table.size < 4 || !is_inside(metadata, position, table.size))
        return broken_table(metadata);
    return table;
}

/* What the offset at the position leads to; 0: outside. */
static size_t
follow(IpcMetadata *metadata, size_t position)
{
    size_t target = position + read_uint32(metadata, position);

    if (target > position && is_inside(metadata, target, 4))
        return target;
    metadata->is_broken = true;
    return 0;
}

IpcTable
idc_ipc_table_root(IpcMetadata *metadata)
{
    size_t position;

    if (!is_inside(metadata, 0, 4))
        return broken_table(metadata);
    position = follow(metadata, 0);
    return position == 0 ? (IpcTable){ .metadata = metadata } : table_at(metadata, position);
}

/* Where the field's `width` bytes are; 0: it is absent. */
static size_t
field_at(const IpcTable *table, unsigned field, size_t width)
{
    size_t entry = 4 + 2 * (size_t) field, offset;

    if (!idc_ipc_table_exists(table) || entry + 2 > table->vtable_size)
        return 0;
    offset = read_uint16(table->metadata, table->vtable + entry);
    if (offset == 0)
        return 0;
    if (offset >= 4 && offset + width <= table->size)
        return table->position + offset;
    table->metadata->is_broken = true;
    return 0;
}

int64_t
idc_ipc_table_number(const IpcTable *table, unsigned field, unsigned width, int64_t otherwise)
{
    size_t position = field_at(table, field, width);

    if (position == 0)
        return otherwise;
    switch (width) {
    case 1:
        return (int8_t) table->metadata->bytes[position];
    case 2:
        return (int16_t) read_uint16(table->metadata, position);
    case 4:
        return (int32_t) read_uint32(table->metadata, position);
    default:
        return read_int64(table->metadata, position);
    }
}

IpcTable
idc_ipc_table_table(const IpcTable *table, unsigned field)
{
    size_t position = field_at(table, field, 4);

    position = position == 0 ? 0 : follow(table->metadata, position);
    return position == 0 ? (IpcTable){ .metadata = table->metadata }
                         : table_at(table->metadata, position);
}

IpcVector
idc_ipc_table_vector(const IpcTable *table, unsigned field, size_t width)
{
    IpcVector vector = { .metadata = table->metadata };
    size_t position = field_at(table, field, 4), count, size;

    position = position == 0 ? 0 : follow(table->metadata, position);
    if (position == 0)
        return vector;
    count = read_uint32(table->metadata, position);
    if (__builtin_mul_overflow(count, width, &size) ||
        !is_inside(table->metadata, position + 4, size)) {
        table->metadata->is_broken = true;
        return vector;
    }
    vector.position = position + 4;
    vector.count = count;
    return vector;
}

IpcString
idc_ipc_table_string(const IpcTable *table, unsigned field)
{
    IpcVector vector = idc_ipc_table_vector(table, field, 1);

    return (IpcString){ .data = (const char *) table->metadata->bytes + vector.position,
                        .len = vector.count,
                        .is_present = vector.position != 0 };
}

IpcTable
idc_ipc_vector_table(const IpcVector *vector, size_t i)
{
    size_t position = follow(vector->metadata, vector->position + 4 * i);

    return position == 0 ? (IpcTable){ .metadata = vector->metadata }
                         : table_at(vector->metadata, position);
}

int64_t
idc_ipc_vector_int64(const IpcVector *vector, size_t i, size_t part)
{
    return read_int64(vector->metadata, vector->position + 16 * i + 8 * part);
}
