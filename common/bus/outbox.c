/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/outbox.h"

#include <stdlib.h>

enum { CHUNK = 256 * 1024, SPARE = 4 };

/* Bytes are freed chunk by chunk: a chunk knows the number of the last output that lies in it.
 */
struct chunk {
    struct chunk *next;
    size_t used, cap;
    uint64_t last;
    char bytes[];
};

struct outbox {
    struct buf scratch;  /* the value being packed */
    struct output *ring; /* output number % cap */
    size_t cap;          /* a power of two */
    uint64_t first, next;
    size_t bytes;
    struct chunk *oldest, *newest, *spare;
    size_t n_spare;
};

struct outbox *outbox_new(void)
{
    struct outbox *o = mem_zero(1, sizeof *o);
    o->cap = 1024;
    o->ring = mem_new(o->cap * sizeof *o->ring);
    return o;
}

static void chunks_free(struct chunk *c)
{
    for (struct chunk *next; c; c = next) {
        next = c->next;
        free(c);
    }
}

void outbox_free(struct outbox *o)
{
    if (!o)
        return;
    chunks_free(o->oldest);
    chunks_free(o->spare);
    buf_fini(&o->scratch);
    free(o->ring);
    free(o);
}

struct buf *outbox_begin(struct outbox *o)
{
    buf_reset(&o->scratch);
    return &o->scratch;
}

static struct chunk *chunk_get(struct outbox *o, size_t len)
{
    struct chunk *c = o->spare;
    if (c && len <= c->cap) {
        o->spare = c->next;
        o->n_spare--;
    } else {
        size_t cap = MAX(len, (size_t)CHUNK);
        c = mem_new(sizeof *c + cap);
        c->cap = cap;
    }
    c->next = NULL;
    c->used = 0;
    return c;
}

static char *bytes_take(struct outbox *o, size_t len)
{
    if (!o->newest || o->newest->cap - o->newest->used < len) {
        struct chunk *c = chunk_get(o, len);
        if (o->newest)
            o->newest->next = c;
        else
            o->oldest = c;
        o->newest = c;
    }
    char *at = o->newest->bytes + o->newest->used;
    o->newest->used += len;
    o->newest->last = o->next;
    return at;
}

static struct str keep(char **at, struct str s)
{
    if (s.len == 0)
        return (struct str){NULL, 0};
    memcpy(*at, s.at, s.len);
    *at += s.len;
    return str_over(*at - s.len, s.len);
}

static void ring_grow(struct outbox *o)
{
    struct output *wider = mem_new(2 * o->cap * sizeof *wider);
    for (uint64_t i = o->first; i < o->next; i++)
        wider[i & (2 * o->cap - 1)] = o->ring[i & (o->cap - 1)];
    free(o->ring);
    o->ring = wider;
    o->cap *= 2;
}

void outbox_end(struct outbox *o, enum topic topic, uint32_t partition, struct str key)
{
    struct output out = {.topic = topic, .partition = partition, .key = key};
    outbox_end_as(o, &out);
}

void outbox_end_as(struct outbox *o, const struct output *out)
{
    struct str value = buf_as_str(&o->scratch);
    size_t len = out->key.len + value.len + out->ce_id.len + out->traceparent.len;
    if (o->next - o->first == o->cap)
        ring_grow(o);
    char *at = bytes_take(o, len);
    struct output *kept = &o->ring[o->next & (o->cap - 1)];
    *kept = *out;
    kept->is_acked = false;
    kept->key = keep(&at, out->key);
    kept->value = keep(&at, value);
    kept->ce_id = keep(&at, out->ce_id);
    kept->traceparent = keep(&at, out->traceparent);
    o->bytes += len;
    o->next++;
    buf_reset(&o->scratch);
}

uint64_t outbox_first(const struct outbox *o)
{
    return o->first;
}

uint64_t outbox_next(const struct outbox *o)
{
    return o->next;
}

const struct output *outbox_at(const struct outbox *o, uint64_t number)
{
    CHECK(number >= o->first && number < o->next);
    return &o->ring[number & (o->cap - 1)];
}

static void chunk_put_back(struct outbox *o, struct chunk *c)
{
    if (o->n_spare >= SPARE || c->cap > CHUNK) {
        free(c);
        return;
    }
    c->next = o->spare;
    o->spare = c;
    o->n_spare++;
}

void outbox_drop(struct outbox *o, uint64_t number)
{
    CHECK(number <= o->next);
    for (; o->first < number; o->first++) {
        const struct output *out = &o->ring[o->first & (o->cap - 1)];
        o->bytes -= out->key.len + out->value.len + out->ce_id.len + out->traceparent.len;
    }
    while (o->oldest && o->oldest->last < o->first) {
        struct chunk *c = o->oldest;
        o->oldest = c->next;
        if (!o->oldest)
            o->newest = NULL;
        chunk_put_back(o, c);
    }
}

void outbox_ack(struct outbox *o, uint64_t number)
{
    CHECK(number >= o->first && number < o->next);
    o->ring[number & (o->cap - 1)].is_acked = true;
    uint64_t below = o->first;
    while (below < o->next && o->ring[below & (o->cap - 1)].is_acked)
        below++;
    if (below > o->first)
        outbox_drop(o, below);
}

size_t outbox_bytes(const struct outbox *o)
{
    return o->bytes;
}
