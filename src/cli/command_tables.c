/*
 * command_tables.c - instant tables and instant describe: what can be loaded.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/print.h"

/* A row a column of every table, or of one. */
static int
read_tables(Cli *cli, const char *table, CliRows *rows)
{
    InstantConnector *connector = NULL;
    InstantResult *result = NULL;
    InstantError err = { 0 };
    InstantStatus status;
    int code = cli_connect(cli, &connector);

    if (code != CLI_EXIT_OK)
        return code;
    cli_interrupt_watch_call(cli->interrupt, true);
    status = instant_tables(connector, table, cli->call, &result, &err);
    cli_interrupt_watch_call(cli->interrupt, false);
    code = status == INSTANT_OK ? cli_rows_read(cli, result, rows) : cli_report(cli, &err);
    instant_close(connector);
    return code;
}

static int
print_and_free(Cli *cli, CliRows *rows, CliFormat format, const char *path)
{
    CliOutput output;
    int code = cli_output_open(&output, cli, path);

    if (code == CLI_EXIT_OK)
        code = cli_print_rows(&output, rows, format);
    if (code == CLI_EXIT_OK)
        code = cli_output_commit(&output);
    cli_output_close(&output);
    cli_rows_done(rows);
    return code;
}

static bool
is_same_table(const CliRows *rows, size_t a, size_t b)
{
    return strcmp(cli_rows_text(rows, a, "table_name"), cli_rows_text(rows, b, "table_name")) ==
               0 &&
           strcmp(cli_rows_text(rows, a, "schema_name"), cli_rows_text(rows, b, "schema_name")) ==
               0;
}

static bool
add_table(CliRows *tables, const CliRows *rows, size_t row, size_t column_count)
{
    char remote[256], count[24];
    const char *schema = cli_rows_text(rows, row, "remote_schema");
    const char *name = cli_rows_text(rows, row, "remote_name");
    const char *estimate = cli_rows_text(rows, row, "estimated_rows");
    const char *comment = cli_rows_text(rows, row, "table_comment");

    (void) snprintf(remote, sizeof remote, "%s%s%s", schema, schema[0] != '\0' ? "." : "", name);
    (void) snprintf(count, sizeof count, "%zu", column_count);
    return cli_rows_add(tables, (const char *[]){ cli_rows_text(rows, row, "table_name"),
                                                  cli_rows_text(rows, row, "source"),
                                                  cli_rows_text(rows, row, "wrapper"), remote,
                                                  count, estimate[0] != '\0' ? estimate : NULL,
                                                  comment[0] != '\0' ? comment : NULL });
}

/* One row a table out of a row a column, which come in order. */
static bool
group_tables(const CliRows *rows, CliRows *tables)
{
    static const struct {
        const char *name;
        CliColumnKind kind;
    } columns[] = { { "table", CLI_COLUMN_TEXT },     { "source", CLI_COLUMN_TEXT },
                    { "wrapper", CLI_COLUMN_TEXT },   { "remote", CLI_COLUMN_TEXT },
                    { "columns", CLI_COLUMN_NUMBER }, { "estimated_rows", CLI_COLUMN_NUMBER },
                    { "comment", CLI_COLUMN_TEXT } };

    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (!cli_rows_add_column(tables, columns[i].name, columns[i].kind))
            return false;
    for (size_t row = 0, next; row < rows->row_count; row = next) {
        next = row + 1;
        while (next < rows->row_count && is_same_table(rows, row, next))
            next++;
        if (!add_table(tables, rows, row, next - row))
            return false;
    }
    return true;
}

