/*
 * wire.c - frames on the socketpair of a source process.
 *
 * Reading and writing never throw and never wait (fdw_wire_wait is the only wait), so an abort may
 * use them: what cannot be (no memory, garbage) is the end of the process, not of the caller.
 */
#include "fdw/wire.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fdw/server_limits.h"
#include "fdw/process.h"
#include <miscadmin.h>
#include <storage/latch.h>
#include <utils/memutils.h>
#include <utils/wait_event.h>

enum {
    IN_BYTES = 64 * 1024,
    CLOSED_BYTES = 1024,
    OUT_BYTES = 8 * 1024 /* never less, so that CLOSE needs no memory */
};

void
fdw_wire_init(FdwProcess *process)
{
    process->wire.in = MemoryContextAlloc(process->context, IN_BYTES);
    process->wire.out = MemoryContextAlloc(process->context, OUT_BYTES);
    process->wire.out_capacity = OUT_BYTES;
}

static void
lose_for(FdwProcess *process, const char *what, bool has_ended)
{
    IdcError failure;

    idc_error_init(&failure);
    (void) idc_fail(&failure, IDC_SOURCE_FAILED, "the source process of server \"%s\" %s",
                    process->server_name, what);
    fdw_process_lose(process, &failure, has_ended);
}

static void
lose(FdwProcess *process, const char *what)
{
    lose_for(process, what, false);
}

/* ---- what came ---- */

static FdwTalk *
find_talk(FdwProcess *process, uint32 number)
{
    dlist_iter i;

    dlist_foreach(i, &process->talks)
    {
        FdwTalk *talk = dlist_container(FdwTalk, node, i.cur);

        if (talk->number == number)
            return talk;
    }
    return NULL;
}

/* Is this what a talk of that request may say now? */
static bool
is_expected(const FdwTalk *talk, const IdcFrameHead *frame)
{
    bool is_scan = talk->request == IDC_MSG_OPEN;
    bool is_going_on = talk->partial != NULL;

    if (talk->is_closed || (talk->is_answered && frame->kind != IDC_MSG_CLOSED))
        return false;
    if (is_going_on && frame->kind != talk->partial->kind && frame->kind != IDC_MSG_CLOSED)
        return false;
    switch (frame->kind) {
    case IDC_MSG_SCHEMA:
        return is_scan && !talk->has_schema && frame->flags == 0;
    case IDC_MSG_BATCH:
        return is_scan && talk->has_schema && (is_going_on || talk->credit > 0) &&
               !(is_going_on && frame->flags == IDC_FRAME_SHARED);
    case IDC_MSG_END:
        return is_scan && talk->has_schema && frame->flags == 0;
    case IDC_MSG_TABLES:
        return talk->request == IDC_MSG_IMPORT && frame->flags == 0;
    case IDC_MSG_MODIFIED:
        return talk->request == IDC_MSG_MODIFY ||
               ((talk->request == IDC_MSG_COMMIT || talk->request == IDC_MSG_ROLLBACK) &&
                frame->flags == 0);
    case IDC_MSG_ERROR:
        return frame->flags == 0;
    case IDC_MSG_CLOSED:
        return frame->flags == 0 && talk->close_ms != 0 && frame->payload_bytes <= CLOSED_BYTES;
    default:
        return false;
    }
}

/* Bytes of an earlier message that are enough for this one, and not far too many. */
static bool
take_spare(FdwTalk *talk, FdwMessage *message, size_t len)
{
    for (int i = 0; i < FDW_SPARE_MESSAGES; i++) {
        if (talk->spares[i] == NULL || talk->spare_capacities[i] < len ||
            talk->spare_capacities[i] / 4 > len)
            continue;
        message->bytes = talk->spares[i];
        message->capacity = talk->spare_capacities[i];
        talk->spares[i] = NULL;
        return true;
    }
    return false;
}

