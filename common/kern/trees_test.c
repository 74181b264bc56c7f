/* SPDX-License-Identifier: Apache-2.0 */
/* The judge is libxgboost's CPU predictor: invented forests are given to it as a JSON model,
 * and its in-place prediction must give the same bits. */
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/kern/trees_grow.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xgboost/c_api.h>

enum { STRIDE = GROW_FEATURES + 6 };
static const size_t ROWS = 1003;

static float row_value(struct rng *rng)
{
    switch (rng_below(rng, 12)) {
    case 0:
    case 1:
        return NAN;
    case 2:
        return INFINITY;
    case 3:
        return -INFINITY;
    default:
        return grow_value(rng);
    }
}

static void xgb_ok(int failed)
{
    if (failed)
        fail_msg("%s", XGBGetLastError());
}

static void xgb_predict(BoosterHandle booster, const float *rows, size_t n, float *margins)
{
    char array[160];
    const bst_ulong *shape;
    bst_ulong dimensions;
    const float *out;
    (void)snprintf(array, sizeof array,
                   "{\"data\":[%zu,true],\"shape\":[%zu,%d],\"typestr\":\"<f4\",\"version\":3}",
                   (size_t)(uintptr_t)rows, n, GROW_FEATURES);
    xgb_ok(XGBoosterPredictFromDense(
        booster, array,
        "{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
        "\"strict_shape\":false,\"missing\":NaN,\"cache_id\":0}",
        NULL, &shape, &dimensions, &out));
    memcpy(margins, out, n * sizeof *margins);
}

static float *invent_rows(struct rng *rng)
{
    float *rows = mem_zero(ROWS * STRIDE, sizeof *rows);
    for (size_t i = 0; i < ROWS * STRIDE; i++)
        rows[i] = row_value(rng);
    for (size_t r = 0; r < ROWS;
         r += 7) /* rows without a missing value take another way there */
        for (size_t f = 0; f < STRIDE; f++)
            rows[r * STRIDE + f] = grow_value(rng);
    return rows;
}

static void expect_same(const float *got, const float *expected, size_t n)
{
    for (size_t r = 0; r < n; r++)
        if (!margin_same(got[r], expected[r]))
            fail_msg("row %zu: %.9g, XGBoost says %.9g", r, (double)got[r],
                     (double)expected[r]);
}

/* Whole batch, and batches of 1 to 17 rows: each gives XGBoost's bits. */
static void expect_xgboost(struct grown *g, const char *base_score, struct rng *rng)
{
    struct buf json = {0};
    BoosterHandle booster;
    auto_free float *rows = invent_rows(rng);
    auto_free float *dense = mem_zero(ROWS * GROW_FEATURES, sizeof *dense);
    auto_free float *expected = mem_zero(ROWS, sizeof *expected);
    auto_free float *got = mem_zero(ROWS, sizeof *got);
    for (size_t r = 0; r < ROWS; r++)
        memcpy(dense + r * GROW_FEATURES, rows + r * STRIDE, GROW_FEATURES * sizeof *dense);
    grow_json(&json, &g->forest, base_score);
    xgb_ok(XGBoosterCreate(NULL, 0, &booster));
    xgb_ok(XGBoosterLoadModelFromBuffer(booster, json.at, json.len));
    xgb_predict(booster, dense, ROWS, expected);
    xgb_ok(XGBoosterFree(booster));
    buf_fini(&json);

    float score = strtof(base_score, NULL);
    struct err e = {0};
    g->forest.base = -logf(1.0f / score - 1.0f);
    if (!forest_check(&g->forest, g->starts[g->forest.n_trees], &e))
        fail_msg("%s", e.text);
    struct trees *t = trees_new(&g->forest);
    trees_walk(t, rows, ROWS, STRIDE, got);
    expect_same(got, expected, ROWS);
    for (size_t r = 0, n = 1; r < ROWS; r += n, n = n % 17 + 1)
        trees_walk(t, rows + r * STRIDE, MIN(n, ROWS - r), STRIDE, got + r);
    expect_same(got, expected, ROWS);
    trees_free(t);
}

static void test_margins_equal_xgboost(void **state)
{
    static const char *const base_scores[] = {"5E-1", "4.1234E-2", "9.9E-1", "3.3333334E-1"};
    static const uint32_t counts[] = {1, 2, 7, 8, 9, 64, 100, 300};
    (void)state;
    for (uint32_t depth = 0; depth <= TREES_DEPTH_MAX; depth++)
        for (size_t i = 0; i < 3; i++) {
            struct rng rng = rng_stream(depth, i);
            struct grown g;
            grow_forest(&g, &rng, counts[((size_t)depth * 3 + i) % ARRAY_LEN(counts)], depth,
                        false);
            expect_xgboost(&g, base_scores[(depth + i) % ARRAY_LEN(base_scores)], &rng);
            grown_fini(&g);
        }
}

