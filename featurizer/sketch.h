/* SPDX-License-Identifier: Apache-2.0 */
/* sketch - how many distinct hashes there were when they are too many to keep: HyperLogLog
 * (Flajolet, Fusy, Gandouet, Meunier, 2007) with 128 registers, standard error 9.2 %. */
#ifndef AUSPEX_SKETCH_H
#define AUSPEX_SKETCH_H

#include "common/base/slab.h"

enum { SKETCH_REGISTERS = 128, SKETCH_RANK_MOST = 58 };

struct sketch {
    uint8_t ranks[SKETCH_REGISTERS];
};

struct set;

/* After the set was given the hash and answered SET_FULL. */
void sketch_spill(struct slab *s, const struct set *set, struct sketch **sketch, uint64_t hash);
/* Distinct ones: exact while there is no sketch, else the estimate, rounded, not below 65. */
double sketch_n(const struct set *set, const struct sketch *sketch);
void sketch_fini(struct slab *s, struct sketch **sketch); /* NULL within is fine */

#endif
