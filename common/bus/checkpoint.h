/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint - commits a checkpoint: state records and input offsets in one Kafka transaction.
 * It blocks, so it runs on the worker. A handle whose transaction ended in doubt is never used
 * again (the late end of one transaction could close the next). */
#ifndef AUSPEX_CHECKPOINT_H
#define AUSPEX_CHECKPOINT_H

#include "common/bus/flow.h"

#include <librdkafka/rdkafka.h>

struct config;
struct checkpointer;

struct checkpoint_job {
    struct outbox
        *records; /* states, checkpoint records and what else goes with them, of the caller */
    const char (*names)[TOPIC_NAME];           /* of the topics that they are for */
    rd_kafka_topic_partition_list_t *offsets;  /* freed by the checkpointer */
    rd_kafka_consumer_group_metadata_t *group; /* of the caller, valid until the outcome */
};

struct checkpointer *checkpointer_new(const struct config *c, const char *transactional_id);
/* Ends what a dead predecessor under the same id has left open; early, so that its offsets
 * become readable now and not after its time-out. */
MUST_USE bool checkpointer_prepare(struct checkpointer *k, struct err *e);
/* COMMIT_DONE, or FAILED or FENCED with the reason; FAILED with EXIT_CODE_BUG or _CONFIG when
 * no other try can help. The job's offsets are freed. */
enum flow_outcome checkpointer_commit(struct checkpointer *k, const struct checkpoint_job *job,
                                      struct err *e);
/* Ends what offsets of these partitions are pending by our id: after a broker's death the
 * group's coordinator can hold on to a transaction that the transaction's coordinator knows no
 * more, and then tells no stable offsets, for ever. A transaction over the same offsets, which
 * is aborted, ends that too. Nothing is committed. */
MUST_USE bool checkpointer_unstick(struct checkpointer *k,
                                   const rd_kafka_topic_partition_list_t *partitions,
                                   const rd_kafka_consumer_group_metadata_t *group,
                                   struct err *e);
/* From another thread: whether to give up what is under way, as soon as librdkafka lets go. */
void checkpointer_cancel(struct checkpointer *k, bool is_cancelled);
void checkpointer_free(struct checkpointer *k);

/* The generation and member that group metadata stand for; the broker takes metadata without
 * them even while the group has members, so they must never be sent. */
MUST_USE bool checkpoint_group_is_good(const rd_kafka_consumer_group_metadata_t *group,
                                       struct err *e);

#endif
