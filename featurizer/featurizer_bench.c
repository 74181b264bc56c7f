/* SPDX-License-Identifier: Apache-2.0 */
/* The core alone, with a million visitors whose activity follows Zipf's law (exponent 1) and
 * events of the size of the simulated shop's: events a second, what a visitor takes in memory
 * and packed, what checkpoints and a restore take, and all of it with memory for half of them.
 * One partition, one thread, CPU time. --quick: a fiftieth of it. */
#include "common/base/clock.h"
#include "featurizer/recent.h"
#include "featurizer/try.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { VISITORS = 1000000, EVENTS_EACH = 3, EVENTS = 200000, ROUNDS = 5, QUICK = 50 };
enum { EVENT_US = 2000, FILL_US = 30000 }; /* time between events, and while filling */
enum { PIECE = 20000, DROP_AT = 1 << 20 };

struct bench {
    struct try t;
    struct rng rng;
    uint32_t visitors, events;
    uint64_t n; /* events so far */
    int64_t now_us;
    uint64_t vectors, vector_bytes; /* outputs to features, and keys and values of them */
};

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

/* By rank: P(k) is as ln((k + 2) / (k + 1)), nearly 1 / (k + 1). Ranks are spread over the
 * numbers, or the busiest would have come first. */
static uint32_t zipf(struct rng *r, uint32_t n)
{
    uint32_t rank = (uint32_t)pow((double)n + 1, rng_unit(r)) - 1;
    return (uint32_t)((uint64_t)(rank < n ? rank : n - 1) * 999983 % n);
}

static struct str key_of(uint32_t who, char out[64])
{
    int len = snprintf(out, 64, "1:b7c9d3e0-1111-4222-8333-%012u", who);
    return str_over(out, (size_t)len);
}

/* An event like the shop's: some 25 fields. */
static void shop_event(struct bench *b, uint32_t who, struct buf *out)
{
    static const char *const types[] = {
        "page_view", "page_view", "product_view",     "product_view", "scroll", "add_to_cart",
        "click",     "click",     "search_performed", "purchase",     "error",  "video_play"};
    static const char *const words[] = {"electronics/phones", "garden", "toys", "books/new"};
    struct rng *r = &b->rng;
    char visitor[64], id[48], product[16], path[32];
    struct event e;
    event_init(&e);
    unsigned number = rng_below(r, 500);
    (void)key_of(who, visitor);
    (void)snprintf(id, sizeof id, "0a1b2c3d-4e5f-4a6b-8c7d-%012llu", (unsigned long long)b->n);
    (void)snprintf(product, sizeof product, "p-%03u", number);
    (void)snprintf(path, sizeof path, "/p/p-%03u", number);
    e.epoch = 1;
    e.origin = ORIGIN_RAW;
    e.partition = who % 8;
    e.offset = b->n;
    e.received_us = b->now_us;
    e.ts_us = b->now_us - rng_below(r, 1000000);
    e.site_id = 1;
    e.visitor = e.anonymous_id = str_of(visitor + 2);
    e.event_id = str_of(id);
    e.body_hash = rng_u64(r);
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
    e.country = STR("DE");
    e.region = STR("BE");
    e.city = STR("Berlin");
    e.utm_campaign = STR("spring_sale");
    e.channel = STR("paid_search");
    e.product_id = str_of(product);
    e.category = str_of(words[rng_below(r, ARRAY_LEN(words))]);
    e.price = 19.9 + number;
    e.value = 19.9 + number;
    e.element = STR("#buy");
    e.depth_pct = rng_below(r, 101);
    event_pack(out, &e);
    b->n++;
}

struct load {
    struct buf bytes;
    size_t ends[PIECE], n;
};

static void take_vectors(struct bench *b)
{
    struct outbox *out = b->t.out;
    for (uint64_t i = outbox_first(out); i < outbox_next(out); i++) {
        const struct output *o = outbox_at(out, i);
        b->vectors += o->topic == TOPIC_features;
        b->vector_bytes += o->topic == TOPIC_features ? o->key.len + o->value.len : 0;
    }
    outbox_drop(out, outbox_next(out));
}

/* Gives the load's events; the CPU seconds that the core took. */
static double load_give(struct bench *b, const struct load *l)
{
    double took = 0, start = cpu_s();
    size_t at = 0;
    for (size_t i = 0; i < l->n; at = l->ends[i++]) {
        (void)try_give(&b->t, str_over(l->bytes.at + at, l->ends[i] - at));
        if (outbox_bytes(b->t.out) < DROP_AT && i + 1 < l->n)
            continue;
        took += cpu_s() - start;
        take_vectors(b);
        start = cpu_s();
    }
    return took;
}

/* Ticks keep the clock going, closings and sweeps with it. */
static void tick_all(struct bench *b)
{
    for (unsigned raw = 0; raw < 8; raw++)
        (void)try_tick(&b->t, raw, 8, (double)(b->now_us - TRY_T0) / 1e6);
}

