/*
 * async.c - several of our scans below one Append, whichever has a row first.
 *
 * A scan says that it must wait instead of waiting (foreign_scan.c). Scans of one source process
 * read for each other, so a scan that is pending may have rows when it is asked what to wait for:
 * it gives a descriptor that can be read at once then.
 */
#include "fdw/foreign_scan.h"
#include "fdw/handler.h"

#include <executor/execAsync.h>
#include <executor/executor.h>
#include <storage/latch.h>

/* A row or the end, or the word that it takes a wait. Local filters may eat rows: they wait too. */
static void
produce(AsyncRequest *request)
{
    ForeignScanState *node = (ForeignScanState *) request->requestee;
    FdwForeignScan *state = node->fdw_state;
    TupleTableSlot *result = request->requestee->ExecProcNodeReal(request->requestee);

    if (TupIsNull(result) && state->must_wait)
        ExecAsyncRequestPending(request);
    else
        ExecAsyncRequestDone(request, result);
}

void
fdw_async_request(AsyncRequest *request)
{
    (void) fdw_foreign_open((ForeignScanState *) request->requestee);
    produce(request);
}

void
fdw_async_configure_wait(AsyncRequest *request)
{
    AppendState *append = (AppendState *) request->requestor;
    FdwScan *scan = fdw_foreign_open((ForeignScanState *) request->requestee);
    bool is_ready = fdw_scan_is_ready(scan);
    int fd = is_ready ? fdw_scan_ready_descriptor(scan) : fdw_scan_descriptor(scan);
    uint32 events = WL_SOCKET_READABLE;

    /* The Append then only comes here again, and looking whether we are ready writes. */
    if (!is_ready && fdw_scan_is_unsent(scan))
        events |= WL_SOCKET_WRITEABLE;
    if (fd >= 0)
        AddWaitEventToSet(append->as_eventset, events, fd, NULL, request);
}

void
fdw_async_notify(AsyncRequest *request)
{
    /* PostgreSQL has cleared callback_pending. */
    produce(request);
}
