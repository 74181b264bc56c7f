/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer's membership: joins the group, takes its partitions and gives them back, and
 * says when the consumer works no more. */
#include "common/bus/run.h"

#include "common/base/clock.h"
#include "common/bus/client.h"
#include "common/bus/log.h"
#include "common/bus/topics.h"

#include <stdio.h>
#include <stdlib.h>

enum { LEAVE_US = 700000, AWAY_US = 60000000, MEMBER_NAME = 512 };

static const uint64_t one = 1;

static enum topic topic_of_name(const struct run *r, const char *name)
{
    enum topic t = 0;
    while (t < TOPICS_N && strcmp(r->names[t], name) != 0)
        t++;
    return t;
}

static const struct stage_input *input_of(const struct run *r, enum topic t)
{
    for (size_t i = 0; i < r->stage->n_inputs; i++)
        if (r->stage->inputs[i].topic == t && r->stage->inputs[i].role == INPUT_GROUP)
            return &r->stage->inputs[i];
    return NULL;
}

static void source_open(struct run *r, size_t i)
{
    const struct flow_source *fs = &r->flow.sources[i];
    char partition[16];
    const char *word = topic_word(fs->input->topic);
    (void)snprintf(partition, sizeof partition, "%u", fs->partition);
    r->sources[i] = (struct run_source){
        .records_in = counter_of(r->counters, COUNTER_all_records_in_total, word, NULL),
        .repeats = counter_of(r->counters, COUNTER_all_repeats_dropped_total, word, NULL),
        .lag_records = counter_of(r->counters, COUNTER_all_lag_records, word, partition),
        .lag_seconds = counter_of(r->counters, COUNTER_all_lag_seconds, word, partition),
    };
    struct run_source *s = &r->sources[i];
    s->place_at = (size_t)snprintf(s->place, sizeof s->place - 24, "%s partition %u offset ",
                                   r->names[fs->input->topic], fs->partition);
}

static void on_assign(struct run *r, const rd_kafka_topic_partition_list_t *parts)
{
    size_t n = (size_t)parts->cnt;
    const struct stage_input **inputs = mem_zero(n, sizeof(void *));
    uint32_t *partitions = mem_new(n * sizeof *partitions);
    for (size_t i = 0; i < n; i++) {
        inputs[i] = input_of(r, topic_of_name(r, parts->elems[i].topic));
        CHECK(inputs[i] != NULL);
        partitions[i] = (uint32_t)parts->elems[i].partition;
    }
    flow_assigned(&r->flow, inputs, partitions, n);
    free(inputs);
    free(partitions);
    r->sources = mem_zero(n, sizeof *r->sources);
    for (size_t i = 0; i < n; i++) {
        source_open(r, i);
        if (r->stage->assign)
            r->stage->assign(r->core, r->flow.sources[i].input->topic,
                             r->flow.sources[i].partition);
    }
    /* pinned to this assignment: a later generation's would vouch for an owner that we are not
     */
    if (r->group)
        rd_kafka_consumer_group_metadata_destroy(r->group);
    r->group = rd_kafka_consumer_group_metadata(r->consumer);
    log_info("partitions assigned", "n=%zu", n);
    start_begin(r);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t why,
                         rd_kafka_topic_partition_list_t *parts, void *opaque)
{
    struct run *r = opaque;
    if (why == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !r->flow.is_stopping &&
        r->flow.phase == FLOW_IDLE) {
        on_assign(r, parts);
        return;
    }
    bool is_lost = rd_kafka_assignment_lost(rk) != 0;
    if (is_lost)
        r->lost_us = clock_mono_us();
    if (r->flow.phase != FLOW_IDLE)
        log_info("partitions revoked", "n=%d lost=%d", parts->cnt, is_lost);
    start_cancel(r);
    flow_revoked(&r->flow, is_lost, clock_mono_us());
    commit_drain(r);
    group_release(r);
}

/* The consumer works no more; librdkafka tells that by a message in its queue, never by the
 * error callback. A member that was away may be fenced by its own return, when the broker dies
 * over the answer to it; else somebody else goes by its name. */
static void consumer_fatal(struct run *r)
{
    char why[512] = "";
    struct err e = {0};
    bool was_away = r->lost_us > 0 && clock_mono_us() - r->lost_us < AWAY_US;
    if (rd_kafka_fatal_error(r->consumer, why, sizeof why) ==
            RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID &&
        !was_away)
        err_code(&e, EXIT_CODE_CONFIG,
                 "another %s runs as instance %s: copies need names of their own (--instance)",
                 r->stage->name, r->env.instance);
    else
        err_code(&e, EXIT_CODE_AGAIN, "consumer: %s", why);
    run_fail(r, &e);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct run *r = opaque;
    (void)rk;
    (void)snprintf(r->reason, sizeof r->reason, "%s", reason);
    log_warn("Kafka", "code=%d reason=\"%s\"", code, reason);
}

/* A static member that comes back keeps the partitions it had, also when it subscribes to more
 * topics by now (KAFKA-12759). So what it reads is part of its name in the group. */
static void member_name(const struct run *r, char out[MEMBER_NAME])
{
    unsigned topics = 0;
    for (size_t i = 0; i < r->stage->n_inputs; i++)
        if (r->stage->inputs[i].role == INPUT_GROUP)
            topics |= 1u << r->stage->inputs[i].topic;
    (void)snprintf(out, MEMBER_NAME, "%s.%x", r->env.instance, topics);
}

