/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/give.h"

#include "common/wire/json_out.h"

#include <inttypes.h>
#include <stdio.h>

struct str give_id(uint64_t epoch, uint64_t partition, uint64_t offset, uint64_t index,
                   char out[INTERVENTION_ID])
{
    int len = snprintf(out, INTERVENTION_ID, "%" PRIu64 "-%" PRIu64 "-%" PRIu64 "-%" PRIu64,
                       epoch, partition, offset, index);
    return str_over(out, (size_t)len);
}

static struct position position_of(const struct trigger *t, uint64_t index)
{
    return (struct position){.epoch = t->epoch,
                             .origin = ORIGIN_EVENTS,
                             .partition = t->partition,
                             .offset = t->offset,
                             .index = index};
}

static void fill_event(struct intervention *i, const struct prediction *p)
{
    i->received_us = p->received_us;
    i->visitor = p->visitor;
    i->site_id = p->site_id;
    i->event_id = p->event_id;
    i->user_id = p->user_id;
    i->type = p->type;
    i->ts_us = p->ts_us;
    i->session_id = p->session_id;
    i->of_import = p->of_import;
    i->control = p->control;
    i->kinds = p->kinds;
}

static void fill_policy(struct intervention *i, const struct setting *s, bool is_held_out)
{
    const struct policy *p = s->policy;
    i->policy = p->name;
    i->policy_version = s->version;
    i->holdout = is_held_out;
    i->propensity = is_held_out ? p->holdout : 1 - p->holdout;
    i->action = p->action;
    i->priority = p->priority;
    i->channel = p->channel;
    i->webhook = p->webhook;
    i->expires_us = give_later(i->received_us, p->max_age_s);
    i->window_s = p->window_s;
}

uint64_t give_intervention(struct outbox *out, struct trigger *t, const struct firing *f,
                           char id[INTERVENTION_ID], struct intervention *i)
{
    struct position at = position_of(t, t->n_interventions++);
    intervention_init(i);
    POSITION_SET(i, &at);
    fill_event(i, f->p);
    fill_policy(i, f->setting, f->is_held_out);
    i->intervention_id = give_id(at.epoch, at.partition, at.offset, at.index, id);
    i->message = f->message;
    struct buf *b = outbox_begin(out);
    if (f->is_json)
        record_json(b, &intervention_def, i);
    else
        intervention_pack(b, i);
    struct output o = {.topic = TOPIC_interventions,
                       .partition = (uint32_t)t->partition,
                       .is_json = f->is_json,
                       .key = f->key,
                       .ce_id = i->intervention_id,
                       .ce_time_us = i->ts_us,
                       .traceparent = t->traceparent};
    outbox_end_as(out, &o);
    return outbox_next(out) - 1;
}

void give_outcome(struct outbox *out, struct trigger *t, struct str key, uint64_t of_import,
                  const struct open *o, const struct prediction *by)
{
    struct position at = position_of(t, t->n_outcomes++);
    char id[INTERVENTION_ID];
    struct outcome x;
    outcome_init(&x);
    POSITION_SET(&x, &at);
    x.received_us = t->received_us;
    CHECK(dossier_key_cut(key, &x.site_id, &x.visitor));
    x.user_id = str_over(o->user_id, o->user_len);
    x.of_import = of_import;
    x.intervention_id = give_id(o->epoch, t->partition, o->offset, o->index, id);
    x.policy = str_over(o->policy, o->policy_len);
    x.policy_version = o->version;
    x.holdout = o->is_held_out;
    x.result = by ? STR("converted") : STR("ignored");
    x.fired_us = o->fired_us;
    if (by) {
        x.value = by->value;
        x.currency = by->currency;
        x.order_id = by->order_id;
        x.event_id = by->event_id;
        x.type = by->type;
        x.ts_us = by->ts_us;
    }
    outcome_pack(outbox_begin(out), &x);
    outbox_end(out, TOPIC_outcomes, (uint32_t)t->partition, key);
}
