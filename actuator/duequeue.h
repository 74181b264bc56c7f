/* SPDX-License-Identifier: Apache-2.0 */
/* duequeue - things with a time at which something is due, the earliest first, and among equals
 * the one that was put first: a binary heap of structs that lie in those of the caller. */
#ifndef AUSPEX_ACTUATOR_DUEQUEUE_H
#define AUSPEX_ACTUATOR_DUEQUEUE_H

#include "common/base/base.h"

struct due {
    int64_t at_us;
    uint64_t order;
    size_t place; /* 1 + index in the heap; 0 = in none */
};

struct duequeue {
    struct due **heap;
    size_t n, cap;
    uint64_t last_order;
};

void duequeue_fini(struct duequeue *q); /* {0} is a valid empty queue */
/* Moves it when it is in the queue already. */
void duequeue_put(struct duequeue *q, struct due *d, int64_t at_us);
/* Nothing when it is not in. */
void duequeue_drop(struct duequeue *q, struct due *d);
/* NULL when it is empty. */
struct due *duequeue_first(const struct duequeue *q);
/* Makes due at once all that `is_meant` says. */
void duequeue_hurry(struct duequeue *q, bool (*is_meant)(struct due *d, const void *to),
                    const void *to);

#endif
