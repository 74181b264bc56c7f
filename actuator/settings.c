/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/settings.h"

#include "actuator/operand.h"
#include "common/base/hash.h"
#include "common/bus/counters.h"
#include "common/bus/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What held from a control record on. */
struct state {
    uint64_t version; /* 1 + offset of the record that led to it */
    struct holding holding;
};

struct settings {
    struct counters *counters;
    struct setting **all; /* in the order of the log */
    size_t n_all, cap_all;
    struct state *states; /* likewise; the first is that nothing holds */
    size_t n_states, cap_states;
    uint64_t known;
};

static void state_add(struct settings *s, uint64_t version, struct holding h)
{
    if (s->n_states == s->cap_states) {
        s->cap_states = s->cap_states ? 2 * s->cap_states : 16;
        s->states = mem_grow(s->states, s->cap_states * sizeof *s->states);
    }
    s->states[s->n_states++] = (struct state){version, h};
}

struct settings *settings_new(struct counters *counters)
{
    struct settings *s = mem_zero(1, sizeof *s);
    s->counters = counters;
    state_add(s, 0, (struct holding){0});
    return s;
}

void settings_free(struct settings *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_all; i++) {
        rule_free(s->all[i]->rule);
        free(s->all[i]);
    }
    for (size_t i = 0; i < s->n_states; i++)
        free((void *)(uintptr_t)s->states[i].holding.settings);
    free(s->all);
    free(s->states);
    free(s);
}

static struct setting *setting_new(struct settings *s, uint64_t version, struct rule *rule)
{
    struct setting *x = mem_zero(1, sizeof *x);
    const struct policy *p = rule_policy(rule);
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s", STR_ARGS(p->name));
    x->version = version;
    x->hash = hash64_str(p->name);
    x->rule = rule;
    x->policy = p;
    x->crossings = counter_of(s->counters, COUNTER_actuator_crossings_total, name, NULL);
    x->capped = counter_of(s->counters, COUNTER_actuator_capped_total, name, NULL);
    x->interventions =
        counter_of(s->counters, COUNTER_actuator_interventions_total, name, NULL);
    x->holdouts = counter_of(s->counters, COUNTER_actuator_holdouts_total, name, NULL);
    if (s->n_all == s->cap_all) {
        s->cap_all = s->cap_all ? 2 * s->cap_all : 16;
        s->all = mem_grow(s->all, s->cap_all * sizeof(struct setting *));
    }
    s->all[s->n_all++] = x;
    return x;
}

static struct rule *body_read(const struct control *c, struct err *e)
{
    struct rule *r = rule_read(c->body, e);
    if (r && !str_eq(rule_policy(r)->name, c->name)) {
        err_set(e, 0, "its body names another policy");
        rule_free(r);
        r = NULL;
    }
    return r;
}

/* What holds now without `name`, and with `new` in its place unless NULL. */
static void hold(struct settings *s, struct str name, const struct setting *new)
{
    const struct holding *before = &s->states[s->n_states - 1].holding;
    const struct setting **to = mem_new((before->n + 1) * sizeof(struct setting *));
    struct holding h = {.settings = to};
    for (size_t i = 0; i < before->n; i++) {
        const struct setting *x = before->settings[i];
        int order = str_cmp(x->policy->name, name);
        if (order > 0 && new) {
            to[h.n++] = new;
            new = NULL;
        }
        if (order != 0)
            to[h.n++] = x;
    }
    if (new)
        to[h.n++] = new;
    for (size_t i = 0; i < h.n; i++)
        h.wants_features |= rule_wants_features(to[i]->rule);
    state_add(s, s->known, h);
}

static bool is_full(const struct settings *s, struct str name)
{
    const struct holding *h = &s->states[s->n_states - 1].holding;
    for (size_t i = 0; i < h->n; i++)
        if (str_eq(h->settings[i]->policy->name, name))
            return false;
    return h->n == POLICIES_MOST;
}

void settings_control(struct settings *s, uint64_t offset, const struct control *c)
{
    struct err e = {0};
    struct setting *new = NULL;
    if (offset < s->known)
        return;
    s->known = offset + 1;
    if (!c || !str_is(c->what, "policy") || c->name.len == 0)
        return;
    if (c->version != 0 && is_full(s, c->name))
        (void)err_set(&e, 0, "more than %d policies hold", POLICIES_MOST);
    else if (c->version != 0) {
        struct rule *rule = body_read(c, &e);
        new = rule ? setting_new(s, s->known, rule) : NULL;
    }
    if (c->version != 0 && !new)
        log_error("a policy cannot be used, it holds not",
                  "policy=\"%.*s\" offset=%" PRIu64 " reason=\"%s\"", STR_ARGS(c->name), offset,
                  e.text);
    hold(s, c->name, new);
}

uint64_t settings_known(const struct settings *s)
{
    return s->known;
}

const struct holding *settings_at(const struct settings *s, uint64_t control)
{
    size_t low = 0, high = s->n_states; /* the last state whose version is not above it */
    CHECK(control <= s->known);
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (s->states[middle].version <= control)
            low = middle;
        else
            high = middle;
    }
    return &s->states[low].holding;
}
