/* SPDX-License-Identifier: Apache-2.0 */
/* client - librdkafka handles set up by the project's rules (idempotent, gapless, one request
 * in flight, no automatic offsets, checked CRCs), with [kafka] of the configuration on top, and
 * its logs through ours. */
#ifndef AUSPEX_CLIENT_H
#define AUSPEX_CLIENT_H

#include "common/base/err.h"

#include <librdkafka/rdkafka.h>

struct config;

enum client_kind {
    CLIENT_PRODUCER,      /* outputs */
    CLIENT_TRANSACTIONAL, /* checkpoints; needs transactional_id */
    CLIENT_GROUP,         /* member of a consumer group; needs group */
    CLIENT_READER,        /* manual assignment, read_committed, partition EOF events */
    CLIENT_PLAIN,         /* metadata and admin requests */
};

struct client_setup {
    enum client_kind kind;
    const char *group;       /* CLIENT_GROUP, and for committed offsets of CLIENT_READER */
    const char *instance_id; /* group.instance.id, or NULL */
    const char *transactional_id;
    void *opaque;
    void (*on_delivery)(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque);
    void (*on_rebalance)(rd_kafka_t *rk, rd_kafka_resp_err_t why,
                         rd_kafka_topic_partition_list_t *parts, void *opaque);
    void (*on_error)(rd_kafka_t *rk, int code, const char *reason, void *opaque);
};

/* NULL on failure: EXIT_CODE_CONFIG for a setting librdkafka refuses. Never waits for a broker.
 */
MUST_USE rd_kafka_t *client_new(const struct config *c, const struct client_setup *s,
                                struct err *e);

#endif
