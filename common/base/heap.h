/* SPDX-License-Identifier: Apache-2.0 */
/* heap - the two steps of a binary heap, the least first, over an array of any items. Include
 * it with HEAP_ITEM, the type of an item, and HEAP_BEFORE(a, b), whether *a comes before *b;
 * and, where an item must know its place, HEAP_SET(heap, i, item), which puts it there. It
 * takes these away again. */
#ifndef HEAP_ITEM
#error "HEAP_ITEM and HEAP_BEFORE are to be set"
#endif
#ifndef HEAP_SET
#define HEAP_SET(heap, i, item) ((heap)[i] = (item))
#endif

/* The item at i goes up to where it belongs. */
static void heap_rise(HEAP_ITEM *heap, size_t i)
{
    HEAP_ITEM x = heap[i];
    for (; i > 0 && HEAP_BEFORE(&x, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        HEAP_SET(heap, i, heap[(i - 1) / 2]);
    HEAP_SET(heap, i, x);
}

/* The item at i, of n, goes down to where it belongs. */
static void heap_sink(HEAP_ITEM *heap, size_t n, size_t i)
{
    HEAP_ITEM x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && HEAP_BEFORE(&heap[child + 1], &heap[child]))
            child++;
        if (!HEAP_BEFORE(&heap[child], &x))
            break;
        HEAP_SET(heap, i, heap[child]);
    }
    HEAP_SET(heap, i, x);
}

#undef HEAP_ITEM
#undef HEAP_BEFORE
#undef HEAP_SET
