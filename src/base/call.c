/*
 * call.c - a deadline and an eventfd.
 */
#include "base/call.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* cancel_fd is readable exactly when is_cancelled; deadline_ms is -1 without a limit. */
struct IdcCall {
    atomic_bool is_cancelled;
    int cancel_fd;
    int64_t deadline_ms;
};

int64_t
idc_clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
idc_clock_ms(void)
{
    return idc_clock_us() / 1000;
}

IdcCall *
idc_call_new(void)
{
    IdcCall *call = calloc(1, sizeof *call);

    if (call == NULL)
        return NULL;
    call->deadline_ms = -1;
    call->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (call->cancel_fd < 0) {
        free(call);
        return NULL;
    }
    return call;
}

void
idc_call_free(IdcCall *call)
{
    if (call == NULL)
        return;
    close(call->cancel_fd);
    free(call);
}

void
idc_call_cancel(IdcCall *call)
{
    uint64_t one = 1;
    ssize_t written;

    atomic_store(&call->is_cancelled, true);
    do {
        written = write(call->cancel_fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
}

bool
idc_call_is_cancelled(const IdcCall *call)
{
    return call != NULL && atomic_load(&((IdcCall *) call)->is_cancelled);
}

int
idc_call_fd(const IdcCall *call)
{
    return call->cancel_fd;
}

void
idc_call_set_timeout(IdcCall *call, int64_t timeout_ms)
{
    call->deadline_ms = timeout_ms < 0 ? -1 : idc_clock_ms() + timeout_ms;
}

int64_t
idc_call_remaining_ms(const IdcCall *call, int64_t longest_ms)
{
    int64_t left;

    if (call == NULL || call->deadline_ms < 0)
        return longest_ms < 0 ? -1 : longest_ms;
    left = call->deadline_ms - idc_clock_ms();
    if (left < 0)
        left = 0;
    return longest_ms >= 0 && longest_ms < left ? longest_ms : left;
}

IdcStatus
idc_call_wait(IdcCall *call, int fd, short events, int64_t longest_ms, IdcError *err)
{
    struct pollfd fds[2] = { { .fd = fd, .events = events },
                             { .fd = call != NULL ? call->cancel_fd : -1, .events = POLLIN } };
    int64_t left = idc_call_remaining_ms(call, longest_ms);
    int64_t until = left < 0 ? -1 : idc_clock_ms() + left;

    for (;;) {
        int ready = poll(fds, 2, left < 0 ? -1 : left > INT_MAX ? INT_MAX : (int) left);

        if (idc_call_is_cancelled(call))
            return idc_fail(err, IDC_CANCELED, "the call was cancelled");
        if (ready > 0)
            return IDC_OK;
        if (ready < 0 && errno != EINTR)
            return idc_fail(err, IDC_IO_FAILED, "cannot wait: %s", idc_errno_text(errno));
        if (until >= 0 && (left = until - idc_clock_ms()) <= 0)
            return idc_fail(err, IDC_TIMEOUT, "timed out");
    }
}
