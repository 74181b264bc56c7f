/* SPDX-License-Identifier: Apache-2.0 */
/* adopt_test - a model that XGBoost's own API trained and saved, on some of our features in an
 * order of its own, predicts here what it predicts there; and what is refused, in words. */
#include "trainer/adopt.h"

#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/model/model.h"
#include "common/wire/feature.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xgboost/c_api.h>

enum { ROWS = 3000, WIDTH = 5 };

/* The model's columns: our lines, not in our order. */
static const enum feature lines[WIDTH] = {FEATURE_cart_value, FEATURE_session_duration_s,
                                          FEATURE_price_current, FEATURE_event_index,
                                          FEATURE_hour_sin};

struct world {
    float x[ROWS * WIDTH], labels[ROWS];
    DMatrixHandle matrix;
    BoosterHandle booster;
    struct buf json;
};

static void call(int status)
{
    if (status != 0)
        fail_msg("%s", XGBGetLastError());
}

static void rows_make(struct world *w)
{
    struct rng rng = rng_stream(3, 1);
    for (size_t i = 0; i < ROWS; i++) {
        float *x = w->x + i * WIDTH;
        for (size_t f = 0; f < WIDTH; f++)
            x[f] = rng_below(&rng, 8) == 0 ? NAN : (float)rng_unit(&rng) * 4 - 2;
        double margin = (isnan(x[0]) ? 1 : 1.5 * (double)x[0]) - (x[3] > 0 ? 2 : 0) - 0.5;
        w->labels[i] = rng_unit(&rng) < 1 / (1 + exp(-margin));
    }
}

/* Saves to a file and reads it, as people do. */
static void json_save(struct world *w)
{
    char folder[] = "/tmp/adopt_test.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/model.json", folder);
    call(XGBoosterSaveModel(w->booster, path));
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_put(&w->json, piece, n);
    (void)fclose(f);
    (void)unlink(path);
    (void)rmdir(folder);
}

static struct world *world_new(const char *objective, const char *booster, bool has_names)
{
    struct world *w = mem_zero(1, sizeof *w);
    const char *names[WIDTH];
    rows_make(w);
    for (size_t f = 0; f < WIDTH; f++)
        names[f] = feature_defs[lines[f]].name;
    call(XGDMatrixCreateFromMat(w->x, ROWS, WIDTH, NAN, &w->matrix));
    call(XGDMatrixSetFloatInfo(w->matrix, "label", w->labels, ROWS));
    call(XGBoosterCreate(&w->matrix, 1, &w->booster));
    if (has_names)
        call(XGBoosterSetStrFeatureInfo(w->booster, "feature_name", names, WIDTH));
    call(XGBoosterSetParam(w->booster, "objective", objective));
    call(XGBoosterSetParam(w->booster, "booster", booster));
    call(XGBoosterSetParam(w->booster, "nthread", "1"));
    call(XGBoosterSetParam(w->booster, "max_depth", "5"));
    call(XGBoosterSetParam(w->booster, "verbosity", "0"));
    for (int i = 0; i < 40; i++)
        call(XGBoosterUpdateOneIter(w->booster, i, w->matrix));
    json_save(w);
    return w;
}

static void world_free(struct world *w)
{
    call(XGBoosterFree(w->booster));
    call(XGDMatrixFree(w->matrix));
    buf_fini(&w->json);
    free(w);
}

/* The rows as vectors of ours; what the model does not ask for is noise. */
static float *vectors_of(const struct world *w)
{
    float *v = mem_new((size_t)ROWS * FEATURES_N * sizeof *v);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t f = 0; f < FEATURES_N; f++)
            v[i * FEATURES_N + f] = (float)(i * f);
        for (size_t f = 0; f < WIDTH; f++)
            v[i * FEATURES_N + lines[f]] = w->x[i * WIDTH + f];
    }
    return v;
}

static struct model *adopted_model(const struct adopted *m, const struct adopt_rows *rows)
{
    const struct adopt_options o = {"outside", "conversion"};
    struct buf container = {0}, metrics = {0};
    struct err e = {0};
    if (!adopt_write(m, rows, &o, &container, &metrics, &e))
        fail_msg("%s", e.text);
    struct model *made = model_load(container.at, container.len, &e);
    assert_non_null(made);
    assert_true(str_eq(model_metrics(made), buf_as_str(&metrics)));
    assert_string_equal(model_head(made)->name, "outside");
    buf_fini(&container);
    buf_fini(&metrics);
    return made;
}

