/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/cells.h"
#include "featurizer/group.h"

static void count_touch(struct profile *p, uint8_t channel, int64_t t_us)
{
    if (p->touchpoints == 0 || t_us < p->touch_first_us)
        p->touch_first_us = t_us;
    if (p->touchpoints == 0 || t_us > p->touch_last_us)
        p->touch_last_us = t_us;
    if (p->first_channel == CODE_NONE)
        p->first_channel = channel;
    p->last_channel = channel;
    p->touchpoints++;
    p->channels |= 1u << (channel & 31);
    cell_add(&p->touches[channel]);
}

static void count_ad(struct profile *p, const struct moment *m)
{
    bool is_click = m->type == EVENT_TYPE_ad_click;
    if (!is_click && m->type != EVENT_TYPE_ad_impression)
        return;
    p->ad_clicks += is_click;
    p->ad_impressions += !is_click;
    p->ad_worth += amount_or_0(m, m->event->cost);
}

void touchpoints_count(struct turn *turn)
{
    struct visit *v = turn->v;
    count_ad(turn->p, turn->m);
    if (turn->m->is_late || v->channel != CODE_NONE || turn->e->channel.len == 0)
        return;
    v->channel = code_channel(turn->e->channel);
    count_touch(turn->p, v->channel, turn->m->t_us);
}

static void put_channels(const struct view *w)
{
    const uint16_t *touches = w->p->touches;
    view_put(w, FEATURE_touches_direct, touches[CHANNEL_direct]);
    view_put(w, FEATURE_touches_organic, touches[CHANNEL_organic]);
    view_put(w, FEATURE_touches_paid_search, touches[CHANNEL_paid_search]);
    view_put(w, FEATURE_touches_paid_social, touches[CHANNEL_paid_social]);
    view_put(w, FEATURE_touches_social, touches[CHANNEL_social]);
    view_put(w, FEATURE_touches_email, touches[CHANNEL_email]);
    view_put(w, FEATURE_touches_display, touches[CHANNEL_display]);
    view_put(w, FEATURE_touches_affiliate, touches[CHANNEL_affiliate]);
    view_put(w, FEATURE_touches_referral, touches[CHANNEL_referral]);
    view_put(w, FEATURE_touches_other, touches[CODE_OTHER]);
}

void touchpoints_put(const struct view *w)
{
    const struct profile *p = w->p;
    double between_h = (double)(p->touch_last_us - p->touch_first_us) / HOUR_US;
    view_put(w, FEATURE_touchpoints, p->touchpoints);
    view_put(w, FEATURE_distinct_channels, __builtin_popcount(p->channels));
    view_put(w, FEATURE_days_since_first_touch, view_since(w, p->touch_first_us, DAY_US));
    view_put(w, FEATURE_first_channel, p->first_channel);
    view_put(w, FEATURE_last_channel, p->last_channel);
    view_put(w, FEATURE_hours_between_touches, over(between_h, (double)p->touchpoints - 1));
    put_channels(w);
    view_put(w, FEATURE_ad_cost, p->ad_worth);
    view_put(w, FEATURE_ad_impressions, p->ad_impressions);
    view_put(w, FEATURE_ad_clicks, p->ad_clicks);
}
