/*
 * declare_links.h - the options of every adapter that keeps connections, for its table of options.
 *
 * Pure tables: no library. common/links.c reads them in instant-source; and where an adapter has
 * max_connections the hub hands its processes the file that they share (relation/bucket.h).
 */
#ifndef IDC_ADAPTERS_COMMON_DECLARE_LINKS_H
#define IDC_ADAPTERS_COMMON_DECLARE_LINKS_H

#include "adapters/adapter.h"

/* clang-format off */

#define IDC_LINK_OPTIONS \
    { .name = "max_connections", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_INTEGER, \
      .min = 1, .max = IDC_LINK_CONNECTIONS_MAX, \
      .help = "connections to the server at once, of all sessions; no limit if not given" }, \
    { .name = "connection_wait", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_DURATION, \
      .fallback = "30s", .min = 0, .max = 86400000, \
      .help = "how long a query waits for a connection, where max_connections or the server's own " \
              "limit is reached" }, \
    { .name = "connection_idle", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_DURATION, \
      .fallback = "60s", .min = 0, .max = 86400000, \
      .help = "how long a session keeps a connection that it does not use; less if others wait for " \
              "one" },

/* clang-format on */

enum { IDC_LINK_CONNECTIONS_MAX = 10000 };

#endif
