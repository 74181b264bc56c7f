/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/emit.h"

#include "featurizer/codes.h"
#include "featurizer/compute.h"
#include "featurizer/ratings.h"

#include <stdio.h>

/* Years 1970 to 9999, as collector gives: sums and differences of such times stay far from the
 * ends of their type. */
static bool is_time(int64_t us)
{
    return us >= 0 && us < 253402300800 * SECOND_US;
}

void input_read(struct input *in, struct str value)
{
    struct position at;
    enum wire_status status = position_read(&at, value.at, value.len);
    in->rec = status == WIRE_OK ? at.rec : REC_NONE;
    if (in->rec == REC_event)
        status = event_read(&in->event, value.at, value.len);
    else if (in->rec == REC_tick)
        status = tick_read(&in->tick, value.at, value.len);
    else if (in->rec == REC_import_end)
        status = import_end_read(&in->import_end, value.at, value.len);
    else if (in->rec == REC_control)
        status = control_read(&in->control, value.at, value.len);
    else if (in->rec == REC_signal)
        status = signal_read(&in->signal, value.at, value.len);
    else
        status = WIRE_OTHER;
    if (in->rec == REC_event && status == WIRE_OK &&
        !(is_time(in->event.ts_us) && is_time(in->event.received_us)))
        status = WIRE_OTHER;
    if (status != WIRE_OK)
        in->rec = REC_NONE;
}

bool emit_key(uint64_t site_id, struct str visitor, char out[KEY_MOST + 1], struct str *key)
{
    int len = snprintf(out, KEY_MOST + 1, "%llu:%.*s", (unsigned long long)site_id,
                       STR_ARGS(visitor));
    if (len < 0 || len > KEY_MOST || visitor.len == 0)
        return false;
    *key = str_over(out, (size_t)len);
    return true;
}

/* Everything behind events stands at the position of the events record that led to it. */
static struct position position_of(const struct trigger *t, uint64_t index)
{
    return (struct position){.epoch = t->epoch,
                             .origin = ORIGIN_EVENTS,
                             .partition = t->partition,
                             .offset = t->offset,
                             .index = index};
}

enum { SESSION_ID = 64 };

static struct str session_id(const struct trigger *t, const struct visit *v,
                             char out[SESSION_ID])
{
    int len = snprintf(out, SESSION_ID, "%llu-%u-%llu", (unsigned long long)v->epoch,
                       t->partition, (unsigned long long)v->opened);
    return str_over(out, (size_t)len);
}

/* A key is "SITE:VISITOR"; a site is a number. */
static struct str visitor_of(const struct profile *p, uint64_t *site_id)
{
    struct str visitor, site = str_cut(profile_key(p), ':', &visitor);
    CHECK(str_u64(site, site_id));
    return visitor;
}

void emit_session(struct outbox *out, struct trigger *t, const struct profile *p,
                  const struct lane *l, enum session_end end)
{
    const struct visit *v = l->visit;
    struct position at = position_of(t, t->n_sessions++);
    char id[SESSION_ID];
    struct session s;
    session_init(&s);
    POSITION_SET(&s, &at);
    s.received_us = t->received_us;
    s.visitor = visitor_of(p, &s.site_id);
    s.user_id = text_str(&p->user_id);
    s.session_id = session_id(t, v, id);
    s.started_us = v->started_us;
    s.ended_us = l->newest_us;
    s.ended_by = session_end_name(end);
    s.of_import = l->import_id;
    s.session_number = v->number;
    s.events = v->events;
    s.late_events = v->late_events;
    s.pages = v->pages;
    s.product_views = v->product_views;
    s.cart_adds = v->cart_adds;
    s.purchases = v->purchases;
    s.value = v->value;
    s.converted = v->conversions > 0;
    s.entry_page = text_str(&v->entry_page);
    s.exit_page = text_str(&v->exit_page);
    s.channel = code_channel_name(v->channel);
    s.device = code_device_name(v->device);
    session_pack(outbox_begin(out), &s);
    outbox_end(out, TOPIC_sessions, t->partition, profile_key(p));
}

