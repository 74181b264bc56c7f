/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/delays.h"

#include <math.h>

#define WIDTH 1.02

void delays_add(struct delays *d, int64_t us)
{
    double above = us > 1 ? ceil(log((double)us) / log(WIDTH)) : 0;
    d->n[(size_t)fmin(above, DELAYS_BUCKETS - 1)]++;
    d->total++;
    d->most_us = MAX(d->most_us, us);
}

int64_t delays_quantile_us(const struct delays *d, double q)
{
    double want = q * (double)d->total, seen = 0;
    for (unsigned i = 0; i < DELAYS_BUCKETS; i++) {
        seen += (double)d->n[i];
        if (d->n[i] > 0 && seen >= want)
            return MIN((int64_t)floor(pow(WIDTH, i)), d->most_us);
    }
    return d->most_us;
}
