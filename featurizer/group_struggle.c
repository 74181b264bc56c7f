/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/group.h"

#include "common/base/hash.h"

#define BURST_US SECOND_US /* from its first click to its third, at most */

static bool is_success(uint8_t type)
{
    return type == EVENT_TYPE_form_submit || type == EVENT_TYPE_payment_success ||
           type == EVENT_TYPE_purchase || type == EVENT_TYPE_task_success;
}

static bool is_failure(uint8_t type)
{
    return type == EVENT_TYPE_error || type == EVENT_TYPE_form_error ||
           type == EVENT_TYPE_payment_failed || type == EVENT_TYPE_task_fail;
}

static void count_outcome(struct visit *v, const struct moment *m)
{
    if (is_success(m->type)) {
        v->successes++;
        v->consecutive_errors = 0;
        v->success_us = m->is_late ? v->success_us : m->t_us;
    } else if (is_failure(m->type)) {
        v->failures++;
        v->consecutive_errors++;
    }
}

/* Clicks in order: of a row on one element the two newest are kept that are in no burst yet. */
static void count_click(struct visit *v, struct str element, int64_t t_us)
{
    uint64_t hash = element.len > 0 ? hash64_str(element) : 0;
    if (hash != v->burst_element)
        v->burst_clicks = 0;
    v->burst_element = hash;
    if (element.len == 0)
        return;
    if (v->burst_clicks == 2 && t_us - v->burst_first_us <= BURST_US) {
        v->bursts++;
        v->burst_clicks = 0;
        return;
    }
    v->burst_first_us = v->burst_last_us;
    v->burst_last_us = t_us;
    v->burst_clicks = v->burst_clicks == 0 ? 1 : 2;
}

void struggle_count(struct turn *turn)
{
    const struct moment *m = turn->m;
    if (!turn->v)
        return;
    count_outcome(turn->v, m);
    if (m->type == EVENT_TYPE_click && !m->is_late)
        count_click(turn->v, turn->e->element, m->t_us);
}

/* How far the session's score is below the mean of those before, as a share of it. */
static double drop(const struct profile *p, const struct visit *v)
{
    double mean = over(p->closed_engagement, p->closed), below = mean - engagement_of(v);
    return mean > 0 ? MAX(below, 0.0) / mean : (double)NAN;
}

void struggle_put(const struct view *w)
{
    const struct visit *v = w->v;
    view_put(w, FEATURE_error_count, v->errors);
    view_put(w, FEATURE_rage_clicks, v->rage_clicks);
    view_put(w, FEATURE_help_requests, v->help_requests);
    view_put(w, FEATURE_retry_count, v->retries);
    view_put(w, FEATURE_page_exits, v->page_exits);
    view_put(w, FEATURE_page_refreshes, v->page_refreshes);
    view_put(w, FEATURE_click_frustration, (double)v->rage_clicks + v->bursts);
    view_put(w, FEATURE_consecutive_errors, v->consecutive_errors);
    view_put(w, FEATURE_success_rate, over(v->successes, (double)v->successes + v->failures));
    view_put(w, FEATURE_secs_since_success, view_since(w, v->success_us, 1e6));
    view_put(w, FEATURE_engagement_drop, drop(w->p, v));
    view_put(w, FEATURE_tasks_open,
             v->task_starts > v->task_ends ? v->task_starts - v->task_ends : 0);
}
