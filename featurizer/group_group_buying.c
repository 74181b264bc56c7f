/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/group.h"

void group_buying_count(struct turn *turn)
{
    struct profile *p = turn->p;
    uint8_t type = turn->m->type;
    p->group_views += type == EVENT_TYPE_group_view;
    p->group_clicks += type == EVENT_TYPE_group_join_click;
    p->group_joins += type == EVENT_TYPE_group_join_complete;
    p->group_orders += type == EVENT_TYPE_purchase && turn->e->group_id.len > 0;
}

void group_buying_put(const struct view *w)
{
    const struct profile *p = w->p;
    view_put(w, FEATURE_group_views, w->v->group_views);
    view_put(w, FEATURE_group_join_clicks, w->v->group_join_clicks);
    view_put(w, FEATURE_group_joins, w->v->group_joins);
    view_put(w, FEATURE_group_leaves, w->v->group_leaves);
    view_put(w, FEATURE_view_to_click_rate, over(p->group_clicks, p->group_views));
    view_put(w, FEATURE_click_to_join_rate, over(p->group_joins, p->group_clicks));
    view_put(w, FEATURE_join_to_purchase_rate, over(p->group_orders, p->group_joins));
    view_put(w, FEATURE_overall_conversion_rate, over(p->group_orders, p->group_views));
}
