/*
 * options.h - one table of options a command: read by getopt_long(3), printed by --help.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdint.h>

#include "cli/cli.h"

/* Texts in the order they were given; items is freed by cli_list_done, what it points to is argv's
 * or, after a split, the list's own (in storage). */
typedef struct CliList {
    const char **items;
    size_t count, capacity;
    char **storage;
    size_t storage_count;
} CliList;

typedef enum CliOptionKind {
    CLI_OPTION_FLAG,    /* bool */
    CLI_OPTION_TEXT,    /* const char * */
    CLI_OPTION_COUNT,   /* int64_t, not negative */
    CLI_OPTION_SECONDS, /* int64_t milliseconds, from seconds with a fraction */
    CLI_OPTION_LIST,    /* CliList, one item an option */
    CLI_OPTION_NAMES    /* CliList, items separated by commas, "in quotes" where they hold one */
} CliOptionKind;

typedef struct CliOption {
    const char *name;
    char letter; /* or 0 */
    CliOptionKind kind;
    void *value;
    const char *argument; /* its name in the help; NULL for a flag */
    const char *help;
} CliOption;

/* What is left when the options are read; points into argv. */
typedef struct CliOperands {
    char **items;
    int count;
} CliOperands;

/*
 * Read a command's options and the global ones (which may stand behind the command too). True when
 * the command should go on; otherwise *exit_code says how to end: help was asked for, or a mistake
 * was reported. Operands: at least least, at most most.
 */
bool cli_options_parse(Cli *cli, const CliCommand *command, const CliOption *options, size_t count,
                       int argc, char **argv, int least, int most, CliOperands *operands,
                       int *exit_code);

bool cli_list_add(CliList *list, const char *item);
void cli_list_done(CliList *list);

/* The global options that have no letter, as getopt_long numbers them; main.c reads them too. */
enum { CLI_LETTER_HUB = 2000, CLI_LETTER_HOME, CLI_LETTER_HELP, CLI_LETTER_VERSION };

/* Take a global option's value. False when it is none of them. */
bool cli_global_option(Cli *cli, int letter, const char *argument);

#endif
