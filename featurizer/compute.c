/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/compute.h"

#include "featurizer/codes.h"

#include <float.h>
#include <math.h>

/* What the groups of features share. */
struct view {
    const struct profile *p;
    const struct visit *v; /* never NULL: an empty session stands for none */
    const struct moment *m;
    int64_t t_us;
    float *out;
};

static void put(const struct view *w, enum feature f, double value)
{
    if (isnan(value))
        w->out[f] = NAN;
    else if (value > (double)FLT_MAX)
        w->out[f] = FLT_MAX;
    else if (value < -(double)FLT_MAX)
        w->out[f] = -FLT_MAX;
    else
        w->out[f] = (float)value;
}

static double over(double sum, double n)
{
    return n > 0 ? sum / n : (double)NAN;
}

/* From a time to t, in the given unit; NaN when there is no such time. */
static double since(const struct view *w, int64_t from_us, double unit_us)
{
    if (from_us == 0)
        return (double)NAN;
    return (double)MAX(w->t_us - from_us, (int64_t)0) / unit_us;
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

static void put_time(const struct view *w)
{
    const struct visit *v = w->v;
    put(w, FEATURE_session_duration_s, (double)(w->t_us - v->started_us) / 1e6);
    put(w, FEATURE_session_number, v->number);
    put(w, FEATURE_event_index, v->events);
    bool has_gap = v->gap_us > 0 && !w->m->is_late;
    put(w, FEATURE_secs_since_prev_event,
        has_gap ? (double)(v->gap_us - 1) / 1e6 : (double)NAN);
    double mean = over(v->gap_sum, v->gaps);
    double variance = over(v->gap_squares, v->gaps) - mean * mean;
    put(w, FEATURE_gap_mean_s, mean);
    put(w, FEATURE_gap_sd_s, variance < 0 ? 0 : sqrt(variance));
    put(w, FEATURE_gap_max_s, v->gaps > 0 ? v->gap_max : (double)NAN);
    int64_t days = clock_floor(w->t_us, DAY_US);
    int hour = (int)((w->t_us - days * DAY_US) / HOUR_US);
    int weekday = (int)(((days + 3) % 7 + 7) % 7); /* day 0 was a Thursday */
    put(w, FEATURE_hour_of_day, hour);
    put(w, FEATURE_hour_sin, sine_of_hour(hour));
    put(w, FEATURE_hour_cos, sine_of_hour(hour + 6));
    put(w, FEATURE_day_of_week, weekday);
    put(w, FEATURE_is_weekend, weekday >= 5);
    double duration_s = (double)(w->t_us - v->started_us) / 1e6;
    put(w, FEATURE_events_per_minute, 60.0 * v->events / (duration_s > 60 ? duration_s : 60));
}

static void put_navigation(const struct view *w)
{
    const struct visit *v = w->v;
    put(w, FEATURE_pages, v->pages);
    put(w, FEATURE_unique_pages, v->paths.n);
    put(w, FEATURE_returns_to_page, v->returns);
    put(w, FEATURE_current_page, code_page(w->m->event->path));
    put(w, FEATURE_clicks, v->clicks);
    put(w, FEATURE_scroll_depth_mean, v->depths > 0 ? v->depth_sum / v->depths : 0);
    put(w, FEATURE_scroll_depth_max, v->depth_max);
    put(w, FEATURE_searches, v->searches);
    put(w, FEATURE_filters, v->filters);
    double score = 2.0 * v->clicks + v->scrolls + 5.0 * v->video_plays + 10.0 * v->form_submits;
    put(w, FEATURE_engagement_score, score < 100 ? score : 100);
}

static void put_intent(const struct view *w)
{
    const struct visit *v = w->v;
    put(w, FEATURE_product_views, v->product_views);
    put(w, FEATURE_distinct_products, v->products.n);
    put(w, FEATURE_distinct_categories, v->categories.n);
    put(w, FEATURE_product_revisits, v->revisits);
    put(w, FEATURE_price_min, v->prices > 0 ? v->price_min : (double)NAN);
    put(w, FEATURE_price_mean, over(v->price_sum, v->prices));
    put(w, FEATURE_price_max, v->prices > 0 ? v->price_max : (double)NAN);
    put(w, FEATURE_price_current, w->m->event->price);
    put(w, FEATURE_cart_adds, v->cart_adds);
    put(w, FEATURE_cart_removes, v->cart_removes);
    put(w, FEATURE_cart_items, v->cart_items);
    put(w, FEATURE_cart_value, v->cart_value);
    put(w, FEATURE_wishlist_adds, v->wishlist_adds);
    put(w, FEATURE_checkouts_started, v->checkouts);
    put(w, FEATURE_secs_since_cart_add, since(w, v->cart_add_us, 1e6));
    put(w, FEATURE_session_conversions, v->conversions);
}

static void put_context(const struct view *w)
{
    const struct visit *v = w->v;
    put(w, FEATURE_event_type, w->m->type);
    put(w, FEATURE_prev_event_type, w->m->is_late ? v->type : v->type_before);
    put(w, FEATURE_device_type, v->device);
    put(w, FEATURE_os, v->os);
    put(w, FEATURE_country, v->country);
    put(w, FEATURE_channel, v->channel);
    put(w, FEATURE_campaign, v->campaign);
}

static void put_history(const struct view *w)
{
    const struct profile *p = w->p;
    put(w, FEATURE_conversions, p->conversions);
    put(w, FEATURE_avg_order_value, over(p->revenue, p->orders));
    put(w, FEATURE_days_since_conversion, since(w, p->conversion_us, DAY_US));
    put(w, FEATURE_touchpoints, p->touchpoints);
    put(w, FEATURE_distinct_channels, __builtin_popcount(p->channels));
    int64_t before_us = w->v->before_us, away_us = w->v->started_us - before_us;
    put(w, FEATURE_recency_days,
        before_us == 0 ? (double)NAN : (double)MAX(away_us, (int64_t)0) / DAY_US);
    put(w, FEATURE_total_sessions, p->sessions);
    put(w, FEATURE_total_events, p->events);
    put(w, FEATURE_days_since_first_visit, since(w, p->first_us, DAY_US));
    put(w, FEATURE_avg_session_duration_s, over(p->closed_s, p->closed));
    put(w, FEATURE_lifetime_value, p->lifetime_value);
    put(w, FEATURE_is_identified, p->user_id.len > 0);
    put(w, FEATURE_support_tickets, p->support_tickets);
    put(w, FEATURE_payment_failures, p->payment_failures);
}

static void put_rest(const struct view *w)
{
    const struct visit *v = w->v;
    put(w, FEATURE_group_views, v->group_views);
    put(w, FEATURE_group_join_clicks, v->group_join_clicks);
    put(w, FEATURE_error_count, v->errors);
    put(w, FEATURE_rage_clicks, v->rage_clicks);
    put(w, FEATURE_help_requests, v->help_requests);
    put(w, FEATURE_video_plays, v->video_plays);
    put(w, FEATURE_video_completion_rate, over(v->video_completes, v->video_plays));
}

void compute_features(const struct profile *p, const struct visit *v, const struct moment *m,
                      float out[FEATURES_N])
{
    static const struct visit none;
    struct visit empty = none;
    empty.started_us = m->t_us;
    struct view w = {p, v ? v : &empty, m, m->t_us, out};
    put_time(&w);
    put_navigation(&w);
    put_intent(&w);
    put_context(&w);
    put_history(&w);
    put_rest(&w);
}
