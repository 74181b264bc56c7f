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

static void what_it_tells_by_the_way_is_read(void **state)
{
    (void)state;
    struct event e = taken(
        "{\"type\":\"page\",\"userId\":\"u\",\"context\":{\"timezone\":\"Asia/Kathmandu\","
        "\"page\":{\"url\":\"https://shop.example/p?utm_source=Goo%67le&utm_medium=cpc&id=1\","
        "\"referrer\":\"https://www.Google.com/\"}},\"properties\":{\"currency\":\"usd\"}}");
    ASSERT_STR(e.path, "/p");
    ASSERT_STR(e.utm_source, "Google");
    ASSERT_STR(e.channel, "paid_search");
    ASSERT_STR(e.referrer_domain, "google.com");
    ASSERT_STR(e.currency, "USD");
    ASSERT_STR(e.timezone, "Asia/Kathmandu");
    assert_true(e.utc_offset_min == 345);
    e = taken("{\"type\":\"page\",\"userId\":\"u\",\"timezone\":\"Europe/Atlantis\","
              "\"currency\":\"Us$\"}");
    ASSERT_STR(e.currency, "Us$");
    ASSERT_STR(e.timezone, "Europe/Atlantis");
    assert_true(isnan(e.utc_offset_min));
    e = taken("{\"type\":\"page\",\"userId\":\"u\",\"timezone\":\"-03:30\"}");
    assert_true(e.utc_offset_min == -210);
    e = taken("{\"type\":\"page\",\"userId\":\"u\",\"timezone\":\"Europe/Berlin\","
              "\"timestamp\":\"2025-12-31T23:59:00Z\"}");
    assert_true(e.utc_offset_min == 60);
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
        {"Video Playback Seek Completed", "video_playback_seek_completed"},
        {"Trial Started", "trial_started"},
        {"Product Clicked", "internal_link_click"},
        {"select_content", "click"},
        {"Email Link Clicked", "campaign_clicked"},
        {"Push Notification Tapped", "campaign_clicked"},
        {"Signed Up", "signup"},
        {"Account Created", "profile_update"},
        {"view_item_list", "view_item_list"},
        {"tutorial_complete", "task_success"},
        {"user_engagement", "time_on_page"},
        {"file_download", "download"},
        {"session_start", "session_start"},
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
        buf_reset(&b);
        buf_printf(&b, "{\"name\":\"%s\",\"userId\":\"u\",\"params\":{}}", cases[i].sent);
        ASSERT_STR(taken(buf_cstr(&b)).type, cases[i].type);
    }
    buf_fini(&b);
    ASSERT_STR(taken("{\"type\":\"page\",\"userId\":\"u\"}").type, "page_view");
    ASSERT_STR(taken("{\"type\":\"identify\",\"userId\":\"u\"}").type, "identify");
    struct event e = taken("{\"type\":\"screen\",\"name\":\"Home\",\"userId\":\"u\"}");
    ASSERT_STR(e.type, "screen_view");
    ASSERT_STR(e.title, "Home");
    ASSERT_STR(e.path, "Home");
}

/* The context of a whole batch, as Segment's libraries for servers send it. */
static void the_context_of_a_batch_is_read(void **state)
{
    (void)state;
    struct event e = taken(
        "{\"batch\":[{\"type\":\"page\",\"userId\":\"u\"}],\"context\":{\"library\":{\"name\":"
        "\"x\"},"
        "\"ip\":\"8.8.8.8\",\"userAgent\":\"Mozilla/5.0 (Windows NT 10.0)\",\"locale\":{}}}");
    ASSERT_STR(e.ip, "8.8.8.0");
    ASSERT_STR(e.os, "Windows");
    e = taken(
        "{\"batch\":[{\"type\":\"page\",\"userId\":\"u\",\"context\":{\"ip\":\"9.9.9.9\"}}],"
        "\"context\":{\"ip\":\"8.8.8.8\"}}");
    ASSERT_STR(e.ip, "9.9.9.0");
    e = taken(
        "{\"type\":\"identify\",\"userId\":\"u\",\"traits\":{\"ip\":\"9.9.9.9\",\"a\":1}}");
    ASSERT_STR(e.ip, "9.9.9.0");
    ASSERT_STR(e.properties, "{\"a\":1}");
}

