/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/deliver_try.h"

#include "common/base/clock.h"
#include "common/bus/config.h"
#include "common/bus/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t began_us = 1700000000 * SECOND_US;

static void *begin(void *self, const struct request *r)
{
    struct try *t = self;
    t->sendings = mem_grow(t->sendings, (t->n_sendings + 1) * sizeof *t->sendings);
    struct try_sending *s = &t->sendings[t->n_sendings++];
    *s = (struct try_sending){.t = t,
                              .body = mem_zero(1, r->body.len + 1),
                              .hook = r->hook,
                              .timestamp_s = r->timestamp_s,
                              .done = r->done,
                              .tag = r->tag,
                              .number = ++t->last_number};
    assert_true(r->id.len < sizeof s->id);
    memcpy(s->id, r->id.at, r->id.len);
    memcpy(s->body, r->body.at, r->body.len);
    if (t->on_begin)
        t->on_begin(t->to, s);
    return (void *)(uintptr_t)s->number;
}

static struct try_sending sending_take(struct try *t, size_t i)
{
    assert_true(i < t->n_sendings);
    struct try_sending s = t->sendings[i];
    free(s.body);
    s.body = NULL;
    memmove(t->sendings + i, t->sendings + i + 1,
            (t->n_sendings - i - 1) * sizeof *t->sendings);
    t->n_sendings--;
    return s;
}

static void cancel(void *self, void *sending)
{
    struct try *t = self;
    size_t i = 0;
    while (i < t->n_sendings && t->sendings[i].number != (uintptr_t)sending)
        i++;
    (void)sending_take(t, i);
}

static void transport_free(void *self)
{
    const struct try *t = self;
    assert_int_equal(t->n_sendings, 0); /* all were cancelled */
}

static bool deliver_opens(struct try *t, struct err *e)
{
    struct stage_env env = {
        .config = t->config, .counters = t->counters, .partitions = TRY_PARTITIONS};
    struct transport transport = {t, begin, cancel, transport_free};
    t->out = outbox_new();
    t->state = outbox_new();
    t->d = deliver_new_over(&env, &transport, e);
    for (uint32_t p = 0; p < TRY_PARTITIONS && t->d; p++)
        deliver_assign(t->d, p);
    return t->d != NULL;
}

bool try_opens(struct try *t, const char *ini, struct err *e)
{
    *t = (struct try){.now_us = began_us};
    t->config = config_parse("try.ini", str_of(ini), e);
    if (!t->config)
        fail_msg("%s", e->text);
    t->counters = counters_new("actuator");
    return deliver_opens(t, e);
}

void try_open(struct try *t, const char *ini)
{
    struct err e = {0};
    if (!try_opens(t, ini, &e))
        fail_msg("%s", e.text);
}

static void process_end(struct try *t)
{
    deliver_free(t->d);
    outbox_free(t->out);
    outbox_free(t->state);
}

void try_close(struct try *t)
{
    process_end(t);
    config_free(t->config);
    counters_free(t->counters);
    for (size_t i = 0; i < t->n_states; i++) {
        buf_fini(&t->states[i].key);
        buf_fini(&t->states[i].value);
    }
    free(t->states);
    free(t->deliveries);
    free(t->sendings);
}

void try_restart(struct try *t)
{
    struct err e = {0};
    process_end(t);
    if (!deliver_opens(t, &e))
        fail_msg("%s", e.text);
    for (size_t i = 0; i < t->n_states; i++) {
        const struct try_state *s = &t->states[i];
        if (!deliver_restore(t->d, s->partition, buf_as_str(&s->key), buf_as_str(&s->value),
                             &e))
            fail_msg("%s", e.text);
    }
}

void try_reconfigure(struct try *t, const char *ini)
{
    struct err e = {0};
    struct config *old = t->config;
    t->config = config_parse("try.ini", str_of(ini), &e);
    assert_non_null(t->config);
    try_restart(t);
    config_free(old);
}

int64_t try_expires_us(int64_t max_age_s)
{
    return began_us + max_age_s * SECOND_US;
}

void try_intervention(struct intervention *i, uint32_t partition, uint64_t offset,
                      const char *webhook, int64_t max_age_s)
{
    static char id[64];
    (void)snprintf(id, sizeof id, "1-%u-%llu-0", partition, (unsigned long long)offset);
    intervention_init(i);
    i->epoch = 1;
    i->origin = ORIGIN_EVENTS;
    i->partition = partition;
    i->offset = offset;
    i->intervention_id = str_of(id);
    i->visitor = STR("v1");
    i->site_id = 1;
    i->policy = STR("offer");
    i->channel = STR("webhook");
    i->webhook = str_of(webhook);
    i->message = STR("10 % off");
    i->received_us = began_us;
    i->expires_us = try_expires_us(max_age_s);
}

