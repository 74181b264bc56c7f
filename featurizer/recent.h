/* SPDX-License-Identifier: Apache-2.0 */
/* recent - whether an event was there before: the ids of a visitor's newest 256 events that
 * counted, for 7 days of received time, in whole seconds (rounded down). Of a body 32 bits are
 * kept: another body is taken for the same once in 2^32 conflicts, and is a repeat then. */
#ifndef AUSPEX_RECENT_H
#define AUSPEX_RECENT_H

#include "common/base/clock.h"
#include "featurizer/profile.h"

enum { RECENT_S = 7 * 86400, RECENT_ENTRY_BYTES = 16 };

/* As in vector.def's field verdict. */
enum verdict { VERDICT_COUNTS, VERDICT_REPEAT, VERDICT_CONFLICT };

/* One id as it is kept and, little-endian, as it is packed. */
struct recent_entry {
    uint64_t id;         /* XXH3 */
    uint32_t body;       /* the low half of its hash */
    uint32_t received_s; /* since 1970 */
};
_Static_assert(sizeof(struct recent_entry) == RECENT_ENTRY_BYTES, "as packed");

struct recent_entry recent_entry_of(uint64_t id, uint64_t body, int64_t received_us);

/* Of events with the same id the newest kept one decides; changes nothing. */
enum verdict recent_judge(const struct recent *r, const struct recent_entry *e);
/* First the oldest go: those received 7 days before `e` or earlier, up to the first that was
 * not; and one more when 256 are kept. */
void recent_add(struct slab *s, struct recent *r, const struct recent_entry *e);
/* Drops none, so that what is read back is what was packed; r->n < RECENT_MOST. */
void recent_append(struct slab *s, struct recent *r, const struct recent_entry *e);
/* The i-th of r->n, oldest first. */
struct recent_entry recent_at(const struct recent *r, uint32_t i);
void recent_fini(struct slab *s, struct recent *r);

#endif
