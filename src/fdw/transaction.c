/*
 * transaction.c - COMMIT and ROLLBACK for the processes that took part in the hub's transaction.
 *
 * A process has one talk at a time for this (process->finish), and its memory stays as long as it
 * takes part. Levels are PostgreSQL's: 1 is the transaction, each subtransaction one more; a
 * process that wrote is told of the end of each level that it has heard of.
 */
#include "fdw/transaction.h"

#include <access/xact.h>
#include <miscadmin.h>
#include <poll.h>
#include <storage/ipc.h>
#include <utils/memutils.h>

#include "fdw/raise.h"
#include "fdw/server_limits.h"

/* How long the end of a transaction may take that nobody waited for, when the process is used
 * again. */
enum { UNAWAITED_MS = 10000 };

typedef enum Ending { RUNNING, COMMITTING, COMMITTED } Ending;

/* A process in the current transaction; memory of TopTransactionContext. */
typedef struct FdwPart {
    FdwProcess *process; /* may be dead */
    int level;           /* the deepest that it has heard of */
    int write_level; /* the outermost at which something stands that it wrote; 0: nothing does */
    bool has_written;
    Ending ending;
} FdwPart;

static struct {
    uint64 last_id, id; /* 0: nobody takes part */
    List *parts;
} current;

/* ---- messages ---- */

/* A payload, without memory of its own. */
static void
finish_payload(uint64 id, int level, uint8_t bytes[12])
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t) (id >> 8 * i);
    for (int i = 0; i < 4; i++)
        bytes[8 + i] = (uint8_t) ((uint32) level >> 8 * i);
}

static void
lose(FdwProcess *process, const char *what)
{
    IdcError failure;

    idc_error_init(&failure);
    (void) idc_fail(&failure, IDC_SOURCE_FAILED, "the source process of server \"%s\" %s",
                    process->server_name, what);
    fdw_process_lose(process, &failure, false);
}

/* The process may be dead after. Needs a little memory, as other parts of an abort do. */
static void
send_finish(FdwProcess *process, IdcMessageKind kind, int level)
{
    uint8_t bytes[12];

    finish_payload(current.id, level, bytes);
    process->finish_ms = fdw_clock_ms();
    fdw_talk_new(process, kind, 0, &process->finish);
    if (!fdw_talk_send_short(process->finish, bytes, sizeof bytes))
        lose(process, "read nothing any more");
}

static bool
is_pending(const FdwProcess *process)
{
    return process->finish != NULL;
}

/* A process may have died after. */
static bool
has_answer(const FdwProcess *process)
{
    return process->finish != NULL && !dlist_is_empty(&process->finish->messages);
}

/* There is one; the talk is closed. failure: what an error says, or NULL. */
static bool
take_answer(FdwProcess *process, IdcError *failure)
{
    FdwTalk *talk = process->finish;
    const FdwMessage *message = dlist_container(FdwMessage, node, dlist_head_node(&talk->messages));
    bool is_done = message->kind == IDC_MSG_MODIFIED;
    IdcScanStats stats;
    IdcError err;

    if (!is_done)
        fdw_scan_count(talk->counts, FDW_SCAN_ERRORS, 1);
    if (!is_done && failure != NULL &&
        idc_failure_read(message->bytes, message->len, true, failure, &stats, &err) != IDC_OK)
        *failure = err;
    fdw_talk_close(talk);
    return is_done;
}

/*
 * That a transaction which only read could not be committed harms nobody; that a level could not be
 * rolled back is the end of the process.
 */
static void
take_unawaited(FdwProcess *process)
{
    if (!take_answer(process, NULL) && process->part != NULL)
        lose(process, "could not roll back a part of its transaction");
}

void
fdw_transaction_look(FdwProcess *process)
{
    process->is_pinned = true;
    if (is_pending(process) && fdw_wire_pump(process) && has_answer(process))
        take_unawaited(process);
    process->is_pinned = false;
}

void
fdw_transaction_settle(FdwProcess *process)
{
    int64 until_ms = process->finish_ms + UNAWAITED_MS;

    process->is_pinned = true;
    while (is_pending(process) && fdw_wire_pump(process)) {
        int64 left_ms = until_ms - fdw_clock_ms();

        if (has_answer(process))
            take_unawaited(process);
        else if (left_ms <= 0)
            lose(process, "did not end a transaction");
        else
            fdw_wire_wait(process, (long) left_ms);
    }
    process->is_pinned = false;
}

/* ---- taking part ---- */

static bool
is_alive(const FdwPart *part)
{
    return !part->process->is_dead;
}

