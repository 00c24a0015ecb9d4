/*
 * blame.h - which source a failed statement failed at, and which table was meant.
 */
#ifndef IDC_HUB_BLAME_H
#define IDC_HUB_BLAME_H

#include "hub/conn.h"

/*
 * Fill the source of an error that came from a source and does not name it: the one foreign server
 * whose tables the statement, or the SQL that was sent, names; nothing where several come into
 * question. Of a table that the hub does not have, the hint: the schema that it is in, or the
 * nearest name. Leaves the session idle, and takes two seconds at most.
 */
void idc_conn_blame(IdcConn *conn, const char *sql, IdcError *err);

#endif
