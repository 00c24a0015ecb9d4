/*
 * health.c - what is wrong with a source, in words that say what to do.
 *
 * In:   the error of a wrapper, or two types
 * Out:  a sentence and an SQLSTATE
 * Next: validate_report.c
 */
#include "setup/model.h"

#include <stdio.h>
#include <string.h>

/* ---- errors ---- */

typedef enum Trouble {
    TROUBLE_OTHER,
    TROUBLE_NAME,
    TROUBLE_REFUSED,
    TROUBLE_UNREACHABLE,
    TROUBLE_PASSWORD,
    TROUBLE_TLS,
    TROUBLE_DATABASE,
    TROUBLE_TIMEOUT
} Trouble;

/* Words of libpq, PostgreSQL, libmariadb and libmysqlclient; the first that is found decides. */
static const struct {
    const char *words;
    Trouble trouble;
} signs[] = {
    { "could not translate host name", TROUBLE_NAME },
    { "Unknown MySQL server host", TROUBLE_NAME },
    { "Unknown server host", TROUBLE_NAME },
    { "password authentication failed", TROUBLE_PASSWORD },
    { "Access denied for user", TROUBLE_PASSWORD },
    { "no password supplied", TROUBLE_PASSWORD },
    { "password is required", TROUBLE_PASSWORD },
    { "Password required", TROUBLE_PASSWORD },
    { "authentication failed", TROUBLE_PASSWORD },
    { "no pg_hba.conf entry", TROUBLE_PASSWORD },
    { "invalid response to SSL negotiation", TROUBLE_OTHER },
    { "SSL", TROUBLE_TLS },
    { "TLS", TROUBLE_TLS },
    { "certificate", TROUBLE_TLS },
    { "Unknown database", TROUBLE_DATABASE },
    { "has no database", TROUBLE_DATABASE },
    { "FATAL:  database \"", TROUBLE_DATABASE },
    { "timeout expired", TROUBLE_TIMEOUT },
    { "timed out", TROUBLE_TIMEOUT },
    { "(110)", TROUBLE_TIMEOUT },
    { "Connection refused", TROUBLE_REFUSED },
    { "(111)", TROUBLE_REFUSED },
    { "No route to host", TROUBLE_UNREACHABLE },
    { "unreachable", TROUBLE_UNREACHABLE },
    { "Can't connect to", TROUBLE_UNREACHABLE },
};

static Trouble
trouble_of(const IdcError *err)
{
    if (strcmp(err->sqlstate, "28P01") == 0 || strcmp(err->sqlstate, "28000") == 0)
        return TROUBLE_PASSWORD;
    if (strcmp(err->sqlstate, "3D000") == 0)
        return TROUBLE_DATABASE;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (strstr(err->message, signs[i].words) != NULL)
            return signs[i].trouble;
    return TROUBLE_OTHER;
}

const char *
idc_source_option(const IdcConfigOptions *options, const char *name, const char *otherwise)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->items[i].name, name) == 0)
            return options->items[i].value;
    return otherwise;
}

const char *
idc_health_user(const IdcConfigSource *source)
{
    return idc_source_option(&source->user_options, "user",
                             idc_source_option(&source->user_options, "username", ""));
}

const char *
idc_source_port(const IdcConfigSource *source)
{
    return idc_source_option(&source->server_options, "port",
                             idc_wrapper_is_mysql(source->wrapper) ? "3306" : "5432");
}

/*
 * MySQL's clients say "can't connect (115)" for a closed port and a dead machine alike. Where the
 * hub is on this machine a knock of our own tells them apart; the wrapper has resolved the name
 * already.
 */
static Trouble
knock(const IdcConfigSource *source)
{
    switch (idc_knock(NULL, source, false, 1000)) {
    case IDC_KNOCK_NO_NAME:
        return TROUBLE_NAME;
    case IDC_KNOCK_REFUSED:
        return TROUBLE_REFUSED;
    case IDC_KNOCK_SILENT:
        return TROUBLE_TIMEOUT;
    case IDC_KNOCK_ANSWERED:
    case IDC_KNOCK_UNKNOWN:
        break;
    }
    return TROUBLE_UNREACHABLE;
}

static const char *
sentence(IdcArena *arena, const IdcConfigSource *source, Trouble trouble, const IdcError *err)
{
    const char *host = idc_source_option(&source->server_options, "host", "localhost");
    const char *port = idc_source_port(source);
    const char *said = err->message;

    switch (trouble) {
    case TROUBLE_NAME:
        return idc_arena_printf(arena, "name not resolved: the hub cannot find the host \"%s\"",
                                host);
    case TROUBLE_REFUSED:
        return idc_arena_printf(arena,
                                "connection refused: nothing listens at host \"%s\", port %s, or a "
                                "firewall rejects the hub",
                                host, port);
    case TROUBLE_UNREACHABLE:
        return idc_arena_printf(arena,
                                "not reachable: the hub cannot connect to host \"%s\", port %s: %s",
                                host, port, said);
    case TROUBLE_PASSWORD:
        return idc_arena_printf(arena, "wrong user or password: the source refused user \"%s\": %s",
                                idc_health_user(source), said);
    case TROUBLE_TLS:
        if (err->hint[0] != '\0')
            return idc_arena_printf(arena, "TLS: %s (%s)", said, err->hint);
        return idc_arena_printf(arena,
                                "TLS: %s; check %s of the server's options, and that its "
                                "certificate is for this host",
                                said,
                                idc_wrapper_is_mysql(source->wrapper) ? "ssl_mode and ssl_ca"
                                                                      : "sslmode and sslrootcert");
    case TROUBLE_DATABASE:
        return idc_arena_printf(arena, "unknown database \"%s\" on host \"%s\"",
                                source->database == NULL ? "" : source->database, host);
    case TROUBLE_TIMEOUT:
        return idc_arena_printf(arena, "no answer from host \"%s\", port %s: %s", host, port, said);
    case TROUBLE_OTHER:
        break;
    }
    return err->hint[0] != '\0' ? idc_arena_printf(arena, "%s (%s)", said, err->hint)
                                : idc_arena_strdup(arena, said);
}

