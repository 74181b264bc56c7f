/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/recent.h"

#include <string.h>

/* Beside an id: what it takes to judge another event with it. Ids lie apart from them, because
 * each event looks through all ids and seldom further. */
struct mark {
    uint32_t body, received_s;
};

static struct mark *marks(const struct recent *r)
{
    return (struct mark *)(void *)(r->ids + r->cap);
}

static uint32_t place(const struct recent *r, uint32_t i)
{
    return (r->first + i) & (r->cap - 1);
}

struct recent_entry recent_entry_of(uint64_t id, uint64_t body, int64_t received_us)
{
    int64_t s = clock_floor(received_us, SECOND_US);
    s = s < 0 ? 0 : MIN(s, (int64_t)UINT32_MAX);
    return (struct recent_entry){id, (uint32_t)body, (uint32_t)s};
}

struct recent_entry recent_at(const struct recent *r, uint32_t i)
{
    CHECK(i < r->n);
    uint32_t at = place(r, i);
    struct mark m = marks(r)[at];
    return (struct recent_entry){r->ids[at], m.body, m.received_s};
}

static bool is_over(uint32_t received_s, const struct recent_entry *newer)
{
    return (int64_t)newer->received_s - received_s >= RECENT_S;
}

enum verdict recent_judge(const struct recent *r, const struct recent_entry *e)
{
    for (uint32_t i = r->n; i-- > 0;) {
        uint32_t at = place(r, i);
        if (r->ids[at] == e->id && !is_over(marks(r)[at].received_s, e))
            return marks(r)[at].body == e->body ? VERDICT_REPEAT : VERDICT_CONFLICT;
    }
    return VERDICT_COUNTS;
}

static void grow(struct slab *s, struct recent *r)
{
    struct recent wider = {.n = r->n, .cap = r->cap ? 2 * r->cap : 4};
    wider.ids = slab_take(s, (size_t)wider.cap * RECENT_ENTRY_BYTES);
    for (uint32_t i = 0; i < r->n; i++) {
        uint32_t at = place(r, i);
        wider.ids[i] = r->ids[at];
        marks(&wider)[i] = marks(r)[at];
    }
    recent_fini(s, r);
    *r = wider;
}

static void drop_oldest(struct recent *r)
{
    r->first = place(r, 1);
    r->n--;
}

void recent_append(struct slab *s, struct recent *r, const struct recent_entry *e)
{
    CHECK(r->n < RECENT_MOST);
    if (r->n == r->cap)
        grow(s, r);
    uint32_t at = place(r, r->n++);
    r->ids[at] = e->id;
    marks(r)[at] = (struct mark){e->body, e->received_s};
}

void recent_add(struct slab *s, struct recent *r, const struct recent_entry *e)
{
    while (r->n > 0 && is_over(marks(r)[r->first].received_s, e))
        drop_oldest(r);
    if (r->n == RECENT_MOST)
        drop_oldest(r);
    recent_append(s, r, e);
}

void recent_fini(struct slab *s, struct recent *r)
{
    slab_give(s, r->ids, (size_t)r->cap * RECENT_ENTRY_BYTES);
    *r = (struct recent){0};
}
