/* SPDX-License-Identifier: Apache-2.0 */
/* offer - the pipeline's decisions, carried out in the shop: what a visitor is offered may move
 * it to buy, by an effect that the shop alone knows; and the truth about it. */
#ifndef AUSPEX_SHOP_OFFER_H
#define AUSPEX_SHOP_OFFER_H

#include "common/base/buf.h"
#include "test/shop/decision.h"
#include "test/shop/shop.h"

/* Gives the offer to whom it is for. What comes of it depends on the shop's seed, the visitor's
 * course and the decision's id. */
struct offered offer_give(struct shop *shop, const struct decision *d, double effect,
                          int64_t at_us, double speed);

#define OFFER_HEADER "intervention_id,visitor,holdout,reached,moved,p_without,p_with\n"
/* Appends such a line. */
void offer_line(struct buf *out, const struct decision *d, const struct offered *told);

struct offer_counts {
    uint64_t n, held, reached, moved;
    double effect; /* sum of p_with - p_without, of those held out too */
};

void offer_count(struct offer_counts *c, const struct decision *d, const struct offered *told);
/* Prints `offers N, held out N, reached N, moved N, true effect X`: by how much more likely the
 * offers made conversions, or would have, in the mean. */
void offer_print(const struct offer_counts *c);

#endif
