/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a site: what is taken, what is refused with which words, and that they come back
 * as they were. */
#include "collector/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define DIGEST \
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" /* of "test" */
#define KEY(digest) "\"keys\":[{\"prefix\":\"te\",\"sha256\":\"" digest "\"}]"

static void settings_come_back(void **state)
{
    struct arena a = {0};
    struct err e = {0};
    struct buf json = {0};
    struct site s, again;
    struct site_key keys[SITE_KEYS_MAX];
    (void)state;
    assert_true(site_from_json(&s, &a,
                               STR("{\"site\":7,\"name\":\"Shop\"," KEY(
                                   DIGEST) ",\"origins\":\"https://a.example "
                                           "http://localhost:8080\",\"rate\":5,\"newer\":1}"),
                               &e));
    assert_int_equal(site_keys(&s, keys), 1);
    keys[1] = (struct site_key){
        STR("x"), STR("0000000000000000000000000000000000000000000000000000000000000000")};
    site_set_keys(&s, &a, keys, 2);
    site_json(&json, &s);
    assert_true(site_from_json(&again, &a, buf_as_str(&json), &e));
    assert_int_equal(again.site, 7);
    assert_int_equal(again.rate, 5);
    assert_true(str_is(again.name, "Shop"));
    assert_int_equal(site_keys(&again, keys), 2);
    assert_true(str_is(keys[0].sha256, DIGEST) && str_is(keys[0].prefix, "te"));
    assert_true(site_allows(&again, STR("https://a.example")));
    assert_true(site_allows(&again, STR("http://localhost:8080")));
    assert_false(site_allows(&again, STR("http://localhost")));
    assert_false(site_allows(&again, STR("https://b.example")));
    assert_false(site_allows(&again, STR("")));
    buf_fini(&json);
    arena_fini(&a);
}

static void each_fault_is_told(void **state)
{
    static const struct {
        const char *json, *words;
    } rows[] = {
        {"", "not an object"},
        {"[]", "not an object"},
        {"{\"site\":\"7\"}", "wrong type"},
        {"{\"site\":7,\"site\":8}", "twice"},
        {"{}", "site: not a number"},
        {"{\"site\":0}", "site: not a number"},
        {"{\"site\":2147483648}", "site: not a number"},
        {"{\"site\":7,\"rate\":1000000001}", "rate: more"},
        {"{\"site\":7," KEY("abc") "}", "64 digits"},
        {"{\"site\":7," KEY(
             "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08") "}",
         "64 digits"},
        {"{\"site\":7,\"keys\":[{\"sha256\":\"" DIGEST "\"},{\"sha256\":\"" DIGEST "\"}]}",
         "one stands twice"},
        {"{\"site\":7,\"origins\":\"shop.example\"}", "origins: \"shop.example\""},
        {"{\"site\":7,\"origins\":\"https://a.example/\"}", "without a path"},
        {"{\"site\":7,\"origins\":\"https://A.example\"}", "lower case"},
        {"{\"site\":7,\"origins\":\"https://a.example *\"}", "origins: \"*\""},
        {"{\"site\":7,\"timezone\":\"Europe Berlin\"}", "timezone: no name"},
        {"{\"site\":7,\"timezone\":\"Europe/Berlinxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
         "timezone: no name"},
        {"{\"site\":7,\"zone_rules\":\"0=60\"}", "without a timezone"},
        {"{\"site\":7,\"timezone\":\"UTC\",\"zone_rules\":\"60\"}", "zone_rules: not as"},
        {"{\"site\":7,\"timezone\":\"UTC\",\"zone_rules\":\"9=60 8=0\"}", "rising"},
        {"{\"site\":7,\"timezone\":\"UTC\",\"zone_rules\":5}", "wrong type"},
        {"{\"site\":7,\"currency\":\"eur\"}", "currency: \"eur\" is no code"},
        {"{\"site\":7,\"currency\":\"XYZ\"}", "currency: \"XYZ\" is no code"},
        {"{\"site\":7,\"rates\":\"USD=1\"}", "rates: without a currency"},
        {"{\"site\":7,\"currency\":\"EUR\",\"rates\":\"USD=0\"}", "rates: not as"},
        {"{\"site\":7,\"currency\":\"EUR\",\"rates\":\"USD=1 USD=2\"}", "each code once"},
        {"{\"site\":7,\"currency\":\"EUR\",\"rates\":\"USD=1 QQQ=2\"}", "rates: QQQ is no"},
        {"{\"site\":7,\"currency\":\"EUR\",\"rates\":\"EUR=1\"}", "own currency"},
        {"{\"site\":7,\"session_gap_s\":59}", "session_gap_s: not from 60"},
        {"{\"site\":7,\"session_gap_s\":86401}", "session_gap_s: not from 60"},
        {"{\"site\":7,\"consent\":16}", "consent: not a mask"},
        {"{\"site\":7,\"keep_days\":36501}", "keep_days: more than"},
        {"{\"site\":7,\"known_types_only\":1}", "wrong type"},
    };
    struct arena a = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct site s = {.site = 1};
        struct err e = {0};
        if (site_from_json(&s, &a, str_of(rows[i].json), &e))
            fail_msg("%s is taken", rows[i].json);
        assert_int_equal(s.site, 1);
        if (!strstr(e.text, rows[i].words))
            fail_msg("%s: %s", rows[i].json, e.text);
    }
    arena_fini(&a);
}

static void what_features_need_comes_back(void **state)
{
    static const char whole[] =
        "{\"site\":7,\"timezone\":\"Europe/Berlin\",\"zone_rules\":\"0=60 1711846800=120\","
        "\"currency\":\"EUR\",\"rates\":\"USD=0.92 GBP=1.17\",\"session_gap_s\":1800,"
        "\"consent\":3,\"keep_days\":400,\"known_types_only\":true}";
    struct arena a = {0};
    struct err e = {0};
    struct buf json = {0};
    struct site s;
    (void)state;
    assert_true(site_from_json(&s, &a, str_of(whole), &e));
    assert_true(str_is(s.timezone, "Europe/Berlin") && str_is(s.currency, "EUR"));
    assert_true(str_is(s.zone_rules, "0=60 1711846800=120"));
    assert_true(str_is(s.rates, "USD=0.92 GBP=1.17"));
    assert_true(s.session_gap_s == 1800 && s.consent == 3 && s.keep_days == 400);
    assert_true(s.known_types_only);
    site_json(&json, &s);
    assert_string_equal(buf_cstr(&json), whole);
    assert_true(site_from_json(&s, &a, STR("{\"site\":7,\"timezone\":\"Not/Here\"}"), &e));
    assert_false(s.known_types_only);
    buf_fini(&json);
    arena_fini(&a);
}

static void keys_are_hashed(void **state)
{
    char hex[SHA256_HEX];
    (void)state;
    site_key_hash(STR("test"), hex);
    assert_string_equal(hex, DIGEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_come_back),
        cmocka_unit_test(each_fault_is_told),
        cmocka_unit_test(what_features_need_comes_back),
        cmocka_unit_test(keys_are_hashed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
