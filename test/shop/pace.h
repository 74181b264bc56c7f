/* SPDX-License-Identifier: Apache-2.0 */
/* pace - when the live shop's visitors come: a Poisson process, open loop, of a given mean rate
 * of events. Learns from the past how many events a session has, and how they spread over it.
 */
#ifndef AUSPEX_SHOP_PACE_H
#define AUSPEX_SHOP_PACE_H

#include "test/shop/shop.h"

enum { PACE_BINS = 900 };
#define PACE_BIN_US (5 * SECOND_US)
_Static_assert(PACE_BINS *PACE_BIN_US == SHOP_SESSION_MAX_US, "bins cover the longest session");

struct pace {
    struct shop *shop;
    double speed;
    uint64_t sessions, events; /* learnt from */
    double
        at_age[PACE_BINS + 1]; /* events of all sessions learnt from, by age of the session */
    double density[PACE_BINS]; /* arrivals per microsecond since start, by bin; then `steady` */
    double steady;
    double mean_past, mean_now; /* events of a session: learnt, and of those that came lately */
    int64_t start_us, next_us;  /* when the first bin begins; the next arrival */
    struct rng r;
};

void pace_init(struct pace *p, struct shop *shop);
/* Takes a session of the past that is over; at speed 1. */
void pace_learn(struct pace *p, const struct session *s);
/* Begins at `start_us`, after at least one session was learnt from. With `full_at_once` more
 * visitors come at first, so that `rate` holds from the first seconds, not only once as many
 * are there as leave. Think times are divided by `speed`; the rate of events is not. */
void pace_start(struct pace *p, double rate, double speed, bool full_at_once, int64_t start_us,
                uint64_t seed);
/* When the next event is due. */
int64_t pace_due(struct pace *p);
/* The next event, as shop_take has it; never NULL. */
const struct session *pace_take(struct pace *p);

#endif