static void identity_is_told_by_calls(void **state)
{
    (void)state;
    struct event e = taken("{\"type\":\"group\",\"userId\":\"u\",\"groupId\":\"acme\","
                           "\"traits\":{\"employees\":30}}");
    ASSERT_STR(e.type, "profile_update");
    ASSERT_STR(e.account_id, "acme");
    ASSERT_STR(e.properties, "{\"employees\":30}");
    assert_int_equal(e.group_id.len, 0);
    e = taken("{\"type\":\"alias\",\"userId\":\"u\",\"previousId\":\"a\"}");
    ASSERT_STR(e.type, "alias");
    ASSERT_STR(e.visitor, "u");
    ASSERT_STR(e.previous_id, "a");
    /* a login in mid-session stays with the browser */
    e = taken("{\"type\":\"identify\",\"anonymousId\":\"a\",\"userId\":\"u\"}");
    ASSERT_STR(e.visitor, "a");
    ASSERT_STR(e.anonymous_id, "a");
    ASSERT_STR(e.user_id, "u");
    e = taken("{\"type\":\"unmerge\",\"anonymous_id\":\"a\",\"previous_id\":\"u\"}");
    ASSERT_STR(e.previous_id, "u");
}

/* Segment's video calls and GA4's events have units and names of their own. */
static void names_and_units_of_dialects(void **state)
{
    (void)state;
    struct event e = taken(
        "{\"type\":\"track\",\"event\":\"Video Playback Seek Started\",\"userId\":\"u\","
        "\"properties\":{\"seek_position\":90,\"content_asset_id\":\"v1\",\"position\":12,"
        "\"total_length\":\"392\"}}");
    ASSERT_STR(e.type, "video_seek");
    ASSERT_STR(e.video, "v1");
    assert_true(e.from_s == 12 && e.to_s == 90 && e.length_s == 392 && isnan(e.position_s));
    e = taken("{\"event\":\"Video Content Playing\",\"userId\":\"u\",\"properties\":{"
              "\"position\":22,\"asset_id\":\"v2\"}}");
    ASSERT_STR(e.type, "video_progress");
    assert_true(e.position_s == 22 && isnan(e.from_s));
    e = taken("{\"name\":\"user_engagement\",\"userId\":\"u\",\"params\":{"
              "\"engagement_time_msec\":\"1500\",\"session_id\":17,\"page_location\":"
              "\"https://shop.example/p?utm_source=x\",\"page_title\":\"P\"}}");
    ASSERT_STR(e.type, "time_on_page");
    ASSERT_STR(e.session_hint, "17");
    ASSERT_STR(e.path, "/p");
    ASSERT_STR(e.title, "P");
    assert_true(e.seconds == 1.5 && e.properties.len == 0);
    e = taken("{\"name\":\"add_to_cart\",\"userId\":\"u\",\"params\":{"
              "\"engagement_time_msec\":7}}");
    assert_true(isnan(e.seconds)); /* GA4 says it with every event */
    ASSERT_STR(e.properties, "{\"engagement_time_msec\":7}");
    e = taken("{\"name\":\"video_progress\",\"userId\":\"u\",\"params\":{"
              "\"video_current_time\":60,\"video_duration\":240,\"video_title\":\"T\","
              "\"video_url\":\"https://v.example/1\",\"video_percent\":25}}");
    assert_true(e.position_s == 60 && e.length_s == 240);
    ASSERT_STR(e.video, "https://v.example/1");
    ASSERT_STR(e.properties, "{\"video_percent\":25,\"video_title\":\"T\"}");
    e = taken("{\"name\":\"click\",\"userId\":\"u\",\"params\":{\"outbound\":\"true\","
              "\"link_url\":\"https://o.example/\"}}");
    ASSERT_STR(e.type, "external_link_click");
    ASSERT_STR(e.target, "https://o.example/");
    e = taken("{\"type\":\"click\",\"userId\":\"u\",\"outbound\":false}");
    ASSERT_STR(e.type, "click");
    e = taken("{\"name\":\"page_view\",\"userId\":\"u\",\"params\":{\"source\":\"bing\"}}");
    assert_int_equal(e.title.len, 0); /* its name is no title */
    ASSERT_STR(e.utm_source, "bing");
}