static void test_forest_depth(void **state)
{
    (void)state;
    for (uint32_t depth = 0; depth <= TREES_DEPTH_MAX; depth++) {
        struct rng rng = rng_stream(depth, 99);
        struct grown g;
        grow_forest(&g, &rng, 1, depth, false);
        assert_int_equal(forest_depth(&g.forest, 0), depth);
        grown_fini(&g);
    }
}

/* A tree of five nodes: 0 asks, 1 is a leaf, 2 asks, 3 and 4 are leaves. */
struct broken {
    const char *because;
    struct tree_node nodes[5];
    uint32_t n_nodes, start1, n_trees, n_features;
    float base;
};
#define SOUND                                                                            \
    {                                                                                    \
        {1, 0, 0.5f}, {0, 0, 1}, {3, 1 | TREE_DEFAULT_LEFT, 2.5f}, {0, 0, 2}, {0, 0, 3}, \
    }

static void test_refuses_broken_forests(void **state)
{
    struct broken cases[] = {
        {NULL, SOUND, 5, 5, 1, 2, 0},
        {"0 trees", SOUND, 5, 5, 0, 2, 0},
        {"4097 trees", SOUND, 5, 5, TREES_MAX + 1, 2, 0},
        {"0 features", SOUND, 5, 5, 1, 0, 0},
        {"1025 features", SOUND, 5, 5, 1, TREES_FEATURES_MAX + 1, 0},
        {"base margin", SOUND, 5, 5, 1, 2, NAN},
        {"do not cover", SOUND, 5, 4, 1, 2, 0},
        {"1 to 511", SOUND, 0, 0, 1, 2, 0},
        {"feature 1 of 1", SOUND, 5, 5, 1, 1, 0},
        {"not finite", SOUND, 5, 5, 1, 2, 0},
        {"not finite", SOUND, 5, 5, 1, 2, 0},
        {"left child 0", SOUND, 5, 5, 1, 2, 0},
        {"left child 4", SOUND, 5, 5, 1, 2, 0},
        {"behind the last", SOUND, 4, 4, 1, 2, 0},
        {"no parent", SOUND, 5, 5, 1, 2, 0},
        {"a leaf asks", SOUND, 5, 5, 1, 2, 0},
    };
    (void)state;
    cases[7].because = "ends before it starts";
    cases[9].nodes[2].value = NAN;
    cases[10].nodes[4].value = -INFINITY;
    cases[11].nodes[2].left = 1; /* its own sibling: shared */
    cases[11].because = "left child 1";
    cases[12].nodes[2].left = 4; /* one behind */
    cases[14].nodes[2] = (struct tree_node){0, 0, 1};
    cases[15].nodes[3].feature = 1;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct broken *c = &cases[i];
        auto_free uint32_t *starts = mem_zero(TREES_MAX + 2, sizeof *starts);
        struct forest f = {c->nodes, starts, c->n_trees, c->n_features, c->base};
        struct err e = {0};
        starts[1] = c->start1;
        bool is_sound = forest_check(&f, c->n_nodes, &e);
        assert_int_equal(is_sound, c->because == NULL);
        if (c->because != NULL && strstr(e.text, c->because) == NULL)
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.text, c->because);
    }
}

static void test_refuses_a_cycle_and_depth(void **state)
{
    struct tree_node loop[] = {{1, 0, 0}, {0, 0, 0}, {1, 0, 0}};
    uint32_t starts[] = {0, 3};
    struct forest f = {loop, starts, 1, 1, 0};
    struct err e = {0};
    (void)state;
    assert_false(forest_check(&f, 3, &e));
    assert_non_null(strstr(e.text, "left child 1 where only 3"));

    struct tree_node chain[2 * TREES_DEPTH_MAX + 3];
    for (uint32_t i = 0; i < ARRAY_LEN(chain); i++)
        chain[i] = (struct tree_node){i % 2 == 0 && i + 2 < ARRAY_LEN(chain) ? i + 1 : 0, 0, 0};
    starts[1] = ARRAY_LEN(chain);
    f.nodes = chain;
    assert_false(forest_check(&f, ARRAY_LEN(chain), &e));
    assert_non_null(strstr(e.text, "deeper than 8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_margins_equal_xgboost),
        cmocka_unit_test(test_forest_depth),
        cmocka_unit_test(test_refuses_broken_forests),
        cmocka_unit_test(test_refuses_a_cycle_and_depth),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("trees", tests, NULL, NULL);
}
