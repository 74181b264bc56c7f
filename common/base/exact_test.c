/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/exact.h"

#include "common/base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { TRIALS = 200000 };

static void log2_is_the_library_s(void **state)
{
    (void)state;
    struct rng rng = rng_stream(1, 1);
    for (unsigned i = 0; i < TRIALS; i++) {
        double x = ldexp(0.5 + rng_unit(&rng), (int)rng_below(&rng, 2000) - 1000);
        assert_true(fabs(exact_log2(x) - log2(x)) <= 1e-14 * fmax(1, fabs(log2(x))));
    }
    assert_true(exact_log2(1) == 0 && exact_log2(2) == 1 && exact_log2(0.25) == -2);
    assert_true(exact_log2(1024) == 10);
}

static void exp2_is_the_library_s(void **state)
{
    (void)state;
    struct rng rng = rng_stream(1, 2);
    for (unsigned i = 0; i < TRIALS; i++) {
        double x = 2044 * rng_unit(&rng) - 1021;
        assert_true(fabs(exact_exp2(x) - exp2(x)) <= 1e-14 * exp2(x));
    }
    assert_true(exact_exp2(0) == 1 && exact_exp2(-3) == 0.125 && exact_exp2(1023) == 0x1p1023);
    assert_true(isfinite(exact_exp2(1023.999)));
    assert_true(exact_exp2(-1023) == 0 && isinf(exact_exp2(1024)) &&
                isnan(exact_exp2((double)NAN)));
    assert_true(isinf(exact_exp2((double)INFINITY)) && exact_exp2(-(double)INFINITY) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log2_is_the_library_s),
        cmocka_unit_test(exp2_is_the_library_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
