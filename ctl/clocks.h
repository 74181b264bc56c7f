/* SPDX-License-Identifier: Apache-2.0 */
/* clocks - how far the clocks of the events partitions are behind now, seen from outside: from
 * the last records of each partition. */
#ifndef AUSPEX_CTL_CLOCKS_H
#define AUSPEX_CTL_CLOCKS_H

#include "common/base/base.h"

struct config;

struct clocks {
    bool is_known;
    double age_s; /* of the least clock */
    size_t n_partitions;
    char reason[160]; /* why it is not known */
};

/* A partition's clock is the least, over all raw partitions, of the received time of the
 * furthest record from each. */
void clocks_ask(struct clocks *k, const struct config *c);

#endif
