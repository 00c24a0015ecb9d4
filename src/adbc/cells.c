/*
 * cells.c - reading text columns (utf8 and large_utf8) of an Arrow stream.
 */
#include "adbc/cells.h"

#include <stdlib.h>
#include <string.h>

#include "adbc/run.h"

/* texts[i]: a copy of column i of this row, NULL for NULL. */
struct AdbcCells {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    int64_t row;
    char **texts;
};

static void
texts_clear(AdbcCells *cells)
{
    for (int64_t i = 0; cells->texts != NULL && i < cells->schema.n_children; i++) {
        free(cells->texts[i]);
        cells->texts[i] = NULL;
    }
}

void
idc_adbc_cells_close(AdbcCells *cells)
{
    if (cells == NULL)
        return;
    texts_clear(cells);
    free(cells->texts);
    if (cells->batch.release != NULL)
        cells->batch.release(&cells->batch);
    if (cells->schema.release != NULL)
        cells->schema.release(&cells->schema);
    cells->stream.release(&cells->stream);
    free(cells);
}

static bool
are_texts(const struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++)
        if (strcmp(schema->children[i]->format, "u") != 0 &&
            strcmp(schema->children[i]->format, "U") != 0)
            return false;
    return true;
}

AdbcCells *
idc_adbc_cells_open(struct ArrowArrayStream *stream, struct AdbcError *error)
{
    AdbcCells *cells = calloc(1, sizeof *cells);

    if (cells == NULL) {
        stream->release(stream);
        (void) idc_adbc_fail_no_memory(error);
        return NULL;
    }
    cells->stream = *stream;
    if (stream->get_schema(&cells->stream, &cells->schema) == 0 && are_texts(&cells->schema))
        cells->texts = calloc((size_t) cells->schema.n_children + 1, sizeof *cells->texts);
    if (cells->texts == NULL) {
        (void) idc_adbc_fail(error, ADBC_STATUS_INTERNAL, NULL,
                             "the hub's catalogue cannot be read");
        idc_adbc_cells_close(cells);
        return NULL;
    }
    return cells;
}

static AdbcStatusCode
batch_next(AdbcCells *cells, struct AdbcError *error)
{
    const struct AdbcError *reason;
    AdbcStatusCode code = ADBC_STATUS_INTERNAL;

    cells->row = 0;
    if (cells->batch.release != NULL)
        cells->batch.release(&cells->batch);
    cells->batch = (struct ArrowArray){ 0 };
    if (cells->stream.get_next(&cells->stream, &cells->batch) == 0)
        return ADBC_STATUS_OK;
    reason = idc_adbc_run_error(&cells->stream, &code);
    return idc_adbc_fail(error, code, reason != NULL ? reason->sqlstate : NULL, "%s",
                         reason != NULL && reason->message != NULL
                             ? reason->message
                             : "the catalogue cannot be read");
}

/* Copy a text; false: out of memory. */
static bool
text_take(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row,
          char **text)
{
    const uint8_t *validity = array->buffers[0];
    int64_t i = row + array->offset;
    int64_t start, end;

    if (validity != NULL && (validity[i / 8] >> (i % 8) & 1) == 0)
        return true;
    if (schema->format[0] == 'u') {
        const int32_t *offsets = array->buffers[1];

        start = offsets[i];
        end = offsets[i + 1];
    } else {
        const int64_t *offsets = array->buffers[1];

        start = offsets[i];
        end = offsets[i + 1];
    }
    *text = end > start ? strndup((const char *) array->buffers[2] + start, (size_t) (end - start))
                        : strdup("");
    return *text != NULL;
}

AdbcStatusCode
idc_adbc_cells_next(AdbcCells *cells, bool *has_row, struct AdbcError *error)
{
    texts_clear(cells);
    while (cells->batch.release == NULL || cells->row >= cells->batch.length) {
        AdbcStatusCode code = batch_next(cells, error);

        if (code != ADBC_STATUS_OK)
            return code;
        *has_row = cells->batch.release != NULL;
        if (!*has_row)
            return ADBC_STATUS_OK;
    }
    for (int64_t i = 0; i < cells->schema.n_children; i++)
        if (!text_take(cells->schema.children[i], cells->batch.children[i],
                       cells->row + cells->batch.offset, &cells->texts[i]))
            return idc_adbc_fail_no_memory(error);
    cells->row++;
    *has_row = true;
    return ADBC_STATUS_OK;
}

const char *
idc_adbc_cell(const AdbcCells *cells, size_t column)
{
    return cells->texts[column];
}
