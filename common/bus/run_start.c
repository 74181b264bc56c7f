/* SPDX-License-Identifier: Apache-2.0 */
/* Where to begin: committed offsets and marks, the state of the checkpoints, a sink's own rows.
 */
#include "common/bus/run.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/bus/checkpoint.h"
#include "common/bus/client.h"
#include "common/bus/log.h"
#include "common/bus/topics.h"
#include "common/bus/worker.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Calls are short, so that cancelling is heard, and are made again until they are answered. */
enum { CALL_MS = 1000, RETRY_MS = 200, RESTORE_TRIES = 6 };
/* A transaction that is open is ended by its time-out; after twice that, none is. */
enum { STUCK_US = 12000000 };

struct start_job {
    struct run *run;
    atomic_bool is_cancelled;
    bool is_good;
    struct err e;
};

static void rest(const struct start_job *j, int ms)
{
    for (; ms > 0 && !atomic_load(&j->is_cancelled); ms -= 50)
        (void)usleep(50000);
}

/* Stable offsets have not been told for long: tries to end what may hold them back. */
static void unstick(struct start_job *j, const rd_kafka_topic_partition_list_t *parts)
{
    struct run *r = j->run;
    struct err e = {0};
    if (!r->checkpointer)
        return;
    if (checkpointer_unstick(r->checkpointer, parts, r->group, &e))
        log_warn("offsets were held back; an aborted transaction ends what held them", "n=%d",
                 parts->cnt);
    else
        log_warn("offsets are held back", "reason=\"%s\"", e.text);
}

/* Committed offsets of all sources, with their metadata; waits while transactions are open. */
static rd_kafka_topic_partition_list_t *committed(struct start_job *j)
{
    struct run *r = j->run;
    int64_t stuck_us = clock_mono_us() + STUCK_US;
    while (!atomic_load(&j->is_cancelled)) {
        rd_kafka_topic_partition_list_t *parts =
            rd_kafka_topic_partition_list_new((int)r->flow.n_sources);
        for (size_t i = 0; i < r->flow.n_sources; i++)
            (void)rd_kafka_topic_partition_list_add(parts,
                                                    r->names[r->flow.sources[i].input->topic],
                                                    (int32_t)r->flow.sources[i].partition);
        rd_kafka_resp_err_t err = rd_kafka_committed(r->consumer, parts, CALL_MS);
        for (int i = 0; i < parts->cnt && !err; i++)
            err = parts->elems[i].err;
        if (!err)
            return parts;
        log_warn("committed offsets", "reason=\"%s\"", rd_kafka_err2str(err));
        if (clock_mono_us() >= stuck_us) {
            unstick(j, parts);
            stuck_us = clock_mono_us() + STUCK_US;
        }
        rd_kafka_topic_partition_list_destroy(parts);
        rest(j, RETRY_MS);
    }
    return NULL;
}

static bool place_by_group(struct start_job *j)
{
    struct run *r = j->run;
    rd_kafka_topic_partition_list_t *parts = committed(j);
    bool is_good = parts != NULL;
    for (size_t i = 0; i < r->flow.n_sources && is_good; i++) {
        const rd_kafka_topic_partition_t *p = &parts->elems[i];
        struct flow_source *s = &r->flow.sources[i];
        if (p->offset < 0) {
            flow_place(s, 0, true);
            continue;
        }
        flow_place(s, (uint64_t)p->offset, false);
        if (s->input->is_marked &&
            !marks_parse(&s->marks, str_over(p->metadata, p->metadata_size)))
            is_good = err_code(&j->e, EXIT_CODE_CONFIG,
                               "marks committed for %s partition %d cannot be read", p->topic,
                               p->partition);
    }
    if (parts)
        rd_kafka_topic_partition_list_destroy(parts);
    return is_good;
}

/* What restoring one partition has found. */
struct found {
    struct checkpoint checkpoint;
    struct buf bytes; /* that the checkpoint's slices point into */
    bool has_checkpoint, has_ended;
    uint64_t n;
};

static bool restore_record(struct run *r, const rd_kafka_message_t *m, struct found *f,
                           struct err *e)
{
    struct str key = str_over(m->key, m->key_len), value = str_over(m->payload, m->len);
    if (str_eq(key, STR("\0checkpoint"))) {
        buf_reset(&f->bytes);
        buf_str(&f->bytes, value);
        enum wire_status s = checkpoint_read(&f->checkpoint, f->bytes.at, f->bytes.len);
        f->has_checkpoint = s == WIRE_OK;
        return s == WIRE_OK ||
               err_code(e, EXIT_CODE_CONFIG, "checkpoint: %s", wire_status_text(s));
    }
    f->n++;
    return r->stage->restore(r->core, (uint32_t)m->partition, key, value, e);
}

