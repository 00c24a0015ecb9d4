/*
 * conn_error.c - what the server says, as an IdcError: status, SQLSTATE, hint, source, remote SQL.
 *
 * Values of rows stay out: DETAIL is passed on only where it tells about a connection or of names,
 * and a CONTEXT only as far as it is the SQL that a wrapper sent.
 */
#include <stdio.h>
#include <string.h>

#include "hub/conn_private.h"

#define REMOTE_SQL_MARK "remote SQL command: "
/* Our own wrappers say: foreign table "x" on server "y". */
#define TABLE_MARK "foreign table \""
#define SERVER_MARK "\" on server \""

static const char *
field(const PGresult *result, int code)
{
    const char *text = PQresultErrorField(result, code);

    return text != NULL ? text : "";
}

static bool
starts_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* A limit that passed, here or at a source; or somebody ended the statement: we, or the source. */
static IdcStatus
status_of_end(const PGresult *result)
{
    static const char *const limits[] = { "timeout", "timed out", "time exceeded",
                                          "longer than it may" };
    const char *message = field(result, PG_DIAG_MESSAGE_PRIMARY);

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (strstr(message, limits[i]) != NULL)
            return IDC_TIMEOUT;
    return strstr(field(result, PG_DIAG_CONTEXT), REMOTE_SQL_MARK) != NULL ? IDC_SOURCE_FAILED
                                                                           : IDC_CANCELED;
}

static IdcStatus
status_of(const PGresult *result, const char *sqlstate, bool is_remote, bool is_alive)
{
    if (strcmp(sqlstate, "57014") == 0)
        return status_of_end(result);
    if (starts_with(sqlstate, "HV") || (starts_with(sqlstate, "08") && is_alive) || is_remote)
        return IDC_SOURCE_FAILED;
    if (starts_with(sqlstate, "08") || starts_with(sqlstate, "57P"))
        return IDC_CONNECTION_FAILED;
    return starts_with(sqlstate, "28") ? IDC_BAD_CREDENTIAL : IDC_QUERY_FAILED;
}

/* The name between the double quotes after words, as in: could not connect to server "x". */
static void
quoted_after(const char *message, const char *words, char *name, size_t size)
{
    const char *at = strstr(message, words);
    size_t len;

    name[0] = '\0';
    if (at == NULL)
        return;
    at += strlen(words);
    len = strcspn(at, "\"");
    if (at[len] == '"' && len < size) {
        memcpy(name, at, len);
        name[len] = '\0';
    }
}

/* What a source's own library says has lines and tabs of its own; ours is one sentence. */
static void
fold_lines(char *text)
{
    size_t len = 0;

    for (const char *at = text; *at != '\0'; at++) {
        bool is_break = *at == '\n' || *at == '\t' || *at == '\r';

        if (!is_break)
            text[len++] = *at;
        else if (len > 0 && text[len - 1] != ' ')
            text[len++] = ' ';
    }
    while (len > 0 && text[len - 1] == ' ')
        len--;
    text[len] = '\0';
}

static IdcStatus
fail_lost(IdcConn *conn, IdcError *err)
{
    char text[1024];

    conn->is_broken = true;
    (void) snprintf(text, sizeof text, "%s", PQerrorMessage(conn->libpq));
    text[strcspn(text, "\n")] = '\0';
    idc_hub_scrub(conn->hub, text);
    (void) idc_fail(err, IDC_CONNECTION_FAILED, "the connection to the hub was lost: %s",
                    text[0] != '\0' ? text : "no reason is known");
    idc_error_set_hint(err, "run it again: a new connection is made");
    return IDC_CONNECTION_FAILED;
}

