/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/trial.h"

#include "common/bus/counters.h"
#include "common/wire/json_out.h"
#include "common/wire/out.h"
#include "common/wire/record_any.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void fired(void *to, uint32_t partition, const struct intervention *i, uint64_t number)
{
    struct trial *t = to;
    CHECK(partition == i->partition && i->intervention_id.len > 0);
    t->n_fired++;
    t->last_fired = number;
}

void trial_init(struct trial *t, bool is_json)
{
    struct err e = {0};
    *t = (struct trial){.counters = counters_new("actuator"), .out = outbox_new()};
    struct actuator_setup setup = {
        .is_json = is_json, .counters = t->counters, .fired = fired, .to = t};
    t->core = actuator_new(&setup);
    actuator_assign(t->core, TOPIC_predictions, 0);
    CHECK(actuator_restored(t->core, 0, (struct str){NULL, 0}, &e));
}

void trial_fini(struct trial *t)
{
    actuator_free(t->core);
    counters_free(t->counters);
    outbox_free(t->out);
    buf_fini(&t->bytes);
}

static uint64_t give_control(struct trial *t, const char *name, uint64_t version,
                             const char *body)
{
    struct control c;
    control_init(&c);
    c.what = STR("policy");
    c.name = str_of(name);
    c.version = version;
    c.body = str_of(body);
    buf_reset(&t->bytes);
    control_pack(&t->bytes, &c);
    struct stage_message m = {
        .topic = TOPIC_control, .offset = t->control++, .value = buf_as_str(&t->bytes)};
    actuator_lookup(t->core, &m);
    return t->control;
}

uint64_t trial_policy(struct trial *t, const char *name, const char *json)
{
    return give_control(t, name, 1, json);
}

uint64_t trial_off(struct trial *t, const char *name)
{
    return give_control(t, name, 0, "");
}

static int64_t at(double s)
{
    return TRIAL_T0 + (int64_t)(s * 1e6);
}

struct prediction trial_prediction(const struct trial *t, const char *type, double at_s)
{
    struct prediction p;
    prediction_init(&p);
    p.epoch = 1;
    p.origin = ORIGIN_EVENTS;
    p.received_us = p.ts_us = p.clock_us = at(at_s);
    p.visitor = STR("v");
    p.site_id = 7;
    p.event_id = STR("e");
    p.type = str_of(type);
    p.session_id = STR("s1");
    p.control = t->control;
    return p;
}

struct wire_list trial_kinds(struct buf *b, double conversion)
{
    struct kind k;
    buf_reset(b);
    if (isnan(conversion))
        return (struct wire_list){NULL, 0, 0};
    kind_init(&k);
    k.kind = STR("conversion");
    k.probability = conversion;
    k.model = STR("conversion");
    k.version = 3;
    out_array(b, 1);
    kind_pack(b, &k);
    return (struct wire_list){b->at, b->len, 1};
}

uint64_t trial_record(struct trial *t, struct str value)
{
    struct stage_message m = {
        .topic = TOPIC_predictions, .offset = t->offset++, .value = value};
    uint64_t first = outbox_next(t->out);
    enum stage_step step = actuator_record(t->core, &m, t->out);
    for (t->n_steps = 1; step == STEP_MORE; t->n_steps++)
        step = actuator_more(t->core, TOPIC_predictions, 0, t->out);
    CHECK(step == STEP_DONE);
    return first;
}

uint64_t trial_give(struct trial *t, const struct prediction *p, double conversion)
{
    struct buf kinds = {0};
    struct prediction full = *p;
    full.offset = t->offset;
    full.kinds = trial_kinds(&kinds, conversion);
    buf_reset(&t->bytes);
    if (t->offset % 2 == 0) /* both forms mean the same */
        prediction_pack(&t->bytes, &full);
    else
        record_json(&t->bytes, &prediction_def, &full);
    buf_fini(&kinds);
    return trial_record(t, buf_as_str(&t->bytes));
}

uint64_t trial_view(struct trial *t, double at_s, double conversion)
{
    struct prediction p = trial_prediction(t, "page_view", at_s);
    return trial_give(t, &p, conversion);
}

uint64_t trial_tick(struct trial *t, double clock_s)
{
    struct tick k;
    tick_init(&k);
    k.epoch = 1;
    k.origin = ORIGIN_EVENTS;
    k.offset = t->offset;
    k.raw_partitions = 1;
    k.received_us = k.clock_us = at(clock_s);
    buf_reset(&t->bytes);
    tick_pack(&t->bytes, &k);
    return trial_record(t, buf_as_str(&t->bytes));
}

