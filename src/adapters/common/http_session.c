/*
 * http_session.c - all exchanges of a scan, moved on by whoever waits for one of them.
 */
#include <limits.h>
#include <stdlib.h>

#include "adapters/common/http_private.h"

IdcStatus
http_session_begin(IdcHttpClient *client, IdcCall *call, IdcScanStats *stats,
                   IdcHttpSession **session, IdcError *err)
{
    IdcHttpSession *made = calloc(1, sizeof *made);

    if (made == NULL)
        return idc_fail_no_memory(err);
    made->client = client;
    made->call = call;
    made->stats = stats != NULL ? stats : &made->own_stats;
    made->multi = http_client_take_multi(client);
    if (made->multi == NULL) {
        free(made);
        return idc_fail_no_memory(err);
    }
    *session = made;
    return IDC_OK;
}

void
http_session_end(void *resource)
{
    IdcHttpSession *session = resource;

    while (session->exchanges != NULL)
        idc_http_close(session->exchanges);
    http_client_give_multi(session->client, session->multi);
    free(session);
}

IdcStatus
idc_http_session_open(IdcHttpClient *client, IdcArena *arena, IdcCall *call, IdcScanStats *stats,
                      IdcHttpSession **session, IdcError *err)
{
    IdcHttpSession *made;
    IdcStatus status = http_session_begin(client, call, stats, &made, err);

    if (status != IDC_OK)
        return status;
    if (idc_arena_on_free(arena, http_session_end, made) != IDC_OK) {
        http_session_end(made);
        return idc_fail_no_memory(err);
    }
    *session = made;
    return IDC_OK;
}

/* ---- one step ---- */

/* Time in which nobody looked after the transfers is no time of waiting for them. */
static void
forgive(IdcHttpSession *session, int64_t gap_ms)
{
    for (IdcHttpExchange *one = session->exchanges; gap_ms > 0 && one != NULL; one = one->next)
        if (one->state == HTTP_RUNNING)
            http_transfer_forgive(one, gap_ms);
}

/* May wait for a token. */
static void
start(IdcHttpExchange *exchange)
{
    int64_t began = idc_clock_ms();
    IdcError err;
    IdcStatus status;

    idc_error_init(&err);
    status = http_transfer_start(exchange, &err);
    forgive(exchange->session, idc_clock_ms() - began);
    if (status == IDC_OK)
        return;
    (void) idc_http_blame(exchange, &err);
    http_exchange_fail(exchange, &err);
}

/* Start it if its time has come and the rate limit agrees; else note when to ask again. */
static void
start_if_due(IdcHttpExchange *exchange, int64_t now)
{
    IdcHttpClient *client = exchange->session->client;
    int64_t hold = atomic_load(&client->hold_until_ms);
    int64_t wait_us;

    if (exchange->start_ms < hold)
        exchange->start_ms = hold;
    if (exchange->start_ms > now)
        return;
    wait_us = client->bucket != NULL ? idc_bucket_take(client->bucket, idc_clock_us()) : 0;
    if (wait_us > 0)
        exchange->start_ms = now + (wait_us + 999) / 1000;
    else
        start(exchange);
}

/* Start what may start, end what took too long, let flow what was read. */
static void
tend(IdcHttpSession *session)
{
    int64_t now = idc_clock_ms();
    const char *why = NULL;

    for (IdcHttpExchange *one = session->exchanges; one != NULL; one = one->next) {
        if (one->state == HTTP_WAITING)
            start_if_due(one, now);
        if (one->state != HTTP_RUNNING)
            continue;
        if (one->in.len < HTTP_BUFFER_BYTES)
            http_transfer_pause(one, false);
        if (http_transfer_due(one, now, &why) == 0)
            http_outcome(one, CURLE_OPERATION_TIMEDOUT, why);
    }
}

static void
take_results(IdcHttpSession *session)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(session->multi, &left)) != NULL) {
        char *exchange = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
        http_outcome((IdcHttpExchange *) (void *) exchange, code, NULL);
    }
}

/* What is not read is not received. Only between curl's own calls: what is decompressed while a
 * handle is paused piles up inside of curl, where no limit of ours holds. */
static void
hold_back(IdcHttpSession *session)
{
    for (IdcHttpExchange *one = session->exchanges; one != NULL; one = one->next)
        if (one->state == HTTP_RUNNING && one->in.len >= HTTP_BUFFER_BYTES)
            http_transfer_pause(one, true);
}

/* Until the next moment at which tend has something to do; 0: there is now. */
static int64_t
time_to_wait(IdcHttpSession *session)
{
    int64_t now = idc_clock_ms(), least = idc_call_remaining_ms(session->call, 60000);
    const char *why = NULL;

    for (IdcHttpExchange *one = session->exchanges; one != NULL; one = one->next) {
        int64_t due = -1;

        if (one->state == HTTP_WAITING)
            due = one->start_ms > now ? one->start_ms - now : 0;
        else if (one->state == HTTP_RUNNING)
            due = http_transfer_due(one, now, &why);
        if (due >= 0 && due < least)
            least = due;
    }
    return least;
}

static IdcStatus
wait_for_something(IdcHttpSession *session, IdcError *err)
{
    struct curl_waitfd cancel = {
        .fd = session->call != NULL ? idc_call_fd(session->call) : -1,
        .events = CURL_WAIT_POLLIN,
    };
    int64_t began = idc_clock_us();
    CURLMcode code = curl_multi_poll(session->multi, &cancel, cancel.fd >= 0 ? 1 : 0,
                                     (int) time_to_wait(session), NULL);

    session->stats->wait_us += idc_clock_us() - began;
    if (code != CURLM_OK)
        return idc_fail(err, IDC_IO_FAILED, "cannot wait for the network: %s",
                        curl_multi_strerror(code));
    return IDC_OK;
}

static IdcStatus
check_call(IdcHttpSession *session, IdcError *err)
{
    if (idc_call_is_cancelled(session->call))
        return idc_fail(err, IDC_CANCELED, "the call was cancelled");
    if (idc_call_remaining_ms(session->call, -1) == 0)
        return idc_fail(err, IDC_TIMEOUT, "timed out");
    return IDC_OK;
}

IdcStatus
http_session_step(IdcHttpSession *session, bool is_waiting, IdcError *err)
{
    IdcStatus status = check_call(session, err);
    CURLMcode code;
    int running;

    if (session->left_ms > 0) /* the caller worked with what it had */
        forgive(session, idc_clock_ms() - session->left_ms);
    session->left_ms = idc_clock_ms();
    if (status == IDC_OK && is_waiting)
        status = wait_for_something(session, err);
    if (status == IDC_OK && is_waiting)
        status = check_call(session, err);
    if (status != IDC_OK)
        return status;
    tend(session);
    code = curl_multi_perform(session->multi, &running);
    if (code != CURLM_OK)
        return idc_fail(err, code == CURLM_OUT_OF_MEMORY ? IDC_NO_MEMORY : IDC_IO_FAILED,
                        "cannot use the network: %s", curl_multi_strerror(code));
    take_results(session);
    hold_back(session);
    session->left_ms = idc_clock_ms();
    return IDC_OK;
}