bool group_join(struct run *r, struct err *e)
{
    char group[TOPIC_NAME], member[MEMBER_NAME];
    topics_group(r->config, r->stage->name, group);
    bool is_static = config_flag(r->config, "auspex", "static_members");
    member_name(r, member);
    struct client_setup setup = {.kind = CLIENT_GROUP,
                                 .group = group,
                                 .instance_id = is_static ? member : NULL,
                                 .opaque = r,
                                 .on_rebalance = on_rebalance,
                                 .on_error = on_error};
    r->consumer = client_new(r->config, &setup, e);
    if (!r->consumer)
        return false;
    (void)rd_kafka_poll_set_consumer(r->consumer);
    r->commit_queue = rd_kafka_queue_new(r->consumer);
    rd_kafka_queue_io_event_enable(r->commit_queue, r->input_fd, &one, sizeof one);
    rd_kafka_queue_t *q = rd_kafka_queue_get_consumer(r->consumer);
    rd_kafka_queue_io_event_enable(q, r->input_fd, &one, sizeof one);
    rd_kafka_queue_destroy(q);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(STAGE_INPUTS);
    for (size_t i = 0; i < r->stage->n_inputs; i++)
        if (r->stage->inputs[i].role == INPUT_GROUP)
            (void)rd_kafka_topic_partition_list_add(topics, r->names[r->stage->inputs[i].topic],
                                                    RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(r->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    r->is_joined = true;
    return err == RD_KAFKA_RESP_ERR_NO_ERROR ||
           err_set(e, 0, "subscribe: %s", rd_kafka_err2str(err));
}

void group_poll(struct run *r)
{
    if (!r->is_joined)
        return;
    rd_kafka_message_t *m = rd_kafka_consumer_poll(r->consumer, 0);
    if (m) { /* errors only: records come through the partitions' own queues */
        if (m->err && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            log_warn("consumer", "reason=\"%s\"", rd_kafka_message_errstr(m));
        if (m->err == RD_KAFKA_RESP_ERR__FATAL)
            consumer_fatal(r);
        rd_kafka_message_destroy(m);
    }
    (void)rd_kafka_queue_poll_callback(r->commit_queue, 0);
}

void group_assign(struct run *r)
{
    struct flow *f = &r->flow;
    rd_kafka_topic_partition_list_t *parts =
        rd_kafka_topic_partition_list_new((int)f->n_sources);
    for (size_t i = 0; i < f->n_sources; i++) {
        const struct flow_source *fs = &f->sources[i];
        const char *name = r->names[fs->input->topic];
        rd_kafka_queue_t *q =
            rd_kafka_queue_get_partition(r->consumer, name, (int32_t)fs->partition);
        CHECK(q != NULL);
        rd_kafka_queue_forward(q, NULL); /* before the assignment: no record may go elsewhere */
        rd_kafka_queue_io_event_enable(q, r->input_fd, &one, sizeof one);
        r->sources[i].queue = q;
        rd_kafka_topic_partition_list_add(parts, name, (int32_t)fs->partition)->offset =
            fs->is_open ? RD_KAFKA_OFFSET_BEGINNING : (int64_t)fs->next;
    }
    rd_kafka_resp_err_t err = rd_kafka_assign(r->consumer, parts);
    rd_kafka_topic_partition_list_destroy(parts);
    flow_started(f, clock_mono_us());
    if (err) { /* the consumer itself says why, or takes the partitions away */
        log_warn("assign", "reason=\"%s\"", rd_kafka_err2str(err));
        flow_revoked(f, true, clock_mono_us());
    }
}

void group_release(struct run *r)
{
    struct flow *f = &r->flow;
    for (size_t i = 0; i < f->n_sources; i++) {
        struct run_source *s = &r->sources[i];
        input_drop_ahead(s);
        if (s->queue)
            rd_kafka_queue_destroy(s->queue);
        counter_set(s->lag_records, 0);
        counter_set(s->lag_seconds, 0);
    }
    if (r->stage->sink_forget)
        r->stage->sink_forget(r->core);
    for (size_t i = 0; i < f->n_sources; i++)
        if (r->stage->revoke)
            r->stage->revoke(r->core, f->sources[i].input->topic, f->sources[i].partition);
    free(r->sources);
    r->sources = NULL;
    outbox_drop(r->state, outbox_next(r->state));
    r->commit_number++; /* what is still under way belongs to partitions given back */
    flow_released(f);
    if (r->consumer)
        (void)rd_kafka_assign(r->consumer, NULL);
}

void group_rejoin(struct run *r)
{
    struct err e = {0};
    log_warn("joins the group again", "reason=\"%s\"", r->reason);
    commit_drain(r);
    group_release(r);
    (void)group_leave(r);
    group_close(r);
    if (!group_join(r, &e))
        run_fail(r, &e);
}

bool group_leave(struct run *r)
{
    if (!r->consumer)
        return true;
    int64_t until_us = clock_mono_us() + LEAVE_US;
    rd_kafka_queue_t *q = rd_kafka_queue_new(r->consumer);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(r->consumer, q);
    if (error)
        rd_kafka_error_destroy(error);
    while (!rd_kafka_consumer_closed(r->consumer) && clock_mono_us() < until_us)
        (void)rd_kafka_queue_poll_callback(q, 20);
    rd_kafka_queue_destroy(q);
    return rd_kafka_consumer_closed(r->consumer) != 0;
}

void group_close(struct run *r)
{
    if (!r->consumer)
        return;
    rd_kafka_queue_destroy(r->commit_queue);
    r->commit_queue = NULL;
    if (r->group)
        rd_kafka_consumer_group_metadata_destroy(r->group);
    r->group = NULL;
    rd_kafka_destroy_flags(r->consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    r->consumer = NULL;
    r->is_joined = false;
}
