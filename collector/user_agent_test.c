/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, browsers and systems of user agents that are about. */
#include "collector/user_agent.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KHTML "AppleWebKit/537.36 (KHTML, like Gecko) "
#define APPLE "AppleWebKit/605.1.15 (KHTML, like Gecko) "

static const struct {
    const char *text, *device, *browser, *os;
} cases[] = {
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " KHTML "Chrome/124.0.0.0 Safari/537.36",
     "desktop", "Chrome", "Windows"},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " KHTML
     "Chrome/124.0.0.0 Safari/537.36 Edg/124.0.0.0",
     "desktop", "Edge", "Windows"},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " KHTML
     "Chrome/123.0.0.0 Safari/537.36 OPR/109.0.0.0",
     "desktop", "Opera", "Windows"},
    {"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "desktop",
     "Internet Explorer", "Windows"},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " APPLE "Version/17.4 Safari/605.1.15",
     "desktop", "Safari", "macOS"},
    {"Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0", "desktop",
     "Firefox", "Linux"},
    {"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " KHTML "Chrome/124.0.0.0 Safari/537.36",
     "desktop", "Chrome", "ChromeOS"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) " APPLE
     "Version/17.4 Mobile/15E148 Safari/604.1",
     "mobile", "Safari", "iOS"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) " APPLE
     "CriOS/124.0.6367.71 Mobile/15E148 Safari/604.1",
     "mobile", "Chrome", "iOS"},
    {"Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) " APPLE
     "Version/17.4 Mobile/15E148 Safari/604.1",
     "tablet", "Safari", "iOS"},
    {"Mozilla/5.0 (Linux; Android 14; Pixel 8) " KHTML "Chrome/124.0.0.0 Mobile Safari/537.36",
     "mobile", "Chrome", "Android"},
    {"Mozilla/5.0 (Linux; Android 13; SM-S911B) " KHTML
     "SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36",
     "mobile", "Samsung Internet", "Android"},
    {"Mozilla/5.0 (Linux; Android 13; SM-X710) " KHTML "Chrome/124.0.0.0 Safari/537.36",
     "tablet", "Chrome", "Android"},
    {"Mozilla/5.0 (Android 14; Mobile; rv:125.0) Gecko/125.0 Firefox/125.0", "mobile",
     "Firefox", "Android"},
    {"Mozilla/5.0 (Android 14; Tablet; rv:125.0) Gecko/125.0 Firefox/125.0", "tablet",
     "Firefox", "Android"},
    {"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) " APPLE "Version/13.0 Safari/605.1.15",
     "other", "Safari", "PlayStation"},
    {"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot",
     "Googlebot", ""},
    {"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) " KHTML
     "Chrome/124.0.0.0 Mobile Safari/537.36 (compatible; bingbot/2.0)",
     "bot", "bingbot", "Android"},
    {"Mozilla/5.0 (compatible; YandexBot/3.0)", "bot", "YandexBot", ""},
    {"Mozilla/5.0 (compatible; Baiduspider/2.0)", "bot", "Baiduspider", ""},
    {"facebookexternalhit/1.1", "bot", "facebookexternalhit", ""},
    {"Mozilla/5.0 (X11; Linux x86_64) " KHTML "HeadlessChrome/124.0.0.0 Safari/537.36", "bot",
     "Chrome", "Linux"},
    {"curl/8.5.0", "bot", "curl", ""},
    {"python-requests/2.31.0", "bot", "python-requests", ""},
    {"Mozilla/5.0 (Linux; Android 9; CUBOT X19) " KHTML "Chrome/90.0 Mobile Safari/537.36",
     "mobile", "Chrome", "Android"},
    {"something else", "other", "", ""},
    {"((((;;;;", "other", "", ""},
    {"", "", "", ""},
};

static void agents_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct user_agent ua = user_agent_read(str_of(cases[i].text));
        if (!str_is(ua.device, cases[i].device) || !str_is(ua.browser, cases[i].browser) ||
            !str_is(ua.os, cases[i].os))
            fail_msg("%s: %.*s, %.*s, %.*s", cases[i].text, STR_ARGS(ua.device),
                     STR_ARGS(ua.browser), STR_ARGS(ua.os));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agents_are_told_apart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
