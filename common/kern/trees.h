/* SPDX-License-Identifier: Apache-2.0 */
/* trees - boosted binary trees: the plain form that files hold, and a form that is fast to
 * walk.
 *
 * A margin is base + the leaf that the row reaches in tree 0 + the one in tree 1 ..., added in
 * float32 in that order, which is what XGBoost's CPU predictor does: margins are equal bit for
 * bit. A question is `x < threshold` in float32; NaN means missing and goes the node's default
 * way; infinities are ordinary values. The margin of a row does not depend on its batch. */
#ifndef AUSPEX_TREES_H
#define AUSPEX_TREES_H

#include "common/base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct err;

enum { TREES_MAX = 4096, TREES_DEPTH_MAX = 8, TREES_FEATURES_MAX = 1024 };
#define TREE_DEFAULT_LEFT                                              \
    0x80000000u /* in tree_node.feature: missing goes left, else right \
                 */

/* Nodes of a tree stand level by level: root first, and the children of the first inner node
 * before those of the second. The right child follows the left one. */
struct tree_node {
    uint32_t left;    /* place of the left child in this tree; 0 = a leaf */
    uint32_t feature; /* inner: index | TREE_DEFAULT_LEFT; leaf: 0 */
    float value;      /* inner: threshold, leaf: what it adds; finite */
};

struct forest {
    const struct tree_node *nodes;
    const uint32_t
        *starts;         /* n_trees + 1: tree t is nodes[starts[t]] .. nodes[starts[t+1]-1] */
    uint32_t n_trees;    /* 1..TREES_MAX */
    uint32_t n_features; /* 1..TREES_FEATURES_MAX */
    float base;          /* margin before the first tree; finite */
};

/* Whether the forest is exactly what stands above and no tree is deeper than TREES_DEPTH_MAX;
 * `n_nodes` is how many `nodes` there are, `starts` has n_trees + 1 entries. */
MUST_USE bool forest_check(const struct forest *f, size_t n_nodes, struct err *e);
/* Depth of one tree that passed; a lone leaf has 0. */
uint32_t forest_depth(const struct forest *f, uint32_t tree);

/* Whether two margins are the same bits; NaN equals itself, 0 is not -0. */
static inline bool margin_same(float a, float b)
{
    union {
        float f;
        uint32_t bits;
    } x = {a}, y = {b};
    return x.bits == y.bits;
}

/* The walking form: all trees padded to the depth of the deepest, 12 bytes a place. */
struct trees;
/* The forest must have passed forest_check and is not needed afterwards. */
MUST_USE struct trees *trees_new(const struct forest *f);
void trees_free(struct trees *t); /* NULL is fine */

/* Row r is rows[r * stride] .. [r * stride + n_features - 1], stride in floats; what stands
 * behind n_features is not read. Writes margins[0 .. n_rows - 1]. */
void trees_walk(const struct trees *t, const float *__restrict rows, size_t n_rows,
                size_t stride, float *__restrict margins);

#ifdef __cplusplus
}
#endif
#endif
