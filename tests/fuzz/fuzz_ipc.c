/*
 * fuzz_ipc.c - libFuzzer target: any bytes as an Arrow IPC stream, whose batches are gathered.
 *
 * In:   bytes; the first one says how the pieces are aligned, the rest is the stream
 * Out:  nothing, or a crash; what the reader accepts must be valid, and so must what is gathered
 */
#include <assert.h>

#include "../unit/arrow/ipc_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out of a stream so far. */
typedef struct Found {
    IdcIpcReader *reader;
    IdcGather *gather; /* NULL before the first batch, or where such a schema is not gathered */
    int64_t row_count;
    bool is_gathered;
} Found;

static void
batch_gather(Found *found, const struct ArrowArray *batch)
{
    IdcError err;

    if (found->gather == NULL && found->is_gathered)
        found->is_gathered =
            idc_gather_new(idc_ipc_reader_schema(found->reader), &found->gather, &err) == IDC_OK;
    if (!found->is_gathered || batch->length > 100000)
        return;
    found->is_gathered = idc_gather_append(found->gather, batch, &err) == IDC_OK;
    found->row_count += batch->length;
}

static void
gathered_check(Found *found)
{
    struct ArrowSchema schema;
    struct ArrowArray rows;
    IdcError err;

    if (found->gather == NULL || !found->is_gathered)
        return;
    assert(idc_gather_schema(found->gather, &schema, &err) == IDC_OK);
    assert(idc_gather_finish(found->gather, &rows, &err) == IDC_OK);
    assert(rows.length == found->row_count);
    assert(ipc_array_is_valid(&schema, &rows));
    rows.release(&rows);
    schema.release(&schema);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Found found = { .is_gathered = true };
    IdcStatus status = IDC_OK;
    size_t position = 1;
    IdcError err;

    if (size == 0)
        return 0;
    if (idc_ipc_reader_new(&found.reader, &err) != IDC_OK)
        abort();
    while (status == IDC_OK && position < size) {
        size_t len = ipc_piece_len(data + position, size - position);
        struct ArrowArray batch = { 0 };

        status = ipc_read_piece(found.reader, data + position, len, data[0] % 16, &batch, &err);
        position += len;
        if (status != IDC_OK || batch.release == NULL)
            continue;
        assert(ipc_array_is_valid(idc_ipc_reader_schema(found.reader), &batch));
        batch_gather(&found, &batch);
        batch.release(&batch);
    }
    gathered_check(&found);
    idc_gather_free(found.gather);
    idc_ipc_reader_free(found.reader);
    assert(ipc_pieces_made == ipc_pieces_released);
    return 0;
}
