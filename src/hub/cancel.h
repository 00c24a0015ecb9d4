/*
 * cancel.h - asking the server to stop a statement, without waiting for its answer.
 */
#ifndef IDC_HUB_CANCEL_H
#define IDC_HUB_CANCEL_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct IdcCanceller IdcCanceller;

/* Counted: the connection and running requests hold it. NULL if out of memory. */
IdcCanceller *idc_canceller_new(PGconn *libpq);
void idc_canceller_free(IdcCanceller *canceller);

/* Any thread; returns at once. */
void idc_canceller_request(IdcCanceller *canceller);

/*
 * Wait until no request is on its way: a late one would hit the next statement. False if one still
 * is after timeout_ms; the connection must then not be used again.
 */
bool idc_canceller_settle(IdcCanceller *canceller, int64_t timeout_ms);

#endif
