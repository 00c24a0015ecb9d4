/*
 * write_ipc.c - a stream as an Arrow IPC stream.
 *
 * In:   a schema and record batches
 * Out:  IPC messages on fd; dictionaries are written out as plain large_utf8, since nanoarrow 0.9
 *       encodes none
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/builder.h"
#include "arrow/write.h"
#include "nanoarrow_ipc.h"

/* nanoarrow's words are only used where the writing itself did not fail. */
typedef struct IpcTarget {
    IdcOutput *output;
    IdcError *err;
    IdcStatus status;
} IpcTarget;

static ArrowErrorCode
target_write(struct ArrowIpcOutputStream *stream, const void *bytes, int64_t size,
             int64_t *size_written, struct ArrowError *why)
{
    IpcTarget *target = stream->private_data;

    (void) why;
    target->status = idc_output_write(target->output, bytes, (size_t) size, target->err);
    *size_written = size;
    return target->status == IDC_OK ? NANOARROW_OK : EIO;
}

static void
target_release(struct ArrowIpcOutputStream *stream)
{
    stream->release = NULL;
}

static IdcStatus
ipc_fail(const IpcTarget *target, int code, const struct ArrowError *why)
{
    if (target->status != IDC_OK)
        return target->status;
    if (code == ENOMEM)
        return idc_fail_no_memory(target->err);
    return idc_fail(target->err, IDC_UNSUPPORTED, "cannot write the result as Arrow IPC: %s",
                    why->message);
}

/* Fields with a dictionary become fields of its values' kind of text. */
static ArrowErrorCode
schema_flatten(struct ArrowSchema *schema)
{
    ArrowErrorCode code = NANOARROW_OK;

    if (schema->dictionary != NULL) {
        ArrowSchemaRelease(schema->dictionary);
        ArrowFree(schema->dictionary);
        schema->dictionary = NULL;
        schema->flags &= ~ARROW_FLAG_DICTIONARY_ORDERED;
        code = ArrowSchemaSetFormat(schema, "U");
    }
    for (int64_t i = 0; code == NANOARROW_OK && i < schema->n_children; i++)
        code = schema_flatten(schema->children[i]);
    return code;
}

/* The labels of the rows as one large_utf8 array. */
static bool
labels_copy(const struct ArrowArrayView *view, struct ArrowArray *array)
{
    static const IdcColumnSpec text = { .name = "", .type_name = "text", .kind = IDC_KIND_TEXT };
    IdcDecodeState state = { .has_many_batches = true };
    IdcColumn column;
    bool is_ok =
        idc_column_init(&column, &text, 0, &state) && idc_column_reserve(&column, view->length);

    for (int64_t i = 0; is_ok && i < view->length; i++) {
        int64_t label = ArrowArrayViewIsNull(view, i) ? -1 : ArrowArrayViewGetIntUnsafe(view, i);
        struct ArrowBufferView bytes;

        if (label < 0 || label >= view->dictionary->length ||
            ArrowArrayViewIsNull(view->dictionary, label)) {
            is_ok = idc_column_append_null(&column);
            continue;
        }
        bytes = ArrowArrayViewGetBytesUnsafe(view->dictionary, label);
        is_ok = idc_column_append_text(&column, bytes.data.as_char, (size_t) bytes.size_bytes,
                                       (size_t) bytes.size_bytes);
    }
    is_ok = is_ok && idc_column_finish(&column, array);
    idc_column_done(&column);
    return is_ok;
}

/* In place: the batch is ours, and an array may give up its children. */
static ArrowErrorCode
array_flatten(const struct ArrowArrayView *view, struct ArrowArray *array)
{
    ArrowErrorCode code = NANOARROW_OK;

    if (array->dictionary != NULL) {
        struct ArrowArray flat = { 0 };

        if (view->dictionary->storage_type != NANOARROW_TYPE_STRING &&
            view->dictionary->storage_type != NANOARROW_TYPE_LARGE_STRING)
            return ENOTSUP;
        if (!labels_copy(view, &flat)) {
            if (flat.release != NULL)
                flat.release(&flat);
            return ENOMEM;
        }
        array->release(array);
        *array = flat;
        return NANOARROW_OK;
    }
    for (int64_t i = 0; code == NANOARROW_OK && i < array->n_children; i++)
        code = array_flatten(view->children[i], array->children[i]);
    return code;
}

