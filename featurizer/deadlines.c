/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/deadlines.h"

#include <stdlib.h>

void deadlines_fini(struct deadlines *d)
{
    free(d->heap);
    *d = (struct deadlines){0};
}

static bool is_before(const struct deadline *a, const struct deadline *b)
{
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us;
    int order = a->profile == b->profile
                    ? 0
                    : str_cmp(profile_key(a->profile), profile_key(b->profile));
    return order != 0 ? order < 0 : a->import_id < b->import_id;
}

static void rise(struct deadline *heap, size_t i)
{
    struct deadline x = heap[i];
    for (; i > 0 && is_before(&x, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = x;
}

static void sink(struct deadline *heap, size_t n, size_t i)
{
    struct deadline x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_before(&heap[child + 1], &heap[child]))
            child++;
        if (!is_before(&heap[child], &x))
            break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

void deadlines_add(struct deadlines *d, struct deadline new)
{
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 1024;
        d->heap = mem_grow(d->heap, d->cap * sizeof *d->heap);
    }
    d->heap[d->n++] = new;
    rise(d->heap, d->n - 1);
}

bool deadlines_take(struct deadlines *d, int64_t now_us, struct deadline *out)
{
    if (d->n == 0 || d->heap[0].at_us > now_us)
        return false;
    *out = d->heap[0];
    d->heap[0] = d->heap[--d->n];
    if (d->n > 0)
        sink(d->heap, d->n, 0);
    return true;
}

size_t deadlines_take_import(struct deadlines *d, uint64_t import_id, struct profile **to)
{
    size_t kept = 0, taken = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (d->heap[i].import_id == import_id)
            to[taken++] = d->heap[i].profile;
        else
            d->heap[kept++] = d->heap[i];
    }
    d->n = kept;
    if (taken > 0)
        for (size_t i = kept / 2; i-- > 0;)
            sink(d->heap, kept, i);
    return taken;
}