/* Room for len more bytes; false: no memory, or too much of it. */
static bool
message_reserve(FdwTalk *talk, FdwMessage *message, size_t len)
{
    size_t capacity = Max(message->capacity, 64);
    uint8_t *grown;

    if (len > (size_t) IDC_MESSAGE_MAX_BYTES - message->len)
        return false;
    if (message->len + len <= message->capacity)
        return true;
    if (message->len == 0 && take_spare(talk, message, len))
        return true;
    /* The first frame of a message gets what it needs, and so that the next message fits too; the
     * next frames make it grow twofold. */
    if (message->len == 0)
        capacity = len + len / 16;
    while (capacity < message->len + len)
        capacity *= 2;
    grown = MemoryContextAllocExtended(talk->context, FDW_MESSAGE_HEAD + capacity,
                                       MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
    if (grown == NULL)
        return false;
    grown += FDW_MESSAGE_HEAD;
    if (message->len > 0)
        memcpy(grown, message->bytes, message->len);
    fdw_message_free_bytes(message->bytes);
    message->bytes = grown;
    message->capacity = capacity;
    return true;
}

static FdwMessage *
message_begin(FdwTalk *talk, IdcMessageKind kind)
{
    FdwMessage *message = kind == IDC_MSG_BATCH || kind == IDC_MSG_MODIFIED ? talk->partial : NULL;

    if (message == NULL)
        message = MemoryContextAllocExtended(talk->context, sizeof *message,
                                             MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO);
    if (message != NULL)
        message->kind = kind;
    return message;
}

/* The frames of the whole session: READY, or an ERROR that ends it. Both are short. */
static bool
session_begin(FdwProcess *process)
{
    FdwWire *wire = &process->wire;
    bool is_due = wire->frame.kind == IDC_MSG_ERROR ||
                  (wire->frame.kind == IDC_MSG_READY && !process->is_ready);

    if (!is_due || wire->frame.flags != 0 || wire->frame.payload_bytes > IN_BYTES) {
        lose(process, "sent something else than its greeting");
        return false;
    }
    wire->message = MemoryContextAllocExtended(process->context, sizeof *wire->message,
                                               MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO);
    if (wire->message != NULL)
        wire->message->bytes =
            MemoryContextAllocExtended(process->context, IN_BYTES, MCXT_ALLOC_NO_OOM);
    if (wire->message == NULL || wire->message->bytes == NULL) {
        lose(process, "sent more than there is memory for");
        return false;
    }
    return true;
}

/* The head is whole: where does the payload go? false: the process is lost. */
static bool
frame_begin(FdwProcess *process)
{
    FdwWire *wire = &process->wire;
    IdcError err;
    FdwTalk *talk;

    wire->talk = NULL;
    wire->message = NULL;
    wire->payload_len = 0;
    idc_error_init(&err);
    if (idc_frame_head_read(wire->head, &wire->frame, &err) != IDC_OK) {
        lose(process, "sent garbage");
        return false;
    }
    if (wire->frame.scan == 0)
        return session_begin(process);
    talk = process->is_ready ? find_talk(process, wire->frame.scan) : NULL;
    if (talk == NULL || !is_expected(talk, &wire->frame)) {
        lose(process, "sent a message that was not due");
        return false;
    }
    wire->talk = talk;
    /* Skipped; but the end says what was done, to whoever waits for CLOSED. */
    if (talk->close_ms != 0 && wire->frame.kind != IDC_MSG_CLOSED &&
        (wire->frame.kind != IDC_MSG_END || talk->owner == NULL))
        return true;
    wire->message = message_begin(talk, wire->frame.kind);
    if (wire->message == NULL || !message_reserve(talk, wire->message, wire->frame.payload_bytes)) {
        lose(process, "sent more than there is memory for");
        return false;
    }
    return true;
}

static bool
session_end(FdwProcess *process)
{
    FdwMessage *message = process->wire.message;
    IdcError failure, err;
    IdcScanStats stats;

    process->wire.message = NULL;
    if (process->wire.frame.kind == IDC_MSG_READY) {
        process->is_ready = true;
    } else {
        idc_error_init(&failure);
        idc_error_init(&err);
        if (idc_failure_read(message->bytes, process->wire.frame.payload_bytes, false, &failure,
                             &stats, &err) != IDC_OK) {
            lose(process, "sent garbage");
            return false;
        }
        fdw_process_lose(process, &failure, false);
        return false;
    }
    pfree(message->bytes);
    pfree(message);
    return true;
}

/* The answer to CLOSE. false: the process is lost. */
static bool
closed_end(FdwProcess *process, FdwTalk *talk)
{
    FdwMessage *message = process->wire.message;
    uint32 len = process->wire.frame.payload_bytes;
    IdcError err;

    process->wire.message = NULL;
    idc_error_init(&err);
    /* No message: it was on its way when the talk was closed for good. */
    if (message != NULL && len > 0 &&
        idc_stats_read(message->bytes, len, &talk->stats, &err) != IDC_OK) {
        lose(process, "sent garbage");
        return false;
    }
    if (message != NULL)
        fdw_talk_free_message(message);
    fdw_talk_count(talk, &talk->stats);
    talk->is_closed = true;
    if (talk->owner == NULL)
        fdw_talk_free(talk);
    return true;
}

/*
 * The message that lies in shared memory, whose length the frame has said: a copy, for the process
 * may write to it at any time. false: the process is lost.
 */
static bool
take_shared(FdwProcess *process, FdwTalk *talk, FdwMessage *message)
{
    const uint8_t *said = message->bytes;
    size_t len =
        (size_t) said[0] | (size_t) said[1] << 8 | (size_t) said[2] << 16 | (size_t) said[3] << 24;

    if (talk->pair == 0 || process->memory == NULL || len > IDC_SLOT_BYTES) {
        lose(process, "sent a message that was not due");
        return false;
    }
    fdw_message_free_bytes(message->bytes);
    message->bytes = NULL;
    message->capacity = 0;
    if (!message_reserve(talk, message, len)) {
        lose(process, "sent more than there is memory for");
        return false;
    }
    memcpy(message->bytes, process->memory + idc_slot_offset(talk->pair, talk->batch_count), len);
    message->len = len;
    return true;
}

/* The payload is whole: the message goes to its talk. false: the process is lost. */
static bool
frame_end(FdwProcess *process)
{
    FdwWire *wire = &process->wire;
    FdwTalk *talk = wire->talk;

    wire->head_len = 0;
    wire->talk = NULL;
    if (wire->frame.scan == 0)
        return session_end(process);
    if (wire->frame.kind == IDC_MSG_SCHEMA)
        talk->has_schema = true;
    if (wire->frame.kind == IDC_MSG_CLOSED)
        return closed_end(process, talk);
    if (wire->frame.kind != IDC_MSG_SCHEMA && wire->frame.kind != IDC_MSG_BATCH &&
        (wire->frame.flags & IDC_FRAME_MORE) == 0)
        talk->is_answered = true;
    if (wire->message == NULL)
        return true;
    if (wire->frame.flags == IDC_FRAME_SHARED) {
        if (!take_shared(process, talk, wire->message))
            return false;
    } else {
        wire->message->len += wire->frame.payload_bytes;
    }
    if ((wire->frame.flags & IDC_FRAME_MORE) != 0) {
        talk->partial = wire->message;
    } else {
        talk->partial = NULL;
        talk->credit -= wire->frame.kind == IDC_MSG_BATCH;
        talk->batch_count += wire->frame.kind == IDC_MSG_BATCH;
        dlist_push_tail(&talk->messages, &wire->message->node);
    }
    wire->message = NULL;
    return true;
}

/* ---- bytes ---- */

static uint8_t *
payload_target(const FdwWire *wire)
{
    return wire->message == NULL ? NULL
                                 : wire->message->bytes + wire->message->len + wire->payload_len;
}

/* Take what lies in the buffer. false: the process is lost. */
static bool
consume(FdwProcess *process)
{
    FdwWire *wire = &process->wire;

    for (;;) {
        size_t there = wire->in_len - wire->in_from, take;

        if (wire->head_len < IDC_FRAME_HEAD_BYTES) {
            if (there == 0)
                return true;
            take = Min(there, IDC_FRAME_HEAD_BYTES - wire->head_len);
            memcpy(wire->head + wire->head_len, wire->in + wire->in_from, take);
            wire->head_len += take;
            wire->in_from += take;
            if (wire->head_len == IDC_FRAME_HEAD_BYTES && !frame_begin(process))
                return false;
            continue;
        }
        take = Min(there, wire->frame.payload_bytes - wire->payload_len);
        if (take > 0 && wire->message != NULL)
            memcpy(payload_target(wire), wire->in + wire->in_from, take);
        wire->in_from += take;
        wire->payload_len += take;
        if (wire->payload_len < wire->frame.payload_bytes)
            return true;
        if (!frame_end(process))
            return false;
    }
}

/*
 * One read(2). The rest of a long payload goes straight to its place. false: nothing is there, or
 * the process is lost.
 */
static bool
read_some(FdwProcess *process)
{
    FdwWire *wire = &process->wire;
    size_t missing = wire->head_len == IDC_FRAME_HEAD_BYTES && wire->message != NULL
                         ? wire->frame.payload_bytes - wire->payload_len
                         : 0;
    bool is_direct = missing >= IN_BYTES;
    ssize_t got = recv(process->fd, is_direct ? payload_target(wire) : wire->in,
                       is_direct ? missing : IN_BYTES, MSG_DONTWAIT);

    if (got < 0 && errno == EINTR)
        return true;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    if (got <= 0) {
        lose_for(process, "ended", true);
        return false;
    }
    wire->in_from = wire->in_len = 0;
    if (is_direct)
        wire->payload_len += (size_t) got;
    else
        wire->in_len = (size_t) got;
    return consume(process);
}

static void
write_some(FdwProcess *process)
{
    FdwWire *wire = &process->wire;

    while (wire->out_from < wire->out_len && !wire->is_write_broken) {
        ssize_t sent = send(process->fd, wire->out + wire->out_from, wire->out_len - wire->out_from,
                            MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (sent < 0)
            wire->is_write_broken = true;
        else
            wire->out_from += (size_t) sent;
    }
    wire->out_from = wire->out_len = 0;
}

bool
fdw_wire_pump(FdwProcess *process)
{
    if (process->is_dead)
        return false;
    write_some(process);
    /* A message that is complete is worth returning for: endless bytes must not keep us here. */
    for (int i = 0; i < 64 && read_some(process); i++)
        ;
    return !process->is_dead;
}

void
fdw_wire_wait(FdwProcess *process, long timeout_ms)
{
    const FdwWire *wire = &process->wire;
    int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | WL_SOCKET_READABLE;

    if (timeout_ms >= 0)
        events |= WL_TIMEOUT;
    if (wire->out_from < wire->out_len)
        events |= WL_SOCKET_WRITEABLE;
    events = WaitLatchOrSocket(MyLatch, events, process->fd, timeout_ms, PG_WAIT_EXTENSION);
    if ((events & WL_LATCH_SET) != 0)
        ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
}

/* Room for len more bytes to write; raises if there is no memory. */
static void
out_reserve(FdwWire *wire, size_t len)
{
    size_t capacity = wire->out_capacity;

    if (wire->out_from > 0) {
        memmove(wire->out, wire->out + wire->out_from, wire->out_len - wire->out_from);
        wire->out_len -= wire->out_from;
        wire->out_from = 0;
    }
    while (capacity - wire->out_len < len)
        capacity *= 2;
    if (capacity == wire->out_capacity)
        return;
    wire->out = repalloc_huge(wire->out, capacity);
    wire->out_capacity = capacity;
}

void
fdw_wire_send(FdwProcess *process, IdcMessageKind kind, unsigned flags, uint32 number,
              const void *payload, size_t len)
{
    IdcFrameHead head = {
        .payload_bytes = (uint32) len, .kind = kind, .flags = flags, .scan = number
    };
    FdwWire *wire = &process->wire;

    if (len > IDC_FRAME_MAX_PAYLOAD)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("a request to server \"%s\" is too big: %zu bytes",
                               process->server_name, len)));
    if (process->is_dead)
        return; /* whoever waits for the answer gets to know */
    out_reserve(wire, IDC_FRAME_HEAD_BYTES + len);
    idc_frame_head_write(&head, wire->out + wire->out_len);
    if (len > 0)
        memcpy(wire->out + wire->out_len + IDC_FRAME_HEAD_BYTES, payload, len);
    wire->out_len += IDC_FRAME_HEAD_BYTES + len;
    write_some(process);
    if (wire->out_len == 0 && wire->out_capacity > OUT_BYTES * 8) {
        wire->out = repalloc(wire->out, OUT_BYTES);
        wire->out_capacity = OUT_BYTES;
    }
}
