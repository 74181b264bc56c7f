/* SPDX-License-Identifier: Apache-2.0 */
/* topics - makes, checks and measures topics and groups, for ctl and at a program's start.
 * Every call blocks, for at most `timeout_ms`. */
#ifndef AUSPEX_TOPICS_H
#define AUSPEX_TOPICS_H

#include "common/base/err.h"
#include "common/bus/topic.h"

#include <librdkafka/rdkafka.h>

struct config;

/* Makes the topics that are missing, with partitions, retention, cleanup and time stamps as the
 * tables say, and waits until each has a leader. Prints nothing; `made` counts. */
MUST_USE bool topics_apply(const struct config *c, rd_kafka_t *rk, int timeout_ms, int *made,
                           struct err *e);
/* Whether the topics named in `mask` (bits 1 << enum topic) are there and as they must be: the
 * partition counts, raw with LogAppendTime, compaction where it is needed. EXIT_CODE_CONFIG and
 * all faults in words when not; retry set when no broker answered. */
MUST_USE bool topics_check(const struct config *c, rd_kafka_t *rk, unsigned mask,
                           int timeout_ms, struct err *e);
/* Partitions of a topic, 0 when it is missing; SIZE_MAX when nobody answered. */
size_t topics_partitions(rd_kafka_t *rk, const char *name, int timeout_ms);
/* First offset and end of each of n partitions. */
MUST_USE bool topics_ends(rd_kafka_t *rk, const char *name, size_t n, int64_t *first,
                          int64_t *end, int timeout_ms, struct err *e);
/* Committed offset of each partition for the group of `rk` (a CLIENT_READER with that group);
 * -1 = none. */
MUST_USE bool topics_committed(rd_kafka_t *rk, const char *name, size_t n, int64_t *offset,
                               int timeout_ms, struct err *e);
/* "auspex.PROGRAM" + group_suffix. */
void topics_group(const struct config *c, const char *program, char out[TOPIC_NAME]);

#endif
