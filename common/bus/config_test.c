/* SPDX-License-Identifier: Apache-2.0 */
/* config_test - what a configuration may hold, and what is said about what it may not. */
#include "common/bus/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct config *good(const char *text)
{
    struct err e = {0};
    struct config *c = config_parse("a.ini", str_of(text), &e);
    if (!c)
        fail_msg("%s", e.text);
    return c;
}

static void defaults_hold(void **state)
{
    (void)state;
    struct err e = {0};
    struct config *c = config_open(NULL, &e);
    assert_non_null(c);
    assert_string_equal(config_text(c, "auspex", "topic_prefix"), "auspex");
    assert_int_equal(config_u64(c, "auspex", "partitions"), 8);
    assert_int_equal(config_u64(c, "featurizer", "session_idle_s"), 1800);
    assert_null(config_get(c, STR("kafka.bootstrap.servers")));
    config_free(c);
}

static void values_are_read(void **state)
{
    (void)state;
    struct config *c =
        good("# note\r\n; note\n\n[auspex]\n  partitions=12  \r\n"
             "topic_prefix =  shop # not a comment\n[ postgres ]\n"
             "dsn = host=/run port=5 \n[auspex]\nlog_format = json\n"
             "[kafka]\nbootstrap.servers = 127.0.0.1:1\nlinger.ms=\n[scorer]\n"
             "[webhooks]\nshop_2.url = https://h/x?a=b#c\nshop_2.secret = whsec_x\n"
             "b.allow_private = yes\n");
    assert_int_equal(config_u64(c, "auspex", "partitions"), 12);
    assert_string_equal(config_text(c, "auspex", "topic_prefix"), "shop # not a comment");
    assert_string_equal(config_get(c, STR("postgres.dsn")), "host=/run port=5");
    assert_string_equal(config_get(c, STR("auspex.log_format")), "json");
    assert_string_equal(config_get(c, STR("auspex.partitions")), "12");
    assert_string_equal(config_get(c, STR("auspex.commit_ms")), "200");
    assert_string_equal(config_get(c, STR("kafka.bootstrap.servers")), "127.0.0.1:1");
    assert_string_equal(config_get(c, STR("kafka.linger.ms")), "");
    assert_null(config_get(c, STR("auspex")));
    assert_null(config_get(c, STR("kafka.acks")));
    assert_string_equal(config_get(c, STR("webhooks.shop_2.url")), "https://h/x?a=b#c");
    assert_string_equal(config_get(c, STR("webhooks.b.allow_private")), "yes");
    assert_null(config_get(c, STR("webhooks.b.url")));
    config_free(c);
}

static const struct {
    const char *text, *error;
} refused[] = {
    {"[featurizer]\nsesion_idle_s = 5", "a.ini:2: unknown key \"sesion_idle_s\" in "
                                        "[featurizer]; did you mean \"session_idle_s\"?"},
    {"[auspex]\n\nquite_another = 5", "a.ini:3: unknown key \"quite_another\" in [auspex]"},
    {"[scorer]\npartitions = 5",
     "a.ini:2: unknown key \"partitions\" in [scorer]; it belongs in [auspex]"},
    {"[featuriser]", "a.ini:1: unknown section [featuriser]; did you mean [featurizer]?"},
    {"[somewhere.else]", "a.ini:1: unknown section [somewhere.else]"},
    {"[auspex", "a.ini:1: a section must end in ]"},
    {"[auspex]\npartitions", "a.ini:2: neither [section] nor key = value"},
    {"[auspex]\n= 5", "a.ini:2: a key is missing before ="},
    {"partitions = 5", "a.ini:1: a [section] must come before the first key"},
    {"[auspex]\npartitions = 5\npartitions = 5",
     "a.ini:3: \"partitions\" stands twice in [auspex]"},
    {"[auspex]\npartitions = 0", "a.ini:2: partitions must be a whole number from 1 to 4096"},
    {"[auspex]\npartitions = 4097",
     "a.ini:2: partitions must be a whole number from 1 to 4096"},
    {"[auspex]\npartitions = 8x", "a.ini:2: partitions must be a whole number from 1 to 4096"},
    {"[auspex]\npartitions = -1", "a.ini:2: partitions must be a whole number from 1 to 4096"},
    {"[auspex]\nlog_level = loud",
     "a.ini:2: log_level must be one of: debug, info, warn, error"},
    {"[kafka]\nacks = 1", "a.ini:2: acks may not be set in [kafka]: outputs count as stored "
                          "only when all replicas have them"},
    {"[kafka]\na = 1\na = 2", "a.ini:3: \"a\" stands twice in [kafka]"},
    {"[webhook]", "a.ini:1: unknown section [webhook]; did you mean [webhooks]?"},
    {"[webhooks]\nshop.ulr = x",
     "a.ini:2: unknown key \"shop.ulr\" in [webhooks]; did you mean \"shop.url\"?"},
    {"[webhooks]\nshop.allow_privat = 1", "a.ini:2: unknown key \"shop.allow_privat\" in "
                                          "[webhooks]; did you mean \"shop.allow_private\"?"},
    {"[webhooks]\nurl = x", "a.ini:2: unknown key \"url\" in [webhooks]: it is NAME.url, "
                            "NAME.secret or NAME.allow_private"},
    {"[webhooks]\nShop.url = x",
     "a.ini:2: \"Shop.url\": the name of a webhook must be [a-z][a-z0-9_]{0,49}"},
    {"[webhooks]\n.url = x",
     "a.ini:2: \".url\": the name of a webhook must be [a-z][a-z0-9_]{0,49}"},
    {"[webhooks]\nshop.allow_private = maybe",
     "a.ini:2: shop.allow_private must be true or false"},
    {"[webhooks]\na.url = 1\na.url = 2", "a.ini:3: \"a.url\" stands twice in [webhooks]"},
    {"[postgres]\ndsn = a\x01z", "a.ini:2: the value holds a control character"},
    {"[postgres]\ndsn = a\xffz", "a.ini:2: the line is not UTF-8"},
};