static struct found *found_of(const struct run *r, struct found *all, int32_t partition)
{
    for (size_t i = 0; i < r->flow.n_sources; i++)
        if (r->flow.sources[i].partition == (uint32_t)partition)
            return &all[i];
    return NULL;
}

/* Asks for a topic's leaders now: a handle that first hears of a topic by an assignment looks
 * for them only once a second. */
static void leaders_ask(rd_kafka_t *rk, const char *name)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, name, NULL);
    if (t && rd_kafka_metadata(rk, 0, t, &md, CALL_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(md);
    if (t)
        rd_kafka_topic_destroy(t);
}

static bool restore_assign(struct start_job *j, rd_kafka_t *rk)
{
    struct run *r = j->run;
    rd_kafka_topic_partition_list_t *parts =
        rd_kafka_topic_partition_list_new((int)r->flow.n_sources);
    for (size_t i = 0; i < r->flow.n_sources; i++)
        rd_kafka_topic_partition_list_add(parts, r->names[r->stage->state],
                                          (int32_t)r->flow.sources[i].partition)
            ->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t err = rd_kafka_assign(rk, parts);
    rd_kafka_topic_partition_list_destroy(parts);
    return !err || err_set(&j->e, 0, "assign: %s", rd_kafka_err2str(err));
}

/* Reads the state partitions of all sources to their ends; `rk` is a reader of its own. */
static bool restore_read(struct start_job *j, rd_kafka_t *rk, struct found *all)
{
    struct run *r = j->run;
    bool is_good = restore_assign(j, rk);
    for (size_t n_ended = 0; is_good && n_ended < r->flow.n_sources;) {
        if (atomic_load(&j->is_cancelled))
            return false;
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (!m)
            continue;
        struct found *f = found_of(r, all, m->partition);
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && f) {
            n_ended += !f->has_ended; /* told anew when a partition has grown meanwhile */
            f->has_ended = true;
        } else if (m->err) {
            log_warn("restore", "reason=\"%s\"", rd_kafka_message_errstr(m));
        } else if (f && !restore_record(r, m, f, &j->e)) {
            is_good = err_prefix(&j->e, "%s partition %d offset %" PRId64,
                                 r->names[r->stage->state], m->partition, m->offset);
        }
        rd_kafka_message_destroy(m);
    }
    (void)rd_kafka_assign(rk, NULL);
    return is_good;
}

static bool cluster_is_ours(struct start_job *j, struct str cluster)
{
    char *now = rd_kafka_clusterid(j->run->consumer, CALL_MS);
    bool is_ours = !now || cluster.len == 0 || str_is(cluster, now);
    if (!is_ours)
        err_code(&j->e, EXIT_CODE_CONFIG,
                 "the checkpoint belongs to Kafka cluster %.*s, but this is %s",
                 STR_ARGS(cluster), now);
    if (now)
        rd_kafka_mem_free(j->run->consumer, now);
    return is_ours;
}

enum agree { AGREE, AGREE_NOT_YET, AGREE_NEVER };

/* Whether the checkpoint and the group stand at the same offset. */
static enum agree place_by_checkpoint(struct start_job *j, struct flow_source *s,
                                      const struct found *f, int64_t group_offset)
{
    const struct checkpoint *c = &f->checkpoint;
    if (!f->has_checkpoint && group_offset < 0) {
        flow_place(s, 0, true);
        return AGREE;
    }
    if (!f->has_checkpoint || group_offset < 0 || c->next_offset != (uint64_t)group_offset) {
        err_code(&j->e, EXIT_CODE_CONFIG,
                 "partition %u: the group stands at %" PRId64 " and the checkpoint at %" PRId64
                 "; one without the other is a state that only an operator may mend",
                 s->partition, group_offset,
                 f->has_checkpoint ? (int64_t)c->next_offset : (int64_t)-1);
        return AGREE_NOT_YET;
    }
    if (!cluster_is_ours(j, c->cluster))
        return AGREE_NEVER;
    if (!marks_parse(&s->marks, c->marks)) {
        err_code(&j->e, EXIT_CODE_CONFIG, "partition %u: the checkpoint's marks cannot be read",
                 s->partition);
        return AGREE_NEVER;
    }
    flow_place(s, c->next_offset, false);
    s->last_offset = c->last_offset;
    s->last_hash = c->last_hash;
    return AGREE;
}

