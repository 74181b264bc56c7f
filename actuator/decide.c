/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/decide.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/bus/counters.h"

#include <inttypes.h>
#include <stdio.h>

/* What is known while one event is decided on. */
struct deciding {
    struct desk *desk;
    const struct prediction *p;
    struct trigger *trigger;
    struct outbox *out;
    struct str key;
    struct dossier *dossier; /* NULL while there is none */
    struct view view;
    size_t n_true, n_crossed; /* in the office's scratch */
};

bool decide_key(const struct prediction *p, char out[DOSSIER_KEY], struct str *key)
{
    size_t len = (size_t)snprintf(out, DOSSIER_KEY, "%" PRIu64 ":", p->site_id);
    if (p->visitor.len == 0 || p->visitor.len > DOSSIER_KEY - len)
        return false;
    memcpy(out + len, p->visitor.at, p->visitor.len);
    *key = str_over(out, len + p->visitor.len);
    return true;
}

double decide_share(struct str policy, struct str key)
{
    char both[DOSSIER_NAME + 1 + DOSSIER_KEY];
    CHECK(policy.len <= DOSSIER_NAME && key.len <= DOSSIER_KEY);
    memcpy(both, policy.at, policy.len);
    both[policy.len] = '\0';
    memcpy(both + policy.len + 1, key.at, key.len);
    return (double)(hash64(both, policy.len + 1 + key.len) >> 11) * 0x1p-53;
}

static bool is_conversion(struct str type)
{
    return str_is(type, "purchase") || str_is(type, "signup") || str_is(type, "subscription");
}

/* What the event means for what is open in its lane. */
static void judge(struct deciding *x, struct lane *l)
{
    const struct prediction *p = x->p;
    int64_t at_us = l->import_id == 0 ? p->received_us : p->ts_us;
    bool converts = is_conversion(p->type);
    for (struct open *before = NULL, *o = l->first; o; o = before ? before->next : l->first) {
        bool is_past = at_us > o->due_us;
        bool is_after = !p->late || p->ts_us >= o->ts_us;
        if (is_past || (converts && is_after))
            desk_settle(x->desk, x->dossier, l, before, x->trigger, is_past ? NULL : p, x->out);
        else
            before = o;
    }
}

/* The vector as aligned floats; NULL when there is none of ours. A newer writer's lines are
 * ours as far as we know them: the table only grows at its end. */
static const float *row_read(struct office *o, const struct prediction *p)
{
    bool is_ours = p->features_n > FEATURES_N || p->features_hash == o->hashes[p->features_n];
    if (p->features_n == 0 || !is_ours || p->features.len / sizeof *o->row != p->features_n ||
        p->features.len % sizeof *o->row != 0)
        return NULL;
    memcpy(o->row, p->features.at, MIN(p->features_n, (uint64_t)FEATURES_N) * sizeof *o->row);
    return o->row;
}

/* Asks all policies; which are true and which crossed is in the office's scratch then. */
static void ask(struct deciding *x, const struct holding *h, const struct lane *l)
{
    struct office *o = x->desk->office;
    const struct prediction *p = x->p;
    bool is_same = l && l->session == hash64_str(p->session_id);
    if (h->n > 0)
        view_make(&x->view, p, h->wants_features ? row_read(o, p) : NULL);
    for (size_t i = 0; i < h->n; i++) {
        const struct setting *s = h->settings[i];
        bool is_meant = (s->policy->site == 0 || s->policy->site == p->site_id) &&
                        (p->of_import == 0 || s->policy->imports);
        if (!is_meant || !rule_holds_in(s->rule, &x->view))
            continue;
        o->truths[x->n_true++] = s->version;
        if (!is_same || !lane_has_truth(l, s->version))
            o->crossed[x->n_crossed++] = s;
    }
}

