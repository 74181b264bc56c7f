/* SPDX-License-Identifier: Apache-2.0 */
/* group - what the groups of features share: each has one function for what an event changes
 * in the state, and one for its features (groups.def, group_NAME.c). */
#ifndef AUSPEX_GROUP_H
#define AUSPEX_GROUP_H

#include "common/wire/feature.h"
#include "featurizer/codes.h"
#include "featurizer/session.h"

#include <float.h>
#include <math.h>

/* An event that is being counted. */
struct turn {
    struct slab *slab;
    struct profile *p;
    struct lane *l;  /* newest_us and received_us are still those before the event */
    struct visit *v; /* the open session; NULL for a late event without one */
    const struct moment *m;
    const struct event *e; /* m->event */
};

/* An event whose features are computed, after it was counted. */
struct view {
    const struct profile *p;
    const struct visit *v; /* never NULL: an empty session stands for none */
    const struct moment *m;
    int64_t t_us;       /* m->t_us */
    float *out;         /* FEATURES_N */
    struct spans spans; /* of p->days */
};

#define GROUP(name, meaning)              \
    void name##_count(struct turn *turn); \
    void name##_put(const struct view *w);
#include "featurizer/groups.def"
#undef GROUP

/* Moves the counter of plain.def that the type has. */
void plain_count(struct visit *v, uint8_t type);

/* As float32: NaN stands as one bit pattern, what is beyond is held at the largest. Inline, as
 * there is one for each feature of each event. */
static inline float view_f32(double value)
{
    double high = value > (double)FLT_MAX ? (double)FLT_MAX : value;
    double held = high < -(double)FLT_MAX ? -(double)FLT_MAX : high;
    return isnan(value) ? NAN : (float)held;
}

static inline void view_put(const struct view *w, enum feature f, double value)
{
    w->out[f] = view_f32(value);
}

/* From a time to t, in the given unit, not below 0; NaN when there is no such time (0). */
double view_since(const struct view *w, int64_t from_us, double unit_us);

/* sum / n; NaN over nothing. */
static inline double over(double sum, double n)
{
    return n > 0 ? sum / n : (double)NAN;
}

static inline double known_or(double v, double absent)
{
    return isnan(v) ? absent : v;
}

/* As moment_amount; 0 when it cannot be told, or no sum could hold it. */
static inline double amount_or_0(const struct moment *m, double amount)
{
    double told = moment_amount(m, amount);
    return isfinite(told) ? told : 0;
}

static inline bool is_page(uint8_t type)
{
    return type == EVENT_TYPE_page_view || type == EVENT_TYPE_screen_view;
}

static inline bool is_conversion(uint8_t type)
{
    return type == EVENT_TYPE_purchase || type == EVENT_TYPE_signup ||
           type == EVENT_TYPE_subscription;
}

/* Segments of a path: what is not empty between slashes. */
uint32_t page_depth(struct str path);

/* Of the gaps between the session's events; NaN without one. */
double gap_variance(const struct visit *v);

/* The score that closings, too, ask for: features.def's engagement_score. */
double engagement_of(const struct visit *v);

#endif
