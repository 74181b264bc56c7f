/* SPDX-License-Identifier: Apache-2.0 */
/* pav - isotonic regression by pooling adjacent violators (Ayer et al. 1955), and the knots
 * that a model's calibration is made of. */
#ifndef AUSPEX_PAV_H
#define AUSPEX_PAV_H

#include "common/kern/isotonic.h"

/* Rows with neighbouring margins that share one value. */
struct pav_block {
    double margin_sum;
    uint64_t n, positives; /* value = positives / n */
};

/* Fits n > 0 rows (labels 0 and 1; equal margins are one point). Returns how many blocks stand
 * in `blocks`, which has room for n: by rising margin, values strictly rising. */
size_t pav_fit(const float *margins, const uint8_t *labels, size_t n, struct pav_block *blocks);

/* The owner of an isotonic's arrays. */
struct pav_knots {
    struct isotonic knots; /* points into floats */
    float *floats;
};
/* One knot a block, at its mean margin, with its share of positives and the 95 % Wilson
 * interval of that share. Blocks are first joined with the next until each has at least
 * `min_rows` rows (the last with the one before it) and there are at most ISOTONIC_MAX; values
 * still never fall. `blocks` is used up. Rows are taken as independent; events of one session
 * are not quite, so the true interval is somewhat wider. */
void pav_knots_init(struct pav_knots *k, struct pav_block *blocks, size_t n_blocks,
                    uint64_t min_rows);
void pav_knots_fini(struct pav_knots *k); /* {0} is fine */

/* Wilson's score interval (1927) of k out of n > 0 at 95 %, within [0, 1] and around k / n. */
void wilson_interval(uint64_t k, uint64_t n, double *lower, double *upper);

#endif
