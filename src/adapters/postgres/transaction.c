/*
 * transaction.c - a transaction of the hub at the source, on one or several sessions.
 *
 * The first session exports its snapshot in the message in which it begins, and the others take it,
 * so that all that a transaction reads is of one moment. Settings are made in the transaction:
 * behind a pooler the next one may be another session's.
 *
 * A read has a savepoint: when it is closed early, or fails, the transaction and its snapshot stay.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "adapters/postgres/work.h"
#include "base/quote.h"

enum { SNAPSHOT_WAIT_MS = 20 };

#define READ_SAVEPOINT "instant_read"

/* Those that the text of values and the meaning of names depend on: as postgres_fdw's. */
static const char *const settings[] = {
    "SET LOCAL search_path = pg_catalog",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL datestyle = 'ISO'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL extra_float_digits = 3",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL standard_conforming_strings = on",
};

/* A server that watches its connection ends a statement soon after we have died. Not every system
 * can. */
#define WATCH                                                                                      \
    "CASE WHEN version() LIKE '%linux%' THEN "                                                     \
    "set_config('client_connection_check_interval', '200', true) END"

static void
before_settings(IdcPostgresSession *session)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        idc_postgres_before(session, settings[i]);
}

static bool
can_watch(const IdcPostgresSession *session)
{
    return PQserverVersion(session->libpq) >= 140000;
}

/* ---- snapshots ---- */

static void
before_export(IdcPostgresSession *session)
{
    const char *snapshot = PQserverVersion(session->libpq) >= 100000
                               ? "pg_export_snapshot()"
                               : "CASE WHEN NOT pg_is_in_recovery() THEN pg_export_snapshot() END";
    IdcText text;

    idc_text_init(&text, 0);
    idc_text_append_format(&text, "SELECT %s%s", snapshot, can_watch(session) ? ", " WATCH : "");
    session->before.is_broken |= text.is_broken;
    idc_postgres_before(session, idc_text_string(&text));
    idc_text_done(&text);
}

static IdcStatus
fail_torn(IdcError *err)
{
    return idc_fail(err, IDC_CONNECTION_FAILED,
                    "the connection that had this transaction's snapshot was lost");
}

/* Of a session that may be about to learn it, in another thread. */
static IdcStatus
wait_for_snapshot(IdcPostgresHost *host, IdcCall *call, IdcPostgresSession *first,
                  char snapshot[sizeof first->snapshot], IdcError *err)
{
    IdcStatus status = IDC_OK;

    pthread_mutex_lock(&host->lock);
    while (first->snapshot_state == IDC_SNAPSHOT_COMING && status == IDC_OK) {
        struct timespec until;

        (void) clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += SNAPSHOT_WAIT_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void) pthread_cond_timedwait(&host->snapshot_changed, &host->lock, &until);
        if (idc_call_is_cancelled(call))
            status = idc_fail(err, IDC_CANCELED, "the scan was closed");
        else if (idc_call_remaining_ms(call, -1) == 0)
            status = idc_fail(err, IDC_TIMEOUT, "timed out");
    }
    memcpy(snapshot, first->snapshot, sizeof first->snapshot);
    pthread_mutex_unlock(&host->lock);
    /* A standby before version 10 has none to tell. */
    if (status == IDC_OK && snapshot[0] == '\0' && PQserverVersion(first->libpq) >= 100000)
        status = fail_torn(err);
    return status;
}

/* ---- what the links ask for ---- */

static IdcStatus
connect_link(void *host, IdcCall *call, IdcLink *link, bool *is_full, IdcError *err)
{
    IdcPostgresSession *session = NULL;
    IdcStatus status = idc_postgres_connect(host, call, &session, is_full, err);

    link->handle = session;
    return status;
}

static void
close_link(void *host, IdcLink *link)
{
    (void) host;
    idc_postgres_cancel_leave(link->handle, link);
    idc_postgres_close(link->handle);
    link->handle = NULL;
}

static bool
link_is_alive(void *host, IdcLink *link)
{
    (void) host;
    return idc_postgres_is_alive(link->handle);
}

