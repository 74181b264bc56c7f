/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/boost.h"

#include "common/base/err.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xgboost/c_api.h>

const struct boost_options boost_defaults = {
    .seed = 1,
    .rounds = 600,
    .patience = 30,
    .depth = 6,
    .min_child = 5,
    .eta = 0.1,
    .row_share = 0.8,
    .feature_share = 0.8,
};

struct booster {
    BoosterHandle handle;
    uint32_t rounds;
};

struct training {
    DMatrixHandle train, valid;
    BoosterHandle handle;
    const struct rows *valid_rows;
    uint32_t best_round;
    double best_logloss;
};

/* XGBoost's text begins with a time and goes on with a stack trace: the sentence is kept. */
static bool xgb_failed(struct err *e, const char *what)
{
    struct str text = str_of(XGBGetLastError()), rest;
    struct str line = str_cut(text, '\n', &rest);
    if (line.len > 0 && line.at[0] == '[')
        (void)str_cut(line, ']', &line);
    line = str_trim(line);
    return err_set(e, 0, "XGBoost: %s: %.*s", what, STR_ARGS(line));
}

static bool matrix_new(DMatrixHandle *m, const struct rows *rows, struct err *e)
{
    auto_free float *labels = mem_new(rows->n * sizeof *labels + 1);
    for (size_t i = 0; i < rows->n; i++)
        labels[i] = rows->labels[i];
    if (XGDMatrixCreateFromMat(rows->x, rows->n, rows->n_features, NAN, m) != 0)
        return xgb_failed(e, "make a matrix");
    if (XGDMatrixSetFloatInfo(*m, "label", labels, rows->n) != 0)
        return xgb_failed(e, "set labels");
    return true;
}

/* The share of positives, kept off 0 and 1 where its logit is infinite. */
static double base_score(const struct rows *rows)
{
    size_t positives = 0;
    for (size_t i = 0; i < rows->n; i++)
        positives += rows->labels[i];
    return fmin(fmax((double)positives / (double)rows->n, 1e-4), 1 - 1e-4);
}

