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

static void set(struct duequeue *q, size_t i, struct due *d)
{
    q->heap[i] = d;
    d->place = i + 1;
}

static void rise(struct duequeue *q, size_t i)
{
    struct due *d = q->heap[i];
    for (; i > 0 && is_before(d, q->heap[(i - 1) / 2]); i = (i - 1) / 2)
        set(q, i, q->heap[(i - 1) / 2]);
    set(q, i, d);
}

static void sink(struct duequeue *q, size_t i)
{
    struct due *d = q->heap[i];
    for (size_t child; (child = 2 * i + 1) < q->n; i = child) {
        if (child + 1 < q->n && is_before(q->heap[child + 1], q->heap[child]))
            child++;
        if (!is_before(q->heap[child], d))
            break;
        set(q, i, q->heap[child]);
    }
    set(q, i, d);
}

void duequeue_put(struct duequeue *q, struct due *d, int64_t at_us)
{
    duequeue_drop(q, d);
    if (q->n == q->cap) {
        q->cap = MAX(2 * q->cap, (size_t)CAP_AT_FIRST);
        q->heap = mem_grow(q->heap, q->cap * sizeof(struct due *));
    }
    d->at_us = at_us;
    d->order = ++q->last_order;
    set(q, q->n++, d);
    rise(q, q->n - 1);
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
    set(q, i, last);
    rise(q, i);
    sink(q, last->place - 1);
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
        sink(q, i);
}
