/*
 * loop.c - a session of the hub: reads its messages, answers at once what needs no work.
 *
 * In:   frames on the socket
 * Out:  READY; tasks (task.c)
 *
 * The end of the socket is the end of the process, whatever its threads are doing. The hub does not
 * wait for it: they have a moment to tell the source that it need not go on (sandbox.c).
 */
#include "source/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

typedef struct Session {
    IdcArena *arena; /* as long as the process */
    IdcSource source;
    IdcFrameWriter *writer;
    IdcTasks *tasks;
    uint8_t *memory; /* shared with the hub, or NULL */
} Session;

/* Of the two seconds; the rest is for connections that are told good-bye. */
enum { ENDING_MS = 800 };

/* False: the hub is gone. */
static bool
read_exactly(void *bytes, size_t size)
{
    uint8_t *next = bytes;

    while (size > 0) {
        ssize_t got = read(IDC_SOCKET_FD, next, size);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        next += got;
        size -= (size_t) got;
    }
    return true;
}

static IdcStatus
fail_gone(IdcError *err)
{
    return idc_fail(err, IDC_CANCELED, "the hub is gone");
}

/* The payload of one frame, after what there is of the message. */
static IdcStatus
read_payload(const IdcFrameHead *head, void **payload, size_t *size, IdcError *err)
{
    uint8_t *longer;

    if ((int64_t) (*size + head->payload_bytes) > IDC_MESSAGE_MAX_BYTES)
        return idc_fail(err, IDC_SOURCE_FAILED, "message %d is too long", (int) head->kind);
    longer = idc_realloc(*payload, *size + head->payload_bytes + 1);
    if (longer == NULL)
        return idc_fail_no_memory(err);
    *payload = longer;
    if (!read_exactly(longer + *size, head->payload_bytes))
        return fail_gone(err);
    *size += head->payload_bytes;
    return IDC_OK;
}

/* A whole message, whose frames follow each other; head says its length. *payload: idc_malloc'd,
 * also on failure. */
static IdcStatus
read_message(IdcFrameHead *head, void **payload, IdcError *err)
{
    IdcFrameHead first = { 0 };
    size_t size = 0;
    bool is_first = true;

    do {
        uint8_t bytes[IDC_FRAME_HEAD_BYTES];
        IdcStatus status;

        if (!read_exactly(bytes, sizeof bytes))
            return fail_gone(err);
        status = idc_frame_head_read(bytes, head, err);
        if (status == IDC_OK && !is_first && (head->kind != first.kind || head->scan != first.scan))
            status = idc_fail(err, IDC_SOURCE_FAILED, "message %d has no end", (int) first.kind);
        if (status == IDC_OK)
            status = read_payload(head, payload, &size, err);
        if (status != IDC_OK)
            return status;
        first = *head;
        is_first = false;
    } while ((head->flags & IDC_FRAME_MORE) != 0);
    head->payload_bytes = (uint32_t) size;
    return IDC_OK;
}

/*
 * The cache, where libraries put temporary files, and beside the files that the server's options
 * name: SQLite shares locks with other readers there.
 */
static IdcStatus
limit_writes(IdcArena *arena, const IdcHello *hello, IdcError *err)
{
    const char **directories =
        idc_arena_alloc_array(arena, hello->server_options.count + 5, sizeof *directories);
    const char *temporary = getenv("TMPDIR");
    size_t count = 0;

    if (directories == NULL)
        return idc_fail_no_memory(err);
    directories[count++] = "/tmp";
    directories[count++] = "/var/tmp";
    if (temporary != NULL && temporary[0] == '/')
        directories[count++] = temporary;
    if (hello->cache_directory != NULL)
        directories[count++] = hello->cache_directory;
    for (size_t i = 0; hello->may_use_local && i < hello->server_options.count; i++) {
        const IdcOptionPair *option = &hello->server_options.items[i];
        const char *slash = strrchr(option->value, '/');

        if (strcmp(option->name, "path") != 0 || option->value[0] != '/')
            continue;
        directories[count] = idc_arena_strndup(
            arena, option->value, slash == option->value ? 1 : (size_t) (slash - option->value));
        if (directories[count++] == NULL)
            return idc_fail_no_memory(err);
    }
    idc_sandbox_limit_writes(directories);
    return IDC_OK;
}

