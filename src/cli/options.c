/*
 * options.c - reading a table of options.
 */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"

enum { MAX_OPTIONS = 24, FIRST_OPTION = 1000 };

static const struct option global_options[] = {
    { "config", required_argument, NULL, 'c' },
    { "hub", required_argument, NULL, CLI_LETTER_HUB },
    { "home", required_argument, NULL, CLI_LETTER_HOME },
    { "verbose", no_argument, NULL, 'v' },
    { "quiet", no_argument, NULL, 'q' },
    { "help", no_argument, NULL, CLI_LETTER_HELP },
};

enum { GLOBAL_OPTION_COUNT = sizeof global_options / sizeof *global_options };

bool
cli_global_option(Cli *cli, int letter, const char *argument)
{
    switch (letter) {
    case 'c':
        cli->config_path = argument;
        return true;
    case CLI_LETTER_HUB:
        cli->hub_url = argument;
        return true;
    case CLI_LETTER_HOME:
        cli->home = argument;
        return true;
    case 'v':
        cli->verbosity = cli->verbosity < 1 ? 1 : 2;
        return true;
    case 'q':
        cli->verbosity = -1;
        return true;
    default:
        return false;
    }
}

/* ---- lists ---- */

bool
cli_list_add(CliList *list, const char *item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        const char **items = reallocarray(list->items, capacity, sizeof *items);

        if (items == NULL)
            return false;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    return true;
}

void
cli_list_done(CliList *list)
{
    for (size_t i = 0; i < list->storage_count; i++)
        free(list->storage[i]);
    free(list->storage);
    free(list->items);
    *list = (CliList){ 0 };
}

/* One name up to a comma, unquoted, written to out; where it ends. */
static const char *
split_name(const char *at, char **out)
{
    bool is_quoted = false;

    while (*at == ' ')
        at++;
    for (; *at != '\0' && (is_quoted || *at != ','); at++) {
        if (*at != '"')
            *(*out)++ = *at;
        else if (is_quoted && at[1] == '"')
            *(*out)++ = *at++;
        else
            is_quoted = !is_quoted;
    }
    *(*out)++ = '\0';
    return at;
}

/* a,"b,c",-d: the names go into one allocation of the list's own. */
static bool
split_names(CliList *list, const char *text)
{
    size_t size = strlen(text) * 2 + 2;
    char *copy = malloc(size), *out = copy;
    char **storage = reallocarray(list->storage, list->storage_count + 1, sizeof *storage);

    if (storage != NULL)
        list->storage = storage;
    if (copy == NULL || storage == NULL) {
        free(copy);
        return false;
    }
    storage[list->storage_count++] = copy;
    for (;;) {
        const char *name = out;

        text = split_name(text, &out);
        if (!cli_list_add(list, name))
            return false;
        if (*text == '\0')
            return true;
        text++;
    }
}

/* ---- values ---- */

static bool
parse_count(const char *text, int64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *value >= 0;
}

static bool
parse_seconds(const char *text, int64_t *milliseconds)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= 1e9))
        return false;
    *milliseconds = (int64_t) (seconds * 1000);
    return true;
}

/* True, or an exit code in *exit_code. */
static bool
take_value(const CliCommand *command, const CliOption *option, const char *argument, int *exit_code)
{
    bool is_fine = true, has_memory = true;

    switch (option->kind) {
    case CLI_OPTION_FLAG:
        *(bool *) option->value = true;
        break;
    case CLI_OPTION_TEXT:
        *(const char **) option->value = argument;
        break;
    case CLI_OPTION_COUNT:
        is_fine = parse_count(argument, option->value);
        break;
    case CLI_OPTION_SECONDS:
        is_fine = parse_seconds(argument, option->value);
        break;
    case CLI_OPTION_LIST:
        has_memory = cli_list_add(option->value, argument);
        break;
    case CLI_OPTION_NAMES:
        has_memory = split_names(option->value, argument);
        break;
    }
    if (!has_memory)
        *exit_code = cli_io_error("out of memory");
    else if (!is_fine)
        *exit_code = cli_usage_error(
            command, "--%s wants %s that is not negative, not \"%s\"", option->name,
            option->kind == CLI_OPTION_COUNT ? "a whole number" : "a number", argument);
    return is_fine && has_memory;
}

/* ---- help ---- */

