/* SPDX-License-Identifier: Apache-2.0 */
/* publish - sends records from a tool (ctl, trainer) and says when they are stored. */
#ifndef AUSPEX_PUBLISH_H
#define AUSPEX_PUBLISH_H

#include "common/base/err.h"
#include "common/base/str.h"

struct config;
struct publisher;

MUST_USE struct publisher *publisher_new(const struct config *c, struct err *e);
void publisher_free(struct publisher *p);
/* Copies and queues; waits while the queue is full. partition -1 = by the key (murmur2). An
 * empty value with is_tombstone set is sent as NULL. */
MUST_USE bool publisher_send(struct publisher *p, const char *topic, int partition,
                             struct str key, struct str value, bool is_tombstone,
                             struct err *e);
/* Waits until all that was sent is acknowledged. */
MUST_USE bool publisher_flush(struct publisher *p, int timeout_ms, struct err *e);
/* Records acknowledged, and the offset of the last one that was. */
uint64_t publisher_acked(const struct publisher *p);
int64_t publisher_last_offset(const struct publisher *p);

#endif
