/* SPDX-License-Identifier: Apache-2.0 */
/* effect - whether a policy made a difference: visitors who were treated against those held
 * out.
 *
 * The unit is the visitor, since whole visitors are held out: each counts once, by its first
 * intervention. Later ones are no independent trials, and which visitors have them may itself
 * be an effect of the first. */
#ifndef AUSPEX_CTL_EFFECT_H
#define AUSPEX_CTL_EFFECT_H

#include "common/base/buf.h"
#include "common/kern/proportion.h"

struct arm {
    uint64_t met;       /* visitors by their first intervention */
    uint64_t known;     /* of these, whose window is over, with an outcome */
    uint64_t converted; /* of these */
    double value;       /* sum of what they spent, and of its squares */
    double value_squares;
    double chance;   /* sum over `met` of each one's chance to be held out */
    double variance; /* the same of chance (1 - chance) */
};

struct effect {
    struct estimate rate;  /* of conversion, treated less held out: proportion.h */
    struct estimate value; /* a visitor, the same; normal interval with unequal variances */
    double held_share;     /* of visitors, and what was due by their chances */
    double held_due;
    double
        ratio_z; /* standard deviations between the two; NaN where nothing was left to chance */
};

/* Beyond so many standard deviations, one in 2,000, the arms are not what the policy says. */
#define EFFECT_RATIO_Z 3.48

void effect_judge(struct effect *out, const struct arm *treated, const struct arm *held);
double arm_rate(const struct arm *a);  /* NaN when nothing is known */
double arm_value(const struct arm *a); /* a visitor; the same */
/* Appends a sentence: whether there is a difference. */
void effect_sentence(struct buf *out, const struct effect *effect, const struct arm *treated,
                     const struct arm *held);
/* Appends another: whether as many are held out as should be, so that it can be trusted. */
void effect_ratio_sentence(struct buf *out, const struct effect *effect,
                           const struct arm *treated, const struct arm *held);

#endif
