/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of addresses, and the parameters of their queries. */
#include "collector/url.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void addresses_have_parts(void **state)
{
    static const struct {
        const char *address, *host, *path, *query;
    } rows[] = {
        {"https://www.shop.example/a/b?c#d", "shop.example", "/a/b", "c"},
        {"http://user@shop.example:8080", "shop.example", "", ""},
        {"http://a@b@shop.example./x", "shop.example", "/x", ""},
        {"https://WWW.Shop.example/", "Shop.example", "/", ""},
        {"https://shop.example?x=/y", "shop.example", "", "x=/y"},
        {"https://shop.example/#x?y", "shop.example", "/", ""},
        {"https://shop.example/?a?b", "shop.example", "/", "a?b"},
        {"https://[::1]:80/x", "[::1]", "/x", ""},
        {"https://[::1/x", "", "/x", ""},
        {"https://[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", "", ""},
        {"https://[11111111111111111111111111111111111111111111111]/", "", "/", ""},
        {"https://www./x", "www", "/x", ""},
        {"https://a b/", "", "/", ""},
        {"https://a%20b/", "", "/", ""},
        {"android-app://com.app/https/x", "com.app", "/https/x", ""},
        {"/only/a/path?q", "", "", "q"},
        {"mailto:x@y", "", "", ""},
        {"https://", "", "", ""},
        {"https:/", "", "", ""},
        {"?", "", "", ""},
        {"", "", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str address = str_of(rows[i].address);
        if (!str_is(url_host(address), rows[i].host) ||
            !str_is(url_path(address), rows[i].path) ||
            !str_is(url_query(address), rows[i].query))
            fail_msg("%s: %.*s, %.*s, %.*s", rows[i].address, STR_ARGS(url_host(address)),
                     STR_ARGS(url_path(address)), STR_ARGS(url_query(address)));
    }
}

static void hosts_are_bounded(void **state)
{
    char address[8 + URL_HOST_MAX + 1];
    (void)state;
    memset(address, 'a', sizeof address);
    for (size_t i = 0; i < 8; i++)
        address[i] = "https://"[i];
    assert_int_equal(url_host(str_over(address, sizeof address - 1)).len, URL_HOST_MAX);
    assert_int_equal(url_host(str_over(address, sizeof address)).len, 0);
}

static void hosts_are_near(void **state)
{
    (void)state;
    assert_true(url_is_near(STR("shop.example"), STR("SHOP.example")));
    assert_true(url_is_near(STR("m.shop.example"), STR("shop.example")));
    assert_true(url_is_near(STR("shop.example"), STR("m.Shop.example")));
    assert_false(url_is_near(STR("workshop.example"), STR("shop.example")));
    assert_false(url_is_near(STR("a.shop.example"), STR("b.shop.example")));
    assert_false(url_is_near(STR(""), STR("")));
    assert_false(url_is_near(STR("shop.example"), STR("")));
    assert_true(url_is_app(STR("android-app://x")) && url_is_app(STR("ios-app://5/x")));
    assert_false(url_is_app(STR("https://android-app")));
}

static void parameters_come_one_by_one(void **state)
{
    static const char *const wanted[][2] = {
        {"a", "1"}, {"b", ""}, {"c", ""}, {"d", "x=y"}, {"e%20", "+"}};
    struct str query = STR("a=1&&b&c=&=5&d=x=y&e%20=+"), name, value;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        assert_true(url_next(&query, &name, &value));
        assert_true(str_is(name, wanted[i][0]) && str_is(value, wanted[i][1]));
    }
    assert_false(url_next(&query, &name, &value));
}

static void values_mean_texts(void **state)
{
    static const struct {
        const char *raw, *text; /* NULL: none */
    } rows[] = {
        {"plain", "plain"},
        {"a+b", "a b"},
        {"a%20b%2Bc", "a b+c"},
        {"%e2%82%AC", "\xe2\x82\xac"},
        {"100%", "100%"},
        {"%4", "%4"},
        {"%g1", "%g1"},
        {"%%41", "%A"},
        {"", NULL},
        {"a%00b", NULL},
        {"%FF", NULL},
        {"%C3", NULL},
        {"%C0%80", NULL},
        {"%ED%A0%80", NULL},
        {"\xff", NULL},
    };
    struct arena a = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = STR("untouched");
        bool is_text = url_text(str_of(rows[i].raw), &a, &text);
        if (is_text != (rows[i].text != NULL) ||
            !str_is(text, rows[i].text ? rows[i].text : "untouched"))
            fail_msg("%s: %.*s", rows[i].raw, STR_ARGS(text));
    }
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_parts), cmocka_unit_test(hosts_are_bounded),
        cmocka_unit_test(hosts_are_near),       cmocka_unit_test(parameters_come_one_by_one),
        cmocka_unit_test(values_mean_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
