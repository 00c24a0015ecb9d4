/*
 * parameters.c - going through what was bound, row by row.
 */
#include "adbc/parameters.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "adbc/values.h"

/*
 * stream: where more batches come from (release NULL: nowhere). row: the next one of batch.
 * parameters point into text.
 */
struct AdbcRows {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    int64_t row;
    bool by_name;
    AdbcText text;
    InstantParameter *parameters;
    size_t *starts;
    locale_t locale;
};

void
idc_adbc_rows_free(AdbcRows *rows)
{
    if (rows == NULL)
        return;
    if (rows->batch.release != NULL)
        rows->batch.release(&rows->batch);
    if (rows->schema.release != NULL)
        rows->schema.release(&rows->schema);
    if (rows->stream.release != NULL)
        rows->stream.release(&rows->stream);
    if (rows->locale != (locale_t) 0)
        freelocale(rows->locale);
    idc_adbc_text_done(&rows->text);
    free(rows->parameters);
    free(rows->starts);
    free(rows);
}

/* Check the schema, make room for a row. On failure the rows are freed. */
static AdbcRows *
rows_ready(AdbcRows *rows, struct AdbcError *error)
{
    size_t count = (size_t) rows->schema.n_children;

    if (strcmp(rows->schema.format, "+s") != 0) {
        (void) idc_adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, NULL,
                             "parameters have to be bound as columns, a struct");
        idc_adbc_rows_free(rows);
        return NULL;
    }
    rows->parameters = calloc(count + 1, sizeof *rows->parameters);
    rows->starts = calloc(count + 1, sizeof *rows->starts);
    rows->locale = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
    if (rows->parameters == NULL || rows->starts == NULL || rows->locale == (locale_t) 0) {
        (void) idc_adbc_fail_no_memory(error);
        idc_adbc_rows_free(rows);
        return NULL;
    }
    return rows;
}

AdbcRows *
idc_adbc_rows_of_batch(struct ArrowArray *values, struct ArrowSchema *schema,
                       struct AdbcError *error)
{
    AdbcRows *rows = calloc(1, sizeof *rows);

    if (rows == NULL) {
        values->release(values);
        schema->release(schema);
        (void) idc_adbc_fail_no_memory(error);
        return NULL;
    }
    rows->batch = *values;
    rows->schema = *schema;
    values->release = NULL;
    schema->release = NULL;
    return rows_ready(rows, error);
}

AdbcRows *
idc_adbc_rows_of_stream(struct ArrowArrayStream *stream, struct AdbcError *error)
{
    AdbcRows *rows = calloc(1, sizeof *rows);

    if (rows == NULL) {
        stream->release(stream);
        (void) idc_adbc_fail_no_memory(error);
        return NULL;
    }
    rows->stream = *stream;
    stream->release = NULL;
    if (rows->stream.get_schema(&rows->stream, &rows->schema) != 0) {
        (void) idc_adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, NULL,
                             "the stream of parameters has no schema");
        idc_adbc_rows_free(rows);
        return NULL;
    }
    return rows_ready(rows, error);
}

void
idc_adbc_rows_bind_by_name(AdbcRows *rows, bool by_name)
{
    rows->by_name = by_name;
}

static AdbcStatusCode
batch_next(AdbcRows *rows, struct AdbcError *error)
{
    const char *reason;

    if (rows->batch.release != NULL)
        rows->batch.release(&rows->batch);
    rows->batch = (struct ArrowArray){ 0 };
    rows->row = 0;
    if (rows->stream.release == NULL || rows->stream.get_next(&rows->stream, &rows->batch) == 0)
        return ADBC_STATUS_OK;
    reason = rows->stream.get_last_error(&rows->stream);
    return idc_adbc_fail(error, ADBC_STATUS_IO, NULL, "the stream of parameters failed: %s",
                         reason != NULL ? reason : "it does not say why");
}

static AdbcStatusCode
row_read(AdbcRows *rows, struct AdbcError *error)
{
    size_t count = (size_t) rows->schema.n_children;

    rows->text.len = 0;
    for (size_t i = 0; i < count; i++) {
        InstantParameter *parameter = &rows->parameters[i];
        AdbcStatusCode code;

        rows->starts[i] = rows->text.len;
        code = idc_adbc_value(rows->schema.children[i], rows->batch.children[i],
                              rows->row + rows->batch.offset, &rows->text, &parameter->value.kind,
                              &parameter->value.element, error);
        if (code != ADBC_STATUS_OK)
            return code;
        parameter->name = rows->by_name ? rows->schema.children[i]->name : NULL;
        parameter->value.len = rows->text.len - rows->starts[i];
    }
    for (size_t i = 0; i < count; i++)
        rows->parameters[i].value.data =
            rows->text.data != NULL ? rows->text.data + rows->starts[i] : "";
    rows->row++;
    return ADBC_STATUS_OK;
}

/* The C locale for this thread meanwhile: numbers have a point, whatever the host has set. */
AdbcStatusCode
idc_adbc_rows_next(AdbcRows *rows, bool *has_row, const InstantParameter **parameters,
                   size_t *count, struct AdbcError *error)
{
    AdbcStatusCode code = ADBC_STATUS_OK;
    locale_t before;

    *has_row = false;
    while (rows->batch.release == NULL || rows->row >= rows->batch.length) {
        code = batch_next(rows, error);
        if (code != ADBC_STATUS_OK || rows->batch.release == NULL)
            return code;
    }
    before = uselocale(rows->locale);
    code = row_read(rows, error);
    (void) uselocale(before);
    *has_row = code == ADBC_STATUS_OK;
    *parameters = rows->parameters;
    *count = (size_t) rows->schema.n_children;
    return code;
}
