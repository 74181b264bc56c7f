/* SPDX-License-Identifier: Apache-2.0 */
/* proportion - shares of a whole, and how sure one may be of them and of their difference.
 *
 * Wilson's score interval (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927, 209-212), and for a
 * difference of two independent shares Newcombe's hybrid of two of these (R. G. Newcombe,
 * Statistics in Medicine 17, 1998, 873-890, method 10):
 *   lower = d - sqrt((p1 - l1)^2 + (u2 - p2)^2)
 *   upper = d + sqrt((u1 - p1)^2 + (p2 - l2)^2),  d = p1 - p2
 * Both stay within their bounds, hold for few trials and for shares of 0 and 1, and need no
 * iteration. */
#ifndef AUSPEX_PROPORTION_H
#define AUSPEX_PROPORTION_H

#include "common/base/base.h"

#define PROPORTION_Z95 1.959963984540054 /* 97.5 % quantile of the normal distribution */

struct share {
    uint64_t hits, n; /* hits <= n */
};

struct estimate {
    double value, lower, upper; /* NaN, and the widest bounds, where there is nothing to tell */
};

/* hits / n; without trials the bounds are 0 and 1. */
struct estimate proportion_share(struct share s, double z);
/* a - b; when either has no trials the bounds are -1 and 1. */
struct estimate proportion_difference(struct share a, struct share b, double z);

#endif
