/*
 * format_value.h - one value of an Arrow array as text. Private to this folder.
 *
 * In:   a schema, then (array view, row) pairs
 * Out:  PostgreSQL's text form, or JSON
 */
#ifndef IDC_ARROW_FORMAT_VALUE_H
#define IDC_ARROW_FORMAT_VALUE_H

#include "arrow/nano.h"
#include "base/error.h"
#include "base/text.h"

/* The length of idc_text_string's answer: a broken text still has a len, but its string is "". */
static inline size_t
idc_text_string_len(const IdcText *text)
{
    return text->is_broken ? 0 : text->len;
}

/* How values of one field are printed. Borrows from the schema, which must outlive it. */
typedef struct IdcFormat {
    const char *name;
    struct ArrowSchemaView type;
    struct IdcFormat *children; /* for a dictionary: of the values, one of them */
    int64_t child_count;
} IdcFormat;

/* A record batch's schema (a struct); IDC_UNSUPPORTED for types that we never make. */
IDC_CHECKED IdcStatus idc_format_init(IdcFormat *format, const struct ArrowSchema *schema,
                                      IdcError *err);
void idc_format_done(IdcFormat *format);

bool idc_format_is_number(const IdcFormat *format);

/* The value must not be NULL. */
void idc_format_text(const IdcFormat *format, const struct ArrowArrayView *view, int64_t row,
                     IdcText *text);
/* NULL is null. */
void idc_format_json(const IdcFormat *format, const struct ArrowArrayView *view, int64_t row,
                     IdcText *text);

/* format_time.c */
void idc_format_date(IdcText *text, int64_t days, bool is_iso);
void idc_format_time(IdcText *text, int64_t time, enum ArrowTimeUnit unit);
void idc_format_timestamp(IdcText *text, int64_t timestamp, enum ArrowTimeUnit unit, bool is_utc,
                          bool is_iso);
void idc_format_interval(IdcText *text, const struct ArrowInterval *interval, bool is_iso);

/* format_number.c */
void idc_format_double(IdcText *text, double number);
void idc_format_float(IdcText *text, float number);
/* The little-endian integer of a decimal128 divided by 10^scale. */
void idc_format_decimal(IdcText *text, const uint8_t bytes[16], int scale);

#endif