static void faults_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct err e = {0};
        assert_null(config_parse("a.ini", str_of(refused[i].text), &e));
        assert_string_equal(e.text, refused[i].error);
        assert_int_equal(e.code, EXIT_CODE_CONFIG);
    }
}

static void promises_cannot_be_unset(void **state)
{
    (void)state;
    static const char *const keys[] = {"enable.idempotence",
                                       "acks",
                                       "enable.auto.commit",
                                       "auto.offset.reset",
                                       "isolation.level",
                                       "transactional.id",
                                       "group.id",
                                       "max.in.flight.requests.per.connection",
                                       "message.timeout.ms",
                                       "enable.gapless.guarantee",
                                       "check.crcs",
                                       "partition.assignment.strategy",
                                       "plugin.library.paths"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char text[128];
        struct err e = {0};
        (void)snprintf(text, sizeof text, "[kafka]\n%s = 1", keys[i]);
        assert_null(config_parse("a.ini", str_of(text), &e));
        assert_non_null(strstr(e.text, "may not be set in [kafka]: "));
    }
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    struct err e = {0};
    struct buf text = {0};
    buf_text(&text, "[postgres]\ndsn = ");
    for (int i = 0; i < 4096; i++)
        buf_byte(&text, 'x');
    struct config *c = config_parse("a.ini", buf_as_str(&text), &e);
    assert_non_null(c);
    config_free(c);
    buf_byte(&text, 'x');
    assert_null(config_parse("a.ini", buf_as_str(&text), &e));
    assert_string_equal(e.text, "a.ini:2: the value is longer than 4096 bytes");
    buf_reset(&text);
    while (text.len <= (size_t)1024 * 1024)
        buf_byte(&text, '\n');
    assert_null(config_parse("a.ini", buf_as_str(&text), &e));
    assert_string_equal(e.text, "a.ini: longer than 1 MiB");
    assert_null(config_parse("a.ini", str_over("[auspex]\nlog_level = info\0x", 27), &e));
    assert_string_equal(e.text, "a.ini:2: the line holds a zero byte");
    buf_fini(&text);
}

static void missing_file_is_named(void **state)
{
    (void)state;
    struct err e = {0};
    assert_null(config_open("/nowhere/auspex.ini", &e));
    assert_string_equal(e.text, "configuration /nowhere/auspex.ini: No such file or directory");
    assert_int_equal(e.code, EXIT_CODE_CONFIG);
    assert_null(config_open("/", &e));
    assert_string_equal(e.text, "configuration /: Is a directory");
}

static void environment_stands_above(void **state)
{
    (void)state;
    assert_int_equal(setenv("AUSPEX_AUSPEX__PARTITIONS", "3", 1), 0);
    assert_int_equal(setenv("AUSPEX_KAFKA__BOOTSTRAP_SERVERS", "h:1", 1), 0);
    assert_int_equal(setenv("AUSPEX_TEST_KAFKA", "h:2", 1), 0);
    struct config *c = good("[auspex]\npartitions = 5\n[kafka]\nbootstrap.servers = h:3");
    assert_int_equal(config_u64(c, "auspex", "partitions"), 3);
    assert_string_equal(config_get(c, STR("kafka.bootstrap.servers")), "h:1");
    config_free(c);
    struct err e = {0};
    assert_int_equal(setenv("AUSPEX_AUSPEX__PARTITION", "3", 1), 0);
    assert_null(config_parse("a.ini", (struct str){NULL, 0}, &e));
    assert_string_equal(e.text, "environment AUSPEX_AUSPEX__PARTITION: unknown key "
                                "\"partition\" in [auspex]; did you mean \"partitions\"?");
    assert_int_equal(unsetenv("AUSPEX_AUSPEX__PARTITION"), 0);
    assert_int_equal(setenv("AUSPEX_SOMETHING__ELSE", "3", 1), 0);
    assert_null(config_parse("a.ini", (struct str){NULL, 0}, &e));
    assert_int_equal(unsetenv("AUSPEX_SOMETHING__ELSE"), 0);
    assert_int_equal(unsetenv("AUSPEX_AUSPEX__PARTITIONS"), 0);
    assert_int_equal(unsetenv("AUSPEX_KAFKA__BOOTSTRAP_SERVERS"), 0);
}

