/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/session.h"

#include <math.h>
#include <stdlib.h>

/* Factors on a type's think time before an action; 0 stands for 1. */
static const double think[N_ACTIONS] = {
    [ACTION_MAIL] = .3,  [ACTION_CONTENT] = 1.2, [ACTION_SEARCH] = 1.1,  [ACTION_FILTER] = .7,
    [ACTION_SORT] = .6,  [ACTION_SCROLL] = .8,   [ACTION_CLICK] = .5,    [ACTION_ADD] = 1.3,
    [ACTION_PAY_OK] = 3, [ACTION_PAY_FAIL] = 3,  [ACTION_PURCHASE] = .1, [ACTION_SIGNUP] = 2.5,
    [ACTION_ERROR] = .4, [ACTION_RAGE] = .2,     [ACTION_TICKET] = 4,
};

/* What the walk has in sight, besides the chain's state. */
struct walk {
    struct session *s;
    const struct chain *chain;
    const struct product *products;
    struct state state;
    unsigned category; /* the session's own */
    size_t cap;
    double speed;
    uint16_t product, listing; /* product and category last looked at */
    uint16_t n_lines;
    struct line lines[CART_MAX];
};

enum daypart daypart_of(int64_t at_us)
{
    int64_t hour = (at_us - clock_floor(at_us, DAY_US) * DAY_US) / HOUR_US;
    static const int64_t begins[N_DAYPARTS] = {0, 6, 12, 18};
    enum daypart d = DAYPART_NIGHT;
    while (d + 1 < N_DAYPARTS && hour >= begins[d + 1])
        d++;
    return d;
}

struct visitor visitor_draw(uint64_t seed, uint32_t number, enum visitor_type type)
{
    const struct habit *h = &habits[type];
    struct rng r = rng_stream(seed, (uint64_t)number << 8 | 1);
    struct visitor v = {.number = number, .type = type};
    v.id[0] = rng_u64(&r);
    v.id[1] = rng_u64(&r);
    v.device = (enum device)habits_pick(&r, h->device, N_DEVICES);
    v.agent = rng_below(&r, 1 << 16);
    v.locale = rng_below(&r, 1 << 16);
    v.category = rng_below(&r, N_CATEGORIES);
    if (rng_unit(&r) < h->has_account)
        v.account = rng_unit(&r) < h->remembered ? ACCOUNT_IN : ACCOUNT_OUT;
    return v;
}

static uint16_t draw_category(const struct walk *w, struct rng *r)
{
    bool keeps = rng_unit(r) < habits[w->s->visitor.type].focus;
    return (uint16_t)(keeps ? w->category : rng_below(r, N_CATEGORIES));
}

/* A product of the category whose rank by price scatters around the type's taste. */
static uint16_t draw_product(const struct walk *w, struct rng *r)
{
    bool same_shelf = w->state.place == PLACE_LISTING && rng_unit(r) < .8;
    unsigned category = same_shelf ? w->listing : draw_category(w, r);
    double taste = habits[w->s->visitor.type].price;
    double rank = taste + .5 * (rng_unit(r) + rng_unit(r) - 1);
    rank = fmin(fmax(rank, 0), .999);
    return (uint16_t)(category * PRODUCTS_EACH + (unsigned)(rank * PRODUCTS_EACH));
}

static void cart_add(struct walk *w, uint16_t quantity)
{
    CHECK(w->n_lines < CART_MAX);
    w->lines[w->n_lines++] = (struct line){w->product, quantity};
}

/* Takes out a line and leaves it in *gone. */
static void cart_remove(struct walk *w, struct line *gone, struct rng *r)
{
    unsigned i = rng_below(r, w->n_lines);
    *gone = w->lines[i];
    for (w->n_lines--; i < w->n_lines; i++)
        w->lines[i] = w->lines[i + 1];
}

