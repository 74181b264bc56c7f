/* SPDX-License-Identifier: Apache-2.0 */
/* session - the course of one visit, drawn from its visitor's hidden type. */
#ifndef AUSPEX_SHOP_SESSION_H
#define AUSPEX_SHOP_SESSION_H

#include "test/shop/shop.h"

/* A visitor never seen before, of a type drawn for the hour of `at_us`. */
struct visitor visitor_draw(uint64_t seed, uint32_t number, enum visitor_type type);
enum daypart daypart_of(int64_t at_us);

/* Draws the whole course from `r`; sets everything in *s but number and salt. s->visitor is
 * given and stays as it is. The caller frees s->steps. */
void session_draw(struct session *s, const struct chain *c, const struct product *products,
                  int64_t at_us, int64_t last_us, double speed, struct rng *r);
/* Replaces what was not taken yet, at least one step, by the shortest way to a purchase, from
 * `at_us` on, drawn from `r`. Something must have been taken. */
void session_move(struct session *s, const struct chain *c, const struct product *products,
                  int64_t at_us, double speed, struct rng *r);
/* The account at the end, as it will be at the beginning of the next visit. */
enum account session_account_after(const struct session *s, struct rng *r);

#endif
