/* SPDX-License-Identifier: Apache-2.0 */
/* tokens: what each byte says, the ring against a plain list, and tails within sessions. */
#include "featurizer/codes.h"
#include "featurizer/state_pack.h"
#include "featurizer/try.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void bytes_of_a_token(void **state)
{
    (void)state;
    static const struct {
        int64_t gap_us;
        unsigned bucket;
    } gaps[] = {{-1, 0},
                {0, 1},
                {999999, 1},
                {SECOND_US, 2},
                {2 * SECOND_US, 3},
                {4 * SECOND_US - 1, 3},
                {4 * SECOND_US, 4},
                {1800 * SECOND_US, 12},
                {INT64_MAX, 44 + 1}};
    static const struct {
        double price;
        unsigned bucket;
    } prices[] = {{(double)NAN, 0}, {0, 1},          {-0.0, 1},      {-5, 1},
                  {5e-324, 2},      {1e-5, 2},       {0.0078125, 2}, {1, 30},
                  {1.24, 30},       {1.25, 31},      {1.75, 33},     {1.99, 33},
                  {2, 34},          {19.99, 46 + 0}, {1e300, 255},   {(double)INFINITY, 255}};
    struct event e;
    event_init(&e);
    for (size_t i = 0; i < ARRAY_LEN(gaps); i++)
        assert_int_equal(token_of(&e, 3, gaps[i].gap_us), 3 | gaps[i].bucket << 8);
    for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
        e.price = prices[i].price;
        assert_int_equal(token_of(&e, 0, -1), prices[i].bucket << 16);
    }
    /* values of FNV-1a from its authors' test vectors */
    e.path = STR("a");
    assert_int_equal(token_of(&e, 0, -1) >> 32, 0xe40c292c);
    e.product_id = STR("foobar");
    assert_int_equal(token_of(&e, 0, -1) >> 32, 0xbf9cf968);
}

static void ring_is_a_list(void **state)
{
    (void)state;
    enum { STEPS = 3000 };
    static const uint32_t mosts[] = {1, 2, 3, 4, 5, 7, 8, 9, 100, 127, 128};
    struct rng r = rng_stream(1, 1);
    for (size_t k = 0; k < ARRAY_LEN(mosts); k++) {
        struct slab slab = {0};
        struct tokens t = {0};
        uint64_t list[STEPS], scratch[TOKENS_MOST];
        size_t n = 0, first = 0;
        for (unsigned i = 0; i < STEPS; i++) {
            list[n++] = rng_u64(&r);
            tokens_add(&slab, &t, list[n - 1], mosts[k]);
            first = MAX(first, n > mosts[k] ? n - mosts[k] : 0);
            if (rng_below(&r, 200) == 0) {
                uint32_t keep = rng_below(&r, mosts[k] + 1);
                tokens_keep(&slab, &t, keep);
                first = MAX(first, n > keep ? n - keep : 0);
            }
            struct str got = tokens_str(&t, scratch);
            assert_int_equal(got.len, (n - first) * TOKEN_BYTES);
            assert_true(got.len == 0 || memcmp(got.at, list + first, got.len) == 0);
        }
        tokens_add(&slab, &t, 1, 0);
        assert_int_equal(t.n, MIN(n - first, (size_t)TOKENS_MOST));
        tokens_fini(&slab, &t);
        slab_fini(&slab);
    }
}

/* "ACTION.GAP" of each token, as text. */
static const char *described(struct buf *b, struct str tail)
{
    buf_reset(b);
    assert_int_equal(tail.len % TOKEN_BYTES, 0);
    for (size_t i = 0; i < tail.len; i += TOKEN_BYTES)
        buf_printf(b, " %u.%u", (uint8_t)tail.at[i], (uint8_t)tail.at[i + 1]);
    return b->len > 0 ? buf_cstr(b) + 1 : "";
}

struct step {
    const char *type;
    double received_s, ts_s;
    const char *tail; /* of the vector that it leads to */
};

static void walk(struct try *t, const struct step *steps, size_t n)
{
    struct buf b = {0};
    for (size_t i = 0; i < n; i++) {
        struct event e = try_event(steps[i].type, steps[i].received_s, steps[i].ts_s);
        struct vector v[1];
        assert_int_equal(try_vectors(t, try_event_give(t, &e), v, 1), 1);
        assert_string_equal(described(&b, v->tail), steps[i].tail);
    }
    buf_fini(&b);
}