static IdcStatus
begin(Session *session, const void *payload, size_t size, IdcError *err)
{
    IdcHello hello = { 0 };
    IdcStatus status = idc_hello_read(session->arena, payload, size, &hello, err);

    if (status != IDC_OK)
        return status;
    idc_title_set(hello.server_name);
    idc_sandbox_limit_memory(hello.memory_bytes);
    status = limit_writes(session->arena, &hello, err);
    if (status == IDC_OK)
        status = idc_source_connect(&session->source, session->arena, &hello, IDC_SHARED_FD, err);
    idc_error_set_source(status == IDC_OK ? NULL : err, hello.server_name);
    if (status != IDC_OK)
        return status;
    session->tasks = idc_tasks_new(&session->source, session->writer, session->memory);
    return session->tasks == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

static IdcStatus
greet(Session *session, IdcError *err)
{
    IdcFrameHead head = { 0 };
    void *payload = NULL;
    IdcStatus status = read_message(&head, &payload, err);

    if (status == IDC_OK && (head.kind != IDC_MSG_HELLO || head.scan != 0))
        status = idc_fail(err, IDC_SOURCE_FAILED, "a session begins with HELLO");
    if (status == IDC_OK)
        status = begin(session, payload, head.payload_bytes, err);
    if (payload != NULL)
        explicit_bzero(payload, head.payload_bytes);
    idc_free(payload);
    if (status == IDC_OK)
        idc_frame_writer_send(session->writer, IDC_MSG_READY, 0, NULL, 0);
    return status;
}

static IdcStatus
credit(Session *session, const IdcFrameHead *head, const void *payload, IdcError *err)
{
    uint32_t more = 0;
    IdcStatus status = idc_credit_read(payload, head->payload_bytes, &more, err);

    if (status == IDC_OK)
        idc_tasks_credit(session->tasks, head->scan, more);
    return status;
}

static IdcStatus
serve(Session *session, IdcError *err)
{
    IdcFrameHead head = { 0 };
    void *payload = NULL;
    IdcStatus status = read_message(&head, &payload, err);

    if (status != IDC_OK)
        return status;
    switch (head.kind) {
    case IDC_MSG_OPEN:
    case IDC_MSG_IMPORT:
    case IDC_MSG_MODIFY:
    case IDC_MSG_COMMIT:
    case IDC_MSG_ROLLBACK:
        if (head.scan == 0 || !idc_tasks_begin(session->tasks, &head, payload))
            return idc_fail(err, IDC_SOURCE_FAILED, "scan %u is in use, or there are too many",
                            head.scan);
        return IDC_OK;
    case IDC_MSG_CREDIT:
        status = credit(session, &head, payload, err);
        break;
    case IDC_MSG_CLOSE:
        idc_tasks_close(session->tasks, head.scan);
        break;
    default:
        status =
            idc_fail(err, IDC_SOURCE_FAILED, "the hub does not send message %d", (int) head.kind);
        break;
    }
    idc_free(payload);
    return status;
}

/* Connections are told good-bye, and what a source still does for us is stopped. */
static int
end_session(Session *session)
{
    const IdcAdapter *adapter = session->source.adapter;

    idc_sandbox_leave();
    if (session->tasks != NULL && idc_tasks_end(session->tasks, ENDING_MS) &&
        adapter->disconnect != NULL)
        adapter->disconnect(&session->source.server);
    return EXIT_SUCCESS;
}

int
idc_session_run(void)
{
    Session session = { .arena = idc_arena_new(0), .writer = idc_frame_writer_new(IDC_SOCKET_FD) };
    IdcScanStats stats = { 0 };
    IdcError err;
    IdcStatus status;

    if (session.arena == NULL || session.writer == NULL)
        return EXIT_FAILURE;
    idc_error_init(&err);
    session.memory = idc_shared_memory_map();
    status = greet(&session, &err);
    while (status == IDC_OK)
        status = serve(&session, &err);
    if (status == IDC_CANCELED)
        return end_session(&session);
    idc_frame_writer_fail(session.writer, 0, &session.source.secrets, &err, &stats);
    return EXIT_FAILURE;
}
