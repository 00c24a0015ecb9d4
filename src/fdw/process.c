/*
 * process.c - which source processes a session has, and when they end.
 */
#include "fdw/process.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "fdw/server.h"
#include "fdw/server_limits.h"
#include "fdw/transaction.h"
#include <access/xact.h>
#include <miscadmin.h>
#include <storage/ipc.h>
#include <utils/guc.h>
#include <utils/inval.h>
#include <utils/memutils.h>
#include <utils/syscache.h>

/* Of one backend. */
static struct {
    dlist_head processes;
    bool is_watching; /* the callbacks are registered */
    char *program, *credential_directory;
} session;

int64
fdw_clock_ms(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the end ---- */

static bool
is_session_ending(void)
{
    return proc_exit_inprogress || ProcDiePending;
}

void
fdw_process_release(FdwProcess *process)
{
    if (process->is_dead && dlist_is_empty(&process->talks) && process->part == NULL &&
        !process->is_pinned)
        MemoryContextDelete(process->context);
}

void
fdw_process_lose(FdwProcess *process, const IdcError *failure, bool has_ended)
{
    dlist_mutable_iter i;
    char how[256] = "";

    if (process->is_dead)
        return;
    if (is_session_ending() && !has_ended)
        fdw_spawn_leave(process);
    else
        fdw_spawn_end(process, has_ended ? FDW_DYING_MS : 0, how, sizeof how);
    process->failure = *failure;
    if (how[0] != '\0') {
        size_t len = strlen(process->failure.message);

        (void) snprintf(process->failure.message + len, sizeof process->failure.message - len,
                        " (%s)", how);
    }
    process->is_dead = true;
    dlist_delete(&process->node);
    dlist_foreach_modify(i, &process->talks)
    {
        FdwTalk *talk = dlist_container(FdwTalk, node, i.cur);

        /* The end of a transaction that is over has nobody who asks for it. */
        if (talk->owner == NULL || (talk == process->finish && process->part == NULL))
            fdw_talk_free(talk);
    }
}

static bool
is_idle(FdwProcess *process)
{
    return process->part == NULL && dlist_is_empty(&process->talks);
}

/* Nobody wants it any more. */
static void
end_quietly(FdwProcess *process)
{
    char how[256];

    fdw_spawn_end(process, FDW_PATIENCE_MS, how, sizeof how);
    process->is_dead = true;
    dlist_delete(&process->node);
    MemoryContextDelete(process->context);
}

/*
 * A talk was closed and its work is not known to have stopped; is_next_use: or it was answered, but
 * its CLOSE was not.
 */
static bool
has_unsettled(FdwProcess *process, bool is_next_use)
{
    dlist_iter i;

    dlist_foreach(i, &process->talks)
    {
        FdwTalk *talk = dlist_container(FdwTalk, node, i.cur);

        if (talk->owner == NULL && (is_next_use || !talk->is_answered))
            return true;
    }
    return false;
}

static void
lose_silent(FdwProcess *process)
{
    IdcError failure;

    idc_error_init(&failure);
    (void) idc_fail(&failure, IDC_SOURCE_FAILED,
                    "the source process of server \"%s\" did not stop a scan within %d ms",
                    process->server_name, FDW_PATIENCE_MS);
    fdw_process_lose(process, &failure, false);
}

/*
 * Wait until the work of all closed talks has stopped, but no longer than our patience: then the
 * process is killed. Neither throws nor reacts to interrupts: it is part of an abort.
 */
static void
settle(FdwProcess *process, bool is_next_use)
{
    int64 until_ms = fdw_clock_ms() + FDW_PATIENCE_MS;

    if (!fdw_wire_pump(process))
        return;
    /* Not since its CLOSE: what lay in the socket may have kept it from reading that until now. */
    while (has_unsettled(process, is_next_use)) {
        struct pollfd wanted = { .fd = process->fd, .events = POLLIN };
        int64 left_ms = until_ms - fdw_clock_ms();

        if (left_ms <= 0 || is_session_ending()) {
            lose_silent(process);
            return;
        }
        if (process->wire.out_from < process->wire.out_len)
            wanted.events |= POLLOUT;
        (void) poll(&wanted, 1, (int) left_ms);
        if (!fdw_wire_pump(process))
            return;
    }
}

/* So long may the rest of a scan of a process take that the transaction needs. */
enum { SETTLING_MS = 10000 };

/* The same, with more patience and interrupts. */
static void
settle_patiently(FdwProcess *process, bool is_next_use)
{
    int64 until_ms = fdw_clock_ms() + SETTLING_MS;

    while (fdw_wire_pump(process) && has_unsettled(process, is_next_use)) {
        int64 left_ms = until_ms - fdw_clock_ms();

        if (left_ms <= 0)
            lose_silent(process);
        else
            fdw_wire_wait(process, (long) left_ms);
    }
}

static void
settle_for_use(FdwProcess *process, bool is_next_use)
{
    /* At the end of a transaction only writes are of interest. */
    if (is_next_use ? fdw_transaction_needs(process) : fdw_transaction_has_writes(process))
        settle_patiently(process, is_next_use);
    else
        settle(process, is_next_use);
    fdw_transaction_settle(process);
}

void
fdw_process_settle(FdwProcess *process)
{
    settle_for_use(process, false);
}

static void
settle_all(void)
{
    dlist_mutable_iter i;

    dlist_foreach_modify(i, &session.processes)
    {
        FdwProcess *process = dlist_container(FdwProcess, node, i.cur);

        settle(process, false);
        fdw_transaction_look(process);
        if (process->is_dead)
            fdw_process_release(process);
        else if (process->is_stale && is_idle(process))
            end_quietly(process);
    }
}

static void
end_all(int code, Datum arg)
{
    dlist_iter i;

    (void) code;
    (void) arg;
    /* All first: they end at the same time. */
    dlist_foreach(i, &session.processes)
        fdw_spawn_hang_up(dlist_container(FdwProcess, node, i.cur));
    dlist_foreach(i, &session.processes) fdw_spawn_leave(dlist_container(FdwProcess, node, i.cur));
}

/* ---- transactions ---- */

/* A talk that is not closed; or NULL. */
static FdwTalk *
find_open_talk(void)
{
    dlist_iter i, j;

    dlist_foreach(i, &session.processes)
        dlist_foreach(j, &dlist_container(FdwProcess, node, i.cur)->talks)
    {
        FdwTalk *talk = dlist_container(FdwTalk, node, j.cur);

        if (talk->owner != NULL && talk != talk->process->finish)
            return talk;
    }
    return NULL;
}

/* Closing one may be the end of its process, and of others: each time from the beginning. */
static void
close_talks(void)
{
    FdwTalk *talk;

    while ((talk = find_open_talk()) != NULL)
        fdw_talk_close(talk);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
    (void) arg;
    switch (event) {
    case XACT_EVENT_PRE_COMMIT:
        fdw_transaction_commit();
        break;
    case XACT_EVENT_PRE_PREPARE:
        fdw_transaction_refuse_prepare();
        break;
    case XACT_EVENT_ABORT:
        close_talks();
        settle_all();
        fdw_transaction_rollback();
        break;
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_PREPARE:
        settle_all();
        fdw_transaction_forget();
        break;
    default:
        break;
    }
}

/* Scans of a process that wrote may have seen what is undone now: nobody may read on. */
static void
close_talks_of_level(int level)
{
    dlist_iter i;
    dlist_mutable_iter j;

    dlist_foreach(i, &session.processes)
    {
        FdwProcess *process = dlist_container(FdwProcess, node, i.cur);

        if (!fdw_transaction_has_writes(process))
            continue;
        dlist_foreach_modify(j, &process->talks)
        {
            FdwTalk *talk = dlist_container(FdwTalk, node, j.cur);

            if (talk->owner != NULL && talk != process->finish && talk->level >= level) {
                fdw_talk_close(talk);
                close_talks_of_level(level); /* that may have been the end of the process */
                return;
            }
        }
    }
}

static void
raise_talks(int level)
{
    dlist_iter i, j;

    dlist_foreach(i, &session.processes)
        dlist_foreach(j, &dlist_container(FdwProcess, node, i.cur)->talks)
    {
        FdwTalk *talk = dlist_container(FdwTalk, node, j.cur);

        talk->level = Min(talk->level, level);
    }
}

/*
 * What was opened below is closed by its memory: a cursor's scan lives as long as the cursor, which
 * may be longer than the subtransaction that read first. But for scans of a process that wrote.
 */
static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
    int level = GetCurrentTransactionNestLevel();

    (void) mine;
    (void) parent;
    (void) arg;
    switch (event) {
    case SUBXACT_EVENT_PRE_COMMIT_SUB:
        fdw_transaction_commit_level(level);
        break;
    case SUBXACT_EVENT_COMMIT_SUB:
        raise_talks(level - 1);
        break;
    case SUBXACT_EVENT_ABORT_SUB:
        close_talks_of_level(level);
        settle_all();
        fdw_transaction_rollback_level(level);
        raise_talks(level - 1);
        break;
    default:
        break;
    }
}