static void
print_option(const CliOption *option)
{
    char label[64];

    (void) snprintf(label, sizeof label, "%s%s%s%s%s", option->letter != 0 ? "-" : "    ",
                    option->letter != 0 ? (char[]){ option->letter, ',', ' ', '\0' } : "",
                    option->letter != 0 ? "--" : "--", option->name,
                    option->argument != NULL ? " " : "");
    printf("  %s%-*s  %s\n", label, (int) (30 - strlen(label)),
           option->argument != NULL ? option->argument : "", option->help);
}

static void
print_help(const CliCommand *command, const CliOption *options, size_t count)
{
    printf("usage: instant %s%s%s%s\n\n%s\n", command->name, count > 0 ? " [OPTION…]" : "",
           command->operands[0] != '\0' ? " " : "", command->operands, command->summary);
    if (command->details[0] != '\0')
        printf("\n%s\n", command->details);
    if (count > 0)
        fputs("\noptions:\n", stdout);
    for (size_t i = 0; i < count; i++)
        print_option(&options[i]);
    if (command->examples[0] != '\0')
        printf("\nexamples:\n%s\n", command->examples);
    fputs("\nThe options of every command: instant help\n", stdout);
}

/* ---- reading ---- */

static size_t
build_table(const CliOption *options, size_t count, struct option *table, char *letters)
{
    size_t letter_count = 1;

    letters[0] = ':';
    for (size_t i = 0; i < count; i++) {
        bool has_argument = options[i].kind != CLI_OPTION_FLAG;

        table[i] = (struct option){ options[i].name, has_argument ? required_argument : no_argument,
                                    NULL, FIRST_OPTION + (int) i };
        if (options[i].letter != 0) {
            letters[letter_count++] = options[i].letter;
            if (has_argument)
                letters[letter_count++] = ':';
        }
    }
    memcpy(table + count, global_options, sizeof global_options);
    table[count + GLOBAL_OPTION_COUNT] = (struct option){ 0 };
    memcpy(letters + letter_count, "c:vqh", 6);
    return letter_count;
}

static const CliOption *
find_option(const CliOption *options, size_t count, int letter)
{
    if (letter >= FIRST_OPTION && letter < FIRST_OPTION + (int) count)
        return &options[letter - FIRST_OPTION];
    for (size_t i = 0; i < count; i++)
        if (options[i].letter != 0 && options[i].letter == letter)
            return &options[i];
    return NULL;
}

static int
fail_option(const CliCommand *command, int letter, char **argv)
{
    const char *given = optind > 1 ? argv[optind - 1] : "";

    if (letter == ':')
        return cli_usage_error(command, "option \"%s\" needs a value", given);
    if (optopt != 0 && optopt < 256 && given[0] == '-' && given[1] != '-')
        return cli_usage_error(command, "unknown option \"-%c\"", optopt);
    if (optopt >= 256)
        return cli_usage_error(command, "option \"%s\" takes no value", given);
    return cli_usage_error(command, "unknown option \"%s\"", given);
}

bool
cli_options_parse(Cli *cli, const CliCommand *command, const CliOption *options, size_t count,
                  int argc, char **argv, int least, int most, CliOperands *operands, int *exit_code)
{
    struct option table[MAX_OPTIONS + GLOBAL_OPTION_COUNT + 1];
    char letters[2 * MAX_OPTIONS + 16];
    int letter;

    (void) build_table(options, count, table, letters);
    optind = 0; /* glibc: start anew, with another argv */
    opterr = 0;
    while ((letter = getopt_long(argc, argv, letters, table, NULL)) != -1) {
        const CliOption *option = find_option(options, count, letter);

        if (option == NULL && (letter == CLI_LETTER_HELP || letter == 'h')) {
            print_help(command, options, count);
            *exit_code = CLI_EXIT_OK;
            return false;
        }
        if (option != NULL) {
            if (!take_value(command, option, optarg, exit_code))
                return false;
        } else if (!cli_global_option(cli, letter, optarg)) {
            *exit_code = fail_option(command, letter, argv);
            return false;
        }
    }
    operands->items = argv + optind;
    operands->count = argc - optind;
    if (operands->count < least)
        *exit_code = cli_usage_error(command, "%s needs %s", command->name, command->operands);
    else if (operands->count > most)
        *exit_code = cli_usage_error(command, "%s does not know what to do with \"%s\"",
                                     command->name, operands->items[most]);
    return operands->count >= least && operands->count <= most;
}
