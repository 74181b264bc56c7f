/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin port tells: metrics, whether the loop lives, whether the stage does its work.
 */
#include "common/bus/run.h"

#include "common/base/clock.h"
#include "common/bus/log.h"

#include <inttypes.h>

/* So many records at most are taken for marks, and only when nothing came for so long. */
enum { MARKS_MOST = 8, STILL_US = 5000000 };

static int page_metrics(void *opaque, struct buf *body)
{
    struct run *r = opaque;
    status_update(r);
    counters_print(r->counters, body);
    return 200;
}

static int page_livez(void *opaque, struct buf *body)
{
    (void)opaque; /* that the loop came here is the answer */
    buf_text(body, "alive\n");
    return 200;
}

static const char *phase_text(const struct run *r)
{
    static const char *const texts[] = {
        [FLOW_IDLE] = "waits for its partitions",
        [FLOW_STARTING] = "finds where to begin",
        [FLOW_RUNNING] = "runs",
        [FLOW_DRAINING] = "gives its partitions back",
    };
    return r->is_joined ? texts[r->flow.phase] : "waits for Kafka";
}

static bool is_ready(struct run *r, struct str *why)
{
    *why = str_of(phase_text(r));
    if (r->flow.phase != FLOW_RUNNING) {
        if (r->flow.phase == FLOW_STARTING && r->stage->is_ready)
            (void)r->stage->is_ready(r->core, why); /* may know what keeps us */
        return false;
    }
    if (r->flow.producer != PRODUCER_UP || r->flow.commit_wait_us > 0) {
        *why = str_of(r->reason[0] ? r->reason : "outputs are not stored");
        return false;
    }
    return !r->stage->is_ready || r->stage->is_ready(r->core, why);
}

static int page_readyz(void *opaque, struct buf *body)
{
    struct run *r = opaque;
    struct str why;
    bool ready = is_ready(r, &why);
    buf_printf(body, "%s: %.*s\npartitions=%zu\n", ready ? "ready" : "not ready", STR_ARGS(why),
               r->flow.n_sources);
    return ready ? 200 : 503;
}

bool status_open(struct run *r, struct err *e)
{
    const struct admin_pages pages = {r, page_metrics, page_livez, page_readyz};
    struct counters *c = r->counters;
    for (enum topic t = 0; t < TOPICS_N; t++) {
        r->records_out[t] = counter_of(c, COUNTER_all_records_out_total, topic_word(t), NULL);
        r->bytes_out[t] = counter_of(c, COUNTER_all_bytes_out_total, topic_word(t), NULL);
    }
    r->outputs_bytes = counter_of(c, COUNTER_all_outputs_bytes, NULL, NULL);
    r->commits = counter_of(c, COUNTER_all_commits_total, NULL, NULL);
    r->commit_failures = counter_of(c, COUNTER_all_commit_failures_total, NULL, NULL);
    r->commit_age = counter_of(c, COUNTER_all_commit_age_seconds, NULL, NULL);
    r->start_seconds = counter_of(c, COUNTER_all_start_seconds, NULL, NULL);
    r->producer_restarts = counter_of(c, COUNTER_all_producer_restarts_total, NULL, NULL);
    r->ready = counter_of(c, COUNTER_all_ready, NULL, NULL);
    r->log_dropped = counter_of(c, COUNTER_all_log_lines_dropped_total, NULL, NULL);
    r->delay = counters_histogram(c, "input_delay_seconds",
                                  "from an input record's append to its use");
    unsigned port = (unsigned)config_u64(r->config, r->stage->name, "admin_port");
    r->admin = admin_open(&r->loop, port, &pages, e);
    if (r->admin)
        log_info("admin port", "port=%u", admin_port(r->admin));
    return r->admin != NULL;
}

/* Behind the last record of a log with transactions stand their marks, which are never given:
 * nothing has come for long, and nothing is at hand. */
static bool is_only_marks(struct run *r, size_t i, int64_t high)
{
    const struct flow_source *fs = &r->flow.sources[i];
    struct run_source *s = &r->sources[i];
    int64_t now_us = clock_mono_us();
    bool is_at_hand =
        s->at < s->n || fs->has_more || (s->queue && rd_kafka_queue_length(s->queue) > 0);
    if (high != s->high_seen || is_at_hand)
        s->still_us = now_us;
    s->high_seen = high;
    return fs->input->has_holes && now_us - s->still_us >= STILL_US;
}

static void lag_update(struct run *r, size_t i, int64_t wall_us)
{
    const struct flow_source *fs = &r->flow.sources[i];
    struct run_source *s = &r->sources[i];
    int64_t low, high;
    if (rd_kafka_get_watermark_offsets(r->consumer, r->names[fs->input->topic],
                                       (int32_t)fs->partition, &low, &high) ||
        high < 0)
        return;
    int64_t next = fs->is_open ? low : (int64_t)fs->next;
    int64_t lag = MAX(high - next, (int64_t)0);
    if (lag <= MARKS_MOST && is_only_marks(r, i, high))
        lag = 0;
    bool is_behind = lag > 0 && s->last_append_us > 0;
    counter_set(s->lag_records, (double)lag);
    counter_set(s->lag_seconds, is_behind ? (double)(wall_us - s->last_append_us) * 1e-6 : 0);
}

void status_update(struct run *r)
{
    int64_t wall_us = clock_wall_us();
    struct str why;
    for (size_t i = 0; i < r->flow.n_sources && r->flow.phase == FLOW_RUNNING; i++)
        lag_update(r, i, wall_us);
    bool is_owing = flow_is_dirty(&r->flow);
    counter_set(r->commit_age,
                is_owing ? (double)(clock_mono_us() - r->commit_confirmed_us) * 1e-6 : 0);
    counter_set(r->outputs_bytes, (double)outbox_bytes(r->outbox));
    counter_set(r->ready, is_ready(r, &why));
    counter_set(r->log_dropped, (double)log_dropped());
}

void status_close(struct run *r)
{
    if (r->admin)
        admin_close(r->admin);
    r->admin = NULL;
}
