/*
 * command_health.c - instant health: connect to the hub and to every source.
 */
#include <string.h>

#include "cli/errors.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/print.h"

static bool
is_all_healthy(const CliRows *rows)
{
    for (size_t row = 0; row < rows->row_count; row++)
        if (strcmp(cli_rows_text(rows, row, "healthy"), "true") != 0)
            return false;
    return true;
}

static int
run_health(Cli *cli, CliFormat format)
{
    InstantConnector *connector = NULL;
    InstantResult *result = NULL;
    InstantError err = { 0 };
    InstantStatus status;
    CliOutput output;
    CliRows rows;
    int code = cli_connect(cli, &connector);

    if (code != CLI_EXIT_OK)
        return code;
    cli_interrupt_watch_call(cli->interrupt, true);
    status = instant_health(connector, cli->call, &result, &err);
    cli_interrupt_watch_call(cli->interrupt, false);
    code = status == INSTANT_OK ? cli_rows_read(cli, result, &rows) : cli_report(cli, &err);
    instant_close(connector);
    if (code != CLI_EXIT_OK)
        return code;
    code = cli_output_open(&output, cli, NULL);
    if (code == CLI_EXIT_OK)
        code = cli_print_rows(&output, &rows, format);
    cli_output_close(&output);
    if (code == CLI_EXIT_OK && !is_all_healthy(&rows))
        code = CLI_EXIT_FAILED;
    cli_rows_done(&rows);
    return code;
}

int
cli_health(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    const char *format_name = NULL;
    CliOption options[] = {
        { "format", 'F', CLI_OPTION_TEXT, &format_name, "FORMAT",
          "table (default), csv, json, ndjson" },
    };
    CliOperands operands;
    CliFormat format;
    int code;

    if (!cli_options_parse(cli, command, options, sizeof options / sizeof *options, argc, argv, 0,
                           0, &operands, &code))
        return code;
    if (!cli_row_format_parse(command, format_name, &format))
        return CLI_EXIT_USAGE;
    return run_health(cli, format);
}
