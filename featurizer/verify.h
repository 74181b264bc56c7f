/* SPDX-License-Identifier: Apache-2.0 */
/* verify - computes the features of logged events anew, with the core itself, and compares them
 * with the logged vectors: any difference is skew.
 *
 * First all events of a partition from the beginning of its log, then its features records,
 * each in order of its log. Repeats by position are passed over in both. Keeps 16 bytes an
 * event. */
#ifndef AUSPEX_VERIFY_H
#define AUSPEX_VERIFY_H

#include "featurizer/featurizer.h"

struct verify_counts {
    uint64_t events;     /* records that should have led to a vector */
    uint64_t vectors;    /* logged ones compared */
    uint64_t mismatched; /* whose bytes differ, or that no event led to */
    uint64_t ahead;      /* of events behind the last one given: not looked at */
    uint64_t missing; /* events whose vector stands before a later one's, but not in the log */
};

struct verify;

MUST_USE struct verify *verify_new(const struct featurizer_options *o);
void verify_free(struct verify *v);
/* A record of events: m->partition, offset, value and append_us count. */
void verify_event(struct verify *v, const struct stage_message *m);
/* A record of features in the partition of the same number. */
void verify_vector(struct verify *v, uint32_t partition, struct str value);
struct verify_counts verify_result(const struct verify *v);

/* The whole at once: n events, then m vectors, in the order of their logs. */
struct verify_counts featurizer_verify(const struct featurizer_options *o,
                                       const struct stage_message *events, size_t n,
                                       const struct stage_message *vectors, size_t m);

#endif
