/*
 * bucket.h - a rate limit that all sessions of a hub share, without a lock.
 *
 * In:   a small file in the hub's private folder, mapped by each process that asks the server; the
 *       word is its first 8 bytes (what else is there: adapters/common/slots.h)
 * Out:  how long to wait before the next request
 *
 * The generic cell rate algorithm (ITU-T I.371): the word is the moment, in microseconds of
 * CLOCK_MONOTONIC, at which the bucket will be full again. A moment further away than filling an
 * empty bucket takes and a second more (the machine was started anew) counts as a full bucket; the
 * second is for one who read the clock before others took, and asks after them.
 */
#ifndef IDC_RELATION_BUCKET_H
#define IDC_RELATION_BUCKET_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t IdcBucketWord;

/* Of one server, in a process. */
typedef struct IdcBucket {
    IdcBucketWord *word;
    double rate;  /* requests a second, more than 0 */
    double burst; /* that many at once, at least 1 */
} IdcBucket;

enum { IDC_BUCKET_BYTES = 8, IDC_SHARED_FILE_BYTES = 64 };

/*
 * Take one token, and return 0; or take none, and return in how many microseconds to ask again
 * (others may be faster then).
 */
int64_t idc_bucket_take(const IdcBucket *bucket, int64_t now_us);

#endif