static void
before_begin(IdcPostgresSession *session, const IdcTransaction *transaction)
{
    IdcText text;

    idc_text_init(&text, 0);
    idc_text_append_format(&text, "START TRANSACTION ISOLATION LEVEL %s%s",
                           transaction->is_serializable ? "SERIALIZABLE" : "REPEATABLE READ",
                           transaction->is_read_only ? " READ ONLY" : "");
    session->before.is_broken |= text.is_broken;
    idc_postgres_before(session, idc_text_string(&text));
    idc_text_done(&text);
}

static IdcStatus
begin(void *argument, IdcCall *call, IdcLink *link, const IdcTransaction *transaction,
      IdcLink *first, IdcError *err)
{
    IdcPostgresHost *host = argument;
    IdcPostgresSession *session = link->handle;
    char snapshot[sizeof session->snapshot] = "";
    char statement[sizeof snapshot + 32];
    IdcStatus status = IDC_OK;

    if (link->is_torn)
        return fail_torn(err);
    if (first != NULL)
        status = wait_for_snapshot(host, call, first->handle, snapshot, err);
    if (status != IDC_OK)
        return status;
    before_begin(session, transaction);
    if (snapshot[0] != '\0') {
        (void) snprintf(statement, sizeof statement, "SET TRANSACTION SNAPSHOT '%s'", snapshot);
        idc_postgres_before(session, statement);
    }
    before_settings(session);
    pthread_mutex_lock(&host->lock);
    session->snapshot[0] = '\0';
    session->snapshot_state = first == NULL ? IDC_SNAPSHOT_COMING : IDC_SNAPSHOT_KNOWN;
    if (first != NULL)
        memcpy(session->snapshot, snapshot, sizeof snapshot);
    pthread_mutex_unlock(&host->lock);
    if (first == NULL)
        before_export(session);
    else if (can_watch(session))
        idc_postgres_before(session, "SELECT " WATCH);
    session->level = 1;
    session->is_read_only = transaction->is_read_only;
    return idc_text_check(&session->before, err);
}

static IdcStatus
savepoint(void *host, IdcCall *call, IdcLink *link, int32_t level, IdcError *err)
{
    IdcPostgresSession *session = link->handle;
    char statement[32];

    (void) host;
    (void) call;
    while (session->level < level) {
        (void) snprintf(statement, sizeof statement, "SAVEPOINT s%d", (int) ++session->level);
        idc_postgres_before(session, statement);
    }
    return idc_text_check(&session->before, err);
}

static bool
promote(void *host, IdcLink *link)
{
    const IdcPostgresSession *session = link->handle;

    (void) host;
    return !session->is_read_only;
}

/* ---- the end ---- */

static void
forget_before(IdcPostgresSession *session)
{
    idc_text_clear(&session->before);
    session->before_count = 0;
}

static void
forget_transaction(IdcPostgresSession *session)
{
    forget_before(session);
    session->level = 0;
    session->is_reading = false;
    pthread_mutex_lock(&session->host->lock);
    session->snapshot_state = IDC_SNAPSHOT_NONE;
    session->snapshot[0] = '\0';
    pthread_cond_broadcast(&session->host->snapshot_changed);
    pthread_mutex_unlock(&session->host->lock);
}

/* COMMIT of a transaction that has failed is a ROLLBACK that calls itself well done. */
static IdcStatus
commit(IdcPostgresSession *session, IdcCall *call, IdcError *err)
{
    IdcAnswer answer = { 0 };
    bool is_committed = false;
    IdcStatus status = idc_postgres_send(session, call, "COMMIT", err);

    while (status == IDC_OK) {
        status = idc_postgres_answer(session, call, &answer, err);
        if (status == IDC_OK && answer.kind == IDC_ANSWER_DONE)
            is_committed = strcmp(answer.tag, "COMMIT") == 0;
        if (status == IDC_OK && answer.kind == IDC_ANSWER_END)
            break;
    }
    if (status == IDC_OK && !is_committed) {
        status = idc_fail(err, IDC_SOURCE_FAILED, "the source rolled the transaction back");
        idc_error_set_sqlstate(err, "40000");
    }
    return status;
}

static IdcStatus
finish_all(IdcPostgresSession *session, IdcCall *call, bool is_commit, IdcError *err)
{
    IdcStatus status = IDC_OK;

    /* The source never heard of it, or has ended it. */
    if (!session->has_begun || session->is_lost)
        status = session->is_lost && is_commit ? idc_postgres_fail_lost(session, err) : IDC_OK;
    else if (is_commit)
        status = commit(session, call, err);
    else {
        forget_before(session);
        status = idc_postgres_run(session, call, "ROLLBACK", NULL, err);
    }
    session->has_begun = false;
    forget_transaction(session);
    return status;
}

