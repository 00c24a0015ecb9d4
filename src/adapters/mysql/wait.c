/*
 * wait.c - calls of libmariadb, each wait of which has a limit and can be cancelled.
 *
 * The library's _start and _cont calls say what they wait for instead of waiting. TLS is the
 * exception: its handshake waits, by way of a hook that knows nothing but the descriptor. So a
 * thread remembers which call it works for.
 */
#include "adapters/mysql/work.h"

#include <errmsg.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static _Thread_local IdcMysqlWait *current;

void
idc_mysql_wait_begin(IdcMysqlWait *wait, IdcCall *call, int64_t longest_ms, IdcScanStats *stats)
{
    *wait = (IdcMysqlWait){ .call = call,
                            .until_ms = longest_ms < 0 ? -1 : idc_clock_ms() + longest_ms,
                            .limit_ms = longest_ms,
                            .silence_ms = -1,
                            .stats = stats };
}

static IdcStatus
wait_for(IdcMysqlWait *wait, int fd, short events)
{
    int64_t start = idc_clock_us(), longest_ms = wait->silence_ms;
    IdcStatus status;

    if (wait->until_ms >= 0) {
        longest_ms = wait->until_ms - start / 1000;
        longest_ms = longest_ms < 0 ? 0 : longest_ms;
    }
    if (wait->problem.status != IDC_OK)
        return wait->problem.status;
    status = idc_call_wait(wait->call, fd, events, longest_ms, &wait->problem);
    if (status == IDC_TIMEOUT && idc_call_remaining_ms(wait->call, -1) != 0) {
        (void) idc_fail(&wait->problem, IDC_TIMEOUT, "timed out: no answer within %lld ms",
                        (long long) (wait->until_ms >= 0 ? wait->limit_ms : wait->silence_ms));
        idc_error_set_hint(&wait->problem, "raise read_timeout, or ask for less");
    }
    if (wait->stats != NULL)
        wait->stats->wait_us += idc_clock_us() - start;
    return status;
}

bool
idc_mysql_wait_for(IdcMysqlWait *wait, MYSQL *mysql, int *status)
{
    short events = 0;

    if ((*status & MYSQL_WAIT_READ) != 0)
        events |= POLLIN;
    if ((*status & MYSQL_WAIT_WRITE) != 0)
        events |= POLLOUT;
    if ((*status & MYSQL_WAIT_EXCEPT) != 0)
        events |= POLLPRI;
    if (wait_for(wait, events == 0 ? -1 : (int) mysql_get_socket(mysql), events) != IDC_OK)
        return false;
    *status &= MYSQL_WAIT_READ | MYSQL_WAIT_WRITE | MYSQL_WAIT_EXCEPT;
    return true;
}

/* Nobody waits for what happens outside of a call of ours: closing, for one. */
int
idc_mysql_io_wait(my_socket handle, my_bool is_read, int timeout)
{
    IdcStatus status;

    (void) timeout;
    if (current == NULL) {
        errno = ETIMEDOUT;
        return -1;
    }
    status = wait_for(current, (int) handle, is_read ? POLLIN : POLLOUT);
    if (status == IDC_OK)
        return 1;
    errno = ETIMEDOUT;
    return -1;
}

/* ---- errors ---- */

static const struct {
    unsigned code;
    const char *sqlstate;
} sqlstates[] = {
    { 1040, "53300" }, /* too many connections */
    { 1203, "53300" }, { 1226, "53300" }, { 1044, "42501" }, { 1142, "42501" }, { 1143, "42501" },
    { 1227, "42501" }, { 1370, "42501" }, { 1049, "3D000" }, { 1146, "42P01" }, { 1054, "42703" },
    { 1064, "42601" }, { 1048, "23502" }, { 1364, "23502" }, { 1062, "23505" }, { 1586, "23505" },
    { 1451, "23503" }, { 1452, "23503" }, { 4025, "23514" }, { 3819, "23514" }, { 1264, "22003" },
    { 1690, "22003" }, { 1406, "22001" }, { 1292, "22007" }, { 1366, "22P02" }, { 1365, "22012" },
    { 1205, "55P03" }, { 1317, "57014" }, { 1969, "57014" }, { 3024, "57014" }, { 1053, "08006" },
    { 1927, "08006" }, { 1153, "54000" }, { 1301, "54000" }, { 1792, "25006" }, { 1836, "25006" },
    { 1290, "25006" }, { 1213, "40P01" }, { 1020, "40001" }, { 3140, "22P02" }, /* invalid JSON */
    { 3572, "55P03" },
};

static const char *
sqlstate_of(unsigned code)
{
    for (size_t i = 0; i < sizeof sqlstates / sizeof sqlstates[0]; i++)
        if (sqlstates[i].code == code)
            return sqlstates[i].sqlstate;
    return NULL;
}

/* What comes of a lost connection, or of none: CR_MIN_ERROR … CR_MAX_ERROR of errmsg.h. */
static bool
is_of_connection(unsigned code)
{
    return (code >= 2000 && code < 3000) || (code >= 5000 && code < 6000);
}

/* The library calls it "access denied". */
static bool
is_missing_plugin(unsigned code, const char *said)
{
    return code == CR_AUTH_PLUGIN_CANNOT_LOAD || strstr(said, "could not be loaded") != NULL;
}

