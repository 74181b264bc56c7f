/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/replay.h"

#include <stdlib.h>

/* The core's clock is the least of these two: how far the events given are, all senders' as of
 * one raw partition, and what the archive says. */
enum { RAW_EVENTS, RAW_ARCHIVE, RAW_N };

struct replay {
    struct featurizer *core;
    struct outbox *out;
    struct replay_sink sink;
    struct buf bytes; /* of the record being given */
    uint32_t partition;
    bool is_open, is_at_notice;
    uint64_t offset;         /* of the record given last */
    int64_t heard_us[RAW_N]; /* as told to the core */
    int64_t clock_us;        /* of the event that comes next */
};

struct replay *replay_new(const struct featurizer_options *o, const struct replay_sink *sink)
{
    struct replay *r = mem_zero(1, sizeof *r);
    r->core = featurizer_new(o);
    r->out = outbox_new();
    r->sink = *sink;
    return r;
}

void replay_free(struct replay *r)
{
    if (!r)
        return;
    featurizer_free(r->core);
    outbox_free(r->out);
    buf_fini(&r->bytes);
    free(r);
}

static bool hand_vector(struct replay *r, struct str value, struct err *e)
{
    struct position at;
    struct vector v;
    CHECK(position_read(&at, value.at, value.len) == WIRE_OK);
    if (at.rec != REC_vector) /* passed on */
        return true;
    CHECK(vector_read(&v, value.at, value.len) == WIRE_OK);
    return v.verdict != VERDICT_COUNTS || r->sink.vector(r->sink.to, &v, e);
}

static bool hand_session(struct replay *r, struct str value, struct err *e)
{
    struct session s;
    CHECK(session_read(&s, value.at, value.len) == WIRE_OK);
    return r->sink.session(r->sink.to, &s, e);
}

static bool hand_out(struct replay *r, struct err *e)
{
    bool is_good = true;
    for (uint64_t i = outbox_first(r->out); is_good && i < outbox_next(r->out); i++) {
        const struct output *o = outbox_at(r->out, i);
        if (o->topic == TOPIC_features)
            is_good = hand_vector(r, o->value, e);
        else if (o->topic == TOPIC_sessions)
            is_good = hand_session(r, o->value, e);
    }
    outbox_drop(r->out, outbox_next(r->out));
    return is_good;
}

static bool give(struct replay *r, uint64_t offset, struct str value, struct err *e)
{
    struct stage_message m = {
        .topic = TOPIC_events, .partition = r->partition, .offset = offset, .value = value};
    CHECK(r->is_open && offset >= r->offset);
    r->offset = offset;
    enum stage_step step = featurizer_record(r->core, &m, r->out);
    bool is_good = hand_out(r, e);
    while (step == STEP_MORE) {
        step = featurizer_more(r->core, r->partition, r->out);
        is_good = is_good && hand_out(r, e);
    }
    return is_good;
}

static bool give_tick(struct replay *r, uint64_t offset, uint64_t raw, int64_t us,
                      struct err *e)
{
    struct tick k;
    tick_init(&k);
    k.epoch = 1;
    k.origin = ORIGIN_RAW;
    k.received_us = us;
    k.raw_partition = raw;
    k.raw_partitions = RAW_N;
    buf_reset(&r->bytes);
    tick_pack(&r->bytes, &k);
    r->heard_us[raw] = us;
    return give(r, offset, buf_as_str(&r->bytes), e);
}

void replay_begin(struct replay *r, uint32_t partition)
{
    if (r->is_open)
        featurizer_revoke(r->core, r->partition);
    featurizer_assign(r->core, partition);
    r->partition = partition;
    r->is_open = true;
    r->offset = 0;
    r->heard_us[RAW_EVENTS] = r->heard_us[RAW_ARCHIVE] = r->clock_us = 0;
}

void replay_clock(struct replay *r, int64_t clock_us)
{
    r->clock_us = clock_us;
}

/* Whether the core must know the clock before this record, an event by an import if is_import.
 */
static bool is_clock_needed(const struct replay *r, bool is_import)
{
    int64_t ahead_us = r->clock_us - r->heard_us[RAW_ARCHIVE];
    bool has_imports = r->core->partitions[r->partition]->n_imports > 0;
    if (r->clock_us == 0 || ahead_us == 0)
        return false;
    return has_imports || is_import || ahead_us >= MINUTE_US;
}

static bool give_clock(struct replay *r, uint64_t offset, bool is_import, struct err *e)
{
    if (!is_clock_needed(r, is_import))
        return true;
    if (r->heard_us[RAW_EVENTS] < r->clock_us &&
        !give_tick(r, offset, RAW_EVENTS, r->clock_us, e))
        return false;
    return give_tick(r, offset, RAW_ARCHIVE, r->clock_us, e);
}

bool replay_notice(struct replay *r, uint64_t offset, struct str record, struct err *e)
{
    if (!give_clock(r, offset, false, e))
        return false;
    r->clock_us = 0;
    r->is_at_notice = true;
    bool is_good = give(r, offset, record, e);
    r->is_at_notice = false;
    return is_good;
}

bool replay_is_at_notice(const struct replay *r)
{
    return r->is_at_notice;
}

bool replay_event(struct replay *r, uint64_t offset, struct event *event, struct err *e)
{
    bool is_live = event->origin == ORIGIN_RAW && event->partition < RAW_PARTITIONS_MOST;
    if (!give_clock(r, offset, event->origin == ORIGIN_IMPORTS, e))
        return false;
    r->clock_us = 0;
    /* Before the first one the core must know that there is another clock to wait for. */
    if (is_live && r->heard_us[RAW_EVENTS] == 0 &&
        !give_tick(r, offset, RAW_EVENTS, event->received_us, e))
        return false;
    if (is_live) {
        event->partition = RAW_EVENTS;
        r->heard_us[RAW_EVENTS] = event->received_us;
    }
    buf_reset(&r->bytes);
    event_pack(&r->bytes, event);
    return give(r, offset, buf_as_str(&r->bytes), e);
}

bool replay_end(struct replay *r, int64_t now_us, struct err *e)
{
    bool is_good = give_tick(r, r->offset, RAW_EVENTS, now_us, e) &&
                   give_tick(r, r->offset, RAW_ARCHIVE, now_us, e);
    featurizer_revoke(r->core, r->partition);
    r->is_open = false;
    return is_good;
}