static void tails_follow_sessions(void **state)
{
    (void)state;
    /* 9 click, 32 add_to_cart */
    static const struct step steps[] = {
        {"click", 100, 100, "9.0"},
        {"add_to_cart", 105, 105, "9.0 32.4"},
        {"click", 105, 105, "9.0 32.4 9.1"},
        {"click", 106, 90, "32.4 9.1 9.1"},       /* not so late: takes the newest's time */
        {"add_to_cart", 107, 10, "32.4 9.1 9.1"}, /* late: is not in it */
        {"click", 108, 106, "9.1 9.1 9.2"},
        {"add_to_cart", 1908, 1906, "32.0"}, /* another session */
    };
    struct featurizer_options o = {.idle_us = 1800 * SECOND_US, .tail = 3};
    struct try t;
    try_init_as(&t, &o);
    walk(&t, steps, ARRAY_LEN(steps));
    struct event again = try_event("click", 1909, 1909);
    struct vector v[1];
    (void)try_event_give(&t, &again);
    assert_int_equal(try_vectors(&t, try_event_give(&t, &again), v, 1), 1);
    assert_true(v->verdict == VERDICT_REPEAT && v->tail.len == 0);
    try_fini(&t);
}

/* All that a core holds goes over to a new one with other options, as states of `version`. */
static bool move(struct try *t, const struct featurizer_options *o, uint64_t version)
{
    struct outbox *states = outbox_new();
    struct buf own = {0}, value = {0};
    struct visitor v;
    struct err e = {0};
    featurizer_cut(t->core, 0, &own);
    assert_true(featurizer_pack(t->core, 0, states, 0));
    assert_int_equal(outbox_next(states), 1);
    const struct output *out = outbox_at(states, 0);
    assert_int_equal(visitor_read(&v, out->value.at, out->value.len), WIRE_OK);
    assert_int_equal(v.version, STATE_VERSION);
    v.version = version;
    visitor_pack(&value, &v);
    featurizer_free(t->core);
    t->core = featurizer_new(o);
    featurizer_assign(t->core, 0);
    bool is_taken = featurizer_restore(t->core, 0, out->key, buf_as_str(&value), &e) &&
                    featurizer_restored(t->core, 0, buf_as_str(&own), &e);
    assert_true(is_taken || e.code == EXIT_CODE_CONFIG);
    buf_fini(&own);
    buf_fini(&value);
    outbox_free(states);
    return is_taken;
}

static void options_change_in_mid_session(void **state)
{
    (void)state;
    static const struct step before[] = {{"click", 1, 1, "9.0"}, {"click", 2, 2, "9.0 9.2"}},
                             more[] = {{"click", 3, 3, "9.0 9.2 9.2"},
                                       {"click", 4, 4, "9.0 9.2 9.2 9.2"}},
                             less[] = {{"add_to_cart", 5, 5, "9.2 32.2"}},
                             none[] = {{"click", 6, 6, ""}}, late[] = {{"click", 80, -900, ""}},
                             again[] = {{"click", 81, 81, "9.8"}, {"click", 82, 82, "9.8 9.2"}};
    struct featurizer_options o = {.idle_us = 1800 * SECOND_US, .tail = 2};
    struct try t;
    try_init_as(&t, &o);
    walk(&t, before, ARRAY_LEN(before));
    o.tail = 128;
    assert_true(move(&t, &o, STATE_VERSION));
    walk(&t, more, ARRAY_LEN(more));
    o.tail = 2;
    assert_true(move(&t, &o, STATE_VERSION));
    walk(&t, less, ARRAY_LEN(less));
    o.tail = 0;
    assert_true(move(&t, &o, STATE_VERSION));
    walk(&t, late, ARRAY_LEN(late));
    walk(&t, none, ARRAY_LEN(none));
    o.tail = 128;
    assert_true(move(&t, &o, STATE_VERSION));
    walk(&t, again, ARRAY_LEN(again));
    try_fini(&t);
}

static void unknown_versions_are_refused(void **state)
{
    (void)state;
    static const uint64_t versions[] = {0, STATE_VERSION + 1, UINT64_MAX};
    struct featurizer_options o = {.idle_us = 1800 * SECOND_US};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct try t;
        try_init_as(&t, &o);
        struct event e = try_event("click", 1, 1);
        (void)try_event_give(&t, &e);
        assert_false(move(&t, &o, versions[i]));
        try_fini(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_of_a_token),
        cmocka_unit_test(ring_is_a_list),
        cmocka_unit_test(tails_follow_sessions),
        cmocka_unit_test(options_change_in_mid_session),
        cmocka_unit_test(unknown_versions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
