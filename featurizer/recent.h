/* SPDX-License-Identifier: Apache-2.0 */
/* recent - whether an event was there before: the ids of a visitor's newest 256 events that
 * counted, for 7 days of received time. */
#ifndef AUSPEX_RECENT_H
#define AUSPEX_RECENT_H

#include "common/base/clock.h"
#include "featurizer/profile.h"

#define RECENT_US (7 * DAY_US)

/* As in vector.def's field verdict. */
enum verdict { VERDICT_COUNTS, VERDICT_REPEAT, VERDICT_CONFLICT };

/* Of events with the same id the newest kept one decides; changes nothing. */
enum verdict recent_judge(const struct recent *r, uint64_t id, uint64_t body,
                          int64_t received_us);
/* The oldest goes when 256 are kept. */
void recent_add(struct slab *s, struct recent *r, uint64_t id, uint64_t body,
                int64_t received_us);

struct recent_entry {
    uint64_t id, body;
    int64_t received_us;
};
/* The i-th of r->n, oldest first. */
struct recent_entry recent_at(const struct recent *r, uint32_t i);

#endif