static void fill_event(struct vector *v, const struct moment *m, const struct trigger *t)
{
    const struct event *e = m->event;
    struct position at = position_of(t, 0);
    POSITION_SET(v, &at);
    v->received_us = e->received_us;
    v->visitor = e->visitor;
    v->site_id = e->site_id;
    v->event_id = e->event_id;
    v->user_id = e->user_id;
    v->type = e->type;
    v->ts_us = e->ts_us;
    v->of_import = e->origin == ORIGIN_IMPORTS ? e->import_id : 0;
    v->control = t->control;
    v->clock_us = t->clock_us;
    v->product_id = e->product_id;
    v->value = e->value;
    v->currency = e->currency;
    v->order_id = e->order_id;
    v->consent = e->consent != 0 ? e->consent : m->site->consent;
}

static void fill_session(struct vector *v, const struct profile *p, const struct visit *visit,
                         const struct moment *m)
{
    v->user_id = text_str(&p->user_id);
    v->ts_us = m->is_late ? m->event->ts_us : m->t_us;
    v->late = m->is_late;
    if (!visit)
        return;
    v->session_started_us = visit->started_us;
    v->event_index = visit->events;
    v->channel = code_channel_name(visit->channel);
}

static void fill_profile(struct vector *v, const struct profile *p, const struct moment *m,
                         const struct trigger *t, struct summary scratch[SUMMARIES_MOST])
{
    v->rating = ratings_of_event(p, m);
    if (t->ratings)
        v->ratings = ratings_told(p, m, t->ratings);
    if (t->has_summaries)
        v->summaries = summaries_str(&p->summaries, m->t_us, scratch);
}

void emit_vector(struct outbox *out, const struct trigger *t, const struct profile *p,
                 const struct lane *lane, const struct moment *m, enum verdict verdict)
{
    static uint64_t hash; /* of a table that does not change while we run */
    char id[SESSION_ID], key_text[KEY_MOST + 1];
    float features[FEATURES_N];
    uint64_t tail[TOKENS_MOST];
    struct summary summaries[SUMMARIES_MOST];
    struct vector v;
    struct str key;
    vector_init(&v);
    fill_event(&v, m, t);
    v.verdict = verdict;
    if (lane) {
        if (hash == 0)
            hash = features_hash(FEATURES_N);
        fill_session(&v, p, lane->visit, m);
        fill_profile(&v, p, m, t, summaries);
        if (lane->visit) {
            v.session_id = session_id(t, lane->visit, id);
            v.tail = tokens_str(&lane->visit->tail, tail);
        }
        compute_features(p, lane->visit, m, features);
        v.features_n = FEATURES_N;
        v.features_hash = hash;
        v.features = str_over(features, sizeof features);
    }
    CHECK(emit_key(v.site_id, v.visitor, key_text, &key));
    vector_pack(outbox_begin(out), &v);
    struct output as = {.topic = TOPIC_features,
                        .partition = t->partition,
                        .key = key,
                        .traceparent = t->traceparent};
    outbox_end_as(out, &as);
}

void emit_rejected(struct outbox *out, const struct trigger *t, const struct input *in,
                   struct str value, const char *reason, const char *detail)
{
    struct position at = position_of(t, 0);
    char key_text[KEY_MOST + 1];
    struct str key = {NULL, 0};
    struct rejected r;
    rejected_init(&r);
    POSITION_SET(&r, &at);
    r.received_us = t->received_us;
    r.stage = STR("featurizer");
    r.reason = str_of(reason);
    r.detail = str_of(detail);
    r.body = value;
    if (in->rec == REC_event) {
        r.site_id = in->event.site_id;
        r.of_import = in->event.origin == ORIGIN_IMPORTS ? in->event.import_id : 0;
        (void)emit_key(in->event.site_id, in->event.visitor, key_text, &key);
    }
    rejected_pack(outbox_begin(out), &r);
    outbox_end(out, TOPIC_rejected, t->partition, key);
}

void emit_forward(struct outbox *out, const struct trigger *t, struct input *in)
{
    struct position at = position_of(t, 0);
    struct buf *b = outbox_begin(out);
    if (in->rec == REC_tick) {
        POSITION_SET(&in->tick, &at);
        in->tick.clock_us = t->clock_us;
        tick_pack(b, &in->tick);
    } else if (in->rec == REC_import_end) {
        POSITION_SET(&in->import_end, &at);
        in->import_end.clock_us = t->clock_us;
        import_end_pack(b, &in->import_end);
    } else {
        POSITION_SET(&in->control, &at);
        control_pack(b, &in->control);
    }
    outbox_end(out, TOPIC_features, t->partition, (struct str){NULL, 0});
}
