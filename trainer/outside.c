/* SPDX-License-Identifier: Apache-2.0 */
/* outside - trains as a data scientist elsewhere would, for test/pipeline/model_test.py:
 * XGBoost alone, on the CSV of `auspex-trainer export`, its model saved as JSON.
 *
 * usage: outside SET.csv MODEL.json ROUNDS. All columns before `label` are features, by name.
 */
#include "common/base/buf.h"
#include "common/base/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <xgboost/c_api.h>

enum { COLUMNS_MAX = 1024 };

struct table {
    const char *names[COLUMNS_MAX];
    size_t n_features, n;
    struct buf x, labels; /* float */
};

static void call(int status)
{
    if (status != 0) {
        (void)fprintf(stderr, "outside: %s\n", XGBGetLastError());
        exit(1);
    }
}

static void header_take(struct table *t, const struct str *fields, size_t n)
{
    while (t->n_features < n && !str_is(fields[t->n_features], "label")) {
        struct buf name = {0};
        buf_str(&name, fields[t->n_features]);
        t->names[t->n_features++] = buf_cstr(&name); /* for as long as the program runs */
    }
    CHECK(t->n_features < n);
}

static void row_take(struct table *t, const struct str *fields)
{
    for (size_t i = 0; i <= t->n_features; i++) {
        double number = (double)NAN;
        CHECK(fields[i].len == 0 || str_f64(fields[i], &number));
        float value = (float)number;
        buf_put(i < t->n_features ? &t->x : &t->labels, &value, sizeof value);
    }
    t->n++;
}

static void table_read(struct table *t, FILE *f)
{
    char *text = NULL;
    size_t cap = 0;
    ssize_t len;
    bool is_header = true;
    while ((len = getline(&text, &cap, f)) > 0) {
        struct str fields[COLUMNS_MAX];
        size_t n = csv_split(str_trim(str_over(text, (size_t)len)), fields, COLUMNS_MAX);
        if (is_header)
            header_take(t, fields, n);
        else
            row_take(t, fields);
        is_header = false;
    }
    free(text);
}

static void train(const struct table *t, const char *rounds, const char *path)
{
    static const char *const options[][2] = {{"objective", "binary:logistic"},
                                             {"tree_method", "hist"},
                                             {"max_depth", "5"},
                                             {"eta", "0.2"},
                                             {"nthread", "1"}};
    const char *names[COLUMNS_MAX];
    DMatrixHandle matrix;
    BoosterHandle booster;
    memcpy(names, t->names, sizeof names);
    call(XGDMatrixCreateFromMat((const void *)t->x.at, t->n, t->n_features, NAN, &matrix));
    call(XGDMatrixSetFloatInfo(matrix, "label", (const void *)t->labels.at, t->n));
    call(XGBoosterCreate(&matrix, 1, &booster));
    call(XGBoosterSetStrFeatureInfo(booster, "feature_name", names, t->n_features));
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        call(XGBoosterSetParam(booster, options[i][0], options[i][1]));
    for (int i = 0; i < atoi(rounds); i++) /* NOLINT(cert-err34-c): a tool of the test */
        call(XGBoosterUpdateOneIter(booster, i, matrix));
    call(XGBoosterSaveModel(booster, path));
    call(XGBoosterFree(booster));
    call(XGDMatrixFree(matrix));
}

int main(int argc, char **argv)
{
    static struct table t;
    FILE *f = argc == 4 ? fopen(argv[1], "r") : NULL;
    if (!f) {
        (void)fprintf(stderr, "usage: outside SET.csv MODEL.json ROUNDS\n");
        return 2;
    }
    table_read(&t, f);
    (void)fclose(f);
    train(&t, argv[3], argv[2]);
    printf("%zu rows of %zu features\n", t.n, t.n_features);
    buf_fini(&t.x);
    buf_fini(&t.labels);
    return 0;
}
