/*
 * rows_csv.c - records of CSV as rows.
 *
 * In:   records of csv.h
 * Out:  rows; columns are found by the header, or by position
 */
#include <inttypes.h>
#include <string.h>

#include "adapters/common/rows_parts.h"

/* Without a header: the position that path names, from 0; -1: it names none. */
static int64_t
position_of(const IdcRowsColumn *column, size_t i)
{
    int64_t number;

    if (column->path == NULL)
        return (int64_t) i;
    if (!idc_int64_parse(column->path, &number) || number < 1 || number > INT32_MAX)
        return -1;
    return number - 1;
}

IdcStatus
idc_rows_csv_init(IdcArena *arena, IdcRows *rows, IdcError *err)
{
    IdcRowsCsv *csv = &rows->csv;

    if (rows->options.path != NULL && *rows->options.path != '\0')
        return idc_fail(err, IDC_BAD_VALUE, "rows of CSV have no path");
    if (rows->options.capture_count > 0)
        return idc_fail(err, IDC_BAD_VALUE,
                        "nothing stands beside the rows of CSV: \"%s\" has no "
                        "meaning",
                        rows->options.captures[0].path);
    csv->positions = idc_arena_alloc_array(arena, rows->column_count + 1, sizeof *csv->positions);
    if (csv->positions == NULL)
        return idc_fail_no_memory(err);
    if (rows->options.csv.no_header)
        for (size_t i = 0; i < rows->column_count; i++) {
            csv->positions[i] = position_of(&rows->columns[i], i);
            if (csv->positions[i] < 0 && !idc_rows_is_absent(&rows->columns[i]))
                return idc_fail(err, IDC_BAD_VALUE,
                                "column \"%s\": path \"%s\" is no position, from 1, in a CSV "
                                "without header",
                                rows->columns[i].name, rows->columns[i].path);
        }
    rows->options.csv.max_record_bytes = rows->options.max_row_bytes;
    return idc_csv_new(&rows->options.csv, &csv->csv, err);
}

void
idc_rows_csv_done(IdcRows *rows)
{
    idc_csv_free(rows->csv.csv);
}

void
idc_rows_csv_begin(IdcRows *rows)
{
    idc_csv_reset(rows->csv.csv);
    rows->csv.has_width = false;
    rows->csv.has_header = rows->options.csv.no_header;
}

static IdcStatus
csv_fail(const IdcRows *rows, IdcStatus status, IdcError *err)
{
    idc_error_set_sqlstate(err, "22P04");
    (void) idc_add_context(err, "cannot read CSV at line %" PRId64, idc_csv_line(rows->csv.csv));
    return status;
}

static IdcStatus
find_column(IdcRows *rows, size_t i, const IdcCsvField *fields, size_t count, IdcError *err)
{
    const IdcRowsColumn *column = &rows->columns[i];
    const char *name = column->path == NULL ? column->name : column->path;
    size_t len = strlen(name);
    int64_t found = -1;

    rows->csv.positions[i] = -1;
    if (idc_rows_is_absent(column))
        return IDC_OK;
    for (size_t j = 0; j < count; j++) {
        if (fields[j].len != len || memcmp(fields[j].text, name, len) != 0)
            continue;
        if (found >= 0)
            return idc_fail(err, IDC_SOURCE_FAILED, "the header has \"%s\" twice", name);
        found = (int64_t) j;
    }
    if (found < 0)
        return idc_fail(err, IDC_SOURCE_FAILED, "the header has no \"%s\"", name);
    rows->csv.positions[i] = found;
    return IDC_OK;
}

static IdcStatus
read_header(IdcRows *rows, const IdcCsvField *fields, size_t count, IdcError *err)
{
    for (size_t i = 0; i < rows->column_count; i++) {
        IdcStatus status = find_column(rows, i, fields, count, err);

        if (status != IDC_OK)
            return csv_fail(rows, status, err);
    }
    rows->csv.has_header = true;
    return IDC_OK;
}

