/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/flow.h"

#include "common/base/clock.h"

#include <stdlib.h>

/* A database that is back is to be found within 5 s; a producer that keeps dying may rest. */
enum { FIRST_WAIT_US = 1000000, COMMIT_WAIT_US = 4000000, PRODUCER_WAIT_US = 30000000 };

void flow_init(struct flow *f, enum stage_kind kind, const struct flow_limits *limits)
{
    *f = (struct flow){.kind = kind, .limits = *limits};
}

static void sources_clear(struct flow *f)
{
    for (size_t i = 0; i < f->n_sources; i++) {
        marks_fini(&f->sources[i].marks);
        buf_fini(&f->sources[i].cut_marks);
        buf_fini(&f->sources[i].cut_own);
    }
    free(f->sources);
    f->sources = NULL;
    f->n_sources = 0;
}

void flow_fini(struct flow *f)
{
    sources_clear(f);
}

bool flow_is_dirty(const struct flow *f)
{
    for (size_t i = 0; i < f->n_sources; i++)
        if (f->sources[i].is_changed)
            return true;
    return false;
}

static bool is_due(const struct flow *f, int64_t now_us)
{
    enum { PACK_SHARE = 5 };
    int64_t wait_us = MAX(f->limits.commit_us, PACK_SHARE * f->pack_us);
    return f->phase == FLOW_DRAINING || now_us - f->cut_last_us >= wait_us;
}

void flow_hurry(struct flow *f)
{
    f->cut_last_us = INT64_MIN / 2;
}

static bool is_owing(const struct flow *f)
{
    for (size_t i = 0; i < f->n_sources; i++)
        if (f->sources[i].has_more)
            return true;
    return false;
}

static enum flow_action decide_cut(struct flow *f, int64_t now_us)
{
    switch (f->cut) {
    case CUT_NONE:
        if (is_owing(f))
            return FLOW_NOTHING;
        if (flow_is_dirty(f) && is_due(f, now_us) && now_us >= f->commit_retry_us)
            return FLOW_CUT;
        return f->phase == FLOW_DRAINING && !flow_is_dirty(f) ? FLOW_RELEASE : FLOW_NOTHING;
    case CUT_PACKING:
        return FLOW_PACK;
    case CUT_ACKING:
        if (f->out_acked >= f->cut_number && now_us >= f->commit_retry_us)
            return FLOW_COMMIT;
        return FLOW_NOTHING;
    case CUT_COMMITTING:
        break;
    }
    return FLOW_NOTHING;
}

enum flow_action flow_decide(struct flow *f, int64_t now_us)
{
    if (f->producer == PRODUCER_BROKEN && now_us >= f->producer_retry_us)
        return FLOW_REMAKE_PRODUCER;
    if (f->phase == FLOW_DRAINING && (f->is_lost || now_us >= f->drain_until_us))
        return FLOW_RELEASE;
    if (f->phase != FLOW_RUNNING && f->phase != FLOW_DRAINING)
        return FLOW_NOTHING;
    return decide_cut(f, now_us);
}

void flow_assigned(struct flow *f, const struct stage_input *const *inputs,
                   const uint32_t *partitions, size_t n)
{
    CHECK(f->phase == FLOW_IDLE);
    sources_clear(f);
    f->sources = mem_zero(n, sizeof *f->sources);
    f->n_sources = n;
    for (size_t i = 0; i < n; i++) {
        f->sources[i].input = inputs[i];
        f->sources[i].partition = partitions[i];
    }
    f->phase = FLOW_STARTING;
    f->is_lost = false;
}

struct flow_source *flow_source_of(struct flow *f, enum topic t, uint32_t partition)
{
    for (size_t i = 0; i < f->n_sources; i++)
        if (f->sources[i].input->topic == t && f->sources[i].partition == partition)
            return &f->sources[i];
    return NULL;
}

void flow_place(struct flow_source *s, uint64_t next, bool is_open)
{
    s->next = next;
    s->is_open = is_open;
}

void flow_started(struct flow *f, int64_t now_us)
{
    CHECK(f->phase == FLOW_STARTING);
    f->phase = FLOW_RUNNING;
    f->cut = CUT_NONE;
    f->cut_last_us = now_us;
    f->commit_retry_us = 0;
    f->commit_wait_us = 0;
}

void flow_revoked(struct flow *f, bool is_lost, int64_t now_us)
{
    if (f->phase == FLOW_IDLE)
        return;
    if (f->phase == FLOW_STARTING || is_lost)
        f->is_lost = true; /* nothing was used, or nothing may be committed */
    if (f->phase != FLOW_DRAINING) {
        f->drain_until_us = now_us + f->limits.drain_us;
        f->commit_retry_us = MIN(f->commit_retry_us, now_us); /* the last chance comes now */
        f->producer_retry_us = MIN(f->producer_retry_us, now_us);
    }
    f->phase = FLOW_DRAINING;
}

