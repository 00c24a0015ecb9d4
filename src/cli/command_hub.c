/*
 * command_hub.c - instant hub: the server that everything goes through.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/errors.h"
#include "cli/interrupt.h"
#include "cli/options.h"

static void
print_status(const InstantHubStatus *status)
{
    printf("hub        %s\n", status->is_embedded ? "embedded" : "external");
    printf("state      %s\n", status->is_running                       ? "running"
                              : status->is_embedded && !status->exists ? "not made yet"
                                                                       : "not running");
    if (status->server_version_num > 0)
        printf("server     PostgreSQL %d.%d\n", status->server_version_num / 10000,
               status->server_version_num % 10000);
    if (status->extension_version[0] != '\0')
        printf("extension  instant_fdw %s\n", status->extension_version);
    else if (status->is_running)
        printf("extension  none: results come by COPY\n");
    if (status->pid > 0)
        printf("pid        %lld\n", (long long) status->pid);
    if (status->directory[0] != '\0')
        printf("directory  %s\n", status->directory);
    if (status->log_file[0] != '\0')
        printf("log        %s\n", status->log_file);
    if (status->uri[0] != '\0')
        printf("uri        %s\n", status->uri);
}

static int
hub_status(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    bool is_uri_only = false;
    CliOption options[] = {
        { "uri", 0, CLI_OPTION_FLAG, &is_uri_only, NULL, "only what a libpq client connects with" },
    };
    InstantHubStatus status = { 0 };
    InstantError err = { 0 };
    const InstantOption *open_options;
    CliOperands operands;
    size_t count;
    int code;

    if (!cli_options_parse(cli, command, options, 1, argc, argv, 0, 0, &operands, &code))
        return code;
    open_options = cli_open_options(cli, &count);
    if (instant_hub_status(open_options, count, &status, &err) != INSTANT_OK)
        return cli_report(cli, &err);
    if (is_uri_only)
        printf("%s\n", status.uri);
    else
        print_status(&status);
    return CLI_EXIT_OK;
}

/* instant_hub_start, with the error printed. */
static int
start_hub(Cli *cli, InstantHubStatus *status)
{
    InstantError err = { 0 };
    size_t count;
    const InstantOption *open_options = cli_open_options(cli, &count);

    return instant_hub_start(open_options, count, status, &err) == INSTANT_OK
               ? CLI_EXIT_OK
               : cli_report(cli, &err);
}

static int
hub_start(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    InstantHubStatus status = { 0 };
    CliOperands operands;
    int code;

    if (!cli_options_parse(cli, command, NULL, 0, argc, argv, 0, 0, &operands, &code) ||
        (code = start_hub(cli, &status)) != CLI_EXIT_OK)
        return code;
    if (cli->verbosity >= 0)
        print_status(&status);
    return CLI_EXIT_OK;
}

static int
hub_stop(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    InstantError err = { 0 };
    const InstantOption *open_options;
    CliOperands operands;
    size_t count;
    int code;

    if (!cli_options_parse(cli, command, NULL, 0, argc, argv, 0, 0, &operands, &code))
        return code;
    open_options = cli_open_options(cli, &count);
    if (instant_hub_stop(open_options, count, &err) != INSTANT_OK)
        return cli_report(cli, &err);
    return CLI_EXIT_OK;
}

/* psql takes over this process, so that it has the terminal and our exit code is its own. */
static int
hub_psql(Cli *cli, int argc, char **argv)
{
    InstantHubStatus status = { 0 };
    char **arguments = calloc((size_t) argc + 3, sizeof *arguments);
    int code, reason;

    if (arguments == NULL)
        return cli_io_error("out of memory");
    if ((code = start_hub(cli, &status)) != CLI_EXIT_OK) {
        free(arguments);
        return code;
    }
    arguments[0] = "psql";
    arguments[1] = "-d";
    arguments[2] = cli->hub_url != NULL ? (char *) cli->hub_url : status.uri;
    for (int i = 1; i < argc; i++)
        arguments[i + 2] = argv[i];
    cli_interrupt_stop(cli->interrupt);
    cli->interrupt = NULL;
    (void) execvp("psql", arguments);
    reason = errno;
    code = cli_io_error("cannot run psql: %s", strerror(reason));
    if (reason == ENOENT)
        fputs("hint: it is in the package postgresql-client\n", stderr);
    free(arguments);
    return code;
}

static bool
is_confirmed(const InstantHubStatus *status)
{
    char answer[8] = "";

    fprintf(stderr, "remove the hub in \"%s\" and everything in it? [y/N] ", status->directory);
    return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static int
hub_destroy(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    bool is_sure = false;
    CliOption options[] = {
        { "yes", 'y', CLI_OPTION_FLAG, &is_sure, NULL, "do not ask" },
    };
    InstantHubStatus status = { 0 };
    InstantError err = { 0 };
    const InstantOption *open_options;
    CliOperands operands;
    size_t count;
    int code;

    if (!cli_options_parse(cli, command, options, 1, argc, argv, 0, 0, &operands, &code))
        return code;
    if (!is_sure && isatty(STDIN_FILENO) != 1)
        return cli_usage_error(command, "destroy removes the hub for good: say --yes");
    open_options = cli_open_options(cli, &count);
    if (!is_sure) {
        if (instant_hub_status(open_options, count, &status, &err) != INSTANT_OK)
            return cli_report(cli, &err);
        if (!is_confirmed(&status))
            return CLI_EXIT_FAILED;
    }
    if (instant_hub_destroy(open_options, count, &err) != INSTANT_OK)
        return cli_report(cli, &err);
    return CLI_EXIT_OK;
}

int
cli_hub(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(Cli *, const CliCommand *, int, char **);
    } verbs[] = { { "status", hub_status },
                  { "start", hub_start },
                  { "stop", hub_stop },
                  { "destroy", hub_destroy } };
    CliOperands operands;
    int code;

    /* All that follows the verb is psql's. */
    if (argc > 1 && strcmp(argv[1], "psql") == 0)
        return hub_psql(cli, argc - 1, argv + 1);
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(cli, command, argc - 1, argv + 1);
    if (!cli_options_parse(cli, command, NULL, 0, argc, argv, 1, 1, &operands, &code))
        return code;
    return cli_usage_error(command, "hub knows status, start, stop, psql and destroy, not \"%s\"",
                           operands.items[0]);
}