static enum agree restore_one(struct start_job *j, struct flow_source *s, const struct found *f,
                              int64_t group_offset)
{
    struct run *r = j->run;
    enum agree agree = place_by_checkpoint(j, s, f, group_offset);
    struct str own = f->has_checkpoint ? f->checkpoint.core : (struct str){NULL, 0};
    if (agree == AGREE && !r->stage->restored(r->core, s->partition, own, &j->e))
        agree = AGREE_NEVER;
    return agree;
}

/* First the offsets, then the state: in the other order old state could meet new offsets. */
static enum agree restore_all(struct start_job *j, rd_kafka_t *rk)
{
    struct run *r = j->run;
    int64_t began_us = clock_mono_us();
    struct found *all = mem_zero(r->flow.n_sources, sizeof *all);
    rd_kafka_topic_partition_list_t *parts = committed(j);
    log_debug("committed offsets are known", "ms=%" PRId64,
              (clock_mono_us() - began_us) / 1000);
    enum agree agree = parts && restore_read(j, rk, all) ? AGREE : AGREE_NEVER;
    log_debug("state is read", "ms=%" PRId64, (clock_mono_us() - began_us) / 1000);
    uint64_t n = 0;
    for (size_t i = 0; i < r->flow.n_sources && agree == AGREE; i++) {
        agree = restore_one(j, &r->flow.sources[i], &all[i], parts->elems[i].offset);
        n += all[i].n;
    }
    if (agree == AGREE)
        log_info("state restored", "partitions=%zu entries=%" PRIu64 " ms=%" PRId64,
                 r->flow.n_sources, n, (clock_mono_us() - began_us) / 1000);
    for (size_t i = 0; i < r->flow.n_sources; i++)
        buf_fini(&all[i].bytes);
    free(all);
    if (parts)
        rd_kafka_topic_partition_list_destroy(parts);
    return agree;
}

/* Whether each log still holds what the state was made of, as far as its ends tell. */
static bool ends_are_ours(struct start_job *j, rd_kafka_t *rk, const struct flow_source *s,
                          bool *is_gone)
{
    const char *name = j->run->names[s->input->topic];
    int64_t low, high;
    rd_kafka_resp_err_t err;
    while ((err = rd_kafka_query_watermark_offsets(rk, name, (int32_t)s->partition, &low, &high,
                                                   CALL_MS)) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_warn("ends of the log", "topic=%s reason=\"%s\"", name, rd_kafka_err2str(err));
        rest(j, RETRY_MS);
        if (atomic_load(&j->is_cancelled))
            return false;
    }
    *is_gone = s->last_offset < (uint64_t)low; /* retention took the record: no fault */
    return s->next <= (uint64_t)high ||
           err_code(&j->e, EXIT_CODE_CONFIG,
                    "%s partition %u ends at %" PRId64 ", but the state stands at %" PRIu64
                    ": the topic was replaced or cut",
                    name, s->partition, high, s->next);
}

static bool last_is_ours(struct start_job *j, const rd_kafka_message_t *m)
{
    struct run *r = j->run;
    for (size_t i = 0; i < r->flow.n_sources; i++) {
        const struct flow_source *s = &r->flow.sources[i];
        if (s->partition != (uint32_t)m->partition || (uint64_t)m->offset != s->last_offset)
            continue;
        return hash64(m->payload, m->len) == s->last_hash ||
               err_code(&j->e, EXIT_CODE_CONFIG,
                        "%s partition %u offset %" PRIu64 " is another record than the one the "
                        "state was made of: the topic was replaced",
                        r->names[s->input->topic], s->partition, s->last_offset);
    }
    return true; /* a record behind the one asked for */
}

/* Reads the last record that each state was made of again: librdkafka 2.0 sees neither a log
 * that was cut nor a topic that was made anew. */
static bool logs_are_ours(struct start_job *j, rd_kafka_t *rk)
{
    struct run *r = j->run;
    rd_kafka_topic_partition_list_t *parts =
        rd_kafka_topic_partition_list_new((int)r->flow.n_sources);
    bool is_good = true;
    for (size_t i = 0; i < r->flow.n_sources && is_good; i++) {
        const struct flow_source *s = &r->flow.sources[i];
        bool is_gone = true;
        if (!s->is_open)
            is_good = ends_are_ours(j, rk, s, &is_gone);
        if (is_good && !is_gone)
            rd_kafka_topic_partition_list_add(parts, r->names[s->input->topic],
                                              (int32_t)s->partition)
                ->offset = (int64_t)s->last_offset;
    }
    int n_left = parts->cnt;
    if (n_left > 0)
        leaders_ask(rk, parts->elems[0].topic);
    (void)rd_kafka_assign(rk, parts);
    while (is_good && n_left > 0 && !atomic_load(&j->is_cancelled)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (!m)
            continue; /* an outage tells nothing about the records: it is waited for */
        if (!m->err) {
            rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_find(
                parts, rd_kafka_topic_name(m->rkt), m->partition);
            n_left -= p && p->offset == m->offset;
            is_good = last_is_ours(j, m);
        } else if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
            n_left--; /* retention has taken it meanwhile */
        }
        rd_kafka_message_destroy(m);
    }
    (void)rd_kafka_assign(rk, NULL);
    rd_kafka_topic_partition_list_destroy(parts);
    return is_good && !atomic_load(&j->is_cancelled);
}

