/* SPDX-License-Identifier: Apache-2.0 */
/* Recent ids: what counts as a repeat or a conflict, for how long, and what is kept. */
#include "common/base/rng.h"
#include "featurizer/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define T0 ((int64_t)1767571200 * SECOND_US)

struct ids {
    struct slab slab;
    struct recent r;
};

static enum verdict judge(const struct ids *x, uint64_t id, uint64_t body, int64_t received_us)
{
    struct recent_entry e = recent_entry_of(id, body, received_us);
    return recent_judge(&x->r, &e);
}

static void add(struct ids *x, uint64_t id, uint64_t body, int64_t received_us)
{
    struct recent_entry e = recent_entry_of(id, body, received_us);
    recent_add(&x->slab, &x->r, &e);
}

static void fini(struct ids *x)
{
    recent_fini(&x->slab, &x->r);
    assert_int_equal(x->slab.used, 0);
    slab_fini(&x->slab);
}

static void bodies_tell_repeats_from_conflicts(void **state)
{
    (void)state;
    struct ids x = {0};
    const uint64_t high = (uint64_t)1 << 32;
    assert_int_equal(judge(&x, 1, 10, T0), VERDICT_COUNTS);
    add(&x, 1, 10, T0);
    assert_int_equal(judge(&x, 1, 10, T0), VERDICT_REPEAT);
    assert_int_equal(judge(&x, 1, 11, T0), VERDICT_CONFLICT);
    assert_int_equal(judge(&x, 2, 10, T0), VERDICT_COUNTS);
    assert_int_equal(judge(&x, 1 + high, 10, T0), VERDICT_COUNTS); /* ids count whole */
    assert_int_equal(judge(&x, 1, 10 + high, T0), VERDICT_REPEAT); /* of bodies the low half */
    add(&x, 1, 12, T0);
    assert_int_equal(judge(&x, 1, 12, T0), VERDICT_REPEAT); /* the newest decides */
    assert_int_equal(judge(&x, 1, 10, T0), VERDICT_CONFLICT);
    fini(&x);
}

/* 7 days between whole seconds, whatever their fractions. */
static void ids_are_known_for_seven_days(void **state)
{
    (void)state;
    const int64_t week = 7 * DAY_US;
    const struct {
        int64_t first_us, second_us;
        enum verdict verdict;
    } rows[] = {
        {T0, T0 + week - SECOND_US, VERDICT_REPEAT},
        {T0, T0 + week - 1, VERDICT_REPEAT},
        {T0, T0 + week, VERDICT_COUNTS},
        {T0 + 999999, T0 + week, VERDICT_COUNTS},
        {T0 + 999999, T0 + week - 1, VERDICT_REPEAT},
        {T0, T0 - week, VERDICT_REPEAT}, /* received earlier: from another partition of raw */
        {-5, 0, VERDICT_REPEAT},
        {INT64_MIN, INT64_MAX, VERDICT_COUNTS},
        {INT64_MAX, INT64_MAX, VERDICT_REPEAT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ids x = {0};
        add(&x, 1, 10, rows[i].first_us);
        assert_int_equal(judge(&x, 1, 10, rows[i].second_us), rows[i].verdict);
        assert_int_equal(x.r.n, 1); /* judging drops none */
        add(&x, 2, 10, rows[i].second_us);
        assert_int_equal(x.r.n, rows[i].verdict == VERDICT_COUNTS ? 1 : 2);
        fini(&x);
    }
}

/* Against a plain list with the same rules; times jump, also backwards. */
static void ring_is_a_list(void **state)
{
    (void)state;
    enum { STEPS = 30000 };
    struct recent_entry *list = calloc(STEPS, sizeof *list);
    assert_non_null(list);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct rng rng = rng_stream(seed, 1);
        struct ids x = {0};
        size_t first = 0, n = 0;
        int64_t now_us = T0;
        bool was_full = false, was_dropped = false;
        for (unsigned i = 0; i < STEPS; i++) {
            now_us += rng_below(&rng, 3000) == 0 ? 6 * DAY_US + 20 * HOUR_US
                                                 : rng_below(&rng, 900000000);
            int64_t at_us = now_us - (rng_below(&rng, 4) ? 0 : rng_below(&rng, 4000000000u));
            struct recent_entry e = recent_entry_of(rng_u64(&rng), i, at_us);
            for (; n > 0 && e.received_s >= (int64_t)list[first].received_s + RECENT_S; n--) {
                first++;
                was_dropped = true;
            }
            if (n == RECENT_MOST) {
                first++;
                n--;
                was_full = true;
            }
            list[first + n++] = e;
            recent_add(&x.slab, &x.r, &e);
            assert_int_equal(x.r.n, n);
            for (size_t k = 0; i % 64 == 0 && k < n; k++) {
                struct recent_entry kept = recent_at(&x.r, (uint32_t)k);
                assert_memory_equal(&kept, &list[first + k], sizeof kept);
            }
        }
        assert_true(was_full && was_dropped);
        fini(&x);
    }
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_tell_repeats_from_conflicts),
        cmocka_unit_test(ids_are_known_for_seven_days),
        cmocka_unit_test(ring_is_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
