/* SPDX-License-Identifier: Apache-2.0 */
/* parcel - an intervention on its way to a webhook, as an entry of a partition's state, and the
 * delivery records that wait for the next checkpoint. Internal to deliver. */
#ifndef AUSPEX_ACTUATOR_PARCEL_H
#define AUSPEX_ACTUATOR_PARCEL_H

#include "actuator/duequeue.h"
#include "actuator/ring.h"
#include "common/bus/entries.h"
#include "common/wire/record.h"

enum { PARCEL_RECORD = 1 << SLAB_MOST }; /* bytes of a packed intervention at most */

enum parcel_state {
    PARCEL_ASIDE,   /* of a checkpoint, not taken up yet */
    PARCEL_HELD,    /* on the ring of those whose record is not acknowledged */
    PARCEL_WAITING, /* in the queue, until it is due */
    PARCEL_READY,   /* on the ring of its lane; in the queue with its end */
    PARCEL_FLYING,  /* an attempt is under way */
};

struct parcel {
    struct entry entry;
    /* of the checkpoint */
    uint8_t *record; /* the packed intervention, in the slab */
    uint32_t len;
    uint64_t attempts;
    int64_t next_us;
    /* not of it */
    uint32_t partition;
    enum parcel_state state;
    uint64_t number; /* of its record in the outbox */
    int64_t expires_us;
    struct lane *lane;
    struct flight *flight;
    struct ring link;
    struct due due;
};

extern const struct entries_type parcel_type;

/* The key of an intervention's entry, in `key`, which is reset. */
struct str parcel_key(struct buf *key, struct str intervention_id);
bool parcel_owns(struct str key);
/* The record goes into the entry, which must be new. */
void parcel_keep(struct entries *s, struct parcel *p, struct str record);
void parcel_intervention(const struct parcel *p, struct intervention *i);

/* Delivery records, each with its key, one behind the other. */
void results_add(struct buf *results, const struct delivery *r);
/* Gives those from byte *at on to a partition of deliveries, until the time is up; true when
 * none is left. */
bool results_give(const struct buf *results, size_t *at, struct outbox *state,
                  uint32_t partition, int64_t until_mono_us);

#endif
