/*
 * format_number.c - floating point and decimal numbers as text, exactly.
 *
 * In:   numbers
 * Out:  the shortest text that reads back as the same number
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/format_value.h"

/* printf's decimal point is the locale's: whatever is no digit, sign or exponent becomes a point.
 */
static void
append_number(IdcText *text, const char *printed)
{
    for (const char *c = printed; *c != '\0'; c++) {
        bool is_point = strchr("0123456789+-e", *c) == NULL;

        if (!is_point)
            idc_text_append_char(text, *c);
        else if (c == printed || strchr("0123456789", c[-1]) != NULL)
            idc_text_append_char(text, '.');
    }
}

static bool
append_special(IdcText *text, double number)
{
    if (isfinite(number))
        return false;
    idc_text_append(text, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
    return true;
}

void
idc_format_double(IdcText *text, double number)
{
    char printed[64];

    if (append_special(text, number))
        return;
    for (int digits = 15; digits <= 17; digits++) {
        (void) snprintf(printed, sizeof printed, "%.*g", digits, number);
        if (strtod(printed, NULL) == number)
            break;
    }
    append_number(text, printed);
}

void
idc_format_float(IdcText *text, float number)
{
    char printed[64];

    if (append_special(text, number))
        return;
    for (int digits = 6; digits <= 9; digits++) {
        (void) snprintf(printed, sizeof printed, "%.*g", digits, (double) number);
        if (strtof(printed, NULL) == number)
            break;
    }
    append_number(text, printed);
}

void
idc_format_decimal(IdcText *text, const uint8_t bytes[16], int scale)
{
    __int128 value;
    unsigned __int128 rest;
    char digits[48];
    int start = (int) sizeof digits, count;

    memcpy(&value, bytes, sizeof value);
    rest = value < 0 ? -(unsigned __int128) value : (unsigned __int128) value;
    do {
        digits[--start] = (char) ('0' + (int) (rest % 10));
        rest /= 10;
    } while (rest > 0);
    count = (int) sizeof digits - start;
    if (value < 0)
        idc_text_append_char(text, '-');
    if (scale <= 0 || count > scale)
        idc_text_append_len(text, digits + start, (size_t) (scale <= 0 ? count : count - scale));
    else
        idc_text_append_char(text, '0');
    for (int i = scale; value != 0 && i < 0; i++)
        idc_text_append_char(text, '0');
    if (scale <= 0)
        return;
    idc_text_append_char(text, '.');
    for (int i = count; i < scale; i++)
        idc_text_append_char(text, '0');
    if (count > scale)
        count = scale;
    idc_text_append_len(text, digits + sizeof digits - count, (size_t) count);
}
