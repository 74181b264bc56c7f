/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/model/model.h"
#include "trainer/invent.h"
#include "trainer/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 12000, FEATURES = 9 };

static struct train_options options_of(uint64_t seed)
{
    struct train_options o = {boost_defaults, "invented", "conversion", 77, NULL, NULL};
    o.boost.seed = seed;
    o.boost.depth = 4;
    return o;
}

static void train_ok(const struct train_set *set, uint64_t seed, struct trained *t)
{
    struct train_options o = options_of(seed);
    struct err e = {0};
    if (!train_run(set, &o, t, &e))
        fail_msg("%s", e.text);
}

/* The container scores any row, and reaches what the truth itself reaches on the test part. */
static void test_finds_the_truth(void **state)
{
    struct invented v;
    struct trained t;
    struct err e = {0};
    (void)state;
    invent(&v, 1, ROWS, FEATURES);
    train_ok(&v.set, 1, &t);
    const struct part_facts *test = &t.report.parts[PART_TEST];
    size_t start = ROWS - test->rows; /* invented rows come in order of time */
    double best = metric_auc(v.truth + start, v.labels + start, test->rows);
    assert_true(t.report.auc > best - 0.02);
    assert_true(t.report.ece < 0.03 && t.report.brier < t.report.brier_base);

    struct model *m = model_load(t.container.at, t.container.len, &e);
    assert_non_null(m);
    assert_string_equal(model_head(m)->name, "invented");
    assert_string_equal(model_head(m)->kind, "conversion");
    assert_true(model_head(m)->features_hash == 77 && model_head(m)->n_features == FEATURES);
    assert_true(model_head(m)->data_from_us == 1000000000000);
    assert_true(str_eq(model_metrics(m), buf_as_str(&t.metrics)));
    auto_free struct score *scores = mem_zero(test->rows, sizeof *scores);
    auto_free float *margins = mem_zero(test->rows, sizeof *margins);
    model_score(m, v.x + start * FEATURES, test->rows, FEATURES, scores);
    for (size_t i = 0; i < test->rows; i++)
        margins[i] = scores[i].margin;
    assert_true(metric_auc(margins, v.labels + start, test->rows) == t.report.auc);
    model_free(m);
    trained_fini(&t);
    invented_fini(&v);
}

static void test_same_bytes_twice(void **state)
{
    struct invented v;
    struct trained a, b, other;
    (void)state;
    invent(&v, 2, ROWS, FEATURES);
    train_ok(&v.set, 5, &a);
    train_ok(&v.set, 5, &b);
    train_ok(&v.set, 6, &other);
    assert_int_equal(a.container.len, b.container.len);
    assert_memory_equal(a.container.at, b.container.at, a.container.len);
    assert_false(str_eq(buf_as_str(&a.container), buf_as_str(&other.container)));
    trained_fini(&a);
    trained_fini(&b);
    trained_fini(&other);
    invented_fini(&v);
}

static void swap_rows(struct invented *v, size_t i, size_t k)
{
    float x[FEATURES];
    memcpy(x, v->x + i * FEATURES, sizeof x);
    memmove(v->x + i * FEATURES, v->x + k * FEATURES, sizeof x);
    memcpy(v->x + k * FEATURES, x, sizeof x);
#define SWAP(a)                         \
    do {                                \
        __typeof__(*(a)) kept = (a)[i]; \
        (a)[i] = (a)[k];                \
        (a)[k] = kept;                  \
    } while (0)
    SWAP(v->labels);
    SWAP(v->order);
    SWAP(v->group);
    SWAP(v->seq);
#undef SWAP
}

/* The order in which a database hands rows out changes nothing. */
static void test_order_of_rows_does_not_matter(void **state)
{
    struct invented v;
    struct trained a, b;
    struct rng rng = {9};
    (void)state;
    invent(&v, 3, ROWS, FEATURES);
    train_ok(&v.set, 1, &a);
    for (uint32_t i = ROWS - 1; i > 0; i--)
        swap_rows(&v, i, rng_below(&rng, i + 1));
    train_ok(&v.set, 1, &b);
    assert_true(str_eq(buf_as_str(&a.container), buf_as_str(&b.container)));
    trained_fini(&a);
    trained_fini(&b);
    invented_fini(&v);
}

static void expect_refused(const struct train_set *set, const char *because)
{
    struct train_options o = options_of(1);
    struct trained t;
    struct err e = {0};
    assert_false(train_run(set, &o, &t, &e));
    if (strstr(e.text, because) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.text, because);
    assert_null(t.container.at);
}

static void test_refuses_what_cannot_be_trained(void **state)
{
    struct invented v;
    (void)state;
    invent(&v, 4, ROWS, FEATURES);
    struct train_set few = v.set;
    few.n = TRAIN_ROWS_LEAST - 1;
    expect_refused(&few, "199 rows are too few");
    v.x[17 * FEATURES + 2] = INFINITY;
    expect_refused(&v.set, "row 17: feature invented is infinite");
    v.x[17 * FEATURES + 2] = 0;
    memset(v.labels + ROWS * 9 / 10, 0, ROWS / 10);
    memset(v.labels + ROWS * 84 / 100, 0, ROWS / 10);
    expect_refused(&v.set, "the test part has one class only: 0 positives");
    memset(v.labels, 1, ROWS);
    expect_refused(&v.set, "the training part has one class only");
    invented_fini(&v);
}

/* Early stopping: noise is not worth a tree beyond the first few. */
static void test_stops_on_noise(void **state)
{
    struct invented v;
    struct trained t;
    struct rng rng = {5};
    (void)state;
    invent(&v, 5, ROWS, FEATURES);
    for (size_t i = 0; i < ROWS; i++)
        v.labels[i] = rng_below(&rng, 10) == 0;
    train_ok(&v.set, 1, &t);
    assert_true(t.report.n_trees < 40);
    trained_fini(&t);
    invented_fini(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_the_truth),
        cmocka_unit_test(test_same_bytes_twice),
        cmocka_unit_test(test_order_of_rows_does_not_matter),
        cmocka_unit_test(test_refuses_what_cannot_be_trained),
        cmocka_unit_test(test_stops_on_noise),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
