/* SPDX-License-Identifier: Apache-2.0 */
/* Rings against a list of all that was counted, on random walks of time. */
#include "featurizer/rings.h"

#include "common/base/rng.h"
#include "featurizer/codes.h"
#include "featurizer/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 3000, WALKS = 12 };

struct walk {
    struct profile p;
    int64_t at_us[STEPS];
    uint8_t types[STEPS];
    unsigned n;
};

/* The definition: of the n buckets up to that of t, what is no older than n buckets against the
 * newest that any event had. */
static uint32_t by_definition(const struct walk *w, int64_t bucket_us, int64_t n, int64_t t_us,
                              uint8_t type)
{
    int64_t newest = 0, to = t_us / bucket_us;
    uint32_t count = 0;
    for (unsigned i = 0; i < w->n; i++)
        newest = MAX(newest, w->at_us[i] / bucket_us);
    for (unsigned i = 0; i < w->n; i++) {
        int64_t b = w->at_us[i] / bucket_us;
        count += b <= to && b > to - n && b > newest - n &&
                 (type == CODE_NONE || type == w->types[i]);
    }
    return count;
}

#define CHECK_RING(cells, head, bucket_us, type)                                              \
    assert_int_equal(                                                                         \
        ring_sum(w->p.cells, ARRAY_LEN(w->p.cells), w->p.head, ring_bucket(t_us, bucket_us)), \
        by_definition(w, bucket_us, ARRAY_LEN(w->p.cells), t_us, type))
static void check(const struct walk *w, int64_t t_us)
{
    CHECK_RING(events_30s, bucket_30s, BUCKET_30S_US, CODE_NONE);
    CHECK_RING(events_5m, bucket_5m, BUCKET_5M_US, CODE_NONE);
    CHECK_RING(events_1h, bucket_1h, BUCKET_1H_US, CODE_NONE);
    CHECK_RING(views_5m, bucket_5m, BUCKET_5M_US, EVENT_TYPE_product_view);
    CHECK_RING(views_1h, bucket_1h, BUCKET_1H_US, EVENT_TYPE_product_view);
    CHECK_RING(carts_1h, bucket_1h, BUCKET_1H_US, EVENT_TYPE_add_to_cart);
}

/* Mostly seconds on, at times back within or beyond the rings, at times days on. */
static int64_t next_us(struct rng *r, int64_t now_us, unsigned scale)
{
    unsigned kind = rng_below(r, 40);
    int64_t some_us = (int64_t)rng_below(r, 1000 * scale) * 1000;
    if (kind == 0)
        return now_us + DAY_US * (int64_t)rng_below(r, 3) + some_us;
    if (kind < 8)
        return MAX(now_us - 40 * some_us, (int64_t)0);
    return now_us + some_us;
}

static void walks_are_counted(void **state)
{
    (void)state;
    static const uint8_t types[] = {EVENT_TYPE_click, EVENT_TYPE_product_view,
                                    EVENT_TYPE_add_to_cart};
    static const unsigned scales[] = {1, 20, 120, 1200}; /* seconds between events */
    static struct walk walk, *w = &walk;
    for (unsigned k = 0; k < WALKS; k++) {
        struct rng r = rng_stream(5, k);
        int64_t now_us = k % 3 == 0 ? 0 : (int64_t)1767571200 * SECOND_US;
        memset(w, 0, sizeof *w);
        while (w->n < STEPS) {
            now_us = next_us(&r, now_us, scales[k % ARRAY_LEN(scales)]);
            w->at_us[w->n] = now_us;
            w->types[w->n] = types[rng_below(&r, ARRAY_LEN(types))];
            rings_count(&w->p, w->types[w->n], now_us);
            w->n++;
            check(w, now_us);
            check(w, next_us(&r, now_us, 120));
        }
    }
}

static void cells_stop(void **state)
{
    (void)state;
    struct profile p = {.bucket_30s = 0};
    for (unsigned i = 0; i < 70000; i++)
        rings_count(&p, EVENT_TYPE_click, SECOND_US);
    assert_int_equal(ring_sum(p.events_30s, ARRAY_LEN(p.events_30s), p.bucket_30s, 0), 65535);
    rings_count(&p, EVENT_TYPE_click, 31 * SECOND_US);
    assert_int_equal(ring_sum(p.events_30s, ARRAY_LEN(p.events_30s), p.bucket_30s, 1), 65536);
}

/* Times that no event has, and heads that no log leads to. */
static void ends_of_time(void **state)
{
    (void)state;
    struct profile p = {.bucket_30s = 0};
    rings_count(&p, EVENT_TYPE_click, INT64_MIN);
    rings_count(&p, EVENT_TYPE_click, INT64_MAX);
    rings_count(&p, EVENT_TYPE_click, 0);
    uint64_t last = ring_bucket(INT64_MAX, BUCKET_30S_US);
    assert_true(p.bucket_30s == last && p.bucket_1h == ring_bucket(INT64_MAX, BUCKET_1H_US));
    assert_int_equal(ring_sum(p.events_30s, ARRAY_LEN(p.events_30s), last, last), 1);
    assert_int_equal(ring_sum(p.events_30s, ARRAY_LEN(p.events_30s), last, 0), 0);
    assert_int_equal(ring_sum(p.events_30s, ARRAY_LEN(p.events_30s), UINT64_MAX, 3), 0);
    assert_int_equal(ring_sum(p.events_30s, ARRAY_LEN(p.events_30s), 3, UINT64_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_are_counted),
        cmocka_unit_test(cells_stop),
        cmocka_unit_test(ends_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
