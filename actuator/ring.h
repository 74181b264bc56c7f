/* SPDX-License-Identifier: Apache-2.0 */
/* ring - a doubly linked list within the structs it links: a link is on one ring or on none,
 * and takes itself out without knowing on which. A ring is a link too, its head. */
#ifndef AUSPEX_ACTUATOR_RING_H
#define AUSPEX_ACTUATOR_RING_H

#include "common/base/base.h"

struct ring {
    struct ring *prev, *next;
};

/* An empty ring; also a link that is on none. */
static inline void ring_init(struct ring *r)
{
    r->prev = r->next = r;
}

static inline bool ring_is_empty(const struct ring *r)
{
    return r->next == r;
}

/* At the end; the link must be on none. */
static inline void ring_add(struct ring *head, struct ring *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void ring_remove(struct ring *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    ring_init(link);
}

#endif
