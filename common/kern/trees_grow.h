/* SPDX-License-Identifier: Apache-2.0 */
/* trees_grow - invented forests for tests and benches, and the JSON model that makes XGBoost
 * predict with the same trees. */
#ifndef AUSPEX_TREES_GROW_H
#define AUSPEX_TREES_GROW_H

#include "common/base/buf.h"
#include "common/base/rng.h"
#include "common/kern/trees.h"

enum { GROW_FEATURES = 23, GROW_NODES = 511 };

struct grown {
    struct tree_node *nodes;
    uint32_t *starts;
    struct forest forest; /* points into the two above; base 0 */
};

/* `n_trees` trees over GROW_FEATURES features; the first is exactly `depth` deep, the others at
 * most; with `is_full` no path of any tree is shorter. */
void grow_forest(struct grown *g, struct rng *rng, uint32_t n_trees, uint32_t depth,
                 bool is_full);
void grown_fini(struct grown *g);
/* Values that questions and rows share, so that equality, zeroes of both signs, denormals and
 * the ends of the range are met often; always finite. */
float grow_value(struct rng *rng);
/* The forest as XGBoost 1.7 writes a binary:logistic model. */
void grow_json(struct buf *json, const struct forest *f, const char *base_score);

#endif
