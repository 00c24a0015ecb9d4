/*
 * test_http_guard.c - which addresses are public: the borders of every range, and what maps to
 * them.
 */
#include <setjmp.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>
#include <cmocka.h>

#include "adapters/common/http_guard.h"

static const char *
guard(const char *text)
{
    struct sockaddr_in four = { .sin_family = AF_INET };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return idc_http_guard_address((struct sockaddr *) &four, sizeof four);
    if (inet_pton(AF_INET6, text, &six.sin6_addr) != 1)
        fail_msg("%s is no address", text);
    return idc_http_guard_address((struct sockaddr *) &six, sizeof six);
}

static void
what_is_not_public_is_refused(void **state)
{
    static const char *const refused[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.255",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.0",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:8.8.8.8",
        "::8.8.8.8",
        "64:ff9b::10.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::1",
        "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
        "100::1",
        "2001::1",
        "2001:0:ffff::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2002:a9fe:a9fe::",
        "2002:c0a8:1::1",
        "3fff::1",
        "3fff:fff::1",
        "fc00::",
        "fdff:ffff::1",
        "fd00:ec2::254",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "feff::1",
        "ff00::",
        "ff02::1",
        "ffff::1",
        "f::1",
        "ff:ffff::1",
    };

    (void) state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (guard(refused[i]) == NULL)
            fail_msg("%s is not refused", refused[i]);
}

static void
what_is_public_is_not(void **state)
{
    static const char *const allowed[] = {
        "1.0.0.0",         "8.8.8.8",
        "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",  "100.128.0.0",
        "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0",
        "172.15.255.255",  "172.32.0.0",
        "191.255.255.255", "192.0.1.0",
        "192.0.3.0",       "192.88.98.255",
        "192.88.100.0",    "192.167.255.255",
        "192.169.0.0",     "198.17.255.255",
        "198.20.0.0",      "198.51.99.255",
        "203.0.112.255",   "203.0.114.0",
        "223.255.255.255", "2001:4860:4860::8888",
        "2001:1::1",       "2001:db9::1",
        "2002:808:808::1", "64:ff9b::8.8.8.8",
        "2600::1",         "2a00:1450::1",
        "fbff:ffff::1",    "fe00::1",
        "fe7f::1",         "3ffe::1",
        "101::1",
    };

    (void) state;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (guard(allowed[i]) != NULL)
            fail_msg("%s is refused: %s", allowed[i], guard(allowed[i]));
}

static void
other_kinds_of_sockets_are_refused(void **state)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct sockaddr_in cut = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080808) };

    (void) state;
    assert_non_null(idc_http_guard_address((struct sockaddr *) &local, sizeof local));
    assert_non_null(idc_http_guard_address((struct sockaddr *) &cut, 4));
}

static void
hosts_in_every_notation(void **state)
{
    static const char *const refused[] = {
        "localhost",       "LOCALHOST.", "a.localhost", "127.1", "2130706433",
        "0x7f.1",          "0177.0.0.1", "[::1]",       "::1",   "[::ffff:10.0.0.1]",
        "169.254.169.254", "10.0.0.1"
    };
    static const char *const allowed[] = { "example.com", "notlocalhost", "localhost.com",
                                           "8.8.8.8",     "[2600::1]",    "134744072",
                                           "1.example" };

    (void) state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (idc_http_guard_host(refused[i]) == NULL)
            fail_msg("%s is not refused", refused[i]);
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (idc_http_guard_host(allowed[i]) != NULL)
            fail_msg("%s is refused", allowed[i]);
}

static void
addresses_are_shown(void **state)
{
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    char shown[INET6_ADDRSTRLEN];

    (void) state;
    idc_http_guard_show((struct sockaddr *) &six, shown, sizeof shown);
    assert_string_equal(shown, "::1");
    idc_http_guard_show((struct sockaddr *) &local, shown, sizeof shown);
    assert_string_equal(shown, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_public_is_refused),
        cmocka_unit_test(what_is_public_is_not),
        cmocka_unit_test(other_kinds_of_sockets_are_refused),
        cmocka_unit_test(hosts_in_every_notation),
        cmocka_unit_test(addresses_are_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
