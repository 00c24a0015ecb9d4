/*
 * spool.c - messages that are kept until they may be sent: in memory, and beyond that in a file
 * that has no name.
 */
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

/* So much is kept in memory. */
enum { MEMORY_BYTES = 4 << 20 };

/* Each message is its size and its bytes. Those in memory were added before those in the file. */
struct IdcSpool {
    uint8_t *memory;
    size_t memory_len, memory_capacity, memory_at;
    int fd; /* -1: all are in memory */
    off_t file_len, file_at;
    uint8_t *message; /* the last one that was read of the file */
    size_t message_capacity;
};

IdcSpool *
idc_spool_new(void)
{
    IdcSpool *spool = idc_calloc(1, sizeof *spool);

    if (spool != NULL)
        spool->fd = -1;
    return spool;
}

void
idc_spool_free(IdcSpool *spool)
{
    if (spool == NULL)
        return;
    if (spool->fd >= 0)
        (void) close(spool->fd);
    idc_free(spool->memory);
    idc_free(spool->message);
    idc_free(spool);
}

static IdcStatus
fail_io(const char *what, IdcError *err)
{
    IdcStatus status =
        idc_fail(err, IDC_IO_FAILED, "cannot %s a temporary file for rows that wait: %s", what,
                 idc_errno_text(errno));

    idc_error_set_hint(err, "TMPDIR of the hub's server says where such files are");
    return status;
}

static IdcStatus
open_file(IdcSpool *spool, IdcError *err)
{
    const char *directory = getenv("TMPDIR");
    char path[4096];

    if (directory == NULL || directory[0] != '/')
        directory = "/tmp";
    if (snprintf(path, sizeof path, "%s/instant-source.XXXXXX", directory) >= (int) sizeof path)
        return idc_fail(err, IDC_IO_FAILED, "TMPDIR is too long");
    spool->fd = mkostemp(path, O_CLOEXEC);
    if (spool->fd < 0)
        return fail_io("make", err);
    (void) unlink(path);
    return IDC_OK;
}

static IdcStatus
write_file(IdcSpool *spool, const void *bytes, size_t size, IdcError *err)
{
    const uint8_t *next = bytes;

    while (size > 0) {
        ssize_t written = pwrite(spool->fd, next, size, spool->file_len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_io("write", err);
        next += written;
        size -= (size_t) written;
        spool->file_len += written;
    }
    return IDC_OK;
}

static IdcStatus
read_file(IdcSpool *spool, void *bytes, size_t size, IdcError *err)
{
    uint8_t *next = bytes;

    while (size > 0) {
        ssize_t got = pread(spool->fd, next, size, spool->file_at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO;
        if (got <= 0)
            return fail_io("read", err);
        next += got;
        size -= (size_t) got;
        spool->file_at += got;
    }
    return IDC_OK;
}

static IdcStatus
reserve(uint8_t **bytes, size_t *capacity, size_t needed, IdcError *err)
{
    uint8_t *grown;

    if (needed <= *capacity)
        return IDC_OK;
    grown = idc_realloc(*bytes, needed + needed / 4);
    if (grown == NULL)
        return idc_fail_no_memory(err);
    *bytes = grown;
    *capacity = needed + needed / 4;
    return IDC_OK;
}

IdcStatus
idc_spool_add(IdcSpool *spool, const void *bytes, size_t size, IdcError *err)
{
    IdcStatus status = IDC_OK;

    if (spool->fd < 0 && spool->memory_len + sizeof size + size <= MEMORY_BYTES) {
        status = reserve(&spool->memory, &spool->memory_capacity,
                         spool->memory_len + sizeof size + size, err);
        if (status != IDC_OK)
            return status;
        memcpy(spool->memory + spool->memory_len, &size, sizeof size);
        memcpy(spool->memory + spool->memory_len + sizeof size, bytes, size);
        spool->memory_len += sizeof size + size;
        return IDC_OK;
    }
    if (spool->fd < 0)
        status = open_file(spool, err);
    if (status == IDC_OK)
        status = write_file(spool, &size, sizeof size, err);
    if (status == IDC_OK)
        status = write_file(spool, bytes, size, err);
    return status;
}

IdcStatus
idc_spool_next(IdcSpool *spool, const uint8_t **bytes, size_t *size, IdcError *err)
{
    IdcStatus status;

    *bytes = NULL;
    *size = 0;
    if (spool->memory_at < spool->memory_len) {
        memcpy(size, spool->memory + spool->memory_at, sizeof *size);
        *bytes = spool->memory + spool->memory_at + sizeof *size;
        spool->memory_at += sizeof *size + *size;
        return IDC_OK;
    }
    if (spool->file_at == spool->file_len)
        return IDC_OK;
    status = read_file(spool, size, sizeof *size, err);
    if (status == IDC_OK)
        status = reserve(&spool->message, &spool->message_capacity, *size, err);
    if (status == IDC_OK)
        status = read_file(spool, spool->message, *size, err);
    *bytes = status == IDC_OK ? spool->message : NULL;
    return status;
}
