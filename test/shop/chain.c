/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/chain.h"

#include "test/shop/habits.h"

#include <math.h>

enum { STAY = N_PLACES };

static const unsigned goes_to[N_ACTIONS] = {
    [ACTION_EXIT] = PLACE_EXIT,
    [ACTION_MAIL] = PLACE_MAIL,
    [ACTION_HOME] = PLACE_HOME,
    [ACTION_LISTING] = PLACE_LISTING,
    [ACTION_CONTENT] = PLACE_CONTENT,
    [ACTION_ACCOUNT] = PLACE_ACCOUNT,
    [ACTION_BASKET] = PLACE_BASKET,
    [ACTION_SEARCH] = PLACE_LISTING,
    [ACTION_FILTER] = STAY,
    [ACTION_SORT] = STAY,
    [ACTION_PRODUCT] = PLACE_PRODUCT,
    [ACTION_SCROLL] = STAY,
    [ACTION_CLICK] = STAY,
    [ACTION_VIDEO] = STAY,
    [ACTION_WISH] = STAY,
    [ACTION_ADD] = STAY,
    [ACTION_REMOVE] = STAY,
    [ACTION_CHECKOUT] = PLACE_CHECKOUT,
    [ACTION_PAY_OK] = PLACE_PAID,
    [ACTION_PAY_FAIL] = STAY,
    [ACTION_PURCHASE] = PLACE_THANKS,
    [ACTION_SIGNUP] = STAY,
    [ACTION_SUBSCRIBE] = STAY,
    [ACTION_LOGIN] = STAY,
    [ACTION_ERROR] = STAY,
    [ACTION_RAGE] = STAY,
    [ACTION_HELP] = STAY,
    [ACTION_TICKET] = STAY,
};

bool chain_is_conversion(enum action action)
{
    return action == ACTION_PURCHASE || action == ACTION_SIGNUP || action == ACTION_SUBSCRIBE;
}

struct state chain_after(struct state s, enum action action)
{
    if (goes_to[action] != STAY)
        s.place = (enum place)goes_to[action];
    if (action == ACTION_ADD)
        s.cart++;
    else if (action == ACTION_REMOVE)
        s.cart--;
    else if (action == ACTION_PURCHASE)
        s.cart = 0;
    else if (action == ACTION_LOGIN || action == ACTION_SIGNUP)
        s.account = ACCOUNT_IN;
    else if (action == ACTION_SUBSCRIBE)
        s.account = ACCOUNT_PLUS;
    CHECK(s.cart <= CART_MAX);
    return s;
}

static bool is_possible(struct state s, enum action action)
{
    if (action == ACTION_ADD)
        return s.cart < CART_MAX;
    if (action == ACTION_REMOVE || action == ACTION_BASKET || action == ACTION_CHECKOUT)
        return s.cart > 0;
    if (action == ACTION_SIGNUP)
        return s.account == ACCOUNT_NONE;
    if (action == ACTION_LOGIN)
        return s.account == ACCOUNT_OUT;
    if (action == ACTION_SUBSCRIBE)
        return s.account == ACCOUNT_IN;
    return true;
}

static void fill_steps(double cumulative[N_ACTIONS], enum visitor_type type, struct state s)
{
    double sum = 0;
    for (unsigned a = 0; a < N_ACTIONS; a++) {
        double factor = habits[type].factor[a] > 0 ? habits[type].factor[a] : 1;
        if (is_possible(s, (enum action)a))
            sum += habits_base[s.place][a] * factor;
        cumulative[a] = sum;
    }
    for (unsigned a = 0; sum > 0 && a < N_ACTIONS; a++)
        cumulative[a] /= sum;
}

static double *converts_at(struct chain *c, unsigned type, struct state s)
{
    return &c->converts[type][s.place][s.cart][s.account];
}

/* One round of h(s) = sum over a of P(a | s) (a converts ? 1 : h(after a)), in place (Gauss-
 * Seidel); returns the largest change. */
static double relax(struct chain *c, unsigned type)
{
    double change = 0;
    for (unsigned i = N_PLACES * N_CARTS * N_ACCOUNTS; i-- > 0;) {
        struct state s = {(enum place)(i / (N_CARTS * N_ACCOUNTS)), i / N_ACCOUNTS % N_CARTS,
                          (enum account)(i % N_ACCOUNTS)};
        const double *step = c->step[type][s.place][s.cart][s.account];
        double h = 0;
        for (unsigned a = 0; a < N_ACTIONS; a++) {
            double p = step[a] - (a ? step[a - 1] : 0);
            if (p <= 0)
                continue;
            h += chain_is_conversion((enum action)a)
                     ? p
                     : p * *converts_at(c, type, chain_after(s, (enum action)a));
        }
        change = fmax(change, fabs(h - *converts_at(c, type, s)));
        *converts_at(c, type, s) = h;
    }
    return change;
}

struct chain *chain_new(void)
{
    struct chain *c = mem_zero(1, sizeof(*c));
    for (unsigned t = 0; t < N_TYPES; t++) {
        for (unsigned p = 0; p < N_PLACES; p++)
            for (unsigned n = 0; n < N_CARTS; n++)
                for (unsigned a = 0; a < N_ACCOUNTS; a++)
                    fill_steps(c->step[t][p][n][a], (enum visitor_type)t,
                               (struct state){(enum place)p, n, (enum account)a});
        unsigned rounds = 0;
        while (relax(c, t) > 1e-15)
            CHECK(++rounds < 10000);
    }
    return c;
}

enum action chain_draw(const struct chain *c, enum visitor_type type, struct state s,
                       struct rng *r)
{
    const double *step = c->step[type][s.place][s.cart][s.account];
    double u = rng_unit(r);
    for (unsigned a = 0; a < N_ACTIONS; a++) {
        if (u < step[a])
            return (enum action)a;
    }
    CHECK(s.place == PLACE_EXIT);
    return ACTION_EXIT;
}

double chain_converts(const struct chain *c, enum visitor_type type, struct state s)
{
    return c->converts[type][s.place][s.cart][s.account];
}
