/*
 * options.c - which options postgres_fdw, mysql_fdw and libpq know, and under which name.
 *
 * Sources: PostgreSQL documentation F.38 (postgres_fdw) and 34.1.2 (libpq), README of
 * mysql_fdw 2.8. Our own wrappers' options are in options_adapter.c; any other's are taken as they
 * are.
 */
#include "config/reader.h"

#include <string.h>
#include <strings.h>

typedef enum ValueKind {
    VALUE_ANY,
    VALUE_BOOL,
    VALUE_PORT,
    VALUE_POSITIVE,
    VALUE_COST,
    VALUE_SSLMODE
} ValueKind;

typedef struct KnownOption {
    const char *name;
    unsigned levels; /* of OptionLevel */
    ValueKind value;
} KnownOption;

enum { MAX_OPTIONS = 500, MAX_WORDS = 96 };

#define SERVER_HUB (OPTION_SERVER | OPTION_HUB)
#define USER_HUB (OPTION_USER | OPTION_HUB)

static const KnownOption postgres_options[] = {
    /* libpq; postgres_fdw sets client_encoding and fallback_application_name itself */
    { "host", SERVER_HUB, VALUE_ANY },
    { "hostaddr", SERVER_HUB, VALUE_ANY },
    { "port", SERVER_HUB, VALUE_PORT },
    { "dbname", SERVER_HUB, VALUE_ANY },
    { "service", SERVER_HUB, VALUE_ANY },
    { "passfile", SERVER_HUB, VALUE_ANY },
    { "channel_binding", SERVER_HUB, VALUE_ANY },
    { "connect_timeout", SERVER_HUB, VALUE_ANY },
    { "options", SERVER_HUB, VALUE_ANY },
    { "application_name", SERVER_HUB, VALUE_ANY },
    { "keepalives", SERVER_HUB, VALUE_BOOL },
    { "keepalives_idle", SERVER_HUB, VALUE_ANY },
    { "keepalives_interval", SERVER_HUB, VALUE_ANY },
    { "keepalives_count", SERVER_HUB, VALUE_ANY },
    { "tcp_user_timeout", SERVER_HUB, VALUE_ANY },
    { "sslmode", SERVER_HUB, VALUE_SSLMODE },
    { "sslcompression", SERVER_HUB, VALUE_BOOL },
    { "sslrootcert", SERVER_HUB, VALUE_ANY },
    { "sslcrl", SERVER_HUB, VALUE_ANY },
    { "sslcrldir", SERVER_HUB, VALUE_ANY },
    { "sslsni", SERVER_HUB, VALUE_BOOL },
    { "sslcertmode", SERVER_HUB, VALUE_ANY },
    { "sslnegotiation", SERVER_HUB, VALUE_ANY },
    { "requirepeer", SERVER_HUB, VALUE_ANY },
    { "require_auth", SERVER_HUB, VALUE_ANY },
    { "ssl_min_protocol_version", SERVER_HUB, VALUE_ANY },
    { "ssl_max_protocol_version", SERVER_HUB, VALUE_ANY },
    { "min_protocol_version", SERVER_HUB, VALUE_ANY },
    { "max_protocol_version", SERVER_HUB, VALUE_ANY },
    { "gssencmode", SERVER_HUB, VALUE_ANY },
    { "krbsrvname", SERVER_HUB, VALUE_ANY },
    { "gsslib", SERVER_HUB, VALUE_ANY },
    { "gssdelegation", SERVER_HUB, VALUE_ANY },
    { "target_session_attrs", SERVER_HUB, VALUE_ANY },
    { "load_balance_hosts", SERVER_HUB, VALUE_ANY },
    { "sslcert", SERVER_HUB | OPTION_USER, VALUE_ANY },
    { "sslkey", SERVER_HUB | OPTION_USER, VALUE_ANY },
    { "sslpassword", USER_HUB, VALUE_ANY },
    { "user", USER_HUB, VALUE_ANY },
    { "password", USER_HUB, VALUE_ANY },
    { "password_required", OPTION_USER, VALUE_BOOL },
    { "use_scram_passthrough", OPTION_SERVER | OPTION_USER, VALUE_BOOL },
    /* postgres_fdw itself */
    { "use_remote_estimate", OPTION_SERVER | OPTION_TABLE, VALUE_BOOL },
    { "fetch_size", OPTION_SERVER | OPTION_TABLE, VALUE_POSITIVE },
    { "batch_size", OPTION_SERVER | OPTION_TABLE, VALUE_POSITIVE },
    { "updatable", OPTION_SERVER | OPTION_TABLE, VALUE_BOOL },
    { "truncatable", OPTION_SERVER | OPTION_TABLE, VALUE_BOOL },
    { "async_capable", OPTION_SERVER | OPTION_TABLE, VALUE_BOOL },
    { "analyze_sampling", OPTION_SERVER | OPTION_TABLE, VALUE_ANY },
    { "fdw_startup_cost", OPTION_SERVER, VALUE_COST },
    { "fdw_tuple_cost", OPTION_SERVER, VALUE_COST },
    { "extensions", OPTION_SERVER, VALUE_ANY },
    { "keep_connections", OPTION_SERVER, VALUE_BOOL },
    { "parallel_commit", OPTION_SERVER, VALUE_BOOL },
    { "parallel_abort", OPTION_SERVER, VALUE_BOOL },
    { "schema_name", OPTION_TABLE, VALUE_ANY },
    { "table_name", OPTION_TABLE, VALUE_ANY },
    { "column_name", OPTION_COLUMN, VALUE_ANY },
};

