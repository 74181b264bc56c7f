/* SPDX-License-Identifier: Apache-2.0 */
/* source - the training set of kind "conversion", point in time, from PostgreSQL.
 *
 * One row for each event with a vector, of sessions that ended: the vector as it was logged, or
 * as featurizer --backfill computed it anew, so nothing that came later is in it. Label:
 * whether a purchase, signup or subscription that counts stands behind the event, strictly, in
 * the log order of the same session. Order: the session's start. A late event is a row like any
 * other. */
#ifndef AUSPEX_SOURCE_H
#define AUSPEX_SOURCE_H

#include "common/base/buf.h"
#include "trainer/train.h"

struct db;

struct source_query {
    bool has_site; /* of one site only, else of all */
    uint64_t site_id;
    bool in_order;        /* rows by (start of the session, position), else in any order */
    const char *backfill; /* the name of one (release_is_name); NULL = what was logged */
};

struct source_row {
    const float *x; /* FEATURES_N; NaN for lines that the writer did not know */
    bool label;
    uint64_t site_id;
    struct str session_id;
    int64_t started_us;               /* first event time of the session */
    int64_t ts_us;                    /* event time */
    int64_t epoch, partition, offset; /* of the events record */
};

struct source_counts {
    uint64_t rows;    /* used */
    uint64_t unknown; /* vectors whose feature lines are not the first of ours: left out */
};

/* Calls `use` for each row; its slices are valid during the call. `use` may stop by returning
 * false with *e set. Reads in a transaction of its own. */
MUST_USE bool source_each(struct db *db, const struct source_query *q,
                          bool (*use)(void *to, const struct source_row *row, struct err *e),
                          void *to, struct source_counts *counts, struct err *e);

/* The rows as a training set; {0} is empty. */
struct source_set {
    struct buf x, labels, order, group, seq; /* columns of train_set */
    int64_t from_us, to_us;
    size_t n;
};
void source_add(struct source_set *s, const struct source_row *row);
struct train_set source_train_set(const struct source_set *s); /* points into s */
void source_fini(struct source_set *s);

#endif
