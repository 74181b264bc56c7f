/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/group.h"

#include "common/base/exact.h"
#include "common/base/hash.h"
#include "featurizer/cells.h"
#include "featurizer/entropy.h"

static void count_product_view(struct turn *turn)
{
    struct profile *p = turn->p;
    const struct event *e = turn->e;
    if (e->product_id.len > 0) {
        uint64_t hash = hash64_str(e->product_id);
        if (set_add(turn->slab, &p->products, hash) == SET_FULL)
            sketch_spill(turn->slab, &p->products, &p->product_sketch, hash);
    }
    if (e->category.len == 0)
        return;
    uint64_t hash = hash64_str(e->category);
    uint32_t count;
    if (bag_add(turn->slab, &p->categories, hash, &count) == SET_FULL) {
        sketch_spill(turn->slab, &p->categories.set, &p->category_sketch, hash);
        return;
    }
    p->category_views++;
    entropy_grow(&p->category_sum, count);
}

/* Videos are the video group's. */
static void count_day(struct turn *turn, double amount)
{
    uint8_t type = turn->m->type;
    struct day *day = days_take(turn->slab, &turn->p->days, turn->m->at_us);
    if (!day)
        return;
    day->events++;
    if (turn->v && turn->v->events == 1) /* the event has opened it */
        cell_add(&day->sessions);
    if (type == EVENT_TYPE_support_ticket)
        cell_add(&day->tickets);
    if (type == EVENT_TYPE_purchase) {
        cell_add(&day->orders);
        day->revenue += amount;
    }
}

void history_count(struct turn *turn)
{
    struct profile *p = turn->p;
    uint8_t type = turn->m->type;
    double value = known_or(turn->e->value, 0), amount = 0;
    if (type == EVENT_TYPE_purchase || type == EVENT_TYPE_subscription) {
        amount = amount_or_0(turn->m, turn->e->value);
        p->lifetime_value += value;
        p->worth_all += amount;
        if (turn->v)
            turn->v->worth += amount;
    } else if (type == EVENT_TYPE_refund) {
        p->lifetime_value -= fabs(value); /* senders disagree about its sign */
    } else if (type == EVENT_TYPE_product_view) {
        count_product_view(turn);
    }
    count_day(turn, amount);
}

/* Sums over the sessions that ended in one of the four weeks up to t, week 0 the newest. */
struct week {
    double n, duration_s, engagement;
};

static bool gather(const struct view *w, struct week weeks[4])
{
    const int64_t week_us = 7 * DAY_US;
    const struct summaries *l = &w->p->summaries;
    bool has_any = false;
    for (uint32_t i = 0; i < l->n; i++) {
        const struct summary *x = summaries_at(l, i);
        if (x->ended_us > w->t_us || x->ended_us <= w->t_us - 4 * week_us)
            continue;
        struct week *week = &weeks[(w->t_us - x->ended_us) / week_us];
        week->n++;
        week->duration_s += (double)(x->ended_us - x->started_us) / 1e6;
        week->engagement += (double)x->engagement;
        has_any = true;
    }
    return has_any;
}

/* Least squares over four points one week apart. */
static double slope(double w0, double w1, double w2, double w3)
{
    return (3 * (w0 - w3) + w1 - w2) / 10;
}

static double mean_or_0(double sum, double n)
{
    return n > 0 ? sum / n : 0;
}

static void put_trends(const struct view *w)
{
    struct week weeks[4] = {{0}};
    double duration[4], engagement[4], none = (double)NAN;
    bool has_any = gather(w, weeks);
    for (unsigned i = 0; i < ARRAY_LEN(weeks); i++) {
        duration[i] = mean_or_0(weeks[i].duration_s, weeks[i].n);
        engagement[i] = mean_or_0(weeks[i].engagement, weeks[i].n);
    }
    view_put(w, FEATURE_trend_sessions,
             has_any ? slope(weeks[0].n, weeks[1].n, weeks[2].n, weeks[3].n) : none);
    view_put(w, FEATURE_trend_duration_s,
             has_any ? slope(duration[0], duration[1], duration[2], duration[3]) : none);
    view_put(w, FEATURE_trend_engagement,
             has_any ? slope(engagement[0], engagement[1], engagement[2], engagement[3])
                     : none);
}

