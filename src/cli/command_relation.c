/*
 * command_relation.c - instant relation: what a query asks of our own sources, as text or as
 * the bytes that instant-source reads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/interrupt.h"
#include "cli/print.h"
#include "cli/request.h"

static const char relations_sql[] =
    "SELECT server, relation, encode(request, 'hex') AS request FROM instant.relations($1)";

static int
print_relations(Cli *cli, const CliRows *rows)
{
    CliOutput output;
    int code = cli_output_open(&output, cli, NULL);

    for (size_t row = 0; row < rows->row_count && code == CLI_EXIT_OK; row++) {
        const char *const words[] = { cli_rows_text(rows, row, "server"), ": ",
                                      cli_rows_text(rows, row, "relation"), "\n" };

        for (size_t i = 0; i < 4 && code == CLI_EXIT_OK; i++)
            code = cli_output_write(&output, words[i], strlen(words[i]));
    }
    cli_output_close(&output);
    return code;
}

static int
digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* hex: as PostgreSQL's encode prints it. In place. */
static size_t
bytes_of_hex(char *hex)
{
    size_t len = strlen(hex) / 2;

    for (size_t i = 0; i < len; i++)
        hex[i] = (char) (digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
    return len;
}

static int
write_request(Cli *cli, const CliRows *rows, const char *path)
{
    CliOutput output;
    char *bytes;
    int code;

    if (rows->row_count != 1)
        return cli_io_error(rows->row_count == 0
                                ? "the query asks none of our own sources: nothing to write"
                                : "the query asks more than once: write one query for each");
    bytes = strdup(cli_rows_text(rows, 0, "request"));
    if (bytes == NULL)
        return cli_io_error("out of memory");
    code = cli_output_open(&output, cli, strcmp(path, "-") == 0 ? NULL : path);
    if (code == CLI_EXIT_OK)
        code = cli_output_write(&output, bytes, bytes_of_hex(bytes));
    if (code == CLI_EXIT_OK)
        code = cli_output_commit(&output);
    cli_output_close(&output);
    free(bytes);
    return code;
}

static int
run_relation(Cli *cli, const char *sql, const char *path)
{
    InstantParameter parameter = { .value = {
                                       .kind = INSTANT_TEXT, .data = sql, .len = strlen(sql) } };
    InstantConnector *connector = NULL;
    InstantResult *result = NULL;
    InstantError err = { 0 };
    InstantStatus status;
    CliRows rows;
    int code = cli_connect(cli, &connector);

    if (code != CLI_EXIT_OK)
        return code;
    cli_interrupt_watch_call(cli->interrupt, true);
    status =
        instant_query(connector, relations_sql, &parameter, 1, NULL, 0, cli->call, &result, &err);
    cli_interrupt_watch_call(cli->interrupt, false);
    code = status == INSTANT_OK ? cli_rows_read(cli, result, &rows) : cli_report(cli, &err);
    instant_close(connector);
    if (code != CLI_EXIT_OK)
        return code;
    code = path == NULL ? print_relations(cli, &rows) : write_request(cli, &rows, path);
    cli_rows_done(&rows);
    return code;
}

int
cli_relation(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    const char *file = NULL, *path = NULL;
    CliOption options[] = {
        { "file", 'f', CLI_OPTION_TEXT, &file, "FILE", "read the SQL from there" },
        { "output", 'o', CLI_OPTION_TEXT, &path, "FILE",
          "write the bytes that instant-source reads; - for stdout" },
    };
    CliOperands operands;
    char *sql = NULL;
    int code;

    if (cli_options_parse(cli, command, options, sizeof options / sizeof *options, argc, argv, 0, 1,
                          &operands, &code)) {
        sql = cli_sql_read(command, &operands, file, &code);
        if (sql != NULL)
            code = run_relation(cli, sql, path);
    }
    free(sql);
    return code;
}
