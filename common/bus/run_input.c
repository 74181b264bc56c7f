/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer's side: group membership, one queue for each input partition, records to the
 * core.
 *
 * Each partition has a queue of its own, so that whose turn it is, and whether anything is read
 * at all, is decided here; what is not read stays in librdkafka's bounded queues. */
#include "common/bus/run.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/bus/client.h"
#include "common/bus/log.h"
#include "common/bus/topics.h"
#include "common/wire/json_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TURN_US = 5000, TURN_RECORDS = 16, WAIT_US = 50000, SEEK_US = 5000000 };
enum { LEAVE_US = 700000, AWAY_US = 60000000, MEMBER_NAME = 512 };

static const uint64_t one = 1;

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct run *r = poll->data;
    uint64_t n;
    (void)status;
    (void)events;
    ssize_t got = read(r->input_fd, &n, sizeof n); /* one read empties it; the next turn ... */
    (void)got;                                     /* ... takes what is there */
}

bool input_watch(struct run *r, struct err *e)
{
    r->input_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (r->input_fd < 0)
        return err_set(e, errno, "eventfd");
    CHECK(uv_poll_init(&r->loop, &r->input_poll, r->input_fd) == 0);
    r->input_poll.data = r;
    CHECK(uv_poll_start(&r->input_poll, UV_READABLE, on_event) == 0);
    return true;
}

/* Headers that cores look at. */
static void headers_read(const rd_kafka_message_t *m, struct stage_message *out)
{
    rd_kafka_headers_t *h;
    if (rd_kafka_message_headers(m, &h) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    const struct {
        const char *name;
        struct str *to;
    } wanted[] = {{"content-type", &out->content_type},
                  {"ce_type", &out->ce_type},
                  {"traceparent", &out->traceparent}};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        const void *value;
        size_t len;
        if (rd_kafka_header_get_last(h, wanted[i].name, &value, &len) ==
                RD_KAFKA_RESP_ERR_NO_ERROR &&
            value)
            *wanted[i].to = str_over(value, len);
    }
}

void message_of(const rd_kafka_message_t *m, enum topic t, struct stage_message *out)
{
    rd_kafka_timestamp_type_t type;
    *out = (struct stage_message){
        .topic = t,
        .partition = (uint32_t)m->partition,
        .offset = (uint64_t)m->offset,
        .append_us = rd_kafka_message_timestamp(m, &type) * 1000,
        .key = str_over(m->key, m->key_len),
        .value = str_over(m->payload, m->len),
    };
    headers_read(m, out);
}

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
    input_release(r);
}

/* The consumer works no more. A member that was away may be fenced by its own return, when the
 * broker dies over the answer to it; else somebody else goes by its name. */
