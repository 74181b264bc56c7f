/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of an event's members: Segment's shape, the bare one, other names, what is kept.
 */
#include "collector/collector_kit.h"
#include "common/base/hash.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct kit k;

static int open_kit(void **state)
{
    (void)state;
    kit_open(&k);
    return 0;
}

static int close_kit(void **state)
{
    (void)state;
    kit_close(&k);
    return 0;
}

static struct event taken(const char *json)
{
    struct event e;
    const char *why = kit_event(&k, str_of(json), &e);
    if (why[0])
        fail_msg("%s: %s", why, json);
    return e;
}

#define ASSERT_STR(s, text)                                                           \
    do {                                                                              \
        if (!str_is(s, text))                                                         \
            fail_msg("is '%.*s', should be '%s'", STR_ARGS(s), (const char *)(text)); \
    } while (0)

static void segments_shape_is_read(void **state)
{
    (void)state;
    struct event e = taken(
        "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"m-1\","
        "\"anonymousId\":\"a_1\",\"userId\":\"u1\",\"timestamp\":\"2025-12-31T23:59:00Z\","
        "\"sentAt\":\"2025-12-31T23:59:30Z\",\"site_id\":7,\"channel\":\"web\","
        "\"context\":{\"page\":{\"url\":\"https://shop.example/"
        "thanks?x=1\",\"title\":\"Thanks\","
        "\"referrer\":\"https://www.google.com/\"},\"userAgent\":\"Mozilla/5.0 (Windows NT "
        "10.0; "
        "Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36\","
        "\"locale\":\"en-GB\",\"timezone\":\"Europe/London\",\"screen\":{\"width\":1920,"
        "\"height\":1080},\"campaign\":{\"source\":\"google\",\"medium\":\"cpc\",\"name\":"
        "\"brand\","
        "\"term\":\"\",\"content\":\"ad1\"},\"ip\":\"203.0.113.7\",\"location\":{\"country\":"
        "\"GB\","
        "\"city\":\"Leeds\"},\"sessionId\":1767225},"
        "\"integrations\":{\"All\":true},"
        "\"properties\":{\"order_id\":\"o1\",\"revenue\":25.5,\"total\":30,\"currency\":"
        "\"EUR\","
        "\"coupon\":\"X\",\"big\":9007199254740993,\"products\":[ {\"sku\":\"p1\"} ]}}");
    ASSERT_STR(e.type, "purchase");
    ASSERT_STR(e.event_id, "m-1");
    ASSERT_STR(e.visitor, "a_1");
    ASSERT_STR(e.user_id, "u1");
    ASSERT_STR(e.source, "web");
    ASSERT_STR(e.url, "https://shop.example/thanks?x=1");
    ASSERT_STR(e.path, "/thanks");
    ASSERT_STR(e.title, "Thanks");
    ASSERT_STR(e.device, "desktop");
    ASSERT_STR(e.browser, "Chrome");
    ASSERT_STR(e.os, "Windows");
    ASSERT_STR(e.screen, "1920x1080");
    ASSERT_STR(e.language, "en-GB");
    ASSERT_STR(e.timezone, "Europe/London");
    ASSERT_STR(e.country, "GB");
    ASSERT_STR(e.city, "Leeds");
    ASSERT_STR(e.utm_source, "google");
    ASSERT_STR(e.utm_campaign, "brand");
    ASSERT_STR(e.channel, "paid_search");
    ASSERT_STR(e.session_hint, "1767225");
    ASSERT_STR(e.order_id, "o1");
    ASSERT_STR(e.currency, "EUR");
    ASSERT_STR(e.items, "[{\"sku\":\"p1\"}]");
    ASSERT_STR(e.properties, "{\"total\":30,\"coupon\":\"X\",\"big\":9007199254740993}");
    assert_true(e.value == 25.5 && isnan(e.price));
    assert_true(e.site_id == 7 && e.epoch == 1 && e.origin == ORIGIN_RAW && e.index == 0);
    assert_true(e.received_us == KIT_RECEIVED_US);
    assert_true(e.ts_us == KIT_RECEIVED_US - 60 * SECOND_US && e.ts_raw_us == 0);
    assert_true(e.sent_at_us == KIT_RECEIVED_US - 30 * SECOND_US);
}

