/*
 * hub.c - options of a hub to what libpq gets; the three kinds behind one door.
 */
#include "hub/hub.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "hub/hub_private.h"

#define KEYWORDS_MAX 128

IdcHub *
idc_hub_hold(IdcHub *hub)
{
    atomic_fetch_add(&hub->reference_count, 1);
    return hub;
}

void
idc_hub_free(IdcHub *hub)
{
    if (hub == NULL || atomic_fetch_sub(&hub->reference_count, 1) > 1)
        return;
    idc_arena_free(hub->arena);
    free(hub);
}

const char *
idc_hub_keyword(const IdcHub *hub, const char *name)
{
    for (size_t i = 0; i < hub->keyword_count; i++)
        if (strcmp(hub->names[i], name) == 0)
            return hub->values[i];
    return NULL;
}

/* A password that equals the user's or the database's name is no secret, and a shorter one would
 * garble. */
static void
scrub_value(const IdcHub *hub, const char *secret, char *text)
{
    const char *user = idc_hub_keyword(hub, "user");
    const char *database = idc_hub_keyword(hub, "dbname");
    size_t len = secret != NULL ? strlen(secret) : 0;

    if (len < 3 || (user != NULL && strcmp(user, secret) == 0) ||
        (database != NULL && strcmp(database, secret) == 0))
        return;
    for (char *at = strstr(text, secret); at != NULL; at = strstr(at + len, secret))
        memset(at, '*', len);
}

void
idc_hub_scrub(const IdcHub *hub, char *text)
{
    scrub_value(hub, idc_hub_keyword(hub, "password"), text);
    scrub_value(hub, idc_hub_keyword(hub, "sslpassword"), text);
    scrub_value(hub, getenv("PGPASSWORD"), text);
}

/* The last value of a keyword counts, as with libpq. */
static IdcStatus
hub_add(IdcHub *hub, const char *name, const char *value, IdcError *err)
{
    const char *name_copy = idc_arena_strdup(hub->arena, name);
    const char *value_copy = idc_arena_strdup(hub->arena, value);

    for (size_t i = 0; i < hub->keyword_count && value_copy != NULL; i++)
        if (strcmp(hub->names[i], name) == 0) {
            hub->values[i] = value_copy;
            return IDC_OK;
        }
    if (hub->keyword_count + 1 >= KEYWORDS_MAX)
        return idc_fail(err, IDC_BAD_VALUE, "too many connection options for the hub");
    if (name_copy == NULL || value_copy == NULL)
        return idc_fail_no_memory(err);
    hub->names[hub->keyword_count] = name_copy;
    hub->values[hub->keyword_count++] = value_copy;
    return IDC_OK;
}

/* libpq quotes pieces of the URL in its messages, and a piece may be a password. */
static IdcStatus
fail_bad_url(const char *reason, IdcError *err)
{
    char text[256];
    size_t len = 0;
    bool is_quoted = false;

    for (const char *at = reason; *at != '\0' && *at != '\n' && len + 5 < sizeof text; at++) {
        if (*at == '"') {
            is_quoted = !is_quoted;
            memcpy(text + len, is_quoted ? "\"..." : "\"", is_quoted ? 4 : 1);
            len += is_quoted ? 4 : 1;
        } else if (!is_quoted) {
            text[len++] = *at;
        }
    }
    text[len] = '\0';
    (void) idc_fail(err, IDC_BAD_CONFIG, "cannot read the url of the hub: %s", text);
    idc_error_set_hint(err,
                       "the form is postgresql://user:password@host:port/database?sslmode=...; "
                       "special characters are written as %%XX");
    return IDC_BAD_CONFIG;
}

static IdcStatus
hub_add_url(IdcHub *hub, const char *url, IdcError *err)
{
    char *reason = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &reason);
    IdcStatus status = IDC_OK;

    if (options == NULL) {
        status = reason != NULL ? fail_bad_url(reason, err) : idc_fail_no_memory(err);
        PQfreemem(reason);
        return status;
    }
    for (PQconninfoOption *option = options; option->keyword != NULL && status == IDC_OK; option++)
        if (option->val != NULL)
            status = hub_add(hub, option->keyword, option->val, err);
    PQconninfoFree(options);
    return status;
}

