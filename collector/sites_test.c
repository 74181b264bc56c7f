/* SPDX-License-Identifier: Apache-2.0 */
/* The table of sites: keys found, taken back, and a rate held. */
#include "collector/sites.h"

#include "collector/site.h"
#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define OLD "the-first-key-of-all"
#define NEW "another-key-for-later"

static bool set(struct sites *s, const char *what, const char *name, uint64_t version,
                const char *key, const char *rest)
{
    char hex[SHA256_HEX], json[512];
    struct control c;
    site_key_hash(str_of(key), hex);
    (void)snprintf(json, sizeof json, "{\"site\":%s,\"keys\":[{\"sha256\":\"%s\"}]%s}", name,
                   hex, rest);
    control_init(&c);
    c.what = str_of(what);
    c.name = str_of(name);
    c.version = version;
    c.body = version > 0 ? str_of(json) : STR("");
    return sites_set(s, &c);
}

static uint64_t found(struct sites *s, const char *key)
{
    const struct site *x = sites_find(s, str_of(key));
    return x ? x->site : 0;
}

static void keys_open_sites(void **state)
{
    struct sites *s = sites_new();
    (void)state;
    assert_int_equal(found(s, OLD), 0);
    assert_true(set(s, "site", "7", 1, OLD, ""));
    assert_true(set(s, "site", "8", 1, NEW, ""));
    assert_true(set(s, "model", "9", 1, "key-of-no-site-at-all", ""));
    assert_int_equal(sites_n(s), 2);
    for (int i = 0; i < 2; i++) { /* by digest, then from memory */
        assert_int_equal(found(s, OLD), 7);
        assert_int_equal(found(s, NEW), 8);
        assert_int_equal(found(s, "key-of-no-site-at-all"), 0);
        assert_int_equal(found(s, ""), 0);
        assert_int_equal(found(s, "short"), 0);
    }
    assert_true(set(s, "site", "8", 0, "", "")); /* off */
    assert_int_equal(found(s, NEW), 0);
    assert_true(set(s, "site", "7", 1, NEW, "")); /* its key is another now */
    assert_int_equal(found(s, OLD), 0);
    assert_int_equal(found(s, NEW), 7);
    assert_false(set(s, "site", "7", 1, OLD, ",\"rate\":\"x\"")); /* as it was */
    assert_int_equal(found(s, NEW), 7);
    assert_false(set(s, "site", "seven", 1, OLD, ""));
    sites_free(s);
}

static void pages_are_allowed(void **state)
{
    struct sites *s = sites_new();
    (void)state;
    assert_false(sites_allow(s, STR("https://a.example")));
    assert_true(set(s, "site", "7", 1, OLD, ",\"origins\":\"https://a.example\""));
    assert_true(sites_allow(s, STR("https://a.example")));
    assert_false(sites_allow(s, STR("https://b.example")));
    sites_free(s);
}

static void a_rate_is_held(void **state)
{
    struct sites *s = sites_new();
    unsigned retry_s = 0;
    int64_t now_us = 1000 * SECOND_US;
    (void)state;
    assert_true(set(s, "site", "7", 1, OLD, ",\"rate\":1000"));
    assert_true(set(s, "site", "8", 1, NEW, ""));
    assert_true(sites_take(s, 7, 900, now_us, &retry_s)); /* a second's worth was saved up */
    assert_false(sites_take(s, 7, 250, now_us, &retry_s));
    assert_int_equal(retry_s, 1);
    assert_true(sites_take(s, 7, 100, now_us, &retry_s));
    assert_false(sites_take(s, 7, 1, now_us, &retry_s));
    assert_true(sites_take(s, 7, 1, now_us + 1000, &retry_s));
    assert_false(sites_take(s, 7, 1, now_us + 1000, &retry_s));
    uint64_t n = 0;
    for (int64_t us = 1000; us < 10 * SECOND_US; us += 700)
        n += sites_take(s, 7, 1, now_us + us, &retry_s);
    assert_true(n > 9980 && n < 10010);
    assert_true(sites_take(s, 8, 1000000, now_us, &retry_s));
    sites_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_open_sites),
        cmocka_unit_test(pages_are_allowed),
        cmocka_unit_test(a_rate_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
