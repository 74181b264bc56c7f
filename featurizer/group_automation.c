/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/group.h"

enum { NIGHT_ENDS = 6 };
enum { MARK_BOT = 1, MARK_HEADLESS = 2 }; /* event.def's agent_marks */

static void count_page(struct visit *v, const struct event *e)
{
    v->pages_without_referrer += e->referrer.len == 0;
    v->crawl_depth = MAX(v->crawl_depth, page_depth(e->path));
}

static void add_known(double value, double *sum, uint32_t *n)
{
    if (!isfinite(value))
        return;
    *sum += value;
    ++*n;
}

static void count_mouse(struct visit *v, const struct event *e)
{
    add_known(e->straightness, &v->mouse_straight_sum, &v->mouse_straights);
    add_known(e->mean_speed, &v->mouse_speed_sum, &v->mouse_speeds);
    add_known(e->pauses, &v->mouse_pause_sum, &v->mouse_pauses);
}

void automation_count(struct turn *turn)
{
    struct visit *v = turn->v;
    const struct event *e = turn->e;
    uint8_t type = turn->m->type;
    turn->p->night_events += clock_hour(moment_local_us(turn->m)) < NIGHT_ENDS;
    if (!v)
        return;
    if (is_page(type))
        count_page(v, e);
    else if (type == EVENT_TYPE_mouse_summary)
        count_mouse(v, e);
    if (!turn->m->is_late)
        v->agent_marks |= (uint8_t)(e->agent_marks & (MARK_BOT | MARK_HEADLESS));
}

static void put_mouse(const struct view *w)
{
    const struct visit *v = w->v;
    view_put(w, FEATURE_mouse_straightness, over(v->mouse_straight_sum, v->mouse_straights));
    view_put(w, FEATURE_mouse_mean_speed, over(v->mouse_speed_sum, v->mouse_speeds));
    view_put(w, FEATURE_mouse_pause_share, over(v->mouse_pause_sum, v->mouse_pauses));
}

void automation_put(const struct view *w)
{
    const struct visit *v = w->v;
    double duration_s = (double)(w->t_us - v->started_us) / 1e6;
    view_put(w, FEATURE_events_per_minute,
             60.0 * v->events / (duration_s > 60 ? duration_s : 60));
    double variance = gap_variance(v);
    view_put(w, FEATURE_gap_variance_s2, variance);
    view_put(w, FEATURE_share_without_referrer, over(v->pages_without_referrer, v->pages));
    view_put(w, FEATURE_night_share, over(w->p->night_events, w->p->events));
    double breadth = sketch_n(&v->paths.set, v->path_sketch);
    view_put(w, FEATURE_crawl_breadth, breadth);
    view_put(w, FEATURE_crawl_depth, v->crawl_depth);
    view_put(w, FEATURE_breadth_to_depth, breadth / MAX(v->crawl_depth, 1u));
    put_mouse(w);
    view_put(w, FEATURE_is_headless, (v->agent_marks & MARK_HEADLESS) != 0);
    view_put(w, FEATURE_is_known_bot,
             (v->agent_marks & MARK_BOT) != 0 || v->device == DEVICE_bot);
}
