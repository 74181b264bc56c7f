/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/cells.h"
#include "featurizer/group.h"

enum { RISE_MOST_S = 60 };

_Static_assert(EVENT_TYPE_video_complete - EVENT_TYPE_video_play == 6, "those of class video");
static bool is_video(uint8_t type)
{
    return type >= EVENT_TYPE_video_play && type <= EVENT_TYPE_video_complete;
}

/* What can have been watched up to this event. */
static bool ends_watching(uint8_t type)
{
    return type == EVENT_TYPE_video_progress || type == EVENT_TYPE_video_pause ||
           type == EVENT_TYPE_video_complete;
}

static void follow_position(struct visit *v, uint8_t type, double position_s)
{
    if (!isfinite(position_s))
        return;
    double rise_s = position_s - v->video_position_s;
    if (v->has_video_position && ends_watching(type) && rise_s > 0 && rise_s <= RISE_MOST_S)
        v->watch_s += rise_s;
    v->video_position_s = position_s;
    v->has_video_position = 1;
}

static void follow_rest(struct visit *v, uint8_t type, double position_s, double length_s)
{
    if (isfinite(position_s) && isfinite(length_s) && length_s > 0) {
        double pct = 100 * (1 - position_s / length_s);
        v->drop_off_pct = MAX(MIN(pct, 100.0), 0.0);
        v->has_drop_off = 1;
    }
    if (type == EVENT_TYPE_video_complete)
        v->drop_off_pct = 0;
}

static void count_play(struct turn *turn)
{
    cell_add(&turn->p->video_hours[clock_hour(moment_local_us(turn->m))]);
    struct day *day = days_take(turn->slab, &turn->p->days, turn->m->at_us);
    if (day)
        cell_add(&day->videos);
}

void video_count(struct turn *turn)
{
    struct visit *v = turn->v;
    const struct event *e = turn->e;
    uint8_t type = turn->m->type;
    if (!is_video(type))
        return;
    if (type == EVENT_TYPE_video_play)
        count_play(turn);
    if (!v)
        return;
    if (type == EVENT_TYPE_video_speed && isfinite(e->speed)) {
        v->video_speeds++;
        v->video_speed_sum += e->speed;
    }
    if (turn->m->is_late)
        return;
    follow_position(v, type, e->position_s);
    follow_rest(v, type, e->position_s, e->length_s);
}

static void put_habits(const struct view *w)
{
    const uint16_t *hours = w->p->video_hours;
    size_t n = ARRAY_LEN(w->p->video_hours), mode = cells_mode(hours, n);
    view_put(w, FEATURE_videos_30d, w->spans.sum[SPAN_30D].videos);
    view_put(w, FEATURE_video_hour_mode, mode < n ? (double)mode : (double)NAN);
}

void video_put(const struct view *w)
{
    const struct visit *v = w->v;
    view_put(w, FEATURE_video_plays, v->video_plays);
    view_put(w, FEATURE_video_completion_rate, over(v->video_completes, v->video_plays));
    view_put(w, FEATURE_watch_s, v->watch_s);
    view_put(w, FEATURE_video_pauses, v->video_pauses);
    view_put(w, FEATURE_video_seeks, v->video_seeks);
    view_put(w, FEATURE_video_replays, v->video_replays);
    view_put(w, FEATURE_video_speed_changes, v->video_speed_changes);
    view_put(w, FEATURE_video_mean_speed, over(v->video_speed_sum, v->video_speeds));
    view_put(w, FEATURE_drop_off_pct, v->has_drop_off ? v->drop_off_pct : (double)NAN);
    put_habits(w);
}
