/*
 * hub.h - where the hub is: an external PostgreSQL, or a private embedded cluster.
 *
 * In:   libpq keywords, or a home directory
 * Out:  an IdcHub that answers "how do I connect"; the embedded one is made and started on demand
 * Next: hub/pool.h
 */
#ifndef IDC_HUB_HUB_H
#define IDC_HUB_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"
#include "base/error.h"
#include "base/log.h"

typedef struct IdcHub IdcHub;

typedef struct IdcKeyword {
    const char *name;
    const char *value;
} IdcKeyword;

typedef enum IdcHubKind { IDC_HUB_EMBEDDED, IDC_HUB_EXTERNAL, IDC_HUB_ENVIRONMENT } IdcHubKind;

/* url or keywords for an external hub; home for an embedded one (NULL: $INSTANT_HOME, then the XDG
 * data directory + "instant"; as root /var/lib/instant). Copied. "database" and "username" are
 * accepted for "dbname" and "user". */
typedef struct IdcHubOptions {
    IdcHubKind kind;
    const char *url;
    const IdcKeyword *keywords;
    size_t keyword_count;
    const char *home;
    const char *application_name;
    int64_t connect_timeout_ms;
    int64_t query_timeout_ms; /* statement_timeout of every session; 0: none */
} IdcHubOptions;

IDC_CHECKED IdcStatus idc_hub_new(const IdcHubOptions *options, const IdcLog *log, IdcHub **hub,
                                  IdcError *err);
void idc_hub_free(IdcHub *hub);

typedef struct IdcHubStatus {
    bool is_embedded, exists, is_running;
    int server_version_num;
    int64_t pid;
    char uri[1024]; /* never with a password */
    char directory[1024];
    char log_file[1024];
    char extension_version[32]; /* of instant_fdw in the hub's database; empty without it */
} IdcHubStatus;

IDC_CHECKED IdcStatus idc_hub_status(IdcHub *hub, IdcHubStatus *status, IdcError *err);

/* Embedded: make the cluster if there is none, start the server if it is down, wait until it
 * answers. Safe to call from many processes at once (a lock file). External: nothing. */
IDC_CHECKED IdcStatus idc_hub_ensure(IdcHub *hub, IdcCall *call, IdcError *err);
IDC_CHECKED IdcStatus idc_hub_stop(IdcHub *hub, IdcError *err);
IDC_CHECKED IdcStatus idc_hub_destroy(IdcHub *hub, IdcError *err);

#endif