static uint16_t draw_amount(const struct walk *w, enum action action, struct rng *r)
{
    double depth = habits[w->s->visitor.type].depth_pct + 30 * (rng_unit(r) - .5);
    if (action == ACTION_SCROLL)
        return (uint16_t)(fmin(fmax(depth, 5), 100));
    if (action == ACTION_ADD)
        return (uint16_t)(rng_unit(r) < .85 ? 1 : 2);
    if (action == ACTION_VIDEO)
        return (uint16_t)(20 + rng_below(r, 100));
    return (uint16_t)rng_below(r, action == ACTION_SEARCH ? 60 : 1000);
}

static void apply(struct walk *w, enum action action, struct step *step, struct rng *r)
{
    step->amount = draw_amount(w, action, r);
    if (action == ACTION_LISTING || action == ACTION_SEARCH) {
        w->listing = draw_category(w, r);
    } else if (action == ACTION_PRODUCT) {
        w->product = draw_product(w, r);
        w->listing = (uint16_t)w->products[w->product].category;
    } else if (action == ACTION_ADD) {
        if (w->state.place == PLACE_LISTING) /* straight from the list */
            w->product = draw_product(w, r);
        cart_add(w, step->amount);
    } else if (action == ACTION_REMOVE) {
        struct line gone;
        cart_remove(w, &gone, r);
        w->product = gone.product;
        step->amount = gone.quantity;
    }
    step->product = w->product;
    step->category = w->listing;
    step->n_lines = w->n_lines;
    for (unsigned i = 0; i < w->n_lines; i++)
        step->lines[i] = w->lines[i];
    if (action == ACTION_PURCHASE)
        w->n_lines = 0; /* the event itself still lists what was bought */
}

static int64_t think_us(const struct walk *w, enum action action, struct rng *r)
{
    double factor = think[action] > 0 ? think[action] : 1;
    double s = habits_lognormal(r, habits[w->s->visitor.type].think_s * factor, .8);
    double us = fmin(fmax(s, .25) * 1e6, (double)SHOP_GAP_MAX_US) / w->speed;
    return (int64_t)us + 1;
}

static void walk_step(struct walk *w, enum action action, int64_t ts_us, struct rng *r)
{
    struct session *s = w->s;
    if (s->n == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 16;
        s->steps = mem_grow(s->steps, w->cap * sizeof(*s->steps));
    }
    struct step *step = &s->steps[s->n++];
    *step = (struct step){.action = action, .ts_us = ts_us};
    apply(w, action, step, r);
    w->state = chain_after(w->state, action);
    step->after = w->state;
    step->converts = chain_converts(w->chain, s->visitor.type, w->state);
    CHECK(w->n_lines == w->state.cart);
}

/* Moves the course so that its last event is not after `last_us`, and squeezes the rare one
 * that is longer than a session may be. */
static void fit(struct session *s, int64_t last_us)
{
    CHECK(s->n > 0); /* nobody leaves before the first event */
    int64_t from_us = s->steps[0].ts_us;
    int64_t long_us = s->steps[s->n - 1].ts_us - from_us;
    double squeeze =
        long_us > SHOP_SESSION_MAX_US ? (double)SHOP_SESSION_MAX_US / (double)long_us : 1;
    for (size_t i = 0; squeeze < 1 && i < s->n; i++)
        s->steps[i].ts_us =
            from_us + (int64_t)((double)(s->steps[i].ts_us - from_us) * squeeze);
    int64_t back_us = s->steps[s->n - 1].ts_us - last_us;
    for (size_t i = 0; back_us > 0 && i < s->n; i++)
        s->steps[i].ts_us -= back_us;
}

