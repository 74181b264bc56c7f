/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/kern/isotonic.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const float x[] = {-3.0f, -1.0f, 0.0f, 2.5f};
static const float value[] = {0.01f, 0.01f, 0.25f, 1.0f};
static const float lower[] = {0.0f, 0.005f, 0.2f, 0.9f};
static const float upper[] = {0.02f, 0.03f, 0.3f, 1.0f};
static const struct isotonic sound = {4, x, value, lower, upper};

static void test_interpolates(void **state)
{
    static const struct {
        float at, p, lower, upper;
    } cases[] = {
        {-INFINITY, 0.01f, 0, 0.02f},
        {-3, 0.01f, 0, 0.02f},
        {-2, 0.01f, 0.0025f, 0.025f},
        {-1, 0.01f, 0.005f, 0.03f},
        {-0.5f, 0.13f, 0.1025f, 0.165f},
        {0, 0.25f, 0.2f, 0.3f},
        {1.25f, 0.625f, 0.55f, 0.65f},
        {2.5f, 1, 0.9f, 1},
        {99, 1, 0.9f, 1},
        {INFINITY, 1, 0.9f, 1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct calibrated y = isotonic_at(&sound, cases[i].at);
        assert_float_equal(y.p, cases[i].p, 1e-6);
        assert_float_equal(y.lower, cases[i].lower, 1e-6);
        assert_float_equal(y.upper, cases[i].upper, 1e-6);
    }
}

static void test_never_falls(void **state)
{
    struct rng rng = {7};
    (void)state;
    for (int i = 0; i < 100000; i++) {
        float a = (float)(rng_unit(&rng) * 8 - 4), b = nextafterf(a, INFINITY);
        if (i % 2 == 0)
            b = a + (float)rng_unit(&rng);
        struct calibrated low = isotonic_at(&sound, a), high = isotonic_at(&sound, b);
        assert_true(low.p <= high.p);
        assert_true(low.lower <= low.p && low.p <= low.upper);
    }
}

static void test_one_knot_is_a_constant(void **state)
{
    static const struct isotonic one = {1, x, value, lower, upper};
    (void)state;
    assert_true(isotonic_at(&one, -99).p == 0.01f);
    assert_true(isotonic_at(&one, 99).p == 0.01f);
}

static void test_refuses(void **state)
{
    static const float equal[] = {-3, -3, 0, 2.5f}, no_number[] = {-3, NAN, 0, 2.5f};
    static const float endless[] = {-3, -1, 0, INFINITY}, falling[] = {0.02f, 0.01f, 0.25f, 1};
    static const float above[] = {0.02f, 0.03f, 0.3f, 1.5f}, below[] = {-1, 0.005f, 0.2f, 0.9f};
    static const float crossed[] = {0.0f, 0.02f, 0.2f, 0.9f};
    static const float narrow[] = {0.02f, 0.03f, 0.2f, 1};
    const struct isotonic cases[] = {
        {0, x, value, lower, upper},       {ISOTONIC_MAX + 1, x, value, lower, upper},
        {4, equal, value, lower, upper},   {4, no_number, value, lower, upper},
        {4, endless, value, lower, upper}, {4, x, falling, lower, upper},
        {4, x, no_number, lower, upper},   {4, x, value, lower, above},
        {4, x, value, below, upper},       {4, x, value, crossed, upper},
        {4, x, value, lower, narrow},      {4, x, value, no_number, upper},
    };
    struct err e = {0};
    (void)state;
    assert_true(isotonic_check(&sound, &e));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_false(isotonic_check(&cases[i], &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interpolates),
        cmocka_unit_test(test_never_falls),
        cmocka_unit_test(test_one_knot_is_a_constant),
        cmocka_unit_test(test_refuses),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("isotonic", tests, NULL, NULL);
}