static IdcStatus
check_keyword(const char *name, IdcError *err)
{
    const char *words[KEYWORDS_MAX] = { "database", "username" };
    size_t count = 2;
    PQconninfoOption *options = PQconninfoParse("", NULL);
    const char *nearest;
    IdcStatus status = IDC_OK;

    if (options == NULL)
        return idc_fail_no_memory(err);
    for (PQconninfoOption *option = options; option->keyword != NULL && count < KEYWORDS_MAX;
         option++)
        words[count++] = option->keyword;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], name) == 0)
            goto done;
    status = idc_fail(err, IDC_BAD_CONFIG, "unknown connection option \"%s\" of the hub", name);
    nearest = idc_nearest_word(name, words, count);
    if (nearest != NULL)
        idc_error_set_hint(err, "did you mean \"%s\"?", nearest);

done:
    PQconninfoFree(options);
    return status;
}

static IdcStatus
hub_add_keywords(IdcHub *hub, const IdcHubOptions *options, IdcError *err)
{
    for (size_t i = 0; i < options->keyword_count; i++) {
        const char *name = options->keywords[i].name;
        const char *value = options->keywords[i].value;
        IdcStatus status = check_keyword(name, err);

        if (status != IDC_OK)
            return status;
        if (value == NULL)
            continue;
        if (strcmp(name, "database") == 0)
            name = "dbname";
        else if (strcmp(name, "username") == 0)
            name = "user";
        status = hub_add(hub, name, value, err);
        if (status != IDC_OK)
            return status;
    }
    return IDC_OK;
}

/* All that an environment variable of libpq could change is given. */
static IdcStatus
hub_add_embedded(IdcHub *hub, const char *home, IdcError *err)
{
    static const char *const fixed[][2] = {
        { "port", IDC_EMBEDDED_PORT },     { "dbname", IDC_EMBEDDED_DATABASE },
        { "user", IDC_EMBEDDED_USER },     { "sslmode", "disable" },
        { "gssencmode", "disable" },       { "channel_binding", "disable" },
        { "target_session_attrs", "any" }, { "options", "-c geqo=on" },
    };
    IdcStatus status = idc_embedded_new(hub->arena, home, &hub->log, &hub->embedded, err);

    if (status == IDC_OK)
        status = hub_add(hub, "host", hub->embedded->socket_directory, err);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0] && status == IDC_OK; i++)
        status = hub_add(hub, fixed[i][0], fixed[i][1], err);
    return status;
}

/* A dead peer is noticed within half a minute; what the user gave stays. */
static IdcStatus
hub_add_defaults(IdcHub *hub, IdcError *err)
{
    static const char *const defaults[][2] = {
        { "client_encoding", "UTF8" }, { "keepalives", "1" },
        { "keepalives_idle", "10" },   { "keepalives_interval", "5" },
        { "keepalives_count", "3" },   { "tcp_user_timeout", "30000" },
    };
    IdcStatus status = IDC_OK;

    if (idc_hub_keyword(hub, "application_name") == NULL)
        status = hub_add(hub, "application_name", hub->application_name, err);
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0] && status == IDC_OK; i++)
        if (i == 0 || idc_hub_keyword(hub, defaults[i][0]) == NULL)
            status = hub_add(hub, defaults[i][0], defaults[i][1], err);
    return status;
}

static IdcStatus
hub_fill(IdcHub *hub, const IdcHubOptions *options, IdcError *err)
{
    IdcStatus status = IDC_OK;

    hub->names = idc_arena_alloc_array(hub->arena, KEYWORDS_MAX, sizeof *hub->names);
    hub->values = idc_arena_alloc_array(hub->arena, KEYWORDS_MAX, sizeof *hub->values);
    hub->application_name = idc_arena_strdup(
        hub->arena, options->application_name != NULL ? options->application_name : "instant");
    if (hub->names == NULL || hub->values == NULL || hub->application_name == NULL)
        return idc_fail_no_memory(err);
    if (options->kind == IDC_HUB_EMBEDDED)
        status = hub_add_embedded(hub, options->home, err);
    else if (options->kind == IDC_HUB_EXTERNAL && options->url != NULL)
        status = hub_add_url(hub, options->url, err);
    if (status == IDC_OK && options->kind == IDC_HUB_EXTERNAL)
        status = hub_add_keywords(hub, options, err);
    return status == IDC_OK ? hub_add_defaults(hub, err) : status;
}

IdcStatus
idc_hub_new(const IdcHubOptions *options, const IdcLog *log, IdcHub **hub, IdcError *err)
{
    IdcHub *made = calloc(1, sizeof *made);
    IdcStatus status;

    if (made == NULL || (made->arena = idc_arena_new(0)) == NULL) {
        free(made);
        return idc_fail_no_memory(err);
    }
    atomic_init(&made->reference_count, 1);
    made->kind = options->kind;
    made->connect_timeout_ms =
        options->connect_timeout_ms > 0 ? options->connect_timeout_ms : 10000;
    made->query_timeout_ms = options->query_timeout_ms > 0 ? options->query_timeout_ms : 0;
    if (log != NULL)
        made->log = *log;
    status = hub_fill(made, options, err);
    if (status != IDC_OK) {
        idc_hub_free(made);
        return status;
    }
    *hub = made;
    return IDC_OK;
}

