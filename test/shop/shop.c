/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/shop.h"

#include "test/shop/session.h"

#include <math.h>
#include <stdlib.h>

/* Those of one type that may come again, in no order; picked uniformly, removed by swapping. */
struct waiting {
    uint32_t *at; /* numbers of visitors */
    size_t n, cap;
};

struct shop {
    struct shop_options o;
    uint64_t salt;
    struct chain *chain;
    struct product products[N_PRODUCTS];
    struct visitor *visitors;
    size_t n_visitors, cap_visitors;
    struct waiting waiting[N_TYPES];
    struct session **open; /* binary heap by the time of the next step, then by number */
    size_t n_open, cap_open;
    struct session *over; /* the one that the last shop_take ended, kept for its caller */
    uint64_t n_arrivals, n_sessions, n_events;
};

enum { TRIES = 8 }; /* picks of somebody who has been away long enough */

struct shop *shop_new(const struct shop_options *o)
{
    CHECK(o->idle_min_us >= SHOP_IDLE_MIN_US);
    struct shop *s = mem_zero(1, sizeof(*s));
    s->o = *o;
    s->chain = chain_new();
    catalogue_fill(s->products);
    return s;
}

static void session_free(struct session *v)
{
    if (v)
        free(v->steps);
    free(v);
}

void shop_free(struct shop *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_open; i++)
        session_free(s->open[i]);
    session_free(s->over);
    for (unsigned t = 0; t < N_TYPES; t++)
        free(s->waiting[t].at);
    free(s->open);
    free(s->visitors);
    free(s->chain);
    free(s);
}

void shop_salt(struct shop *s, uint64_t salt)
{
    s->salt = salt;
}

static void *grown(void *at, size_t n, size_t *cap, size_t each)
{
    if (n < *cap)
        return at;
    *cap = *cap ? *cap * 2 : 64;
    return mem_grow(at, *cap * each);
}

/* --- the heap of open sessions --- */

static int64_t due_of(const struct session *v)
{
    return v->steps[v->next].ts_us;
}

static bool is_before(const struct session *a, const struct session *b)
{
    return due_of(a) < due_of(b) || (due_of(a) == due_of(b) && a->number < b->number);
}

static void sift_up(struct session **heap, size_t i)
{
    for (; i > 0 && is_before(heap[i], heap[(i - 1) / 2]); i = (i - 1) / 2) {
        struct session *up = heap[i];
        heap[i] = heap[(i - 1) / 2];
        heap[(i - 1) / 2] = up;
    }
}

static void sift_down(struct session **heap, size_t n, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++) {
            if (is_before(heap[child], heap[least]))
                least = child;
        }
        if (least == i)
            return;
        struct session *down = heap[i];
        heap[i] = heap[least];
        heap[least] = down;
        i = least;
    }
}

/* --- who comes --- */

static void wait_again(struct shop *s, uint32_t number)
{
    struct waiting *w = &s->waiting[s->visitors[number].type];
    w->at = grown(w->at, w->n, &w->cap, sizeof(*w->at));
    w->at[w->n++] = number;
}

/* A waiting visitor that was away for long enough, taken off its list; false when none of a few
 * picks was. */
static bool pick_known(struct shop *s, int64_t at_us, struct rng *r, uint32_t *number)
{
    enum daypart part = daypart_of(at_us);
    double weight[N_TYPES], sum = 0;
    for (unsigned t = 0; t < N_TYPES; t++)
        sum += weight[t] = habits[t].again * habits[t].daypart[part] * (double)s->waiting[t].n;
    for (unsigned i = 0; sum > 0 && i < TRIES; i++) {
        struct waiting *w = &s->waiting[habits_pick(r, weight, N_TYPES)];
        uint32_t j = rng_below(r, (uint32_t)w->n);
        if (s->visitors[w->at[j]].idle_from_us + s->o.idle_min_us > at_us)
            continue;
        *number = w->at[j];
        w->at[j] = w->at[--w->n];
        return true;
    }
    return false;
}

static uint32_t make_new(struct shop *s, int64_t at_us, struct rng *r)
{
    enum daypart part = daypart_of(at_us);
    double weight[N_TYPES];
    for (unsigned t = 0; t < N_TYPES; t++)
        weight[t] = habits[t].fresh * habits[t].daypart[part];
    enum visitor_type type = (enum visitor_type)habits_pick(r, weight, N_TYPES);
    s->visitors = grown(s->visitors, s->n_visitors, &s->cap_visitors, sizeof(*s->visitors));
    uint32_t number = (uint32_t)s->n_visitors++;
    s->visitors[number] = visitor_draw(s->o.seed + s->salt, number, type);
    return number;
}

