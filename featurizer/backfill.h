/* SPDX-License-Identifier: Apache-2.0 */
/* backfill - the features of a period computed anew from archived events, as a training set in
 * tables backfills, backfill_vectors and backfill_sessions.
 *
 * The period is one of event time: of features.ts, `from` on, before `to`. Whole histories are
 * computed, from the archive's beginning on: a visitor whose past is not archived counts as
 * new. Nothing that was received after `known` takes part, and a session has ended if silence
 * had ended it by then: what is left is what was known at that time. Vectors equal the archived
 * ones byte for byte; without the partition's clock, and of sessions that silence ended without
 * place and time of the record that showed it.
 *
 * Sessions are those that have an event within the period, late ones too. A conversion of
 * theirs behind it is a row without features, so that labels know of it. All is written in one
 * transaction. */
#ifndef AUSPEX_BACKFILL_H
#define AUSPEX_BACKFILL_H

#include "featurizer/featurizer.h"

struct backfill_options {
    const char *dsn, *name;
    int64_t from_us, to_us;      /* INT64_MIN, INT64_MAX = open */
    int64_t known_us, now_us;    /* now: when it is made, for table backfills alone */
    bool has_site, is_replacing; /* a backfill of that name gives way, else it is refused */
    uint64_t site_id;
    struct featurizer_options core;
    struct str core_json; /* the same for table backfills */
};

struct backfill_counts {
    uint64_t events;    /* computed */
    uint64_t vectors;   /* written; conversions behind the period not counted */
    uint64_t sessions;  /* written */
    uint32_t partition; /* being computed */
};

/* `show` is called now and then; may be NULL. */
MUST_USE bool backfill_run(const struct backfill_options *o,
                           void (*show)(void *to, const struct backfill_counts *counts),
                           void *to, struct backfill_counts *counts, struct err *e);

#endif