void session_draw(struct session *s, const struct chain *c, const struct product *products,
                  int64_t at_us, int64_t last_us, double speed, struct rng *r)
{
    const struct visitor *v = &s->visitor;
    struct walk w = {.s = s, .chain = c, .products = products, .speed = speed};
    w.state = (struct state){PLACE_START, 0, v->account};
    w.category = rng_unit(r) < .6 ? v->category : rng_below(r, N_CATEGORIES);
    w.listing = (uint16_t)w.category;
    s->n = s->next = 0;
    s->steps = NULL;
    enum action action = chain_draw(c, v->type, w.state, r);
    s->source = action == ACTION_MAIL
                    ? SOURCE_EMAIL
                    : (enum source)habits_pick(r, habits[v->type].source, N_SOURCES);
    s->campaign = rng_below(r, 1 << 16);
    for (int64_t ts_us = at_us; action != ACTION_EXIT;) {
        walk_step(&w, action, ts_us, r);
        action = chain_draw(c, v->type, w.state, r);
        ts_us += think_us(&w, action, r);
    }
    fit(s, last_us);
}

/* What is still to be done for a purchase; PAID needs no other. */
static enum action towards_purchase(struct state s)
{
    if (s.place == PLACE_PAID)
        return ACTION_PURCHASE;
    if (s.place == PLACE_CHECKOUT && s.cart > 0)
        return ACTION_PAY_OK;
    if (s.cart > 0)
        return s.place == PLACE_PRODUCT || s.place == PLACE_BASKET ? ACTION_CHECKOUT
                                                                   : ACTION_BASKET;
    return s.place == PLACE_PRODUCT ? ACTION_ADD : ACTION_PRODUCT;
}

/* Neither a longer wait than visitors have, nor a longer session. */
static void fit_moved(struct session *s, int64_t from_us)
{
    struct step *moved = &s->steps[s->next];
    int64_t n = (int64_t)(s->n - s->next);
    int64_t late_us = moved->ts_us - (moved[-1].ts_us + SHOP_GAP_MAX_US);
    int64_t room_us = MAX(s->steps[0].ts_us + SHOP_SESSION_MAX_US - from_us, n);
    for (int64_t i = 0; late_us > 0 && i < n; i++)
        moved[i].ts_us = MAX(moved[i].ts_us - late_us, from_us + i + 1);
    int64_t long_us = moved[n - 1].ts_us - from_us;
    for (int64_t i = 0; long_us > room_us && i < n; i++)
        moved[i].ts_us = from_us + i + 1 +
                         (int64_t)((double)(moved[i].ts_us - from_us - i - 1) *
                                   (double)(room_us - n) / (double)long_us);
}

void session_move(struct session *s, const struct chain *c, const struct product *products,
                  int64_t at_us, double speed, struct rng *r)
{
    CHECK(s->next > 0 && s->next < s->n);
    const struct step *last = &s->steps[s->next - 1];
    struct walk w = {.s = s, .chain = c, .products = products, .speed = speed, .cap = s->n};
    w.state = last->after;
    w.product = last->product;
    w.listing = last->category;
    w.category = last->category;
    w.n_lines = (uint16_t)w.state.cart; /* after a purchase the step still lists what it held */
    for (unsigned i = 0; i < w.n_lines; i++)
        w.lines[i] = last->lines[i];
    int64_t from_us = MAX(at_us, last->ts_us), ts_us = from_us;
    s->n = s->next;
    for (enum action a = ACTION_EXIT; a != ACTION_PURCHASE;) {
        a = towards_purchase(w.state);
        ts_us += think_us(&w, a, r);
        walk_step(&w, a, ts_us, r);
        s->steps[s->n - 1].converts = a != ACTION_PURCHASE;
    }
    s->is_moved = true;
    fit_moved(s, from_us);
}

enum account session_account_after(const struct session *s, struct rng *r)
{
    enum account a = s->steps[s->n - 1].after.account;
    if (a == ACCOUNT_NONE)
        return a;
    bool remembered = a != ACCOUNT_OUT && rng_unit(r) < .8;
    return remembered ? ACCOUNT_IN : ACCOUNT_OUT;
}

bool session_converts_later(const struct session *s, size_t i, size_t n_sent)
{
    for (size_t j = i + 1; j < n_sent; j++) {
        if (chain_is_conversion(s->steps[j].action))
            return true;
    }
    return false;
}
