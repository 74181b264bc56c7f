/* SPDX-License-Identifier: Apache-2.0 */
/* site_edit_test - settings altered and written again, keys that leave no trace, refusals. */
#include "ctl/site_edit.h"

#include "common/base/err.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* SHA-256 of "abcdefghijklmnopqrstuvwxyz", as sha256sum gives it. */
#define ALPHABET     "abcdefghijklmnopqrstuvwxyz"
#define ALPHABET_SHA "71c480df93d6ae2f1efad1447c66c9525e316218cf51fc8d9ed832f2daf18b73"

static void json_is(struct site_edit *s, const char *wanted)
{
    struct buf json = {0};
    struct err e = {0};
    assert_true(site_edit_json(s, &json, &e));
    assert_string_equal(buf_cstr(&json), wanted);
    buf_fini(&json);
}

static void test_altered(void **state)
{
    static const char whole[] =
        "{\"site\":3,\"name\":\"a \\\"shop\\\"\",\"keys\":[{\"prefix\":\"abcdefgh\","
        "\"sha256\":\"" ALPHABET_SHA "\"}],\"origins\":\"https://a.example "
        "http://localhost:8080\",\"rate\":50}";
    struct err e = {0};
    struct site_edit s, other;
    (void)state;
    site_edit_init(&s, 3);
    json_is(&s, "{\"site\":3}");
    site_edit_name(&s, "a \"shop\"");
    assert_true(site_edit_key_add(&s, ALPHABET, &e));
    assert_true(site_edit_key_add(&s, ALPHABET, &e));
    site_edit_origin_add(&s, true, "https://a.example");
    site_edit_origin_add(&s, false, " http://localhost:8080 ");
    s.site.rate = 50;
    json_is(&s, whole);
    site_edit_init(&other, 3);
    assert_true(site_edit_read(&other, str_of(whole), &e));
    json_is(&other, whole);
    assert_true(site_edit_key_remove(&other, "abc", &e));
    site_edit_origin_add(&other, true, "");
    json_is(&other, "{\"site\":3,\"name\":\"a \\\"shop\\\"\",\"rate\":50}");
    site_edit_fini(&other);
    site_edit_fini(&s);
}

static void test_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "[]",
                                        "{\"site\":4}",
                                        "{\"rate\":-1}",
                                        "{\"rate\":1,\"rate\":2}",
                                        "{\"keys\":[{\"prefix\":\"a\",\"sha256\":\"12\"}]}"};
    static const char *const keys[] = {"short", "has a blank in it!", "has:a:colon:in:it",
                                       "has\xc3\xa4nother letter in it"};
    static const char *const origins[] = {
        "https://a.example/", "a.example", "https://",           "https://A.example", "ftp://a",
        "https://a\r\nX: y",  "null",      "* https://a.example"};
    struct site_edit s;
    (void)state;
    site_edit_init(&s, 3);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err e = {0};
        assert_false(site_edit_read(&s, str_of(texts[i]), &e));
        assert_int_equal(e.code, EXIT_CODE_CONFIG);
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct err e = {0};
        assert_false(site_edit_key_add(&s, keys[i], &e));
        assert_int_equal(e.code, EXIT_CODE_USAGE);
    }
    for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
        struct err e = {0};
        struct buf json = {0};
        site_edit_origin_add(&s, true, origins[i]);
        assert_false(site_edit_json(&s, &json, &e));
        buf_fini(&json);
        assert_int_equal(e.code, EXIT_CODE_USAGE);
    }
    site_edit_fini(&s);
}

static void test_events(void **state)
{
    struct site_edit s, other;
    struct err e = {0};
    (void)state;
    site_edit_init(&s, 3);
    assert_true(site_edit_zone(&s, "asia/kathmandu", &e));
    json_is(&s, "{\"site\":3,\"timezone\":\"Asia/Kathmandu\",\"zone_rules\":\"0=345\"}");
    assert_true(site_edit_zone(&s, "+02:00", &e));
    site_edit_currency(&s, "EUR");
    assert_true(site_edit_exchange(&s, "USD=0.92", &e) &&
                site_edit_exchange(&s, "GBP=1.17", &e));
    assert_true(site_edit_exchange(&s, "USD=0.93", &e));
    assert_true(site_edit_consent(&s, "analytics, necessary", &e));
    s.site.session_gap_s = 900;
    s.site.keep_days = 30;
    s.site.known_types_only = true;
    static const char whole[] =
        "{\"site\":3,\"timezone\":\"+02:00\",\"zone_rules\":\"0=120\",\"currency\":\"EUR\","
        "\"rates\":\"GBP=1.17 USD=0.93\",\"session_gap_s\":900,\"consent\":3,\"keep_days\":30,"
        "\"known_types_only\":true}";
    json_is(&s, whole);
    site_edit_init(&other, 3);
    assert_true(site_edit_read(&other, str_of(whole), &e));
    json_is(&other, whole);
    site_edit_currency(&other, "EUR");
    assert_true(site_edit_exchange(&other, "GBP=", &e) &&
                site_edit_exchange(&other, "CHF=", &e));
    assert_true(str_is(other.site.rates, "USD=0.93"));
    site_edit_currency(&other, "USD");
    assert_true(other.site.rates.len == 0);
    assert_true(site_edit_zone(&other, "", &e) && site_edit_consent(&other, "none", &e));
    site_edit_currency(&other, "");
    other.site.known_types_only = false;
    json_is(&other, "{\"site\":3,\"session_gap_s\":900,\"keep_days\":30}");
    site_edit_fini(&other);
    site_edit_fini(&s);
}

