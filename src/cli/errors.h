/*
 * errors.h - how `instant` ends, and how it says what went wrong.
 */
#ifndef CLI_ERRORS_H
#define CLI_ERRORS_H

#include "cli/cli.h"

enum {
    CLI_EXIT_OK = 0,
    CLI_EXIT_FAILED = 1,
    CLI_EXIT_USAGE = 2,
    CLI_EXIT_CONFIG = 3,
    CLI_EXIT_NOT_FOUND = 4,
    CLI_EXIT_CONNECTION = 5,
    CLI_EXIT_CREDENTIAL = 6,
    CLI_EXIT_TIMEOUT = 7,
    CLI_EXIT_IO = 8,
    CLI_EXIT_CANCELED = 130
};

int cli_exit_code(InstantStatus status);

/* Print err on stderr (nothing when it is a cancel) and return its exit code. */
int cli_report(const Cli *cli, const InstantError *err);

/* A mistake on the command line: one sentence on stderr, and where the help is. Returns
 * CLI_EXIT_USAGE. */
int cli_usage_error(const CliCommand *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What this program itself could not do with a file. Returns CLI_EXIT_IO. */
int cli_io_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
