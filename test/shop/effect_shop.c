/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/effect_shop.h"

#include "test/shop/event_json.h"
#include "test/shop/offer.h"
#include "test/shop/past.h"

#include <stdio.h>
#include <stdlib.h>

#define END_US (INT64_C(1718064000) * SECOND_US) /* 2024-06-11, midnight */

struct effect_shop {
    struct shop *shop;
    struct past past;
};

struct effect_shop *effect_shop_new(uint64_t seed, uint32_t sessions)
{
    struct effect_shop *x = mem_new(sizeof(*x));
    struct shop_options so = past_shop(seed);
    struct past_options po = {.seed = seed, .days = 1, .sessions = sessions, .end_us = END_US};
    x->shop = shop_new(&so);
    past_init(&x->past, x->shop, &po);
    return x;
}

void effect_shop_free(struct effect_shop *x)
{
    past_fini(&x->past);
    shop_free(x->shop);
    free(x);
}

static const char *type_of(enum action action)
{
    if (action == ACTION_PURCHASE)
        return "purchase";
    if (action == ACTION_SIGNUP)
        return "signup";
    return action == ACTION_SUBSCRIBE ? "subscription" : "page";
}

bool effect_shop_next(struct effect_shop *x, struct effect_event *e)
{
    const struct session *s = past_take(&x->past);
    if (!s)
        return false;
    const struct step *step = &s->steps[s->next - 1];
    *e = (struct effect_event){.number = s->visitor.number,
                               .ts_us = step->ts_us,
                               .type = type_of(step->action),
                               .converts = step->converts};
    _Static_assert((int)EFFECT_ID == (int)EVENT_ID_SIZE, "a visitor's id fits");
    event_visitor(&s->visitor, e->visitor);
    (void)snprintf(e->session, sizeof(e->session), "s-%llu", (unsigned long long)s->number);
    return true;
}

struct effect_truth effect_shop_offer(struct effect_shop *x, const struct decision *d,
                                      double effect, int64_t at_us)
{
    struct offered told = offer_give(x->shop, d, effect, at_us, 1);
    return (struct effect_truth){told.p_without, told.p_with};
}
