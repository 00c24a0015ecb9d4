/*
 * http_guard.h - which addresses a request of ours may reach.
 *
 * In:   the address of a socket that is about to be opened; names and notations are behind us then
 * Out:  why it is refused, or NULL
 *
 * An address that another host's name or redirect leads to could be this machine, its network or a
 * cloud's metadata service; so all that is not public is refused unless the server's owner says
 * otherwise (allow_private).
 */
#ifndef IDC_ADAPTERS_COMMON_HTTP_GUARD_H
#define IDC_ADAPTERS_COMMON_HTTP_GUARD_H

#include <stdbool.h>
#include <sys/socket.h>

/* "a loopback address" …; static. NULL: public. Anything but IPv4 and IPv6 is refused. */
const char *idc_http_guard_address(const struct sockaddr *address, socklen_t len);

/*
 * The same for a host as an URL has it, without asking anybody: for connections by a proxy, which
 * resolves names itself. Names are NULL, but for localhost.
 */
const char *idc_http_guard_host(const char *host);

/* "127.0.0.1" or "::1" for messages; buffer has INET6_ADDRSTRLEN bytes. */
void idc_http_guard_show(const struct sockaddr *address, char *buffer, size_t size);

#endif