/* The characters that RFC 3986 calls unreserved stay. */
static void
append_encoded(IdcText *text, const char *value)
{
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char) *value;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c) != NULL)
            idc_text_append_char(text, (char) c);
        else
            idc_text_append_format(text, "%%%02X", c);
    }
}

/* postgresql:///?host=…: works for folders and lists of hosts alike. */
static void
hub_uri(const IdcHub *hub, char *uri, size_t size)
{
    static const char *const shown[] = { "host",    "hostaddr",    "port",   "user",
                                         "sslmode", "sslrootcert", "service" };
    const char *database = idc_hub_keyword(hub, "dbname");
    IdcText text;
    char separator = '?';

    idc_text_init(&text, size - 1);
    idc_text_append(&text, "postgresql:///");
    if (database != NULL)
        append_encoded(&text, database);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const char *value = idc_hub_keyword(hub, shown[i]);

        if (value == NULL)
            continue;
        idc_text_append_format(&text, "%c%s=", separator, shown[i]);
        append_encoded(&text, value);
        separator = '&';
    }
    (void) snprintf(uri, size, "%s", idc_text_string(&text));
    idc_text_done(&text);
}

/* What only the server knows; zero and empty if it cannot be reached. */
static void
ask_server(const IdcHub *hub, IdcHubStatus *status)
{
    const char *names[KEYWORDS_MAX + 2];
    const char *values[KEYWORDS_MAX + 2];
    PGresult *result;
    PGconn *conn;

    memcpy(names, hub->names, hub->keyword_count * sizeof *names);
    memcpy(values, hub->values, hub->keyword_count * sizeof *values);
    names[hub->keyword_count] = "connect_timeout";
    values[hub->keyword_count] = "3";
    names[hub->keyword_count + 1] = values[hub->keyword_count + 1] = NULL;
    conn = PQconnectdbParams(names, values, 0);
    status->server_version_num = PQserverVersion(conn);
    if (PQstatus(conn) == CONNECTION_OK) {
        /* An error where its library cannot be loaded, as by a server without its tree. */
        result = PQexec(conn, "SELECT extversion, instant.version() FROM pg_catalog.pg_extension"
                              " WHERE extname = 'instant_fdw'");
        if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
            (void) snprintf(status->extension_version, sizeof status->extension_version, "%s",
                            PQgetvalue(result, 0, 0));
        PQclear(result);
    }
    PQfinish(conn);
}

IdcStatus
idc_hub_status(IdcHub *hub, IdcHubStatus *status, IdcError *err)
{
    const IdcEmbedded *embedded = hub->embedded;
    IdcHubStatus found = { .is_embedded = embedded != NULL };

    (void) err;
    hub_uri(hub, found.uri, sizeof found.uri);
    if (embedded != NULL) {
        found.exists = idc_embedded_exists(embedded);
        (void) snprintf(found.directory, sizeof found.directory, "%s", embedded->data);
        idc_embedded_log_file(embedded, found.log_file, sizeof found.log_file);
        if (found.exists && idc_embedded_is_up(embedded)) {
            found.pid = idc_embedded_pid(embedded);
            ask_server(hub, &found);
        }
    } else {
        ask_server(hub, &found);
        found.exists = found.server_version_num != 0;
    }
    found.is_running = found.server_version_num != 0;
    *status = found;
    return IDC_OK;
}

IdcStatus
idc_hub_ensure(IdcHub *hub, IdcCall *call, IdcError *err)
{
    return hub->embedded != NULL ? idc_embedded_ensure(hub->embedded, call, err) : IDC_OK;
}

static IdcStatus
fail_not_embedded(const char *what, IdcError *err)
{
    return idc_fail(err, IDC_UNSUPPORTED,
                    "cannot %s an external hub: only the embedded hub is ours", what);
}

IdcStatus
idc_hub_stop(IdcHub *hub, IdcError *err)
{
    return hub->embedded != NULL ? idc_embedded_stop(hub->embedded, err)
                                 : fail_not_embedded("stop", err);
}

IdcStatus
idc_hub_destroy(IdcHub *hub, IdcError *err)
{
    return hub->embedded != NULL ? idc_embedded_destroy(hub->embedded, err)
                                 : fail_not_embedded("destroy", err);
}
