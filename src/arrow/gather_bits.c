/*
 * gather_bits.c - bits from anywhere to anywhere, eight bytes at a time.
 */
#include <endian.h>
#include <string.h>

#include "arrow/gather.h"

static inline bool
bit_get(const uint8_t *bits, int64_t i)
{
    return (bits[i / 8] >> (i % 8) & 1) != 0;
}

static inline void
bit_set(uint8_t *bits, int64_t i, bool is_set)
{
    uint8_t bit = (uint8_t) (1u << (i % 8));

    bits[i / 8] = (uint8_t) (is_set ? bits[i / 8] | bit : bits[i / 8] & ~bit);
}

/* 56 bits from any place; eight bytes may be read there. */
static inline uint64_t
bits_load(const uint8_t *bits, int64_t i)
{
    uint64_t word;

    memcpy(&word, bits + i / 8, sizeof word);
    return le64toh(word) >> (i % 8);
}

void
idc_bits_copy(uint8_t *target, int64_t target_bit, const uint8_t *source, int64_t source_bit,
              int64_t count)
{
    int64_t i = 0;

    for (; i < count && (target_bit + i) % 8 != 0; i++)
        bit_set(target, target_bit + i, bit_get(source, source_bit + i));
    if ((source_bit + i) % 8 == 0 && count - i >= 8) {
        memcpy(target + (target_bit + i) / 8, source + (source_bit + i) / 8,
               (size_t) ((count - i) / 8));
        i += (count - i) / 8 * 8;
    }
    /* Seven bytes of eight that were read are whole; all eight are bits of the source. */
    for (; count - i >= 64; i += 56) {
        uint64_t word = htole64(bits_load(source, source_bit + i));

        memcpy(target + (target_bit + i) / 8, &word, 7);
    }
    for (; i < count; i++)
        bit_set(target, target_bit + i, bit_get(source, source_bit + i));
}

int64_t
idc_bits_count(const uint8_t *bits, int64_t from, int64_t count)
{
    int64_t i = 0, found = 0;

    for (; i < count && (from + i) % 8 != 0; i++)
        found += bit_get(bits, from + i);
    for (; count - i >= 64; i += 64) {
        uint64_t word;

        memcpy(&word, bits + (from + i) / 8, sizeof word);
        found += __builtin_popcountll(word);
    }
    for (; i < count; i++)
        found += bit_get(bits, from + i);
    return found;
}
