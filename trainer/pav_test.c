/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks are those of scikit-learn 1.9.1's IsotonicRegression over the same 500 rows, Wilson's
 * intervals those of statsmodels' proportion_confint(method="wilson"). */
#include "common/base/err.h"
#include "common/base/rng.h"
#include "trainer/pav.h"
#include "trainer/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_equals_scikit_learn(void **state)
{
    static const struct {
        uint64_t n, positives;
    } expected[] = {{70, 0},  {36, 2},  {10, 1}, {74, 8},  {41, 7}, {71, 15}, {55, 18},
                    {28, 12}, {35, 19}, {15, 9}, {16, 10}, {14, 9}, {27, 20}, {8, 8}};
    float scores[SAMPLE_ROWS];
    uint8_t labels[SAMPLE_ROWS];
    struct pav_block blocks[SAMPLE_ROWS];
    (void)state;
    sample_fill(scores, labels);
    assert_int_equal(pav_fit(scores, labels, SAMPLE_ROWS, blocks), ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_int_equal(blocks[i].n, expected[i].n);
        assert_int_equal(blocks[i].positives, expected[i].positives);
    }
}

static void test_wilson(void **state)
{
    static const struct {
        uint64_t k, n;
        double lower, upper;
    } cases[] = {
        {0, 30, 0, 0.113513393173969},
        {1, 30, 0.00590859038161246, 0.166703909914092},
        {15, 30, 0.331541256405338, 0.668458743594662},
        {30, 30, 0.886486606826031, 1},
        {7, 1000, 0.00339486840099077, 0.0143783154657666},
        {123456, 500000, 0.245718702130996, 0.248109186747647},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double lower, upper;
        wilson_interval(cases[i].k, cases[i].n, &lower, &upper);
        assert_true(fabs(lower - cases[i].lower) < 1e-12);
        assert_true(fabs(upper - cases[i].upper) < 1e-12);
    }
}

/* Whatever is fitted, the knots pass the check that a model makes of them. */
static void test_knots_are_sound(void **state)
{
    enum { N = 4000 };
    static float margins[N];
    static uint8_t labels[N];
    static struct pav_block blocks[N];
    struct rng rng = {4};
    (void)state;
    for (int round = 0; round < 60; round++) {
        size_t n = 1 + rng_below(&rng, N);
        for (size_t i = 0; i < n; i++) {
            double m = rng_unit(&rng) * 12 - 6;
            margins[i] =
                round % 3 ? (float)m : nextafterf(1, (float)(i % 3)); /* all but equal */
            labels[i] = rng_unit(&rng) < 1 / (1 + exp(-m));
        }
        uint64_t least = round % 2 ? 30 : 1, rows = 0;
        size_t n_blocks = pav_fit(margins, labels, n, blocks);
        for (size_t i = 0; i < n_blocks; i++)
            rows += blocks[i].n;
        assert_int_equal(rows, n);
        struct pav_knots k;
        struct err e = {0};
        pav_knots_init(&k, blocks, n_blocks, least);
        assert_true(isotonic_check(&k.knots, &e));
        assert_true(k.knots.n <= n / least || k.knots.n == 1);
        pav_knots_fini(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_scikit_learn),
        cmocka_unit_test(test_wilson),
        cmocka_unit_test(test_knots_are_sound),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("pav", tests, NULL, NULL);
}
