/*
 * call.h - one call of the user: its time limit, and the way to stop it from another thread.
 *
 * Every wait of the library is an idc_call_wait, so every wait has a limit and can be cancelled.
 */
#ifndef IDC_BASE_CALL_H
#define IDC_BASE_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct IdcCall IdcCall;

/* NULL if out of memory or out of file descriptors. */
IdcCall *idc_call_new(void);
void idc_call_free(IdcCall *call);

/* From any thread, any number of times, before, while or after the call waits. */
void idc_call_cancel(IdcCall *call);
bool idc_call_is_cancelled(const IdcCall *call);

/* A descriptor that poll(2) finds readable once the call is cancelled; only to be watched. */
int idc_call_fd(const IdcCall *call);

/* From now on the call may take this long in all; negative: no limit of its own. */
void idc_call_set_timeout(IdcCall *call, int64_t timeout_ms);

/* Milliseconds that are left, at most longest_ms (negative: no other limit); -1: no limit at all.
 */
int64_t idc_call_remaining_ms(const IdcCall *call, int64_t longest_ms);

/*
 * Wait until fd has one of poll(2)'s events, at most longest_ms (negative: the call's own limit).
 * IDC_TIMEOUT and IDC_CANCELED fill err with a plain sentence; call may be NULL; fd may be -1
 * (then it only sleeps).
 */
IDC_CHECKED IdcStatus idc_call_wait(IdcCall *call, int fd, short events, int64_t longest_ms,
                                    IdcError *err);

/* CLOCK_MONOTONIC. */
int64_t idc_clock_ms(void);
int64_t idc_clock_us(void);

#endif
