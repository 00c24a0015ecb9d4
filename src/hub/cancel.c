/*
 * cancel.c - PQcancel in a thread of its own, since it connects and waits without a limit.
 */
#include "hub/cancel.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* in_flight requests were started and did not come back yet. */
struct IdcCanceller {
    pthread_mutex_t mutex;
    pthread_cond_t settled;
    PGcancel *handle;
    int reference_count;
    int in_flight;
};

IdcCanceller *
idc_canceller_new(PGconn *libpq)
{
    IdcCanceller *canceller = calloc(1, sizeof *canceller);
    pthread_condattr_t attributes;

    if (canceller == NULL)
        return NULL;
    canceller->handle = PQgetCancel(libpq);
    if (canceller->handle == NULL) {
        free(canceller);
        return NULL;
    }
    canceller->reference_count = 1;
    pthread_mutex_init(&canceller->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&canceller->settled, &attributes);
    pthread_condattr_destroy(&attributes);
    return canceller;
}

void
idc_canceller_free(IdcCanceller *canceller)
{
    int left;

    if (canceller == NULL)
        return;
    pthread_mutex_lock(&canceller->mutex);
    left = --canceller->reference_count;
    pthread_mutex_unlock(&canceller->mutex);
    if (left > 0)
        return;
    PQfreeCancel(canceller->handle);
    pthread_cond_destroy(&canceller->settled);
    pthread_mutex_destroy(&canceller->mutex);
    free(canceller);
}

static void *
cancel_run(void *argument)
{
    IdcCanceller *canceller = argument;
    char reason[256];

    /* A request that fails is no error: the caller stops waiting for the statement anyway. */
    (void) PQcancel(canceller->handle, reason, sizeof reason);
    pthread_mutex_lock(&canceller->mutex);
    canceller->in_flight--;
    pthread_cond_broadcast(&canceller->settled);
    pthread_mutex_unlock(&canceller->mutex);
    idc_canceller_free(canceller);
    return NULL;
}

void
idc_canceller_request(IdcCanceller *canceller)
{
    pthread_t thread;
    sigset_t all, old;
    int failed;

    pthread_mutex_lock(&canceller->mutex);
    /* One on its way is enough, and keeps a storm of cancels from becoming a storm of threads. */
    if (canceller->in_flight > 0) {
        pthread_mutex_unlock(&canceller->mutex);
        return;
    }
    canceller->in_flight++;
    canceller->reference_count++;
    pthread_mutex_unlock(&canceller->mutex);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    failed = pthread_create(&thread, NULL, cancel_run, canceller);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed == 0)
        pthread_detach(thread);
    else
        cancel_run(canceller);
}

bool
idc_canceller_settle(IdcCanceller *canceller, int64_t timeout_ms)
{
    struct timespec until;
    bool is_settled;
    int waited = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&canceller->mutex);
    while (canceller->in_flight > 0 && waited == 0)
        waited = pthread_cond_timedwait(&canceller->settled, &canceller->mutex, &until);
    is_settled = canceller->in_flight == 0;
    pthread_mutex_unlock(&canceller->mutex);
    return is_settled;
}
