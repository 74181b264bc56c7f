/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/checkpoint.h"

#include "common/base/clock.h"
#include "common/bus/client.h"
#include "common/bus/log.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Calls that can be resumed wait in slices, so that cancelling is heard. */
enum { CALL_MS = 5000, SLICE_MS = 250 };
/* Two programs under one transactional id fence each other without end. */
enum { TWINS_FENCED = 8, TWINS_US = 60000000 };

struct checkpointer {
    const struct config *config;
    char *transactional_id;
    rd_kafka_t *rk;
    rd_kafka_resp_err_t delivery_error;
    atomic_bool is_cancelled;
    unsigned n_fenced; /* times that another producer took our id, since */
    int64_t fenced_us;
};

/* What the member id of group metadata may be found by: magic, generation, group id, NUL,
 * member id, NUL, ... */
static bool group_parse(const char *bytes, size_t len, int32_t *generation, struct str *member)
{
    static const char magic[] = "CGMDv2:";
    const size_t head = sizeof magic - 1 + sizeof *generation;
    if (len <= head || memcmp(bytes, magic, sizeof magic - 1) != 0)
        return false;
    memcpy(generation, bytes + sizeof magic - 1, sizeof *generation);
    struct str rest, group = str_cut(str_over(bytes + head, len - head), '\0', &rest);
    *member = str_cut(rest, '\0', &rest);
    return group.len > 0;
}

bool checkpoint_group_is_good(const rd_kafka_consumer_group_metadata_t *group, struct err *e)
{
    void *bytes = NULL;
    size_t len = 0;
    int32_t generation = -1;
    struct str member;
    rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(group, &bytes, &len);
    if (error) {
        err_set(e, 0, "group metadata: %s", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        return false;
    }
    /* librdkafka 2.0 has no getter for what it writes there */
    bool is_known = group_parse(bytes, len, &generation, &member);
    bool is_member = is_known && generation >= 0 && member.len > 0;
    rd_kafka_mem_free(NULL, bytes);
    if (!is_known)
        return err_code(e, EXIT_CODE_BUG, "group metadata of a form not known");
    return is_member || err_set(e, 0, "the consumer is no member of its group (yet)");
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct checkpointer *k = opaque;
    (void)rk;
    if (m->err)
        k->delivery_error = m->err;
}

static void handle_drop(struct checkpointer *k)
{
    if (!k->rk)
        return;
    (void)rd_kafka_purge(k->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(k->rk);
    k->rk = NULL;
}

/* Another producer has taken our id: once after a stall, again and again with a twin. */
static void fenced_by_id(struct checkpointer *k, struct err *e)
{
    int64_t now_us = clock_mono_us();
    if (now_us - k->fenced_us > TWINS_US) {
        k->fenced_us = now_us;
        k->n_fenced = 0;
    }
    if (++k->n_fenced >= TWINS_FENCED)
        err_code(e, EXIT_CODE_CONFIG,
                 "another program works under transactional id %s: give each copy its own name "
                 "(--instance)",
                 k->transactional_id);
}

/* False with the error's text; the error is destroyed. */
static bool call_failed(struct checkpointer *k, struct err *e, const char *call,
                        rd_kafka_error_t *error, bool *is_fenced)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    *is_fenced |= code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
                  code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
                  code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
    err_set(e, 0, "%s: %s", call, rd_kafka_error_string(error));
    if (code == RD_KAFKA_RESP_ERR__FENCED)
        fenced_by_id(k, e);
    rd_kafka_error_destroy(error);
    return false;
}

/* A call that goes on in the background when its time is up: in slices, until the outcome. */
static rd_kafka_error_t *call_resumed(struct checkpointer *k,
                                      rd_kafka_error_t *(*call)(rd_kafka_t *rk, int timeout_ms))
{
    int64_t until_us = clock_mono_us() + CALL_MS * (int64_t)1000;
    for (;;) {
        rd_kafka_error_t *error = call(k->rk, SLICE_MS);
        if (!error || !rd_kafka_error_is_retriable(error) || atomic_load(&k->is_cancelled) ||
            clock_mono_us() >= until_us)
            return error;
        rd_kafka_error_destroy(error);
    }
}

bool checkpointer_prepare(struct checkpointer *k, struct err *e)
{
    bool is_fenced = false;
    if (k->rk)
        return true;
    struct client_setup setup = {.kind = CLIENT_TRANSACTIONAL,
                                 .transactional_id = k->transactional_id,
                                 .opaque = k,
                                 .on_delivery = on_delivery};
    k->rk = client_new(k->config, &setup, e);
    if (!k->rk)
        return false;
    rd_kafka_error_t *error = call_resumed(k, rd_kafka_init_transactions);
    if (!error)
        return true;
    call_failed(k, e, "init_transactions", error, &is_fenced);
    handle_drop(k);
    return false;
}

static bool records_produce(struct checkpointer *k, const struct checkpoint_job *job,
                            struct err *e)
{
    int64_t until_us = clock_mono_us() + CALL_MS * (int64_t)1000;
    k->delivery_error = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (uint64_t i = outbox_first(job->records); i < outbox_next(job->records);) {
        const struct output *out = outbox_at(job->records, i);
        const char *topic = job->names[out->topic];
        void *key = (void *)(uintptr_t)out->key.at;
        void *value =
            out->value.len ? (void *)(uintptr_t)out->value.at : NULL; /* NULL forgets */
        rd_kafka_resp_err_t err = rd_kafka_producev(
            k->rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION((int32_t)out->partition),
            RD_KAFKA_V_KEY(key, out->key.len), RD_KAFKA_V_VALUE(value, out->value.len),
            RD_KAFKA_V_END);
        if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            if (atomic_load(&k->is_cancelled) || clock_mono_us() >= until_us)
                return err_set(e, 0, "produce to %s: the queue stays full", topic);
            (void)rd_kafka_poll(k->rk, 10);
            continue;
        }
        if (err)
            return err_set(e, 0, "produce to %s: %s", topic, rd_kafka_err2str(err));
        i++;
    }
    return true;
}

