/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kern/trees_grow.h"

#include <stdlib.h>

float grow_value(struct rng *rng)
{
    static const float odd[] = {0.0f,     -0.0f,    1e-45f,    -1e-45f,   1.17549435e-38f,
                                0.1f,     -0.1f,    1.0f,      -1.0f,     3.4028234e38f,
                                16777216, 0.33333f, 1e-40f,    -3.4e38f,  2.5f,
                                -7.25f,   1e10f,    -1.5e-39f, 0.999999f, 1.0000001f};
    if (rng_below(rng, 3) > 0)
        return odd[rng_below(rng, ARRAY_LEN(odd))];
    return (float)(rng_unit(rng) * 4 - 2);
}

/* One tree, level by level; `depth` is reached on at least one path. */
static uint32_t grow_tree(struct rng *rng, struct tree_node *nodes, uint32_t depth,
                          bool is_full)
{
    uint32_t n = 1, level[GROW_NODES] = {0};
    bool is_spine[GROW_NODES] = {true};
    for (uint32_t i = 0; i < n; i++) {
        bool is_inner = level[i] < depth && (is_full || is_spine[i] || rng_below(rng, 4) > 0);
        nodes[i] = (struct tree_node){0, 0, (float)(rng_unit(rng) - 0.5)};
        if (!is_inner)
            continue;
        uint32_t missing = rng_below(rng, 2) ? TREE_DEFAULT_LEFT : 0;
        nodes[i] =
            (struct tree_node){n, rng_below(rng, GROW_FEATURES) | missing, grow_value(rng)};
        is_spine[n + rng_below(rng, 2)] = is_spine[i];
        level[n] = level[n + 1] = level[i] + 1;
        n += 2;
    }
    return n;
}

void grow_forest(struct grown *g, struct rng *rng, uint32_t n_trees, uint32_t depth,
                 bool is_full)
{
    g->nodes = mem_zero((size_t)n_trees * GROW_NODES, sizeof *g->nodes);
    g->starts = mem_zero(n_trees + 1, sizeof *g->starts);
    for (uint32_t t = 0; t < n_trees; t++) {
        uint32_t own = t == 0 || is_full ? depth : rng_below(rng, depth + 1);
        g->starts[t + 1] = g->starts[t] + grow_tree(rng, g->nodes + g->starts[t], own, is_full);
    }
    g->forest = (struct forest){g->nodes, g->starts, n_trees, GROW_FEATURES, 0};
}

void grown_fini(struct grown *g)
{
    free(g->nodes);
    free(g->starts);
}

/* One of the parallel arrays by which XGBoost writes a tree; its reader takes numbers with an
 * exponent for floats and no others. */
static void put_column(struct buf *json, const char *name, bool is_float,
                       const struct tree_node *nodes, uint32_t n,
                       double (*value)(const struct tree_node *nodes, uint32_t i))
{
    buf_printf(json, "\"%s\":[", name);
    for (uint32_t i = 0; i < n; i++)
        if (is_float)
            buf_printf(json, "%s%.8E", i ? "," : "", value(nodes, i));
        else
            buf_printf(json, "%s%.0f", i ? "," : "", value(nodes, i));
    buf_text(json, "],");
}

static double left_of(const struct tree_node *nodes, uint32_t i)
{
    return nodes[i].left == 0 ? -1.0 : nodes[i].left;
}

static double right_of(const struct tree_node *nodes, uint32_t i)
{
    return nodes[i].left == 0 ? -1.0 : nodes[i].left + 1.0;
}

static double parent_of(const struct tree_node *nodes, uint32_t i)
{
    for (uint32_t p = 0; p < i; p++)
        if (nodes[p].left != 0 && (nodes[p].left == i || nodes[p].left + 1 == i))
            return p;
    return 2147483647;
}

static double feature_of(const struct tree_node *nodes, uint32_t i)
{
    return nodes[i].feature & ~TREE_DEFAULT_LEFT;
}

static double is_default_left(const struct tree_node *nodes, uint32_t i)
{
    return (nodes[i].feature & TREE_DEFAULT_LEFT) != 0;
}

static double value_of(const struct tree_node *nodes, uint32_t i)
{
    return (double)nodes[i].value;
}

static double zero_of(const struct tree_node *nodes, uint32_t i)
{
    (void)nodes;
    (void)i;
    return 0;
}

static void put_tree(struct buf *json, const struct forest *f, uint32_t t)
{
    const struct tree_node *nodes = f->nodes + f->starts[t];
    uint32_t n = f->starts[t + 1] - f->starts[t];
    buf_printf(json, "%s{", t ? "," : "");
    put_column(json, "left_children", false, nodes, n, left_of);
    put_column(json, "right_children", false, nodes, n, right_of);
    put_column(json, "parents", false, nodes, n, parent_of);
    put_column(json, "split_indices", false, nodes, n, feature_of);
    put_column(json, "default_left", false, nodes, n, is_default_left);
    put_column(json, "split_conditions", true, nodes, n, value_of);
    put_column(json, "base_weights", true, nodes, n, zero_of);
    put_column(json, "loss_changes", true, nodes, n, zero_of);
    put_column(json, "sum_hessian", true, nodes, n, zero_of);
    put_column(json, "split_type", false, nodes, n, zero_of);
    buf_printf(json,
               "\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[],"
               "\"categories_sizes\":[],\"id\":%u,\"tree_param\":{\"num_deleted\":\"0\","
               "\"num_feature\":\"%d\",\"num_nodes\":\"%u\",\"size_leaf_vector\":\"0\"}}",
               t, GROW_FEATURES, n);
}

void grow_json(struct buf *json, const struct forest *f, const char *base_score)
{
    buf_text(json, "{\"learner\":{\"attributes\":{},\"feature_names\":[],\"feature_types\":[],"
                   "\"gradient_booster\":{\"model\":{");
    buf_printf(json,
               "\"gbtree_model_param\":{\"num_parallel_tree\":\"1\",\"num_trees\":\"%u\","
               "\"size_leaf_vector\":\"0\"},\"tree_info\":[",
               f->n_trees);
    for (uint32_t t = 0; t < f->n_trees; t++)
        buf_text(json, t ? ",0" : "0");
    buf_text(json, "],\"trees\":[");
    for (uint32_t t = 0; t < f->n_trees; t++)
        put_tree(json, f, t);
    buf_printf(json,
               "]},\"name\":\"gbtree\"},\"learner_model_param\":{\"base_score\":\"%s\","
               "\"num_class\":\"0\",\"num_feature\":\"%d\",\"num_target\":\"1\"},"
               "\"objective\":{\"name\":\"binary:logistic\",\"reg_loss_param\":"
               "{\"scale_pos_weight\":\"1\"}}},\"version\":[1,7,4]}",
               base_score, GROW_FEATURES);
}
