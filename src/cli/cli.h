/*
 * cli.h - what every command of `instant` is given, and the table of commands.
 *
 * In:   argv
 * Out:  a call of include/instant/instant.h, its answer on stdout, an exit code
 *
 * main.c reads the global options and finds the command; command_*.c are the commands, one function
 * each; options.c, output.c, rows.c, print.c, errors.c and interrupt.c are what they share.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "instant/instant.h"

typedef struct CliInterrupt CliInterrupt;

enum { CLI_MAX_OPEN_OPTIONS = 8 };

/* Global options, and what can be interrupted. */
typedef struct Cli {
    const char *config_path; /* NULL: no file was named or found */
    const char *hub_url;
    const char *home;
    int verbosity; /* -1 quiet, 0, 1 info, 2 debug */
    InstantOption open_options[CLI_MAX_OPEN_OPTIONS];
    InstantCall *call;
    CliInterrupt *interrupt;
} Cli;

typedef struct CliCommand {
    const char *name;
    const char *operands; /* after the options in the usage line */
    const char *summary;  /* one line of `instant help` */
    const char *details;  /* paragraphs of `instant NAME --help`; may be "" */
    const char *examples; /* lines, each an example */
    int (*run)(Cli *cli, const struct CliCommand *command, int argc, char **argv);
} CliCommand;

/* The options that instant_open and the hub's calls take; *count is how many. */
const InstantOption *cli_open_options(Cli *cli, size_t *count);

/* instant_open with the global options; the error is already printed when it fails. */
int cli_connect(Cli *cli, InstantConnector **connector);

int cli_setup(Cli *cli, const CliCommand *command, int argc, char **argv);
int cli_tables(Cli *cli, const CliCommand *command, int argc, char **argv);
int cli_describe(Cli *cli, const CliCommand *command, int argc, char **argv);
int cli_load(Cli *cli, const CliCommand *command, int argc, char **argv);
int cli_query(Cli *cli, const CliCommand *command, int argc, char **argv);
int cli_explain(Cli *cli, const CliCommand *command, int argc, char **argv);
int cli_relation(Cli *cli, const CliCommand *command, int argc, char **argv);
int cli_health(Cli *cli, const CliCommand *command, int argc, char **argv);
int cli_config(Cli *cli, const CliCommand *command, int argc, char **argv);
int cli_hub(Cli *cli, const CliCommand *command, int argc, char **argv);

#endif
