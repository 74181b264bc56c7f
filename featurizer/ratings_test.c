/* SPDX-License-Identifier: Apache-2.0 */
/* Ratings against an oracle that keeps every act, over years, with late ones and those of
 * imports; and the list that vectors carry. */
#include "featurizer/ratings.h"

#include "common/base/rng.h"
#include "common/wire/in.h"
#include "featurizer/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { STEPS = 2500, PRODUCTS = 60, ID = 16 };

struct act {
    int64_t at_us;
    double weight;
};

struct rated_product {
    char id[ID];
    struct act acts[STEPS];
    unsigned n;
    double told; /* NaN = none */
};

/* features.def word for word: nothing is summed up before it is asked for. */
struct oracle {
    struct rated_product *list; /* RATINGS_MOST */
    unsigned n;
    int64_t newest_us;
    double half_life_us;
};

static long double oracle_sum(const struct oracle *o, unsigned i, int64_t t_us)
{
    long double sum = 0;
    int64_t now_us = MAX(t_us, o->newest_us);
    for (unsigned a = 0; a < o->list[i].n; a++) {
        const struct act *act = &o->list[i].acts[a];
        sum += (long double)act->weight *
               exp2l(-(long double)(now_us - act->at_us) / (long double)o->half_life_us);
    }
    return sum;
}

static double oracle_rating(const struct oracle *o, unsigned i, int64_t t_us)
{
    long double s = oracle_sum(o, i, t_us), implicit = s > 0 ? 5 * s / (s + 5) : 0;
    double told = o->list[i].told;
    return (double)(isnan(told) ? implicit : (2 * (long double)told + implicit) / 3);
}

static void oracle_add(struct oracle *o, const char *id, const struct moment *m, double weight)
{
    unsigned i = 0;
    while (i < o->n && strcmp(o->list[i].id, id) != 0)
        i++;
    if (i == RATINGS_MOST) {
        i = 0;
        for (unsigned j = 1; j < o->n; j++)
            i = oracle_sum(o, j, m->t_us) < oracle_sum(o, i, m->t_us) ? j : i;
        o->list[i].n = 0;
    }
    struct rated_product *x = &o->list[i];
    if (i == o->n || x->n == 0) {
        o->n = MAX(o->n, i + 1);
        x->told = (double)NAN;
        (void)snprintf(x->id, ID, "%s", id);
    }
    x->acts[x->n++] = (struct act){m->at_us, weight};
    o->newest_us = MAX(o->newest_us, m->at_us);
    if (m->type == EVENT_TYPE_rating_submitted && !isnan(m->event->rating))
        x->told = (double)(float)m->event->rating;
}

/* A visitor, its newest event and the oracle. */
struct walk {
    struct rng rng;
    struct slab slab;
    struct profile p;
    struct site_rules site;
    struct event e;
    struct moment m;
    char id[ID];
    struct oracle o;
    struct buf told;
};

static const struct weighed {
    uint8_t type;
    double weight;
} weighed[] = {
    {EVENT_TYPE_purchase, 10},          {EVENT_TYPE_product_view, 2},
    {EVENT_TYPE_page_view, 1},          {EVENT_TYPE_remove_from_cart, -2},
    {EVENT_TYPE_group_leave, -3},       {EVENT_TYPE_rating_submitted, 4},
    {EVENT_TYPE_search_performed, 1.5}, {EVENT_TYPE_add_to_cart, 6},
};

static void walk_init(struct walk *w, uint64_t seed, int64_t half_life_us)
{
    *w = (struct walk){.rng = rng_stream(seed, 9)};
    w->site.half_life_us = half_life_us;
    w->o.half_life_us = (double)half_life_us;
    w->o.list = mem_zero(RATINGS_MOST, sizeof *w->o.list);
    event_init(&w->e);
    w->m = (struct moment){.event = &w->e, .site = &w->site};
    w->m.t_us = w->m.at_us = (int64_t)1600000000 * SECOND_US;
}

static void walk_fini(struct walk *w)
{
    profile_clear(&w->slab, &w->p);
    slab_fini(&w->slab);
    buf_fini(&w->told);
    free(w->o.list);
}

