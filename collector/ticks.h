/* SPDX-License-Identifier: Apache-2.0 */
/* ticks - which events partitions are to be told that time went on in a raw partition, by what
 * stands in raw alone; and, by the monotonic clock, which raw partitions are silent. */
#ifndef AUSPEX_TICKS_H
#define AUSPEX_TICKS_H

#include "common/base/base.h"

enum {
    TICK_SILENCE_S = 1, /* nothing from the raw partition for so long: a tick */
    TICK_EVERY_S = 10   /* a tick at least so often */
};

struct ticks;

/* For that many partitions of events. */
MUST_USE struct ticks *ticks_new(uint32_t partitions);
void ticks_free(struct ticks *t);
/* A raw partition comes, with nothing known of it, or goes. */
void ticks_assign(struct ticks *t, uint32_t raw);
void ticks_revoke(struct ticks *t, uint32_t raw);
/* A record of the raw partition, appended at append_us, put an event into events partition p.
 */
void ticks_event(struct ticks *t, uint32_t raw, uint32_t p, int64_t append_us);
/* Whether that record owes p a tick, which counts as written then. */
bool ticks_due(struct ticks *t, uint32_t raw, uint32_t p, int64_t append_us);

/* A record of the raw partition was read since the last call of ticks_silent. */
void ticks_heard(struct ticks *t, uint32_t raw);
/* The next raw partition, after *raw (begin with UINT32_MAX), that nothing was read of for
 * silence_us; it counts as heard then. False when there is none. */
bool ticks_silent(struct ticks *t, uint32_t *raw, int64_t mono_us, int64_t silence_us);

#endif