static void count_entry(void *to, const char *key, const char *value)
{
    struct buf *seen = to;
    buf_printf(seen, "%s=%s;", key, value);
}

static void webhooks_come_from_both(void **state)
{
    (void)state;
    struct buf seen = {0};
    struct err e = {0};
    assert_int_equal(setenv("AUSPEX_WEBHOOKS__MY_SHOP_URL", "http://e/", 1), 0);
    assert_int_equal(setenv("AUSPEX_WEBHOOKS__MY_SHOP_ALLOW_PRIVATE", "true", 1), 0);
    struct config *c = good("[webhooks]\nmy_shop.url = http://f/\nmy_shop.secret = s\n");
    config_section(c, "webhooks", count_entry, &seen);
    assert_string_equal(buf_cstr(&seen),
                        "my_shop.url=http://e/;my_shop.secret=s;my_shop.allow_private=true;");
    config_free(c);
    buf_fini(&seen);
    assert_int_equal(unsetenv("AUSPEX_WEBHOOKS__MY_SHOP_URL"), 0);
    assert_int_equal(unsetenv("AUSPEX_WEBHOOKS__MY_SHOP_ALLOW_PRIVATE"), 0);
    assert_int_equal(setenv("AUSPEX_WEBHOOKS__MY_SHOP", "x", 1), 0);
    assert_null(config_parse("a.ini", (struct str){NULL, 0}, &e));
    assert_string_equal(e.text,
                        "environment AUSPEX_WEBHOOKS__MY_SHOP: unknown key \"my_shop\" in "
                        "[webhooks]: it is NAME.url, NAME.secret or NAME.allow_private");
    assert_int_equal(unsetenv("AUSPEX_WEBHOOKS__MY_SHOP"), 0);
}

static const struct {
    const char *text, *shown;
} masked[] = {
    {"[postgres]\ndsn = host=/x password=hunter2 port=5",
     "dsn = host=/x password=*** port=5\n"},
    {"[postgres]\ndsn = password = 'hunter2 \\' hunter2' port=5",
     "dsn = password=*** port=5\n"},
    {"[postgres]\ndsn = port=5 PassWord=hunter2", "dsn = port=5 password=***\n"},
    {"[postgres]\ndsn = sslpassword=hunter2\\ hunter2", "dsn = sslpassword=***\n"},
    {"[postgres]\ndsn = postgresql://u:hunter2@h:5/db", "dsn = postgresql://u:***@h:5/db\n"},
    {"[postgres]\ndsn = postgresql://u:hunter2@hunter2@h/db",
     "dsn = postgresql://u:***@h/db\n"},
    {"[postgres]\ndsn = postgresql://u@h:5/db", "dsn = postgresql://u@h:5/db\n"},
    {"[postgres]\ndsn = postgresql://h/db?password=hunter2&x=1",
     "dsn = postgresql://h/db?password=***&x=1\n"},
    {"[kafka]\nsasl.password = hunter2", "sasl.password = ***\n"},
    {"[kafka]\nsasl.oauthbearer.client.secret = hunter2",
     "sasl.oauthbearer.client.secret = ***\n"},
    {"[kafka]\nssl.key.pem = hunter2", "ssl.key.pem = ***\n"},
    {"[webhooks]\na.secret = whsec_hunter2", "a.secret = ***\n"},
    {"[webhooks]\na.url = https://u:hunter2@h/x", "a.url = https://u:***@h/x\n"},
};

static void secrets_are_masked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(masked); i++) {
        struct buf out = {0};
        struct config *c = good(masked[i].text);
        config_print(c, &out);
        if (!strstr(buf_cstr(&out), masked[i].shown))
            fail_msg("%s not in %s", masked[i].shown, buf_cstr(&out));
        assert_null(strstr(buf_cstr(&out), "hunter2"));
        buf_fini(&out);
        config_free(c);
    }
}

static void print_reads_again(void **state)
{
    (void)state;
    struct buf first = {0}, second = {0};
    struct config *c = good("[auspex]\npartitions = 5\n[kafka]\nbootstrap.servers = h:3\n"
                            "[webhooks]\na.url = http://h/");
    config_print(c, &first);
    config_free(c);
    c = good(buf_cstr(&first));
    config_print(c, &second);
    config_free(c);
    assert_string_equal(buf_cstr(&first), buf_cstr(&second));
    buf_fini(&first);
    buf_fini(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(promises_cannot_be_unset),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(missing_file_is_named),
        cmocka_unit_test(environment_stands_above),
        cmocka_unit_test(webhooks_come_from_both),
        cmocka_unit_test(secrets_are_masked),
        cmocka_unit_test(print_reads_again),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
