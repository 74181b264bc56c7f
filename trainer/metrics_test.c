/* SPDX-License-Identifier: Apache-2.0 */
/* Expected numbers are those of scikit-learn 1.9.1 over the same 500 rows: roc_auc_score,
 * average_precision_score, brier_score_loss, log_loss (of scores kept 1e-7 off 0 and 1),
 * confusion_matrix, f1_score over all thresholds; ECE by numpy over 15 bins ceil(15 s) - 1. */
#include "trainer/metrics.h"
#include "trainer/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect_near(double got, double expected)
{
    if (!(fabs(got - expected) < 1e-12))
        fail_msg("%.17g instead of %.17g", got, expected);
}

static void test_equals_scikit_learn(void **state)
{
    float scores[SAMPLE_ROWS];
    uint8_t labels[SAMPLE_ROWS];
    (void)state;
    sample_fill(scores, labels);
    expect_near(metric_auc(scores, labels, SAMPLE_ROWS), 0.82105252622307623);
    expect_near(metric_ap(scores, labels, SAMPLE_ROWS), 0.63856687636873477);
    expect_near(metric_brier(scores, labels, SAMPLE_ROWS), 0.19960058593749999);
    expect_near(metric_logloss(scores, labels, SAMPLE_ROWS), 0.58920930229303714);
    expect_near(metric_ece(scores, labels, SAMPLE_ROWS), 0.2146875);
    struct confusion c = metric_confusion(scores, labels, SAMPLE_ROWS, 0.5f);
    assert_true(c.tn == 234 && c.fp == 128 && c.fn == 26 && c.tp == 112);
    float threshold = metric_best_f1(scores, labels, SAMPLE_ROWS);
    assert_true(threshold == 0.59375f);
    c = metric_confusion(scores, labels, SAMPLE_ROWS, threshold);
    expect_near(confusion_f1(&c), 0.625);
}

static void test_ends(void **state)
{
    static const float scores[] = {0.1f, 0.2f, 0.8f, 0.9f}, same[] = {0.5f, 0.5f, 0.5f, 0.5f};
    static const uint8_t right[] = {0, 0, 1, 1}, wrong[] = {1, 1, 0, 0}, none[] = {0, 0, 0, 0};
    static const float sure[] = {0, 0, 1, 1};
    (void)state;
    expect_near(metric_auc(scores, right, 4), 1);
    expect_near(metric_auc(scores, wrong, 4), 0);
    expect_near(metric_auc(same, right, 4), 0.5);
    assert_true(isnan(metric_auc(scores, none, 4)));
    assert_true(isnan(metric_ap(scores, none, 4)));
    expect_near(metric_ap(same, right, 4), 0.5);
    expect_near(metric_ece(sure, right, 4), 0);
    expect_near(metric_ece(sure, wrong, 4), 1);
    assert_true(metric_best_f1(scores, none, 4) == 1);
    assert_true(isnan(metric_brier(scores, right, 0)));
    assert_true(isfinite(metric_logloss(sure, wrong, 4)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_scikit_learn),
        cmocka_unit_test(test_ends),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
