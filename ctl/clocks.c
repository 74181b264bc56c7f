/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/clocks.h"

#include "common/base/clock.h"
#include "common/bus/client.h"
#include "common/bus/tail.h"
#include "common/bus/topics.h"
#include "common/wire/record.h"

#include <stdio.h>
#include <stdlib.h>

/* Each raw partition is heard of in each events partition every 10 s at least. */
enum { ASK_MS = 10000, LAST_RECORDS = 2000, RAW_MAX = 4096 };

struct raw_time {
    uint64_t offset;
    int64_t received_us; /* 0 = not heard of */
};

struct clocks_state {
    struct raw_time *at; /* n x RAW_MAX */
    uint64_t *n_raw;     /* by events partition: how many raw partitions it was told of */
    size_t n;
};

static void record_use(struct clocks_state *s, const struct tail_message *m)
{
    struct event event;
    struct tick tick;
    struct raw_time heard = {0, 0};
    uint64_t raw = 0;
    if (m->partition >= s->n)
        return;
    if (!tick_read(&tick, m->value.at, m->value.len)) {
        heard = (struct raw_time){tick.offset, tick.received_us};
        raw = tick.raw_partition;
        s->n_raw[m->partition] = MAX(s->n_raw[m->partition], tick.raw_partitions);
    } else if (!event_read(&event, m->value.at, m->value.len) && event.origin == ORIGIN_RAW) {
        heard = (struct raw_time){event.offset, event.received_us};
        raw = event.partition;
    }
    if (heard.received_us == 0 || raw >= RAW_MAX)
        return;
    struct raw_time *t = &s->at[(size_t)m->partition * RAW_MAX + raw];
    if (t->received_us == 0 || heard.offset >= t->offset)
        *t = heard;
}

static void result_take(const struct clocks_state *s, struct clocks *k)
{
    int64_t least_us = INT64_MAX;
    for (size_t p = 0; p < s->n; p++) {
        uint64_t n_raw = MIN(s->n_raw[p], (uint64_t)RAW_MAX);
        for (size_t r = 0; r < n_raw; r++) {
            int64_t at_us = s->at[p * RAW_MAX + r].received_us;
            if (at_us == 0) {
                (void)snprintf(k->reason, sizeof k->reason,
                               "events partition %zu has not heard of raw partition %zu lately",
                               p, r);
                return;
            }
            least_us = MIN(least_us, at_us);
        }
        if (n_raw == 0) {
            (void)snprintf(k->reason, sizeof k->reason, "no tick in events partition %zu yet",
                           p);
            return;
        }
    }
    k->is_known = true;
    k->n_partitions = s->n;
    k->age_s = (double)(clock_wall_us() - least_us) * 1e-6;
}

static bool topic_read(struct clocks_state *s, const struct config *c, const char *name,
                       const int64_t *from, struct err *e)
{
    struct tail *t = tail_open_at(c, name, from, s->n, e);
    if (!t)
        return false;
    struct tail_message m;
    enum tail_step step;
    while ((step = tail_next(t, &m, ASK_MS, e)) == TAIL_RECORD)
        record_use(s, &m);
    tail_free(t);
    return step == TAIL_AT_END || (step == TAIL_IDLE && err_set(e, 0, "events: no answer"));
}

/* Where the last records of each partition begin. */
static bool from_ask(struct clocks_state *s, const struct config *c, const char *name,
                     int64_t **from, struct err *e)
{
    const struct client_setup setup = {.kind = CLIENT_READER};
    rd_kafka_t *rk = client_new(c, &setup, e);
    if (!rk)
        return false;
    s->n = topics_partitions(rk, name, ASK_MS);
    if (s->n == 0 || s->n == SIZE_MAX) {
        s->n = 0;
        rd_kafka_destroy(rk);
        return err_set(e, 0, "topic %s cannot be read", name);
    }
    auto_free int64_t *first = mem_new(s->n * sizeof *first);
    *from = mem_new(s->n * sizeof **from);
    bool is_good = topics_ends(rk, name, s->n, first, *from, ASK_MS, e);
    for (size_t p = 0; p < s->n && is_good; p++)
        (*from)[p] = MAX(first[p], (*from)[p] - LAST_RECORDS);
    rd_kafka_destroy(rk);
    return is_good;
}

void clocks_ask(struct clocks *k, const struct config *c)
{
    struct clocks_state s = {0};
    struct err e = {0};
    int64_t *from = NULL;
    char name[TOPIC_NAME];
    *k = (struct clocks){.is_known = false};
    topic_name(c, TOPIC_events, name);
    bool is_good = from_ask(&s, c, name, &from, &e);
    if (is_good) {
        s.at = mem_zero(s.n * RAW_MAX, sizeof *s.at);
        s.n_raw = mem_zero(s.n, sizeof *s.n_raw);
        is_good = topic_read(&s, c, name, from, &e);
    }
    if (is_good)
        result_take(&s, k);
    else
        (void)snprintf(k->reason, sizeof k->reason, "%.150s", e.text);
    free(from);
    free(s.at);
    free(s.n_raw);
}