/* Others of our adapters say it in the words of their options; clients of databases do not. */
static Trouble
trouble_of_source(const IdcConfigSource *source, const IdcError *err)
{
    bool is_connecting = strncmp(err->sqlstate, "08", 2) == 0 ||
                         strncmp(err->sqlstate, "28", 2) == 0 ||
                         strncmp(err->sqlstate, "3D", 2) == 0;

    if (!idc_wrapper_is_ours(source->wrapper))
        return trouble_of(err);
    return is_connecting && (idc_wrapper_is_mysql(source->wrapper) ||
                             idc_wrapper_is_postgres(source->wrapper))
               ? trouble_of(err)
               : TROUBLE_OTHER;
}

const char *
idc_health_explain(IdcArena *arena, const IdcConfigSource *source, bool hub_is_local,
                   const IdcError *err, char sqlstate[6])
{
    Trouble trouble = trouble_of_source(source, err);
    const char *state = "08001";

    if (trouble == TROUBLE_UNREACHABLE && hub_is_local && strstr(err->message, "MySQL") != NULL)
        trouble = knock(source);
    if (trouble == TROUBLE_OTHER)
        state = err->sqlstate;
    else if (trouble == TROUBLE_PASSWORD)
        state = "28P01";
    else if (trouble == TROUBLE_DATABASE)
        state = "3D000";
    (void) snprintf(sqlstate, 6, "%s", state);
    return sentence(arena, source, trouble, err);
}

/* ---- types ---- */

typedef enum Family {
    FAMILY_INTEGER,
    FAMILY_NUMBER,
    FAMILY_TEXT,
    FAMILY_BOOL,
    FAMILY_DATE,
    FAMILY_TIME,
    FAMILY_BYTES,
    FAMILY_JSON,
    FAMILY_OTHER
} Family;

/* rank: a family's type of a higher rank holds all values of the lower ones. */
static const struct {
    const char *prefix;
    Family family;
    int rank;
} families[] = {
    { "smallint", FAMILY_INTEGER, 1 },
    { "integer", FAMILY_INTEGER, 2 },
    { "bigint", FAMILY_INTEGER, 3 },
    { "real", FAMILY_NUMBER, 1 },
    { "double precision", FAMILY_NUMBER, 2 },
    { "numeric", FAMILY_NUMBER, 2 },
    { "money", FAMILY_NUMBER, 2 },
    { "text", FAMILY_TEXT, 9 },
    { "character", FAMILY_TEXT, 9 },
    { "name", FAMILY_TEXT, 9 },
    { "\"char\"", FAMILY_TEXT, 9 },
    { "citext", FAMILY_TEXT, 9 },
    { "bpchar", FAMILY_TEXT, 9 },
    { "boolean", FAMILY_BOOL, 1 },
    { "date", FAMILY_DATE, 1 },
    { "timestamp", FAMILY_DATE, 2 },
    { "time", FAMILY_TIME, 1 },
    { "bytea", FAMILY_BYTES, 1 },
    { "json", FAMILY_JSON, 1 },
};

static Family
family_of(const char *type, int *rank)
{
    size_t len = strlen(type);

    *rank = 0;
    if (len > 2 && strcmp(type + len - 2, "[]") == 0)
        return FAMILY_OTHER;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        size_t prefix_len = strlen(families[i].prefix);
        char next = strncmp(type, families[i].prefix, prefix_len) == 0 ? type[prefix_len] : 'x';

        if (next != '\0' && next != '(' && next != ' ' &&
            !(families[i].family == FAMILY_JSON && next == 'b'))
            continue;
        *rank = families[i].rank;
        return families[i].family;
    }
    return FAMILY_OTHER;
}

IdcTypeMatch
idc_health_types(const char *wanted, const char *remote)
{
    int wanted_rank, remote_rank;
    Family wanted_family = family_of(wanted, &wanted_rank);
    Family remote_family = family_of(remote, &remote_rank);

    /* Everything has a text. Types that only their makers know may well read each other's. */
    if (strcmp(wanted, remote) == 0 || wanted_family == FAMILY_TEXT ||
        wanted_family == FAMILY_OTHER)
        return IDC_TYPES_FIT;
    if (remote_family == FAMILY_OTHER)
        return IDC_TYPES_CLASH;
    if (wanted_family == remote_family)
        return wanted_rank >= remote_rank ? IDC_TYPES_FIT : IDC_TYPES_NARROW;
    if (wanted_family == FAMILY_NUMBER && remote_family == FAMILY_INTEGER)
        return IDC_TYPES_FIT;
    if (wanted_family == FAMILY_INTEGER && remote_family == FAMILY_NUMBER)
        return IDC_TYPES_NARROW;
    /* MySQL keeps booleans in tinyint(1), and MariaDB keeps JSON in longtext. */
    if (wanted_family == FAMILY_BOOL && remote_family == FAMILY_INTEGER && remote_rank == 1)
        return IDC_TYPES_FIT;
    if (wanted_family == FAMILY_JSON && remote_family == FAMILY_TEXT)
        return IDC_TYPES_NARROW;
    return IDC_TYPES_CLASH;
}
