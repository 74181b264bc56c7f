/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/group.h"

#include "common/base/hash.h"

static void count_depth(struct visit *v, double depth_pct)
{
    if (isnan(depth_pct))
        return;
    v->depths++;
    v->depth_sum += depth_pct;
    v->depth_max = depth_pct > v->depth_max ? depth_pct : v->depth_max;
}

/* What has happened on the newest page; in order. */
static void count_on_page(struct visit *v, uint8_t type, double depth_pct)
{
    if (is_page(type)) {
        v->page_clicks = v->page_scrolls = 0;
        v->page_depth_max = 0;
    } else if (type == EVENT_TYPE_click) {
        v->page_clicks++;
    } else if (type == EVENT_TYPE_scroll) {
        v->page_scrolls++;
        v->page_depth_max = depth_pct > v->page_depth_max ? depth_pct : v->page_depth_max;
    }
}

void engagement_count(struct turn *turn)
{
    struct visit *v = turn->v;
    const struct event *e = turn->e;
    uint8_t type = turn->m->type;
    if (!v)
        return;
    if (type == EVENT_TYPE_scroll)
        count_depth(v, e->depth_pct);
    else if (type == EVENT_TYPE_sort_changed)
        v->sorts++; /* and one of `filters` */
    else if (type == EVENT_TYPE_feature_used && e->feature.len > 0)
        (void)set_add(turn->slab, &v->features, hash64_str(e->feature));
    else if (type == EVENT_TYPE_time_on_page && isfinite(e->seconds))
        v->reported_s += e->seconds;
    if (!turn->m->is_late)
        count_on_page(v, type, e->depth_pct);
}

double engagement_of(const struct visit *v)
{
    double score = 2.0 * v->clicks + v->scrolls + 5.0 * v->video_plays + 10.0 * v->form_submits;
    return score < 100 ? score : 100;
}

/* Its parts as features.def weighs them; of the newest page or screen view. */
static double page_score(const struct visit *v, double time_s)
{
    if (v->page_us == 0)
        return 0;
    double by_time = time_s < 150 ? time_s / 6 : 25;
    double score = 2.0 * v->page_clicks + v->page_scrolls + v->page_depth_max / 4 + by_time;
    return score < 100 ? score : 100;
}

static void put_page(const struct view *w)
{
    const struct visit *v = w->v;
    double time_s = view_since(w, v->page_us, 1e6);
    view_put(w, FEATURE_page_engagement_score, page_score(v, time_s));
    view_put(w, FEATURE_reading_speed, time_s >= 1 ? v->page_depth_max / time_s : (double)NAN);
}

static void put_uses(const struct view *w)
{
    double n = w->v->features.n, score = 10 * n + 2.0 * w->v->feature_events;
    view_put(w, FEATURE_features_used, n);
    view_put(w, FEATURE_feature_usage_score, score < 100 ? score : 100);
}

void engagement_put(const struct view *w)
{
    const struct visit *v = w->v;
    view_put(w, FEATURE_clicks, v->clicks);
    view_put(w, FEATURE_scroll_depth_mean, v->depths > 0 ? v->depth_sum / v->depths : 0);
    view_put(w, FEATURE_scroll_depth_max, v->depth_max);
    view_put(w, FEATURE_searches, v->searches);
    view_put(w, FEATURE_filters, v->filters);
    view_put(w, FEATURE_engagement_score, engagement_of(v));
    view_put(w, FEATURE_form_starts, v->form_starts);
    view_put(w, FEATURE_form_submits, v->form_submits);
    view_put(w, FEATURE_form_abandons, v->form_abandons);
    view_put(w, FEATURE_form_errors, v->form_errors);
    view_put(w, FEATURE_video_completes, v->video_completes);
    view_put(w, FEATURE_downloads, v->downloads);
    view_put(w, FEATURE_sorts, v->sorts);
    view_put(w, FEATURE_shares, v->shares);
    view_put(w, FEATURE_ratings_given, v->ratings_given);
    view_put(w, FEATURE_reported_time_s, v->reported_s);
    put_page(w);
    put_uses(w);
}
