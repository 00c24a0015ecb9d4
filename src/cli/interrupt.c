/*
 * interrupt.c - a thread that waits for signals.
 */
#include "cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/errors.h"

enum { GRACE_SECONDS = 3 };

/* Everything below lock is read and written under it. */
struct CliInterrupt {
    pthread_t thread;
    InstantCall *call;
    sigset_t signals, before;
    pthread_mutex_t lock;
    bool is_call_running, was_signalled;
    InstantResult *result;
    const char *file;
};

static void
end_program(CliInterrupt *interrupt)
{
    pthread_mutex_lock(&interrupt->lock);
    if (interrupt->file != NULL)
        (void) unlink(interrupt->file);
    _exit(CLI_EXIT_CANCELED);
}

/* Whether there was something to cancel. */
static bool
cancel_running(CliInterrupt *interrupt)
{
    bool is_running;

    pthread_mutex_lock(&interrupt->lock);
    interrupt->was_signalled = true;
    is_running = interrupt->is_call_running || interrupt->result != NULL;
    if (interrupt->is_call_running)
        instant_call_cancel(interrupt->call);
    if (interrupt->result != NULL)
        instant_result_cancel(interrupt->result);
    pthread_mutex_unlock(&interrupt->lock);
    return is_running;
}

static void *
wait_for_signals(void *argument)
{
    static const struct timespec grace = { .tv_sec = GRACE_SECONDS };
    CliInterrupt *interrupt = argument;
    int signal_number;

    while (sigwait(&interrupt->signals, &signal_number) != 0)
        continue;
    /* cli_interrupt_stop must not end this thread while it holds the lock. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    if (cancel_running(interrupt)) {
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
        (void) sigtimedwait(&interrupt->signals, NULL, &grace);
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    }
    end_program(interrupt);
    return NULL;
}

CliInterrupt *
cli_interrupt_start(InstantCall *call)
{
    CliInterrupt *interrupt = calloc(1, sizeof *interrupt);

    if (interrupt == NULL)
        return NULL;
    interrupt->call = call;
    pthread_mutex_init(&interrupt->lock, NULL);
    sigemptyset(&interrupt->signals);
    sigaddset(&interrupt->signals, SIGINT);
    sigaddset(&interrupt->signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &interrupt->signals, &interrupt->before);
    if (pthread_create(&interrupt->thread, NULL, wait_for_signals, interrupt) != 0) {
        pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
        pthread_mutex_destroy(&interrupt->lock);
        free(interrupt);
        return NULL;
    }
    return interrupt;
}

void
cli_interrupt_watch_call(CliInterrupt *interrupt, bool is_running)
{
    if (interrupt == NULL)
        return;
    pthread_mutex_lock(&interrupt->lock);
    interrupt->is_call_running = is_running;
    pthread_mutex_unlock(&interrupt->lock);
}

void
cli_interrupt_watch_result(CliInterrupt *interrupt, InstantResult *result)
{
    if (interrupt == NULL)
        return;
    pthread_mutex_lock(&interrupt->lock);
    interrupt->result = result;
    if (result != NULL && interrupt->was_signalled)
        instant_result_cancel(result);
    pthread_mutex_unlock(&interrupt->lock);
}

void
cli_interrupt_remove_file(CliInterrupt *interrupt, const char *path)
{
    if (interrupt == NULL)
        return;
    pthread_mutex_lock(&interrupt->lock);
    interrupt->file = path;
    pthread_mutex_unlock(&interrupt->lock);
}

bool
cli_interrupt_was_signalled(CliInterrupt *interrupt)
{
    bool was_signalled;

    if (interrupt == NULL)
        return false;
    pthread_mutex_lock(&interrupt->lock);
    was_signalled = interrupt->was_signalled;
    pthread_mutex_unlock(&interrupt->lock);
    return was_signalled;
}

void
cli_interrupt_stop(CliInterrupt *interrupt)
{
    if (interrupt == NULL)
        return;
    pthread_cancel(interrupt->thread);
    pthread_join(interrupt->thread, NULL);
    pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
    pthread_mutex_destroy(&interrupt->lock);
    free(interrupt);
}
