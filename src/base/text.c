/*
 * text.c - growing strings, numbers and nearest words.
 */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

void
idc_text_init(IdcText *text, size_t limit_bytes)
{
    *text = (IdcText){ .limit_bytes = limit_bytes };
}

void
idc_text_done(IdcText *text)
{
    idc_free(text->data);
    text->data = NULL;
    text->len = text->capacity = 0;
}

void
idc_text_clear(IdcText *text)
{
    text->len = 0;
    text->is_broken = false;
    if (text->data != NULL)
        text->data[0] = '\0';
}

/* From here on the text is empty and stays so: (string, len) always fit together. */
static bool
text_break(IdcText *text)
{
    text->is_broken = true;
    text->len = 0;
    return false;
}

/* Room for extra bytes and a NUL. */
static bool
text_reserve(IdcText *text, size_t extra)
{
    size_t needed, capacity;
    char *data;

    if (text->is_broken)
        return false;
    if (__builtin_add_overflow(text->len, extra, &needed) || needed == SIZE_MAX ||
        (text->limit_bytes != 0 && needed > text->limit_bytes))
        return text_break(text);
    if (needed < text->capacity)
        return true;
    capacity = text->capacity > SIZE_MAX / 2 ? needed + 1 : text->capacity * 2;
    if (capacity < needed + 1)
        capacity = needed + 1 < 64 ? 64 : needed + 1;
    data = idc_realloc(text->data, capacity);
    if (data == NULL)
        return text_break(text);
    text->data = data;
    text->capacity = capacity;
    return true;
}

void
idc_text_append_len(IdcText *text, const char *bytes, size_t len)
{
    if (!text_reserve(text, len))
        return;
    if (len > 0)
        memcpy(text->data + text->len, bytes, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void
idc_text_append(IdcText *text, const char *string)
{
    idc_text_append_len(text, string, strlen(string));
}

void
idc_text_append_char(IdcText *text, char c)
{
    idc_text_append_len(text, &c, 1);
}

void
idc_text_append_format(IdcText *text, const char *format, ...)
{
    va_list args, again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    if (len >= 0 && text_reserve(text, (size_t) len)) {
        (void) vsnprintf(text->data + text->len, (size_t) len + 1, format, again);
        text->len += (size_t) len;
    }
    va_end(again);
    va_end(args);
}

/* The length of the valid UTF-8 sequence at bytes (1 to 4), or 0. RFC 3629, section 4. */
static size_t
utf8_sequence_len(const unsigned char *bytes, size_t len)
{
    unsigned char first = bytes[0];
    size_t needed = first < 0x80   ? 1
                    : first < 0xC2 ? 0
                    : first < 0xE0 ? 2
                    : first < 0xF0 ? 3
                    : first < 0xF5 ? 4
                                   : 0;

    if (needed == 0 || needed > len)
        return 0;
    for (size_t i = 1; i < needed; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    if ((first == 0xE0 && bytes[1] < 0xA0) || (first == 0xED && bytes[1] > 0x9F) ||
        (first == 0xF0 && bytes[1] < 0x90) || (first == 0xF4 && bytes[1] > 0x8F))
        return 0;
    return needed;
}

bool
idc_utf8_is_valid(const char *bytes, size_t len)
{
    const unsigned char *at = (const unsigned char *) bytes;

    for (size_t i = 0, step; i < len; i += step)
        if ((step = utf8_sequence_len(at + i, len - i)) == 0)
            return false;
    return true;
}

static void
append_json_ascii(IdcText *text, unsigned char c)
{
    static const char escapes[] = "btn\vfr"; /* for 8, 9, 10, 12, 13 */

    if (c == '"' || c == '\\')
        idc_text_append_format(text, "\\%c", c);
    else if (c >= 8 && c <= 13 && c != 11)
        idc_text_append_format(text, "\\%c", escapes[c - 8]);
    else if (c < 0x20 || c == 0x7F)
        idc_text_append_format(text, "\\u%04x", c);
    else
        idc_text_append_char(text, (char) c);
}

void
idc_text_append_json(IdcText *text, const char *bytes, size_t len)
{
    const unsigned char *at = (const unsigned char *) bytes;

    idc_text_append_char(text, '"');
    for (size_t i = 0; i < len;) {
        size_t step = utf8_sequence_len(at + i, len - i);

        if (step == 0)
            idc_text_append(text, "\xEF\xBF\xBD");
        else if (step == 1)
            append_json_ascii(text, at[i]);
        else
            idc_text_append_len(text, bytes + i, step);
        i += step == 0 ? 1 : step;
    }
    idc_text_append_char(text, '"');
}

const char *
idc_text_string(const IdcText *text)
{
    return text->is_broken || text->data == NULL ? "" : text->data;
}

char *
idc_text_take(IdcText *text)
{
    char *result;

    idc_text_append_len(text, "", 0);
    if (text->is_broken) {
        idc_text_done(text);
        return NULL;
    }
    result = text->data;
    text->data = NULL;
    text->len = text->capacity = 0;
    return result;
}

IdcStatus
idc_text_check(const IdcText *text, IdcError *err)
{
    if (!text->is_broken)
        return IDC_OK;
    if (text->limit_bytes != 0)
        return idc_fail(err, IDC_NO_MEMORY, "text is longer than %zu bytes, or out of memory",
                        text->limit_bytes);
    return idc_fail_no_memory(err);
}

bool
idc_int64_parse(const char *text, int64_t *number)
{
    char *end;
    long long value;

    if (!isdigit((unsigned char) text[0]) &&
        !((text[0] == '-' || text[0] == '+') && isdigit((unsigned char) text[1])))
        return false;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *number = value;
    return true;
}

bool
idc_bool_parse(const char *text, bool *value)
{
    static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) {
            *value = i % 2 == 1;
            return true;
        }
    return false;
}

enum { NEAREST_MAX_LEN = 63 };

/* Optimal string alignment distance; both words at most NEAREST_MAX_LEN bytes. */
static size_t
word_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NEAREST_MAX_LEN + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        last[j] = before[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *free_row = before;

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            int ca = tolower((unsigned char) a[i - 1]), cb = tolower((unsigned char) b[j - 1]);
            size_t best = last[j - 1] + (ca != cb);

            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && ca == tolower((unsigned char) b[j - 2]) &&
                cb == tolower((unsigned char) a[i - 2]) && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        before = last;
        last = row;
        row = free_row;
    }
    return last[b_len];
}

const char *
idc_nearest_word(const char *given, const char *const *words, size_t count)
{
    size_t given_len = strlen(given), best = SIZE_MAX;
    const char *result = NULL;

    if (given_len == 0 || given_len > NEAREST_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(words[i]), distance;

        if (len > NEAREST_MAX_LEN)
            continue;
        distance = word_distance(given, given_len, words[i], len);
        if (distance < best && distance <= (given_len < 4 ? 1 : given_len < 9 ? 2 : 3)) {
            best = distance;
            result = words[i];
        }
    }
    return result;
}
