/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/times.h"

#include <math.h>

static const int64_t year_10000_s = 253402300800;
static const int64_t least_ms = 100000000000; /* as seconds: the year 5138; as ms: 1973 */

bool times_number(double number, int64_t *us)
{
    if (!(number >= 0) || number >= (double)year_10000_s * 1000)
        return false;
    *us = (int64_t)llround(number * (number < (double)least_ms ? 1e6 : 1e3));
    return true;
}

bool times_integer(uint64_t number, int64_t *us)
{
    if (number >= (uint64_t)year_10000_s * 1000)
        return false;
    *us = (int64_t)number * (number < (uint64_t)least_ms ? SECOND_US : SECOND_US / 1000);
    return true;
}

int64_t times_live(struct claim ts, struct claim sent_at, int64_t received_us)
{
    if (!ts.is_set)
        return received_us;
    int64_t us = ts.us, skew = received_us - sent_at.us;
    if (sent_at.is_set && (skew > TIMES_SKEW_S * SECOND_US || skew < -TIMES_SKEW_S * SECOND_US))
        us += skew;
    if (us > received_us)
        return received_us;
    int64_t oldest_us = received_us - TIMES_OLDEST_DAYS * DAY_US;
    return us < oldest_us ? oldest_us : us;
}

int64_t times_import(struct claim ts, int64_t received_us)
{
    return ts.us > received_us ? received_us : ts.us;
}
