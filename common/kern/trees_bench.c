/* SPDX-License-Identifier: Apache-2.0 */
/* trees_bench - 100 full trees of depth 6: microseconds a row, alone and in batches, beside
 * XGBoost's in-place prediction of the same rows in the same run. */
#include "common/base/clock.h"
#include "common/kern/trees_grow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xgboost/c_api.h>

enum { ROWS = 4096, RUNS = 9, TREES = 100, DEPTH = 6 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
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
    CHECK(XGBoosterPredictFromDense(
              booster, array,
              "{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
              "\"strict_shape\":false,\"missing\":NaN,\"cache_id\":0}",
              NULL, &shape, &dimensions, &out) == 0);
    memcpy(margins, out, n * sizeof *margins);
}

/* Median over the runs of what `batch` rows a call cost, in microseconds a row. */
static double time_us(const struct trees *t, BoosterHandle booster, const float *rows,
                      size_t batch, size_t n_rows, float *margins)
{
    double us[RUNS];
    for (int run = 0; run < RUNS; run++) {
        int64_t start_us = clock_mono_us();
        for (size_t r = 0; r < n_rows; r += batch) {
            const float *first = rows + r * GROW_FEATURES;
            if (booster != NULL)
                xgb_predict(booster, first, batch, margins + r);
            else
                trees_walk(t, first, batch, GROW_FEATURES, margins + r);
        }
        us[run] = (double)(clock_mono_us() - start_us) / (double)n_rows;
    }
    qsort(us, RUNS, sizeof *us, by_value);
    return us[RUNS / 2];
}

int main(void)
{
    static const size_t batches[] = {1, 8, 64, 1024};
    struct rng rng = {1};
    struct grown g;
    struct buf json = {0};
    BoosterHandle booster;
    static float rows[ROWS * GROW_FEATURES], own[ROWS], other[ROWS];
    grow_forest(&g, &rng, TREES, DEPTH, true);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        rows[i] = rng_below(&rng, 8) ? grow_value(&rng) : NAN;
    grow_json(&json, &g.forest, "5E-1");
    CHECK(XGBoosterCreate(NULL, 0, &booster) == 0);
    CHECK(XGBoosterLoadModelFromBuffer(booster, json.at, json.len) == 0);
    CHECK(XGBoosterSetParam(booster, "nthread", "1") == 0);
    struct trees *t = trees_new(&g.forest);
    trees_walk(t, rows, ROWS, GROW_FEATURES, own);
    xgb_predict(booster, rows, ROWS, other);
    for (size_t r = 0; r < ROWS; r++)
        CHECK(margin_same(own[r], other[r]));

    printf("%d trees of depth %d, %d features, one thread; margins equal\n", TREES, DEPTH,
           GROW_FEATURES);
    for (size_t i = 0; i < ARRAY_LEN(batches); i++) {
        size_t n_other = batches[i] == 1 ? 512 : ROWS;
        double own_us = time_us(t, NULL, rows, batches[i], ROWS, own);
        double other_us = time_us(t, booster, rows, batches[i], n_other, other);
        printf("batch of %4zu: %6.2f us a row, XGBoost %6.2f, ratio %.1f\n", batches[i], own_us,
               other_us, other_us / own_us);
    }
    trees_free(t);
    grown_fini(&g);
    buf_fini(&json);
    return XGBoosterFree(booster);
}
