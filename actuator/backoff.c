/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/backoff.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/rng.h"

enum { YEAR_S = 366 * 24 * 3600 };

int64_t backoff_wait_us(uint64_t attempt, int64_t first_us, struct str id)
{
    static const int64_t waits_us[] = {
        0, /* the first, which is an argument */
        5 * MINUTE_US,
        30 * MINUTE_US,
        2 * HOUR_US,
        5 * HOUR_US,
        10 * HOUR_US,
        14 * HOUR_US,
        20 * HOUR_US,
        24 * HOUR_US,
    };
    CHECK(attempt > 0 && first_us > 0);
    int64_t wait_us = waits_us[MIN(attempt - 1, ARRAY_LEN(waits_us) - 1)];
    if (attempt == 1)
        wait_us = first_us;
    struct rng rng = rng_stream(hash64_str(id), attempt);
    return (int64_t)((double)wait_us * (0.9 + 0.2 * rng_unit(&rng)));
}

static bool number_at(struct str text, size_t at, size_t len, uint64_t *n)
{
    return str_u64(str_over(text.at + at, len), n);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT"; the name of the day is not looked at. */
static bool date_read(struct str text, int64_t *at_us)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char form[] = "***, ** *** **** **:**:** GMT";
    uint64_t day, year, hour, minute, second;
    if (text.len != sizeof form - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (form[i] != '*' && form[i] != text.at[i])
            return false;
    const char *month = memmem(months, sizeof months - 1, text.at + 8, 3);
    if (!month || (month - months) % 3 != 0)
        return false;
    bool is_good = number_at(text, 5, 2, &day) && number_at(text, 12, 4, &year) &&
                   number_at(text, 17, 2, &hour) && number_at(text, 20, 2, &minute) &&
                   number_at(text, 23, 2, &second);
    if (!is_good || day < 1 || day > 31 || year < 1970 || hour > 23 || minute > 59 ||
        second > 60)
        return false;
    int64_t days = clock_days((int)year, (unsigned)(month - months) / 3 + 1, (unsigned)day);
    *at_us = days * DAY_US + (int64_t)(hour * 3600 + minute * 60 + second) * SECOND_US;
    return true;
}

bool backoff_retry_after(struct str text, int64_t now_us, int64_t *at_us)
{
    uint64_t wait_s;
    if (!str_u64(text, &wait_s))
        return date_read(text, at_us);
    *at_us = now_us + (int64_t)MIN(wait_s, (uint64_t)YEAR_S) * SECOND_US;
    return true;
}

int64_t backoff_next_us(const struct backoff_try *t)
{
    int64_t next_us = t->now_us + backoff_wait_us(t->attempt, t->first_us, t->id), at_us;
    if ((t->status == 429 || t->status == 503) &&
        backoff_retry_after(t->retry_after, t->now_us, &at_us))
        next_us = MAX(at_us, t->now_us + BACKOFF_LEAST_MS * (int64_t)1000);
    return MIN(next_us, t->expires_us);
}