static void the_bare_shape_is_read(void **state)
{
    (void)state;
    struct event e = taken(
        "{\"type\":\"product_view\",\"anonymous_id\":\"a\",\"user_id\":5,\"ts\":1767225590123,"
        "\"event_id\":\"e1\",\"site_id\":3,\"url\":\"http://x.example\",\"product_id\":12,"
        "\"price\":9.5,\"color\":\"red\",\"device\":\"tablet\",\"screen\":\"800x600\","
        "\"utm_source\":\"newsletter\",\"language\":\"de\",\"consent\":3,"
        "\"properties\":{\"brand\":\"b\",\"size\":\"L\"}}");
    ASSERT_STR(e.type, "product_view");
    ASSERT_STR(e.event_id, "e1");
    ASSERT_STR(e.user_id, "5");
    ASSERT_STR(e.product_id, "12");
    ASSERT_STR(e.brand, "b");
    ASSERT_STR(e.device, "tablet");
    ASSERT_STR(e.screen, "800x600");
    ASSERT_STR(e.channel, "email");
    ASSERT_STR(e.language, "de");
    ASSERT_STR(e.properties, "{\"color\":\"red\",\"size\":\"L\"}");
    assert_true(e.ts_us == 1767225590123000 && e.consent == 3 && e.price == 9.5);
}

static void names_become_the_catalogues(void **state)
{
    static const struct {
        const char *sent, *type;
    } cases[] = {
        {"click", "click"},
        {"Product Viewed", "product_view"},
        {"Product Added", "add_to_cart"},
        {"product added", "add_to_cart"},
        {"ProductAdded", "add_to_cart"},
        {"Order Completed", "purchase"},
        {"view_item", "product_view"},
        {"begin_checkout", "checkout_start"},
        {"purchase_completed", "purchase"},
        {"cart_checkout", "checkout_start"},
        {"cart_remove", "remove_from_cart"},
        {"product_search", "search_performed"},
        {"Plan Upgraded", "plan_upgraded"},
        {" Plan  upgraded ", "plan_upgraded"},
        {"HTTP-Error", "http_error"},
        {"viewItem", "product_view"},
    };
    (void)state;
    struct buf b = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&b);
        buf_printf(&b, "{\"type\":\"track\",\"event\":\"%s\",\"userId\":\"u\"}", cases[i].sent);
        ASSERT_STR(taken(buf_cstr(&b)).type, cases[i].type);
        buf_reset(&b);
        buf_printf(&b, "{\"event\":\"%s\",\"userId\":\"u\"}", cases[i].sent);
        ASSERT_STR(taken(buf_cstr(&b)).type, cases[i].type);
    }
    buf_fini(&b);
    ASSERT_STR(taken("{\"type\":\"page\",\"userId\":\"u\"}").type, "page_view");
    ASSERT_STR(taken("{\"type\":\"identify\",\"userId\":\"u\"}").type, "identify");
    ASSERT_STR(taken("{\"type\":\"group\",\"userId\":\"u\"}").type, "group");
    ASSERT_STR(taken("{\"type\":\"alias\",\"userId\":\"u\"}").type, "alias");
    struct event e = taken("{\"type\":\"screen\",\"name\":\"Home\",\"userId\":\"u\"}");
    ASSERT_STR(e.type, "screen_view");
    ASSERT_STR(e.title, "Home");
    ASSERT_STR(e.path, "Home");
}

static void the_better_name_counts_in_any_order(void **state)
{
    (void)state;
    struct event e =
        taken("{\"type\":\"purchase\",\"userId\":\"u\",\"total\":3,\"revenue\":2,\"value\":1}");
    assert_true(e.value == 1);
    ASSERT_STR(e.properties, "{\"total\":3,\"revenue\":2}");
    e = taken("{\"type\":\"purchase\",\"userId\":\"u\",\"value\":1,\"revenue\":2}");
    assert_true(e.value == 1);
    ASSERT_STR(e.properties, "{\"revenue\":2}");
    e = taken("{\"type\":\"purchase\",\"userId\":\"u\",\"revenue\":\"many\"}");
    assert_true(isnan(e.value));
    ASSERT_STR(e.properties, "{\"revenue\":\"many\"}");
    e = taken("{\"type\":\"page\",\"anonymous_id\":\"b\",\"anonymousId\":\"a\"}");
    ASSERT_STR(e.visitor, "a");
}