static void predicts_what_xgboost_predicts(void **state)
{
    (void)state;
    struct world *w = world_new("binary:logistic", "gbtree", true);
    struct adopted m;
    struct err e = {0};
    bst_ulong n;
    const float *theirs;
    if (!adopt_read(&m, buf_as_str(&w->json), &e))
        fail_msg("%s", e.text);
    assert_int_equal(m.forest.n_trees, 40);
    assert_int_equal(m.forest.n_features, FEATURE_cart_value + 1);
    struct model *made = adopted_model(&m, NULL);
    assert_true(model_head(made)->features_hash == features_hash(FEATURE_cart_value + 1));
    auto_free float *vectors = vectors_of(w);
    auto_free struct score *scores = mem_new(ROWS * sizeof *scores);
    model_score(made, vectors, ROWS, FEATURES_N, scores);
    call(XGBoosterPredict(w->booster, w->matrix, 0, 0, 0, &n, &theirs));
    assert_int_equal(n, ROWS);
    double worst = 0;
    for (size_t i = 0; i < ROWS; i++) {
        worst = fmax(worst, fabs((double)scores[i].probability - (double)theirs[i]));
        assert_true(scores[i].lower == 0 && scores[i].upper == 1);
    }
    print_message("# %d rows, 40 trees: off by at most %.2g\n", ROWS, worst);
    assert_true(worst < 1e-6);
    call(XGBoosterPredict(w->booster, w->matrix, 1, 0, 0, &n, &theirs));
    for (size_t i = 0; i < ROWS; i++)
        assert_true(margin_same(scores[i].margin, theirs[i]));
    model_free(made);
    adopted_fini(&m);
    world_free(w);
}

/* The logistic itself, over all margins. */
static void logistic_is_close_everywhere(void **state)
{
    (void)state;
    struct world *w = world_new("binary:logistic", "gbtree", true);
    struct adopted m;
    struct err e = {0};
    assert_true(adopt_read(&m, buf_as_str(&w->json), &e));
    struct tree_node leaf = {0, 0, 0};
    uint32_t starts[2] = {0, 1};
    double worst = 0;
    for (int step = -2500; step <= 2500; step += 7) {
        struct adopted one = {.forest = {&leaf, starts, 1, 1, (float)step / 100 + 0.00195f}};
        float row = 0;
        struct score s;
        struct model *made = adopted_model(&one, NULL);
        model_score(made, &row, 1, 1, &s);
        worst = fmax(worst, fabs((double)s.probability - 1 / (1 + exp(-(double)s.margin))));
        model_free(made);
    }
    print_message("# off by at most %.2g\n", worst);
    assert_true(worst < 4e-7);
    adopted_fini(&m);
    world_free(w);
}

static void refused(const struct world *w, const char *because)
{
    struct adopted m;
    struct err e = {0};
    assert_false(adopt_read(&m, buf_as_str(&w->json), &e));
    if (strstr(e.text, because) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.text, because);
}

static void other_models_are_refused(void **state)
{
    static const struct {
        const char *objective, *booster, *because;
    } cases[] = {
        {"reg:squarederror", "gbtree", "the objective is \"reg:squarederror\""},
        {"binary:logistic", "dart", "the booster is \"dart\""},
        {"binary:logistic", "gblinear", "the booster is \"gblinear\""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world *w = world_new(cases[i].objective, cases[i].booster, true);
        refused(w, cases[i].because);
        world_free(w);
    }
}

/* Writes `after` over each `before`, of the same length. */
static void replace(struct world *w, const char *before, const char *after)
{
    char *at = (char *)w->json.at, *end = at + w->json.len;
    size_t len = strlen(before), n = 0;
    assert_int_equal(strlen(after), len);
    for (; (at = memmem(at, (size_t)(end - at), before, len)) != NULL; n++)
        memcpy(at, after, len);
    assert_true(n > 0);
}

static void names_must_be_ours(void **state)
{
    (void)state;
    struct world *w = world_new("binary:logistic", "gbtree", true);
    replace(w, "\"cart_value\"", "\"cart_volue\"");
    refused(w, "\"cart_volue\" is none of ours; the nearest is \"cart_value\"");
    replace(w, "\"cart_volue\"", "\"hour_sin\"  ");
    refused(w, "names feature \"hour_sin\" twice");
    world_free(w);
}

static void without_names_columns_are_in_order(void **state)
{
    (void)state;
    struct world *w = world_new("binary:logistic", "gbtree", false);
    struct adopted m;
    struct err e = {0};
    assert_true(adopt_read(&m, buf_as_str(&w->json), &e));
    assert_int_equal(m.forest.n_features, WIDTH);
    adopted_fini(&m);
    replace(w, "\"num_feature\":\"5\"", "\"num_feature\":\"9\"");
    assert_true(adopt_read(&m, buf_as_str(&w->json), &e));
    assert_int_equal(m.forest.n_features, 9);
    adopted_fini(&m);
    world_free(w);
}

static char csv_path[] = "/tmp/adopt_test.XXXXXX";

/* An export with a column more; `wrong` stands in the last line where it is set. */
static void csv_write(const struct world *w, const char *path, const char *wrong)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "other");
    for (size_t c = 0; c < WIDTH; c++)
        (void)fprintf(f, ",%s", feature_defs[lines[c]].name);
    (void)fprintf(f, ",label,session_id,ts\n");
    for (size_t i = 0; i < ROWS; i++) {
        (void)fprintf(f, "x");
        for (size_t c = 0; c < WIDTH; c++)
            if (isnan(w->x[i * WIDTH + c]))
                (void)fprintf(f, ",");
            else
                (void)fprintf(f, ",%.9g", (double)w->x[i * WIDTH + c]);
        (void)fprintf(f, ",%d,1-0-%zu,2025-01-01T00:00:%02zuZ\n", (int)w->labels[i], i / 7,
                      i % 60);
    }
    if (wrong)
        (void)fprintf(f, "%s\n", wrong);
    assert_int_equal(fclose(f), 0);
}

