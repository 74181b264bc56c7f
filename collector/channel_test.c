/* SPDX-License-Identifier: Apache-2.0 */
/* Channels by campaign, click id and referrer; campaigns and referrers taken from addresses. */
#include "collector/channel.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SHOP "https://www.shop.example/p?id=1"

static const struct {
    const char *url, *referrer, *source, *medium, *campaign, *channel;
} cases[] = {
    /* without a campaign */
    {SHOP, "", "", "", "", "direct"},
    {SHOP, "https://www.google.com/", "", "", "", "organic"},
    {SHOP, "https://www.google.co.uk/search?q=x", "", "", "", "organic"},
    {SHOP, "https://WWW.GOOGLE.DE./", "", "", "", "organic"},
    {SHOP, "https://duckduckgo.com/", "", "", "", "organic"},
    {SHOP, "https://search.yahoo.co.jp/x", "", "", "", "organic"},
    {SHOP, "https://docs.google.com/document/d/1", "", "", "", "referral"},
    {SHOP, "https://l.instagram.com/", "", "", "", "social"},
    {SHOP, "https://t.co/abc", "", "", "", "social"},
    {SHOP, "https://xt.co/abc", "", "", "", "referral"},
    {SHOP, "https://m.youtube.com/", "", "", "", "social"},
    {SHOP, "https://www.amazon.co.uk/", "", "", "", "referral"},
    {SHOP, "https://mail.google.com/mail/u/0", "", "", "", "email"},
    {SHOP, "https://ad.doubleclick.net/x", "", "", "", "display"},
    {SHOP, "https://www.awin1.com/cread.php", "", "", "", "affiliate"},
    {SHOP, "https://blog.example.org/reviews", "", "", "", "referral"},
    {SHOP, "https://google.blog.example.org/", "", "", "", "referral"},
    {SHOP, "android-app://com.google.android.gm/", "", "", "", "email"},
    {SHOP, "android-app://com.google.android.googlequicksearchbox", "", "", "", "organic"},
    {SHOP, "android-app://com.facebook.katana", "", "", "", "social"},
    {SHOP, "android-app://com.google.unheard", "", "", "", "referral"},
    {SHOP, "about:blank", "", "", "", "direct"},
    {"", "", "", "", "", ""},
    {"", "https://www.bing.com/", "", "", "", "organic"},
    /* within the site */
    {SHOP, "https://shop.example/c", "", "", "", ""},
    {SHOP, "https://SHOP.example:443/c", "", "", "", ""},
    {SHOP, "https://blog.shop.example/c", "", "", "", ""},
    {"https://m.shop.example/", "https://shop.example/c", "", "", "", ""},
    {SHOP, "https://workshop.example/c", "", "", "", "referral"},
    /* perhaps within it: a web server's log has no host */
    {"/p?id=1", "https://shop.example/c", "", "", "", ""},
    {"/p", "https://www.google.com/", "", "", "", "organic"},
    {"/p", "", "", "", "", "direct"},
    {SHOP, "https://shop.example/c", "google", "cpc", "", "paid_search"},
    /* the groups of campaigns, in their order */
    {SHOP, "", "(direct)", "(none)", "", "direct"},
    {SHOP, "", "(direct)", "(not set)", "", "direct"},
    {SHOP, "", "(direct)", "", "", "direct"},
    {SHOP, "", "google", "cpc", "Cross-Network spring", "paid_search"},
    {SHOP, "", "ebay", "cpc", "", "paid_search"},
    {SHOP, "", "adnet", "cpc", "Spring shop sale", "paid_search"},
    {SHOP, "", "adnet", "cpc", "e-shopping", "paid_search"},
    {SHOP, "", "adnet", "cpc", "eshop", "paid_search"},
    {SHOP, "", "adnet", "cpc", "2shops", "paid_search"},
    {SHOP, "", "adnet", "cpc", "workshop", "other"},
    {SHOP, "https://www.google.com/", "google", "cpc", "", "paid_search"},
    {SHOP, "", "Google", "CPC", "", "paid_search"},
    {SHOP, "", "www.bing.com", "ppc", "", "paid_search"},
    {SHOP, "", "google.com", "cpm", "", "paid_search"},
    {SHOP, "", "google", "retargeting", "", "paid_search"},
    {SHOP, "", "facebook", "cpc", "", "paid_social"},
    {SHOP, "", "fb", "paid", "", "paid_social"},
    {SHOP, "", "Facebook", "paid_social", "", "paid_social"},
    {SHOP, "", "l.facebook.com", "ecpc", "", "paid_social"},
    {SHOP, "", "youtube", "cpv", "", "display"},
    {SHOP, "", "youtube", "cpc", "", "display"},
    {SHOP, "https://ads.example.net/", "adnet", "display", "", "display"},
    {SHOP, "", "adnet", "interstitial", "", "display"},
    {SHOP, "", "adnet", "cpm", "", "display"},
    {SHOP, "", "adnet", "Paid-Social", "", "paid_social"},
    {SHOP, "", "", "sem", "", "paid_search"},
    {SHOP, "", "criteo", "retargeting", "", "display"},
    {SHOP, "", "adnet", "cpc", "", "other"},
    {SHOP, "", "adnet", "retargeting", "", "other"},
    {SHOP, "", "amazon", "", "", "referral"},
    {SHOP, "", "facebook", "", "", "social"},
    {SHOP, "", "forum", "social-network", "", "social"},
    {SHOP, "", "forum", "sm", "", "social"},
    {SHOP, "", "vimeo", "", "", "social"},
    {SHOP, "", "adnet", "online video", "", "social"},
    {SHOP, "", "google", "", "", "organic"},
    {SHOP, "", "findit", "organic", "", "organic"},
    {SHOP, "", "partnersite", "referral", "", "referral"},
    {SHOP, "", "ourapp", "app", "", "referral"},
    {SHOP, "", "newsletter", "Email", "", "email"},
    {SHOP, "", "newsletter", "e mail", "shop the sale", "email"},
    {SHOP, "", "newsletter", "", "", "email"},
    {SHOP, "", "crm", "e_mail", "", "email"},
    {SHOP, "", "dealsite", "affiliate", "", "affiliate"},
    {SHOP, "", "awin", "", "", "affiliate"},
    {SHOP, "", "podcasts", "audio", "", "other"},
    {SHOP, "", "sms", "", "", "other"},
    {SHOP, "", "crm", "sms", "", "other"},
    {SHOP, "", "crm", "web_push", "", "other"},
    {SHOP, "", "crm", "mobile_app", "", "other"},
    {SHOP, "", "firebase", "", "", "other"},
    {SHOP, "", "poster", "print", "", "other"},
    {SHOP, "", "", "", "spring", "other"},
    {SHOP, "https://www.google.com/", "", "", "spring", "other"},
    /* click ids */
    {SHOP "&gclid=abc", "https://www.google.com/", "", "", "", "paid_search"},
    {SHOP "&wbraid=abc", "", "", "", "", "paid_search"},
    {SHOP "&msclkid=abc#x", "", "", "", "", "paid_search"},
    {SHOP "&gclid=", "", "", "", "", "direct"},
    {SHOP "&xgclid=1", "", "", "", "", "direct"},
    {SHOP "#gclid=1", "", "", "", "", "direct"},
    {SHOP "&dclid=1", "", "", "", "", "display"},
    {SHOP "&ttclid=1", "", "", "", "", "paid_social"},
    {SHOP "&li_fat_id=1&gclid=1", "", "", "", "", "paid_search"},
    {SHOP "&twclid=1", "https://t.co/x", "", "", "", "paid_social"},
    {SHOP "&fbclid=1", "", "", "", "", "social"},
    {SHOP "&fbclid=1", "", "newsletter", "email", "", "email"},
    {SHOP "&fbclid=1", "", "agency", "paid", "", "paid_social"},
    {SHOP "&gclid=1", "", "", "", "spring", "paid_search"},
    {SHOP "&awc=1", "https://deals.example/", "", "", "", "affiliate"},
    {SHOP "&mc_eid=1", "", "", "", "", "email"},
    {SHOP "&srsltid=1", "", "", "", "", "organic"},
    /* campaigns in the address */
    {SHOP "&utm_source=google&utm_medium=cpc", "", "", "", "", "paid_search"},
    {SHOP "&utm_source=google+ads&utm_medium=c%70c", "", "", "", "", "paid_search"},
    {SHOP "&utm_source=google&utm_medium=cpc", "", "crm", "email", "", "email"},
    {"/p?utm_source=newsletter", "", "", "", "", "email"},
};

