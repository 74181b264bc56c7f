/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/publish.h"

#include "common/base/hash.h"
#include "common/bus/client.h"
#include "common/bus/config.h"
#include "common/bus/topics.h"

#include <stdio.h>
#include <stdlib.h>

enum { METADATA_MS = 10000 };

struct publisher {
    rd_kafka_t *rk;
    const char *servers; /* for errors */
    char topic[TOPIC_NAME];
    size_t partitions; /* of `topic` */
    uint64_t acked;
    int64_t last_offset;
    rd_kafka_resp_err_t failed; /* the first delivery that failed; from then on all fail */
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct publisher *p = opaque;
    (void)rk;
    if (m->err) {
        p->failed = p->failed ? p->failed : m->err;
        return;
    }
    p->acked++;
    p->last_offset = m->offset;
}

struct publisher *publisher_new(const struct config *c, struct err *e)
{
    struct publisher *p = mem_zero(1, sizeof *p);
    const struct client_setup setup = {
        .kind = CLIENT_PRODUCER, .opaque = p, .on_delivery = on_delivery};
    p->last_offset = -1;
    p->rk = client_new(c, &setup, e);
    p->servers = p->rk ? config_get(c, STR("kafka.bootstrap.servers")) : NULL;
    if (p->rk)
        return p;
    free(p);
    return NULL;
}

void publisher_free(struct publisher *p)
{
    if (!p)
        return;
    (void)rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    (void)rd_kafka_flush(p->rk, 1000);
    rd_kafka_destroy(p->rk);
    free(p);
}

/* Asks how many partitions a topic has when it is another than the last; a missing one would
 * be told only after half a minute. */
static bool topic_know(struct publisher *p, const char *topic, struct err *e)
{
    if (p->partitions > 0 && strcmp(p->topic, topic) == 0)
        return true;
    size_t n = topics_partitions(p->rk, topic, METADATA_MS);
    if (n == SIZE_MAX) {
        (void)err_retry(e, "%s: no broker answered within %d s", p->servers,
                        METADATA_MS / 1000);
        e->code = EXIT_CODE_GONE;
        return false;
    }
    if (n == 0)
        return err_code(e, EXIT_CODE_CONFIG,
                        "topic %s is missing (`auspexctl topics apply` makes it)", topic);
    (void)snprintf(p->topic, sizeof p->topic, "%s", topic);
    p->partitions = n;
    return true;
}

static bool fail(const struct publisher *p, struct err *e)
{
    return err_set(e, 0, "writing to %s: %s", p->topic, rd_kafka_err2str(p->failed));
}

bool publisher_send(struct publisher *p, const char *topic, int partition, struct str key,
                    struct str value, bool is_tombstone, struct err *e)
{
    if (!topic_know(p, topic, e))
        return false;
    if (partition < 0)
        partition = (int)hash_partition(key, (uint32_t)p->partitions);
    /* NULL is a tombstone to Kafka, so empty must not be NULL; `key` NULL = none */
    const void *bytes = is_tombstone ? NULL : value.len ? value.at : "";
    while (!p->failed) {
        rd_kafka_resp_err_t code = rd_kafka_producev(
            p->rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_KEY((void *)(uintptr_t)key.at, key.len),
            RD_KAFKA_V_VALUE((void *)(uintptr_t)bytes, value.len), RD_KAFKA_V_END);
        (void)rd_kafka_poll(p->rk, code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
        if (!code)
            return true;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return err_set(e, 0, "writing to %s: %s", topic, rd_kafka_err2str(code));
    }
    return fail(p, e);
}

bool publisher_flush(struct publisher *p, int timeout_ms, struct err *e)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(p->rk, timeout_ms);
    if (p->failed)
        return fail(p, e);
    if (!code)
        return true;
    (void)err_retry(e, "%d records not stored within %.1f s", rd_kafka_outq_len(p->rk),
                    timeout_ms / 1000.0);
    e->code = EXIT_CODE_GONE;
    return false;
}

uint64_t publisher_acked(const struct publisher *p)
{
    return p->acked;
}

int64_t publisher_last_offset(const struct publisher *p)
{
    return p->last_offset;
}
