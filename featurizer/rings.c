/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/rings.h"

#include "featurizer/cells.h"
#include "featurizer/codes.h"
#include "featurizer/profile.h"

#include <string.h>

void ring_clear(uint16_t *cells, uint32_t n, uint64_t head, uint64_t to)
{
    if (to - head >= n) {
        memset(cells, 0, n * sizeof *cells);
        return;
    }
    for (uint64_t bucket = head + 1; bucket <= to; bucket++)
        cells[bucket % n] = 0;
}

void ring_add(uint16_t *cells, uint32_t n, uint64_t head, uint64_t bucket)
{
    if (head - bucket < n)
        cell_add(&cells[bucket % n]);
}

uint32_t ring_sum(const uint16_t *cells, uint32_t n, uint64_t head, uint64_t bucket)
{
    if (bucket == head)
        return cells_sum(cells, 0, n);
    /* the newest bucket that both have; `apart` of the n before it stand in one of them only */
    uint64_t newest = MIN(bucket, head), apart = MAX(bucket, head) - newest;
    uint64_t left = apart < n ? n - apart : 0;
    uint32_t sum = 0, cell = (uint32_t)(newest % n);
    for (; left > 0; left--) {
        sum += cells[cell];
        cell = (cell > 0 ? cell : n) - 1;
    }
    return sum;
}

/* Moves a head on; true when it moved. */
static bool move(uint64_t *head, uint64_t to, uint64_t *from)
{
    *from = *head;
    *head = MAX(*head, to);
    return *head != *from;
}

#define CLEAR(cells, from, to) ring_clear(cells, ARRAY_LEN(cells), from, to)
static void move_heads(struct profile *p, uint64_t to_30s, uint64_t to_5m, uint64_t to_1h)
{
    uint64_t from;
    if (!move(&p->bucket_30s, to_30s, &from))
        return; /* its buckets divide those of the others */
    CLEAR(p->events_30s, from, to_30s);
    if (move(&p->bucket_5m, to_5m, &from)) {
        CLEAR(p->events_5m, from, to_5m);
        CLEAR(p->views_5m, from, to_5m);
    }
    if (move(&p->bucket_1h, to_1h, &from)) {
        CLEAR(p->events_1h, from, to_1h);
        CLEAR(p->views_1h, from, to_1h);
        CLEAR(p->carts_1h, from, to_1h);
    }
}
#undef CLEAR

#define ADD(cells, head, bucket) ring_add(cells, ARRAY_LEN(cells), head, bucket)
void rings_count(struct profile *p, uint8_t type, int64_t at_us)
{
    uint64_t of_30s = ring_bucket(at_us, BUCKET_30S_US);
    uint64_t of_5m = ring_bucket(at_us, BUCKET_5M_US);
    uint64_t of_1h = ring_bucket(at_us, BUCKET_1H_US);
    move_heads(p, of_30s, of_5m, of_1h);
    ADD(p->events_30s, p->bucket_30s, of_30s);
    ADD(p->events_5m, p->bucket_5m, of_5m);
    ADD(p->events_1h, p->bucket_1h, of_1h);
    if (type == EVENT_TYPE_product_view) {
        ADD(p->views_5m, p->bucket_5m, of_5m);
        ADD(p->views_1h, p->bucket_1h, of_1h);
    } else if (type == EVENT_TYPE_add_to_cart) {
        ADD(p->carts_1h, p->bucket_1h, of_1h);
    }
}
#undef ADD
