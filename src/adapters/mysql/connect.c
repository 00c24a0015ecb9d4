/*
 * connect.c - a connection to the first host that takes us, and what holds on it.
 */
#include "adapters/mysql/write.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/memory.h"

/* Values are read on the library's own stack. */
enum { STACK_BYTES = 256 * 1024 };

enum {
    TOO_MANY_CONNECTIONS = 1040,
    TOO_MANY_OF_USER = 1203,
    USER_LIMIT_REACHED = 1226,
    FIRST_OF_LIBRARY = 2000
};

/* A server that is gone without a word is noticed after 30 + 3 * 10 seconds. */
static void
keep_alive(MYSQL *mysql)
{
    const int idle = 30, interval = 10, count = 3;
    int fd = (int) mysql_get_socket(mysql);

    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

static void
set_options(const IdcMysqlServer *server, MYSQL *mysql)
{
    const IdcOptionSet *options = &server->server->options;
    unsigned seconds = (unsigned) ((server->connect_ms + 999) / 1000), none = 0;
    unsigned protocol = server->socket != NULL ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    size_t packet = (size_t) 1 << 30, stack = STACK_BYTES;
    my_bool no = 0;
    const char *file = idc_mysql_server_option(server, "option_file");
    const char *group = idc_mysql_server_option(server, "option_group");
    const char *plugins = idc_mysql_server_option(server, "plugin_dir");

    (void) mysql_options(mysql, MYSQL_OPT_NONBLOCK, &stack);
    (void) mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, idc_mysql_io_wait);
    (void) mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    (void) mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    (void) mysql_options(mysql, MYSQL_OPT_RECONNECT, &no);
    (void) mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
    (void) mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "instant-source");
    if (idc_adapter_option_bool(&idc_declaration_mysql, options, "compression"))
        (void) mysql_options(mysql, MYSQL_OPT_COMPRESS, NULL);
    if (plugins != NULL)
        (void) mysql_options(mysql, MYSQL_PLUGIN_DIR, plugins);
    if (file != NULL)
        (void) mysql_options(mysql, MYSQL_READ_DEFAULT_FILE, file);
    if (file != NULL && group != NULL)
        (void) mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, group);
    /* A server that we talk to must not ask for our files, nor choose another charset. */
    (void) mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &none);
    (void) mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    idc_mysql_tls_prepare(server, mysql);
}

/* Of a cancel, or of the call's own limit, the words are right already. */
static IdcStatus
fail_silent(const IdcMysqlWait *wait, IdcStatus status, IdcError *err)
{
    if (status != IDC_TIMEOUT || idc_call_remaining_ms(wait->call, -1) == 0)
        return status;
    status = idc_fail(err, IDC_CONNECTION_FAILED, "no answer within %lld ms",
                      (long long) wait->limit_ms);
    idc_error_set_sqlstate(err, "08001");
    idc_error_set_hint(err, "check host, port and firewall, or raise connect_timeout");
    return status;
}

/* What the library says of the network, and what can be done about it. */
static void
advise(const IdcMysqlServer *server, MYSQL *mysql, IdcError *err)
{
    enum { SOCKET_REFUSED = 2002, HOST_REFUSED = 2003, NAME_UNKNOWN = 2005, SSL_FAILED = 2026 };

    if (err == NULL || err->status != IDC_CONNECTION_FAILED || err->hint[0] != '\0')
        return;
    switch (mysql_errno(mysql)) {
    case SOCKET_REFUSED:
    case HOST_REFUSED:
        idc_error_set_hint(err, server->socket != NULL
                                    ? "check the option socket, and that the server runs"
                                    : "check the options host and port, and that the server runs "
                                      "and listens there");
        break;
    case NAME_UNKNOWN:
        idc_error_set_hint(err, "check the spelling of the option host, and the network");
        break;
    case SSL_FAILED:
        idc_error_set_hint(err, "check ssl_mode and ssl_ca");
        break;
    default:
        break;
    }
}

static IdcStatus
add_place(const IdcMysqlServer *server, const IdcMysqlHost *host, IdcError *err)
{
    if (server->socket != NULL)
        return idc_add_context(err, "cannot connect to \"%s\"", server->socket);
    return idc_add_context(err, "cannot connect to %s:%u", host->name, host->port);
}

static IdcStatus
open_host(IdcMysqlServer *server, size_t host, IdcMysqlWait *wait, MYSQL **mysql, IdcError *err)
{
    const IdcMysqlHost *place = &server->hosts[host];
    MYSQL *made = mysql_init(NULL);
    IdcStatus status;

    if (made == NULL)
        return idc_fail_no_memory(err);
    set_options(server, made);
    status = idc_mysql_real_connect(
        wait, made, place->name, idc_mysql_server_option(server, "user"),
        idc_mysql_server_option(server, "password"), idc_mysql_server_option(server, "database"),
        place->port, server->socket, 0, err);
    *mysql = made;
    if (status == IDC_OK && server->socket == NULL)
        keep_alive(made);
    if (status == IDC_OK)
        return IDC_OK;
    (void) fail_silent(wait, status, err);
    advise(server, made, err);
    return add_place(server, place, err);
}

