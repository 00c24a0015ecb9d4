/*
 * ipc_read_check.c - proofs over whole buffers: loops without branches, which the compiler turns
 * into vector instructions.
 *
 * In:   buffers whose size is known to be enough
 * Out:  yes or no
 */
#include "arrow/ipc_reader.h"

/* Rows of a loop whose length the compiler knows. */
enum { STRIDE = 16 };

/*
 * An offset with its highest bit set is negative; and where no offset is, the difference of two
 * neighbours has it set exactly where they fall. So all of them are looked at as one number.
 */
#define DEFINE_OFFSETS_CHECK(name, type)                                                           \
    static bool name(const type *offsets, int64_t length)                                          \
    {                                                                                              \
        type bad[STRIDE] = { 0 }, any = offsets[0];                                                \
        int64_t i = 0;                                                                             \
                                                                                                   \
        for (; i + STRIDE <= length; i += STRIDE)                                                  \
            for (int j = 0; j < STRIDE; j++)                                                       \
                bad[j] |= offsets[i + j + 1] | (type) (offsets[i + j + 1] - offsets[i + j]);       \
        for (; i < length; i++)                                                                    \
            any |= offsets[i + 1] | (type) (offsets[i + 1] - offsets[i]);                          \
        for (int j = 0; j < STRIDE; j++)                                                           \
            any |= bad[j];                                                                         \
        return any >> (sizeof(type) * 8 - 1) == 0;                                                 \
    }

DEFINE_OFFSETS_CHECK(offsets_rise_32, uint32_t)
DEFINE_OFFSETS_CHECK(offsets_rise_64, uint64_t)

bool
idc_ipc_offsets_are_valid(const void *offsets, unsigned width, int64_t length, int64_t limit)
{
    const int32_t *narrow = offsets;
    const int64_t *wide = offsets;

    if (width == 4)
        return offsets_rise_32(offsets, length) && narrow[length] <= limit;
    return offsets_rise_64(offsets, length) && wide[length] <= limit;
}

/* As numbers without a sign, so that negative ones are too big. */
#define DEFINE_GREATEST(name, type)                                                                \
    static uint64_t name(const type *indices, int64_t length)                                      \
    {                                                                                              \
        type most[STRIDE] = { 0 }, greatest = 0;                                                   \
        int64_t i = 0;                                                                             \
                                                                                                   \
        for (; i + STRIDE <= length; i += STRIDE)                                                  \
            for (int j = 0; j < STRIDE; j++)                                                       \
                most[j] = indices[i + j] > most[j] ? indices[i + j] : most[j];                     \
        for (; i < length; i++)                                                                    \
            greatest = indices[i] > greatest ? indices[i] : greatest;                              \
        for (int j = 0; j < STRIDE; j++)                                                           \
            greatest = most[j] > greatest ? most[j] : greatest;                                    \
        return greatest;                                                                           \
    }

DEFINE_GREATEST(greatest_8, uint8_t)
DEFINE_GREATEST(greatest_16, uint16_t)
DEFINE_GREATEST(greatest_32, uint32_t)
DEFINE_GREATEST(greatest_64, uint64_t)

static uint64_t
greatest_index(const void *indices, unsigned width, int64_t length)
{
    switch (width) {
    case 1:
        return greatest_8(indices, length);
    case 2:
        return greatest_16(indices, length);
    case 4:
        return greatest_32(indices, length);
    default:
        return greatest_64(indices, length);
    }
}

bool
idc_ipc_indices_are_valid(const void *indices, unsigned width, bool is_signed, int64_t length,
                          const uint8_t *validity, int64_t limit)
{
    /* Up to here a number with a sign is the same one without. */
    uint64_t end = is_signed && width < 8 ? UINT64_C(1) << (width * 8 - 1) : UINT64_MAX;

    if (length == 0)
        return true;
    if (end > (uint64_t) limit)
        end = (uint64_t) limit;
    if (greatest_index(indices, width, length) < end)
        return true;
    if (validity == NULL)
        return false;
    for (int64_t i = 0; i < length; i++)
        if ((validity[i / 8] >> (i % 8) & 1) != 0 &&
            greatest_index((const uint8_t *) indices + (size_t) i * width, width, 1) >= end)
            return false;
    return true;
}
