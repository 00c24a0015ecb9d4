/*
 * bucket.c - one compare-and-swap a token.
 */
#include "relation/bucket.h"

/* Beyond these an interval has no meaning in microseconds. */
#define MOST_PER_SECOND 1e6
#define LEAST_PER_SECOND 1e-6
#define MOST_AT_ONCE 1e6

/* So late may one come who read the clock before others took. */
#define LATENESS_US 1000000

/* Without libm, which the extension does not link; what is no number counts as least. */
static double
between(double value, double least, double most)
{
    return value > most ? most : value > least ? value : least;
}

int64_t
idc_bucket_take(const IdcBucket *bucket, int64_t now_us)
{
    uint64_t interval = (uint64_t) (1e6 / between(bucket->rate, LEAST_PER_SECOND, MOST_PER_SECOND));
    uint64_t whole = (uint64_t) ((double) interval * between(bucket->burst, 1, MOST_AT_ONCE));
    uint64_t now = now_us > 0 ? (uint64_t) now_us : 0;
    uint64_t full = atomic_load_explicit(bucket->word, memory_order_relaxed);
    uint64_t next;

    do {
        uint64_t from = full < now || full - now > whole + LATENESS_US ? now : full;

        next = from + interval;
        if (next - now > whole)
            return (int64_t) (next - now - whole);
    } while (!atomic_compare_exchange_weak_explicit(bucket->word, &full, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return 0;
}
