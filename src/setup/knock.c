/*
 * knock.c - whether anyone answers at a source's address, asked by ourselves.
 *
 * In:   host and port of a source, where the hub runs on this machine and so sees the same network
 * Out:  IdcKnock
 *
 * mysql_fdw connects without a time limit and cannot be cancelled while it does: its session would
 * hang for as long as the source is silent, together with all that it has locked. A server of MySQL
 * speaks first, so one that is silent is known before the wrapper is let near it.
 */
#include "setup/model.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool
idc_hub_is_local(IdcConn *conn)
{
    const char *host = PQhost(idc_conn_libpq(conn));

    return host == NULL || *host == '\0' || *host == '/' || *host == '@' ||
           strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0;
}

static IdcKnock
wait_connected(IdcCall *call, int fd, const struct addrinfo *address, int64_t timeout_ms)
{
    socklen_t code_len = sizeof(int);
    int code = 0;

    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        code = errno;
    if (code == EINPROGRESS) {
        IdcStatus status = idc_call_wait(call, fd, POLLOUT, timeout_ms, NULL);

        if (status == IDC_TIMEOUT)
            return IDC_KNOCK_SILENT;
        if (status != IDC_OK || getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &code_len) != 0)
            return IDC_KNOCK_UNKNOWN;
    }
    if (code == ETIMEDOUT)
        return IDC_KNOCK_SILENT;
    if (code == ECONNREFUSED)
        return IDC_KNOCK_REFUSED;
    return code == 0 ? IDC_KNOCK_ANSWERED : IDC_KNOCK_UNKNOWN;
}

IdcKnock
idc_knock(IdcCall *call, const IdcConfigSource *source, bool speaks_first, int64_t timeout_ms)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    const char *host = idc_source_option(&source->server_options, "host", "localhost");
    IdcKnock answer = IDC_KNOCK_UNKNOWN;
    int fd;

    /* A path is a socket, and MySQL's clients take "localhost" for one too. */
    if (*host == '/' || strcmp(host, "localhost") == 0)
        return IDC_KNOCK_UNKNOWN;
    if (getaddrinfo(host, idc_source_port(source), &hints, &found) != 0)
        return IDC_KNOCK_NO_NAME;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        answer = wait_connected(call, fd, found, timeout_ms);
        if (answer == IDC_KNOCK_ANSWERED && speaks_first &&
            idc_call_wait(call, fd, POLLIN, timeout_ms, NULL) == IDC_TIMEOUT)
            answer = IDC_KNOCK_SILENT;
        close(fd);
    }
    freeaddrinfo(found);
    return answer;
}

IdcStatus
idc_knock_first(IdcSetup *setup, const IdcConfigSource *source, IdcError *err)
{
    int64_t timeout_ms = setup->connect_timeout_ms > 0 ? setup->connect_timeout_ms : 10000;

    /* Once a source: servers count clients that leave before they have said who they are. */
    if (setup->knocked == source)
        return IDC_OK;
    setup->knocked = source;
    if (strcmp(source->wrapper, "mysql_fdw") != 0 || !idc_hub_is_local(setup->conn) ||
        idc_knock(setup->call, source, true, timeout_ms) != IDC_KNOCK_SILENT)
        return IDC_OK;
    (void) idc_fail(err, IDC_CONNECTION_FAILED, "nothing was heard for %lld ms: timeout expired",
                    (long long) timeout_ms);
    idc_error_set_sqlstate(err, "08001");
    idc_error_set_source(err, source->server_name);
    return IDC_CONNECTION_FAILED;
}
