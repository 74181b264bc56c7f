/* SPDX-License-Identifier: Apache-2.0 */
/* batch - divides a raw record {"batch": [...], ...}, or GA4's {"events": [...], ...}, into its
 * events by structure alone, so that whatever is wrong with one of them is wrong with that one
 * only. */
#ifndef AUSPEX_BATCH_H
#define AUSPEX_BATCH_H

#include "common/base/buf.h"
#include "common/wire/record.h"

enum batch_found {
    BATCH_NONE, /* none, or its ends are not to be found */
    BATCH_FOUND,
    BATCH_TOO_MANY, /* more than EVENTS_PER_RECORD */
};

struct batch {
    struct str events[EVENTS_PER_RECORD]; /* each as sent; slices of the record */
    size_t n;
    struct buf envelope; /* the record with an empty batch */
};

void batch_fini(struct batch *b); /* {0} is a valid empty one */
/* Looks for the first member "batch" or "events" of the record's top object. Nothing is said
 * about whether the events, or the envelope, are well-formed. */
/* Whether it begins with the member "batch" and an array. */
bool batch_is_first(struct str text);
enum batch_found batch_json(struct batch *b, struct str text);
enum batch_found batch_msgpack(struct batch *b, struct str bytes);

#endif
