/*
 * filter_arguments.c - the command line of instant-source.
 */
#include "source/filter.h"

#include <getopt.h>
#include <string.h>

const char idc_filter_usage[] =
    "usage: instant-source --adapter NAME [option ...] < relation > rows.arrows\n"
    "       instant-source --options NAME\n"
    "\n"
    "Answers a relation (see `instant relation`) as the hub's source process would, as an Arrow\n"
    "stream.\n"
    "\n"
    "  --adapter NAME            which adapter answers\n"
    "  --server-option NAME=VALUE\n"
    "                            as in CREATE SERVER; any number of times\n"
    "  --user-option NAME=VALUE  as in CREATE USER MAPPING; a secret only as env:VARIABLE or\n"
    "                            file:/path\n"
    "  --option-file FILE        lines \"option = value\" of both kinds; only you may read it\n"
    "  --credential-directory DIRECTORY\n"
    "                            where the user option \"credential\" finds its file\n"
    "  --cache-directory DIRECTORY\n"
    "                            where answers are kept; default: nowhere\n"
    "  --relation FILE           the relation; default: standard input\n"
    "  --values FILE             values of its parameters\n"
    "  --explain                 print the request that the source would get, and ask nothing\n"
    "  --print                   print the relation\n"
    "  --options NAME            print the options of an adapter, as Markdown\n"
    "  --help, --version\n";

IdcStatus
idc_filter_option_add(IdcFilterArguments *arguments, IdcOptionLevel level, const char *name,
                      const char *value, IdcError *err)
{
    bool is_user = level == IDC_OPTION_USER;
    IdcOptionPair *pairs = is_user ? arguments->user_options : arguments->server_options;
    size_t *count = is_user ? &arguments->user_option_count : &arguments->server_option_count;

    if (*count == IDC_FILTER_OPTIONS_MAX)
        return idc_fail(err, IDC_BAD_VALUE, "there are more than %d options",
                        IDC_FILTER_OPTIONS_MAX);
    pairs[*count] = (IdcOptionPair){ .name = name, .value = value };
    (*count)++;
    return IDC_OK;
}

static IdcStatus
add_pair(IdcFilterArguments *arguments, IdcOptionLevel level, char *text, IdcError *err)
{
    char *equals = strchr(text, '=');

    if (equals == NULL || equals == text)
        return idc_fail(err, IDC_BAD_VALUE, "\"%s\" is not NAME=VALUE", text);
    *equals = '\0';
    return idc_filter_option_add(arguments, level, text, equals + 1, err);
}

enum {
    ADAPTER = 256,
    SERVER_OPTION,
    USER_OPTION,
    OPTION_FILE,
    CREDENTIAL_DIRECTORY,
    CACHE_DIRECTORY,
    RELATION,
    VALUES,
    EXPLAIN,
    PRINT,
    OPTIONS,
    HELP,
    VERSION
};

static const struct option options[] = {
    { "adapter", required_argument, NULL, ADAPTER },
    { "server-option", required_argument, NULL, SERVER_OPTION },
    { "user-option", required_argument, NULL, USER_OPTION },
    { "option-file", required_argument, NULL, OPTION_FILE },
    { "credential-directory", required_argument, NULL, CREDENTIAL_DIRECTORY },
    { "cache-directory", required_argument, NULL, CACHE_DIRECTORY },
    { "relation", required_argument, NULL, RELATION },
    { "values", required_argument, NULL, VALUES },
    { "explain", no_argument, NULL, EXPLAIN },
    { "print", no_argument, NULL, PRINT },
    { "options", required_argument, NULL, OPTIONS },
    { "help", no_argument, NULL, HELP },
    { "version", no_argument, NULL, VERSION },
    { NULL, 0, NULL, 0 },
};

static IdcStatus
take(IdcFilterArguments *arguments, int option, const char *argument, IdcError *err)
{
    switch (option) {
    case ADAPTER:
        arguments->adapter = optarg;
        return IDC_OK;
    case SERVER_OPTION:
        return add_pair(arguments, IDC_OPTION_SERVER, optarg, err);
    case USER_OPTION:
        return add_pair(arguments, IDC_OPTION_USER, optarg, err);
    case OPTION_FILE:
        arguments->option_file = optarg;
        return IDC_OK;
    case CREDENTIAL_DIRECTORY:
        arguments->credential_directory = optarg;
        return IDC_OK;
    case CACHE_DIRECTORY:
        arguments->cache_directory = optarg;
        return IDC_OK;
    case RELATION:
        arguments->relation_file = optarg;
        return IDC_OK;
    case VALUES:
        arguments->values_file = optarg;
        return IDC_OK;
    case EXPLAIN:
        arguments->task = IDC_FILTER_EXPLAIN;
        return IDC_OK;
    case PRINT:
        arguments->task = IDC_FILTER_PRINT;
        return IDC_OK;
    case OPTIONS:
        arguments->task = IDC_FILTER_OPTIONS;
        arguments->adapter = optarg;
        return IDC_OK;
    case HELP:
        arguments->task = IDC_FILTER_HELP;
        return IDC_OK;
    case VERSION:
        arguments->task = IDC_FILTER_VERSION;
        return IDC_OK;
    case ':':
        return idc_fail(err, IDC_BAD_VALUE, "argument \"%s\" needs a value", argument);
    default:
        return idc_fail(err, IDC_BAD_VALUE, "there is no argument \"%s\"", argument);
    }
}

IdcStatus
idc_filter_arguments_read(int argc, char **argv, IdcFilterArguments *arguments, IdcError *err)
{
    IdcStatus status = IDC_OK;
    int option;

    *arguments = (IdcFilterArguments){ .task = IDC_FILTER_RUN };
    optind = 1;
    while (status == IDC_OK && (option = getopt_long(argc, argv, ":", options, NULL)) != -1)
        status = take(arguments, option, argv[optind - 1], err);
    if (status != IDC_OK || arguments->task == IDC_FILTER_HELP ||
        arguments->task == IDC_FILTER_VERSION)
        return status;
    if (optind < argc)
        return idc_fail(err, IDC_BAD_VALUE, "there is no argument \"%s\"", argv[optind]);
    if (arguments->adapter == NULL && arguments->task != IDC_FILTER_PRINT)
        return idc_fail(err, IDC_BAD_VALUE, "--adapter is missing");
    return IDC_OK;
}