/* ---- options that change ---- */

/* A server (hash 0: all), a user mapping or a wrapper was changed. */
static void
at_change(Datum arg, int cache, uint32 hash)
{
    dlist_iter i;

    (void) arg;
    dlist_foreach(i, &session.processes)
    {
        FdwProcess *process = dlist_container(FdwProcess, node, i.cur);

        if (hash == 0 || cache == FOREIGNDATAWRAPPEROID ||
            hash == (cache == FOREIGNSERVEROID ? process->server_hash : process->mapping_hash))
            process->is_stale = true;
    }
}

static void
watch(void)
{
    if (session.is_watching)
        return;
    CacheRegisterSyscacheCallback(FOREIGNSERVEROID, at_change, (Datum) 0);
    CacheRegisterSyscacheCallback(USERMAPPINGOID, at_change, (Datum) 0);
    CacheRegisterSyscacheCallback(FOREIGNDATAWRAPPEROID, at_change, (Datum) 0);
    RegisterXactCallback(at_transaction_end, NULL);
    RegisterSubXactCallback(at_subtransaction_end, NULL);
    on_proc_exit(end_all, (Datum) 0);
    session.is_watching = true;
}

/* ---- the beginning ---- */

static bool
is_same_text(const char *kept, const char *set)
{
    return strcmp(kept, set == NULL ? "" : set) == 0;
}