void flow_stop(struct flow *f, int64_t now_us)
{
    f->is_stopping = true;
    flow_revoked(f, false, now_us);
}

void flow_released(struct flow *f)
{
    sources_clear(f);
    f->phase = FLOW_IDLE;
    f->cut = CUT_NONE;
    f->is_lost = false;
}

bool flow_may_read(const struct flow *f)
{
    return f->phase == FLOW_RUNNING && f->out_bytes < f->limits.outputs_bytes;
}

enum flow_take flow_take(struct flow_source *s, uint64_t offset, const struct position *p)
{
    if (!s->is_open) {
        if (offset < s->next)
            return TAKE_STALE;
        if (offset > s->next && !s->input->has_holes) {
            bool again = s->has_sought;
            s->has_sought = true;
            return again ? TAKE_TORN : TAKE_HOLE;
        }
    }
    return p && !marks_would_pass(&s->marks, p) ? TAKE_REPEAT : TAKE_USE;
}

void flow_used(struct flow_source *s, uint64_t offset, const struct position *p, uint64_t hash)
{
    CHECK(s->is_open || offset >= s->next);
    if (p)
        (void)marks_pass(&s->marks, p);
    s->next = offset + 1;
    s->is_open = false;
    s->has_sought = false;
    s->last_offset = offset;
    s->last_hash = hash;
    s->is_changed = true;
}

void flow_outputs(struct flow *f, uint64_t next, uint64_t acked, size_t bytes)
{
    CHECK(acked <= next && acked >= f->out_acked);
    f->out_next = next;
    f->out_acked = acked;
    f->out_bytes = bytes;
}

static int64_t longer(int64_t wait_us, int64_t most_us)
{
    return wait_us == 0 ? FIRST_WAIT_US : MIN(2 * wait_us, most_us);
}

void flow_producer_broken(struct flow *f, int64_t now_us)
{
    if (f->producer == PRODUCER_BROKEN)
        return;
    f->producer = PRODUCER_BROKEN;
    f->producer_retry_us = now_us + f->producer_wait_us; /* the first time at once */
    f->producer_wait_us = longer(f->producer_wait_us, PRODUCER_WAIT_US);
}

void flow_producer_made(struct flow *f)
{
    f->producer = PRODUCER_UP;
}

void flow_cut_taken(struct flow *f, int64_t now_us)
{
    CHECK(f->cut == CUT_NONE);
    for (size_t i = 0; i < f->n_sources; i++) {
        struct flow_source *s = &f->sources[i];
        s->cut_next = s->next;
        s->cut_is_open = s->is_open;
        s->cut_last_offset = s->last_offset;
        s->cut_last_hash = s->last_hash;
        buf_reset(&s->cut_marks);
        marks_print(&s->marks, &s->cut_marks);
        s->is_changed = false;
    }
    f->cut_number = f->out_next;
    f->pack_us = 0;
    f->cut_last_us = now_us;
    f->cut = f->kind == STAGE_STATEFUL ? CUT_PACKING : CUT_ACKING;
}

void flow_packing(struct flow *f, int64_t took_us)
{
    CHECK(f->cut == CUT_PACKING);
    f->pack_us += MAX(took_us, (int64_t)0);
}

void flow_packed(struct flow *f)
{
    CHECK(f->cut == CUT_PACKING);
    f->cut = CUT_ACKING;
}

void flow_commit_began(struct flow *f)
{
    CHECK(f->cut == CUT_ACKING);
    f->cut = CUT_COMMITTING;
}

void flow_change(struct flow *f)
{
    for (size_t i = 0; i < f->n_sources; i++)
        f->sources[i].is_changed = true;
}

void flow_committed(struct flow *f, enum flow_outcome outcome, int64_t now_us)
{
    if (f->cut != CUT_COMMITTING)
        return; /* released meanwhile */
    f->cut = CUT_NONE;
    if (outcome == COMMIT_DONE) {
        f->commit_wait_us = 0;
        f->commit_retry_us = 0;
        f->producer_wait_us = 0;
        return;
    }
    f->commit_wait_us = longer(f->commit_wait_us, COMMIT_WAIT_US);
    f->commit_retry_us = now_us + f->commit_wait_us;
    if (outcome == COMMIT_AGAIN)
        f->cut = CUT_ACKING;
    else
        flow_change(f); /* a void cut: the next one commits what the sources stand at */
    if (outcome == COMMIT_FENCED)
        flow_revoked(f, true, now_us);
}
