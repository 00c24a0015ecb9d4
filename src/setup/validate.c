/*
 * validate.c - really connect to every source, as the configuration says, and compare its tables.
 *
 * In:   the sources of a configuration; the hub, whose wrappers do the connecting
 * Out:  IdcSourceHealth, one a source
 * Next: validate_source.c
 *
 * At most eight threads, each with a session of the hub of its own. A check makes a server, a
 * mapping and tables of its own in a transaction that is rolled back, so it tells about the file,
 * not about what an earlier setup left. A wrapper that hangs in connecting reacts to nothing: its
 * session is left behind (it ends with its connection) and the answer says so in time.
 */
#include "setup/validate_private.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { THREAD_LIMIT = 8 };

typedef struct Checks {
    IdcHub *hub;
    const IdcConfig *config;
    int64_t timeout_ms;
    IdcValidation *items;
    size_t count;
    atomic_size_t next, running;
    atomic_bool is_cancelled;
    int done_fd; /* readable when the last thread ends */
} Checks;

/* ---- threads ---- */

static void
run_check(Checks *checks, IdcValidation *check)
{
    int64_t started_ms = idc_clock_ms();
    IdcSetup setup = { .call = check->call, .arena = check->arena, .config = checks->config };
    IdcError err;
    IdcStatus status;

    idc_error_init(&err);
    /* The wrapper gives up before we do, for its words are better; libpq counts whole seconds, one
     * too many. */
    setup.connect_timeout_ms =
        checks->timeout_ms > 0 ? checks->timeout_ms - IDC_VALIDATE_MARGIN_MS : 10000;
    idc_call_set_timeout(check->call, checks->timeout_ms > 0 ? checks->timeout_ms : -1);
    status = idc_conn_open(checks->hub, check->call, &setup.conn, &err);
    if (status == IDC_OK) {
        status = idc_validate_source(check, &setup, &err);
        if (status != IDC_OK)
            idc_validate_explain(check, &setup, &err);
        /* The session goes with its transaction: closing it is the rollback. */
        idc_conn_close(setup.conn);
    } else {
        idc_setup_scrub(checks->config, &err);
        idc_validate_problem(
            check, idc_arena_printf(check->arena, "the hub cannot be reached: %s", err.message),
            err.sqlstate);
    }
    check->health.elapsed_ms = idc_clock_ms() - started_ms;
}

static void *
check_thread(void *argument)
{
    Checks *checks = argument;
    uint64_t one = 1;

    for (;;) {
        size_t nth = atomic_fetch_add(&checks->next, 1);

        if (nth >= checks->count || atomic_load(&checks->is_cancelled))
            break;
        run_check(checks, &checks->items[nth]);
    }
    if (atomic_fetch_sub(&checks->running, 1) == 1 && write(checks->done_fd, &one, sizeof one) < 0)
        return argument; /* an eventfd of ours takes a one */
    return NULL;
}

static IdcStatus
run_threads(Checks *checks, IdcCall *call, IdcError *err)
{
    pthread_t threads[THREAD_LIMIT];
    size_t wanted = checks->count < THREAD_LIMIT ? checks->count : THREAD_LIMIT;
    size_t started = 0;
    IdcStatus status = IDC_OK;

    /* Ourselves too, so that the last to end is known only when all were started. */
    atomic_store(&checks->running, 1);
    while (started < wanted) {
        atomic_fetch_add(&checks->running, 1);
        if (pthread_create(&threads[started], NULL, check_thread, checks) != 0) {
            atomic_fetch_sub(&checks->running, 1);
            break;
        }
        started++;
    }
    if (started == 0)
        return idc_fail(err, IDC_NO_MEMORY, "cannot start a thread");
    if (atomic_fetch_sub(&checks->running, 1) > 1)
        status = idc_call_wait(call, checks->done_fd, POLLIN, -1, err);
    if (status != IDC_OK) {
        atomic_store(&checks->is_cancelled, true);
        for (size_t i = 0; i < checks->count; i++)
            idc_call_cancel(checks->items[i].call);
    }
    for (size_t i = 0; i < started; i++)
        (void) pthread_join(threads[i], NULL);
    return status;
}

/* ---- the whole ---- */

static IdcStatus
prepare(Checks *checks, IdcArena *arena, IdcError *err)
{
    checks->items =
        idc_arena_alloc_array(arena, checks->config->source_count + 1, sizeof *checks->items);
    if (checks->items == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < checks->config->source_count; i++) {
        IdcValidation *check = &checks->items[checks->count];

        if (!checks->config->sources[i].is_enabled)
            continue;
        checks->count++;
        check->source = &checks->config->sources[i];
        idc_text_init(&check->problems, 16384);
        idc_text_init(&check->notes, 16384);
        check->arena = idc_arena_new(0);
        check->call = idc_call_new();
        if (check->arena == NULL || check->call == NULL)
            return idc_fail_no_memory(err);
    }
    return IDC_OK;
}

static IdcStatus
take_health(IdcValidation *check, IdcArena *arena, IdcSourceHealth *health, IdcError *err)
{
    *health = check->health;
    health->source = idc_arena_strdup(arena, check->source->name);
    health->is_healthy = check->problems.len == 0;
    if (!health->is_healthy)
        health->details = idc_arena_strdup(arena, idc_text_string(&check->problems));
    else
        health->details =
            idc_arena_printf(arena, "ok: %zu table%s%s%s%s", check->table_count,
                             check->table_count == 1 ? "" : "s", check->notes.len > 0 ? " (" : "",
                             idc_text_string(&check->notes), check->notes.len > 0 ? ")" : "");
    return health->source == NULL || health->details == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

static void
finish(Checks *checks)
{
    for (size_t i = 0; i < checks->count; i++) {
        idc_text_done(&checks->items[i].problems);
        idc_text_done(&checks->items[i].notes);
        idc_call_free(checks->items[i].call);
        idc_arena_free(checks->items[i].arena);
    }
    if (checks->done_fd >= 0)
        close(checks->done_fd);
}

IdcStatus
idc_setup_validate(IdcHub *hub, IdcCall *call, const IdcConfig *config, int64_t timeout_ms,
                   IdcArena *arena, IdcSourceHealth **health, IdcError *err)
{
    Checks checks = { .hub = hub, .config = config, .timeout_ms = timeout_ms };
    IdcSourceHealth *result =
        idc_arena_alloc_array(arena, config->source_count + 1, sizeof *result);
    IdcStatus status = result == NULL ? idc_fail_no_memory(err) : IDC_OK;

    checks.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (status == IDC_OK && checks.done_fd < 0)
        status = idc_fail(err, IDC_IO_FAILED, "cannot make an event descriptor");
    if (status == IDC_OK)
        status = prepare(&checks, arena, err);
    /* Once, before the threads: all of them would wait for the same start of an embedded hub. */
    if (status == IDC_OK && checks.count > 0)
        status = idc_hub_ensure(hub, call, err);
    if (status == IDC_OK && checks.count > 0)
        status = run_threads(&checks, call, err);
    for (size_t i = 0; status == IDC_OK && i < checks.count; i++)
        status = take_health(&checks.items[i], arena, &result[i], err);
    finish(&checks);
    if (status == IDC_OK)
        *health = result;
    return status;
}
