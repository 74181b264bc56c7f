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

static void rise(struct window *heap, size_t i)
{
    struct window x = heap[i];
    for (; i > 0 && is_before(&x, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = x;
}

static void sink(struct window *heap, size_t n)
{
    struct window x = heap[0];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_before(&heap[child + 1], &heap[child]))
            child++;
        if (!is_before(&heap[child], &x))
            break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

void windows_add(struct windows *d, struct window new)
{
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 1024;
        d->heap = mem_grow(d->heap, d->cap * sizeof *d->heap);
    }
    d->heap[d->n++] = new;
    rise(d->heap, d->n - 1);
}

bool windows_take(struct windows *d, int64_t now_us, struct window *out)
{
    if (d->n == 0 || d->heap[0].at_us > now_us)
        return false;
    *out = d->heap[0];
    d->heap[0] = d->heap[--d->n];
    if (d->n > 0)
        sink(d->heap, d->n);
    return true;
}
