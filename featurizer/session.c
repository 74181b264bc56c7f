/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/session.h"

#include "featurizer/group.h"

struct str session_end_name(enum session_end end)
{
    static const char *const names[] = {"", "gap", "silence", "import_end"};
    return str_of(names[end]);
}

struct moment session_judge(const struct lane *l, const struct event *e,
                            const struct site_rules *site)
{
    struct moment m = {.event = e, .type = code_event_type(e->type), .site = site};
    m.is_late = e->ts_us < l->newest_us - LATE_US;
    m.t_us = MAX(e->ts_us, l->newest_us);
    m.at_us = m.is_late ? e->ts_us : m.t_us;
    m.offset_us = site_offset_us(site, e, m.t_us);
    if (!l->visit)
        return m;
    bool is_live = l->import_id == 0;
    int64_t idle_us = visit_idle_us(l->visit, site);
    if (is_live && e->received_us >= l->received_us + idle_us)
        m.ends = SESSION_SILENCE;
    else if (m.t_us - l->newest_us >= idle_us)
        m.ends = SESSION_GAP;
    return m;
}

double moment_amount(const struct moment *m, double amount)
{
    return amount * site_factor(m->site, m->event->currency);
}

void session_open(struct slab *s, struct profile *p, struct lane *l, const struct moment *m,
                  uint64_t epoch, uint64_t offset)
{
    CHECK(!l->visit && !m->is_late);
    l->visit = visit_new(s);
    l->visit->epoch = epoch;
    l->visit->opened = offset;
    l->visit->number = ++p->sessions;
    l->visit->started_us = m->t_us;
    l->visit->before_us = p->last_us;
    l->visit->ended_before_us = p->ended_us;
    l->visit->idle_us = m->site->idle_us;
}

static uint16_t held(uint32_t n)
{
    return (uint16_t)MIN(n, (uint32_t)UINT16_MAX);
}

static struct summary summary_of(const struct lane *l, enum session_end end)
{
    const struct visit *v = l->visit;
    return (struct summary){.started_us = v->started_us,
                            .ended_us = l->newest_us,
                            .value = view_f32(v->worth),
                            .engagement = view_f32(engagement_of(v)),
                            .events = held(v->events),
                            .pages = held(v->pages),
                            .product_views = held(v->product_views),
                            .cart_adds = held(v->cart_adds),
                            .conversions = held(v->conversions),
                            .errors = held(v->errors),
                            .channel = v->channel,
                            .device = v->device,
                            .ended_by = (uint8_t)end};
}

void session_close(struct slab *s, struct profile *p, struct lane *l, enum session_end end)
{
    struct summary summary = summary_of(l, end);
    summaries_add(s, &p->summaries, &summary);
    p->closed++;
    p->closed_s += (double)(l->newest_us - l->visit->started_us) / 1e6;
    p->closed_pages += l->visit->pages;
    p->closed_engagement += engagement_of(l->visit);
    p->ended_us = l->newest_us;
    visit_free(s, l->visit);
    l->visit = NULL;
}