static struct event event_of(const char *url, const char *referrer, struct arena *a)
{
    struct event e;
    event_init(&e);
    e.url = str_of(url);
    e.referrer = str_of(referrer);
    channel_settle(&e, a);
    return e;
}

static void channels_are_told_apart(void **state)
{
    struct arena a = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event e;
        event_init(&e);
        e.url = str_of(cases[i].url);
        e.referrer = str_of(cases[i].referrer);
        e.utm_source = str_of(cases[i].source);
        e.utm_medium = str_of(cases[i].medium);
        e.utm_campaign = str_of(cases[i].campaign);
        channel_settle(&e, &a);
        if (!str_is(e.channel, cases[i].channel))
            fail_msg("%s from %s (%s, %s, %s): %.*s", cases[i].url, cases[i].referrer,
                     cases[i].source, cases[i].medium, cases[i].campaign, STR_ARGS(e.channel));
    }
    arena_fini(&a);
}

static void campaigns_are_read_from_addresses(void **state)
{
    struct arena a = {0};
    struct event e =
        event_of("https://shop.example/p?utm_source=News+Letter&utm_medium=e%2Dmail&"
                 "utm_campaign=50%25+off%21&utm_term=t%C3%A9&utm_content=&utm_source=b#"
                 "utm_content=c",
                 "", &a);
    (void)state;
    assert_true(str_is(e.utm_source, "News Letter") && str_is(e.utm_medium, "e-mail"));
    assert_true(str_is(e.utm_campaign, "50% off!") && str_is(e.utm_term, "t\xc3\xa9"));
    assert_true(e.utm_content.len == 0 && str_is(e.channel, "email"));
    e = event_of(
        "https://shop.example/?utm_source=%FF&utm_medium=%00&utm_campaign=%zz%4&utm_term=%", "",
        &a);
    assert_true(e.utm_source.len == 0 && e.utm_medium.len == 0);
    assert_true(str_is(e.utm_campaign, "%zz%4") && str_is(e.utm_term, "%"));
    event_init(&e);
    e.url = STR("https://shop.example/?utm_source=a&utm_medium=b");
    e.utm_term = STR("own");
    channel_settle(&e, &a);
    assert_true(e.utm_source.len == 0 && str_is(e.utm_term, "own") &&
                str_is(e.channel, "direct"));
    arena_fini(&a);
}

