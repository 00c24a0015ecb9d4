/*
 * connect.c - libpq's way to a session, in a thread of its own.
 *
 * In:   the keywords of a hub
 * Out:  a PGconn that is connected, or an error with a hint
 *
 * PQconnectPoll never blocks on sockets, but on names (getaddrinfo), Kerberos and service files it
 * does, for as long as those like. So a helper thread connects while the caller waits for an
 * eventfd: a cancelled caller leaves at once, and the helper cleans up after itself.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hub/conn_private.h"

#define RETRY_STARTING_MS 50

/* Shared by the caller and its helper; who leaves last frees it. libpq is the helper's until
 * is_done. */
typedef struct ConnectJob {
    pthread_mutex_t mutex;
    IdcHub *hub;
    PGconn *libpq;
    int done_fd;
    int reference_count;
    int64_t until_ms;
    bool is_done;
} ConnectJob;

static void
job_leave(ConnectJob *job)
{
    int left;

    pthread_mutex_lock(&job->mutex);
    left = --job->reference_count;
    pthread_mutex_unlock(&job->mutex);
    if (left > 0)
        return;
    PQfinish(job->libpq);
    idc_hub_free(job->hub);
    close(job->done_fd);
    pthread_mutex_destroy(&job->mutex);
    free(job);
}

static void
ignore_notice(void *nobody, const PGresult *notice)
{
    (void) nobody;
    (void) notice;
}

/* Verbose errors carry the SQLSTATE in every language. */
static PGconn *
connect_until(IdcHub *hub, int64_t until_ms)
{
    PGconn *libpq = PQconnectStartParams(hub->names, hub->values, 0);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    if (libpq == NULL)
        return NULL;
    PQsetErrorVerbosity(libpq, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(libpq, ignore_notice, NULL);
    while (PQstatus(libpq) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
           state != PGRES_POLLING_FAILED) {
        struct pollfd fd = { .fd = PQsocket(libpq),
                             .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT };
        int64_t left = until_ms - idc_clock_ms();

        if (left <= 0)
            break;
        if (poll(&fd, 1, left > 1000 ? 1000 : (int) left) > 0)
            state = PQconnectPoll(libpq);
    }
    PQsetErrorVerbosity(libpq, PQERRORS_DEFAULT);
    return libpq;
}

static void *
job_run(void *argument)
{
    ConnectJob *job = argument;
    PGconn *libpq = connect_until(job->hub, job->until_ms);
    uint64_t one = 1;

    pthread_mutex_lock(&job->mutex);
    job->libpq = libpq;
    job->is_done = true;
    pthread_mutex_unlock(&job->mutex);
    (void) !write(job->done_fd, &one, sizeof one);
    job_leave(job);
    return NULL;
}

static IdcStatus
job_start(IdcHub *hub, int64_t until_ms, ConnectJob **started, IdcError *err)
{
    ConnectJob *job = calloc(1, sizeof *job);
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, old;
    int code;

    if (job == NULL)
        return idc_fail_no_memory(err);
    job->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (job->done_fd < 0) {
        free(job);
        return idc_fail(err, IDC_IO_FAILED, "cannot connect: %s", idc_errno_text(errno));
    }
    pthread_mutex_init(&job->mutex, NULL);
    job->hub = idc_hub_hold(hub);
    job->until_ms = until_ms;
    job->reference_count = 2;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    code = pthread_create(&thread, &attributes, job_run, job);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    if (code != 0) {
        job->reference_count = 1;
        job_leave(job);
        return idc_fail(err, IDC_NO_MEMORY, "cannot start a thread: %s", idc_errno_text(code));
    }
    *started = job;
    return IDC_OK;
}

/* The five characters after "FATAL:  " of a verbose message. */
static void
find_sqlstate(const char *message, char sqlstate[6])
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    sqlstate[0] = '\0';
    for (const char *at = strstr(message, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        if (strspn(at + 3, letters) == 5 && at[8] == ':') {
            memcpy(sqlstate, at + 3, 5);
            sqlstate[5] = '\0';
        }
    }
}

/* One line without the SQLSTATE and LOCATION that the verbose form adds. */
static void
tidy_message(const char *message, const char *sqlstate, char *text, size_t size)
{
    size_t len = 0;

    while (*message != '\0' && len + 2 < size) {
        size_t line = strcspn(message, "\n");

        if (strncmp(message, "LOCATION:", 9) != 0) {
            if (len > 0)
                text[len++] = ' ';
            for (size_t i = 0; i < line && len + 2 < size; i++) {
                if (sqlstate[0] != '\0' && strncmp(message + i, sqlstate, 5) == 0 &&
                    strncmp(message + i + 5, ": ", 2) == 0) {
                    i += 6;
                    continue;
                }
                if (message[i] != '\t')
                    text[len++] = message[i];
            }
        }
        message += line + (message[line] == '\n');
    }
    text[len] = '\0';
}

typedef struct Reason {
    const char *sqlstate; /* its first characters, or NULL */
    const char *words;    /* in libpq's message, or NULL */
    IdcStatus status;
    const char *hint;
} Reason;

static const Reason reasons[] = {
    { "28", NULL, IDC_BAD_CREDENTIAL, "check user and password of the hub, and its pg_hba.conf" },
    { "3D000", NULL, IDC_CONNECTION_FAILED,
      "check the database name, or create it with CREATE DATABASE" },
    { "53300", NULL, IDC_CONNECTION_FAILED,
      "close other sessions, or raise max_connections of the hub" },
    { "57P0", NULL, IDC_CONNECTION_FAILED, "the hub is starting up or shutting down: try again" },
    { NULL, "no password supplied", IDC_BAD_CREDENTIAL, "give a password, or set PGPASSWORD" },
    { NULL, "password authentication failed", IDC_BAD_CREDENTIAL,
      "check user and password of the hub" },
    { NULL, "could not translate host name", IDC_CONNECTION_FAILED,
      "check the spelling of the host name, and the network" },
    { NULL, "Connection refused", IDC_CONNECTION_FAILED,
      "check host and port, and that the server runs and listens there" },
    { NULL, "No such file or directory", IDC_CONNECTION_FAILED,
      "no server listens on that socket: check host and port" },
    { NULL, "does not support SSL", IDC_CONNECTION_FAILED,
      "the server has no TLS: turn it on there, or choose another sslmode" },
    { NULL, "certificate", IDC_CONNECTION_FAILED,
      "check sslmode, sslrootcert, and the name and dates in the server's certificate" },
    { NULL, "SSL", IDC_CONNECTION_FAILED, "check sslmode and sslrootcert" },
};

static IdcStatus
connect_fail(IdcHub *hub, PGconn *libpq, IdcError *err)
{
    char text[2048];
    char sqlstate[6];
    const Reason *reason = NULL;
    IdcStatus status;

    if (libpq == NULL)
        return idc_fail_no_memory(err);
    find_sqlstate(PQerrorMessage(libpq), sqlstate);
    tidy_message(PQerrorMessage(libpq), sqlstate, text, sizeof text);
    idc_hub_scrub(hub, text);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0] && reason == NULL; i++) {
        const Reason *one = &reasons[i];

        if (one->sqlstate != NULL ? strncmp(sqlstate, one->sqlstate, strlen(one->sqlstate)) == 0
                                  : strstr(text, one->words) != NULL)
            reason = one;
    }
    status = reason != NULL ? reason->status : IDC_CONNECTION_FAILED;
    (void) idc_fail(err, status, "cannot connect to the hub: %s", text);
    if (sqlstate[0] != '\0')
        idc_error_set_sqlstate(err, sqlstate);
    if (reason != NULL)
        idc_error_set_hint(err, "%s", reason->hint);
    return status;
}