static void state_clear(struct run *r)
{
    for (size_t i = 0; i < r->flow.n_sources; i++) {
        const struct flow_source *s = &r->flow.sources[i];
        if (r->stage->revoke)
            r->stage->revoke(r->core, s->input->topic, s->partition);
        if (r->stage->assign)
            r->stage->assign(r->core, s->input->topic, s->partition);
        marks_fini(&r->flow.sources[i].marks);
    }
}

/* Ends what a predecessor under our transactional id left open, so that its offsets can be
 * read. */
static void prepare(struct start_job *j)
{
    struct err e = {0};
    while (!atomic_load(&j->is_cancelled) && !checkpointer_prepare(j->run->checkpointer, &e)) {
        log_warn("checkpoint handle", "reason=\"%s\"", e.text);
        rest(j, 1000);
    }
}

static bool place_by_state(struct start_job *j)
{
    char group[TOPIC_NAME];
    topics_group(j->run->config, j->run->stage->name, group);
    struct client_setup setup = {.kind = CLIENT_READER, .group = group};
    prepare(j);
    rd_kafka_t *rk = client_new(j->run->config, &setup, &j->e);
    if (!rk)
        return false;
    (void)rd_kafka_poll_set_consumer(rk);
    leaders_ask(rk, j->run->names[j->run->stage->state]);
    enum agree agree = AGREE_NOT_YET;
    for (int k = 0; k < RESTORE_TRIES && agree == AGREE_NOT_YET; k++) {
        if (k > 0) {
            rest(j, RETRY_MS << (k - 1)); /* markers of a transaction come one by one */
            state_clear(j->run);
        }
        agree = restore_all(j, rk);
    }
    bool is_good = agree == AGREE && logs_are_ours(j, rk);
    (void)rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return is_good;
}

static bool place_by_sink(struct start_job *j)
{
    struct run *r = j->run;
    for (size_t i = 0; i < r->flow.n_sources; i++) {
        struct flow_source *s = &r->flow.sources[i];
        uint64_t offset = 0;
        enum sink_result result = SINK_RETRY;
        while (result == SINK_RETRY && !atomic_load(&j->is_cancelled)) {
            result =
                r->stage->sink_seek(r->core, s->input->topic, s->partition, &offset, &j->e);
            if (result != SINK_RETRY)
                break;
            log_warn("database", "reason=\"%s\"", j->e.text);
            rest(j, 1000);
        }
        if (result != SINK_STORED)
            return false;
        flow_place(s, offset, offset == 0);
    }
    return true;
}

static void job_run(void *arg)
{
    struct start_job *j = arg;
    switch (j->run->stage->kind) {
    case STAGE_STATELESS:
        j->is_good = place_by_group(j);
        break;
    case STAGE_STATEFUL:
        j->is_good = place_by_state(j);
        break;
    case STAGE_SINK:
        j->is_good = place_by_sink(j);
        break;
    }
}

void start_begin(struct run *r)
{
    r->start = mem_zero(1, sizeof *r->start);
    r->start->run = r;
    r->start_us = clock_mono_us();
    worker_begin(r->worker, job_run, r->start);
}

void start_turn(struct run *r)
{
    if (!r->start || !worker_collect(r->worker))
        return;
    struct start_job *j = steal_ptr(r->start);
    int64_t now_us = clock_mono_us();
    counter_set(r->start_seconds, (double)(now_us - r->start_us) * 1e-6);
    r->commit_confirmed_us = now_us;
    if (j->is_good)
        group_assign(r);
    else
        run_fail(r, &j->e);
    free(j);
}

void start_cancel(struct run *r)
{
    if (!r->start)
        return;
    atomic_store(&r->start->is_cancelled, true);
    if (r->checkpointer)
        checkpointer_cancel(r->checkpointer, true);
    while (!worker_wait(r->worker, 1000))
        log_warn("waits for the start job to give up", "phase=cancel");
    CHECK(worker_collect(r->worker));
    if (r->checkpointer)
        checkpointer_cancel(r->checkpointer, false);
    free(steal_ptr(r->start));
}
