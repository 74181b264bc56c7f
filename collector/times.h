/* SPDX-License-Identifier: Apache-2.0 */
/* times - event time: the sender's claim, repaired for a wrong clock, clamped to the credible.
 */
#ifndef AUSPEX_TIMES_H
#define AUSPEX_TIMES_H

#include "common/base/clock.h"

enum {
    TIMES_SKEW_S = 60,    /* a sender's clock that is off by more is repaired */
    TIMES_OLDEST_DAYS = 7 /* older claims are taken for this old */
};

struct claim {
    int64_t us;
    bool is_set;
};

/* Seconds or, from 10^11 on, milliseconds since 1970, as a number; false below 0, from the year
 * 10000 on, and for NaN. */
MUST_USE bool times_number(double number, int64_t *us);
/* The same for integers, exactly. */
MUST_USE bool times_integer(uint64_t number, int64_t *us);

/* Live: without a claim, received. With sent_at off from received by more than 60 s: claim -
 * sent_at + received. Then no later than received and no older than 7 days. */
int64_t times_live(struct claim ts, struct claim sent_at, int64_t received_us);
/* Imported: the claim, which must be set, but no later than received. */
int64_t times_import(struct claim ts, int64_t received_us);

#endif