static void unknown_members_are_kept_as_sent(void **state)
{
    (void)state;
    struct event e =
        taken("{\"type\":\"x\",\"userId\":\"u\",\"\\u0061\\\"b\" : { \"k\" : [ 1 , 1.50 , "
              "-0 , 1E2 , \"\\u00e9 \\n\" , null ] } ,\"big\":18446744073709551615}");
    ASSERT_STR(e.properties, "{\"\\u0061\\\"b\":{\"k\":[1,1.50,-0,1E2,\"\\u00e9 \\n\",null]},"
                             "\"big\":18446744073709551615}");
    e = taken(
        "{\"type\":\"identify\",\"userId\":\"u\",\"traits\":{\"plan\":\"pro\",\"age\":30}}");
    ASSERT_STR(e.plan, "pro");
    ASSERT_STR(e.properties, "{\"age\":30}");
    struct event none;
    assert_string_equal(
        kit_event(&k, STR("{\"type\":\"x\",\"userId\":\"u\",\"a\":1,\"properties\":{\"a\":2}}"),
                  &none),
        "duplicate_key");
}

static void absent_ids_are_made_of_the_position(void **state)
{
    (void)state;
    k.partition = 2;
    k.offset = 77;
    struct event e = taken("{\"batch\":[{\"type\":\"page\",\"userId\":\"u\"}]}");
    ASSERT_STR(e.event_id, "1-r2-77-0");
    assert_true(e.partition == 2 && e.offset == 77);
    k.partition = 0;
}

static void the_body_is_hashed_without_sent_at(void **state)
{
    (void)state;
    uint64_t hash = taken("{\"type\":\"page\",\"userId\":\"u\"}").body_hash;
    assert_true(hash == hash64_str(STR("\"type\":\"page\"\"userId\":\"u\"")));
    static const char *const same[] = {
        "{\"type\":\"page\",\"userId\":\"u\",\"sentAt\":\"2026-01-01T00:00:00Z\"}",
        "{\"sent_at\":1767225600000,\"type\":\"page\",\"userId\":\"u\"}",
        " { \"type\":\"page\" , \"userId\":\"u\" } ",
    };
    static const char *const other[] = {
        "{\"userId\":\"u\",\"type\":\"page\"}",
        "{\"type\":\"page\",\"userId\":\"v\"}",
        "{\"type\":\"page\",\"userId\":\"u\",\"properties\":{\"sentAt\":1}}",
        "{\"type\":\"page\",\"userId\":\"u\",\"context\":{}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        assert_true(taken(same[i]).body_hash == hash);
    for (size_t i = 0; i < ARRAY_LEN(other); i++)
        assert_true(taken(other[i]).body_hash != hash);
}

static void long_titles_are_cut_between_letters(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_text(&b, "{\"type\":\"page\",\"userId\":\"u\",\"title\":\"x");
    for (int i = 0; i < 300; i++)
        buf_text(&b, "\xc3\xa9");
    buf_text(&b, "\"}");
    struct event e = taken(buf_cstr(&b));
    assert_int_equal(e.title.len, 511);
    assert_true(str_is_utf8(e.title));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_shape_is_read),
        cmocka_unit_test(the_bare_shape_is_read),
        cmocka_unit_test(names_become_the_catalogues),
        cmocka_unit_test(the_better_name_counts_in_any_order),
        cmocka_unit_test(unknown_members_are_kept_as_sent),
        cmocka_unit_test(absent_ids_are_made_of_the_position),
        cmocka_unit_test(the_body_is_hashed_without_sent_at),
        cmocka_unit_test(long_titles_are_cut_between_letters),
    };
    return cmocka_run_group_tests(tests, open_kit, close_kit);
}
