/* SPDX-License-Identifier: Apache-2.0 */
/* rawclock - the clock of an events partition: the least, over all raw partitions, of the
 * append time of the furthest record seen from each. */
#ifndef AUSPEX_RAWCLOCK_H
#define AUSPEX_RAWCLOCK_H

#include "common/base/base.h"

enum { RAW_PARTITIONS_MOST = 1 << 16 };

struct rawclock {
    int64_t *heard_us; /* of each raw partition; 0 = silent yet */
    uint32_t n, cap;   /* raw partitions known of */
    uint32_t n_silent;
    uint32_t slowest; /* the one that has the least, when none is silent */
    int64_t most_us;  /* greatest value the clock ever had */
};

void rawclock_fini(struct rawclock *c); /* {0} is a valid clock that knows of no partition */
/* raw has (at least) n partitions; it never has fewer again. */
void rawclock_told(struct rawclock *c, uint64_t n);
/* A record of raw partition r, further than all before it, was appended then; also backwards,
 * when the broker's clock was put right. r < RAW_PARTITIONS_MOST. */
void rawclock_hear(struct rawclock *c, uint64_t r, int64_t append_us);
/* 0 until each raw partition has spoken. */
int64_t rawclock_us(const struct rawclock *c);

#endif
