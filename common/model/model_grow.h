/* SPDX-License-Identifier: Apache-2.0 */
/* model_grow - an invented model, for tests and for the seeds of the fuzzer. */
#ifndef AUSPEX_MODEL_GROW_H
#define AUSPEX_MODEL_GROW_H

#include "common/base/buf.h"

/* Appends a model of `n_trees` trees over GROW_FEATURES features, at most `depth` deep, to the
 * empty `out`. Same arguments, same bytes. */
void model_grow(struct buf *out, uint64_t seed, uint32_t n_trees, uint32_t depth);

#endif