static void give(struct walk *w, const struct weighed *what, const char *id)
{
    struct turn turn = {.slab = &w->slab, .p = &w->p, .m = &w->m, .e = &w->e};
    (void)snprintf(w->id, ID, "%s", id);
    w->e.product_id = str_of(w->id);
    w->m.type = what->type;
    ratings_count(&turn);
    oracle_add(&w->o, w->id, &w->m, what->weight);
}

static void must_agree(struct walk *w)
{
    double most = -(double)INFINITY;
    assert_int_equal(w->p.ratings.n, w->o.n);
    for (unsigned i = 0; i < w->o.n; i++) {
        double want = oracle_rating(&w->o, i, w->m.t_us);
        w->e.product_id = str_of(w->o.list[i].id);
        assert_true(fabs(ratings_of_event(&w->p, &w->m) - want) <= 1e-9);
        most = fmax(most, want);
    }
    float out[FEATURES_N];
    struct view view = {.p = &w->p, .m = &w->m, .t_us = w->m.t_us, .out = out};
    ratings_put(&view);
    assert_true(fabs((double)out[FEATURE_implicit_rating_max] - most) <= 1e-6);
    double want = oracle_rating(&w->o, w->o.n - 1, w->m.t_us); /* the one asked for last */
    assert_true(fabs((double)out[FEATURE_implicit_rating] - want) <= 1e-6);
}

/* How many are above a rating, beyond doubt. */
static unsigned above(const struct walk *w, double rating)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->o.n; i++)
        n += oracle_rating(&w->o, i, w->m.t_us) > rating + 1e-9;
    return n;
}

static void list_must_agree(struct walk *w)
{
    struct wire_list told = ratings_told(&w->p, &w->m, &w->told);
    struct in in = in_over(told.at, told.len);
    double before = (double)INFINITY;
    assert_int_equal(told.n, MIN(w->o.n, (unsigned)RATINGS_TOLD));
    assert_int_equal(in_array(&in), told.n);
    for (unsigned n = 0; n < told.n; n++) {
        struct rated one;
        struct str item = in_raw(&in);
        assert_int_equal(rated_read(&one, item.at, item.len), WIRE_OK);
        w->e.product_id = one.product_id;
        assert_true(ratings_of_event(&w->p, &w->m) == one.rating);
        assert_true(one.rating <= before);
        assert_true(above(w, one.rating) <= n);
        before = one.rating;
    }
    assert_true(!in.bad && in.at == in.end);
}

/* Most acts follow each other; some come late, some from another lane, whose t is old too. */
static void step(struct walk *w, int64_t now_us, int64_t span_us)
{
    char id[ID];
    int64_t back_us = (int64_t)(rng_unit(&w->rng) * (double)span_us / 2);
    unsigned way = rng_below(&w->rng, 10);
    w->m.at_us = way < 7 ? now_us : now_us - back_us;
    w->m.t_us = way < 9 ? now_us : w->m.at_us;
    w->m.is_late = way == 7 || way == 8;
    w->e.rating = rng_below(&w->rng, 3) ? rng_unit(&w->rng) * 5 : (double)NAN;
    (void)snprintf(id, sizeof id, "p%u", rng_below(&w->rng, PRODUCTS));
    give(w, &weighed[rng_below(&w->rng, ARRAY_LEN(weighed))], id);
}

static void acts_sum_up_as_defined(void **state)
{
    (void)state;
    static const int half_lives_d[] = {1, 30, 400};
    for (unsigned i = 0; i < ARRAY_LEN(half_lives_d); i++) {
        struct walk w;
        int64_t half_life_us = half_lives_d[i] * DAY_US;
        int64_t span_us = MIN(900 * half_life_us, 2920 * DAY_US); /* 8 years */
        walk_init(&w, i, half_life_us);
        int64_t now_us = w.m.t_us;
        for (unsigned n = 0; n < STEPS; n++) {
            now_us += (int64_t)(rng_unit(&w.rng) * 2 * (double)span_us / STEPS);
            step(&w, now_us, span_us);
            must_agree(&w);
            if (n % 16 == 0)
                list_must_agree(&w);
        }
        assert_int_equal(w.o.n, RATINGS_MOST);
        walk_fini(&w);
    }
}