static void remember(struct deciding *x, struct lane *l, const struct setting *s,
                     const struct intervention *i)
{
    struct desk *d = x->desk;
    bool is_live = l->import_id == 0;
    struct open o = {.epoch = i->epoch,
                     .offset = i->offset,
                     .index = i->index,
                     .version = s->version,
                     .fired_us = i->received_us,
                     .ts_us = i->ts_us,
                     .is_held_out = i->holdout,
                     .policy_len = (uint8_t)i->policy.len};
    o.due_us = give_later(is_live ? i->received_us : i->ts_us, i->window_s);
    memcpy(o.policy, i->policy.at, i->policy.len);
    lane_open(&d->entries.slab, l, &o, i->user_id);
    if (!is_live)
        return;
    windows_add(&d->windows, (struct window){o.due_us, x->dossier, o.epoch, o.offset, o.index});
    x->dossier->n_windows++;
}

static void fire(struct deciding *x, struct lane *l, const struct setting *s)
{
    struct office *o = x->desk->office;
    const struct actuator_setup *setup = &o->setup;
    const struct policy *policy = s->policy;
    struct intervention i;
    char id[INTERVENTION_ID];
    buf_reset(&o->message);
    rule_message_in(s->rule, &x->view, &o->message);
    struct firing f = {.p = x->p,
                       .setting = s,
                       .key = x->key,
                       .message = buf_as_str(&o->message),
                       .is_json = setup->is_json,
                       .is_held_out = decide_share(policy->name, x->key) < policy->holdout};
    uint64_t number = give_intervention(x->out, x->trigger, &f, id, &i);
    lane_use(&x->desk->entries.slab, l, s->hash);
    remember(x, l, s, &i);
    counter_add(f.is_held_out ? s->holdouts : s->interventions, 1);
    if (setup->fired && !f.is_held_out && str_is(policy->channel, "webhook"))
        setup->fired(setup->to, x->desk->number, &i, number);
}

/* Follows the crossings, as far as caps let it. */
static void follow(struct deciding *x, struct lane *l)
{
    struct office *o = x->desk->office;
    int64_t day = clock_floor(x->p->ts_us, DAY_US);
    for (size_t i = 0; i < x->n_crossed; i++) {
        const struct setting *s = o->crossed[i];
        uint64_t cap = s->policy->cap_per_day, used = lane_used(l, day, s->hash);
        counter_add(s->crossings, 1);
        if ((cap > 0 && used >= cap) || !lane_has_room(l))
            counter_add(s->capped, 1);
        else
            fire(x, l, s);
    }
}

/* The event's lane, made now that something must be kept. */
static struct lane *lane_make(struct deciding *x)
{
    struct desk *d = x->desk;
    if (!x->dossier)
        x->dossier = CONTAINER_OF(entries_take(&d->entries, x->key), struct dossier, entry);
    entries_touch(&d->entries, &x->dossier->entry);
    struct lane *l = dossier_lane(x->dossier, x->p->of_import);
    if (l)
        return l;
    struct ongoing *i = desk_import(d, x->p->of_import);
    CHECK(i != NULL);
    i->n_lanes++;
    return dossier_lane_take(&d->entries.slab, x->dossier, x->p->of_import);
}

static void evaluate(struct deciding *x, struct lane *l)
{
    struct desk *d = x->desk;
    const struct holding *h = settings_at(d->office->settings, x->p->control);
    ask(x, h, l);
    if (!l && x->n_true == 0)
        return;
    if (!l)
        l = lane_make(x);
    l->received_us = MAX(l->received_us, x->p->received_us);
    l->session = hash64_str(x->p->session_id);
    lane_set_truths(&d->entries.slab, l, d->office->truths, x->n_true);
    follow(x, l);
}

void decide_event(struct desk *d, const struct prediction *p, struct trigger *t,
                  struct outbox *out)
{
    char text[DOSSIER_KEY];
    struct deciding x = {.desk = d, .p = p, .trigger = t, .out = out};
    if (p->verdict != 0)
        return;
    CHECK(decide_key(p, text, &x.key));
    struct entry *entry = entries_find(&d->entries, x.key);
    struct lane *l = NULL;
    if (entry) {
        x.dossier = CONTAINER_OF(entry, struct dossier, entry);
        l = dossier_lane(x.dossier, p->of_import);
    }
    if (l) {
        entries_touch(&d->entries, entry);
        judge(&x, l);
        if (l->import_id == 0 && dossier_live_is_over(x.dossier, d->clock_us))
            lane_clear(&d->entries.slab, l);
        l->received_us = MAX(l->received_us, p->received_us);
    }
    if (!p->late)
        evaluate(&x, l);
}
