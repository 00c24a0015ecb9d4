/*
 * transaction.h - the transactions of sources, which follow the hub's.
 *
 * In:   requests of the current transaction; its end, and the ends of its subtransactions
 * Out:  COMMIT and ROLLBACK to the processes that took part
 * Next: process.c calls it at each event
 *
 * Only processes of adapters that have transactions take part. One that only read is told of the
 * end, and nobody waits for its answer, until it is used again. One that wrote commits before the
 * hub does, and an error there is the hub's; among several sources, some may have committed when
 * another one cannot: there is no two-phase commit.
 */
#ifndef IDC_FDW_TRANSACTION_H
#define IDC_FDW_TRANSACTION_H

#include "fdw/process.h"

/*
 * For a request to a process that is ready for it: which transaction it is of. level: of the
 * subtransaction; 0: the current one. Raises if what this transaction wrote on that server is lost,
 * or the snapshot of a REPEATABLE READ or SERIALIZABLE one.
 */
extern void fdw_transaction_join(FdwProcess *process, const FdwServer *server, bool is_write,
                                 int level, IdcTransaction *transaction);
/* Something stands that the current transaction wrote there: its death would lose it. */
extern bool fdw_transaction_has_writes(const FdwProcess *process);
/* The current transaction cannot go on there if the process dies. */
extern bool fdw_transaction_needs(const FdwProcess *process);

/* What the process was told last of a transaction is done, or it is dead. Waits; can be cancelled.
 */
extern void fdw_transaction_settle(FdwProcess *process);
/* The same as far as that is known without waiting. Never throws. */
extern void fdw_transaction_look(FdwProcess *process);

/* The hub's events. The first three may raise, the others never do. */
extern void fdw_transaction_commit(void);
extern void fdw_transaction_refuse_prepare(void);
extern void fdw_transaction_commit_level(int level);
extern void fdw_transaction_rollback_level(int level);
extern void fdw_transaction_rollback(void);
extern void fdw_transaction_forget(void);

#endif
