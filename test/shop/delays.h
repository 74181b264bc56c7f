/* SPDX-License-Identifier: Apache-2.0 */
/* delays - how long things took: quantiles out of buckets that each are 2 % wide. */
#ifndef AUSPEX_SHOP_DELAYS_H
#define AUSPEX_SHOP_DELAYS_H

#include "common/base/base.h"

enum { DELAYS_BUCKETS = 1400 }; /* from 1 microsecond to 12 days */

struct delays {
    uint64_t n[DELAYS_BUCKETS], total;
    int64_t most_us;
};

/* Below 1 microsecond counts as that. */
void delays_add(struct delays *d, int64_t us);
/* What a share `q` of them, 0..1, did not exceed, at most 2 % too much; 0 when there are none.
 */
int64_t delays_quantile_us(const struct delays *d, double q);

#endif
