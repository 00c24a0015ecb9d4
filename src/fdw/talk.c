/*
 * talk.c - one request to a source process, and what it answers.
 */
#include "fdw/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fdw/server_limits.h"
#include "fdw/process.h"
#include "fdw/raise.h"
#include <access/xact.h>
#include <storage/fd.h>
#include <utils/memutils.h>

void
fdw_talk_new(FdwProcess *process, IdcMessageKind request, uint32 credit, FdwTalk **owner)
{
    FdwTalk *talk = MemoryContextAllocZero(process->context, sizeof *talk);

    talk->context = AllocSetContextCreate(process->context, "instant talk", ALLOCSET_SMALL_SIZES);
    talk->process = process;
    talk->counts = fdw_server_counts(process->server);
    talk->request = request;
    talk->level = GetCurrentTransactionNestLevel();
    talk->credit = credit;
    talk->wait_fd = talk->ready_fd = -1;
    if (++process->last_number == 0)
        process->last_number = 1;
    talk->number = process->last_number;
    dlist_init(&talk->messages);
    talk->owner = owner;
    *owner = talk;
    dlist_push_tail(&process->talks, &talk->node);
}

void
fdw_talk_take_place(FdwTalk *talk, int64 max_concurrent)
{
    fdw_place_take(talk->counts, talk->process->server_name, Max(max_concurrent, 0));
    talk->has_place = true;
}

unsigned
fdw_talk_take_pair(FdwTalk *talk)
{
    FdwProcess *process = talk->process;

    for (unsigned pair = 1; process->memory != NULL && pair <= IDC_PAIR_COUNT; pair++) {
        if ((process->used_pairs & 1u << pair) != 0)
            continue;
        process->used_pairs |= 1u << pair;
        talk->pair = pair;
        break;
    }
    return talk->pair;
}

void
fdw_talk_send(FdwTalk *talk, const IdcText *payload)
{
    IdcError err;
    size_t sent = 0;

    idc_error_init(&err);
    fdw_check(idc_text_check(payload, &err), &err);
    talk->is_sent = true;
    do {
        size_t len = Min(payload->len - sent, (size_t) IDC_FRAME_MAX_PAYLOAD);
        bool is_last = sent + len == payload->len;

        fdw_wire_send(talk->process, talk->request, is_last ? 0 : IDC_FRAME_MORE, talk->number,
                      payload->data + sent, len);
        sent += len;
    } while (sent < payload->len);
}

static void
close_descriptor(int *fd)
{
    if (*fd < 0)
        return;
    close(*fd);
    *fd = -1;
    ReleaseExternalFD();
}

static void
leave_place(FdwTalk *talk)
{
    if (talk->has_place)
        fdw_place_leave(talk->counts);
    talk->has_place = false;
}

void
fdw_talk_free(FdwTalk *talk)
{
    close_descriptor(&talk->wait_fd);
    close_descriptor(&talk->ready_fd);
    leave_place(talk);
    talk->process->used_pairs &= ~(talk->pair == 0 ? 0 : 1u << talk->pair);
    dlist_delete(&talk->node);
    if (talk->owner != NULL)
        *talk->owner = NULL;
    MemoryContextDelete(talk->context);
    pfree(talk);
}

/* ---- messages ---- */

void
fdw_talk_free_message(FdwMessage *message)
{
    fdw_message_free_bytes(message->bytes);
    pfree(message);
}

void
fdw_talk_recycle(FdwTalk *talk, uint8_t *bytes, size_t capacity)
{
    int least = 0;

    for (int i = 0; i < FDW_SPARE_MESSAGES; i++) {
        if (talk->spares[i] == NULL) {
            least = i;
            break;
        }
        if (talk->spare_capacities[i] < talk->spare_capacities[least])
            least = i;
    }
    fdw_message_free_bytes(talk->spares[least]);
    talk->spares[least] = bytes;
    talk->spare_capacities[least] = capacity;
}

bool
fdw_talk_is_ready(FdwTalk *talk)
{
    /* Of a dead process what is there is read first; then comes the error. */
    if (dlist_is_empty(&talk->messages))
        (void) fdw_wire_pump(talk->process);
    return !dlist_is_empty(&talk->messages) || talk->process->is_dead;
}

FdwMessage *
fdw_talk_next(FdwTalk *talk, bool may_wait)
{
    FdwProcess *process = talk->process;

    while (!fdw_talk_is_ready(talk)) {
        if (!may_wait)
            return NULL;
        fdw_wire_wait(process, -1);
    }
    if (dlist_is_empty(&talk->messages)) {
        fdw_scan_count(talk->counts, FDW_SCAN_ERRORS, 1);
        fdw_raise(&process->failure);
    }
    return dlist_container(FdwMessage, node, dlist_pop_head_node(&talk->messages));
}

void
fdw_talk_give_credit(FdwTalk *talk, uint32 batches)
{
    uint8_t payload[4] = { (uint8_t) batches, (uint8_t) (batches >> 8), (uint8_t) (batches >> 16),
                           (uint8_t) (batches >> 24) };

    if (talk->is_answered)
        return;
    talk->credit += batches;
    fdw_wire_send(talk->process, IDC_MSG_CREDIT, 0, talk->number, payload, sizeof payload);
}

void
fdw_talk_count(FdwTalk *talk, const IdcScanStats *stats)
{
    if (!talk->is_counted)
        fdw_scan_count_stats(talk->counts, stats);
    talk->is_counted = true;
}

