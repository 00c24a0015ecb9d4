/*
 * command_setup.c - instant setup: make the hub as the configuration says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/print.h"

static bool
is_note(const CliRows *rows, size_t row)
{
    return strcmp(cli_rows_text(rows, row, "action"), "note") == 0;
}

static bool
is_change(const CliRows *rows, size_t row)
{
    return strcmp(cli_rows_text(rows, row, "action"), "keep") != 0 && !is_note(rows, row);
}

/* A note says what is not quite as the file has it, and why. */
static size_t
print_notes(FILE *out, const CliRows *rows, bool is_plan)
{
    size_t count = 0;

    for (size_t row = 0; row < rows->row_count; row++) {
        if (!is_note(rows, row))
            continue;
        count++;
        fprintf(out, "%snote: %s\n", is_plan ? "-- " : "", cli_rows_text(rows, row, "ddl"));
    }
    return count;
}

/* The plan as SQL that could be run as it is, but for the masked secrets. */
static void
print_plan(FILE *out, const CliRows *rows)
{
    for (size_t row = 0; row < rows->row_count; row++) {
        const char *ddl = cli_rows_text(rows, row, "ddl");
        size_t len = strlen(ddl);

        if (!is_change(rows, row))
            continue;
        fprintf(out, "-- %s %s %s\n", cli_rows_text(rows, row, "action"),
                cli_rows_text(rows, row, "kind"), cli_rows_text(rows, row, "name"));
        fprintf(out, "%s%s\n", ddl, len > 0 && ddl[len - 1] == ';' ? "" : ";");
    }
}

static void
print_summary(FILE *out, const CliRows *rows, bool is_plan)
{
    size_t row_count = rows->row_count - print_notes(out, rows, is_plan);
    size_t change_count = 0;

    for (size_t row = 0; row < rows->row_count; row++) {
        if (!is_change(rows, row))
            continue;
        change_count++;
        if (!is_plan)
            fprintf(out, "%s %s %s\n", cli_rows_text(rows, row, "action"),
                    cli_rows_text(rows, row, "kind"), cli_rows_text(rows, row, "name"));
    }
    fprintf(out, "%s", is_plan ? "-- " : "");
    if (change_count == 0)
        fprintf(out, "nothing to change: %zu object%s as the configuration says\n", row_count,
                row_count == 1 ? " is" : "s are");
    else
        fprintf(out, "%zu change%s%s, %zu unchanged\n", change_count, change_count == 1 ? "" : "s",
                is_plan ? " to make" : "", row_count - change_count);
}

static int
print_changes(Cli *cli, const CliRows *rows, bool is_plan)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CliOutput output;
    int code;

    if (out == NULL)
        return cli_io_error("out of memory");
    if (is_plan)
        print_plan(out, rows);
    if (is_plan || cli->verbosity >= 0)
        print_summary(out, rows, is_plan);
    if (fclose(out) != 0) {
        free(text);
        return cli_io_error("out of memory");
    }
    code = cli_output_open(&output, cli, NULL);
    if (code == CLI_EXIT_OK)
        code = cli_output_write(&output, text, len);
    cli_output_close(&output);
    free(text);
    return code;
}

/* Who sets up nothing is in the wrong directory. */
static int
check_config(Cli *cli)
{
    size_t count;

    (void) cli_open_options(cli, &count);
    if (cli->config_path != NULL)
        return CLI_EXIT_OK;
    fputs("instant: there is no configuration to set up\n"
          "hint: name it with --config or $INSTANT_CONFIG, or make instant.yaml here\n",
          stderr);
    return CLI_EXIT_CONFIG;
}

/* Runs setup; the result's rows in rows. */
static int
run_setup(Cli *cli, const InstantOption *options, size_t option_count, CliRows *rows)
{
    InstantConnector *connector = NULL;
    InstantResult *result = NULL;
    InstantError err = { 0 };
    InstantStatus status;
    int code = check_config(cli);

    if (code == CLI_EXIT_OK)
        code = cli_connect(cli, &connector);

    if (code != CLI_EXIT_OK)
        return code;
    cli_interrupt_watch_call(cli->interrupt, true);
    status = instant_setup(connector, options, option_count, cli->call, &result, &err);
    cli_interrupt_watch_call(cli->interrupt, false);
    code = status == INSTANT_OK ? cli_rows_read(cli, result, rows) : cli_report(cli, &err);
    instant_close(connector);
    return code;
}

int
cli_setup(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    bool is_plan = false, is_forced = false, is_unchecked = false;
    const char *format_name = NULL;
    CliOption options[] = {
        { "plan", 0, CLI_OPTION_FLAG, &is_plan, NULL,
          "print the DDL, secrets masked; change nothing" },
        { "force-refresh", 0, CLI_OPTION_FLAG, &is_forced, NULL,
          "rebuild everything that setup made" },
        { "no-validate", 0, CLI_OPTION_FLAG, &is_unchecked, NULL,
          "do not connect to the sources first" },
        { "format", 0, CLI_OPTION_TEXT, &format_name, "FORMAT",
          "a row a change, as csv, json or ndjson" },
    };
    InstantOption setup_options[3];
    CliFormat format = CLI_FORMAT_TABLE;
    CliOperands operands;
    CliOutput output;
    CliRows rows;
    int code;

    if (!cli_options_parse(cli, command, options, sizeof options / sizeof *options, argc, argv, 0,
                           0, &operands, &code))
        return code;
    if (!cli_row_format_parse(command, format_name, &format))
        return CLI_EXIT_USAGE;
    setup_options[0] = (InstantOption){ "plan", is_plan ? "true" : "false" };
    setup_options[1] = (InstantOption){ "force_refresh", is_forced ? "true" : "false" };
    setup_options[2] = (InstantOption){ "validate", is_unchecked || is_plan ? "false" : "true" };
    if ((code = run_setup(cli, setup_options, 3, &rows)) != CLI_EXIT_OK)
        return code;
    if (format_name == NULL) {
        code = print_changes(cli, &rows, is_plan);
    } else {
        code = cli_output_open(&output, cli, NULL);
        if (code == CLI_EXIT_OK)
            code = cli_print_rows(&output, &rows, format);
        cli_output_close(&output);
    }
    cli_rows_done(&rows);
    return code;
}
