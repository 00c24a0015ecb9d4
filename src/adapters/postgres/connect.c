/*
 * connect.c - options to a session of libpq.
 *
 * In:   options of server and user mapping
 * Out:  a session that nothing was asked of yet
 * Next: transaction.c
 *
 * libpq tries the hosts of a list one after the other, but without a limit for each where it does
 * not block, so each is tried by itself here. What it would find on this machine (PG* variables,
 * password files, the role's own certificate, the identity of the operating system) is not for
 * everybody: a role of the hub must have a password of its own, unless a superuser said otherwise.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/postgres/work.h"
#include "base/memory.h"

enum { HOSTS_MOST = 64, PARAMETERS_MOST = 64 };

/* Handed to libpq as they are. */
static const char *const plain_server_options[] = {
    "dbname",
    "options",
    "sslmode",
    "sslrootcert",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "sslnegotiation",
    "sslcertmode",
    "channel_binding",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "min_protocol_version",
    "max_protocol_version",
    "require_auth",
    "gssencmode",
    "krbsrvname",
    "gsslib",
    "requirepeer",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "service",
    "application_name",
    "tcp_user_timeout",
    "sslcert",
    "sslkey",
    "passfile",
    "gssdelegation",
};
static const char *const plain_user_options[] = { "user",    "password", "passfile",
                                                  "sslcert", "sslkey",   "sslpassword" };

/* Of one connection attempt: what libpq takes. */
typedef struct Parameters {
    const char *names[PARAMETERS_MOST + 1], *values[PARAMETERS_MOST + 1];
    size_t count;
} Parameters;

typedef struct Target {
    const char *host, *hostaddr, *port; /* NULL: not given */
} Target;

/* One call of idc_postgres_connect. */
typedef struct Attempt {
    IdcPostgresHost *host;
    IdcCall *call;
    IdcArena *arena;
    Target targets[HOSTS_MOST];
    size_t target_count;
    int64_t timeout_ms; /* for each */
} Attempt;

static const char *
option_text(const IdcOptionSet *options, const char *name)
{
    return idc_adapter_option_text(&idc_declaration_postgres, options, name);
}

/* ---- which hosts ---- */

/* The n-th of a list with commas; the only one stands for all. */
static const char *
nth(IdcArena *arena, const char *list, size_t n)
{
    const char *at = list;

    if (list == NULL)
        return NULL;
    if (strchr(list, ',') == NULL)
        return list;
    for (; n > 0 && at != NULL; n--)
        at = strchr(at, ',') == NULL ? NULL : strchr(at, ',') + 1;
    return at == NULL ? NULL : idc_arena_strndup(arena, at, strcspn(at, ","));
}

static size_t
list_len(const char *list)
{
    size_t count = list == NULL ? 0 : 1;

    for (; list != NULL && *list != '\0'; list++)
        count += *list == ',' ? 1 : 0;
    return count;
}

static void
shuffle(Target *targets, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t) idc_clock_us() * 2654435761U % i;
        Target target = targets[i - 1];

        targets[i - 1] = targets[other];
        targets[other] = target;
    }
}

static IdcStatus
find_targets(Attempt *attempt, IdcError *err)
{
    const IdcOptionSet *options = &attempt->host->server->options;
    const char *host = idc_option_value(options, "host");
    const char *hostaddr = idc_option_value(options, "hostaddr");
    const char *port = idc_option_value(options, "port");
    const char *balance = option_text(options, "load_balance_hosts");
    size_t count = list_len(host);

    if (list_len(hostaddr) > count)
        count = list_len(hostaddr);
    if (count > HOSTS_MOST)
        return idc_fail(err, IDC_BAD_CONFIG, "there are more than %d hosts", HOSTS_MOST);
    if (list_len(port) > 1 && list_len(port) != count)
        return idc_fail(err, IDC_BAD_CONFIG, "there are %zu ports for %zu hosts", list_len(port),
                        count);
    attempt->target_count = count == 0 ? 1 : count;
    for (size_t i = 0; i < count; i++)
        attempt->targets[i] = (Target){ .host = nth(attempt->arena, host, i),
                                        .hostaddr = nth(attempt->arena, hostaddr, i),
                                        .port = nth(attempt->arena, port, i) };
    if (count == 0)
        attempt->targets[0].port = port;
    if (balance != NULL && strcmp(balance, "random") == 0)
        shuffle(attempt->targets, attempt->target_count);
    return IDC_OK;
}

