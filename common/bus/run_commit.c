/* SPDX-License-Identifier: Apache-2.0 */
/* Does what flow decides: cuts, packs and commits - to the group, in a checkpoint, or by a
 * sink. */
#include "common/bus/run.h"

#include "common/base/clock.h"
#include "common/bus/checkpoint.h"
#include "common/bus/log.h"
#include "common/bus/worker.h"

#include <stdio.h>
#include <stdlib.h>

enum { PACK_US = 2000, METADATA_MOST = 4096 };

/* A checkpoint or a sink's flush, on the worker. */
struct commit_job {
    struct run *run;
    struct checkpoint_job checkpoint;
    enum flow_outcome outcome;
    struct err e;
};

static void committed(struct run *r, enum flow_outcome outcome, const char *reason)
{
    int64_t now_us = clock_mono_us();
    if (outcome == COMMIT_DONE) {
        counter_add(r->commits, 1);
        r->commit_confirmed_us = now_us;
    } else {
        counter_add(r->commit_failures, 1);
        log_warn("not committed", "reason=\"%s\"", reason);
        (void)snprintf(r->reason, sizeof r->reason, "%s", reason);
    }
    if (outcome != COMMIT_DONE && r->stage->kind == STAGE_STATEFUL)
        for (size_t i = 0; i < r->flow.n_sources; i++)
            r->stage->uncut(r->core, r->flow.sources[i].partition);
    flow_committed(&r->flow, outcome, now_us);
}

/* `opaque` is the commit's number. Where only some partitions fail, `err` says nothing. */
static void on_group_commit(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                            rd_kafka_topic_partition_list_t *offsets, void *opaque)
{
    struct run *r = rd_kafka_opaque(rk);
    if ((uint64_t)(uintptr_t)opaque != r->commit_number)
        return;
    for (int i = 0; offsets && i < offsets->cnt && !err; i++)
        err = offsets->elems[i].err;
    bool is_fenced = err == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
                     err == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
    enum flow_outcome outcome = COMMIT_FAILED;
    if (!err || err == RD_KAFKA_RESP_ERR__NO_OFFSET)
        outcome = COMMIT_DONE;
    /* a fenced member hears of it by a rebalance, which the consumer brings by itself */
    committed(r, outcome, is_fenced ? "the group has moved on" : rd_kafka_err2str(err));
}

static rd_kafka_topic_partition_list_t *cut_offsets(struct run *r, bool with_marks)
{
    rd_kafka_topic_partition_list_t *parts =
        rd_kafka_topic_partition_list_new((int)r->flow.n_sources);
    for (size_t i = 0; i < r->flow.n_sources; i++) {
        const struct flow_source *s = &r->flow.sources[i];
        if (s->cut_is_open)
            continue;
        rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(
            parts, r->names[s->input->topic], (int32_t)s->partition);
        p->offset = (int64_t)s->cut_next;
        if (!with_marks || !s->input->is_marked)
            continue;
        CHECK(s->cut_marks.len <= METADATA_MOST);
        p->metadata = mem_new(s->cut_marks.len);
        memcpy(p->metadata, s->cut_marks.at, s->cut_marks.len);
        p->metadata_size = s->cut_marks.len;
    }
    return parts;
}

static void group_commit(struct run *r)
{
    rd_kafka_topic_partition_list_t *parts = cut_offsets(r, true);
    void *number = (void *)(uintptr_t)++r->commit_number;
    rd_kafka_resp_err_t err =
        rd_kafka_commit_queue(r->consumer, parts, r->commit_queue, on_group_commit, number);
    rd_kafka_topic_partition_list_destroy(parts);
    if (err)
        committed(r, COMMIT_FAILED, rd_kafka_err2str(err));
}

/* Behind the states stands the record that says where they belong. */
static void checkpoint_records(struct run *r, const char *cluster)
{
    for (size_t i = 0; i < r->flow.n_sources; i++) {
        const struct flow_source *s = &r->flow.sources[i];
        if (s->cut_is_open)
            continue;
        struct checkpoint c;
        checkpoint_init(&c);
        c.partition = s->partition;
        c.next_offset = s->cut_next;
        c.marks = buf_as_str(&s->cut_marks);
        c.cluster = str_of(cluster);
        c.last_offset = s->cut_last_offset;
        c.last_hash = s->cut_last_hash;
        c.core = buf_as_str(&s->cut_own);
        checkpoint_pack(outbox_begin(r->state), &c);
        outbox_end(r->state, r->stage->state, s->partition, STR("\0checkpoint"));
    }
}

static void job_checkpoint(void *arg)
{
    struct commit_job *j = arg;
    j->outcome = checkpointer_commit(j->run->checkpointer, &j->checkpoint, &j->e);
}

static void job_flush(void *arg)
{
    struct commit_job *j = arg;
    static const enum flow_outcome outcomes[] = {[SINK_STORED] = COMMIT_DONE,
                                                 [SINK_RETRY] = COMMIT_AGAIN,
                                                 [SINK_FENCED] = COMMIT_FENCED,
                                                 [SINK_FATAL] = COMMIT_FAILED};
    enum sink_result result = j->run->stage->sink_flush(j->run->core, &j->e);
    j->outcome = outcomes[result];
    if (result == SINK_FATAL && j->e.code == EXIT_CODE_OK)
        j->e.code = EXIT_CODE_FAILED;
}

