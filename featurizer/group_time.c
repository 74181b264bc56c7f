/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/cells.h"
#include "featurizer/group.h"
#include "featurizer/rings.h"

/* Where the hours of night, morning, afternoon and evening begin, and end. */
enum { NIGHT = 0, MORNING = 6, AFTERNOON = 12, EVENING = 18, MIDNIGHT = 24 };

/* `newest_us` is that of the lane before this event; a session's first event has no gap. */
static void count_gap(struct visit *v, int64_t t_us, int64_t newest_us)
{
    if (v->events == 1)
        return;
    double gap_s = (double)(t_us - newest_us) / 1e6;
    v->gap_us = 1 + t_us - newest_us;
    v->gaps++;
    v->gap_sum += gap_s;
    v->gap_squares += gap_s * gap_s;
    v->gap_max = gap_s > v->gap_max ? gap_s : v->gap_max;
}

/* The event has opened its session. */
static void count_opening(struct turn *turn)
{
    int64_t local_us = moment_local_us(turn->m);
    int hour = clock_hour(local_us), weekday = clock_weekday(local_us);
    turn->v->start_hour = (uint8_t)(1 + hour);
    turn->v->start_dow = (uint8_t)(1 + weekday);
    cell_add(&turn->p->start_hours[hour]);
    cell_add(&turn->p->start_dows[weekday]);
}

void time_count(struct turn *turn)
{
    struct visit *v = turn->v;
    turn->p->events++;
    rings_count(turn->p, turn->m->type, turn->m->at_us);
    if (!v)
        return;
    v->events++;
    if (v->events == 1)
        count_opening(turn);
    v->late_events += turn->m->is_late;
    if (!turn->m->is_late)
        count_gap(v, turn->m->t_us, turn->l->newest_us);
}

/* sin(2 pi hour / 24) from the quarter that has them all: no sine of a library, whose last bit
 * may differ from machine to machine. */
static double sine_of_hour(int hour)
{
    static const double quarter[] = {0.0,
                                     0.25881904510252074,
                                     0.5,
                                     0.7071067811865476,
                                     0.8660254037844386,
                                     0.9659258262890683,
                                     1.0};
    hour %= 24;
    if (hour >= 12)
        return 0 - sine_of_hour(hour - 12); /* never -0 */
    return quarter[hour <= 6 ? hour : 12 - hour];
}

/* The same of sevenths of a turn, for weekdays. */
static double sine_of_seventh(int day)
{
    static const double sines[] = {0.0,
                                   0.7818314824680298,
                                   0.9749279121818236,
                                   0.4338837391175581,
                                   -0.4338837391175581,
                                   -0.9749279121818236,
                                   -0.7818314824680298};
    return sines[day];
}

static double cosine_of_seventh(int day)
{
    static const double cosines[] = {1.0,
                                     0.6234898018587335,
                                     -0.2225209339563144,
                                     -0.9009688679024191,
                                     -0.9009688679024191,
                                     -0.2225209339563144,
                                     0.6234898018587335};
    return cosines[day];
}

double gap_variance(const struct visit *v)
{
    double mean = over(v->gap_sum, v->gaps);
    double variance = over(v->gap_squares, v->gaps) - mean * mean;
    return variance < 0 ? 0 : variance;
}

static void put_gaps(const struct view *w)
{
    const struct visit *v = w->v;
    bool has_gap = v->gap_us > 0 && !w->m->is_late;
    view_put(w, FEATURE_secs_since_prev_event,
             has_gap ? (double)(v->gap_us - 1) / 1e6 : (double)NAN);
    view_put(w, FEATURE_gap_mean_s, over(v->gap_sum, v->gaps));
    view_put(w, FEATURE_gap_sd_s, sqrt(gap_variance(v)));
    view_put(w, FEATURE_gap_max_s, v->gaps > 0 ? v->gap_max : (double)NAN);
}

static void put_local(const struct view *w)
{
    int64_t local_us = moment_local_us(w->m);
    int hour = clock_hour(local_us), weekday = clock_weekday(local_us);
    view_put(w, FEATURE_local_hour, hour);
    view_put(w, FEATURE_local_hour_sin, sine_of_hour(hour));
    view_put(w, FEATURE_local_hour_cos, sine_of_hour(hour + 6));
    view_put(w, FEATURE_local_dow, weekday);
    view_put(w, FEATURE_local_dow_sin, sine_of_seventh(weekday));
    view_put(w, FEATURE_local_dow_cos, cosine_of_seventh(weekday));
    view_put(w, FEATURE_local_is_weekend, weekday >= 5);
}

/* When the session, and those before it, began. */
static void put_openings(const struct view *w)
{
    const struct visit *v = w->v;
    const uint16_t *hours = w->p->start_hours;
    view_put(w, FEATURE_session_start_hour,
             v->start_hour > 0 ? v->start_hour - 1 : (double)NAN);
    view_put(w, FEATURE_session_start_dow, v->start_dow > 0 ? v->start_dow - 1 : (double)NAN);
    int64_t away_us = MAX(v->started_us - v->ended_before_us, (int64_t)0);
    view_put(w, FEATURE_hours_since_prev_session,
             v->ended_before_us != 0 ? (double)away_us / HOUR_US : (double)NAN);
    uint32_t night = cells_sum(hours, NIGHT, MORNING);
    uint32_t morning = cells_sum(hours, MORNING, AFTERNOON);
    uint32_t afternoon = cells_sum(hours, AFTERNOON, EVENING);
    uint32_t evening = cells_sum(hours, EVENING, MIDNIGHT);
    double all = (double)night + morning + afternoon + evening;
    view_put(w, FEATURE_share_morning, over(morning, all));
    view_put(w, FEATURE_share_afternoon, over(afternoon, all));
    view_put(w, FEATURE_share_evening, over(evening, all));
    view_put(w, FEATURE_share_night, over(night, all));
}

static void put_rings(const struct view *w)
{
    const struct profile *p = w->p;
    view_put(w, FEATURE_events_5m,
             ring_sum(p->events_30s, ARRAY_LEN(p->events_30s), p->bucket_30s,
                      ring_bucket(w->t_us, BUCKET_30S_US)));
    view_put(w, FEATURE_events_1h,
             ring_sum(p->events_5m, ARRAY_LEN(p->events_5m), p->bucket_5m,
                      ring_bucket(w->t_us, BUCKET_5M_US)));
    view_put(w, FEATURE_events_24h,
             ring_sum(p->events_1h, ARRAY_LEN(p->events_1h), p->bucket_1h,
                      ring_bucket(w->t_us, BUCKET_1H_US)));
}

void time_put(const struct view *w)
{
    const struct visit *v = w->v;
    double duration_s = (double)(w->t_us - v->started_us) / 1e6;
    view_put(w, FEATURE_session_duration_s, duration_s);
    view_put(w, FEATURE_session_number, v->number);
    view_put(w, FEATURE_event_index, v->events);
    put_gaps(w);
    int hour = clock_hour(w->t_us), weekday = clock_weekday(w->t_us);
    view_put(w, FEATURE_hour_of_day, hour);
    view_put(w, FEATURE_hour_sin, sine_of_hour(hour));
    view_put(w, FEATURE_hour_cos, sine_of_hour(hour + 6));
    view_put(w, FEATURE_day_of_week, weekday);
    view_put(w, FEATURE_is_weekend, weekday >= 5);
    view_put(w, FEATURE_time_on_page_s, view_since(w, v->page_us, 1e6));
    view_put(w, FEATURE_total_time_on_site_s, w->p->closed_s + duration_s);
    put_local(w);
    put_openings(w);
    put_rings(w);
}