static void test_events_refused(void **state)
{
    static const char *const rates[] = {"USD",    "=1",     "USD=x", "USD=0",
                                        "USD=-1", "USDT=1", "",      "USD=1 GBP=2"};
    static const char *const purposes[] = {"", "ads", "necessary,", "analytics marketing",
                                           "15"};
    struct site_edit s;
    (void)state;
    site_edit_init(&s, 3);
    site_edit_currency(&s, "EUR");
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct err e = {0};
        if (site_edit_exchange(&s, rates[i], &e))
            fail_msg("%s is taken", rates[i]);
        assert_true(e.code == EXIT_CODE_USAGE && s.site.rates.len == 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(purposes); i++) {
        struct err e = {0};
        bool is_taken = site_edit_consent(&s, purposes[i], &e);
        if (is_taken != (i == 2)) /* a comma behind the last is nothing */
            fail_msg("%s: %d", purposes[i], is_taken);
    }
    struct err e = {0};
    assert_false(site_edit_zone(&s, "Europe/Berlim", &e));
    assert_int_equal(e.code, EXIT_CODE_USAGE);
    assert_non_null(strstr(e.text, "the nearest is \"Europe/Berlin\""));
    site_edit_fini(&s);
}

static void test_collector_would_not_take(void **state)
{
    static const char *const zoned = "{\"site\":3,\"timezone\":\"Europe/Atlantis\"}";
    struct buf json = {0};
    struct site_edit s;
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct err e = {0};
        site_edit_init(&s, 3);
        s.site.session_gap_s = i == 0 ? 59 : 0;
        if (i == 1)
            site_edit_currency(&s, "eur");
        if (i == 2)
            assert_true(site_edit_exchange(&s, "USD=1", &e));
        if (i == 3)
            assert_true(site_edit_read(&s, str_of(zoned), &e));
        assert_false(site_edit_json(&s, &json, &e));
        assert_int_equal(e.code, EXIT_CODE_USAGE);
        site_edit_fini(&s);
    }
    buf_reset(&json);
    struct err e = {0};
    site_edit_init(&s, 3); /* of a file that tells the zone alone */
    assert_true(site_edit_read(&s, STR("{\"site\":3,\"timezone\":\"UTC\"}"), &e));
    json_is(&s, "{\"site\":3,\"timezone\":\"UTC\",\"zone_rules\":\"0=0\"}");
    site_edit_fini(&s);
    buf_fini(&json);
}

static void test_consent_is_told(void **state)
{
    struct buf text = {0};
    (void)state;
    site_put_consent(&text, 0);
    assert_string_equal(buf_cstr(&text), "none");
    site_put_consent(&text, 5);
    assert_string_equal(buf_cstr(&text), "nonenecessary,marketing");
    buf_fini(&text);
}

static void test_keys(void **state)
{
    struct site_edit s;
    struct err e = {0};
    char key[SITE_KEY_MADE], first[SITE_KEY_MADE];
    (void)state;
    site_edit_init(&s, 1);
    site_key_make(first);
    for (size_t i = 0; i < SITE_KEYS_MAX; i++) {
        site_key_make(key);
        assert_int_equal(strlen(key), 35);
        assert_int_equal(
            strspn(key + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
            32);
        assert_string_not_equal(key, first);
        assert_true(site_edit_key_add(&s, key, &e));
        assert_true(s.keys[i].prefix.len == 8 && memcmp(s.keys[i].prefix.at, key, 8) == 0);
    }
    assert_false(site_edit_key_add(&s, first, &e));
    assert_false(site_edit_key_remove(&s, "wk_", &e));
    assert_false(site_edit_key_remove(&s, "", &e));
    assert_false(site_edit_key_remove(&s, "xk_", &e));
    key[8] = '\0';
    assert_true(site_edit_key_remove(&s, key, &e));
    assert_int_equal(s.n_keys, SITE_KEYS_MAX - 1);
    assert_true(site_edit_key_add(&s, "0123456789abcdef", &e));
    assert_int_equal(s.keys[SITE_KEYS_MAX - 1].prefix.len, 5);
    site_edit_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_altered),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_events_refused),
        cmocka_unit_test(test_collector_would_not_take),
        cmocka_unit_test(test_consent_is_told),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests_name("site_edit", tests, NULL, NULL);
}