/* One transaction. `is_begun`: it must be aborted on failure; in doubt, the handle is dropped.
 */
static bool transaction_run(struct checkpointer *k, const struct checkpoint_job *job,
                            bool *is_fenced, bool *is_begun, struct err *e)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(k->rk);
    if (error)
        return call_failed(k, e, "begin_transaction", error, is_fenced);
    *is_begun = true;
    if (!records_produce(k, job, e))
        return false;
    error = rd_kafka_send_offsets_to_transaction(k->rk, job->offsets, job->group, CALL_MS);
    if (error)
        return call_failed(k, e, "send_offsets_to_transaction", error, is_fenced);
    error = call_resumed(k, rd_kafka_commit_transaction);
    if (error)
        return call_failed(k, e, "commit_transaction", error, is_fenced);
    return k->delivery_error == RD_KAFKA_RESP_ERR_NO_ERROR ||
           err_set(e, 0, "state record: %s", rd_kafka_err2str(k->delivery_error));
}

static enum flow_outcome job_run(struct checkpointer *k, const struct checkpoint_job *job,
                                 struct err *e)
{
    bool is_fenced = false, is_begun = false;
    if (!checkpoint_group_is_good(job->group, e))
        return e->code == EXIT_CODE_BUG ? COMMIT_FAILED : COMMIT_FENCED;
    if (!checkpointer_prepare(k, e))
        return COMMIT_FAILED;
    if (transaction_run(k, job, &is_fenced, &is_begun, e))
        return COMMIT_DONE;
    if (is_begun && is_fenced) { /* refused in words: the transaction can be ended in order */
        rd_kafka_error_t *error = call_resumed(k, rd_kafka_abort_transaction);
        if (!error)
            return COMMIT_FENCED;
        rd_kafka_error_destroy(error);
    }
    handle_drop(k);
    return is_fenced ? COMMIT_FENCED : COMMIT_FAILED;
}

enum flow_outcome checkpointer_commit(struct checkpointer *k, const struct checkpoint_job *job,
                                      struct err *e)
{
    enum flow_outcome outcome = job_run(k, job, e);
    rd_kafka_topic_partition_list_destroy(job->offsets);
    return outcome;
}

bool checkpointer_unstick(struct checkpointer *k,
                          const rd_kafka_topic_partition_list_t *partitions,
                          const rd_kafka_consumer_group_metadata_t *group, struct err *e)
{
    bool is_fenced = false;
    if (!checkpoint_group_is_good(group, e) || !checkpointer_prepare(k, e))
        return false;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(k->rk);
    if (error)
        return call_failed(k, e, "begin_transaction", error, &is_fenced);
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_copy(partitions);
    for (int i = 0; i < offsets->cnt; i++)
        offsets->elems[i].offset = 0; /* never seen: it is aborted */
    error = rd_kafka_send_offsets_to_transaction(k->rk, offsets, group, CALL_MS);
    rd_kafka_topic_partition_list_destroy(offsets);
    bool is_sent =
        !error || call_failed(k, e, "send_offsets_to_transaction", error, &is_fenced);
    error = call_resumed(k, rd_kafka_abort_transaction);
    if (!error)
        return is_sent;
    handle_drop(k); /* in doubt: the next handle's init ends it */
    return call_failed(k, e, "abort_transaction", error, &is_fenced);
}

struct checkpointer *checkpointer_new(const struct config *c, const char *transactional_id)
{
    struct checkpointer *k = mem_zero(1, sizeof *k);
    k->config = c;
    k->transactional_id = mem_text(transactional_id);
    return k;
}

void checkpointer_cancel(struct checkpointer *k, bool is_cancelled)
{
    atomic_store(&k->is_cancelled, is_cancelled);
}

void checkpointer_free(struct checkpointer *k)
{
    if (!k)
        return;
    handle_drop(k);
    free(k->transactional_id);
    free(k);
}
