/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/queue.h"

#include "common/base/hash.h"

#include <stdlib.h>

enum { BUCKETS = 1 << 14 };

struct customer {
    char visitor[EVENT_ID_SIZE];
    struct parcel *first, **end; /* waiting; `end` is where the next is linked */
    bool is_out;
    struct customer *later; /* in the line of those that are not out */
    struct customer *other; /* in the same bucket */
};

struct queue {
    struct customer *buckets[BUCKETS];
    struct customer *first, **end; /* the line */
    size_t n;
};

struct queue *queue_new(void)
{
    struct queue *q = mem_zero(1, sizeof(*q));
    q->end = &q->first;
    return q;
}

/* Where the customer is linked, or would be. */
static struct customer **place_of(struct queue *q, const char *visitor)
{
    struct customer **at = &q->buckets[hash64_str(str_of(visitor)) % BUCKETS];
    while (*at && !str_is(str_of((*at)->visitor), visitor))
        at = &(*at)->other;
    return at;
}

static void line_up(struct queue *q, struct customer *c)
{
    c->later = NULL;
    *q->end = c;
    q->end = &c->later;
}

void queue_put(struct queue *q, struct parcel *p)
{
    struct customer **at = place_of(q, p->visitor);
    struct customer *c = *at;
    if (!c) {
        *at = c = mem_zero(1, sizeof(*c));
        memcpy(c->visitor, p->visitor, EVENT_ID_SIZE);
        c->end = &c->first;
        line_up(q, c);
    }
    p->next = NULL;
    *c->end = p;
    c->end = &p->next;
    q->n++;
}

struct customer *queue_take(struct queue *q, size_t max, struct parcel **list)
{
    struct customer *c = q->first;
    CHECK(max > 0);
    if (!c)
        return NULL;
    q->first = c->later;
    if (!q->first)
        q->end = &q->first;
    *list = c->first;
    struct parcel **cut = &c->first;
    for (size_t i = 0; i < max && *cut; i++, q->n--)
        cut = &(*cut)->next;
    c->first = *cut;
    *cut = NULL;
    if (!c->first)
        c->end = &c->first;
    c->is_out = true;
    return c;
}

void queue_back(struct queue *q, struct customer *c)
{
    CHECK(c->is_out);
    c->is_out = false;
    if (c->first) {
        line_up(q, c);
        return;
    }
    struct customer **at = place_of(q, c->visitor);
    *at = c->other;
    free(c);
}

size_t queue_n(const struct queue *q)
{
    return q->n;
}

void queue_free(struct queue *q)
{
    struct parcel *list;
    for (struct customer *c; q && (c = queue_take(q, SIZE_MAX, &list)) != NULL;) {
        for (struct parcel *p; (p = list) != NULL;) {
            list = p->next;
            free(p);
        }
        queue_back(q, c);
    }
    free(q);
}
