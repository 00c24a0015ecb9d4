/*
 * task.c - each request of the hub in a thread of its own, until the hub closes it.
 *
 * In:   frames that loop.c has read
 * Out:  messages through writer.c
 *
 * A task ends when two things have happened, in any order: its thread is through, and the hub has
 * closed it. Whoever sees the second one says CLOSED, takes it out of the list and frees it.
 */
#include "source/source.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

enum {
    THREADS_MAX = 128,
    TASKS_MAX = 4096, /* closed ones aside; most have ended and wait for CLOSE */
    STACK_BYTES = 512 * 1024
};

typedef struct Task {
    struct Task *next;
    IdcTasks *tasks;
    IdcFrameHead head;
    void *payload;
    IdcCall *call;
    IdcArena *arena; /* of the request; what the adapter holds is of another one */
    IdcScanStats stats;
    IdcText answer;         /* payload of TABLES or MODIFIED */
    pthread_cond_t changed; /* credit, is_closed, or is_pressed */
    uint32_t credit;
    unsigned pair;              /* of slots for its batches, or 0 */
    int64_t batch_count;        /* that were sent */
    bool has_turn;              /* the next batch may be sent */
    bool is_pressed;            /* the rows that are left are to be read first */
    bool is_running, is_closed; /* by the hub */
    bool has_answered;          /* with its statistics */
} Task;

/* lock guards the list and, of each task, credit, is_running, is_closed and is_pressed. */
struct IdcTasks {
    const IdcSource *source;
    IdcFrameWriter *writer;
    uint8_t *memory; /* shared with the hub, or NULL */
    pthread_mutex_t lock;
    pthread_attr_t attributes;
    Task *first;
    size_t count;
    int thread_count;
    pthread_cond_t ended; /* a thread did */
};

IdcTasks *
idc_tasks_new(const IdcSource *source, IdcFrameWriter *writer, uint8_t *memory)
{
    IdcTasks *tasks = idc_calloc(1, sizeof *tasks);

    if (tasks == NULL)
        return NULL;
    tasks->source = source;
    tasks->writer = writer;
    tasks->memory = memory;
    if (pthread_mutex_init(&tasks->lock, NULL) != 0 ||
        pthread_cond_init(&tasks->ended, NULL) != 0 || pthread_attr_init(&tasks->attributes) != 0 ||
        pthread_attr_setstacksize(&tasks->attributes, STACK_BYTES) != 0 ||
        pthread_attr_setdetachstate(&tasks->attributes, PTHREAD_CREATE_DETACHED) != 0) {
        idc_free(tasks);
        return NULL;
    }
    return tasks;
}

/* ---- the work, in the task's thread ---- */

static IdcStatus
sink_schema(void *host, const uint8_t *bytes, size_t size, IdcError *err)
{
    Task *task = host;

    if (size > IDC_FRAME_MAX_PAYLOAD)
        return idc_fail(err, IDC_UNSUPPORTED, "there are too many columns");
    idc_frame_writer_send(task->tasks->writer, IDC_MSG_SCHEMA, task->head.scan, bytes, size);
    return IDC_OK;
}

/* Until the hub takes another batch. */
static IdcStatus
sink_turn(void *host, bool *is_pressed, IdcError *err)
{
    Task *task = host;
    bool is_closed;

    if (task->has_turn)
        return IDC_OK;
    pthread_mutex_lock(&task->tasks->lock);
    while (task->credit == 0 && !task->is_closed && (is_pressed == NULL || !task->is_pressed))
        pthread_cond_wait(&task->changed, &task->tasks->lock);
    is_closed = task->is_closed;
    if (task->credit > 0 && !is_closed) {
        task->credit--;
        task->has_turn = true;
    }
    pthread_mutex_unlock(&task->tasks->lock);
    if (is_closed)
        return idc_fail(err, IDC_CANCELED, "the scan was closed");
    if (is_pressed != NULL)
        *is_pressed = !task->has_turn;
    return IDC_OK;
}

static void
press(void *presser)
{
    Task *task = presser;

    pthread_mutex_lock(&task->tasks->lock);
    task->is_pressed = true;
    pthread_cond_signal(&task->changed);
    pthread_mutex_unlock(&task->tasks->lock);
}

/* The next batch's slot, once nobody reads the batch before in it. */
static IdcStatus
sink_place(void *host, size_t size, uint8_t **target, IdcError *err)
{
    Task *task = host;

    *target = NULL;
    if (task->pair == 0 || size > IDC_SLOT_BYTES)
        return IDC_OK;
    *target = task->tasks->memory + idc_slot_offset(task->pair, task->batch_count);
    return sink_turn(task, NULL, err);
}

