/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/group.h"

#include "common/base/hash.h"

static void count_satisfaction(struct profile *p, double score)
{
    if (!isfinite(score))
        return;
    p->has_satisfaction = 1;
    p->satisfaction = score;
}

static void count_feature(struct turn *turn)
{
    struct profile *p = turn->p;
    p->feature_us = MAX(p->feature_us, turn->m->at_us);
    if (turn->e->feature.len > 0)
        (void)set_add(turn->slab, &p->features, hash64_str(turn->e->feature));
}

static void count_joining(struct profile *p, int64_t at_us)
{
    p->joined_us = p->joined_us == 0 ? at_us : MIN(p->joined_us, at_us);
}

static void count_plan(struct profile *p, struct str plan)
{
    if (plan.len > 0)
        p->plan = code_word(plan);
}

void customer_count(struct turn *turn)
{
    struct profile *p = turn->p;
    const struct event *e = turn->e;
    if (e->user_id.len > 0)
        text_set(turn->slab, &p->user_id, e->user_id, TEXT_MOST);
    switch (turn->m->type) {
    case EVENT_TYPE_support_ticket:
        p->support_tickets++;
        break;
    case EVENT_TYPE_payment_failed:
        p->payment_failures++;
        break;
    case EVENT_TYPE_campaign_sent:
        p->campaigns_sent++;
        break;
    case EVENT_TYPE_campaign_opened:
        p->campaigns_opened++;
        break;
    case EVENT_TYPE_campaign_clicked:
        p->campaigns_clicked++;
        break;
    case EVENT_TYPE_satisfaction:
        count_satisfaction(p, e->score);
        break;
    case EVENT_TYPE_feature_used:
        count_feature(turn);
        break;
    case EVENT_TYPE_signup:
        count_joining(p, turn->m->at_us);
        break;
    case EVENT_TYPE_subscription:
        count_joining(p, turn->m->at_us);
        count_plan(p, e->plan);
        break;
    case EVENT_TYPE_profile_update:
    case EVENT_TYPE_identify:
        count_plan(p, e->plan);
        break;
    case EVENT_TYPE_subscription_cancel:
        p->plan = CODE_NONE;
        break;
    default:
        break;
    }
}

static double share(uint32_t some, uint32_t all)
{
    return over(MIN(some, all), all);
}

void customer_put(const struct view *w)
{
    const struct profile *p = w->p;
    view_put(w, FEATURE_is_identified, p->user_id.len > 0);
    view_put(w, FEATURE_support_tickets, p->support_tickets);
    view_put(w, FEATURE_payment_failures, p->payment_failures);
    view_put(w, FEATURE_campaigns_sent, p->campaigns_sent);
    view_put(w, FEATURE_campaign_open_rate, share(p->campaigns_opened, p->campaigns_sent));
    view_put(w, FEATURE_campaign_response_rate, share(p->campaigns_clicked, p->campaigns_sent));
    view_put(w, FEATURE_support_tickets_30d, w->spans.sum[SPAN_30D].tickets);
    view_put(w, FEATURE_support_tickets_90d, w->spans.sum[SPAN_90D].tickets);
    view_put(w, FEATURE_satisfaction_last, p->has_satisfaction ? p->satisfaction : (double)NAN);
    view_put(w, FEATURE_days_since_feature_use, view_since(w, p->feature_us, DAY_US));
    view_put(w, FEATURE_feature_diversity, p->features.n);
    view_put(w, FEATURE_plan, p->plan);
    view_put(w, FEATURE_tenure_days, view_since(w, p->joined_us, DAY_US));
}