/* ---- who may connect as whom ---- */

static bool
needs_password(const IdcPostgresHost *host)
{
    return idc_adapter_option_bool(&idc_declaration_postgres, &host->server->user_options,
                                   "password_required");
}

static IdcStatus
fail_no_password(const char *message, IdcError *err)
{
    (void) idc_fail(err, IDC_BAD_CREDENTIAL, "%s", message);
    idc_error_set_sqlstate(err, "2F003");
    idc_error_set_hint(err, "give the user mapping a password that the source asks for, or, as a "
                            "superuser, the option password_required 'false'");
    return IDC_BAD_CREDENTIAL;
}

static IdcStatus
check_password_given(const IdcPostgresHost *host, IdcError *err)
{
    const char *password = idc_option_value(&host->server->user_options, "password");

    if (!needs_password(host) || (password != NULL && password[0] != '\0'))
        return IDC_OK;
    return fail_no_password("a password is required", err);
}

/* A source that let it in for another reason has taken this machine's word for the role. */
static IdcStatus
check_password_used(const IdcPostgresHost *host, PGconn *libpq, IdcError *err)
{
    if (!needs_password(host) || PQconnectionUsedPassword(libpq))
        return IDC_OK;
    return fail_no_password("the source did not ask for the password", err);
}

/* ---- parameters ---- */

static void
add(Parameters *parameters, const char *name, const char *value)
{
    if (value == NULL || parameters->count == PARAMETERS_MOST)
        return;
    parameters->names[parameters->count] = name;
    parameters->values[parameters->count++] = value;
}

/* Those that this libpq does not know would make it refuse them all. */
static bool
is_known(const PQconninfoOption *known, const char *name)
{
    for (; known != NULL && known->keyword != NULL; known++)
        if (strcmp(known->keyword, name) == 0)
            return true;
    return false;
}

static const char *
duration_text(IdcArena *arena, const IdcOptionSet *options, const char *name)
{
    int64_t ms = idc_adapter_option_number(&idc_declaration_postgres, options, name);

    return ms < 0 ? NULL : idc_arena_printf(arena, "%lld", (long long) ms);
}

static const char *
bool_text(const IdcOptionSet *options, const char *name)
{
    bool value;

    if (option_text(options, name) == NULL)
        return NULL;
    value = idc_adapter_option_bool(&idc_declaration_postgres, options, name);
    return value ? "1" : "0";
}

/* Where nobody says whom to trust, or "system", whom this machine trusts. */
static const char *
root_certificates(const IdcOptionSet *options)
{
    static const char *const files[] = { "/etc/ssl/certs/ca-certificates.crt",
                                         "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem" };
    const char *mode = option_text(options, "sslmode");
    const char *given = option_text(options, "sslrootcert");
    bool is_verified = mode != NULL && strncmp(mode, "verify-", 7) == 0;

    if (!is_verified || (given != NULL && strcmp(given, "system") != 0))
        return given;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (access(files[i], R_OK) == 0)
            return files[i];
    return given;
}

static void
add_server_options(const Attempt *attempt, const PQconninfoOption *known, Parameters *parameters)
{
    const IdcOptionSet *options = &attempt->host->server->options;

    for (size_t i = 0; i < sizeof plain_server_options / sizeof *plain_server_options; i++) {
        const char *name = plain_server_options[i], *value = option_text(options, name);

        if (strcmp(name, "tcp_user_timeout") == 0)
            value = duration_text(attempt->arena, options, name);
        else if (strcmp(name, "keepalives") == 0 || strcmp(name, "sslsni") == 0)
            value = bool_text(options, name);
        else if (strcmp(name, "sslrootcert") == 0)
            value = root_certificates(options);
        if (is_known(known, name))
            add(parameters, name, value);
    }
    if (option_text(options, "application_name") == NULL)
        add(parameters, "application_name",
            idc_arena_printf(attempt->arena, "instant: %s", attempt->host->server->name));
}

