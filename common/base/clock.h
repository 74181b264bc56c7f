/* SPDX-License-Identifier: Apache-2.0 */
/* clock - times are int64 microseconds since 1970, UTC; cores get them as arguments. */
#ifndef AUSPEX_CLOCK_H
#define AUSPEX_CLOCK_H

#include "common/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SECOND_US ((int64_t)1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)

#define CLOCK_END_US (253402300800 * SECOND_US) /* the year 10000, which no text tells */

int64_t clock_wall_us(void);
int64_t clock_mono_us(void); /* for time-outs and latencies; unmoved by the wall clock */

/* 1970-01-01 = 0; proleptic Gregorian (Hinnant, "chrono-compatible low-level date algorithms").
 */
int64_t clock_days(int year, unsigned month, unsigned day);
void clock_civil(int64_t days, int *year, unsigned *month, unsigned *day);

/* RFC 3339 / ISO 8601: "2019-10-01T00:00:00.123456Z", "+02:00", also with a blank for T, or
 * " UTC" behind as REES46 has it, or a bare date; up to 9 decimals (cut to microseconds), years
 * 1970..9999, no leap second but :60 read as :59. False on anything else; *us untouched then.
 */
MUST_USE bool clock_parse(struct str text, int64_t *us);
/* "2019-10-01T00:00:00.123456Z" with its terminator; `us` in years 0..9999. */
enum { CLOCK_TEXT = 28 };
void clock_format(int64_t us, char out[CLOCK_TEXT]);

/* floor division, also below zero */
static inline int64_t clock_floor(int64_t us, int64_t unit_us)
{
    int64_t q = us / unit_us;
    return q - (us % unit_us < 0);
}

/* 0 to 23, and Monday = 0, of a time in its own zone. */
static inline int clock_hour(int64_t us)
{
    return (int)(clock_floor(us, HOUR_US) - 24 * clock_floor(us, DAY_US));
}

static inline int clock_weekday(int64_t us)
{
    int64_t days = clock_floor(us, DAY_US); /* day 0 was a Thursday */
    return (int)(((days + 3) % 7 + 7) % 7);
}

#ifdef __cplusplus
}
#endif
#endif