/* CPU seconds of `n` events by Zipf's law; or of each visitor's turn, when `who` is given. */
static double run(struct bench *b, uint32_t n, uint32_t *who)
{
    struct load *l = mem_zero(1, sizeof *l);
    double took = 0;
    while (n > 0) {
        l->n = MIN(n, (uint32_t)PIECE);
        n -= (uint32_t)l->n;
        buf_reset(&l->bytes);
        for (size_t i = 0; i < l->n; i++) {
            b->now_us += who ? FILL_US : EVENT_US;
            shop_event(b, who ? (*who)++ / EVENTS_EACH : zipf(&b->rng, b->visitors), &l->bytes);
            l->ends[i] = l->bytes.len;
        }
        took += load_give(b, l);
        tick_all(b);
    }
    buf_fini(&l->bytes);
    free(l);
    return took;
}

struct bytes {
    size_t visits, recents, keys;
};

static void add_bytes(struct entry *x, void *to)
{
    const struct profile *p = profile_seen(x);
    struct bytes *n = to;
    n->visits += p->live.visit != NULL;
    n->recents += (size_t)p->recent.cap * RECENT_ENTRY_BYTES;
    n->keys += x->key_len <= 64 ? 64 : 128;
}

static void memory_rows(struct bench *b)
{
    struct entries *v = &b->t.core->partitions[0]->visitors;
    struct bytes n = {0};
    entries_each(v, add_bytes, &n);
    double each = 1.0 / (double)v->n;
    size_t table = (v->mask + 1) * sizeof *v->slots;
    double all = (double)entries_used(v) * each, ids = (double)n.recents * each,
           hot = sizeof(struct profile) + (double)(n.visits * sizeof(struct visit)) * each;
    double rest = all - hot - ids - (double)(n.keys + table) * each;
    printf("memory: %zu visitors, %zu of them in a session; profile %zu bytes, session %zu: "
           "%.0f a visitor, %zu at most\n",
           v->n, n.visits, sizeof(struct profile), sizeof(struct visit), hot,
           sizeof(struct profile) + sizeof(struct visit));
    printf("memory: beside it %.0f recent ids, %.0f key, %.0f slots, %.0f lists and what sizes "
           "are rounded up by; in all %.0f a visitor, %zu MiB\n",
           ids, (double)n.keys * each, (double)table * each, rest, all, entries_used(v) >> 20);
}

static void events_rows(struct bench *b, const char *how)
{
    double us[ROUNDS];
    b->vectors = b->vector_bytes = 0;
    for (unsigned i = 0; i < ROUNDS; i++)
        us[i] = run(b, b->events, NULL) / b->events * 1e6;
    qsort(us, ROUNDS, sizeof us[0], by_value);
    printf("%s: %.0f events/s on one core; median %.0f ns an event, best %.0f, worst %.0f\n",
           how, 1e6 / us[ROUNDS / 2], us[ROUNDS / 2] * 1e3, us[0] * 1e3, us[ROUNDS - 1] * 1e3);
    printf("%s: a vector takes %.0f bytes, %d features of it %zu\n", how,
           (double)b->vector_bytes / (double)b->vectors, FEATURES_N,
           FEATURES_N * sizeof(float));
}

/* As the runtime does it, once a second of CPU time: the entries changed since, in slices. */
static void checkpoint_rows(struct bench *b)
{
    enum { SECONDS = 3 };
    struct outbox *states = outbox_new();
    struct buf own = {0};
    double took = 0, packing = 0;
    uint64_t n = 0, bytes = 0;
    for (unsigned s = 0; s <= SECONDS; s++) {
        double second = 0;
        while (second < 1)
            second += run(b, b->events / 10, NULL);
        double start = cpu_s();
        buf_reset(&own);
        featurizer_cut(b->t.core, 0, &own);
        while (!featurizer_pack(b->t.core, 0, states, clock_mono_us() + 2000))
            ;
        double pack_s = cpu_s() - start;
        if (s > 0) { /* the first has all that was filled in */
            took += second;
            packing += pack_s;
            n += outbox_next(states) - outbox_first(states);
            bytes += outbox_bytes(states);
        }
        outbox_drop(states, outbox_next(states));
    }
    printf("checkpoint each second under full load: %.0f visitors of %.0f bytes, %.2f us each: "
           "%.1f %% of CPU, less what Kafka's client takes\n",
           (double)n / SECONDS, (double)bytes / (double)n, packing / (double)n * 1e6,
           100 * packing / (took + packing));
    outbox_free(states);
    buf_fini(&own);
}

/* Into a new core, twice each, in the order of visitors' numbers: CPU seconds of the restore.
 */
