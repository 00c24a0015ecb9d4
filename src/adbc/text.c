/*
 * text.c - a text that grows; running out of memory is remembered, and asked for once.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adbc/values.h"

static bool
make_room(AdbcText *text, size_t len)
{
    size_t room;
    char *grown;

    if (text->room - text->len > len)
        return true;
    if (text->has_failed || __builtin_add_overflow(text->len, len, &room) ||
        __builtin_mul_overflow(room + 64, 2, &room) ||
        (grown = realloc(text->data, room)) == NULL) {
        text->has_failed = true;
        return false;
    }
    text->data = grown;
    text->room = room;
    return true;
}

void
idc_adbc_text_append(AdbcText *text, const void *data, size_t len)
{
    if (!make_room(text, len))
        return;
    if (len > 0)
        memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void
idc_adbc_text_format(AdbcText *text, const char *format, ...)
{
    char piece[128];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    if (len < 0 || (size_t) len >= sizeof piece)
        text->has_failed = true;
    else
        idc_adbc_text_append(text, piece, (size_t) len);
}

void
idc_adbc_text_done(AdbcText *text)
{
    free(text->data);
    *text = (AdbcText){ 0 };
}
