/*
 * command_load.c - instant load: rows of one table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/interrupt.h"
#include "cli/request.h"

/* What --filter, --columns and the rest come to. filters[i] is a copy of *parsed[i]. */
typedef struct Load {
    CliList filters, columns, order_by;
    int64_t limit, offset;
    bool is_sql_only;
    InstantFilter **parsed;
    InstantFilter *values;
    InstantTableRequest request;
} Load;

static void
load_done(Load *load)
{
    for (size_t i = 0; load->parsed != NULL && i < load->filters.count; i++)
        instant_filter_free(load->parsed[i]);
    free(load->parsed);
    free(load->values);
    cli_list_done(&load->filters);
    cli_list_done(&load->columns);
    cli_list_done(&load->order_by);
}

static int
build_request(Cli *cli, Load *load, const char *table)
{
    InstantError err = { 0 };

    load->parsed = calloc(load->filters.count + 1, sizeof *load->parsed);
    load->values = calloc(load->filters.count + 1, sizeof *load->values);
    if (load->parsed == NULL || load->values == NULL)
        return cli_io_error("out of memory");
    for (size_t i = 0; i < load->filters.count; i++) {
        if (instant_filter_parse(load->filters.items[i], &load->parsed[i], &err) != INSTANT_OK)
            return cli_report(cli, &err);
        load->values[i] = *load->parsed[i];
    }
    load->request = (InstantTableRequest){ .table = table,
                                           .filters = load->values,
                                           .filter_count = load->filters.count,
                                           .columns = load->columns.items,
                                           .column_count = load->columns.count,
                                           .order_by = load->order_by.items,
                                           .order_by_count = load->order_by.count,
                                           .limit = load->limit,
                                           .offset = load->offset };
    return CLI_EXIT_OK;
}

static int
print_sql(Cli *cli, InstantConnector *connector, const Load *load, CliOutput *output)
{
    InstantError err = { 0 };
    InstantStatus status;
    char *sql = NULL;
    int code;

    cli_interrupt_watch_call(cli->interrupt, true);
    status = instant_table_sql(connector, &load->request, cli->call, &sql, &err);
    cli_interrupt_watch_call(cli->interrupt, false);
    if (status != INSTANT_OK)
        return cli_report(cli, &err);
    code = cli_output_write(output, sql, strlen(sql));
    if (code == CLI_EXIT_OK)
        code = cli_output_write(output, ";\n", 2);
    instant_string_free(sql);
    return code;
}

static int
print_rows(Cli *cli, InstantConnector *connector, const Load *load, const CliAnswer *answer,
           CliOutput *output)
{
    InstantResult *result = NULL;
    InstantError err = { 0 };
    InstantStatus status;

    cli_interrupt_watch_call(cli->interrupt, true);
    status = instant_table(connector, &load->request, answer->options, answer->option_count,
                           cli->call, &result, &err);
    cli_interrupt_watch_call(cli->interrupt, false);
    if (status != INSTANT_OK)
        return cli_report(cli, &err);
    return cli_output_result(output, cli, result, answer->format);
}

static int
run_load(Cli *cli, Load *load, const CliAnswer *answer, const char *table)
{
    InstantConnector *connector = NULL;
    CliOutput output;
    int code = build_request(cli, load, table);

    if (code != CLI_EXIT_OK || (code = cli_connect(cli, &connector)) != CLI_EXIT_OK)
        return code;
    code = cli_output_open(&output, cli, answer->path);
    if (code == CLI_EXIT_OK)
        code = load->is_sql_only ? print_sql(cli, connector, load, &output)
                                 : print_rows(cli, connector, load, answer, &output);
    if (code == CLI_EXIT_OK)
        code = cli_output_commit(&output);
    cli_output_close(&output);
    instant_close(connector);
    return code;
}

int
cli_load(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    Load load = { .limit = -1, .offset = -1 };
    CliAnswer answer = CLI_ANSWER_INIT;
    CliOption options[] = {
        { "filter", 'w', CLI_OPTION_LIST, &load.filters, "CONDITION",
          "rows where this is so; several: all of them" },
        { "columns", 'C', CLI_OPTION_NAMES, &load.columns, "NAMES",
          "these only, separated by commas" },
        { "order-by", 'O', CLI_OPTION_NAMES, &load.order_by, "NAMES",
          "sort by these; -NAME descending" },
        { "limit", 'n', CLI_OPTION_COUNT, &load.limit, "ROWS", "so many rows at most" },
        { "offset", 0, CLI_OPTION_COUNT, &load.offset, "ROWS", "after leaving out so many" },
        CLI_ANSWER_OPTIONS(answer),
        { "sql", 0, CLI_OPTION_FLAG, &load.is_sql_only, NULL,
          "print the SQL instead of running it" },
    };
    CliOperands operands;
    int code = CLI_EXIT_USAGE;

    if (cli_options_parse(cli, command, options, sizeof options / sizeof *options, argc, argv, 1, 1,
                          &operands, &code)) {
        code = cli_answer_finish(&answer, command)
                   ? run_load(cli, &load, &answer, operands.items[0])
                   : CLI_EXIT_USAGE;
    }
    load_done(&load);
    return code;
}
