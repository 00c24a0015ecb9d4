/*
 * message.c - heads of frames, and the payloads that say how something went.
 */
#include "relation/wire.h"

#include <string.h>

/* ---- heads ---- */

static bool
is_known_kind(unsigned kind)
{
    return (kind >= IDC_MSG_HELLO && kind <= IDC_MSG_ROLLBACK) ||
           (kind >= IDC_MSG_READY && kind <= IDC_MSG_MODIFIED);
}

static bool
may_go_on(IdcMessageKind kind)
{
    return kind == IDC_MSG_BATCH || kind == IDC_MSG_MODIFY || kind == IDC_MSG_MODIFIED;
}

static bool
has_no_payload(IdcMessageKind kind)
{
    return kind == IDC_MSG_CLOSE || kind == IDC_MSG_READY;
}

static void
put_le32(uint8_t bytes[4], uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t) (value >> (8 * i));
}

static uint32_t
get_le32(const uint8_t bytes[4])
{
    return (uint32_t) bytes[0] | (uint32_t) bytes[1] << 8 | (uint32_t) bytes[2] << 16 |
           (uint32_t) bytes[3] << 24;
}

void
idc_frame_head_write(const IdcFrameHead *head, uint8_t bytes[IDC_FRAME_HEAD_BYTES])
{
    put_le32(bytes, head->payload_bytes);
    put_le32(bytes + 4, (uint32_t) head->kind | (uint32_t) head->flags << 8);
    put_le32(bytes + 8, head->scan);
}

IdcStatus
idc_frame_head_read(const uint8_t bytes[IDC_FRAME_HEAD_BYTES], IdcFrameHead *head, IdcError *err)
{
    uint32_t len = get_le32(bytes), word = get_le32(bytes + 4);
    unsigned kind = word & 0xFF, flags = word >> 8;

    if (!is_known_kind(kind))
        return idc_fail(err, IDC_SOURCE_FAILED, "a frame has the unknown kind %u", kind);
    if (flags == IDC_FRAME_SHARED && kind == IDC_MSG_BATCH && len == sizeof(uint32_t)) {
        *head = (IdcFrameHead){ len, IDC_MSG_BATCH, flags, get_le32(bytes + 8) };
        return IDC_OK;
    }
    if (flags != 0 && (flags != IDC_FRAME_MORE || !may_go_on((IdcMessageKind) kind) || len == 0))
        return idc_fail(err, IDC_SOURCE_FAILED, "a frame of kind %u cannot have the flags %u", kind,
                        flags);
    if (len > IDC_FRAME_MAX_PAYLOAD || (len > 0 && has_no_payload((IdcMessageKind) kind)))
        return idc_fail(err, IDC_SOURCE_FAILED, "a frame of kind %u cannot have %u bytes", kind,
                        (unsigned) len);
    *head = (IdcFrameHead){ len, (IdcMessageKind) kind, flags, get_le32(bytes + 8) };
    return IDC_OK;
}

/* ---- credit and statistics ---- */

void
idc_credit_write(uint32_t credit, IdcText *bytes)
{
    idc_wire_put_u32(bytes, credit);
}

IdcStatus
idc_credit_read(const void *bytes, size_t len, uint32_t *credit, IdcError *err)
{
    IdcStatus status;
    uint32_t read;
    IdcWire wire;

    idc_wire_init(&wire, NULL, bytes, len, err);
    read = idc_wire_get_u32(&wire);
    status = idc_wire_finish(&wire, "credit");
    if (status == IDC_OK)
        *credit = read;
    return status;
}

void
idc_stats_write(const IdcScanStats *stats, IdcText *bytes)
{
    idc_wire_put_int64(bytes, stats->rows);
    idc_wire_put_int64(bytes, stats->requests);
    idc_wire_put_int64(bytes, stats->retries);
    idc_wire_put_int64(bytes, stats->bytes);
    idc_wire_put_int64(bytes, stats->cache_hits);
    idc_wire_put_int64(bytes, stats->wait_us);
    idc_wire_put_int64(bytes, stats->nulled);
}

void
idc_wire_get_stats(IdcWire *wire, IdcScanStats *stats)
{
    stats->rows = idc_wire_get_int64(wire, 0);
    stats->requests = idc_wire_get_int64(wire, 0);
    stats->retries = idc_wire_get_int64(wire, 0);
    stats->bytes = idc_wire_get_int64(wire, 0);
    stats->cache_hits = idc_wire_get_int64(wire, 0);
    stats->wait_us = idc_wire_get_int64(wire, 0);
    stats->nulled = idc_wire_get_int64(wire, 0);
}