static const KnownOption mysql_options[] = {
    { "host", OPTION_SERVER, VALUE_ANY },
    { "port", OPTION_SERVER, VALUE_PORT },
    { "secure_auth", OPTION_SERVER, VALUE_BOOL },
    { "init_command", OPTION_SERVER, VALUE_ANY },
    { "use_remote_estimate", OPTION_SERVER, VALUE_BOOL },
    { "reconnect", OPTION_SERVER, VALUE_BOOL },
    { "sql_mode", OPTION_SERVER, VALUE_ANY },
    { "ssl_key", OPTION_SERVER, VALUE_ANY },
    { "ssl_cert", OPTION_SERVER, VALUE_ANY },
    { "ssl_ca", OPTION_SERVER, VALUE_ANY },
    { "ssl_capath", OPTION_SERVER, VALUE_ANY },
    { "ssl_cipher", OPTION_SERVER, VALUE_ANY },
    { "character_set", OPTION_SERVER, VALUE_ANY },
    { "fetch_size", OPTION_SERVER | OPTION_TABLE, VALUE_POSITIVE },
    { "username", OPTION_USER, VALUE_ANY },
    { "password", OPTION_USER, VALUE_ANY },
    { "dbname", OPTION_TABLE, VALUE_ANY },
    { "table_name", OPTION_TABLE, VALUE_ANY },
    { "max_blob_size", OPTION_TABLE, VALUE_POSITIVE },
    { "column_name", OPTION_COLUMN, VALUE_ANY },
};

typedef struct Dialect {
    const KnownOption *options;
    size_t count;
    const char *const (*aliases)[2]; /* as people write it, as the wrapper wants it */
    size_t alias_count;
} Dialect;

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *const postgres_aliases[][2] = {
    { "database", "dbname" },  { "username", "user" },      { "schema", "schema_name" },
    { "table", "table_name" }, { "column", "column_name" },
};

static const char *const mysql_aliases[][2] = {
    { "database", "dbname" },  { "user", "username" },      { "schema_name", "dbname" },
    { "table", "table_name" }, { "column", "column_name" },
};

static const Dialect postgres_dialect = { postgres_options, COUNT_OF(postgres_options),
                                          postgres_aliases, COUNT_OF(postgres_aliases) };
static const Dialect mysql_dialect = { mysql_options, COUNT_OF(mysql_options), mysql_aliases,
                                       COUNT_OF(mysql_aliases) };