static void
fill(const Attempt *attempt, const Target *target, const char *attrs, const PQconninfoOption *known,
     Parameters *parameters)
{
    const IdcOptionSet *user = &attempt->host->server->user_options;

    add_server_options(attempt, known, parameters);
    for (size_t i = 0; i < sizeof plain_user_options / sizeof *plain_user_options; i++)
        if (is_known(known, plain_user_options[i]))
            add(parameters, plain_user_options[i], idc_option_value(user, plain_user_options[i]));
    add(parameters, "host", target->host);
    add(parameters, "hostaddr", target->hostaddr);
    add(parameters, "port", target->port);
    add(parameters, "client_encoding", "UTF8");
    add(parameters, "fallback_application_name", "instant");
    if (strcmp(attrs, "any") != 0 && is_known(known, "target_session_attrs"))
        add(parameters, "target_session_attrs", attrs);
}

/* ---- connecting ---- */

static void
ignore_notice(void *nobody, const PGresult *notice)
{
    (void) nobody;
    (void) notice;
}

/* Lines of libpq's as one sentence. */
static void
tidy(const char *said, char *text, size_t size)
{
    size_t len = 0;

    for (; *said != '\0' && len + 1 < size; said++) {
        bool is_blank = *said == '\n' || *said == '\t' || *said == '\r' || *said == ' ';

        if (!is_blank)
            text[len++] = *said;
        else if (len > 0 && text[len - 1] != ' ')
            text[len++] = ' ';
    }
    while (len > 0 && text[len - 1] == ' ')
        len--;
    text[len] = '\0';
}

/* The five characters after "FATAL:  " of a verbose message, which are taken out. */
static void
take_sqlstate(char *text, char sqlstate[6])
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char *location = strstr(text, " LOCATION: ");

    sqlstate[0] = '\0';
    if (location != NULL)
        *location = '\0';
    for (char *at = strstr(text, ": "); at != NULL; at = strstr(at + 1, ": "))
        if (strspn(at + 2, letters) == 5 && at[7] == ':' &&
            strpbrk(at + 2, "0123456789") < at + 7 && strpbrk(at + 2, "0123456789") != NULL) {
            memcpy(sqlstate, at + 2, 5);
            sqlstate[5] = '\0';
            memmove(at + 2, at + 9, strlen(at + 9) + 1);
            return;
        }
}

typedef struct Reason {
    const char *sqlstate, *words; /* one of both */
    IdcStatus status;
    const char *hint;
} Reason;

static const Reason reasons[] = {
    { "28", NULL, IDC_BAD_CREDENTIAL,
      "check user and password of the user mapping, and the pg_hba.conf of the source" },
    { "3D000", NULL, IDC_CONNECTION_FAILED, "check the option dbname of the server" },
    { "53300", NULL, IDC_CONNECTION_FAILED,
      "set the option max_connections of the server, or raise that of the source" },
    { NULL, "no password supplied", IDC_BAD_CREDENTIAL, "give the user mapping a password" },
    { NULL, "translate host name", IDC_CONNECTION_FAILED,
      "check the spelling of the option host, and the network" },
    { NULL, "Connection refused", IDC_CONNECTION_FAILED,
      "check the options host and port, and that the source runs and listens there" },
    { NULL, "No such file", IDC_CONNECTION_FAILED,
      "no server listens on that socket: check the options host and port" },
    { NULL, "does not support SSL", IDC_CONNECTION_FAILED,
      "the source has no TLS: turn it on there, or choose another sslmode" },
    { NULL, "certificate", IDC_CONNECTION_FAILED,
      "check sslmode, sslrootcert, and the name and dates in the source's certificate" },
    { NULL, "invalid response to SSL negotiation", IDC_CONNECTION_FAILED,
      "something else than PostgreSQL answers there: check the options host and port" },
    { NULL, "SSL", IDC_CONNECTION_FAILED, "check sslmode and sslrootcert" },
};

