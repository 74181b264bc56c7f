/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/try.h"

#include "common/base/hash.h"

#include <stdio.h>
#include <string.h>

void try_init(struct try *t, int64_t idle_s)
{
    struct featurizer_options o = {.idle_us = idle_s * SECOND_US};
    try_init_as(t, &o);
}

void try_init_as(struct try *t, const struct featurizer_options *o)
{
    struct err e = {0};
    *t = (struct try){.core = featurizer_new(o), .out = outbox_new()};
    featurizer_assign(t->core, 0);
    CHECK(featurizer_restored(t->core, 0, (struct str){NULL, 0}, &e));
}

void try_fini(struct try *t)
{
    featurizer_free(t->core);
    outbox_free(t->out);
    buf_fini(&t->bytes);
}

static int64_t at(double s)
{
    return TRY_T0 + (int64_t)(s * 1e6);
}

struct event try_event(const char *type, double received_s, double ts_s)
{
    static uint64_t id;
    static char ids[4096][24];
    struct event e;
    event_init(&e);
    char *text = ids[id++ % ARRAY_LEN(ids)];
    (void)snprintf(text, sizeof ids[0], "id-%llu", (unsigned long long)id);
    e.epoch = 1;
    e.origin = ORIGIN_RAW;
    e.event_id = str_of(text);
    e.site_id = 7;
    e.visitor = STR("v");
    e.anonymous_id = e.visitor;
    e.type = str_of(type);
    e.received_us = at(received_s);
    e.ts_us = at(ts_s);
    e.body_hash = id;
    return e;
}

uint64_t try_give(struct try *t, struct str value)
{
    struct stage_message m = {
        .topic = TOPIC_events, .offset = t->offset++, .append_us = TRY_T0, .value = value};
    uint64_t first = outbox_next(t->out);
    enum stage_step step = featurizer_record(t->core, &m, t->out);
    for (t->n_steps = 1; step == STEP_MORE; t->n_steps++)
        step = featurizer_more(t->core, 0, t->out);
    CHECK(step == STEP_DONE);
    return first;
}

uint64_t try_event_give(struct try *t, const struct event *e)
{
    buf_reset(&t->bytes);
    event_pack(&t->bytes, e);
    return try_give(t, buf_as_str(&t->bytes));
}

uint64_t try_tick(struct try *t, uint64_t raw_partition, uint64_t raw_partitions,
                  double received_s)
{
    struct tick k;
    tick_init(&k);
    k.epoch = 1;
    k.origin = ORIGIN_RAW;
    k.partition = raw_partition;
    k.index = INDEX_TICK;
    k.received_us = at(received_s);
    k.raw_partition = raw_partition;
    k.raw_partitions = raw_partitions;
    buf_reset(&t->bytes);
    tick_pack(&t->bytes, &k);
    return try_give(t, buf_as_str(&t->bytes));
}

uint64_t try_import_end(struct try *t, uint64_t import_id, double received_s)
{
    struct import_end i;
    import_end_init(&i);
    i.epoch = 1;
    i.origin = ORIGIN_IMPORTS;
    i.import_id = import_id;
    i.received_us = at(received_s);
    i.of_import = import_id;
    i.site_id = 7;
    buf_reset(&t->bytes);
    import_end_pack(&t->bytes, &i);
    return try_give(t, buf_as_str(&t->bytes));
}

uint64_t try_site(struct try *t, struct str json)
{
    struct control c;
    control_init(&c);
    c.epoch = c.version = 1;
    c.origin = ORIGIN_CONTROL;
    c.what = STR("site");
    c.name = STR("7");
    c.body = json;
    buf_reset(&t->bytes);
    control_pack(&t->bytes, &c);
    return try_give(t, buf_as_str(&t->bytes));
}

uint64_t try_signal(struct try *t, struct signal *x)
{
    x->epoch = 1;
    x->origin = ORIGIN_RAW;
    x->index = INDEX_SIGNAL;
    x->site_id = x->site_id > 0 ? x->site_id : 7;
    buf_reset(&t->bytes);
    signal_pack(&t->bytes, x);
    return try_give(t, buf_as_str(&t->bytes));
}

