/*
 * text_width.c - how many columns of a terminal a UTF-8 text takes, whatever the locale.
 *
 * In:   UTF-8; bytes that are none count as one column each
 * Out:  widths: 0 for combining marks, 2 for East Asian wide characters and emoji
 */
#include "arrow/write.h"

typedef struct Range {
    uint32_t first, last;
} Range;

static const Range marks[] = { { 0x0300, 0x036F },  { 0x0483, 0x0489 }, { 0x0591, 0x05BD },
                               { 0x0610, 0x061A },  { 0x064B, 0x065F }, { 0x06D6, 0x06DC },
                               { 0x0900, 0x0902 },  { 0x093C, 0x093C }, { 0x0941, 0x0948 },
                               { 0x0E31, 0x0E31 },  { 0x0E34, 0x0E3A }, { 0x0E47, 0x0E4E },
                               { 0x1AB0, 0x1AFF },  { 0x1DC0, 0x1DFF }, { 0x200B, 0x200F },
                               { 0x202A, 0x202E },  { 0x2060, 0x2064 }, { 0x20D0, 0x20FF },
                               { 0xFE00, 0xFE0F },  { 0xFE20, 0xFE2F }, { 0xFEFF, 0xFEFF },
                               { 0xE0100, 0xE01EF } };
static const Range wide[] = { { 0x1100, 0x115F },   { 0x231A, 0x231B },   { 0x23E9, 0x23EC },
                              { 0x2614, 0x2615 },   { 0x26A1, 0x26A1 },   { 0x2705, 0x2705 },
                              { 0x274C, 0x274C },   { 0x2B50, 0x2B50 },   { 0x2E80, 0x303E },
                              { 0x3041, 0x33FF },   { 0x3400, 0x4DBF },   { 0x4E00, 0xA4CF },
                              { 0xA960, 0xA97F },   { 0xAC00, 0xD7A3 },   { 0xF900, 0xFAFF },
                              { 0xFE30, 0xFE6F },   { 0xFF00, 0xFF60 },   { 0xFFE0, 0xFFE6 },
                              { 0x1F300, 0x1F64F }, { 0x1F680, 0x1F6FF }, { 0x1F900, 0x1F9FF },
                              { 0x1FA70, 0x1FAFF }, { 0x20000, 0x3FFFD } };

static bool
is_in(uint32_t code, const Range *ranges, size_t count)
{
    for (size_t i = 0; i < count && ranges[i].first <= code; i++)
        if (code <= ranges[i].last)
            return true;
    return false;
}

/* The character at bytes and how many bytes it has. */
static uint32_t
character(const char *bytes, size_t len, size_t *size)
{
    const unsigned char *byte = (const unsigned char *) bytes;
    size_t wanted = byte[0] < 0xC0 ? 1 : byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
    uint32_t code = wanted == 1 ? byte[0] : byte[0] & (0x7Fu >> wanted);

    *size = 1;
    if (wanted > len)
        return 0xFFFD;
    for (size_t i = 1; i < wanted; i++) {
        if ((byte[i] & 0xC0) != 0x80)
            return 0xFFFD;
        code = code << 6 | (byte[i] & 0x3Fu);
    }
    *size = wanted;
    return code;
}

static size_t
character_width(uint32_t code)
{
    if (code < 0x0300)
        return 1;
    if (is_in(code, marks, sizeof marks / sizeof marks[0]))
        return 0;
    return is_in(code, wide, sizeof wide / sizeof wide[0]) ? 2 : 1;
}

size_t
idc_text_width(const char *bytes, size_t len)
{
    size_t width = 0, size;

    for (size_t i = 0; i < len; i += size)
        width += character_width(character(bytes + i, len - i, &size));
    return width;
}

size_t
idc_text_fitting(const char *bytes, size_t len, size_t max_width)
{
    size_t width = 0, size, i;

    for (i = 0; i < len; i += size) {
        width += character_width(character(bytes + i, len - i, &size));
        if (width > max_width)
            break;
    }
    return i;
}
