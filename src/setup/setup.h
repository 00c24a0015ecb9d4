/*
 * setup.h - the configuration is the wanted state of the hub.
 *
 * In:   IdcConfig, a connection to the hub
 * Out:  a list of changes; applied, in one transaction, or only shown
 *
 * What setup makes is marked in the table instant.objects of the hub (see docs/internals/setup.md);
 * only what is marked is ever altered or dropped.
 */
#ifndef IDC_SETUP_SETUP_H
#define IDC_SETUP_SETUP_H

#include "config/config.h"
#include "hub/conn.h"

typedef struct IdcChange {
    const char *action; /* create | alter | grant | drop | note | keep */
    const char *kind;   /* extension | schema | server | user mapping | type | table; of a note:
                           setting | wrapper */
    const char *name;
    const char *source;
    const char *ddl; /* secrets masked; of a note: the sentence */
} IdcChange;

typedef struct IdcChanges {
    IdcChange *items; /* in the order of execution, "keep" last */
    size_t count;
    size_t change_count; /* without "note" and "keep" */
} IdcChanges;

typedef struct IdcSetupOptions {
    bool plan_only;
    bool force_refresh;
    int64_t connect_timeout_ms; /* for the servers it makes, and to look at their schemas */
} IdcSetupOptions;

/* changes live in arena. On any error the hub is as it was. Two at once: one waits (advisory lock).
 */
IDC_CHECKED IdcStatus idc_setup_run(IdcConn *conn, IdcCall *call, const IdcConfig *config,
                                    const IdcSetupOptions *options, IdcArena *arena,
                                    IdcChanges *changes, IdcError *err);

typedef struct IdcSourceHealth {
    const char *source;
    bool is_healthy;
    const char *details; /* "ok: 2 tables", or what is wrong and what to do */
    char sqlstate[6];
    int64_t elapsed_ms;
} IdcSourceHealth;

/*
 * Connect to every enabled source through the hub's wrapper, a hub connection each (in parallel):
 * name not resolved, refused, wrong password, TLS, unknown database, missing remote table or
 * column, type mismatch. health is one item a source, in the file's order, in arena. open_conn
 * gives a session of the hub; the session that is used is thrown away. Before setup ran, a
 * temporary server of the session's own transaction is used.
 */
IDC_CHECKED IdcStatus idc_setup_validate(IdcHub *hub, IdcCall *call, const IdcConfig *config,
                                         int64_t timeout_ms, IdcArena *arena,
                                         IdcSourceHealth **health, IdcError *err);

/* Import the columns of these tables (count 0: all whose columns the source decides) again. */
typedef struct IdcRefresh {
    const char *table;
    bool is_refreshed;
    const char *details;
} IdcRefresh;
IDC_CHECKED IdcStatus idc_setup_refresh(IdcConn *conn, IdcCall *call, const IdcConfig *config,
                                        const char *const *tables, size_t table_count,
                                        IdcArena *arena, IdcRefresh **refreshed,
                                        size_t *refreshed_count, IdcError *err);

#endif
