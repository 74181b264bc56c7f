/* SPDX-License-Identifier: Apache-2.0 */
/* rings - counts of the newest 5 minutes, hour and 24 hours of a visitor, by buckets of event
 * time (features.def's `ring`). A ring of n cells stands at its newest bucket, its head, and
 * holds the n - 1 before it too; the cell of a bucket is its number modulo n. */
#ifndef AUSPEX_RINGS_H
#define AUSPEX_RINGS_H

#include "common/base/clock.h"

struct profile;

#define BUCKET_30S_US (30 * SECOND_US)
#define BUCKET_5M_US  (5 * MINUTE_US)
#define BUCKET_1H_US  HOUR_US

/* The bucket that a time lies in; 0 for all before 1970. */
static inline uint64_t ring_bucket(int64_t us, int64_t bucket_us)
{
    return us > 0 ? (uint64_t)(us / bucket_us) : 0;
}

/* What a ring of n cells, 0 < n, loses when its head moves on to `to`; to >= head. */
void ring_clear(uint16_t *cells, uint32_t n, uint64_t head, uint64_t to);
/* Counts one in a bucket, at most the head; what is too old for the ring is not counted. */
void ring_add(uint16_t *cells, uint32_t n, uint64_t head, uint64_t bucket);
/* Of the n buckets up to `bucket`, those that the ring holds. */
uint32_t ring_sum(const uint16_t *cells, uint32_t n, uint64_t head, uint64_t bucket);

/* Counts an event in all rings of a visitor; an event type's code, and its `at`. */
void rings_count(struct profile *p, uint8_t type, int64_t at_us);

#endif
