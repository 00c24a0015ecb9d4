/*
 * rows.c - one door for the formats, and what all rows share: their cells, their count, errors.
 *
 * In:   pieces of a body
 * Out:  rows in a batch builder
 * Next: rows_json.c, rows_csv.c
 */
#include <inttypes.h>
#include <string.h>

#include "adapters/common/rows_parts.h"

static void
rows_done(void *memory)
{
    IdcRows *rows = memory;

    for (size_t i = 0; i < rows->options.capture_count; i++)
        idc_text_done(&rows->captured[i].text);
    idc_text_done(&rows->scratch);
    idc_rows_json_done(rows);
    idc_rows_csv_done(rows);
}

static bool
copy_text(IdcArena *arena, const char **text)
{
    return *text == NULL || (*text = idc_arena_strdup(arena, *text)) != NULL;
}

/* Options and columns, with copies of all that they point to. */
static bool
copy_options(IdcArena *arena, IdcRows *rows, const IdcRowsOptions *options,
             const IdcRowsColumn *columns)
{
    IdcRowsCapture *captures =
        idc_arena_alloc_array(arena, options->capture_count + 1, sizeof *captures);
    bool is_ok = captures != NULL;

    rows->options = *options;
    rows->options.capture_count = 0;
    rows->columns = idc_arena_alloc_array(arena, rows->column_count + 1, sizeof *rows->columns);
    rows->captured =
        idc_arena_alloc_array(arena, options->capture_count + 1, sizeof *rows->captured);
    if (!is_ok || rows->columns == NULL || rows->captured == NULL)
        return false;
    rows->options.captures = captures;
    rows->options.capture_count = options->capture_count;
    for (size_t i = 0; i < options->capture_count; i++) {
        captures[i] = options->captures[i];
        is_ok = is_ok && copy_text(arena, &captures[i].path);
    }
    for (size_t i = 0; i < rows->column_count; i++) {
        rows->columns[i] = columns[i];
        is_ok = is_ok && copy_text(arena, &rows->columns[i].name) &&
                copy_text(arena, &rows->columns[i].path);
    }
    return is_ok && copy_text(arena, &rows->options.path) &&
           copy_text(arena, &rows->options.csv.null_text);
}

IdcStatus
idc_rows_new(IdcArena *arena, const IdcRowsOptions *options, const IdcRowsColumn *columns,
             size_t column_count, IdcRows **rows, IdcError *err)
{
    IdcRows *made = idc_arena_alloc(arena, sizeof *made);
    IdcStatus status;

    if (made == NULL || idc_arena_on_free(arena, rows_done, made) != IDC_OK)
        return idc_fail_no_memory(err);
    made->column_count = column_count;
    if (!copy_options(arena, made, options, columns))
        return idc_fail_no_memory(err);
    if (made->options.max_row_bytes == 0)
        made->options.max_row_bytes = IDC_ROW_BYTES;
    if (made->options.max_depth <= 0)
        made->options.max_depth = IDC_JSON_DEPTH;
    if (made->options.max_depth > IDC_JSON_MAX_DEPTH)
        return idc_fail(err, IDC_BAD_VALUE, "a JSON document can be nested %d deep at most",
                        IDC_JSON_MAX_DEPTH);
    status = options->format == IDC_ROWS_CSV ? idc_rows_csv_init(arena, made, err)
                                             : idc_rows_json_init(arena, made, err);
    if (status != IDC_OK)
        return status;
    idc_rows_begin(made);
    *rows = made;
    return IDC_OK;
}

void
idc_rows_begin(IdcRows *rows)
{
    rows->row_count = rows->offset = 0;
    rows->is_broken = false;
    for (size_t i = 0; i < rows->options.capture_count; i++) {
        rows->captured[i].kind = IDC_JSON_MISSING;
        idc_text_clear(&rows->captured[i].text);
    }
    if (rows->options.format == IDC_ROWS_CSV)
        idc_rows_csv_begin(rows);
    else
        idc_rows_json_begin(rows);
}

