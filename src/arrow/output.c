/*
 * output.c - bytes to a file descriptor, and what a failed stream means.
 *
 * In:   bytes, from the writers of this folder
 * Out:  the same bytes on fd, or an error with the system's words
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "arrow/write.h"

enum { FLUSH_SIZE = 1 << 16 };

IdcStatus
idc_output_write(IdcOutput *output, const void *bytes, size_t len, IdcError *err)
{
    const char *next = bytes;

    while (len > 0) {
        ssize_t written = write(output->fd, next, len);

        if (written >= 0) {
            next += written;
            len -= (size_t) written;
        } else if (errno == EAGAIN) {
            struct pollfd ready = { .fd = output->fd, .events = POLLOUT };

            (void) poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return idc_fail(err, IDC_IO_FAILED, "cannot write the result: %s",
                            idc_errno_text(errno));
        }
    }
    return IDC_OK;
}

IdcStatus
idc_output_flush(IdcOutput *output, bool is_forced, IdcError *err)
{
    IdcStatus status = idc_text_check(&output->text, err);

    if (status != IDC_OK || output->text.len == 0 || (!is_forced && output->text.len < FLUSH_SIZE))
        return status;
    status = idc_output_write(output, output->text.data, output->text.len, err);
    idc_text_clear(&output->text);
    return status;
}

IdcStatus
idc_stream_fail(struct ArrowArrayStream *stream, int code, IdcError *err)
{
    const char *message = stream->get_last_error(stream);
    IdcStatus status = code == ENOMEM      ? IDC_NO_MEMORY
                       : code == ECANCELED ? IDC_CANCELED
                       : code == ETIMEDOUT ? IDC_TIMEOUT
                                           : IDC_SOURCE_FAILED;

    return idc_fail(err, status, "%s", message != NULL ? message : idc_errno_text(code));
}
