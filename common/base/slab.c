/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/slab.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 20 };

struct slab_chunk {
    struct slab_chunk *next;
    _Alignas(16) uint8_t bytes[CHUNK];
};

struct slab_piece {
    struct slab_piece *next;
};

void slab_fini(struct slab *s)
{
    for (struct slab_chunk *next; s->chunks; s->chunks = next) {
        next = s->chunks->next;
        free(s->chunks);
    }
    *s = (struct slab){0};
}

size_t slab_bytes(const struct slab *s)
{
    return s->n_chunks * sizeof(struct slab_chunk);
}

static unsigned size_of(size_t len)
{
    CHECK(len > 0 && len <= (size_t)1 << SLAB_MOST);
    unsigned bits = len <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(len - 1);
    return bits < SLAB_LEAST ? 0 : bits - SLAB_LEAST;
}

/* What is left of a full chunk, under 8 KiB, is lost. */
static void *cut(struct slab *s, size_t len)
{
    if ((size_t)(s->end - s->at) < len) {
        struct slab_chunk *c = mem_new(sizeof *c);
        c->next = s->chunks;
        s->n_chunks++;
        s->chunks = c;
        s->at = c->bytes;
        s->end = c->bytes + CHUNK;
    }
    s->at += len;
    return s->at - len;
}

void *slab_take(struct slab *s, size_t len)
{
    unsigned size = size_of(len);
    struct slab_piece *p = s->spare[size];
    s->used += (size_t)1 << (size + SLAB_LEAST);
    if (!p)
        return cut(s, (size_t)1 << (size + SLAB_LEAST));
    s->spare[size] = p->next;
    return p;
}

void *slab_zero(struct slab *s, size_t len)
{
    return memset(slab_take(s, len), 0, len);
}

void slab_give(struct slab *s, void *piece, size_t len)
{
    if (!piece)
        return;
    struct slab_piece *p = piece;
    unsigned size = size_of(len);
    p->next = s->spare[size];
    s->spare[size] = p;
    s->used -= (size_t)1 << (size + SLAB_LEAST);
}
