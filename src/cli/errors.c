/*
 * errors.c - the table of exit codes, and errors as text.
 */
#include "cli/errors.h"
#include "cli/interrupt.h"

#include <stdarg.h>
#include <stdio.h>

/* Documented in docs/reference/cli.md and in instant(1). */
static const int exit_codes[] = {
    [INSTANT_OK] = CLI_EXIT_OK,
    [INSTANT_NO_MEMORY] = CLI_EXIT_FAILED,
    [INSTANT_BAD_VALUE] = CLI_EXIT_USAGE,
    [INSTANT_BAD_CONFIG] = CLI_EXIT_CONFIG,
    [INSTANT_NOT_FOUND] = CLI_EXIT_NOT_FOUND,
    [INSTANT_CONNECTION_FAILED] = CLI_EXIT_CONNECTION,
    [INSTANT_BAD_CREDENTIAL] = CLI_EXIT_CREDENTIAL,
    [INSTANT_SOURCE_FAILED] = CLI_EXIT_FAILED,
    [INSTANT_QUERY_FAILED] = CLI_EXIT_FAILED,
    [INSTANT_TIMEOUT] = CLI_EXIT_TIMEOUT,
    [INSTANT_CANCELED] = CLI_EXIT_CANCELED,
    [INSTANT_IO_FAILED] = CLI_EXIT_IO,
    [INSTANT_MISUSE] = CLI_EXIT_FAILED,
    [INSTANT_UNSUPPORTED] = CLI_EXIT_FAILED,
};

int
cli_exit_code(InstantStatus status)
{
    return (size_t) status < sizeof exit_codes / sizeof *exit_codes ? exit_codes[status]
                                                                    : CLI_EXIT_FAILED;
}

static void
print_field(const char *label, const char *text)
{
    if (text[0] != '\0')
        fprintf(stderr, "%s: %s\n", label, text);
}

int
cli_report(const Cli *cli, const InstantError *err)
{
    /* Who stops it knows why; somebody else did it otherwise, such as the hub's administrator. */
    if (err->status == INSTANT_OK ||
        (err->status == INSTANT_CANCELED && cli_interrupt_was_signalled(cli->interrupt)))
        return cli_exit_code(err->status);
    print_field("instant", err->message[0] != '\0' ? err->message : "failed");
    print_field("source", err->source);
    print_field("remote SQL", err->remote_sql);
    if (cli->verbosity > 0)
        print_field("SQLSTATE", err->sqlstate);
    print_field("hint", err->hint);
    return cli_exit_code(err->status);
}

int
cli_usage_error(const CliCommand *command, const char *format, ...)
{
    va_list args;

    fputs("instant: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    if (command != NULL)
        fprintf(stderr, "\nhint: instant %s --help\n", command->name);
    else
        fputs("\nhint: instant help\n", stderr);
    return CLI_EXIT_USAGE;
}

int
cli_io_error(const char *format, ...)
{
    va_list args;

    fputs("instant: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return CLI_EXIT_IO;
}
