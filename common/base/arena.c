/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/arena.h"

#include <stdlib.h>

enum { CHUNK = 64 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t cap;
    _Alignas(16) char bytes[];
};

void arena_fini(struct arena *a)
{
    for (struct arena_chunk *c = a->first, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    *a = (struct arena){0};
}

void arena_reset(struct arena *a)
{
    a->now = a->first;
    a->used = 0;
}

static struct arena_chunk *chunk_new(size_t len)
{
    size_t cap = MAX(len, (size_t)CHUNK);
    struct arena_chunk *c = mem_new(sizeof *c + cap);
    c->next = NULL;
    c->cap = cap;
    return c;
}

void *arena_take(struct arena *a, size_t len)
{
    len = (len + 15) & ~(size_t)15;
    if (!a->now) {
        a->first = a->now = chunk_new(len);
        a->used = 0;
    }
    while (a->now->cap - a->used < len) {
        if (!a->now->next)
            a->now->next = chunk_new(len);
        a->now = a->now->next;
        a->used = 0;
    }
    void *at = a->now->bytes + a->used;
    a->used += len;
    return at;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *at = arena_take(a, s.len);
    if (s.len > 0)
        memcpy(at, s.at, s.len);
    return str_over(at, s.len);
}