/* Beyond all precision: nothing is lost but what is nothing, and no number is no number. */
static void centuries_are_no_harm(void **state)
{
    (void)state;
    struct walk w;
    walk_init(&w, 1, DAY_US);
    int64_t start_us = w.m.t_us;
    give(&w, &weighed[0], "a");
    w.m.t_us = w.m.at_us = INT64_MAX;
    give(&w, &weighed[1], "b");
    assert_true(fabs(ratings_of_event(&w.p, &w.m) - 10.0 / 7) <= 1e-9);
    w.e.product_id = STR("a");
    assert_true(fabs(ratings_of_event(&w.p, &w.m) - 0) <= 0);
    w.m.at_us = start_us;
    give(&w, &weighed[0], "b");
    assert_true(fabs(ratings_of_event(&w.p, &w.m) - 10.0 / 7) <= 1e-9);
    walk_fini(&w);
}

static void equals_stand_as_in_the_list(void **state)
{
    (void)state;
    struct walk w;
    walk_init(&w, 1, DAY_US);
    for (unsigned i = 0; i < 20; i++) {
        char id[ID];
        (void)snprintf(id, sizeof id, "p%u", i);
        give(&w, &weighed[i == 18 ? 0 : i < 9 ? 3 : 1], id); /* 0, and 10 / 7; one is above */
    }
    static const char *const want[] = {"p18", "p9",  "p10", "p11", "p12", "p13", "p14", "p15",
                                       "p16", "p17", "p19", "p0",  "p1",  "p2",  "p3",  "p4"};
    struct wire_list told = ratings_told(&w.p, &w.m, &w.told);
    struct in in = in_over(told.at, told.len);
    assert_int_equal(in_array(&in), RATINGS_TOLD);
    for (unsigned i = 0; i < RATINGS_TOLD; i++) {
        struct rated one;
        struct str item = in_raw(&in);
        assert_int_equal(rated_read(&one, item.at, item.len), WIRE_OK);
        assert_true(str_is(one.product_id, want[i]));
    }
    walk_fini(&w);
}

static void nothing_is_rated_at_first(void **state)
{
    (void)state;
    struct walk w;
    walk_init(&w, 1, DAY_US);
    w.e.product_id = STR("a");
    assert_true(isnan(ratings_of_event(&w.p, &w.m)));
    assert_int_equal(ratings_told(&w.p, &w.m, &w.told).n, 0);
    walk_fini(&w);
}

/* Cut between letters, and no id is as another of the same beginning. */
static void ids_are_cut(void **state)
{
    (void)state;
    static const char euros[] = "0123456789012345678901234567890123456789012345678901234567890"
                                "12\xe2\x82\xac and more";
    struct walk w;
    walk_init(&w, 1, DAY_US);
    struct turn turn = {.slab = &w.slab, .p = &w.p, .m = &w.m, .e = &w.e};
    w.m.type = EVENT_TYPE_product_view;
    w.e.product_id = str_of(euros);
    ratings_count(&turn);
    w.e.product_id.len--;
    assert_true(isnan(ratings_of_event(&w.p, &w.m)));
    ratings_count(&turn);
    assert_int_equal(w.p.ratings.n, 2);
    assert_int_equal(w.p.ratings.at[0].id_len, 63);
    struct wire_list told = ratings_told(&w.p, &w.m, &w.told);
    struct in in = in_over(told.at, told.len);
    struct rated one;
    assert_int_equal(in_array(&in), 2);
    struct str item = in_raw(&in);
    assert_int_equal(rated_read(&one, item.at, item.len), WIRE_OK);
    assert_int_equal(one.product_id.len, 63);
    walk_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acts_sum_up_as_defined),
        cmocka_unit_test(centuries_are_no_harm),
        cmocka_unit_test(equals_stand_as_in_the_list),
        cmocka_unit_test(nothing_is_rated_at_first),
        cmocka_unit_test(ids_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
