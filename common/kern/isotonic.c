/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kern/isotonic.h"

#include "common/base/err.h"

#include <math.h>

bool isotonic_check(const struct isotonic *c, struct err *e)
{
    if (c->n == 0 || c->n > ISOTONIC_MAX)
        return err_set(e, 0, "%u knots, but 1 to %d are possible", c->n, ISOTONIC_MAX);
    for (uint32_t i = 0; i < c->n; i++) {
        if (!isfinite(c->x[i]) || (i > 0 && !(c->x[i] > c->x[i - 1])))
            return err_set(e, 0, "knot %u: margins do not rise", i);
        if (i > 0 && !(c->value[i] >= c->value[i - 1]))
            return err_set(e, 0, "knot %u: probabilities fall", i);
        bool is_ordered = c->lower[i] >= 0 && c->lower[i] <= c->value[i] &&
                          c->value[i] <= c->upper[i] && c->upper[i] <= 1;
        if (!is_ordered)
            return err_set(e, 0, "knot %u: not 0 <= lower <= probability <= upper <= 1", i);
    }
    return true;
}

static struct calibrated knot(const struct isotonic *c, uint32_t i)
{
    return (struct calibrated){c->value[i], c->lower[i], c->upper[i]};
}

/* Within [a, b] also after rounding, as a + w (b - a) with w in [0, 1] may end an ulp outside.
 */
static float between(float a, float b, double w)
{
    double y = (double)a + w * ((double)b - (double)a);
    return (float)fmin(fmax(y, (double)fminf(a, b)), (double)fmaxf(a, b));
}

struct calibrated isotonic_at(const struct isotonic *c, float x)
{
    if (x <= c->x[0])
        return knot(c, 0);
    if (x >= c->x[c->n - 1])
        return knot(c, c->n - 1);
    uint32_t low = 0, high = c->n - 1; /* x[low] < x < x[high] or equal to x[low] */
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (c->x[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    double x0 = (double)c->x[low], w = ((double)x - x0) / ((double)c->x[high] - x0);
    struct calibrated y = {between(c->value[low], c->value[high], w),
                           between(c->lower[low], c->lower[high], w),
                           between(c->upper[low], c->upper[high], w)};
    y.lower = fminf(y.lower, y.p);
    y.upper = fmaxf(y.upper, y.p);
    return y;
}
