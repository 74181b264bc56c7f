/* SPDX-License-Identifier: Apache-2.0 */
/* effect_test - what is said of two arms, and that shares which chance does not give are told.
 */
#include "ctl/effect.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* An arm of visitors who each had the chance p to be held out. */
static struct arm arm_of(uint64_t met, uint64_t known, uint64_t converted, double p)
{
    return (struct arm){.met = met,
                        .known = known,
                        .converted = converted,
                        .value = 10.0 * (double)converted,
                        .value_squares = 100.0 * (double)converted,
                        .chance = p * (double)met,
                        .variance = p * (1 - p) * (double)met};
}

static void says(struct arm treated, struct arm held, const char *wanted)
{
    struct effect e;
    struct buf text = {0};
    effect_judge(&e, &treated, &held);
    effect_sentence(&text, &e, &treated, &held);
    buf_byte(&text, ' ');
    effect_ratio_sentence(&text, &e, &treated, &held);
    assert_string_equal(buf_cstr(&text), wanted);
    buf_fini(&text);
}

static void test_sentences(void **state)
{
    (void)state;
    says(arm_of(900, 900, 90, 0.1), arm_of(100, 100, 1, 0.1),
         "Distinguishable from nothing: treated visitors convert more often. 10.0 % of "
         "visitors were held "
         "out, 10.0 % was due: as chance has it (+0.0 standard deviations).");
    says(arm_of(900, 900, 9, 0.1), arm_of(100, 100, 10, 0.1),
         "Distinguishable from nothing: treated visitors convert less often. 10.0 % of "
         "visitors were held "
         "out, 10.0 % was due: as chance has it (+0.0 standard deviations).");
    says(arm_of(900, 900, 90, 0.1), arm_of(100, 100, 9, 0.1),
         "Not distinguishable from nothing: the interval holds 0. 10.0 % of visitors were held "
         "out, 10.0 % was "
         "due: as chance has it (+0.0 standard deviations).");
    says(arm_of(900, 900, 90, 0.1), arm_of(200, 200, 1, 0.1),
         "Distinguishable from nothing: treated visitors convert more often. 18.2 % of "
         "visitors were held out, "
         "10.0 % was due: chance does not do that (+9.0 standard deviations). Do not trust the "
         "comparison "
         "before you know why.");
    says(arm_of(9, 9, 2, 0.1), arm_of(1, 0, 0, 0.1),
         "Nothing can be told yet: the window of nobody held out is over. 10.0 % of visitors "
         "were held out, "
         "10.0 % was due; too few to check.");
    says(arm_of(9, 0, 0, 0.1), arm_of(1, 1, 0, 0.1),
         "Nothing can be told yet: the window of nobody treated is over. 10.0 % of visitors "
         "were held out, "
         "10.0 % was due; too few to check.");
    says(arm_of(9, 9, 3, 0), arm_of(0, 0, 0, 0),
         "Nobody is held out, so there is nothing to compare with. 0.0 % of visitors were held "
         "out, 0.0 % was due; "
         "too few to check.");
}

/* Against a computation by hand: 4 of 10 spend 10, 1 of 5 spends 10. */
static void test_value(void **state)
{
    struct arm treated = arm_of(10, 10, 4, 0.3), held = arm_of(5, 5, 1, 0.3);
    struct effect e;
    (void)state;
    effect_judge(&e, &treated, &held);
    assert_true(fabs(arm_value(&treated) - 4) < 1e-12 && fabs(arm_value(&held) - 2) < 1e-12);
    /* variances 240/9 and 80/4, of the means 2.6667 and 4: 1.96 sqrt(6.6667) = 5.0606 */
    assert_true(fabs(e.value.lower - (2 - 5.0606)) < 1e-4);
    assert_true(fabs(e.value.upper - (2 + 5.0606)) < 1e-4);
    assert_true(isnan(arm_rate(&(struct arm){0})));
    held = arm_of(1, 1, 1, 0.3);
    effect_judge(&e, &treated, &held);
    assert_true(isnan(e.value.lower) && !isnan(e.value.value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_value),
    };
    return cmocka_run_group_tests_name("effect", tests, NULL, NULL);
}
