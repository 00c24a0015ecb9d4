/*
 * blame.h - which source a failed statement failed at.
 */
#ifndef IDC_HUB_BLAME_H
#define IDC_HUB_BLAME_H

#include "hub/conn.h"

/*
 * Fill the source of an error that came from a source and does not name it: the one foreign server
 * whose tables the statement, or the SQL that was sent, names. Leaves the session idle; takes two
 * seconds at most, and leaves err alone where several servers come into question.
 */
void idc_conn_blame(IdcConn *conn, const char *sql, IdcError *err);

#endif