static IdcStatus
sink_batch(void *host, const uint8_t *bytes, size_t size, IdcError *err)
{
    Task *task = host;
    IdcFrameWriter *writer = task->tasks->writer;
    IdcStatus status = sink_turn(task, NULL, err);

    if (status != IDC_OK)
        return status;
    task->has_turn = false;
    if (task->pair > 0 &&
        bytes == task->tasks->memory + idc_slot_offset(task->pair, task->batch_count))
        idc_frame_writer_send_shared(writer, task->head.scan, (uint32_t) size);
    else
        idc_frame_writer_send(writer, IDC_MSG_BATCH, task->head.scan, bytes, size);
    task->batch_count++;
    return IDC_OK;
}

static void
send_stats(Task *task, IdcMessageKind kind)
{
    IdcText payload;

    idc_text_init(&payload, 0);
    idc_stats_write(&task->stats, &payload);
    idc_frame_writer_send(task->tasks->writer, kind, task->head.scan, payload.data, payload.len);
    idc_text_done(&payload);
}

static IdcStatus
run_open(Task *task, IdcSourceScan *scan, IdcError *err)
{
    IdcScanSink sink = { .host = task,
                         .schema = sink_schema,
                         .turn = sink_turn,
                         .batch = sink_batch,
                         .place = sink_place };
    IdcOpen open = { 0 };
    IdcStatus status =
        idc_open_read(task->arena, task->payload, task->head.payload_bytes, &open, err);

    if (status != IDC_OK)
        return status;
    idc_free(task->payload);
    task->payload = NULL;
    idc_call_set_timeout(task->call, open.timeout_ms);
    task->pair = task->tasks->memory != NULL && open.credit == IDC_SHARED_CREDIT ? open.pair : 0;
    idc_tasks_credit(task->tasks, task->head.scan, open.credit);
    scan->press = press;
    scan->presser = task;
    return idc_scan_run(task->tasks->source, scan, &open, &sink, err);
}

static IdcStatus
run_import(Task *task, IdcSourceScan *scan, IdcError *err)
{
    const IdcAdapter *adapter = task->tasks->source->adapter;
    const IdcImportedTable *tables = NULL;
    IdcImport import = { 0 };
    size_t count = 0;
    IdcStatus status;

    if (adapter->import == NULL)
        return idc_fail(err, IDC_UNSUPPORTED, "adapter %s cannot tell which tables there are",
                        adapter->declaration->name);
    status = idc_import_read(task->arena, task->payload, task->head.payload_bytes, &import, err);
    if (status == IDC_OK)
        status = adapter->import(scan, &import, &tables, &count, err);
    if (status != IDC_OK)
        return status;
    idc_tables_write(tables, count, &task->answer);
    if (!task->answer.is_broken && task->answer.len > IDC_FRAME_MAX_PAYLOAD)
        status = idc_fail(err, IDC_UNSUPPORTED, "cannot send %zu tables at once", count);
    return status;
}

/* All tables that a write names. */
static IdcStatus
check_modify(const IdcSource *source, const IdcModify *modify, IdcError *err)
{
    IdcStatus status = idc_source_check_relation(source, modify->table, err);

    if (status == IDC_OK && modify->where != NULL)
        status = idc_source_check_relation(source, modify->where, err);
    if (status == IDC_OK && modify->returning != NULL)
        status = idc_source_check_relation(source, modify->returning, err);
    for (size_t i = 0; i < modify->also_count && status == IDC_OK; i++)
        status = idc_source_check_relation(source, modify->also[i], err);
    return status;
}

static IdcStatus
run_modify(Task *task, IdcSourceScan *scan, IdcError *err)
{
    const IdcSource *source = task->tasks->source;
    IdcModify modify = { 0 };
    IdcModified modified = { 0 };
    IdcStatus status;

    if (source->adapter->modify == NULL)
        return idc_fail(err, IDC_UNSUPPORTED, "adapter %s cannot write",
                        source->adapter->declaration->name);
    status = idc_modify_read(task->arena, task->payload, task->head.payload_bytes, &modify, err);
    if (status == IDC_OK)
        status = check_modify(source, &modify, err);
    if (status == IDC_OK && modify.where != NULL)
        status = idc_relation_bind(task->arena, modify.where, modify.values, modify.value_count,
                                   &modify.where, err);
    if (status != IDC_OK)
        return status;
    scan->relation = modify.table;
    scan->transaction = modify.transaction;
    status = source->adapter->modify(scan, &modify, &modified, err);
    modified.stats = scan->stats;
    if (status == IDC_OK)
        idc_modified_write(&modified, &task->answer);
    return status;
}

