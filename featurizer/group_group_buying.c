/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/group.h"

static void count_ever(struct profile *p, const struct moment *m)
{
    p->group_views += m->type == EVENT_TYPE_group_view;
    p->group_clicks += m->type == EVENT_TYPE_group_join_click;
    p->group_joins += m->type == EVENT_TYPE_group_join_complete;
    p->group_orders += m->type == EVENT_TYPE_purchase && m->event->group_id.len > 0;
}

void group_buying_count(struct turn *turn)
{
    struct visit *v = turn->v;
    uint8_t type = turn->m->type;
    count_ever(turn->p, turn->m);
    if (!v)
        return;
    v->group_views += type == EVENT_TYPE_group_view;
    v->group_join_clicks += type == EVENT_TYPE_group_join_click;
    v->group_joins += type == EVENT_TYPE_group_join_complete;
    v->group_leaves += type == EVENT_TYPE_group_leave;
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
