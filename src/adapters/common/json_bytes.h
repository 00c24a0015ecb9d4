/*
 * json_bytes.h - the bytes of JSON: what json_scan.c and json_row.c both have to know of them.
 */
#ifndef IDC_ADAPTERS_COMMON_JSON_BYTES_H
#define IDC_ADAPTERS_COMMON_JSON_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool
idc_json_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* A byte that needs a look in a string: quotes, backslashes, control characters, not ASCII. */
static inline bool
idc_json_is_special(char c)
{
    return (signed char) c < 0x20 || c == '"' || c == '\\';
}

/* The first special byte of at..end, or end. */
static inline const char *
idc_json_plain_end(const char *at, const char *end)
{
#ifdef __SSE2__
    /* Signed: bytes from 0x80 on are less than a blank too. */
    const __m128i blank = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'),
                  backslash = _mm_set1_epi8('\\');

    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *) (const void *) at);
        __m128i special = _mm_or_si128(
            _mm_cmplt_epi8(bytes, blank),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        int mask = _mm_movemask_epi8(special);

        if (mask != 0)
            return at + __builtin_ctz((unsigned) mask);
    }
#endif
    while (at < end && !idc_json_is_special(*at))
        at++;
    return at;
}

/*
 * What may follow the first byte of a UTF-8 sequence (RFC 3629): so many bytes, the first of them
 * from low to high, the others from 0x80 to 0xBF. 0: it begins none.
 */
static inline int
idc_json_utf8_begin(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return first < 0xC2 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : first < 0xF5 ? 3 : 0;
}

static inline bool
idc_json_is_escape(char c)
{
    return c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' ||
           c == 't';
}

#endif