static const Dialect *
find_dialect(const char *wrapper, OptionLevel level)
{
    if (level == OPTION_HUB || (wrapper != NULL && strcmp(wrapper, "postgres_fdw") == 0))
        return &postgres_dialect;
    return wrapper != NULL && strcmp(wrapper, "mysql_fdw") == 0 ? &mysql_dialect : NULL;
}

bool
idc_config_option_is_secret(const char *name)
{
    static const char *const parts[] = {
        "password",    "passwd",     "passphrase", "secret",           "token", "apikey", "api_key",
        "private_key", "access_key", "credential", "connection_string"
    };
    static const char *const words[] = { "pwd", "pass", "uri", "dsn" };

    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (strcasestr(name, parts[i]) != NULL)
            return true;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcasecmp(name, words[i]) == 0)
            return true;
    return false;
}

const char *
idc_options_get(const IdcConfigOptions *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->items[i].name, name) == 0)
            return options->items[i].value;
    return NULL;
}

void
idc_options_add(Reader *reader, IdcConfigOptions *options, IdcConfigOption option)
{
    IdcConfigOption *items;

    for (size_t i = 0; i < options->count; i++) {
        const IdcConfigOption *there = &options->items[i];

        if (strcmp(there->name, option.name) != 0)
            continue;
        if (strcmp(there->value, option.value) != 0)
            idc_problems_add(reader->problems, option.position,
                             "option \"%s\" has another value at %s:%d:%d",
                             idc_problems_shown(reader->problems, option.name),
                             there->position.file, there->position.line, there->position.column);
        return;
    }
    if (options->count == MAX_OPTIONS) {
        idc_problems_add(reader->problems, option.position, "found more than 500 options");
        return;
    }
    items = idc_reader_grow(reader, options->items, options->count, sizeof *items);
    if (items == NULL)
        return;
    items[options->count++] = option;
    options->items = items;
}

void
idc_options_append(Reader *reader, IdcConfigOptions *options, const IdcConfigOptions *more)
{
    for (size_t i = 0; i < more->count; i++)
        idc_options_add(reader, options, more->items[i]);
}

void
idc_options_remove(IdcConfigOptions *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++) {
        if (strcmp(options->items[i].name, name) != 0)
            continue;
        memmove(&options->items[i], &options->items[i + 1],
                (options->count - i - 1) * sizeof options->items[0]);
        options->count--;
        return;
    }
}

/* A mapping of texts, where a wrapper of ours takes JSON: {Accept: text/csv}. NULL: it is none. */
static const char *
json_of(Reader *reader, const IdcYamlNode *node, const char *name)
{
    IdcText text;
    const char *json;

    if (node->kind != IDC_YAML_MAP || !idc_adapter_option_takes_json(name))
        return NULL;
    idc_text_init(&text, 0);
    for (size_t i = 0; i < node->count; i++) {
        const IdcYamlPair *pair = &node->pairs[i];

        if (pair->value->kind != IDC_YAML_TEXT || pair->value->is_null) {
            idc_text_done(&text);
            return NULL;
        }
        idc_text_append(&text, i == 0 ? "{" : ", ");
        idc_text_append_json(&text, pair->key, strlen(pair->key));
        idc_text_append(&text, ": ");
        idc_text_append_json(&text, pair->value->text, strlen(pair->value->text));
    }
    idc_text_append(&text, node->count == 0 ? "{}" : "}");
    json = idc_reader_copy(reader, idc_text_string(&text), text.len);
    idc_text_done(&text);
    return json;
}

void
idc_options_gather(Reader *reader, const IdcYamlNode *node, const char *what, IdcConfigOptions *raw)
{
    if (!idc_reader_is_map(reader, node, what))
        return;
    for (size_t i = 0; i < node->count; i++) {
        const IdcYamlPair *pair = &node->pairs[i];
        const char *json = json_of(reader, pair->value, pair->key);

        if (json != NULL)
            idc_options_add(reader, raw, (IdcConfigOption){ pair->key, json, pair->key_position });
        else if (pair->value->kind != IDC_YAML_TEXT || pair->value->is_null)
            idc_problems_add(
                reader->problems, pair->value->position, "option \"%s\": found %s, expected text",
                idc_problems_shown(reader->problems, pair->key), idc_yaml_kind_name(pair->value));
        else
            idc_options_add(reader, raw,
                            (IdcConfigOption){ pair->key, pair->value->text, pair->key_position });
    }
}

