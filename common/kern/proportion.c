/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kern/proportion.h"

#include <math.h>

struct estimate proportion_share(struct share s, double z)
{
    if (s.n == 0)
        return (struct estimate){(double)NAN, 0, 1};
    double n = (double)s.n, p = (double)s.hits / n, zz = z * z;
    double middle = (2 * n * p + zz) / (2 * (n + zz));
    double half = z * sqrt(zz + 4 * n * p * (1 - p)) / (2 * (n + zz));
    /* at 0 and at n one bound is exact, which rounding would miss by an ulp */
    return (struct estimate){p, s.hits == 0 ? 0 : fmax(0, middle - half),
                             s.hits == s.n ? 1 : fmin(1, middle + half)};
}

struct estimate proportion_difference(struct share a, struct share b, double z)
{
    if (a.n == 0 || b.n == 0)
        return (struct estimate){(double)NAN, -1, 1};
    struct estimate x = proportion_share(a, z), y = proportion_share(b, z);
    double d = x.value - y.value;
    return (struct estimate){d, fmax(-1, d - hypot(x.value - x.lower, y.upper - y.value)),
                             fmin(1, d + hypot(x.upper - x.value, y.value - y.lower))};
}