static IdcStatus
fail_connect(PGconn *libpq, bool *is_full, IdcError *err)
{
    char text[2048], sqlstate[6];
    const Reason *reason = NULL;
    IdcStatus status;

    if (libpq == NULL)
        return idc_fail_no_memory(err);
    tidy(PQerrorMessage(libpq), text, sizeof text);
    take_sqlstate(text, sqlstate);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0] && reason == NULL; i++) {
        const Reason *one = &reasons[i];

        if (one->sqlstate != NULL ? strncmp(sqlstate, one->sqlstate, strlen(one->sqlstate)) == 0
                                  : strstr(text, one->words) != NULL)
            reason = one;
    }
    *is_full = strcmp(sqlstate, "53300") == 0;
    status = reason == NULL ? IDC_CONNECTION_FAILED : reason->status;
    (void) idc_fail(err, status, "cannot connect to the source: %s", text);
    idc_error_set_sqlstate(err, sqlstate[0] != '\0'            ? sqlstate
                                : status == IDC_BAD_CREDENTIAL ? "28000"
                                                               : "08001");
    if (reason != NULL)
        idc_error_set_hint(err, "%s", reason->hint);
    return status;
}

/* To the end of the handshake, or as long as this host may take. */
static IdcStatus
poll_until(const Attempt *attempt, PGconn *libpq, int64_t until, IdcError *err)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    while (PQstatus(libpq) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
           state != PGRES_POLLING_FAILED) {
        int64_t left = until - idc_clock_ms();
        IdcStatus status = idc_call_wait(attempt->call, PQsocket(libpq),
                                         state == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                                         left > 0 ? left : 0, err);

        if (status == IDC_TIMEOUT && idc_call_remaining_ms(attempt->call, -1) != 0) {
            status = idc_fail(err, IDC_CONNECTION_FAILED,
                              "cannot connect to the source: no answer within %lld ms",
                              (long long) attempt->timeout_ms);
            idc_error_set_sqlstate(err, "08001");
            idc_error_set_hint(err, "check host, port and firewall, or raise connect_timeout");
        }
        if (status != IDC_OK)
            return status;
        state = PQconnectPoll(libpq);
    }
    return IDC_OK;
}

static IdcStatus
try_target(Attempt *attempt, const Target *target, const char *attrs, PGconn **made, bool *is_full,
           IdcError *err)
{
    int64_t until = idc_clock_ms() + attempt->timeout_ms;
    PQconninfoOption *known = PQconndefaults();
    Parameters parameters = { 0 };
    PGconn *libpq;
    IdcStatus status = IDC_OK;

    fill(attempt, target, attrs, known, &parameters);
    libpq = PQconnectStartParams(parameters.names, parameters.values, 0);
    PQconninfoFree(known);
    if (libpq != NULL) {
        (void) PQsetErrorVerbosity(libpq, PQERRORS_VERBOSE);
        (void) PQsetNoticeReceiver(libpq, ignore_notice, NULL);
        status = poll_until(attempt, libpq, until, err);
    }
    if (status == IDC_OK && (libpq == NULL || PQstatus(libpq) != CONNECTION_OK))
        status = fail_connect(libpq, is_full, err);
    if (status == IDC_OK)
        status = check_password_used(attempt->host, libpq, err);
    if (status != IDC_OK) {
        PQfinish(libpq);
        return status;
    }
    (void) PQsetErrorVerbosity(libpq, PQERRORS_DEFAULT);
    *made = libpq;
    return IDC_OK;
}

/* The next host might do where this one is not there, is full, or is of the wrong kind. */
static bool
is_worth_another(const Attempt *attempt, IdcStatus status)
{
    return status == IDC_CONNECTION_FAILED && idc_call_remaining_ms(attempt->call, -1) != 0;
}

static IdcStatus
try_all(Attempt *attempt, const char *attrs, PGconn **libpq, bool *is_full, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; i < attempt->target_count; i++) {
        const Target *target = &attempt->targets[i];

        *is_full = false;
        status = try_target(attempt, target, attrs, libpq, is_full, err);
        if (status == IDC_OK || !is_worth_another(attempt, status))
            return status;
    }
    return status;
}

