/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/windows.h"

#include <stdlib.h>

void windows_fini(struct windows *d)
{
    free(d->heap);
    *d = (struct windows){0};
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static bool is_before(const struct window *a, const struct window *b)
{
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us;
    int order = a->dossier == b->dossier
                    ? 0
                    : str_cmp(dossier_key(a->dossier), dossier_key(b->dossier));
    order = order ? order : compare(a->epoch, b->epoch);
    order = order ? order : compare(a->offset, b->offset);
    return (order ? order : compare(a->index, b->index)) < 0;
}

#define HEAP_ITEM         struct window
#define HEAP_BEFORE(a, b) is_before(a, b)
#include "common/base/heap.h"

void windows_add(struct windows *d, struct window new)
{
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 1024;
        d->heap = mem_grow(d->heap, d->cap * sizeof *d->heap);
    }
    d->heap[d->n++] = new;
    heap_rise(d->heap, d->n - 1);
}

bool windows_take(struct windows *d, int64_t now_us, struct window *out)
{
    if (d->n == 0 || d->heap[0].at_us > now_us)
        return false;
    *out = d->heap[0];
    d->heap[0] = d->heap[--d->n];
    if (d->n > 0)
        heap_sink(d->heap, d->n, 0);
    return true;
}
