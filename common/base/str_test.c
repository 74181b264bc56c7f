/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/str.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_compares(void **state)
{
    static const struct {
        struct str a, b;
        int order;
    } cases[] = {
        {STR(""), STR(""), 0},      {STR("a"), STR("a"), 0},    {STR("a"), STR("b"), -1},
        {STR("b"), STR("a"), 1},    {STR("a"), STR("ab"), -1},  {STR("ab"), STR("a"), 1},
        {STR("\xff"), STR("a"), 1}, {STR("a\0a"), STR("a"), 1}, {STR(""), STR("a"), -1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int order = str_cmp(cases[i].a, cases[i].b);
        assert_int_equal((order > 0) - (order < 0), cases[i].order);
        assert_int_equal(str_eq(cases[i].a, cases[i].b), cases[i].order == 0);
    }
    assert_true(str_eq((struct str){NULL, 0}, STR("")));
    assert_true(str_is(STR("word"), "word") && !str_is(STR("word"), "words"));
}

static void test_finds(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")) && str_starts(STR("abc"), STR("")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("bc")) && str_ends(STR("abc"), STR("")));
    assert_false(str_ends(STR("bc"), STR("abc")));
    assert_true(str_has_nocase(STR("Mozilla/5.0 (iPhone)"), STR("IPHONE")));
    assert_true(str_has_nocase(STR("ab"), STR("AB")) && str_has_nocase(STR("x"), STR("")));
    assert_false(str_has_nocase(STR("iPhon"), STR("iphone")));
    assert_true(str_eq_nocase(STR("Ab[`z"), STR("aB[`Z")));
    assert_false(str_eq_nocase(STR("["), STR("{"))); /* 0x20 apart, but no letters */
}

static void test_trims_and_cuts(void **state)
{
    struct str rest;
    (void)state;
    assert_true(str_is(str_trim(STR(" \t a b\r\n")), "a b"));
    assert_int_equal(str_trim(STR(" \n ")).len, 0);
    assert_true(str_is(str_cut(STR("a=b=c"), '=', &rest), "a") && str_is(rest, "b=c"));
    assert_true(str_is(str_cut(STR("abc"), '=', &rest), "abc") && rest.at == NULL);
    assert_true(str_is(str_cut(STR("abc="), '=', &rest), "abc"));
    assert_true(rest.at != NULL && rest.len == 0);
    assert_int_equal(str_cut((struct str){NULL, 0}, '=', &rest).len, 0);
}

static void test_reads_whole_numbers(void **state)
{
    static const struct {
        struct str text;
        bool is_u64, is_i64;
        uint64_t u;
        int64_t i;
    } cases[] = {
        {STR("0"), true, true, 0, 0},
        {STR("007"), true, true, 7, 7},
        {STR("9223372036854775807"), true, true, INT64_MAX, INT64_MAX},
        {STR("9223372036854775808"), true, false, (uint64_t)INT64_MAX + 1, 0},
        {STR("18446744073709551615"), true, false, UINT64_MAX, 0},
        {STR("18446744073709551616"), false, false, 0, 0},
        {STR("99999999999999999999"), false, false, 0, 0},
        {STR("-1"), false, true, 0, -1},
        {STR("-9223372036854775808"), false, true, 0, INT64_MIN},
        {STR("-9223372036854775809"), false, false, 0, 0},
        {STR(""), false, false, 0, 0},
        {STR("-"), false, false, 0, 0},
        {STR("--1"), false, false, 0, 0},
        {STR("+1"), false, false, 0, 0},
        {STR(" 1"), false, false, 0, 0},
        {STR("1\0"), false, false, 0, 0},
        {STR("0x1"), false, false, 0, 0},
        {STR("1e3"), false, false, 0, 0},
    };
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        uint64_t u = 42;
        int64_t i = 42;
        assert_int_equal(str_u64(cases[k].text, &u), cases[k].is_u64);
        assert_int_equal(str_i64(cases[k].text, &i), cases[k].is_i64);
        assert_true(u == (cases[k].is_u64 ? cases[k].u : 42));
        assert_true(i == (cases[k].is_i64 ? cases[k].i : 42));
    }
}