static void
refuse_lost(const FdwPart *part)
{
    const FdwProcess *process = part->process;

    ereport(ERROR,
            (errcode(ERRCODE_CONNECTION_FAILURE),
             errmsg("what this transaction wrote on server \"%s\" is lost", process->server_name),
             errdetail_internal("%s", process->failure.message),
             errhint("Roll back, and begin again.")));
}

/* What is read there now would not be what was there when the transaction began. */
static void
refuse_torn(const FdwPart *part)
{
    const FdwProcess *process = part->process;

    ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE),
                    errmsg("the snapshot that this transaction had on server \"%s\" is lost",
                           process->server_name),
                    errdetail_internal("%s", process->failure.message),
                    errhint("Roll back, and begin again.")));
}

static void
check_dead(const FdwPart *part)
{
    if (part->write_level > 0)
        refuse_lost(part);
    if (IsolationUsesXactSnapshot())
        refuse_torn(part);
}

bool
fdw_transaction_has_writes(const FdwProcess *process)
{
    return process->part != NULL && process->part->write_level > 0;
}

bool
fdw_transaction_needs(const FdwProcess *process)
{
    return fdw_transaction_has_writes(process) ||
           (process->part != NULL && IsolationUsesXactSnapshot());
}

static FdwPart *
new_part(FdwProcess *process)
{
    MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
    FdwPart *part = palloc0(sizeof *part);

    part->process = process;
    current.parts = lappend(current.parts, part);
    MemoryContextSwitchTo(old);
    process->part = part;
    return part;
}

void
fdw_transaction_join(FdwProcess *process, const FdwServer *server, bool is_write, int level,
                     IdcTransaction *transaction)
{
    ListCell *cell;
    FdwPart *part;

    *transaction = (IdcTransaction){ 0 };
    if (!server->declaration->has_transactions)
        return;
    foreach (cell, current.parts) {
        part = lfirst(cell);
        if (part->process->server == server->oid && !is_alive(part))
            check_dead(part);
    }
    if (level == 0)
        level = GetCurrentTransactionNestLevel();
    if (current.id == 0)
        current.id = ++current.last_id;
    part = process->part != NULL ? process->part : new_part(process);
    part->level = Max(part->level, level);
    if (is_write) {
        part->has_written = true;
        part->write_level = part->write_level == 0 ? level : Min(part->write_level, level);
    }
    *transaction = (IdcTransaction){ .id = current.id,
                                     .level = level,
                                     .is_serializable = IsolationIsSerializable(),
                                     .is_read_only = XactReadOnly };
}

/* ---- COMMIT ---- */

static void
say_commit(void *arg)
{
    const FdwPart *committing = arg;
    ListCell *cell;

    errcontext("commit on server \"%s\"", committing->process->server_name);
    foreach (cell, current.parts) {
        const FdwPart *part = lfirst(cell);

        if (part->ending == COMMITTED)
            errcontext("server \"%s\" has committed already", part->process->server_name);
    }
}

/* Wait for the answer to what was sent. */
static void
await_finish(FdwPart *part)
{
    FdwProcess *process = part->process;
    IdcError failure;

    while (fdw_wire_pump(process) && !has_answer(process))
        fdw_wire_wait(process, -1);
    if (!has_answer(process))
        ereport(ERROR,
                (errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
                 errmsg("whether server \"%s\" has committed is not known", process->server_name),
                 errdetail_internal("%s", process->failure.message)));
    idc_error_init(&failure);
    if (!take_answer(process, &failure)) {
        part->ending = RUNNING;
        fdw_raise(&failure);
    }
}

/* Its writes of this level become those of the one above, or stay for good. */
static void
commit_part(FdwPart *part, int level)
{
    ErrorContextCallback saying = { .previous = error_context_stack,
                                    .callback = say_commit,
                                    .arg = part };

    error_context_stack = &saying;
    /* Also notices one that has died since. */
    fdw_process_settle(part->process);
    if (!is_alive(part) && part->write_level > 0)
        refuse_lost(part);
    if (is_alive(part)) {
        if (level == 1)
            part->ending = COMMITTING;
        send_finish(part->process, IDC_MSG_COMMIT, level);
        await_finish(part);
        if (level == 1)
            part->ending = COMMITTED;
    }
    error_context_stack = saying.previous;
}

/* Nothing stands that it wrote; whether it can say that it left is of no interest. */
static void
leave(FdwPart *part, IdcMessageKind kind)
{
    if (!is_alive(part) || is_pending(part->process))
        return;
    part->ending = COMMITTED;
    send_finish(part->process, kind, 1);
}

