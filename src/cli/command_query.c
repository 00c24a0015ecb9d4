/*
 * command_query.c - instant query and instant explain: SQL of the user.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/interrupt.h"
#include "cli/print.h"
#include "cli/request.h"

/* The SQL and its parameters, as options and operands come to them. */
typedef struct Statement {
    const char *file;
    CliList given;
    char *sql;
    InstantParameter *parameters;
} Statement;

static bool
statement_read(Statement *statement, const CliCommand *command, const CliOperands *operands,
               int *exit_code)
{
    bool is_fine;

    statement->sql = cli_sql_read(command, operands, statement->file, exit_code);
    if (statement->sql == NULL)
        return false;
    statement->parameters = cli_parameters_make(&statement->given, statement->sql, &is_fine);
    if (!is_fine)
        *exit_code = CLI_EXIT_FAILED;
    return is_fine;
}

static void
statement_done(Statement *statement)
{
    cli_parameters_free(statement->parameters, statement->given.count);
    cli_list_done(&statement->given);
    free(statement->sql);
}

static int
run_query(Cli *cli, const Statement *statement, const CliAnswer *answer)
{
    InstantConnector *connector = NULL;
    InstantResult *result = NULL;
    InstantError err = { 0 };
    InstantStatus status;
    CliOutput output;
    int code = cli_connect(cli, &connector);

    if (code != CLI_EXIT_OK)
        return code;
    code = cli_output_open(&output, cli, answer->path);
    if (code == CLI_EXIT_OK) {
        cli_interrupt_watch_call(cli->interrupt, true);
        status =
            instant_query(connector, statement->sql, statement->parameters, statement->given.count,
                          answer->options, answer->option_count, cli->call, &result, &err);
        cli_interrupt_watch_call(cli->interrupt, false);
        code = status == INSTANT_OK ? cli_output_result(&output, cli, result, answer->format)
                                    : cli_report(cli, &err);
    }
    if (code == CLI_EXIT_OK)
        code = cli_output_commit(&output);
    cli_output_close(&output);
    instant_close(connector);
    return code;
}

int
cli_query(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    Statement statement = { 0 };
    CliAnswer answer = CLI_ANSWER_INIT;
    CliOption options[] = {
        { "file", 'f', CLI_OPTION_TEXT, &statement.file, "FILE", "read the SQL from there" },
        { "param", 'p', CLI_OPTION_LIST, &statement.given, "VALUE",
          "for $1, $2 … or %s, in order; NAME=VALUE for :NAME" },
        CLI_ANSWER_OPTIONS(answer),
    };
    CliOperands operands;
    int code;

    if (cli_options_parse(cli, command, options, sizeof options / sizeof *options, argc, argv, 0, 1,
                          &operands, &code)) {
        code = CLI_EXIT_USAGE;
        if (cli_answer_finish(&answer, command) &&
            statement_read(&statement, command, &operands, &code))
            code = run_query(cli, &statement, &answer);
    }
    statement_done(&statement);
    return code;
}

/* ---- explain ---- */

static void
print_piece(FILE *out, const CliRows *rows, size_t row)
{
    fprintf(out, "\n%s%s%s\n", cli_rows_text(rows, row, "server"),
            cli_rows_is_null(rows, row, "server") || cli_rows_is_null(rows, row, "relation") ? ""
                                                                                             : ": ",
            cli_rows_text(rows, row, "relation"));
    fprintf(out, "  runs     %s\n",
            cli_rows_is_null(rows, row, "remote_sql") ? "(its wrapper does not say)"
                                                      : cli_rows_text(rows, row, "remote_sql"));
    if (!cli_rows_is_null(rows, row, "local_filter"))
        fprintf(out, "  hub only %s\n", cli_rows_text(rows, row, "local_filter"));
}

static int
print_explained(Cli *cli, const CliRows *rows)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CliOutput output;
    int code;

    if (out == NULL)
        return cli_io_error("out of memory");
    for (size_t row = 0; row < rows->row_count; row++) {
        if (strcmp(cli_rows_text(rows, row, "kind"), "remote") == 0)
            print_piece(out, rows, row);
        else
            fprintf(out, "%s\n", cli_rows_text(rows, row, "line"));
    }
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

static int
run_explain(Cli *cli, const Statement *statement, bool is_analyzed, const char *format_name,
            CliFormat format)
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
    status = instant_explain(connector, statement->sql, statement->parameters,
                             statement->given.count, is_analyzed, cli->call, &result, &err);
    cli_interrupt_watch_call(cli->interrupt, false);
    code = status == INSTANT_OK ? cli_rows_read(cli, result, &rows) : cli_report(cli, &err);
    instant_close(connector);
    if (code != CLI_EXIT_OK)
        return code;
    if (format_name == NULL) {
        code = print_explained(cli, &rows);
    } else {
        code = cli_output_open(&output, cli, NULL);
        if (code == CLI_EXIT_OK)
            code = cli_print_rows(&output, &rows, format);
        cli_output_close(&output);
    }
    cli_rows_done(&rows);
    return code;
}

int
cli_explain(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    Statement statement = { 0 };
    const char *format_name = NULL;
    bool is_analyzed = false;
    CliOption options[] = {
        { "analyze", 'a', CLI_OPTION_FLAG, &is_analyzed, NULL, "run it too, and show the times" },
        { "file", 'f', CLI_OPTION_TEXT, &statement.file, "FILE", "read the SQL from there" },
        { "param", 'p', CLI_OPTION_LIST, &statement.given, "VALUE",
          "for $1, $2 … or %s, in order; NAME=VALUE for :NAME" },
        { "format", 'F', CLI_OPTION_TEXT, &format_name, "FORMAT",
          "as rows: table, csv, json, ndjson" },
    };
    CliOperands operands;
    CliFormat format;
    int code;

    if (cli_options_parse(cli, command, options, sizeof options / sizeof *options, argc, argv, 0, 1,
                          &operands, &code)) {
        code = CLI_EXIT_USAGE;
        if (cli_row_format_parse(command, format_name, &format) &&
            statement_read(&statement, command, &operands, &code))
            code = run_explain(cli, &statement, is_analyzed, format_name, format);
    }
    statement_done(&statement);
    return code;
}