static bool set_options(BoosterHandle handle, const struct boost_options *o, double score,
                        struct err *e)
{
    const struct {
        const char *key, *format;
        double value;
    } numbers[] = {
        {"seed", "%.0f", (double)(o->seed & 0x7fffffff)}, /* XGBoost's is an int32 */
        {"max_depth", "%.0f", o->depth},
        {"min_child_weight", "%.0f", o->min_child},
        {"eta", "%.9g", o->eta},
        {"subsample", "%.9g", o->row_share},
        {"colsample_bytree", "%.9g", o->feature_share},
        {"base_score", "%.9g", score},
    };
    static const char *const words[][2] = {
        {"verbosity", "0"},
        {"validate_parameters", "1"},
        {"objective", "binary:logistic"},
        {"tree_method", "hist"},
        {"nthread", "1"},
        {"disable_default_eval_metric", "1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (XGBoosterSetParam(handle, words[i][0], words[i][1]) != 0)
            return xgb_failed(e, words[i][0]);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char text[40];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(text, sizeof text, numbers[i].format, numbers[i].value);
#pragma GCC diagnostic pop
        if (XGBoosterSetParam(handle, numbers[i].key, text) != 0)
            return xgb_failed(e, numbers[i].key);
    }
    return true;
}

/* Mean of log(1 + exp(-margin)) or log(1 + exp(margin)), without overflow. */
static double margins_logloss(const float *margins, const struct rows *rows)
{
    double sum = 0;
    for (size_t i = 0; i < rows->n; i++) {
        double m = rows->labels[i] ? -(double)margins[i] : (double)margins[i];
        sum += m > 0 ? m + log1p(exp(-m)) : log1p(exp(m));
    }
    return sum / (double)rows->n;
}

/* The handle caches the margins of `valid`, so that each round costs one tree only. */
static bool valid_logloss(struct training *t, double *logloss, struct err *e)
{
    bst_ulong n;
    const float *margins;
    if (XGBoosterPredict(t->handle, t->valid, 1, 0, 0, &n, &margins) != 0)
        return xgb_failed(e, "predict");
    CHECK(n == t->valid_rows->n);
    *logloss = margins_logloss(margins, t->valid_rows);
    return true;
}

static bool run_rounds(struct training *t, const struct boost_options *o,
                       boost_progress *progress, void *to, struct err *e)
{
    t->best_logloss = (double)INFINITY;
    for (uint32_t round = 0; round < o->rounds; round++) {
        double logloss = (double)INFINITY;
        if (XGBoosterUpdateOneIter(t->handle, (int)round, t->train) != 0)
            return xgb_failed(e, "train");
        if (!valid_logloss(t, &logloss, e))
            return false;
        if (progress != NULL)
            progress(to, round + 1, logloss);
        if (logloss < t->best_logloss) {
            t->best_logloss = logloss;
            t->best_round = round + 1;
        }
        if (round + 1 - t->best_round >= o->patience)
            break;
    }
    return true;
}

static bool train_all(struct training *t, const struct rows *train,
                      const struct boost_options *o, boost_progress *progress, void *to,
                      struct err *e)
{
    if (!matrix_new(&t->train, train, e) || !matrix_new(&t->valid, t->valid_rows, e))
        return false;
    const DMatrixHandle matrices[] = {t->train, t->valid};
    if (XGBoosterCreate(matrices, ARRAY_LEN(matrices), &t->handle) != 0)
        return xgb_failed(e, "make a booster");
    return set_options(t->handle, o, base_score(train), e) && run_rounds(t, o, progress, to, e);
}

static struct booster *cut(const struct training *t, struct err *e)
{
    struct booster *b = mem_zero(1, sizeof *b);
    b->rounds = t->best_round;
    if (XGBoosterSlice(t->handle, 0, (int)t->best_round, 1, &b->handle) != 0) {
        (void)xgb_failed(e, "cut the model");
        free(b);
        return NULL;
    }
    return b;
}

struct booster *boost_train(const struct rows *train, const struct rows *valid,
                            const struct boost_options *o, boost_progress *progress, void *to,
                            struct err *e)
{
    struct training t = {.valid_rows = valid};
    struct booster *b = NULL;
    if (train_all(&t, train, o, progress, to, e))
        b = cut(&t, e);
    if (t.handle != NULL)
        (void)XGBoosterFree(t.handle);
    if (t.train != NULL)
        (void)XGDMatrixFree(t.train);
    if (t.valid != NULL)
        (void)XGDMatrixFree(t.valid);
    return b;
}

void booster_free(struct booster *b)
{
    if (b != NULL)
        (void)XGBoosterFree(b->handle);
    free(b);
}

uint32_t booster_rounds(const struct booster *b)
{
    return b->rounds;
}

bool booster_json(const struct booster *b, struct buf *out, struct err *e)
{
    bst_ulong len;
    const char *json;
    if (XGBoosterSaveModelToBuffer(b->handle, "{\"format\":\"json\"}", &len, &json) != 0)
        return xgb_failed(e, "write the model");
    buf_put(out, json, len);
    return true;
}

bool booster_margins(const struct booster *b, const float *x, size_t n, uint32_t n_features,
                     float *margins, struct err *e)
{
    char array[160];
    const bst_ulong *shape;
    bst_ulong dimensions;
    const float *out;
    (void)snprintf(array, sizeof array,
                   "{\"data\":[%zu,true],\"shape\":[%zu,%u],\"typestr\":\"<f4\",\"version\":3}",
                   (size_t)(uintptr_t)x, n, n_features);
    if (XGBoosterPredictFromDense(
            b->handle, array,
            "{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,"
            "\"strict_shape\":false,\"missing\":NaN,\"cache_id\":0}",
            NULL, &shape, &dimensions, &out) != 0)
        return xgb_failed(e, "predict in place");
    memcpy(margins, out, n * sizeof *margins);
    return true;
}
