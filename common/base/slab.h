/* SPDX-License-Identifier: Apache-2.0 */
/* slab - pieces of memory in sizes of powers of two, 16 to 8192 bytes, that are given back one
 * by one and used again: what states hold. Takes memory from the system in large chunks only,
 * so that a warm slab does not call malloc. A piece is known by the length it was asked for.
 *
 * What is given back serves pieces of its own size only and never goes back to the system: a
 * slab takes at most the sum, over the sizes, of the most that was ever out of each. */
#ifndef AUSPEX_SLAB_H
#define AUSPEX_SLAB_H

#include "common/base/base.h"

enum { SLAB_LEAST = 4, SLAB_MOST = 13, SLAB_SIZES = SLAB_MOST - SLAB_LEAST + 1 }; /* log2 */

struct slab_chunk;
struct slab_piece;
struct slab {
    struct slab_piece *spare[SLAB_SIZES];
    struct slab_chunk *chunks;
    uint8_t *at, *end; /* of the newest chunk, not cut yet */
    size_t n_chunks;
    size_t used; /* bytes of the pieces that are out, each as its size has them */
};

void slab_fini(struct slab *s);          /* {0} is a valid empty slab */
size_t slab_bytes(const struct slab *s); /* taken from the system */
/* 16-byte aligned, not cleared; len > 0 and at most 8192. */
MUST_USE void *slab_take(struct slab *s, size_t len);
MUST_USE void *slab_zero(struct slab *s, size_t len);
/* Asks memory for a piece that is read soon; NULL is fine. */
static inline void slab_ahead(const void *piece, size_t len)
{
    enum { LINE = 64 };
    for (size_t at = 0; piece && at < len; at += LINE)
        __builtin_prefetch((const char *)piece + at);
}
/* `len` as it was taken with; NULL is fine. */
void slab_give(struct slab *s, void *piece, size_t len);

#endif
