/*
 * conn_private.h - what conn.c, connect.c, conn_error.c, cancel.c and result.c share.
 */
#ifndef IDC_HUB_CONN_PRIVATE_H
#define IDC_HUB_CONN_PRIVATE_H

#include "hub/cancel.h"
#include "hub/conn.h"
#include "hub/extension.h"
#include "hub/hub_private.h"
#include "hub/types.h"

/*
 * Belongs to one thread at a time. is_dirty: a statement ran that may have changed the session, so
 * the pool resets it. is_broken: nothing can be said about the session any more.
 */
struct IdcConn {
    PGconn *libpq;
    IdcHub *hub;
    IdcCanceller *canceller;
    IdcTypeCache *types;
    struct IdcStatementCache *statements;
    IdcExtensionState extension;
    bool is_remote; /* on another machine, as far as its address tells */
    bool is_broken;
    bool is_dirty;
};

/* A session of the hub in libpq's hands, no settings made yet. Waits in a thread of its own. */
IDC_CHECKED IdcStatus idc_connect(IdcHub *hub, IdcCall *call, PGconn **libpq, IdcError *err);

/* Back to the state after idc_conn_open: no transaction, no user's settings. */
IDC_CHECKED IdcStatus idc_conn_reset(IdcConn *conn, IdcCall *call, IdcError *err);

/* Remember whether this finished command may have left traces in the session. */
void idc_conn_note_command(IdcConn *conn, const char *sql, const PGresult *result);

/* Take the error of failed, free it, and read away what follows, so that the session is idle again.
 */
IdcStatus idc_conn_fail_statement(IdcConn *conn, IdcCall *call, PGresult *failed, IdcError *err);

/* After the last answer of a statement: nothing may follow but the end, of a pipeline too. */
IDC_CHECKED IdcStatus idc_conn_end_statement(IdcConn *conn, IdcCall *call, IdcError *err);

/* Push out what libpq still holds, reading what comes meanwhile. */
IDC_CHECKED IdcStatus idc_conn_flush(IdcConn *conn, IdcCall *call, IdcError *err);

#endif
