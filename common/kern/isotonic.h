/* SPDX-License-Identifier: Apache-2.0 */
/* isotonic - from a margin to a calibrated probability: a rising line through knots.
 *
 * Between two knots value and bounds are interpolated linearly in double and rounded to float
 * once; below the first and above the last knot they are constant. */
#ifndef AUSPEX_ISOTONIC_H
#define AUSPEX_ISOTONIC_H

#include "common/base/base.h"

struct err;

enum { ISOTONIC_MAX = 4096 };

/* Parallel arrays of n knots, owned by whoever made them. */
struct isotonic {
    uint32_t n;         /* 1..ISOTONIC_MAX */
    const float *x;     /* margins, finite, strictly rising */
    const float *value; /* probabilities, never falling */
    const float *lower; /* bounds: 0 <= lower <= value <= upper <= 1 */
    const float *upper;
};

struct calibrated {
    float p, lower, upper; /* 0 <= lower <= p <= upper <= 1 */
};

MUST_USE bool isotonic_check(const struct isotonic *c, struct err *e);
/* `c` passed isotonic_check; `x` is not NaN. */
struct calibrated isotonic_at(const struct isotonic *c, float x);

#endif