static void
set_hint(const IdcConn *conn, const PGresult *result, const char *sqlstate, IdcError *err)
{
    const char *hint = field(result, PG_DIAG_MESSAGE_HINT);

    if (strcmp(sqlstate, "57014") == 0 &&
        strstr(field(result, PG_DIAG_MESSAGE_PRIMARY), "statement timeout") != NULL &&
        strstr(field(result, PG_DIAG_CONTEXT), REMOTE_SQL_MARK) == NULL)
        idc_error_set_hint(err, "the limit is %lld ms: raise the query timeout",
                           (long long) conn->hub->query_timeout_ms);
    else if (strcmp(sqlstate, "42601") == 0 &&
             strstr(field(result, PG_DIAG_MESSAGE_PRIMARY), "multiple commands") != NULL)
        idc_error_set_hint(err, "send one statement at a time");
    else if (hint[0] != '\0')
        idc_error_set_hint(err, "%s", hint);
    else if (strcmp(sqlstate, "42P10") == 0 &&
             strstr(field(result, PG_DIAG_MESSAGE_PRIMARY), "ON CONFLICT") != NULL)
        idc_error_set_hint(err, "a foreign table takes ON CONFLICT DO NOTHING without columns; for "
                                "upserts give it the option on_conflict 'update'");
    else if ((strcmp(sqlstate, "42703") == 0 || strcmp(sqlstate, "42P01") == 0) &&
             strstr(field(result, PG_DIAG_CONTEXT), REMOTE_SQL_MARK) != NULL)
        idc_error_set_hint(err, "if the source was changed since the last setup, run setup again");
    if (err != NULL)
        idc_hub_scrub(conn->hub, err->hint);
}

/* Where an adapter of ours failed. */
static void
add_table(IdcError *err, const char *context)
{
    char table[sizeof err->source];

    if (strstr(context, SERVER_MARK) == NULL)
        return;
    quoted_after(context, TABLE_MARK, table, sizeof table);
    if (table[0] != '\0')
        (void) idc_add_context(err, "table \"%s\"", table);
}

/* What our own wrappers say behind it: the table, or at least the server. */
static void
set_remote_sql(IdcError *err, const char *context)
{
    static const char *const ends[] = { "\n" TABLE_MARK, "\nrequest to server \"" };
    const char *start = strstr(context, REMOTE_SQL_MARK);
    char sql[sizeof err->remote_sql];

    if (start == NULL)
        return;
    start += strlen(REMOTE_SQL_MARK);
    (void) snprintf(sql, sizeof sql, "%s", start);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char *end = strstr(sql, ends[i]);

        if (end != NULL)
            *end = '\0';
    }
    idc_error_set_remote_sql(err, sql);
}

/* About a connection, a source, or the names of what depends on an object: no values of rows. */
static bool
has_telling_detail(const char *sqlstate)
{
    return starts_with(sqlstate, "HV") || starts_with(sqlstate, "08") ||
           starts_with(sqlstate, "28") || strcmp(sqlstate, "2BP01") == 0;
}

IdcStatus
idc_conn_fail(IdcConn *conn, const PGresult *result, IdcError *err)
{
    const char *sqlstate, *message, *detail, *context;
    bool is_alive = PQstatus(conn->libpq) == CONNECTION_OK;
    char source[sizeof err->source];
    IdcStatus status;

    if (!is_alive)
        conn->is_broken = true;
    if (result == NULL || field(result, PG_DIAG_SQLSTATE)[0] == '\0')
        return is_alive && result != NULL
                   ? idc_fail(err, IDC_QUERY_FAILED,
                              "the hub sent an answer that cannot be used: %s",
                              PQresStatus(PQresultStatus(result)))
                   : fail_lost(conn, err);
    sqlstate = field(result, PG_DIAG_SQLSTATE);
    message = field(result, PG_DIAG_MESSAGE_PRIMARY);
    detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    context = field(result, PG_DIAG_CONTEXT);
    status =
        status_of(result, sqlstate,
                  strstr(context, REMOTE_SQL_MARK) != NULL || strstr(context, SERVER_MARK) != NULL,
                  is_alive && starts_with(field(result, PG_DIAG_SEVERITY_NONLOCALIZED), "ERROR"));
    if (detail[0] != '\0' && has_telling_detail(sqlstate))
        (void) idc_fail(err, status, "%s: %s", message, detail);
    else
        (void) idc_fail(err, status, "%s", message);
    if (err == NULL)
        return status;
    fold_lines(err->message);
    add_table(err, context);
    idc_hub_scrub(conn->hub, err->message);
    idc_error_set_sqlstate(err, sqlstate);
    set_hint(conn, result, sqlstate, err);
    if (strcmp(sqlstate, "42601") == 0 && err->hint[0] == '\0' &&
        field(result, PG_DIAG_STATEMENT_POSITION)[0] != '\0')
        idc_error_set_hint(err, "look at character %s of the statement",
                           field(result, PG_DIAG_STATEMENT_POSITION));
    quoted_after(message, "could not connect to server \"", source, sizeof source);
    if (source[0] == '\0')
        quoted_after(context, SERVER_MARK, source, sizeof source);
    idc_error_set_source(err, source);
    set_remote_sql(err, context);
    return status;
}