int
cli_tables(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    const char *format_name = NULL, *path = NULL;
    CliOption options[] = {
        { "format", 'F', CLI_OPTION_TEXT, &format_name, "FORMAT",
          "table (default), csv, json, ndjson" },
        { "output", 'o', CLI_OPTION_TEXT, &path, "FILE", "write there instead of to stdout" },
    };
    CliRows rows, tables = { 0 };
    CliOperands operands;
    CliFormat format;
    int code;

    if (!cli_options_parse(cli, command, options, sizeof options / sizeof *options, argc, argv, 0,
                           0, &operands, &code))
        return code;
    if (!cli_row_format_parse(command, format_name, &format))
        return CLI_EXIT_USAGE;
    if ((code = read_tables(cli, NULL, &rows)) != CLI_EXIT_OK)
        return code;
    if (!group_tables(&rows, &tables))
        code = cli_io_error("out of memory");
    else if (tables.row_count == 0 && format_name == NULL && cli->verbosity >= 0)
        fputs("instant: there are no tables yet\nhint: instant setup\n", stderr);
    cli_rows_done(&rows);
    if (code == CLI_EXIT_OK)
        return print_and_free(cli, &tables, format, path);
    cli_rows_done(&tables);
    return code;
}

static bool
list_columns(const CliRows *rows, CliRows *columns)
{
    static const char *const names[] = { "column", "type", "not_null", "default", "comment" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!cli_rows_add_column(columns, names[i], i == 2 ? CLI_COLUMN_BOOL : CLI_COLUMN_TEXT))
            return false;
    for (size_t row = 0; row < rows->row_count; row++) {
        const char *standard = cli_rows_text(rows, row, "column_default");
        const char *comment = cli_rows_text(rows, row, "column_comment");
        const char *cells[] = { cli_rows_text(rows, row, "column_name"),
                                cli_rows_text(rows, row, "type"),
                                cli_rows_text(rows, row, "not_null"),
                                standard[0] != '\0' ? standard : NULL,
                                comment[0] != '\0' ? comment : NULL };

        if (!cli_rows_add(columns, cells))
            return false;
    }
    return true;
}

/* On stderr, so that the table itself stays fit for a pipe. */
static void
print_heading(const Cli *cli, const CliRows *rows)
{
    const char *estimate, *schema;

    if (rows->row_count == 0 || cli->verbosity < 0)
        return;
    estimate = cli_rows_text(rows, 0, "estimated_rows");
    schema = cli_rows_text(rows, 0, "remote_schema"); /* an API or a file has none */
    fprintf(stderr, "%s: %s%s%s of source %s (%s)", cli_rows_text(rows, 0, "table_name"), schema,
            schema[0] != '\0' ? "." : "", cli_rows_text(rows, 0, "remote_name"),
            cli_rows_text(rows, 0, "source"), cli_rows_text(rows, 0, "wrapper"));
    if (estimate[0] != '\0')
        fprintf(stderr, ", about %s rows", estimate);
    fputc('\n', stderr);
}

int
cli_describe(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    const char *format_name = NULL, *path = NULL;
    CliOption options[] = {
        { "format", 'F', CLI_OPTION_TEXT, &format_name, "FORMAT",
          "table (default), csv, json, ndjson" },
        { "output", 'o', CLI_OPTION_TEXT, &path, "FILE", "write there instead of to stdout" },
    };
    CliRows rows, columns = { 0 };
    CliOperands operands;
    CliFormat format;
    int code;

    if (!cli_options_parse(cli, command, options, sizeof options / sizeof *options, argc, argv, 1,
                           1, &operands, &code))
        return code;
    if (!cli_row_format_parse(command, format_name, &format))
        return CLI_EXIT_USAGE;
    if ((code = read_tables(cli, operands.items[0], &rows)) != CLI_EXIT_OK)
        return code;
    if (!list_columns(&rows, &columns))
        code = cli_io_error("out of memory");
    else if (format_name == NULL && path == NULL)
        print_heading(cli, &rows);
    cli_rows_done(&rows);
    if (code == CLI_EXIT_OK)
        return print_and_free(cli, &columns, format, path);
    cli_rows_done(&columns);
    return code;
}