static bool
is_full_error(MYSQL *mysql)
{
    unsigned code = mysql == NULL ? 0 : mysql_errno(mysql);
    const char *said;

    /* Before TLS the library does not trust the server's number, but says it: ": 1040 - Too many".
     */
    if (code >= FIRST_OF_LIBRARY && (said = strstr(mysql_error(mysql), "be verified: ")) != NULL)
        code = (unsigned) strtoul(said + strlen("be verified: "), NULL, 10);
    return code == TOO_MANY_CONNECTIONS || code == TOO_MANY_OF_USER || code == USER_LIMIT_REACHED;
}

IdcStatus
idc_mysql_connect_plain(IdcMysqlServer *server, size_t host, IdcCall *call, MYSQL **mysql,
                        bool *is_full, IdcError *err)
{
    IdcMysqlWait wait;
    IdcStatus status;

    idc_mysql_wait_begin(&wait, call, server->connect_ms, NULL);
    status = open_host(server, host, &wait, mysql, err);
    if (status != IDC_OK) {
        *is_full = wait.problem.status == IDC_OK && is_full_error(*mysql);
        mysql_close(*mysql);
        *mysql = NULL;
    }
    return status;
}

/* ---- what holds on a connection ---- */

/* Of mysql_fdw's users some name modes under which statements mean something else: not ours. */
static bool
changes_meaning(const char *mode, size_t len)
{
    static const char *const modes[] = { "ANSI",
                                         "ANSI_QUOTES",
                                         "DB2",
                                         "EMPTY_STRING_IS_NULL",
                                         "HIGH_NOT_PRECEDENCE",
                                         "IGNORE_SPACE",
                                         "MAXDB",
                                         "MSSQL",
                                         "ONLY_FULL_GROUP_BY",
                                         "ORACLE",
                                         "PAD_CHAR_TO_FULL_LENGTH",
                                         "PIPES_AS_CONCAT",
                                         "POSTGRESQL",
                                         "REAL_AS_FLOAT" };

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strlen(modes[i]) == len && strncasecmp(modes[i], mode, len) == 0)
            return true;
    return false;
}

static void
append_more_modes(const char *modes, IdcText *sql)
{
    static const char separators[] = ", ";

    for (modes += strspn(modes, separators); *modes != '\0'; modes += strspn(modes, separators)) {
        size_t len = strcspn(modes, separators);

        if (!changes_meaning(modes, len)) {
            idc_text_append_char(sql, ',');
            idc_text_append_len(sql, modes, len);
        }
        modes += len;
    }
}

static void
append_modes(const IdcMysqlConn *conn, IdcText *sql)
{
    const char *more = idc_mysql_server_option(conn->server, "sql_mode");

    /* Writes are as strict as PostgreSQL's; texts have no escapes; 1 - 2 is -1. */
    idc_text_append(sql, "NO_BACKSLASH_ESCAPES,NO_UNSIGNED_SUBTRACTION,STRICT_TRANS_TABLES,"
                         "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO,"
                         "NO_ENGINE_SUBSTITUTION");
    if (conn->is_mariadb && conn->version >= 100400)
        idc_text_append(sql, ",TIME_ROUND_FRACTIONAL");
    if (more != NULL)
        append_more_modes(more, sql);
}

static const char *
collation(const IdcMysqlConn *conn)
{
    if (conn->is_mariadb)
        return conn->version >= 100202 ? "utf8mb4_nopad_bin" : "utf8mb4_bin";
    return conn->version >= 80017 ? "utf8mb4_0900_bin" : "utf8mb4_bin";
}

