/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/sketch.h"

#include "common/base/exact.h"
#include "featurizer/profile.h"

#include <math.h>
#include <string.h>

enum { INDEX_BITS = 7 };

static void add(struct sketch *k, uint64_t hash)
{
    uint64_t rest = hash << INDEX_BITS;
    unsigned rank = rest == 0 ? SKETCH_RANK_MOST : 1 + (unsigned)__builtin_clzll(rest);
    uint8_t *held = &k->ranks[hash >> (64 - INDEX_BITS)];
    *held = (uint8_t)MAX(*held, MIN(rank, (unsigned)SKETCH_RANK_MOST));
}

void sketch_spill(struct slab *s, const struct set *set, struct sketch **sketch, uint64_t hash)
{
    if (!*sketch) {
        *sketch = slab_zero(s, sizeof **sketch);
        for (uint32_t i = 0; i < set->n; i++)
            add(*sketch, set->at[i]);
    }
    add(*sketch, hash);
}

/* 2^-rank, by its bits: ldexp takes six times as long. */
static double share_of(unsigned rank)
{
    enum { BIAS = 1023, MANTISSA = 52 };
    uint64_t bits = (uint64_t)(BIAS - rank) << MANTISSA;
    double share;
    memcpy(&share, &bits, sizeof share);
    return share;
}

/* Few enough registers are hit: linear counting tells better (the paper, section 4). */
static double estimate(const struct sketch *k)
{
    static const double ln2 = 0.6931471805599453;
    double m = SKETCH_REGISTERS, sum = 0;
    unsigned zeroes = 0;
    for (unsigned i = 0; i < SKETCH_REGISTERS; i++) {
        sum += share_of(k->ranks[i]);
        zeroes += k->ranks[i] == 0;
    }
    double n = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    return n <= 2.5 * m && zeroes > 0 ? m * ln2 * exact_log2(m / zeroes) : n;
}

double sketch_n(const struct set *set, const struct sketch *sketch)
{
    if (!sketch)
        return set->n;
    double n = floor(estimate(sketch) + 0.5);
    return n > SET_MOST + 1 ? n : SET_MOST + 1;
}

void sketch_fini(struct slab *s, struct sketch **sketch)
{
    slab_give(s, *sketch, sizeof **sketch);
    *sketch = NULL;
}