/* One reader a record: each walks the outputs behind `first`. */
#define READER(function, record, topic_id)                                               \
    size_t function(const struct try *t, uint64_t first, struct record *to, size_t most) \
    {                                                                                    \
        size_t n = 0;                                                                    \
        for (uint64_t i = first; i < outbox_next(t->out); i++) {                         \
            const struct output *o = outbox_at(t->out, i);                               \
            struct record found;                                                         \
            if (o->topic != (topic_id) ||                                                \
                record##_read(&found, o->value.at, o->value.len) != WIRE_OK)             \
                continue;                                                                \
            if (n < most)                                                                \
                to[n] = found;                                                           \
            n++;                                                                         \
        }                                                                                \
        return n;                                                                        \
    }
READER(try_sessions, session, TOPIC_sessions)
READER(try_vectors, vector, TOPIC_features)
READER(try_rejected, rejected, TOPIC_rejected)

float try_feature(const struct vector *v, size_t i)
{
    float value;
    CHECK(v->features.len == FEATURES_N * sizeof value);
    memcpy(&value, v->features.at + i * sizeof value, sizeof value);
    return value;
}

static void log_event(struct try_log *l, struct buf *out)
{
    static const char *const types[] = {
        "page_view", "page_view",        "product_view", "product_view", "add_to_cart",
        "scroll",    "purchase",         "click",        "signup",       "error",
        "odd_name",  "remove_from_cart", "refund",       "subscription"};
    static const char *const words[] = {"", "a", "b", "c", "direct", "email", "mobile", "/p/1"};
    struct rng *r = &l->rng;
    char visitor[32], id[32], product[16];
    struct event e;
    event_init(&e);
    e.epoch = 1;
    e.site_id = 7;
    (void)snprintf(visitor, sizeof visitor, "v%llu",
                   (unsigned long long)(rng_u64(r) % l->visitors));
    /* some ids come again, with the same body or another */
    uint64_t number = rng_below(r, 20) == 0 && l->n > 40 ? l->n - rng_below(r, 40) : l->n;
    (void)snprintf(id, sizeof id, "e%llu", (unsigned long long)number);
    (void)snprintf(product, sizeof product, "p%u", rng_below(r, 90));
    unsigned way = rng_below(r, 8);
    e.origin = way < 6 ? ORIGIN_RAW : ORIGIN_IMPORTS;
    e.partition = e.origin == ORIGIN_RAW ? way % 2 : 0;
    e.import_id = e.origin == ORIGIN_RAW ? 0 : way;
    e.offset = e.origin == ORIGIN_RAW ? l->raw_offset[way % 2]++ : ++l->import_line[way - 6];
    e.received_us = l->now_us;
    int64_t back_s = rng_below(r, 3) ? rng_below(r, 40) : rng_below(r, 9000);
    e.ts_us = l->now_us - back_s * SECOND_US - (way >= 6 ? 700 * DAY_US : 0);
    e.visitor = str_of(visitor);
    e.event_id = str_of(id);
    e.body_hash = number * 2 + (rng_below(r, 60) == 0);
    e.type = str_of(types[rng_below(r, ARRAY_LEN(types))]);
    e.product_id = str_of(product);
    e.category = str_of(words[rng_below(r, 4)]);
    e.path = str_of(words[rng_below(r, ARRAY_LEN(words))]);
    e.channel = str_of(words[rng_below(r, ARRAY_LEN(words))]);
    e.device = str_of(words[rng_below(r, ARRAY_LEN(words))]);
    e.user_id = str_of(rng_below(r, 5) ? "" : "u");
    e.price = rng_below(r, 10000) / 100.0;
    e.value = rng_below(r, 10000) / 100.0;
    event_pack(out, &e);
}

static void log_tick(struct try_log *l, struct buf *out)
{
    struct tick k;
    tick_init(&k);
    k.epoch = 1;
    k.origin = ORIGIN_RAW;
    k.partition = k.raw_partition = rng_below(&l->rng, 2);
    k.offset = l->raw_offset[k.partition]++;
    k.index = INDEX_TICK;
    k.raw_partitions = 2;
    k.received_us = l->now_us;
    tick_pack(out, &k);
}

static void log_import_end(struct try_log *l, struct buf *out)
{
    struct import_end i;
    import_end_init(&i);
    unsigned which = rng_below(&l->rng, 2);
    i.epoch = 1;
    i.origin = ORIGIN_IMPORTS;
    i.offset = ++l->import_line[which];
    i.import_id = i.of_import = 6 + which;
    i.received_us = l->now_us;
    import_end_pack(out, &i);
}

static void log_control(struct try_log *l, struct buf *out)
{
    struct control c;
    control_init(&c);
    c.epoch = 1;
    c.origin = ORIGIN_CONTROL;
    c.offset = c.control_offset = l->n;
    c.received_us = l->now_us;
    c.what = STR("model");
    control_pack(out, &c);
}

void try_log_next(struct try_log *l, struct buf *out)
{
    unsigned kind = rng_below(&l->rng, 400);
    if (l->n == 0)
        l->now_us = TRY_T0;
    l->n++;
    l->now_us += (int64_t)rng_below(&l->rng, 4000000);
    if (rng_below(&l->rng, 900) == 0)
        l->now_us += rng_below(&l->rng, 3) ? HOUR_US : 2 * DAY_US; /* silence ends sessions */
    if (kind == 0)
        log_import_end(l, out);
    else if (kind == 1)
        log_control(l, out);
    else if (kind < 40)
        log_tick(l, out);
    else
        log_event(l, out);
}
