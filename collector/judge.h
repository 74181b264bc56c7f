/* SPDX-License-Identifier: Apache-2.0 */
/* judge - the one check of an event as sent. The collector judges records of raw by it, and its
 * HTTP edge what is to become one: so what the edge accepts, the collector does not refuse. */
#ifndef AUSPEX_JUDGE_H
#define AUSPEX_JUDGE_H

#include "collector/batch.h"
#include "collector/draft.h"

struct event_json;
struct event_msgpack;

struct judge {
    struct draft *draft; /* the event that was read last */
    struct event_json *json;
    struct event_msgpack *msgpack;
    struct batch batch;
    struct buf texts; /* of the envelope */
};

void judge_init(struct judge *j);
void judge_fini(struct judge *j);

/* Reads one event into the draft and tells faults of form; draft_finish tells those of content.
 */
enum reason judge_event(struct judge *j, bool is_msgpack, struct str bytes);
/* Reads what is around j->batch and sets of the arrival what it says, valid until the next
 * envelope. Tells all its faults. */
enum reason judge_envelope(struct judge *j, bool is_msgpack, struct arrival *a);

#endif
