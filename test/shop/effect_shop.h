/* SPDX-License-Identifier: Apache-2.0 */
/* effect_shop - the shop for effect_test.c, without the shop's structs, which are called as
 * some records are: a day of visits, event by event, with the hidden truth about each. */
#ifndef AUSPEX_SHOP_EFFECT_SHOP_H
#define AUSPEX_SHOP_EFFECT_SHOP_H

#include "common/base/clock.h"
#include "test/shop/decision.h"

enum { EFFECT_ID = 37 };

struct effect_event {
    uint32_t number; /* of the visitor */
    char visitor[EFFECT_ID];
    char session[24];
    int64_t ts_us;
    const char *type; /* purchase, signup, subscription, or page for all others */
    double converts;  /* P(conversion later in this session) */
};

/* Hidden P(conversion in the rest of the session) without an offer and with it. */
struct effect_truth {
    double without, with;
};

struct effect_shop;

MUST_USE struct effect_shop *effect_shop_new(uint64_t seed, uint32_t sessions);
void effect_shop_free(struct effect_shop *x);
/* The next event in order of time; false after the last. */
MUST_USE bool effect_shop_next(struct effect_shop *x, struct effect_event *e);
struct effect_truth effect_shop_offer(struct effect_shop *x, const struct decision *d,
                                      double effect, int64_t at_us);

#endif
