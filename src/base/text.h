/*
 * text.h - a string that grows, and small questions about strings.
 *
 * Appending never fails on the spot: a failed allocation (or the limit) marks the text as broken,
 * and idc_text_check says so once at the end.
 */
#ifndef IDC_BASE_TEXT_H
#define IDC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* data is NUL-terminated whenever len > 0 or after idc_text_string; data[0 .. len) is the text. */
typedef struct IdcText {
    char *data;
    size_t len, capacity;
    size_t limit_bytes; /* 0: no limit */
    bool is_broken;
} IdcText;

void idc_text_init(IdcText *text, size_t limit_bytes);
void idc_text_done(IdcText *text);
void idc_text_clear(IdcText *text);

void idc_text_append(IdcText *text, const char *string);
void idc_text_append_len(IdcText *text, const char *bytes, size_t len);
void idc_text_append_char(IdcText *text, char c);
void idc_text_append_format(IdcText *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void idc_text_append_json(IdcText *text, const char *bytes, size_t len);

/* The text as a C string, never NULL ("" when empty or broken); good until the next change. */
const char *idc_text_string(const IdcText *text);

/* The string itself, now the caller's (free it); NULL when broken. The text is empty afterwards. */
char *idc_text_take(IdcText *text);

IDC_CHECKED IdcStatus idc_text_check(const IdcText *text, IdcError *err);

/* A whole decimal integer, optional sign, nothing around it. */
bool idc_int64_parse(const char *text, int64_t *number);

/* true/false, yes/no, on/off, 1/0 in any case. */
bool idc_bool_parse(const char *text, bool *value);

bool idc_utf8_is_valid(const char *bytes, size_t len);

/*
 * The word of words[0 .. count) that is nearest to given (edits of a letter, a swap of two, case
 * ignored), or NULL if none is near enough to be what was meant.
 */
const char *idc_nearest_word(const char *given, const char *const *words, size_t count);

#endif