static void test_reads_decimals(void **state)
{
    static const struct {
        struct str text;
        bool is_good;
        double value;
    } cases[] = {
        {STR("0"), true, 0},         {STR("-1.5"), true, -1.5}, {STR("1e3"), true, 1000},
        {STR("35.79"), true, 35.79}, {STR(".5"), true, 0.5},    {STR("1e999"), false, 0},
        {STR("nan"), false, 0},      {STR("inf"), false, 0},    {STR("0x10"), false, 0},
        {STR("1,5"), false, 0},      {STR(""), false, 0},       {STR("1e"), false, 0},
        {STR(" 1"), false, 0},       {STR("1 "), false, 0},     {STR("1\0"), false, 0},
        {STR("--1"), false, 0},      {STR("1.2.3"), false, 0},  {STR("-"), false, 0},
    };
    static const char ones[] =
        "1111111111111111111111111111111111111111111111111111111111111111";
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        double value = 42;
        assert_int_equal(str_f64(cases[k].text, &value), cases[k].is_good);
        assert_true(value == (cases[k].is_good ? cases[k].value : 42));
    }
    double value;
    assert_true(str_f64(str_over(ones, 63), &value));
    assert_false(str_f64(str_over(ones, 64), &value));
}

/* Rows of Unicode 15, table 3-7, at their borders. */
static void test_knows_utf8(void **state)
{
    static const struct {
        struct str text;
        bool is_good;
    } cases[] = {
        {STR(""), true},
        {STR("plain \x01\x7f"), true},
        {STR("\xc2\x80\xdf\xbf"), true},
        {STR("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), true},
        {STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true},
        {STR("\x80"), false},
        {STR("\xc0\x80"), false},         /* overlong */
        {STR("\xc1\xbf"), false},         /* overlong */
        {STR("\xe0\x9f\xbf"), false},     /* overlong */
        {STR("\xf0\x8f\xbf\xbf"), false}, /* overlong */
        {STR("\xed\xa0\x80"), false},     /* surrogate */
        {STR("\xf4\x90\x80\x80"), false}, /* above U+10FFFF */
        {STR("\xf5\x80\x80\x80"), false},
        {STR("\xc2"), false}, /* cut */
        {STR("\xe2\x82"), false},
        {STR("\xf0\x90\x80"), false},
        {STR("\xe2\x82z"), false},
        {STR("\xc2z"), false},
        {STR("\xff"), false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(str_is_utf8(cases[i].text), cases[i].is_good);
}

static void test_cuts_no_sequence(void **state)
{
    struct str text = STR("a\xe2\x82\xac"
                          "b"); /* a, euro sign, b */
    static const size_t len[] = {0, 1, 1, 1, 4, 5, 5};
    (void)state;
    for (size_t max = 0; max < ARRAY_LEN(len); max++) {
        struct str head = str_head_utf8(text, max);
        assert_int_equal(head.len, len[max]);
        assert_true(str_is_utf8(head));
    }
}

static void test_measures_distance(void **state)
{
    static const struct {
        struct str a, b;
        unsigned d;
    } cases[] = {
        {STR(""), STR(""), 0},
        {STR(""), STR("abc"), 3},
        {STR("kitten"), STR("sitting"), 3},
        {STR("topic_prefx"), STR("topic_prefix"), 1},
        {STR("ab"), STR("ba"), 2},
        {STR("flaw"), STR("lawn"), 2},
    };
    static const char wide[65];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(str_distance(cases[i].a, cases[i].b), cases[i].d);
        assert_int_equal(str_distance(cases[i].b, cases[i].a), cases[i].d);
    }
    assert_int_equal(str_distance(str_over(wide, 64), STR("")), 64);
    assert_int_equal(str_distance(str_over(wide, 65), STR("")), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compares),         cmocka_unit_test(test_finds),
        cmocka_unit_test(test_trims_and_cuts),   cmocka_unit_test(test_reads_whole_numbers),
        cmocka_unit_test(test_reads_decimals),   cmocka_unit_test(test_knows_utf8),
        cmocka_unit_test(test_cuts_no_sequence), cmocka_unit_test(test_measures_distance),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