void
fdw_talk_raise(FdwTalk *talk, const FdwMessage *message)
{
    IdcError failure, err;
    IdcScanStats stats;

    idc_error_init(&failure);
    idc_error_init(&err);
    fdw_scan_count(talk->counts, FDW_SCAN_ERRORS, 1);
    if (message->kind != IDC_MSG_ERROR)
        ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
                        errmsg("the source answered with a message of kind %d", message->kind)));
    fdw_check(idc_failure_read(message->bytes, message->len, talk->process->part != NULL, &failure,
                               &stats, &err),
              &err);
    fdw_talk_count(talk, &stats);
    fdw_raise(&failure);
}

/* ---- the end ---- */

/* False: there is no room, which the buffer of what is to be written always has. */
static bool
put_short(FdwWire *wire, const IdcFrameHead *head, const void *payload, size_t len)
{
    if (wire->out_capacity - wire->out_len < IDC_FRAME_HEAD_BYTES + len)
        return false;
    idc_frame_head_write(head, wire->out + wire->out_len);
    if (len > 0)
        memcpy(wire->out + wire->out_len + IDC_FRAME_HEAD_BYTES, payload, len);
    wire->out_len += IDC_FRAME_HEAD_BYTES + len;
    return true;
}

bool
fdw_talk_send_short(FdwTalk *talk, const void *payload, size_t len)
{
    IdcFrameHead head = { .payload_bytes = (uint32) len,
                          .kind = talk->request,
                          .scan = talk->number };

    if (!put_short(&talk->process->wire, &head, payload, len))
        return false;
    talk->is_sent = true;
    (void) fdw_wire_pump(talk->process);
    return true;
}

static void
send_close(FdwTalk *talk)
{
    FdwProcess *process = talk->process;
    IdcFrameHead head = { .kind = IDC_MSG_CLOSE, .scan = talk->number };
    IdcError failure;

    talk->close_ms = fdw_clock_ms();
    if (put_short(&process->wire, &head, NULL, 0)) {
        (void) fdw_wire_pump(process);
        return;
    }
    idc_error_init(&failure);
    (void) idc_fail(&failure, IDC_SOURCE_FAILED,
                    "the source process of server \"%s\" read nothing any more",
                    process->server_name);
    fdw_process_lose(process, &failure, false);
}

void
fdw_talk_close(FdwTalk *talk)
{
    FdwProcess *process = talk->process;
    FdwWire *wire = &process->wire;

    *talk->owner = NULL;
    talk->owner = NULL;
    if (wire->talk == talk)
        wire->message = NULL; /* the rest of its payload is skipped */
    memset(talk->spares, 0, sizeof talk->spares);
    talk->partial = NULL;
    dlist_init(&talk->messages);
    close_descriptor(&talk->wait_fd);
    close_descriptor(&talk->ready_fd);
    leave_place(talk);
    if (process->is_dead || talk->is_closed || !talk->is_sent) {
        fdw_talk_free(talk);
        fdw_process_release(process);
        return;
    }
    MemoryContextReset(talk->context);
    if (talk->close_ms == 0)
        send_close(talk);
    fdw_process_release(process);
}

/* An end that nobody asked for any more says it too; then CLOSED does not. */
static void
take_stats_of_end(FdwTalk *talk)
{
    dlist_iter i;
    IdcScanStats said;
    IdcError err;

    dlist_foreach(i, &talk->messages)
    {
        const FdwMessage *message = dlist_container(FdwMessage, node, i.cur);

        if (message->kind == IDC_MSG_END &&
            idc_stats_read(message->bytes, message->len, &said, &err) == IDC_OK)
            talk->stats = said;
    }
}

void
fdw_talk_finish(FdwTalk *talk, IdcScanStats *stats)
{
    FdwProcess *process = talk->process;
    int64 left_ms = FDW_PATIENCE_MS;

    if (talk->close_ms == 0 && !process->is_dead)
        send_close(talk);
    while (!talk->is_closed && fdw_wire_pump(process) && !talk->is_closed && left_ms > 0) {
        fdw_wire_wait(process, left_ms);
        left_ms = talk->close_ms + FDW_PATIENCE_MS - fdw_clock_ms();
    }
    take_stats_of_end(talk);
    *stats = talk->stats;
}

/* ---- waiting for several ---- */

int
fdw_talk_descriptor(FdwTalk *talk)
{
    if (talk->wait_fd >= 0 || talk->process->fd < 0)
        return talk->wait_fd;
    /* Each its own: a set of events takes a descriptor only once. */
    ReserveExternalFD();
    talk->wait_fd = fcntl(talk->process->fd, F_DUPFD_CLOEXEC, 0);
    if (talk->wait_fd < 0) {
        ReleaseExternalFD();
        ereport(ERROR, (errcode_for_file_access(),
                        errmsg("could not duplicate a socket of server \"%s\": %m",
                               talk->process->server_name)));
    }
    return talk->wait_fd;
}

int
fdw_talk_ready_descriptor(FdwTalk *talk)
{
    if (talk->ready_fd >= 0)
        return talk->ready_fd;
    ReserveExternalFD();
    talk->ready_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (talk->ready_fd < 0) {
        ReleaseExternalFD();
        ereport(ERROR, (errcode_for_file_access(), errmsg("could not make an event: %m")));
    }
    return talk->ready_fd;
}
