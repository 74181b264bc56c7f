/* SPDX-License-Identifier: Apache-2.0 */
/* pace - how far a replay may run ahead of collector and featurizer: about a second of their
 * work, so that live events do not wait behind it. */
#ifndef AUSPEX_CTL_PACE_H
#define AUSPEX_CTL_PACE_H

#include "ctl/standing.h"

struct config;

struct pace {
    struct reader *collector, *featurizer;
    struct standing imports, events;
    double checkpoint_s; /* how old what featurizer's group tells may be */
    double rate;         /* records/s that featurizer gets through */
    uint64_t window;     /* lines that may be ahead */
    uint64_t ahead;      /* lines sent and not yet behind, when it was asked last */
    int64_t asked_us;
    int64_t alive_us;   /* when either program moved last */
    int64_t moved_us;   /* when featurizer did, as rate counts it */
    uint64_t moved_sum; /* of featurizer's offsets, then */
    uint64_t collector_sum;
};

MUST_USE bool pace_open(struct pace *p, const struct config *c, struct err *e);
void pace_close(struct pace *p);
/* Asks anew, at most every 100 ms; a question that gets no answer leaves all as it was. */
void pace_ask(struct pace *p, int64_t now_us);
/* Whether collector has used offset `end` - 1 of imports, and featurizer all that it led to. */
MUST_USE bool pace_is_through(struct pace *p, int64_t end, int64_t **events_end);

#endif
