/* SPDX-License-Identifier: Apache-2.0 */
/* train - from a matrix with labels to a model container and a report; no database, no Kafka,
 * no clock. The same set and options give the same bytes.
 *
 * Rows are cut by time into training, validation and test part (split.h). The trees are trained
 * on the first; the second stops them, calibrates their margins (pav.h) and chooses the F1
 * threshold; the third is only measured. */
#ifndef AUSPEX_TRAIN_H
#define AUSPEX_TRAIN_H

#include "trainer/boost.h"
#include "trainer/metrics.h"
#include "trainer/split.h"

/* All borrowed. Rows may come in any order that is the same each time or not: it has no effect.
 */
struct train_set {
    const float *x; /* n * n_features, row-major; NaN = missing, everything else finite */
    const char *const *names; /* n_features */
    size_t n;
    uint32_t n_features;
    const uint8_t *labels;  /* n: 0 or 1 */
    const int64_t *order;   /* n: time of the row's group, any unit */
    const uint64_t *group;  /* n: e.g. the session; all its rows have one `order` */
    const uint64_t *seq;    /* n: orders the rows of a group, unique within it */
    int64_t from_us, to_us; /* first and last event time, for the container */
};

struct train_options {
    struct boost_options boost;
    const char *name, *kind;  /* [a-z0-9._-]+, 1 to 64 and 32 bytes */
    uint64_t features_hash;   /* over the feature lines that the columns are */
    boost_progress *progress; /* may be NULL */
    void *progress_to;
};

enum { TRAIN_ROWS_LEAST = 200, TRAIN_GOLDEN = 32 };

struct part_facts {
    uint64_t rows, groups, positives;
    int64_t order_from, order_to;
};

struct train_report {
    struct part_facts parts[PARTS_N];
    uint32_t n_features, n_trees, n_knots;
    struct boost_options boost;
    double auc, ap;                       /* of margins, test part */
    double brier, brier_base;             /* calibrated; and of always saying the base rate */
    double ece, logloss;                  /* calibrated, test part */
    struct confusion at_half, at_best_f1; /* calibrated, test part */
    float best_f1;                        /* threshold, from the validation part */
};

struct trained {
    struct buf container; /* proven by model_load */
    struct buf metrics;   /* the report as a JSON object: the container's section metrics */
    struct train_report report;
};

/* Fails, saying which, where there are fewer than TRAIN_ROWS_LEAST rows, a part has but one
 * class, a value is infinite, or our trees do not give XGBoost's margins bit for bit on the
 * whole test part. */
MUST_USE bool train_run(const struct train_set *set, const struct train_options *o,
                        struct trained *out, struct err *e);
void trained_fini(struct trained *t); /* {0} is fine */

/* Appends the report as lines for people, or as one JSON object. */
void report_text(const struct train_report *r, struct buf *out);
void report_json(const struct train_report *r, struct buf *out);

#endif