uint64_t try_output(struct try *t)
{
    buf_text(outbox_begin(t->out), "intervention");
    outbox_end(t->out, TOPIC_interventions, 0, STR("k"));
    return outbox_next(t->out) - 1;
}

void try_add(struct try *t, uint32_t partition, uint64_t offset, const char *webhook,
             int64_t max_age_s)
{
    struct intervention i;
    try_intervention(&i, partition, offset, webhook, max_age_s);
    deliver_add(t->d, partition, &i, try_output(t));
}

void try_ack(struct try *t)
{
    outbox_drop(t->out, outbox_next(t->out));
}

void try_turn(struct try *t)
{
    deliver_turn(t->d, t->out, t->now_us);
}

void try_answer(struct try *t, size_t i, unsigned status, const char *retry_after)
{
    struct answer a = {.status = status, .detail = status ? "" : "nobody listens"};
    (void)snprintf(a.retry_after, sizeof a.retry_after, "%s", retry_after);
    struct try_sending s = sending_take(t, i);
    s.done(s.tag, &a);
}

void try_answer_id(struct try *t, const char *intervention_id, unsigned status)
{
    size_t i = 0;
    while (i < t->n_sendings &&
           strcmp(t->sendings[i].id + strlen("auspex_"), intervention_id) != 0)
        i++;
    try_answer(t, i, status, "");
}

void try_cut(struct try *t)
{
    for (uint32_t p = 0; p < TRY_PARTITIONS; p++)
        deliver_cut(t->d, p);
}

static void text_copy(char *to, size_t cap, struct str from)
{
    (void)snprintf(to, cap, "%.*s", STR_ARGS(from));
}

static void delivery_store(struct try *t, const struct output *out)
{
    struct delivery r;
    assert_int_equal(delivery_read(&r, out->value.at, out->value.len), WIRE_OK);
    assert_int_equal(r.partition, out->partition);
    assert_true(str_eq(r.intervention_id, out->key));
    if (t->n_deliveries == t->cap_deliveries) {
        t->cap_deliveries = MAX(2 * t->cap_deliveries, (size_t)64);
        t->deliveries = mem_grow(t->deliveries, t->cap_deliveries * sizeof *t->deliveries);
    }
    struct try_delivery *to = &t->deliveries[t->n_deliveries++];
    *to = (struct try_delivery){
        .attempt = r.attempt, .status = r.status, .took_ms = r.took_ms, .next_us = r.next_us};
    text_copy(to->id, sizeof to->id, r.intervention_id);
    text_copy(to->result, sizeof to->result, r.result);
    text_copy(to->detail, sizeof to->detail, r.detail);
}

static void state_store(struct try *t, const struct output *out)
{
    assert_true(deliver_owns(out->key));
    if (t->n_states == t->cap_states) {
        t->cap_states = MAX(2 * t->cap_states, (size_t)64);
        t->states = mem_grow(t->states, t->cap_states * sizeof *t->states);
    }
    struct try_state *to = &t->states[t->n_states++];
    *to = (struct try_state){.partition = out->partition};
    buf_str(&to->key, out->key);
    buf_str(&to->value, out->value);
}

size_t try_store(struct try *t)
{
    for (uint32_t p = 0; p < TRY_PARTITIONS; p++)
        while (!deliver_pack(t->d, p, t->state, INT64_MIN)) /* as little as it can */
            ;
    for (uint64_t i = outbox_first(t->state); i < outbox_next(t->state); i++) {
        const struct output *out = outbox_at(t->state, i);
        if (out->topic == TOPIC_deliveries)
            delivery_store(t, out);
        else
            state_store(t, out);
    }
    outbox_drop(t->state, outbox_next(t->state));
    return t->n_deliveries;
}

void try_uncut(struct try *t)
{
    outbox_drop(t->state, outbox_next(t->state));
    for (uint32_t p = 0; p < TRY_PARTITIONS; p++)
        deliver_uncut(t->d, p);
}

size_t try_commit(struct try *t)
{
    try_cut(t);
    return try_store(t);
}

size_t try_pending(const struct try *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_states; i++) {
        size_t k = i + 1;
        while (k < t->n_states &&
               !str_eq(buf_as_str(&t->states[k].key), buf_as_str(&t->states[i].key)))
            k++;
        n += k == t->n_states && t->states[i].value.len > 0;
    }
    return n;
}

size_t try_count(const struct try *t, const char *result)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_deliveries; i++)
        n += strcmp(t->deliveries[i].result, result) == 0;
    return n;
}
