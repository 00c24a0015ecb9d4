/*
 * writer.h - an Arrow stream as text or Arrow IPC on a file descriptor, a batch at a time.
 *
 * In:   an ArrowArrayStream (not released here)
 * Out:  bytes on fd; formats: table, csv (RFC 4180, lines end with a line feed), json (an array of
 *       objects), ndjson, arrow (IPC stream)
 *
 * table and csv print values as PostgreSQL does (dates ISO, arrays {…}, bytea \x…). JSON has
 * numbers for integers, floats and decimals ("NaN", "Infinity", "-Infinity" are strings), ISO 8601
 * for dates, times and intervals, arrays for lists and objects for maps. The IPC stream has plain
 * large_utf8 columns where the Arrow stream has dictionaries (enums): nanoarrow 0.9 writes no
 * dictionaries.
 */
#ifndef IDC_ARROW_WRITER_H
#define IDC_ARROW_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "arrow/abi.h"
#include "base/error.h"

typedef struct IdcWriteOptions {
    const char *null_text; /* csv and table: NULL means "" */
    bool has_header;       /* csv */
    int max_width;         /* table: characters a line has at most; 0: no limit */
} IdcWriteOptions;

/*
 * row_count (may be NULL) is set to the rows read so far, also on failure. A file that cannot be
 * written is IDC_IO_FAILED; a stream that fails is IDC_SOURCE_FAILED with the stream's own message,
 * or IDC_CANCELED, IDC_TIMEOUT and IDC_NO_MEMORY where its code says so.
 */
IDC_CHECKED IdcStatus idc_stream_write(struct ArrowArrayStream *stream, const char *format, int fd,
                                       const IdcWriteOptions *options, int64_t *row_count,
                                       IdcError *err);

#endif
