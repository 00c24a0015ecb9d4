/*
 * rows.c - reading text, booleans and integers out of Arrow arrays.
 */
#include "cli/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instant/arrow.h"
#include "cli/errors.h"

void
cli_rows_done(CliRows *rows)
{
    for (size_t i = 0; i < rows->row_count * rows->column_count; i++)
        free(rows->cells[i]);
    for (size_t i = 0; i < rows->column_count; i++)
        free(rows->columns[i].name);
    free(rows->cells);
    free(rows->columns);
    *rows = (CliRows){ 0 };
}

static size_t
column_index(const CliRows *rows, const char *name)
{
    size_t i = 0;

    while (i < rows->column_count && strcmp(rows->columns[i].name, name) != 0)
        i++;
    return i;
}

bool
cli_rows_is_null(const CliRows *rows, size_t row, const char *name)
{
    size_t column = column_index(rows, name);

    return column == rows->column_count || rows->cells[row * rows->column_count + column] == NULL;
}

const char *
cli_rows_text(const CliRows *rows, size_t row, const char *name)
{
    return cli_rows_is_null(rows, row, name)
               ? ""
               : rows->cells[row * rows->column_count + column_index(rows, name)];
}

bool
cli_rows_add_column(CliRows *rows, const char *name, CliColumnKind kind)
{
    CliColumn *columns = reallocarray(rows->columns, rows->column_count + 1, sizeof *columns);
    char *copy = strdup(name);

    if (columns != NULL)
        rows->columns = columns;
    if (columns == NULL || copy == NULL) {
        free(copy);
        return false;
    }
    columns[rows->column_count++] = (CliColumn){ copy, kind };
    return true;
}

/* Room for one more row, all NULL; counted from now on. */
static char **
add_row(CliRows *rows)
{
    char **row;

    if (rows->row_count == rows->row_capacity) {
        size_t capacity = rows->row_capacity == 0 ? 16 : rows->row_capacity * 2, cells;
        char **grown;

        if (__builtin_mul_overflow(capacity, rows->column_count, &cells))
            return NULL;
        grown = reallocarray(rows->cells, cells + 1, sizeof *grown);
        if (grown == NULL)
            return NULL;
        rows->cells = grown;
        rows->row_capacity = capacity;
    }
    row = rows->cells + rows->row_count++ * rows->column_count;
    for (size_t i = 0; i < rows->column_count; i++)
        row[i] = NULL;
    return row;
}

bool
cli_rows_add(CliRows *rows, const char *const *cells)
{
    char **row = add_row(rows);

    if (row == NULL)
        return false;
    for (size_t i = 0; i < rows->column_count; i++)
        if (cells[i] != NULL && (row[i] = strdup(cells[i])) == NULL)
            return false;
    return true;
}

/* ---- from Arrow ---- */

static bool
bit_is_set(const uint8_t *bits, int64_t i)
{
    return (bits[i / 8] >> (i % 8) & 1) != 0;
}

/* A copy of the cell as text; *is_fine is false when there is no memory or the type is not ours. */
static char *
cell_text(const struct ArrowArray *array, const char *format, int64_t i, bool *is_fine)
{
    const uint8_t *validity = array->buffers[0];
    char *text = NULL;
    int len = 0;

    i += array->offset;
    if (array->null_count != 0 && validity != NULL && !bit_is_set(validity, i))
        return NULL;
    if (strcmp(format, "u") == 0) {
        const int32_t *offsets = array->buffers[1];

        text = strndup((const char *) array->buffers[2] + offsets[i],
                       (size_t) (offsets[i + 1] - offsets[i]));
    } else if (strcmp(format, "U") == 0) {
        const int64_t *offsets = array->buffers[1];

        text = strndup((const char *) array->buffers[2] + offsets[i],
                       (size_t) (offsets[i + 1] - offsets[i]));
    } else if (strcmp(format, "b") == 0) {
        text = strdup(bit_is_set(array->buffers[1], i) ? "true" : "false");
    } else if (strcmp(format, "i") == 0) {
        len = asprintf(&text, "%" PRId32, ((const int32_t *) array->buffers[1])[i]);
    } else if (strcmp(format, "l") == 0) {
        len = asprintf(&text, "%" PRId64, ((const int64_t *) array->buffers[1])[i]);
    }
    if (len < 0)
        text = NULL;
    *is_fine &= text != NULL;
    return text;
}

static bool
add_columns(CliRows *rows, const struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const char *format = schema->children[i]->format;
        CliColumnKind kind = strcmp(format, "b") == 0 ? CLI_COLUMN_BOOL
                             : strcmp(format, "i") == 0 || strcmp(format, "l") == 0
                                 ? CLI_COLUMN_NUMBER
                                 : CLI_COLUMN_TEXT;

        if (!cli_rows_add_column(rows, schema->children[i]->name, kind))
            return false;
    }
    return true;
}

static bool
add_batch(CliRows *rows, const struct ArrowSchema *schema, const struct ArrowArray *batch)
{
    bool is_fine = true;

    for (int64_t row = 0; row < batch->length && is_fine; row++) {
        char **cells = add_row(rows);

        if (cells == NULL)
            return false;
        for (int64_t i = 0; i < schema->n_children; i++)
            cells[i] = cell_text(batch->children[i], schema->children[i]->format,
                                 row + batch->offset, &is_fine);
    }
    return is_fine;
}

/* 0, or errno's number as the stream gives it. */
static int
read_batches(struct ArrowArrayStream *stream, CliRows *rows, bool *is_fine)
{
    struct ArrowSchema schema = { 0 };
    struct ArrowArray batch = { 0 };
    int failure = stream->get_schema(stream, &schema);

    if (failure != 0)
        return failure;
    *is_fine = add_columns(rows, &schema);
    while (*is_fine && (failure = stream->get_next(stream, &batch)) == 0 && batch.release != NULL) {
        *is_fine = add_batch(rows, &schema, &batch);
        batch.release(&batch);
        batch.release = NULL;
    }
    schema.release(&schema);
    return failure;
}

int
cli_rows_read(Cli *cli, InstantResult *result, CliRows *rows)
{
    struct ArrowArrayStream stream = { 0 };
    InstantError err = { 0 };
    bool is_fine = true;
    int code = CLI_EXIT_OK;

    *rows = (CliRows){ 0 };
    if (instant_result_stream(result, &stream, &err) != INSTANT_OK) {
        code = cli_report(cli, &err);
    } else {
        if (read_batches(&stream, rows, &is_fine) != 0) {
            instant_result_error(result, &err);
            if (err.status == INSTANT_OK)
                err.status = INSTANT_QUERY_FAILED;
            code = cli_report(cli, &err);
        } else if (!is_fine) {
            code = cli_io_error("out of memory");
        }
        stream.release(&stream);
    }
    if (code != CLI_EXIT_OK)
        cli_rows_done(rows);
    instant_result_free(result);
    return code;
}
