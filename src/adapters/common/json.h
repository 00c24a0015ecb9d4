/*
 * json.h - what all readers of JSON here share: values as slices of the text that they stand in.
 *
 * Strict as RFC 8259: UTF-8 and nothing else, no NUL, no comments, no trailing commas. A lone
 * surrogate (\ud800) is grammar, but no text.
 */
#ifndef IDC_ADAPTERS_COMMON_JSON_H
#define IDC_ADAPTERS_COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

typedef enum IdcJsonKind {
    IDC_JSON_MISSING,
    IDC_JSON_NULL,
    IDC_JSON_FALSE,
    IDC_JSON_TRUE,
    IDC_JSON_NUMBER,
    IDC_JSON_STRING,
    IDC_JSON_ARRAY,
    IDC_JSON_OBJECT
} IdcJsonKind;

/* Text that was checked to be JSON. */
typedef struct IdcJsonValue {
    IdcJsonKind kind;
    bool has_escapes; /* STRING */
    const char *text; /* STRING: between its quotes; the others as they stand */
    size_t len;
} IdcJsonValue;

enum { IDC_JSON_DEPTH = 128, IDC_JSON_MAX_DEPTH = 1024 };

/* "a string", "an object": for messages. */
const char *idc_json_kind_name(IdcJsonKind kind);

typedef enum IdcJsonText { IDC_JSON_TEXT, IDC_JSON_TEXT_NUL, IDC_JSON_TEXT_SURROGATE } IdcJsonText;

/* Append the text that a string's inside means; *_NUL and *_SURROGATE: why it is none. */
IdcJsonText idc_json_unescape(const char *inside, size_t len, IdcText *text);

/* -1: no hexadecimal digit. */
static inline int
idc_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One value and blanks around it, nothing else. */
bool idc_json_is_valid(const char *text, size_t len);

#endif
