/*
 * copy_reader.c - the frame of a binary COPY: signature, rows, trailer.
 *
 * In:   the payload of each CopyData message, from hub/result.c
 * Out:  rows in an IdcBatchBuilder
 * Next: arrow/decode.c
 */
#include <stdlib.h>

#include "arrow/builder.h"
#include "arrow/copy_reader.h"

enum { SIGNATURE_SIZE = 11, HEADER_SIZE = 19, FLAG_HAS_OIDS = 1 << 16 };

/* The first bytes wait in header until all of them came; then a lone byte of the trailer may. */
struct IdcCopyReader {
    IdcBatchBuilder *builder;
    uint8_t header[HEADER_SIZE];
    size_t header_len;
    uint32_t extension_left; /* bytes of the header's extension that are still to be skipped */
    uint8_t held;            /* the first byte of a field count whose second one is to come */
    bool has_held, is_complete;
};

IdcStatus
idc_copy_reader_new(IdcBatchBuilder *builder, IdcCopyReader **reader, IdcError *err)
{
    IdcCopyReader *made = calloc(1, sizeof *made);

    if (made == NULL)
        return idc_fail_no_memory(err);
    made->builder = builder;
    *reader = made;
    return IDC_OK;
}

void
idc_copy_reader_free(IdcCopyReader *reader)
{
    free(reader);
}

bool
idc_copy_reader_is_complete(const IdcCopyReader *reader)
{
    return reader->is_complete;
}

static IdcStatus
header_check(IdcCopyReader *reader, IdcError *err)
{
    static const uint8_t signature[SIGNATURE_SIZE] = "PGCOPY\n\377\r\n";
    uint32_t flags = idc_be32(reader->header + SIGNATURE_SIZE);

    if (memcmp(reader->header, signature, SIGNATURE_SIZE) != 0)
        return idc_fail(err, IDC_SOURCE_FAILED,
                        "the result does not begin with the signature of a binary COPY");
    if ((flags & FLAG_HAS_OIDS) != 0)
        return idc_fail(err, IDC_UNSUPPORTED, "a binary COPY with oids cannot be read");
    if ((flags & 0xFFFF0000u) != 0)
        return idc_fail(err, IDC_UNSUPPORTED, "a binary COPY with flags 0x%08x cannot be read",
                        (unsigned int) flags);
    reader->extension_left = idc_be32(reader->header + SIGNATURE_SIZE + 4);
    if (reader->extension_left > INT32_MAX)
        return idc_fail(err, IDC_SOURCE_FAILED, "the header of the binary COPY is damaged");
    return IDC_OK;
}

/* Take what belongs to the header; *message and *len are what is left. */
static IdcStatus
header_feed(IdcCopyReader *reader, const uint8_t **message, size_t *len, IdcError *err)
{
    size_t taken = HEADER_SIZE - reader->header_len;

    if (taken > 0) {
        taken = taken < *len ? taken : *len;
        memcpy(reader->header + reader->header_len, *message, taken);
        reader->header_len += taken;
        *message += taken;
        *len -= taken;
        if (reader->header_len == HEADER_SIZE) {
            IdcStatus status = header_check(reader, err);

            if (status != IDC_OK)
                return status;
        }
    }
    taken = reader->extension_left < *len ? reader->extension_left : *len;
    reader->extension_left -= (uint32_t) taken;
    *message += taken;
    *len -= taken;
    return IDC_OK;
}

/* Rows one after the other, and the trailer: a field count of -1. */
static IdcStatus
rows_feed(IdcCopyReader *reader, const uint8_t *next, size_t len, IdcError *err)
{
    while (len > 0) {
        IdcStatus status;
        size_t used = 0;

        if (reader->is_complete)
            return idc_fail(err, IDC_SOURCE_FAILED, "the binary COPY goes on after its end");
        if (len == 1) {
            reader->held = *next;
            reader->has_held = true;
            return IDC_OK;
        }
        if (idc_be16(next) == UINT16_MAX) {
            reader->is_complete = true;
            next += 2;
            len -= 2;
            continue;
        }
        status = idc_batch_append_copy_prefix(reader->builder, next, len, &used, err);
        if (status != IDC_OK)
            return status;
        next += used;
        len -= used;
    }
    return IDC_OK;
}

/* A message whose first byte came with the one before. No server does that with more than a
 * trailer. */
static IdcStatus
joined_feed(IdcCopyReader *reader, const uint8_t *message, size_t len, IdcError *err)
{
    size_t size;
    uint8_t *joined;
    IdcStatus status;

    if (__builtin_add_overflow(len, (size_t) 1, &size) || (joined = malloc(size)) == NULL)
        return idc_fail_no_memory(err);
    joined[0] = reader->held;
    memcpy(joined + 1, message, len);
    reader->has_held = false;
    status = rows_feed(reader, joined, size, err);
    free(joined);
    return status;
}

IdcStatus
idc_copy_reader_feed(IdcCopyReader *reader, const uint8_t *message, size_t len, IdcError *err)
{
    if (reader->header_len < HEADER_SIZE || reader->extension_left > 0) {
        IdcStatus status = header_feed(reader, &message, &len, err);

        if (status != IDC_OK)
            return status;
    }
    if (len == 0)
        return IDC_OK;
    if (reader->has_held)
        return joined_feed(reader, message, len, err);
    return rows_feed(reader, message, len, err);
}