/* One request for all that the server must know. */
static IdcStatus
set_session(IdcMysqlConn *conn, IdcMysqlWait *wait, IdcError *err)
{
    IdcText sql, modes;
    IdcStatus status;

    idc_text_init(&modes, 0);
    append_modes(conn, &modes);
    idc_text_init(&sql, 0);
    idc_text_append_format(&sql,
                           "SET NAMES utf8mb4 COLLATE %s, SESSION sql_mode = ", collation(conn));
    idc_sql_literal(idc_text_string(&modes), &sql);
    /* A hub may take its time between two batches, and with a transaction. */
    idc_text_append(&sql,
                    ", SESSION time_zone = '+00:00', SESSION net_write_timeout = 86400, "
                    "SESSION wait_timeout = 86400, SESSION sql_select_limit = 9223372036854775807, "
                    "SESSION autocommit = 1, SESSION sql_auto_is_null = 0, "
                    "SESSION max_sort_length = 1024");
    /* It takes two texts that a collation cannot tell apart for one. */
    if (conn->is_mariadb)
        idc_text_append(&sql, ", SESSION optimizer_switch = 'subquery_cache=off'");
    /* A long IN stays one: as a join it would compare by the types of its items. */
    if (conn->is_mariadb && conn->version >= 100318)
        idc_text_append(&sql, ", SESSION in_predicate_conversion_threshold = 0");
    /* MySQL 8 would tell for a day how many rows there were. */
    if (!conn->is_mariadb && conn->version >= 80003)
        idc_text_append(&sql, ", SESSION information_schema_stats_expiry = 0");
    idc_text_append_format(&sql, ", SESSION %s = 'REPEATABLE-READ'",
                           conn->is_mariadb && conn->version < 110101   ? "tx_isolation"
                           : conn->is_mariadb || conn->version >= 50720 ? "transaction_isolation"
                                                                        : "tx_isolation");
    status = idc_text_check(&modes, err);
    if (status == IDC_OK)
        status = idc_text_check(&sql, err);
    if (status == IDC_OK)
        status = idc_mysql_query(wait, conn, idc_text_string(&sql), NULL, err);
    idc_text_done(&modes);
    idc_text_done(&sql);
    return status;
}

static IdcStatus
begin_session(IdcMysqlConn *conn, IdcMysqlWait *wait, IdcError *err)
{
    const char *command = idc_mysql_server_option(conn->server, "init_command");
    IdcStatus status;

    conn->id = mysql_thread_id(conn->mysql);
    conn->version = mysql_get_server_version(conn->mysql);
    conn->is_mariadb = mariadb_connection(conn->mysql) != 0;
    conn->level = 1;
    if (!conn->is_mariadb && conn->version < 50605)
        return idc_fail(err, IDC_UNSUPPORTED,
                        "the server is MySQL %s; 5.6.5 is the oldest that can "
                        "be read from",
                        mysql_get_server_info(conn->mysql));
    if (command != NULL) {
        status = idc_mysql_query(wait, conn, command, NULL, err);
        if (status != IDC_OK)
            return idc_add_context(err, "option \"init_command\"");
    }
    return set_session(conn, wait, err);
}

/* ---- which host ---- */

static IdcStatus
connect_host(IdcMysqlConn *conn, size_t host, IdcCall *call, bool *is_full, IdcError *err)
{
    IdcMysqlWait wait;
    IdcStatus status;

    idc_mysql_wait_begin(&wait, call, conn->server->connect_ms, NULL);
    conn->host = host;
    status = open_host(conn->server, host, &wait, &conn->mysql, err);
    if (status == IDC_OK) {
        status = begin_session(conn, &wait, err);
        status = fail_silent(&wait, status, err);
    }
    if (status == IDC_OK)
        return IDC_OK;
    *is_full = wait.problem.status == IDC_OK && is_full_error(conn->mysql);
    mysql_close(conn->mysql);
    conn->mysql = NULL;
    return status;
}

/* Another host would say the same of a wrong password, and nobody waits any more after a cancel. */
static bool
is_worth_another(IdcCall *call, IdcStatus status)
{
    if (status != IDC_CONNECTION_FAILED && status != IDC_TIMEOUT && status != IDC_SOURCE_FAILED)
        return false;
    return !idc_call_is_cancelled(call) && idc_call_remaining_ms(call, -1) != 0;
}

IdcStatus
idc_mysql_connect(IdcMysqlServer *server, IdcCall *call, bool *is_full, IdcMysqlConn **conn,
                  IdcError *err)
{
    IdcMysqlConn *made = idc_calloc(1, sizeof *made);
    IdcStatus status = IDC_CONNECTION_FAILED;

    if (made == NULL)
        return idc_fail_no_memory(err);
    made->server = server;
    for (size_t i = 0; i < server->host_count; i++) {
        bool is_full_here = false;

        status = connect_host(made, i, call, &is_full_here, err);
        *is_full |= is_full_here;
        if (status == IDC_OK || !is_worth_another(call, status))
            break;
    }
    if (status != IDC_OK) {
        idc_free(made);
        return status;
    }
    *is_full = false;
    *conn = made;
    return IDC_OK;
}

void
idc_mysql_close(IdcMysqlConn *conn)
{
    if (conn == NULL)
        return;
    if (conn->mysql != NULL) {
        if (conn->is_busy)
            (void) shutdown((int) mysql_get_socket(conn->mysql), SHUT_WR);
        mysql_close(conn->mysql);
        /* Only now: it would read the rest of its rows. */
        if (conn->statement != NULL)
            (void) mysql_stmt_close(conn->statement);
    }
    idc_mysql_known_free(conn->known);
    idc_mysql_seen_forget(conn);
    idc_free(conn);
}
