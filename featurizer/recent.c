/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/recent.h"

#include <string.h>

static uint64_t *bodies(const struct recent *r)
{
    return r->ids + r->cap;
}

static uint64_t *times(const struct recent *r)
{
    return r->ids + 2 * (size_t)r->cap;
}

static uint32_t place(const struct recent *r, uint32_t i)
{
    return (r->first + i) & (r->cap - 1);
}

struct recent_entry recent_at(const struct recent *r, uint32_t i)
{
    CHECK(i < r->n);
    uint32_t at = place(r, i);
    return (struct recent_entry){r->ids[at], bodies(r)[at], (int64_t)times(r)[at]};
}

enum verdict recent_judge(const struct recent *r, uint64_t id, uint64_t body,
                          int64_t received_us)
{
    for (uint32_t i = r->n; i-- > 0;) {
        uint32_t at = place(r, i);
        if (r->ids[at] == id && received_us - (int64_t)times(r)[at] < RECENT_US)
            return bodies(r)[at] == body ? VERDICT_REPEAT : VERDICT_CONFLICT;
    }
    return VERDICT_COUNTS;
}

static void grow(struct slab *s, struct recent *r)
{
    struct recent wider = {.n = r->n, .cap = r->cap ? 4 * r->cap : 4};
    wider.ids = slab_take(s, (size_t)wider.cap * 3 * sizeof *wider.ids);
    for (uint32_t i = 0; i < r->n; i++) {
        struct recent_entry e = recent_at(r, i);
        wider.ids[i] = e.id;
        bodies(&wider)[i] = e.body;
        times(&wider)[i] = (uint64_t)e.received_us;
    }
    slab_give(s, r->ids, (size_t)r->cap * 3 * sizeof *r->ids);
    *r = wider;
}

void recent_add(struct slab *s, struct recent *r, uint64_t id, uint64_t body,
                int64_t received_us)
{
    if (r->n == r->cap && r->n < RECENT_MOST)
        grow(s, r);
    if (r->n == RECENT_MOST) {
        r->first = (r->first + 1) & (r->cap - 1);
        r->n--;
    }
    uint32_t at = place(r, r->n++);
    r->ids[at] = id;
    bodies(r)[at] = body;
    times(r)[at] = (uint64_t)received_us;
}
