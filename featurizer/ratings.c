/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/ratings.h"

#include "common/base/exact.h"
#include "common/base/hash.h"
#include "common/wire/out.h"
#include "featurizer/group.h"

/* 0 = adds nothing and begins nothing. */
static double weight_of(uint8_t type)
{
    static const double weights[UINT8_MAX + 1] = {
        [EVENT_TYPE_purchase] = 10,          [EVENT_TYPE_group_join_complete] = 9,
        [EVENT_TYPE_payment_success] = 8,    [EVENT_TYPE_checkout_start] = 7,
        [EVENT_TYPE_add_to_cart] = 6,        [EVENT_TYPE_group_join_click] = 5,
        [EVENT_TYPE_rating_submitted] = 4,   [EVENT_TYPE_wishlist_add] = 3,
        [EVENT_TYPE_product_view] = 2,       [EVENT_TYPE_group_view] = 2,
        [EVENT_TYPE_search_performed] = 1.5, [EVENT_TYPE_page_view] = 1,
        [EVENT_TYPE_wishlist_remove] = -1,   [EVENT_TYPE_remove_from_cart] = -2,
        [EVENT_TYPE_group_leave] = -3};
    return weights[type];
}

/* What is left of a weight after the time between, which is not below 0. In double: times are
 * whole there, and no difference overflows. */
static double decay(int64_t from_us, int64_t to_us, int64_t half_life_us)
{
    double age_us = (double)to_us - (double)from_us;
    return age_us > 0 ? exact_exp2(-age_us / (double)half_life_us) : 1;
}

static struct rating *find(const struct ratings *r, uint64_t hash)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (r->at[i].hash == hash)
            return &r->at[i];
    return NULL;
}

/* A new one, at the end or in the place of the lowest. */
static struct rating *begin(struct slab *s, struct ratings *r, uint64_t hash, struct str id)
{
    if (r->n < RATINGS_MOST)
        return ratings_add(s, r, hash, id);
    uint32_t lowest = 0;
    for (uint32_t i = 1; i < r->n; i++)
        if (r->at[i].sum < r->at[lowest].sum)
            lowest = i;
    return ratings_replace(s, r, lowest, hash, id);
}

/* Lets all sums stand at `at_us`. */
static void move_on(struct profile *p, int64_t at_us, int64_t half_life_us)
{
    double left = decay(p->rated_us, at_us, half_life_us);
    for (uint32_t i = 0; i < p->ratings.n; i++)
        p->ratings.at[i].sum *= left;
    p->rated_us = at_us;
}

void ratings_count(struct turn *turn)
{
    struct profile *p = turn->p;
    struct ratings *r = &p->ratings;
    const struct event *e = turn->e;
    const struct moment *m = turn->m;
    double weight = weight_of(m->type);
    if (weight == 0 || e->product_id.len == 0)
        return;
    if (r->n == 0)
        p->rated_us = m->at_us;
    uint64_t hash = hash64_str(e->product_id);
    struct rating *x = find(r, hash);
    if (!x) /* before the sums move on, which may make two equal */
        x = begin(turn->slab, r, hash, e->product_id);
    if (m->at_us > p->rated_us)
        move_on(p, m->at_us, m->site->half_life_us);
    x->sum += weight * decay(m->at_us, p->rated_us, m->site->half_life_us);
    if (m->type == EVENT_TYPE_rating_submitted && isfinite(e->rating))
        x->explicit_rating = view_f32(e->rating);
}

/* `left` of the sums, as of now. */
static double rating_of(const struct rating *x, double left)
{
    double s = x->sum * left, implicit = s > 0 ? 5 * s / (s + 5) : 0;
    double told = (double)x->explicit_rating;
    return isnan(told) ? implicit : (2 * told + implicit) / 3;
}

static double left_of(const struct profile *p, const struct moment *m)
{
    return p->ratings.n > 0 ? decay(p->rated_us, m->t_us, m->site->half_life_us) : 1;
}

static double of_product(const struct profile *p, struct str product_id, double left)
{
    if (product_id.len == 0 || p->ratings.n == 0)
        return (double)NAN;
    const struct rating *x = find(&p->ratings, hash64_str(product_id));
    return x ? rating_of(x, left) : (double)NAN;
}

double ratings_of_event(const struct profile *p, const struct moment *m)
{
    return of_product(p, m->event->product_id, left_of(p, m));
}

/* Of products without an explicit rating the one with the greatest sum is the highest. */
static double highest(const struct ratings *r, double left)
{
    const struct rating *plain = NULL;
    double most = -(double)INFINITY;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct rating *x = &r->at[i];
        if (!isnan(x->explicit_rating))
            most = fmax(most, rating_of(x, left));
        else if (!plain || x->sum > plain->sum)
            plain = x;
    }
    return plain ? fmax(most, rating_of(plain, left)) : most;
}

void ratings_put(const struct view *w)
{
    double left = left_of(w->p, w->m);
    view_put(w, FEATURE_implicit_rating, of_product(w->p, w->m->event->product_id, left));
    view_put(w, FEATURE_implicit_rating_max,
             w->p->ratings.n > 0 ? highest(&w->p->ratings, left) : (double)NAN);
}

struct told {
    double rating;
    const struct rating *of;
};

/* Puts it behind its equals; the lowest falls off when there is no room. */
static uint32_t rank(struct told told[RATINGS_TOLD], uint32_t n, struct told x)
{
    uint32_t i = n;
    if (n == RATINGS_TOLD && !(x.rating > told[n - 1].rating))
        return n;
    n = MIN(n + 1, (uint32_t)RATINGS_TOLD);
    for (i = MIN(i, n - 1); i > 0 && told[i - 1].rating < x.rating; i--)
        told[i] = told[i - 1];
    told[i] = x;
    return n;
}

struct wire_list ratings_told(const struct profile *p, const struct moment *m,
                              struct buf *scratch)
{
    struct told told[RATINGS_TOLD];
    uint32_t n = 0;
    double left = left_of(p, m);
    for (uint32_t i = 0; i < p->ratings.n; i++) {
        const struct rating *x = &p->ratings.at[i];
        n = rank(told, n, (struct told){rating_of(x, left), x});
    }
    if (n == 0)
        return (struct wire_list){NULL, 0, 0};
    buf_reset(scratch);
    out_array(scratch, n);
    for (uint32_t i = 0; i < n; i++) {
        struct rated one;
        rated_init(&one);
        one.product_id = str_over(told[i].of->id, told[i].of->id_len);
        one.rating = told[i].rating;
        rated_pack(scratch, &one);
    }
    return (struct wire_list){(const uint8_t *)scratch->at, scratch->len, n};
}
