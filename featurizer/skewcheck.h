/* SPDX-License-Identifier: Apache-2.0 */
/* skewcheck - a sample of archived vectors computed anew from archived events: any difference
 * is skew.
 *
 * The sample is drawn by pages of table features; of the visitors found there all vectors of
 * the period are compared, bit for bit, each computed from the visitor's whole archived
 * history. The options must be those that the stage ran with. Reads only: temporary tables
 * aside, in one transaction.
 *
 * Compared are as many lines as the oldest of the visitor's vectors up to there has: what newer
 * lines count began, for that visitor, with the program that knew them. A visitor whose history
 * began before the archive does, by the number of events that the first of its vectors tells,
 * is left out while more events are told than were found.
 *
 * How far an import is, is known by the sampled visitors' own events. One who was silent within
 * it for longer than the day after which an import counts as ended (session.h) is unsure from
 * there on, and left out: the import itself may have gone on. */
#ifndef AUSPEX_SKEWCHECK_H
#define AUSPEX_SKEWCHECK_H

#include "featurizer/featurizer.h"

struct skew_options {
    const char *dsn;
    struct featurizer_options core;
    double percent;   /* of the vectors' pages, above 0, at most 100 */
    int64_t since_us; /* vectors received after that are compared */
    int64_t now_us;
};

struct skew_counts {
    uint64_t checked;    /* vectors compared */
    uint64_t mismatched; /* of these, those that differ; and those that no event leads to */
    uint64_t older;      /* not compared: the history began before the archive */
    uint64_t other;      /* not compared: written by a program of other feature lines */
    uint64_t unsure;     /* not compared: an import may have ended before, or not */
    uint64_t missing;    /* events that lead to a vector where none is archived */
    uint64_t events;     /* read for it */
};

/* One vector that differs. */
struct skew_difference {
    uint64_t partition, offset;  /* of the record of events, epoch 1 */
    const char *what;            /* the first feature that differs, or another word */
    double archived, recomputed; /* of a feature; else NaN */
    uint64_t others;             /* further features that differ */
};

MUST_USE bool skew_round(const struct skew_options *o,
                         void (*tell)(void *to, const struct skew_difference *d), void *to,
                         struct skew_counts *counts, struct err *e);

#endif
