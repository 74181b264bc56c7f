/* SPDX-License-Identifier: Apache-2.0 */
/* sample - 500 scores and labels that any language makes again: x = 16807 x mod 2^31 - 1 from
 * 12345 on; score = (next mod 64) / 64; label = (next mod 1000) / 1000 < 0.8 score^2 + 0.02.
 * For tests. */
#ifndef AUSPEX_SAMPLE_H
#define AUSPEX_SAMPLE_H

#include "common/base/base.h"

enum { SAMPLE_ROWS = 500 };

static inline void sample_fill(float scores[SAMPLE_ROWS], uint8_t labels[SAMPLE_ROWS])
{
    uint64_t x = 12345;
    for (int i = 0; i < SAMPLE_ROWS; i++) {
        x = x * 16807 % 2147483647;
        double score = (double)(x % 64) / 64;
        x = x * 16807 % 2147483647;
        scores[i] = (float)score;
        labels[i] = (double)(x % 1000) / 1000 < score * score * 0.8 + 0.02;
    }
}

#endif
