/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/split.h"

#include "common/base/err.h"

#include <stdlib.h>

struct key {
    int64_t order;
    uint64_t group, seq;
    size_t row;
};

static int by_time(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static int by_group(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    return (x->group > y->group) - (x->group < y->group);
}

static bool groups_are_whole(struct key *keys, size_t n, struct err *e)
{
    qsort(keys, n, sizeof *keys, by_group);
    for (size_t i = 1; i < n; i++)
        if (keys[i].group == keys[i - 1].group && keys[i].order != keys[i - 1].order)
            return err_set(e, 0, "rows %zu and %zu are of one group but differ in order",
                           keys[i - 1].row, keys[i].row);
    return true;
}

/* The first group that begins at or behind `place`. */
static size_t group_start(const struct key *keys, size_t n, size_t place)
{
    while (place > 0 && place < n && keys[place].group == keys[place - 1].group)
        place++;
    return place;
}

bool split_init(struct split *s, const int64_t *order, const uint64_t *group,
                const uint64_t *seq, size_t n, struct err *e)
{
    auto_free struct key *keys = mem_new(n * sizeof *keys + 1);
    for (size_t i = 0; i < n; i++)
        keys[i] = (struct key){order[i], group[i], seq[i], i};
    if (!groups_are_whole(keys, n, e))
        return false;
    qsort(keys, n, sizeof *keys, by_time);
    s->rows = mem_new(n * sizeof *s->rows + 1);
    for (size_t i = 0; i < n; i++)
        s->rows[i] = keys[i].row;
    s->starts[PART_TRAIN] = 0;
    s->starts[PART_VALID] = group_start(keys, n, n * 70 / 100);
    s->starts[PART_TEST] = group_start(keys, n, n * 85 / 100);
    s->starts[PARTS_N] = n;
    return true;
}

void split_fini(struct split *s)
{
    free(s->rows);
    *s = (struct split){0};
}
