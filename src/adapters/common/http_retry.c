/*
 * http_retry.c - when to ask again.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "adapters/common/http_private.h"

bool
http_retry_is_status(int status)
{
    switch (status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

int64_t
http_retry_after_ms(const char *value, int64_t now_s)
{
    size_t digits = strspn(value, "0123456789");
    time_t date;

    if (digits > 0 && value[digits + strspn(value + digits, " \t")] == '\0')
        return digits > 12 ? INT64_MAX : (int64_t) strtoll(value, NULL, 10) * 1000;
    date = curl_getdate(value, NULL);
    if (date < 0)
        return -1;
    return date > now_s ? ((int64_t) date - now_s) * 1000 : 0;
}

/* Full jitter: anything from 0 to the doubled wait, so that those who failed together part. */
int64_t
http_retry_delay_ms(const IdcHttpSettings *settings, int64_t nth)
{
    int64_t longest = settings->retry_delay_ms;
    uint32_t random = 0;

    for (int64_t i = 1; i < nth && longest < settings->max_retry_wait_ms; i++)
        longest *= 2;
    if (longest > settings->max_retry_wait_ms)
        longest = settings->max_retry_wait_ms;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t) sizeof random)
        random = (uint32_t) idc_clock_us() * 2654435761u;
    return longest <= 0 ? 0 : (int64_t) (random % ((uint64_t) longest + 1));
}
