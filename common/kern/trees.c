/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kern/trees.h"

#include "common/base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One comparison a step, and none for NaN: a node whose default is left asks the mirrored
 * question. x >= t is -x <= -t, which is -x < t' where t' is the next float above -t; NaN
 * answers "no" to it, and "no" then means left. So the row is laid out twice, as x and as -x.
 */
struct question {
    uint32_t at; /* place in the doubled row */
    float below; /* yes if row[at] < below */
};

/* A tree of depth d has 2^d - 1 questions in heap order (yes: 2i + 1, no: 2i + 2) and 2^d
 * leaves. Trees that are less deep are padded with questions whose answer changes nothing. */
struct trees {
    uint32_t n_trees, n_features, depth;
    float base;
    struct question *questions; /* n_trees * 2^depth; the last of each tree is unused */
    float *leaves;              /* n_trees * 2^depth */
};

enum { TREES_AT_ONCE = 8, ROWS_AT_ONCE = 8, NODES_MAX = (2 << TREES_DEPTH_MAX) - 1 };

static bool node_check(const struct tree_node *node, uint32_t n_features, uint32_t next,
                       struct err *e)
{
    uint32_t feature = node->feature & ~TREE_DEFAULT_LEFT;
    if (!isfinite(node->value))
        return err_set(e, 0, "a threshold or leaf is not finite");
    if (node->left == 0)
        return node->feature == 0 || err_set(e, 0, "a leaf asks for feature %u", feature);
    if (node->left != next)
        return err_set(e, 0, "left child %u where only %u can stand", node->left, next);
    if (feature >= n_features)
        return err_set(e, 0, "asks for feature %u of %u", feature, n_features);
    return true;
}

/* Each inner node must claim the next two places, and each place must be claimed before it is
 * read: so none is shared, unreachable or its own ancestor. */
static bool tree_check(const struct tree_node *nodes, uint32_t n, uint32_t n_features,
                       struct err *e)
{
    uint8_t depth[NODES_MAX] = {0};
    uint32_t next = 1;
    if (n == 0 || n > NODES_MAX)
        return err_set(e, 0, "%u nodes, but 1 to %d are possible", n, NODES_MAX);
    for (uint32_t i = 0; i < n; i++) {
        if (i >= next)
            return err_set(e, 0, "node %u has no parent", i);
        if (!node_check(&nodes[i], n_features, next, e))
            return err_prefix(e, "node %u", i);
        if (nodes[i].left == 0)
            continue;
        if (next + 2 > n)
            return err_set(e, 0, "node %u: children behind the last node", i);
        if (depth[i] == TREES_DEPTH_MAX)
            return err_set(e, 0, "deeper than %d", TREES_DEPTH_MAX);
        depth[next] = depth[next + 1] = (uint8_t)(depth[i] + 1);
        next += 2;
    }
    return true;
}

bool forest_check(const struct forest *f, size_t n_nodes, struct err *e)
{
    if (f->n_trees == 0 || f->n_trees > TREES_MAX)
        return err_set(e, 0, "%u trees, but 1 to %d are possible", f->n_trees, TREES_MAX);
    if (f->n_features == 0 || f->n_features > TREES_FEATURES_MAX)
        return err_set(e, 0, "%u features, but 1 to %d are possible", f->n_features,
                       TREES_FEATURES_MAX);
    if (!isfinite(f->base))
        return err_set(e, 0, "the base margin is not finite");
    if (f->starts[0] != 0 || f->starts[f->n_trees] != n_nodes)
        return err_set(e, 0, "the trees do not cover the %zu nodes", n_nodes);
    for (uint32_t t = 0; t < f->n_trees; t++) {
        uint32_t start = f->starts[t], end = f->starts[t + 1];
        if (end <= start || end > n_nodes)
            return err_set(e, 0, "tree %u ends before it starts, or behind all nodes", t);
        if (!tree_check(f->nodes + start, end - start, f->n_features, e))
            return err_prefix(e, "tree %u", t);
    }
    return true;
}

uint32_t forest_depth(const struct forest *f, uint32_t tree)
{
    const struct tree_node *nodes = f->nodes + f->starts[tree];
    uint32_t n = f->starts[tree + 1] - f->starts[tree], level_end = 1, depth = 0;
    for (uint32_t i = 0, next = 1; i < n; i++) {
        if (i == level_end) {
            depth++;
            level_end = next;
        }
        next += nodes[i].left != 0 ? 2 : 0;
    }
    return depth;
}

static struct question question_of(const struct tree_node *node, uint32_t n_features,
                                   bool *is_swapped)
{
    uint32_t feature = node->feature & ~TREE_DEFAULT_LEFT;
    *is_swapped = (node->feature & TREE_DEFAULT_LEFT) != 0;
    if (*is_swapped)
        return (struct question){n_features + feature, nextafterf(-node->value, INFINITY)};
    return (struct question){feature, node->value};
}

/* Lays the subtree of nodes[i] out at heap place `place`, `depth` levels above the leaves. */
static void place_node(struct trees *t, uint32_t tree, const struct tree_node *nodes,
                       uint32_t i, uint32_t place, uint32_t depth)
{
    size_t first = (size_t)tree << t->depth;
    if (depth == 0) {
        t->leaves[first + place - ((1u << t->depth) - 1)] = nodes[i].value;
        return;
    }
    uint32_t yes = i, no = i;
    bool is_swapped = false;
    if (nodes[i].left != 0) {
        t->questions[first + place] = question_of(&nodes[i], t->n_features, &is_swapped);
        yes = nodes[i].left + is_swapped;
        no = nodes[i].left + !is_swapped;
    }
    place_node(t, tree, nodes, yes, 2 * place + 1, depth - 1);
    place_node(t, tree, nodes, no, 2 * place + 2, depth - 1);
}