static void the_first_item_stands_for_what_is_not_told(void **state)
{
    (void)state;
    struct event e = taken(
        "{\"name\":\"purchase\",\"userId\":\"u\",\"params\":{\"value\":30,\"currency\":"
        "\"EUR\",\"transaction_id\":\"T1\",\"items\":[ {\"item_name\":\"Pan\",\"item_id\":"
        "\"p\\u0031\",\"sku\":\"s\",\"item_brand\":\"acm\",\"item_category\":\"home\","
        "\"price\":1.25e1,\"quantity\":2,\"x\":{\"price\":9}},{\"item_id\":\"p2\"}]}}");
    ASSERT_STR(e.product_id, "p1");
    ASSERT_STR(e.brand, "acm");
    ASSERT_STR(e.category, "home");
    ASSERT_STR(e.order_id, "T1");
    assert_true(e.price == 12.5 && e.quantity == 2 && e.value == 30);
    assert_true(e.properties.len == 0 && str_starts(e.items, STR("[{\"item_name\":\"Pan\",")));
    e = taken("{\"event\":\"Order Completed\",\"userId\":\"u\",\"properties\":{\"products\":[{"
              "\"price\":3,\"product_id\":77,\"quantity\":-1,\"category\":[]}],\"price\":5,"
              "\"sku\":\"own\"}}");
    ASSERT_STR(e.product_id, "own");
    assert_true(e.price == 5 && isnan(e.quantity) && e.category.len == 0);
    e = taken("{\"type\":\"purchase\",\"userId\":\"u\",\"items\":[5,{\"price\":3}]}");
    assert_true(isnan(e.price));
}

static void addresses_are_cut_before_they_are_kept(void **state)
{
    static const struct {
        const char *json, *ip;
    } cases[] = {
        {"{\"type\":\"page\",\"userId\":\"u\",\"context\":{\"ip\":\"203.0.113.7\"}}",
         "203.0.113.0"},
        {"{\"type\":\"x\",\"userId\":\"u\",\"ip\":\"2001:db8:1:2::9\"}", "2001:db8:1::"},
        {"{\"type\":\"x\",\"userId\":\"u\",\"ip\":\"10.1.2.3.4\"}", ""},
        {"{\"type\":\"x\",\"userId\":\"u\",\"ip\":\"10.1.2.3\",\"context\":{\"ip\":"
         "\"10.9.9.9\"},\"properties\":{\"ip\":\"10.7.7.7\"}}",
         "10.9.9.0"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event e = taken(cases[i].json);
        ASSERT_STR(e.ip, cases[i].ip);
        assert_int_equal(e.properties.len, 0);
    }
}

/* Of the year 2100, of 1970, or told by a clock that is wrong: an event's time is credible. */
static void times_are_made_credible(void **state)
{
    static const struct {
        const char *timestamp;
        int64_t us;
    } cases[] = {
        {"\"2100-01-01T00:00:00Z\"", KIT_RECEIVED_US},
        {"4102444800000", KIT_RECEIVED_US},
        {"0", KIT_RECEIVED_US - 7 * DAY_US},
        {"\"1970-01-01T00:00:00Z\"", KIT_RECEIVED_US - 7 * DAY_US},
    };
    (void)state;
    struct buf b = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&b);
        buf_printf(&b, "{\"type\":\"page\",\"userId\":\"u\",\"timestamp\":%s}",
                   cases[i].timestamp);
        assert_true(taken(buf_cstr(&b)).ts_us == cases[i].us);
    }
    buf_fini(&b);
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
        cmocka_unit_test(what_it_tells_by_the_way_is_read),
        cmocka_unit_test(names_become_the_catalogues),
        cmocka_unit_test(the_context_of_a_batch_is_read),
        cmocka_unit_test(identity_is_told_by_calls),
        cmocka_unit_test(names_and_units_of_dialects),
        cmocka_unit_test(the_first_item_stands_for_what_is_not_told),
        cmocka_unit_test(addresses_are_cut_before_they_are_kept),
        cmocka_unit_test(times_are_made_credible),
        cmocka_unit_test(the_better_name_counts_in_any_order),
        cmocka_unit_test(unknown_members_are_kept_as_sent),
        cmocka_unit_test(absent_ids_are_made_of_the_position),
        cmocka_unit_test(the_body_is_hashed_without_sent_at),
        cmocka_unit_test(long_titles_are_cut_between_letters),
    };
    return cmocka_run_group_tests(tests, open_kit, close_kit);
}
