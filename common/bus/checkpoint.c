/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/checkpoint.h"

#include "common/base/clock.h"
#include "common/bus/client.h"
#include "common/bus/log.h"

#include <stdlib.h>

enum { CALL_MS = 5000 };

struct checkpointer {
    const struct config *config;
    char *transactional_id;
    rd_kafka_t *rk;
    unsigned n_undelivered;
    rd_kafka_resp_err_t delivery_error;
};

bool checkpoint_group_is_good(const rd_kafka_consumer_group_metadata_t *group, struct err *e)
{
    void *bytes = NULL;
    size_t len = 0;
    static const char magic[] = "CGMDv2:";
    int32_t generation = -1;
    rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(group, &bytes, &len);
    if (error) {
        err_set(e, 0, "group metadata: %s", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        return false;
    }
    /* librdkafka 2.0 has no getter: the generation stands behind the magic in host order */
    bool is_known = len >= sizeof magic - 1 + sizeof generation &&
                    memcmp(bytes, magic, sizeof magic - 1) == 0;
    if (is_known)
        memcpy(&generation, (char *)bytes + sizeof magic - 1, sizeof generation);
    rd_kafka_mem_free(NULL, bytes);
    if (!is_known)
        return err_code(e, EXIT_CODE_BUG, "group metadata of a form not known");
    return generation >= 0 || err_set(e, 0, "the consumer is no member of its group (yet)");
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct checkpointer *k = opaque;
    (void)rk;
    k->n_undelivered--;
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

/* False with the error's text; the error is destroyed. */
static bool call_failed(struct err *e, const char *call, rd_kafka_error_t *error,
                        bool *is_fenced)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    *is_fenced |= code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
                  code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
                  code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
    err_set(e, 0, "%s: %s", call, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
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
    rd_kafka_error_t *error = rd_kafka_init_transactions(k->rk, CALL_MS);
    if (!error)
        return true;
    call_failed(e, "init_transactions", error, &is_fenced);
    handle_drop(k);
    return false;
}

static bool records_produce(struct checkpointer *k, const struct checkpoint_job *job,
                            struct err *e)
{
    k->n_undelivered = 0;
    k->delivery_error = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (uint64_t i = outbox_first(job->records); i < outbox_next(job->records);) {
        const struct output *out = outbox_at(job->records, i);
        void *value =
            out->value.len ? (void *)(uintptr_t)out->value.at : NULL; /* NULL forgets */
        rd_kafka_resp_err_t err = rd_kafka_producev(
            k->rk, RD_KAFKA_V_TOPIC(job->topic), RD_KAFKA_V_PARTITION((int32_t)out->partition),
            RD_KAFKA_V_KEY(out->key.at, out->key.len), RD_KAFKA_V_VALUE(value, out->value.len),
            RD_KAFKA_V_END);
        if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            (void)rd_kafka_poll(k->rk, 10);
            continue;
        }
        if (err)
            return err_set(e, 0, "produce to %s: %s", job->topic, rd_kafka_err2str(err));
        k->n_undelivered++;
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
        return call_failed(e, "begin_transaction", error, is_fenced);
    *is_begun = true;
    if (!records_produce(k, job, e))
        return false;
    error = rd_kafka_send_offsets_to_transaction(k->rk, job->offsets, job->group, CALL_MS);
    if (error)
        return call_failed(e, "send_offsets_to_transaction", error, is_fenced);
    error = rd_kafka_commit_transaction(k->rk, CALL_MS);
    if (error)
        return call_failed(e, "commit_transaction", error, is_fenced);
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
        rd_kafka_error_t *error = rd_kafka_abort_transaction(k->rk, CALL_MS);
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

struct checkpointer *checkpointer_new(const struct config *c, const char *transactional_id)
{
    struct checkpointer *k = mem_zero(1, sizeof *k);
    k->config = c;
    k->transactional_id = mem_text(transactional_id);
    return k;
}

void checkpointer_free(struct checkpointer *k)
{
    if (!k)
        return;
    handle_drop(k);
    free(k->transactional_id);
    free(k);
}
