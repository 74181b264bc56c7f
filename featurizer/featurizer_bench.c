/* SPDX-License-Identifier: Apache-2.0 */
/* The core alone: events of 100,000 visitors, of the size of the simulated shop's, and what a
 * checkpoint and a restore of these visitors take. */
#include "common/base/clock.h"
#include "featurizer/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { VISITORS = 100000, WARM = 300000, EVENTS = 400000, ROUNDS = 5 };

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* An event like the shop's: some 20 fields. */
static void shop_event(struct rng *r, uint64_t n, int64_t now_us, struct buf *out)
{
    static const char *const types[] = {"page_view",        "product_view", "product_view",
                                        "scroll",           "add_to_cart",  "click",
                                        "search_performed", "purchase"};
    char visitor[48], id[48], product[16], path[32];
    struct event e;
    event_init(&e);
    unsigned number = rng_below(r, 500), who = rng_below(r, VISITORS);
    (void)snprintf(visitor, sizeof visitor, "b7c9d3e0-1111-4222-8333-%012u", who);
    (void)snprintf(id, sizeof id, "0a1b2c3d-4e5f-4a6b-8c7d-%012llu", (unsigned long long)n);
    (void)snprintf(product, sizeof product, "p-%03u", number);
    (void)snprintf(path, sizeof path, "/p/p-%03u", number);
    e.epoch = 1;
    e.origin = ORIGIN_RAW;
    e.partition = who % 8;
    e.offset = n;
    e.received_us = now_us;
    e.ts_us = now_us - rng_below(r, 1000000);
    e.site_id = 1;
    e.visitor = e.anonymous_id = str_of(visitor);
    e.event_id = str_of(id);
    e.body_hash = n;
    e.type = str_of(types[rng_below(r, ARRAY_LEN(types))]);
    e.source = STR("web");
    e.path = str_of(path);
    e.url = STR("https://shop.example/p/p-123?utm_source=google&utm_medium=cpc");
    e.title = STR("A product of the shop");
    e.referrer = STR("https://www.google.com/");
    e.device = STR("mobile");
    e.browser = STR("Chrome");
    e.os = STR("Android");
    e.language = STR("de-DE");
    e.utm_campaign = STR("spring_sale");
    e.channel = STR("paid_search");
    e.product_id = str_of(product);
    e.category = STR("electronics/phones");
    e.price = 19.9 + number;
    event_pack(out, &e);
}

struct load {
    struct buf bytes;
    size_t *ends;
};

static struct load load_new(uint64_t first, size_t n, int64_t *now_us, struct rng *r)
{
    struct load l = {.ends = mem_new(n * sizeof *l.ends)};
    for (size_t i = 0; i < n; i++) {
        *now_us += 2000; /* 500 events/s: a session has a few, then ends */
        shop_event(r, first + i, *now_us, &l.bytes);
        l.ends[i] = l.bytes.len;
    }
    return l;
}

static void load_free(struct load *l)
{
    buf_fini(&l->bytes);
    free(l->ends);
}

static void load_give(const struct load *l, size_t n, struct try *t)
{
    size_t at = 0;
    for (size_t i = 0; i < n; at = l->ends[i++]) {
        (void)try_give(t, str_over(l->bytes.at + at, l->ends[i] - at));
        if (outbox_bytes(t->out) > 1 << 20)
            outbox_drop(t->out, outbox_next(t->out));
    }
}

static void checkpoint_rows(struct try *t)
{
    struct outbox *states = outbox_new();
    struct buf own = {0};
    double start = cpu_s();
    featurizer_cut(t->core, 0, &own);
    double cut_s = cpu_s() - start;
    while (!featurizer_pack(t->core, 0, states, clock_mono_us() + 2000))
        ;
    double pack_s = cpu_s() - start;
    uint64_t n = outbox_next(states);
    printf("checkpoint of %llu visitors: cut %.0f us, pack %.2f us and %.0f bytes each\n",
           (unsigned long long)n, cut_s * 1e6, pack_s / (double)n * 1e6,
           (double)outbox_bytes(states) / (double)n);
    struct featurizer *again = featurizer_new(&t->core->options);
    struct err e = {0};
    featurizer_assign(again, 0);
    start = cpu_s();
    for (uint64_t i = 0; i < n; i++) {
        const struct output *o = outbox_at(states, i);
        CHECK(featurizer_restore(again, 0, o->key, o->value, &e));
    }
    CHECK(featurizer_restored(again, 0, buf_as_str(&own), &e));
    printf("restore: %.2f us each, 1,000,000 visitors in %.1f s\n",
           (cpu_s() - start) / (double)n * 1e6, (cpu_s() - start) / (double)n * 1e6);
    featurizer_free(again);
    outbox_free(states);
    buf_fini(&own);
}

static void run(uint32_t tail)
{
    struct featurizer_options o = {.idle_us = 1800 * SECOND_US, .tail = tail};
    struct try t;
    struct rng r = rng_stream(1, 1);
    int64_t now_us = TRY_T0;
    double us[ROUNDS];
    try_init_as(&t, &o);
    for (unsigned raw = 0; raw < 8; raw++)
        (void)try_tick(&t, raw, 8, 0);
    struct load warm = load_new(0, WARM, &now_us, &r);
    load_give(&warm, WARM, &t);
    load_free(&warm);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct load l = load_new(WARM + i * EVENTS, EVENTS, &now_us, &r);
        double start = cpu_s();
        load_give(&l, EVENTS, &t);
        us[i] = (cpu_s() - start) / EVENTS * 1e6;
        load_free(&l);
    }
    qsort(us, ROUNDS, sizeof us[0], by_value);
    printf("featurizer core, tail %u, %zu visitors, %llu sessions closed: median %.2f us CPU "
           "an event, "
           "best "
           "%.2f, worst %.2f: %.0f events/s\n",
           tail, featurizer_visitors(t.core), (unsigned long long)t.core->counts.sessions,
           us[ROUNDS / 2], us[0], us[ROUNDS - 1], 1e6 / us[ROUNDS / 2]);
    printf("memory: %zu bytes a visitor\n",
           featurizer_state_bytes(t.core) / featurizer_visitors(t.core));
    checkpoint_rows(&t);
    try_fini(&t);
}

int main(void)
{
    run(0);
    run(TOKENS_MOST);
    return 0;
}
