/*
 * hub_private.h - what the files of this folder share about a hub.
 */
#ifndef IDC_HUB_HUB_PRIVATE_H
#define IDC_HUB_HUB_PRIVATE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "hub/embedded.h"
#include "hub/hub.h"

/*
 * Constant after idc_hub_new, so threads share it without a lock. names and values are what libpq
 * gets, ended by NULL. Counted: each connection holds its hub.
 */
struct IdcHub {
    atomic_int reference_count;
    IdcHubKind kind;
    IdcArena *arena;
    IdcLog log;
    const char **names;
    const char **values;
    size_t keyword_count;
    const char *application_name;
    int64_t connect_timeout_ms;
    int64_t query_timeout_ms;
    IdcEmbedded *embedded;
};

IdcHub *idc_hub_hold(IdcHub *hub);

/* The value of a keyword that was given, or NULL. */
const char *idc_hub_keyword(const IdcHub *hub, const char *name);

/* Overwrite every password of the hub in text with asterisks. */
void idc_hub_scrub(const IdcHub *hub, char *text);

#endif
