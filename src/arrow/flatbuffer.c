/*
 * flatbuffer.c - tables, vectors and texts of a flatbuffer, from front to back.
 *
 * In:   the shape of each table and the values of its fields
 * Out:  bytes
 * Next: ipc_write_schema.c and ipc_write.c use it
 */
#include "arrow/flatbuffer.h"

#include <endian.h>
#include <string.h>

#include "base/memory.h"

/* Offsets have 32 bits, and a message's metadata is far smaller. */
static const size_t max_len = (size_t) 1 << 30;

void
idc_flat_done(IdcFlat *flat)
{
    idc_free(flat->bytes);
    *flat = (IdcFlat){ 0 };
}

/* Room for `extra` zeroed bytes at the end; their position, or 0 if there is none. */
static size_t
flat_extend(IdcFlat *flat, size_t extra)
{
    size_t at = flat->len;

    if (flat->is_broken || extra > max_len || at + extra > max_len) {
        flat->is_broken = true;
        return 0;
    }
    if (extra > flat->capacity - at) {
        size_t capacity = (at + extra) * 2 + 1024;
        uint8_t *bytes = idc_realloc(flat->bytes, capacity);

        if (bytes == NULL) {
            flat->is_broken = true;
            return 0;
        }
        flat->bytes = bytes;
        flat->capacity = capacity;
    }
    memset(flat->bytes + at, 0, extra);
    flat->len = at + extra;
    return at;
}

/* Zeros until what comes next is `past` bytes past a multiple of align. */
static void
flat_align(IdcFlat *flat, size_t align, size_t past)
{
    (void) flat_extend(flat, (align + past - flat->len % align) % align);
}

void
idc_flat_clear(IdcFlat *flat)
{
    flat->len = 0;
    flat->is_broken = false;
}

void
idc_flat_set(IdcFlat *flat, size_t at, size_t size, int64_t value)
{
    uint64_t little = htole64((uint64_t) value);

    if (!flat->is_broken)
        memcpy(flat->bytes + at, &little, size);
}

/* What the slot stands for begins here. */
static void
flat_link(IdcFlat *flat, size_t slot, size_t target)
{
    idc_flat_set(flat, slot, sizeof(uint32_t), (int64_t) (target - slot));
}

/* Where the fields stand in the table, the wide ones first; the table's size. */
static size_t
table_layout(const char *sizes, size_t count, uint16_t *offsets)
{
    size_t size = sizeof(int32_t);

    /* The table begins 4 bytes past a multiple of 8: after its own first field it is aligned. */
    for (char width = '8'; width >= '1'; width--) {
        for (size_t i = 0; i < count; i++) {
            if (sizes[i] != width)
                continue;
            offsets[i] = (uint16_t) size;
            size += (size_t) (width - '0');
        }
    }
    return size;
}

IdcFlatTable
idc_flat_table(IdcFlat *flat, size_t slot, const char *sizes)
{
    size_t count = strnlen(sizes, IDC_FLAT_FIELDS), vtable_size = (count + 2) * sizeof(uint16_t);
    uint16_t offsets[IDC_FLAT_FIELDS] = { 0 };
    size_t size = table_layout(sizes, count, offsets), vtable, at;
    IdcFlatTable table = { 0 };

    /* So that the table that follows the vtable begins 4 bytes past a multiple of 8. */
    flat_align(flat, 8, (12 - vtable_size % 8) % 8);
    vtable = flat_extend(flat, vtable_size);
    at = flat_extend(flat, size);
    idc_flat_set(flat, vtable, sizeof(uint16_t), (int64_t) vtable_size);
    idc_flat_set(flat, vtable + 2, sizeof(uint16_t), (int64_t) size);
    idc_flat_set(flat, at, sizeof(int32_t), (int64_t) vtable_size);
    for (size_t i = 0; i < count; i++) {
        idc_flat_set(flat, vtable + 4 + i * 2, sizeof(uint16_t), offsets[i]);
        table.fields[i] = offsets[i] == 0 ? 0 : at + offsets[i];
    }
    flat_link(flat, slot, at);
    return table;
}

void
idc_flat_text(IdcFlat *flat, size_t slot, const char *text, size_t len)
{
    size_t at;

    flat_align(flat, 4, 0);
    if (len >= max_len) {
        flat->is_broken = true;
        return;
    }
    at = flat_extend(flat, sizeof(uint32_t) + len + 1);
    idc_flat_set(flat, at, sizeof(uint32_t), (int64_t) len);
    if (!flat->is_broken && len > 0)
        memcpy(flat->bytes + at + sizeof(uint32_t), text, len);
    flat_link(flat, slot, at);
}

size_t
idc_flat_vector(IdcFlat *flat, size_t slot, size_t count, size_t size, size_t align)
{
    size_t at, bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > max_len) {
        flat->is_broken = true;
        return 0;
    }
    flat_align(flat, align, align - sizeof(uint32_t));
    at = flat_extend(flat, sizeof(uint32_t) + bytes);
    idc_flat_set(flat, at, sizeof(uint32_t), (int64_t) count);
    flat_link(flat, slot, at);
    return at + sizeof(uint32_t);
}

size_t
idc_flat_begin(IdcFlat *flat)
{
    size_t message = flat_extend(flat, IDC_FLAT_ROOT + sizeof(uint32_t));

    idc_flat_set(flat, message, sizeof(uint32_t), -1);
    return message;
}

void
idc_flat_end(IdcFlat *flat, size_t message)
{
    flat_align(flat, 8, 0);
    idc_flat_set(flat, message + sizeof(uint32_t), sizeof(uint32_t),
                 (int64_t) (flat->len - message - IDC_FLAT_ROOT));
}
