/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/offer.h"

#include "common/base/hash.h"
#include "test/shop/event_json.h"

#include <stdio.h>

/* Looks for the visitor among those who are there. */
struct look {
    struct str visitor;
    uint32_t number;
    bool is_found;
};

static void look_at(const struct session *s, void *context)
{
    struct look *look = context;
    char visitor[EVENT_ID_SIZE];
    event_visitor(&s->visitor, visitor);
    if (!str_is(look->visitor, visitor))
        return;
    look->number = s->visitor.number;
    look->is_found = true;
}

struct offered offer_give(struct shop *shop, const struct decision *d, double effect,
                          int64_t at_us, double speed)
{
    struct look look = {.visitor = d->visitor};
    struct offer o = {.salt = hash64_str(d->id), .effect = effect, .is_held = d->is_held};
    shop_each_open(shop, look_at, &look);
    return look.is_found ? shop_offer(shop, look.number, &o, at_us, speed)
                         : (struct offered){0};
}

void offer_line(struct buf *out, const struct decision *d, const struct offered *told)
{
    buf_printf(out, "%.*s,%.*s,%d,%d,%d,%.9f,%.9f\n", STR_ARGS(d->id), STR_ARGS(d->visitor),
               d->is_held, told->is_reached, told->is_moved, told->p_without, told->p_with);
}

void offer_count(struct offer_counts *c, const struct decision *d, const struct offered *told)
{
    c->n++;
    c->held += d->is_held;
    c->reached += told->is_reached;
    c->moved += told->is_moved;
    c->effect += told->p_with - told->p_without;
}

void offer_print(const struct offer_counts *c)
{
    (void)printf("offers %llu, held out %llu, reached %llu, moved %llu, true effect %.4f\n",
                 (unsigned long long)c->n, (unsigned long long)c->held,
                 (unsigned long long)c->reached, (unsigned long long)c->moved,
                 c->n > 0 ? c->effect / (double)c->n : 0.);
}
