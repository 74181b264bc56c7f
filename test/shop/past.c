/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/past.h"

#include <stdlib.h>

/* Visits per hour of the day and day of the week (from Monday), as shares of the busiest. */
static const double by_hour[24] = {.18, .10, .07, .06, .07, .12, .25, .40, .52, .60, .66, .70,
                                   .74, .70, .66, .66, .70, .78, .88, .97, 1.0, .92, .66, .36};
static const double by_day[7] = {.85, .82, .84, .86, .90, .95, 1.0};

static double rhythm(int64_t at_us)
{
    int64_t day = clock_floor(at_us, DAY_US);
    int64_t hour = (at_us - day * DAY_US) / HOUR_US;
    int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    return by_hour[hour] * by_day[weekday];
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void past_init(struct past *p, struct shop *shop, const struct past_options *o)
{
    struct rng r = rng_stream(o->seed, 6);
    double span_us = (double)o->days * (double)DAY_US;
    *p = (struct past){.shop = shop, .end_us = o->end_us, .n = o->sessions};
    p->at_us = mem_new(p->n * sizeof(*p->at_us));
    for (size_t i = 0; i < p->n;) {
        int64_t at_us = o->end_us - (int64_t)(rng_unit(&r) * span_us);
        if (rng_unit(&r) < rhythm(at_us))
            p->at_us[i++] = at_us;
    }
    qsort(p->at_us, p->n, sizeof(*p->at_us), by_time);
}

void past_fini(struct past *p)
{
    free(p->at_us);
    *p = (struct past){0};
}

/* Sessions near the end may be moved back by as much as the longest lasts, so these come in
 * that much ahead of the events. */
static bool is_to_come(const struct past *p, int64_t due_us)
{
    if (p->next == p->n)
        return false;
    int64_t at_us = p->at_us[p->next];
    int64_t ahead_us = at_us > p->end_us - SHOP_SESSION_MAX_US ? SHOP_SESSION_MAX_US : 0;
    return at_us - ahead_us <= due_us;
}

const struct session *past_take(struct past *p)
{
    int64_t due_us;
    while (!shop_due(p->shop, &due_us) ? p->next < p->n : is_to_come(p, due_us))
        (void)shop_arrive(p->shop, p->at_us[p->next++], p->end_us, 1);
    return shop_take(p->shop);
}

struct shop_options past_shop(uint64_t seed)
{
    /* moved back by a whole session, a visit still lies far enough from the one before */
    return (struct shop_options){
        .seed = seed, .returning = .35, .idle_min_us = SHOP_IDLE_MIN_US + SHOP_SESSION_MAX_US};
}