static double mode_or(const uint16_t *cells, size_t n, double none)
{
    size_t mode = cells_mode(cells, n);
    return mode < n ? (double)mode : none;
}

static void put_habits(const struct view *w)
{
    const struct profile *p = w->p;
    uint32_t weekends = cells_sum(p->start_dows, 5, 7);
    view_put(w, FEATURE_preferred_hour,
             mode_or(p->start_hours, ARRAY_LEN(p->start_hours), (double)NAN));
    view_put(w, FEATURE_preferred_dow,
             mode_or(p->start_dows, ARRAY_LEN(p->start_dows), (double)NAN));
    view_put(w, FEATURE_is_weekend_shopper, 2 * (uint64_t)weekends > p->sessions);
    view_put(w, FEATURE_preferred_device, mode_or(p->devices, ARRAY_LEN(p->devices), 0));
}

static void put_interests(const struct view *w)
{
    const struct profile *p = w->p;
    uint32_t top = 0;
    for (uint32_t i = 0; i < p->categories.set.n; i++)
        top = MAX(top, p->categories.counts[i]);
    view_put(w, FEATURE_categories_explored, sketch_n(&p->categories.set, p->category_sketch));
    view_put(w, FEATURE_category_diversity, entropy_of(p->category_sum, p->category_views));
    view_put(w, FEATURE_top_category_share, over(top, p->category_views));
    view_put(w, FEATURE_products_explored, sketch_n(&p->products, p->product_sketch));
}

static void put_windows(const struct view *w)
{
    const struct span *sums = w->spans.sum;
    view_put(w, FEATURE_sessions_7d, sums[SPAN_7D].sessions);
    view_put(w, FEATURE_sessions_30d, sums[SPAN_30D].sessions);
    view_put(w, FEATURE_sessions_60d, sums[SPAN_60D].sessions);
    view_put(w, FEATURE_sessions_90d, sums[SPAN_90D].sessions);
    view_put(w, FEATURE_active_days_30, sums[SPAN_30D].n_days);
}

/* exp(-days / 30), in powers of two. */
static double score_of(double recency_days)
{
    static const double log2_e = 1.4426950408889634;
    return exact_exp2(-recency_days / 30 * log2_e);
}

static void put_rates(const struct view *w)
{
    const struct profile *p = w->p;
    double days = known_or(view_since(w, p->first_us, DAY_US), 0);
    view_put(w, FEATURE_monetary, p->worth_all);
    view_put(w, FEATURE_avg_pages_per_session, over(p->closed_pages, p->closed));
    view_put(w, FEATURE_events_per_day, p->events / (days > 1 ? days : 1));
    view_put(w, FEATURE_engagement_vs_own_mean,
             engagement_of(w->v) - over(p->closed_engagement, p->closed));
}

void history_put(const struct view *w)
{
    const struct profile *p = w->p;
    int64_t before_us = w->v->before_us, away_us = w->v->started_us - before_us;
    double recency_days = (double)MAX(away_us, (int64_t)0) / DAY_US;
    bool has_before = before_us != 0;
    view_put(w, FEATURE_recency_days, has_before ? recency_days : (double)NAN);
    view_put(w, FEATURE_recency_score, has_before ? score_of(recency_days) : (double)NAN);
    view_put(w, FEATURE_total_sessions, p->sessions);
    view_put(w, FEATURE_total_events, p->events);
    view_put(w, FEATURE_days_since_first_visit, view_since(w, p->first_us, DAY_US));
    view_put(w, FEATURE_avg_session_duration_s, over(p->closed_s, p->closed));
    view_put(w, FEATURE_lifetime_value, p->lifetime_value);
    put_windows(w);
    put_rates(w);
    put_habits(w);
    put_interests(w);
    put_trends(w);
}