/* ---- one option ---- */

static void
check_sslmode(Reader *reader, const IdcConfigOption *option)
{
    static const char *const modes[] = { "disable", "allow",     "prefer",
                                         "require", "verify-ca", "verify-full" };

    for (size_t i = 0; i < COUNT_OF(modes); i++)
        if (strcmp(modes[i], option->value) == 0)
            return;
    idc_problems_add_hint(reader->problems, option->position, option->value, modes, COUNT_OF(modes),
                          "option \"sslmode\": found \"%s\"",
                          idc_problems_shown(reader->problems, option->value));
}

static void
check_value(Reader *reader, const IdcConfigOption *option, ValueKind kind)
{
    const char *expected = NULL;
    int64_t number;
    bool truth;

    /* A variable that a source which is not enabled may lack. */
    if (strstr(option->value, "${") != NULL)
        return;
    if (kind == VALUE_SSLMODE)
        check_sslmode(reader, option);
    else if (kind == VALUE_BOOL && !idc_bool_parse(option->value, &truth))
        expected = "true or false";
    else if (kind == VALUE_PORT &&
             (!idc_int64_parse(option->value, &number) || number < 1 || number > UINT16_MAX))
        expected = "a port from 1 to 65535";
    else if (kind == VALUE_POSITIVE &&
             (!idc_int64_parse(option->value, &number) || number < 1 || number > INT32_MAX))
        expected = "a whole number from 1 to 2147483647";
    else if (kind == VALUE_COST &&
             (option->value[0] == '\0' ||
              strspn(option->value, "0123456789.eE+-") != strlen(option->value)))
        expected = "a number";
    if (expected != NULL)
        idc_problems_add(reader->problems, option->position, "option \"%s\": expected %s",
                         option->name, expected);
}

static const char *
level_name(unsigned levels)
{
    if (levels & OPTION_SERVER)
        return "the server's options";
    if (levels & OPTION_USER)
        return "the user mapping's options";
    return levels & OPTION_TABLE ? "a table's options" : "a column's options";
}

/* What may stand at a level although it ends up at another one. */
static unsigned
accepted_levels(const Dialect *dialect, OptionLevel level, const char *name)
{
    if (level != OPTION_SERVER)
        return level;
    if (dialect == &mysql_dialect && strcmp(name, "dbname") == 0)
        return OPTION_TABLE;
    return OPTION_SERVER | OPTION_USER;
}

static bool
is_accepted(const Dialect *dialect, OptionLevel level, const char *name)
{
    for (size_t i = 0; i < dialect->count; i++)
        if (strcmp(dialect->options[i].name, name) == 0)
            return (dialect->options[i].levels & accepted_levels(dialect, level, name)) != 0;
    return false;
}

static void
report_unknown(Reader *reader, const Dialect *dialect, const char *wrapper, OptionLevel level,
               const IdcConfigOption *option, unsigned elsewhere)
{
    const char *words[MAX_WORDS];
    const char *shown = idc_problems_shown(reader->problems, option->name);
    size_t count = 0;

    if (level != OPTION_HUB && (elsewhere & ~(unsigned) OPTION_HUB) != 0) {
        idc_problems_add(reader->problems, option->position,
                         "option \"%s\" of %s stands in %s, expected it in %s", shown,
                         idc_problems_shown(reader->problems, wrapper), level_name(level),
                         level_name(elsewhere));
        return;
    }
    for (size_t i = 0; i < dialect->count && count < MAX_WORDS; i++)
        if (is_accepted(dialect, level, dialect->options[i].name))
            words[count++] = dialect->options[i].name;
    for (size_t i = 0; i < dialect->alias_count && count < MAX_WORDS; i++)
        if (is_accepted(dialect, level, dialect->aliases[i][1]))
            words[count++] = dialect->aliases[i][0];
    idc_problems_add_hint(reader->problems, option->position, option->name, words, count,
                          "unknown option \"%s\" of %s", shown,
                          level == OPTION_HUB ? "a PostgreSQL connection"
                                              : idc_problems_shown(reader->problems, wrapper));
}