static void consumer_fatal(struct run *r, rd_kafka_t *rk)
{
    char why[512] = "";
    struct err e = {0};
    bool was_away = r->lost_us > 0 && clock_mono_us() - r->lost_us < AWAY_US;
    if (rd_kafka_fatal_error(rk, why, sizeof why) == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID &&
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
    (void)snprintf(r->reason, sizeof r->reason, "%s", reason);
    log_warn("Kafka", "code=%d reason=\"%s\"", code, reason);
    if (code == RD_KAFKA_RESP_ERR__FATAL)
        consumer_fatal(r, rk);
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

bool input_join(struct run *r, struct err *e)
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

void input_poll(struct run *r)
{
    if (!r->is_joined)
        return;
    rd_kafka_message_t *m = rd_kafka_consumer_poll(r->consumer, 0);
    if (m) { /* errors only: records come through the partitions' own queues */
        if (m->err && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            log_warn("consumer", "reason=\"%s\"", rd_kafka_message_errstr(m));
        if (m->err == RD_KAFKA_RESP_ERR__FATAL)
            consumer_fatal(r, r->consumer);
        rd_kafka_message_destroy(m);
    }
    (void)rd_kafka_queue_poll_callback(r->commit_queue, 0);
}

void input_assign(struct run *r)
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

static void ahead_drop(struct run_source *s)
{
    for (; s->at < s->n; s->at++)
        rd_kafka_message_destroy(s->ahead[s->at]);
    s->at = s->n = 0;
}

void input_release(struct run *r)
{
    struct flow *f = &r->flow;
    for (size_t i = 0; i < f->n_sources; i++) {
        struct run_source *s = &r->sources[i];
        ahead_drop(s);
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

void input_resume(struct run *r)
{
    for (size_t i = 0; i < r->flow.n_sources; i++)
        r->sources[i].wait_until_us = 0;
    (void)uv_async_send(&r->wake); /* one more turn */
}

void input_rejoin(struct run *r)
{
    struct err e = {0};
    log_warn("joins the group again", "reason=\"%s\"", r->reason);
    commit_drain(r);
    input_release(r);
    (void)input_leave(r);
    input_close(r);
    if (!input_join(r, &e))
        run_fail(r, &e);
}

bool input_leave(struct run *r)
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

void input_close(struct run *r)
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

/* Records at hand for a source; fetches more when there are none. Asks for what is there and no
 * more: for the rest librdkafka would wait, if only for a moment. */
static bool refill(struct run_source *s)
{
    if (s->at < s->n)
        return true;
    size_t at_hand = rd_kafka_queue_length(s->queue);
    if (at_hand == 0)
        return false;
    ssize_t n =
        rd_kafka_consume_batch_queue(s->queue, 0, s->ahead, MIN(at_hand, (size_t)INPUT_AHEAD));
    s->at = 0;
    s->n = n > 0 ? (size_t)n : 0;
    return s->n > 0;
}

/* "TOPIC partition N offset M", valid until the source's next; without printf, because each
 * record asks for it, should it be the one that ends the program. */
static const char *place_text(struct run_source *s, uint64_t offset)
{
    char digits[20], *to = s->place + s->place_at;
    size_t n = 0;
    do
        digits[n++] = (char)('0' + offset % 10);
    while ((offset /= 10) > 0);
    while (n > 0)
        *to++ = digits[--n];
    *to = '\0';
    return s->place;
}

/* A consumer error in place of a record. */
static void message_failed(struct run *r, size_t i, const rd_kafka_message_t *m)
{
    struct err e = {0};
    if (m->err != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET &&
        m->err != RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        log_warn("fetch", "reason=\"%s\"", rd_kafka_message_errstr(m));
        return;
    }
    const char *place = place_text(&r->sources[i], r->flow.sources[i].next);
    err_code(
        &e, EXIT_CODE_CONFIG,
        "%s, where this group is to go on, is no longer in the log: retention has passed it "
        "or the topic was replaced",
        place);
    run_fail(r, &e);
}

static void seek_back(struct run *r, size_t i)
{
    struct flow_source *fs = &r->flow.sources[i];
    struct run_source *s = &r->sources[i];
    log_warn("a hole in the log: seeking back", "to=\"%s\"", place_text(s, fs->next));
    ahead_drop(s);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(parts, r->names[fs->input->topic], (int32_t)fs->partition)
        ->offset = (int64_t)fs->next;
    rd_kafka_error_t *error = rd_kafka_seek_partitions(r->consumer, parts, 5000);
    if (error)
        rd_kafka_error_destroy(error);
    rd_kafka_topic_partition_list_destroy(parts);
    s->seek_until_us = clock_mono_us() + SEEK_US;
}

static void torn(struct run *r, size_t i, uint64_t offset)
{
    struct err e = {0};
    err_code(&e, EXIT_CODE_BUG, "%s came where %" PRIu64 " should stand, twice",
             place_text(&r->sources[i], offset), r->flow.sources[i].next);
    run_fail(r, &e);
}

/* Done with the head of a source's records. */
static void head_used(struct run *r, size_t i, const struct position *p)
{
    struct run_source *s = &r->sources[i];
    rd_kafka_message_t *m = s->ahead[s->at++];
    rd_kafka_timestamp_type_t type;
    bool needs_hash = r->stage->kind == STAGE_STATEFUL;
    s->last_append_us = rd_kafka_message_timestamp(m, &type) * 1000;
    flow_used(&r->flow.sources[i], (uint64_t)m->offset, p,
              needs_hash ? hash64(m->payload, m->len) : 0);
    rd_kafka_message_destroy(m);
}

static enum stage_step record_give(struct run *r, size_t i, const struct stage_message *m)
{
    struct run_source *s = &r->sources[i];
    bool is_begun = r->flow.sources[i].has_more;
    check_context(place_text(s, m->offset));
    enum stage_step step = is_begun ? r->stage->more(r->core, m->topic, m->partition, r->outbox)
                                    : r->stage->record(r->core, m, r->outbox);
    check_context(NULL);
    if (!is_begun && step != STEP_WAIT) {
        counter_add(s->records_in, 1);
        histogram_add(r->delay, (double)(r->wall_us - m->append_us) * 1e-6);
    }
    return step;
}

/* False when it has none that can be read: its reader will say so. */
static bool position_of(const rd_kafka_message_t *m, struct position *p)
{
    struct str value = str_over(m->payload, m->len);
    if (value.len > 0 && value.at[0] == '{')
        return position_from_json(p, value) == WIRE_OK;
    return position_read(p, value.at, value.len) == WIRE_OK;
}

/* Uses the head record of a source; false when the source has to rest. */
static bool head_step(struct run *r, size_t i)
{
    struct flow_source *fs = &r->flow.sources[i];
    struct run_source *s = &r->sources[i];
    rd_kafka_message_t *m = s->ahead[s->at];
    struct position p, *mark = NULL;
    if (m->err) {
        message_failed(r, i, m);
        rd_kafka_message_destroy(m);
        s->at++;
        return !r->is_failed;
    }
    if (fs->input->is_marked && position_of(m, &p))
        mark = &p;
    enum flow_take take = fs->has_more ? TAKE_USE : flow_take(fs, (uint64_t)m->offset, mark);
    if (take == TAKE_TORN && clock_mono_us() < s->seek_until_us)
        take = TAKE_STALE;
    switch (take) {
    case TAKE_USE: {
        struct stage_message in;
        message_of(m, fs->input->topic, &in);
        if (mark)
            in.position = p;
        enum stage_step step = record_give(r, i, &in);
        CHECK(step != STEP_WAIT || !fs->has_more); /* its record is used already */
        fs->has_more = step == STEP_MORE;
        if (step == STEP_DONE) {
            head_used(r, i, mark);
            return true;
        }
        if (step == STEP_WAIT) {
            s->wait_until_us = clock_mono_us() + WAIT_US;
            if (r->stage->kind == STAGE_SINK)
                flow_hurry(&r->flow);
        }
        return step == STEP_MORE;
    }
    case TAKE_REPEAT:
        counter_add(s->records_in, 1);
        counter_add(s->repeats, 1);
        head_used(r, i, NULL);
        return true;
    case TAKE_STALE:
        rd_kafka_message_destroy(m);
        s->at++;
        return true;
    case TAKE_HOLE:
        seek_back(r, i);
        return false;
    case TAKE_TORN:
        torn(r, i, (uint64_t)m->offset);
        return false;
    }
    return false;
}

static bool may_turn(struct run *r, size_t i, int64_t now_us)
{
    return now_us >= r->sources[i].wait_until_us && refill(&r->sources[i]);
}

static int64_t head_append_us(const struct run_source *s)
{
    rd_kafka_timestamp_type_t type;
    return rd_kafka_message_timestamp(s->ahead[s->at], &type);
}

/* The source whose head record owes outputs: at most one, and it goes first, since no cut may
 * fall in between. */
static bool owing(const struct flow *f, size_t *chosen)
{
    for (size_t i = 0; i < f->n_sources; i++)
        if (f->sources[i].has_more) {
            *chosen = i;
            return true;
        }
    return false;
}

/* The source to go on with: in turn, or of those of the same topic the one whose head is
 * oldest. */
static bool choose(struct run *r, int64_t now_us, size_t *chosen)
{
    struct flow *f = &r->flow;
    size_t n = f->n_sources, best = n;
    if (owing(f, chosen))
        return true;
    for (size_t k = 0; k < n && best == n; k++) {
        size_t i = (r->turn + k) % n;
        if (may_turn(r, i, now_us))
            best = i;
    }
    if (best == n)
        return false;
    r->turn = best + 1;
    for (size_t i = 0; i < n && r->stage->is_oldest_first; i++)
        if (f->sources[i].input == f->sources[best].input && may_turn(r, i, now_us) &&
            head_append_us(&r->sources[i]) < head_append_us(&r->sources[best]))
            best = i;
    *chosen = best;
    return true;
}

void input_owed(struct run *r)
{
    const struct flow *f = &r->flow;
    size_t i;
    while (!f->is_lost && f->out_bytes < f->limits.outputs_bytes &&
           clock_mono_us() < f->drain_until_us && owing(f, &i)) {
        (void)head_step(r, i);
        output_pump(r);
    }
}

bool input_turn(struct run *r)
{
    int64_t now_us = clock_mono_us(), until_us = now_us + TURN_US;
    size_t i;
    while (flow_may_read(&r->flow) && !r->is_failed) {
        if (!choose(r, now_us, &i))
            return false;
        r->wall_us = clock_wall_us();
        for (size_t k = 0; k < TURN_RECORDS && r->sources[i].at < r->sources[i].n; k++) {
            bool goes_on = head_step(r, i);
            output_count(r);
            if (!goes_on || !flow_may_read(&r->flow))
                break;
        }
        output_pump(r);
        now_us = clock_mono_us();
        if (now_us >= until_us)
            return true;
    }
    return false;
}
