/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/pace.h"

#include "common/base/clock.h"
#include "common/bus/config.h"

#include <stdlib.h>

enum { ASK_US = 100000, WINDOW_LEAST = 2000 };

bool pace_open(struct pace *p, const struct config *c, struct err *e)
{
    int64_t now_us = clock_mono_us();
    *p = (struct pace){.window = WINDOW_LEAST, .alive_us = now_us, .moved_us = now_us};
    p->checkpoint_s = (double)config_u64(c, "auspex", "checkpoint_ms") * 1e-3;
    p->collector = reader_open(c, PROGRAM_collector, e);
    p->featurizer = p->collector ? reader_open(c, PROGRAM_featurizer, e) : NULL;
    bool is_good = p->featurizer && reader_ask(p->collector, TOPIC_imports, &p->imports, e) &&
                   reader_ask(p->featurizer, TOPIC_events, &p->events, e);
    if (!is_good) {
        pace_close(p);
        return false;
    }
    p->moved_sum = standing_sum(&p->events);
    p->collector_sum = standing_sum(&p->imports);
    p->ahead = standing_lag(&p->imports) + standing_lag(&p->events);
    return true;
}

void pace_close(struct pace *p)
{
    reader_close(p->collector);
    reader_close(p->featurizer);
    standing_fini(&p->imports);
    standing_fini(&p->events);
    p->collector = p->featurizer = NULL;
}

/* featurizer's offsets move at its checkpoints, so the window is what it gets through in a
 * second, and in the time that they are old. */
static void rate_update(struct pace *p, int64_t now_us)
{
    uint64_t sum = standing_sum(&p->events), collector_sum = standing_sum(&p->imports);
    if (sum == p->moved_sum && collector_sum == p->collector_sum)
        return;
    p->alive_us = now_us;
    double elapsed_s = (double)(now_us - p->moved_us) * 1e-6;
    if (sum > p->moved_sum && elapsed_s > 0.05) {
        double rate = (double)(sum - p->moved_sum) / elapsed_s;
        p->rate = p->rate > 0 ? 0.5 * (p->rate + rate) : rate;
        double window = p->rate * (1 + p->checkpoint_s);
        p->window = window > WINDOW_LEAST ? (uint64_t)window : WINDOW_LEAST;
    }
    if (sum > p->moved_sum || elapsed_s > 2 * (1 + p->checkpoint_s))
        p->moved_us = now_us;
    p->moved_sum = sum;
    p->collector_sum = collector_sum;
}

void pace_ask(struct pace *p, int64_t now_us)
{
    struct err passing = {0};
    if (now_us - p->asked_us < ASK_US)
        return;
    p->asked_us = now_us;
    if (!reader_ask(p->collector, TOPIC_imports, &p->imports, &passing) ||
        !reader_ask(p->featurizer, TOPIC_events, &p->events, &passing))
        return;
    p->ahead = standing_lag(&p->imports) + standing_lag(&p->events);
    rate_update(p, now_us);
}

bool pace_is_through(struct pace *p, int64_t end, int64_t **events_end)
{
    if (p->imports.next[0] < end)
        return false;
    if (!*events_end) {
        /* the ends as they were asked for after collector had committed */
        struct err passing = {0};
        if (!reader_ask(p->featurizer, TOPIC_events, &p->events, &passing))
            return false;
        *events_end = mem_new(p->events.n * sizeof **events_end);
        memcpy(*events_end, p->events.end, p->events.n * sizeof **events_end);
    }
    return standing_is_past(&p->events, *events_end);
}
