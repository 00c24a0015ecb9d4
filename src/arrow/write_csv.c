/*
 * write_csv.c - rows as comma-separated values, RFC 4180.
 *
 * In:   rows, from writer.c
 * Out:  lines; NULL is the null text without quotes, a text that looks like it has quotes
 */
#include <string.h>

#include "arrow/write.h"

static bool
needs_quotes(const char *text, size_t len, const char *null_text)
{
    if (len == strlen(null_text) && memcmp(text, null_text, len) == 0)
        return true;
    for (size_t i = 0; i < len; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r')
            return true;
    return false;
}

/* One field, in quotes where it needs them. */
static void
append_field(IdcText *out, const char *text, size_t len, const char *null_text)
{
    if (!needs_quotes(text, len, null_text)) {
        idc_text_append_len(out, text, len);
        return;
    }
    idc_text_append_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            idc_text_append_char(out, '"');
        idc_text_append_char(out, text[i]);
    }
    idc_text_append_char(out, '"');
}

static IdcStatus
csv_begin(IdcRowWriter *writer, IdcError *err)
{
    IdcText *out = &writer->output.text;

    (void) err;
    if (!writer->options.has_header || writer->format.child_count == 0)
        return IDC_OK;
    for (int64_t i = 0; i < writer->format.child_count; i++) {
        const char *name = writer->format.children[i].name;

        if (i > 0)
            idc_text_append_char(out, ',');
        append_field(out, name, strlen(name), "");
    }
    idc_text_append_char(out, '\n');
    return IDC_OK;
}

static IdcStatus
csv_row(IdcRowWriter *writer, const struct ArrowArrayView *batch, int64_t row, IdcError *err)
{
    IdcText *out = &writer->output.text;
    IdcText value;
    IdcStatus status = IDC_OK;

    idc_text_init(&value, 0);
    for (int64_t i = 0; i < writer->format.child_count; i++) {
        const struct ArrowArrayView *column = batch->children[i];

        if (i > 0)
            idc_text_append_char(out, ',');
        if (ArrowArrayViewIsNull(column, batch->offset + row)) {
            idc_text_append(out, writer->options.null_text);
            continue;
        }
        idc_text_clear(&value);
        idc_format_text(&writer->format.children[i], column, batch->offset + row, &value);
        status = idc_text_check(&value, err);
        if (status != IDC_OK)
            break;
        append_field(out, idc_text_string(&value), idc_text_string_len(&value),
                     writer->options.null_text);
    }
    idc_text_append_char(out, '\n');
    idc_text_done(&value);
    return status;
}

void
idc_csv_writer(IdcRowWriter *writer)
{
    writer->begin = csv_begin;
    writer->row = csv_row;
}