IdcStatus
idc_rows_feed(IdcRows *rows, const char *bytes, size_t len, IdcBatchBuilder *builder,
              size_t *consumed, bool *is_full, IdcError *err)
{
    IdcStatus status;

    *consumed = len;
    *is_full = false;
    if (rows->is_broken)
        return idc_fail(err, IDC_MISUSE, "cannot read on in a document after an error");
    if (idc_rows_is_done(rows))
        return IDC_OK;
    if (rows->options.format == IDC_ROWS_CSV)
        status = idc_rows_csv_feed(rows, bytes, len, builder, consumed, is_full, err);
    else
        status = idc_rows_json_feed(rows, bytes, len, builder, consumed, is_full, err);
    rows->is_broken = status != IDC_OK;
    rows->offset += (int64_t) *consumed;
    return status;
}

IdcStatus
idc_rows_finish(IdcRows *rows, IdcBatchBuilder *builder, IdcError *err)
{
    IdcStatus status;

    if (rows->is_broken)
        return idc_fail(err, IDC_MISUSE, "cannot read on in a document after an error");
    if (idc_rows_is_done(rows))
        return IDC_OK;
    if (rows->options.format == IDC_ROWS_CSV)
        status = idc_rows_csv_finish(rows, builder, err);
    else
        status = idc_rows_json_finish(rows, builder, err);
    rows->is_broken = status != IDC_OK;
    return status;
}

bool
idc_rows_is_done(const IdcRows *rows)
{
    return rows->options.row_limit > 0 && rows->total_count >= rows->options.row_limit;
}

int64_t
idc_rows_count(const IdcRows *rows)
{
    return rows->row_count;
}

int64_t
idc_rows_duplicates(const IdcRows *rows)
{
    return rows->json.row.duplicates;
}

IdcRowsCaptured
idc_rows_captured(const IdcRows *rows, size_t i)
{
    const IdcRowsValue *value = &rows->captured[i];

    return (IdcRowsCaptured){ value->kind, idc_text_string(&value->text), value->text.len };
}

/* ---- rows ---- */

IdcStatus
idc_rows_begin_row(IdcRows *rows, IdcBatchBuilder *builder, IdcError *err)
{
    rows->row_count++;
    rows->total_count++;
    return idc_batch_begin_row(builder, err);
}

static IdcStatus
misfit_fail(const IdcRows *rows, size_t column, const IdcValueProblem *problem, IdcError *err)
{
    IdcArena *arena = idc_arena_new(0);
    const char *type = arena == NULL ? NULL : idc_type_name(arena, rows->columns[column].form.type);

    (void) idc_fail(err, IDC_SOURCE_FAILED,
                    "row %" PRId64 ", column \"%s\": the value does not fit type %s: %s",
                    rows->row_count, rows->columns[column].name, type == NULL ? "?" : type,
                    problem->reason);
    idc_error_set_sqlstate(err, problem->sqlstate);
    idc_arena_free(arena);
    return IDC_SOURCE_FAILED;
}

IdcStatus
idc_rows_settle(IdcRows *rows, IdcBatchBuilder *builder, size_t column, IdcFit fit,
                const IdcValueProblem *problem, IdcError *err)
{
    IdcColumn *to = &builder->columns[column];
    IdcStatus status = IDC_OK;

    switch (fit) {
    case IDC_FITS:
        return IDC_OK;
    case IDC_FITS_NULL:
        return idc_batch_append_other(builder, to, IDC_DECODED, err);
    case IDC_FITS_ARROW:
        return idc_batch_append_other(builder, to, IDC_DECODED_UNREPRESENTABLE, err);
    case IDC_FITS_NOT:
        if (rows->options.on_error_null) {
            if (rows->options.nulled != NULL)
                ++*rows->options.nulled;
            return idc_batch_append_other(builder, to, IDC_DECODED, err);
        }
        status = misfit_fail(rows, column, problem, err);
        break;
    case IDC_FITS_NO_MEMORY:
        status = idc_fail_no_memory(err);
    }
    builder->is_broken = true;
    return status;
}

void
idc_rows_end_row(IdcBatchBuilder *builder, int64_t text_bytes)
{
    builder->row_count++;
    builder->bytes += builder->row_bytes + text_bytes;
}
