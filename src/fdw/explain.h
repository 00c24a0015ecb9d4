/*
 * explain.h - what EXPLAIN says of a request, for all plan nodes of ours.
 */
#ifndef IDC_FDW_EXPLAIN_H
#define IDC_FDW_EXPLAIN_H

#include "fdw/pg.h"

#include <nodes/pg_list.h>
#include "fdw/server.h"
#include "relation/message.h"
#include "relation/relation.h"

struct ExplainState;

/* The remote request that the adapter makes of the relation, and the relation itself. */
extern void fdw_explain_request(const FdwServer *server, const IdcRelation *relation,
                                struct ExplainState *es);
/* Texts of ours, a line each. */
extern void fdw_explain_lines(const char *label, const IdcText *text, struct ExplainState *es);
extern bool fdw_explain_is_verbose(const struct ExplainState *es);
/* What the source said of its work. */
extern void fdw_explain_work(const IdcScanStats *stats, struct ExplainState *es);

#endif