IdcStatus
idc_stats_read(const void *bytes, size_t len, IdcScanStats *stats, IdcError *err)
{
    IdcScanStats read;
    IdcStatus status;
    IdcWire wire;

    idc_wire_init(&wire, NULL, bytes, len, err);
    idc_wire_get_stats(&wire, &read);
    status = idc_wire_finish(&wire, "scan's statistics");
    if (status == IDC_OK)
        *stats = read;
    return status;
}

/* ---- failures ---- */

void
idc_failure_write(const IdcError *failure, const IdcScanStats *stats, IdcText *bytes)
{
    idc_wire_put_u8(bytes, failure->status);
    idc_wire_put_text(bytes, failure->sqlstate);
    idc_wire_put_text(bytes, failure->message);
    idc_wire_put_text(bytes, failure->hint);
    idc_wire_put_text(bytes, failure->source);
    idc_wire_put_text(bytes, failure->remote_sql);
    idc_stats_write(stats, bytes);
}

/* Bytes of the valid UTF-8 sequence that begins there, or 0. */
static size_t
sequence_len(const char *bytes, size_t len)
{
    for (size_t step = 1; step <= 4 && step <= len; step++)
        if (idc_utf8_is_valid(bytes, step))
            return step;
    return 0;
}

/* What moves a terminal's cursor or turns the reading direction: C0, DEL, C1, the separators of
 * lines, and Unicode's bidirectional controls. */
static bool
is_control(const unsigned char *at, size_t len)
{
    if (len == 1)
        return at[0] < 0x20 || at[0] == 0x7F;
    if (len == 2)
        return at[0] == 0xC2 && at[1] < 0xA0;
    return len == 3 && at[0] == 0xE2 &&
           ((at[1] == 0x80 && at[2] >= 0xA8 && at[2] <= 0xAE) ||
            (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9));
}

/* As much of it as fits, one blank for each control character and "?" for what is not UTF-8. */
static void
get_clean(IdcWire *wire, char *text, size_t size)
{
    size_t len, used = 0;
    const char *bytes = idc_wire_get_raw(wire, &len);

    for (size_t i = 0, step; i < len; i += step == 0 ? 1 : step) {
        bool is_bad;

        step = sequence_len(bytes + i, len - i);
        is_bad = step == 0 || is_control((const unsigned char *) bytes + i, step);
        if (used + (is_bad ? 1 : step) >= size)
            break;
        if (is_bad)
            text[used++] = step == 0 ? '?' : ' ';
        else
            for (size_t j = 0; j < step; j++)
                text[used++] = bytes[i + j];
    }
    text[used] = '\0';
}

/*
 * Five of 0-9 and A-Z, not one of "it worked" (class 00 to 02), and none that says something of the
 * hub that clients act on: that it shuts down (57P), or that the transaction is to be tried again
 * (40), unless it is the source's too.
 */
static bool
is_credible_sqlstate(const char *sqlstate, bool may_try_again)
{
    if (may_try_again && (strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0))
        return true;
    if (strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 || sqlstate[5] != '\0')
        return false;
    return !(sqlstate[0] == '0' && sqlstate[1] >= '0' && sqlstate[1] <= '2') &&
           strncmp(sqlstate, "57P", 3) != 0 && strncmp(sqlstate, "40", 2) != 0;
}

IdcStatus
idc_failure_read(const void *bytes, size_t len, bool may_try_again, IdcError *failure,
                 IdcScanStats *stats, IdcError *err)
{
    IdcStatus status, said;
    char sqlstate[8];
    IdcScanStats read_stats;
    IdcError read;
    IdcWire wire;

    idc_error_init(&read);
    idc_wire_init(&wire, NULL, bytes, len, err);
    said = (IdcStatus) idc_wire_get_enum(&wire, IDC_UNSUPPORTED + 1);
    get_clean(&wire, sqlstate, sizeof sqlstate);
    (void) idc_fail(&read, said == IDC_OK ? IDC_SOURCE_FAILED : said, "no reason was given");
    if (is_credible_sqlstate(sqlstate, may_try_again))
        idc_error_set_sqlstate(&read, sqlstate);
    else if (read.status == IDC_QUERY_FAILED)
        idc_error_set_sqlstate(&read, "HV000");
    get_clean(&wire, read.message, sizeof read.message);
    if (read.message[0] == '\0')
        memcpy(read.message, "no reason was given", sizeof "no reason was given");
    get_clean(&wire, read.hint, sizeof read.hint);
    get_clean(&wire, read.source, sizeof read.source);
    get_clean(&wire, read.remote_sql, sizeof read.remote_sql);
    idc_wire_get_stats(&wire, &read_stats);
    status = idc_wire_finish(&wire, "failure");
    if (status == IDC_OK) {
        *failure = read;
        *stats = read_stats;
    }
    return status;
}
