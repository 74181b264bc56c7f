/* SPDX-License-Identifier: Apache-2.0 */
/* The look-up topics: every instance reads all of each before it takes any input, and what
 * comes later as it comes. */
#include "common/bus/run.h"

#include "common/bus/client.h"
#include "common/bus/log.h"
#include "common/bus/topics.h"

#include <stdlib.h>

enum { CALL_MS = 5000 };

/* One reader for all of them. */
struct lookup {
    rd_kafka_t *rk;
    unsigned wanted, ended; /* bits 1 << topic; each has one partition */
    bool is_done;
};

static bool lookup_add(struct run *r, rd_kafka_topic_partition_list_t *parts, enum topic t,
                       struct err *e)
{
    size_t n = topics_partitions(r->lookup->rk, r->names[t], CALL_MS);
    if (n == 0 || n == SIZE_MAX)
        return err_retry(e, "topic %s is not there", r->names[t]);
    if (n != 1)
        return err_code(e, EXIT_CODE_CONFIG, "topic %s has %zu partitions, not 1", r->names[t],
                        n);
    rd_kafka_topic_partition_list_add(parts, r->names[t], 0)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
    r->lookup->wanted |= 1u << t;
    return true;
}

bool lookup_open(struct run *r, struct err *e)
{
    static const uint64_t one = 1;
    struct client_setup setup = {.kind = CLIENT_READER, .opaque = r};
    r->lookup = mem_zero(1, sizeof *r->lookup);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(4);
    bool is_good = true;
    for (size_t i = 0; i < r->stage->n_inputs && is_good; i++) {
        if (r->stage->inputs[i].role != INPUT_LOOKUP)
            continue;
        if (!r->lookup->rk && !(r->lookup->rk = client_new(r->config, &setup, e)))
            is_good = false;
        else
            is_good = lookup_add(r, parts, r->stage->inputs[i].topic, e);
    }
    if (is_good && r->lookup->rk) {
        (void)rd_kafka_poll_set_consumer(r->lookup->rk);
        rd_kafka_queue_t *q = rd_kafka_queue_get_consumer(r->lookup->rk);
        rd_kafka_queue_io_event_enable(q, r->input_fd, &one, sizeof one);
        rd_kafka_queue_destroy(q);
        rd_kafka_resp_err_t err = rd_kafka_assign(r->lookup->rk, parts);
        is_good = !err || err_set(e, 0, "assign: %s", rd_kafka_err2str(err));
    }
    rd_kafka_topic_partition_list_destroy(parts);
    return is_good;
}

static enum topic lookup_topic(const struct run *r, const char *name)
{
    for (enum topic t = 0; t < TOPICS_N; t++)
        if (strcmp(r->names[t], name) == 0)
            return t;
    return TOPICS_N;
}

static void lookup_message(struct run *r, const rd_kafka_message_t *m)
{
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        r->lookup->ended |= 1u << lookup_topic(r, rd_kafka_topic_name(m->rkt));
        return;
    }
    if (m->err) {
        log_warn("look-up topic", "reason=\"%s\"", rd_kafka_message_errstr(m));
        return;
    }
    struct stage_message in;
    message_of(m, lookup_topic(r, rd_kafka_topic_name(m->rkt)), &in);
    r->stage->lookup(r->core, &in);
}

bool lookup_turn(struct run *r)
{
    struct lookup *l = r->lookup;
    if (!l || !l->rk)
        return true;
    rd_kafka_message_t *m;
    while ((m = rd_kafka_consumer_poll(l->rk, 0)) != NULL) {
        lookup_message(r, m);
        rd_kafka_message_destroy(m);
    }
    l->is_done |= (l->ended & l->wanted) == l->wanted;
    return l->is_done;
}

void lookup_close(struct run *r)
{
    if (!r->lookup)
        return;
    if (r->lookup->rk) {
        (void)rd_kafka_consumer_close(r->lookup->rk);
        rd_kafka_destroy(r->lookup->rk);
    }
    free(steal_ptr(r->lookup));
}