static void rows_calibrate(void **state)
{
    (void)state;
    struct world *w = world_new("binary:logistic", "gbtree", true);
    struct adopted m;
    struct adopt_rows rows;
    struct err e = {0};
    assert_true(adopt_read(&m, buf_as_str(&w->json), &e));
    csv_write(w, csv_path, NULL);
    if (!adopt_rows_read(&rows, &m, csv_path, &e))
        fail_msg("%s", e.text);
    assert_int_equal(rows.n, ROWS);
    assert_int_equal(rows.n_calibrate, (ROWS / 2 + 6) / 7 * 7);
    assert_true(rows.to_us - rows.from_us == 59 * INT64_C(1000000));
    struct model *made = adopted_model(&m, &rows);
    struct str metrics = model_metrics(made);
    assert_non_null(memmem(metrics.at, metrics.len, "{\"auc\":0.", 9));
    assert_non_null(memmem(metrics.at, metrics.len, "\"calibration\":\"isotonic\"", 24));
    assert_true(model_head(made)->data_from_us == rows.from_us);
    auto_free float *vectors = vectors_of(w);
    struct score s;
    model_score(made, vectors, 1, FEATURES_N, &s);
    assert_true(s.lower <= s.probability && s.probability <= s.upper);
    assert_true(s.upper - s.lower > 0 && s.upper - s.lower < 0.5f);
    assert_true(margin_same(s.margin, ((const float *)(const void *)rows.margins.at)[0]));
    model_free(made);
    adopt_rows_fini(&rows);
    adopted_fini(&m);
    world_free(w);
}

static void bad_rows_are_named(void **state)
{
    static const struct {
        const char *row, *because;
    } cases[] = {
        {"x,1,1,1,1,1,1", ":3002: 7 columns instead of 9"},
        {"x,1,1,1,1,much,1,s,2025-01-01T00:00:00Z", ":3002: hour_sin: not a number"},
        {"x,1,1,1,1,1e99,1,s,2025-01-01T00:00:00Z", ":3002: hour_sin: not a number"},
        {"x,1,1,1,1,1,yes,s,2025-01-01T00:00:00Z", ":3002: label: neither 0 nor 1"},
        {"x,1,1,1,1,1,1,s,today", ":3002: ts: not a time"},
    };
    (void)state;
    struct world *w = world_new("binary:logistic", "gbtree", true);
    struct adopted m;
    struct adopt_rows rows;
    struct err e = {0};
    assert_true(adopt_read(&m, buf_as_str(&w->json), &e));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        csv_write(w, csv_path, cases[i].row);
        assert_false(adopt_rows_read(&rows, &m, csv_path, &e));
        if (strstr(e.text, cases[i].because) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].because);
    }
    FILE *f = fopen(csv_path, "w");
    assert_non_null(f);
    (void)fprintf(f, "cart_value,session_duration_s,event_index,hour_sin,label\n");
    assert_int_equal(fclose(f), 0);
    assert_false(adopt_rows_read(&rows, &m, csv_path, &e));
    assert_non_null(strstr(e.text, ":1: price_current: the model asks for it"));
    assert_false(adopt_rows_read(&rows, &m, "/nowhere/at.csv", &e));
    assert_int_equal(err_exit(&e), EXIT_CODE_IO);
    adopted_fini(&m);
    world_free(w);
}

static int setup(void **state)
{
    (void)state;
    return close(mkstemp(csv_path));
}

static int teardown(void **state)
{
    (void)state;
    return unlink(csv_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predicts_what_xgboost_predicts),
        cmocka_unit_test(logistic_is_close_everywhere),
        cmocka_unit_test(other_models_are_refused),
        cmocka_unit_test(names_must_be_ours),
        cmocka_unit_test(without_names_columns_are_in_order),
        cmocka_unit_test(rows_calibrate),
        cmocka_unit_test(bad_rows_are_named),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("adopt", tests, setup, teardown);
}
