/*
 * threads.h - the end of threads that nobody joins.
 */
#ifndef IDC_BASE_THREADS_H
#define IDC_BASE_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Until *count, how many there are, is 0; false: it is not after patience_ms. The caller holds the
 * lock that guards it; whoever ends signals `ended` (a condition of CLOCK_REALTIME).
 */
bool idc_threads_end(const int *count, pthread_cond_t *ended, pthread_mutex_t *lock,
                     int64_t patience_ms);

#endif