static IdcStatus
finish_level(IdcPostgresSession *session, IdcCall *call, const IdcFinish *finish, IdcError *err)
{
    char statement[80];

    if (session->level < finish->level)
        return IDC_OK;
    session->level = finish->level - 1;
    if (finish->is_commit) {
        (void) snprintf(statement, sizeof statement, "RELEASE SAVEPOINT s%d", (int) finish->level);
        idc_postgres_before(session, statement);
        return idc_text_check(&session->before, err);
    }
    (void) snprintf(statement, sizeof statement, "ROLLBACK TO SAVEPOINT s%d; RELEASE SAVEPOINT s%d",
                    (int) finish->level, (int) finish->level);
    return idc_postgres_run(session, call, statement, NULL, err);
}

static IdcStatus
finish(void *host, IdcCall *call, IdcLink *link, const IdcFinish *finish, IdcError *err)
{
    IdcPostgresSession *session = link->handle;
    IdcStatus status;

    (void) host;
    if (session->is_busy)
        idc_postgres_cancel(session, idc_postgres_cancel_until());
    status = finish->level <= 1 ? finish_all(session, call, finish->is_commit, err)
                                : finish_level(session, call, finish, err);
    link->is_broken |= session->is_lost || session->is_busy;
    return status;
}

const IdcLinkMethods idc_postgres_link_methods = {
    .connect = connect_link,
    .close = close_link,
    .is_alive = link_is_alive,
    .begin = begin,
    .savepoint = savepoint,
    .finish = finish,
    .promote = promote,
};

/* ---- reads ---- */

static void
before_alone(IdcPostgresSession *session)
{
    idc_postgres_before(session, "START TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    before_settings(session);
    if (can_watch(session))
        idc_postgres_before(session, "SELECT " WATCH);
}

IdcStatus
idc_postgres_begin_alone(IdcPostgresSession *session, IdcError *err)
{
    if (session->level == 0)
        before_alone(session);
    return idc_text_check(&session->before, err);
}

void
idc_postgres_end_alone(IdcPostgresSession *session, IdcCall *call)
{
    IdcError unsaid;

    idc_error_init(&unsaid);
    if (session->is_busy)
        idc_postgres_cancel(session, idc_postgres_cancel_until());
    if (session->level > 0 || session->is_lost)
        return;
    forget_before(session);
    if (session->status != 'I' &&
        idc_postgres_run(session, call, "ROLLBACK", NULL, &unsaid) != IDC_OK)
        session->is_lost = true;
}

void
idc_postgres_begin_read(IdcPostgresSession *session)
{
    if (session->level > 0)
        idc_postgres_before(session, "SAVEPOINT " READ_SAVEPOINT);
    session->is_reading = true;
}

IdcStatus
idc_postgres_send_read(IdcPostgresSession *session, IdcCall *call, const char *statement,
                       IdcError *err)
{
    IdcStatus status;
    IdcText text;

    idc_text_init(&text, 0);
    idc_postgres_begin_read(session);
    if (session->level == 0)
        before_alone(session);
    idc_text_append_format(&text, "COPY (%s) TO STDOUT (FORMAT binary)%s", statement,
                           session->level > 0 ? "" : "; COMMIT");
    status = idc_text_check(&text, err);
    if (status == IDC_OK)
        status = idc_postgres_send_harmless(session, call, idc_text_string(&text), err);
    idc_text_done(&text);
    return status;
}

void
idc_postgres_end_read(IdcPostgresSession *session)
{
    idc_wire_low_water(session, 1);
    if (session->is_busy)
        idc_postgres_cancel(session, idc_postgres_cancel_until());
    if (!session->is_reading || session->is_lost)
        return;
    session->is_reading = false;
    if (session->level == 0) {
        if (session->status != 'I')
            idc_postgres_before(session, "ROLLBACK");
        return;
    }
    if (session->status == 'E')
        idc_postgres_before(session, "ROLLBACK TO SAVEPOINT " READ_SAVEPOINT);
    idc_postgres_before(session, "RELEASE SAVEPOINT " READ_SAVEPOINT);
}
