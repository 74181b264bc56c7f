/* SPDX-License-Identifier: Apache-2.0 */
/* Golden numbers: GNU date 9.1. */
#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_days_and_dates_agree(void **state)
{
    (void)state;
    assert_int_equal(clock_days(1970, 1, 1), 0);
    assert_int_equal(clock_days(2000, 2, 29), 11016);
    assert_int_equal(clock_days(2019, 10, 1), 18170);
    assert_int_equal(clock_days(1969, 12, 31), -1);
    assert_int_equal(clock_days(0, 3, 1), -719468);
    for (int64_t days = -800000; days < 3000000; days += 13) {
        int year;
        unsigned month, day;
        clock_civil(days, &year, &month, &day);
        assert_true(month >= 1 && month <= 12 && day >= 1 && day <= 31);
        assert_int_equal(clock_days(year, month, day), days);
    }
}

static void test_parses(void **state)
{
    static const struct {
        struct str text;
        int64_t us;
    } cases[] = {
        {STR("1970-01-01T00:00:00Z"), 0},
        {STR("2019-10-01T00:00:00.123456Z"), 1569888000123456},
        {STR("2019-10-01 00:00:00 UTC"), 1569888000000000},
        {STR("2019-10-01"), 1569888000000000},
        {STR("2019-10-01t00:00:00z"), 1569888000000000},
        {STR("2019-10-01T00:00Z"), 1569888000000000},
        {STR("2019-10-01T00:00:00"), 1569888000000000},
        {STR("2019-10-01T02:00:00+02:00"), 1569888000000000},
        {STR("2019-09-30T18:30:00-0530"), 1569888000000000},
        {STR("2019-10-01T00:00:00.5Z"), 1569888000500000},
        {STR("2019-10-01T00:00:00,000001999Z"), 1569888000000001},
        {STR("2016-12-31T23:59:60Z"), 1483228799000000},
        {STR("2000-02-29T23:59:59.999999Z"), 951868799999999},
        {STR("9999-12-31T23:59:59Z"), 253402300799000000},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t us = -1;
        assert_true(clock_parse(cases[i].text, &us));
        assert_true(us == cases[i].us);
    }
}

static void test_refuses(void **state)
{
    static const struct str cases[] = {
        STR(""),
        STR("now"),
        STR("2019"),
        STR("2019-10"),
        STR("2019-13-01"),
        STR("2019-00-01"),
        STR("2019-02-29"),
        STR("2019-04-31"),
        STR("2019-10-32"),
        STR("1969-12-31T23:59:59Z"),
        STR("19-10-01T00:00:00Z"),
        STR("2019-10-01T"),
        STR("2019-10-01T24:00:00Z"),
        STR("2019-10-01T00:60:00Z"),
        STR("2019-10-01T00:00:61Z"),
        STR("2019-10-01T00:00:00.Z"),
        STR("2019-10-01T00:00:00.1234567890Z"),
        STR("2019-10-01T00:00:00ZZ"),
        STR("2019-10-01T00:00:00 GMT"),
        STR("2019-10-01T00:00:00+24:00"),
        STR("2019-10-01T00:00:00+02:60"),
        STR("2019-10-01T00:00:00+2"),
        STR("2019-10-01T00:00:00\0"),
        STR("2019-10-01\0"),
        STR("2019/10/01"),
        STR(" 2019-10-01"),
        STR("-2019-10-01"),
        STR("9999-12-31T23:59:59-00:01"),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t us = 42;
        assert_false(clock_parse(cases[i], &us));
        assert_int_equal(us, 42);
    }
}

static void test_formats(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {1569888000123456, "2019-10-01T00:00:00.123456Z"},
        {951868799999999, "2000-02-29T23:59:59.999999Z"},
        {253402300799999999, "9999-12-31T23:59:59.999999Z"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[CLOCK_TEXT];
        int64_t us;
        clock_format(cases[i].us, text);
        assert_string_equal(text, cases[i].text);
        if (cases[i].us >= 0) {
            assert_true(clock_parse(str_of(text), &us));
            assert_true(us == cases[i].us);
        }
    }
}

static void test_floors_below_zero(void **state)
{
    (void)state;
    assert_int_equal(clock_floor(-1, 10), -1);
    assert_int_equal(clock_floor(-10, 10), -1);
    assert_int_equal(clock_floor(-11, 10), -2);
    assert_int_equal(clock_floor(9, 10), 0);
    assert_int_equal(clock_floor(10, 10), 1);
}

static void test_clocks_run(void **state)
{
    (void)state;
    int64_t before_us = clock_mono_us(), wall_us = clock_wall_us();
    assert_true(clock_mono_us() >= before_us);
    assert_true(wall_us > clock_days(2024, 1, 1) * DAY_US &&
                wall_us < clock_days(2200, 1, 1) * DAY_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_and_dates_agree),
        cmocka_unit_test(test_parses),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_floors_below_zero),
        cmocka_unit_test(test_clocks_run),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
