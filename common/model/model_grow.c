/* SPDX-License-Identifier: Apache-2.0 */
#include "common/model/model_grow.h"

#include "common/base/err.h"
#include "common/kern/trees_grow.h"
#include "common/model/model.h"

#include <math.h>

void model_grow(struct buf *out, uint64_t seed, uint32_t n_trees, uint32_t depth)
{
    enum { GOLDEN = 4 };
    static const float x[] = {-2, -0.5f, 0.5f, 2}, value[] = {0.01f, 0.1f, 0.5f, 0.9f};
    static const float lower[] = {0, 0.08f, 0.4f, 0.8f}, upper[] = {0.02f, 0.12f, 0.6f, 0.95f};
    struct rng rng = rng_stream(seed, 1);
    struct grown g;
    struct err e = {0};
    float rows[GOLDEN * GROW_FEATURES], margins[GOLDEN];
    grow_forest(&g, &rng, n_trees, depth, false);
    g.forest.base = -1.5f;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        rows[i] = rng_below(&rng, 8) ? grow_value(&rng) : NAN;
    struct trees *t = trees_new(&g.forest);
    trees_walk(t, rows, GOLDEN, GROW_FEATURES, margins);
    trees_free(t);
    struct model_parts parts = {
        .head = {.kind = "conversion",
                 .name = "grown",
                 .n_features = GROW_FEATURES,
                 .features_hash = 0x0123456789abcdef,
                 .data_from_us = 1700000000000000,
                 .data_to_us = 1700086400000000},
        .metrics = STR("{\"auc\":0.5}"),
        .forest = g.forest,
        .knots = {ARRAY_LEN(x), x, value, lower, upper},
        .golden_rows = rows,
        .golden_margins = margins,
        .n_golden = GOLDEN,
    };
    bool is_written = model_write(&parts, out, &e);
    check_context(e.text);
    CHECK(is_written);
    check_context(NULL);
    grown_fini(&g);
}
