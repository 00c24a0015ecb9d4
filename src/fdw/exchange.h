/*
 * exchange.h - a request to a source that has one answer.
 *
 * In:   IMPORT or MODIFY
 * Out:  TABLES or MODIFIED; an ERROR is raised
 */
#ifndef IDC_FDW_EXCHANGE_H
#define IDC_FDW_EXCHANGE_H

#include "fdw/pg.h"

#include "fdw/process.h"
#include "fdw/server.h"
#include "relation/message.h"

/*
 * process: of fdw_process_get, just now. Waits; can be cancelled. The answer's payload is of the
 * current context. table: for errors, or NULL.
 */
extern const void *fdw_exchange(FdwProcess *process, const FdwServer *server,
                                IdcMessageKind request, const IdcText *payload,
                                IdcMessageKind answer, const char *table, size_t *len);

#endif
