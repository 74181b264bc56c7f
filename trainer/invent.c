/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/invent.h"

#include "common/base/rng.h"

#include <math.h>
#include <stdlib.h>

/* Shape of the truth: an additive part, a threshold with another feature, and what missing
 * means. At least four features. */
static double truth_of(const float *x)
{
    double a = isnan(x[0]) ? 0.8 : 1.5 * (double)x[0];
    double b = isnan(x[1]) ? -0.5 : (x[1] > 0.5f && x[2] < 0.3f ? 2.0 : -0.6 * (double)x[1]);
    double c = isnan(x[3]) ? 0 : 1.2 * sin(3 * (double)x[3]);
    return 1 / (1 + exp(-(a + b + c - 3)));
}

void invent(struct invented *v, uint64_t seed, size_t n, uint32_t n_features)
{
    CHECK(n_features >= 4);
    struct rng rng = rng_stream(seed, 1);
    *v = (struct invented){
        .x = mem_new(n * n_features * sizeof *v->x),
        .truth = mem_new(n * sizeof *v->truth),
        .names = mem_new(n_features * sizeof *v->names),
        .labels = mem_new(n),
        .order = mem_new(n * sizeof *v->order),
        .group = mem_new(n * sizeof *v->group),
        .seq = mem_new(n * sizeof *v->seq),
    };
    for (uint32_t f = 0; f < n_features; f++)
        v->names[f] = "invented";
    uint64_t group = 0, seq = 0;
    for (size_t i = 0; i < n; i++) {
        bool is_next = rng_below(&rng, 5) == 0;
        group += is_next;
        seq = is_next ? 0 : seq + 1;
        float *x = v->x + i * n_features;
        for (uint32_t f = 0; f < n_features; f++)
            x[f] = rng_below(&rng, 10) == 0 ? NAN : (float)rng_unit(&rng) * 2 - 0.5f;
        v->truth[i] = (float)truth_of(x);
        v->labels[i] = rng_unit(&rng) < (double)v->truth[i];
        v->order[i] = (int64_t)(1000000 + group * 10);
        v->group[i] = group;
        v->seq[i] = seq;
    }
    v->set = (struct train_set){v->x,     v->names, n,      n_features,    v->labels,
                                v->order, v->group, v->seq, 1000000000000, 2000000000000};
}

void invented_fini(struct invented *v)
{
    free(v->x);
    free(v->truth);
    free(v->names);
    free(v->labels);
    free(v->order);
    free(v->group);
    free(v->seq);
}