static bool who_comes(struct shop *s, int64_t at_us, struct rng *r, uint32_t *number)
{
    bool is_full = s->o.max_visitors > 0 && s->n_visitors >= s->o.max_visitors;
    bool known = s->o.max_visitors > 0 ? is_full : rng_unit(r) < s->o.returning;
    if (known && pick_known(s, at_us, r, number))
        return true;
    if (is_full)
        return false;
    *number = make_new(s, at_us, r);
    return true;
}

bool shop_arrive(struct shop *s, int64_t at_us, int64_t last_us, double speed)
{
    struct rng r = rng_stream(s->o.seed + s->salt, s->n_arrivals << 8 | 2);
    uint32_t number;
    uint64_t arrival = s->n_arrivals++;
    if (!who_comes(s, at_us, &r, &number))
        return false;
    struct session *v = mem_zero(1, sizeof(*v));
    v->number = arrival;
    v->salt = s->o.seed + s->salt;
    s->n_sessions++;
    v->visitor = s->visitors[number];
    s->visitors[number].n_sessions++;
    session_draw(v, s->chain, s->products, at_us, last_us, speed, &r);
    s->n_events += v->n;
    s->open = grown(s->open, s->n_open, &s->cap_open, sizeof(struct session *));
    s->open[s->n_open] = v;
    sift_up(s->open, s->n_open++);
    return true;
}

/* --- what happens --- */

bool shop_due(const struct shop *s, int64_t *due_us)
{
    if (s->n_open > 0)
        *due_us = due_of(s->open[0]);
    return s->n_open > 0;
}

static void leave(struct shop *s, const struct session *v)
{
    struct rng r = rng_stream(v->salt, v->number << 8 | 3);
    struct visitor *who = &s->visitors[v->visitor.number];
    who->account = session_account_after(v, &r);
    who->idle_from_us = v->steps[v->n - 1].ts_us;
    if (s->o.max_visitors > 0 || rng_unit(&r) < habits[who->type].stays)
        wait_again(s, who->number);
}

const struct session *shop_take(struct shop *s)
{
    session_free(steal_ptr(s->over));
    if (s->n_open == 0)
        return NULL;
    struct session *v = s->open[0];
    if (++v->next == v->n) {
        s->open[0] = s->open[--s->n_open];
        s->over = v;
        leave(s, v);
    }
    sift_down(s->open, s->n_open, 0);
    return v;
}

/* --- offers --- */

static size_t find_open(const struct shop *s, uint32_t visitor)
{
    size_t i = 0;
    while (i < s->n_open && s->open[i]->visitor.number != visitor)
        i++;
    return i;
}

/* P(conversion in the rest), given that there is a rest. */
static double converts_staying(const struct shop *s, const struct session *v)
{
    const struct state at = v->steps[v->next - 1].after;
    double stays =
        1 - s->chain->step[v->visitor.type][at.place][at.cart][at.account][ACTION_EXIT];
    return fmin(chain_converts(s->chain, v->visitor.type, at) / stays, 1);
}

struct offered shop_offer(struct shop *s, uint32_t visitor, const struct offer *o,
                          int64_t at_us, double speed)
{
    struct rng r = rng_stream(s->o.seed ^ o->salt, 9);
    bool is_swayed = rng_unit(&r) < o->effect;
    size_t i = find_open(s, visitor);
    if (i == s->n_open || s->open[i]->next == 0)
        return (struct offered){0};
    struct session *v = s->open[i];
    bool converts = session_converts_later(v, v->next - 1, v->n);
    struct offered told = {.is_reached = true};
    told.p_without = v->is_moved ? converts : converts_staying(s, v);
    told.p_with = told.p_without + o->effect * (1 - told.p_without);
    told.is_moved = is_swayed && !converts && !o->is_held;
    if (told.is_moved) {
        s->n_events -= v->n;
        session_move(v, s->chain, s->products, at_us, speed, &r);
        s->n_events += v->n;
        sift_up(s->open, i);
        sift_down(s->open, s->n_open, i);
    }
    return told;
}

void shop_each_open(const struct shop *s, void (*each)(const struct session *, void *),
                    void *context)
{
    for (size_t i = 0; i < s->n_open; i++)
        each(s->open[i], context);
}

uint64_t shop_n_sessions(const struct shop *s)
{
    return s->n_sessions;
}

uint64_t shop_n_events(const struct shop *s)
{
    return s->n_events;
}

uint32_t shop_n_visitors(const struct shop *s)
{
    return (uint32_t)s->n_visitors;
}

const struct product *shop_products(const struct shop *s)
{
    return s->products;
}

const struct chain *shop_chain(const struct shop *s)
{
    return s->chain;
}
