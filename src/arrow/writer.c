/*
 * writer.c - from a stream to a file descriptor: batch by batch, row by row.
 *
 * In:   an ArrowArrayStream and the name of a format
 * Out:  bytes on fd
 * Next: write_csv.c, write_json.c, write_table.c, write_ipc.c
 */
#include <errno.h>
#include <string.h>

#include "arrow/write.h"

static IdcStatus
batch_write(IdcRowWriter *writer, const struct ArrowSchema *schema, struct ArrowArray *batch,
            IdcError *err)
{
    struct ArrowArrayView view;
    struct ArrowError why = { { 0 } };
    IdcStatus status = IDC_OK;
    ArrowErrorCode code = ArrowArrayViewInitFromSchema(&view, schema, &why);

    if (code == NANOARROW_OK)
        code = ArrowArrayViewSetArray(&view, batch, &why);
    if (code == ENOMEM)
        status = idc_fail_no_memory(err);
    else if (code != NANOARROW_OK)
        status = idc_fail(err, IDC_SOURCE_FAILED, "cannot read a record batch: %s", why.message);
    for (int64_t i = 0; status == IDC_OK && i < batch->length; i++) {
        status = writer->row(writer, &view, i, err);
        writer->row_count++;
        if (status == IDC_OK)
            status = idc_output_flush(&writer->output, false, err);
    }
    ArrowArrayViewReset(&view);
    return status;
}

static IdcStatus
rows_write(IdcRowWriter *writer, struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
           IdcError *err)
{
    IdcStatus status = writer->begin != NULL ? writer->begin(writer, err) : IDC_OK;

    while (status == IDC_OK) {
        struct ArrowArray batch = { 0 };
        int code = stream->get_next(stream, &batch);

        if (code != 0)
            return idc_stream_fail(stream, code, err);
        if (batch.release == NULL)
            break;
        status = batch_write(writer, schema, &batch, err);
        batch.release(&batch);
        /* A reader at the other end of a pipe wants to see rows when they are there. */
        if (status == IDC_OK)
            status = idc_output_flush(&writer->output, true, err);
    }
    if (status == IDC_OK && writer->end != NULL)
        status = writer->end(writer, err);
    return status == IDC_OK ? idc_output_flush(&writer->output, true, err) : status;
}

static IdcStatus
writer_choose(IdcRowWriter *writer, const char *format, IdcError *err)
{
    if (strcmp(format, "table") == 0)
        return idc_table_writer(writer, err);
    if (strcmp(format, "csv") == 0)
        idc_csv_writer(writer);
    else if (strcmp(format, "json") == 0)
        idc_json_writer(writer);
    else
        idc_ndjson_writer(writer);
    return IDC_OK;
}

static IdcStatus
format_check(const char *format, IdcError *err)
{
    static const char *const formats[] = { "table", "csv", "json", "ndjson", "arrow" };
    size_t count = sizeof formats / sizeof formats[0];
    const char *nearest;

    for (size_t i = 0; i < count; i++)
        if (strcmp(format, formats[i]) == 0)
            return IDC_OK;
    (void) idc_fail(err, IDC_BAD_VALUE,
                    "format \"%s\" is none of table, csv, json, ndjson and arrow", format);
    nearest = idc_nearest_word(format, formats, count);
    if (nearest != NULL)
        idc_error_set_hint(err, "did you mean \"%s\"?", nearest);
    return IDC_BAD_VALUE;
}

IdcStatus
idc_stream_write(struct ArrowArrayStream *stream, const char *format, int fd,
                 const IdcWriteOptions *options, int64_t *row_count, IdcError *err)
{
    IdcRowWriter writer = { .output = { .fd = fd }, .options = *options };
    struct ArrowSchema schema = { 0 };
    IdcStatus status = format_check(format, err);
    int code;

    if (status != IDC_OK)
        return status;
    code = stream->get_schema(stream, &schema);
    if (code != 0)
        return idc_stream_fail(stream, code, err);
    idc_text_init(&writer.output.text, 0);
    if (writer.options.null_text == NULL)
        writer.options.null_text = "";
    if (strcmp(format, "arrow") == 0) {
        status = idc_ipc_write(stream, &schema, &writer.output, &writer.row_count, err);
        goto done;
    }
    status = idc_format_init(&writer.format, &schema, err);
    if (status == IDC_OK)
        status = writer_choose(&writer, format, err);
    if (status == IDC_OK)
        status = rows_write(&writer, stream, &schema, err);

done:
    if (row_count != NULL)
        *row_count = writer.row_count;
    idc_table_free(writer.table);
    idc_format_done(&writer.format);
    idc_text_done(&writer.output.text);
    schema.release(&schema);
    return status;
}