/* "prefer-standby" is for a list that libpq sees as a whole. */
static IdcStatus
try_in_order(Attempt *attempt, PGconn **libpq, bool *is_full, IdcError *err)
{
    const char *attrs = option_text(&attempt->host->server->options, "target_session_attrs");
    IdcStatus status;

    if (strcmp(attrs, "prefer-standby") != 0)
        return try_all(attempt, attrs, libpq, is_full, err);
    status = try_all(attempt, "standby", libpq, is_full, err);
    if (status == IDC_OK || !is_worth_another(attempt, status))
        return status;
    return try_all(attempt, "any", libpq, is_full, err);
}

static bool
is_unix_socket(const PGconn *libpq)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof address;

    return getsockname(PQsocket(libpq), (struct sockaddr *) &address, &len) == 0 &&
           address.ss_family == AF_UNIX;
}

static IdcStatus
session_new(IdcPostgresHost *host, PGconn *libpq, IdcPostgresSession **session, IdcError *err)
{
    IdcPostgresSession *made = idc_calloc(1, sizeof *made);
    IdcStatus status = IDC_OK;

    if (made == NULL) {
        PQfinish(libpq);
        return idc_fail_no_memory(err);
    }
    made->host = host;
    made->libpq = libpq;
    made->status = 'I';
    made->is_unix = is_unix_socket(libpq);
    made->is_raw = !PQsslInUse(libpq) && !PQgssEncInUse(libpq);
    idc_text_init(&made->before, 0);
    idc_text_init(&made->fields, 0);
    if (PQserverVersion(libpq) < 90600)
        status =
            idc_fail(err, IDC_UNSUPPORTED, "the source is PostgreSQL %d.%d: 9.6 or later is needed",
                     PQserverVersion(libpq) / 10000, PQserverVersion(libpq) / 100 % 100);
    else if (PQsetnonblocking(libpq, 1) != 0)
        status = idc_postgres_fail_lost(made, err);
    if (status == IDC_OK)
        *session = made;
    else
        idc_postgres_close(made);
    return status;
}

IdcStatus
idc_postgres_connect(IdcPostgresHost *host, IdcCall *call, IdcPostgresSession **session,
                     bool *is_full, IdcError *err)
{
    const char *timeout = option_text(&host->server->options, "connect_timeout");
    Attempt attempt = { .host = host, .call = call };
    PGconn *libpq = NULL;
    IdcStatus status = check_password_given(host, err);

    if (status != IDC_OK)
        return status;
    attempt.arena = idc_arena_new(0);
    if (attempt.arena == NULL)
        return idc_fail_no_memory(err);
    attempt.timeout_ms = 1000 * idc_postgres_seconds(timeout);
    /* As libpq has it, 0 is no limit: there is one all the same. */
    if (attempt.timeout_ms <= 0)
        attempt.timeout_ms = INT64_C(3600) * 1000;
    status = find_targets(&attempt, err);
    if (status == IDC_OK)
        status = try_in_order(&attempt, &libpq, is_full, err);
    idc_arena_free(attempt.arena);
    return status == IDC_OK ? session_new(host, libpq, session, err) : status;
}

void
idc_postgres_close(IdcPostgresSession *session)
{
    if (session == NULL)
        return;
    PQclear(session->result);
    PQfinish(session->libpq);
    idc_wire_free(&session->wire);
    idc_text_done(&session->before);
    idc_text_done(&session->fields);
    idc_free(session->field_pointers);
    idc_free(session);
}

/* A server that says something unasked says goodbye, or tells of a setting that it has read anew.
 */
bool
idc_postgres_is_alive(IdcPostgresSession *session)
{
    char byte;
    ssize_t got;

    if (session->is_lost || session->is_busy || PQstatus(session->libpq) != CONNECTION_OK)
        return false;
    got = recv(PQsocket(session->libpq), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

IdcStatus
idc_postgres_fail_lost(IdcPostgresSession *session, IdcError *err)
{
    char text[1024];

    session->is_lost = true;
    tidy(PQerrorMessage(session->libpq), text, sizeof text);
    return idc_fail(err, IDC_CONNECTION_FAILED, "the connection to the source was lost%s%s",
                    text[0] != '\0' ? ": " : "", text);
}
