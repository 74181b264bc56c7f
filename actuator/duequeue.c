/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/duequeue.h"

#include <stdlib.h>

enum { CAP_AT_FIRST = 64 };

void duequeue_fini(struct duequeue *q)
{
    free(q->heap);
    *q = (struct duequeue){0};
}

static bool is_before(const struct due *a, const struct due *b)
{
    return a->at_us < b->at_us || (a->at_us == b->at_us && a->order < b->order);
}

static void set(struct due **heap, size_t i, struct due *d)
{
    heap[i] = d;
    d->place = i + 1;
}

#define HEAP_ITEM               struct due *
#define HEAP_BEFORE(a, b)       is_before(*(a), *(b))
#define HEAP_SET(heap, i, item) set(heap, i, item)
#include "common/base/heap.h"

void duequeue_put(struct duequeue *q, struct due *d, int64_t at_us)
{
    duequeue_drop(q, d);
    if (q->n == q->cap) {
        q->cap = MAX(2 * q->cap, (size_t)CAP_AT_FIRST);
        q->heap = mem_grow(q->heap, q->cap * sizeof(struct due *));
    }
    d->at_us = at_us;
    d->order = ++q->last_order;
    set(q->heap, q->n++, d);
    heap_rise(q->heap, q->n - 1);
}

void duequeue_drop(struct duequeue *q, struct due *d)
{
    if (d->place == 0)
        return;
    size_t i = d->place - 1;
    struct due *last = q->heap[--q->n];
    d->place = 0;
    if (last == d)
        return;
    set(q->heap, i, last);
    heap_rise(q->heap, i);
    heap_sink(q->heap, q->n, last->place - 1);
}

struct due *duequeue_first(const struct duequeue *q)
{
    return q->n > 0 ? q->heap[0] : NULL;
}

void duequeue_hurry(struct duequeue *q, bool (*is_meant)(struct due *d, const void *to),
                    const void *to)
{
    for (size_t i = 0; i < q->n; i++)
        if (is_meant(q->heap[i], to))
            q->heap[i]->at_us = INT64_MIN;
    for (size_t i = q->n / 2; i-- > 0;)
        heap_sink(q->heap, q->n, i);
}
