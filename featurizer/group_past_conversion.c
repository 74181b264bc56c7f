/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/group.h"

void past_conversion_count(struct turn *turn)
{
    struct profile *p = turn->p;
    const struct moment *m = turn->m;
    double value = turn->e->value;
    if (is_conversion(m->type)) {
        p->conversions++;
        p->conversion_us = MAX(p->conversion_us, m->at_us);
    }
    if (m->type == EVENT_TYPE_purchase) {
        p->orders++;
        p->revenue += known_or(value, 0);
        p->worth += amount_or_0(m, value);
    } else if (m->type == EVENT_TYPE_refund) {
        p->refunds++;
        p->refund_worth += fabs(amount_or_0(m, value));
    }
}

void past_conversion_put(const struct view *w)
{
    const struct profile *p = w->p;
    const struct span *sums = w->spans.sum;
    view_put(w, FEATURE_conversions, p->conversions);
    view_put(w, FEATURE_avg_order_value, over(p->revenue, p->orders));
    view_put(w, FEATURE_days_since_conversion, view_since(w, p->conversion_us, DAY_US));
    view_put(w, FEATURE_conversion_rate, over(p->conversions, p->sessions));
    view_put(w, FEATURE_orders_30d, sums[SPAN_30D].orders);
    view_put(w, FEATURE_orders_90d, sums[SPAN_90D].orders);
    view_put(w, FEATURE_orders_ever, p->orders);
    view_put(w, FEATURE_revenue_30d, sums[SPAN_30D].revenue);
    view_put(w, FEATURE_revenue_90d, sums[SPAN_90D].revenue);
    view_put(w, FEATURE_revenue_ever, p->worth);
    view_put(w, FEATURE_refunds, p->refunds);
    view_put(w, FEATURE_refund_value, p->refund_worth);
}
