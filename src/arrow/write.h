/*
 * write.h - what the formats of writer.h share. Private to this folder.
 *
 * In:   record batches, from writer.c
 * Out:  text in a buffer that output_flush writes
 */
#ifndef IDC_ARROW_WRITE_H
#define IDC_ARROW_WRITE_H

#include "arrow/format_value.h"
#include "arrow/writer.h"

/* Bytes on their way to fd. */
typedef struct IdcOutput {
    int fd;
    IdcText text;
} IdcOutput;

/* output.c: all bytes, however short the writes are; the bytes that wait in text do not go first.
 */
IDC_CHECKED IdcStatus idc_output_write(IdcOutput *output, const void *bytes, size_t len,
                                       IdcError *err);
/* Write the text when there is much of it (or, is_forced, any). */
IDC_CHECKED IdcStatus idc_output_flush(IdcOutput *output, bool is_forced, IdcError *err);

/* output.c: what a failed call of a stream means. */
IdcStatus idc_stream_fail(struct ArrowArrayStream *stream, int code, IdcError *err);

/* A format that prints row by row. begin and end may be NULL. */
typedef struct IdcRowWriter IdcRowWriter;
struct IdcRowWriter {
    IdcOutput output;
    IdcWriteOptions options;
    IdcFormat format; /* of the record batch */
    struct IdcTable *table;
    int64_t row_count;
    IDC_CHECKED IdcStatus (*begin)(IdcRowWriter *writer, IdcError *err);
    IDC_CHECKED IdcStatus (*row)(IdcRowWriter *writer, const struct ArrowArrayView *batch,
                                 int64_t row, IdcError *err);
    IDC_CHECKED IdcStatus (*end)(IdcRowWriter *writer, IdcError *err);
};

/* write_csv.c, write_json.c, write_table.c: fill in the functions. */
void idc_csv_writer(IdcRowWriter *writer);
void idc_json_writer(IdcRowWriter *writer);
void idc_ndjson_writer(IdcRowWriter *writer);
IDC_CHECKED IdcStatus idc_table_writer(IdcRowWriter *writer, IdcError *err);
void idc_table_free(struct IdcTable *table);

/* write_ipc.c */
IDC_CHECKED IdcStatus idc_ipc_write(struct ArrowArrayStream *stream,
                                    const struct ArrowSchema *schema, IdcOutput *output,
                                    int64_t *row_count, IdcError *err);

/* text_width.c: columns that UTF-8 text takes on a terminal; *len: bytes of it that fit into max.
 */
size_t idc_text_width(const char *bytes, size_t len);
size_t idc_text_fitting(const char *bytes, size_t len, size_t max_width);

#endif
