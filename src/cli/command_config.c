/*
 * command_config.c - instant config: check a file, print the schema.
 */
#include <stdio.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/options.h"
#include "cli/output.h"

static int
check_file(Cli *cli, const char *path)
{
    InstantOption option = { "config_path", path };
    InstantError err = { 0 };
    char *report = NULL;
    int code = CLI_EXIT_OK;

    if (instant_config_check(&option, 1, &report, &err) != INSTANT_OK) {
        code = cli_exit_code(err.status);
        if (report != NULL && report[0] != '\0')
            fprintf(stderr, "%s%s", report, report[strlen(report) - 1] == '\n' ? "" : "\n");
        else
            (void) cli_report(cli, &err);
    } else if (cli->verbosity >= 0) {
        printf("%s: ok\n", path);
    }
    instant_string_free(report);
    return code;
}

static int
print_schema(Cli *cli)
{
    const char *schema = instant_config_schema();
    size_t len = strlen(schema);
    CliOutput output;
    int code = cli_output_open(&output, cli, NULL);

    if (code == CLI_EXIT_OK)
        code = cli_output_write(&output, schema, len);
    if (code == CLI_EXIT_OK && (len == 0 || schema[len - 1] != '\n'))
        code = cli_output_write(&output, "\n", 1);
    cli_output_close(&output);
    return code;
}

int
cli_config(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    CliOperands operands;
    const char *path, *verb;
    int code;

    if (!cli_options_parse(cli, command, NULL, 0, argc, argv, 1, 2, &operands, &code))
        return code;
    verb = operands.items[0];
    if (strcmp(verb, "schema") == 0 && operands.count == 1)
        return print_schema(cli);
    if (strcmp(verb, "check") != 0)
        return cli_usage_error(command, "config knows \"check\" and \"schema\", not \"%s\"", verb);
    (void) cli_open_options(cli, &(size_t){ 0 }); /* finds the default file */
    path = operands.count == 2 ? operands.items[1] : cli->config_path;
    if (path == NULL)
        return cli_usage_error(command, "config check needs a file: none was named or found");
    return check_file(cli, path);
}