static void
accept_option(Reader *reader, const Dialect *dialect, const char *wrapper, OptionLevel level,
              IdcConfigOption option, IdcConfigOptions *options)
{
    unsigned elsewhere = 0;
    const char *name = option.name;

    for (size_t i = 0; i < dialect->alias_count; i++)
        if (strcmp(dialect->aliases[i][0], option.name) == 0)
            name = dialect->aliases[i][1];
    for (size_t i = 0; i < dialect->count; i++) {
        const KnownOption *known = &dialect->options[i];

        if (strcmp(known->name, name) != 0)
            continue;
        if (known->levels & accepted_levels(dialect, level, name)) {
            option.name = known->name;
            check_value(reader, &option, known->value);
            idc_options_add(reader, options, option);
            return;
        }
        elsewhere = known->levels;
    }
    report_unknown(reader, dialect, wrapper, level, &option, elsewhere);
}

/* What only tunes the wrapper that ours stands in for is checked, and left out. */
static void
check_left_out(Reader *reader, const char *wrapper, const IdcConfigOption *option)
{
    const Dialect *dialect = find_dialect(idc_kind_otherwise(wrapper), OPTION_SERVER);

    for (size_t i = 0; dialect != NULL && i < dialect->count; i++)
        if (strcmp(dialect->options[i].name, option->name) == 0)
            check_value(reader, option, dialect->options[i].value);
}

static void
accept_translated(Reader *reader, const IdcDeclaration *declaration, const char *wrapper,
                  OptionLevel level, IdcConfigOption option, IdcConfigOptions *options)
{
    if (idc_kind_translate(wrapper, level, &option) ||
        idc_adapter_option_knows(declaration, level, option.name))
        idc_adapter_option_accept(reader, declaration, level, option, options);
    else
        check_left_out(reader, wrapper, &option);
}

void
idc_options_accept(Reader *reader, const IdcConfigOptions *raw, const char *wrapper,
                   OptionLevel level, IdcConfigOptions *options)
{
    const Dialect *dialect = find_dialect(wrapper, level);
    const IdcDeclaration *declaration = level == OPTION_HUB ? NULL : idc_adapter_of(wrapper);

    for (size_t i = 0; i < raw->count; i++) {
        if (declaration != NULL)
            accept_translated(reader, declaration, wrapper, level, raw->items[i], options);
        else if (dialect != NULL)
            accept_option(reader, dialect, wrapper, level, raw->items[i], options);
        else if (idc_reader_check_name(reader, raw->items[i].name, raw->items[i].position,
                                       "option"))
            idc_options_add(reader, options, raw->items[i]);
    }
}

/* ---- the options of a source as a whole ---- */

static bool
is_user_option(const Dialect *dialect, const char *name)
{
    for (size_t i = 0; i < dialect->count; i++)
        if (strcmp(dialect->options[i].name, name) == 0)
            return (dialect->options[i].levels & (OPTION_SERVER | OPTION_USER)) == OPTION_USER;
    return false;
}

void
idc_options_settle(Reader *reader, IdcConfigSource *source)
{
    const Dialect *dialect = find_dialect(source->wrapper, OPTION_SERVER);
    IdcConfigOptions server = { NULL, 0 };

    source->database = idc_options_get(&source->server_options, "dbname");
    if (source->database == NULL)
        source->database = idc_options_get(&source->server_options, "database");
    if (idc_adapter_of(source->wrapper) != NULL)
        idc_adapter_options_settle(reader, source);
    if (dialect == NULL)
        return;
    for (size_t i = 0; i < source->server_options.count; i++) {
        const IdcConfigOption *option = &source->server_options.items[i];

        if (is_user_option(dialect, option->name))
            idc_options_add(reader, &source->user_options, *option);
        else if (dialect != &mysql_dialect || strcmp(option->name, "dbname") != 0)
            idc_options_add(reader, &server, *option);
    }
    source->server_options = server;
}