static bool
schema_has_dictionary(const struct ArrowSchema *schema)
{
    bool has = schema->dictionary != NULL;

    for (int64_t i = 0; !has && i < schema->n_children; i++)
        has = schema_has_dictionary(schema->children[i]);
    return has;
}

static ArrowErrorCode
view_set(struct ArrowArrayView *view, const struct ArrowSchema *schema, struct ArrowArray *batch,
         struct ArrowError *why)
{
    ArrowErrorCode code = ArrowArrayViewInitFromSchema(view, schema, why);

    return code == NANOARROW_OK ? ArrowArrayViewSetArray(view, batch, why) : code;
}

static ArrowErrorCode
batch_encode(struct ArrowIpcWriter *writer, const struct ArrowSchema *schema,
             const struct ArrowSchema *flat, struct ArrowArray *batch, struct ArrowError *why)
{
    struct ArrowArrayView view;
    ArrowErrorCode code = NANOARROW_OK;

    if (schema_has_dictionary(schema)) {
        code = view_set(&view, schema, batch, why);
        if (code == NANOARROW_OK)
            code = array_flatten(&view, batch);
        ArrowArrayViewReset(&view);
    }
    if (code != NANOARROW_OK)
        return code;
    code = view_set(&view, flat, batch, why);
    if (code == NANOARROW_OK)
        code = ArrowIpcWriterWriteArrayView(writer, &view, why);
    ArrowArrayViewReset(&view);
    return code;
}

static IdcStatus
batches_write(struct ArrowIpcWriter *writer, struct ArrowArrayStream *stream,
              const struct ArrowSchema *schema, const struct ArrowSchema *flat, IpcTarget *target,
              int64_t *row_count)
{
    struct ArrowError why = { { 0 } };
    ArrowErrorCode code = ArrowIpcWriterWriteSchema(writer, flat, &why);

    while (code == NANOARROW_OK) {
        struct ArrowArray batch = { 0 };

        code = stream->get_next(stream, &batch);
        if (code != 0)
            return idc_stream_fail(stream, code, target->err);
        if (batch.release == NULL)
            break;
        *row_count += batch.length;
        code = batch_encode(writer, schema, flat, &batch, &why);
        batch.release(&batch);
    }
    if (code == NANOARROW_OK)
        code = ArrowIpcWriterWriteArrayView(writer, NULL, &why);
    return code == NANOARROW_OK ? IDC_OK : ipc_fail(target, code, &why);
}

IdcStatus
idc_ipc_write(struct ArrowArrayStream *stream, const struct ArrowSchema *schema, IdcOutput *output,
              int64_t *row_count, IdcError *err)
{
    IpcTarget target = { .output = output, .err = err, .status = IDC_OK };
    struct ArrowIpcOutputStream sink = { .write = target_write,
                                         .release = target_release,
                                         .private_data = &target };
    struct ArrowIpcWriter writer;
    struct ArrowSchema flat = { 0 };
    IdcStatus status;

    if (ArrowSchemaDeepCopy(schema, &flat) != NANOARROW_OK ||
        schema_flatten(&flat) != NANOARROW_OK ||
        ArrowIpcWriterInit(&writer, &sink) != NANOARROW_OK) {
        status = idc_fail_no_memory(err);
    } else {
        status = batches_write(&writer, stream, schema, &flat, &target, row_count);
        ArrowIpcWriterReset(&writer);
    }
    if (flat.release != NULL)
        flat.release(&flat);
    return status;
}