static bool
is_null(const IdcCsvOptions *options, const IdcCsvField *field)
{
    const char *text = options->null_text == NULL ? "" : options->null_text;

    return !field->is_quoted && field->len == strlen(text) &&
           memcmp(field->text, text, field->len) == 0;
}

static IdcStatus
append_record(IdcRows *rows, IdcBatchBuilder *builder, const IdcCsvField *fields, size_t count,
              IdcError *err)
{
    int64_t text_bytes = 0;
    IdcStatus status = idc_rows_begin_row(rows, builder, err);
    /* Fields lie one behind the other: so much can be read of them. */
    const char *end = fields[count - 1].text + fields[count - 1].len;

    for (size_t i = 0; i < rows->column_count && status == IDC_OK; i++) {
        IdcColumn *column = &builder->columns[i];
        size_t bytes_before = column->bytes_len;
        IdcValueProblem problem;
        IdcFit fit = IDC_FITS_NULL;

        if (rows->csv.positions[i] < 0) {
            status = idc_rows_settle(rows, builder, i, fit, &problem, err);
            continue;
        }
        if (rows->csv.positions[i] >= (int64_t) count) {
            status = idc_fail(err, IDC_SOURCE_FAILED,
                              "there is no field %" PRId64 " for column "
                              "\"%s\"",
                              rows->csv.positions[i] + 1, rows->columns[i].name);
            status = csv_fail(rows, status, err);
            break;
        }
        if (!is_null(&rows->options.csv, &fields[rows->csv.positions[i]])) {
            const IdcCsvField *field = &fields[rows->csv.positions[i]];

            fit = idc_value_append_text(&rows->columns[i].form, column, field->text, field->len,
                                        (size_t) (end - field->text), &rows->scratch, &problem);
        }
        if (fit != IDC_FITS)
            status = idc_rows_settle(rows, builder, i, fit, &problem, err);
        if (status == IDC_SOURCE_FAILED && fit == IDC_FITS_NOT)
            (void) idc_add_context(err, "line %" PRId64, idc_csv_line(rows->csv.csv));
        text_bytes += (int64_t) (column->bytes_len - bytes_before);
    }
    if (status != IDC_OK) {
        builder->is_broken = true;
        return status;
    }
    idc_rows_end_row(builder, text_bytes);
    return IDC_OK;
}

static IdcStatus
take_record(IdcRows *rows, IdcBatchBuilder *builder, const IdcCsvField *fields, size_t count,
            IdcError *err)
{
    IdcRowsCsv *csv = &rows->csv;

    if (!csv->has_width) {
        csv->has_width = true;
        csv->width = count;
    }
    if (count != csv->width) {
        IdcStatus status = idc_fail(err, IDC_SOURCE_FAILED,
                                    "%zu fields where the first record has %zu", count, csv->width);

        return csv_fail(rows, status, err);
    }
    if (!csv->has_header)
        return read_header(rows, fields, count, err);
    return append_record(rows, builder, fields, count, err);
}

IdcStatus
idc_rows_csv_feed(IdcRows *rows, const char *bytes, size_t len, IdcBatchBuilder *builder,
                  size_t *consumed, bool *is_full, IdcError *err)
{
    size_t at = 0;
    IdcStatus status = IDC_OK;

    while (at < len && status == IDC_OK && !idc_batch_is_full(builder)) {
        const IdcCsvField *fields;
        size_t used, count;

        status =
            idc_csv_next(rows->csv.csv, bytes + at, len - at, false, &used, &fields, &count, err);
        at += used;
        if (status == IDC_OK && fields != NULL)
            status = take_record(rows, builder, fields, count, err);
        if (idc_rows_is_done(rows))
            at = len;
    }
    *is_full = idc_batch_is_full(builder);
    *consumed = at;
    return status;
}

IdcStatus
idc_rows_csv_finish(IdcRows *rows, IdcBatchBuilder *builder, IdcError *err)
{
    const IdcCsvField *fields;
    size_t used, count;
    IdcStatus status = idc_csv_next(rows->csv.csv, "", 0, true, &used, &fields, &count, err);

    if (status == IDC_OK && fields != NULL)
        status = take_record(rows, builder, fields, count, err);
    return status;
}
