/*
 * main.c - the command `instant`: global options, then the command that they are for.
 */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/errors.h"
#include "cli/interrupt.h"
#include "cli/options.h"

static int cli_help(Cli *cli, const CliCommand *command, int argc, char **argv);
static int cli_version(Cli *cli, const CliCommand *command, int argc, char **argv);

static const CliCommand commands[] = {
    { "setup", "", "make the hub as the configuration says, in one transaction",
      "Servers, user mappings and tables are compared with the hub, and only the difference is "
      "applied.\n"
      "Every source is connected to first. Nothing is changed when anything is wrong.",
      "  instant setup\n"
      "  instant setup --plan                      # the DDL, without running it\n"
      "  instant -c config/sources.yaml setup --no-validate",
      cli_setup },
    { "tables", "", "list the tables that can be loaded", "",
      "  instant tables\n"
      "  instant tables --format json | jq '.[].table'",
      cli_tables },
    { "describe", "TABLE", "list the columns of a table", "",
      "  instant describe flights\n"
      "  instant describe flights --format csv",
      cli_describe },
    { "load", "TABLE", "load rows of one table",
      "A CONDITION is a column, an operator (= != > >= < <= between in not in like ilike is null, "
      "is\n"
      "not null) and a value: a number, true, false, null, a word, or 'text in quotes'. Columns "
      "and\n"
      "rows are chosen by the source wherever its wrapper can.",
      "  instant load flights --limit 5\n"
      "  instant load flights --filter 'dep_delay > 60' --filter \"origin in (JFK, LGA)\"\n"
      "  instant load flights --columns origin,dest --order-by=-distance --format csv -o far.csv\n"
      "  instant load weather --filter 'time_hour between 2013-01-01 and 2013-01-31' --format "
      "ndjson",
      cli_load },
    { "query", "SQL | -", "run SQL that may join every source",
      "SQL is an operand, - for stdin, or a file. Values belong into parameters, not into the "
      "text.",
      "  instant query 'SELECT origin, count(*) FROM flights GROUP BY 1'\n"
      "  instant query 'SELECT * FROM flights WHERE dest = $1 AND distance > $2' -p LAX -p 1000\n"
      "  instant query 'SELECT * FROM planes WHERE year < :year' -p year=1970\n"
      "  instant query -f report.sql --format arrow -o report.arrows",
      cli_query },
    { "explain", "SQL | -", "show what each source would be asked",
      "The hub's plan, and below it the statement that each source runs and the conditions that "
      "only\n"
      "the hub can check.",
      "  instant explain 'SELECT * FROM flights WHERE month = 1'\n"
      "  instant explain --analyze -f report.sql",
      cli_explain },
    { "relation", "SQL | -", "show what a query asks of our own sources",
      "The relation that each of them is sent: columns, predicates, order, limit. Nothing is "
      "asked.",
      "  instant relation 'SELECT title FROM posts WHERE id = 7'\n"
      "  instant relation 'SELECT title FROM posts WHERE id = 7' -o posts.relation\n"
      "  instant-source --adapter rest --server-option base_url=https://api.example.com \\\n"
      "      < posts.relation > posts.arrows",
      cli_relation },
    { "health", "", "connect to the hub and to every source, in parallel",
      "The exit code is 1 when one of them is not healthy.",
      "  instant health\n"
      "  instant health --format json",
      cli_health },
    { "config", "check [FILE] | schema", "check a configuration, or print its JSON Schema",
      "check reports every mistake with file, line and column.",
      "  instant config check config/sources.yaml\n"
      "  instant config schema > instant.schema.json",
      cli_config },
    { "hub", "status [--uri] | start | stop | psql [ARGUMENT…] | destroy [--yes]",
      "look after the hub",
      "Without another one named, the hub is a private PostgreSQL under $INSTANT_HOME. It starts "
      "by\n"
      "itself when it is needed.",
      "  instant hub status\n"
      "  psql \"$(instant hub status --uri)\"\n"
      "  instant hub psql -c 'SELECT version()'\n"
      "  instant hub destroy --yes",
      cli_hub },
    { "version", "", "print the version", "", "", cli_version },
    { "help", "[COMMAND]", "print this, or the help of a command", "", "", cli_help },
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static const CliCommand *
find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* Letters of one that the other has in the same order; a slip leaves most of them. */
static size_t
common_letters(const char *given, const char *name)
{
    size_t count = 0;

    for (; *given != '\0'; given++) {
        const char *at = strchr(name, *given);

        if (at != NULL) {
            count++;
            name = at + 1;
        }
    }
    return count;
}

static int
fail_unknown_command(const char *given)
{
    const char *nearest = NULL;
    size_t len = strlen(given);

    for (size_t i = 0; i < COMMAND_COUNT && nearest == NULL; i++) {
        size_t name_len = strlen(commands[i].name);

        if (common_letters(given, commands[i].name) + 1 >= (len > name_len ? len : name_len) &&
            len > 2)
            nearest = commands[i].name;
    }
    if (nearest == NULL)
        return cli_usage_error(NULL, "there is no command \"%s\"", given);
    return cli_usage_error(NULL, "there is no command \"%s\": did you mean \"%s\"?", given,
                           nearest);
}

static void
print_overview(FILE *out)
{
    fputs("usage: instant [OPTION…] COMMAND [ARGUMENT…]\n\n"
          "Query PostgreSQL, MySQL and other sources as tables of one database.\n\n"
          "commands:\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\noptions, before or after the command:\n"
          "  -c, --config FILE  the configuration ($INSTANT_CONFIG, else instant.yaml or\n"
          "                     config/instant.yaml of this directory)\n"
          "      --hub URL      a hub of your own, postgresql://…\n"
          "      --home DIR     where the embedded hub is ($INSTANT_HOME)\n"
          "  -v, --verbose      log to stderr; twice: more\n"
          "  -q, --quiet        errors only\n"
          "      --help         help of the command\n"
          "\nexamples:\n"
          "  instant -c sources.yaml setup\n"
          "  instant tables\n"
          "  instant load flights --filter 'dep_delay > 60' --limit 10\n"
          "\nExit codes: 0 done, 1 the query or a source failed, 2 usage, 3 configuration, 4 not "
          "found,\n"
          "5 connection, 6 credential, 7 timeout, 8 files, 130 interrupted. More: man instant\n",
          out);
}

static int
cli_help(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    CliOperands operands;
    const CliCommand *wanted;
    char *help[] = { "instant", "--help", NULL };
    int code;

    if (!cli_options_parse(cli, command, NULL, 0, argc, argv, 0, 1, &operands, &code))
        return code;
    if (operands.count == 0) {
        print_overview(stdout);
        return CLI_EXIT_OK;
    }
    wanted = find_command(operands.items[0]);
    if (wanted == NULL)
        return fail_unknown_command(operands.items[0]);
    return wanted->run(cli, wanted, 2, help);
}

static int
cli_version(Cli *cli, const CliCommand *command, int argc, char **argv)
{
    CliOperands operands;
    int code;

    if (!cli_options_parse(cli, command, NULL, 0, argc, argv, 0, 0, &operands, &code))
        return code;
    printf("instant %s\n", instant_version());
    return CLI_EXIT_OK;
}

/* ---- what commands share ---- */

static const char *
default_config(void)
{
    static const char *const places[] = { "instant.yaml", "config/instant.yaml" };
    const char *named = getenv("INSTANT_CONFIG");

    if (named != NULL && named[0] != '\0')
        return named;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

const InstantOption *
cli_open_options(Cli *cli, size_t *count)
{
    *count = 0;
    if (cli->config_path == NULL)
        cli->config_path = default_config();
    if (cli->config_path != NULL)
        cli->open_options[(*count)++] = (InstantOption){ "config_path", cli->config_path };
    if (cli->hub_url != NULL)
        cli->open_options[(*count)++] = (InstantOption){ "hub_url", cli->hub_url };
    if (cli->home != NULL)
        cli->open_options[(*count)++] = (InstantOption){ "home", cli->home };
    return cli->open_options;
}

static void
print_log_line(void *host, InstantLogLevel level, const char *line)
{
    static const char *const names[] = { "debug", "info", "warning", "error" };
    static const InstantLogLevel least[] = { INSTANT_ERROR, INSTANT_WARNING, INSTANT_INFO,
                                             INSTANT_DEBUG };
    const Cli *cli = host;

    if (level >= least[cli->verbosity + 1])
        fprintf(stderr, "instant: %s: %s\n", names[level], line);
}

int
cli_connect(Cli *cli, InstantConnector **connector)
{
    InstantError err = { 0 };
    size_t count;
    const InstantOption *options = cli_open_options(cli, &count);

    if (instant_open(options, count, print_log_line, cli, connector, &err) != INSTANT_OK)
        return cli_report(cli, &err);
    return CLI_EXIT_OK;
}

/* ---- start ---- */

/* The global options before the command; the index of the command in argv, or an exit code below 0.
 */
static int
parse_globals(Cli *cli, int argc, char **argv, int *exit_code)
{
    static const struct option table[] = {
        { "config", required_argument, NULL, 'c' },
        { "hub", required_argument, NULL, CLI_LETTER_HUB },
        { "home", required_argument, NULL, CLI_LETTER_HOME },
        { "verbose", no_argument, NULL, 'v' },
        { "quiet", no_argument, NULL, 'q' },
        { "help", no_argument, NULL, CLI_LETTER_HELP },
        { "version", no_argument, NULL, CLI_LETTER_VERSION },
        { 0 },
    };
    int letter;

    opterr = 0;
    while ((letter = getopt_long(argc, argv, "+:c:vqhV", table, NULL)) != -1) {
        if (letter == CLI_LETTER_HELP || letter == 'h') {
            print_overview(stdout);
            *exit_code = CLI_EXIT_OK;
            return -1;
        } else if (letter == CLI_LETTER_VERSION || letter == 'V') {
            printf("instant %s\n", instant_version());
            *exit_code = CLI_EXIT_OK;
            return -1;
        } else if (!cli_global_option(cli, letter, optarg)) {
            *exit_code = cli_usage_error(
                NULL, letter == ':' ? "option \"%s\" needs a value" : "unknown option \"%s\"",
                argv[optind - 1]);
            return -1;
        }
    }
    return optind;
}

static int
run(Cli *cli, int argc, char **argv)
{
    const CliCommand *command;
    int code = CLI_EXIT_OK, first = parse_globals(cli, argc, argv, &code);

    if (first < 0)
        return code;
    if (first >= argc) {
        print_overview(stderr);
        return CLI_EXIT_USAGE;
    }
    command = find_command(argv[first]);
    if (command == NULL)
        return fail_unknown_command(argv[first]);
    return command->run(cli, command, argc - first, argv + first);
}

int
main(int argc, char **argv)
{
    Cli cli = { 0 };
    int code;

    (void) setlocale(LC_CTYPE, "");
    /* A reader that went away (| head) ends us without a word, whatever our parent had set. */
    (void) signal(SIGPIPE, SIG_DFL);
    cli.call = instant_call_new();
    if (cli.call == NULL)
        return cli_io_error("out of memory or file descriptors");
    cli.interrupt = cli_interrupt_start(cli.call);
    code = run(&cli, argc, argv);
    if (fflush(stdout) != 0 && code == CLI_EXIT_OK)
        code = cli_io_error("cannot write the output");
    cli_interrupt_stop(cli.interrupt);
    instant_call_free(cli.call);
    return code;
}