static void job_begin(struct run *r)
{
    struct commit_job *j = mem_zero(1, sizeof *j);
    j->run = r;
    r->commit = j;
    if (r->stage->kind == STAGE_SINK) {
        worker_begin(r->worker, job_flush, j);
        return;
    }
    char *cluster = rd_kafka_clusterid(r->consumer, 0);
    checkpoint_records(r, cluster ? cluster : "");
    if (cluster)
        rd_kafka_mem_free(r->consumer, cluster);
    j->checkpoint = (struct checkpoint_job){.records = r->state,
                                            .names = (const char(*)[TOPIC_NAME])r->names,
                                            .offsets = cut_offsets(r, false),
                                            .group = r->group};
    worker_begin(r->worker, job_checkpoint, j);
}

static void job_turn(struct run *r)
{
    if (!r->commit || !worker_collect(r->worker))
        return;
    struct commit_job *j = steal_ptr(r->commit);
    if (r->stage->kind == STAGE_STATEFUL)
        outbox_drop(r->state, outbox_next(r->state));
    committed(r, j->outcome, j->e.text);
    bool is_hopeless = r->stage->kind == STAGE_SINK || j->e.code == EXIT_CODE_BUG ||
                       j->e.code == EXIT_CODE_CONFIG;
    if (j->outcome == COMMIT_FAILED && is_hopeless)
        run_fail(r, &j->e);
    if (r->stage->kind == STAGE_SINK)
        input_resume(r);
    free(j);
}

static void cut(struct run *r)
{
    for (size_t i = 0; i < r->flow.n_sources && r->stage->kind == STAGE_STATEFUL; i++) {
        struct flow_source *s = &r->flow.sources[i];
        buf_reset(&s->cut_own);
        r->stage->cut(r->core, s->partition, &s->cut_own);
    }
    if (r->stage->kind == STAGE_SINK)
        (void)r->stage->sink_seal(r->core);
    output_count(r);
    flow_cut_taken(&r->flow, clock_mono_us());
}

static bool pack(struct run *r)
{
    int64_t began_us = clock_mono_us();
    bool is_packed = true;
    for (size_t i = 0; i < r->flow.n_sources && is_packed; i++)
        is_packed =
            r->stage->pack(r->core, r->flow.sources[i].partition, r->state, began_us + PACK_US);
    flow_packing(&r->flow, clock_mono_us() - began_us);
    if (is_packed)
        flow_packed(&r->flow);
    return is_packed;
}

static void commit(struct run *r)
{
    flow_commit_began(&r->flow);
    if (r->stage->kind == STAGE_STATELESS)
        group_commit(r);
    else
        job_begin(r);
}

/* One step; false when nothing is to be done now. */
static bool step(struct run *r, enum flow_action action)
{
    switch (action) {
    case FLOW_NOTHING:
    case FLOW_RELEASE:
        return false;
    case FLOW_REMAKE_PRODUCER:
        output_remake(r);
        return !r->is_failed;
    case FLOW_CUT:
        cut(r);
        return true;
    case FLOW_PACK:
        return pack(r);
    case FLOW_COMMIT:
        commit(r);
        return true;
    }
    return false;
}

/* Lets the next commit cover what a core has to keep besides what records led to. */
static void state_ask(struct run *r)
{
    bool is_running = r->flow.phase == FLOW_RUNNING || r->flow.phase == FLOW_DRAINING;
    if (is_running && r->stage->is_changed && r->stage->is_changed(r->core))
        flow_change(&r->flow);
}

void commit_turn(struct run *r)
{
    job_turn(r);
    enum flow_action action;
    do {
        state_ask(r);
        action = flow_decide(&r->flow, clock_mono_us());
    } while (step(r, action));
    if (action == FLOW_RELEASE && r->flow.phase == FLOW_DRAINING && !r->flow.is_stopping)
        group_rejoin(r); /* fenced: no rebalance has told us */
}

void commit_drain(struct run *r)
{
    if (r->flow.phase != FLOW_DRAINING)
        return;
    for (;;) {
        input_owed(r);
        output_pump(r);
        job_turn(r);
        if (r->commit_queue)
            (void)rd_kafka_queue_poll_callback(r->commit_queue, 0);
        state_ask(r);
        enum flow_action action = flow_decide(&r->flow, clock_mono_us());
        if (action == FLOW_RELEASE || r->is_failed)
            break;
        if (!step(r, action) && r->producer) /* there is none when it cannot be made anew */
            (void)rd_kafka_poll(r->producer, 2);
    }
    if (r->commit && r->checkpointer)
        checkpointer_cancel(r->checkpointer, true);
    while (r->commit && !worker_wait(r->worker, 1000)) /* the job uses what is given back */
        log_warn("waits for the last commit to end", "phase=drain");
    job_turn(r);
    if (r->checkpointer)
        checkpointer_cancel(r->checkpointer, false);
}

void commit_close(struct run *r)
{
    checkpointer_free(r->checkpointer);
    r->checkpointer = NULL;
}
