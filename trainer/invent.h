/* SPDX-License-Identifier: Apache-2.0 */
/* invent - a training set with known truth, for tests and benches: sessions of a few rows, some
 * values missing, labels drawn from probabilities that are kept. */
#ifndef AUSPEX_INVENT_H
#define AUSPEX_INVENT_H

#include "trainer/train.h"

struct invented {
    struct train_set set; /* points into what follows */
    float *x, *truth;     /* truth: probability that each label was drawn with */
    const char **names;
    uint8_t *labels;
    int64_t *order;
    uint64_t *group, *seq;
};

void invent(struct invented *v, uint64_t seed, size_t n, uint32_t n_features);
void invented_fini(struct invented *v);

#endif