void
fdw_transaction_commit(void)
{
    ListCell *cell;

    foreach (cell, current.parts) {
        FdwPart *part = lfirst(cell);

        if (part->write_level > 0)
            commit_part(part, 1);
    }
    foreach (cell, current.parts) {
        FdwPart *part = lfirst(cell);

        if (part->ending == RUNNING) {
            fdw_process_settle(part->process);
            leave(part, IDC_MSG_COMMIT);
        }
    }
}

void
fdw_transaction_commit_level(int level)
{
    ListCell *cell;

    foreach (cell, current.parts) {
        FdwPart *part = lfirst(cell);

        if (part->level < level)
            continue;
        if (part->has_written)
            commit_part(part, level);
        part->level = level - 1;
        part->write_level = Min(part->write_level, level - 1);
    }
}

void
fdw_transaction_refuse_prepare(void)
{
    const FdwPart *part;

    if (current.parts == NIL)
        return;
    part = linitial(current.parts);
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot prepare a transaction that has used server \"%s\"",
                           part->process->server_name),
                    errdetail("Its source cannot prepare transactions.")));
}

/* ---- ROLLBACK ---- */

/* As long as for a process that stops a scan. Neither throws nor reacts to interrupts. */
static void
await_quietly(FdwProcess *process, int64 until_ms)
{
    while (is_pending(process) && fdw_wire_pump(process) && !has_answer(process)) {
        struct pollfd wanted = { .fd = process->fd, .events = POLLIN };
        int64 left_ms = until_ms - fdw_clock_ms();

        if (left_ms <= 0 || proc_exit_inprogress || ProcDiePending)
            return;
        if (process->wire.out_from < process->wire.out_len)
            wanted.events |= POLLOUT;
        (void) poll(&wanted, 1, (int) left_ms);
    }
    if (has_answer(process) && !process->is_dead)
        take_unawaited(process);
}

/* What it was told before is done; else the process ends. False: it is dead. */
static bool
can_tell(FdwPart *part)
{
    if (is_alive(part) && is_pending(part->process)) {
        await_quietly(part->process, fdw_clock_ms() + FDW_PATIENCE_MS);
        if (is_alive(part) && is_pending(part->process))
            lose(part->process, "did not end a part of its transaction");
    }
    return is_alive(part);
}

/*
 * An answer may come later: before the process is used again it is waited for. (To kill the process
 * would lose what the transaction wrote before.)
 */
void
fdw_transaction_rollback_level(int level)
{
    ListCell *cell;

    foreach (cell, current.parts) {
        FdwPart *part = lfirst(cell);

        if (part->level < level)
            continue;
        if (part->has_written && can_tell(part)) {
            send_finish(part->process, IDC_MSG_ROLLBACK, level);
            await_quietly(part->process, fdw_clock_ms() + FDW_PATIENCE_MS);
        }
        part->level = level - 1;
        if (part->write_level >= level)
            part->write_level = 0;
    }
}

/* Tell it, or end it: what a connection has not committed is rolled back when it is closed. */
static void
begin_rollback(FdwPart *part)
{
    if (part->ending == COMMITTING) {
        ereport(WARNING, (errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
                          errmsg("whether server \"%s\" has committed is not known",
                                 part->process->server_name)));
        if (is_alive(part))
            lose(part->process, "was interrupted in a commit");
    } else if (!part->has_written) {
        leave(part, IDC_MSG_ROLLBACK);
    } else if (part->ending == RUNNING && can_tell(part)) {
        send_finish(part->process, IDC_MSG_ROLLBACK, 1);
    }
}

static void
end_rollback(FdwPart *part, int64 until_ms)
{
    if (!part->has_written || part->ending != RUNNING || !is_alive(part))
        return;
    await_quietly(part->process, until_ms);
    if (is_alive(part) && is_pending(part->process))
        lose(part->process, "did not roll back");
}

void
fdw_transaction_rollback(void)
{
    int64 until_ms;
    ListCell *cell;

    foreach (cell, current.parts)
        begin_rollback(lfirst(cell));
    until_ms = fdw_clock_ms() + FDW_PATIENCE_MS;
    foreach (cell, current.parts)
        end_rollback(lfirst(cell), until_ms);
    fdw_transaction_forget();
}

/* The list is of the transaction's memory. */
void
fdw_transaction_forget(void)
{
    ListCell *cell;

    foreach (cell, current.parts) {
        FdwProcess *process = ((FdwPart *) lfirst(cell))->process;

        process->part = NULL;
        if (process->is_dead && process->finish != NULL)
            fdw_talk_free(process->finish);
        fdw_process_release(process);
    }
    current.parts = NIL;
    current.id = 0;
}
