/* SPDX-License-Identifier: Apache-2.0 */
/* habits - the numbers that make the hidden types differ: weights of actions, how they come,
 * when, on what, how fast they are, what they look at and whether they come again. */
#ifndef AUSPEX_SHOP_HABITS_H
#define AUSPEX_SHOP_HABITS_H

#include "test/shop/chain.h"

enum device { DEVICE_DESKTOP, DEVICE_MOBILE, DEVICE_TABLET, N_DEVICES };
enum source {
    SOURCE_DIRECT,
    SOURCE_ORGANIC,
    SOURCE_PAID_SEARCH,
    SOURCE_PAID_SOCIAL,
    SOURCE_SOCIAL,
    SOURCE_EMAIL,
    SOURCE_DISPLAY,
    SOURCE_AFFILIATE,
    SOURCE_REFERRAL,
    N_SOURCES
};
enum daypart { DAYPART_NIGHT, DAYPART_MORNING, DAYPART_AFTERNOON, DAYPART_EVENING, N_DAYPARTS };

struct habit {
    const char *name;
    double fresh;       /* weight among visitors that come for the first time */
    double again;       /* weight, per waiting visitor, among those that come again */
    double stays;       /* P(comes back to the pool after a session) */
    double has_account; /* P(account from before the first session seen) */
    double remembered;  /* P(logged in from the start | account) */
    double think_s;     /* median seconds between two events */
    double price;       /* rank in the category looked for: 0 cheapest .. 1 dearest */
    double focus;       /* P(next product or listing is of the session's category) */
    double depth_pct;   /* mean depth of a scroll */
    double device[N_DEVICES];
    double source[N_SOURCES];
    double daypart[N_DAYPARTS]; /* factors on `fresh` and `again` */
    double factor[N_ACTIONS];   /* on the shop's base weights; 0 stands for 1 */
};

extern const struct habit habits[N_TYPES];
/* What visitors do at a place before a type's factors; what cannot be done weighs 0. */
extern const double habits_base[N_PLACES][N_ACTIONS];

/* Index drawn by weight; `n` > 0 weights, not all 0. */
unsigned habits_pick(struct rng *r, const double *weight, unsigned n);
/* exp(N(ln median, spread)) */
double habits_lognormal(struct rng *r, double median, double spread);

#endif
