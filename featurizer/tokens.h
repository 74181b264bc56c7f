/* SPDX-License-Identifier: Apache-2.0 */
/* tokens - the tail of a session: its newest events in order, for models of sequences. Late
 * events are not in it.
 *
 * A token is 8 bytes:
 *   0     action: the event's type, as codes.def has it
 *   1     gap to the event before: 0 = none, it is the session's first; else 1 + how many bits
 *         the gap in whole seconds has: 1 = under 1 s, 2 = 1 s, 3 = 2 or 3 s, 4 = 4 to 7 s ...
 *   2     price: 0 = none told, 1 = zero or less; else 2 + 4 (e + 7) + q, held within 2 and
 * 255, for a price from 2^e (1 + q/4) to below 2^e (1 + (q + 1)/4), q = 0 to 3 3     0 4..7
 * little-endian: FNV-1a (32 bits, over the bytes) of the product's id, or of the path where
 * none is told; 0 = neither */
#ifndef AUSPEX_TOKENS_H
#define AUSPEX_TOKENS_H

#include "common/base/slab.h"
#include "common/base/str.h"

enum { TOKENS_MOST = 128, TOKEN_BYTES = 8 };

/* A ring in the slab: [0, n) from `first` on, oldest first; {0} is empty. */
struct tokens {
    uint64_t *at;
    uint32_t n, cap, first; /* cap: 0 or a power of two */
};

struct event;

/* `action` is the code of its type; gap_us < 0: it is its session's first. */
uint64_t token_of(const struct event *e, uint8_t action, int64_t gap_us);

void tokens_fini(struct slab *s, struct tokens *t);
/* Appends; of more than `most` (at most TOKENS_MOST) the oldest go. */
void tokens_add(struct slab *s, struct tokens *t, uint64_t token, uint32_t most);
/* Drops the oldest until no more than `most` are left. */
void tokens_keep(struct slab *s, struct tokens *t, uint32_t most);
/* All, oldest first; valid until either changes. */
struct str tokens_str(const struct tokens *t, uint64_t scratch[TOKENS_MOST]);

#endif
