/* SPDX-License-Identifier: Apache-2.0 */
/* rng - seeded randomness: the same numbers on every machine. Not for secrets. */
#ifndef AUSPEX_RNG_H
#define AUSPEX_RNG_H

#include "common/base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* SplitMix64 (Steele, Lea, Flood 2014); any seed is good. */
struct rng {
    uint64_t state;
};

static inline uint64_t rng_u64(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform in [0, n), n > 0; the bias of the high product is below 2^-32 for n < 2^32. */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)((rng_u64(r) >> 32) * n >> 32);
}

/* Uniform in [0, 1), 53 bits. */
static inline double rng_unit(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

/* A stream of its own for each (seed, purpose), so that a new purpose shifts no other. */
static inline struct rng rng_stream(uint64_t seed, uint64_t purpose)
{
    struct rng r = {seed ^ purpose * 0xd1342543de82ef95u};
    r.state = rng_u64(&r);
    return r;
}

#ifdef __cplusplus
}
#endif
#endif