uint64_t trial_import_end(struct trial *t, uint64_t import_id, double at_s)
{
    struct import_end i;
    import_end_init(&i);
    i.epoch = 1;
    i.origin = ORIGIN_EVENTS;
    i.offset = t->offset;
    i.received_us = at(at_s);
    i.of_import = import_id;
    i.site_id = 7;
    buf_reset(&t->bytes);
    import_end_pack(&t->bytes, &i);
    return trial_record(t, buf_as_str(&t->bytes));
}

/* One reader a record: each walks the outputs behind `first`. */
#define READER(function, record, topic_id)                                                 \
    size_t function(const struct trial *t, uint64_t first, struct record *to, size_t most) \
    {                                                                                      \
        size_t n = 0;                                                                      \
        for (uint64_t i = first; i < outbox_next(t->out); i++) {                           \
            const struct output *o = outbox_at(t->out, i);                                 \
            struct record found;                                                           \
            if (o->topic != (topic_id) ||                                                  \
                record##_read(&found, o->value.at, o->value.len) != WIRE_OK)               \
                continue;                                                                  \
            if (n < most)                                                                  \
                to[n] = found;                                                             \
            n++;                                                                           \
        }                                                                                  \
        return n;                                                                          \
    }
READER(trial_interventions, intervention, TOPIC_interventions)
READER(trial_outcomes, outcome, TOPIC_outcomes)

double trial_counter(const struct trial *t, const char *name)
{
    struct buf b = {0};
    counters_print(t->counters, &b);
    const char *text = buf_cstr(&b), *found = strstr(text, name);
    double value = found ? strtod(found + strlen(name), NULL) : -1; /* -1: not there */
    buf_fini(&b);
    return value;
}

static const char *const policies[] = {
    "{\"name\":\"mid\",\"when\":{\"all\":[{\"prediction\":\"conversion\",\"op\":\">=\","
    "\"value\":0.3},{\"prediction\":\"conversion\",\"op\":\"<\",\"value\":0.6}]},"
    "\"action\":\"offer\",\"channel\":\"webhook\",\"webhook\":\"crm\",\"holdout\":0.25,"
    "\"message\":\"for {{visitor}} at {{conversion}} of {{value}}\",\"window_s\":3600}",
    "{\"name\":\"any_high\",\"when\":{\"any\":[{\"prediction\":\"conversion\",\"op\":\">\","
    "\"value\":0.8},{\"not\":{\"fact\":\"type\",\"op\":\"!=\",\"value\":\"purchase\"}}]},"
    "\"action\":\"notification\",\"cap_per_day\":2,\"window_s\":86400,\"imports\":true}",
    "{\"name\":\"low\",\"when\":{\"prediction\":\"conversion\",\"op\":\"<\",\"value\":0.1},"
    "\"action\":\"live_chat\",\"site\":7,\"window_s\":600,\"holdout\":0.5,\"imports\":true}",
    "{\"name\":\"low\",\"when\":{\"feature\":\"pages\",\"op\":\">\",\"value\":2},"
    "\"action\":\"live_chat\",\"site\":7,\"window_s\":60,\"message\":\"{{pages}}\"}",
    "{\"name\":\"mid\",\"when\":{\"fact\":\"channel\",\"op\":\"in\",\"value\":[\"email\"]},"
    "\"action\":\"offer\",\"cap_per_day\":1,\"window_s\":172800}",
    "{\"name\":\"broken\",\"when\":{}}",
};

static void log_control(struct trial_log *l, struct buf *out)
{
    struct control c;
    uint32_t which = rng_below(&l->rng, ARRAY_LEN(policies) + 1);
    const char *body = policies[which % ARRAY_LEN(policies)];
    const char *name = body + strlen("{\"name\":\"");
    control_init(&c);
    c.what = rng_below(&l->rng, 8) ? STR("policy") : STR("model");
    c.name = str_over(name, strcspn(name, "\""));
    c.version = which < ARRAY_LEN(policies);
    if (c.version)
        c.body = str_of(body);
    control_pack(out, &c);
    l->control++;
    l->is_control = true;
}

static void put(struct trial_log *l, struct buf *out, const struct record_def *def,
                const void *record)
{
    if (l->is_json && rng_below(&l->rng, 2))
        record_json(out, def, record);
    else
        record_pack(def, out, record);
}

/* Event time, and with it the session: an import's own, rising, or a little before now. */
static void log_times(struct trial_log *l, struct prediction *p, char session[48])
{
    struct rng *r = &l->rng;
    unsigned way = rng_below(r, 8);
    p->received_us = p->ts_us = l->now_us;
    if (way >= 6) {
        l->file_us[way - 6] += rng_below(r, 400) * SECOND_US;
        p->ts_us = TRIAL_T0 - 900 * DAY_US + l->file_us[way - 6];
        p->of_import = way;
    }
    p->late = rng_below(r, 12) == 0;
    if (p->late)
        p->ts_us -= rng_below(r, 40000) * SECOND_US;
    (void)snprintf(session, 48, "%u-%lld", way >= 6 ? way : 0,
                   (long long)(p->ts_us / (1800 * SECOND_US)));
    p->session_id = str_of(p->late ? "" : session);
}

static void log_prediction(struct trial_log *l, struct buf *out)
{
    static const char *const types[] = {"page_view", "page_view", "product_view", "purchase",
                                        "click",     "signup",    "scroll",       "refund"};
    static const char *const channels[] = {"", "direct", "email", "organic"};
    struct rng *r = &l->rng;
    char visitor[32], id[32], session[48];
    float row[FEATURES_N];
    struct prediction p;
    prediction_init(&p);
    (void)snprintf(visitor, sizeof visitor, "v%u", rng_below(r, (uint32_t)l->visitors));
    (void)snprintf(id, sizeof id, "e%llu", (unsigned long long)l->n);
    p.epoch = 1;
    p.origin = ORIGIN_EVENTS;
    p.offset = l->offset;
    p.clock_us = rng_below(r, 50) ? l->now_us - rng_below(r, 3000000) : 0;
    log_times(l, &p, session);
    p.visitor = str_of(visitor);
    p.site_id = rng_below(r, 10) ? 7 : 8;
    p.event_id = str_of(id);
    p.user_id = str_of(rng_below(r, 4) ? "" : "user \"u\"");
    p.type = str_of(types[rng_below(r, ARRAY_LEN(types))]);
    p.channel = str_of(channels[rng_below(r, ARRAY_LEN(channels))]);
    p.verdict = rng_below(r, 15) == 0;
    p.control = l->control;
    p.value = rng_below(r, 3) ? rng_below(r, 10000) / 100.0 : (double)NAN;
    p.currency = STR("EUR");
    for (size_t i = 0; i < FEATURES_N; i++)
        row[i] = rng_below(r, 5) ? (float)rng_below(r, 8) : NAN;
    if (rng_below(r, 3)) {
        p.features_n = FEATURES_N;
        p.features_hash = l->hash;
        p.features = str_over(row, sizeof row);
    }
    double share = rng_below(r, 1000) / 1000.0;
    p.kinds = trial_kinds(&l->kinds, rng_below(r, 9) ? share : (double)NAN);
    put(l, out, &prediction_def, &p);
}

static void log_tick(struct trial_log *l, struct buf *out)
{
    struct tick k;
    tick_init(&k);
    k.epoch = 1;
    k.origin = ORIGIN_EVENTS;
    k.offset = l->offset;
    k.received_us = l->now_us;
    k.clock_us = l->now_us - rng_below(&l->rng, 5000000);
    put(l, out, &tick_def, &k);
}

static void log_import_end(struct trial_log *l, struct buf *out)
{
    struct import_end i;
    import_end_init(&i);
    i.epoch = 1;
    i.origin = ORIGIN_EVENTS;
    i.offset = l->offset;
    i.received_us = l->now_us;
    i.of_import = 6 + rng_below(&l->rng, 2);
    put(l, out, &import_end_def, &i);
}

void trial_log_next(struct trial_log *l, struct buf *out)
{
    unsigned kind = rng_below(&l->rng, 400);
    if (l->n++ == 0) {
        l->now_us = TRIAL_T0;
        l->hash = features_hash(FEATURES_N);
    }
    l->is_control = false;
    l->now_us += (int64_t)rng_below(&l->rng, 8000000);
    if (rng_below(&l->rng, 500) == 0)
        l->now_us += rng_below(&l->rng, 3) ? HOUR_US : 30 * HOUR_US; /* ends windows, caps */
    if (kind < 4) {
        log_control(l, out);
        return;
    }
    if (kind < 8)
        log_import_end(l, out);
    else if (kind < 30)
        log_tick(l, out);
    else
        log_prediction(l, out);
    l->offset++;
}

void trial_log_fini(struct trial_log *l)
{
    buf_fini(&l->kinds);
}
