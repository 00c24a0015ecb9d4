/*
 * modify.h - writes to foreign tables, in parts. Private to the files modify*.c.
 *
 * In:   rows of the executor (modify.c), one statement for many rows (modify_direct.c), tables to
 *       be emptied (modify_truncate.c)
 * Out:  MODIFY, and what it changed (modify_send.c)
 *
 * Rows of UPDATE and DELETE that nobody wants to see are gathered. They are sent when there are
 * enough, at the end, and before anything else is asked of that server: whoever reads sees them.
 */
#ifndef IDC_FDW_MODIFY_H
#define IDC_FDW_MODIFY_H

#include "fdw/pg.h"

#include <lib/ilist.h>
#include <nodes/execnodes.h>
#include <utils/hsearch.h>
#include "fdw/server.h"
#include "relation/message.h"

struct ExplainState;

/* Texts of the rows of one message: it is sent when it has so much. */
#define FDW_MESSAGE_BYTES (1024 * 1024)

/* ResultRelInfo.ri_FdwState. */
typedef struct FdwModify {
    IdcModifyKind kind;
    IdcConflict conflict;
    const FdwServer *server;
    Oid user;
    const IdcRelation *relation;
    List *keys;      /* numbers of attributes of the table: the keys as they were */
    List *junk;      /* for each key, its place in the plan's row */
    List *values;    /* numbers of attributes */
    List *returning; /* numbers of attributes that come back */
    const IdcRelation *returned;
    int batch_rows;
    MemoryContext context; /* reset with each request */
    /* Rows that wait. */
    bool is_gathering, has_failed;
    dlist_node node; /* of those that have some */
    MemoryContext gathered_context;
    MemoryContextCallback callback;
    const char **rows;
    int row_count, level;
    size_t byte_count;
    HTAB *seen; /* keys of rows that were gathered, where a join may find one twice; or NULL */
    MemoryContext seen_context;
} FdwModify;

/* ---- modify_send.c ---- */

/*
 * Waits; can be cancelled. level: of the subtransaction that writes; 0: the current one. The answer
 * is of the current context.
 */
extern void fdw_modify_send(const FdwServer *server, Oid user, int level, IdcModify *message,
                            IdcModified *modified);
/* Memory and rules for a Modify that gathers. */
extern void fdw_modify_gather_begin(FdwModify *modify, MemoryContext context);
/* One row's texts, which are copied. */
extern void fdw_modify_gather(FdwModify *modify, const char *const *row);
/* Send what waits; raises if that was tried before in vain. */
extern void fdw_modify_flush(FdwModify *modify);

/* One row that came back becomes the slot's; other attributes are NULL, or stay if keeps_others. */
extern void fdw_modify_store(TupleTableSlot *slot, List *attributes, const char *const *texts,
                             bool keeps_others, MemoryContext context);

/* ---- modify.c ---- */

/* Bits of IdcModifyKind that the table's options allow. */
extern unsigned fdw_modify_kinds(const FdwServer *server, const IdcRelation *table);
/* Attributes that a RETURNING list needs; those that the hub computes are not among them. */
extern List *fdw_modify_wanted(Relation table, List *returning, Index index);
/* A statement of the source, or words, as EXPLAIN (VERBOSE) shows it. */
extern void fdw_modify_explain(const FdwServer *server, const IdcModify *message,
                               struct ExplainState *es);

#endif
