/* SPDX-License-Identifier: Apache-2.0 */
/* rows_test - lines of web servers' logs and of GA4's export as events. */
#include "ctl/ga4_export.h"
#include "ctl/weblog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool has(struct buf *b, const char *part)
{
    return strstr(buf_cstr(b), part) != NULL;
}

static void a_page_is_a_page_view(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_true(weblog_row(STR("203.0.113.77 - frank [10/Oct/2023:13:55:36 -0700] "
                               "\"GET /shop/boots?utm_source=x HTTP/1.1\" 200 2326 "
                               "\"https://example.org/\" \"Mozilla/5.0 (X11) \\\"q\\\"\""),
                           &b));
    const char *const parts[] = {
        "{\"type\":\"page_view\",\"timestamp\":\"2023-10-10T20:55:36.000000Z\",",
        "\"anonymousId\":\"log-",
        "\"userId\":\"frank\"",
        "\"context\":{\"ip\":\"203.0.113.0\",\"userAgent\":\"Mozilla/5.0 (X11) ",
        ("\"page\":{\"url\":\"/shop/boots?utm_source=x\",\"path\":\"/shop/boots\",\"referrer\":"
         "\"https://example.org/\"}}"),
        "\"properties\":{\"method\":\"GET\",\"status\":\"200\",\"bytes\":\"2326\"}}",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!has(&b, parts[i]))
            fail_msg("%s is not in %s", parts[i], buf_cstr(&b));
    assert_false(has(&b, "203.0.113.77"));
    buf_fini(&b);
}

static void kinds_of_requests(void **state)
{
    (void)state;
    static const struct {
        const char *request, *status, *type;
    } cases[] = {
        {"GET / HTTP/1.1", "200", "page_view"},
        {"GET / HTTP/1.1", "304", "page_view"},
        {"GET /a.css HTTP/1.1", "200", "request"},
        {"GET /a.png?b HTTP/2.0", "200", "request"},
        {"HEAD / HTTP/1.1", "200", "request"},
        {"POST /login HTTP/1.1", "302", "form_submit"},
        {"POST /login HTTP/1.1", "500", "error"},
        {"GET /gone HTTP/1.1", "404", "error"},
        {"\\x16\\x03\\x01", "400", "error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf line = {0}, b = {0};
        char want[64];
        buf_printf(&line,
                   "2001:db8::7 - - [01/Jan/2024:00:00:00 +0000] \"%s\" %s - \"-\" \"-\"",
                   cases[i].request, cases[i].status);
        assert_true(weblog_row(buf_as_str(&line), &b));
        (void)snprintf(want, sizeof want, "{\"type\":\"%s\",", cases[i].type);
        assert_true(has(&b, want));
        assert_true(has(&b, "\"ip\":\"2001:db8::\""));
        buf_fini(&line);
        buf_fini(&b);
    }
}

static void other_lines_are_none(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "a",
        "1.2.3.4 - - [10/Oct/2023:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1",
        ("shop:443 1.2.3.4 - - [10/Oct/2023:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1 \"-\" "
         "\"-\""),
        "a 1.2.3.4",
        "1.2.3.4 - - [10/Okt/2023:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"",
        "1.2.3.4 - - [10/Oct/2023:25:55:36 -0700] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"",
        "1.2.3.4 - - [31/Dec/9999:23:55:36 -0700] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"",
        "1.2.3.4 - - [01/Jan/1970:00:55:36 +0700] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"",
        "1.2.3.4 - - [10/Oct/2023:13:55:36 -0700 \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"",
        "1.2.3.4 - - [10/Oct/2023:13:55:36 -0700] \"GET / HTTP/1.1\" ok 1 \"-\" \"-\"",
        "1.2.3.4 - - [10/Oct/2023:13:55:36 -0700] \"GET / HTTP/1.1 200 1 \"-\" \"-",
        "1.2.3.4 - - [10/Oct/2023:13:55:36 -0700] \"GET /\xff HTTP/1.1\" 200 1 \"-\" \"-\"",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct buf b = {0};
        assert_false(weblog_row(str_of(lines[i]), &b));
        assert_int_equal(b.len, 0);
        weblog_mask(str_of(lines[i]), &b);
        assert_false(has(&b, "1.2.3.4"));
        buf_fini(&b);
    }
}

static void a_row_of_the_export(void **state)
{
    (void)state;
    struct ga4_export *g = ga4_export_new();
    struct buf b = {0};
    static const char row[] =
        "{\"event_date\":\"20240501\",\"event_timestamp\":\"1714557600123456\",\"event_name\":"
        "\"view_item\",\"event_params\":[{\"key\":\"page_location\",\"value\":{\"string_"
        "value\":"
        "\"https://shop.example/"
        "a\"}},{\"key\":\"ga_session_id\",\"value\":{\"string_value\":null,"
        "\"int_value\":\"77\"}},{\"key\":\"ga_session_id\",\"value\":{\"int_value\":\"78\"}},"
        "{\"key\":\"score\",\"value\":{\"double_value\":1.5}},{\"key\":\"score\",\"value\":{"
        "\"double_value\":1.5}}],\"user_id\":null,\"privacy_info\":{\"analytics_storage\":"
        "\"Yes\","
        "\"ads_storage\":\"Unset\"},"
        "\"user_pseudo_id\":\"123.456\",\"device\":{\"category\":\"mobile\",\"language\":\"de-"
        "de\","
        "\"operating_system\":\"Android\",\"web_info\":{\"browser\":\"Chrome\"}},\"geo\":{"
        "\"country\":\"Germany\",\"city\":\"\"},\"ecommerce\":{\"purchase_revenue\":12.5,"
        "\"transaction_id\":\"T1\"},\"items\":[{\"item_id\":\"sku1\",\"price\":9.5}]}";
    assert_true(ga4_export_row(g, str_of(row), &b));
    assert_string_equal(
        buf_cstr(&b),
        "{\"type\":\"view_item\",\"timestamp\":\"2024-05-01T10:00:00.123456Z\",\"anonymousId\":"
        "\"123.456\",\"source\":\"analytics\",\"consent\":{\"analytics_storage\":\"Yes\"},"
        "\"context\":{\"page\":{\"url\":"
        "\"https://shop.example/a\"},\"locale\":\"de-de\",\"device\":{\"type\":\"mobile\","
        "\"browser\":\"Chrome\",\"os\":\"Android\"},\"location\":{\"country\":\"Germany\"},"
        "\"campaign\":{}},\"params\":{\"ga_session_id\":\"77\",\"score\":1.5,"
        "\"transaction_id\":\"T1\",\"value\":12.5,\"items\":[{\"item_id\":\"sku1\",\"price\":9."
        "5}]}}");
    static const char *const others[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"event_name\":\"a\"}",
        "{\"event_name\":\"\",\"event_timestamp\":1}",
        "{\"event_name\":\"a\",\"event_timestamp\":\"x\"}",
        "{\"event_name\":\"a\",\"event_timestamp\":-5}",
        "{\"event_name\":\"a\",\"event_timestamp\":18446744073709551615}",
        "{\"event_name\":\"a\",\"event_timestamp\":4000000000000000000}",
        "{\"event_name\":\"a\",\"event_timestamp\":253402300800000000}",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        buf_reset(&b);
        assert_false(ga4_export_row(g, str_of(others[i]), &b));
        assert_int_equal(b.len, 0);
    }
    buf_fini(&b);
    ga4_export_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_a_page_view),
        cmocka_unit_test(kinds_of_requests),
        cmocka_unit_test(other_lines_are_none),
        cmocka_unit_test(a_row_of_the_export),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