static void referrers_have_domains(void **state)
{
    static const struct {
        const char *referrer, *domain;
    } rows[] = {
        {"https://www.Blog.Example.org:8443/a?b", "blog.example.org"},
        {"https://user:pass@blog.example.org", "blog.example.org"},
        {"android-app://com.App.x/https/shop.example", "com.app.x"},
        {"https://xn--bcher-kva.example/", "xn--bcher-kva.example"},
        {"https://b\xc3\xbc"
         "cher.example/",
         "b\xc3\xbc"
         "cher.example"},
        {"https://[2001:DB8::1]:80/", "[2001:db8::1]"},
        {"http://192.0.2.7/", "192.0.2.7"},
        {"https://notshop.example/", "notshop.example"},
        {"https://www.shop.example/other", ""},
        {"https://pay.shop.example/", ""},
        {"HTTPS://SHOP.EXAMPLE", ""},
        {"https://not a host/", ""},
        {"/c", ""},
        {"-", ""},
        {"", ""},
    };
    struct arena a = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct event e = event_of(SHOP, rows[i].referrer, &a);
        if (!str_is(e.referrer_domain, rows[i].domain))
            fail_msg("%s: %.*s", rows[i].referrer, STR_ARGS(e.referrer_domain));
        e = event_of("", rows[i].referrer, &a);
        assert_true(e.referrer_domain.len >= strlen(rows[i].domain));
    }
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_are_told_apart),
        cmocka_unit_test(campaigns_are_read_from_addresses),
        cmocka_unit_test(referrers_have_domains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
