/*
 * request.h - the options that load, query and explain share: where the answer goes and how.
 */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include "cli/options.h"
#include "cli/output.h"

/* --format, --output, --numeric, --timeout as given. */
typedef struct CliAnswer {
    const char *format_name, *path, *numeric;
    int64_t timeout_ms; /* negative: not given */
    CliFormat format;
    char timeout_text[24];
    InstantOption options[2];
    size_t option_count;
} CliAnswer;

#define CLI_ANSWER_INIT                                                                            \
    {                                                                                              \
        .timeout_ms = -1                                                                           \
    }

/* The four lines of a command's table of options; answer is a CliAnswer. */
/* clang-format off */
#define CLI_ANSWER_OPTIONS(answer)                                                              \
    { "format", 'F', CLI_OPTION_TEXT, &(answer).format_name, "FORMAT",                          \
      "table (default), csv, json, ndjson or arrow" },                                          \
    { "output", 'o', CLI_OPTION_TEXT, &(answer).path, "FILE",                                   \
      "write there, and only when all of it is there" },                                        \
    { "numeric", 0, CLI_OPTION_TEXT, &(answer).numeric, "HOW",                                  \
      "numeric as float64, decimal or string" },                                                \
    { "timeout", 0, CLI_OPTION_SECONDS, &(answer).timeout_ms, "SECONDS",                        \
      "give up after so long; 0: never" }
/* clang-format on */

/* Checks the names; false after the error was printed. Fills answer->options for the library. */
bool cli_answer_finish(CliAnswer *answer, const CliCommand *command);

/* The SQL of a command that takes one: the operand, - for stdin, or file. The text is the caller's;
 * NULL after the error was printed. */
char *cli_sql_read(const CliCommand *command, const CliOperands *operands, const char *file,
                   int *exit_code);

/*
 * --param VALUE or --param NAME=VALUE, by what the SQL asks for: NAME= is a name where the SQL
 * holds :NAME or %(NAME)s. All values are text, which the server reads as the type of their place.
 * Returns memory of the caller (parameters_free), NULL when there are none or out of memory (then
 * *is_fine is false).
 */
InstantParameter *cli_parameters_make(const CliList *list, const char *sql, bool *is_fine);
void cli_parameters_free(InstantParameter *parameters, size_t count);

#endif
