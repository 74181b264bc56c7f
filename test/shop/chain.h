/* SPDX-License-Identifier: Apache-2.0 */
/* chain - what a visitor of the simulated shop does next, and how it will end.
 *
 * A session is a walk of a Markov chain over (place, lines in the cart, account), one event per
 * step, with probabilities that depend on the visitor's hidden type. The probability that a
 * purchase, signup or subscription still follows is solved from the same table the walk is
 * drawn from: no predictor that sees less than type and state can rank events better than it
 * does. */
#ifndef AUSPEX_SHOP_CHAIN_H
#define AUSPEX_SHOP_CHAIN_H

#include "common/base/rng.h"

enum visitor_type {
    TYPE_BOUNCER,    /* came by mistake, leaves at once */
    TYPE_BROWSER,    /* looks around on the phone */
    TYPE_RESEARCHER, /* compares at length on a desktop, buys elsewhere or later */
    TYPE_DEAL,       /* filters by price, fills carts, abandons most */
    TYPE_BUYER,      /* knows what it wants */
    TYPE_LOYAL,      /* comes often, has an account, buys */
    N_TYPES
};

enum place {
    PLACE_START, /* before the first event */
    PLACE_MAIL,  /* a campaign's mail was opened, the shop not entered yet */
    PLACE_HOME,
    PLACE_LISTING,
    PLACE_PRODUCT,
    PLACE_CONTENT,
    PLACE_ACCOUNT,
    PLACE_BASKET,
    PLACE_CHECKOUT,
    PLACE_PAID,   /* payment went through; the order follows */
    PLACE_THANKS, /* order placed */
    PLACE_EXIT,
    N_PLACES
};

enum account {
    ACCOUNT_NONE,
    ACCOUNT_OUT, /* has one, not logged in */
    ACCOUNT_IN,
    ACCOUNT_PLUS, /* logged in, subscribed in this session */
    N_ACCOUNTS
};

enum action {
    ACTION_EXIT, /* no event: the session is over */
    ACTION_MAIL,
    ACTION_HOME,
    ACTION_LISTING,
    ACTION_CONTENT,
    ACTION_ACCOUNT,
    ACTION_BASKET,
    ACTION_SEARCH,
    ACTION_FILTER,
    ACTION_SORT,
    ACTION_PRODUCT,
    ACTION_SCROLL,
    ACTION_CLICK,
    ACTION_VIDEO,
    ACTION_WISH,
    ACTION_ADD,
    ACTION_REMOVE,
    ACTION_CHECKOUT,
    ACTION_PAY_OK,
    ACTION_PAY_FAIL,
    ACTION_PURCHASE,
    ACTION_SIGNUP,
    ACTION_SUBSCRIBE,
    ACTION_LOGIN,
    ACTION_ERROR,
    ACTION_RAGE,
    ACTION_HELP,
    ACTION_TICKET,
    N_ACTIONS
};

enum { CART_MAX = 4, N_CARTS = CART_MAX + 1 }; /* lines; a full cart takes no more */

struct state {
    enum place place;
    unsigned cart; /* lines, 0..CART_MAX */
    enum account account;
};

struct chain {
    /* cumulative over actions, last = 1; all 0 where nothing can be done (PLACE_EXIT) */
    double step[N_TYPES][N_PLACES][N_CARTS][N_ACCOUNTS][N_ACTIONS];
    /* P(purchase, signup or subscription strictly later in the session | type, state) */
    double converts[N_TYPES][N_PLACES][N_CARTS][N_ACCOUNTS];
};

/* Heap; free(). */
MUST_USE struct chain *chain_new(void);
/* Draws what is done in `s`; ACTION_EXIT ends the session. */
enum action chain_draw(const struct chain *c, enum visitor_type type, struct state s,
                       struct rng *r);
/* The state after `action` in `s`. */
struct state chain_after(struct state s, enum action action);
double chain_converts(const struct chain *c, enum visitor_type type, struct state s);
/* purchase, signup, subscription */
bool chain_is_conversion(enum action action);

#endif
