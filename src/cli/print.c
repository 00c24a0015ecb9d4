/*
 * print.c - small tables as text.
 */
#include "cli/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static int
text_width(const char *text)
{
    int width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char) *text & 0xC0) != 0x80;
    return width;
}

/* The cells of a line are " a | b": the same look as the library's own tables. */
static void
print_cell(FILE *out, const char *text, int width, bool is_right, bool is_last)
{
    int padding = width - text_width(text);

    fprintf(out, " %*s", is_right ? padding : 0, "");
    for (const char *at = text; *at != '\0'; at++)
        fputc(*at == '\n' || *at == '\t' || *at == '\r' ? ' ' : *at, out);
    if (!is_last)
        fprintf(out, "%*s |", is_right ? 0 : padding, "");
}

static const char *
cell_of(const CliRows *rows, size_t row, size_t column)
{
    const char *text = rows->cells[row * rows->column_count + column];

    return text != NULL ? text : "";
}

static bool
print_table(FILE *out, const CliRows *rows)
{
    size_t count = rows->column_count;
    int *widths = calloc(count + 1, sizeof *widths);

    if (widths == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        widths[i] = text_width(rows->columns[i].name);
        for (size_t row = 0; row < rows->row_count; row++) {
            int width = text_width(cell_of(rows, row, i));

            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    for (size_t i = 0; i < count; i++)
        print_cell(out, rows->columns[i].name, widths[i],
                   rows->columns[i].kind == CLI_COLUMN_NUMBER, i + 1 == count);
    fputc('\n', out);
    for (size_t i = 0; i < count; i++) {
        for (int j = 0; j < widths[i] + 2; j++)
            fputc('-', out);
        fputc(i + 1 == count ? '\n' : '+', out);
    }
    for (size_t row = 0; row < rows->row_count; row++) {
        for (size_t i = 0; i < count; i++)
            print_cell(out, cell_of(rows, row, i), widths[i],
                       rows->columns[i].kind == CLI_COLUMN_NUMBER, i + 1 == count);
        fputc('\n', out);
    }
    free(widths);
    return true;
}

static void
print_csv_field(FILE *out, const char *text, bool is_last)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, out);
    } else {
        fputc('"', out);
        for (; *text != '\0'; text++) {
            if (*text == '"')
                fputc('"', out);
            fputc(*text, out);
        }
        fputc('"', out);
    }
    fputs(is_last ? "\n" : ",", out);
}

static void
print_csv(FILE *out, const CliRows *rows)
{
    for (size_t i = 0; i < rows->column_count; i++)
        print_csv_field(out, rows->columns[i].name, i + 1 == rows->column_count);
    for (size_t row = 0; row < rows->row_count; row++)
        for (size_t i = 0; i < rows->column_count; i++)
            print_csv_field(out, cell_of(rows, row, i), i + 1 == rows->column_count);
}

static void
print_json_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char) *text;

        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", out);
        else if (c == '\t')
            fputs("\\t", out);
        else if (c < 0x20 || c == 0x7F)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void
print_json_row(FILE *out, const CliRows *rows, size_t row)
{
    fputc('{', out);
    for (size_t i = 0; i < rows->column_count; i++) {
        const char *text = rows->cells[row * rows->column_count + i];

        if (i > 0)
            fputc(',', out);
        print_json_text(out, rows->columns[i].name);
        fputc(':', out);
        if (text == NULL)
            fputs("null", out);
        else if (rows->columns[i].kind == CLI_COLUMN_TEXT)
            print_json_text(out, text);
        else
            fputs(text, out);
    }
    fputc('}', out);
}

static void
print_json(FILE *out, const CliRows *rows)
{
    fputc('[', out);
    for (size_t row = 0; row < rows->row_count; row++) {
        fputs(row > 0 ? ",\n" : "\n", out);
        print_json_row(out, rows, row);
    }
    fputs("\n]\n", out);
}

int
cli_print_rows(CliOutput *output, const CliRows *rows, CliFormat format)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    bool is_fine = out != NULL;
    int code;

    if (!is_fine)
        return cli_io_error("out of memory");
    if (format == CLI_FORMAT_TABLE)
        is_fine = print_table(out, rows);
    else if (format == CLI_FORMAT_CSV)
        print_csv(out, rows);
    else if (format == CLI_FORMAT_JSON)
        print_json(out, rows);
    else
        for (size_t row = 0; row < rows->row_count; row++) {
            print_json_row(out, rows, row);
            fputc('\n', out);
        }
    is_fine &= fclose(out) == 0;
    code = is_fine ? cli_output_write(output, text, len) : cli_io_error("out of memory");
    free(text);
    return code;
}
