/*
 * write_json.c - rows as JSON objects: an array of them, or one a line.
 *
 * In:   rows, from writer.c
 * Out:  JSON (RFC 8259)
 */
#include "arrow/write.h"

static IdcStatus
json_row(IdcRowWriter *writer, const struct ArrowArrayView *batch, int64_t row, IdcError *err)
{
    idc_text_append(&writer->output.text, writer->row_count == 0 ? "[\n" : ",\n");
    idc_format_json(&writer->format, batch, row, &writer->output.text);
    return idc_text_check(&writer->output.text, err);
}

static IdcStatus
json_end(IdcRowWriter *writer, IdcError *err)
{
    idc_text_append(&writer->output.text, writer->row_count == 0 ? "[]\n" : "\n]\n");
    return idc_text_check(&writer->output.text, err);
}

static IdcStatus
ndjson_row(IdcRowWriter *writer, const struct ArrowArrayView *batch, int64_t row, IdcError *err)
{
    idc_format_json(&writer->format, batch, row, &writer->output.text);
    idc_text_append_char(&writer->output.text, '\n');
    return idc_text_check(&writer->output.text, err);
}

void
idc_json_writer(IdcRowWriter *writer)
{
    writer->row = json_row;
    writer->end = json_end;
}

void
idc_ndjson_writer(IdcRowWriter *writer)
{
    writer->row = ndjson_row;
}
