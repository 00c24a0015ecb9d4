/*
 * threads.c - a wait with a limit.
 */
#include "base/threads.h"

#include <time.h>

bool
idc_threads_end(const int *count, pthread_cond_t *ended, pthread_mutex_t *lock, int64_t patience_ms)
{
    struct timespec until;
    int waited = 0;

    (void) clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += patience_ms / 1000;
    until.tv_nsec += patience_ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (*count > 0 && waited == 0)
        waited = pthread_cond_timedwait(ended, lock, &until);
    return *count == 0;
}
