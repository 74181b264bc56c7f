/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/hash.h"
#include "test/shop/event_json.h"
#include "test/shop/offer.h"
#include "test/shop/past.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define END_US (INT64_C(1718000000) * SECOND_US)

/* What came of a day on which each event, with some probability, led to an offer. */
struct day {
    uint64_t hash; /* over all courses */
    unsigned offers, reached, moved;
    double without, with; /* sums, of those reached */
    unsigned converted;   /* of the reached, in the rest of their session */
    double spread;        /* variance of `moved`, and of `converted` */
};

/* Whether each reached offer's session converted behind it. */
struct waiting {
    uint64_t session;
    size_t behind;
};

static void check_course(const struct session *s)
{
    for (size_t i = 1; i < s->n; i++) {
        int64_t gap_us = s->steps[i].ts_us - s->steps[i - 1].ts_us;
        assert_true(gap_us > 0 && gap_us <= SHOP_GAP_MAX_US + 1);
        assert_int_equal(s->steps[i].n_lines == 0, s->steps[i].action == ACTION_PURCHASE
                                                       ? false
                                                       : s->steps[i].after.cart == 0);
    }
    assert_true(s->steps[s->n - 1].ts_us - s->steps[0].ts_us <= SHOP_SESSION_MAX_US);
    if (s->is_moved)
        assert_int_equal(s->steps[s->n - 1].action, ACTION_PURCHASE);
}

static void hash_event(struct day *d, struct buf *b, const struct session *s,
                       const struct product *products)
{
    const struct step *step = &s->steps[s->next - 1];
    buf_reset(b);
    buf_printf(b, "%llx", (unsigned long long)d->hash);
    event_json(b, s, s->next - 1, step->ts_us, step->ts_us, products);
    d->hash = hash64(b->at, b->len);
}

/* Gives offers for one event in `every`, none when 0; `wait` has room for all. */
static struct day live_a_day(uint64_t seed, unsigned every, double effect, bool is_held)
{
    struct shop_options so = past_shop(seed);
    struct past_options po = {.seed = seed, .days = 1, .sessions = 3000, .end_us = END_US};
    struct shop *shop = shop_new(&so);
    struct past past;
    struct day d = {0};
    struct buf b = {0};
    int64_t last_us = 0;
    auto_free struct waiting *waits = mem_new(100000 * sizeof(*waits));
    past_init(&past, shop, &po);
    unsigned n_events = 0;
    for (const struct session *s; (s = past_take(&past)) != NULL;) {
        const struct step *step = &s->steps[s->next - 1];
        assert_true(step->ts_us >= last_us);
        last_us = step->ts_us;
        hash_event(&d, &b, s, shop_products(shop));
        for (unsigned i = 0; i < d.reached && s->next == s->n; i++)
            if (waits[i].session == s->number)
                d.converted += session_converts_later(s, waits[i].behind, s->n);
        if (s->next == s->n)
            check_course(s);
        if (every == 0 || ++n_events % every != 0)
            continue;
        struct offer o = {.salt = n_events, .effect = effect, .is_held = is_held};
        size_t behind = s->next - 1;
        uint64_t session = s->number;
        bool is_over = s->next == s->n;
        struct offered told = shop_offer(shop, s->visitor.number, &o, last_us, 1);
        assert_int_equal(told.is_reached, !is_over);
        d.offers++;
        d.moved += told.is_moved;
        if (told.is_reached)
            waits[d.reached++] = (struct waiting){session, behind};
        d.without += told.p_without;
        d.with += told.p_with;
        d.spread += told.p_with * (1 - told.p_with) + told.p_without * (1 - told.p_without);
    }
    buf_fini(&b);
    past_fini(&past);
    shop_free(shop);
    return d;
}

static void who_is_not_moved_stays_as_he_was(void **state)
{
    (void)state;
    struct day none = live_a_day(4, 0, 0, false), held = live_a_day(4, 3, 1, true);
    struct day idle = live_a_day(4, 3, 0, false), moved = live_a_day(4, 3, .3, false);
    assert_true(none.hash == held.hash && none.hash == idle.hash);
    assert_true(held.reached > 1000 && held.moved == 0 && idle.moved == 0);
    assert_true(held.reached < held.offers);
    assert_true(held.with > held.without && idle.with == idle.without);
    assert_true(moved.hash != none.hash && moved.moved > 0);
    struct day again = live_a_day(4, 3, .3, false);
    assert_true(again.hash == moved.hash && again.moved == moved.moved);
}

static void all_are_moved_by_full_effect(void **state)
{
    (void)state;
    struct day d = live_a_day(5, 1, 1, false);
    assert_true(d.reached > 1000 && d.converted == d.reached);
    assert_true(fabs(d.with - d.reached) < 1e-6);
}

/* Rare offers, so that hardly a session gets two. */
static void the_truth_is_told(void **state)
{
    (void)state;
    double held = 0, want_held = 0, given = 0, want_given = 0, moved = 0, spread = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct day a = live_a_day(seed, 40, .3, true), b = live_a_day(seed, 40, .3, false);
        held += a.converted;
        want_held += a.without;
        given += b.converted;
        want_given += b.with;
        moved += b.moved - (b.with - b.without);
        spread += b.spread;
    }
    assert_true(want_given - want_held > 200);
    assert_true(fabs(held - want_held) < 4 * sqrt(spread));
    assert_true(fabs(given - want_given) < 4 * sqrt(spread));
    assert_true(fabs(moved) < 4 * sqrt(spread));
}

static void nobody_is_found_by_another_name(void **state)
{
    (void)state;
    struct shop_options so = past_shop(1);
    struct shop *shop = shop_new(&so);
    struct decision d = {.id = STR("1-0-0-0"), .visitor = STR("stranger")};
    char visitor[EVENT_ID_SIZE];
    assert_false(offer_give(shop, &d, 1, END_US, 1).is_reached);
    const struct session *s = NULL;
    for (int64_t at_us = END_US; !s || s->next == s->n; at_us += HOUR_US) {
        assert_true(shop_arrive(shop, at_us, INT64_MAX, 1));
        if (s)
            continue;
        s = shop_take(shop);
    }
    event_visitor(&s->visitor, visitor);
    assert_false(offer_give(shop, &d, 1, END_US, 1).is_reached);
    d.visitor = str_of(visitor);
    struct offered told = offer_give(shop, &d, 1, END_US, 1);
    assert_true(told.is_reached && told.p_with == 1);
    struct buf b = {0};
    offer_line(&b, &d, &told);
    struct str line = buf_as_str(&b), rest;
    assert_true(str_is(str_cut(line, ',', &rest), "1-0-0-0"));
    assert_true(str_is(str_cut(rest, ',', &rest), visitor));
    assert_true(str_starts(rest, STR("0,1,")) && str_ends(rest, STR(",1.000000000\n")));
    buf_fini(&b);
    shop_free(shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_not_moved_stays_as_he_was),
        cmocka_unit_test(all_are_moved_by_full_effect),
        cmocka_unit_test(the_truth_is_told),
        cmocka_unit_test(nobody_is_found_by_another_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
