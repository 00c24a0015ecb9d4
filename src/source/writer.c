/*
 * writer.c - messages to the hub, from any thread.
 */
#include "source/source.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/memory.h"

struct IdcFrameWriter {
    int fd;
    pthread_mutex_t lock; /* held for a whole message */
    bool is_over;         /* the hub does not listen any more: the reader sees the end too */
    /* An ERROR that says "out of memory", for when there is none to make another. */
    IdcText no_memory;
};

IdcFrameWriter *
idc_frame_writer_new(int fd)
{
    IdcFrameWriter *writer = idc_calloc(1, sizeof *writer);
    IdcScanStats stats = { 0 };
    IdcError err;

    if (writer == NULL)
        return NULL;
    writer->fd = fd;
    (void) idc_fail_no_memory(&err);
    idc_text_init(&writer->no_memory, 0);
    idc_failure_write(&err, &stats, &writer->no_memory);
    if (pthread_mutex_init(&writer->lock, NULL) != 0 || writer->no_memory.is_broken) {
        idc_text_done(&writer->no_memory);
        idc_free(writer);
        return NULL;
    }
    return writer;
}

/* False: the hub does not listen any more. */
static bool
send_all(int fd, struct iovec *parts, size_t count)
{
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };

    while (message.msg_iovlen > 0) {
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        while (message.msg_iovlen > 0 && (size_t) sent >= message.msg_iov->iov_len) {
            sent -= (ssize_t) message.msg_iov->iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
        if (message.msg_iovlen > 0) {
            message.msg_iov->iov_base = (char *) message.msg_iov->iov_base + sent;
            message.msg_iov->iov_len -= (size_t) sent;
        }
    }
    return true;
}

void
idc_frame_writer_send(IdcFrameWriter *writer, IdcMessageKind kind, uint32_t scan,
                      const void *payload, size_t size)
{
    const uint8_t *next = payload;

    pthread_mutex_lock(&writer->lock);
    do {
        size_t part = size < IDC_FRAME_MAX_PAYLOAD ? size : IDC_FRAME_MAX_PAYLOAD;
        IdcFrameHead head = { .payload_bytes = (uint32_t) part,
                              .kind = kind,
                              .flags = part < size ? IDC_FRAME_MORE : 0,
                              .scan = scan };
        uint8_t bytes[IDC_FRAME_HEAD_BYTES];
        struct iovec parts[2] = { { .iov_base = bytes, .iov_len = sizeof bytes },
                                  { .iov_base = (void *) next, .iov_len = part } };

        idc_frame_head_write(&head, bytes);
        writer->is_over = writer->is_over || !send_all(writer->fd, parts, part > 0 ? 2 : 1);
        next += part;
        size -= part;
    } while (size > 0);
    pthread_mutex_unlock(&writer->lock);
}

void
idc_frame_writer_send_shared(IdcFrameWriter *writer, uint32_t scan, uint32_t size)
{
    IdcFrameHead head = {
        .payload_bytes = 4, .kind = IDC_MSG_BATCH, .flags = IDC_FRAME_SHARED, .scan = scan
    };
    uint8_t bytes[IDC_FRAME_HEAD_BYTES + 4];
    struct iovec part = { .iov_base = bytes, .iov_len = sizeof bytes };

    idc_frame_head_write(&head, bytes);
    for (int i = 0; i < 4; i++)
        bytes[IDC_FRAME_HEAD_BYTES + i] = (uint8_t) (size >> (8 * i));
    pthread_mutex_lock(&writer->lock);
    writer->is_over = writer->is_over || !send_all(writer->fd, &part, 1);
    pthread_mutex_unlock(&writer->lock);
}

void
idc_frame_writer_fail(IdcFrameWriter *writer, uint32_t scan, const IdcSecrets *secrets,
                      const IdcError *failure, const IdcScanStats *stats)
{
    IdcError clean = *failure;
    IdcText payload;

    idc_secrets_scrub(secrets, &clean);
    idc_text_init(&payload, 0);
    idc_failure_write(&clean, stats, &payload);
    if (payload.is_broken)
        idc_frame_writer_send(writer, IDC_MSG_ERROR, scan, writer->no_memory.data,
                              writer->no_memory.len);
    else
        idc_frame_writer_send(writer, IDC_MSG_ERROR, scan, payload.data, payload.len);
    idc_text_done(&payload);
}
