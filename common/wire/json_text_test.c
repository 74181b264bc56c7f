/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, numbers, base64 and structure of JSON text: what is taken, what is refused and why.
 */
#include "common/wire/json_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void strings_lose_their_escapes(void **state)
{
    static const struct {
        const char *inner, *text;
        enum json_fault fault;
    } cases[] = {
        {"plain", "plain", JSON_OK},
        {"", "", JSON_OK},
        {"a\\n\\t\\\"\\\\\\/\\b\\f\\r", "a\n\t\"\\/\b\f\r", JSON_OK},
        {"\\u00e9\\u20AC", "\xc3\xa9\xe2\x82\xac", JSON_OK},
        {"\\ud83d\\ude00", "\xf0\x9f\x98\x80", JSON_OK},
        {"\\ud83d", NULL, JSON_UTF8},
        {"\\ude00", NULL, JSON_UTF8},
        {"\\ud83d\\ud83d", NULL, JSON_UTF8},
        {"\\ud83dx", NULL, JSON_UTF8},
        {"\\ud83d\\n12345", NULL, JSON_UTF8},
        {"a\\u0000b", NULL, JSON_NUL},
        {"\\x41", NULL, JSON_MALFORMED},
        {"\\u12", NULL, JSON_MALFORMED},
        {"\\u12G4", NULL, JSON_MALFORMED},
        {"\\ud83d\\u12", NULL, JSON_UTF8},
        {"\\ud83d\\u12G4", NULL, JSON_MALFORMED},
        {"a\\", NULL, JSON_MALFORMED},
    };
    (void)state;
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str out = {NULL, 0};
        assert_int_equal(json_unescape(str_of(cases[i].inner), &a, &out), cases[i].fault);
        if (cases[i].text)
            assert_true(str_is(out, cases[i].text));
    }
    arena_fini(&a);
}

static void numbers_are_exact(void **state)
{
    static const struct {
        const char *token;
        enum json_fault fault;
        bool is_integer;
        uint64_t bits;
    } cases[] = {
        {"0", JSON_OK, true, 0},
        {"-0", JSON_OK, true, 0},
        {"9007199254740993", JSON_OK, true, 9007199254740993u},
        {"18446744073709551615", JSON_OK, true, UINT64_MAX},
        {"18446744073709551616", JSON_RANGE, true, 0},
        {"-9223372036854775808", JSON_OK, true, (uint64_t)INT64_MIN},
        {"-9223372036854775809", JSON_RANGE, true, 0},
        {"100000000000000000000000000", JSON_RANGE, true, 0},
        {"1.5", JSON_OK, false, 0},
        {"1e5", JSON_OK, false, 0},
        {"1E+05", JSON_OK, false, 0},
        {"1e0000000005", JSON_OK, false, 0},
        {"1e1000", JSON_RANGE, false, 0},
        {"0e-99999999999999", JSON_RANGE, false, 0},
        {"01", JSON_MALFORMED, false, 0},
        {"-01", JSON_MALFORMED, false, 0},
        {"1.", JSON_MALFORMED, false, 0},
        {".5", JSON_MALFORMED, false, 0},
        {"+1", JSON_MALFORMED, false, 0},
        {"-", JSON_MALFORMED, false, 0},
        {"1e", JSON_MALFORMED, false, 0},
        {"1e+", JSON_MALFORMED, false, 0},
        {"0x10", JSON_MALFORMED, false, 0},
        {"NaN", JSON_MALFORMED, false, 0},
        {"1e1000x", JSON_MALFORMED, false, 0},
        {"", JSON_MALFORMED, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_number n;
        assert_int_equal(json_number_scan(str_of(cases[i].token), &n), cases[i].fault);
        if (cases[i].fault == JSON_OK) {
            assert_int_equal(n.is_integer, cases[i].is_integer);
            assert_true(!n.is_integer || n.bits == cases[i].bits);
        }
    }
}

static void structure_is_checked(void **state)
{
    static const char *const good[] = {"0",        " {} ",
                                       "[]",       "[1,[2,{\"a\":[]}],null]",
                                       "\"x\"",    "{\"a\":true,\"b\":{\"c\":false}}",
                                       "[ 1 , 2 ]"};
    static const char *const bad[] = {
        "",     "{",       "[1,]",      "{\"a\"}", "{\"a\":1,}", "[1 2]",    "[}",
        "{]",   "tru",     "[\"\\x\"]", "1 2",     "{1:2}",      "\"a\nb\"", "{\"a\":1}}",
        "[01]", "\"\\u12", "[,1]",      "\"open",  "{,}",        "nul"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(json_is_valid(str_of(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(json_is_valid(str_of(bad[i])));
    char deep[130];
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    assert_true(json_is_valid(str_over(deep + 1, 128)));
    assert_false(json_is_valid(str_over(deep, 130)));
}

static void blanks_go(void **state)
{
    (void)state;
    struct arena a = {0};
    struct str tight = STR("{\"a b\":[1,\"c \\\" d\"]}");
    assert_true(str_eq(json_compact(STR("{ \"a b\" :\n[1,\t\"c \\\" d\" ] }"), &a), tight));
    assert_ptr_equal(json_compact(tight, &a).at, tight.at);
    arena_fini(&a);
}

static void numbers_are_short_and_come_back(void **state)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {249.9, "249.9"},
                 {1.0 / 3, "0.3333333333333333"},
                 {-0.0, "-0"},
                 {17, "17"},
                 {1e22, "1e+22"},
                 {5e-324, "4.94065645841247e-324"},
                 {(double)NAN, "null"},
                 {-HUGE_VAL, "\"-inf\""}};
    (void)state;
    struct buf b = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&b);
        json_put_f64(&b, cases[i].v);
        assert_string_equal(buf_cstr(&b), cases[i].text);
    }
    buf_reset(&b);
    json_put_f32(&b, 0.1f);
    json_put_i64(&b, INT64_MIN);
    json_put_u64(&b, UINT64_MAX);
    assert_string_equal(buf_cstr(&b), "0.1-922337203685477580818446744073709551615");
    buf_fini(&b);
}

static void texts_are_escaped(void **state)
{
    (void)state;
    struct buf b = {0};
    json_put_str(&b, str_over("a\"\\\n\x01\xc3\xa9\x00z", 9));
    assert_string_equal(buf_cstr(&b), "\"a\\\"\\\\\\n\\u0001\xc3\xa9\\u0000z\"");
    buf_reset(&b);
    json_put_str(&b, str_over("a\xff\xe2\x82", 4));
    assert_string_equal(buf_cstr(&b), "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    buf_fini(&b);
}

static void base64_comes_back(void **state)
{
    static const char *const bad[] = {"A",    "AA=A", "A===",  "AA",
                                      "AB==", "AAB=", "A\nAA", "===="};
    (void)state;
    struct buf b = {0};
    struct arena a = {0};
    struct str got;
    char bytes[9] = "\xff\x00\x7f\x80zxcvb";
    for (size_t len = 0; len <= sizeof bytes; len++) {
        buf_reset(&b);
        json_put_base64(&b, str_over(bytes, len));
        assert_true(json_base64(str_over(b.at + 1, b.len - 2), &a, &got));
        assert_true(str_eq(got, str_over(bytes, len)));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(json_base64(str_of(bad[i]), &a, &got));
    arena_fini(&a);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_lose_their_escapes),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(structure_is_checked),
        cmocka_unit_test(blanks_go),
        cmocka_unit_test(numbers_are_short_and_come_back),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(base64_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
