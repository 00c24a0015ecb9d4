/*
 * cancel.c - a statement that nobody wants any more ends at the source too.
 *
 * libpq's way to ask for it connects and waits without a limit, so it has a thread of its own. Who
 * asks waits until the server has taken note, since a request that is late would hit the next
 * statement. Where that takes too long, the session is given up, and the thread goes on; until it
 * is through, the session counts among those that there may be.
 */
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "adapters/common/slots.h"
#include "adapters/postgres/work.h"
#include "base/memory.h"
#include "base/threads.h"

/* The hub ends a process that has not said CLOSED after 100 ms. */
enum { PATIENCE_MS = 80, ENDING_MS = 10000, STACK_BYTES = 512 * 1024 };

/* Of the asker and the thread; who leaves last frees it. */
typedef struct IdcPostgresAsking {
    IdcPostgresHost *host;
    pthread_mutex_t lock;
    pthread_cond_t is_through;
    PGcancel *handle;
    int holders, slot;
    bool is_done, was_heard;
} Request;

static void
leave(Request *request)
{
    int left;

    pthread_mutex_lock(&request->lock);
    left = --request->holders;
    pthread_mutex_unlock(&request->lock);
    if (left > 0)
        return;
    idc_links_give_back(request->host->links, request->slot);
    PQfreeCancel(request->handle);
    pthread_cond_destroy(&request->is_through);
    pthread_mutex_destroy(&request->lock);
    idc_free(request);
}

static void *
ask(void *argument)
{
    Request *request = argument;
    IdcPostgresHost *host = request->host;
    char reason[256];
    bool was_heard = PQcancel(request->handle, reason, sizeof reason) == 1;

    pthread_mutex_lock(&request->lock);
    request->is_done = true;
    request->was_heard = was_heard;
    pthread_cond_signal(&request->is_through);
    pthread_mutex_unlock(&request->lock);
    leave(request);
    pthread_mutex_lock(&host->lock);
    host->asking_count--;
    pthread_cond_signal(&host->asking_ended);
    pthread_mutex_unlock(&host->lock);
    return NULL;
}

static Request *
request_new(const IdcPostgresSession *session)
{
    Request *request = idc_calloc(1, sizeof *request);
    pthread_condattr_t attributes;

    if (request == NULL)
        return NULL;
    request->host = session->host;
    request->slot = IDC_SLOT_NONE;
    request->handle = PQgetCancel(session->libpq);
    if (request->handle == NULL) {
        idc_free(request);
        return NULL;
    }
    request->holders = 1;
    (void) pthread_mutex_init(&request->lock, NULL);
    (void) pthread_condattr_init(&attributes);
    (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&request->is_through, &attributes);
    (void) pthread_condattr_destroy(&attributes);
    return request;
}

static bool
start(Request *request)
{
    IdcPostgresHost *host = request->host;
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, old;
    bool is_started;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    (void) pthread_attr_setstacksize(&attributes, STACK_BYTES);
    (void) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    request->holders++;
    pthread_mutex_lock(&host->lock);
    host->asking_count++;
    pthread_mutex_unlock(&host->lock);
    sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &old);
    is_started = pthread_create(&thread, &attributes, ask, request) == 0;
    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
    (void) pthread_attr_destroy(&attributes);
    if (is_started)
        return true;
    request->holders--;
    pthread_mutex_lock(&host->lock);
    host->asking_count--;
    pthread_mutex_unlock(&host->lock);
    return false;
}

/* The server has been told before `until` (idc_clock_ms). */
static bool
was_told(IdcPostgresSession *session, int64_t until)
{
    Request *request = request_new(session);
    struct timespec end = { .tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000 };
    bool is_done, was_heard;
    int waited = 0;

    if (request == NULL)
        return false;
    if (!start(request)) {
        leave(request);
        return false;
    }
    pthread_mutex_lock(&request->lock);
    while (!request->is_done && waited == 0)
        waited = pthread_cond_timedwait(&request->is_through, &request->lock, &end);
    is_done = request->is_done;
    was_heard = is_done && request->was_heard;
    pthread_mutex_unlock(&request->lock);
    if (is_done)
        leave(request);
    else
        session->asking = request;
    return was_heard;
}

void
idc_postgres_cancel_leave(IdcPostgresSession *session, IdcLink *link)
{
    Request *request = session->asking;

    if (request == NULL)
        return;
    session->asking = NULL;
    pthread_mutex_lock(&request->lock);
    if (!request->is_done)
        request->slot = idc_link_keep_slot(link);
    pthread_mutex_unlock(&request->lock);
    leave(request);
}

bool
idc_postgres_cancels_end(IdcPostgresHost *host)
{
    bool have_ended;

    pthread_mutex_lock(&host->lock);
    have_ended = idc_threads_end(&host->asking_count, &host->asking_ended, &host->lock, ENDING_MS);
    pthread_mutex_unlock(&host->lock);
    return have_ended;
}

/* Whatever still comes, to the end. */
static void
read_rest(IdcPostgresSession *session, IdcCall *call)
{
    char *row = NULL;
    IdcAnswer answer;
    IdcError ignored;

    while (session->is_busy && !session->is_lost) {
        int len = session->is_raw ? -1 : PQgetCopyData(session->libpq, &row, 1);

        PQfreemem(row);
        row = NULL;
        if (len > 0)
            continue;
        if (len == 0) {
            if (idc_call_wait(call, PQsocket(session->libpq), POLLIN, -1, NULL) != IDC_OK ||
                PQconsumeInput(session->libpq) != 1)
                session->is_lost = true;
            continue;
        }
        idc_error_init(&ignored);
        if (idc_postgres_answer(session, call, &answer, &ignored) != IDC_OK && session->is_busy)
            session->is_lost = true;
        else if (answer.kind == IDC_ANSWER_COPY_IN && session->is_busy &&
                 idc_postgres_copy_end(session, call, "cancelled", NULL) != IDC_OK)
            session->is_lost = true;
    }
}

int64_t
idc_postgres_cancel_until(void)
{
    return idc_clock_ms() + PATIENCE_MS;
}

void
idc_postgres_cancel(IdcPostgresSession *session, int64_t until)
{
    int64_t left = until - idc_clock_ms();
    IdcCall *call;

    if (!session->is_busy || session->is_lost)
        return;
    call = idc_call_new();
    if (call != NULL) {
        idc_call_set_timeout(call, left > 1 ? left : 1);
        idc_postgres_begin_first(session, call);
    }
    if (call == NULL || session->is_lost || !was_told(session, until))
        session->is_lost = true;
    else
        read_rest(session, call);
    idc_call_free(call);
}
