/*
 * copy_reader.h - the frame of a binary COPY: signature, rows, trailer.
 *
 * In:   the payload of each CopyData message, in order (PostgreSQL sends a row a message; header
 * and trailer may share a message with rows or be split: both are handled) Out:  rows in an
 * IdcBatchBuilder
 *
 * Format: PostgreSQL 15 documentation, COPY, "Binary Format".
 */
#ifndef IDC_ARROW_COPY_READER_H
#define IDC_ARROW_COPY_READER_H

#include "arrow/column.h"

typedef struct IdcCopyReader IdcCopyReader;

/* builder is borrowed. */
IDC_CHECKED IdcStatus idc_copy_reader_new(IdcBatchBuilder *builder, IdcCopyReader **reader,
                                          IdcError *err);
void idc_copy_reader_free(IdcCopyReader *reader);

IDC_CHECKED IdcStatus idc_copy_reader_feed(IdcCopyReader *reader, const uint8_t *message,
                                           size_t len, IdcError *err);

/* True once the trailer was seen: a stream that ends before it was cut off. */
bool idc_copy_reader_is_complete(const IdcCopyReader *reader);

#endif