static IdcStatus
run_finish(Task *task, IdcSourceScan *scan, IdcError *err)
{
    const IdcAdapter *adapter = task->tasks->source->adapter;
    IdcModified modified = { 0 };
    IdcFinish finish = { 0 };
    IdcStatus status;

    if (adapter->finish == NULL)
        return idc_fail(err, IDC_UNSUPPORTED, "adapter %s has no transactions",
                        adapter->declaration->name);
    status =
        idc_finish_read(task->head.kind, task->payload, task->head.payload_bytes, &finish, err);
    if (status == IDC_OK)
        status = adapter->finish(scan, &finish, err);
    modified.stats = scan->stats;
    if (status == IDC_OK)
        idc_modified_write(&modified, &task->answer);
    return status;
}

static IdcStatus
run(Task *task, IdcSourceScan *scan, IdcError *err)
{
    switch (task->head.kind) {
    case IDC_MSG_OPEN:
        return run_open(task, scan, err);
    case IDC_MSG_IMPORT:
        return run_import(task, scan, err);
    case IDC_MSG_MODIFY:
        return run_modify(task, scan, err);
    default:
        return run_finish(task, scan, err);
    }
}

/* Out of the list; the lock is held. */
static void
unlink_task(Task *task)
{
    Task **link = &task->tasks->first;

    while (*link != task)
        link = &(*link)->next;
    *link = task->next;
    task->tasks->count--;
}

static void
free_task(Task *task)
{
    if (task == NULL)
        return;
    idc_arena_free(task->arena);
    idc_call_free(task->call);
    idc_free(task->payload);
    idc_text_done(&task->answer);
    pthread_cond_destroy(&task->changed);
    idc_free(task);
}

/* Of a task that is in no list any more: the hub hears of it when nothing is left. */
static void
say_closed(Task *task)
{
    IdcFrameWriter *writer = task->tasks->writer;
    uint32_t number = task->head.scan;
    IdcText payload;

    idc_text_init(&payload, 0);
    if (!task->has_answered)
        idc_stats_write(&task->stats, &payload);
    free_task(task);
    idc_frame_writer_send(writer, IDC_MSG_CLOSED, number, payload.data, payload.len);
    idc_text_done(&payload);
}

/* The thread is through, or there never was one. */
static void
end_task(Task *task)
{
    IdcTasks *tasks = task->tasks;
    bool is_closed;

    pthread_mutex_lock(&tasks->lock);
    task->is_running = false;
    is_closed = task->is_closed;
    if (is_closed)
        unlink_task(task);
    pthread_mutex_unlock(&tasks->lock);
    /* If it is not closed then it is the reader's from here on. */
    if (is_closed)
        say_closed(task);
}

static void
report(Task *task, IdcStatus status, IdcError *err)
{
    bool is_closed;

    pthread_mutex_lock(&task->tasks->lock);
    is_closed = task->is_closed;
    pthread_mutex_unlock(&task->tasks->lock);
    if (is_closed)
        return;
    task->has_answered = true;
    if (status != IDC_OK) {
        idc_error_set_source(err, task->tasks->source->server.name);
        idc_frame_writer_fail(task->tasks->writer, task->head.scan, &task->tasks->source->secrets,
                              err, &task->stats);
    } else if (task->head.kind == IDC_MSG_OPEN) {
        send_stats(task, IDC_MSG_END);
    } else {
        idc_frame_writer_send(task->tasks->writer,
                              task->head.kind == IDC_MSG_IMPORT ? IDC_MSG_TABLES : IDC_MSG_MODIFIED,
                              task->head.scan, task->answer.data, task->answer.len);
    }
}

static void *
task_main(void *argument)
{
    Task *task = argument;
    IdcTasks *tasks = task->tasks;
    IdcSourceScan scan = { .server = &tasks->source->server,
                           .arena = idc_arena_new(0),
                           .call = task->call };
    IdcError err;
    IdcStatus status;

    idc_error_init(&err);
    status = scan.arena == NULL ? idc_fail_no_memory(&err) : run(task, &scan, &err);
    if (status == IDC_OK)
        status = idc_text_check(&task->answer, &err);
    task->stats = scan.stats;
    /* What the adapter holds goes before the hub hears of the end: its next request may need it. */
    idc_arena_free(scan.arena);
    report(task, status, &err);
    pthread_mutex_lock(&tasks->lock);
    tasks->thread_count--;
    pthread_cond_signal(&tasks->ended);
    pthread_mutex_unlock(&tasks->lock);
    end_task(task);
    return NULL;
}

/* ---- in the reader's thread ---- */

static Task *
find_task(const IdcTasks *tasks, uint32_t number)
{
    for (Task *task = tasks->first; task != NULL; task = task->next)
        if (task->head.scan == number)
            return task;
    return NULL;
}

static Task *
new_task(IdcTasks *tasks, const IdcFrameHead *head, void *payload)
{
    Task *task = idc_calloc(1, sizeof *task);

    if (task == NULL) {
        idc_free(payload);
        return NULL;
    }
    task->tasks = tasks;
    task->head = *head;
    task->payload = payload;
    task->is_running = true;
    idc_text_init(&task->answer, 0);
    (void) pthread_cond_init(&task->changed, NULL);
    return task;
}

