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

#define HEAP_ITEM         struct deadline
#define HEAP_BEFORE(a, b) is_before(a, b)
#include "common/base/heap.h"

void deadlines_add(struct deadlines *d, struct deadline new)
{
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 1024;
        d->heap = mem_grow(d->heap, d->cap * sizeof *d->heap);
    }
    d->heap[d->n++] = new;
    heap_rise(d->heap, d->n - 1);
}

bool deadlines_take(struct deadlines *d, int64_t now_us, struct deadline *out)
{
    if (d->n == 0 || d->heap[0].at_us > now_us)
        return false;
    *out = d->heap[0];
    d->heap[0] = d->heap[--d->n];
    if (d->n > 0)
        heap_sink(d->heap, d->n, 0);
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
            heap_sink(d->heap, kept, i);
    return taken;
}
