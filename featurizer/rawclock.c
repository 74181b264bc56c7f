/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/rawclock.h"

#include <stdlib.h>
#include <string.h>

void rawclock_fini(struct rawclock *c)
{
    free(c->heard_us);
    *c = (struct rawclock){0};
}

void rawclock_told(struct rawclock *c, uint64_t n)
{
    CHECK(n <= RAW_PARTITIONS_MOST);
    if (n <= c->n)
        return;
    if (n > c->cap) {
        c->heard_us = mem_grow(c->heard_us, n * sizeof *c->heard_us);
        c->cap = (uint32_t)n;
    }
    memset(c->heard_us + c->n, 0, (n - c->n) * sizeof *c->heard_us);
    c->n_silent += (uint32_t)n - c->n;
    c->n = (uint32_t)n;
}

static void find_slowest(struct rawclock *c)
{
    c->slowest = 0;
    for (uint32_t i = 1; i < c->n; i++)
        if (c->heard_us[i] < c->heard_us[c->slowest])
            c->slowest = i;
}

void rawclock_hear(struct rawclock *c, uint64_t r, int64_t append_us)
{
    rawclock_told(c, r + 1);
    int64_t before_us = c->heard_us[r];
    c->heard_us[r] = append_us;
    if ((before_us == 0) != (append_us == 0))
        c->n_silent += append_us == 0 ? 1u : -1u;
    if (c->n_silent > 0)
        return;
    bool is_least = append_us <= c->heard_us[c->slowest];
    if (before_us == 0 || c->slowest == r)
        find_slowest(c);
    else if (is_least)
        c->slowest = (uint32_t)r;
    if (rawclock_us(c) > c->most_us)
        c->most_us = rawclock_us(c);
}

int64_t rawclock_us(const struct rawclock *c)
{
    return c->n == 0 || c->n_silent > 0 ? 0 : c->heard_us[c->slowest];
}
