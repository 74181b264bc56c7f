/* SPDX-License-Identifier: Apache-2.0 */
/* boost - boosted trees trained by XGBoost's C API: hist, binary:logistic, one thread, seeded,
 * early stopping. Equal input and options give equal trees, bit for bit. */
#ifndef AUSPEX_BOOST_H
#define AUSPEX_BOOST_H

#include "common/base/buf.h"

struct err;

/* Dense rows, one behind the other; NaN = missing, everything else finite. */
struct rows {
    const float *x;        /* n * n_features */
    const uint8_t *labels; /* 0 or 1 */
    size_t n;
    uint32_t n_features;
};

struct boost_options {
    uint64_t seed;
    uint32_t rounds;      /* at most so many trees */
    uint32_t patience;    /* rounds without a better logloss on the validation rows: stop */
    uint32_t depth;       /* 1..8 */
    uint32_t min_child;   /* least sum of p (1 - p) in a leaf */
    double eta;           /* learning rate */
    double row_share;     /* drawn for each tree */
    double feature_share; /* drawn for each tree */
};
extern const struct boost_options boost_defaults;

/* Called after each round, for progress; may be NULL. */
typedef void boost_progress(void *to, uint32_t round, double logloss);

struct booster; /* trained, cut to its best round */

/* NULL on failure. `valid` decides how many rounds are kept and is not trained on. The trees
 * start from the share of positives in `train`, which must have both classes. */
MUST_USE struct booster *boost_train(const struct rows *train, const struct rows *valid,
                                     const struct boost_options *o, boost_progress *progress,
                                     void *to, struct err *e);
void booster_free(struct booster *b);             /* NULL is fine */
uint32_t booster_rounds(const struct booster *b); /* kept: as many as there are trees */
/* Appends XGBoost's JSON model. */
MUST_USE bool booster_json(const struct booster *b, struct buf *out, struct err *e);
/* XGBoost's own margins, predicted in place. */
MUST_USE bool booster_margins(const struct booster *b, const float *x, size_t n,
                              uint32_t n_features, float *margins, struct err *e);

#endif
