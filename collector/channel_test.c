/* SPDX-License-Identifier: Apache-2.0 */
/* Channels by campaign and referrer, and the parts of addresses. */
#include "collector/channel.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SHOP "https://www.shop.example/p?id=1"

static const struct {
    const char *url, *referrer, *source, *medium, *channel;
} cases[] = {
    {SHOP, "", "", "", "direct"},
    {SHOP, "https://www.google.com/", "", "", "organic"},
    {SHOP, "https://www.google.co.uk/search?q=x", "", "", "organic"},
    {SHOP, "https://duckduckgo.com/", "", "", "organic"},
    {SHOP, "https://www.google.com/", "google", "cpc", "paid_search"},
    {SHOP "&gclid=abc", "https://www.google.com/", "", "", "paid_search"},
    {SHOP, "", "facebook", "cpc", "paid_social"},
    {SHOP, "", "fb", "paid", "paid_social"},
    {SHOP, "", "Facebook", "paid_social", "paid_social"},
    {SHOP, "https://l.instagram.com/", "", "", "social"},
    {SHOP, "https://t.co/abc", "", "", "social"},
    {SHOP, "", "facebook", "", "social"},
    {SHOP, "", "newsletter", "Email", "email"},
    {SHOP, "", "newsletter", "", "email"},
    {SHOP, "https://mail.google.com/mail/u/0", "", "", "email"},
    {SHOP, "https://ads.example.net/", "adnet", "display", "display"},
    {SHOP, "https://ad.doubleclick.net/x", "", "", "display"},
    {SHOP, "", "dealsite", "affiliate", "affiliate"},
    {SHOP, "https://blog.example.org/reviews", "", "", "referral"},
    {SHOP, "https://google.blog.example.org/", "", "", "referral"},
    {SHOP, "", "poster", "print", "other"},
    {SHOP, "https://shop.example/c", "", "", ""},
    {SHOP, "https://SHOP.example:443/c", "", "", ""},
    {"", "", "", "", ""},
    {"", "https://www.bing.com/", "", "", "organic"},
};

static void channels_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event e;
        event_init(&e);
        e.url = str_of(cases[i].url);
        e.referrer = str_of(cases[i].referrer);
        e.utm_source = str_of(cases[i].source);
        e.utm_medium = str_of(cases[i].medium);
        struct str channel = channel_of(&e);
        if (!str_is(channel, cases[i].channel))
            fail_msg("%s from %s (%s, %s): %.*s", cases[i].url, cases[i].referrer,
                     cases[i].source, cases[i].medium, STR_ARGS(channel));
    }
}

static void addresses_have_hosts_and_paths(void **state)
{
    static const struct {
        const char *address, *host, *path;
    } parts[] = {
        {"https://www.shop.example/a/b?c#d", "shop.example", "/a/b"},
        {"http://user@shop.example:8080", "shop.example", ""},
        {"https://shop.example?x=/y", "shop.example", ""},
        {"https://shop.example/#x", "shop.example", "/"},
        {"/only/a/path", "", ""},
        {"mailto:x@y", "", ""},
        {"https://", "", ""},
        {"https:/", "", ""},
        {"", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        assert_true(str_is(channel_host(str_of(parts[i].address)), parts[i].host));
        assert_true(str_is(channel_path(str_of(parts[i].address)), parts[i].path));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_are_told_apart),
        cmocka_unit_test(addresses_have_hosts_and_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
