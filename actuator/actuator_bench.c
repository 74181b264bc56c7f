/* SPDX-License-Identifier: Apache-2.0 */
/* The core alone: predictions of 100,000 visitors under five policies, one of which asks for
 * features; without vectors, with them, and as JSON. And what a checkpoint of it takes. */
#include "actuator/trial.h"
#include "common/wire/json_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { VISITORS = 100000, WARM = 200000, EVENTS = 200000, ROUNDS = 5 };

static const char *const names[] = {"discount", "rescue", "welcome", "chat", "cart"};
static const char *const bodies[] = {
    "{\"name\":\"discount\",\"when\":{\"all\":[{\"prediction\":\"conversion\",\"op\":\">=\","
    "\"value\":0.2},{\"prediction\":\"conversion\",\"op\":\"<\",\"value\":0.6}]},\"action\":"
    "\"offer\",\"holdout\":0.1,\"cap_per_day\":1,\"message\":\"{{visitor}}: {{conversion}}\"}",
    "{\"name\":\"rescue\",\"when\":{\"all\":[{\"fact\":\"type\",\"op\":\"=\",\"value\":"
    "\"remove_from_cart\"},{\"prediction\":\"conversion\",\"op\":\">\",\"value\":0.5}]},"
    "\"action\":\"live_chat\",\"channel\":\"webhook\",\"webhook\":\"crm\"}",
    "{\"name\":\"welcome\",\"when\":{\"fact\":\"channel\",\"op\":\"in\",\"value\":[\"email\","
    "\"organic\"]},\"action\":\"personalization\",\"cap_per_day\":1}",
    "{\"name\":\"chat\",\"when\":{\"not\":{\"any\":[{\"fact\":\"identified\",\"op\":\"=\","
    "\"value\":true},{\"prediction\":\"conversion\",\"op\":\"<\",\"value\":0.9}]}},\"action\":"
    "\"live_chat\"}",
    "{\"name\":\"cart\",\"when\":{\"all\":[{\"feature\":\"cart_value\",\"op\":\">\",\"value\":"
    "150},{\"feature\":\"pages\",\"op\":\">\",\"value\":5}]},\"action\":\"notification\"}"};

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

enum form { PLAIN, VECTORS, JSON };

struct load {
    struct rng rng;
    enum form form;
    uint64_t n, hash;
    int64_t now_us;
    struct buf bytes, kinds;
    size_t ends[WARM > EVENTS ? WARM : EVENTS];
};

static void prediction_make(struct load *l)
{
    static const char *const types[] = {"page_view", "product_view", "add_to_cart",
                                        "scroll",    "click",        "purchase",
                                        "page_view", "product_view"};
    static const char *const channels[] = {"direct", "paid_search", "email", "social"};
    char visitor[48], session[32], id[48];
    float row[FEATURES_N];
    struct prediction p;
    unsigned who = rng_below(&l->rng, VISITORS);
    prediction_init(&p);
    (void)snprintf(visitor, sizeof visitor, "b7c9d3e0-1111-4222-8333-%012u", who);
    (void)snprintf(session, sizeof session, "1-3-%u", who * 31 + (unsigned)(l->n >> 20));
    (void)snprintf(id, sizeof id, "0a1b2c3d-4e5f-4a6b-8c7d-%012llu", (unsigned long long)l->n);
    l->now_us += 2000;
    p.epoch = 1;
    p.origin = ORIGIN_EVENTS;
    p.offset = l->n++;
    p.received_us = p.ts_us = p.clock_us = l->now_us;
    p.visitor = str_of(visitor);
    p.site_id = 1;
    p.event_id = str_of(id);
    p.type = str_of(types[rng_below(&l->rng, ARRAY_LEN(types))]);
    p.session_id = str_of(session);
    p.control = ARRAY_LEN(names);
    p.channel = str_of(channels[who % ARRAY_LEN(channels)]);
    p.value = 19.9;
    double x = rng_unit(&l->rng);
    p.kinds = trial_kinds(&l->kinds, x * x * x);
    for (size_t i = 0; i < FEATURES_N; i++)
        row[i] = (float)rng_below(&l->rng, 200);
    if (l->form == VECTORS) {
        p.features_n = FEATURES_N;
        p.features_hash = l->hash;
        p.features = str_over(row, sizeof row);
    }
    if (l->form == JSON)
        record_json(&l->bytes, &prediction_def, &p);
    else
        prediction_pack(&l->bytes, &p);
}

static void load_make(struct load *l, size_t n)
{
    buf_reset(&l->bytes);
    for (size_t i = 0; i < n; i++) {
        prediction_make(l);
        l->ends[i] = l->bytes.len;
    }
}

static uint64_t load_give(const struct load *l, size_t n, struct trial *t)
{
    size_t at = 0;
    uint64_t first = outbox_next(t->out);
    for (size_t i = 0; i < n; at = l->ends[i++]) {
        (void)trial_record(t, str_over(l->bytes.at + at, l->ends[i] - at));
        if (outbox_bytes(t->out) > 1 << 20)
            outbox_drop(t->out, outbox_next(t->out));
    }
    return outbox_next(t->out) - first;
}

static void checkpoint_rows(struct trial *t)
{
    struct outbox *states = outbox_new();
    struct buf own = {0};
    double start = cpu_s();
    actuator_cut(t->core, 0, &own);
    double cut_s = cpu_s() - start;
    while (!actuator_pack(t->core, 0, states, clock_mono_us() + 2000))
        ;
    double pack_s = cpu_s() - start;
    uint64_t n = outbox_next(states);
    printf("checkpoint of %llu visitors: cut %.0f us, pack %.2f us and %.0f bytes each\n",
           (unsigned long long)n, cut_s * 1e6, pack_s / (double)n * 1e6,
           (double)outbox_bytes(states) / (double)n);
    outbox_free(states);
    buf_fini(&own);
}

static void measure(struct load *l, enum form form, const char *name)
{
    struct trial t;
    double us[ROUNDS];
    uint64_t n_out = 0;
    trial_init(&t, false);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)trial_policy(&t, names[i], bodies[i]);
    l->form = form;
    load_make(l, WARM);
    (void)load_give(l, WARM, &t);
    for (unsigned i = 0; i < ROUNDS; i++) {
        load_make(l, EVENTS);
        double start = cpu_s();
        n_out += load_give(l, EVENTS, &t);
        us[i] = (cpu_s() - start) / EVENTS * 1e6;
    }
    qsort(us, ROUNDS, sizeof us[0], by_value);
    printf("actuator core, 5 policies, %s, %.2f outputs an event: median %.2f us CPU an event, "
           "best %.2f, worst %.2f: %.0f events/s\n",
           name, (double)n_out / (ROUNDS * EVENTS), us[ROUNDS / 2], us[0], us[ROUNDS - 1],
           1e6 / us[ROUNDS / 2]);
    if (form == PLAIN)
        checkpoint_rows(&t);
    trial_fini(&t);
}

int main(void)
{
    struct load *l = mem_zero(1, sizeof *l);
    l->rng = rng_stream(1, 1);
    l->now_us = TRIAL_T0;
    l->hash = features_hash(FEATURES_N);
    measure(l, PLAIN, "msgpack");
    measure(l, VECTORS, "msgpack with vectors");
    measure(l, JSON, "JSON");
    buf_fini(&l->bytes);
    buf_fini(&l->kinds);
    free(l);
    return 0;
}
