/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, browsers and systems of user agents that are about. */
#include "collector/user_agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

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

static const struct {
    const char *word, *kind;
} bots[] = {
#define BOT(word, kind, name) {word, #kind},
#include "schemas/bots.def"
#undef BOT
};

static void bots_of_the_table_are_marked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bots); i++) {
        char first[96], within[96];
        (void)snprintf(first, sizeof first, "%s/1.0 (+https://example.com/)", bots[i].word);
        (void)snprintf(within, sizeof within, "Mozilla/5.0 (compatible; %s/1.0)", bots[i].word);
        bool is_headless = strcmp(bots[i].kind, "headless") == 0;
        bool is_library = strcmp(bots[i].kind, "library") == 0;
        uint64_t mark = is_headless ? AGENT_MARK_HEADLESS : AGENT_MARK_BOT;
        struct user_agent one = user_agent_read(str_of(first));
        struct user_agent other = user_agent_read(str_of(within));
        if (one.marks != mark || !str_is(one.device, "bot") ||
            other.marks != (is_library ? 0 : mark))
            fail_msg("%s: %d, %d", bots[i].word, (int)one.marks, (int)other.marks);
    }
}

static void marks_are_told(void **state)
{
    static const struct {
        const char *text;
        uint64_t marks;
    } told[] = {
        {"Mozilla/5.0 (X11; Linux x86_64) " KHTML "HeadlessChrome/124.0.0.0 Safari/537.36", 2},
        {"Mozilla/5.0 (compatible; SomeNewBot/2.1)", 1},
        {"Mozilla/5.0 (compatible; a-crawler; +https://a.example)", 1},
        {"HeadlessChrome/99 Googlebot/2.1", 3},
        {"okhttp/4.12.0", 0},
        {"Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A)", 0},
        {"Shop/3 CFNetwork/1490.0.4 Darwin/23.2.0", 0},
        {"Dart/3.2 (dart:io)", 0},
        {"Mozilla/5.0 (X11; Linux x86_64) " KHTML
         "Code/1.85 Chrome/118 Electron/25.9 Safari/537.36",
         0},
        {"NokiaC3-00/5.0 (07.20) Profile/MIDP-2.1 Configuration/CLDC-1.1 Java/1", 0},
        {"Mozilla/5.0 (Linux; Android 9; CUBOT X19) " KHTML "Chrome/90.0 Mobile Safari/537.36",
         0},
        {"", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        if (user_agent_read(str_of(told[i].text)).marks != told[i].marks)
            fail_msg("%s", told[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agents_are_told_apart),
        cmocka_unit_test(bots_of_the_table_are_marked),
        cmocka_unit_test(marks_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
