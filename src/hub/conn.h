/*
 * conn.h - one connection to the hub: connecting, statements, cancel.
 *
 * In:   an IdcHub
 * Out:  an open session in a known state: UTF8, standard strings, ISO dates, UTC, our timeouts
 * Next: hub/pool.h keeps them, hub/result.h streams from them
 *
 * Every wait goes through IdcCall: it has a limit and can be cancelled from another thread. A
 * cancelled or timed out statement is cancelled in the server too (PQcancel from a thread of its
 * own, since it blocks).
 */
#ifndef IDC_HUB_CONN_H
#define IDC_HUB_CONN_H

#include <libpq-fe.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/call.h"
#include "base/text.h"
#include "hub/hub.h"

typedef struct IdcConn IdcConn;

IDC_CHECKED IdcStatus idc_conn_open(IdcHub *hub, IdcCall *call, IdcConn **conn, IdcError *err);
void idc_conn_close(IdcConn *conn);

/* False after a lost or desynchronised connection: the pool then replaces it. */
bool idc_conn_is_usable(const IdcConn *conn);
int idc_conn_server_version(const IdcConn *conn);
PGconn *idc_conn_libpq(IdcConn *conn);

/* A whole small answer as text. values[row * column_count + column], NULL for SQL NULL; all in
 * arena. */
typedef struct IdcTextRows {
    const char **columns;
    const char **values;
    size_t column_count, row_count;
} IdcTextRows;

/*
 * Run SQL (one statement when there are parameters, several otherwise) and collect the last answer.
 * parameters are text, NULL for SQL NULL; rows may be NULL. A server error becomes IDC_QUERY_FAILED
 * (or the fitting status: 28xxx IDC_BAD_CREDENTIAL, 57014 IDC_TIMEOUT/IDC_CANCELED, 08xxx …) with
 * its SQLSTATE, message, detail and hint; `remote_sql` from a wrapper's CONTEXT line.
 */
IDC_CHECKED IdcStatus idc_conn_query(IdcConn *conn, IdcCall *call, IdcArena *arena, const char *sql,
                                     const char *const *parameters, size_t parameter_count,
                                     IdcTextRows *rows, IdcError *err);
IDC_CHECKED IdcStatus idc_conn_execute(IdcConn *conn, IdcCall *call, const char *sql,
                                       IdcError *err);

/* Fill err from a failed PGresult (or the connection, when result is NULL), without the values of
 * rows. */
IdcStatus idc_conn_fail(IdcConn *conn, const PGresult *result, IdcError *err);

/* Wait for and return the next PGresult (NULL in *result at the end), reacting to cancel and
 * timeout. */
IDC_CHECKED IdcStatus idc_conn_next_result(IdcConn *conn, IdcCall *call, PGresult **result,
                                           IdcError *err);

/* Ask the server to stop what runs; returns at once. */
void idc_conn_request_cancel(IdcConn *conn);

/* Stop whatever runs and leave the session idle, within two seconds; otherwise it becomes unusable.
 */
void idc_conn_abandon(IdcConn *conn);

#endif
