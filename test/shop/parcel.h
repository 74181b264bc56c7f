/* SPDX-License-Identifier: Apache-2.0 */
/* parcel - an event on its way, and the way it goes: Kafka or HTTP. */
#ifndef AUSPEX_SHOP_PARCEL_H
#define AUSPEX_SHOP_PARCEL_H

#include "common/base/err.h"
#include "test/shop/event_json.h"

/* On the heap; free(). */
struct parcel {
    struct parcel *next; /* of whoever has it */
    char id[EVENT_ID_SIZE], visitor[EVENT_ID_SIZE];
    uint64_t body_hash; /* XXH3-64 of the body */
    int64_t due_us;     /* when it was to be sent, by the plan, by clock_wall_us */
    size_t len;
    char body[];
};

/* Copies all it is given. */
MUST_USE struct parcel *parcel_new(const char *id, const char *visitor, struct str body,
                                   int64_t due_us);

/* Where events go. Each parcel that `send` has taken is settled once, in the ledger that the
 * way was opened with, and freed. One visitor's parcels arrive in order. */
struct way {
    void *core;
    /* Never waits. False when the way is broken for good; the parcel is freed then. */
    bool (*send)(void *core, struct parcel *p, struct err *e);
    size_t (*waiting)(const void *core); /* parcels not settled */
    /* Moves on what is under way, and returns at once when something happened, else after
     * `at_most_ms`, which may be 0. */
    void (*wait)(void *core, int at_most_ms);
    void (*drop)(void *core); /* settles what is left, as failed */
    void (*close)(void *core);
};

#endif