/* One attempt. */
static IdcStatus
connect_once(IdcHub *hub, IdcCall *call, int64_t until_ms, PGconn **libpq, IdcError *err)
{
    ConnectJob *job = NULL;
    int64_t left = until_ms - idc_clock_ms();
    PGconn *made;
    IdcStatus status = job_start(hub, until_ms, &job, err);

    if (status != IDC_OK)
        return status;
    /* The helper gives up at the same moment; a little later means that it hangs in a name. */
    status = idc_call_wait(call, job->done_fd, POLLIN, left > 0 ? left + 20 : 20, err);
    pthread_mutex_lock(&job->mutex);
    made = status == IDC_OK && job->is_done ? job->libpq : NULL;
    if (made != NULL)
        job->libpq = NULL;
    pthread_mutex_unlock(&job->mutex);
    job_leave(job);
    if (status == IDC_OK && made != NULL && PQstatus(made) == CONNECTION_OK) {
        *libpq = made;
        return IDC_OK;
    }
    if (status == IDC_TIMEOUT || (made != NULL && PQstatus(made) != CONNECTION_BAD)) {
        const char *host = idc_hub_keyword(hub, "host");

        status = idc_fail(err, IDC_TIMEOUT, "cannot connect to the hub%s%s%s: no answer in time",
                          host != NULL ? " at \"" : "", host != NULL ? host : "",
                          host != NULL ? "\"" : "");
        idc_error_set_sqlstate(err, "08001");
        idc_error_set_hint(err, "check host, port and firewall, or raise the connect timeout");
    } else if (status == IDC_OK) {
        status = connect_fail(hub, made, err);
    }
    PQfinish(made);
    return status;
}

IdcStatus
idc_connect(IdcHub *hub, IdcCall *call, PGconn **libpq, IdcError *err)
{
    IdcError local;
    int64_t until_ms = idc_clock_ms() + idc_call_remaining_ms(call, hub->connect_timeout_ms);

    if (err == NULL)
        err = &local;
    for (;;) {
        IdcStatus status = connect_once(hub, call, until_ms, libpq, err);

        /* 57P03: it starts up or recovers, and will answer. */
        if (status != IDC_CONNECTION_FAILED || strcmp(err->sqlstate, "57P03") != 0 ||
            idc_clock_ms() + RETRY_STARTING_MS >= until_ms)
            return status;
        status = idc_call_wait(call, -1, 0, RETRY_STARTING_MS, err);
        if (status != IDC_TIMEOUT)
            return status;
    }
}
