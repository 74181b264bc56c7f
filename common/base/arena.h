/* SPDX-License-Identifier: Apache-2.0 */
/* arena - memory that dies together: taken piece by piece, given back all at once. Chunks are
 * kept over a reset, so a loop that resets soon stops calling malloc. */
#ifndef AUSPEX_ARENA_H
#define AUSPEX_ARENA_H

#include "common/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

struct arena_chunk;
struct arena {
    struct arena_chunk *first, *now; /* chunks in order of use; `now` is being filled */
    size_t used;                     /* bytes taken of `now` */
};

void arena_fini(struct arena *a); /* {0} is a valid empty arena */
void arena_reset(struct arena *a);
/* 16-byte aligned, not cleared; valid until reset. */
MUST_USE void *arena_take(struct arena *a, size_t len);
struct str arena_str(struct arena *a,
                     struct str s); /* a copy that lives as long as the arena */

#ifdef __cplusplus
}
#endif
#endif