/* What to do about it; NULL: nobody knows. */
static const char *
hint_of(unsigned code, const char *said)
{
    if (is_missing_plugin(code, said))
        return "the method is a file of MariaDB Connector/C (Debian: package libmariadb3); option "
               "plugin_dir says where it is";
    if (code == CR_PLUGIN_NOT_ALLOWED && strstr(said, "needs TLS") != NULL)
        return "let the server offer TLS (ssl_mode 'require' or 'verify-full' asks for it), or set "
               "get_server_public_key to yes where nobody can stand between";
    if (code == CR_PLUGIN_NOT_ALLOWED)
        return "set ssl_mode to 'verify-full', so that it is known who the server is, or give the "
               "user another method";
    if (code == CR_SSL_CONNECTION_ERROR &&
        (strstr(said, "legacy") != NULL || strstr(said, "unsupported protocol") != NULL))
        return "the server's TLS is older than 1.2; where nobody can listen, set ssl_mode to "
               "'disable'";
    return NULL;
}

static IdcStatus
fail_connection(unsigned code, const char *said, IdcError *err)
{
    const char *hint = hint_of(code, said);

    (void) idc_fail(err, IDC_CONNECTION_FAILED, "%s (%u)", said, code);
    if (hint != NULL)
        idc_error_set_hint(err, hint);
    return IDC_CONNECTION_FAILED;
}

IdcStatus
idc_mysql_fail(const IdcMysqlWait *wait, unsigned code, const char *said, const char *sql,
               IdcError *err)
{
    const unsigned no_memory = 2008, access_denied = 1045, access_denied_no_password = 1698;
    const char *mapped = sqlstate_of(code), *raised = idc_mysql_sqlstate(code, said);
    IdcStatus status;

    if (wait != NULL && wait->problem.status != IDC_OK) {
        if (err != NULL)
            *err = wait->problem;
        if (sql != NULL)
            idc_error_set_remote_sql(err, sql);
        return wait->problem.status;
    }
    if (code == no_memory)
        return idc_fail_no_memory(err);
    if (code == access_denied && is_missing_plugin(code, said))
        return fail_connection(code, said, err);
    if (code == access_denied || code == access_denied_no_password)
        return idc_fail(err, IDC_BAD_CREDENTIAL, "the server refuses the user: %s", said);
    if (is_of_connection(code))
        status = fail_connection(code, said, err);
    else
        status = idc_fail(err, IDC_SOURCE_FAILED, "the server says: %s (%u)", said, code);
    if (raised != NULL && strcmp(raised, "22012") == 0) {
        status = idc_fail(err, IDC_SOURCE_FAILED, "division by zero");
        mapped = raised;
    }
    if (mapped != NULL)
        idc_error_set_sqlstate(err, mapped);
    if (sql != NULL)
        idc_error_set_remote_sql(err, sql);
    return status;
}

static IdcStatus
fail(const IdcMysqlWait *wait, MYSQL *mysql, const char *sql, IdcError *err)
{
    return idc_mysql_fail(wait, mysql_errno(mysql), mysql_error(mysql), sql, err);
}

/* ---- calls ---- */

IdcStatus
idc_mysql_real_connect(IdcMysqlWait *wait, MYSQL *mysql, const char *host, const char *user,
                       const char *password, const char *database, unsigned port,
                       const char *socket, unsigned long flags, IdcError *err)
{
    MYSQL *connected = NULL;
    int status;

    current = wait;
    status = mysql_real_connect_start(&connected, mysql, host, user, password, database, port,
                                      socket, flags);
    while (status != 0 && idc_mysql_wait_for(wait, mysql, &status))
        status = mysql_real_connect_cont(&connected, mysql, status);
    current = NULL;
    return connected != NULL ? IDC_OK : fail(wait, mysql, NULL, err);
}

static bool
send_query(IdcMysqlWait *wait, MYSQL *mysql, const char *sql)
{
    int failed = 1;
    int status = mysql_real_query_start(&failed, mysql, sql, strlen(sql));

    while (status != 0 && idc_mysql_wait_for(wait, mysql, &status))
        status = mysql_real_query_cont(&failed, mysql, status);
    return status == 0 && failed == 0;
}

static bool
read_result(IdcMysqlWait *wait, MYSQL *mysql, MYSQL_RES **result)
{
    int status = mysql_store_result_start(result, mysql);

    while (status != 0 && idc_mysql_wait_for(wait, mysql, &status))
        status = mysql_store_result_cont(result, mysql, status);
    return status == 0 && (*result != NULL || mysql_errno(mysql) == 0);
}

IdcStatus
idc_mysql_run(IdcMysqlWait *wait, MYSQL *mysql, const char *sql, MYSQL_RES **result, IdcError *err)
{
    MYSQL_RES *stored = NULL;
    bool is_right;

    current = wait;
    is_right = send_query(wait, mysql, sql) && read_result(wait, mysql, &stored);
    current = NULL;
    if (!is_right)
        return fail(wait, mysql, sql, err);
    if (result != NULL)
        *result = stored;
    else
        mysql_free_result(stored);
    return IDC_OK;
}

IdcStatus
idc_mysql_query(IdcMysqlWait *wait, IdcMysqlConn *conn, const char *sql, MYSQL_RES **result,
                IdcError *err)
{
    IdcStatus status;

    conn->is_busy = true;
    status = idc_mysql_run(wait, conn->mysql, sql, result, err);
    /* The server's own errors end an answer; what ended in the middle stays busy. */
    if (wait->problem.status == IDC_OK)
        conn->is_busy = false;
    return status;
}
