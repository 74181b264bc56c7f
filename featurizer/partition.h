/* SPDX-License-Identifier: Apache-2.0 */
/* partition - featurizer's work on one partition of events, with all that it keeps for it: what
 * comes out depends on the partition's log alone.
 *
 * A record from raw moves the clock, which closes what is due, in order (deadline, visitor);
 * then the record itself is used. */
#ifndef AUSPEX_PARTITION_H
#define AUSPEX_PARTITION_H

#include "featurizer/deadlines.h"
#include "featurizer/emit.h"
#include "featurizer/rawclock.h"
#include "featurizer/signals.h"
#include "featurizer/site_rules.h"

#define VISITOR_KEPT_US (400 * DAY_US) /* unless told */
#define HALF_LIFE_US    (30 * DAY_US)

struct featurizer_options {
    int64_t idle_us;      /* silence that ends a session, > 0 */
    uint32_t tail;        /* tokens that a vector carries at most, at most TOKENS_MOST */
    int64_t keep_us;      /* silence after which a visitor counts as new; 0 = VISITOR_KEPT_US */
    int64_t half_life_us; /* of implicit ratings; 0 = HALF_LIFE_US */
    bool has_summaries, has_ratings; /* vectors carry them */
};

/* Totals over all partitions; only ever shown. */
struct featurizer_counts {
    uint64_t sessions, late, repeats, conflicts, unreadable, expired;
};

/* An import that is under way. */
struct import {
    uint64_t id, site_id;
    int64_t received_us; /* append time of its last record */
};

/* A record whose outputs pass in parts. */
struct unfinished {
    bool is_open;
    struct trigger trigger;
    struct buf value, traceparent;
    struct profile **ending; /* whom an import_end still closes, in order of their keys */
    size_t n_ending, next_ending, cap_ending;
    bool has_ending; /* `ending` has been gathered */
};

struct partition {
    uint32_t number;
    const struct featurizer_options *options;
    struct featurizer_counts *counts;
    struct entries visitors; /* of struct profile */
    struct deadlines deadlines;
    struct rawclock clock;
    struct import *imports;
    size_t n_imports, cap_imports;
    struct rulebook rules; /* what sites say */
    struct signals signals;
    struct buf ratings; /* of the vector that is being made */
    uint64_t control;   /* 1 + offset of the last control record; 0 = none */
    struct unfinished unfinished;
};

/* The options and the counts stay the caller's. */
void partition_init(struct partition *p, uint32_t number,
                    const struct featurizer_options *options, struct featurizer_counts *counts);
void partition_fini(struct partition *p);

/* STEP_DONE or STEP_MORE; then partition_more until STEP_DONE before the next record. */
enum stage_step partition_record(struct partition *p, const struct stage_message *m,
                                 struct outbox *out);
enum stage_step partition_more(struct partition *p, struct outbox *out);

/* The state that belongs to no visitor; not between STEP_MORE and STEP_DONE. */
void partition_pack_own(const struct partition *p, struct buf *own);
/* After all visitors were restored: `own` as packed, or empty when nothing was ever packed.
 * Open sessions that have longer tails than the options ask for lose the oldest of them; they
 * do not grow back what shorter ones lack. */
MUST_USE bool partition_restored(struct partition *p, struct str own, struct err *e);

#endif
