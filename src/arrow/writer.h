/*
 * writer.h - an Arrow stream as text or Arrow IPC on a file descriptor, a batch at a time.
 *
 * In:   an ArrowArrayStream (not released here)
 * Out:  bytes on fd; formats: table, csv (RFC 4180), json (an array of objects), ndjson, arrow (IPC stream)
 */
#ifndef IDC_ARROW_WRITER_H
#define IDC_ARROW_WRITER_H

#include <stdint.h>

#include "arrow/abi.h"
#include "base/error.h"

typedef struct IdcWriteOptions {
    const char *null_text; /* csv and table: NULL means "" */
    bool has_header;       /* csv */
    int max_width;         /* table: characters a line has at most; 0: no limit */
} IdcWriteOptions;

IDC_CHECKED IdcStatus idc_stream_write(struct ArrowArrayStream *stream, const char *format, int fd,
                                       const IdcWriteOptions *options, int64_t *row_count, IdcError *err);

#endif
