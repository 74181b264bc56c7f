/* SPDX-License-Identifier: Apache-2.0 */
/* past - the days before now: sessions over a window of time, with the rhythm of day and week.
 */
#ifndef AUSPEX_SHOP_PAST_H
#define AUSPEX_SHOP_PAST_H

#include "test/shop/shop.h"

struct past_options {
    uint64_t seed;
    uint32_t days, sessions; /* both > 0 */
    int64_t end_us;          /* no event is later */
};

struct past {
    struct shop *shop;
    int64_t *at_us; /* arrivals, rising */
    size_t n, next;
    int64_t end_us;
};

/* Draws the arrivals: exactly o->sessions, in the o->days before o->end_us. `shop` is the
 * caller's and must be new. */
void past_init(struct past *p, struct shop *shop, const struct past_options *o);
void past_fini(struct past *p);
/* The next event in order of time, as shop_take has it; NULL after the last. */
const struct session *past_take(struct past *p);
/* How a shop must be made that past_init is to fill. */
struct shop_options past_shop(uint64_t seed);

#endif
