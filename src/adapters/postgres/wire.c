/*
 * wire.c - messages of the protocol on a socket that needs no library to be read.
 *
 * In:   a connection that libpq has made, in rest, without TLS and GSS
 * Out:  messages, where they lie
 * Next: session.c, read.c
 *
 * libpq copies each row of a COPY into a block of its own, and reads 8 kB at a time. Between two
 * ReadyForQuery nothing of libpq's is touched, so it does not notice.
 *
 * Format: PostgreSQL 15 documentation, 55.7.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "adapters/postgres/work.h"
#include "base/buffer.h"
#include "arrow/builder.h"

enum { HEAD_BYTES = 5, READ_BYTES = 256 * 1024, READ_LEAST_BYTES = 64 * 1024 };

void
idc_wire_free(IdcPostgresWire *wire)
{
    idc_buffer_free(wire->bytes);
    *wire = (IdcPostgresWire){ 0 };
}

void
idc_wire_low_water(IdcPostgresSession *session, int bytes)
{
    if (!session->is_raw || session->wire.low_water == bytes ||
        (session->wire.low_water == 0 && bytes <= 1))
        return;
    if (setsockopt(PQsocket(session->libpq), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) == 0)
        session->wire.low_water = bytes;
}

/* Room for so many bytes from begin on. */
static IdcStatus
make_room(IdcPostgresWire *wire, size_t size, IdcError *err)
{
    size_t capacity = size < READ_BYTES ? READ_BYTES : size + READ_LEAST_BYTES;
    uint8_t *bytes;

    if (wire->begin > 0 && wire->begin + size > wire->capacity) {
        memmove(wire->bytes, wire->bytes + wire->begin, wire->end - wire->begin);
        wire->end -= wire->begin;
        wire->begin = 0;
    }
    if (wire->begin + size <= wire->capacity)
        return IDC_OK;
    bytes = idc_buffer_resize(wire->bytes, capacity);
    if (bytes == NULL)
        return idc_fail_no_memory(err);
    wire->bytes = bytes;
    wire->capacity = capacity;
    return IDC_OK;
}

/* A buffer that one long row has blown up goes back. */
static void
shrink(IdcPostgresWire *wire)
{
    if (wire->begin != wire->end)
        return;
    wire->begin = wire->end = 0;
    if (wire->capacity > 16 * (size_t) READ_BYTES)
        idc_wire_free(wire);
}

IdcStatus
idc_wire_take(IdcPostgresWire *wire, IdcMessage *message, bool *is_there, IdcError *err)
{
    const uint8_t *head = wire->bytes + wire->begin;
    size_t there = wire->end - wire->begin, len;

    *is_there = false;
    if (there < HEAD_BYTES)
        return IDC_OK;
    len = idc_be32(head + 1);
    if (len < 4 || len > (size_t) INT32_MAX)
        return idc_fail(err, IDC_SOURCE_FAILED, "the server does not speak PostgreSQL's protocol");
    if (there < len + 1)
        return make_room(wire, len + 1, err);
    *message = (IdcMessage){ .kind = (char) head[0], .body = head + HEAD_BYTES, .len = len - 4 };
    wire->begin += len + 1;
    *is_there = true;
    return IDC_OK;
}

IdcStatus
idc_wire_read(IdcPostgresWire *wire, int fd, size_t *count, IdcError *err)
{
    IdcStatus status = IDC_OK;
    ssize_t got;

    *count = 0;
    shrink(wire);
    if (wire->capacity - wire->end < READ_LEAST_BYTES)
        status = make_room(wire, wire->end - wire->begin + READ_LEAST_BYTES, err);
    if (status != IDC_OK)
        return status;
    do
        got = recv(fd, wire->bytes + wire->end, wire->capacity - wire->end, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        wire->end += (size_t) got;
        wire->received += got;
        *count = (size_t) got;
        return IDC_OK;
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return IDC_OK;
    return idc_fail(err, IDC_CONNECTION_FAILED, "the connection to the server was lost: %s",
                    got == 0 ? "it was closed there" : idc_errno_text(errno));
}

IdcStatus
idc_wire_next(IdcPostgresSession *session, IdcCall *call, IdcMessage *message, IdcError *err)
{
    int fd = PQsocket(session->libpq);

    for (;;) {
        bool is_there;
        size_t count = 0;
        IdcStatus status = idc_wire_take(&session->wire, message, &is_there, err);

        if (status == IDC_OK && is_there)
            return IDC_OK;
        if (status == IDC_OK)
            status = idc_wire_read(&session->wire, fd, &count, err);
        if (status != IDC_OK) {
            session->is_lost = true;
            return status;
        }
        if (count == 0)
            status = idc_call_wait(call, fd, POLLIN, -1, err);
        if (status != IDC_OK)
            return status;
    }
}

static IdcStatus
write_all(IdcPostgresSession *session, IdcCall *call, const uint8_t *bytes, size_t len,
          IdcError *err)
{
    int fd = PQsocket(session->libpq);

    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        IdcStatus status = IDC_OK;

        if (sent > 0) {
            bytes += sent;
            len -= (size_t) sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            status = idc_call_wait(call, fd, POLLOUT, -1, err);
        } else if (errno != EINTR) {
            status = idc_fail(err, IDC_CONNECTION_FAILED,
                              "the connection to the server was lost: %s", idc_errno_text(errno));
        }
        if (status != IDC_OK) {
            session->is_lost = true;
            return status;
        }
    }
    return IDC_OK;
}

IdcStatus
idc_wire_write(IdcPostgresSession *session, IdcCall *call, char kind, const void *body, size_t len,
               IdcError *err)
{
    uint8_t head[HEAD_BYTES];
    uint32_t size;
    IdcStatus status;

    if (len > (size_t) INT32_MAX - 4)
        return idc_fail(err, IDC_UNSUPPORTED, "a statement of %zu bytes is too long", len);
    size = htobe32((uint32_t) len + 4);
    head[0] = (uint8_t) kind;
    memcpy(head + 1, &size, sizeof size);
    if (len <= 4096) {
        uint8_t both[HEAD_BYTES + 4096];

        memcpy(both, head, HEAD_BYTES);
        if (len > 0)
            memcpy(both + HEAD_BYTES, body, len);
        return write_all(session, call, both, HEAD_BYTES + len, err);
    }
    status = write_all(session, call, head, HEAD_BYTES, err);
    return status == IDC_OK ? write_all(session, call, body, len, err) : status;
}
