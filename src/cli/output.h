/*
 * output.h - where an answer goes: stdout, or a file that appears only when it is whole.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "cli/cli.h"

/* path NULL: stdout. temporary: a file beside path, renamed onto it by cli_output_commit. */
typedef struct CliOutput {
    int fd;
    const char *path;
    char *temporary;
    CliInterrupt *interrupt;
} CliOutput;

/* CLI_EXIT_OK, or an exit code after the error was printed. */
int cli_output_open(CliOutput *output, Cli *cli, const char *path);
int cli_output_commit(CliOutput *output);

/* Removes the temporary file if it was not committed; always call it. */
void cli_output_close(CliOutput *output);

/* All of the bytes, or an exit code after the error was printed. */
int cli_output_write(CliOutput *output, const char *bytes, size_t len);

typedef enum CliFormat {
    CLI_FORMAT_TABLE,
    CLI_FORMAT_CSV,
    CLI_FORMAT_JSON,
    CLI_FORMAT_NDJSON,
    CLI_FORMAT_ARROW
} CliFormat;

/* The format called name (NULL: table). False after the error was printed. */
bool cli_format_parse(const CliCommand *command, const char *name, CliFormat *format);

/* The same for a command that has no Arrow output. */
bool cli_row_format_parse(const CliCommand *command, const char *name, CliFormat *format);

const char *cli_format_name(CliFormat format);

/* The whole result to the output, cut to the terminal's width when it is one; frees the result. */
int cli_output_result(CliOutput *output, Cli *cli, InstantResult *result, CliFormat format);

#endif