struct trees *trees_new(const struct forest *f)
{
    struct trees *t = mem_zero(1, sizeof *t);
    t->n_trees = f->n_trees;
    t->n_features = f->n_features;
    t->base = f->base;
    t->depth = 1;
    for (uint32_t i = 0; i < f->n_trees; i++)
        t->depth = MAX(t->depth, forest_depth(f, i));
    size_t n = (size_t)f->n_trees << t->depth;
    t->questions = mem_zero(n, sizeof *t->questions);
    t->leaves = mem_zero(n, sizeof *t->leaves);
    for (uint32_t i = 0; i < f->n_trees; i++)
        place_node(t, i, f->nodes + f->starts[i], 0, 0, t->depth);
    return t;
}

void trees_free(struct trees *t)
{
    if (t == NULL)
        return;
    free(t->questions);
    free(t->leaves);
    free(t);
}

static void row_double(const float *restrict row, uint32_t n, float *restrict both)
{
    memcpy(both, row, n * sizeof *both);
    for (uint32_t i = 0; i < n; i++)
        both[n + i] = -row[i];
}

static inline uint32_t descend(const struct question *q, uint32_t place, const float *both)
{
    return 2 * place + 1 + !(both[q[place].at] < q[place].below);
}

/* Several trees at once: their walks do not wait for each other, only the sums do. `depth` is a
 * constant where this is inlined. */
static inline __attribute__((always_inline)) float walk_row(const struct trees *t,
                                                            const float *both, uint32_t depth)
{
    const size_t size = (size_t)1 << depth;
    const struct question *q = t->questions;
    const float *leaves = t->leaves;
    float sum = t->base;
    uint32_t tree = 0;
    for (; tree + TREES_AT_ONCE <= t->n_trees; tree += TREES_AT_ONCE) {
        uint32_t place[TREES_AT_ONCE] = {0};
        for (uint32_t d = 0; d < depth; d++)
            for (uint32_t k = 0; k < TREES_AT_ONCE; k++)
                place[k] = descend(q + k * size, place[k], both);
        for (uint32_t k = 0; k < TREES_AT_ONCE; k++)
            sum += leaves[k * size + place[k] - (size - 1)];
        q += TREES_AT_ONCE * size;
        leaves += TREES_AT_ONCE * size;
    }
    for (; tree < t->n_trees; tree++, q += size, leaves += size) {
        uint32_t place = 0;
        for (uint32_t d = 0; d < depth; d++)
            place = descend(q, place, both);
        sum += leaves[place - (size - 1)];
    }
    return sum;
}

/* Several rows at once through each tree: the tree stays in the first-level cache. */
static inline __attribute__((always_inline)) void
walk_rows(const struct trees *t, const float *both, uint32_t depth, float *restrict margins)
{
    const size_t size = (size_t)1 << depth, width = 2 * (size_t)t->n_features;
    const struct question *q = t->questions;
    const float *leaves = t->leaves;
    float sum[ROWS_AT_ONCE];
    for (uint32_t k = 0; k < ROWS_AT_ONCE; k++)
        sum[k] = t->base;
    for (uint32_t tree = 0; tree < t->n_trees; tree++, q += size, leaves += size) {
        uint32_t place[ROWS_AT_ONCE] = {0};
        for (uint32_t d = 0; d < depth; d++)
            for (uint32_t k = 0; k < ROWS_AT_ONCE; k++)
                place[k] = descend(q, place[k], both + k * width);
        for (uint32_t k = 0; k < ROWS_AT_ONCE; k++)
            sum[k] += leaves[place[k] - (size - 1)];
    }
    memcpy(margins, sum, sizeof sum);
}

static void walk(const struct trees *t, const float *both, uint32_t n_rows, float *margins)
{
    bool is_full = n_rows == ROWS_AT_ONCE;
    switch (t->depth) {
#define DEPTH(d)                               \
    case d:                                    \
        if (is_full)                           \
            walk_rows(t, both, d, margins);    \
        else                                   \
            margins[0] = walk_row(t, both, d); \
        break;
        DEPTH(1)
        DEPTH(2)
        DEPTH(3)
        DEPTH(4)
        DEPTH(5)
        DEPTH(6)
        DEPTH(7)
        DEPTH(8)
#undef DEPTH
    default: /* trees_new makes no other */
        CHECK(t->depth >= 1 && t->depth <= TREES_DEPTH_MAX);
    }
}

void trees_walk(const struct trees *t, const float *restrict rows, size_t n_rows, size_t stride,
                float *restrict margins)
{
    float both[ROWS_AT_ONCE * 2 * TREES_FEATURES_MAX];
    size_t r = 0;
    for (; r + ROWS_AT_ONCE <= n_rows; r += ROWS_AT_ONCE) {
        for (size_t k = 0; k < ROWS_AT_ONCE; k++)
            row_double(rows + (r + k) * stride, t->n_features, both + k * 2 * t->n_features);
        walk(t, both, ROWS_AT_ONCE, margins + r);
    }
    for (; r < n_rows; r++) {
        row_double(rows + r * stride, t->n_features, both);
        walk(t, both, 1, margins + r);
    }
}