static FdwProcess *
find_process(Oid server, Oid mapping)
{
    dlist_mutable_iter i;

    dlist_foreach_modify(i, &session.processes)
    {
        FdwProcess *process = dlist_container(FdwProcess, node, i.cur);

        fdw_transaction_look(process);
        if (process->is_dead) {
            fdw_process_release(process);
            continue;
        }
        process->is_stale |=
            process->fd < 0 || !is_same_text(process->program, session.program) ||
            !is_same_text(process->credential_directory, session.credential_directory);
        /* A transaction stays with the process that it began with. */
        if (process->is_stale && is_idle(process))
            end_quietly(process);
        else if (process->server == server && process->mapping == mapping &&
                 (!process->is_stale || process->part != NULL))
            return process;
    }
    return NULL;
}

static FdwProcess *
make_process(const FdwServer *server, Oid mapping)
{
    MemoryContext context =
        AllocSetContextCreate(TopMemoryContext, "instant source process", ALLOCSET_DEFAULT_SIZES);
    FdwProcess *process = MemoryContextAllocZero(context, sizeof *process);

    process->context = context;
    process->server = server->oid;
    process->mapping = mapping;
    process->server_hash = GetSysCacheHashValue1(FOREIGNSERVEROID, ObjectIdGetDatum(server->oid));
    process->mapping_hash = GetSysCacheHashValue1(USERMAPPINGOID, ObjectIdGetDatum(mapping));
    process->pid = process->fd = -1;
    dlist_init(&process->talks);
    dlist_push_tail(&session.processes, &process->node); /* from here on it is ended in any case */
    process->server_name = MemoryContextStrdup(context, server->name);
    process->program = MemoryContextStrdup(context, session.program ? session.program : "");
    process->credential_directory = MemoryContextStrdup(
        context, session.credential_directory ? session.credential_directory : "");
    fdw_wire_init(process);
    return process;
}

static FdwProcess *
start_process(Oid server_oid, Oid user)
{
    List *options = NIL;
    FdwServer *server = fdw_server(server_oid);
    Oid mapping = fdw_mapping_find(server_oid, user, &options);
    FdwProcess *process = make_process(server, mapping);
    IdcOptionSet user_options = fdw_option_set(options);
    FdwSpawn spawn = { .user_options = &user_options, .shared_fd = fdw_shared_file_open(server) };
    IdcText hello;

    idc_text_init(&hello, IDC_FRAME_MAX_PAYLOAD);
    PG_TRY();
    {
        /* First: a process that runs was greeted. */
        fdw_hello_write(process, server, &user_options, &hello);
        fdw_spawn(process, &spawn);
    }
    PG_FINALLY();
    {
        if (spawn.shared_fd >= 0)
            close(spawn.shared_fd);
    }
    PG_END_TRY();
    fdw_wire_send(process, IDC_MSG_HELLO, 0, 0, hello.data, hello.len);
    return process;
}

FdwProcess *
fdw_process_get(Oid server, Oid user)
{
    FdwProcess *process;

    fdw_modify_flush_server(server);
    watch();
    process = find_process(server, fdw_mapping_find(server, user, NULL));
    if (process != NULL) {
        /* Also notices one that died since. */
        settle_for_use(process, true);
        if (!process->is_dead)
            return process;
        fdw_process_release(process);
    }
    return start_process(server, user);
}

void
fdw_process_init(void)
{
    dlist_init(&session.processes);
    DefineCustomStringVariable(
        "instant.source_program", "The program that reads foreign data.",
        "Empty: instant-source beside the extension's library. Only superusers may set it.",
        &session.program, "", PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
    DefineCustomStringVariable(
        "instant.credential_directory", "The folder of the credentials that user mappings name.",
        "Empty: there are none. Only superusers may set it.", &session.credential_directory, "",
        PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}
