/*
 * exchange.h - a request to a source that has one answer.
 *
 * In:   IMPORT or MODIFY
 * Out:  TABLES or MODIFIED; an ERROR is raised
 */
#ifndef IDC_FDW_EXCHANGE_H
#define IDC_FDW_EXCHANGE_H

#include "fdw/pg.h"

#include "fdw/server.h"
#include "relation/message.h"

/*
 * Waits; can be cancelled. The answer's payload is of the current context. table: for errors, or
 * NULL.
 */
extern const void *fdw_exchange(const FdwServer *server, Oid user, IdcMessageKind request,
                                const IdcText *payload, IdcMessageKind answer, const char *table,
                                size_t *len);

#endif