static IdcStatus
start_thread(Task *task, IdcError *err)
{
    IdcTasks *tasks = task->tasks;
    pthread_t thread;
    bool is_free;
    int failed;

    pthread_mutex_lock(&tasks->lock);
    is_free = tasks->thread_count < THREADS_MAX;
    tasks->thread_count += is_free ? 1 : 0;
    pthread_mutex_unlock(&tasks->lock);
    if (!is_free) {
        (void) idc_fail(err, IDC_UNSUPPORTED,
                        "cannot scan more than %d tables of one server at once", THREADS_MAX);
        idc_error_set_sqlstate(err, "54000");
        return IDC_UNSUPPORTED;
    }
    task->call = idc_call_new();
    task->arena = idc_arena_new(0);
    failed = task->call == NULL || task->arena == NULL
                 ? -1
                 : pthread_create(&thread, &tasks->attributes, task_main, task);
    if (failed == 0)
        return IDC_OK;
    pthread_mutex_lock(&tasks->lock);
    tasks->thread_count--;
    pthread_mutex_unlock(&tasks->lock);
    return failed < 0
               ? idc_fail_no_memory(err)
               : idc_fail(err, IDC_NO_MEMORY, "cannot start a thread: %s", idc_errno_text(failed));
}

bool
idc_tasks_begin(IdcTasks *tasks, const IdcFrameHead *head, void *payload)
{
    Task *task = new_task(tasks, head, payload);
    bool is_welcome;
    IdcError err;

    if (task == NULL)
        return false;
    pthread_mutex_lock(&tasks->lock);
    is_welcome = tasks->count < TASKS_MAX && find_task(tasks, head->scan) == NULL;
    if (is_welcome) {
        task->next = tasks->first;
        tasks->first = task;
        tasks->count++;
    }
    pthread_mutex_unlock(&tasks->lock);
    if (!is_welcome) {
        free_task(task);
        return false;
    }
    if (start_thread(task, &err) == IDC_OK)
        return true;
    idc_error_set_source(&err, tasks->source->server.name);
    idc_frame_writer_fail(tasks->writer, head->scan, &tasks->source->secrets, &err, &task->stats);
    end_task(task);
    return true;
}

void
idc_tasks_credit(IdcTasks *tasks, uint32_t number, uint32_t credit)
{
    Task *task;

    pthread_mutex_lock(&tasks->lock);
    task = find_task(tasks, number);
    if (task != NULL) {
        if (__builtin_add_overflow(task->credit, credit, &task->credit))
            task->credit = UINT32_MAX;
        pthread_cond_signal(&task->changed);
    }
    pthread_mutex_unlock(&tasks->lock);
}

void
idc_tasks_close(IdcTasks *tasks, uint32_t number)
{
    Task *task;
    bool has_ended = false;

    pthread_mutex_lock(&tasks->lock);
    task = find_task(tasks, number);
    if (task != NULL) {
        has_ended = !task->is_running;
        task->is_closed = true;
        if (has_ended) {
            unlink_task(task);
        } else {
            idc_call_cancel(task->call);
            pthread_cond_signal(&task->changed);
        }
    }
    pthread_mutex_unlock(&tasks->lock);
    if (has_ended)
        say_closed(task);
    else if (task == NULL)
        idc_frame_writer_send(tasks->writer, IDC_MSG_CLOSED, number, NULL, 0);
}

/* COMMIT or ROLLBACK: what a hub says last that ends well, without waiting for the answer. */
static bool
is_finish(const Task *task)
{
    return task->head.kind == IDC_MSG_COMMIT || task->head.kind == IDC_MSG_ROLLBACK;
}

static void
cancel_tasks(IdcTasks *tasks, bool with_finishes)
{
    for (Task *task = tasks->first; task != NULL; task = task->next) {
        if (is_finish(task) && !with_finishes)
            continue;
        task->is_closed = true;
        if (task->is_running && task->call != NULL)
            idc_call_cancel(task->call);
        pthread_cond_signal(&task->changed);
    }
}

bool
idc_tasks_end(IdcTasks *tasks, int64_t patience_ms)
{
    bool have_ended;

    pthread_mutex_lock(&tasks->lock);
    cancel_tasks(tasks, false);
    if (!idc_threads_end(&tasks->thread_count, &tasks->ended, &tasks->lock, patience_ms / 2))
        cancel_tasks(tasks, true);
    have_ended = idc_threads_end(&tasks->thread_count, &tasks->ended, &tasks->lock, patience_ms);
    pthread_mutex_unlock(&tasks->lock);
    return have_ended;
}
