/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/pace.h"

#include <math.h>

enum { LATELY = 1000 }; /* sessions, as the time constant of a running mean */

void pace_init(struct pace *p, struct shop *shop)
{
    *p = (struct pace){.shop = shop};
}

void pace_learn(struct pace *p, const struct session *s)
{
    for (size_t i = 0; i < s->n; i++)
        p->at_age[(s->steps[i].ts_us - s->steps[0].ts_us) / PACE_BIN_US]++;
    p->sessions++;
    p->events += s->n;
}

/* Solves sum over k <= i of density[k] at_age[i - k] = rate, bin by bin: with as many arriving
 * as make up for what sessions that began earlier do not yet send. */
static void solve_density(struct pace *p, double rate_us)
{
    for (unsigned i = 0; i < PACE_BINS; i++) {
        double sent = 0;
        for (unsigned k = 0; k < i; k++)
            sent += p->density[k] * p->at_age[i - k] / (double)p->sessions;
        double first = p->at_age[0] / (double)p->sessions;
        p->density[i] = fmax(0, (rate_us - sent) / first);
    }
}

/* Moves on to the next arrival: an exponential hazard, used up bin by bin. */
static void next_arrival(struct pace *p)
{
    double hazard = -log(1 - rng_unit(&p->r)) * p->mean_now / p->mean_past;
    double at_us = (double)(p->next_us - p->start_us), bin_us = (double)PACE_BIN_US / p->speed;
    for (unsigned i = (unsigned)fmin(at_us / bin_us, PACE_BINS); i < PACE_BINS; i++) {
        double left_us = fmax(0, (i + 1) * bin_us - at_us);
        if (hazard < left_us * p->density[i]) {
            p->next_us = p->start_us + (int64_t)(at_us + hazard / p->density[i]) + 1;
            return;
        }
        hazard -= left_us * p->density[i];
        at_us += left_us;
    }
    p->next_us = p->start_us + (int64_t)(at_us + hazard / p->steady) + 1;
}

void pace_start(struct pace *p, double rate, double speed, bool full_at_once, int64_t start_us,
                uint64_t seed)
{
    CHECK(p->sessions > 0 && rate > 0 && speed > 0);
    p->speed = speed;
    p->mean_past = p->mean_now = (double)p->events / (double)p->sessions;
    p->steady = rate / 1e6 / p->mean_past;
    if (full_at_once)
        solve_density(p, rate / 1e6);
    for (unsigned i = 0; !full_at_once && i < PACE_BINS; i++)
        p->density[i] = p->steady;
    p->start_us = p->next_us = start_us;
    p->r = rng_stream(seed, 7);
    next_arrival(p);
}

int64_t pace_due(struct pace *p)
{
    int64_t due_us;
    while (!shop_due(p->shop, &due_us) || p->next_us <= due_us) {
        uint64_t before = shop_n_events(p->shop);
        (void)shop_arrive(p->shop, p->next_us, INT64_MAX, p->speed);
        p->mean_now += ((double)(shop_n_events(p->shop) - before) - p->mean_now) / LATELY;
        next_arrival(p);
    }
    return due_us;
}

const struct session *pace_take(struct pace *p)
{
    (void)pace_due(p);
    return shop_take(p->shop);
}
