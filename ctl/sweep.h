/* SPDX-License-Identifier: Apache-2.0 */
/* sweep - every record of a topic once, from a place to the end that it has now. */
#ifndef AUSPEX_CTL_SWEEP_H
#define AUSPEX_CTL_SWEEP_H

#include "common/base/err.h"
#include "common/bus/tail.h"
#include "common/bus/topic.h"

struct config;

/* From the beginning. EXIT_CODE_GONE when the broker stops answering before the end. */
MUST_USE bool sweep_topic(const struct config *config, enum topic topic,
                          void (*use)(void *to, const struct tail_message *m), void *to,
                          struct err *e);
/* The same from an offset of its own for each of n partitions; -1 leaves one out. */
MUST_USE bool sweep_from(const struct config *config, enum topic topic, const int64_t *from,
                         size_t n, void (*use)(void *to, const struct tail_message *m),
                         void *to, struct err *e);

#endif
