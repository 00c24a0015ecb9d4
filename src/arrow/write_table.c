/*
 * write_table.c - rows as a table for people: aligned columns, a line under the names.
 *
 * In:   rows, from writer.c
 * Out:  lines; the widths are those of the first rows, later values that are wider push their line
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/write.h"

enum { MEASURED_ROWS = 1000 };

/* The first rows wait in cells (one NUL-terminated text after the other) until widths are known. */
typedef struct IdcTable {
    size_t *widths;
    IdcText cells;
    IdcText line;
    bool is_begun;
} IdcTable;

void
idc_table_free(IdcTable *table)
{
    if (table == NULL)
        return;
    free(table->widths);
    idc_text_done(&table->cells);
    idc_text_done(&table->line);
    free(table);
}

/* Text for one line of a terminal: control characters become visible, and so do nothing. */
static void
append_visible(IdcText *text, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) bytes[i];
        bool is_c1 = c == 0xC2 && i + 1 < len && (unsigned char) bytes[i + 1] < 0xA0;

        if (c == '\n')
            idc_text_append(text, "\\n");
        else if (c == '\r')
            idc_text_append(text, "\\r");
        else if (c == '\t')
            idc_text_append(text, "\\t");
        else if (c < 0x20 || c == 0x7F)
            idc_text_append_format(text, "\\x%02x", c);
        else if (is_c1)
            idc_text_append_format(text, "\\u%04x", (unsigned char) bytes[++i]);
        else
            idc_text_append_char(text, (char) c);
    }
}

static void
append_spaces(IdcText *text, size_t count)
{
    for (; count > 0; count--)
        idc_text_append_char(text, ' ');
}

static void
append_cell(IdcRowWriter *writer, int64_t column, const char *cell)
{
    IdcText *line = &writer->table->line;
    size_t len = strlen(cell), width = idc_text_width(cell, len);
    size_t wanted = writer->table->widths[column];
    size_t padding = width < wanted ? wanted - width : 0;
    bool is_right = idc_format_is_number(&writer->format.children[column]);
    bool is_last = column == writer->format.child_count - 1;

    idc_text_append(line, column == 0 ? " " : " | ");
    if (is_right)
        append_spaces(line, padding);
    idc_text_append_len(line, cell, len);
    if (!is_right && !is_last)
        append_spaces(line, padding);
}

/* The line goes out, cut where the terminal ends. */
static IdcStatus
line_end(IdcRowWriter *writer, IdcError *err)
{
    IdcText *line = &writer->table->line, *out = &writer->output.text;
    size_t max_width = writer->options.max_width > 0 ? (size_t) writer->options.max_width : 0;
    IdcStatus status = idc_text_check(line, err);

    if (status != IDC_OK)
        return status;
    while (line->len > 0 && line->data[line->len - 1] == ' ')
        line->len--;
    if (max_width > 0 && idc_text_width(line->data, line->len) > max_width) {
        idc_text_append_len(out, line->data,
                            idc_text_fitting(line->data, line->len, max_width - 1));
        idc_text_append(out, "…");
    } else {
        idc_text_append_len(out, line->data, line->len);
    }
    idc_text_append_char(out, '\n');
    idc_text_clear(line);
    return idc_output_flush(&writer->output, false, err);
}

/* The names and the line below them. */
static IdcStatus
head_write(IdcRowWriter *writer, IdcError *err)
{
    IdcText *line = &writer->table->line;
    IdcText name;
    IdcStatus status;

    idc_text_init(&name, 0);
    for (int64_t i = 0; i < writer->format.child_count; i++) {
        idc_text_clear(&name);
        append_visible(&name, writer->format.children[i].name,
                       strlen(writer->format.children[i].name));
        append_cell(writer, i, idc_text_string(&name));
    }
    status = idc_text_check(&name, err);
    idc_text_done(&name);
    if (status == IDC_OK)
        status = line_end(writer, err);
    for (int64_t i = 0; status == IDC_OK && i < writer->format.child_count; i++) {
        if (i > 0)
            idc_text_append_char(line, '+');
        for (size_t j = 0; j < writer->table->widths[i] + 2; j++)
            idc_text_append_char(line, '-');
    }
    return status == IDC_OK ? line_end(writer, err) : status;
}

/* What has waited goes out. */
static IdcStatus
table_begin(IdcRowWriter *writer, IdcError *err)
{
    IdcTable *table = writer->table;
    const char *cell = idc_text_string(&table->cells), *end = cell + table->cells.len;
    IdcStatus status = head_write(writer, err);

    table->is_begun = true;
    while (status == IDC_OK && cell < end) {
        for (int64_t i = 0; i < writer->format.child_count; i++) {
            append_cell(writer, i, cell);
            cell += strlen(cell) + 1;
        }
        status = line_end(writer, err);
    }
    idc_text_done(&table->cells);
    return status;
}

static void
cell_format(IdcRowWriter *writer, const struct ArrowArrayView *batch, int64_t row, int64_t column,
            IdcText *value, IdcText *cell)
{
    const struct ArrowArrayView *view = batch->children[column];

    idc_text_clear(cell);
    if (ArrowArrayViewIsNull(view, batch->offset + row)) {
        append_visible(cell, writer->options.null_text, strlen(writer->options.null_text));
        return;
    }
    idc_text_clear(value);
    idc_format_text(&writer->format.children[column], view, batch->offset + row, value);
    append_visible(cell, idc_text_string(value), idc_text_string_len(value));
    cell->is_broken = cell->is_broken || value->is_broken;
}

static IdcStatus
table_row(IdcRowWriter *writer, const struct ArrowArrayView *batch, int64_t row, IdcError *err)
{
    IdcTable *table = writer->table;
    IdcText value, cell;
    IdcStatus status = IDC_OK;

    if (!table->is_begun && writer->row_count >= MEASURED_ROWS)
        status = table_begin(writer, err);
    idc_text_init(&value, 0);
    idc_text_init(&cell, 0);
    for (int64_t i = 0; status == IDC_OK && i < writer->format.child_count; i++) {
        cell_format(writer, batch, row, i, &value, &cell);
        status = idc_text_check(&cell, err);
        if (status != IDC_OK)
            break;
        if (table->is_begun) {
            append_cell(writer, i, idc_text_string(&cell));
        } else {
            size_t width = idc_text_width(idc_text_string(&cell), idc_text_string_len(&cell));

            if (width > table->widths[i])
                table->widths[i] = width;
            idc_text_append_len(&table->cells, idc_text_string(&cell),
                                idc_text_string_len(&cell) + 1);
        }
    }
    idc_text_done(&value);
    idc_text_done(&cell);
    if (status != IDC_OK)
        return status;
    return table->is_begun ? line_end(writer, err) : idc_text_check(&table->cells, err);
}

static IdcStatus
table_end(IdcRowWriter *writer, IdcError *err)
{
    if (writer->table->is_begun || writer->format.child_count == 0)
        return IDC_OK;
    return table_begin(writer, err);
}

IdcStatus
idc_table_writer(IdcRowWriter *writer, IdcError *err)
{
    int64_t count = writer->format.child_count;
    IdcTable *table = calloc(1, sizeof *table);

    writer->table = table;
    if (table == NULL ||
        (table->widths = calloc((size_t) count + 1, sizeof *table->widths)) == NULL)
        return idc_fail_no_memory(err);
    for (int64_t i = 0; i < count; i++) {
        const char *name = writer->format.children[i].name;

        table->widths[i] = idc_text_width(name, strlen(name));
    }
    writer->row = table_row;
    writer->end = table_end;
    return IDC_OK;
}
