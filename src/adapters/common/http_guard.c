/*
 * http_guard.c - the special-purpose address registries of IANA (RFC 6890), and what maps to them.
 */
#include "adapters/common/http_guard.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

typedef struct Range4 {
    uint32_t network;
    int bits;
    const char *what;
} Range4;

typedef struct Range6 {
    uint8_t network[16];
    int bits;
    int embedded_at; /* where 4 bytes of an IPv4 address decide instead; 0: none, it is refused */
    const char *what;
} Range6;

static const Range4 ranges4[] = {
    { 0x00000000, 8, "an address of this network" },
    { 0x0a000000, 8, "a private address" },
    { 0x64400000, 10, "a private address of a carrier" },
    { 0x7f000000, 8, "a loopback address" },
    { 0xa9fe0000, 16, "a link-local address" },
    { 0xac100000, 12, "a private address" },
    { 0xc0000000, 24, "an address of special purpose" },
    { 0xc0000200, 24, "an address of documentation" },
    { 0xc0586300, 24, "an address of special purpose" },
    { 0xc0a80000, 16, "a private address" },
    { 0xc6120000, 15, "an address of benchmarks" },
    { 0xc6336400, 24, "an address of documentation" },
    { 0xcb007100, 24, "an address of documentation" },
    { 0xe0000000, 4, "a multicast address" },
    { 0xf0000000, 4, "a reserved or broadcast address" },
};

/* The first that matches decides. */
static const Range6 ranges6[] = {
    { { 0, 0x64, 0xff, 0x9b }, 96, 12, NULL },
    /* ::, ::1, IPv4-mapped, IPv4-compatible, 64:ff9b:1::/48, and nothing that is public. */
    { { 0 }, 8, 0, "a loopback, mapped or reserved address" },
    { { 0x01, 0x00 }, 64, 0, "an address that is discarded" },
    { { 0x20, 0x01, 0, 0 }, 32, 0, "a Teredo address" },
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32, 0, "an address of documentation" },
    { { 0x20, 0x02 }, 16, 2, NULL },
    { { 0x3f, 0xff }, 20, 0, "an address of documentation" },
    { { 0xfc }, 7, 0, "a private address" },
    { { 0xfe, 0x80 }, 10, 0, "a link-local address" },
    { { 0xfe, 0xc0 }, 10, 0, "a site-local address" },
    { { 0xff }, 8, 0, "a multicast address" },
};

static const char *
guard_ipv4(uint32_t address)
{
    for (size_t i = 0; i < sizeof ranges4 / sizeof ranges4[0]; i++)
        if ((address ^ ranges4[i].network) >> (32 - ranges4[i].bits) == 0)
            return ranges4[i].what;
    return NULL;
}

static bool
is_within(const uint8_t *address, const Range6 *range)
{
    int bytes = range->bits / 8, rest = range->bits % 8;

    if (memcmp(address, range->network, (size_t) bytes) != 0)
        return false;
    return rest == 0 || (address[bytes] ^ range->network[bytes]) >> (8 - rest) == 0;
}

static const char *
guard_ipv6(const uint8_t *address)
{
    for (size_t i = 0; i < sizeof ranges6 / sizeof ranges6[0]; i++) {
        const uint8_t *four = address + ranges6[i].embedded_at;

        if (!is_within(address, &ranges6[i]))
            continue;
        if (ranges6[i].embedded_at == 0)
            return ranges6[i].what;
        return guard_ipv4((uint32_t) four[0] << 24 | (uint32_t) four[1] << 16 |
                          (uint32_t) four[2] << 8 | four[3]);
    }
    return NULL;
}

const char *
idc_http_guard_address(const struct sockaddr *address, socklen_t len)
{
    if (address->sa_family == AF_INET && len >= sizeof(struct sockaddr_in))
        return guard_ipv4(ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6))
        return guard_ipv6(((const struct sockaddr_in6 *) address)->sin6_addr.s6_addr);
    return "no address of the internet";
}

static bool
is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t len = strlen(host), name_len = sizeof name - 1;

    if (len > 0 && host[len - 1] == '.')
        len--;
    if (len < name_len || strncasecmp(host + len - name_len, name, name_len) != 0)
        return false;
    return len == name_len || host[len - name_len - 1] == '.';
}

const char *
idc_http_guard_host(const char *host)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    char bare[256];
    size_t len = strlen(host);
    const char *why = NULL;

    if (is_localhost(host))
        return "a loopback address";
    if (len >= sizeof bare)
        return "no address of the internet";
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    memcpy(bare, host, len);
    bare[len] = '\0';
    if (getaddrinfo(bare, NULL, &hints, &found) != 0)
        return NULL;
    for (struct addrinfo *one = found; one != NULL && why == NULL; one = one->ai_next)
        why = idc_http_guard_address(one->ai_addr, one->ai_addrlen);
    freeaddrinfo(found);
    return why;
}

void
idc_http_guard_show(const struct sockaddr *address, char *buffer, size_t size)
{
    const void *bytes = address->sa_family == AF_INET6
                            ? (const void *) &((const struct sockaddr_in6 *) address)->sin6_addr
                            : (const void *) &((const struct sockaddr_in *) address)->sin_addr;

    if (size > 0)
        buffer[0] = '\0';
    if (address->sa_family == AF_INET || address->sa_family == AF_INET6)
        (void) inet_ntop(address->sa_family, bytes, buffer, (socklen_t) size);
}