static double restore(struct bench *b, struct featurizer *to, double *packed_bytes)
{
    struct entries *v = &b->t.core->partitions[0]->visitors;
    struct load *l = mem_zero(1, sizeof *l);
    struct err e = {0};
    char text[64];
    double took = 0;
    uint64_t bytes = 0;
    for (uint32_t first = 0; first < 2 * b->visitors; first += (uint32_t)l->n) {
        l->n = MIN((uint32_t)PIECE, 2 * b->visitors - first);
        buf_reset(&l->bytes);
        for (size_t i = 0; i < l->n; i++) {
            uint32_t who = (first + (uint32_t)i) % b->visitors;
            const struct entry *x = entries_find(v, key_of(who, text));
            v->type->pack(&l->bytes, x);
            l->ends[i] = l->bytes.len;
        }
        bytes += l->bytes.len;
        double start = cpu_s();
        size_t at = 0;
        for (size_t i = 0; i < l->n; at = l->ends[i++])
            CHECK(featurizer_restore(to, 0, key_of((first + (uint32_t)i) % b->visitors, text),
                                     str_over(l->bytes.at + at, l->ends[i] - at), &e));
        took += cpu_s() - start;
    }
    struct buf own = {0};
    partition_pack_own(b->t.core->partitions[0], &own);
    double start = cpu_s();
    CHECK(featurizer_restored(to, 0, buf_as_str(&own), &e));
    took += cpu_s() - start;
    *packed_bytes = (double)bytes / (2.0 * b->visitors);
    buf_fini(&own);
    buf_fini(&l->bytes);
    free(l);
    return took;
}

static void restore_rows(struct bench *b)
{
    struct featurizer *to = featurizer_new(&b->t.core->options);
    double bytes;
    featurizer_assign(to, 0);
    double took = restore(b, to, &bytes);
    CHECK(featurizer_visitors(to) == b->visitors);
    printf("packed: %.0f bytes a visitor on average, its key and record included\n", bytes);
    printf("restore of %u visitors from a log of two versions each: %.1f s, %.2f us a record\n",
           b->visitors, took, took / (2.0 * b->visitors) * 1e6);
    featurizer_free(to);
}

static void spill_has_failed(const struct err *e)
{
    (void)fprintf(stderr, "%s\n", e->text);
    _exit(err_exit(e));
}

/* The same state and activity, with memory for half of it. */
static void spill_rows(struct bench *b)
{
    char path[256];
    const char *folder = getenv("TMPDIR");
    struct err e = {0};
    double bytes;
    (void)snprintf(path, sizeof path, "%s/auspex-featurizer-bench-%d", folder ? folder : "/tmp",
                   (int)getpid());
    struct spill *file = spill_open(path, spill_has_failed, &e);
    if (!file)
        spill_has_failed(&e);
    size_t half = entries_used(&b->t.core->partitions[0]->visitors) / 2;
    struct featurizer *to = featurizer_new(&b->t.core->options);
    featurizer_limit(to, half, file);
    featurizer_assign(to, 0);
    double took = restore(b, to, &bytes);
    struct spill_counts was = spill_counts(file);
    printf("memory for half, %zu MiB: restore %.1f s; %zu visitors in memory, %zu in a file of "
           "%zu MiB\n",
           half >> 20, took, featurizer_visitors(to), featurizer_spilled(to), was.bytes >> 20);
    featurizer_free(b->t.core);
    b->t.core = to;
    events_rows(b, "memory for half");
    checkpoint_rows(b);
    uint64_t n = b->n;
    was = spill_counts(file);
    (void)run(b, b->events, NULL);
    struct spill_counts is = spill_counts(file);
    printf("memory for half: of 1000 events %.0f bring a visitor back and %.0f move one out\n",
           (double)(is.takes - was.takes) / (double)(b->n - n) * 1e3,
           (double)(is.puts - was.puts) / (double)(b->n - n) * 1e3);
    featurizer_free(b->t.core);
    b->t.core = NULL;
    spill_close(file);
}

int main(int argc, char *argv[])
{
    struct featurizer_options o = {.idle_us = 1800 * SECOND_US};
    bool is_quick = argc > 1 && str_is(str_of(argv[1]), "--quick");
    uint32_t part = is_quick ? QUICK : 1, who = 0;
    struct bench b = {.rng = rng_stream(1, 1),
                      .visitors = VISITORS / part,
                      .events = EVENTS / part,
                      .now_us = TRY_T0};
    try_init_as(&b.t, &o);
    tick_all(&b);
    double took = run(&b, EVENTS_EACH * b.visitors, &who);
    printf("%u visitors, %d events each: %.0f ns an event\n", b.visitors, EVENTS_EACH,
           took / (EVENTS_EACH * (double)b.visitors) * 1e9);
    (void)run(&b, b.events, NULL);
    events_rows(&b, "all in memory");
    memory_rows(&b);
    checkpoint_rows(&b);
    restore_rows(&b);
    spill_rows(&b);
    try_fini(&b.t);
    return 0;
}
